//! One connection, from its first byte to its end.
//!
//! While it is idle it holds its socket and a deadline, and nothing else. While it is at work it has buffers, which it gives
//! back after each answer, and the state of one request at a time, which stays for a little while, since the next request
//! is often close behind.

use crate::answer::{Rest, Stamp};
use crate::buffers::Buffers;
use crate::config::Limits;
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
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use verdict_core::cause::{Crowded, Malformed};
use verdict_wire::{Body, Close, Fault, Framing, Head, Name, Piece, Progress, Version};

/// How long the state of a connection stays after an answer.
const WARM: Duration = Duration::from_secs(2);

/// Content that was not asked for is read away up to this size, so that the connection can go on.
const DRAINED: u64 = 64 << 10;

/// How long a connection that there is no room for may take to say what it wants.
const CROWDED_HEAD: Duration = Duration::from_secs(2);

/// Answers are gathered up to this size before they are sent, when requests come in a row without waiting for them.
const GATHERED: usize = 64 << 10;

/// Serves one connection to its end.
pub(crate) async fn connection(stream: TcpStream, client: IpAddr, crowded: Option<Crowded>, worker: Rc<Worker>) {
    let mut socket = Socket { stream, deadline: worker.deadlines.enroll() };
    let mut fresh = true;
    loop {
        let limits = worker.site().opened.config.limits;
        let due = socket.deadline.after(if fresh { limits.head } else { limits.idle });
        let came = socket.readable(due, || worker.is_draining() && !fresh).await;
        if !matches!(came, Came::Bytes) {
            // Nobody is owed a word on a connection where nothing was asked.
            return;
        }
        fresh = false;
        match Box::pin(converse(&mut socket, client, crowded, &worker)).await {
            End::Idle => {}
            End::Closed { unread, close } => {
                match close {
                    Close::AnswerBroken => socket.abort(),
                    Close::PeerReset | Close::Io | Close::SendIdle => {}
                    _ if unread => Box::pin(socket.linger()).await,
                    _ => socket.finish(),
                }
                return;
            }
        }
    }
}

/// How a conversation ends.
enum End {
    /// Nothing was asked for a while; the connection stays.
    Idle,
    /// The connection is over. `unread`: the client may still be sending.
    Closed { unread: bool, close: Close },
}

/// A connection while it is at work.
struct Conversation<'a> {
    socket: &'a mut Socket,
    client: IpAddr,
    crowded: Option<Crowded>,
    worker: &'a Worker,
    limits: Limits,
}

async fn converse(socket: &mut Socket, client: IpAddr, crowded: Option<Crowded>, worker: &Worker) -> End {
    let limits = worker.site().opened.config.limits;
    let mut conversation = Conversation { socket, client, crowded, worker, limits };
    let mut due = conversation.socket.deadline.after(WARM);
    loop {
        // Between requests there is nothing to hold: the buffers are the next connection's.
        match conversation.socket.readable(due, || worker.is_draining()).await {
            Came::Bytes => {}
            Came::Broken => return End::Closed { unread: false, close: Close::PeerReset },
            Came::Nothing | Came::End => return End::Idle,
        }
        let mut buffers = worker.take_buffers();
        loop {
            // A reload is seen by the next request.
            let site = worker.site();
            if let Err(end) = conversation.turn(&site, &mut buffers).await {
                return end;
            }
            if buffers.are_empty() {
                break;
            }
        }
        worker.give_back(buffers);
        due = conversation.socket.deadline.after(WARM);
    }
}

/// What was read.
enum Read {
    Head,
    Malformed(Fault),
}

impl Conversation<'_> {
    /// One request and its answer.
    async fn turn(&mut self, site: &Site, buffers: &mut Buffers) -> Result<(), End> {
        let worker = self.worker;
        let began = worker.log.is_on().then(Instant::now);
        let read = self.read_head(site, buffers).await?;
        let whole = worker.log.is_on().then(Instant::now);
        worker.clock.tick();
        let id = worker.random.id(worker.clock.milliseconds());
        let date = worker.clock.date();
        let stamp = Stamp { date: &date, id: &id.0 };
        let Buffers { input, start, head, out } = buffers;
        let bytes = &input[*start..];
        let mark = out.len();

        let (answer, keep) = match read {
            Read::Malformed(fault) => (refuse_malformed(site, fault, bytes, &stamp, &worker.random, out), false),
            Read::Head => {
                let raw_path = std::str::from_utf8(head.path(bytes)).unwrap_or("");
                let request = Request {
                    head,
                    bytes,
                    path: Request::decoded(head, raw_path),
                    raw_path,
                    keep: head.persistent
                        && self.crowded.is_none()
                        && !worker.is_draining()
                        && is_drainable(head, bytes.len()),
                    id,
                    now: worker.clock.http_date(),
                    crowded: self.crowded,
                };
                let work = serve(site, &request, &worker.clock, &worker.random, out);
                let answer = match unpanicked(work).await {
                    Some(answer) => answer,
                    None => {
                        out.truncate(mark);
                        refuse_panicked(site, &request, &stamp, out)
                    }
                };
                (answer, request.keep)
            }
        };
        let decided = worker.log.is_on().then(Instant::now);

        let more_came = matches!(read, Read::Head) && bytes.len() > head.len;
        let next_came = more_came && head.framing == Framing::None;
        let sent = if matches!(answer.rest, Rest::Nothing) && keep && next_came && out.len() < GATHERED {
            // The next request is here already: its answer goes out with this one.
            Ok(())
        } else {
            let sent = send(self.socket, out, &answer.rest, self.limits.send_idle).await;
            out.clear();
            sent
        };
        let close = match (&sent, &read) {
            (Err(close), _) => Some(*close),
            (Ok(()), Read::Malformed(Fault { cause: Malformed::HeadTimeout, .. })) => Some(Close::HeadTimeout),
            (Ok(()), Read::Malformed(_)) => Some(Close::MalformedHead),
            (Ok(()), Read::Head) if !keep => Some(self.why_not_kept(head)),
            (Ok(()), Read::Head) => None,
        };
        if let (Some(began), Some(whole), Some(decided)) = (began, whole, decided) {
            let times = [whole - began, decided - whole, decided.elapsed()];
            self.log(site, buffers, &answer, &read, id.as_str(), times, close);
        }
        if let Some(close) = close {
            let unread = match read {
                Read::Malformed(_) => true,
                Read::Head => buffers.head.framing != Framing::None || more_came,
            };
            return Err(End::Closed { unread, close });
        }
        let (used, framing) = (buffers.head.len, buffers.head.framing);
        buffers.consume(used);
        match framing {
            Framing::None => Ok(()),
            framing => self.drain(buffers, framing).await,
        }
    }

    /// Reads until a head is whole or cannot become it.
    async fn read_head(&mut self, site: &Site, buffers: &mut Buffers) -> Result<Read, End> {
        let mut due = None;
        loop {
            match buffers.head.parse(&buffers.input[buffers.start..], &site.wire) {
                Ok(Progress::Complete) => return Ok(Read::Head),
                Err(fault) => return Ok(Read::Malformed(fault)),
                Ok(Progress::Partial) => {}
            }
            if !buffers.out.is_empty() {
                let sent = self.socket.write(&buffers.out, self.limits.send_idle).await;
                buffers.out.clear();
                sent.map_err(|close| End::Closed { unread: false, close })?;
            }
            // The time for a head runs from its first byte; before that the connection is idle.
            let begun = Head::begun(buffers.unused());
            let until = match (begun, self.crowded) {
                (true, None) => *due.get_or_insert_with(|| self.socket.deadline.after(self.limits.head)),
                (true, Some(_)) => *due.get_or_insert_with(|| self.socket.deadline.after(CROWDED_HEAD)),
                (false, _) => self.socket.deadline.after(WARM),
            };
            buffers.make_room();
            match self.socket.read(&mut buffers.input, until).await {
                Came::Bytes => {}
                Came::Nothing if begun => {
                    let at = buffers.unused().len();
                    buffers.head.clear();
                    return Ok(Read::Malformed(Fault { cause: Malformed::HeadTimeout, at }));
                }
                Came::Nothing => return Err(End::Idle),
                Came::End => {
                    let close = if begun { Close::PeerClosedInHead } else { Close::PeerClosed };
                    return Err(End::Closed { unread: false, close });
                }
                Came::Broken => return Err(End::Closed { unread: false, close: Close::PeerReset }),
            }
        }
    }

    /// Reads away content that the answer did not need.
    async fn drain(&mut self, buffers: &mut Buffers, framing: Framing) -> Result<(), End> {
        let closed = |close| End::Closed { unread: true, close };
        let mut body = Body::new(framing);
        let due = self.socket.deadline.after(self.limits.body_idle);
        loop {
            match body.decode(buffers.unused()) {
                Ok(Piece::Data { skip, len }) => buffers.consume(skip + len),
                Ok(Piece::End { consumed }) => {
                    buffers.consume(consumed);
                    return Ok(());
                }
                Ok(Piece::More { consumed }) => {
                    buffers.consume(consumed);
                    buffers.make_room();
                    match self.socket.read(&mut buffers.input, due).await {
                        Came::Bytes => {}
                        Came::Nothing => return Err(closed(Close::ContentTimeout)),
                        Came::End => {
                            return Err(End::Closed { unread: false, close: Close::PeerClosedInContent });
                        }
                        Came::Broken => return Err(End::Closed { unread: false, close: Close::PeerReset }),
                    }
                }
                Err(_) => return Err(closed(Close::MalformedContent)),
            }
            if body.received() > DRAINED {
                return Err(closed(Close::ContentUnread));
            }
        }
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

    #[allow(clippy::too_many_arguments)]
    #[cold]
    fn log(
        &self,
        site: &Site,
        buffers: &Buffers,
        answer: &Answer,
        read: &Read,
        id: &str,
        [head, decision, sending]: [Duration; 3],
        close: Option<Close>,
    ) {
        let bytes = buffers.unused();
        let (understood, at_byte) = match read {
            Read::Head => (Some(&buffers.head), None),
            Read::Malformed(fault) => (None, Some(fault.at)),
        };
        let value = |name| understood.and_then(|head| head.value(name, bytes)).unwrap_or(b"");
        self.worker.log.answer(&Line {
            at: self.worker.clock.milliseconds(),
            client: self.client,
            method: understood.map_or(b"", |head| head.method_token.of(bytes)),
            target: understood.map_or(b"", |head| head.target.of(bytes)),
            host: value(Name::Host),
            agent: value(Name::UserAgent),
            referer: value(Name::Referer),
            version: match understood.map(|head| head.version) {
                Some(Version::Http10) => "1.0",
                Some(Version::Http11) | None => "1.1",
            },
            verdict: answer.verdict,
            route: answer.route.map(|i| site.opened.config.routes[i].pattern.as_str()),
            bytes: answer.bytes,
            id,
            head,
            decision,
            sending,
            at_byte,
            close: close.map(Close::id),
        });
    }
}

/// Whether what remains of the content, if any, can be read away cheaply. Who waits for 100 before sending is not to be
/// waited for: whether the content comes at all is unknown (RFC 9110 §10.1.1).
fn is_drainable(head: &Head, come: usize) -> bool {
    let here = (come - head.len) as u64;
    match head.framing {
        Framing::None => true,
        Framing::Length(length) if length <= here => true,
        _ if head.expects_continue => false,
        Framing::Length(length) => length - here <= DRAINED,
        Framing::Chunked => true,
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
