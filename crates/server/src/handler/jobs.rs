//! `jobs`: a queue in the store, and for each job a monitor and what came of it.
//!
//! Rule: a job is its owner's. For anybody else there is none, and what they are told is what they would be told of one that
//! never was.

mod change;
mod failed;
mod possible;
mod prefer;

pub(crate) use change::Asked;
pub(crate) use failed::{NO_ROOM, asks_again, code, in_words};

use crate::config::{self, Part};
use crate::handler::idempotency;
use crate::handler::wrote::Details;
use crate::id::Random;
use crate::moment::Moment;
use crate::representation::{Content, Description, Representation};
use crate::request::Request;
use crate::route::push_uri;
use crate::store::{Job, Outcomes, Reader, State};
use bytes::Bytes;
use prefer::Preferences;
use std::borrow::Cow;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use verdict_core::cause::{Absent, Done, Failure, Unplaceable};
use verdict_core::decide::{Negotiate, Outcome};
use verdict_core::explain::push_json;
use verdict_core::field::media_type::MediaType;
use verdict_core::method::{Method, MethodSet};
use verdict_core::status::Status;
use verdict_wire::Name;

/// What each of the three takes.
const OF_QUEUE: MethodSet = MethodSet::of(&[Method::Post, Method::Options]);
const OF_MONITOR: MethodSet = MethodSet::of(&[Method::Get, Method::Head, Method::Delete, Method::Options]);
const OF_RESULT: MethodSet = MethodSet::of(&[Method::Get, Method::Head, Method::Options]);

/// How often it is looked at a job that another process may have finished.
const LOOK: Duration = Duration::from_secs(1);

/// A client is never told to come again later than that, in seconds.
const LATEST: u64 = 60;

/// A queue, as a worker has it.
pub(crate) struct Jobs {
    pub(crate) config: Arc<config::Jobs>,
    reader: Rc<Reader>,
}

/// What a request is about.
pub(crate) struct Subject {
    pub(crate) part: Part,
    /// The job's id; `None`: the queue.
    pub(crate) id: Option<String>,
    /// What reading it gives.
    pub(crate) outcome: Outcome,
    /// Fields of that answer.
    pub(crate) fields: Vec<(&'static str, String)>,
    pub(crate) details: Details,
}

/// What there is to be shown.
pub(crate) enum Shown {
    Nothing,
    Representation(Rc<Representation>),
    /// The result, where it is.
    Result,
}

/// What the look-up found.
pub(crate) struct Looked {
    pub(crate) subject: Subject,
    pub(crate) shown: Shown,
    pub(crate) absent: Option<Absent>,
}

impl Jobs {
    pub(crate) fn new(config: Arc<config::Jobs>, reader: Rc<Reader>) -> Jobs {
        Jobs { config, reader }
    }

    pub(crate) const fn allow(part: Part) -> MethodSet {
        match part {
            Part::Queue => OF_QUEUE,
            Part::Monitor => OF_MONITOR,
            Part::Result => OF_RESULT,
        }
    }

    /// For how long a request for a monitor waits for the job to end.
    pub(crate) fn patience(&self, request: &Request<'_>, part: Part) -> Duration {
        match (part, request.head.method) {
            (Part::Monitor, Method::Get) => Preferences::of(request).wait.unwrap_or_default(),
            _ => Duration::ZERO,
        }
    }

    /// The job with this id, if it is the user's, as soon as it has ended or when so much time has passed.
    pub(crate) async fn job(
        &self,
        id: &str,
        user: Option<&str>,
        patience: Duration,
        moment: &Moment<'_>,
    ) -> Result<Option<Job>, Failure> {
        let route = self.config.pattern.as_str();
        let look = || {
            let job = self.reader.job(route, id, moment.clock.milliseconds())?;
            Ok(job.filter(|job| job.owner.as_deref() == user))
        };
        let Some(deadlines) = moment.deadlines.filter(|_| !patience.is_zero()) else { return look() };
        // RFC 7240 §2: a preference may be ignored.
        let Some(listener) = self.reader.store().bell().wait(id) else { return look() };
        let deadline = deadlines.enroll();
        let due = deadline.after(patience);
        loop {
            let ended = pin!(listener.ended());
            let job = look()?;
            if !job.as_ref().is_some_and(|job| matches!(job.state, State::Waiting { .. } | State::Running)) {
                return Ok(job);
            }
            let stays = async {
                tokio::select! {
                    () = ended => true,
                    () = moment.left() => false,
                }
            };
            let next = if self.reader.store().is_alone() { due } else { due.min(deadline.after(LOOK)) };
            match deadline.until(next, stays).await {
                Some(true) => {}
                None if !deadline.is_over() && deadline.after(Duration::ZERO) <= due => {}
                Some(false) | None => return look(),
            }
        }
    }

    /// What is at the path of the queue, or of this job, which is the asking user's.
    pub(crate) fn look(&self, part: Part, id: Option<&str>, job: Result<Option<Job>, Failure>, now: u64) -> Looked {
        let mut looked = Looked {
            subject: Subject {
                part,
                id: id.map(str::to_owned),
                outcome: Outcome::Done(Done::JobReported),
                fields: Vec::new(),
                details: Details::default(),
            },
            shown: Shown::Nothing,
            absent: None,
        };
        let Some(id) = id else { return looked };
        let job = match job {
            Ok(Some(job)) if job.state == State::Gone => Err(Absent::ResultExpired),
            Ok(Some(job)) => Ok(job),
            Ok(None) => Err(Absent::Nothing),
            Err(failure) => Err(of_look_up(failure)),
        };
        match (job, part) {
            (Err(absent), _) => looked.absent = Some(absent),
            (Ok(Job { state: State::Done { .. }, .. }), Part::Result) => match self.result(id, now) {
                Ok(Some((status, representation))) => {
                    looked.subject.outcome = Outcome::Answered(status);
                    looked.shown = Shown::Representation(representation);
                }
                // Its time was over in between.
                Ok(None) => looked.absent = Some(Absent::ResultExpired),
                Err(failure) => looked.absent = Some(of_look_up(failure)),
            },
            (Ok(_), Part::Result | Part::Queue) => looked.absent = Some(Absent::Nothing),
            (Ok(job), Part::Monitor) => self.monitor(id, &job, &mut looked),
        }
        looked
    }

    /// What a monitor says of a job.
    fn monitor(&self, id: &str, job: &Job, looked: &mut Looked) {
        let Looked { subject, shown, .. } = looked;
        match &job.state {
            State::Done { .. } => {
                subject.outcome = Outcome::Done(Done::JobDone);
                *shown = Shown::Result;
            }
            State::Failed { why, .. } => {
                let failed = failed::told(why, id, job.attempt);
                (subject.outcome, subject.fields, subject.details) = (failed.outcome, failed.fields, failed.details);
            }
            State::Waiting { .. } | State::Running | State::Gone => {
                subject.fields = vec![("Retry-After", self.retry_after(&job.state).to_string())];
                *shown = Shown::Representation(Rc::new(report(id, job)));
            }
        }
    }

    /// When to look again, in seconds.
    fn retry_after(&self, state: &State) -> u64 {
        match state {
            State::Waiting { position } => (1 + position / u64::from(self.config.workers)).min(LATEST),
            _ => 1,
        }
    }

    /// What came of a job, with the status that its target gave.
    fn result(&self, id: &str, now: u64) -> Result<Option<(Status, Rc<Representation>)>, Failure> {
        let found = self.reader.result(self.config.pattern.as_str(), id, now)?;
        let Some(Outcomes { status, content_type, content }) = found else { return Ok(None) };
        let status = Status::from_wire(status).ok_or(Failure::Corrupt)?;
        // What is no media type, a browser would guess.
        let is_type = |found: &String| found.len() <= LONGEST_TYPE && MediaType::parse(found.as_bytes()).is_some();
        let media_type = content_type.filter(is_type);
        let media_type = media_type.map_or(Cow::Borrowed("application/octet-stream"), Cow::Owned);
        Ok(Some((status, Rc::new(described(content, media_type, "private, no-store", Some(POLICY))))))
    }

    /// Whether the content is one that can be queued, and whether there is room.
    pub(crate) fn negotiation(
        &self,
        request: &Request<'_>,
        user: Option<&str>,
        part: Part,
        common: Negotiate,
        now: u64,
    ) -> Negotiate {
        if part != Part::Queue || request.head.method != Method::Post {
            return common;
        }
        // A store that cannot be read says so when it is written.
        let route = self.config.pattern.as_str();
        let is_full = || self.reader.waiting(route).unwrap_or_default() >= self.config.queue;
        // What was queued already needs no room.
        let has_no_room = || is_full() && !idempotency::is_known(&self.reader, request, user, route, now);
        Negotiate {
            content: true,
            coding_not_taken: common.coding_not_taken
                || crate::content_type::is_coded(request.lines(Name::ContentEncoding)),
            unplaceable: match idempotency::is_malformed(request) {
                true => Some(Unplaceable::Key),
                false => has_no_room().then_some(Unplaceable::Queue),
            },
            ..common
        }
    }
}

/// How it is with a job, as JSON.
fn report(id: &str, job: &Job) -> Representation {
    let mut out = String::from("{\"job\":");
    push_json(&mut out, id);
    match job.state {
        State::Waiting { position } => out += &format!(",\"state\":\"waiting\",\"position\":{}", position + 1),
        // Of a request that is repeated after that.
        State::Gone => out += ",\"state\":\"gone\"",
        State::Done { .. } => out += ",\"state\":\"done\"",
        State::Failed { .. } => out += ",\"state\":\"failed\"",
        State::Running => out += ",\"state\":\"running\"",
    }
    out += &format!(",\"attempts\":{}}}\n", job.attempt);
    described(out.into(), Cow::Borrowed("application/json"), "no-store", None)
}

/// The longest media type of a result that is passed on.
const LONGEST_TYPE: usize = 256;

/// What a target made is not a page of this origin: it may be of whoever queued the job, and has no rights here.
const POLICY: &str = "sandbox; default-src 'none'";

fn described(
    content: Bytes,
    media_type: Cow<'static, str>,
    cache_control: &str,
    policy: Option<&'static str>,
) -> Representation {
    let description = Description {
        media_type,
        coding: None,
        tag: None,
        last_modified: None,
        cache_control: Some(cache_control.into()),
        vary: None,
        ranges: false,
        link: None,
        policy,
    };
    Representation::new(Content::Memory(content), description)
}

/// The path of a job's monitor, of that of its queue.
fn monitor_of(queue: &str, id: &str) -> String {
    let mut out = String::new();
    push_uri(queue.trim_end_matches('/'), &mut out);
    out.push('/');
    out.push_str(id);
    out
}

/// The path of a job's result, of that of its monitor.
pub(crate) fn result_of(monitor: &str) -> String {
    let mut out = String::new();
    push_uri(monitor, &mut out);
    out.push_str("/result");
    out
}

/// A job's id: a UUID of version 7 (RFC 9562 §5.7) that nobody can guess, since on a route without `auth` it is what a client has
/// to know. `now`: milliseconds since 1970.
fn new_id(now: u64) -> String {
    let bits = Random::unforeseen();
    let (a, b, c) =
        (bits as u16 & 0xfff, (bits >> 16) as u16 & 0x3fff | 0x8000, (bits >> 32) as u64 & 0xffff_ffff_ffff);
    format!("{:08x}-{:04x}-7{a:03x}-{b:04x}-{c:012x}", now >> 16 & 0xffff_ffff, now & 0xffff)
}

fn of_look_up(failure: Failure) -> Absent {
    match failure {
        Failure::Corrupt | Failure::Disk | Failure::DiskFull | Failure::Quota | Failure::Panicked => Absent::Failed,
        Failure::StoreBusy | Failure::Queue => Absent::Exhausted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_with_the_time_in_front_and_no_two_are_the_same() {
        let id = new_id(0x0190_163d_8694);
        assert!(id.starts_with("0190163d-8694-7"), "{id}");
        assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{id}");
        assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_ne!(id, new_id(0x0190_163d_8694));
    }

    #[test]
    fn a_job_is_below_its_queue() {
        for (queue, monitor) in [("/render", "/render/x"), ("/render/", "/render/x"), ("/", "/x")] {
            assert_eq!(monitor_of(queue, "x"), monitor);
            assert_eq!(result_of(monitor), format!("{monitor}/result"));
        }
    }
}
