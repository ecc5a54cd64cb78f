//! A crowd of clients that all want one large file: who is let in downloads it at the pace of a network of its own, who is
//! refused for want of a slot asks again.
//!
//! Rule: the server is charged for all that it keeps a client waiting, and for nothing that the load is late by itself. A
//! download goes in steps: a step whose bytes were there when it was due is followed by the next one at its own time, however
//! late the load looked; a step whose bytes had to be waited for is followed by the next one a whole step after they came, as
//! it would be in a network, which does not catch up.

use crate::client::Answer;
use crate::failure::{Failure, While};
use crate::process::on_cores;
use crate::stalls::{self, Stall};
use crate::times::{TURN, Times, Turns};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, RecvFlags, SocketFlags, SocketType, sockopt};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// Bytes that are taken in a step.
pub(crate) const STEP: u64 = 64 << 10;
/// What a client's kernel may hold that the client has not read: two steps. The kernel takes the double for its own needs.
const UNREAD: usize = 2 * STEP as usize;
/// Longer than any head, and than a refusal with its content.
const HEAD: usize = 8 << 10;
/// How much is done in a turn: little, so that a turn which takes long is not the load's own doing.
const EVENTS: usize = 16;
const STEPS: usize = 4;
const REQUESTS: usize = 8;
/// How long the last answers may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The one reason for which a client may be refused.
const REASON: &str = "route-queue-full";

/// A load.
#[derive(Clone, Copy)]
pub(crate) struct Crowd {
    /// The core that it is made on, which it keeps busy: a timer of the system would be late by more than a refusal takes.
    pub(crate) core: usize,
    /// The server's core, which is watched.
    pub(crate) server: usize,
    /// Connections, which take turns.
    pub(crate) connections: usize,
    /// When the clients ask.
    pub(crate) arrivals: Arrivals,
    /// How long a step of a download takes, at least and at most. Downloads are spread evenly between the two: those that
    /// began at once and take as long would all end at once, again and again.
    pub(crate) step: [Duration; 2],
    /// How long new requests come.
    pub(crate) seconds: u32,
}

/// When clients ask.
#[derive(Clone, Copy)]
pub(crate) enum Arrivals {
    /// So many of all clients together in a second, at even distances, whether or not answers come.
    Even(f64),
    /// Each as soon as it has its answer; the first ones spread over this time.
    AfterAnswers(Duration),
}

/// What was measured; all times begin when a request was written.
pub(crate) struct Met {
    /// Until a client that was let in had the whole file.
    pub(crate) downloads: Times,
    /// Until it had the first byte of it.
    pub(crate) begun: Times,
    /// Until a client that was refused had all of its 503, while both cores were there.
    pub(crate) refusals: Times,
    /// How many more refusals fell together with a time in which a core was taken away from all that ran on it.
    pub(crate) stalled: usize,
    /// The part of the time in which the load had something to do.
    pub(crate) busy: f64,
    /// The part of the time in which the load did not have its core.
    pub(crate) kept_off: f64,
}

impl Crowd {
    /// Puts the load on a server. Every answer must be the whole file, or a 503 that says when to come again and that it is
    /// for want of a slot.
    pub(crate) fn run(&self, address: SocketAddr, request: &[u8], length: u64) -> Result<Met, Failure> {
        let run = || {
            let run = Run::open(*self, address, request, length)?;
            let begun = run.turns.begun();
            let (run, stalls) = stalls::watch(self.server, begun, || run.until_over())?;
            run.met(&stalls)
        };
        on_cores(&[self.core], run).while_trying(format_args!("crowd {address}"))
    }

    /// How long the steps of a download take, by its number.
    fn step_of(&self, download: usize) -> Duration {
        // Multiples of the golden ratio are spread evenly, however many there are.
        let part = (download as f64 * 0.618_033_988_749_895).fract();
        let [least, most] = self.step;
        least + (most - least).mul_f64(part)
    }
}

/// A load that goes on.
struct Run<'a> {
    load: Crowd,
    request: &'a [u8],
    /// Bytes of the file.
    length: u64,
    epoll: OwnedFd,
    clients: Vec<Client>,
    /// Clients that want nothing yet; who has waited longest is next.
    free: VecDeque<usize>,
    /// Downloads, by when their next step is due.
    steps: BinaryHeap<Reverse<(Duration, usize)>>,
    turns: Turns,
    /// Time in which there was nothing to do.
    idle: Duration,
    /// Requests so far.
    asked: u64,
    downloads: Vec<f64>,
    begun: Vec<f64>,
    /// When each was asked for, and when it was there.
    refusals: Vec<Stall>,
    /// The refusals as they came, to be held against what they must say when the load is over.
    said: Vec<Vec<u8>>,
    buffer: Vec<u8>,
}

struct Client {
    stream: TcpStream,
    /// When its request was written.
    asked: Duration,
    wants: Wants,
}

/// What a client waits for.
enum Wants {
    Nothing,
    /// The rest of an answer that begins with these bytes.
    Answer(Vec<u8>),
    /// The rest of the file.
    Content {
        of_step: u64,
        left: u64,
        step: Duration,
        late: bool,
    },
}

impl<'a> Run<'a> {
    fn open(load: Crowd, address: SocketAddr, request: &'a [u8], length: u64) -> io::Result<Run<'a>> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let client = |place| -> io::Result<Client> {
            let stream = connect(address)?;
            // Once for all that comes: a download's bytes are left where they are until it is their time.
            let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
            epoll::add(&epoll, &stream, epoll::EventData::new_u64(place), flags)?;
            Ok(Client { stream, asked: Duration::ZERO, wants: Wants::Nothing })
        };
        let clients = (0..load.connections as u64).map(client).collect::<io::Result<Vec<_>>>()?;
        Ok(Run {
            load,
            request,
            length,
            epoll,
            free: (0..clients.len()).collect(),
            clients,
            steps: BinaryHeap::new(),
            turns: Turns::begin(),
            idle: Duration::ZERO,
            asked: 0,
            downloads: Vec::new(),
            begun: Vec::new(),
            refusals: Vec::new(),
            said: Vec::new(),
            buffer: vec![0; STEP as usize],
        })
    }

    fn until_over(mut self) -> io::Result<Run<'a>> {
        let last = Duration::from_secs(self.load.seconds.into());
        let mut events = Vec::with_capacity(EVENTS);
        let mut looked = Duration::ZERO;
        loop {
            let now = self.turns.now();
            if now >= last && self.free.len() == self.clients.len() {
                break;
            }
            if now > last + PATIENCE {
                return Err(io::Error::new(ErrorKind::TimedOut, "the last answers do not come"));
            }
            let mut done = if now < last { self.ask(now)? } else { 0 };
            done += self.take_steps()?;
            events.clear();
            // What there is, without waiting: something may be due.
            epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
            let (seen, took) = self.turns.next();
            if done == 0 && events.is_empty() && took <= TURN {
                self.idle += took;
            }
            // What was not there at the last look came at some time after it. That counts as the last moment of it, but where
            // something else had the core meanwhile: then nobody knows, and it counts as the first.
            let at = if took > TURN { looked } else { seen };
            for event in &events {
                self.receive(event.data.u64() as usize, at)?;
            }
            looked = seen;
        }
        Ok(self)
    }

    /// What was met, where the server's core was not there at these times.
    fn met(self, stalls: &[Stall]) -> io::Result<Met> {
        let all = self.turns.now();
        if let Arrivals::Even(rate) = self.load.arrivals
            && (self.asked as f64) < rate * f64::from(self.load.seconds) * 0.95
        {
            let (asked, kept_off) = (self.asked, self.turns.kept_off() * 100.0);
            return Err(io::Error::other(format!(
                "only {asked} requests could be asked; for {kept_off:.0} % of the time something else had the load's core"
            )));
        }
        self.said.iter().try_for_each(|answer| refuses(answer))?;
        let all_refusals = self.refusals.len();
        let own = self.turns.stalls();
        let there =
            |(from, until): &&Stall| !stalls::overlaps(stalls, *from, *until) && !stalls::overlaps(own, *from, *until);
        let refusals = self.refusals.iter().filter(there);
        let refusals = Times::of(refusals.map(|(from, until)| (*until - *from).as_secs_f64() * 1e6).collect());
        Ok(Met {
            downloads: Times::of(self.downloads),
            begun: Times::of(self.begun),
            stalled: all_refusals - refusals.count(),
            refusals,
            busy: 1.0 - self.idle.as_secs_f64() / all.as_secs_f64(),
            kept_off: self.turns.kept_off(),
        })
    }

    /// Writes requests that are due, as far as there are clients that want nothing yet; how many.
    fn ask(&mut self, now: Duration) -> io::Result<usize> {
        for asked in 0..REQUESTS {
            let due = self.load.arrivals.due(self.asked, self.clients.len() as u64);
            if due > now {
                return Ok(asked);
            }
            let Some(place) = self.free.pop_front() else { return Ok(asked) };
            let client = &mut self.clients[place];
            client.asked = self.turns.now();
            client.wants = Wants::Answer(Vec::new());
            client.stream.write_all(self.request)?;
            self.asked += 1;
        }
        Ok(REQUESTS)
    }

    /// Takes the steps that are due; how many.
    fn take_steps(&mut self) -> io::Result<usize> {
        for taken in 0..STEPS {
            let now = self.turns.now();
            match self.steps.peek() {
                Some(Reverse((due, _))) if *due <= now => {}
                _ => return Ok(taken),
            }
            if let Some(Reverse((due, place))) = self.steps.pop() {
                self.step(place, due)?;
            }
        }
        Ok(STEPS)
    }

    /// Something came for a client, or its connection is over.
    fn receive(&mut self, place: usize, at: Duration) -> io::Result<()> {
        match &self.clients[place].wants {
            Wants::Nothing => Err(io::Error::new(ErrorKind::InvalidData, "an answer that nobody asked for, or an end")),
            Wants::Answer(_) => self.answer(place, at),
            Wants::Content { late: true, .. } => self.step(place, at),
            Wants::Content { late: false, .. } => Ok(()),
        }
    }

    /// An answer, of which more has come.
    fn answer(&mut self, place: usize, at: Duration) -> io::Result<()> {
        let client = &mut self.clients[place];
        let Wants::Answer(came) = &mut client.wants else { return Ok(()) };
        let room = HEAD.saturating_sub(came.len());
        let read = match client.stream.read(&mut self.buffer[..room]) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        came.extend_from_slice(&self.buffer[..read]);
        let Some(Begin { status, head, content: length }) = begin(came)? else { return Ok(()) };
        let took = at.saturating_sub(client.asked).as_secs_f64() * 1e6;
        let content = (came.len() - head) as u64;
        match status {
            200 if length == self.length => {
                let step = self.load.step_of(self.begun.len());
                self.begun.push(took);
                let of_step = STEP.min(self.length).saturating_sub(content);
                client.wants = Wants::Content { of_step, left: self.length - content, step, late: false };
                self.steps.push(Reverse((at + step, place)));
            }
            503 if content < length => {}
            503 if content == length => {
                self.refusals.push((client.asked.min(at), at));
                self.said.push(std::mem::take(came));
                self.free(place);
            }
            status => {
                let said = format!("a {status} with {length} bytes of content is not expected");
                return Err(io::Error::new(ErrorKind::InvalidData, said));
            }
        }
        Ok(())
    }

    /// The bytes of a step: what of them is there is dropped by the kernel (tcp(7), `MSG_TRUNC`).
    fn step(&mut self, place: usize, due: Duration) -> io::Result<()> {
        let client = &mut self.clients[place];
        let Wants::Content { of_step, left, step, late } = &mut client.wants else { return Ok(()) };
        while *of_step > 0 {
            let buffer = &mut self.buffer[..*of_step as usize];
            match net::recv(&client.stream, buffer, RecvFlags::TRUNC) {
                Ok((_, 0)) => return Err(io::Error::new(ErrorKind::UnexpectedEof, "a download broke off")),
                Ok((_, read)) => {
                    *of_step -= read as u64;
                    *left -= read as u64;
                }
                Err(Errno::AGAIN) => {
                    *late = true;
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
        if *left == 0 {
            // Not before its time: the last bytes of a step that was not late are its own.
            let took = due.max(client.asked) - client.asked;
            self.downloads.push(took.as_secs_f64() * 1e6);
            self.free(place);
            return Ok(());
        }
        *of_step = STEP.min(*left);
        *late = false;
        self.steps.push(Reverse((due + *step, place)));
        Ok(())
    }

    fn free(&mut self, place: usize) {
        self.clients[place].wants = Wants::Nothing;
        self.free.push_back(place);
    }
}

impl Arrivals {
    /// When the next request is due, after so many of so many clients.
    fn due(self, asked: u64, clients: u64) -> Duration {
        match self {
            Arrivals::Even(rate) => Duration::from_secs_f64(asked as f64 / rate),
            Arrivals::AfterAnswers(spread) if asked < clients => spread.mul_f64(asked as f64 / clients as f64),
            Arrivals::AfterAnswers(_) => Duration::ZERO,
        }
    }
}

/// A connection of which little is held unread. That has to be said before it is opened.
fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_recv_buffer_size(&socket, UNREAD)?;
    net::connect(&socket, &address)?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// How an answer begins.
struct Begin {
    status: u16,
    /// Bytes of its head.
    head: usize,
    /// Bytes of its content.
    content: u64,
}

/// Of what came of an answer; `None`: its head is not all there.
fn begin(came: &[u8]) -> io::Result<Option<Begin>> {
    let unreadable = || io::Error::new(ErrorKind::InvalidData, "this is not the head of an answer");
    let mut rest = came;
    let mut length = None;
    loop {
        let from = rest;
        let line = &from[..rest.skip_until(b'\n')?];
        if line == b"\r\n" {
            break;
        }
        if !line.ends_with(b"\n") {
            return if came.len() < HEAD { Ok(None) } else { Err(unreadable()) };
        }
        if line.get(..LENGTH.len()).is_some_and(|name| name.eq_ignore_ascii_case(LENGTH)) {
            length = line.get(LENGTH.len()..).and_then(number);
        }
    }
    let status = came.get(9..12).and_then(number).and_then(|status| u16::try_from(status).ok());
    let (status, content) = status.zip(length).ok_or_else(unreadable)?;
    Ok(Some(Begin { status, head: came.len() - rest.len(), content }))
}

const LENGTH: &[u8] = b"content-length:";

fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

/// That a 503 says when to come again, and that it is for want of a slot.
fn refuses(said: &[u8]) -> io::Result<()> {
    let wrong = |what: String| Err(io::Error::new(ErrorKind::InvalidData, format!("a 503 {what}")));
    let Some(Begin { status, head, content }) = begin(said)? else { return wrong("without a head".to_owned()) };
    let answer = Answer { status, head: String::from_utf8_lossy(&said[..head]).into_owned(), content };
    // RFC 9110 §10.2.3: a number of seconds, as Verdict writes it.
    if answer.field("retry-after").and_then(|seconds| seconds.parse::<u32>().ok()).is_none() {
        return wrong(format!("that does not say when to come again:\n{}", answer.head));
    }
    match answer.field("verdict-reason").and_then(|told| told.split(';').next()) {
        Some(REASON) => Ok(()),
        _ => wrong(format!("that is not for {REASON}:\n{}", answer.head)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    const STEP_TIME: Duration = Duration::from_millis(20);
    const REFUSAL: &str = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nContent-Length: 5\r\n\
                           Verdict-Reason: route-queue-full; stage=arrive\r\n\r\nfull\n";

    /// A server of one connection that does this with each request on it.
    fn server(answer: impl Fn(&mut TcpStream) -> io::Result<()> + Send + 'static) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            while matches!(stream.read(&mut [0; 4]), Ok(4)) && answer(&mut stream).is_ok() {}
        });
        address
    }

    /// What a client meets there that asks again and again for a second.
    fn met(steps: u64, server: SocketAddr) -> Result<Met, Failure> {
        let core = crate::process::cores().expect("the cores")[0];
        let arrivals = Arrivals::AfterAnswers(Duration::ZERO);
        let load = Crowd { core, server: core, connections: 1, arrivals, step: [STEP_TIME; 2], seconds: 1 };
        load.run(server, b"ask\n", steps * STEP)
    }

    fn head(length: u64) -> String {
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n")
    }

    #[test]
    fn a_download_takes_its_pace_and_what_the_server_pauses() {
        let content = |steps: u64| vec![b'v'; (steps * STEP) as usize];
        for (pause, least) in [(Duration::ZERO, 80e3), (Duration::from_millis(200), 220e3)] {
            let paused = server(move |stream| {
                stream.write_all(head(4 * STEP).as_bytes())?;
                stream.write_all(&content(2))?;
                thread::sleep(pause);
                stream.write_all(&content(2))
            });
            let met = met(4, paused).expect("it is answered");
            let (count, quickest) = (met.downloads.count(), met.downloads.within(0.0));
            // Where the load is kept off its core, what came meanwhile counts as come before.
            assert!(quickest >= least - 10e3, "{quickest} µs with {pause:?}");
            // It is the pace that a download takes, and not much more.
            assert!(count >= 2 && quickest < least + 60e3, "{count}, {quickest} µs with {pause:?}");
        }
    }

    #[test]
    fn a_refusal_is_timed_until_its_last_byte() {
        let slow = server(|stream| {
            let (begin, end) = REFUSAL.split_at(60);
            stream.write_all(begin.as_bytes())?;
            thread::sleep(Duration::from_millis(20));
            stream.write_all(end.as_bytes())
        });
        let met = met(4, slow).expect("it is refused");
        // On a machine with more to do than cores, a core may be away at each of them.
        assert!(met.refusals.count() + met.stalled > 5 && met.downloads.count() == 0);
        assert!(met.refusals.count() == 0 || met.refusals.within(0.0) >= 10e3, "{} µs", met.refusals.within(0.0));
    }

    #[test]
    fn what_is_neither_the_file_nor_a_whole_refusal_is_no_measurement() {
        let cases = [
            (REFUSAL.to_owned(), true),
            (REFUSAL.replace("Retry-After: 2\r\n", ""), false),
            (REFUSAL.replace("Retry-After: 2", "Retry-After: soon"), false),
            (REFUSAL.replace("route-queue-full", "requests-full"), false),
            (REFUSAL.replace("Content-Length: 5\r\n", ""), false),
            (REFUSAL.replace("503 Service Unavailable", "429 Too Many Requests"), false),
            (head(STEP), false),
        ];
        for (answer, good) in cases {
            let said = answer.clone();
            let met = met(4, server(move |stream| stream.write_all(said.as_bytes())));
            assert_eq!(met.is_ok(), good, "{answer}");
        }
    }
}
