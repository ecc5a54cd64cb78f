//! Content on its way out on one stream, as fast as the client makes room for it.

use super::pace::{Owed, Pace};
use super::wire::Wire;
use crate::deadline::Deadline;
use crate::send::Takes;
use bytes::Bytes;
use h2::SendStream;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll};
use tokio::sync::OwnedSemaphorePermit;
use verdict_wire::Close;

/// One answer's content.
pub(super) struct Sending<'a> {
    wire: &'a Wire,
    stream: &'a mut SendStream<Bytes>,
    deadline: Deadline,
    owed: Owed,
    pace: Pace,
    /// The room that the next piece has.
    room: Option<OwnedSemaphorePermit>,
    /// How much `h2` was given.
    pub(super) bytes: u64,
}

/// A piece that has its room among the connection's unsent bytes until `h2` has written it, or dropped it with its stream.
struct Piece {
    bytes: Vec<u8>,
    _room: Option<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl<'a> Sending<'a> {
    pub(super) fn new(wire: &'a Wire, stream: &'a mut SendStream<Bytes>, owed: Owed) -> Sending<'a> {
        let deadline = wire.worker.deadlines.enroll();
        Sending { wire, stream, deadline, owed, pace: Pace::default(), room: None, bytes: 0 }
    }

    /// Ends the stream, with what is said behind the content, if anything is (RFC 9113 §8.1).
    pub(super) fn end<'f>(&mut self, trailers: impl Iterator<Item = (&'f str, &'f [u8])>) -> Result<(), Close> {
        let field = |(name, value): (&str, &[u8])| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_bytes(value).ok()?))
        };
        let mut fields = HeaderMap::new();
        for (name, value) in trailers.filter_map(field) {
            fields.append(name, value);
        }
        let ended = match fields.is_empty() {
            true => self.stream.send_data(Bytes::new(), true),
            false => self.stream.send_trailers(fields),
        };
        ended.map_err(|_| Close::PeerReset)
    }

    /// Waits until the client's windows let something through (RFC 9113 §5.2), which it must let them often and far enough.
    async fn window(&mut self, most: usize) -> Result<usize, Close> {
        self.stream.reserve_capacity(most);
        let now = || self.wire.worker.deadlines.now();
        self.pace.wait(now());
        let due = self.pace.due(self.owed, self.wire.open.get() as u64);
        let stream = &mut *self.stream;
        let room = match self.deadline.until(due, poll_fn(|context| poll_window(stream, context))).await {
            Some(room) => room?.min(most),
            None if self.deadline.is_over() => return Err(Close::DrainOver),
            None => return Err(Close::SendIdle),
        };
        self.pace.take(room, now());
        self.pace.rest(now());
        Ok(room)
    }

    /// Waits until so many bytes may be read, while others of the connection are unsent. That the socket takes some is the
    /// connection's to see to, which ends the stream with itself.
    async fn place(&mut self, bytes: usize) -> Result<OwnedSemaphorePermit, Close> {
        let mut place = pin!(self.wire.unsent.clone().acquire_many_owned(bytes as u32));
        poll_fn(|context| match place.as_mut().poll(context) {
            Poll::Ready(place) => Poll::Ready(place.map_err(|_| Close::PeerReset)),
            Poll::Pending => self.stream.poll_reset(context).map(|_| Err(Close::PeerReset)),
        })
        .await
    }
}

impl Takes for Sending<'_> {
    async fn room(&mut self, most: usize) -> Result<usize, Close> {
        let room = self.window(most).await?;
        self.room = Some(self.place(room).await?);
        Ok(room)
    }

    async fn take(&mut self, piece: Vec<u8>) -> Result<(), Close> {
        let bytes = piece.len() as u64;
        let piece = Bytes::from_owner(Piece { bytes: piece, _room: self.room.take() });
        self.stream.send_data(piece, false).map_err(|_| Close::PeerReset)?;
        self.bytes += bytes;
        Ok(())
    }
}

/// What there is of a window; `h2` tells only of more.
fn poll_window(stream: &mut SendStream<Bytes>, context: &mut Context<'_>) -> Poll<Result<usize, Close>> {
    loop {
        match stream.capacity() {
            0 => match stream.poll_capacity(context) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(_) => return Poll::Ready(Err(Close::PeerReset)),
                Poll::Pending => return Poll::Pending,
            },
            room => return Poll::Ready(Ok(room)),
        }
    }
}
