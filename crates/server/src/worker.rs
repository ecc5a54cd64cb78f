//! A worker: a thread with its own runtime, its own listening sockets and its own view of the site.

use crate::admission::{Connections, InFlight, Shared};
use crate::buffers::Buffers;
use crate::client::CROWDED_HEAD;
use crate::clock::Clock;
use crate::deadline::{Deadlines, TICK};
use crate::id::Random;
use crate::idle::{self, Idle};
use crate::log::{self, Log};
use crate::site::Site;
use crate::timer::Timer;
use rustix::net::{SocketFlags, acceptfrom_with};
use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::watch;
use tokio::task::{JoinHandle, LocalSet, spawn_local};

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
    connections: Rc<Connections>,
    pub(crate) idle: Idle,
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
        self.shared.enter(self.site().limits(None))
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
    listeners: Vec<TcpListener>,
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
    let idle = match Idle::new() {
        Ok(idle) => idle,
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
        connections: Rc::default(),
        idle,
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
        worker.idle.end();
        worker.deadlines.wake_all();
        let deadline = worker.deadlines.enroll();
        let end = deadline.after(worker.site().opened.config.drain);
        while worker.connections.open() > 0 {
            if deadline.until(end, worker.connections.one_ends()).await.is_none() {
                log::operation(format_args!("{} connections were cut at the end of `drain`", worker.connections.open()));
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
fn start(worker: &Rc<Worker>, listeners: Vec<TcpListener>) -> io::Result<Vec<JoinHandle<()>>> {
    spawn_local(tick(worker.clone(), Timer::every(TICK)?));
    spawn_local(idle::watch(worker.clone()));
    let accept = |listener| {
        // SAFETY: a `TcpListener` is the same open file for as long as it lives, and the `AsyncFd` owns it.
        let listener = unsafe { AsyncFd::register_with_interest(listener, Interest::READABLE) }?;
        Ok(spawn_local(accept(listener, worker.clone())))
    };
    listeners.into_iter().map(accept).collect()
}

/// What is done ten times a second: deadlines, the log; and once a second: what nobody asks for any more.
async fn tick(worker: Rc<Worker>, timer: Timer) {
    for tick in 0u64.. {
        if timer.tick().await.is_err() {
            return;
        }
        worker.deadlines.sweep();
        worker.idle.sweep(worker.deadlines.now());
        worker.log.flush();
        if tick.is_multiple_of(10) {
            worker.clock.tick();
            worker.site().forget(worker.clock.nanoseconds());
        }
    }
}

async fn accept(listener: AsyncFd<TcpListener>, worker: Rc<Worker>) {
    let mut complained = None::<Instant>;
    let deadline = worker.deadlines.enroll();
    loop {
        // What cannot even be refused waits in the kernel's queue until it can.
        while worker.shared.is_full(worker.site().limits(None)) {
            deadline.until(deadline.after(TICK), worker.connections.one_ends()).await;
        }
        let accepted = listener.async_io(Interest::READABLE, |listener| {
            Ok(acceptfrom_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)?)
        });
        let (stream, address) = match accepted.await {
            Ok((stream, address)) => (TcpStream::from(stream), address),
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
        let Some(client) = address.and_then(|address| SocketAddr::try_from(address).ok()) else { continue };
        let site = worker.site();
        let limits = site.limits(None);
        // One client's flood is no reason for others to wait, so there is no pause after a connection that is dropped.
        if let Some(admission) = worker.shared.admit(client.ip(), &worker.connections, limits) {
            let head = if admission.crowded.is_some() { CROWDED_HEAD } else { limits.head };
            // If the kernel has no room to watch it, it is closed.
            let _ = worker.idle.rest(stream, admission, worker.deadlines.after(head));
        }
    }
}
