//! A worker: a thread with its own runtime, its own listening sockets and its own view of the site.

use crate::admission::{Connections, InFlight, Shared};
use crate::buffers::Buffers;
use crate::client::CROWDED_HEAD;
use crate::clock::Clock;
use crate::config::{self, Scheme};
use crate::deadline::{Deadlines, NEVER, TICK};
use crate::id::Random;
use crate::idle::Idle;
use crate::listen::BACKLOG;
use crate::log::{self, Log};
use crate::metrics::Tally;
use crate::reactor::{Event, Reactor, Source, Way};
use crate::recorder::{Recorder, Ring};
use crate::site::{Opened, Site};
use crate::stream::Layer;
use crate::timer::Timer;
use rustix::io::Errno;
use rustix::net::{SocketFlags, acceptfrom_with};
use std::cell::{Cell, RefCell};
use std::future::{Future, pending};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::task::Context;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::{JoinHandle, LocalSet, spawn_blocking, spawn_local};

/// One worker, as its connections see it.
pub(crate) struct Worker {
    site: RefCell<Rc<Site>>,
    shared: Arc<Shared>,
    pub(crate) clock: Clock,
    pub(crate) deadlines: Rc<Deadlines>,
    pub(crate) random: Random,
    pub(crate) log: Log,
    pub(crate) recorder: Recorder,
    /// Set when the server is told to stop.
    draining: Cell<bool>,
    /// Tells those who wait for something else.
    pub(crate) drain_begins: Notify,
    /// Set when the last connection is over after that.
    over: Cell<bool>,
    /// Connections that were cut at the end of `drain`.
    cut: Cell<u64>,
    /// What connections at work have, kept between them: the next one finds it warm.
    #[expect(
        clippy::vec_box,
        reason = "they are taken and given back for each request, and moving a pointer is cheaper"
    )]
    buffers: RefCell<Vec<Box<Buffers>>>,
    connections: Rc<Connections>,
    pub(crate) idle: Idle,
    pub(crate) reactor: Rc<Reactor>,
}

impl Worker {
    pub(crate) fn site(&self) -> Rc<Site> {
        self.site.borrow().clone()
    }

    /// Whether somebody is going to ask how long it took.
    pub(crate) fn is_timed(&self) -> bool {
        self.log.is_on() || self.recorder.is_on()
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.get()
    }

    /// A place for a request that has to wait, or whose answer has to; `None` if there are as many as `limits.requests` allows.
    /// What is answered in one piece and without waiting is never in flight beside another.
    pub(crate) fn enter(&self) -> Option<InFlight> {
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

    /// How long a connection may rest.
    #[inline]
    pub(crate) fn idle_time(&self) -> Duration {
        self.site.borrow().limits(None).idle
    }
}

/// Buffers that a worker keeps: few connections are at work at the same time.
const MOST_KEPT: usize = 64;

/// What a worker starts with.
pub(crate) struct Start {
    pub(crate) opened: Arc<Opened>,
    pub(crate) tally: Tally,
    pub(crate) shared: Arc<Shared>,
    /// Each with the address of the config that it is for.
    pub(crate) sockets: Vec<(SocketAddr, TcpListener)>,
    pub(crate) log: Log,
    /// What it answers is kept there.
    pub(crate) ring: Option<Arc<Ring>>,
    pub(crate) orders: UnboundedReceiver<Order>,
}

/// What a worker is told to do.
pub(crate) enum Order {
    /// Answer by another config.
    Reload {
        opened: Arc<Opened>,
        tally: Tally,
        log: config::Log,
        /// To listen on as well.
        sockets: Vec<(SocketAddr, TcpListener)>,
        /// Addresses of the config not to listen on any longer.
        ended: Vec<SocketAddr>,
    },
    /// Finish what has begun, and end. What waits in the queues of the sockets is accepted first.
    ///
    /// With `handed_over` another process goes on listening, for these addresses of the config, whose queues are its own;
    /// and there is as much time as clients take.
    Drain { handed_over: Option<Arc<[SocketAddr]>> },
}

/// Runs a worker until it has been told to end and its connections have ended or had their time; how many of them were cut.
pub(crate) fn run(start: Start, started: &Sender<io::Result<()>>) -> u64 {
    let waits = || {
        let reactor = Reactor::new()?;
        // It has threads that wait for the disk, and look at large documents: what connections wait for is the reactor's. More
        // threads would not make a disk faster.
        let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(16).build()?;
        io::Result::Ok((Timer::every(TICK, &reactor)?, reactor, runtime))
    };
    let (timer, reactor, runtime) = match waits() {
        Ok(waits) => waits,
        Err(error) => {
            let _ = started.send(Err(error));
            return 0;
        }
    };
    let worker = Rc::new(Worker {
        site: RefCell::new(Rc::new(Site::new(start.opened, start.tally))),
        shared: start.shared,
        clock: Clock::new(),
        deadlines: Deadlines::new(),
        random: Random::new(),
        log: start.log,
        recorder: Recorder::new(start.ring),
        draining: Cell::new(false),
        drain_begins: Notify::new(),
        over: Cell::new(false),
        cut: Cell::new(0),
        buffers: RefCell::default(),
        connections: Rc::default(),
        idle: Idle::new(reactor.clone()),
        reactor,
    });
    let entered = runtime.enter();
    let tasks = LocalSet::new();
    {
        let _tasks = tasks.enter();
        let mut acceptors = Vec::new();
        let begun = watch(start.sockets, &worker, &mut acceptors);
        let accepts = begun.is_ok();
        let _ = started.send(begun);
        if accepts {
            spawn_local(tick(worker.clone(), timer));
            spawn_local(obey(worker.clone(), start.orders, acceptors));
            turn(&worker, &tasks);
        }
    }
    worker.log.flush();
    drop(tasks);
    drop(entered);
    // A disk that hangs must not keep the process from ending.
    runtime.shutdown_background();
    worker.cut.get()
}

/// Turn for turn: the tasks that have something to do, then what has come on idle connections.
fn turn(worker: &Rc<Worker>, tasks: &LocalSet) {
    let reactor = &worker.reactor;
    let waker = reactor.waker();
    let mut context = Context::from_waker(&waker);
    // What ends last says so by a flag, not by the end of a future.
    let mut rest = pin!(tasks.run_until(pending::<()>()));
    let mut events = Vec::new();
    while !worker.over.get() {
        if reactor.was_woken() {
            let _ = rest.as_mut().poll(&mut context);
            if worker.over.get() {
                return;
            }
        }
        if let Err(error) = reactor.wait(&mut events) {
            // It cannot fail for a descriptor that is open.
            log::operation(format_args!("a worker cannot wait for its connections and ends: {error}"));
            return;
        }
        for event in &events {
            if let Event::Idle { at, over } = reactor.tell(*event) {
                worker.idle.came(worker, at, over);
            }
        }
    }
}

/// Turns that connections have to note that they are cut: none of them waits for anything any longer.
const LAST_TURNS: usize = 8;

/// A task that accepts from one socket.
struct Acceptor {
    /// The address of the config that it is for.
    address: SocketAddr,
    stop: Rc<Notify>,
    task: JoinHandle<()>,
}

/// Does what the worker is told, until that is to end and it has ended.
async fn obey(worker: Rc<Worker>, mut orders: UnboundedReceiver<Order>, mut acceptors: Vec<Acceptor>) {
    let handed_over = loop {
        let (opened, tally, log, sockets, ended) = match orders.recv().await {
            Some(Order::Reload { opened, tally, log, sockets, ended }) => (opened, tally, log, sockets, ended),
            Some(Order::Drain { handed_over }) => break handed_over,
            None => break None,
        };
        worker.site.replace(Rc::new(Site::new(opened, tally)));
        worker.log.set_form(log);
        // They stop in their own time. Those that have are forgotten.
        acceptors.retain(|acceptor| !acceptor.task.is_finished());
        acceptors.iter().filter(|acceptor| ended.contains(&acceptor.address)).for_each(|ended| ended.stop.notify_one());
        acceptors.extend(sockets.into_iter().map(|(address, socket)| {
            Acceptor::new(address, |stop| accept_when_watched(address, socket.into(), worker.clone(), stop))
        }));
    };
    worker.draining.set(true);
    worker.drain_begins.notify_waiters();
    let deadline = worker.deadlines.enroll();
    // Who starts a new process does not wait for the old one: it may take as long as its clients do, unless it is told to
    // stop then.
    let drain = worker.site().opened.config.drain;
    let mut end = if handed_over.is_some() { NEVER } else { deadline.after(drain) };
    let elsewhere = handed_over.unwrap_or_default();
    let (others, own): (Vec<_>, Vec<_>) =
        acceptors.into_iter().partition(|acceptor| elsewhere.contains(&acceptor.address));
    others.iter().for_each(|acceptor| acceptor.task.abort());
    stop(own).await;
    worker.idle.drain(&worker);
    while worker.connections.open() > 0 {
        let told_again = async {
            tokio::select! {
                () = worker.connections.one_ends() => false,
                Some(_) = orders.recv() => true,
            }
        };
        match deadline.until(end, told_again).await {
            Some(false) => {}
            Some(true) => end = end.min(deadline.after(drain)),
            None => {
                worker.cut.set(worker.connections.open());
                break;
            }
        }
    }
    // Each of them notes how far it came.
    worker.deadlines.end();
    for _ in 0..LAST_TURNS {
        worker.reactor.next_turn().await;
    }
    worker.over.set(true);
}

impl Acceptor {
    fn new<F: Future<Output = ()> + 'static>(address: SocketAddr, accept: impl FnOnce(Rc<Notify>) -> F) -> Acceptor {
        let stop = Rc::new(Notify::new());
        let task = spawn_local(accept(stop.clone()));
        Acceptor { address, stop, task }
    }
}

/// Accepts from sockets. Errors: the kernel has no room to watch one.
fn watch(
    sockets: Vec<(SocketAddr, TcpListener)>,
    worker: &Rc<Worker>,
    acceptors: &mut Vec<Acceptor>,
) -> io::Result<()> {
    for (address, socket) in sockets {
        let socket = Source::new(socket.into(), &worker.reactor)?;
        acceptors.push(Acceptor::new(address, |stop| accept(address, socket, worker.clone(), stop)));
    }
    Ok(())
}

/// Accepts from a socket as soon as the kernel has room to watch it: clients come to it already.
async fn accept_when_watched(address: SocketAddr, socket: Rc<TcpListener>, worker: Rc<Worker>, stop: Rc<Notify>) {
    let deadline = worker.deadlines.enroll();
    let mut complaints = Complaints::default();
    loop {
        match Source::new(socket.clone(), &worker.reactor) {
            Ok(socket) => return accept(address, socket, worker, stop).await,
            Err(error) => complaints.tell("a worker cannot listen on a new address yet", &error),
        }
        if deadline.until(deadline.after(TICK), stop.notified()).await.is_some() {
            return;
        }
    }
}

/// Closes sockets, once what waits in their queues is accepted.
async fn stop(acceptors: Vec<Acceptor>) {
    acceptors.iter().for_each(|acceptor| acceptor.stop.notify_one());
    for acceptor in acceptors {
        let _ = acceptor.task.await;
    }
}

/// Tells of what goes on failing, once a minute.
#[derive(Default)]
struct Complaints(Option<Instant>);

impl Complaints {
    fn tell(&mut self, what: &str, error: &io::Error) {
        if self.0.is_none_or(|at| at.elapsed() > Duration::from_secs(60)) {
            self.0 = Some(Instant::now());
            log::operation(format_args!("{what}: {error}"));
        }
    }
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
            let site = worker.site();
            site.forget(worker.clock.nanoseconds());
            site.close_idle(worker.deadlines.now());
            if tick.is_multiple_of(SWEPT) && site.opened.kept.is_some() {
                spawn_local(sweep(site.opened.clone(), worker.clock.milliseconds()));
            }
            if site.opened.gates.are_to_be_looked_at(worker.clock.nanoseconds() / 1_000_000_000) {
                let opened = site.opened.clone();
                spawn_blocking(move || opened.gates.look());
            }
        }
    }
}

/// How often the store is rid of what has expired: each worker does so every minute.
const SWEPT: u64 = 600;

async fn sweep(opened: Arc<Opened>, now: u64) {
    if let Some(kept) = &opened.kept {
        while kept.sweep(now).await {}
    }
}

/// What is still accepted from a socket that is closed next.
struct Last {
    /// At most as many as the queue has places, since clients that come and come would keep it from ever being empty.
    left: i32,
    /// The tick until which is waited for what it takes to accept them.
    until: u32,
}

impl Last {
    fn of(worker: &Worker) -> Last {
        Last { left: BACKLOG, until: worker.deadlines.after(worker.site().opened.config.drain) }
    }
}

/// Accepts until it is told to stop, and then what waits already. `configured`: the address of the config that it is for.
async fn accept(configured: SocketAddr, listener: Source<Rc<TcpListener>>, worker: Rc<Worker>, stop: Rc<Notify>) {
    let mut complaints = Complaints::default();
    let deadline = worker.deadlines.enroll();
    let call =
        |listener: &Rc<TcpListener>| Ok(acceptfrom_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)?);
    let mut last = None::<Last>;
    // A reload may change it, and one that gives the address up leaves it for who is accepted last.
    let mut scheme = Scheme::Http;
    loop {
        // What cannot even be refused waits in the kernel's queue until it can.
        if last.is_none() && worker.shared.is_full(worker.site().limits(None)) {
            let stopped = async {
                tokio::select! {
                    () = worker.connections.one_ends() => false,
                    () = stop.notified() => true,
                }
            };
            if deadline.until(deadline.after(TICK), stopped).await == Some(true) {
                last = Some(Last::of(&worker));
            }
            continue;
        }
        let accepted = match &last {
            Some(Last { left: ..=0, .. }) => return,
            Some(_) => call(listener.get()),
            None => tokio::select! {
                accepted = listener.io(Way::Read, call) => accepted,
                () = stop.notified() => {
                    last = Some(Last::of(&worker));
                    continue;
                }
            },
        };
        let (stream, address) = match accepted {
            Ok((stream, address)) => (TcpStream::from(stream), address),
            Err(error) if is_of_one_client(&error) => continue,
            Err(error) if last.is_some() && error.kind() == io::ErrorKind::WouldBlock => return,
            Err(error) => {
                // No descriptor is left, mostly: nothing is gained by trying again at once.
                complaints.tell("a connection could not be accepted", &error);
                if let Some(Last { until, .. }) = last {
                    if until <= worker.deadlines.now() {
                        return;
                    }
                    // Whoever rests makes room for those who wait, as nobody is to rest any longer.
                    if worker.is_draining() {
                        worker.idle.drain(&worker);
                    }
                }
                deadline.until(deadline.after(TICK), pending::<()>()).await;
                continue;
            }
        };
        if let Some(last) = &mut last {
            last.left -= 1;
        }
        let Some(client) = address.and_then(|address| SocketAddr::try_from(address).ok()) else { continue };
        let site = worker.site();
        let limits = site.limits(None);
        let listens = site.opened.config.listen.iter().find(|listen| listen.address == configured);
        scheme = listens.map_or(scheme, |listen| listen.scheme);
        site.tally.accepted();
        // One client's flood is no reason for others to wait, so there is no pause after a connection that is dropped.
        let trusted = site.opened.config.trusts(client.ip());
        if let Some(admission) = worker.shared.admit(client.ip(), &worker.connections, limits, trusted) {
            let head = if admission.crowded.is_some() { CROWDED_HEAD } else { limits.head };
            let (now, due) = (worker.deadlines.now(), worker.deadlines.after(head));
            // If the kernel has no room to watch it, it is closed.
            let layer = || match scheme {
                Scheme::Http => Layer::Plain,
                Scheme::Https => Layer::Greeting,
            };
            let watch = |at| worker.reactor.watch(&stream, at).map(|()| (stream, layer()));
            let _ = worker.idle.rest(watch, admission, now, due);
        }
    }
}

/// Whether accept(2) tells of the client that is next, which is taken out of the queue: it has given up, or cannot be reached.
fn is_of_one_client(error: &io::Error) -> bool {
    const THEIRS: [Errno; 9] = [
        Errno::CONNABORTED,
        Errno::INTR,
        Errno::NETDOWN,
        Errno::PROTO,
        Errno::NOPROTOOPT,
        Errno::HOSTDOWN,
        Errno::NONET,
        Errno::HOSTUNREACH,
        Errno::NETUNREACH,
    ];
    Errno::from_io_error(error).is_some_and(|errno| THEIRS.contains(&errno))
}
