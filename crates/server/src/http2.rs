//! HTTP/2 (RFC 9113): one task for a connection, in which nearly every request is answered as soon as it is read.
//!
//! Frames are the `h2` crate's. A request becomes a head of HTTP/1.1 in a buffer (`request.rs`) and is parsed and answered as
//! any other, so that the same rules hold; the answer's head becomes fields again (`response.rs`). What is written goes out
//! once, when nothing more is to be done (`wire.rs`).

mod exchange;
mod frames;
mod pace;
mod request;
mod response;
mod sending;
pub(crate) mod upgrade;
mod wire;

use crate::admission::Admission;
use crate::connection::QUIET;
use crate::deadline::NEVER;
use crate::log;
use crate::socket::{Socket, broken};
use crate::worker::Worker;
use bytes::Bytes;
use h2::Reason;
use h2::server::Builder;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::futures::Notified;
use verdict_core::interim::Interim;
use verdict_wire::Close;
use wire::{Handle, Wire};

/// What a client begins with (RFC 9113 §3.4).
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Requests of one client that are under way at the same time.
const MOST_STREAMS: u32 = 128;

/// Bytes of one answer that wait to be sent.
const SEND_BUFFER: usize = 64 << 10;

/// Bytes of all streams that may come unasked for: on some there is content that nobody reads any more, and the others are
/// not to wait for it.
const CONNECTION_WINDOW: u32 = 4 << 20;

/// Streams that are reset because the client broke a rule, before the connection is over, and with it all other streams. One
/// that was opened before our settings came is no rule broken, and a first flight may be hundreds.
const MOST_RESETS: usize = 1024;

/// How many requests are begun before other connections have their turn. `h2` is given no more of them to read before: so
/// those that are answered at once leave their places to the next (RFC 9113 §5.1.2), of however many there are in a flight.
const TURN: usize = 64;

/// How long a client may take to hear that the connection is over.
const GOODBYE: Duration = Duration::from_secs(5);

/// What a connection begins with that another protocol began.
#[derive(Default)]
pub(crate) struct First {
    /// What has come already.
    input: Vec<u8>,
    upgraded: Option<Upgraded>,
}

/// A request of HTTP/1.1 that is answered as stream 1.
struct Upgraded {
    /// Its frames, to be read behind the client's first one.
    frames: Vec<u8>,
    /// What it was told before.
    interim: Interim,
}

impl First {
    /// What has come already: the preface, and perhaps more.
    pub(crate) fn with(input: Vec<u8>) -> First {
        First { input, upgraded: None }
    }
}

type Connection = h2::server::Connection<Handle, Bytes>;

/// What there is to be done beside answering.
enum Event {
    Over(Close),
    /// The server is told to stop.
    Drain,
    /// Others are to have a turn.
    Turn,
    /// The client has to take something, and has less time for it than there was before.
    Waits,
}

/// Serves a connection until it is over.
pub(crate) async fn connection(socket: Socket, admission: Admission, worker: Rc<Worker>, first: First) {
    let wire = Rc::new(Wire::new(socket, admission, worker, first));
    let close = serve(&wire).await;
    if matches!(close, Close::ResetFlood | Close::ContinuationFlood | Close::FrameFlood) {
        log::operation(format_args!("a connection of {} is over: {}", wire.client().address, close.id()));
    }
    match close {
        Close::SendIdle | Close::DrainOver => wire.socket.abort(),
        Close::PeerReset | Close::Io | Close::Tls => {}
        _ => {
            // The last frame says why.
            if wire.flush().await.is_ok() {
                wire.socket.linger().await;
            }
        }
    }
}

async fn serve(wire: &Rc<Wire>) -> Close {
    let worker = &wire.worker;
    let deadline = &wire.socket.deadline;
    let drain_begins = worker.drain_begins.notified();
    let mut drain_begins = pin!(drain_begins);
    let mut connection = match greet(wire).await {
        Ok(connection) => connection,
        Err(close) => return close,
    };
    let mut ends = None;
    if worker.is_draining() {
        connection.graceful_shutdown();
    }
    loop {
        let due = due(wire, ends);
        let turned = poll_fn(|context| match turn(wire, &mut connection, drain_begins.as_mut(), context) {
            Poll::Pending if soonest(wire, wire.due()) < due => Poll::Ready(Event::Waits),
            turned => turned,
        });
        match deadline.until(due, turned).await {
            Some(Event::Over(close)) => return close,
            Some(Event::Waits) => {}
            Some(Event::Turn) => worker.reactor.next_turn().await,
            Some(Event::Drain) => {
                connection.graceful_shutdown();
                drain_begins.set(worker.drain_begins.notified());
            }
            None if deadline.is_over() => return Close::DrainOver,
            None if wire.due() <= worker.deadlines.now() => return Close::SendIdle,
            None if ends.is_some_and(|ends| ends <= worker.deadlines.now()) => return Close::Idle,
            None if is_idle(wire) => {
                connection.abrupt_shutdown(Reason::NO_ERROR);
                ends = Some(deadline.after(GOODBYE));
            }
            None => {}
        }
        if let Some(close) = wire.flood() {
            connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
            let _ = poll_once(&mut connection).await;
            return close;
        }
        if wire.is_told_to_end() && ends.is_none() {
            connection.graceful_shutdown();
            ends = Some(deadline.after(GOODBYE));
        }
    }
}

/// Has the last frame written.
async fn poll_once(connection: &mut Connection) -> Poll<()> {
    poll_fn(|context| Poll::Ready(connection.poll_closed(context).map(drop))).await
}

/// Sends our settings and waits for the client's preface, as long as for a head.
async fn greet(wire: &Rc<Wire>) -> Result<Connection, Close> {
    let site = wire.worker.site();
    let limits = site.limits(None);
    let mut builder = Builder::new();
    // What is a little over a limit is to be told so in our words, so more is let through.
    let fields = (2 * (limits.target + limits.fields) + (16 << 10)).min(u64::from(u32::MAX) >> 1);
    builder
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(fields as u32)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(SEND_BUFFER)
        .max_local_error_reset_streams(Some(MOST_RESETS))
        // `frames.rs` counts those over time.
        .max_pending_accept_reset_streams(TURN);
    let mut greeted = pin!(builder.handshake(Handle(wire.clone())));
    let greeted = poll_fn(|context| {
        let greeted = greeted.as_mut().poll(context);
        if let Poll::Ready(Err(error)) = wire.poll_drain(context) {
            return Poll::Ready(Err(broken(&error)));
        }
        greeted.map_err(|error| wire.why(&error))
    });
    let deadline = &wire.socket.deadline;
    let due = deadline.after(limits.head);
    deadline.until(due, greeted).await.unwrap_or(Err(Close::HeadTimeout))
}

/// Answers what has come, and sends what is answered.
fn turn(
    wire: &Rc<Wire>,
    connection: &mut Connection,
    drain_begins: Pin<&mut Notified<'_>>,
    context: &mut Context<'_>,
) -> Poll<Event> {
    let mut over = None;
    let mut begun = 0;
    // It ends: requests are read only so far.
    while over.is_none() {
        match connection.poll_accept(context) {
            Poll::Ready(Some(Ok((request, respond)))) => {
                exchange::begin(wire, request, respond);
                begun += 1;
            }
            Poll::Ready(Some(Err(error))) => over = Some(wire.why(&error)),
            Poll::Ready(None) => over = Some(Close::PeerClosed),
            Poll::Pending => break,
        }
    }
    let goes_on = wire.read_on();
    if let Poll::Ready(Err(error)) = wire.poll_drain(context) {
        return Poll::Ready(Event::Over(broken(&error)));
    }
    if let Some(close) = over {
        return Poll::Ready(Event::Over(close));
    }
    if goes_on || wire.flood().is_some() || wire.is_told_to_end() && begun > 0 {
        return Poll::Ready(Event::Turn);
    }
    drain_begins.poll(context).map(|()| Event::Drain)
}

/// When it has to be looked at whether the connection goes on, at the latest.
fn due(wire: &Wire, ends: Option<u32>) -> u32 {
    let after = |tick: u32, time| tick.saturating_add(in_ticks(wire, time));
    let idle = match wire.open.get() {
        0 => after(wire.quiet.get(), wire.worker.idle_time()),
        // Whoever ends last does not say so.
        _ => wire.socket.deadline.after(QUIET),
    };
    soonest(wire, idle.min(wire.due()).min(ends.unwrap_or(NEVER)))
}

/// What is late already is looked at with the next tick.
fn soonest(wire: &Wire, due: u32) -> u32 {
    due.max(wire.worker.deadlines.now() + 1)
}

fn is_idle(wire: &Wire) -> bool {
    wire.open.get() == 0
        && wire.quiet.get().saturating_add(in_ticks(wire, wire.worker.idle_time())) <= wire.worker.deadlines.now()
}

fn in_ticks(wire: &Wire, time: Duration) -> u32 {
    wire.worker.deadlines.after(time) - wire.worker.deadlines.now()
}
