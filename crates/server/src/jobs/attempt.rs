//! One attempt at a job: its target is asked, and what came of it is written.

use super::count::Came;
use super::now;
use crate::config;
use crate::handler::jobs::{NO_ROOM, asks_again, code, in_words};
use crate::id::Random;
use crate::log;
use crate::store::{Attempted, Lease, Store};
use crate::upstream::{Answer, Asked, Times, ask};
use bytes::Bytes;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;
use verdict_core::cause::{Failure, Upstream};
use verdict_core::field::date::HttpDate;

/// For how long a job is leased at a time, and after how long the lease is renewed.
pub(super) const LEASE: Duration = Duration::from_secs(30);
const RENEWED: Duration = Duration::from_secs(10);

/// The most content that a result can have.
const LARGEST: u64 = 16 << 20;

/// The pause before the second attempt, and the longest: each is twice that before it.
const FIRST_PAUSE: u64 = 1_000;
const LONGEST_PAUSE: u64 = 60_000;

/// The longest pause that a target can ask for.
const LONGEST_ASKED: u64 = 3_600_000;

/// How often it is tried to write what came of an attempt, once a second: then the lease has ended.
const WRITTEN: u64 = LEASE.as_secs();

/// What is to be done.
pub(super) struct Attempt {
    pub(super) store: Arc<Store>,
    pub(super) jobs: Arc<config::Jobs>,
    pub(super) lease: Lease,
    pub(super) id: String,
    pub(super) content_type: String,
    pub(super) content: Bytes,
}

/// Does it, unless the job is cancelled meanwhile. What is `cut` is given back, to be done by another process.
pub(super) async fn attempt(it: Attempt, mut cut: watch::Receiver<bool>) {
    let config::Timeout { connect, first_byte, total, .. } = it.jobs.timeout;
    let fields = [("Content-Type", &*it.content_type), ("Idempotency-Key", &*it.id)];
    let asked = Asked { method: "POST", fields: &fields, content: &it.content };
    let times = Times { connect, first_byte, total };
    let attempted = {
        let mut asking = pin!(ask(&it.jobs.to, asked, &times, LARGEST));
        let listener = it.store.bell().listen(&it.id);
        loop {
            let ended = pin!(listener.ended());
            tokio::select! {
                biased;
                answered = &mut asking => break it.came(answered),
                _ = cut.wait_for(|cut| *cut) => break Attempted::Again { at: now() },
                () = ended => {}
                () = sleep(RENEWED) => {}
            }
            let until = now().saturating_add(LEASE.as_millis() as u64);
            // Nobody waits for what was cancelled, or what another does by now.
            if let Ok(false) = it.store.attempted(it.lease, Attempted::Running { until }, now()).await {
                it.store.attempts().note(it.jobs.pattern.as_str(), Came::Cancelled);
                return;
            }
        }
    };
    write(&it, attempted).await;
    it.store.bell().ended(&it.id);
}

/// Writes what came of it, for as long as it takes to see that nothing can be written. What there is no room for is given up: the
/// job would be done again and again for nothing.
async fn write(it: &Attempt, mut attempted: Attempted) {
    for _ in 0..WRITTEN {
        // What failed is in the log.
        match it.store.attempted(it.lease, attempted.clone(), now()).await {
            Ok(_) => return,
            Err(Failure::DiskFull) => {
                if let Attempted::Done { until, .. } = attempted {
                    attempted = Attempted::Failed { why: NO_ROOM.to_owned(), until };
                    continue;
                }
            }
            Err(_) => {}
        }
        sleep(Duration::from_secs(1)).await;
        let until = now().saturating_add(LEASE.as_millis() as u64);
        let _ = it.store.attempted(it.lease, Attempted::Running { until }, now()).await;
    }
}

impl Attempt {
    fn came(&self, answered: Result<Answer, Upstream>) -> Attempted {
        let why = match &answered {
            Ok(answer) => answer.status.to_string(),
            Err(cause) => code(*cause),
        };
        let attempted = judged(&self.jobs, self.lease.attempt, answered, now(), Random::new().next());
        let next = match &attempted {
            Attempted::Done { .. } | Attempted::Running { .. } => None,
            Attempted::Again { at } => Some(format!("next at {}", HttpDate::from_unix((at / 1000) as i64))),
            Attempted::Failed { .. } => Some("it has failed".to_owned()),
        };
        if let Some(next) = next {
            let (attempt, most) = (self.lease.attempt, u64::from(self.jobs.retries) + 1);
            log::operation(format_args!(
                "job {} of `{}`: attempt {attempt} of {most}: {}; {next}",
                self.id,
                self.jobs.pattern,
                in_words(&why)
            ));
        }
        self.store.attempts().note(self.jobs.pattern.as_str(), Came::of(&attempted));
        attempted
    }
}

/// What comes of an answer, or of there being none, to the attempt with this number. `random`: any bits.
fn judged(jobs: &config::Jobs, attempt: u32, answered: Result<Answer, Upstream>, now: u64, random: u64) -> Attempted {
    let until = now.saturating_add(jobs.keep.as_millis() as u64);
    let (why, again, asked) = match answered {
        Ok(answer) if asks_again(answer.status) => (answer.status.to_string(), true, retry_after(&answer, now)),
        Ok(answer) => {
            let content_type = content_type(&answer);
            return Attempted::Done { status: answer.status, content_type, content: answer.content, until };
        }
        Err(cause) => (code(cause), may_pass(cause), None),
    };
    if again && attempt <= jobs.retries {
        return Attempted::Again { at: now.saturating_add(asked.unwrap_or_else(|| pause(attempt, random))) };
    }
    Attempted::Failed { why, until }
}

/// Whether another attempt can be met by anything else. Who does not speak HTTP, or has too much to say, does not learn it.
const fn may_pass(cause: Upstream) -> bool {
    !matches!(cause, Upstream::NotHttp | Upstream::HeadTooLarge | Upstream::ContentTooLarge | Upstream::Framing)
}

/// Milliseconds until the next attempt, from half of what it is to all of it, so that not all come again at once.
fn pause(attempt: u32, random: u64) -> u64 {
    let doubled = FIRST_PAUSE.saturating_mul(1 << attempt.saturating_sub(1).min(16)).min(LONGEST_PAUSE);
    doubled / 2 + random % (doubled / 2 + 1)
}

/// The one field of this name.
fn field<'a>(answer: &'a Answer, name: &str) -> Option<&'a [u8]> {
    answer.fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| &value[..])
}

fn content_type(answer: &Answer) -> Option<String> {
    field(answer, "Content-Type").and_then(|value| std::str::from_utf8(value).ok()).map(str::to_owned)
}

/// Milliseconds that the target asks for (RFC 9110 §10.2.3).
fn retry_after(answer: &Answer, now: u64) -> Option<u64> {
    let value = field(answer, "Retry-After")?.trim_ascii();
    let asked = match value.iter().all(u8::is_ascii_digit) && !value.is_empty() {
        true => std::str::from_utf8(value).ok()?.parse().unwrap_or(u64::MAX).saturating_mul(1000),
        false => {
            let second = HttpDate::parse(value, HttpDate::from_unix((now / 1000) as i64))?.unix();
            u64::try_from(second).unwrap_or_default().saturating_mul(1000).saturating_sub(now)
        }
    };
    Some(asked.min(LONGEST_ASKED))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Kind};
    use std::path::Path;

    const NOW: u64 = 1_700_000_000_000;
    const KEPT: u64 = NOW + 3_600_000;

    fn jobs() -> Arc<config::Jobs> {
        let text = "state = \"s\"\n[route.\"/render\"]\njobs = { to = \"http://127.0.0.1:1/\", retries = 2 }\n";
        let config = Config::parse(text, "", Path::new("/")).expect("a config");
        match &config.routes[0].kind {
            Kind::Jobs(jobs, _) => jobs.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn answered(status: u16, fields: &[(&str, &str)]) -> Result<Answer, Upstream> {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        Ok(Answer { status, fields, content: Bytes::from("x") })
    }

    #[test]
    fn what_is_done_is_kept_as_it_came_whatever_its_status() {
        for status in [200, 201, 204, 302, 400, 404, 600] {
            let content_type = Some("image/png".to_owned());
            let expected = Attempted::Done { status, content_type, content: Bytes::from("x"), until: KEPT };
            assert_eq!(judged(&jobs(), 9, answered(status, &[("content-type", "image/png")]), NOW, 0), expected);
        }
    }

    #[test]
    fn what_may_pass_is_tried_again_as_often_as_the_route_says() {
        let failed = |why: &str| Attempted::Failed { why: why.to_owned(), until: KEPT };
        for (came, why) in [
            (answered(500, &[]), "500"),
            (answered(429, &[]), "429"),
            (Err(Upstream::Refused), "Refused"),
            (Err(Upstream::TotalSlow), "TotalSlow"),
        ] {
            assert_eq!(judged(&jobs(), 1, came.clone(), NOW, 0), Attempted::Again { at: NOW + 500 }, "{why}");
            assert_eq!(judged(&jobs(), 2, came.clone(), NOW, 0), Attempted::Again { at: NOW + 1000 }, "{why}");
            assert_eq!(judged(&jobs(), 3, came, NOW, 0), failed(why));
        }
        for cause in [Upstream::NotHttp, Upstream::ContentTooLarge] {
            assert_eq!(judged(&jobs(), 1, Err(cause), NOW, 0), failed(&code(cause)));
        }
    }

    #[test]
    fn a_target_says_when_to_come_again_within_an_hour() {
        for (value, pause) in [
            ("7", 7_000),
            ("0", 0),
            ("999999999999999999999", LONGEST_ASKED),
            ("Tue, 14 Nov 2023 22:13:30 GMT", 10_000),
            ("Tue, 14 Nov 2023 22:13:00 GMT", 0),
            ("soon", 500),
        ] {
            let came = answered(503, &[("Retry-After", value)]);
            assert_eq!(judged(&jobs(), 1, came, NOW, 0), Attempted::Again { at: NOW + pause }, "{value}");
        }
    }

    #[test]
    fn pauses_double_up_to_a_minute_and_are_never_all_the_same() {
        for (attempt, most) in [(1, 1_000), (2, 2_000), (3, 4_000), (6, 32_000), (7, 60_000), (1_000, 60_000)] {
            assert_eq!((pause(attempt, 0), pause(attempt, most / 2)), (most / 2, most), "{attempt}");
        }
    }
}
