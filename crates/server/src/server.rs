//! From a config to a running server, and from a signal to its end.

use crate::admission::Shared;
use crate::config::Config;
use crate::log::Writer;
use crate::site::Opened;
use crate::user;
use crate::worker;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// A running server.
pub struct Server {
    addresses: Vec<SocketAddr>,
    stop: watch::Sender<bool>,
    workers: Vec<JoinHandle<()>>,
    log: Writer,
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

    fn new(sentence: String, error: io::Error) -> StartError {
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
        raise_file_limit();
        let workers = config.workers.unwrap_or_else(|| thread::available_parallelism().map_or(1, Into::into));
        let mut addresses = Vec::new();
        // By worker: a socket for each address.
        let mut sockets: Vec<Vec<_>> = (0..workers).map(|_| Vec::new()).collect();
        for listen in &config.listen {
            let bound = crate::listen::bind(listen.address, workers)
                .map_err(|error| StartError::bind(listen.address, error))?;
            addresses.extend(bound.first().and_then(|socket| socket.local_addr().ok()));
            for (own, socket) in sockets.iter_mut().zip(bound) {
                own.push(socket);
            }
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
            crate::log::operation(format_args!("running as root; set `user` in the config to drop to another user"));
        }
        let form = config.log;
        let opened = Opened::open(config).map_err(|unopened| {
            let kind = unopened.error.kind();
            StartError::new(format!("{unopened}; check that it exists and that this user may read it"), kind.into())
        })?;
        let shared = Arc::new(Shared::new(opened));
        let log = Writer::start();
        let (stop, stopped) = watch::channel(false);
        let (started, starts) = std::sync::mpsc::channel();
        let workers = sockets.into_iter().enumerate().map(|(i, sockets)| {
            let (shared, own) = (shared.clone(), log.log(form));
            let (stopped, started) = (stopped.clone(), started.clone());
            let thread = thread::Builder::new().name(format!("worker-{i}"));
            thread.spawn(move || worker::run(shared, sockets, own, stopped, started))
        });
        let workers = workers.collect::<io::Result<Vec<_>>>();
        drop(started);
        let workers = workers
            .and_then(|workers| starts.iter().take(workers.len()).collect::<io::Result<()>>().map(|()| workers))
            .map_err(|error| StartError::new(format!("cannot start a worker: {error}; set fewer `workers`"), error))?;
        Ok(Server { addresses, stop, workers, log })
    }

    /// Where it listens, in the order of the config.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Refuses new connections, lets requests in flight finish for as long as `drain` says, and ends.
    pub fn stop(self) -> io::Result<()> {
        let _ = self.stop.send(true);
        let mut ended = Ok(());
        for worker in self.workers {
            ended = ended.and(worker.join().map_err(|_| io::Error::other("a worker panicked")));
        }
        self.log.finish();
        ended
    }
}

/// Starts a server, says so through `ready`, and serves until SIGINT or SIGTERM. A second of these ends it at once.
pub fn run(config: Config, ready: impl FnOnce(&[SocketAddr])) -> Result<(), StartError> {
    let failed = |error: io::Error| StartError::new(format!("the server failed: {error}"), error);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let server = Server::start(config)?;
    let ended = runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        ready(server.addresses());
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        let told = Instant::now();
        let mut stopping = tokio::task::spawn_blocking(|| server.stop());
        loop {
            tokio::select! {
                stopped = &mut stopping => {
                    return stopped.unwrap_or_else(|panicked| Err(io::Error::other(panicked)));
                }
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            // Some tools signal a process and then its group: that is once.
            if told.elapsed() > Duration::from_secs(1) {
                return Err(io::Error::other("told twice to stop, so requests in flight were cut"));
            }
        }
    });
    runtime.shutdown_background();
    ended.map_err(failed)
}

/// Lets the process have as many files open as the system allows: each connection is one.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}
