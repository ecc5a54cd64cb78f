//! A socket to an upstream, of whichever kind, and who waits for it: the reactor of a worker, or tokio where nothing else is to
//! be done.

use crate::reactor::{Reactor, Source, Way};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with, sockopt};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::unix::AsyncFd;
use verdict_core::cause::Upstream;

/// A connected socket.
pub(super) enum Socket {
    OfWorker(Source<OwnedFd>),
    OfTokio(AsyncFd<OwnedFd>),
}

/// Who waits for a socket.
#[derive(Clone)]
pub(crate) enum Waits {
    /// A worker.
    Worker(Rc<Reactor>),
    /// tokio's current runtime, whose I/O has to be enabled.
    Tokio,
}

/// Where a socket may lead.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Address {
    Inet(SocketAddr),
    Unix(Box<Path>),
}

impl Socket {
    /// A connection to an address.
    pub(super) async fn connect(address: &Address, waits: &Waits) -> Result<Socket, Upstream> {
        let family = match address {
            Address::Inet(SocketAddr::V4(_)) => AddressFamily::INET,
            Address::Inet(SocketAddr::V6(_)) => AddressFamily::INET6,
            Address::Unix(_) => AddressFamily::UNIX,
        };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(family, SocketType::STREAM, flags, None).map_err(unconnected)?;
        if let Address::Inet(_) = address {
            // Without it a request is only slower.
            let _ = sockopt::set_tcp_nodelay(&socket, true);
        }
        // It is begun before anybody watches: what is not connected at all counts as ended.
        let begun = connected(&socket, address);
        let socket = Socket::watched(socket, waits).map_err(|error| unconnected(of_kernel(&error)))?;
        if begun.is_ok() {
            return Ok(socket);
        }
        let connecting = poll_fn(|context| socket.poll_io(context, Way::Write, |socket| connected(socket, address)));
        connecting.await.map_err(|error| unconnected(of_kernel(&error)))?;
        Ok(socket)
    }

    fn watched(socket: OwnedFd, waits: &Waits) -> io::Result<Socket> {
        Ok(match waits {
            Waits::Worker(reactor) => Socket::OfWorker(Source::new(socket, reactor)?),
            // SAFETY: an `OwnedFd` is the same descriptor for as long as it lives, and nothing else closes it.
            Waits::Tokio => Socket::OfTokio(unsafe { AsyncFd::register(socket)? }),
        })
    }

    /// Makes a call when it may not block, until it does not.
    pub(super) fn poll_io<R>(
        &self,
        context: &mut Context<'_>,
        way: Way,
        mut call: impl FnMut(&OwnedFd) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let socket = match self {
            Socket::OfWorker(source) => return source.poll_io(context, way, call),
            Socket::OfTokio(socket) => socket,
        };
        loop {
            let mut ready = ready!(match way {
                Way::Read => socket.poll_read_ready(context),
                Way::Write => socket.poll_write_ready(context),
            })?;
            match ready.try_io(|socket| call(socket.get_ref())) {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(done) => return Poll::Ready(done),
                Err(_would_block) => {}
            }
        }
    }

    /// The last call that read got less than there was room for.
    pub(super) fn is_drained(&self) {
        if let Socket::OfWorker(source) = self {
            source.is_drained();
        }
    }

    /// Whether anything has come, or it has ended, since this was asked last. It costs nothing; and what waits with a
    /// worker's turn is not seen before that.
    pub(super) fn has_stirred(&self) -> bool {
        match self {
            Socket::OfWorker(source) => source.has_stirred(),
            // A connection that tokio waits for is used once.
            Socket::OfTokio(_) => true,
        }
    }

    /// Whether something may wait to be read: it has not been read dry, or something has come since.
    pub(super) fn may_have_something(&self) -> bool {
        match self {
            Socket::OfWorker(source) => source.is_readable(),
            Socket::OfTokio(_) => true,
        }
    }

    /// Whether the other side has ended, as far as the kernel has told.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Socket::OfWorker(source) => source.is_over(),
            Socket::OfTokio(_) => false,
        }
    }

    pub(super) fn get(&self) -> &OwnedFd {
        match self {
            Socket::OfWorker(source) => source.get(),
            Socket::OfTokio(socket) => socket.get_ref(),
        }
    }
}

/// Connects, or tells how far it came when it has begun already (connect(2)). Errors: `WouldBlock` while it goes on.
fn connected(socket: &OwnedFd, address: &Address) -> io::Result<()> {
    let connected = match address {
        Address::Inet(address) => connect(socket, address),
        Address::Unix(path) => SocketAddrUnix::new(&**path).and_then(|address| connect(socket, &address)),
    };
    match connected {
        Ok(()) | Err(Errno::ISCONN) => Ok(()),
        Err(Errno::INPROGRESS | Errno::ALREADY) => Err(io::ErrorKind::WouldBlock.into()),
        // A socket of this machine whose queue is full says so at once, and nobody tells when it is not.
        Err(Errno::AGAIN) => Err(Errno::CONNREFUSED.into()),
        Err(error) => Err(error.into()),
    }
}

fn of_kernel(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

/// Why there is no connection.
fn unconnected(error: Errno) -> Upstream {
    match error {
        Errno::CONNREFUSED => Upstream::Refused,
        Errno::CONNRESET => Upstream::Reset,
        // The system's own patience was shorter.
        Errno::TIMEDOUT => Upstream::ConnectSlow,
        // There is no descriptor, or no port, left for one more.
        Errno::MFILE | Errno::NFILE | Errno::ADDRNOTAVAIL | Errno::NOBUFS | Errno::NOMEM => Upstream::PoolBusy,
        _ => Upstream::Unreachable,
    }
}
