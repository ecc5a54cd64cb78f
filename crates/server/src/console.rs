//! The console: where who runs the server asks how it is, and tells it what to do. It has a thread of its own, so that it
//! answers when every worker is busy.
//!
//! Rule: whoever comes by the socket is its owner, as the file system has seen to it; whoever comes by an address knows the
//! token, but for `/healthz` and `/readyz`.

mod answer;
mod answers;
mod ask;
mod converse;
mod explain;
mod page;
mod possible;
mod reference;
mod socket;
mod target;
mod tour;

pub use answers::{Answers, Given, Why};
pub use ask::{Answer, Unanswered, ask};
pub use explain::{Explained, LARGEST_MESSAGE, order};
pub(crate) use possible::reasons;
pub use tour::{Stop, Tour, Visited};

use crate::admission;
use crate::config::{self, Explain, Token};
use crate::jobs::Standing;
use crate::log::Dropped;
use crate::maintenance::Maintenance;
use crate::metrics::{Gauges, Metrics};
use crate::recorder::Ring;
use crate::server::StartError;
use crate::site::{Common, Opened};
use socket::Socket;
use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

/// What only who runs the process can do.
pub(crate) enum Request {
    /// Take the config anew, as at SIGHUP.
    Reload {
        /// What came of it; an error is what is wrong, in words.
        answer: oneshot::Sender<Result<Taken, String>>,
    },
}

/// A config that was taken anew.
pub(crate) struct Taken {
    /// Where it is from.
    pub(crate) file: String,
    /// How many routes it has.
    pub(crate) routes: usize,
    /// What is hardly meant in it; empty for most.
    pub(crate) warnings: String,
}

/// What the console sees of its server.
pub(crate) struct View {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) admission: Arc<admission::Shared>,
    pub(crate) maintenance: Arc<Maintenance>,
    pub(crate) dropped: Dropped,
    /// What each worker answered last; none where nothing is kept.
    rings: Vec<Arc<Ring>>,
    pub(crate) requests: UnboundedSender<Request>,
    draining: AtomicBool,
    settings: RwLock<Arc<Settings>>,
    /// The patterns of the routes of the last configs, by their numbers.
    patterns: RwLock<VecDeque<(u32, Vec<String>)>>,
}

/// How many configs' patterns are remembered: those that answers are kept of.
const CONFIGS: usize = 16;

/// What a reload changes.
struct Settings {
    /// `None`: nobody is answered but by the socket.
    token: Option<Token>,
    /// The pattern of each route.
    routes: Vec<String>,
    /// How long a head may take, and content.
    head: Duration,
    content: Duration,
    common: Common,
    /// What the workers go by.
    opened: Arc<Opened>,
}

impl Settings {
    fn of(opened: Arc<Opened>) -> Settings {
        let config = &opened.config;
        let tcp = config.console.as_ref().and_then(|console| console.tcp.as_ref());
        let mut common = Common::of_no_route(config);
        // What is so now is nothing to keep (RFC 9111 §5.2.2.5).
        common.headers.push(("Cache-Control".to_owned(), "no-store".to_owned()));
        // Who runs the server is told why.
        common.explain = Explain::Problem;
        Settings {
            token: tcp.map(|tcp| tcp.token.clone()),
            routes: config.routes.iter().map(|route| route.pattern.as_str().to_owned()).collect(),
            head: config.limits.head,
            content: config.limits.body_idle,
            common,
            opened,
        }
    }
}

impl Settings {
    fn tour(&self) -> Option<&Tour> {
        self.opened.config.console.as_ref()?.tour.as_ref()
    }
}

fn patterns(opened: &Opened) -> (u32, Vec<String>) {
    (opened.number, opened.config.routes.iter().map(|route| route.pattern.as_str().to_owned()).collect())
}

impl View {
    pub(crate) fn new(
        opened: Arc<Opened>,
        metrics: Arc<Metrics>,
        admission: Arc<admission::Shared>,
        maintenance: Arc<Maintenance>,
        dropped: Dropped,
        rings: Vec<Arc<Ring>>,
        requests: UnboundedSender<Request>,
    ) -> View {
        let patterns = RwLock::new(VecDeque::from([patterns(&opened)]));
        let settings = RwLock::new(Arc::new(Settings::of(opened)));
        View {
            metrics,
            admission,
            maintenance,
            dropped,
            rings,
            requests,
            draining: AtomicBool::new(false),
            settings,
            patterns,
        }
    }

    /// The server answers by another config.
    pub(crate) fn take(&self, opened: Arc<Opened>) {
        let mut patterns = self.patterns.write().unwrap_or_else(PoisonError::into_inner);
        patterns.push_back(self::patterns(&opened));
        if patterns.len() > CONFIGS {
            patterns.pop_front();
        }
        drop(patterns);
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Settings::of(opened));
    }

    /// The pattern of a route of the config of this number.
    fn pattern(&self, config: u32, route: usize) -> Option<String> {
        let patterns = self.patterns.read().unwrap_or_else(PoisonError::into_inner);
        patterns.iter().find(|(number, _)| *number == config)?.1.get(route).cloned()
    }

    /// The server takes no new connections.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Relaxed);
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }

    fn settings(&self) -> Arc<Settings> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn gauges(&self, queues: Vec<Standing>) -> Gauges {
        Gauges {
            connections: self.admission.connections(),
            requests: self.admission.requests(),
            log_lines_dropped: self.dropped.lines(),
            queues,
        }
    }
}

/// A console that can be reached and does not answer yet.
pub(crate) struct Bound {
    config: config::Console,
    socket: Socket,
    tcp: Option<TcpListener>,
    runtime: Runtime,
}

impl Bound {
    /// Binds the socket, not yet under its name, and the address. `given`: what another process, or an older config, listens
    /// there with. `succeeds`: who answers on the socket now is about to leave it to this one.
    ///
    /// Errors: somebody else answers there, or the system refuses.
    pub(crate) fn bind(
        config: &config::Console,
        given: Option<TcpListener>,
        succeeds: bool,
    ) -> Result<Bound, StartError> {
        let socket = Socket::bind(&config.socket, succeeds)?;
        let tcp = config.tcp.as_ref().map(|tcp| match given {
            Some(listener) => Ok(listener),
            None => TcpListener::bind(tcp.listen).map_err(|error| StartError::bind(tcp.listen, error)),
        });
        let tcp = tcp.transpose()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot_start)?;
        Ok(Bound { config: config.clone(), socket, tcp, runtime })
    }

    /// Gives the socket its name and answers from now on.
    pub(crate) fn start(self, view: Arc<View>) -> Result<Console, StartError> {
        let Bound { config, mut socket, tcp, runtime } = self;
        let listening = {
            // tokio wants to know which runtime is going to wait.
            let _entered = runtime.enter();
            converse::Listening::new(socket.listener(), tcp.as_ref()).map_err(cannot_start)?
        };
        socket.name()?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("console".to_owned());
        let thread = thread.spawn(move || {
            tokio::task::LocalSet::new().block_on(&runtime, converse::serve(listening, view, stopped));
            runtime.shutdown_background();
        });
        Ok(Console { config, socket, tcp, stop, thread: thread.map_err(cannot_start)? })
    }
}

fn cannot_start(error: io::Error) -> StartError {
    StartError::new(format!("the console cannot be started: {error}"), error)
}

/// A console at work.
pub(crate) struct Console {
    config: config::Console,
    /// Its name is taken away when it goes.
    socket: Socket,
    tcp: Option<TcpListener>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Console {
    /// Whether another config has it in the same place.
    pub(crate) fn is_where(&self, config: Option<&config::Console>) -> bool {
        config.is_some_and(|config| config.socket == self.config.socket && address(config) == address(&self.config))
    }

    /// What takes its place for another config; it goes on until it is stopped.
    pub(crate) fn followed_by(&self, config: &config::Console) -> Result<Bound, StartError> {
        let same = address(config).is_some() && address(config) == address(&self.config);
        let given = self.tcp.as_ref().filter(|_| same).map(TcpListener::try_clone).transpose();
        Bound::bind(config, given.map_err(cannot_start)?, config.socket == self.config.socket)
    }

    /// Where it listens besides its socket, as a process is told that follows.
    pub(crate) fn listener(&self) -> Option<(SocketAddr, &TcpListener)> {
        Some((address(&self.config)?, self.tcp.as_ref()?))
    }

    /// Lets nobody come any longer, and waits for those who have asked, though not for long.
    pub(crate) fn stop(self) {
        // If it panicked, that is on standard error.
        let _ = self.leave().join();
    }

    /// The same without waiting, for whoever may be what is waited for.
    pub(crate) fn leave(self) -> JoinHandle<()> {
        let Console { stop, socket, thread, .. } = self;
        drop((stop, socket));
        thread
    }
}

fn address(config: &config::Console) -> Option<SocketAddr> {
    config.tcp.as_ref().map(|tcp| tcp.listen)
}
