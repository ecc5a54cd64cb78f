//! A worker: a thread with its own runtime, its own listening sockets and its own view of the site.

use crate::buffers::Buffers;
use crate::clock::Clock;
use crate::config::Limits;
use crate::connection::connection;
use crate::deadline::{Deadlines, TICK};
use crate::id::Random;
use crate::log::{self, Log};
use crate::site::{Opened, Site};
use crate::timer::Timer;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::{pending, poll_fn};
use std::io;
use std::net::{IpAddr, Ipv6Addr, TcpListener as StdListener};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, LocalSet, spawn_local};
use verdict_core::cause::Crowded;

/// Connections that are let in beyond the limit, to be told that there is no room.
const RESERVED: u64 = 64;

/// What the workers of one server share, none of it touched by a request.
pub(crate) struct Shared {
    pub(crate) opened: Arc<Opened>,
    connections: AtomicU64,
    /// Requests that wait for something.
    requests: AtomicU64,
    clients: Mutex<HashMap<IpAddr, u64>>,
}

impl Shared {
    pub(crate) fn new(opened: Opened) -> Shared {
        Shared {
            opened: Arc::new(opened),
            connections: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            clients: Mutex::default(),
        }
    }

    /// Whether there is not even room to tell a client that there is none.
    fn is_full(&self, limits: &Limits) -> bool {
        self.connections.load(Ordering::Relaxed) >= limits.connections + RESERVED
    }

    /// Counts a connection in. `None`: its client has had every refusal that one client gets.
    fn admit(self: &Arc<Self>, client: IpAddr, limits: &Limits) -> Option<(Admission, Option<Crowded>)> {
        let connections = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let client = one_client(client);
        let of_client = {
            let mut clients = self.clients.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            let count = clients.entry(client).or_default();
            *count += 1;
            *count
        };
        let admission = Admission { shared: self.clone(), client };
        if of_client > limits.per_client + RESERVED {
            return None;
        }
        let crowded = if connections > limits.connections {
            Some(Crowded::Server)
        } else if of_client > limits.per_client {
            Some(Crowded::Client)
        } else {
            None
        };
        Some((admission, crowded))
    }
}

/// What counts as one client: an IPv4 address, or an IPv6 network of 64 bits, which is what one customer gets.
fn one_client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let network = u128::from(v6) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(network))
        }
        v4 => v4,
    }
}

/// A connection's place among all; given back when it ends.
struct Admission {
    shared: Arc<Shared>,
    client: IpAddr,
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.shared.connections.fetch_sub(1, Ordering::Relaxed);
        let mut clients = self.shared.clients.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(count) = clients.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                clients.remove(&self.client);
            }
        }
    }
}

/// A waiting request's place among all; given back when it is answered.
pub(crate) struct InFlight<'a>(&'a Shared);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One worker, as its connections see it.
pub(crate) struct Worker {
    site: RefCell<Rc<Site>>,
    shared: Arc<Shared>,
    pub(crate) clock: Clock,
    pub(crate) deadlines: Rc<Deadlines>,
    pub(crate) random: Random,
    pub(crate) log: Log,
    /// Set when the server is told to stop.
    draining: Cell<bool>,
    drain: Cell<Option<Waker>>,
    /// What connections at work have, kept between them: the next one finds it warm.
    #[expect(
        clippy::vec_box,
        reason = "they are taken and given back for each request, and moving a pointer is cheaper"
    )]
    buffers: RefCell<Vec<Box<Buffers>>>,
    connections: Cell<u64>,
    /// Told when a connection ends.
    ended: Notify,
}

impl Worker {
    pub(crate) fn site(&self) -> Rc<Site> {
        self.site.borrow().clone()
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.get()
    }

    /// A place for a request that has to wait; `None` if there are as many as `limits.requests` allows. What is answered
    /// without waiting is never in flight beside another.
    pub(crate) fn enter(&self) -> Option<InFlight<'_>> {
        let place = InFlight(&self.shared);
        let requests = self.shared.requests.fetch_add(1, Ordering::Relaxed) + 1;
        (requests <= self.site().opened.config.limits.requests).then_some(place)
    }

    /// Buffers for a connection that has something to do.
    #[inline]
    pub(crate) fn take_buffers(&self) -> Box<Buffers> {
        self.buffers.borrow_mut().pop().unwrap_or_default()
    }

    /// Takes empty buffers back from a connection that has nothing more to do.
    #[inline]
    pub(crate) fn give_back(&self, buffers: Box<Buffers>) {
        debug_assert!(buffers.unused().is_empty() && buffers.out.is_empty(), "the next connection would get them");
        let mut kept = self.buffers.borrow_mut();
        if kept.len() < MOST_KEPT && buffers.is_small() {
            kept.push(buffers);
        }
    }

    /// Waits until the server is told to stop. Polled at each turn of the worker, so it asks for nothing but a flag.
    async fn told_to_stop(&self) {
        poll_fn(|context| {
            if self.draining.get() {
                return Poll::Ready(());
            }
            let waker = self.drain.take().filter(|waker| waker.will_wake(context.waker()));
            self.drain.set(waker.or_else(|| Some(context.waker().clone())));
            Poll::Pending
        })
        .await;
    }
}

/// Buffers that a worker keeps: few connections are at work at the same time.
const MOST_KEPT: usize = 64;

/// Runs a worker until it is told to stop and its connections have ended or had their time.
pub(crate) fn run(
    shared: Arc<Shared>,
    listeners: Vec<StdListener>,
    log: Log,
    mut stop: watch::Receiver<bool>,
    started: Sender<io::Result<()>>,
) {
    // Without tokio's timers: looking for the next one at each turn costs more than all of ours.
    // Without the runtime's own timers: see `timer.rs`.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        // Threads that wait for the disk. More would not make it faster.
        .max_blocking_threads(16)
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = started.send(Err(error));
            return;
        }
    };
    let worker = Rc::new(Worker {
        site: RefCell::new(Rc::new(Site::new(shared.opened.clone()))),
        shared,
        clock: Clock::new(),
        deadlines: Deadlines::new(),
        random: Random::new(),
        log,
        draining: Cell::new(false),
        drain: Cell::new(None),
        buffers: RefCell::default(),
        connections: Cell::new(0),
        ended: Notify::new(),
    });
    let local = LocalSet::new();
    local.block_on(&runtime, async move {
        let accepting = match start(&worker, listeners) {
            Ok(accepting) => accepting,
            Err(error) => {
                let _ = started.send(Err(error));
                return;
            }
        };
        let _ = started.send(Ok(()));
        let told = worker.clone();
        spawn_local(async move {
            let _ = stop.wait_for(|stop| *stop).await;
            told.draining.set(true);
            if let Some(waker) = told.drain.take() {
                waker.wake();
            }
        });
        worker.told_to_stop().await;

        // New connections are refused by the closed listener; idle ones end; those at work finish what they have begun.
        for task in &accepting {
            task.abort();
        }
        for task in accepting {
            let _ = task.await;
        }
        worker.deadlines.wake_all();
        let deadline = worker.deadlines.enroll();
        let end = deadline.after(worker.site().opened.config.drain);
        while worker.connections.get() > 0 {
            if deadline.until(end, worker.ended.notified()).await.is_none() {
                log::operation(format_args!("{} connections were cut at the end of `drain`", worker.connections.get()));
                break;
            }
        }
        worker.log.flush();
    });
    drop(local);
    // A disk that hangs must not keep the process from ending.
    runtime.shutdown_background();
}

/// Begins to accept and to tick.
fn start(worker: &Rc<Worker>, listeners: Vec<StdListener>) -> io::Result<Vec<JoinHandle<()>>> {
    spawn_local(tick(worker.clone(), Timer::every(TICK)?));
    let accept = |listener| Ok(spawn_local(accept(TcpListener::from_std(listener)?, worker.clone())));
    listeners.into_iter().map(accept).collect()
}

/// What is done ten times a second: deadlines, the log; and once a second: what nobody asks for any more.
async fn tick(worker: Rc<Worker>, timer: Timer) {
    for tick in 0u64.. {
        if timer.tick().await.is_err() {
            return;
        }
        worker.deadlines.sweep();
        worker.log.flush();
        if tick.is_multiple_of(10) {
            worker.clock.tick();
            worker.site().forget(worker.clock.nanoseconds());
        }
    }
}

async fn accept(listener: TcpListener, worker: Rc<Worker>) {
    let mut complained = None::<Instant>;
    let deadline = worker.deadlines.enroll();
    loop {
        // What cannot even be refused waits in the kernel's queue until it can.
        while worker.shared.is_full(&worker.site().opened.config.limits) {
            deadline.until(deadline.after(TICK), worker.ended.notified()).await;
        }
        let (stream, client) = match listener.accept().await {
            Ok((stream, address)) => (stream, address.ip()),
            // The client has given up already.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(error) => {
                // Too many open files, mostly: nothing is gained by trying again at once.
                if complained.is_none_or(|at| at.elapsed() > Duration::from_secs(60)) {
                    complained = Some(Instant::now());
                    log::operation(format_args!("a connection could not be accepted: {error}"));
                }
                deadline.until(deadline.after(TICK), pending::<()>()).await;
                continue;
            }
        };
        let limits = worker.site().opened.config.limits;
        let Some((admission, crowded)) = worker.shared.admit(client, &limits) else {
            // One client's flood is no reason for others to wait, so there is no pause.
            drop(stream);
            continue;
        };
        worker.connections.set(worker.connections.get() + 1);
        let task = worker.clone();
        spawn_local(async move {
            connection(stream, client, crowded, task.clone()).await;
            drop(admission);
            task.connections.set(task.connections.get() - 1);
            task.ended.notify_waiters();
        });
    }
}
