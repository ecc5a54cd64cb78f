//! What is counted of the answers, for whoever watches the server: Prometheus' text format and OpenMetrics.
//!
//! Rule: a counter is written by one worker only, by a plain load and a plain store, and summed when it is asked for. A
//! request pays for two such pairs and takes no lock; labels come from the config and the catalogue, never from a request.

mod text;

pub(crate) use text::Form;

use crate::config::{Config, Kind};
use crate::jobs::Standing;
use crate::upstream::Member;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use text::{Family, Text};
use verdict_core::reason::{CATALOGUE, Entry, Reason};
use verdict_core::status::{Class, Status};

/// The counters of one server.
pub(crate) struct Metrics {
    /// Seconds since 1970.
    began: u64,
    workers: Vec<Arc<OfWorker>>,
    /// Of the routes of the config in force, and of no route; each with a row for each worker.
    rows: Mutex<BTreeMap<Key, Vec<Arc<Row>>>>,
    /// The members of the routes of the config in force, each with its route's pattern.
    members: Mutex<Vec<(String, Arc<Member>)>>,
}

/// What a row is for: another config that has the same goes on counting where it was.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// The route's pattern; `None` is what no route answers.
    route: Option<String>,
    /// What a `respond` route is configured to answer.
    configured: Option<Status>,
}

/// What one worker counts beside answers. On a cache line of its own, so that no other worker waits for it.
#[derive(Default)]
#[repr(align(64))]
struct OfWorker {
    accepted: AtomicU64,
}

/// What one worker counts of one route's answers.
#[repr(align(64))]
struct Row {
    bytes: AtomicU64,
    /// By [`Reason::index`]; interim answers as well.
    answers: [AtomicU64; CATALOGUE.len()],
    /// What upstreams answered, by status from 100; there once one has.
    passed: OnceLock<Box<[AtomicU64]>>,
}

/// How many statuses there can be: from 100 to 999.
const STATUSES: usize = 900;

/// One worker's counters, by the routes of one config.
#[derive(Default)]
pub(crate) struct Tally {
    worker: Arc<OfWorker>,
    /// By route; the last one is for what no route answers. Empty where nobody counts.
    rows: Box<[Arc<Row>]>,
}

/// What is so at the moment, beside what is counted here.
pub(crate) struct Gauges {
    pub(crate) connections: u64,
    pub(crate) requests: u64,
    pub(crate) log_lines_dropped: u64,
    pub(crate) queues: Vec<Standing>,
}

/// Adds to a counter that no other thread writes, so that nothing is lost between load and store.
#[inline]
fn add(counter: &AtomicU64, count: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(count), Relaxed);
}

impl Tally {
    /// Counts an answer, and what came before it. `route` is the route's index, `bytes` those of content. Hot.
    #[inline]
    pub(crate) fn answered(&self, route: Option<usize>, reason: Reason, interim: Option<Reason>, bytes: u64) {
        let row = route.unwrap_or(self.rows.len().wrapping_sub(1));
        let Some(row) = self.rows.get(row) else { return };
        add(&row.answers[reason.index()], 1);
        add(&row.bytes, bytes);
        if let Reason::UpstreamAnswered { .. } = reason {
            let passed = row.passed.get_or_init(|| (0..STATUSES).map(|_| AtomicU64::new(0)).collect());
            add(&passed[usize::from(reason.status().code() - 100)], 1);
        }
        if let Some(interim) = interim {
            add(&row.answers[interim.index()], 1);
        }
    }

    /// Counts a connection that was accepted.
    pub(crate) fn accepted(&self) {
        add(&self.worker.accepted, 1);
    }
}

impl Metrics {
    pub(crate) fn new(workers: usize) -> Metrics {
        let began = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let workers = (0..workers).map(|_| Arc::default()).collect();
        Metrics { began, workers, rows: Mutex::default(), members: Mutex::default() }
    }

    /// The counters of each worker by another config. Routes that both have go on counting, those that are gone are told of
    /// no longer.
    pub(crate) fn tallies(&self, config: &Config) -> Vec<Tally> {
        let routes = config.routes.iter().map(|route| Key {
            route: Some(route.pattern.as_str().to_owned()),
            configured: match &route.kind {
                Kind::Respond(respond) => Some(respond.status),
                _ => None,
            },
        });
        let keys: Vec<_> = routes.chain([Key { route: None, configured: None }]).collect();
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.retain(|key, _| keys.contains(key));
        for key in &keys {
            rows.entry(key.clone()).or_insert_with(|| self.workers.iter().map(|_| Arc::default()).collect());
        }
        let tally = |(i, worker): (usize, &Arc<OfWorker>)| Tally {
            worker: worker.clone(),
            rows: keys.iter().map(|key| rows[key][i].clone()).collect(),
        };
        self.workers.iter().enumerate().map(tally).collect()
    }

    /// Tells of these members from now on, and of no others.
    pub(crate) fn tell_of(&self, members: Vec<(String, Arc<Member>)>) {
        *self.members.lock().unwrap_or_else(PoisonError::into_inner) = members;
    }

    /// All of it as text. What has never been counted is left out.
    pub(crate) fn render(&self, form: Form, gauges: &Gauges) -> String {
        let mut text = Text::new(form);
        let rows: Vec<_> = {
            let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
            rows.iter().map(|(key, rows)| (key.clone(), Sum::of(rows))).collect()
        };
        text.family(&Family::counter("verdict_answers", "Answers by route, status and reason."));
        for (key, sum) in &rows {
            sum.put(&mut text, "verdict_answers_total", key, |status| status.class() != Class::Informational);
        }
        text.family(&Family::counter("verdict_interim_answers", "Answers before an answer: 100, 101 and 103."));
        for (key, sum) in &rows {
            sum.put(&mut text, "verdict_interim_answers_total", key, |status| status.class() == Class::Informational);
        }
        text.family(&Family::counter("verdict_content_bytes", "Bytes of content in answers, by route."));
        for (key, sum) in rows.iter().filter(|(_, sum)| sum.bytes > 0) {
            text.sample("verdict_content_bytes_total", &[("route", key.label())], sum.bytes);
        }
        let accepted = self.workers.iter().map(|worker| worker.accepted.load(Relaxed)).fold(0, u64::wrapping_add);
        let plain = [
            (Family::counter("verdict_connections", "Connections accepted."), "verdict_connections_total", accepted),
            (
                Family::gauge("verdict_connections_open", "Connections now."),
                "verdict_connections_open",
                gauges.connections,
            ),
            (
                Family::gauge(
                    "verdict_requests_waiting",
                    "Requests that wait for something now; `limits.requests` bounds them.",
                ),
                "verdict_requests_waiting",
                gauges.requests,
            ),
            (
                Family::counter("verdict_log_lines_dropped", "Lines of the log that its reader was too slow for."),
                "verdict_log_lines_dropped_total",
                gauges.log_lines_dropped,
            ),
            (
                Family::gauge("process_start_time_seconds", "When the process started, in seconds since 1970."),
                "process_start_time_seconds",
                self.began,
            ),
        ];
        for (family, name, value) in plain {
            text.family(&family);
            text.sample(name, &[], value);
        }
        let members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        if !members.is_empty() {
            text.family(&Family::gauge("verdict_upstream_healthy", "Whether a member of a route is asked: 1 or 0."));
        }
        for (route, member) in &*members {
            let labels = [("route", &**route), ("member", &*member.target.to_string())];
            text.sample("verdict_upstream_healthy", &labels, u64::from(member.works()));
        }
        put_queues(&mut text, &gauges.queues);
        text.family(&Family::gauge("verdict_build_info", "The version that runs."));
        text.sample("verdict_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
        text.finish()
    }
}

/// What a server without queues leaves out.
fn put_queues(text: &mut Text, queues: &[Standing]) {
    if queues.is_empty() {
        return;
    }
    text.family(&Family::gauge("verdict_jobs", "Jobs by queue that wait or are at work now."));
    for Standing { queue, waiting, running, .. } in queues {
        for (state, count) in [("waiting", waiting), ("running", running)] {
            text.sample("verdict_jobs", &[("route", queue), ("state", state)], *count);
        }
    }
    text.family(&Family::counter("verdict_job_attempts", "Attempts at jobs by queue and how they ended."));
    for Standing { queue, attempts, .. } in queues {
        for (came, count) in attempts {
            text.sample("verdict_job_attempts_total", &[("route", queue), ("outcome", came.name())], *count);
        }
    }
}

impl Key {
    /// An empty label is none at all, to Prometheus: what no route answers has no route.
    fn label(&self) -> &str {
        self.route.as_deref().unwrap_or("")
    }
}

impl Default for Row {
    fn default() -> Row {
        Row {
            bytes: AtomicU64::new(0),
            answers: [const { AtomicU64::new(0) }; CATALOGUE.len()],
            passed: OnceLock::new(),
        }
    }
}

/// The rows of all workers together.
struct Sum {
    bytes: u64,
    /// A reason that has its status from the config has none here.
    answers: Vec<(&'static Entry, Option<Status>, u64)>,
}

impl Sum {
    fn of(rows: &[Arc<Row>]) -> Sum {
        let sum = |of: &dyn Fn(&Row) -> u64| rows.iter().map(|row| of(row)).fold(0, u64::wrapping_add);
        let passed = |at: usize| sum(&|row| row.passed.get().map_or(0, |passed| passed[at].load(Relaxed)));
        let mut answers = Vec::new();
        for (i, entry) in CATALOGUE.iter().enumerate() {
            match entry.reason {
                Reason::UpstreamAnswered { .. } if rows.iter().any(|row| row.passed.get().is_some()) => {
                    let by_status = (0..STATUSES).map(|at| (*entry, Status::from_wire(at as u16 + 100), passed(at)));
                    answers.extend(by_status);
                }
                _ => answers.push((*entry, entry.status, sum(&|row| row.answers[i].load(Relaxed)))),
            }
        }
        answers.retain(|(_, _, count)| *count > 0);
        Sum { bytes: sum(&|row| row.bytes.load(Relaxed)), answers }
    }

    fn put(&self, text: &mut Text, name: &str, key: &Key, is_shown: fn(Status) -> bool) {
        for (entry, status, count) in &self.answers {
            // One that is configured is known by its route.
            let status = status.or(key.configured);
            if status.is_none_or(is_shown) {
                let status = status.map(|status| status.to_string()).unwrap_or_default();
                text.sample(name, &[("route", key.label()), ("status", &status), ("reason", entry.id)], *count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::Came;
    use crate::upstream::Members;
    use verdict_core::decide::Find;
    use verdict_core::{Facts, decide};

    fn config(text: &str) -> Config {
        Config::parse(text, "test.toml", ".".as_ref()).unwrap()
    }

    fn served() -> Reason {
        decide(&Facts::default()).reason
    }

    fn no_route() -> Reason {
        decide(&Facts { find: Find { no_route: true, ..Find::default() }, ..Facts::default() }).reason
    }

    const NONE: Gauges = Gauges { connections: 2, requests: 1, log_lines_dropped: 7, queues: Vec::new() };

    #[test]
    fn what_is_passed_on_is_counted_by_its_status() {
        use verdict_core::decide::process::Work;
        use verdict_core::decide::{Outcome, Process};
        let metrics = Metrics::new(2);
        let tallies = metrics.tallies(&config("[route.\"/a\"]\nproxy = \"http://127.0.0.1:3000\"\n"));
        let passed = |code| {
            let outcome = Outcome::Answered(Status::from_wire(code).unwrap());
            let process = Process { work: Work::Forward, outcome };
            decide(&Facts { process, ..Facts::default() }).reason
        };
        for (worker, code) in [(0, 200), (1, 200), (0, 500), (1, 599), (0, 101)] {
            tallies[worker].answered(Some(0), passed(code), None, 1);
        }
        let text = metrics.render(Form::Prometheus, &NONE);
        for (name, status, count) in
            [("answers", 200, 2), ("answers", 500, 1), ("answers", 599, 1), ("interim_answers", 101, 1)]
        {
            let line = format!(
                "verdict_{name}_total{{route=\"/a\",status=\"{status}\",reason=\"upstream-answered\"}} {count}"
            );
            assert!(text.lines().any(|told| told == line), "{line}\n{text}");
        }
        assert_eq!(text.matches("upstream-answered").count(), 4, "{text}");
    }

    #[test]
    fn what_each_worker_counts_is_told_as_one_sum() {
        let metrics = Metrics::new(3);
        let tallies = metrics.tallies(&config("[route.\"/a\"]\nrespond = { status = 410 }\n"));
        for tally in &tallies {
            tally.answered(Some(0), served(), None, 5);
            tally.answered(None, no_route(), None, 0);
            tally.accepted();
        }
        tallies[1].answered(None, no_route(), None, 0);
        let text = metrics.render(Form::Prometheus, &NONE);
        for line in [
            "# TYPE verdict_answers_total counter",
            "verdict_answers_total{route=\"/a\",status=\"200\",reason=\"served\"} 3",
            "verdict_answers_total{route=\"\",status=\"404\",reason=\"no-route\"} 4",
            "verdict_content_bytes_total{route=\"/a\"} 15",
            "verdict_connections_total 3",
            "verdict_connections_open 2",
            "verdict_requests_waiting 1",
            "verdict_log_lines_dropped_total 7",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
        assert!(!text.contains("# EOF"));
    }

    #[test]
    fn a_route_that_another_config_has_too_goes_on_counting() {
        let metrics = Metrics::new(1);
        let (old, new) =
            ("[route.\"/a\"]\nrespond = { status = 200 }\n", "[route.\"/b\"]\nrespond = { status = 200 }\n");
        let first = metrics.tallies(&config(old)).remove(0);
        first.answered(Some(0), served(), None, 1);
        let second = metrics.tallies(&config(&format!("{new}{old}"))).remove(0);
        // A request that began by the older config ends by it.
        first.answered(Some(0), served(), None, 1);
        second.answered(Some(0), served(), None, 1);
        second.answered(Some(1), served(), None, 1);
        let text = metrics.render(Form::Prometheus, &NONE);
        assert!(text.contains("{route=\"/a\",status=\"200\",reason=\"served\"} 3\n"), "{text}");
        assert!(text.contains("{route=\"/b\",status=\"200\",reason=\"served\"} 1\n"), "{text}");
        metrics.tallies(&config(new));
        assert!(!metrics.render(Form::Prometheus, &NONE).contains("/a"), "what is gone is told of no longer");
    }

    #[test]
    fn a_member_is_told_of_by_whether_it_is_asked() {
        let metrics = Metrics::new(1);
        let proxy = "[route.\"/a\"]\nproxy = [\"http://127.0.0.1:3000\", \"unix:/run/b\"]\n";
        let members = Members::of_routes(&config(proxy), None).remove(0).unwrap();
        members.all()[1].works.store(false, Relaxed);
        metrics.tell_of(members.all().iter().map(|member| ("/a".to_owned(), member.clone())).collect());
        let text = metrics.render(Form::Prometheus, &NONE);
        for line in [
            "# TYPE verdict_upstream_healthy gauge",
            "verdict_upstream_healthy{route=\"/a\",member=\"http://127.0.0.1:3000\"} 1",
            "verdict_upstream_healthy{route=\"/a\",member=\"unix:/run/b\"} 0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
        metrics.tell_of(Vec::new());
        assert!(!metrics.render(Form::Prometheus, &NONE).contains("upstream"), "nobody is asked any more");
    }

    #[test]
    fn a_queue_is_told_with_what_is_in_it_and_how_attempts_ended() {
        let mut attempts = Came::ALL.map(|came| (came, 0));
        attempts[1].1 = 3;
        let queue = Standing { queue: "/render".to_owned(), waiting: 5, running: 2, attempts };
        let text = Metrics::new(1).render(Form::OpenMetrics, &Gauges { queues: vec![queue], ..NONE });
        for line in [
            "verdict_jobs{route=\"/render\",state=\"waiting\"} 5",
            "verdict_jobs{route=\"/render\",state=\"running\"} 2",
            "# TYPE verdict_job_attempts counter",
            "verdict_job_attempts_total{route=\"/render\",outcome=\"done\"} 0",
            "verdict_job_attempts_total{route=\"/render\",outcome=\"again\"} 3",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
        assert!(!Metrics::new(1).render(Form::Prometheus, &NONE).contains("verdict_job"));
    }

    #[test]
    fn a_tally_of_nobody_counts_nothing() {
        Tally::default().answered(Some(3), served(), None, 1);
        Tally::default().answered(None, served(), None, 1);
    }
}
