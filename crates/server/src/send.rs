//! Content on its way out: from memory, or from the kernel's pages without a copy.
//!
//! A file may shrink, grow or be written while it is sent. What was promised in the head is sent or the connection is
//! broken off: never a well-formed answer that is neither the old file nor the new one.

use crate::answer::Rest;
use crate::disk::Identity;
use crate::disk::pages::{self, Looked};
use crate::handler::files::multipart::Multipart;
use crate::handler::proxy::Unsent;
use crate::reactor::Reactor;
use crate::representation::{Content, Representation};
use crate::socket::Socket;
use crate::stream::AtOnce;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::spawn_blocking;
use verdict_core::field::range::ByteRange;
use verdict_wire::Close;

/// How much of a file is looked for in memory, and sent, at a time: after it other connections have a turn.
const SLICE: u64 = 2 << 20;

/// What is read and copied at a time.
const PIECE: u64 = 64 << 10;

/// Up to this size a file is copied on its way. What sendfile(2) sends are the file's own pages: a write to the file shows
/// in them until the client has them.
const COPIED: u64 = 1 << 20;

/// The end of a larger file is copied too, after the client has acknowledged all before it and after a last look at whether
/// the file is still the one that was begun.
const LAST: u64 = 16 << 10;

/// Sends the rest of an answer; `head` goes out with the first of it. The client must take some every `pause`. `unsent`: what an
/// upstream that answers already has not got yet. Of a tunnel it is only the head.
pub(crate) async fn send(
    socket: &Socket,
    head: &mut Vec<u8>,
    rest: &mut Rest,
    unsent: Unsent<'_, '_>,
    pause: Duration,
) -> Result<(), Close> {
    if let Rest::Relay(relay, framed) = rest {
        return Box::pin(relay.send(socket, *framed, unsent, pause, head)).await;
    }
    if let Rest::Nothing = rest
        && socket.stream.write_at_once(head)
    {
        return Ok(());
    }
    if socket.stream.is_secure() {
        // What is encrypted is copied anyway.
        socket.write_more(head, pause).await?;
        in_pieces(rest, None, socket.stream.reactor(), &mut Secured { socket, pause }).await?;
        return socket.write(&[], pause).await;
    }
    match rest {
        Rest::Nothing | Rest::Relay(..) | Rest::Tunnel(_) => socket.write(head, pause).await,
        Rest::Part(found, part) => {
            // What is copied is in memory, or soon is, and shares a segment with its head. Behind a larger part the head
            // does not wait: its first bytes may have to come from the disk.
            match is_copied(part.size()) {
                true => socket.write_more(head, pause).await?,
                false => socket.write(head, pause).await?,
            }
            send_part(socket, found, *part, pause).await
        }
        Rest::Parts(found, framed) => send_parts(socket, head, found, framed, pause).await,
    }
}

/// Who takes content copied, piece by piece.
pub(crate) trait Takes {
    /// Waits until there is room, and says for how many bytes: at least one, and at most `most`. They are read only then, so
    /// that who makes no room holds nothing.
    async fn room(&mut self, most: usize) -> Result<usize, Close>;

    /// Takes what there is room for.
    async fn take(&mut self, piece: Vec<u8>) -> Result<(), Close>;
}

/// A connection over TLS: it takes a piece when it has sent the one before.
struct Secured<'a> {
    socket: &'a Socket,
    pause: Duration,
}

impl Takes for Secured<'_> {
    async fn room(&mut self, most: usize) -> Result<usize, Close> {
        Ok(most)
    }

    async fn take(&mut self, piece: Vec<u8>) -> Result<(), Close> {
        self.socket.write_more(&piece, self.pause).await
    }
}

/// Gives the rest of an answer to whoever takes it copied.
pub(crate) async fn in_pieces(
    rest: &mut Rest,
    unsent: Unsent<'_, '_>,
    reactor: &Reactor,
    to: &mut impl Takes,
) -> Result<(), Close> {
    match rest {
        Rest::Nothing | Rest::Tunnel(_) => Ok(()),
        Rest::Relay(relay, _) => Box::pin(relay.give(unsent, to)).await,
        Rest::Part(found, part) => part_in_pieces(found, *part, reactor, to).await,
        Rest::Parts(found, framed) => {
            for part in framed.parts() {
                give(part.head.as_bytes(), to).await?;
                let range = ByteRange { first: part.first, last: part.last };
                part_in_pieces(found, range, reactor, to).await?;
            }
            give(framed.end().as_bytes(), to).await
        }
    }
}

/// Gives bytes that are in memory.
pub(crate) async fn give(mut bytes: &[u8], to: &mut impl Takes) -> Result<(), Close> {
    while !bytes.is_empty() {
        let room = to.room(bytes.len().min(PIECE as usize)).await?;
        let (piece, rest) = bytes.split_at(room);
        to.take(piece.to_vec()).await?;
        bytes = rest;
    }
    Ok(())
}

async fn part_in_pieces(
    found: &Representation,
    part: ByteRange,
    reactor: &Reactor,
    to: &mut impl Takes,
) -> Result<(), Close> {
    let end = part.last + 1;
    let mut offset = part.first;
    while offset < end {
        reactor.share().await;
        let room = to.room(PIECE.min(end - offset) as usize).await?;
        let piece = match &found.content {
            Content::Memory(bytes) => bytes[offset as usize..offset as usize + room].to_vec(),
            Content::File { file, identity } => {
                let piece = read(file, offset, room as u64).await?;
                if offset + piece.len() as u64 == end {
                    still(file, *identity)?;
                }
                piece
            }
            Content::Gone { .. } => return Err(Close::AnswerBroken),
        };
        offset += piece.len() as u64;
        to.take(piece).await?;
    }
    Ok(())
}

/// Whether the file is the one that was begun. What is only renamed or removed meanwhile has its old bytes still, and is sent
/// to its end.
fn still(file: &Arc<OwnedFd>, identity: Identity) -> Result<(), Close> {
    let same = Identity::of(file.as_fd()).is_ok_and(|now| now.has_content_of(identity));
    same.then_some(()).ok_or(Close::AnswerBroken)
}

const fn is_copied(size: u64) -> bool {
    size <= COPIED
}

async fn send_parts(
    socket: &Socket,
    head: &[u8],
    found: &Representation,
    framed: &Multipart,
    pause: Duration,
) -> Result<(), Close> {
    socket.write_more(head, pause).await?;
    for part in framed.parts() {
        socket.write_more(part.head.as_bytes(), pause).await?;
        send_part(socket, found, ByteRange { first: part.first, last: part.last }, pause).await?;
    }
    socket.write(framed.end().as_bytes(), pause).await
}

async fn send_part(socket: &Socket, found: &Representation, part: ByteRange, pause: Duration) -> Result<(), Close> {
    match &found.content {
        Content::Memory(bytes) => socket.write(&bytes[part.first as usize..=part.last as usize], pause).await,
        Content::File { file, identity } => send_file(socket, file, *identity, part, pause).await,
        Content::Gone { .. } => Err(Close::AnswerBroken),
    }
}

async fn send_file(
    socket: &Socket,
    file: &Arc<OwnedFd>,
    identity: Identity,
    part: ByteRange,
    pause: Duration,
) -> Result<(), Close> {
    let end = part.last + 1;
    let copied_from = if is_copied(part.size()) { part.first } else { end - LAST };
    let mut offset = part.first;
    let (begun, mut looked) = (Instant::now(), Looked::Seldom);
    while offset < copied_from {
        if offset > part.first {
            socket.stream.reactor().next_turn().await;
        }
        socket.stream.reactor().share().await;
        let until = copied_from.min(offset + SLICE);
        make_resident(file, offset, until - offset, &mut looked).await?;
        while offset < until {
            let left = (until - offset) as usize;
            let sent =
                socket.writing(pause, || pages::send_file(socket.stream.as_fd(), file.as_fd(), &mut offset, left));
            match sent.await? {
                // The file has become shorter than it was.
                0 => return Err(Close::AnswerBroken),
                // Or else it goes on, and it is the socket that took no more.
                n if n < left && pages::resident(file.as_fd(), offset, 1, looked) => socket.stream.is_full(),
                _ => {}
            }
        }
    }
    if copied_from > part.first {
        socket.drained(pause, copied_from - part.first, begun).await?;
    }
    while offset < end {
        socket.stream.reactor().share().await;
        let piece = read(file, offset, PIECE.min(end - offset)).await?;
        offset += piece.len() as u64;
        if offset == end {
            still(file, identity)?;
            socket.write(&piece, pause).await?;
        } else {
            socket.write_more(&piece, pause).await?;
        }
    }
    Ok(())
}

/// Bytes of a file: all that were asked for, by the pool where the kernel does not hold them.
async fn read(file: &Arc<OwnedFd>, offset: u64, length: u64) -> Result<Vec<u8>, Close> {
    let mut piece = vec![0; length as usize];
    if pages::read_resident(file.as_fd(), offset, &mut piece) == Some(piece.len()) {
        return Ok(piece);
    }
    let file = file.clone();
    let read = spawn_blocking(move || pages::read(file.as_fd(), offset, &mut piece).map(|n| (n, piece))).await;
    match read.unwrap_or_else(|stopped| Err(io::Error::other(stopped))) {
        Ok((n, piece)) if n == piece.len() => Ok(piece),
        // The file has become shorter than it was.
        Ok(_) => Err(Close::AnswerBroken),
        Err(error) => Err(unreadable(&error)),
    }
}

/// Has the pool read what the kernel does not hold, so that sending it does not wait for the disk. Where some of a file was
/// missing, more may be.
async fn make_resident(file: &Arc<OwnedFd>, offset: u64, length: u64, looked: &mut Looked) -> Result<(), Close> {
    if pages::resident(file.as_fd(), offset, length, *looked) {
        return Ok(());
    }
    *looked = Looked::Often;
    let file = file.clone();
    let read = spawn_blocking(move || pages::warm(file.as_fd(), offset, length)).await;
    read.unwrap_or_else(|stopped| Err(io::Error::other(stopped))).map(|_| ()).map_err(|error| unreadable(&error))
}

fn unreadable(error: &io::Error) -> Close {
    crate::log::operation(format_args!("a file could not be read while it was sent: {error}"));
    Close::AnswerBroken
}
