//! TLS to another server for a client that waits: the same protocols, ciphers and authorities as to upstreams.

use crate::upstream::Roots;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    StreamOwned,
};
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Whom to believe that a server is who it says it is.
#[derive(Clone, Debug)]
pub struct Trust(Arc<ClientConfig>);

/// A socket with TLS over it, its handshake done.
///
/// Reading, `UnexpectedEof` is an end that TLS did not announce, so that it may not be the end (RFC 9112 §9.8).
#[derive(Debug)]
pub struct Secured(StreamOwned<ClientConnection, TcpStream>);

impl Trust {
    /// The system's authorities. Where it has none, nobody is believed.
    pub fn of_the_system() -> Trust {
        Trust(Roots::of_the_system_now().config())
    }

    /// The certificates of a PEM file alone. One that a server shows itself is believed, whether or not it is an authority's: it was
    /// named. Errors: what is wrong with the file, in words for whoever named it.
    pub fn read(path: &Path) -> Result<Trust, String> {
        let roots = Roots::read(path)?;
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots.certificates().iter().cloned());
        let mut config = ClientConfig::clone(&roots.config());
        let provider = config.crypto_provider().clone();
        let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider)
            .build()
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let named = Named { chains, certificates: roots.certificates().into() };
        config.dangerous().set_certificate_verifier(Arc::new(named));
        Ok(Trust(Arc::new(config)))
    }

    /// Greets the server behind a socket, whose certificate has to be for this host: a name, or an address, that of IPv6 in its
    /// brackets (RFC 9110 §4.3.4). How long that may take is the socket's to say.
    ///
    /// Errors: the socket's, `InvalidInput` for a host that no certificate can be for, and `InvalidData` around what TLS says.
    pub fn secure(&self, mut socket: TcpStream, host: &str) -> io::Result<Secured> {
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let name =
            ServerName::try_from(host.to_owned()).map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
        let mut client = ClientConnection::new(self.0.clone(), name)
            .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        while client.is_handshaking() {
            client.complete_io(&mut socket)?;
        }
        Ok(Secured(StreamOwned::new(client, socket)))
    }
}

/// Who is believed by the certificates of a file.
///
/// What signs itself is usually made as an authority, and no authority is taken for a server, even where it is the very certificate
/// that was named (RFC 5280 §4.2.1.9 leaves that open). That one is taken, as other clients do.
#[derive(Debug)]
struct Named {
    chains: Arc<WebPkiServerVerifier>,
    certificates: Arc<[CertificateDer<'static>]>,
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.chains.verify_server_cert(shown, others, name, ocsp, now) {
            Err(Error::InvalidCertificate(CertificateError::Other(_))) if self.has(shown) => {
                if !is_in_its_time(shown, now) {
                    return Err(CertificateError::Expired.into());
                }
                rustls::client::verify_server_name(&ParsedCertificate::try_from(shown)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

impl Named {
    /// Whether it is one of those in the file, byte for byte.
    fn has(&self, certificate: &CertificateDer<'_>) -> bool {
        self.certificates.iter().any(|named| **named == **certificate)
    }
}

/// RFC 5280 §4.1.2.5.
fn is_in_its_time(certificate: &CertificateDer<'_>, now: UnixTime) -> bool {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else { return false };
    let Ok(now) = i64::try_from(now.as_secs()) else { return false };
    (parsed.validity().not_before.timestamp()..=parsed.validity().not_after.timestamp()).contains(&now)
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
