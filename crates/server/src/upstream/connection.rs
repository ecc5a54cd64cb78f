//! A connection to an upstream, and one request and answer after the other on it. The two go past each other: an answer may
//! come before the request has been sent.
//!
//! It knows no time, and every wait may be given up and begun again: what was half done is kept here, not in the future.

use super::stream::Stream;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::task::{Context, Poll, ready};
use verdict_core::cause::{Malformed, Upstream};
use verdict_wire::{Body, Broken, Extent, Limits, Piece, Progress, Requested, Response};

/// How large an answer's head may be.
const LIMITS: Limits = Limits { target: 8 << 10, fields: 64 << 10, lines: 100 };

/// Room that a connection keeps in each direction while it is idle.
const KEPT: usize = 16 << 10;

/// A connection. Its two directions are used independently, each by one at a time.
pub(crate) struct Connection {
    pub(crate) stream: Stream,
    pub(crate) sender: Sender,
    pub(crate) receiver: Receiver,
}

/// The way there.
#[derive(Default)]
pub(crate) struct Sender {
    /// What is to be sent.
    out: Vec<u8>,
    sent: usize,
    /// The upstream takes no more.
    deaf: bool,
}

/// The way back.
pub(crate) struct Receiver {
    input: Vec<u8>,
    /// Where the head begins that was read last.
    head: usize,
    /// Bytes of the input that have been looked at for the last time, but for that head.
    taken: usize,
    /// The head's bytes are still of use.
    holds_head: bool,
    /// No more input comes.
    over: Option<Over>,
    pub(crate) response: Response,
    body: Body,
    /// The trailer section, as it came.
    trailers: Vec<u8>,
    requested: Requested,
}

/// How a stream ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Over {
    /// As it should.
    Ended,
    /// In another way.
    Broken,
    /// TLS was violated.
    Tls,
}

impl Connection {
    pub(super) fn new(stream: Stream) -> Connection {
        let receiver = Receiver {
            input: Vec::new(),
            head: 0,
            taken: 0,
            holds_head: false,
            over: None,
            response: Response::new(),
            body: Body::until_close(),
            trailers: Vec::new(),
            requested: Requested { method: verdict_core::method::Method::Get, upgrade: false },
        };
        Connection { stream, sender: Sender::default(), receiver }
    }

    /// Begins anew; what is written to the buffer is sent first.
    pub(crate) fn begin(&mut self, requested: Requested) -> &mut Vec<u8> {
        self.receiver.forget();
        self.receiver.requested = requested;
        self.sender.out.clear();
        self.sender.sent = 0;
        &mut self.sender.out
    }

    /// Nothing of the last request is kept, and no more room than usual.
    pub(super) fn forget(&mut self) {
        self.receiver.forget();
        self.receiver.input.shrink_to(KEPT);
        self.sender.out.clear();
        self.sender.out.shrink_to(KEPT);
    }

    /// Whether it may take another request: both messages have come to their end, and the upstream lets it.
    pub(crate) fn may_be_reused(&self) -> bool {
        !self.sender.deaf && self.sender.is_sent() && self.receiver.may_be_reused()
    }
}

impl Sender {
    /// What is to be sent next; it is empty once [`Sender::flush`] has ended.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Whether all is sent.
    pub(crate) fn is_sent(&self) -> bool {
        self.out.is_empty()
    }

    /// Whether the upstream takes no more. What it answered before that may still be on its way.
    pub(crate) fn is_deaf(&self) -> bool {
        self.deaf
    }

    /// Nothing more is sent.
    pub(crate) fn give_up(&mut self) {
        self.deaf = true;
        self.out.clear();
        self.sent = 0;
    }

    /// Until all is sent, or the upstream takes no more.
    pub(crate) async fn flush(&mut self, stream: &Stream) {
        poll_fn(|context| self.poll_flush(stream, context)).await;
    }

    /// Sends what the kernel takes at once, which is nearly always all.
    pub(crate) async fn flush_at_once(&mut self, stream: &Stream) {
        poll_fn(|context| Poll::Ready(self.poll_flush(stream, context).is_ready())).await;
    }

    fn poll_flush(&mut self, stream: &Stream, context: &mut Context<'_>) -> Poll<()> {
        if ready!(self.poll_send(stream, context)).is_err() {
            self.deaf = true;
        }
        self.out.clear();
        self.sent = 0;
        Poll::Ready(())
    }

    fn poll_send(&mut self, stream: &Stream, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.deaf || self.out.is_empty() {
            return Poll::Ready(Ok(()));
        }
        while self.sent < self.out.len() {
            self.sent += ready!(stream.poll_write(context, &self.out[self.sent..]))?;
        }
        stream.poll_flush(context)
    }
}

impl Receiver {
    fn forget(&mut self) {
        self.input.drain(..self.taken);
        (self.head, self.taken, self.holds_head) = (0, 0, false);
        self.response.clear();
        self.body = Body::until_close();
        self.trailers = Vec::new();
    }

    /// Until the first byte of an answer has come.
    pub(crate) async fn begun(&mut self, stream: &Stream) -> Result<(), Upstream> {
        while self.taken == self.input.len() {
            if !self.more(stream).await {
                return Err(self.headless());
            }
        }
        Ok(())
    }

    /// Until the next head has come, which may be one of an interim answer. Its bytes are there until [`Receiver::piece`].
    pub(crate) async fn head(&mut self, stream: &Stream) -> Result<(), Upstream> {
        poll_fn(|context| self.poll_head(stream, context)).await
    }

    pub(crate) fn poll_head(&mut self, stream: &Stream, context: &mut Context<'_>) -> Poll<Result<(), Upstream>> {
        self.holds_head = false;
        loop {
            let input = &self.input[self.taken..];
            if !input.is_empty() {
                let parsed = self.response.parse(input, &LIMITS, self.requested);
                if parsed.map_err(|fault| broken(fault.cause))? == Progress::Complete {
                    (self.head, self.holds_head) = (self.taken, true);
                    self.taken += self.response.len;
                    if !self.response.is_interim() {
                        self.body = self.response.body();
                        let follows = self.response.nothing_follows(&self.input[self.taken..]);
                        follows.map_err(|fault| broken(fault.cause))?;
                    }
                    return Poll::Ready(Ok(()));
                }
            }
            if !ready!(self.poll_more(stream, context)) {
                return Poll::Ready(Err(self.headless()));
            }
        }
    }

    /// The bytes that the head's spans point into.
    pub(crate) fn message(&self) -> &[u8] {
        &self.input[self.head..]
    }

    /// Content that has come, as it lies behind the head, with whatever frames it.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.input[self.taken..]
    }

    /// Until so many bytes have come behind the head.
    pub(crate) async fn gather(&mut self, stream: &Stream, bytes: usize) -> Result<(), Upstream> {
        while self.unread().len() < bytes {
            if !self.more(stream).await {
                return Err(self.incomplete());
            }
        }
        Ok(())
    }

    /// Appends content that has come whole, and says how much it is; `None`, and nothing is done, if it has not, or nobody can
    /// tell without reading on.
    pub(crate) fn take_whole(&mut self, out: &mut Vec<u8>) -> Option<usize> {
        let length = match self.response.extent {
            Extent::Head => 0,
            Extent::Length(length) => usize::try_from(length).ok()?,
            Extent::Chunked | Extent::Close | Extent::Tunnel => return None,
        };
        let content = self.input.get(self.taken..self.taken + length)?;
        out.extend_from_slice(content);
        // It is all of it, and not framed further.
        let _ = self.body.decode(content);
        self.taken += length;
        Some(length)
    }

    /// The next piece of content, which is not empty; `None` at its end.
    pub(crate) async fn piece(&mut self, stream: &Stream) -> Result<Option<&[u8]>, Upstream> {
        self.holds_head = false;
        loop {
            let trailers = self.body.trailers();
            // RFC 9112 §7.1: what is wrong with a chunk is wrong with the framing, its trailers too.
            let piece = self.body.decode(&self.input[self.taken..]).map_err(|_| Upstream::Framing)?;
            if let Piece::End { consumed } | Piece::More { consumed } = piece
                && self.body.trailers() > trailers
            {
                let end = self.taken + consumed;
                self.trailers.extend_from_slice(&self.input[end - (self.body.trailers() - trailers)..end]);
            }
            match piece {
                Piece::Data { skip, len } if len > 0 => {
                    let start = self.taken + skip;
                    self.taken = start + len;
                    return Ok(Some(&self.input[start..start + len]));
                }
                Piece::End { consumed } => {
                    self.taken += consumed;
                    return Ok(None);
                }
                Piece::Data { skip: consumed, .. } | Piece::More { consumed } => self.taken += consumed,
            }
            if !self.more(stream).await {
                return match self.over {
                    Some(Over::Ended) if self.body.is_whole_at_the_end() => Ok(None),
                    _ => Err(self.incomplete()),
                };
            }
        }
    }

    /// What has come behind a switch of protocols, and what comes; `None` at its end. Errors: it broke off.
    pub(crate) async fn raw(&mut self, stream: &Stream) -> Result<Option<&[u8]>, Upstream> {
        self.holds_head = false;
        if self.taken == self.input.len() {
            // It may be long until more comes, and there may be many who wait.
            (self.input, self.head, self.taken) = (Vec::new(), 0, 0);
        }
        if self.input.is_empty() && !self.more(stream).await {
            return match self.over {
                Some(Over::Ended) => Ok(None),
                _ => Err(self.incomplete()),
            };
        }
        let start = std::mem::replace(&mut self.taken, self.input.len());
        Ok(Some(&self.input[start..]))
    }

    /// The trailer section of an answer that has come to its end.
    pub(crate) fn take_trailers(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.trailers)
    }

    /// Whether the content has come to its end.
    pub(crate) fn is_done(&self) -> bool {
        self.body.is_done()
    }

    fn may_be_reused(&self) -> bool {
        self.over.is_none() && self.response.may_be_reused(&self.body, self.unread())
    }

    /// What it means that the stream ended before a head did.
    fn headless(&self) -> Upstream {
        if self.over == Some(Over::Tls) { Upstream::Tls } else { Upstream::Reset }
    }

    /// RFC 9112 §8: an answer that ends before its length or its last chunk is incomplete.
    fn incomplete(&self) -> Upstream {
        if self.over == Some(Over::Tls) { Upstream::Tls } else { Upstream::CutShort }
    }

    /// Reads more; whether anything came.
    async fn more(&mut self, stream: &Stream) -> bool {
        poll_fn(|context| self.poll_more(stream, context)).await
    }

    fn poll_more(&mut self, stream: &Stream, context: &mut Context<'_>) -> Poll<bool> {
        if self.over.is_some() {
            return Poll::Ready(false);
        }
        let done = if self.holds_head { self.head } else { self.taken };
        if done > 0 {
            self.input.drain(..done);
            self.taken -= done;
            self.head = self.head.saturating_sub(done);
        }
        let over = match ready!(stream.poll_read(context, &mut self.input)) {
            Ok(0) => Over::Ended,
            Ok(_) => return Poll::Ready(true),
            Err(error) => over(&error),
        };
        self.over = Some(over);
        Poll::Ready(false)
    }
}

/// How a stream ended that failed.
fn over(error: &io::Error) -> Over {
    match error.kind() {
        ErrorKind::InvalidData => Over::Tls,
        _ => Over::Broken,
    }
}

/// What a broken rule is called.
fn broken(cause: Broken) -> Upstream {
    use Malformed::*;
    match cause {
        Broken::StatusLine | Broken::StatusCode | Broken::ReasonPhrase => Upstream::NotHttp,
        Broken::SwitchUnasked | Broken::Unasked => Upstream::Framing,
        Broken::Message(HeadTooLarge | TooManyFields) => Upstream::HeadTooLarge,
        Broken::Message(
            BothLengths
            | ContentLengthInvalid
            | ContentLengthDiffers
            | TransferEncodingInHttp10
            | TransferEncodingInvalid
            | ChunkedNotLast
            | ChunkedRepeated
            | TransferCodingUnknown,
        ) => Upstream::Framing,
        Broken::Message(_) => Upstream::NotHttp,
    }
}
