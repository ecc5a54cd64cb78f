//! A job is queued, and waited for by who would rather wait; or it is cancelled.

use super::prefer::Preferences;
use super::{Jobs, Subject, failed, monitor_of, new_id, report, result_of};
use crate::config::Limits;
use crate::content::Content;
use crate::handler::idempotency;
use crate::handler::wrote::{Details, Tried, Wrote, failed as broken, patiently, refused};
use crate::moment::Moment;
use crate::request::Request;
use crate::store::{Answer, Begun, Cancelled, Enqueue, Job, Remember, Repeated, State, Unqueued};
use std::rc::Rc;
use std::time::Duration;
use verdict_core::cause::{Conflict, Done, Failure, Rejected};
use verdict_core::decide::Outcome;
use verdict_core::method::Method;
use verdict_wire::Name;

/// What is asked for, by whom it was admitted.
pub(crate) struct Asked<'a> {
    pub(crate) request: &'a Request<'a>,
    pub(crate) subject: &'a Subject,
    pub(crate) user: Option<&'a str>,
    pub(crate) limits: &'a Limits,
    pub(crate) moment: Moment<'a>,
}

impl Asked<'_> {
    /// Milliseconds since 1970.
    fn now(&self) -> u64 {
        self.moment.clock.milliseconds()
    }

    /// Whether it is only looked at what would come of it.
    fn is_dry(&self) -> bool {
        self.moment.deadlines.is_none()
    }
}

impl Jobs {
    /// Does what a request asks for.
    pub(crate) async fn change(&self, asked: &Asked<'_>, content: &mut Content<'_>) -> Wrote {
        let done = match asked.request.head.method {
            Method::Delete => self.cancel(asked).await,
            _ => self.post(asked, content).await,
        };
        done.unwrap_or_else(|refused| *refused)
    }

    async fn post(&self, asked: &Asked<'_>, content: &mut Content<'_>) -> Tried<Wrote> {
        let read = content.all(asked.limits).await;
        let (sent, held) = read.map_err(|outcome| refused(outcome, Details::default()))?;
        let (now, id, route) = (asked.now(), new_id(asked.now()), self.config.pattern.as_str());
        let begun = idempotency::begin(&self.reader, asked.request, asked.user, route, &sent, now);
        let remember = match begun.transpose().map_err(broken)? {
            None => None,
            Some(Begun::Fresh(key)) => {
                let id = id.clone();
                Some(Remember { key, answer: Box::new(move |_| Answer::new(id.into_bytes())) })
            }
            Some(Begun::InFlight) => return Err(refused(Outcome::Conflict(Conflict::KeyInFlight), Details::default())),
            Some(Begun::Repeated(repeated)) => return self.repeated(asked, repeated).await,
        };
        if asked.is_dry() {
            let job = Job { owner: None, state: State::Waiting { position: 0 }, attempt: 0 };
            return Ok(self.accepted(asked, &id, &job));
        }
        let content_type = asked.request.value(Name::ContentType).and_then(|value| std::str::from_utf8(value).ok());
        let enqueue = Enqueue {
            route: route.to_owned(),
            id: id.clone(),
            owner: asked.user.map(str::to_owned),
            // RFC 9110 §8.3
            content_type: content_type.unwrap_or("application/octet-stream").to_owned(),
            content: sent.into(),
            limit: self.config.queue,
            remember,
            now,
        };
        let queued = patiently(self.reader.store().enqueue(enqueue), asked.moment.deadlines).await?;
        drop(held);
        match queued {
            Ok(_) => self.waited(asked, &id).await,
            // Others were faster than its content.
            Err(Unqueued::Full) => Err(broken(Failure::Queue)),
            Err(Unqueued::Repeated(repeated)) => self.repeated(asked, repeated).await,
        }
    }

    async fn repeated(&self, asked: &Asked<'_>, repeated: Repeated) -> Tried<Wrote> {
        match repeated {
            Repeated::Reused => Err(refused(Outcome::Rejected(Rejected::KeyReused), Details::default())),
            Repeated::Replay(answer) => self.waited(asked, &String::from_utf8_lossy(answer.as_bytes())).await,
        }
    }

    /// For how long the client waits for its job. RFC 7240 §4.3: without a preference of its own, as the route says.
    fn wait(&self, preferences: Preferences) -> Duration {
        match preferences {
            Preferences { wait: Some(wait), .. } => wait,
            Preferences { wait: None, asynchronous: false } if self.config.preferred => self.config.timeout.total,
            Preferences { wait: None, .. } => Duration::ZERO,
        }
    }

    /// Whether a client that queues a job with this request waits for it.
    pub(crate) fn is_waited_for(&self, request: &Request<'_>) -> bool {
        !self.wait(Preferences::of(request)).is_zero()
    }

    /// What is answered to who has queued a job, when it has ended or the client's patience has.
    async fn waited(&self, asked: &Asked<'_>, id: &str) -> Tried<Wrote> {
        let wait = self.wait(Preferences::of(asked.request));
        let job = self.job(id, asked.user, wait, &asked.moment).await.map_err(broken)?;
        let Some(job) = job else {
            // It was queued, and is over and forgotten.
            let job = Job { owner: None, state: State::Gone, attempt: 0 };
            return Ok(self.accepted(asked, id, &job));
        };
        match &job.state {
            State::Failed { why, .. } if !wait.is_zero() => {
                let failed::Failed { outcome, fields, details } = failed::told(why, id, job.attempt);
                Ok(Wrote { fields, details, ..Wrote::of(outcome) })
            }
            State::Done { .. } if !wait.is_zero() => match self.result(id, asked.now()).map_err(broken)? {
                Some((status, representation)) => {
                    let outcome = match status.code() {
                        200 => Outcome::Done(Done::JobFinishedInTime),
                        _ => Outcome::Answered(status),
                    };
                    // RFC 9110 §8.7: it has a URL of its own.
                    let result = result_of(&monitor_of(asked.request.raw_path, id));
                    let fields = vec![("Content-Location", result)];
                    Ok(Wrote { representation: Some(representation), fields, ..Wrote::of(outcome) })
                }
                None => Ok(self.accepted(asked, id, &job)),
            },
            _ => Ok(self.accepted(asked, id, &job)),
        }
    }

    /// 202, with what its monitor would say.
    fn accepted(&self, asked: &Asked<'_>, id: &str, job: &Job) -> Wrote {
        let mut fields = vec![("Retry-After", self.retry_after(&job.state).to_string())];
        // RFC 7240 §3
        if Preferences::of(asked.request).asynchronous {
            fields.push(("Preference-Applied", "respond-async".to_owned()));
        }
        Wrote {
            location: Some(monitor_of(asked.request.raw_path, id)),
            representation: Some(Rc::new(report(id, job))),
            fields,
            ..Wrote::done(Done::JobQueued)
        }
    }

    async fn cancel(&self, asked: &Asked<'_>) -> Tried<Wrote> {
        let (route, id, now) =
            (self.config.pattern.as_str(), asked.subject.id.as_deref().unwrap_or_default(), asked.now());
        let finished = || refused(Outcome::Conflict(Conflict::JobFinished), Details::default());
        if asked.is_dry() {
            let job = self.reader.job(route, id, now).map_err(broken)?;
            let ended = job.is_some_and(|job| matches!(job.state, State::Done { .. } | State::Failed { .. }));
            return if ended { Err(finished()) } else { Ok(Wrote::done(Done::Deleted)) };
        }
        let keep_until = now.saturating_add(self.config.keep.as_millis() as u64);
        let cancel = self.reader.store().cancel(route, id, keep_until, now);
        match patiently(cancel, asked.moment.deadlines).await? {
            Cancelled::Finished => Err(finished()),
            // Who was faster wanted the same.
            Cancelled::Yes | Cancelled::Gone | Cancelled::Unknown => {
                self.reader.store().bell().ended(id);
                Ok(Wrote::done(Done::Deleted))
            }
        }
    }
}
