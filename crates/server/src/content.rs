//! A request's content, as it arrives for whoever reads it.
//!
//! Reading is what invites it: who waits for 100 gets one when the first byte is asked for, and so after every question that
//! could have refused the request (RFC 9110 §10.1.1).

use crate::config::Limits;
use crate::deadline::{Deadline, NEVER};
use crate::socket::{Came, Socket};
use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use std::cell::RefCell;
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};
use verdict_core::cause::{Failure, Unarrived};
use verdict_core::decide::Outcome;
use verdict_core::interim::{self, Interim};
use verdict_wire::{Body, Fault, Head, Piece, Version, put_interim};

/// What is read at a time, and room for it: one slow client after the other has that much.
const ROOM: usize = 64 << 10;

/// The content of one request.
pub(crate) struct Content<'a> {
    way: Way<'a>,
    /// The client waits for 100 before it sends.
    waits: bool,
    /// The 100 that it was sent.
    invited: Option<Interim>,
    /// Since when something is waited for.
    begun: Option<Instant>,
}

/// Where it comes from.
enum Way<'a> {
    /// It is here, all of it or not.
    Given(&'a [u8], bool),
    Http1(Http1<'a>),
    Http2(Box<Http2<'a>>),
}

struct Http1<'a> {
    socket: &'a Socket,
    body: Body,
    /// What came with the head; used up to `used`.
    first: &'a [u8],
    used: usize,
    /// What came since; used up to `start`.
    input: Vec<u8>,
    start: usize,
}

/// A stream of HTTP/2.
struct Http2<'a> {
    stream: &'a mut RecvStream,
    respond: &'a RefCell<SendResponse<Bytes>>,
    deadline: Deadline,
    received: u64,
    /// What came before anybody wanted it.
    early: Option<Result<Bytes, h2::Error>>,
    /// What was given out last.
    piece: Bytes,
}

/// Content in memory, of all requests together: so many bytes.
static HELD: AtomicUsize = AtomicUsize::new(0);

/// As many as there may be, whatever the limits of a request: a thousand of 256 KiB.
const MOST_HELD: usize = 256 << 20;

/// Bytes of content in memory, until they are dropped.
pub(crate) struct Held(usize);

impl Held {
    /// Whether there is room for more.
    fn grow(&mut self, bytes: usize) -> bool {
        self.0 += bytes;
        HELD.fetch_add(bytes, Relaxed) + bytes <= MOST_HELD
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        HELD.fetch_sub(self.0, Relaxed);
    }
}

/// How far the content of a message was read, and what was read beyond it.
pub(crate) struct Read {
    /// How much of what came with the head is used.
    pub(crate) used: usize,
    /// What came since and is not used.
    pub(crate) beyond: Vec<u8>,
    /// What finds the end of the message.
    pub(crate) body: Body,
}

impl<'a> Content<'a> {
    /// Content that nobody sends: a dry run's. `whole`: nothing of it is missing.
    pub(crate) fn given(bytes: &'a [u8], whole: bool) -> Content<'a> {
        Content::new(Way::Given(bytes, whole), false)
    }

    /// The content of a message of HTTP/1.1, some of which may have come with its head.
    pub(crate) fn of_message(head: &Head, bytes: &'a [u8], socket: &'a Socket) -> Content<'a> {
        let (first, body) = (&bytes[head.len..], Body::new(head.framing));
        let http1 = Http1 { socket, body, first, used: 0, input: Vec::new(), start: 0 };
        Content::new(Way::Http1(http1), head.expects_continue && head.version != Version::Http10)
    }

    /// The same, of which some has been read already.
    pub(crate) fn resumed(head: &Head, bytes: &'a [u8], socket: &'a Socket, read: Read) -> Content<'a> {
        let Read { used, beyond, body } = read;
        let http1 = Http1 { socket, body, first: &bytes[head.len..], used, input: beyond, start: 0 };
        let begun = Some(Instant::now());
        Content { begun, ..Content::new(Way::Http1(http1), false) }
    }

    /// The content of a stream of HTTP/2.
    pub(crate) fn of_stream(
        head: &Head,
        stream: &'a mut RecvStream,
        respond: &'a RefCell<SendResponse<Bytes>>,
        deadline: Deadline,
    ) -> Content<'a> {
        let http2 = Http2 { stream, respond, deadline, received: 0, early: None, piece: Bytes::new() };
        Content::new(Way::Http2(Box::new(http2)), head.expects_continue)
    }

    fn new(way: Way<'a>, waits: bool) -> Content<'a> {
        Content { way, waits, invited: None, begun: None }
    }

    /// The 100 that the client was sent.
    pub(crate) fn invited(&self) -> Option<Interim> {
        self.invited
    }

    /// Whether the client waits for 100 before it sends, and nothing of it has come.
    pub(crate) fn waits(&self) -> bool {
        self.waits
            && self.invited.is_none()
            && !self.is_begun()
            && !matches!(&self.way, Way::Http1(http1) if !http1.first.is_empty())
    }

    /// Waits until the client sends although it was not invited. Whoever bounds that in time may give it up.
    pub(crate) async fn came(&mut self) -> Result<(), Outcome> {
        self.waits = false;
        match &mut self.way {
            Way::Given(..) => Ok(()),
            Way::Http1(http1) if !http1.first.is_empty() => Ok(()),
            Way::Http1(http1) => {
                self.begun.get_or_insert_with(Instant::now);
                http1.input.reserve(ROOM);
                match http1.socket.read(&mut http1.input, NEVER - 1).await {
                    Came::Bytes => Ok(()),
                    Came::Nothing | Came::End | Came::Broken => Err(Outcome::Unarrived(Unarrived::CutShort)),
                }
            }
            Way::Http2(http2) => http2.wait().await,
        }
    }

    /// Tells the client something before its answer.
    pub(crate) async fn tell(
        &mut self,
        interim: Interim,
        fields: &[(&str, &[u8])],
        limits: &Limits,
    ) -> Result<(), Outcome> {
        if interim.status().code() == 100 {
            self.invited = Some(interim);
            self.waits = false;
        }
        match &self.way {
            Way::Given(..) => Ok(()),
            Way::Http1(http1) => http1.tell(interim, fields, limits).await,
            Way::Http2(http2) => {
                http2.tell(interim, fields);
                Ok(())
            }
        }
    }

    /// Whether anybody has begun to read it.
    pub(crate) fn is_begun(&self) -> bool {
        match &self.way {
            Way::Given(..) => self.begun.is_some(),
            Way::Http2(http2) => http2.received > 0 || self.begun.is_some(),
            Way::Http1(http1) => http1.used > 0 || self.begun.is_some(),
        }
    }

    /// Whether all of it has been read.
    pub(crate) fn is_read(&self) -> bool {
        match &self.way {
            Way::Given(bytes, whole) => bytes.is_empty() && *whole,
            // Streams do not stand in each other's way.
            Way::Http2(_) => true,
            Way::Http1(http1) => http1.body.is_done(),
        }
    }

    /// How far it was read; `None` if the protocol keeps count itself, or nothing was.
    pub(crate) fn read(self) -> Option<Read> {
        match self.way {
            Way::Http1(http1) if http1.used > 0 || self.begun.is_some() => {
                let Http1 { body, used, mut input, start, .. } = http1;
                input.drain(..start);
                Some(Read { used, beyond: input, body })
            }
            _ => None,
        }
    }

    /// All of it, and the room that it takes, to be kept for as long.
    pub(crate) async fn all(&mut self, limits: &Limits) -> Result<(Vec<u8>, Held), Outcome> {
        let (mut all, mut held) = (Vec::new(), Held(0));
        while let Some(piece) = self.next(limits).await? {
            if !held.grow(piece.len()) {
                return Err(Outcome::Failure(Failure::StoreBusy));
            }
            all.extend_from_slice(piece);
        }
        Ok((all, held))
    }

    /// The next piece of it; `None` at its end.
    pub(crate) async fn next(&mut self, limits: &Limits) -> Result<Option<&[u8]>, Outcome> {
        let Content { way, waits, invited, begun } = self;
        let begins = begun.is_none();
        if let Way::Given(..) = way {
            *begun = Some(Instant::now());
        }
        match way {
            Way::Given([], true) => Ok(None),
            Way::Given([], false) => Err(Outcome::Unarrived(Unarrived::CutShort)),
            Way::Given(bytes, _) if bytes.len() as u64 > limits.body => Err(Outcome::Unarrived(Unarrived::TooLarge)),
            Way::Given(bytes, _) => Ok(Some(std::mem::take(bytes))),
            Way::Http2(http2) => {
                if let Some(invitation) = interim::invite(*waits, *waits, http2.came(!begins)) {
                    http2.tell(invitation, &[]);
                    *invited = Some(invitation);
                }
                http2.next(*begun.get_or_insert_with(Instant::now), limits).await
            }
            Way::Http1(http1) => loop {
                match http1.decode() {
                    Ok(Piece::Data { skip, len }) if http1.body.received() > limits.body => {
                        http1.take(skip, len);
                        return Err(Outcome::Unarrived(Unarrived::TooLarge));
                    }
                    Ok(Piece::Data { skip, len }) => return Ok(Some(http1.take(skip, len))),
                    Ok(Piece::End { consumed }) => {
                        http1.take(consumed, 0);
                        return Ok(None);
                    }
                    Ok(Piece::More { consumed }) => http1.take(consumed, 0),
                    Err(fault) => return Err(Outcome::Malformed(fault.cause)),
                };
                let began = !http1.first.is_empty() || begun.is_some();
                if let Some(invitation) = interim::invite(*waits, *waits, began) {
                    http1.tell(invitation, &[], limits).await?;
                    *invited = Some(invitation);
                }
                http1.more(*begun.get_or_insert_with(Instant::now), limits).await?;
            },
        }
    }
}

impl Http1<'_> {
    fn decode(&mut self) -> Result<Piece, Fault> {
        match &self.first[self.used..] {
            [] => self.body.decode(&self.input[self.start..]),
            first => self.body.decode(first),
        }
    }

    /// Uses up so many bytes of framing, and returns so many of content behind them.
    fn take(&mut self, skip: usize, len: usize) -> &[u8] {
        let (bytes, used) = match self.used == self.first.len() {
            true => (&*self.input, &mut self.start),
            false => (self.first, &mut self.used),
        };
        *used += skip + len;
        &bytes[*used - len..*used]
    }

    async fn tell(&self, interim: Interim, fields: &[(&str, &[u8])], limits: &Limits) -> Result<(), Outcome> {
        let mut out = Vec::new();
        let written = put_interim(&mut out, Version::Http11, interim, fields);
        debug_assert!(written.is_ok(), "its fields have been read or checked");
        self.socket.begin(limits);
        let sent = self.socket.write(&out, limits.send_idle).await;
        // Who does not take it will not send anything either.
        sent.map_err(|_| Outcome::Unarrived(Unarrived::CutShort))
    }

    /// Waits for more. It may pause for so long, and in all it may take what its minimum rate allows beyond that.
    async fn more(&mut self, begun: Instant, limits: &Limits) -> Result<(), Outcome> {
        if self.start == self.input.len() {
            self.input.clear();
            self.start = 0;
        }
        if self.input.capacity() - self.input.len() < ROOM / 4 {
            self.input.reserve(ROOM);
        }
        let left = left(self.body.received(), begun, limits);
        let due = self.socket.deadline.after(limits.body_idle.min(left));
        Err(Outcome::Unarrived(match self.socket.read(&mut self.input, due).await {
            Came::Bytes if left.is_zero() => Unarrived::TooSlow,
            Came::Bytes => return Ok(()),
            Came::Nothing if left < limits.body_idle => Unarrived::TooSlow,
            Came::Nothing => Unarrived::Stalled,
            Came::End | Came::Broken => Unarrived::CutShort,
        }))
    }
}

impl Http2<'_> {
    /// Whether the client has not waited to be invited.
    fn came(&self, begun: bool) -> bool {
        begun || self.stream.is_end_stream()
    }

    fn tell(&self, interim: Interim, fields: &[(&str, &[u8])]) {
        let mut head = http::Response::new(());
        let Ok(status) = http::StatusCode::from_u16(interim.status().code()) else { return };
        *head.status_mut() = status;
        for (name, value) in fields {
            let name = http::HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, http::HeaderValue::from_bytes(value)) {
                head.headers_mut().append(name, value);
            }
        }
        // If it cannot be sent the stream is over, which the next look at it tells.
        let _ = self.respond.borrow_mut().send_informational(head);
    }

    /// Waits until something comes, and keeps it for who reads it next.
    async fn wait(&mut self) -> Result<(), Outcome> {
        if self.early.is_none() {
            self.early = poll_fn(|context| self.stream.poll_data(context)).await;
        }
        match &self.early {
            Some(Err(_)) => Err(Outcome::Unarrived(Unarrived::CutShort)),
            Some(Ok(_)) | None => Ok(()),
        }
    }

    async fn next(&mut self, begun: Instant, limits: &Limits) -> Result<Option<&[u8]>, Outcome> {
        // What was given out is done with: there is room for as much again.
        let _ = self.stream.flow_control().release_capacity(self.piece.len());
        self.piece = Bytes::new();
        let left = left(self.received, begun, limits);
        let due = self.deadline.after(limits.body_idle.min(left));
        let stream = &mut *self.stream;
        let came = match self.early.take() {
            Some(early) => Some(Some(early)),
            None => self.deadline.until(due, poll_fn(|context| stream.poll_data(context))).await,
        };
        let unarrived = match came {
            None if left < limits.body_idle => Unarrived::TooSlow,
            None => Unarrived::Stalled,
            Some(None) => return Ok(None),
            // What `h2` itself finds wrong with DATA is that its lengths do not add up to the one that was declared.
            Some(Some(Err(error))) if error.is_library() => Unarrived::LengthWrong,
            Some(Some(Err(_))) => Unarrived::CutShort,
            Some(Some(Ok(_))) if left.is_zero() => Unarrived::TooSlow,
            Some(Some(Ok(piece))) => {
                self.received += piece.len() as u64;
                if self.received <= limits.body {
                    self.piece = piece;
                    return Ok(Some(&self.piece));
                }
                Unarrived::TooLarge
            }
        };
        Err(Outcome::Unarrived(unarrived))
    }
}

/// How long content may still take, of which so much has come since `begun`.
pub(crate) fn left(received: u64, begun: Instant, limits: &Limits) -> Duration {
    let earned = received.checked_div(limits.min_rate).map_or(Duration::MAX, Duration::from_secs);
    limits.body_idle.saturating_add(earned).saturating_sub(begun.elapsed())
}
