//! From a config to a running server, to another config, and to its end.

use crate::admission::Shared;
use crate::config::{Config, Limits};
use crate::console::{Bound, Console, Request, View};
use crate::descriptors;
use crate::health::{self, Watching};
use crate::jobs::{self, Doing};
use crate::kept::{Kept, Purpose};
use crate::listen::{self, Given, Listening};
use crate::log::{self, Writer};
use crate::metrics::Metrics;
use crate::recorder::Ring;
use crate::site::{Opened, Unopened};
use crate::user;
use crate::worker::{self, Order};
use rustix::io::Errno;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A running server.
pub struct Server {
    listening: Vec<Listening>,
    workers: Vec<(JoinHandle<u64>, UnboundedSender<Order>)>,
    log: Writer,
    /// What takes effect only when the process is started again.
    fixed: Fixed,
    /// What answers now.
    opened: Arc<Opened>,
    view: Arc<View>,
    console: Option<Console>,
    /// Who does the jobs, where there are queues, or were.
    doing: Option<Doing>,
    /// Who checks the health of upstreams, where that is wanted, or was.
    watching: Option<Watching>,
    /// What the console asks for; `None` once it is taken by who does it.
    requests: Option<UnboundedReceiver<Request>>,
}

/// What a reload does not change.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Fixed {
    workers: Option<usize>,
    user: Option<String>,
}

/// Why a server did not start, in a sentence that says what to do.
#[derive(Debug)]
pub struct StartError {
    sentence: String,
    /// What the system said.
    pub error: io::Error,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for StartError {}

impl StartError {
    /// Whether it is that somebody listens on the address already.
    pub fn is_address_taken(&self) -> bool {
        self.error.kind() == io::ErrorKind::AddrInUse
    }

    pub(crate) fn new(sentence: String, error: io::Error) -> StartError {
        StartError { sentence, error }
    }

    /// Why nobody can listen there, from what bind(2) said.
    pub fn bind(address: SocketAddr, error: io::Error) -> StartError {
        let port = address.port();
        let sentence = match error.kind() {
            io::ErrorKind::AddrInUse => {
                format!(
                    "cannot listen on {address}: port {port} is taken; stop what listens there or choose another port"
                )
            }
            io::ErrorKind::PermissionDenied => format!(
                "cannot listen on {address}: ports below 1024 need permission; choose another, start as root with `user` set, \
                 or grant CAP_NET_BIND_SERVICE"
            ),
            io::ErrorKind::AddrNotAvailable => {
                format!("cannot listen on {address}: this machine has no such address; choose one of its own")
            }
            _ => format!("cannot listen on {address}: {error}"),
        };
        StartError::new(sentence, error)
    }
}

impl Server {
    /// Binds, opens what the config names, becomes the config's user and starts the workers. When it returns, connections
    /// are accepted. With port 0 the system chooses the port; see [`Server::addresses`].
    pub fn start(config: Config) -> Result<Server, StartError> {
        let mut server = Server::start_with(config, &mut Vec::new(), false)?;
        // A config that is no file's cannot be taken anew.
        server.requests = None;
        Ok(server)
    }

    /// The same, listening where another process did; what is left in `given` is for no address of the config. `succeeds`:
    /// that process is about to leave everything to this one.
    pub(crate) fn start_with(mut config: Config, given: &mut Vec<Given>, succeeds: bool) -> Result<Server, StartError> {
        descriptors::raise();
        fit(&mut config.limits);
        let workers = config.workers.unwrap_or_else(|| thread::available_parallelism().map_or(1, Into::into));
        // What another process listens on until we answer, and we shall not.
        let left = given.iter().filter(|given| config.listen.iter().all(|listen| listen.address != given.configured));
        let given_up: Vec<_> = left.filter_map(|given| given.socket.local_addr().ok()).collect();
        let mut listening = Vec::new();
        for listen in &config.listen {
            let address = listen.address;
            let adopted = Listening::adopt(address, given).map_err(|error| StartError::bind(address, error))?;
            listening.push(adopted.map_or_else(|| bind(address, workers, &config, &given_up), Ok)?);
        }
        // Before any thread: each one inherits who it is.
        if let Some(name) = &config.user {
            user::become_user(name).map_err(|error| {
                StartError::new(
                    format!("cannot become the user `{name}`: {error}; name one that exists, and start as root"),
                    error,
                )
            })?;
        } else if user::is_root() {
            log::operation(format_args!("running as root; set `user` in the config to drop to another user"));
        }
        let console = bind_console(&config, given, succeeds)?;
        let form = config.log;
        let fixed = Fixed::of(&config);
        let opened = Arc::new(Opened::open(config, None, Purpose::Serve { workers }).map_err(cannot_open)?);
        let metrics = Arc::new(Metrics::new(workers));
        let tallies = metrics.tallies(&opened.config);
        metrics.tell_of(opened.all_members());
        let count = workers;
        let shared = Arc::new(Shared::new(descriptors::told(descriptors::most())));
        let log = Writer::start();
        let kept = opened.config.console.as_ref().map_or(0, |console| console.answers);
        let rings: Vec<_> = (0..workers).map(|_| (kept > 0).then(|| Arc::new(Ring::new(kept)))).collect();
        let (started, starts) = std::sync::mpsc::channel();
        let workers = tallies.into_iter().enumerate().map(|(i, tally)| {
            let mut sockets = Vec::new();
            for listening in &listening {
                let own = listening.of_worker(i, count)?;
                sockets.extend(own.into_iter().map(|socket| (listening.configured, socket)));
            }
            let (sender, orders) = unbounded_channel();
            let (opened, shared, log) = (opened.clone(), shared.clone(), log.log(form));
            let ring = rings[i].clone();
            let start = worker::Start { opened, tally, shared, sockets, log, ring, orders };
            let started = started.clone();
            let thread = thread::Builder::new().name(format!("worker-{i}"));
            Ok((thread.spawn(move || worker::run(start, &started))?, sender))
        });
        let workers = workers.collect::<io::Result<Vec<_>>>();
        drop(started);
        let workers = workers
            .and_then(|workers| starts.iter().take(workers.len()).collect::<io::Result<()>>().map(|()| workers))
            .map_err(|error| StartError::new(format!("cannot start a worker: {error}; set fewer `workers`"), error))?;
        let doing = jobs::are_in(&opened).then(|| do_jobs(&opened)).transpose()?;
        jobs::tell_of_the_forgotten(&opened);
        let watching = health::is_in(&opened).then(|| watch_health(&opened)).transpose()?;
        let (asks, requests) = unbounded_channel();
        let maintenance = opened.gates.maintenance.clone();
        let rings = rings.into_iter().flatten().collect();
        let view = View::new(opened.clone(), metrics, shared, maintenance, log.dropped.clone(), rings, asks);
        let view = Arc::new(view);
        // Last of all: whoever finds it finds a server that answers.
        let console = console.map(|bound| bound.start(view.clone())).transpose()?;
        Ok(Server { listening, workers, log, fixed, opened, view, console, doing, watching, requests: Some(requests) })
    }

    /// Where it listens, in the order of the config.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listening.iter().map(|listening| listening.address).collect()
    }

    /// Every socket, with the address of the config that it is for.
    pub(crate) fn sockets(&self) -> impl Iterator<Item = (SocketAddr, &TcpListener)> {
        let own = self.listening.iter().flat_map(|own| own.sockets().iter().map(|socket| (own.configured, socket)));
        own.chain(self.console.iter().filter_map(Console::listener))
    }

    /// What the console asks for, to whoever does it.
    pub(crate) fn take_requests(&mut self) -> Option<UnboundedReceiver<Request>> {
        self.requests.take()
    }

    /// Answers by another config from now on: requests that are being answered end as they began, connections stay. An
    /// address that is no longer listened on is closed once who waits there is accepted, a new one is bound.
    ///
    /// Errors: the config names something that is not there, or an address that is taken. Then nothing has changed.
    pub fn reload(&mut self, mut config: Config) -> Result<(), StartError> {
        fit(&mut config.limits);
        let fixed = Fixed::of(&config);
        let log = config.log;
        // Clients come to a socket as soon as it is bound, so everything else has to be right by then.
        let opened = Arc::new(
            {
                let purpose = Purpose::Serve { workers: self.workers.len() };
                Opened::open(config, Some(&self.opened), purpose)
            }
            .map_err(cannot_open)?,
        );
        let config = &opened.config;
        let still = |known: &Listening| config.listen.iter().any(|listen| listen.address == known.configured);
        let (ended, given_up): (Vec<_>, Vec<_>) =
            self.listening.iter().filter(|known| !still(known)).map(|known| (known.configured, known.address)).unzip();
        // In the order of the config, as at the start.
        let order: Vec<_> = config.listen.iter().map(|listen| listen.address).collect();
        let mut begun = Vec::new();
        for address in &order {
            if self.listening.iter().all(|known| known.configured != *address) {
                begun.push(bind(*address, self.workers.len(), config, &given_up)?);
            }
        }
        let mut reloads = Vec::new();
        for i in 0..self.workers.len() {
            let mut sockets = Vec::new();
            for listening in &begun {
                let own = listening.of_worker(i, self.workers.len());
                let own = own.map_err(|error| StartError::bind(listening.configured, error))?;
                sockets.extend(own.into_iter().map(|socket| (listening.configured, socket)));
            }
            reloads.push((sockets, ended.clone()));
        }
        let moved = self.move_console(config)?;
        let begun_doing = (self.doing.is_none() && jobs::are_in(&opened)).then(|| do_jobs(&opened)).transpose()?;
        let begun_watching =
            (self.watching.is_none() && health::is_in(&opened)).then(|| watch_health(&opened)).transpose()?;
        let tallies = self.view.metrics.tallies(config);
        self.view.metrics.tell_of(opened.all_members());
        for (((_, orders), (sockets, ended)), tally) in self.workers.iter().zip(reloads).zip(tallies) {
            // A worker that is gone has panicked, which stopping tells.
            let _ = orders.send(Order::Reload { opened: opened.clone(), tally, log, sockets, ended });
        }
        jobs::tell_of_the_forgotten(&opened);
        match begun_doing {
            Some(doing) => self.doing = Some(doing),
            // Where there was none and is none, nobody is told.
            None => self.tell_jobs(|| jobs::Order::Take(opened.clone())),
        }
        match (begun_watching, &self.watching) {
            (Some(watching), _) => self.watching = Some(watching),
            (None, Some(watching)) => watching.take(opened.clone()),
            (None, None) => {}
        }
        self.view.take(opened.clone());
        if let Some(console) = moved
            && let Some(before) = std::mem::replace(&mut self.console, console)
        {
            // It may be by this one that the reload was asked for.
            before.leave();
        }
        self.listening.retain(|known| !ended.contains(&known.configured));
        self.listening.extend(begun);
        self.opened = opened.clone();
        self.listening.sort_by_key(|known| order.iter().position(|address| *address == known.configured));
        if fixed != self.fixed {
            log::operation(format_args!("`workers` and `user` take effect when the server is started again"));
        }
        Ok(())
    }

    /// Starts the console that another config has elsewhere, beside the one that there is; `None`: it stays as it is.
    fn move_console(&self, config: &Config) -> Result<Option<Option<Console>>, StartError> {
        let wanted = config.console.as_ref();
        let bound = match (&self.console, wanted) {
            (None, None) => return Ok(None),
            (Some(console), _) if console.is_where(wanted) => return Ok(None),
            (_, None) => return Ok(Some(None)),
            (Some(console), Some(wanted)) => console.followed_by(wanted)?,
            (None, Some(wanted)) => Bound::bind(wanted, None, false)?,
        };
        Ok(Some(Some(bound.start(self.view.clone())?)))
    }

    fn tell_jobs(&self, order: impl FnOnce() -> jobs::Order) {
        if let Some(doing) = &self.doing {
            let _ = doing.orders().send(order());
        }
    }

    /// Whether one of the workers has ended without having been told to: a bug, and its clients wait for nobody.
    pub(crate) fn has_lost_a_worker(&self) -> bool {
        self.workers.iter().any(|(thread, _)| thread.is_finished())
    }

    /// Refuses new connections, lets requests in flight finish for as long as `drain` says, and ends.
    pub fn stop(self) -> io::Result<()> {
        self.end(None)
    }

    /// The same, while another process goes on listening where it says, or everywhere if it does not say; and for as long as
    /// it takes unless [`Hurry::stop`] is called.
    pub(crate) fn leave(self, listens: Option<Vec<SocketAddr>>) -> io::Result<()> {
        let everywhere = || self.listening.iter().map(|listening| listening.configured).collect();
        let listens = listens.unwrap_or_else(everywhere);
        self.end(Some(listens.into()))
    }

    /// Lets a process that takes over open the store as well.
    pub(crate) fn share_store(&self) -> io::Result<()> {
        self.opened.kept.as_ref().map_or(Ok(()), Kept::share)
    }

    /// What ends [`Server::leave`].
    pub(crate) fn hurry(&self) -> Hurry {
        Hurry {
            workers: self.workers.iter().map(|(_, orders)| orders.clone()).collect(),
            jobs: self.doing.as_ref().map(|doing| (doing.orders().clone(), self.opened.config.drain)),
        }
    }

    fn end(self, handed_over: Option<Arc<[SocketAddr]>>) -> io::Result<()> {
        let within = handed_over.is_none().then_some(self.opened.config.drain);
        self.tell_jobs(|| jobs::Order::Stop(within));
        drop(self.listening);
        self.view.drain();
        let mut console = self.console;
        if handed_over.is_some()
            && let Some(console) = console.take()
        {
            // Who asks now asks the other process.
            console.stop();
        }
        for (_, orders) in &self.workers {
            let _ = orders.send(Order::Drain { handed_over: handed_over.clone() });
        }
        let (mut ended, mut cut) = (Ok(()), 0);
        for (thread, _) in self.workers {
            match thread.join() {
                Ok(connections) => cut += connections,
                Err(_) => ended = Err(io::Error::other("a worker panicked")),
            }
        }
        if let Some(doing) = self.doing {
            doing.join();
        }
        if let Some(watching) = self.watching {
            watching.stop();
        }
        match cut {
            0 => {}
            1 => log::operation(format_args!("1 connection was cut at the end of `drain`")),
            _ => log::operation(format_args!("{cut} connections were cut at the end of `drain`")),
        }
        if let Some(console) = console {
            console.stop();
        }
        self.log.finish();
        ended
    }
}

/// Has a server that leaves stop within the time of its config's `drain`.
pub(crate) struct Hurry {
    workers: Vec<UnboundedSender<Order>>,
    jobs: Option<(UnboundedSender<jobs::Order>, Duration)>,
}

impl Hurry {
    pub(crate) fn stop(&self) {
        if let Some((orders, drain)) = &self.jobs {
            let _ = orders.send(jobs::Order::Stop(Some(*drain)));
        }
        for orders in &self.workers {
            // A worker that has ended is as it should be.
            let _ = orders.send(Order::Drain { handed_over: None });
        }
    }
}

impl Fixed {
    fn of(config: &Config) -> Fixed {
        Fixed { workers: config.workers, user: config.user.clone() }
    }
}

fn do_jobs(opened: &Opened) -> Result<Doing, StartError> {
    Doing::start(opened)
        .map_err(|error| StartError::new(format!("cannot start the thread that does jobs: {error}"), error))
}

fn watch_health(opened: &Opened) -> Result<Watching, StartError> {
    Watching::start(opened).map_err(|error| {
        StartError::new(format!("cannot start the thread that checks the health of upstreams: {error}"), error)
    })
}

/// The console of a config, with what another process listened there with.
fn bind_console(config: &Config, given: &mut Vec<Given>, succeeds: bool) -> Result<Option<Bound>, StartError> {
    let Some(console) = &config.console else { return Ok(None) };
    let address = console.tcp.as_ref().map(|tcp| tcp.listen);
    let adopted = given.iter().position(|given| Some(given.configured) == address);
    let listener = adopted.map(|i| given.swap_remove(i).socket);
    Bound::bind(console, listener, succeeds).map(Some)
}

/// Listens on one address of a config. `given_up`: where our own sockets listen that are closed next.
fn bind(
    address: SocketAddr,
    workers: usize,
    config: &Config,
    given_up: &[SocketAddr],
) -> Result<Listening, StartError> {
    Listening::bind(address, workers, given_up).map_err(|error| {
        if error.kind() != io::ErrorKind::AddrInUse {
            return StartError::bind(address, error);
        }
        // It is not for others to make room for what is ours.
        let mut named = config.listen.iter().map(|listen| listen.address);
        if let Some(other) = named.find(|other| *other != address && listen::overlap(address, *other)) {
            let sentence = format!(
                "cannot listen on {address}: `listen` names {other} too, and one of them is part of the other; leave the \
                 narrower one out"
            );
            return StartError::new(sentence, error);
        }
        let mut own = given_up.iter().filter(|own| listen::overlap(address, **own) && !listen::is_shared(**own));
        if let Some(own) = own.next() {
            let sentence = format!(
                "cannot listen on {address}: this server's own sockets of {own} are in the way, and they were opened by \
                 another user; stop the server and start it again"
            );
            return StartError::new(sentence, error);
        }
        StartError::bind(address, error)
    })
}

fn cannot_open(unopened: Unopened) -> StartError {
    let remedy = match Errno::from_io_error(&unopened.error) {
        Some(Errno::MFILE | Errno::NFILE) => {
            "no descriptor is left: raise the limit, or try again when there are fewer connections"
        }
        _ => "check that it exists and that this user may read it",
    };
    let kind = unopened.error.kind();
    StartError::new(format!("{unopened}; {remedy}"), kind.into())
}

/// Lets in only as many connections as there can be descriptors for. Where the config sets how many, it has been told of.
fn fit(limits: &mut Limits) {
    let most = descriptors::most();
    if limits.connections > descriptors::room(most) {
        let too_many = descriptors::too_many(limits.connections, most);
        log::operation(format_args!("{too_many}; {}", descriptors::remedy(most)));
        limits.connections = descriptors::room(most);
    }
}
