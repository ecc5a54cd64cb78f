//! `jobs`: a queue of jobs, kept in `state`, each of which an HTTP target is asked to do.

use super::place::Place;
use super::read::{Entry, Reader, Zero};
use super::{Kind, Route, Timeout};
use crate::route::Pattern;
use crate::upstream::Target;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// The most that may be at work at once, that may wait, and that may be tried.
pub(super) const MOST_WORKERS: u64 = 1000;
pub(super) const MOST_QUEUED: u64 = 1_000_000;
pub(super) const MOST_RETRIES: u64 = 1000;

/// `jobs`: a queue of jobs.
#[derive(Clone, Debug)]
pub struct Jobs {
    /// The pattern of the queue, which is the route's.
    pub pattern: Pattern,
    /// `to`: who does them.
    pub(crate) to: Target,
    /// `workers`: how many are done at once; 4 unless set.
    pub workers: u32,
    /// `queue`: how many may wait; 1000 unless set.
    pub queue: u64,
    /// `keep`: for how long the result of one, or why it failed, is kept; an hour unless set. That it was there is told for as
    /// long again.
    pub keep: Duration,
    /// `retries`: how often one is tried again when the target fails; 5 unless set.
    pub retries: u32,
    /// `mode = "preferred"`: a client that does not prefer it otherwise waits for the result.
    pub preferred: bool,
    /// `timeout`, which stands beside `jobs`.
    pub timeout: Timeout,
}

/// Which of the three routes of a queue one is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The queue itself.
    Queue,
    /// How it is with a job: one segment below.
    Monitor,
    /// What came of it: `result` below that.
    Result,
}

const EXAMPLE: &str = "{ to = \"http://127.0.0.1:3000/render\" }";

/// `jobs`. `pattern` is the route's, if it is one, with its place.
pub(super) fn read(
    reader: &mut Reader<'_>,
    entry: &Entry<'_, '_>,
    pattern: Option<(&Pattern, Range<usize>)>,
) -> Option<Jobs> {
    let pattern = pattern.and_then(|(pattern, span)| queue(reader, pattern, span));
    let mut table = reader.table(entry, Place::Jobs, EXAMPLE)?;
    let to = match table.take("to") {
        Some(entry) => to(reader, &entry),
        None => {
            let error = reader.findings.error(entry.key_span.clone(), "`jobs` needs `to`");
            error.label("who does them?").help(format!("write it as in `jobs = {EXAMPLE}`"));
            None
        }
    };
    let workers = table.take("workers").and_then(|entry| reader.integer(&entry, 1..MOST_WORKERS, "4"));
    let queue = table.take("queue").and_then(|entry| reader.integer(&entry, 1..MOST_QUEUED, "1000"));
    let retries = table.take("retries").and_then(|entry| reader.integer(&entry, 0..MOST_RETRIES, "5"));
    let keep = table.take("keep").and_then(|entry| reader.duration(&entry, Zero::Refused));
    let words = [("always", false), ("preferred", true)];
    let preferred = table.take("mode").and_then(|entry| reader.word(&entry, &words)).unwrap_or_default();
    table.finish(reader);
    Some(Jobs {
        pattern: pattern?,
        to: to?,
        workers: workers.map_or(4, |workers| workers as u32),
        queue: queue.unwrap_or(1000),
        keep: keep.unwrap_or(Duration::from_secs(3600)),
        retries: retries.map_or(5, |retries| retries as u32),
        preferred,
        timeout: Timeout::OF_JOBS,
    })
}

fn queue(reader: &mut Reader<'_>, pattern: &Pattern, span: Range<usize>) -> Option<Pattern> {
    if pattern.names().count() == 0 {
        let Err(fault) = Pattern::parse(&result_of(pattern)) else { return Some(pattern.clone()) };
        let error = reader.findings.error(span, fault.message);
        error.label("the results of its jobs are two segments below it").help(fault.help);
        return None;
    }
    let above = pattern.as_str().split('{').next().unwrap_or_default().trim_end_matches('/');
    let above = if above.contains('/') { above.to_owned() } else { format!("{above}/jobs") };
    let error = reader.findings.error(span, "a `jobs` route has one queue, and so a pattern without names");
    error.label("this would be many queues").help(format!("write `{above}`; each job has a path below it by itself"));
    None
}

fn to(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<Target> {
    let text = reader.string(entry, "a URL", "http://127.0.0.1:3000/render")?;
    match Target::parse(text) {
        Ok(target) => Some(target),
        Err(why) => {
            let error =
                reader.findings.error(entry.span(), format!("`{}` names nobody to ask: {why}", text.escape_debug()));
            error.help("write it as in `to = \"http://127.0.0.1:3000/render\"`");
            None
        }
    }
}

/// The routes of the jobs of a queue: how it is with each, and what came of it.
pub(super) fn below(route: &Route) -> Vec<Route> {
    let Kind::Jobs(jobs, Part::Queue) = &route.kind else { return Vec::new() };
    let part = |text: &str, part| {
        // Both are patterns, or the queue would have been refused.
        let pattern = Pattern::parse(text).ok()?;
        Some(Route { pattern, kind: Kind::Jobs(Arc::clone(jobs), part), ..route.clone() })
    };
    let monitor = part(&monitor_of(&jobs.pattern), Part::Monitor);
    let result = part(&result_of(&jobs.pattern), Part::Result);
    monitor.into_iter().chain(result).collect()
}

fn monitor_of(queue: &Pattern) -> String {
    format!("{}/{{job}}", queue.as_str().trim_end_matches('/'))
}

fn result_of(queue: &Pattern) -> String {
    format!("{}/result", monitor_of(queue))
}
