//! One request and its answer over a stream. The two go past each other: an answer may come before the request has been
//! sent, and then the rest of the request is not (RFC 9112 §9.5).
//!
//! It knows no time, and keeps no content: what came is handed out piece by piece.

use super::stream::Stream;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::task::{Context, Poll};
use verdict_core::cause::{Malformed, Upstream};
use verdict_core::status::Status;
use verdict_wire::{Body, Broken, Extent, Limits, Piece, Progress, Requested, Response};

/// How many interim answers are passed over. RFC 9110 §15.2 has no end to them.
const MAX_INTERIM: usize = 16;

/// How large an answer's head may be.
const LIMITS: Limits = Limits { target: 8 << 10, fields: 64 << 10, lines: 100 };

/// A request that is being sent, and an answer that is being read.
pub(super) struct Exchange<'a> {
    stream: &'a mut Stream,
    requested: Requested,
    head: Vec<u8>,
    content: &'a [u8],
    /// Bytes of head and content that have been sent.
    sent: usize,
    sending: Sending,
    input: Vec<u8>,
    /// Bytes of the input that have been looked at for the last time.
    taken: usize,
    /// No more input comes.
    over: Option<Over>,
    response: Response,
    fields: Vec<(String, Vec<u8>)>,
    body: Body,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sending {
    Bytes,
    Flushing,
    /// It has been sent, or the upstream takes no more.
    Done,
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

impl<'a> Exchange<'a> {
    /// Of a request with that head and that content.
    pub(super) fn new(stream: &'a mut Stream, requested: Requested, head: Vec<u8>, content: &'a [u8]) -> Exchange<'a> {
        Exchange {
            stream,
            requested,
            head,
            content,
            sent: 0,
            sending: Sending::Bytes,
            input: Vec::new(),
            taken: 0,
            over: None,
            response: Response::new(),
            fields: Vec::new(),
            body: Body::until_close(),
        }
    }

    /// Until the first byte of an answer has come.
    pub(super) async fn begun(&mut self) -> Result<(), Upstream> {
        while self.input.is_empty() {
            if !self.more().await {
                return Err(self.headless());
            }
        }
        Ok(())
    }

    /// Until the head of the answer has come; those of interim answers are passed over.
    pub(super) async fn head(&mut self) -> Result<(), Upstream> {
        for _ in 0..=MAX_INTERIM {
            self.one_head().await?;
            if !self.response.is_interim() {
                self.body = self.response.body();
                return self.response.nothing_follows(&self.input[self.taken..]).map_err(|fault| broken(fault.cause));
            }
        }
        Err(Upstream::HeadTooLarge)
    }

    /// The next head of all.
    async fn one_head(&mut self) -> Result<(), Upstream> {
        loop {
            let unread = &self.input[self.taken..];
            let parsed = self.response.parse(unread, &LIMITS, self.requested);
            if parsed.map_err(|fault| broken(fault.cause))? == Progress::Complete {
                if !self.response.is_interim() {
                    self.fields = end_to_end(&self.response, unread);
                }
                self.taken += self.response.len;
                return Ok(());
            }
            if !self.more().await {
                return Err(self.headless());
            }
        }
    }

    /// The answer's status.
    pub(super) fn status(&self) -> Status {
        self.response.status
    }

    /// The answer's fields, but for those of the connection.
    pub(super) fn take_fields(&mut self) -> Vec<(String, Vec<u8>)> {
        std::mem::take(&mut self.fields)
    }

    /// Whether the content may be of so many bytes, as far as the head says.
    pub(super) fn fits(&self, most: u64) -> Result<(), Upstream> {
        match self.response.extent {
            Extent::Length(length) if length > most => Err(Upstream::ContentTooLarge),
            _ => Ok(()),
        }
    }

    /// The next piece of content, which is not empty; `None` at its end.
    pub(super) async fn piece(&mut self) -> Result<Option<&[u8]>, Upstream> {
        loop {
            // RFC 9112 §7.1: what is wrong with a chunk is wrong with the framing, its trailers too.
            match self.body.decode(&self.input[self.taken..]).map_err(|_| Upstream::Framing)? {
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
            if !self.more().await {
                return match self.over {
                    Some(Over::Ended) if self.body.is_whole_at_the_end() => Ok(None),
                    Some(Over::Tls) => Err(Upstream::Tls),
                    // RFC 9112 §8: an answer that ends before its length or its last chunk is incomplete.
                    _ => Err(Upstream::CutShort),
                };
            }
        }
    }

    /// What it means that the stream ended before a head did.
    fn headless(&self) -> Upstream {
        if self.over == Some(Over::Tls) { Upstream::Tls } else { Upstream::Reset }
    }

    /// Reads more, and sends in the meantime; whether anything came.
    async fn more(&mut self) -> bool {
        poll_fn(|context| self.poll_more(context)).await
    }

    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        if self.over.is_some() {
            return Poll::Ready(false);
        }
        if let Poll::Ready(Err(_)) = self.poll_send(context) {
            // It reads no more. What it answered before that may still be on its way.
            self.sending = Sending::Done;
        }
        self.input.drain(..std::mem::take(&mut self.taken));
        let over = match self.stream.poll_read(context, &mut self.input) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(0)) => Over::Ended,
            Poll::Ready(Ok(_)) => return Poll::Ready(true),
            Poll::Ready(Err(error)) => over(&error),
        };
        self.over = Some(over);
        Poll::Ready(false)
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let polled = match self.sending {
                Sending::Done => return Poll::Ready(Ok(())),
                Sending::Flushing => self.stream.poll_flush(context).map_ok(|()| self.sending = Sending::Done),
                Sending::Bytes => {
                    let bytes = match self.sent.checked_sub(self.head.len()) {
                        None => &self.head[self.sent..],
                        Some(sent) => &self.content[sent..],
                    };
                    if bytes.is_empty() {
                        self.sending = Sending::Flushing;
                        continue;
                    }
                    self.stream.poll_write(context, bytes).map_ok(|n| self.sent += n)
                }
            };
            if !matches!(polled, Poll::Ready(Ok(()))) {
                return polled;
            }
        }
    }
}

/// How a stream ended that failed.
fn over(error: &io::Error) -> Over {
    match error.kind() {
        ErrorKind::InvalidData => Over::Tls,
        _ => Over::Broken,
    }
}

fn end_to_end(response: &Response, message: &[u8]) -> Vec<(String, Vec<u8>)> {
    let text = |bytes: &[u8]| bytes.iter().copied().map(char::from).collect();
    response.end_to_end(message).map(|line| (text(line.name.of(message)), line.value.of(message).to_vec())).collect()
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
