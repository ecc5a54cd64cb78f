//! What systemd(1) and we tell each other: sockets that it listens on for us, and how far we are.
//!
//! sd_listen_fds(3) and sd_notify(3), both of which are environment variables and a datagram.

use std::io;
use std::net::TcpListener;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The first descriptor that is passed.
const FIRST: RawFd = 3;

/// The sockets of a `.socket` unit. Called once, before anything else of the process opens a descriptor.
///
/// Errors: one of them is no TCP socket that listens.
pub(crate) fn sockets() -> io::Result<Vec<TcpListener>> {
    let number = |name| std::env::var(name).ok().and_then(|value| value.parse::<u32>().ok());
    // A process that inherits the variables without being meant has another number.
    if number("LISTEN_PID") != Some(std::process::id()) {
        return Ok(Vec::new());
    }
    let count = number("LISTEN_FDS").unwrap_or(0).min(1024);
    let descriptors = (FIRST..).take(count as usize);
    descriptors.map(inherited).collect()
}

/// Whether a number is a descriptor of a socket that listens.
pub(crate) fn is_listening(descriptor: RawFd) -> bool {
    // SAFETY: it is only asked what it is; a number that is no descriptor is answered with an error.
    let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
    rustix::net::sockopt::socket_acceptconn(borrowed).is_ok_and(|listens| listens)
}

/// A listening socket that this process was started with.
pub(crate) fn inherited(descriptor: RawFd) -> io::Result<TcpListener> {
    // SAFETY: whoever started us says that the descriptor is open and ours, once; what it is, is looked at next.
    let owned = unsafe { OwnedFd::from_raw_fd(descriptor) };
    rustix::io::fcntl_setfd(&owned, rustix::io::FdFlags::CLOEXEC)?;
    let listens = rustix::net::sockopt::socket_acceptconn(&owned)?;
    let socket = TcpListener::from(owned);
    // Fails unless it is an internet address.
    socket.local_addr()?;
    if listens { Ok(socket) } else { Err(io::Error::other("it does not listen")) }
}

/// Tells systemd how far we are, if it wants to know: `READY=1` and the like.
pub(crate) fn tell(state: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    // Not being heard is no reason to stop.
    let _ = send(path.as_encoded_bytes(), state);
}

fn send(path: &[u8], state: &str) -> io::Result<()> {
    let address = match path.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(std::str::from_utf8(path).map_err(io::Error::other)?)?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address).map(drop)
}

/// Microseconds of the clock that `MONOTONIC_USEC` is of.
pub(crate) fn monotonic_usec() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_arrives_by_path_and_by_abstract_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let name = format!("verdict-test-{}", std::process::id());
        let by_path = UnixDatagram::bind(&path).unwrap();
        let by_name = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        for (socket, place) in [(by_path, path.to_str().unwrap().to_owned()), (by_name, format!("@{name}"))] {
            send(place.as_bytes(), "READY=1").unwrap();
            let mut message = [0; 64];
            let n = socket.recv(&mut message).unwrap();
            assert_eq!(&message[..n], b"READY=1");
        }
        assert!(send(b"/nowhere/at/all", "READY=1").is_err());
    }

    #[test]
    fn a_descriptor_that_does_not_listen_is_refused() {
        use std::os::fd::IntoRawFd;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert!(inherited(client.into_raw_fd()).is_err());
        let file = std::fs::File::open("/dev/null").unwrap();
        assert!(inherited(file.into_raw_fd()).is_err());
        assert!(inherited(listener.into_raw_fd()).is_ok());
    }
}
