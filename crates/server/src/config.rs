//! The config: strict TOML in, plain data out. Whatever is wrong is found before anything listens, all of it in one
//! [`Report`], each with the text that is wrong underlined.
//!
//! Rule: a key is read in exactly one place, where its form, its unit, its default and its error stand together. What is
//! never asked for is unknown.

mod allow;
mod auth;
mod concurrency;
mod console;
mod cors;
mod documents;
mod fields;
mod guards;
mod jobs;
mod kinds;
mod limits;
mod listen;
mod maintenance;
mod owned;
mod place;
mod proxies;
mod proxy;
mod rate;
mod read;
mod report;
mod schema;
mod suggest;
mod syntax;
mod timeout;
mod tls;
mod top;
mod units;
mod upload;

pub use crate::auth::{Allow, Who};
pub use auth::{Auth, Jwt};
pub use concurrency::Concurrency;
pub use console::{Console, Tcp, Token};
pub use cors::{Cors, Origins};
pub use documents::{Documents, LARGEST_PAGE};
pub use jobs::{Jobs, Part};
pub use listen::{Listen, Scheme};
pub(crate) use maintenance::duration;
pub use proxies::Network;
pub use proxy::{Balance, Health, HostPolicy, Proxy};
pub use rate::{Per, Rate};
pub use report::{Diagnostic, Report, Severity};
pub use schema::schema;
pub use suggest::suggest;
pub use timeout::Timeout;
pub use upload::Upload;

use crate::maintenance::Until;
use crate::route::{MissingSlash, Pattern, Router, Template};
use crate::tls::Certificate;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use verdict_core::cause::Elsewhere;
use verdict_core::status::Status;

/// Everything that a config says, checked, with every default filled in. A reload makes a new one.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; at least one, none twice.
    pub listen: Vec<Listen>,
    /// How many workers; `None` is one for each core.
    pub workers: Option<usize>,
    /// In which form requests are logged.
    pub log: Log,
    /// How much an answer says of why it was given.
    pub explain: Explain,
    /// How long requests in flight may go on after the signal to stop.
    pub drain: Duration,
    /// Whether a change of the file, or of one that it names, takes it anew.
    pub watch: bool,
    /// `console` and `state`: where who runs the server is answered; `None` where neither is set.
    pub console: Option<Console>,
    /// The user to become once the listeners are bound.
    pub user: Option<String>,
    /// `trusted-proxies`: whose `Request-Id` is taken over, and whose word counts on whom they speak for.
    pub trusted_proxies: Vec<Network>,
    /// `[tls]`; there where an address of `listen` is `https://`, and nowhere else.
    pub tls: Option<Tls>,
    /// Whether `Upgrade: h2c` is taken.
    pub h2c_upgrade: bool,
    /// The limits that hold before a route is known; those of a route are in [`Route::limits`].
    pub limits: Limits,
    /// `[auth.NAME]`: each way in which clients are known.
    pub auth: Vec<Auth>,
    /// The routes, in the order of their patterns' text.
    pub routes: Vec<Route>,
    /// The routes' patterns, ready to be looked up. What it finds is an index of `routes`.
    pub router: Router,
    /// The route that is for whatever comes without TLS, and what finds it.
    pub(crate) to_https: Option<(Router, usize)>,
    /// The canonical paths of the files that the config names, itself included: never to be served.
    pub named_files: Vec<PathBuf>,
    /// What is allowed but is hardly meant. Empty for most configs.
    pub warnings: Report,
    /// What it was read from.
    pub source: Source,
}

/// The text of a config, for telling where something in it stands. There may be a secret in it, and nothing shows it whole.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Source {
    /// What its file is called, as it was named; empty where there is none.
    pub name: String,
    /// What is in it.
    pub text: String,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("name", &self.name).finish_non_exhaustive()
    }
}

/// `[tls]`.
#[derive(Clone, Debug)]
pub struct Tls {
    /// At least one, each fit for use; the first is for clients that name no host, or one that no certificate is for.
    pub certificates: Vec<Arc<Certificate>>,
    /// `redirect-http`: what comes without TLS is sent to the same host and target with it.
    pub redirect_http: bool,
}

/// `log`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Log {
    /// One JSON object a line.
    Json,
    /// One line of text, the default.
    #[default]
    Text,
    /// Nothing but operational errors.
    Off,
}

/// `explain`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Explain {
    /// The status only.
    Off,
    /// Refusals have a problem document (RFC 9457), the default.
    #[default]
    Problem,
    /// And every answer has `Verdict-Reason`.
    Header,
}

/// `[limits]`: times, bytes and counts beyond which a request is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// `head`: from the first byte of a request's head to its last.
    pub head: Duration,
    /// `body-idle`: the longest pause within a request's content.
    pub body_idle: Duration,
    /// `min-rate`: bytes of content a second, on average; 0 is no minimum.
    pub min_rate: u64,
    /// `send-idle`: the longest time that a client takes nothing of its answer.
    pub send_idle: Duration,
    /// `idle`: the longest pause between requests on one connection.
    pub idle: Duration,
    /// `body`: bytes of content.
    pub body: u64,
    /// `target`: bytes of the request target; at most [`Limits::HEAD_MAX`].
    pub target: u64,
    /// `fields`: bytes of the header section; at most [`Limits::HEAD_MAX`].
    pub fields: u64,
    /// `connections`: of all clients together.
    pub connections: u64,
    /// `per-client`: connections of one client.
    pub per_client: u64,
    /// `requests`: in flight at once.
    pub requests: u64,
}

impl Limits {
    /// The most that `target` and `fields` can be set to: 16 MiB.
    pub const HEAD_MAX: u64 = 16 << 20;
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            head: Duration::from_secs(10),
            body_idle: Duration::from_secs(30),
            min_rate: 500,
            send_idle: Duration::from_secs(30),
            idle: Duration::from_secs(75),
            body: 16 << 20,
            target: 8 << 10,
            fields: 64 << 10,
            connections: 10_000,
            per_client: 256,
            requests: 1000,
        }
    }
}

/// `[route."PATTERN"]`.
#[derive(Clone, Debug)]
pub struct Route {
    /// The requests that it is for.
    pub pattern: Pattern,
    /// Its line in the config, from one; 0 where there is no file.
    pub line: usize,
    /// What answers.
    pub kind: Kind,
    /// Its own limits over those of `[limits]`. It can set `body-idle`, `min-rate`, `send-idle` and `body`, and lower `target`
    /// and `fields`.
    pub limits: Limits,
    /// `limits.length = "required"`: a request without `Content-Length` is refused.
    pub length_required: bool,
    /// `limits.types`: the media types that content may have, such as `application/json` and `image/*`; `None` is any.
    pub types: Option<Vec<String>>,
    /// `auth`: the index of [`Config::auth`] by which it knows who asks; `None` is anybody.
    pub auth: Option<usize>,
    /// `auth = "none"`: it is open on purpose, where a more general pattern is guarded.
    pub open: bool,
    /// `allow`: who of those who are known may use it; all of them where it is `None`. Only with `auth`.
    pub allow: Option<Allow>,
    /// `hide`: whoever is refused is told that nothing is there. Only with `auth`.
    pub hide: bool,
    /// `cors`: which pages of other origins may read its answers.
    pub cors: Option<Cors>,
    /// `rate`: how often it can be asked.
    pub rate: Option<Rate>,
    /// `concurrency`: how many requests are worked on at once.
    pub concurrency: Option<Concurrency>,
    /// `maintenance`: until when it is closed; it is open where this is `None` or past.
    pub maintenance: Option<Until>,
    /// `headers`: fields to add to every answer; names and values are valid, no name is one that the server sets.
    pub headers: Vec<(String, String)>,
    /// `pages`: for a 4xx or 5xx, the file that browsers get as its content; absolute.
    pub pages: BTreeMap<u16, PathBuf>,
    /// `hints`: the `Link` values of a 103.
    pub hints: Vec<String>,
    /// `hints-to`.
    pub hints_to: HintsTo,
}

/// What answers a route's requests.
#[derive(Clone, Debug)]
pub enum Kind {
    /// `files`.
    Files(Files),
    /// `redirect`.
    Redirect(Redirect),
    /// `respond`.
    Respond(Respond),
    /// `documents`, one of them.
    Document(Arc<Documents>),
    /// The collection of the `documents` route before it, which is a route of its own.
    Collection(Arc<Documents>),
    /// `jobs`: the queue, or what belongs to a job of the queue before it, which are routes of their own.
    Jobs(Arc<Jobs>, Part),
    /// `proxy`.
    Proxy(Arc<Proxy>),
}

/// `hints-to`: who gets a 103.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum HintsTo {
    /// HTTP/2, and browsers that are navigating; the default.
    #[default]
    Navigations,
    /// Every client of HTTP/1.1 and later.
    All,
}

/// `files`: a folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Files {
    /// The folder; absolute, it exists.
    pub root: PathBuf,
    /// The file names that stand for a folder, tried in this order; `["index.html"]` unless set.
    pub index: Vec<String>,
    /// Whether a folder without one of them is listed.
    pub listing: bool,
    /// Whether names that begin with a dot are served.
    pub dotfiles: bool,
    /// Whether `x.br`, `x.gz` … are served for `x` to clients that accept the coding.
    pub precompressed: bool,
    /// `Cache-Control: max-age`.
    pub cache: Option<Duration>,
    /// The file under `root`, as a path that begins with a slash, that is served where there is none.
    pub fallback: Option<String>,
    /// `upload`, which stands beside `files`: what clients may do to the files.
    pub upload: Option<Upload>,
}

/// `redirect`: somewhere else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Redirect {
    /// Where to.
    pub to: Template,
    /// How permanently, and with which method: 301, 302, 303, 307 or 308.
    pub elsewhere: Elsewhere,
    /// `Cache-Control: max-age`.
    pub cache: Option<Duration>,
}

/// `respond`: always the same answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Respond {
    /// A registered final status.
    pub status: Status,
    /// The content; `None` where the config gives none, and always where the status forbids it.
    pub body: Option<String>,
    /// The content's media type; `text/plain; charset=utf-8` unless set.
    pub media_type: String,
    /// Fields of the answer, the ones that its status requires included.
    pub headers: Vec<(String, String)>,
}

impl Route {
    /// Whether a path that lacks only the slash at its end is this route's to answer, unless another matches it exactly.
    pub fn may_lack_slash(&self) -> bool {
        matches!(self.kind.missing_slash(), MissingSlash::Redirect) && self.pattern.may_lack_slash()
    }
}

impl Config {
    /// Whether who has this address is a proxy whose word counts.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(address))
    }

    /// The folder `state`, where there is one; absolute.
    pub(crate) fn state(&self) -> Option<&Path> {
        self.console.as_ref().and_then(|console| console.socket.parent())
    }

    /// Reads and checks a config file. Relative paths in it are relative to its folder.
    pub fn load(path: &Path) -> Result<Config, Report> {
        top::load(path)
    }

    /// Checks the text of a config. `name` is what messages call it, `folder` what its relative paths are relative to.
    pub fn parse(text: &str, name: &str, folder: &Path) -> Result<Config, Report> {
        top::parse(text, name, folder)
    }

    /// The config of `verdict serve DIR`: the folder, with listings, every default otherwise.
    pub fn serve(folder: &Path, listen: Vec<Listen>) -> Result<Config, Report> {
        top::serve(folder, listen)
    }
}

impl Route {
    /// One in no file, with every setting at its default.
    pub(crate) fn new(pattern: Pattern, kind: Kind) -> Route {
        Route {
            pattern,
            line: 0,
            kind,
            limits: Limits::default(),
            length_required: false,
            types: None,
            auth: None,
            open: false,
            allow: None,
            hide: false,
            cors: None,
            rate: None,
            concurrency: None,
            maintenance: None,
            headers: Vec::new(),
            pages: BTreeMap::new(),
            hints: Vec::new(),
            hints_to: HintsTo::default(),
        }
    }
}

impl Kind {
    /// The key that makes a route this kind.
    pub const fn name(&self) -> &'static str {
        match self {
            Kind::Files(_) => "files",
            Kind::Redirect(_) => "redirect",
            Kind::Respond(_) => "respond",
            Kind::Document(_) | Kind::Collection(_) => "documents",
            Kind::Jobs(..) => "jobs",
            Kind::Proxy(_) => "proxy",
        }
    }

    /// A folder is asked for with a slash, and an application too, which has all that is below one; the other kinds own no path
    /// but those that their pattern matches.
    pub(crate) const fn missing_slash(&self) -> MissingSlash {
        match self {
            Kind::Files(_) | Kind::Proxy(_) => MissingSlash::Redirect,
            Kind::Redirect(_) | Kind::Respond(_) | Kind::Document(_) | Kind::Collection(_) | Kind::Jobs(..) => {
                MissingSlash::NotMine
            }
        }
    }
}

impl Files {
    /// A folder with every option at its default.
    pub fn new(root: PathBuf) -> Files {
        Files {
            root,
            index: vec!["index.html".to_owned()],
            listing: false,
            dotfiles: false,
            precompressed: true,
            cache: None,
            fallback: None,
            upload: None,
        }
    }
}

#[cfg(test)]
mod tests;
