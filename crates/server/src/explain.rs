//! A dry run: a message goes through the functions that answer live ones, over the same files, and what they saw is told.
//!
//! Rule: nothing is decided here. `verdict-wire` reads the message, `serve.rs` answers it, and this file asks
//! both what they went by.

mod beside;
mod lines;
pub mod shown;

use crate::buffers::Buffers;
use crate::client::is_drainable;
use crate::clock::Clock;
use crate::config::{Config, Kind, Part};
use crate::connection::look_at_content;
use crate::content::Content;
use crate::id::Random;
use crate::kept::Purpose;
use crate::metrics::Tally;
use crate::moment::Moment;
use crate::recorder::Recorded;
use crate::request::{Request, client_of};
use crate::route::{Host, Mismatch, Pattern, Segment};
use crate::serve::{
    self, Answer, Told, refuse_malformed, refuse_panicked, retell, retell_alone, serve_and_tell, tell_malformed,
};
use crate::site::{Opened, Site};
use crate::tls::Names;
use lines::Lines;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use tokio::runtime::Runtime;
use verdict_core::cause::Malformed;
use verdict_core::field::date::HttpDate;
use verdict_core::interim::Interim;
use verdict_core::method::Method;
use verdict_core::path::{Question, Verdict};
use verdict_core::reason::Reason;
use verdict_wire::{Body, Fault, Head, Piece, Progress};

/// A site that answers nobody: it says how it would.
pub struct DryRun {
    pub(crate) site: Site,
    clock: Clock,
    random: Random,
    runtime: Runtime,
    /// What the config's file is called.
    name: String,
    lines: Lines,
}

/// How a message would be answered, and why.
#[derive(Debug)]
pub struct Explanation {
    /// The reason, and the way to it. Where what comes of the work is open, it is what comes of it as far as can be seen now.
    pub verdict: Verdict,
    /// What can come of the work, in the order of the catalogue: of an upload, a document that is written, a job that is queued.
    /// None where there is no work of that kind, or where it is refused by what is known without doing it.
    pub outcomes: Vec<Reason>,
    /// Whether the work was done to see what comes of it, in a transaction that was taken back.
    pub tried: bool,
    /// The reason that the client is told: another one where who asks is not to know.
    pub told: Reason,
    /// The questions in the order in which they were asked, each with its answer.
    pub steps: Vec<Step>,
    /// The reason's fact, with its evidence, as a sentence.
    pub sentence: String,
    /// What to do about it, as a sentence; empty where nothing is wrong.
    pub remedy: String,
    /// The first byte that is wrong, in a message that is malformed.
    pub at: Option<usize>,
    /// The route that answers, if any does.
    pub route: Option<RouteAt>,
    /// The other routes, each with the first condition that it failed by, the nearest first; none where no route was looked for,
    /// as for `OPTIONS *` and CONNECT.
    pub lost: Vec<Lost>,
    /// What is told before the answer.
    pub interim: Option<Interim>,
    /// The answer's fields, in the order in which they are sent.
    pub fields: Vec<(String, String)>,
    /// Bytes of content.
    pub bytes: u64,
    /// The page of the config that is the content, if one is.
    pub page: Option<Page>,
    /// Whether the connection goes on.
    pub keeps: bool,
}

/// One question and its answer.
#[derive(Debug)]
pub struct Step {
    /// What was asked.
    pub question: Question,
    /// Whether it holds: then the decision goes on. `None`: it was not asked, because the field that it is about is ignored.
    pub holds: Option<bool>,
    /// What it was held against, or why the field is ignored; empty where there is nothing to show.
    pub evidence: String,
    /// The key of the config that has a say in it.
    pub key: Option<Key>,
}

/// A custom error page.
#[derive(Debug)]
pub struct Page {
    /// Its file.
    pub file: String,
    /// The key that names it: `pages.404`.
    pub key: Key,
}

/// A key of the config.
#[derive(Debug)]
pub struct Key {
    /// Its name, with those of the tables that it is in: `limits.body`.
    pub name: String,
    /// Where it is set; `None` where its default holds.
    pub place: Option<Place>,
}

/// A line of the config.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The file, as it was named.
    pub file: String,
    /// Counted from one.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A route, and where it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RouteAt {
    /// Its pattern.
    pub pattern: String,
    /// The key that makes it what it is: `files`.
    pub kind: &'static str,
    /// Where it is; `None` for one that is in no file.
    pub place: Option<Place>,
}

/// A route that does not answer.
#[derive(Debug)]
pub struct Lost {
    /// The route.
    pub route: RouteAt,
    /// The first condition that it failed by.
    pub why: String,
}

/// Whom a certificate speaks for that names nobody.
static ANYBODY: Names = Names::of_nobody();

impl DryRun {
    /// Opens what the config names. `name` is what its file is called, and `text` is what is in it: for telling lines.
    pub fn new(config: Config, name: &str, text: String) -> io::Result<DryRun> {
        let opened = Opened::open(config, None, Purpose::DryRun).map_err(|unopened| {
            let kind = unopened.error.kind();
            io::Error::new(kind, unopened)
        })?;
        DryRun::of(Site::new(Arc::new(opened), Tally::default()), name, text)
    }

    fn of(site: Site, name: &str, text: String) -> io::Result<DryRun> {
        let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build()?;
        let (clock, random) = (Clock::new(), Random::new());
        Ok(DryRun { site, clock, random, runtime, name: name.to_owned(), lines: Lines::new(text) })
    }

    /// Explains how the first request of these bytes, sent by `client` on a new connection, would be answered. Bytes that
    /// end within a head are taken for all that the client sends.
    pub fn explain(&self, message: &[u8], client: IpAddr) -> Explanation {
        self.clock.tick();
        self.site.forget(self.clock.nanoseconds());
        let mut buffers = Buffers::default();
        buffers.input.extend_from_slice(message);
        let read = match buffers.head.parse(message, &self.site.wire) {
            Ok(Progress::Complete) => look_at_content(&buffers),
            Ok(Progress::Partial) => Err(Fault { cause: Malformed::HeadCutShort, at: message.len() }),
            Err(fault) => Err(fault),
        };
        match read {
            Ok(whole) => self.explain_request(&mut buffers, whole, client),
            Err(fault) => self.explain_fault(&mut buffers, fault),
        }
    }

    fn explain_request(&self, buffers: &mut Buffers, whole: bool, client: IpAddr) -> Explanation {
        let Buffers { input, head, out, .. } = buffers;
        let raw_path = std::str::from_utf8(head.path(input)).unwrap_or("");
        let request = Request {
            head,
            bytes: input,
            path: Request::decoded(head, raw_path),
            raw_path,
            persists: head.persistent && head.method != Method::Connect,
            drainable: whole || is_drainable(head, input.len()),
            client: client_of(&self.site.opened.config.trusted_proxies, client, head, input),
            peer: client,
            id: self.random.id(self.clock.milliseconds()),
            now: self.clock.http_date(),
            crowded: None,
            // The connection's certificate is not a request's to say: where there are any, it is taken for the right one.
            served: self.site.opened.secure.as_ref().map(|_| &ANYBODY),
            full: false,
        };
        let content = content_of(head, input);
        let serving = serve_and_tell(&self.site, &request, self.moment(), Content::given(&content, whole), out);
        // A live request's bug is a 500 as well.
        let served = catch_unwind(AssertUnwindSafe(|| self.runtime.block_on(serving)));
        let (answer, told) = served.unwrap_or_else(|_| {
            out.clear();
            let answer = refuse_panicked(&self.site, &request, self.moment(), out);
            let told = Told::without_evidence(&answer.verdict);
            (answer, told)
        });
        // A route that was found without there being one was not looked for: the target is no path.
        let lost = match answer.verdict.path.answer(Question::RouteFound) {
            Some(found) if found == answer.route.is_some() => self.lost(&request, answer.route),
            _ => Vec::new(),
        };
        Explanation { lost, ..self.explanation(answer, told, out) }
    }

    fn explain_fault(&self, buffers: &mut Buffers, fault: Fault) -> Explanation {
        let Buffers { input, out, .. } = buffers;
        let id = self.random.id(self.clock.milliseconds());
        let head_time = self.site.limits(None).head;
        let answer = refuse_malformed(&self.site, fault, input, head_time, &id, self.moment(), out);
        let told = tell_malformed(&self.site, fault, Some(input));
        Explanation { at: Some(fault.at), ..self.explanation(answer, told, out) }
    }

    /// Explains an answer that was given: by what was kept of it, and by the config if that is still the one.
    pub(crate) fn why(&self, kept: &Recorded) -> Explanation {
        self.clock.tick();
        let same = kept.config == self.site.opened.number;
        let route = kept.route.filter(|route| same && *route < self.site.routes.len());
        let mut buffers = Buffers::default();
        buffers.input.extend_from_slice(&kept.head);
        buffers.input.extend_from_slice(b"\r\n\r\n");
        let Buffers { input, head, .. } = &mut buffers;
        let read = same
            && kept.understood
            && kept.at_byte.is_none()
            && head.parse(input, &self.site.wire) == Ok(Progress::Complete);
        let (told, lost) = if read {
            head.version = kept.version;
            head.len = (head.target.end + kept.fields) as usize;
            let raw_path = std::str::from_utf8(head.path(input)).unwrap_or("");
            let request = Request {
                head,
                bytes: input,
                path: Request::decoded(head, raw_path),
                raw_path,
                persists: false,
                drainable: true,
                client: kept.client,
                peer: kept.client,
                id: self.random.id(kept.at),
                now: HttpDate::from_unix((kept.at / 1000) as i64),
                crowded: None,
                served: None,
                full: false,
            };
            let lost = match kept.verdict.path.answer(Question::RouteFound) {
                Some(found) if found == route.is_some() => self.lost(&request, route),
                _ => Vec::new(),
            };
            (retell(&self.site, &request, self.moment(), kept), lost)
        } else {
            (retell_alone(same.then_some(&self.site), kept), Vec::new())
        };
        let pattern = route.map(|route| self.table(route));
        Explanation {
            verdict: kept.verdict,
            outcomes: Vec::new(),
            tried: false,
            told: kept.told.unwrap_or(kept.verdict.reason).public(),
            steps: told.steps.into_iter().map(|step| self.step(step, pattern, route)).collect(),
            sentence: told.sentence,
            remedy: told.remedy,
            at: kept.at_byte,
            route: route.map(|route| self.route_at(route)),
            lost,
            interim: kept.interim.and_then(Interim::of),
            page: None,
            fields: Vec::new(),
            bytes: kept.bytes,
            keeps: kept.close.is_none(),
        }
    }

    fn moment(&self) -> Moment<'_> {
        Moment {
            clock: &self.clock,
            random: &self.random,
            deadlines: None,
            reactor: None,
            left: None,
            timed: false,
            recorded: false,
        }
    }

    fn explanation(&self, answer: Answer, told: Told, out: &[u8]) -> Explanation {
        let pattern = answer.route.map(|route| self.table(route));
        Explanation {
            verdict: answer.verdict,
            outcomes: told.outcomes,
            tried: told.tried,
            told: answer.told.unwrap_or(answer.verdict.reason).public(),
            steps: told.steps.into_iter().map(|step| self.step(step, pattern, answer.route)).collect(),
            sentence: told.sentence,
            remedy: told.remedy,
            at: None,
            route: answer.route.map(|route| self.route_at(route)),
            lost: Vec::new(),
            interim: answer.interim,
            page: self.page(&answer, out),
            fields: fields(out, answer.interim.is_some()),
            bytes: answer.bytes,
            keeps: answer.keep,
        }
    }

    /// The pattern under which the config has a route: that of a collection is its documents', and that of a job its queue's.
    fn table(&self, route: usize) -> &str {
        let routes = &self.site.opened.config.routes;
        let own = match &routes[route].kind {
            Kind::Collection(_) | Kind::Jobs(_, Part::Monitor) => route.saturating_sub(1),
            Kind::Jobs(_, Part::Result) => route.saturating_sub(2),
            _ => route,
        };
        routes[own].pattern.as_str()
    }

    fn step(&self, step: serve::Step, pattern: Option<&str>, route: Option<usize>) -> Step {
        let serve::Step { question, holds, evidence, key } = step;
        let key = match (question, route) {
            // The route is a key too.
            (Question::RouteFound, Some(route)) => {
                Some(Key { name: "route".to_owned(), place: self.route_at(route).place })
            }
            _ if key.is_empty() => None,
            _ => Some(Key { name: key.join("."), place: self.lines.of_key(pattern, key).map(|line| self.place(line)) }),
        };
        Step { question, holds, evidence, key }
    }

    /// The page whose text the answer ends with: it is written behind the head as it is.
    fn page(&self, answer: &Answer, out: &[u8]) -> Option<Page> {
        // What is told for a route that is hidden is not its own.
        let route = answer.route.filter(|_| answer.told.is_none())?;
        let status = answer.verdict.reason.public().status();
        let text = self.site.routes[route].common.page(status)?;
        if answer.bytes == 0 || answer.bytes != text.len() as u64 || !out.ends_with(text.as_bytes()) {
            return None;
        }
        let configured = &self.site.opened.config.routes[route];
        let code = status.to_string();
        let line = self.lines.of_key(Some(self.table(route)), &["pages", &code]);
        let key = Key { name: format!("pages.{code}"), place: line.map(|line| self.place(line)) };
        Some(Page { file: configured.pages.get(&status.code())?.display().to_string(), key })
    }

    fn place(&self, line: usize) -> Place {
        Place { file: self.name.clone(), line }
    }

    pub(crate) fn route_at(&self, route: usize) -> RouteAt {
        let route = &self.site.opened.config.routes[route];
        RouteAt {
            pattern: route.pattern.as_str().to_owned(),
            kind: route.kind.name(),
            place: (route.line > 0).then(|| self.place(route.line)),
        }
    }

    /// Why each route but the one that answers does not.
    fn lost(&self, request: &Request<'_>, winner: Option<usize>) -> Vec<Lost> {
        let config = &self.site.opened.config;
        let winning = winner.map(|winner| &config.routes[winner].pattern);
        let others = config.routes.iter().enumerate().filter(|(route, _)| Some(*route) != winner);
        let lost = others.map(|(index, route)| {
            let mismatch = route.pattern.first_mismatch(request.host(), &request.path);
            let why = match &mismatch {
                Some(mismatch) => in_words(mismatch),
                None => less_specific(&route.pattern, winning, &route.kind),
            };
            (nearness(mismatch.as_ref()), Lost { route: self.route_at(index), why })
        });
        let mut lost: Vec<_> = lost.collect();
        lost.sort_by_key(|(nearness, _)| std::cmp::Reverse(*nearness));
        lost.into_iter().map(|(_, lost)| lost).collect()
    }
}

/// How far a pattern came, for an order among those that do not answer.
fn nearness(mismatch: Option<&Mismatch<'_>>) -> usize {
    match mismatch {
        Some(Mismatch::Host { .. }) => 0,
        Some(Mismatch::Segment { index, .. }) => 1 + index,
        Some(Mismatch::TooShort { .. } | Mismatch::TooLong { .. }) => usize::MAX - 1,
        None => usize::MAX,
    }
}

fn in_words(mismatch: &Mismatch<'_>) -> String {
    match mismatch {
        Mismatch::Host { wanted: Host::Exact(host) } => format!("the host is not {host}"),
        Mismatch::Host { wanted: Host::Below(suffix) } => format!("the host is not below {}", &suffix[1..]),
        Mismatch::Host { wanted: Host::Any } => "the host is another".to_owned(),
        Mismatch::Segment { wanted: Segment::Literal(text), found: "", .. } if !text.is_empty() => {
            format!("`{text}` is missing")
        }
        Mismatch::Segment { wanted: Segment::Literal(text), found, .. } if text.is_empty() => {
            format!("`{}` stands after its last slash", found.escape_debug())
        }
        Mismatch::Segment { wanted: Segment::Literal(text), found, .. } => {
            format!("`{}` is not `{text}`", found.escape_debug())
        }
        Mismatch::Segment { wanted: Segment::Name(name), .. } => format!("nothing stands for `{{{name}}}`"),
        Mismatch::Segment { wanted: Segment::Rest(name), .. } => format!("nothing stands for `{{{name}...}}`"),
        Mismatch::TooShort { wanted: Segment::Literal(text) } => format!("the path ends before `/{text}`"),
        Mismatch::TooShort { wanted: Segment::Name(name) } => format!("the path ends before `/{{{name}}}`"),
        Mismatch::TooShort { wanted: Segment::Rest(name) } => format!("the path ends before `/{{{name}...}}`"),
        Mismatch::TooLong { rest } => format!("the path goes on with `{}`", rest.escape_debug()),
    }
}

/// Why a route that matches is not the one that answers.
fn less_specific(pattern: &Pattern, winner: Option<&Pattern>, kind: &Kind) -> String {
    match winner {
        Some(winner) => format!("it matches too, and `{winner}` is more specific than `{pattern}`"),
        None => format!("its {} are not for this target", kind.name()),
    }
}

/// The fields of the answer's head; where something was told before, that has a head of its own.
fn fields(out: &[u8], after_interim: bool) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(out);
    let mut heads = text.split("\r\n\r\n");
    let head = heads.nth(usize::from(after_interim)).unwrap_or("");
    let lines = head.split("\r\n").skip(1).filter_map(|line| line.split_once(": "));
    lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The content that stands behind a head, without its framing.
fn content_of(head: &Head, message: &[u8]) -> Vec<u8> {
    let (mut body, mut at, mut content) = (Body::new(head.framing), head.len, Vec::new());
    // Whether all of it is there, and right, has been looked at.
    while let Ok(Piece::Data { skip, len }) = body.decode(&message[at..]) {
        at += skip + len;
        content.extend_from_slice(&message[at - len..at]);
    }
    content
}

#[cfg(test)]
mod tests;
