//! One connection, from its first byte to its end.
//!
//! Most requests are answered as soon as they are read, without waiting for anything: those are done in one go, with
//! buffers that the worker's connections share. Whatever has to wait, for the client or the disk, does so in a future of
//! its own, so that a connection that does not is small.

use crate::answer::Rest;
use crate::buffers::Buffers;
use crate::config::Limits;
use crate::disk::Wait;
use crate::id::Id;
use crate::log::Line;
use crate::request::Request;
use crate::send::send;
use crate::serve::{Answer, refuse_malformed, refuse_panicked, serve};
use crate::site::Site;
use crate::socket::{Came, Socket};
use crate::worker::Worker;
use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::yield_now;
use verdict_core::cause::{Crowded, Malformed};
use verdict_core::method::Method;
use verdict_wire::{Body, Close, Fault, Framing, Head, Name, Piece, Progress, Version};

/// Content that was not asked for is read away up to this size, so that the connection can go on.
const DRAINED: u64 = 64 << 10;

/// How long a connection that there is no room for may take to say what it wants.
const CROWDED_HEAD: Duration = Duration::from_secs(2);

/// Answers are gathered up to this size before they are sent, when requests come in a row without waiting for them.
const GATHERED: usize = 64 << 10;

/// How many requests of one connection are answered before others have their turn.
const TURN: usize = 64;

/// Serves one connection to its end.
pub(crate) async fn connection(stream: TcpStream, client: IpAddr, crowded: Option<Crowded>, worker: Rc<Worker>) {
    let deadline = worker.deadlines.enroll();
    let mut connection = Connection { socket: Socket { stream, deadline }, client, crowded, worker };
    let mut fresh = true;
    while let Some(mut buffers) = connection.begin(fresh).await {
        fresh = false;
        let ended = loop {
            let went = match connection.at_once(&mut buffers) {
                Went::Done => break None,
                Went::Turn => {
                    yield_now().await;
                    continue;
                }
                Went::Waiting => Box::pin(connection.converse(&mut buffers, None)).await,
                Went::Answered(answered) => Box::pin(connection.converse(&mut buffers, Some(answered))).await,
            };
            match went {
                Ok(()) if buffers.unused().is_empty() => break None,
                Ok(()) => {}
                Err(ended) => break Some(ended),
            }
        };
        if let Some(Ended { unread, close }) = ended {
            // What is left in them is nobody's.
            buffers.clear();
            connection.worker.give_back(buffers);
            match close {
                // What was sent is not the whole, and the kernel would go on offering it to who does not read.
                Close::AnswerBroken | Close::SendIdle => connection.socket.abort(),
                Close::PeerReset | Close::Io => {}
                _ if unread => Box::pin(connection.socket.linger()).await,
                _ => connection.socket.finish(),
            }
            return;
        }
        connection.worker.give_back(buffers);
    }
    // Nobody is owed a word on a connection where nothing is asked.
}

struct Connection {
    socket: Socket,
    client: IpAddr,
    /// Why there is no room for it.
    crowded: Option<Crowded>,
    worker: Rc<Worker>,
}

/// The connection is over. `unread`: the client may still be sending.
struct Ended {
    unread: bool,
    close: Close,
}

/// How far requests came without waiting for anything.
enum Went {
    /// All that came is answered.
    Done,
    /// There is more, after others have had their turn.
    Turn,
    /// More of a head or of content has to come, or something from the disk.
    Waiting,
    /// What was decided cannot be sent at once.
    Answered(Box<Answered>),
}

/// A request and its answer, whose head is written and not yet sent.
struct Answered {
    answer: Answer,
    /// Where the message was malformed.
    fault: Option<Fault>,
    /// Whether its head could be read.
    understood: bool,
    id: Id,
    times: Option<Times>,
}

/// When things happened, for the log.
#[derive(Clone, Copy)]
struct Times {
    /// Milliseconds since 1970.
    at: u64,
    began: Instant,
    read: Instant,
    decided: Instant,
}

impl Connection {
    /// Waits, without buffers, until something comes; `None` if the connection is over.
    async fn begin(&mut self, fresh: bool) -> Option<Box<Buffers>> {
        let worker = &self.worker;
        let limits = &worker.site().opened.config.limits;
        let time = match (self.crowded, fresh) {
            (Some(_), _) => CROWDED_HEAD,
            (None, true) => limits.head,
            (None, false) => limits.idle,
        };
        let due = self.socket.deadline.after(time);
        self.socket.begin(due, worker, || worker.is_draining()).await
    }

    /// Answers what has come, as far as nothing has to be waited for: nearly always all of it.
    fn at_once(&self, buffers: &mut Buffers) -> Went {
        let worker = &*self.worker;
        // A reload is seen by the next request.
        let site = worker.site();
        let mut answers = 0;
        loop {
            let began = worker.log.is_on().then(Instant::now);
            if buffers.head.parse(&buffers.input[buffers.start..], &site.wire) != Ok(Progress::Complete)
                || buffers.head.framing != Framing::None
            {
                return Went::Waiting;
            }
            let Some(answered) = self.answer_at_once(&site, buffers, began) else { return Went::Waiting };
            answers += 1;
            let more_came = buffers.unused().len() > buffers.head.len;
            let gathers = more_came && answers < TURN && buffers.out.len() < GATHERED;
            let plain = answered.answer.keep && matches!(answered.answer.rest, Rest::Nothing);
            if !plain || !gathers && !self.socket.write_at_once(&mut buffers.out) {
                return Went::Answered(Box::new(answered));
            }
            if answered.times.is_some() {
                self.log(&site, buffers, &answered, buffers.unused(), None);
            }
            buffers.consume(buffers.head.len);
            if !more_came {
                return Went::Done;
            }
            if answers >= TURN {
                return Went::Turn;
            }
        }
    }

    /// Reads a request if none was `answered` yet, answers it and sends the answer, waiting for whatever it takes.
    async fn converse(&mut self, buffers: &mut Buffers, answered: Option<Box<Answered>>) -> Result<(), Ended> {
        let site = self.worker.site();
        let answered = match answered {
            Some(answered) => *answered,
            None => {
                let began = self.worker.log.is_on().then(Instant::now);
                match self.read_head(&site, buffers).await? {
                    Some(fault) => self.refuse(&site, buffers, fault, false, began),
                    None => match look_at_content(buffers) {
                        Err(fault) => self.refuse(&site, buffers, fault, true, began),
                        Ok(whole) => self.answer(&site, buffers, whole, began).await,
                    },
                }
            }
        };
        self.deliver(&site, buffers, answered).await
    }

    /// Has the request answered without waiting; `None` if that cannot be, and then nothing has happened.
    fn answer_at_once(&self, site: &Site, buffers: &mut Buffers, began: Option<Instant>) -> Option<Answered> {
        let read = began.map(|_| Instant::now());
        let Buffers { input, start, head, out } = buffers;
        let mark = out.len();
        let request = self.request(head, &input[*start..], true, false);
        let work = serve(site, &request, &self.worker, Wait::No, out);
        let answer = match catch_unwind(AssertUnwindSafe(|| poll_once(work))) {
            Ok(Some(answer)) => answer,
            Ok(None) => {
                out.truncate(mark);
                return None;
            }
            // The panic's message and place are on standard error already.
            Err(_) => {
                out.truncate(mark);
                refuse_panicked(site, &request, &self.worker, out)
            }
        };
        Some(self.answered(answer, request.id, began, read))
    }

    /// Has the request answered, waiting for what it takes.
    async fn answer(&self, site: &Site, buffers: &mut Buffers, whole: bool, began: Option<Instant>) -> Answered {
        let read = began.map(|_| Instant::now());
        let Buffers { input, start, head, out } = buffers;
        let mark = out.len();
        let in_flight = self.worker.enter();
        let request = self.request(head, &input[*start..], whole, in_flight.is_none());
        let answer = match unpanicked(serve(site, &request, &self.worker, Wait::Yes, out)).await {
            Some(answer) => answer,
            None => {
                out.truncate(mark);
                refuse_panicked(site, &request, &self.worker, out)
            }
        };
        self.answered(answer, request.id, began, read)
    }

    /// Answers a message that is malformed, in its head or in what has come of its content.
    fn refuse(
        &self,
        site: &Site,
        buffers: &mut Buffers,
        fault: Fault,
        understood: bool,
        began: Option<Instant>,
    ) -> Answered {
        let worker = &*self.worker;
        worker.clock.tick();
        let id = worker.random.id(worker.clock.milliseconds());
        let bytes = &buffers.input[buffers.start..];
        let answer = refuse_malformed(site, fault, bytes, self.head_time(site), &id, worker, &mut buffers.out);
        let answered = self.answered(answer, id, began, began.map(|_| Instant::now()));
        Answered { fault: Some(fault), understood, ..answered }
    }

    fn answered(&self, answer: Answer, id: Id, began: Option<Instant>, read: Option<Instant>) -> Answered {
        let at = self.worker.clock.milliseconds();
        let times = began.zip(read).map(|(began, read)| Times { at, began, read, decided: Instant::now() });
        Answered { answer, fault: None, understood: true, id, times }
    }

    #[inline]
    fn request<'a>(&self, head: &'a Head, bytes: &'a [u8], whole: bool, full: bool) -> Request<'a> {
        let worker = &*self.worker;
        worker.clock.tick();
        let raw_path = std::str::from_utf8(head.path(bytes)).unwrap_or("");
        Request {
            head,
            bytes,
            path: Request::decoded(head, raw_path),
            raw_path,
            keep: head.persistent
                && self.crowded.is_none()
                && !worker.is_draining()
                // What follows a CONNECT may be meant for the tunnel that it does not get.
                && head.method != Method::Connect
                && (whole || is_drainable(head, bytes.len())),
            id: worker.random.id(worker.clock.milliseconds()),
            now: worker.clock.http_date(),
            crowded: self.crowded,
            full,
        }
    }

    /// Sends an answer to its end, and leaves the connection where the next message begins.
    async fn deliver(&mut self, site: &Site, buffers: &mut Buffers, answered: Answered) -> Result<(), Ended> {
        let Answered { answer, fault, .. } = &answered;
        let limits = site.limits(answer.route);
        let sent = send(&self.socket, &buffers.out, &answer.rest, limits.send_idle).await;
        buffers.out.clear();
        let close = match (sent, fault) {
            (Err(close), _) => Some(close),
            (Ok(()), Some(Fault { cause: Malformed::HeadTimeout, .. })) => Some(Close::HeadTimeout),
            (Ok(()), Some(_)) if answered.understood => Some(Close::MalformedContent),
            (Ok(()), Some(_)) => Some(Close::MalformedHead),
            (Ok(()), None) if !answer.keep => Some(self.why_not_kept(&buffers.head)),
            (Ok(()), None) => None,
        };
        let (used, framing) = match answered.understood {
            true => (buffers.head.len, buffers.head.framing),
            false => (0, Framing::None),
        };
        let ended = match close {
            Some(close) => {
                let unread = fault.is_some() || framing != Framing::None || buffers.unused().len() > used;
                Err(Ended { unread, close })
            }
            None if framing == Framing::None => {
                self.log(site, buffers, &answered, buffers.unused(), None);
                buffers.consume(used);
                return Ok(());
            }
            None => {
                // The head is needed for the log, and its bytes go with the content that is read away.
                let head = answered.times.map_or(Vec::new(), |_| buffers.unused()[..used].to_vec());
                buffers.consume(used);
                let drained = self.drain(limits, buffers, framing).await;
                self.log(site, buffers, &answered, &head, drained.as_ref().err().map(|ended| ended.close));
                return drained;
            }
        };
        self.log(site, buffers, &answered, buffers.unused(), close);
        ended
    }

    /// Reads until a head is whole, or cannot become it, which is the fault that is returned.
    async fn read_head(&mut self, site: &Site, buffers: &mut Buffers) -> Result<Option<Fault>, Ended> {
        let limits = site.limits(None);
        // The time for a head runs from its first byte, some of which are here.
        let due = self.socket.deadline.after(self.head_time(site));
        loop {
            match buffers.head.parse(&buffers.input[buffers.start..], &site.wire) {
                Ok(Progress::Complete) => return Ok(None),
                Err(fault) => return Ok(Some(fault)),
                Ok(Progress::Partial) => {}
            }
            if !buffers.out.is_empty() {
                let sent = self.socket.write(&buffers.out, limits.send_idle).await;
                buffers.out.clear();
                sent.map_err(|close| Ended { unread: true, close })?;
            }
            let begun = Head::begun(buffers.unused());
            buffers.make_room();
            let close = match self.socket.read(&mut buffers.input, due).await {
                Came::Bytes => continue,
                Came::Nothing if begun => {
                    buffers.head.clear();
                    return Ok(Some(Fault { cause: Malformed::HeadTimeout, at: buffers.unused().len() }));
                }
                Came::Nothing => Close::Idle,
                Came::End if begun => {
                    buffers.head.clear();
                    return Ok(Some(Fault { cause: Malformed::HeadCutShort, at: buffers.unused().len() }));
                }
                Came::End => Close::PeerClosed,
                Came::Broken => Close::PeerReset,
            };
            return Err(Ended { unread: false, close });
        }
    }

    /// Reads away content that the answer did not need: what was declared is short, and what was not may be as long as any
    /// content may, since the answer has promised that the connection goes on.
    async fn drain(&mut self, limits: &Limits, buffers: &mut Buffers, framing: Framing) -> Result<(), Ended> {
        let mut body = Body::new(framing);
        let begun = Instant::now();
        loop {
            let (consumed, more) = match body.decode(buffers.unused()) {
                Ok(Piece::Data { skip, len }) => (skip + len, false),
                Ok(Piece::More { consumed }) => (consumed, true),
                Ok(Piece::End { consumed }) => {
                    buffers.consume(consumed);
                    return Ok(());
                }
                Err(_) => return Err(Ended { unread: true, close: Close::MalformedContent }),
            };
            buffers.consume(consumed);
            if body.received() > limits.body.max(DRAINED) {
                return Err(Ended { unread: true, close: Close::ContentUnread });
            }
            if more {
                buffers.make_room();
                // It may pause for so long, and in all it may take what its minimum rate allows beyond that.
                let earned = body.received().checked_div(limits.min_rate).map_or(Duration::MAX, Duration::from_secs);
                let left = limits.body_idle.saturating_add(earned).saturating_sub(begun.elapsed());
                let due = self.socket.deadline.after(limits.body_idle.min(left));
                match self.socket.read(&mut buffers.input, due).await {
                    Came::Bytes if !left.is_zero() => {}
                    Came::Bytes | Came::Nothing => {
                        return Err(Ended { unread: true, close: Close::ContentTimeout });
                    }
                    Came::End => return Err(Ended { unread: false, close: Close::PeerClosedInContent }),
                    Came::Broken => return Err(Ended { unread: false, close: Close::PeerReset }),
                }
            }
        }
    }

    /// How long a head may take.
    fn head_time(&self, site: &Site) -> Duration {
        if self.crowded.is_some() { CROWDED_HEAD } else { site.limits(None).head }
    }

    fn why_not_kept(&self, head: &Head) -> Close {
        if self.crowded.is_some() {
            Close::Overloaded
        } else if self.worker.is_draining() {
            Close::Draining
        } else if head.persistent {
            Close::ContentUnread
        } else if head.version == Version::Http10 {
            Close::Http10
        } else {
            Close::ClientAsked
        }
    }

    /// Notes an answer; `bytes` begin with its request's head.
    #[cold]
    fn log(&self, site: &Site, buffers: &Buffers, answered: &Answered, bytes: &[u8], close: Option<Close>) {
        let Some(times) = answered.times else { return };
        let head = answered.understood.then_some(&buffers.head);
        let value = |name| head.and_then(|head| head.value(name, bytes)).unwrap_or(b"");
        self.worker.log.answer(&Line {
            at: times.at,
            client: self.client,
            method: head.map_or(b"", |head| head.method_token.of(bytes)),
            target: head.map_or(b"", |head| head.target.of(bytes)),
            host: value(Name::Host),
            agent: value(Name::UserAgent),
            referer: value(Name::Referer),
            version: match head.map(|head| head.version) {
                Some(Version::Http10) => "1.0",
                Some(Version::Http11) | None => "1.1",
            },
            verdict: answered.answer.verdict,
            interim: answered.answer.interim.map(|interim| interim.reason()),
            route: answered.answer.route.map(|i| site.opened.config.routes[i].pattern.as_str()),
            bytes: answered.answer.bytes,
            id: answered.id.as_str(),
            head: times.read - times.began,
            decision: times.decided - times.read,
            sending: times.decided.elapsed(),
            at_byte: answered.fault.map(|fault| fault.at),
            close: close.map(Close::id),
        });
    }
}

/// Looks at the content that has come with its head, and tells whether that is all of it. An answer that was given without
/// a look at it might stand before a message that nobody can tell the end of.
fn look_at_content(buffers: &Buffers) -> Result<bool, Fault> {
    let head = &buffers.head;
    let mut body = Body::new(head.framing);
    let mut at = head.len;
    loop {
        match body.decode(&buffers.unused()[at..]) {
            Ok(Piece::Data { skip, len }) => at += skip + len,
            Ok(Piece::More { .. }) => return Ok(false),
            Ok(Piece::End { .. }) => return Ok(true),
            // Within the content it counts from where that begins.
            Err(fault) => return Err(Fault { at: head.len + fault.at, ..fault }),
        }
    }
}

/// Whether what remains of the content can be read away cheaply, so that the answer may promise that the connection goes on.
fn is_drainable(head: &Head, come: usize) -> bool {
    match head.framing {
        Framing::None => true,
        // Who waits for 100 before sending is not to be waited for: whether the content comes at all is unknown (RFC 9110
        // §10.1.1).
        _ if head.expects_continue => false,
        Framing::Length(length) => length - (come - head.len) as u64 <= DRAINED,
        // It may be of any length: nearly always it is short, and if not, more of it is read away than of a declared one.
        Framing::Chunked => true,
    }
}

/// The future's output, if it is there without waiting.
fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// The future's output, or `None` if it panics: a bug in one request is no reason to end another.
async fn unpanicked<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| {
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(Poll::Ready(output)) => Poll::Ready(Some(output)),
            Ok(Poll::Pending) => Poll::Pending,
            // The panic's message and place are on standard error already.
            Err(_) => Poll::Ready(None),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use crate::Server;
    use crate::config::Config;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpStream;

    /// Sends one request and reads its answer: the status line, and the content.
    fn ask(connection: &mut BufReader<TcpStream>, path: &str) -> (String, String) {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\r\n");
        connection.get_mut().write_all(request.as_bytes()).unwrap();
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            connection.read_line(&mut line).unwrap();
            if line == "\r\n" {
                break;
            }
            head.push(line.trim_end().to_owned());
        }
        let length = head.iter().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap().parse().unwrap();
        let mut content = vec![0; length];
        connection.read_exact(&mut content).unwrap();
        (head.remove(0), String::from_utf8(content).unwrap())
    }

    #[test]
    fn a_panic_is_a_500_and_the_connection_and_its_siblings_live_on() {
        let config = r#"
            listen = ["http://127.0.0.1:0"]
            workers = 1
            log = "off"
            [route."/panicking"]
            respond = { status = 200, body = "never" }
            [route."/fine"]
            respond = { status = 200, body = "fine" }
        "#;
        let server = Server::start(Config::parse(config, "test.toml", ".".as_ref()).unwrap()).unwrap();
        let connect = || BufReader::new(TcpStream::connect(server.addresses()[0]).unwrap());
        let (mut one, mut sibling) = (connect(), connect());
        assert_eq!(ask(&mut sibling, "/fine"), ("HTTP/1.1 200 OK".into(), "fine".into()));
        for _ in 0..2 {
            let (status, content) = ask(&mut one, "/panicking");
            assert_eq!(status, "HTTP/1.1 500 Internal Server Error");
            assert!(content.contains("urn:verdict:reason:handler-panicked"), "{content}");
            assert!(!content.contains("on purpose"), "the cause is for the log alone: {content}");
            assert_eq!(ask(&mut one, "/fine"), ("HTTP/1.1 200 OK".into(), "fine".into()));
            assert_eq!(ask(&mut sibling, "/fine"), ("HTTP/1.1 200 OK".into(), "fine".into()));
        }
        server.stop().unwrap();
    }
}
