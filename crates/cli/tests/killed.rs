//! A server that is killed at any moment, again and again, under clients that write: what was acknowledged is there, and of what
//! was not, all or nothing. `VERDICT_LONG=1` kills it 200 times.

mod running;

use running::{PATIENCE, Running};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};

const WRITERS: usize = 8;

fn rounds() -> u64 {
    if std::env::var_os("VERDICT_LONG").is_some_and(|long| long == "1") { 200 } else { 10 }
}

/// What is done to a kind of route until its server is killed, and what must be found after that.
trait Durable: Sync {
    /// The route's part of the config.
    fn route(&self) -> &str;

    /// The `n`th change of one writer. An error: the server is gone, before or after it was done.
    fn change(&self, client: &mut Client, writer: usize, n: u64) -> io::Result<()>;

    /// Looks whether everything is as it must be, once the server is there again. `folder` has the config.
    fn check(&self, client: &mut Client, folder: &Path);
}

/// A connection.
struct Client(BufReader<TcpStream>);

struct Answer {
    status: u16,
    fields: Vec<(String, String)>,
    content: Vec<u8>,
}

impl Client {
    fn to(address: SocketAddr) -> io::Result<Client> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Client(BufReader::new(stream)))
    }

    fn ask(&mut self, method: &str, target: &str, content: &str) -> io::Result<Answer> {
        self.ask_with(method, target, content.len(), content)
    }

    /// With a length that need not be that of the content.
    fn ask_with(&mut self, method: &str, target: &str, length: usize, content: &str) -> io::Result<Answer> {
        let message = format!(
            "{method} {target} HTTP/1.1\r\nHost: killed.test\r\nAccept: application/json\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{content}"
        );
        self.0.get_mut().write_all(message.as_bytes())?;
        let status = self.line()?.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut fields = Vec::new();
        loop {
            let line = self.line()?;
            match line.split_once(": ") {
                Some((name, value)) => fields.push((name.to_ascii_lowercase(), value.to_owned())),
                None if line.is_empty() => break,
                None => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
        let mut answer = Answer { status: status.expect("a status"), fields, content: Vec::new() };
        let length = answer.field("content-length").and_then(|length| length.parse().ok());
        answer.content.resize(length.unwrap_or(0), 0);
        self.0.read_exact(&mut answer.content)?;
        Ok(answer)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        match line.strip_suffix("\r\n") {
            Some(line) => Ok(line.to_owned()),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl Answer {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }
}

/// What may be at a path: the first was acknowledged, and those after it were asked for.
type Expected = Vec<Option<String>>;

/// By name.
#[derive(Default)]
struct AllExpected(Mutex<BTreeMap<String, Expected>>);

impl AllExpected {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Expected>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something that is one writer's is put or deleted, and it is known before that it may be.
    fn change(&self, client: &mut Client, folder: &str, name: &str, wanted: Option<String>) -> io::Result<()> {
        let change = |change: &dyn Fn(&mut Expected)| {
            change(self.lock().entry(name.to_owned()).or_insert_with(|| vec![None]));
        };
        change(&|expected| expected.push(wanted.clone()));
        let method = if wanted.is_some() { "PUT" } else { "DELETE" };
        let answer = client.ask(method, &format!("{folder}/{name}"), wanted.as_deref().unwrap_or_default())?;
        assert!(matches!(answer.status, 200 | 201 | 204 | 404 | 410), "{method}: {}", answer.status);
        change(&|expected| *expected = vec![wanted.clone()]);
        Ok(())
    }

    /// Looks at each, and takes what is there for what is to be there next time.
    fn check(&self, client: &mut Client, folder: &str) {
        for (name, expected) in self.lock().iter_mut() {
            let answer = client.ask("GET", &format!("{folder}/{name}"), "").expect("an answer");
            let found = match answer.status {
                200 => Some(String::from_utf8(answer.content).expect("UTF-8")),
                404 | 410 => None,
                status => panic!("{name}: {status}"),
            };
            assert!(expected.contains(&found), "{name} is {found:?}, and was to be one of {expected:?}");
            *expected = vec![found];
        }
    }
}

/// Documents that are put, replaced, deleted and posted.
#[derive(Default)]
struct Documents(AllExpected);

/// A document of which it can be told whether it is whole.
fn document(writer: usize, n: u64) -> String {
    format!("{{\"writer\":{writer},\"n\":{n},\"x\":\"{}\"}}", "x".repeat(filling(n)))
}

fn filling(n: u64) -> usize {
    (n * 977 % 6000) as usize
}

impl Durable for Documents {
    fn route(&self) -> &str {
        "[route.\"/kept/{id}\"]\ndocuments = { index = [\"/writer\"], quota = \"1GiB\" }\n"
    }

    fn change(&self, client: &mut Client, writer: usize, n: u64) -> io::Result<()> {
        let content = document(writer, n);
        if n % 11 == 10 {
            let answer = client.ask("POST", "/kept", &content)?;
            assert_eq!(answer.status, 201);
            let id = answer.field("location").and_then(|location| location.strip_prefix("/kept/")).expect("a place");
            self.0.lock().insert(id.to_owned(), vec![Some(content)]);
            return Ok(());
        }
        // Each document is one writer's, who asks for one thing after the other.
        let wanted = (n % 5 != 4).then_some(content);
        self.0.change(client, "/kept", &format!("{writer}-{}", n % 7), wanted)
    }

    fn check(&self, client: &mut Client, _folder: &Path) {
        self.0.check(client, "/kept");
        let mut put = self.0.lock();
        let mut target = "/kept?_limit=100".to_owned();
        loop {
            let answer = client.ask("GET", &target, "").expect("an answer");
            assert_eq!(answer.status, 200);
            let page: Value = serde_json::from_slice(&answer.content).expect("JSON");
            for entry in page["documents"].as_array().expect("a list") {
                let (kept, id) = (&entry["document"], entry["id"].as_str().expect("an id"));
                let filled = kept["x"].as_str().expect("a text").len();
                assert_eq!(filled, filling(kept["n"].as_u64().expect("a number")), "{id} is whole");
                // A POST that was not acknowledged, and was done.
                put.entry(id.to_owned()).or_insert_with(|| {
                    let writer = kept["writer"].as_u64().expect("a number") as usize;
                    vec![Some(document(writer, kept["n"].as_u64().expect("a number")))]
                });
            }
            let next = answer.field("link").and_then(|link| link.strip_prefix('<')?.strip_suffix(">; rel=\"next\""));
            match next {
                Some(next) => next.clone_into(&mut target),
                None => break,
            }
        }
    }
}

/// Files that are put, replaced and deleted.
#[derive(Default)]
struct Files(AllExpected);

/// Beneath the config's folder.
const FILES: &str = "files";

impl Durable for Files {
    fn route(&self) -> &str {
        "[route.\"/up/{path...}\"]\nfiles = \"files\"\nupload = { quota = \"1MiB\", create-folders = true }\n"
    }

    fn change(&self, client: &mut Client, writer: usize, n: u64) -> io::Result<()> {
        let wanted = (n % 5 != 4).then(|| document(writer, n));
        let folder = if n.is_multiple_of(2) { "" } else { "in/" };
        self.0.change(client, "/up", &format!("{folder}{writer}-{}", n % 7), wanted)
    }

    fn check(&self, client: &mut Client, folder: &Path) {
        self.0.check(client, "/up");
        let mut bytes = 0;
        let folders = [folder.join(FILES), folder.join(FILES).join("in")];
        for file in folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten() {
            let (name, metadata) = (file.file_name(), file.metadata().expect("what is there"));
            let name = name.to_string_lossy();
            assert!(!name.starts_with('.'), "{name} was not whole, and is there after a start");
            bytes += if metadata.is_file() { metadata.len() } else { 0 };
        }
        // Who wants more than there is room for is told what is used.
        let refused = client.ask_with("PUT", "/up/large", 2 << 20, "").expect("an answer");
        let problem: Value = serde_json::from_slice(&refused.content).expect("JSON");
        assert_eq!((refused.status, problem["used"].as_u64()), (507, Some(bytes)), "{problem}");
    }
}

/// Jobs that are posted, and the target that does them.
struct Jobs {
    route: String,
    /// The ids of those that were acknowledged, and of those that the target has done.
    acknowledged: Mutex<BTreeSet<String>>,
    done: Arc<Mutex<BTreeSet<String>>>,
}

impl Jobs {
    fn start() -> Jobs {
        let target = TcpListener::bind("127.0.0.1:0").expect("a port");
        let to = target.local_addr().expect("its address");
        let done = Arc::new(Mutex::new(BTreeSet::new()));
        let noted = done.clone();
        thread::spawn(move || {
            for stream in target.incoming().flatten() {
                // Who asks may be killed at any byte.
                let _ = do_job(stream, &noted);
            }
        });
        let route = format!("[route.\"/jobs\"]\njobs = {{ to = \"http://{to}/\", queue = 100000 }}\n");
        Jobs { route, acknowledged: Mutex::default(), done }
    }
}

fn do_job(stream: TcpStream, done: &Mutex<BTreeSet<String>>) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    let mut reader = BufReader::new(stream);
    let (mut id, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("Idempotency-Key") => value.clone_into(&mut id),
            Some((name, value)) if name.eq_ignore_ascii_case("Content-Length") => length = value.parse().unwrap_or(0),
            Some(_) => {}
            None if line == "\r\n" => break,
            None if line.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
            None => {}
        }
    }
    reader.read_exact(&mut vec![0; length])?;
    done.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
    reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
}

impl Durable for Jobs {
    fn route(&self) -> &str {
        &self.route
    }

    fn change(&self, client: &mut Client, writer: usize, n: u64) -> io::Result<()> {
        let answer = client.ask("POST", "/jobs", &document(writer, n))?;
        assert_eq!(answer.status, 202);
        let id = answer.field("location").and_then(|location| location.strip_prefix("/jobs/")).expect("a monitor");
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
        Ok(())
    }

    fn check(&self, client: &mut Client, _folder: &Path) {
        let acknowledged = self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = Instant::now();
        for id in acknowledged.iter() {
            // Nothing is left of it that could stand in its way: it is done now, whenever it was begun.
            while client.ask("GET", &format!("/jobs/{id}"), "").expect("an answer").status != 303 {
                assert!(begun.elapsed() < PATIENCE, "{id} was acknowledged, and is not done");
                thread::sleep(Duration::from_millis(10));
            }
        }
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        let undone: Vec<_> = acknowledged.difference(&done).collect();
        assert!(undone.is_empty(), "the target knows nothing of {undone:?}");
    }
}

/// Starts the server, has it checked, has everybody write, and kills it at some moment; again and again.
fn killed_again_and_again(kinds: &[&dyn Durable]) {
    let mut folder = tempfile::tempdir().expect("a folder");
    let routes: String = kinds.iter().map(|kind| kind.route()).collect();
    let top = "listen = \"http://127.0.0.1:0\"\nworkers = 2\nlog = \"off\"\nstate = \"state\"\n";
    fs::write(folder.path().join("verdict.toml"), format!("{top}{routes}")).expect("a config");
    fs::create_dir(folder.path().join(FILES)).expect("a folder");
    let mut done = 0;
    for round in 0..=rounds() {
        let mut server = Running::start(folder, "run");
        for kind in kinds {
            kind.check(&mut Client::to(server.address).expect("a connection"), server.folder.path());
        }
        let checked = Command::new(env!("CARGO_BIN_EXE_verdict"))
            .args(["store", "check"])
            .current_dir(server.folder.path())
            .output()
            .expect("the command starts");
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
        if round == rounds() {
            assert!(done > 10 * rounds(), "only {done} changes were acknowledged in all");
            return;
        }
        let address = server.address;
        done += thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    scope.spawn(move || {
                        // It may be killed as early as that.
                        let Ok(mut client) = Client::to(address) else { return 0 };
                        let changes = (round * 1_000_000..)
                            .take_while(|n| kinds.iter().all(|kind| kind.change(&mut client, writer, *n).is_ok()));
                        changes.count() as u64
                    })
                })
                .collect();
            // The clock's last digits are nobody's choice.
            let moment = UNIX_EPOCH.elapsed().map_or(0, |now| now.subsec_nanos());
            thread::sleep(Duration::from_millis(50) + Duration::from_micros(u64::from(moment / 100 % 300_000)));
            server.child.kill().expect("it is killed");
            server.child.wait().expect("it is gone");
            writers.into_iter().map(|writer| writer.join().expect("it was as it was to be")).sum::<u64>()
        });
        folder = std::mem::replace(&mut server.folder, tempfile::tempdir().expect("a folder"));
    }
}

#[test]
fn what_was_acknowledged_is_there_after_each_kill() {
    killed_again_and_again(&[&Documents::default(), &Files::default(), &Jobs::start()]);
}

/// The files of a folder, hidden ones too.
fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).expect("a folder").flatten();
    names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn an_upload_that_was_cut_off_waits_for_its_route_to_be_there_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let state =
        "listen = \"http://127.0.0.1:0\"\nlog = \"off\"\nstate = \"state\"\n[route.\"/notes/{id}\"]\ndocuments = {}\n";
    let uploads = "[route.\"/up/{path...}\"]\nfiles = { root = \"up\" }\nupload = {}\n";
    fs::create_dir(folder.path().join("up")).expect("a folder");
    let config = |folder: &Path, text: String| fs::write(folder.join("verdict.toml"), text).expect("a config");
    config(folder.path(), format!("{state}{uploads}"));
    let mut server = Running::start(folder, "run");
    let mut client = TcpStream::connect(server.address).expect("a connection");
    let put = "PUT /up/a HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nthe beginning";
    client.write_all(put.as_bytes()).expect("it is sent");
    let up = server.folder.path().join("up");
    running::wait_for("a file that is being written", || !files(&up).is_empty());
    let temporary = files(&up);
    for (text, left) in [(state.to_owned(), temporary), (format!("{state}{uploads}"), Vec::new())] {
        server.child.kill().expect("it is killed");
        server.child.wait().expect("it is gone");
        let folder = std::mem::replace(&mut server.folder, tempfile::tempdir().expect("a folder"));
        config(folder.path(), text);
        server = Running::start(folder, "run");
        assert_eq!(files(&server.folder.path().join("up")), left);
    }
}
