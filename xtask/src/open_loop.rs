//! Requests at a rate that waits for no answer, and how long each answer took.
//!
//! Rule: the time of an answer begins when its request was due, whether or not it could be sent then, so a server that
//! stalls is charged for everything that it kept waiting. That, and an even rate, is why it is not left to `h2load --rps`:
//! its timers are 10 ms apart and send for hundreds of connections at once, and what is measured then is the queue of its
//! own making (a median of 3 ms at 20,000 requests a second, with 1.52).

use crate::case::Proven;
use crate::failure::{Failure, While};
use crate::process::on_cores;
use crate::times::{self, Times, Turns};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// How long the last answers may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The first bytes of every answer: only cases that are answered with 200 are asked here.
const WELCOME: &[u8] = b"HTTP/1.1 200";

/// A load.
#[derive(Clone, Copy)]
pub(crate) struct OpenLoop {
    /// The core that it is made on, which it keeps busy: a timer of the system would be late by more than an answer takes.
    pub(crate) core: usize,
    /// Connections, which take turns. When all wait for an answer, so does the next request, and its time runs.
    pub(crate) connections: usize,
    /// Requests a second, at even distances.
    pub(crate) rate: f64,
    /// How long.
    pub(crate) seconds: u32,
}

/// A large file that is asked for on a connection of its own, at the beginning, and read as fast as it comes. The load ends
/// when the file is there.
pub(crate) struct Download {
    pub(crate) request: Vec<u8>,
    /// Bytes of its content.
    pub(crate) length: u64,
}

/// What was measured.
pub(crate) struct Measured {
    /// From when a request was due until its answer was there.
    pub(crate) times: Times,
    /// Bytes of the download that came meanwhile.
    pub(crate) downloaded: u64,
    /// The part of the time in which the load did not have its core.
    kept_off: f64,
}

impl Measured {
    /// Whether the times are the doing of something else. Says so, too.
    pub(crate) fn warn(&self, of: &str) -> bool {
        times::warn(of, self.kept_off)
    }
}

impl OpenLoop {
    /// Puts the load on a server.
    pub(crate) fn run(
        &self,
        address: SocketAddr,
        proven: &Proven,
        download: Option<&Download>,
    ) -> Result<Measured, Failure> {
        let run = || Run::open(*self, address, proven, download)?.until_over();
        on_cores(&[self.core], run).while_trying(format_args!("ask {address} {:.0} times a second", self.rate))
    }
}

/// A load that goes on.
struct Run<'a> {
    load: OpenLoop,
    proven: &'a Proven,
    epoll: OwnedFd,
    connections: Vec<Connection>,
    /// Connections on which nothing is asked; who has waited longest is next.
    free: VecDeque<usize>,
    large: Option<Large<'a>>,
    turns: Turns,
    /// Requests so far.
    asked: u64,
    times: Vec<f64>,
    buffer: Vec<u8>,
}

/// A connection that takes turns.
struct Connection {
    stream: TcpStream,
    /// When the request was due that it waits for.
    due: Duration,
    /// Bytes of its answer that are still to come.
    left: u64,
}

/// The connection of the download.
struct Large<'a> {
    stream: TcpStream,
    download: &'a Download,
    came: u64,
}

/// What epoll tells of [`Large`]; the others are told by their place.
const LARGE: u64 = u64::MAX;

impl<'a> Run<'a> {
    fn open(
        load: OpenLoop,
        address: SocketAddr,
        proven: &'a Proven,
        download: Option<&'a Download>,
    ) -> io::Result<Run<'a>> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let connect = |place| -> io::Result<TcpStream> {
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            epoll::add(&epoll, &stream, epoll::EventData::new_u64(place), epoll::EventFlags::IN)?;
            Ok(stream)
        };
        let waiting = |place| {
            let stream = connect(place)?;
            stream.set_nonblocking(true)?;
            Ok(Connection { stream, due: Duration::ZERO, left: 0 })
        };
        let connections = (0..load.connections as u64).map(waiting).collect::<io::Result<Vec<_>>>()?;
        let large = download.map(|download| {
            let mut stream = connect(LARGE)?;
            stream.write_all(&download.request)?;
            stream.set_nonblocking(true)?;
            Ok::<_, io::Error>(Large { stream, download, came: 0 })
        });
        Ok(Run {
            load,
            proven,
            free: (0..connections.len()).collect(),
            large: large.transpose()?,
            epoll,
            connections,
            turns: Turns::begin(),
            asked: 0,
            times: Vec::new(),
            buffer: vec![0; 64 << 10],
        })
    }

    fn until_over(mut self) -> io::Result<Measured> {
        let all = (self.load.rate * f64::from(self.load.seconds)) as u64;
        let latest = Duration::from_secs(self.load.seconds.into()) + PATIENCE;
        let mut events = Vec::with_capacity(self.connections.len() + 1);
        loop {
            let over = self.asked == all || self.large.as_ref().is_some_and(Large::is_there);
            if over && self.free.len() == self.connections.len() {
                break;
            }
            let (now, _) = self.turns.next();
            if now > latest {
                return Err(io::Error::new(ErrorKind::TimedOut, "it does not keep up"));
            }
            if !over {
                self.ask_until(now, all)?;
            }
            events.clear();
            // What there is, without waiting: the next request may be due.
            epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
            for event in &events {
                match event.data.u64() {
                    LARGE => self.take_part()?,
                    place => self.receive(place as usize)?,
                }
            }
        }
        let downloaded = self.large.map_or(0, |large| large.came);
        Ok(Measured { times: Times::of(self.times), downloaded, kept_off: self.turns.kept_off() })
    }

    /// Sends the requests that are due, as far as there are connections.
    fn ask_until(&mut self, now: Duration, all: u64) -> io::Result<()> {
        while self.asked < all {
            let due = Duration::from_secs_f64(self.asked as f64 / self.load.rate);
            if due > now {
                return Ok(());
            }
            let Some(place) = self.free.pop_front() else { return Ok(()) };
            let connection = &mut self.connections[place];
            connection.stream.write_all(&self.proven.request)?;
            (connection.due, connection.left) = (due, self.proven.answer);
            self.asked += 1;
        }
        Ok(())
    }

    /// Receives of an answer what is there.
    fn receive(&mut self, place: usize) -> io::Result<()> {
        let connection = &mut self.connections[place];
        let read = match connection.stream.read(&mut self.buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        let begins = connection.left == self.proven.answer;
        if read as u64 > connection.left || (begins && !self.buffer[..read].starts_with(WELCOME)) {
            return Err(io::Error::new(ErrorKind::InvalidData, "the answers are not all alike"));
        }
        connection.left -= read as u64;
        if connection.left == 0 {
            let took = self.turns.now().saturating_sub(connection.due);
            self.times.push(took.as_secs_f64() * 1e6);
            self.free.push_back(place);
        }
        Ok(())
    }

    /// Takes a part of the download: not so much that the requests would have to wait for it.
    fn take_part(&mut self) -> io::Result<()> {
        let Some(large) = &mut self.large else { return Ok(()) };
        let read = match large.stream.read(&mut self.buffer) {
            Ok(0) if !large.is_there() => {
                return Err(io::Error::new(ErrorKind::UnexpectedEof, "the download broke off"));
            }
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        if large.came == 0 && !self.buffer[..read].starts_with(WELCOME) {
            return Err(io::Error::new(ErrorKind::InvalidData, "the download was refused"));
        }
        large.came += read as u64;
        Ok(())
    }
}

impl Large<'_> {
    fn is_there(&self) -> bool {
        self.came >= self.download.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    /// A server that answers one connection, and sleeps once before its tenth answer.
    fn stalling(stall: Duration) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            for answer in 0.. {
                if !matches!(stream.read(&mut [0; 4]), Ok(4)) {
                    return;
                }
                if answer == 9 {
                    thread::sleep(stall);
                }
                if stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").is_err() {
                    return;
                }
            }
        });
        address
    }

    #[test]
    fn a_stall_is_charged_for_every_request_that_it_kept_waiting() {
        let stall = Duration::from_millis(200);
        let proven = Proven { fields: Vec::new(), request: b"ask\n".to_vec(), answer: 19 };
        let core = crate::process::cores().expect("the cores")[0];
        let load = OpenLoop { core, connections: 1, rate: 100.0, seconds: 1 };
        let times = load.run(stalling(stall), &proven, None).expect("it is answered").times;
        assert_eq!(times.count(), 100);
        // Requests are due each 10 ms: the ten of the first half of the stall wait for at least the other half.
        assert!(times.within(0.91) >= 100e3, "{} µs", times.within(0.91));
    }
}
