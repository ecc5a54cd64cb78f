//! Sockets to listen on: one for each worker on each address, so that workers share nothing when they accept.

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};

/// How many connections the kernel keeps for us until they are accepted; it takes less if `net.core.somaxconn` says so.
pub(crate) const BACKLOG: i32 = 4096;

/// An address of the config that is listened on.
#[derive(Debug)]
pub(crate) struct Listening {
    /// As the config says it: with port 0 the system chooses.
    pub(crate) configured: SocketAddr,
    /// As it is.
    pub(crate) address: SocketAddr,
    sockets: Vec<TcpListener>,
}

/// A socket that another process listened on, for an address of the config.
pub(crate) struct Given {
    pub(crate) configured: SocketAddr,
    pub(crate) socket: TcpListener,
}

impl Listening {
    /// Binds the address once for each worker. With port 0 the system chooses one port for all of them.
    ///
    /// `given_up`: where our own sockets listen that are closed next. They are no reason not to listen on an address that one
    /// of these is part of, or the other way round; until they are closed, clients come to the narrower one.
    ///
    /// Errors: as bind(2). A port that anybody else listens on is `AddrInUse`, even where `SO_REUSEPORT` would let us share
    /// it; and so is one of our own sockets that another user bound.
    pub(crate) fn bind(configured: SocketAddr, workers: usize, given_up: &[SocketAddr]) -> io::Result<Listening> {
        let ours = given_up.iter().any(|other| overlap(configured, *other));
        // The probe: without SO_REUSEPORT a port that is taken is an error, and not a server that gets half the requests.
        let address = match socket(configured, false) {
            Ok(probe) => probe.local_addr()?.as_socket(),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && ours => Some(configured),
            Err(error) => return Err(error),
        };
        let address = address.ok_or_else(|| io::Error::other("the socket has no internet address"))?;
        let bound = (0..workers).map(|_| {
            let socket = socket(address, true)?;
            socket.listen(BACKLOG)?;
            Ok(socket.into())
        });
        Ok(Listening { configured, address, sockets: bound.collect::<io::Result<_>>()? })
    }

    /// Goes on listening where another process did; `None` if none of the sockets is for this address. Every one is kept:
    /// clients wait in its queue.
    pub(crate) fn adopt(configured: SocketAddr, given: &mut Vec<Given>) -> io::Result<Option<Listening>> {
        let (ours, others): (Vec<_>, _) = given.drain(..).partition(|given| given.configured == configured);
        *given = others;
        let Some(first) = ours.first() else { return Ok(None) };
        let address = first.socket.local_addr()?;
        for Given { socket, .. } in &ours {
            socket.set_nonblocking(true)?;
            for_connections(SockRef::from(socket))?;
        }
        Ok(Some(Listening { configured, address, sockets: ours.into_iter().map(|given| given.socket).collect() }))
    }

    /// The sockets that one of so many workers accepts from. None is left out, and no worker without one.
    pub(crate) fn of_worker(&self, worker: usize, workers: usize) -> io::Result<Vec<TcpListener>> {
        let sockets = self.sockets.len();
        let own = (worker % sockets..sockets).step_by(workers);
        own.map(|i| self.sockets[i].try_clone()).collect()
    }

    /// All of its sockets.
    pub(crate) fn sockets(&self) -> &[TcpListener] {
        &self.sockets
    }
}

/// Whether a client can come to both: they are the same, or one is all addresses of the machine.
pub(crate) fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() == other.port()
        && one.port() != 0
        && one.is_ipv4() == other.is_ipv4()
        && (one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified())
}

/// Whether a socket of ours that is bound already lets another be bound beside it: only one of the same user does.
pub(crate) fn is_shared(bound: SocketAddr) -> bool {
    socket(bound, true).is_ok()
}

fn socket(address: SocketAddr, share: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // `[::]` means IPv6 alone; who wants both names both.
        socket.set_only_v6(true)?;
    }
    if share {
        socket.set_reuse_port(true)?;
        for_connections(SockRef::from(&socket))?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Accepted sockets inherit these, which saves calls for each.
fn for_connections(socket: SockRef<'_>) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    // Urgent data is data: set apart it would end a read early, which is taken for the end of what has come.
    socket.set_out_of_band_inline(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[test]
    fn a_port_that_is_taken_is_an_error_even_if_it_could_be_shared() {
        let first = Listening::bind(local(0), 2, &[]).unwrap();
        assert!(first.sockets().iter().all(|socket| socket.local_addr().unwrap() == first.address));
        assert_eq!(Listening::bind(first.address, 1, &[]).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn our_own_sockets_are_in_nobodys_way_when_they_are_given_up() {
        let narrow = Listening::bind(local(0), 2, &[]).unwrap();
        let wide = SocketAddr::from(([0, 0, 0, 0], narrow.address.port()));
        assert_eq!(Listening::bind(wide, 1, &[]).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(Listening::bind(wide, 2, &[narrow.address]).unwrap().address, wide);
        assert!(is_shared(narrow.address));
        // Whoever does not share is in the way of both.
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let wide = SocketAddr::from(([0, 0, 0, 0], other.local_addr().unwrap().port()));
        let given_up = [SocketAddr::from(([127, 0, 0, 2], wide.port()))];
        assert_eq!(Listening::bind(wide, 1, &given_up).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert!(!is_shared(other.local_addr().unwrap()));
    }

    #[test]
    fn addresses_overlap_that_a_client_can_come_to_by_both() {
        for (one, other, expected) in [
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "0.0.0.0:80", true),
            ("[::]:80", "[::1]:80", true),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("127.0.0.1:80", "0.0.0.0:81", false),
            ("127.0.0.1:80", "[::]:80", false),
            ("127.0.0.1:0", "0.0.0.0:0", false),
        ] {
            let (one, other) = (one.parse().unwrap(), other.parse().unwrap());
            assert_eq!((overlap(one, other), overlap(other, one)), (expected, expected), "{one} {other}");
        }
    }

    /// With more sockets than workers, as many, and fewer.
    #[test]
    fn every_socket_has_a_worker_and_every_worker_a_socket() {
        for (sockets, workers) in [(1, 1), (4, 2), (5, 2), (2, 2), (2, 4), (2, 5), (1, 3), (3, 2)] {
            let listening = Listening::bind(local(0), sockets, &[]).unwrap();
            let mut served = vec![false; sockets];
            for worker in 0..workers {
                let own = (worker % sockets..sockets).step_by(workers).inspect(|i| served[*i] = true).count();
                assert_eq!(listening.of_worker(worker, workers).unwrap().len(), own);
                assert!(own > 0, "worker {worker} of {workers} has none of {sockets}");
            }
            assert!(served.iter().all(|served| *served), "{sockets} sockets, {workers} workers: {served:?}");
        }
    }

    #[test]
    fn given_sockets_are_taken_over_by_the_address_they_were_for() {
        let old = Listening::bind(local(0), 2, &[]).unwrap();
        let given = |configured| {
            old.sockets().iter().map(move |socket| Given { configured, socket: socket.try_clone().unwrap() })
        };
        let mut all: Vec<_> = given(local(0)).chain(given(local(9))).collect();
        let new = Listening::adopt(local(0), &mut all).unwrap().unwrap();
        assert_eq!((new.configured, new.address, new.sockets().len()), (local(0), old.address, 2));
        assert_eq!(all.len(), 2);
        assert!(Listening::adopt(local(1), &mut all).unwrap().is_none());
    }
}
