//! The server that is asked: a config with every kind of route, and what it needs.

use crate::running::Running;
use crate::upstream;
use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

pub(crate) const TOKENS: [(&str, &str); 2] =
    [("ann", "a-token-that-is-one-of-ann"), ("bob", "a-token-that-is-one-of-bob")];

pub(crate) const EVERY_KIND: &str = r#"
listen = ["http://127.0.0.1:0"]
state = "./state"
log = "off"
workers = 2
h2c-upgrade = true
[limits]
target = "256B"
fields = "4KiB"
body = "1KiB"
[auth.staff]
tokens = "tokens.txt"

[route."/{path...}"]
files = { root = "public", cache = "1h" }
pages = { 404 = "404.html", 405 = "405.html" }
[route."/list/{path...}"]
files = { root = "public/folder", listing = true }
[route."/spa/{path...}"]
files = { root = "public", fallback = "/page.txt" }
[route."/sized/{path...}"]
files = "public"
limits = { length = "required" }
[route."/short/{path...}"]
files = "public"
limits = { target = "32B", fields = "96B", body = "4B" }
[route."/hinted/{path...}"]
files = "public"
hints = ["</a.css>; rel=preload; as=style"]
hints-to = "all"
[route."/up/{path...}"]
files = "uploads"
upload = { quota = "64KiB", types = ["text/plain"], create-folders = true }
[route."/deep/{path...}"]
files = "deep"
upload = { quota = "2KiB" }
limits = { length = "required" }

[route."/old/{path...}"]
redirect = { to = "/{path}", status = 308 }
[route."/301"]
redirect = { to = "/page.txt", status = 301 }
[route."/302"]
redirect = { to = "/page.txt", status = 302 }
[route."/303"]
redirect = { to = "/page.txt", status = 303 }
[route."/307"]
redirect = "/page.txt"

[route."/fixed"]
respond = { status = 200, body = "fixed" }
[route."a.test/fixed"]
respond = { status = 201, body = "made", headers = { Location = "/made/1" } }
[route."/closed/{x}"]
respond = { status = 410, body = "{}", type = "application/json" }
[route."/paid"]
respond = { status = 402, body = "This costs something." }
[route."/unknown"]
respond = { status = 401, headers = { "WWW-Authenticate" = "Basic realm=\"a\"" } }
[route."/method"]
respond = { status = 405, headers = { Allow = "GET, HEAD" } }
[route."/upgrade"]
respond = { status = 426, headers = { Upgrade = "websocket" } }
[route."/pause"]
respond = { status = 503, headers = { Retry-After = "120" } }
[route."/empty"]
respond = { status = 204 }

[route."/api"]
respond = { status = 200, body = "api" }
rate = { rate = "50/s per client", burst = 5 }
concurrency = { max = 1 }
cors = { origins = ["https://a.example"], credentials = true }
limits = { types = ["application/json"] }
[route."/field"]
respond = { status = 200, body = "by field" }
rate = "1/min per field:X-Key"
[route."/team/{path...}"]
files = "public"
auth = "staff"
allow = { read = ["*"], write = ["scope:write"] }
rate = "1000/s per user"
[route."/secret/{path...}"]
files = "public"
auth = "staff"
allow = ["bob"]
hide = true
[route."h.test/{path...}"]
respond = { status = 200 }
auth = "none"
rate = "1/h per client"
cors = { origins = ["https://a.example"] }
[route."h.test/secret/{path...}"]
files = "public"
auth = "staff"
allow = ["bob"]
hide = true
[route."/shop"]
respond = { status = 200 }
maintenance = { until = 2100-01-01T00:00:00Z }

[route."/notes/{id}"]
documents = { schema = "note.schema.json", unique = ["/title"], index = ["/priority"], if-match = "required", keep-deleted = "1d", quota = "64KiB" }
[route."/rows/{id}"]
documents = { version = "/rev" }
[route."/mine/{id}"]
documents = { quota = "600B" }
auth = "staff"

[route."/render"]
jobs = { to = "http://ANYTHING/jobs/200", queue = 20, keep = "1s" }
[route."/failing"]
jobs = { to = "http://ANYTHING/jobs/404", workers = 1, retries = 0 }
[route."/hurried"]
jobs = { to = "http://ANYTHING/jobs/303", mode = "preferred" }
timeout = { total = "2s" }

[route."/app/{path...}"]
proxy = "http://ANYTHING"
[route."/kept/{path...}"]
proxy = { to = "http://ANYTHING", intercept = [404, 405, 503] }
pages = { 404 = "404.html" }
[route."/broken/{path...}"]
proxy = "http://BADLY"
[route."/chat"]
proxy = { to = "http://ANYTHING", upgrade = "websocket" }
[route."/guarded/{path...}"]
proxy = "http://ANYTHING"
auth = "staff"
rate = "1000/s per client"
"#;

const SCHEMA: &str = r#"{
    "type": "object", "required": ["title"],
    "properties": { "title": { "type": "string" }, "priority": { "type": "integer" } }
}"#;

pub(crate) struct Site(Running);

impl Site {
    /// Starts it, with that much told of why.
    pub(crate) fn start(config: &str, explain: &str) -> Site {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, content: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(&path, content).expect("a file");
            // A file that is younger than a tick of the clock has a weak tag, for a while.
            let file = File::options().write(true).open(path).expect("a file");
            file.set_modified(SystemTime::now() - Duration::from_secs(3600)).expect("it is set");
        };
        write("public/page.txt", "abcdefghij");
        write("public/.hidden", "dot");
        write("public/folder/page.txt", "in a folder");
        write("public/long.txt", &"l".repeat(1000));
        write("uploads/there.txt", "there");
        write("deep/there.txt", "there");
        write("404.html", "<p>nothing here</p>");
        write("405.html", "<p>not so</p>");
        write("note.schema.json", SCHEMA);
        write("tokens.txt", &TOKENS.map(|(name, token)| hashed(name, token)).concat());
        let config = config
            .replace("ANYTHING", &upstream::start(upstream::anything).to_string())
            .replace("BADLY", &upstream::start(upstream::badly).to_string());
        write("verdict.toml", &format!("explain = \"{explain}\"\n{config}"));
        Site(Running::start(folder, "run"))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.folder.path()
    }
}

/// A line of a file of tokens. Only bob may write.
fn hashed(name: &str, token: &str) -> String {
    let scope = if name == "bob" { "write" } else { "read" };
    let mut hash = Command::new(env!("CARGO_BIN_EXE_verdict"));
    hash.args(["hash-token", name, "--scope", scope, "--stdin"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut hash = hash.spawn().expect("the command starts");
    hash.stdin.take().expect("it is piped").write_all(token.as_bytes()).expect("it reads");
    String::from_utf8(hash.wait_with_output().expect("it ends").stdout).expect("UTF-8")
}
