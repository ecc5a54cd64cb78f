//! Who does the jobs: one thread beside the workers, which leases what waits in the queues of the config and asks their targets.
//!
//! Rule: a job that was acknowledged is done at least once, whatever happens to this process: it is leased for a short time, the
//! lease is renewed for as long as its target is at work, and what came of it is written before it is forgotten. A job may so be
//! done twice, which its target knows by the `Idempotency-Key`.

mod attempt;
mod count;

pub(crate) use count::{Came, Counts};

use crate::config::{self, Kind, Part};
use crate::log;
use crate::site::Opened;
use crate::store::{Next, Store};
use attempt::{Attempt, LEASE, attempt};
use std::collections::HashMap;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// How long nothing is looked at while nobody says that there is something: another process may have queued it.
const LOOK: Duration = Duration::from_secs(5);

/// How long it is waited when the store cannot say what to do next.
const PAUSE: Duration = Duration::from_secs(1);

/// How long attempts that are cut may take to give their jobs back.
const LAST: Duration = Duration::from_secs(1);

/// The thread that does the jobs.
pub(crate) struct Doing {
    thread: JoinHandle<()>,
    orders: UnboundedSender<Order>,
}

/// What it is told to do.
pub(crate) enum Order {
    /// Go on by another config.
    Take(Arc<Opened>),
    /// Begin nothing more, and end what has begun; after so long, if it is said, give it back.
    Stop(Option<Duration>),
}

/// A queue, and where it is kept.
#[derive(Clone)]
struct Queue {
    store: Arc<Store>,
    jobs: Arc<config::Jobs>,
}

/// How it is with a queue.
pub(crate) struct Standing {
    /// The pattern of its route.
    pub(crate) queue: String,
    pub(crate) waiting: u64,
    pub(crate) running: u64,
    /// How attempts have ended, since the process began.
    pub(crate) attempts: [(Came, u64); Came::ALL.len()],
}

/// How it is with each queue, as far as the store can be read. Waits for the disk.
pub(crate) fn standings(opened: &Opened) -> Vec<Standing> {
    let queues = queues(opened);
    let Some(reader) = opened.kept.as_ref().filter(|_| !queues.is_empty()).and_then(|kept| kept.for_looking().ok())
    else {
        return Vec::new();
    };
    let standing = |(queue, Queue { store, .. }): (String, Queue)| {
        let (waiting, running) = reader.depth(&queue).ok()?;
        let attempts = Came::ALL.map(|came| (came, store.attempts().of(&queue, came)));
        Some(Standing { queue, waiting, running, attempts })
    };
    let mut standings: Vec<_> = queues.into_iter().filter_map(standing).collect();
    standings.sort_by(|one, other| one.queue.cmp(&other.queue));
    standings
}

/// Tells of jobs that wait for a route which the config does not have, or has no longer: nobody does them.
pub(crate) fn tell_of_the_forgotten(opened: &Opened) {
    let Some(reader) = opened.kept.as_ref().and_then(|kept| kept.for_looking().ok()) else { return };
    let known = queues(opened);
    for (queue, count) in reader.undone().unwrap_or_default() {
        if !known.contains_key(&queue) {
            log::operation(format_args!(
                "{count} jobs of `{queue}` are not done, and no route with `jobs` has that pattern: give one to have them done"
            ));
        }
    }
}

/// Whether a config has jobs to do.
pub(crate) fn are_in(opened: &Opened) -> bool {
    !queues(opened).is_empty()
}

fn queues(opened: &Opened) -> HashMap<String, Queue> {
    let Some(kept) = &opened.kept else { return HashMap::new() };
    let queue = |route: &config::Route| match &route.kind {
        Kind::Jobs(jobs, Part::Queue) => {
            let queue = Queue { store: kept.store().clone(), jobs: jobs.clone() };
            Some((jobs.pattern.as_str().to_owned(), queue))
        }
        _ => None,
    };
    opened.config.routes.iter().filter_map(queue).collect()
}

impl Doing {
    pub(crate) fn start(opened: &Opened) -> io::Result<Doing> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(4).build()?;
        let (orders, told) = unbounded_channel();
        let queues = queues(opened);
        let thread = thread::Builder::new().name("jobs".to_owned()).spawn(move || {
            LocalSet::new().block_on(&runtime, run(queues, told));
            // A name server that is silent must not keep the process from ending.
            runtime.shutdown_background();
        })?;
        Ok(Doing { thread, orders })
    }

    /// What it is told by.
    pub(crate) fn orders(&self) -> &UnboundedSender<Order> {
        &self.orders
    }

    /// Waits until it has ended, as it was told to.
    pub(crate) fn join(self) {
        drop(self.orders);
        if self.thread.join().is_err() {
            log::operation(format_args!(
                "the thread that does jobs has panicked; they are done when the server starts again"
            ));
        }
    }
}

/// Does what it is told, until that is to stop and what has begun has ended or is given back.
async fn run(first: HashMap<String, Queue>, mut orders: UnboundedReceiver<Order>) {
    let (cut, cuts) = watch::channel(false);
    let mut running: HashMap<String, watch::Sender<Queue>> = HashMap::new();
    let mut tasks = JoinSet::new();
    let mut wanted = Some(first);
    let within = loop {
        if let Some(wanted) = wanted.take() {
            // Without its sender, a queue begins nothing more.
            running.retain(|pattern, _| wanted.contains_key(pattern));
            for (pattern, queue) in wanted {
                match running.get(&pattern) {
                    Some(known) => drop(known.send_replace(queue)),
                    None => {
                        let (sender, taken) = watch::channel(queue);
                        tasks.spawn_local(work(taken, cuts.clone()));
                        running.insert(pattern, sender);
                    }
                }
            }
        }
        match orders.recv().await {
            Some(Order::Take(opened)) => wanted = Some(queues(&opened)),
            Some(Order::Stop(within)) => break within,
            None => break Some(Duration::ZERO),
        }
        // Those of queues that are gone.
        while tasks.try_join_next().is_some() {}
    };
    running.clear();
    let mut end = within.map(|within| Instant::now() + within);
    let mut hears = true;
    loop {
        let over = async {
            match end {
                Some(end) => sleep_until(end).await,
                None => pending().await,
            }
        };
        tokio::select! {
            ended = tasks.join_next() => if ended.is_none() {
                return;
            },
            order = orders.recv(), if hears => match order {
                Some(Order::Stop(Some(within))) => {
                    let told = Instant::now() + within;
                    end = Some(end.map_or(told, |end| end.min(told)));
                }
                Some(Order::Stop(None) | Order::Take(_)) => {}
                None => hears = false,
            },
            () = over => break,
        }
    }
    cut.send_replace(true);
    let _ = timeout(LAST, async { while tasks.join_next().await.is_some() {} }).await;
}

/// Does the jobs of a queue, as many at once as the config says.
async fn work(mut queue: watch::Receiver<Queue>, cut: watch::Receiver<bool>) {
    let mut attempts = JoinSet::new();
    loop {
        let Queue { store, jobs } = queue.borrow_and_update().clone();
        let bell = store.bell().of_queue(jobs.pattern.as_str());
        let mut next = LOOK;
        while attempts.len() < jobs.workers as usize && queue.has_changed().is_ok_and(|changed| !changed) {
            let now = now();
            match store.lease(jobs.pattern.as_str(), now.saturating_add(LEASE.as_millis() as u64), now).await {
                Ok(Next::Job { lease, id, content_type, content }) => {
                    let (store, jobs) = (store.clone(), jobs.clone());
                    attempts
                        .spawn_local(attempt(Attempt { store, jobs, lease, id, content_type, content }, cut.clone()));
                }
                Ok(Next::At(at)) => {
                    next = Duration::from_millis(at.saturating_sub(now)).clamp(Duration::from_millis(10), LOOK);
                    break;
                }
                Ok(Next::Nothing) => break,
                // What failed is in the log.
                Err(_) => {
                    next = PAUSE;
                    break;
                }
            }
        }
        let free = attempts.len() < jobs.workers as usize;
        tokio::select! {
            changed = queue.changed() => if changed.is_err() {
                break;
            },
            () = bell.notified(), if free => {}
            Some(_) = attempts.join_next(), if !attempts.is_empty() => {}
            () = sleep(next), if free => {}
        }
    }
    while attempts.join_next().await.is_some() {}
}

/// Milliseconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_millis() as u64)
}
