//! A server as a process: started, and told by signals to reload, to hand over and to stop.

use crate::config::Config;
use crate::console::{Request, Taken};
use crate::hand_over::{Answers, Inherited, Successor};
use crate::listen::Given;
use crate::log::tell;
use crate::server::{Server, StartError};
use crate::systemd;
use crate::watched::Watched;
use rustix::process::{Pid, kill_process};
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval, timeout_at};

/// How often the files of a config are looked at with `watch = true`.
const LOOK: Duration = Duration::from_secs(1);

/// How long a new process may take until it answers.
const ANSWER: Duration = Duration::from_secs(60);

/// Two signals within this time are one: some tools signal a process and then its group.
const TWICE: Duration = Duration::from_millis(100);

/// Starts a server, says so through `ready`, and serves until SIGINT or SIGTERM. A second of these ends it at once.
///
/// `file` is where the config is from. Without one SIGHUP, which the end of a terminal sends, is as SIGTERM. It takes a file anew, and so does a change of it with `watch = true`. SIGUSR2 starts
/// the program anew, leaves the sockets to it, and stops when the new process answers. A config that cannot be taken and a
/// process that does not start are told of on standard error, and everything goes on as it was.
///
/// Sockets that systemd(1) listens on are taken over, and it is told how far we are.
pub fn run(config: Config, file: Option<&Path>, ready: impl FnOnce(&[SocketAddr])) -> Result<(), StartError> {
    let mut inherited = Inherited::take().map_err(cannot_inherit)?;
    let succeeds = inherited.is_expected();
    inherited.sockets.extend(of_systemd(&config).map_err(cannot_inherit)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    // Signals are listened to before anybody can know that there is a process to signal.
    let signals = runtime.block_on(async { Signals::new(file.is_some()) }).map_err(failed)?;
    let watched = file.map(|file| Watched::new(file, &config));
    let listens: Vec<_> = config.listen.iter().map(|listen| listen.address).collect();
    let server = Server::start_with(config, &mut inherited.sockets, succeeds)?;
    // What an older config listened on and this one does not.
    inherited.sockets.clear();
    ready(&server.addresses());
    inherited.tell_ready(listens.into_iter());
    systemd::tell("READY=1");
    let ended = runtime.block_on(serve(server, signals, watched));
    runtime.shutdown_background();
    ended.map_err(|error| StartError::new(error.to_string(), error))
}

/// Has something done, on a thread of its own, when SIGINT, SIGTERM or SIGHUP comes, in the place of the end of the process: for a command
/// that leaves something behind if it ends at once.
pub fn on_interrupt(then: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = runtime.block_on(async { Signals::new(false) })?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(signals.stop());
        then();
    })?;
    Ok(())
}

/// The sockets of a `.socket` unit, each of which has to be one that the config names.
fn of_systemd(config: &Config) -> io::Result<Vec<Given>> {
    let given = systemd::sockets()?.into_iter().map(|socket| {
        let configured = socket.local_addr()?;
        if config.listen.iter().any(|listen| listen.address == configured) {
            return Ok(Given { configured, socket });
        }
        Err(io::Error::other(format!(
            "systemd listens on {configured}, which the config does not name: add \"http://{configured}\" to `listen`, or \
             take it out of the .socket unit"
        )))
    });
    given.collect()
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// Not where whoever started it has it ignored, as nohup(1) does.
    hangup: Option<Signal>,
    hand_over: Signal,
    /// Whether a hangup takes a file anew. Where there is none, it stops.
    reloads: bool,
}

impl Signals {
    fn new(reloads: bool) -> io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: if reloads || !ignores_hangup()? { Some(signal(SignalKind::hangup())?) } else { None },
            hand_over: signal(SignalKind::user_defined2())?,
            reloads,
        })
    }

    async fn stop(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            Some(_) = next(&mut self.hangup), if !self.reloads => {}
        }
    }
}

/// Whether SIGHUP is ignored: signal 1 is the lowest bit (proc_pid_status(5)).
fn ignores_hangup() -> io::Result<bool> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    Ok(ignored.is_some_and(|mask| mask.trim().ends_with(['1', '3', '5', '7', '9', 'b', 'd', 'f'])))
}

/// Does what it is told, until that is to stop.
async fn serve(mut server: Server, mut signals: Signals, mut watched: Option<Watched>) -> io::Result<()> {
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut successor: Option<Pending> = None;
    let mut requests = server.take_requests();
    loop {
        tokio::select! {
            _ = signals.interrupt.recv() => break,
            _ = signals.terminate.recv() => break,
            Some(_) = next(&mut signals.hangup) => {
                if !signals.reloads {
                    break;
                }
                let _ = reload(&mut server, &mut watched);
            }
            Some(Request::Reload { answer }) = asked(&mut requests) => {
                // Who asked may have gone; it is done all the same.
                let _ = answer.send(reload(&mut server, &mut watched));
            }
            _ = look.tick() => {
                if server.has_lost_a_worker() {
                    return Err(io::Error::other("a worker has ended, which is a bug; what it said is above"));
                }
                if watched.as_mut().is_some_and(Watched::has_changed) {
                    let _ = reload(&mut server, &mut watched);
                }
            }
            _ = signals.hand_over.recv() => match successor {
                Some(_) => tell(format_args!("a new process is being started already")),
                None => successor = Pending::start(&server),
            },
            answered = outcome(&mut successor) => {
                successor = None;
                match answered {
                    Ok(Answers { process, listens }) => {
                        tell(format_args!("process {process} answers now; this one ends what it has begun"));
                        systemd::tell(&format!("MAINPID={process}\nREADY=1"));
                        return leave(server, listens, &mut signals).await;
                    }
                    Err(error) => tell(format_args!("the new process did not start: {error}; this one goes on")),
                }
            }
        }
    }
    systemd::tell("STOPPING=1");
    // What is told to stop is the server, and not this process alone.
    if let Some(successor) = successor {
        successor.end();
    }
    stop(spawn_blocking(|| server.stop()), &mut signals).await
}

/// A process that is being started.
struct Pending {
    process: u32,
    answer: JoinHandle<io::Result<Answers>>,
    /// When it is given up.
    until: Instant,
}

impl Pending {
    fn start(server: &Server) -> Option<Pending> {
        match server.share_store().and_then(|()| Successor::start(server)) {
            Ok(started) => Some(Pending {
                process: started.id(),
                answer: spawn_blocking(|| started.wait()),
                until: Instant::now() + ANSWER,
            }),
            Err(error) => {
                tell(format_args!("a new process could not be started: {error}; this one goes on"));
                None
            }
        }
    }

    fn end(&self) {
        if let Some(process) = i32::try_from(self.process).ok().and_then(Pid::from_raw) {
            let _ = kill_process(process, rustix::process::Signal::TERM);
        }
    }
}

async fn next(signal: &mut Option<Signal>) -> Option<()> {
    match signal {
        Some(signal) => signal.recv().await,
        None => pending().await,
    }
}

async fn asked(requests: &mut Option<UnboundedReceiver<Request>>) -> Option<Request> {
    match requests {
        Some(requests) => requests.recv().await,
        None => pending().await,
    }
}

async fn outcome(successor: &mut Option<Pending>) -> io::Result<Answers> {
    let Some(successor) = successor else { return pending().await };
    match timeout_at(successor.until.into(), &mut successor.answer).await {
        Ok(Ok(answered)) => answered,
        Ok(Err(panicked)) => Err(io::Error::other(panicked)),
        Err(_) => {
            successor.end();
            Err(io::Error::other(format!("it did not answer within {ANSWER:?} and is told to end")))
        }
    }
}

/// Takes the config anew. What is wrong with it is told and returned, and the old one stays.
fn reload(server: &mut Server, watched: &mut Option<Watched>) -> Result<Taken, String> {
    let Some(watched) = watched else { return Err("there is no config file: this is `verdict serve`".to_owned()) };
    systemd::tell(&format!("RELOADING=1\nMONOTONIC_USEC={}", systemd::monotonic_usec()));
    let file = watched.file().display().to_string();
    let wrong = match Config::load(watched.file()) {
        Ok(config) => {
            let warnings = config.warnings.to_string();
            for warning in warnings.lines() {
                tell(format_args!("{warning}"));
            }
            let routes = config.routes.len();
            let next = Watched::new(watched.file(), &config);
            match server.reload(config) {
                Ok(()) => {
                    *watched = next;
                    let counted = if routes == 1 { "1 route".to_owned() } else { format!("{routes} routes") };
                    tell(format_args!("{file} is taken anew: {counted}"));
                    systemd::tell(&format!("READY=1\nSTATUS=took {file}: {counted}"));
                    return Ok(Taken { file, routes, warnings });
                }
                Err(error) => {
                    tell(format_args!("{file} is not taken, the config from before stays: {error}"));
                    error.to_string()
                }
            }
        }
        Err(report) => {
            watched.refuse();
            tell(format_args!("{file} is not taken, the config from before stays:\n{report}"));
            report.to_string()
        }
    };
    systemd::tell(&format!("READY=1\nSTATUS={file} is wrong and not taken, the config from before stays"));
    Err(wrong)
}

/// Has the server end when its clients have what they asked for, or are told to hurry. `listens`: where the new process does.
async fn leave(server: Server, listens: Option<Vec<SocketAddr>>, signals: &mut Signals) -> io::Result<()> {
    let hurry = server.hurry();
    let mut leaving = spawn_blocking(|| server.leave(listens));
    tokio::select! {
        left = &mut leaving => return ended(left),
        () = signals.stop() => hurry.stop(),
    }
    stop(leaving, signals).await
}

/// Waits until the server has ended, as it has just been told to; another signal ends it at once.
async fn stop(mut stopping: JoinHandle<io::Result<()>>, signals: &mut Signals) -> io::Result<()> {
    let told = Instant::now();
    loop {
        tokio::select! {
            stopped = &mut stopping => return ended(stopped),
            () = signals.stop() => {}
        }
        if told.elapsed() > TWICE {
            return Err(io::Error::other("it was told twice to stop, so requests in flight were cut"));
        }
    }
}

fn ended(server: Result<io::Result<()>, JoinError>) -> io::Result<()> {
    server.unwrap_or_else(|panicked| Err(io::Error::other(panicked)))
}

fn failed(error: io::Error) -> StartError {
    StartError::new(format!("the server failed: {error}"), error)
}

fn cannot_inherit(error: io::Error) -> StartError {
    StartError::new(format!("the sockets that this process was started with cannot be used: {error}"), error)
}
