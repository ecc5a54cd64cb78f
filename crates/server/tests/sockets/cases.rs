//! Cases that people can read, in `tests/cases/*.http`: a config, files, and requests with the answers that they get. Each is
//! answered over a socket and explained by a dry run, which must agree; and its answer is one that the list of what is
//! possible has.
//!
//! What follows `--- STATUS REASON: TITLE` is the request. Its lines are sent with CRLF; a head without content gets its empty
//! line. A `\` at the end of a line sends no CRLF. `\r`, `\n`, `\0`, `\xHH` are bytes, `{5*x}` is `xxxxx`, and `{etag PATH}`
//! the current tag of what is at that path.

mod read;

use crate::client::{Answer, Client};
use crate::site::{put, settle};
use read::{Case, File, Read};
use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use verdict_core::Reason;
use verdict_core::method::Method;
use verdict_server::Server;
use verdict_server::config::Config;
use verdict_server::explain::{DryRun, Explanation};
use verdict_server::routes::Possibilities;

/// The reasons that no single request brings about: it takes time, a crowd, or bad luck.
const EVENTS: [&str; 46] = [
    // Of HTTP/2, in which these requests are not sent.
    "authority-differs",
    "head-timeout",
    "too-many-connections",
    "too-many-connections-of-client",
    "too-many-requests",
    "descriptors-exhausted",
    "too-many-failures",
    "verifier-busy",
    "handler-panicked",
    "content-stalled",
    "content-too-slow",
    "content-length-wrong",
    "idempotency-key-in-flight",
    "write-conflict",
    "matched-too-late",
    "store-busy",
    "store-corrupt",
    "disk-full",
    "disk-failed",
    // Of jobs that are done, or fail, while others look on.
    "job-queue-full",
    "job-queue-filled",
    "job-finished",
    "job-finished-in-time",
    "job-reported",
    "job-done",
    "result-expired",
    "upstream-name-unknown",
    "upstream-look-up-failed",
    "upstream-refused",
    "upstream-unreachable",
    "upstream-reset",
    "upstream-cut-short",
    "upstream-certificate",
    "upstream-tls",
    "upstream-not-http",
    "upstream-head-too-large",
    "upstream-content-too-large",
    "upstream-framing",
    "upstream-connect-slow",
    "upstream-tls-slow",
    "upstream-first-byte-slow",
    "upstream-total-slow",
    "upstream-answered",
    "upstream-loop",
    "no-member",
    "pool-busy",
];

/// A site that answers, and one that says how it would.
pub(crate) struct Both {
    pub(crate) address: SocketAddr,
    dry: DryRun,
    /// Makes another that knows what has been changed since; where nothing is, none is needed.
    anew: Option<Box<dyn Fn() -> DryRun + Send + Sync>>,
    pub(crate) possible: Possibilities,
    patterns: Vec<String>,
}

/// Has `work` done beside a site of that config, whose relative paths are relative to `folder`.
///
/// A thread of its own becomes another user where this one is the superuser, who may read everything; what it starts and
/// what it looks up is then on the same terms.
pub(crate) fn with_both<T: Send>(folder: &Path, config: &str, work: impl FnOnce(&Both) -> T + Send) -> T {
    fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("its permissions");
    // The server is another user, and may make no folder here.
    let state = folder.join("state");
    fs::create_dir(&state).and_then(|()| fs::set_permissions(&state, Permissions::from_mode(0o777))).expect("a folder");
    let public = folder.join("public");
    settle(&public);
    if config.contains("upload") {
        fs::set_permissions(&public, Permissions::from_mode(0o777)).expect("its permissions");
    }
    let user = if rustix::process::geteuid().is_root() { "user = \"nobody\"\n" } else { "" };
    let top = "listen = [\"http://127.0.0.1:0\"]\nworkers = 1\nlog = \"off\"\nexplain = \"header\"\ndrain = \"1s\"\n";
    let text = format!("{user}{top}{config}");
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let parsed = || Config::parse(&text, "test.toml", folder).unwrap_or_else(|report| panic!("{report}"));
            let server = Server::start(parsed()).unwrap_or_else(|error| panic!("{error}"));
            let (config, of) = (text.clone(), folder.to_owned());
            let anew = move || {
                let parsed = Config::parse(&config, "test.toml", &of).unwrap_or_else(|report| panic!("{report}"));
                DryRun::new(parsed, "test.toml", config.clone()).expect("what can be served can be explained")
            };
            let dry = anew();
            let anew =
                ["documents", "jobs", "upload"].iter().any(|key| text.contains(key)).then(|| Box::new(anew) as Box<_>);
            let (address, possible) = (server.addresses()[0], dry.possibilities());
            let patterns = possible.routes.iter().map(|of_route| of_route.route.pattern.clone()).collect();
            let done = work(&Both { address, dry, anew, possible, patterns });
            server.stop().expect("the workers end well");
            done
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

impl Both {
    /// The answer to a message after which its client sends no more.
    pub(crate) fn answer(&self, message: &[u8]) -> Answer {
        let mut client = Client::to(self.address);
        client.send(message);
        client.finish();
        client.answer(if message.trim_ascii_start().starts_with(b"HEAD ") { "HEAD" } else { "GET" })
    }

    /// The explanation of what the message gets from this machine.
    pub(crate) fn explain(&self, message: &[u8]) -> Explanation {
        let client = IpAddr::V4(Ipv4Addr::LOCALHOST);
        self.anew.as_ref().map_or_else(|| self.dry.explain(message, client), |anew| anew().explain(message, client))
    }

    /// Asks the dry run, then the server, which says the same; and the list has it.
    pub(crate) fn agree(&self, message: &[u8]) -> Explanation {
        let told = self.explain(message);
        let answer = self.answer(message);
        let shown = || format!("{}\n{answer:#?}\n{told:#?}", message.escape_ascii());
        assert_eq!(told.verdict.status().code(), answer.status(), "{}", shown());
        assert_eq!(told.told.id(), answer.reason(), "{}", shown());
        let interim: Vec<u16> = answer.interim.iter().map(|head| head.status).collect();
        let told_before: Vec<u16> = told.interim.iter().map(|interim| interim.status().code()).collect();
        assert_eq!(told_before, interim, "{}", shown());
        assert_eq!(told.keeps, !answer.closes(), "{}", shown());
        let lasting = told.fields.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
        // What a change will be called is not known before.
        let changes =
            ["created", "updated", "replaced", "form-taken", "job-queued"].contains(&told.verdict.reason.id());
        let is_known = |name: &str| match name {
            "date" | "request-id" | "retry-after" => false,
            "etag" | "location" => !changes,
            _ => true,
        };
        let lasting = lasting.filter(|(name, _)| is_known(name));
        let answered = answer.lasting_fields().into_iter().filter(|(name, _)| is_known(name));
        // A boundary between parts is never the same twice.
        if !answer.get("content-type").is_some_and(|value| value.starts_with("multipart/")) {
            assert_eq!(lasting.collect::<Vec<_>>(), answered.collect::<Vec<_>>(), "{}", shown());
            assert_eq!(told.bytes, answer.content.len() as u64, "{}", shown());
        }
        assert!(self.lists(message, &told), "the list has no such answer: {}", shown());
        told
    }

    /// Whether the list has the explained answer.
    pub(crate) fn lists(&self, message: &[u8], told: &Explanation) -> bool {
        let reason = told.verdict.reason;
        if told.at.is_some() {
            return self.possible.any.contains(&reason);
        }
        let token = message.trim_ascii_start().split(|byte| *byte == b' ').next().unwrap_or_default();
        let route =
            told.route.as_ref().and_then(|route| self.patterns.iter().position(|known| *known == route.pattern));
        self.possible.of(route, Method::from_token(token)).contains(&reason)
    }
}

fn sources() -> Vec<(String, Read)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("the cases").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    let named = |path: &Path| path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    files.iter().map(|path| (named(path), read::read(&fs::read_to_string(path).expect("UTF-8")))).collect()
}

/// Makes the files that a source names, and has `work` done beside its site.
fn with_source<T: Send>(source: &Read, work: impl FnOnce(&Both) -> T + Send) -> T {
    let folder = tempfile::tempdir().expect("a folder");
    let public = folder.path().join("public");
    for file in &source.files {
        match file {
            File::Text { name, text } => put(&public.join(name), text),
            File::Link { name, to } => symlink(to, public.join(name)).expect("a link"),
            File::Unreadable(name) => {
                fs::set_permissions(public.join(name), Permissions::from_mode(0o000)).expect("its permissions");
            }
            File::Pipe(name) => {
                let mode = rustix::fs::Mode::from_raw_mode(0o444);
                rustix::fs::mkfifoat(rustix::fs::CWD, public.join(name), mode).expect("a pipe");
            }
        }
    }
    with_both(folder.path(), &source.config, work)
}

fn check(name: &str, case: &Case, both: &Both) -> Reason {
    let title = format!("{name}: {}", case.title);
    let message = case.message(|path| {
        let answer = both.answer(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        answer.get("etag").unwrap_or_else(|| panic!("{title}: {path} has no tag")).to_owned()
    });
    let told = both.agree(&message);
    assert_eq!((told.verdict.status().code(), told.verdict.reason.id()), (case.status, &*case.reason), "{title}");
    assert_eq!(told.interim.map(|interim| interim.reason().id()), case.interim.as_deref(), "{title}");
    told.verdict.reason
}

#[test]
fn each_case_is_answered_as_it_is_explained_and_as_it_is_listed() {
    let mut reached = BTreeSet::new();
    let mut possible = BTreeSet::new();
    let mut count = 0;
    for (name, source) in sources() {
        count += source.cases.len();
        with_source(&source, |both| {
            reached.extend(source.cases.iter().map(|case| check(&name, case, both).id()));
            let listed = &both.possible;
            let groups = listed.routes.iter().flat_map(|of_route| &of_route.methods).chain(&listed.nowhere);
            possible.extend(groups.flat_map(|group| &group.reasons).chain(&listed.any).map(|reason| reason.id()));
        });
    }
    assert!(count > 100, "{count} cases");
    // What is listed can happen: nothing is possible on paper alone.
    let unreached: BTreeSet<&str> = possible.difference(&reached).copied().collect();
    assert_eq!(unreached, EVENTS.into());
}
