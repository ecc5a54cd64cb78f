//! Sockets to listen on: one for each worker on each address, so that workers share nothing when they accept.

use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};

/// How many connections the kernel keeps for us until they are accepted; it takes less if `net.core.somaxconn` says so.
const BACKLOG: i32 = 4096;

/// Binds the address once for each worker. With port 0 the system chooses one port for all of them.
///
/// Errors: as bind(2). A port that anybody listens on is `AddrInUse`, even where `SO_REUSEPORT` would let us share it.
pub(crate) fn bind(address: SocketAddr, workers: usize) -> io::Result<Vec<TcpListener>> {
    // The probe: without SO_REUSEPORT a port that is taken is an error, and not a server that gets half the requests.
    let probe = socket(address, false)?;
    let address = bound(&probe)?;
    drop(probe);
    (0..workers)
        .map(|_| {
            let socket = socket(address, true)?;
            socket.listen(BACKLOG)?;
            Ok(socket.into())
        })
        .collect()
}

/// How many bytes of an answer the kernel holds for a client beyond what is on its way: without a bound a few hundred slow
/// readers of large files pin a gigabyte, and filling their buffers keeps a worker from everybody else. With half of it a
/// worker that sends a large file to a fast client is woken twice as often.
const UNSENT: u32 = 1 << 20;

fn socket(address: SocketAddr, share: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // `[::]` means IPv6 alone; who wants both names both.
        socket.set_only_v6(true)?;
    }
    if share {
        socket.set_reuse_port(true)?;
        // Accepted sockets inherit these, which saves two calls for each.
        socket.set_tcp_nodelay(true)?;
        socket.set_tcp_notsent_lowat(UNSENT)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

fn bound(socket: &Socket) -> io::Result<SocketAddr> {
    socket.local_addr()?.as_socket().ok_or_else(|| io::Error::other("the socket has no internet address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_is_an_error_even_if_it_could_be_shared() {
        let first = bind("127.0.0.1:0".parse().unwrap(), 2).unwrap();
        let address = first[0].local_addr().unwrap();
        assert_eq!(first[1].local_addr().unwrap(), address);
        assert_eq!(bind(address, 1).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }
}
