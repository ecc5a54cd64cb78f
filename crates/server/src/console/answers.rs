//! `GET /answers` and `GET /answers/ID`: what was answered, from what the recorder keeps, and why.

use super::{Settings, View};
use crate::document::form;
use crate::explain::DryRun;
use crate::explain::shown::Shown;
use crate::json::Json;
use crate::log;
use crate::recorder::{Recorded, Ring};
use serde::Deserialize;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;
use verdict_core::explain::visible;
use verdict_core::reason::CATALOGUE;
use verdict_wire::Version;

/// How many answers are told at once, unless it is said, and at most.
const SOME: usize = 100;
const MOST: usize = 1000;

/// How long somebody may wait for the next one.
const LONGEST_WAIT: u64 = 30;

/// One answer that was given. As JSON its members have these names.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Given {
    /// The request's id.
    pub id: String,
    /// When: RFC 3339, with milliseconds.
    pub time: String,
    /// Who asked.
    pub client: String,
    /// Who that is, where the route wants to know.
    pub user: Option<String>,
    /// The method as it was sent, as far as it is kept.
    pub method: String,
    /// The target as it was sent, as far as it is kept.
    pub target: String,
    /// `1.0`, `1.1` or `2`.
    pub version: String,
    /// `None` where the client had left.
    pub status: Option<u16>,
    /// The reason's id.
    pub reason: String,
    /// The stage that gave it.
    pub stage: String,
    /// Why there was an answer before the answer.
    pub interim: Option<String>,
    /// The route's pattern; `None` too where it is of a config that was replaced long ago.
    pub route: Option<String>,
    /// Bytes of content that were sent.
    pub bytes: u64,
    /// Microseconds: from the first byte of the head to its last, from there to the decision, from there to the end of the
    /// answer. `None` of what was answered at once while there was no log.
    pub head_us: Option<u32>,
    /// The same.
    pub decision_us: Option<u32>,
    /// The same.
    pub sending_us: Option<u32>,
    /// Why the connection ended with it.
    pub close: Option<String>,
    /// The upstream that was asked.
    pub member: Option<String>,
    /// How that failed.
    pub cause: Option<String>,
    /// Whether only a part of its head was kept, since that was long.
    #[serde(default)]
    pub cut: bool,
}

/// What `GET /answers` tells.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Answers {
    /// The oldest first.
    pub answers: Vec<Given>,
    /// Where to go on: the next `after`.
    pub next: String,
    /// How many there were since `after` that are kept no longer.
    pub missed: u64,
}

/// What `GET /answers/ID` tells.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Why {
    /// The answer.
    pub answer: Given,
    /// The decision, question by question.
    pub explanation: Shown,
    /// Whether there is another config by now, so that less of it can be told.
    pub reloaded: bool,
}

impl Answers {
    /// What the server answered; `None`: one of another version.
    pub fn parse(content: &str) -> Option<Answers> {
        serde_json::from_str(content).ok()
    }
}

impl Why {
    /// What the server answered; `None`: one of another version.
    pub fn parse(content: &str) -> Option<Why> {
        serde_json::from_str(content).ok()
    }
}

impl Given {
    pub(super) fn of(kept: &Recorded, view: &View) -> Given {
        let (method, target) = kept.asked();
        let times = kept.times.map(|times| times.map(Some)).unwrap_or_default();
        let reason = kept.verdict.reason;
        Given {
            id: kept.id.clone(),
            time: log::Time(kept.at).to_string(),
            client: kept.client.to_string(),
            user: kept.user.clone(),
            method,
            target,
            version: match kept.version {
                Version::Http10 => "1.0",
                Version::Http11 => "1.1",
                Version::Http2 => "2",
            }
            .to_owned(),
            status: (!kept.gone).then(|| reason.status().code()),
            reason: reason.id().to_owned(),
            stage: reason.entry().stage.name().to_owned(),
            interim: kept.interim.map(|interim| interim.id().to_owned()),
            route: kept.route.and_then(|route| view.pattern(kept.config, route)),
            bytes: kept.bytes,
            head_us: times[0],
            decision_us: times[1],
            sending_us: times[2],
            close: kept.close.map(|close| close.id().to_owned()),
            member: kept.member.clone(),
            cause: kept.failure.map(|failure| failure.id().to_owned()),
            cut: kept.cut,
        }
    }

    /// For programs; what there is none of is left out.
    pub fn json(&self) -> Json {
        let mut members: Vec<(&str, Json)> = Vec::new();
        let mut text = |name, value: Option<&String>| {
            members.extend(value.map(|value| (name, Json::from(value.as_str()))));
        };
        text("id", Some(&self.id));
        text("time", Some(&self.time));
        text("client", Some(&self.client));
        text("user", self.user.as_ref());
        text("method", Some(&self.method));
        text("target", Some(&self.target));
        text("version", Some(&self.version));
        text("reason", Some(&self.reason));
        text("stage", Some(&self.stage));
        text("interim", self.interim.as_ref());
        text("route", self.route.as_ref());
        text("close", self.close.as_ref());
        text("member", self.member.as_ref());
        text("cause", self.cause.as_ref());
        let mut number = |name, value: Option<u64>| members.extend(value.map(|value| (name, Json::Number(value))));
        number("status", self.status.map(u64::from));
        number("bytes", Some(self.bytes));
        number("head_us", self.head_us.map(u64::from));
        number("decision_us", self.decision_us.map(u64::from));
        number("sending_us", self.sending_us.map(u64::from));
        members.extend(self.cut.then_some(("cut", Json::Flag(true))));
        Json::object(members)
    }
}

/// What is asked of `GET /answers`.
#[derive(Default)]
pub(super) struct Query {
    status: Option<(u16, u16)>,
    reason: Option<String>,
    route: Option<String>,
    client: Option<IpAddr>,
    limit: Option<usize>,
    after: Option<Vec<u64>>,
    pub(super) wait: Duration,
}

impl Query {
    /// Errors: what is wrong with it, in words.
    pub(super) fn parse(query: &[u8]) -> Result<Query, String> {
        let mut asked = Query::default();
        for pair in query.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let value = form::decoded(pair.get(at + 1..).unwrap_or_default(), 0)
                .map_err(|fault| format!("the query: {}", fault.what))?;
            let name = String::from_utf8_lossy(&pair[..at]);
            let wrong = |what: &str| format!("`{}={}`: {what}", visible(&name), visible(&value));
            match &*name {
                "status" => {
                    asked.status = Some(statuses(&value).ok_or_else(|| wrong("a status is as `404` or `4xx`"))?)
                }
                "reason" => {
                    if !CATALOGUE.iter().any(|entry| entry.id == value) {
                        return Err(wrong("there is no such reason; `verdict code` lists those of a status"));
                    }
                    asked.reason = Some(value);
                }
                "route" => asked.route = Some(value),
                "client" => asked.client = Some(value.parse().map_err(|_| wrong("a client is an IP address"))?),
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=MOST).contains(limit));
                    asked.limit = Some(limit.ok_or_else(|| wrong(&format!("a limit is from 1 to {MOST}")))?);
                }
                "after" => {
                    let counts: Result<Vec<u64>, _> = value.split('-').map(str::parse).collect();
                    asked.after = Some(counts.map_err(|_| wrong("it is what an answer called `next`"))?);
                }
                "wait" => {
                    let seconds = value.parse().ok().filter(|seconds| *seconds <= LONGEST_WAIT);
                    let seconds =
                        seconds.ok_or_else(|| wrong(&format!("seconds to wait are from 0 to {LONGEST_WAIT}")))?;
                    asked.wait = Duration::from_secs(seconds);
                }
                _ => {
                    return Err(format!(
                        "`{}` is not asked here; `status`, `reason`, `route`, `client`, `limit`, `after` and `wait` are",
                        visible(&name)
                    ));
                }
            }
        }
        Ok(asked)
    }

    /// It is asked of all that is kept, so that nothing is put into words for it.
    fn wants(&self, kept: &Recorded, view: &View) -> bool {
        let status = if kept.gone { 0 } else { kept.verdict.status().code() };
        let pattern = || kept.route.and_then(|route| view.pattern(kept.config, route));
        self.status.is_none_or(|(least, most)| (least..=most).contains(&status))
            && self.reason.as_ref().is_none_or(|reason| reason == kept.verdict.reason.id())
            && self.client.is_none_or(|client| client == kept.client)
            && self.route.as_ref().is_none_or(|route| pattern().as_ref() == Some(route))
    }
}

/// `404`, or `4xx`: the first and the last.
fn statuses(text: &str) -> Option<(u16, u16)> {
    if let Some(class) = text.strip_suffix("xx") {
        let class: u16 = class.parse().ok().filter(|class| (1..=9).contains(class))?;
        return Some((class * 100, class * 100 + 99));
    }
    let status = text.parse().ok().filter(|status| (100..=999).contains(status))?;
    Some((status, status))
}

/// Where a reader of all rings is: the number of the next answer of each.
struct Cursor(Vec<u64>);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, number) in self.0.iter().enumerate() {
            let between = if i == 0 { "" } else { "-" };
            write!(f, "{between}{number}")?;
        }
        Ok(())
    }
}

impl Answers {
    /// The answers that are asked for: the last ones, or those after a cursor.
    pub(super) fn of(view: &View, query: &Query) -> Answers {
        let limit = query.limit.unwrap_or(SOME);
        let mut found = Vec::new();
        let (mut next, mut missed) = (Vec::new(), 0);
        for (ring, after) in view.rings.iter().zip(starts(query, view.rings.len())) {
            let kept = ring.numbers();
            let Some(after) = after.filter(|after| *after <= kept.end) else {
                next.push(kept.end);
                newest(view, ring, query, limit, &mut found);
                continue;
            };
            missed += kept.start.saturating_sub(after);
            let (mut at, mut count) = (after.max(kept.start), 0);
            while at < kept.end && count < limit {
                if let Some(kept) = Recorded::read(ring, at).filter(|kept| query.wants(kept, view)) {
                    found.push((kept.at, Given::of(&kept, view)));
                    count += 1;
                }
                at += 1;
            }
            next.push(at);
        }
        // Of one worker they are in order; of one moment, the order of the workers is as good as any.
        found.sort_by_key(|(at, _)| *at);
        let from = if query.after.is_none() { found.len().saturating_sub(limit) } else { 0 };
        let answers = found.drain(from..).map(|(_, given)| given).collect();
        Answers { answers, next: Cursor(next).to_string(), missed }
    }

    /// Whether there is anything to tell to who waits for it.
    pub(super) fn is_empty(&self) -> bool {
        self.answers.is_empty() && self.missed == 0
    }

    pub(super) fn json(&self) -> Json {
        Json::object([
            ("answers", Json::list(self.answers.iter().map(Given::json))),
            ("next", self.next.as_str().into()),
            ("missed", Json::Number(self.missed)),
        ])
    }
}

/// Where each ring is to be read from. A cursor of another number of workers is of another process.
fn starts(query: &Query, rings: usize) -> impl Iterator<Item = Option<u64>> {
    let after = query.after.clone().filter(|after| after.len() == rings);
    (0..rings).map(move |ring| after.as_ref().map(|after| after[ring]))
}

/// The last answers of one worker that are wanted.
fn newest(view: &View, ring: &Ring, query: &Query, limit: usize, found: &mut Vec<(u64, Given)>) {
    let begin = found.len();
    for number in ring.numbers().rev() {
        if found.len() - begin == limit {
            break;
        }
        let Some(kept) = Recorded::read(ring, number) else { continue };
        if query.wants(&kept, view) {
            found.push((kept.at, Given::of(&kept, view)));
        }
    }
    found[begin..].reverse();
}

/// The answer of this id; `None`: none that is kept has it.
pub(super) fn find(view: &View, id: &str) -> Option<Recorded> {
    view.rings.iter().find_map(|ring| ring.numbers().rev().find_map(|number| Recorded::read_if(ring, number, id)))
}

/// Why it was answered so. Waits for the disk. An error is in the log.
pub(super) fn why(given: &Given, settings: &Settings, kept: &Recorded) -> Result<Json, ()> {
    let opened = settings.opened.clone();
    let reloaded = opened.number != kept.config;
    let site = DryRun::beside(opened).map_err(|error| {
        log::operation(format_args!("console: an answer could not be explained: {error}"));
    })?;
    let explanation = Shown::of(&site.why(kept)).json();
    Ok(Json::object([("answer", given.json()), ("explanation", explanation), ("reloaded", Json::Flag(reloaded))]))
}
