//! The console's connections: one request each, and an end to every wait.

use super::View;
use super::answer::Exchange;
use crate::clock::Clock;
use crate::id::Random;
use std::future::pending;
use std::io;
use std::ops::ControlFlow::{Break, Continue};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};
use verdict_core::cause::{Malformed, Unarrived};
use verdict_core::interim::invite;
use verdict_core::path::Path;
use verdict_wire::{Fault, Framing, Head, Limits, Progress, Version, put_interim};

/// How many are spoken with at once by each way; others wait in the kernel's queue.
const MOST: usize = 16;

/// How long a head may take of who comes by the address.
const HEAD_BY_ADDRESS: Duration = Duration::from_secs(2);

/// How long they may take once no more come.
const LAST: Duration = Duration::from_secs(1);

/// How long a client may take to read its answer.
const SENDING: Duration = Duration::from_secs(10);

/// How much is read away behind an answer, and for how long, so that a client that still sends gets to read it.
const LINGERED: u64 = 256 << 10;
const LINGERING: Duration = Duration::from_secs(1);

/// What a head may have: no console's client has much to say.
const LIMITS: Limits = Limits { target: 4 << 10, fields: 16 << 10, lines: 100 };

/// By which way a client comes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The file system has let it.
    Socket,
    Address,
}

/// What is listened on.
pub(super) struct Listening {
    socket: UnixListener,
    tcp: Option<TcpListener>,
}

impl Listening {
    /// Copies: the originals stay with who ends them.
    pub(super) fn new(
        socket: &std::os::unix::net::UnixListener,
        tcp: Option<&std::net::TcpListener>,
    ) -> io::Result<Listening> {
        let socket = socket.try_clone()?;
        let tcp = tcp.map(|tcp| {
            let tcp = tcp.try_clone()?;
            tcp.set_nonblocking(true)?;
            TcpListener::from_std(tcp)
        });
        Ok(Listening { socket: UnixListener::from_std(socket)?, tcp: tcp.transpose()? })
    }
}

/// Answers until it is told to stop, and then those who have come. Whoever fills one way leaves the other open.
pub(super) async fn serve(listening: Listening, view: Arc<View>, stopped: oneshot::Receiver<()>) {
    let (sockets, addresses) = (Arc::new(Semaphore::new(MOST)), Arc::new(Semaphore::new(MOST)));
    let by_socket = async || listening.socket.accept().await.map(|(stream, _)| stream);
    let by_address = async || match &listening.tcp {
        Some(tcp) => tcp.accept().await.map(|(stream, _)| stream),
        None => pending().await,
    };
    tokio::select! {
        () = accept(by_socket, Way::Socket, &view, &sockets) => {}
        () = accept(by_address, Way::Address, &view, &addresses) => {}
        _ = stopped => {}
    }
    let all = async || {
        let _ = sockets.acquire_many(MOST as u32).await;
        let _ = addresses.acquire_many(MOST as u32).await;
    };
    let _ = timeout(LAST, all()).await;
}

async fn accept<S: AsyncRead + AsyncWrite + Unpin + 'static>(
    next: impl AsyncFn() -> io::Result<S>,
    way: Way,
    view: &Arc<View>,
    places: &Arc<Semaphore>,
) {
    // Nobody closes it.
    while let Ok(place) = places.clone().acquire_owned().await {
        match next().await {
            Ok(stream) => drop(spawn_local(converse(stream, way, view.clone(), place))),
            // No descriptor is left, mostly: nothing is gained by trying again at once.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Reads a request, has it answered, and ends the connection.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    way: Way,
    view: Arc<View>,
    _place: OwnedSemaphorePermit,
) {
    let settings = view.settings();
    let (mut head, mut bytes) = (Head::new(), Vec::new());
    let head_time = match way {
        Way::Socket => settings.head,
        // Anybody can come by it and say nothing.
        Way::Address => settings.head.min(HEAD_BY_ADDRESS),
    };
    let reading = timeout(head_time, read_head(&mut stream, &mut head, &mut bytes));
    let read = reading.await.unwrap_or_else(|_| {
        let begun = Head::begun(&bytes);
        if begun { Err(Some(Fault { cause: Malformed::HeadTimeout, at: bytes.len() })) } else { Err(None) }
    });
    let fault = match read {
        Ok(()) => None,
        Err(Some(fault)) => Some(fault),
        // Nobody is owed a word on a connection where nothing is asked.
        Err(None) => return,
    };
    let mut exchange = Exchange::new(&view, &settings, way, (&head, &bytes[..]), fault);
    let mut path = Path::new();
    let reason = match exchange.admit(&mut path) {
        Break(reason) => reason,
        Continue(permit) => {
            let content =
                match timeout(settings.content, read_content(&mut stream, &head, &bytes, exchange.largest())).await {
                    Ok(content) => content,
                    Err(_) => Err(Unarrived::Stalled),
                };
            exchange.act(&mut path, permit, content).await
        }
    };
    let mut out = Vec::new();
    exchange.put(reason, (&Clock::new(), &Random::new()), &mut out);
    if let Ok(Ok(())) = timeout(SENDING, stream.write_all(&out)).await {
        let _ = stream.shutdown().await;
        let mut sink = tokio::io::sink();
        let _ = timeout(LINGERING, tokio::io::copy(&mut stream.take(LINGERED), &mut sink)).await;
    }
}

/// Reads until a head is whole. An error is what is wrong with it; without one, nothing was asked.
async fn read_head(
    stream: &mut (impl AsyncRead + Unpin),
    head: &mut Head,
    bytes: &mut Vec<u8>,
) -> Result<(), Option<Fault>> {
    loop {
        match head.parse(bytes, &LIMITS) {
            Ok(Progress::Complete) => return Ok(()),
            Ok(Progress::Partial) => {}
            Err(fault) => return Err(Some(fault)),
        }
        // What goes on and on is refused by its limits; but empty lines before it have none (RFC 9112 §2.2).
        if !Head::begun(bytes) && bytes.len() > LIMITS.fields {
            return Err(None);
        }
        match stream.read_buf(bytes).await {
            Ok(1..) => {}
            Ok(0) if Head::begun(bytes) => return Err(Some(Fault { cause: Malformed::HeadCutShort, at: bytes.len() })),
            Ok(0) | Err(_) => return Err(None),
        }
    }
}

/// Reads the content, of which `bytes` has what came with the head. Its length is known, and within the limit.
async fn read_content(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    head: &Head,
    bytes: &[u8],
    largest: u64,
) -> Result<Vec<u8>, Unarrived> {
    let Framing::Length(length) = head.framing else { return Ok(Vec::new()) };
    debug_assert!(length <= largest, "more has been refused");
    let length = length.min(largest);
    let come = &bytes[head.len..];
    let mut content = come[..come.len().min(length as usize)].to_vec();
    if let Some(invitation) = invite(head.version == Version::Http11, head.expects_continue, !content.is_empty()) {
        let mut out = Vec::new();
        let _ = put_interim(&mut out, head.version, invitation, &[]);
        stream.write_all(&out).await.map_err(|_| Unarrived::CutShort)?;
    }
    let mut rest = stream.take(length - content.len() as u64);
    match rest.read_to_end(&mut content).await {
        Ok(_) if content.len() as u64 == length => Ok(content),
        Ok(_) | Err(_) => Err(Unarrived::CutShort),
    }
}
