//! A connection for which something has to be waited: its client, the disk.
//!
//! It begins where `idle.rs` leaves off, with what has come, and goes back there when it has been quiet for a while.

use crate::admission::Admission;
use crate::answer::Rest;
use crate::buffers::Buffers;
use crate::client::{Answered, Arriving, Client, DRAINED, Went};
use crate::clock::Reading;
use crate::config::Limits;
use crate::content::{self, Content, Read as ReadContent};
use crate::http2::{self, First, upgrade};
use crate::send::send;
use crate::serve::Answer;
use crate::site::Site;
use crate::socket::{Came, Next, Socket};
use crate::stream::Stream;
use crate::worker::Worker;
use std::rc::Rc;
use std::time::{Duration, Instant};
use verdict_core::cause::Malformed;
use verdict_wire::{Body, Close, Fault, Framing, Head, Piece, Progress};

/// How long a connection may be quiet before it rests: who had to wait once often has to again, and soon.
pub(crate) const QUIET: Duration = Duration::from_secs(1);

/// What a connection begins with.
pub(crate) struct Begun {
    pub(crate) buffers: Box<Buffers>,
    pub(crate) went: Went,
}

/// Serves a connection until it is over or comes to rest.
pub(crate) async fn connection(stream: Stream, admission: Admission, worker: Rc<Worker>, begun: Begun) {
    let deadline = worker.deadlines.enroll();
    let mut connection = Connection { socket: Socket::new(stream, deadline), admission, worker, forwards: false };
    let Begun { mut buffers, mut went } = begun;
    loop {
        let ended = loop {
            let answered = match went {
                Went::Done => break None,
                Went::Over => break Some(Ended { unread: true, close: Close::ClientAsked }),
                Went::Turn => {
                    connection.socket.stream.reactor().next_turn().await;
                    went = match buffers.unused().is_empty() {
                        true => Went::Done,
                        false => connection.at_once(&mut buffers),
                    };
                    continue;
                }
                Went::Waiting => None,
                Went::Answered(answered) => Some(answered),
            };
            match connection.converse(&mut buffers, answered).await {
                Ok(Then::Http2(first)) => {
                    buffers.clear();
                    connection.worker.give_back(buffers);
                    let Connection { socket, admission, worker, .. } = connection;
                    return Box::pin(http2::connection(socket, admission, worker, *first)).await;
                }
                Ok(Then::Next) if buffers.unused().is_empty() => break None,
                Ok(Then::Next) => went = connection.at_once(&mut buffers),
                Err(ended) => break Some(ended),
            }
        };
        if let Some(Ended { unread, close }) = ended {
            // What is left in them is nobody's.
            buffers.clear();
            connection.worker.give_back(buffers);
            match close {
                // What was sent is not the whole, and the kernel would go on offering it to who does not read.
                Close::AnswerBroken | Close::SendIdle | Close::DrainOver => connection.socket.abort(),
                Close::PeerReset | Close::Io => {}
                _ if unread => Box::pin(connection.socket.linger()).await,
                _ => connection.socket.finish(),
            }
            return;
        }
        connection.worker.give_back(buffers);
        buffers = match connection.next().await {
            Next::Bytes(buffers) => buffers,
            Next::Rest => return connection.rest(),
            // Nobody is owed a word on a connection where nothing is asked.
            Next::End => return,
        };
        went = connection.at_once(&mut buffers);
    }
}

struct Connection {
    socket: Socket,
    admission: Admission,
    worker: Rc<Worker>,
    /// The last request went to an upstream, and likely the next one does, which cannot be answered at once.
    forwards: bool,
}

/// What was read where a request may begin.
enum Read {
    /// A head.
    Head,
    /// Why there is none.
    Fault(Fault),
    /// What HTTP/2 begins with.
    Preface,
}

/// What a preface is to HTTP/1.1: a version that is not spoken (byte 6 of its first line).
const PREFACE_WITHIN_TLS: Fault = Fault { cause: Malformed::VersionNotSupported, at: 6 };

/// How a connection goes on.
enum Then {
    /// With the next message.
    Next,
    /// In HTTP/2.
    Http2(Box<First>),
}

/// The connection is over. `unread`: the client may still be sending.
struct Ended {
    unread: bool,
    close: Close,
}

impl Connection {
    fn client(&self) -> Client<'_> {
        Client {
            worker: &self.worker,
            address: self.admission.address,
            crowded: self.admission.crowded,
            served: self.socket.stream.names(),
            stream: Some(&self.socket.stream),
        }
    }

    fn at_once(&self, buffers: &mut Buffers) -> Went {
        if self.forwards {
            return Went::Waiting;
        }
        self.client().at_once(&self.socket.stream, buffers)
    }

    /// Waits, without buffers, until something comes.
    async fn next(&mut self) -> Next {
        let due = self.socket.deadline.after(QUIET);
        self.socket.next(due, &self.worker).await
    }

    /// Gives the connection to those on which nothing is asked.
    fn rest(self) {
        let Connection { socket, admission, worker, .. } = self;
        if worker.is_draining() {
            return;
        }
        let due = worker.deadlines.after(worker.idle_time().saturating_sub(QUIET));
        let now = worker.deadlines.now();
        // If the kernel has no room to watch it otherwise, closing it is what any server may do to an idle connection.
        let _ = worker.idle.rest(|at| socket.stream.rest(at), admission, now, due);
    }

    /// Reads a request if none was `answered` yet, answers it and sends the answer, waiting for whatever it takes.
    async fn converse(&mut self, buffers: &mut Buffers, answered: Option<Box<Answered>>) -> Result<Then, Ended> {
        let site = self.worker.site();
        let speaks_http2 = !self.socket.stream.is_secure();
        let answered = match answered {
            Some(answered) => *answered,
            None => {
                let (began, came) = (self.worker.is_timed().then(Reading::now), buffers.unused().len());
                let read = self.read_head(&site, buffers).await?;
                // Nearly always all of a head was there.
                let at_once = matches!(read, Read::Head) && buffers.unused().len() == came;
                let heard = began.map(|began| [began, if at_once { began } else { Reading::now() }]);
                match read {
                    // With TLS, HTTP/2 is agreed on in the handshake and nowhere else (RFC 9113 §3.2).
                    Read::Preface if speaks_http2 => {
                        return Ok(Then::Http2(Box::new(First::with(buffers.unused().to_vec()))));
                    }
                    Read::Preface => self.client().refuse(&site, buffers, PREFACE_WITHIN_TLS, false, heard),
                    Read::Fault(fault) => self.client().refuse(&site, buffers, fault, false, heard),
                    Read::Head => {
                        if speaks_http2
                            && !self.is_of_a_proxy(&site)
                            && let Some(first) = upgrade::accept(&site, buffers)
                        {
                            return self.change(&site, buffers, first).await;
                        }
                        // Whatever was answered before goes first, and at once.
                        self.flush(&site, buffers).await?;
                        match look_at_content(buffers) {
                            Err(fault) => self.client().refuse(&site, buffers, fault, true, heard),
                            Ok(whole) => {
                                self.client().answer(&site, buffers, Arriving::On(&self.socket), whole, heard).await
                            }
                        }
                    }
                }
            }
        };
        self.deliver(&site, buffers, answered).await.map(|()| Then::Next)
    }

    /// Whether a proxy is at the other end whose word counts. A proxy that passes `Upgrade: h2c` on becomes a tunnel, in which its
    /// client would speak with the proxy's word.
    fn is_of_a_proxy(&self, site: &Site) -> bool {
        site.opened.config.trusts(self.admission.address)
    }

    /// Sends the 101 that stands in `out`, and leaves HTTP/1.1.
    async fn change(&mut self, site: &Site, buffers: &mut Buffers, first: First) -> Result<Then, Ended> {
        let limits = site.limits(None);
        self.socket.begin(limits);
        let sent = self.socket.write(&buffers.out, limits.send_idle).await;
        buffers.out.clear();
        sent.map(|()| Then::Http2(Box::new(first))).map_err(|close| Ended { unread: true, close })
    }

    /// Sends an answer to its end, and leaves the connection where the next message begins.
    async fn deliver(&mut self, site: &Site, buffers: &mut Buffers, mut answered: Answered) -> Result<(), Ended> {
        let limits = site.limits(answered.answer.route);
        self.socket.begin(limits);
        self.forwards = answered.answer.journey().is_some();
        if answered.answer.gone {
            self.client().keep(site, buffers, &answered, Some(Close::ClientLeft));
            self.client().log(site, buffers, &answered, buffers.unused(), Some(Close::ClientLeft));
            return Err(Ended { unread: false, close: Close::ClientLeft });
        }
        let sent = self.send(limits, buffers, &mut answered.answer).await;
        if let Rest::Relay(relay, _) = &answered.answer.rest {
            answered.answer.bytes = relay.bytes;
        } else if sent.is_err() {
            // What is noted is what the kernel took; small content stands in `out` already, at its end.
            let (bytes, sent, out) = (answered.answer.bytes, self.socket.sent.get(), buffers.out.len() as u64);
            answered.answer.bytes = match answered.answer.rest {
                Rest::Nothing => bytes.saturating_sub(out.saturating_sub(sent)),
                _ => sent.saturating_sub(out).min(bytes),
            };
        }
        if let (Ok(()), Rest::Tunnel(_)) = (&sent, &answered.answer.rest) {
            answered.count(site);
            self.client().keep(site, buffers, &answered, None);
            buffers.out.clear();
            return Err(self.tunnel(site, buffers, answered).await);
        }
        answered.count(site);
        buffers.out.clear();
        let Answered { answer, fault, .. } = &answered;
        let close = match (sent, fault) {
            (Err(close), _) => Some(close),
            (Ok(()), Some(Fault { cause: Malformed::HeadTimeout, .. })) => Some(Close::HeadTimeout),
            (Ok(()), Some(_)) if answered.understood => Some(Close::MalformedContent),
            (Ok(()), Some(_)) => Some(Close::MalformedHead),
            (Ok(()), None) if !answer.keep => Some(self.client().why_not_kept(&buffers.head)),
            (Ok(()), None) => None,
        };
        self.client().keep(site, buffers, &answered, close);
        // Where the next message begins, or what finds it.
        let read = answered.answer.read.take();
        let (used, body, beyond) = match read.map(|read| *read) {
            Some(ReadContent { used, body, beyond }) => (buffers.head.len + used, body, beyond),
            None if answered.understood => (buffers.head.len, Body::new(buffers.head.framing), Vec::new()),
            None => (0, Body::new(Framing::None), Vec::new()),
        };
        let ended = match close {
            Some(close) => {
                let unread =
                    answered.fault.is_some() || !body.is_done() || buffers.unused().len() > used || !beyond.is_empty();
                Err(Ended { unread, close })
            }
            None if body.is_done() => {
                self.client().log(site, buffers, &answered, buffers.unused(), None);
                buffers.consume(used);
                buffers.input.extend_from_slice(&beyond);
                return Ok(());
            }
            None => {
                // The head is needed for the log, and its bytes go with the content that is read away.
                let is_logged = self.worker.log.is_on();
                let head = if is_logged { buffers.unused()[..used].to_vec() } else { Vec::new() };
                buffers.consume(used);
                buffers.input.extend_from_slice(&beyond);
                if let Some(times) = &mut answered.times {
                    times.sent();
                }
                let drained = self.drain(limits, buffers, body).await;
                self.client().log(site, buffers, &answered, &head, drained.as_ref().err().map(|ended| ended.close));
                return drained;
            }
        };
        self.client().log(site, buffers, &answered, buffers.unused(), close);
        ended
    }

    /// Sends what stands in `out`, and the rest. While an upstream answers that has not got the whole request, it gets more.
    async fn send(&self, limits: &Limits, buffers: &mut Buffers, answer: &mut Answer) -> Result<(), Close> {
        let Buffers { input, start, head, out } = buffers;
        let mut unsent = match &answer.rest {
            Rest::Relay(relay, _) if relay.feeds() => Some(match answer.read.take() {
                Some(read) => Content::resumed(head, &input[*start..], &self.socket, *read),
                None => Content::of_message(head, &input[*start..], &self.socket),
            }),
            _ => None,
        };
        let more = unsent.as_mut().map(|content| (content, limits));
        let sent = send(&self.socket, out, &mut answer.rest, more, limits.send_idle).await;
        if let Some(content) = unsent {
            answer.read = content.read().map(Box::new);
        }
        sent
    }

    /// Speaks another protocol between the client and an upstream, until it is over.
    async fn tunnel(&mut self, site: &Site, buffers: &mut Buffers, mut answered: Answered) -> Ended {
        answered.leave();
        if let Rest::Tunnel(relay) = &mut answered.answer.rest {
            let first = buffers.unused()[buffers.head.len..].to_vec();
            answered.answer.bytes = Box::pin(relay.tunnel(&self.socket, &self.worker, first)).await;
        }
        self.client().log(site, buffers, &answered, buffers.unused(), Some(Close::Upgraded));
        Ended { unread: false, close: Close::Upgraded }
    }

    /// Reads until a head is whole, or cannot become it.
    async fn read_head(&mut self, site: &Site, buffers: &mut Buffers) -> Result<Read, Ended> {
        // The time for a head runs from its first byte, some of which are here.
        let due = self.socket.deadline.after(self.client().head_time(site));
        loop {
            if buffers.unused().starts_with(http2::PREFACE) {
                return Ok(Read::Preface);
            }
            // Half of a preface would be a malformed head already.
            if !http2::PREFACE.starts_with(buffers.unused()) {
                match buffers.head.parse(&buffers.input[buffers.start..], &site.wire) {
                    Ok(Progress::Complete) => return Ok(Read::Head),
                    Err(fault) => return Ok(Read::Fault(fault)),
                    Ok(Progress::Partial) => {}
                }
            }
            self.flush(site, buffers).await?;
            let begun = Head::begun(buffers.unused());
            buffers.make_room();
            let close = match self.socket.read(&mut buffers.input, due).await {
                Came::Bytes => continue,
                Came::Nothing if begun => {
                    buffers.head.clear();
                    return Ok(Read::Fault(Fault { cause: Malformed::HeadTimeout, at: buffers.unused().len() }));
                }
                Came::Nothing => Close::Idle,
                Came::End if begun => {
                    buffers.head.clear();
                    return Ok(Read::Fault(Fault { cause: Malformed::HeadCutShort, at: buffers.unused().len() }));
                }
                Came::End => Close::PeerClosed,
                Came::Broken => Close::PeerReset,
            };
            return Err(Ended { unread: false, close });
        }
    }

    /// Sends answers that were gathered.
    async fn flush(&self, site: &Site, buffers: &mut Buffers) -> Result<(), Ended> {
        if buffers.out.is_empty() {
            return Ok(());
        }
        let limits = site.limits(None);
        self.socket.begin(limits);
        let sent = self.socket.write(&buffers.out, limits.send_idle).await;
        buffers.out.clear();
        sent.map_err(|close| Ended { unread: true, close })
    }

    /// Reads away content that the answer did not need: what was declared is short, and what was not may be as long as any
    /// content may, since the answer has promised that the connection goes on.
    async fn drain(&mut self, limits: &Limits, buffers: &mut Buffers, mut body: Body) -> Result<(), Ended> {
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
                let left = content::left(body.received(), begun, limits);
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
}

/// Looks at the content that has come with its head, and tells whether that is all of it. An answer that was given without
/// a look at it might stand before a message that nobody can tell the end of.
pub(crate) fn look_at_content(buffers: &Buffers) -> Result<bool, Fault> {
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
