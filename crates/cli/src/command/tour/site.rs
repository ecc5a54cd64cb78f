//! The server of the tour: its files, its config, and how long it is there.

use super::certificate::Certificate;
use super::client::Reached;
use super::stops::STOPS;
use super::upstreams::{self, Upstreams};
use super::{client, text};
use crate::command::Failure;
use crate::start;
use ring::error::Unspecified;
use ring::rand::{SecureRandom, SystemRandom};
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use verdict_server::Server;
use verdict_server::config::{self, Config};
use verdict_server::console::{self, Visited};
use verdict_server::maintenance::Until;
use verdict_server::outgoing::Trust;

/// Who may read at `/desk`, and who may write; the tokens are in [`super::stops`].
const TOKENS: &str = "reader:00cd4092ead58fb6219cdd8d0dd3b6c41ff1bbf559f7893ac4ca5ba365fa20d9:read\n\
                      writer:22ef5ab957fa0d5f4e588b4e3b9e5d16b8c864ab2972c343d3d5d9ced9a9d41e:write\n";

const SCHEMA: &str =
    r#"{ "type": "object", "required": ["title"], "properties": { "title": { "type": "string", "minLength": 1 } } }"#;

/// What a browser begins with. Its form and its links are for seeing what a browser does with 303, 301 and 304.
const PAGE: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>The tour</title>
<link rel="stylesheet" href="/app.css">
<h1>The tour</h1>
<form method="post" action="/notes">
  <label>Title <input name="title" required></label>
  <button>Write it down</button>
</form>
<p><a href="/index.html">A page that has moved</a> · <a href="/hello.txt">A text</a></p>
"#;

/// What is served, until it is dropped: then nothing of it is left.
pub(super) struct Tour {
    pub(super) at: Reached,
    /// The page of its console, with the token that opens it.
    pub(super) page: String,
    folder: TempDir,
    config: Option<Config>,
    _upstreams: Upstreams,
}

impl Tour {
    /// Makes the folder, starts the applications and reads the config.
    pub(super) fn prepare([plain, secure, console]: [SocketAddr; 3]) -> Result<Tour, Failure> {
        let unmade = |error: std::io::Error| Failure::Wrong(format!("the tour's folder cannot be made: {error}"));
        let unforeseen = |_| Failure::Wrong("the system gives no random numbers".to_owned());
        let (token, issued) = (token().map_err(unforeseen)?, Certificate::make().map_err(unforeseen)?);
        // A key and a token are in it.
        let owner_alone = fs::Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().prefix("verdict-tour-").permissions(owner_alone).tempdir();
        let folder = folder.map_err(unmade)?;
        let write = |name: &str, text: &[u8]| fs::write(folder.path().join(name), text).map_err(unmade);
        fs::create_dir_all(folder.path().join("site/docs")).map_err(unmade)?;
        write("tokens.txt", TOKENS.as_bytes())?;
        write("note.schema.json", SCHEMA.as_bytes())?;
        write("certificate.pem", issued.certificate.as_bytes())?;
        write("key.pem", issued.key.as_bytes())?;
        fs::set_permissions(folder.path().join("key.pem"), fs::Permissions::from_mode(0o600)).map_err(unmade)?;
        write("site/index.html", PAGE.as_bytes())?;
        write("site/app.css", b"h1 { font-family: sans-serif }\n")?;
        write("site/hello.txt", b"Hello.\n")?;
        write("site/docs/index.html", b"<h1>Documents</h1>\n")?;
        let film: Vec<u8> = (0..100_000_u32).map(|i| b'a' + (i % 26) as u8).collect();
        write("site/film.bin", &film)?;
        let upstreams =
            upstreams::start().map_err(|error| Failure::Wrong(format!("no application could be started: {error}")))?;
        let text = config([plain, secure], (console, &token), &upstreams);
        // For whoever wants to read it, or to ask `verdict routes` and `verdict openapi` about it.
        write("tour.toml", text.as_bytes())?;
        let config = Config::parse(&text, "tour.toml", folder.path())?;
        let certificate = folder.path().join("certificate.pem");
        let trust = Trust::read(&certificate).map_err(Failure::Wrong)?;
        let at = Reached { plain, secure, certificate, trust };
        let page = format!("http://{console}/#token={token}&tour");
        Ok(Tour { at, page, folder, config: Some(config), _upstreams: upstreams })
    }

    /// The operator's side of it.
    pub(super) fn console(&self) -> config::Console {
        config::Console::of_state(&self.state())
    }

    /// Room for what a client keeps.
    pub(super) fn scratch(&self) -> &Path {
        self.folder.path()
    }

    fn state(&self) -> std::path::PathBuf {
        self.folder.path().join("state")
    }

    /// Is there for as long as somebody looks at it.
    pub(super) fn visit<T>(mut self, look: impl FnOnce(&Tour) -> Result<T, Failure>) -> Result<T, Failure> {
        let Some(config) = self.config.take() else { unreachable!("it is visited once") };
        let folder = self.folder.path().to_owned();
        verdict_server::on_interrupt(move || leave(&folder)).map_err(|error| Failure::Wrong(error.to_string()))?;
        let server = Server::start(config).map_err(|error| Failure::Wrong(error.to_string()))?;
        let looked = look(&self);
        let stopped = server.stop().map_err(|error| Failure::Wrong(error.to_string()));
        looked.and_then(|looked| stopped.map(|()| looked))
    }

    /// Stays until a signal ends it.
    pub(super) fn stay(mut self) -> Result<(), Failure> {
        let Some(mut config) = self.config.take() else { unreachable!("it is visited once") };
        if let Some(console) = &mut config.console {
            console.tour = Some(buttons(&self.at));
        }
        start::start(config, None, |_| text::guide(&self))
    }
}

/// What the page of the console can make happen.
fn buttons(at: &Reached) -> console::Tour {
    let stops = STOPS.iter().map(|stop| console::Stop {
        code: stop.code,
        circumstance: stop.circumstance.to_owned(),
        line: text::curl(stop, at),
    });
    let at = at.clone();
    console::Tour::new(stops.collect(), move |code| {
        let Some(stop) = STOPS.iter().find(|stop| stop.code == code) else { return Visited::default() };
        let visited = client::visit(stop, &at);
        Visited { id: visited.id().map(str::to_owned), misses: visited.misses }
    })
}

/// What nobody guesses.
fn token() -> Result<String, Unspecified> {
    let mut random = [0; 16];
    SystemRandom::new().fill(&mut random)?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Ends the process, interrupted, and leaves nothing.
fn leave(folder: &Path) {
    // The server may be about to write there.
    for _ in 0..100 {
        if fs::remove_dir_all(folder).is_ok() || !folder.exists() {
            break;
        }
    }
    // As a shell has it of SIGINT.
    std::process::exit(130)
}

/// For how many seconds a route is closed that opens by itself.
const SOON: i64 = 2;

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    i64::try_from(since).unwrap_or(0)
}

/// The config. Its times are short, since somebody waits.
fn config([address, secure]: [SocketAddr; 2], (console, token): (SocketAddr, &str), upstreams: &Upstreams) -> String {
    let Upstreams { fine, garbage, slow, broken, breaking } = upstreams;
    let soon = Until::Unix(now() + SOON);
    format!(
        r#"# What `verdict tour` runs.
listen  = ["http://{address}", "https://{secure}"]
tls     = {{ certificate = "certificate.pem", key = "key.pem" }}
state   = "./state"
console = {{ listen = "{console}", token = "{token}" }}
explain = "header"                 # the reason goes with every answer
log     = "off"
workers = 1

[limits]
head   = "500ms"
fields = "8KiB"

[auth.staff]
tokens = "tokens.txt"

[route."/{{path...}}"]
files = "./site"

[route."/index.html"]
redirect = {{ to = "/", status = 301 }}

[route."/welcome/{{path...}}"]
files = "./site"
hints = ["</app.css>; rel=preload; as=style"]

[route."/today"]
redirect = {{ to = "/hello.txt", status = 302 }}

[route."/api/v1/{{path...}}"]
redirect = {{ to = "/api/v2/{{path}}", status = 307 }}

[route."/api/v2/{{path...}}"]
proxy = "{fine}"

[route."/notes/{{id}}"]
documents = {{ schema = "note.schema.json", unique = ["/title"], if-match = "required" }}
limits    = {{ body = "4KiB", length = "required" }}

[route."/full/{{id}}"]
documents = {{ quota = "100B" }}

[route."/render"]
jobs = {{ to = "{fine}/render" }}

[route."/desk/{{id}}"]
documents = {{}}
auth      = "staff"
allow     = {{ read = ["*"], write = ["scope:write"] }}

[route."/limited"]
proxy = "{fine}"
rate  = "2/min per client"

[route."/closed"]
proxy       = "{fine}"
maintenance = {{ until = 2100-01-01T00:00:00Z }}

[route."/chat"]
proxy = {{ to = "{fine}", upgrade = "websocket" }}

[route."/broken"]
proxy = "{broken}"

[route."/garbage"]
proxy = "{garbage}"

[route."/slow"]
proxy   = "{slow}"
timeout = {{ first-byte = "300ms" }}

[route."/breaking"]
proxy = "{breaking}"

[route."/soon"]
proxy       = "{fine}"
maintenance = {{ until = {soon} }}

[route."/patient"]
proxy = "{fine}"
rate  = {{ rate = "1/s", per = "client", burst = 1 }}

[route."/loop"]
proxy = "http://{address}"
"#
    )
}
