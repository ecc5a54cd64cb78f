//! Asking another server: one request, one answer, and whatever went wrong by its one name.
//!
//! What is below [`ask`] knows no time. `connect.rs` makes a stream out of a target, step by step; `connection.rs` sends a
//! request over it and reads what comes back at the same time. Each step is a future that fails with its cause and may
//! be dropped at any point, so whoever bounds it in time says what it means that it was slow. Here that is tokio's clock,
//! which the caller's runtime has to have enabled, like its I/O.

mod connect;
mod connection;
mod members;
mod pool;
mod resolver;
mod roots;
mod socket;
mod stream;
mod target;
#[cfg(test)]
mod tests;

pub(crate) use connection::{Connection, Sender};
pub(crate) use members::{Member, Members};
pub(crate) use pool::{Pending, Pool, Steps, Tried};
pub(crate) use roots::Roots;
pub(crate) use socket::Waits;
pub(crate) use stream::Stream;
pub(crate) use target::{Host, Target};

use bytes::Bytes;
use connection::Receiver;
use socket::Socket;
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use verdict_core::cause::Upstream;
use verdict_core::method::Method;
use verdict_wire::{Extent, Refused, RequestWriter, Requested, Response, Sent};

/// How many interim answers are taken to one request. RFC 9110 §15.2 has no end to them.
pub(crate) const MOST_INTERIM: usize = 16;

/// How much of a request's content is handed over at a time.
const SENT_AT_ONCE: usize = 64 << 10;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// The method.
    pub(crate) method: &'a str,
    /// Names and values. Those that belong to a connection (RFC 9110 §7.6.1), `Host`, `Content-Length` and `Expect` are not
    /// the caller's to say, and passed over.
    pub(crate) fields: &'a [(&'a str, &'a str)],
    /// The content; empty where there is none.
    pub(crate) content: &'a [u8],
}

/// What was answered, to the end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Answer {
    /// The status code, 200 to 999: whether it is an error is the caller's to judge.
    pub(crate) status: u16,
    /// Names as they were written, and values, in order, without those that belong to the connection (RFC 9110 §7.6.1).
    pub(crate) fields: Vec<(String, Vec<u8>)>,
    /// The content, out of its chunks.
    pub(crate) content: Bytes,
}

/// How long things may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Times {
    /// Looking the name up and reaching one of its addresses; and TLS, once more.
    pub(crate) connect: Duration,
    /// From being connected to the first byte of an answer, an interim one too.
    pub(crate) first_byte: Duration,
    /// All of it.
    pub(crate) total: Duration,
}

/// Asks once, over a connection of its own, and takes no more than `most` bytes of content. Dropped, it closes the
/// connection.
///
/// Errors: the cause. A request that may not be written (see [`Asked::refused`]) is not sent, and is `NotHttp`.
pub(crate) async fn ask(target: &Target, request: Asked<'_>, times: &Times, most: u64) -> Result<Answer, Upstream> {
    within(times.total, Upstream::TotalSlow, answered(target, request, times, most)).await
}

/// The status of an answer, whatever its content is, which is not waited for.
///
/// Errors: as of [`ask`].
pub(crate) async fn status(target: &Target, request: Asked<'_>, times: &Times) -> Result<u16, Upstream> {
    let answered = async {
        let requested = Requested { method: Method::from_token(request.method.as_bytes()), upgrade: false };
        let head = request.head(target).map_err(|_| Upstream::NotHttp)?;
        let mut connection = connected(target, times.connect).await?;
        connection.begin(requested).extend_from_slice(&head);
        let Connection { stream, sender, receiver } = &mut connection;
        tokio::select! {
            biased;
            came = read_head(stream, receiver, times) => came.map(|()| receiver.response.status.code()),
            never = sent(stream, sender, request.content) => never,
        }
    };
    within(times.total, Upstream::TotalSlow, answered).await
}

async fn answered(target: &Target, request: Asked<'_>, times: &Times, most: u64) -> Result<Answer, Upstream> {
    let requested = Requested { method: Method::from_token(request.method.as_bytes()), upgrade: false };
    let head = request.head(target).map_err(|_| Upstream::NotHttp)?;
    let mut connection = connected(target, times.connect).await?;
    connection.begin(requested).extend_from_slice(&head);
    let Connection { stream, sender, receiver } = &mut connection;
    let read = read(stream, receiver, times, most);
    tokio::select! {
        biased;
        // RFC 9112 §9.5: who is answered before all was sent does not send the rest.
        answer = read => answer,
        never = sent(stream, sender, request.content) => never,
    }
}

/// Sends all of it, and leaves the end to who reads the answer.
async fn sent<T>(stream: &Stream, sender: &mut Sender, content: &[u8]) -> T {
    sender.flush(stream).await;
    for piece in content.chunks(SENT_AT_ONCE) {
        sender.buffer().extend_from_slice(piece);
        sender.flush(stream).await;
    }
    std::future::pending().await
}

/// Reads until the head of an answer that is not an interim one has come.
async fn read_head(stream: &Stream, receiver: &mut Receiver, times: &Times) -> Result<(), Upstream> {
    within(times.first_byte, Upstream::FirstByteSlow, receiver.begun(stream)).await?;
    for interim in 0.. {
        receiver.head(stream).await?;
        if !receiver.response.is_interim() || interim == MOST_INTERIM {
            break;
        }
    }
    if receiver.response.is_interim() { Err(Upstream::HeadTooLarge) } else { Ok(()) }
}

/// Reads an answer to its end, with at most so many bytes of content.
async fn read(stream: &Stream, receiver: &mut Receiver, times: &Times, most: u64) -> Result<Answer, Upstream> {
    read_head(stream, receiver, times).await?;
    let fields = end_to_end(&receiver.response, receiver.message());
    match receiver.response.extent {
        Extent::Length(length) if length > most => return Err(Upstream::ContentTooLarge),
        _ => {}
    }
    let mut content = Vec::new();
    while let Some(piece) = receiver.piece(stream).await? {
        if (content.len() + piece.len()) as u64 > most {
            return Err(Upstream::ContentTooLarge);
        }
        content.extend_from_slice(piece);
    }
    Ok(Answer { status: receiver.response.status.code(), fields, content: content.into() })
}

fn end_to_end(response: &Response, message: &[u8]) -> Vec<(String, Vec<u8>)> {
    let text = |bytes: &[u8]| bytes.iter().copied().map(char::from).collect();
    response.end_to_end(message).map(|line| (text(line.name.of(message)), line.value.of(message).to_vec())).collect()
}

/// A connection to the target: over the first of its addresses that is reached in its share of the time.
async fn connected(target: &Target, time: Duration) -> Result<Connection, Upstream> {
    let began = Instant::now();
    let addresses = within(time, Upstream::LookUp, connect::addresses(target)).await?;
    let mut reached = Err(Upstream::NameUnknown);
    for (i, address) in addresses.iter().enumerate() {
        // What one does not use is for those after it, so that one that is silent leaves time for the others.
        let left = time.saturating_sub(began.elapsed()) / (addresses.len() - i) as u32;
        reached = within(left, Upstream::ConnectSlow, Socket::connect(address, &Waits::Tokio)).await;
        if reached.is_ok() {
            break;
        }
    }
    within(time, Upstream::TlsSlow, connect::secured(reached?, target)).await.map(Connection::new)
}

/// The future's output, or that it was slow.
async fn within<T>(
    time: Duration,
    slow: Upstream,
    future: impl Future<Output = Result<T, Upstream>>,
) -> Result<T, Upstream> {
    timeout(time, future).await.unwrap_or(Err(slow))
}

impl Asked<'_> {
    /// Why it may not be written, if it may not: a method that is no token, a name or a value that could be taken for
    /// something else.
    pub(crate) fn refused(&self, target: &Target) -> Option<Refused> {
        self.head(target).err()
    }

    /// Its head. The connection is for this request alone, and the upstream is told so (RFC 9112 §9.6).
    fn head(&self, target: &Target) -> Result<Vec<u8>, Refused> {
        let mut head = Vec::with_capacity(512);
        let mut writer = RequestWriter::new(&mut head, self.method, target.path(), target.authority())?;
        for (name, value) in self.fields {
            match writer.field(name, value.as_bytes()) {
                Ok(()) | Err(Refused::Framing) => {}
                Err(refused) => return Err(refused),
            }
        }
        let sent = match self.content.len() {
            0 => Sent::Nothing,
            length => Sent::Length(length as u64),
        };
        writer.finish(sent, false);
        Ok(head)
    }
}
