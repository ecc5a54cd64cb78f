//! Whether members work: one thread beside the workers asks each for what `health` says, as often as it says, and sets what the
//! workers go by.
//!
//! Rule: two failures in a row make a member one that does not work, one success makes it work again, and each change is told
//! once. What the thread does not know, nobody is refused for.

use crate::config::{self, HostPolicy, Kind};
use crate::id::Random;
use crate::log;
use crate::site::Opened;
use crate::upstream::{Asked, Member, Target, Times, status};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{AbortHandle, LocalSet};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use verdict_core::cause::Upstream;
use verdict_core::decide::{Outcome, Process};
use verdict_core::explain::{Evidence, sentence};
use verdict_core::status::Status;
use verdict_core::{Facts, decide};

/// How long a member may take to be reached, and to answer, where `every` is longer.
const CONNECT: Duration = Duration::from_secs(2);
const TOTAL: Duration = Duration::from_secs(5);

/// So many failures in a row make a member one that does not work.
const FAILURES: u32 = 2;

/// The thread that asks.
pub(crate) struct Watching {
    thread: JoinHandle<()>,
    configs: UnboundedSender<Arc<Opened>>,
}

/// A member, and what it is asked for how often.
struct Check {
    route: String,
    member: Arc<Member>,
    /// The member's own server, with the path and perhaps the host of the check.
    target: Target,
    every: Duration,
    wanted: Status,
}

/// Why a check failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Failed {
    /// There was no answer.
    Cause(Upstream),
    /// It was another one than is wanted.
    Status { came: u16, wanted: u16 },
}

/// Whether a config has anybody to be checked.
pub(crate) fn is_in(opened: &Opened) -> bool {
    !checks(opened).is_empty()
}

fn checks(opened: &Opened) -> Vec<Check> {
    let of_route = |(i, route): (usize, &config::Route)| {
        let (Kind::Proxy(proxy), Some(members)) = (&route.kind, opened.members(i)) else { return Vec::new() };
        let Some(health) = &proxy.health else { return Vec::new() };
        let host = match &proxy.host {
            HostPolicy::Own(host) => Some(&**host),
            HostPolicy::Client | HostPolicy::Member => None,
        };
        let check = |member: &Arc<Member>| {
            Some(Check {
                route: route.pattern.as_str().to_owned(),
                member: member.clone(),
                // That it can be asked for has been found out with the config.
                target: member.target.at(&health.path, host)?,
                every: health.every,
                wanted: health.status,
            })
        };
        members.all().iter().filter_map(check).collect()
    };
    opened.config.routes.iter().enumerate().flat_map(of_route).collect()
}

impl Watching {
    pub(crate) fn start(opened: &Opened) -> io::Result<Watching> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(4).build()?;
        let (configs, told) = unbounded_channel();
        let checks = checks(opened);
        let thread = thread::Builder::new().name("health".to_owned()).spawn(move || {
            LocalSet::new().block_on(&runtime, run(checks, told));
            // A name server that is silent must not keep the process from ending.
            runtime.shutdown_background();
        })?;
        Ok(Watching { thread, configs })
    }

    /// Goes on by another config.
    pub(crate) fn take(&self, opened: Arc<Opened>) {
        // One that is gone has panicked, which joining it tells.
        let _ = self.configs.send(opened);
    }

    /// Asks nobody any more.
    pub(crate) fn stop(self) {
        drop(self.configs);
        if self.thread.join().is_err() {
            log::operation(format_args!("the thread that checks the health of upstreams has panicked"));
        }
    }
}

/// Has every member checked of the config that was told last.
async fn run(first: Vec<Check>, mut configs: UnboundedReceiver<Arc<Opened>>) {
    let mut running: Vec<(Arc<Member>, AbortHandle)> = Vec::new();
    let mut wanted = first;
    loop {
        // A member is the same after a reload where it is asked the same way: it stays in its turn.
        let is_wanted = |known: &Arc<Member>| wanted.iter().any(|check| Arc::ptr_eq(&check.member, known));
        running.retain(|(known, task)| {
            let keep = is_wanted(known);
            if !keep {
                task.abort();
            }
            keep
        });
        for check in std::mem::take(&mut wanted) {
            if !running.iter().any(|(known, _)| Arc::ptr_eq(known, &check.member)) {
                running.push((check.member.clone(), tokio::task::spawn_local(watch(check)).abort_handle()));
            }
        }
        match configs.recv().await {
            Some(opened) => wanted = checks(&opened),
            None => return,
        }
    }
}

/// Asks a member at once and then every now and then, for as long as it is there.
async fn watch(check: Check) {
    let total = check.every.min(TOTAL);
    let times = Times { connect: CONNECT.min(total), first_byte: total, total };
    // From the second time on, so that not all are asked at once, nor by all servers.
    let phase = check.every.mul_f64((Random::new().next() % 1024) as f64 / 1024.0);
    let mut turns = interval_at(Instant::now() + phase, check.every);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failures = 0;
    loop {
        let asked = Asked { method: "GET", fields: &[("User-Agent", AGENT), ("Accept", "*/*")], content: b"" };
        let came = match status(&check.target, asked, &times).await {
            Ok(came) if came == check.wanted.code() => Ok(()),
            Ok(came) => Err(Failed::Status { came, wanted: check.wanted.code() }),
            Err(cause) => Err(Failed::Cause(cause)),
        };
        failures = if came.is_ok() { 0 } else { failures + 1 };
        check.judge(came, failures);
        turns.tick().await;
    }
}

const AGENT: &str = concat!("Verdict/", env!("CARGO_PKG_VERSION"), " (health)");

impl Check {
    /// What follows from the last check, and from how many failed in a row.
    fn judge(&self, came: Result<(), Failed>, failures: u32) {
        let Check { route, member, .. } = self;
        match came {
            Ok(()) if !member.works.swap(true, Relaxed) => {
                log::operation(format_args!("`{}` of `{route}` works again", member.target));
            }
            Err(why) if failures >= FAILURES && member.works.swap(false, Relaxed) => {
                let asked = self.target.path();
                log::operation(format_args!("`{}` of `{route}` does not work: `GET {asked}`: {why}", member.target));
            }
            Ok(()) | Err(_) => {}
        }
    }
}

/// In the words that a client would be told.
impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failed::Status { came, wanted } => write!(f, "answered {came}, and {wanted} is wanted"),
            Failed::Cause(cause) => {
                let process = Process { outcome: Outcome::Upstream(*cause), ..Process::default() };
                let reason = decide(&Facts { process, ..Facts::default() }).reason;
                write!(f, "{}: {}", reason.id(), sentence(reason, Evidence::default()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::kept::Purpose;
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener};
    use std::sync::atomic::AtomicU16;
    use std::sync::mpsc::{Receiver, channel};

    /// An upstream that answers with a status, or breaks the connection where that is 0. Each head that it was sent is told.
    fn upstream(status: &Arc<AtomicU16>) -> (SocketAddr, Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (told, heads) = channel();
        let status = status.clone();
        thread::spawn(move || {
            for socket in listener.incoming() {
                let mut socket = socket.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let mut piece = [0; 1024];
                    match socket.read(&mut piece) {
                        Ok(n) if n > 0 => head.extend_from_slice(&piece[..n]),
                        _ => break,
                    }
                }
                let status = status.load(Relaxed);
                if status > 0 {
                    // Its content is nobody's to judge, and may be a page of any size.
                    let content = vec![b'x'; 300_000];
                    let _ = write!(socket, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", content.len());
                    let _ = socket.write_all(&content);
                }
                if told.send(String::from_utf8(head).unwrap()).is_err() {
                    return;
                }
            }
        });
        (address, heads)
    }

    fn opened(text: &str, before: Option<&Opened>) -> Arc<Opened> {
        let config = Config::parse(text, "", ".".as_ref()).unwrap_or_else(|report| panic!("{text}\n{report}"));
        Arc::new(Opened::open(config, before, Purpose::DryRun).unwrap())
    }

    fn route(address: SocketAddr, more: &str) -> String {
        format!("[route.\"/a/{{p...}}\"]\nproxy = {{ to = \"http://{address}\"{more} }}\n")
    }

    fn member(opened: &Opened) -> &Arc<Member> {
        &opened.members(0).unwrap().all()[0]
    }

    #[track_caller]
    fn comes_to(member: &Member, works: bool) {
        for _ in 0..500 {
            if member.works() == works {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("works: {}", !works);
    }

    #[test]
    fn two_failures_in_a_row_take_a_member_out_and_one_success_brings_it_back() {
        for wrong in [500, 0, 404] {
            let status = Arc::new(AtomicU16::new(200));
            let (address, heads) = upstream(&status);
            let opened = opened(
                &route(address, ", health = { path = \"/up?x\", every = \"20ms\" }, host = \"own.example\""),
                None,
            );
            let watching = Watching::start(&opened).unwrap();
            let head = heads.recv_timeout(Duration::from_secs(5)).unwrap();
            assert!(head.starts_with("GET /up?x HTTP/1.1\r\n") && head.contains("Host: own.example\r\n"), "{head}");
            status.store(wrong, Relaxed);
            comes_to(member(&opened), false);
            status.store(200, Relaxed);
            comes_to(member(&opened), true);
            watching.stop();
        }
    }

    #[test]
    fn one_failure_alone_changes_nothing() {
        let opened = opened(&route("127.0.0.1:1".parse().unwrap(), ", health = \"/\""), None);
        let check = checks(&opened).remove(0);
        let failed = Err(Failed::Cause(Upstream::Refused));
        for (came, failures, works) in
            [(failed, 1, true), (Ok(()), 0, true), (failed, 2, false), (failed, 3, false), (Ok(()), 0, true)]
        {
            check.judge(came, failures);
            assert_eq!(check.member.works(), works, "{came:?} after {failures}");
        }
    }

    #[test]
    fn a_socket_of_this_machine_is_checked_like_any_other_member() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.sock");
        let first = opened(
            &format!(
                "[route.\"/\"]\nproxy = {{ to = \"unix:{}\", health = {{ path = \"/\", every = \"20ms\" }} }}\n",
                path.display()
            ),
            None,
        );
        let watching = Watching::start(&first).unwrap();
        comes_to(member(&first), false);
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let answering = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut head = vec![0; 1024];
            let length = socket.read(&mut head).unwrap();
            socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
            String::from_utf8(head[..length].to_vec()).unwrap()
        });
        let head = answering.join().unwrap();
        assert!(head.starts_with("GET / HTTP/1.1\r\nHost: localhost\r\n"), "{head}");
        watching.stop();
    }

    #[test]
    fn a_reload_ends_checks_and_begins_others() {
        let status = Arc::new(AtomicU16::new(500));
        let (address, heads) = upstream(&status);
        let first = opened(&route(address, ", health = { path = \"/first\", every = \"20ms\" }"), None);
        assert!(is_in(&first));
        let watching = Watching::start(&first).unwrap();
        comes_to(member(&first), false);
        // What is known of a member that is checked the same way stays known, and its checks go on.
        let same = route(address, ", health = { path = \"/first\", every = \"20ms\" }, show-upstream = true");
        let same = opened(&same, Some(&first));
        assert!(Arc::ptr_eq(member(&first), member(&same)));
        watching.take(same.clone());
        status.store(200, Relaxed);
        comes_to(member(&same), true);

        let other = opened(&route(address, ", health = { path = \"/other\", every = \"20ms\" }"), Some(&same));
        watching.take(other);
        let until = Instant::now() + Duration::from_secs(5);
        while !heads.recv_timeout(Duration::from_secs(5)).unwrap().starts_with("GET /other ") {
            assert!(Instant::now() < until);
        }
        // Of those before, one may have been on its way.
        let later: Vec<_> = (0..3).map(|_| heads.recv_timeout(Duration::from_secs(5)).unwrap()).collect();
        assert!(later[1..].iter().all(|head| head.starts_with("GET /other ")), "{later:?}");

        let none = opened(&route(address, ""), None);
        assert!(!is_in(&none));
        watching.take(none);
        watching.stop();
    }

    #[test]
    fn why_a_check_failed_is_said_in_the_words_of_the_catalogue() {
        for cause in Upstream::ALL {
            let why = Failed::Cause(*cause).to_string();
            assert!(why.ends_with('.') && why.contains(": ") && !why.contains('{'), "{why}");
        }
        let why = Failed::Cause(Upstream::Refused).to_string();
        assert_eq!(why, "upstream-refused: The upstream refused the connection: nothing listens there.");
        let why = Failed::Status { came: 500, wanted: 200 }.to_string();
        assert_eq!(why, "answered 500, and 200 is wanted");
    }
}
