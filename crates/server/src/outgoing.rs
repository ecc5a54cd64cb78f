//! TLS to another server for a client that waits: the same protocols, ciphers and authorities as to upstreams.

use crate::upstream::Roots;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;

/// Whom to believe that a server is who it says it is.
#[derive(Clone, Debug)]
pub struct Trust(Roots);

/// A socket with TLS over it, its handshake done.
///
/// Reading, `UnexpectedEof` is an end that TLS did not announce, so that it may not be the end (RFC 9112 §9.8).
#[derive(Debug)]
pub struct Secured(StreamOwned<ClientConnection, TcpStream>);

impl Trust {
    /// The system's authorities. Where it has none, nobody is believed.
    pub fn of_the_system() -> Trust {
        Trust(Roots::of_the_system_now())
    }

    /// The certificates of a PEM file alone; one that is no authority's is believed itself. Errors: what is wrong with the file, in
    /// words for whoever named it.
    pub fn read(path: &Path) -> Result<Trust, String> {
        Roots::read(path).map(Trust)
    }

    /// Greets the server behind a socket, whose certificate has to be for this host: a name, or an address, that of IPv6 in its
    /// brackets (RFC 9110 §4.3.4). How long that may take is the socket's to say.
    ///
    /// Errors: the socket's, `InvalidInput` for a host that no certificate can be for, and `InvalidData` around what TLS says.
    pub fn secure(&self, mut socket: TcpStream, host: &str) -> io::Result<Secured> {
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let name =
            ServerName::try_from(host.to_owned()).map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
        let mut client = ClientConnection::new(self.0.config(), name)
            .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        while client.is_handshaking() {
            client.complete_io(&mut socket)?;
        }
        Ok(Secured(StreamOwned::new(client, socket)))
    }
}

impl Read for Secured {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Secured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
