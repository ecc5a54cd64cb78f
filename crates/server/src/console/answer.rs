//! What each target of the console answers, through the same stages as any other request.

use super::answers::{self, Answers, Given, Query};
use super::converse::Way;
use super::explain::{self, Unexplained};
use super::page::POLICY;
use super::reference;
use super::target::{ANSWER, LARGEST, READING, Target};
use super::{Request, Settings, Taken, View};
use crate::answer::{Fields, Stamp, Writing, add_headers};
use crate::clock::Clock;
use crate::content_type::is_coded;
use crate::id::Random;
use crate::jobs::standings;
use crate::json::Json;
use crate::log::tell;
use crate::maintenance::{Until, Which};
use crate::metrics;
use crate::recorder::Recorded;
use crate::refusal::{Circumstances, Limit, Refusal};
use crate::serve::{accept_on_sight, method_on_sight};
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use verdict_core::cause::{
    Absent, Closed, Conflict, Denied, Done, Failure, Malformed, Rejected, Unarrived, Unidentified, Unplaceable,
};
use verdict_core::decide::process::Work;
use verdict_core::decide::{
    Arrive, Authorize, Find, Negotiate, Outcome, Permit, Precondition, Process, Range, arrive, authorize, find,
    negotiate, precondition, process, range,
};
use verdict_core::explain::visible;
use verdict_core::field::accept::Accept;
use verdict_core::field::authorization::Credentials;
use verdict_core::field::host::Authority;
use verdict_core::field::media_type::MediaType;
use verdict_core::method::{Method, MethodSet};
use verdict_core::path::Path;
use verdict_core::reason::Reason;
use verdict_core::status::Class;
use verdict_wire::{Asked, Fault, Framing, Head, Name, Version};

/// How often it is looked for answers that somebody waits for.
const LOOK: Duration = Duration::from_millis(50);

/// How long an answer that was given may take until it is kept, and how often it is looked for.
const KEPT: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// What a 400 advises.
const QUERY: &str = "as in `/answers?status=4xx&limit=20`";

/// What a 404 says of an answer.
const NOT_KEPT: &str = "no answer with this id is kept: it is of another server, or so many were given since that it made room; \
                        `console.answers` says how many are kept";

/// And of a stop.
const NO_STOP: &str = "the tour does not give this status; `GET /tour` lists those that it gives";

/// What a 421 and a 403 say here, where neither is about a certificate or a form.
const MISNAMED: (&str, &str) = (
    ": `Host` is neither an address nor `localhost`, and by another name somebody else's page could lead a browser here",
    "to the console's address, or to `localhost`",
);
const FROM_ELSEWHERE: (&str, &str) = (
    "a page of another address, as its `Origin` says, and the console is not for those",
    "it from a program, without `Origin`, or from a page of the console's own address",
);

/// One request.
pub(super) struct Exchange<'a> {
    view: &'a View,
    settings: &'a Arc<Settings>,
    way: Way,
    head: &'a Head,
    bytes: &'a [u8],
    fault: Option<Fault>,
    target: Option<Target>,
    /// The answer's content, if it goes well.
    media_type: &'static str,
    text: String,
    /// There is a target of this kind, and not this one.
    absent: bool,
    /// The answer that is asked for.
    kept: Option<Box<Recorded>>,
    /// The answers that are asked for; and what is wrong with the query instead.
    query: Option<Query>,
    unlisted: Option<String>,
    /// What is wrong, if more is known than the reason says.
    report: Option<String>,
    /// The byte of the message that is wrong.
    at: Option<usize>,
}

/// The content of POST /maintenance.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    /// Of a route, its pattern; `null` or left out: of all.
    route: Option<String>,
    /// Whether it is to be closed.
    on: bool,
    /// Until when (RFC 3339); `null` or left out: until it is opened.
    until: Option<String>,
}

/// The content of `POST /tour/CODE`: the path says all.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl<'a> Exchange<'a> {
    /// `message`: a head, and the bytes that it is of. With a fault there is no head.
    pub(super) fn new(
        view: &'a View,
        settings: &'a Arc<Settings>,
        way: Way,
        message: (&'a Head, &'a [u8]),
        fault: Option<Fault>,
    ) -> Exchange<'a> {
        let (head, bytes) = message;
        let target = if fault.is_none() { Target::of(head.path(bytes)) } else { None };
        // Nobody can take a config anew that is from no file.
        let target = target.filter(|target| *target != Target::Reload || !view.requests.is_closed());
        let absent = match target {
            Some(Target::Stop(code)) if !settings.tour().is_some_and(|tour| tour.has(code)) => Some(NO_STOP),
            _ => None,
        };
        let kept = match target {
            Some(Target::Answer) => {
                let id = std::str::from_utf8(&head.path(bytes)[ANSWER.len()..]).unwrap_or_default();
                answers::find(view, id).map(Box::new)
            }
            _ => None,
        };
        let absent = absent.or((target == Some(Target::Answer) && kept.is_none()).then_some(NOT_KEPT));
        let query = match target {
            Some(Target::Answers) => Query::parse(head.query(bytes).unwrap_or_default()).map(Some),
            _ => Ok(None),
        };
        let (query, unlisted) = query.map_or_else(|wrong| (None, Some(wrong)), |query| (query, None));
        Exchange {
            query,
            unlisted,
            view,
            settings,
            way,
            head,
            bytes,
            fault,
            target,
            media_type: "application/json",
            text: String::new(),
            report: absent.map(str::to_owned),
            absent: absent.is_some(),
            kept,
            at: fault.map(|fault| fault.at),
        }
    }

    /// All that is asked before there is content.
    pub(super) fn admit(&self, path: &mut Path) -> ControlFlow<Reason, Permit> {
        let draining = self.target == Some(Target::Readiness) && self.view.is_draining();
        arrive(
            path,
            &Arrive {
                fault: self.fault.map(|fault| fault.cause),
                misdirected: self.fault.is_none() && !self.is_meant(),
                closed: draining.then_some(Closed::Draining),
                ..Arrive::default()
            },
        )?;
        let admitted = authorize(
            path,
            &Authorize {
                guarded: true,
                unidentified: self.unidentified(),
                denied: (!self.is_from_here()).then_some(Denied::CrossSite),
                ..Authorize::default()
            },
        )?;
        let method = self.head.method;
        find(
            path,
            &Find {
                method_unknown: method == Method::Other,
                no_route: self.target.is_none(),
                method_not_taken: !self.allow().contains(method),
                absent: self.absent.then_some(Absent::Nothing),
                ..Find::default()
            },
        )?;
        let framing = self.head.framing;
        negotiate(
            path,
            &Negotiate {
                content: framing != Framing::None || self.changes(),
                length_missing: framing == Framing::Chunked,
                too_large: matches!(framing, Framing::Length(length) if length > self.largest()),
                type_not_taken: self.changes() && !self.is_json(),
                coding_not_taken: is_coded(self.lines(Name::ContentEncoding)),
                unplaceable: self.unlisted.as_ref().map(|_| Unplaceable::Filter),
                ..Negotiate::default()
            },
        )?;
        precondition(path, &Precondition { method, ..Precondition::default() }, admitted)
    }

    /// Does what is asked, with the content that came.
    pub(super) async fn act(&mut self, path: &mut Path, permit: Permit, content: Result<Vec<u8>, Unarrived>) -> Reason {
        let work = if self.changes() { Work::Write } else { Work::Read };
        let outcome = match content {
            Ok(content) => self.outcome(&content).await,
            Err(unarrived) => Outcome::Unarrived(unarrived),
        };
        let decided = match process(path, &Process { work, outcome }, permit) {
            Continue(done) => range(path, &Range::default(), done),
            refused => refused,
        };
        let (Break(reason) | Continue(reason)) = decided;
        reason
    }

    async fn outcome(&mut self, content: &[u8]) -> Outcome {
        match self.target {
            Some(Target::Health) => self.say("text/plain; charset=utf-8", "alive\n".to_owned()),
            Some(Target::Readiness) => self.say("text/plain; charset=utf-8", "ready\n".to_owned()),
            Some(Target::Metrics) => {
                let offers = metrics::Form::ALL.map(metrics::Form::media_type);
                // Who accepts neither is a program all the same, and the older format is what it was written for.
                let form = Accept::new(self.lines(Name::Accept)).best(&offers).unwrap_or(0);
                let form = metrics::Form::ALL[form];
                let opened = self.settings.opened.clone();
                // What cannot be told is left out.
                let queues = spawn_blocking(move || standings(&opened)).await.unwrap_or_default();
                self.say(form.media_type(), self.view.metrics.render(form, &self.view.gauges(queues)))
            }
            Some(Target::Reload) => self.reload().await,
            Some(Target::Maintenance) if self.changes() => self.maintain(content),
            Some(Target::Maintenance) => self.tell_orders(None),
            Some(Target::Explain) => self.explain(content).await,
            Some(Target::Answers) => self.answers().await,
            Some(Target::Answer) => self.why().await,
            Some(Target::Page(part)) => self.say(part.media_type(), part.text().to_owned()),
            Some(Target::Questions) => self.say("application/json", format!("{}\n", reference::questions())),
            Some(Target::Reference) => self.say("application/json", format!("{}\n", reference::codes())),
            Some(Target::Tour) => {
                let stops = self.settings.tour().cloned().unwrap_or_default().json();
                self.say("application/json", format!("{stops}\n"))
            }
            Some(Target::Stop(code)) => self.visit(code, content).await,
            // `find` has refused it.
            None => Outcome::Done(Done::Served),
        }
    }

    fn say(&mut self, media_type: &'static str, text: String) -> Outcome {
        self.media_type = media_type;
        self.text = text;
        Outcome::Done(if self.changes() { Done::Updated } else { Done::Served })
    }

    async fn reload(&mut self) -> Outcome {
        let (answer, answered) = oneshot::channel();
        let asked = self.view.requests.send(Request::Reload { answer });
        let taken = match asked {
            Ok(()) => answered.await.unwrap_or_else(|_| Err("the server is stopping".to_owned())),
            Err(_) => Err("the server is stopping".to_owned()),
        };
        match taken {
            Ok(Taken { file, routes, warnings }) => {
                let taken = Json::object([
                    ("taken", Json::from(file)),
                    ("routes", Json::from(routes as u64)),
                    ("warnings", if warnings.is_empty() { Json::Null } else { Json::from(warnings) }),
                ]);
                self.say("application/json", format!("{taken}\n"))
            }
            Err(report) => {
                self.report = Some(report);
                Outcome::Conflict(Conflict::Config)
            }
        }
    }

    /// The order that the content is.
    fn order<T: DeserializeOwned>(&mut self, content: &[u8]) -> Result<T, Outcome> {
        serde_json::from_slice(content).map_err(|error| {
            self.report = Some(visible(&error.to_string()));
            if error.classify() == serde_json::error::Category::Data {
                return Outcome::Rejected(Rejected::Schema);
            }
            self.at = Some(offset(content, error.line(), error.column()));
            Outcome::Rejected(Rejected::Json)
        })
    }

    /// On another thread, since it waits for the disk.
    async fn explain(&mut self, content: &[u8]) -> Outcome {
        let order: explain::Order = match self.order(content) {
            Ok(order) => order,
            Err(refused) => return refused,
        };
        let opened = self.settings.opened.clone();
        match spawn_blocking(move || explain::explain(&order, opened)).await {
            Ok(Ok(text)) => self.say("application/json", text),
            Ok(Err(Unexplained::Order(wrong))) => {
                self.report = Some(wrong);
                Outcome::Rejected(Rejected::Schema)
            }
            // What failed is in the log.
            Ok(Err(Unexplained::Failed)) => Outcome::Failure(Failure::Disk),
            Err(_) => Outcome::Failure(Failure::Panicked),
        }
    }

    /// Tells what was answered, once there is something to tell or the time to wait is over.
    async fn answers(&mut self) -> Outcome {
        let query = self.query.take().unwrap_or_default();
        let until = Instant::now() + query.wait;
        loop {
            let answers = Answers::of(self.view, &query);
            if !answers.is_empty() || Instant::now() >= until || self.view.is_draining() {
                return self.say("application/json", format!("{}\n", answers.json()));
            }
            sleep(LOOK).await;
        }
    }

    async fn why(&mut self) -> Outcome {
        // `find` has refused one that is not kept.
        let Some(kept) = self.kept.take() else { return Outcome::Done(Done::Served) };
        let given = Given::of(&kept, self.view);
        let settings = self.settings.clone();
        match spawn_blocking(move || answers::why(&given, &settings, &kept)).await {
            Ok(Ok(told)) => self.say("application/json", format!("{told}\n")),
            // What failed is in the log.
            Ok(Err(())) => Outcome::Failure(Failure::Disk),
            Err(_) => Outcome::Failure(Failure::Panicked),
        }
    }

    /// Makes a status happen, and waits until its answer is kept: a moment after it was sent.
    async fn visit(&mut self, code: u16, content: &[u8]) -> Outcome {
        if let Err(refused) = self.order::<Nothing>(content) {
            return refused;
        }
        // `find` has refused it where there is none.
        let Some(tour) = self.settings.tour().cloned() else { return Outcome::Done(Done::Served) };
        let Ok(visited) = spawn_blocking(move || tour.visit(code)).await else {
            return Outcome::Failure(Failure::Panicked);
        };
        if let Some(id) = &visited.id {
            let until = Instant::now() + KEPT;
            while answers::find(self.view, id).is_none() && Instant::now() < until {
                sleep(LOOK_AGAIN).await;
            }
        }
        self.say("application/json", format!("{}\n", visited.json(code)))
    }

    fn maintain(&mut self, content: &[u8]) -> Outcome {
        let order: Order = match self.order(content) {
            Ok(order) => order,
            Err(refused) => return refused,
        };
        let wrong = match &order {
            Order { route: Some(route), .. } if !self.settings.routes.contains(route) => {
                Some(format!("`route`: the config has no route `{}`", visible(route)))
            }
            Order { on: false, until: Some(_), .. } => Some("`until` is for `on`: what is open has no end".to_owned()),
            _ => None,
        };
        let until = order.until.as_deref().map_or(Ok(Until::Reopened), moment);
        let until = match (wrong, until) {
            (None, Ok(until)) => until,
            (Some(wrong), _) | (None, Err(wrong)) => {
                self.report = Some(wrong);
                return Outcome::Rejected(Rejected::Schema);
            }
        };
        let which = order.route.as_deref().map_or(Which::All, Which::Route);
        let named = order.route.as_deref().map_or_else(|| "every route".to_owned(), visible);
        let maintenance = &self.view.maintenance;
        let changed = if order.on {
            maintenance.close(which, until);
            match order.until {
                Some(_) => tell(format_args!("{named} is closed for maintenance until {until}, by the console")),
                None => tell(format_args!("{named} is closed for maintenance, by the console")),
            }
            true
        } else {
            let changed = maintenance.open(which);
            if changed {
                tell(format_args!("{named} is open again, by the console"));
            }
            changed
        };
        self.tell_orders(Some(changed))
    }

    /// Which orders there are, and whether the last one changed anything.
    fn tell_orders(&mut self, changed: Option<bool>) -> Outcome {
        let orders = self.view.maintenance.orders(now()).into_iter().map(|(route, until)| {
            let until = match until {
                Until::Unix(_) => Json::from(until.to_string()),
                Until::Reopened => Json::Null,
            };
            Json::object([("route", route.map_or(Json::Null, Json::from)), ("until", until)])
        });
        let orders = Json::List(orders.collect());
        let told = match changed {
            Some(changed) => Json::object([("changed", Json::from(changed)), ("orders", orders)]),
            None => Json::object([("orders", orders)]),
        };
        self.say("application/json", format!("{told}\n"))
    }

    /// Writes the answer, after which the connection ends.
    pub(super) fn put(self, reason: Reason, moment: (&Clock, &Random), out: &mut Vec<u8>) {
        let (clock, random) = moment;
        let id = random.id(clock.milliseconds());
        let stamp = Stamp { date: &clock.date(), id: &id.0 };
        let asked = match self.fault {
            None => self.head.asked(false),
            Some(_) => {
                // RFC 9110 §9.3.2: of a head that is malformed somewhere, the method may still be seen.
                Asked { method: method_on_sight(self.bytes), version: Version::Http11, persist: false }
            }
        };
        let common = &self.settings.common;
        if reason.status().class() == Class::Successful {
            let mut fields: Fields<'_> = vec![
                ("Content-Type", Cow::Borrowed(self.media_type)),
                ("X-Content-Type-Options", Cow::Borrowed("nosniff")),
            ];
            if let Some(Target::Page(_)) = self.target {
                fields.push(("Content-Security-Policy", Cow::Borrowed(POLICY)));
                fields.push(("Referrer-Policy", Cow::Borrowed("no-referrer")));
                fields.push(("Cross-Origin-Resource-Policy", Cow::Borrowed("same-origin")));
            }
            if self.target == Some(Target::Metrics) {
                fields.push(("Vary", Cow::Borrowed("Accept")));
            }
            add_headers(&mut fields, common);
            let writing = Writing { status: reason.status(), asked, stamp: &stamp, common, more: Vec::new() };
            writing.head(&fields, Some(self.text.len() as u64), out);
            if asked.method != Method::Head {
                out.extend_from_slice(self.text.as_bytes());
            }
            return;
        }
        let on_sight = self.fault.and_then(|_| accept_on_sight(self.bytes));
        let refusal = Refusal {
            reason,
            asked,
            accept: self.lines(Name::Accept).chain(on_sight),
            common,
            circumstances: self.circumstances(reason),
            more: self.required(reason),
        };
        refusal.put(out, &stamp);
    }

    fn circumstances(&self, reason: Reason) -> Circumstances<'_> {
        Circumstances {
            at: self.at,
            limit: match (reason, self.fault.map(|fault| fault.cause)) {
                (Reason::ContentTooLarge { .. }, _) => Some(Limit::Bytes(self.largest())),
                (Reason::ContentStalled { .. }, _) => Some(Limit::Time(self.settings.content)),
                (_, Some(Malformed::HeadTimeout)) => Some(Limit::Time(self.settings.head)),
                _ => None,
            },
            length: match self.head.framing {
                Framing::Length(length) => Some(length),
                Framing::None | Framing::Chunked => None,
            },
            method: Some(self.head.method.name()),
            allow: Some(self.allow()),
            // It stops soon, and what follows it is another's to say.
            retry_after: Some(1),
            report: self.report.as_deref(),
            unlisted: self.unlisted.as_deref(),
            words: match reason {
                Reason::NotThisAuthority { .. } => Some(MISNAMED),
                Reason::CrossSiteForm { .. } => Some(FROM_ELSEWHERE),
                Reason::FilterNotIndexed { .. } => Some(("", QUERY)),
                _ => None,
            },
            ..Circumstances::default()
        }
    }

    /// The fields that a reason requires and that are the console's own.
    fn required(&self, reason: Reason) -> Fields<'static> {
        let field = match reason {
            Reason::TokenUnknown { .. } => ("WWW-Authenticate", "Bearer realm=\"console\", error=\"invalid_token\""),
            Reason::CredentialsMissing { .. } | Reason::CredentialsMalformed { .. } | Reason::SchemeNotTaken { .. } => {
                ("WWW-Authenticate", "Bearer realm=\"console\"")
            }
            Reason::MediaTypeNotTaken { .. } => ("Accept-Post", "application/json"),
            _ => return Vec::new(),
        };
        vec![(field.0, Cow::Borrowed(field.1))]
    }

    fn allow(&self) -> MethodSet {
        self.target.map_or(READING, Target::allow)
    }

    /// The most content that the target takes.
    pub(super) fn largest(&self) -> u64 {
        self.target.map_or(LARGEST, Target::largest)
    }

    fn changes(&self) -> bool {
        self.head.method == Method::Post
    }

    fn lines(&self, name: Name) -> impl Iterator<Item = &'a [u8]> + Clone + use<'a> {
        let bytes = self.bytes;
        // A head with a fault has no lines.
        let head = self.head;
        head.all(name).take(if self.fault.is_none() { usize::MAX } else { 0 }).map(move |span| span.of(bytes))
    }

    /// Whether the request is for this machine by an address or by the one name that no other machine has: a name that somebody
    /// else hands out may lead a browser here for a page of theirs (DNS rebinding).
    fn is_meant(&self) -> bool {
        // Only HTTP/1.0 can name nobody, and no browser speaks that.
        let Some(authority) = self.head.authority(self.bytes) else { return true };
        Authority::parse(authority).is_ok_and(|authority| authority.is_ip() || authority.host_is("localhost"))
    }

    /// Whether it is from no page, or from one of the console's own.
    fn is_from_here(&self) -> bool {
        let mut origins = self.lines(Name::Origin);
        let Some(origin) = origins.next() else { return true };
        let own = self.head.authority(self.bytes);
        origins.next().is_none() && origin.strip_prefix(b"http://").is_some_and(|origin| Some(origin) == own)
    }

    fn unidentified(&self) -> Option<Unidentified> {
        if self.way == Way::Socket || self.target.is_some_and(Target::is_open) {
            return None;
        }
        let mut lines = self.lines(Name::Authorization);
        let Some(line) = lines.next() else { return Some(Unidentified::Missing) };
        let credentials = Credentials::parse(line).filter(|_| lines.next().is_none());
        let Some(credentials) = credentials else { return Some(Unidentified::Malformed) };
        if !credentials.scheme_is("Bearer") {
            return Some(Unidentified::Scheme);
        }
        let Some(sent) = credentials.token68() else { return Some(Unidentified::Malformed) };
        let known = self.settings.token.as_ref().is_some_and(|token| token.is(sent));
        (!known).then_some(Unidentified::Token)
    }

    /// What a form cannot send without being asked about first (Fetch, CORS-safelisted request-headers).
    fn is_json(&self) -> bool {
        let mut lines = self.lines(Name::ContentType);
        let media_type = lines.next().and_then(MediaType::parse);
        media_type.is_some_and(|media_type| media_type.is("application/json")) && lines.next().is_none()
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.ok().and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or(0)
}

/// A date and time of RFC 3339, to come; an error is what is wrong with it.
fn moment(text: &str) -> Result<Until, String> {
    let wrong = |why: &dyn std::fmt::Display| format!("`until`: {why}");
    text.parse::<jiff::Timestamp>().map_err(|_| {
        wrong(&format_args!("`{}` is no date and time of RFC 3339, as `2026-12-01T14:00:00Z` is", visible(text)))
    })?;
    Until::parse(text, SystemTime::now()).map_err(|why| wrong(&why))
}

/// The byte at a line and a column, both from one.
fn offset(content: &[u8], line: usize, column: usize) -> usize {
    let lines = content.split_inclusive(|byte| *byte == b'\n');
    let before: usize = lines.take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    (before + column.saturating_sub(1)).min(content.len())
}
