//! A server with a folder and a port of its own, for as long as a test lasts.

use crate::certificates::Issued;
use crate::client::{Answer, Client};
use std::fs::{self, File, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use verdict_server::Server;
use verdict_server::config::Config;

/// When every file of a site was last modified, and how `Last-Modified` says it.
pub(crate) const MODIFIED: Duration = Duration::from_secs(1_577_836_800);
pub(crate) const LAST_MODIFIED: &str = "Wed, 01 Jan 2020 00:00:00 GMT";

/// What a server is to be like, before it is started.
pub(crate) struct Plan {
    folder: TempDir,
    listen: String,
    top: String,
    limits: String,
    routes: String,
}

/// A running server.
pub(crate) struct Site {
    folder: TempDir,
    text: String,
    pub(crate) address: SocketAddr,
    server: Option<Server>,
}

impl Plan {
    /// A site without files, whose answers say their reason.
    pub(crate) fn new() -> Plan {
        let folder = tempfile::tempdir().expect("a folder");
        // The server may run as another user.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("its permissions");
        fs::create_dir(folder.path().join("public")).expect("a folder");
        let listen = "\"http://127.0.0.1:0\"".to_owned();
        let top = "log = \"off\"\n".to_owned();
        Plan { folder, listen, top, limits: String::new(), routes: String::new() }
    }

    /// Adds a file below `public`, last modified at [`MODIFIED`].
    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Plan {
        put(&self.public().join(name), content.as_ref());
        self
    }

    pub(crate) fn files<C: AsRef<[u8]>>(self, files: impl IntoIterator<Item = (&'static str, C)>) -> Plan {
        files.into_iter().fold(self, |plan, (name, content)| plan.file(name, content))
    }

    /// Has it listen elsewhere: the value of `listen`.
    pub(crate) fn listening(mut self, listen: &str) -> Plan {
        listen.clone_into(&mut self.listen);
        self
    }

    /// Has it speak TLS, with these certificates.
    pub(crate) fn secure(self, issued: &[Issued]) -> Plan {
        let pairs: Vec<_> =
            issued.iter().enumerate().map(|(i, issued)| issued.put(self.folder.path(), &i.to_string())).collect();
        let plan = self.top(&format!("tls.certificates = [{}]", pairs.join(", ")));
        plan.listening("\"https://127.0.0.1:0\"")
    }

    /// Adds lines to the top of the config.
    pub(crate) fn top(mut self, lines: &str) -> Plan {
        self.top += lines;
        self.top.push('\n');
        self
    }

    /// Adds lines to `[limits]`.
    pub(crate) fn limits(mut self, lines: &str) -> Plan {
        self.limits += lines;
        self.limits.push('\n');
        self
    }

    /// Adds a route: its pattern and the lines below it.
    pub(crate) fn route(mut self, pattern: &str, lines: &str) -> Plan {
        self.routes += &format!("[route.\"{pattern}\"]\n{lines}\n");
        self
    }

    pub(crate) fn public(&self) -> PathBuf {
        self.folder.path().join("public")
    }

    /// Starts the server, once its files are old enough to have tags that last.
    pub(crate) fn start(self) -> Site {
        let Plan { folder, listen, mut top, limits, routes } = self;
        for (key, line) in
            [("workers", "workers = 1\n"), ("explain", "explain = \"header\"\n"), ("drain", "drain = \"2s\"\n")]
        {
            if !top.contains(&format!("{key} =")) {
                top += line;
            }
        }
        let text = format!("listen = {listen}\n{top}[limits]\n{limits}{routes}");
        settle(&folder.path().join("public"));
        let config = parse(&text, folder.path());
        // A thread of its own: with `user` in the config it becomes that user, and the workers with it, and nobody else.
        let started = std::thread::spawn(move || Server::start(config)).join().expect("no panic");
        let server = started.unwrap_or_else(|error| panic!("{error}"));
        Site { folder, text, address: server.addresses()[0], server: Some(server) }
    }
}

impl Site {
    pub(crate) fn client(&self) -> Client {
        Client::to(self.address)
    }

    /// The answer to one request, on a connection of its own.
    pub(crate) fn ask(&self, request: impl AsRef<[u8]>) -> Answer {
        self.client().ask(request)
    }

    /// The answer to GET with those field lines, each ending in CRLF.
    pub(crate) fn get_with(&self, target: &str, fields: &str) -> Answer {
        self.ask(format!("GET {target} HTTP/1.1\r\nHost: site.test\r\n{fields}\r\n"))
    }

    pub(crate) fn get(&self, target: &str) -> Answer {
        self.get_with(target, "")
    }

    pub(crate) fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }

    /// Everywhere that it listens.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.server.as_ref().map_or_else(Vec::new, Server::addresses)
    }

    /// The folder of its config.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Has it take its config anew, changed.
    pub(crate) fn reload(&mut self, change: impl FnOnce(String) -> String) {
        self.text = change(std::mem::take(&mut self.text));
        let config = parse(&self.text, self.folder.path());
        if let Some(server) = &mut self.server {
            server.reload(config).unwrap_or_else(|error| panic!("{error}"));
        }
    }

    /// Stops the server, and starts another with the same config in the same folder, at another port.
    pub(crate) fn restart(&mut self) {
        self.stop();
        let server = Server::start(parse(&self.text, self.folder.path())).unwrap_or_else(|error| panic!("{error}"));
        self.address = server.addresses()[0];
        self.server = Some(server);
    }

    /// A path below `public`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("public").join(name)
    }

    /// Stops the server, which ends when its connections have, or their time is over.
    pub(crate) fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().expect("the workers end well");
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.stop();
        }
    }
}

fn parse(text: &str, folder: &Path) -> Config {
    Config::parse(text, "test.toml", folder).unwrap_or_else(|report| panic!("{report}\n{text}"))
}

/// Writes a file and its folders, last modified at [`MODIFIED`].
pub(crate) fn put(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
    fs::write(path, content).expect("a file");
    date(path);
}

/// Makes a file as old as the others.
pub(crate) fn date(path: &Path) {
    File::options().write(true).open(path).and_then(|file| file.set_modified(UNIX_EPOCH + MODIFIED)).expect("its time");
}

/// Waits until nothing below a folder was changed within the last tick of the kernel's clock: until then its tags are weak.
pub(crate) fn settle(folder: &Path) {
    const TICKS: Duration = Duration::from_millis(50);
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        let found = path.symlink_metadata().expect("an entry");
        let changed = UNIX_EPOCH + Duration::new(found.ctime() as u64, found.ctime_nsec() as u32);
        while SystemTime::now().duration_since(changed).is_ok_and(|age| age < TICKS) {
            std::thread::sleep(Duration::from_millis(5));
        }
        if found.is_dir() {
            settle(&path);
        }
    }
}
