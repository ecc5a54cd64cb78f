//! From a target to a connection, in three steps that each fail in their own way: addresses, a socket to one of them, TLS.

use super::socket::{Address, Socket};
use super::stream::Stream;
use super::target::{Host, Target};
use super::{Roots, resolver};
use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use std::io;
use verdict_core::cause::Upstream;

/// The addresses of a target, in the order in which the system prefers them; at least one. A look-up that is given up goes on
/// in a thread of its own until the system gives up too.
pub(super) async fn addresses(target: &Target) -> Result<Vec<Address>, Upstream> {
    let name = match target.host() {
        Host::Address(address) => return Ok(vec![Address::Inet((*address, target.port()).into())]),
        Host::Name(name) => name,
        Host::Socket(path) => return Ok(vec![Address::Unix(path.clone())]),
    };
    // RFC 6761 §6.4: nothing under `invalid` exists, and nobody needs to be asked.
    if name.trim_end_matches('.').rsplit('.').next() == Some("invalid") {
        return Err(Upstream::NameUnknown);
    }
    let found = resolver::look_up(name, target.port()).await?;
    Ok(found.iter().copied().map(Address::Inet).collect())
}

/// The stream over a socket: with TLS where the target wants it, and then with the target's own certificate
/// (RFC 9110 §4.3.4).
pub(super) async fn secured(socket: Socket, target: &Target) -> Result<Stream, Upstream> {
    if !target.is_secure() {
        return Ok(Stream::plain(socket));
    }
    let roots = match target.roots() {
        Some(roots) => roots.clone(),
        None => Roots::of_the_system().await,
    };
    let name = match target.host() {
        Host::Address(address) => ServerName::from(*address),
        // What is no name of the DNS is in no certificate.
        Host::Name(name) => ServerName::try_from(name.to_string()).map_err(|_| Upstream::Certificate)?,
        // Nobody certifies a path.
        Host::Socket(_) => return Err(Upstream::Certificate),
    };
    let client = ClientConnection::new(roots.config(), name).map_err(|_| Upstream::Tls)?;
    Stream::secured(socket, client).await.map_err(|error| ungreeted(&error))
}

/// Why a handshake failed.
fn ungreeted(error: &io::Error) -> Upstream {
    let said = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match said {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => Upstream::Certificate,
        Some(_) => Upstream::Tls,
        // It went without a word.
        None => Upstream::Reset,
    }
}
