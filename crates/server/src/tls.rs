//! TLS: which certificate speaks for whom, and what new connections begin with.
//!
//! A reload makes a new [`Secure`]; connections keep the one that they began with. The keys of session tickets belong to the
//! server and outlive reloads, so that clients resume on whichever worker, before and after.

mod certificate;
mod names;
mod session;

pub use certificate::{Certificate, Part};
pub(crate) use names::Names;
pub(crate) use session::{Session, looks_plain};

use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{Ticketer, default_provider};
use rustls::server::{ClientHello, NoServerSessionStorage, ProducesTickets, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ConfigBuilder, ServerConfig, WantsVerifier};
use std::sync::{Arc, LazyLock};

/// What encrypts: one for the process.
static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(default_provider()));

/// What a connection to an upstream begins with, but for whom it believes.
pub(crate) fn client() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    let Ok(builder) = ClientConfig::builder_with_provider(PROVIDER.clone()).with_safe_default_protocol_versions()
    else {
        unreachable!("the provider has what TLS 1.2 and 1.3 need")
    };
    builder
}

/// The protocols that a client may choose (RFC 7301), the preferred one first.
const PROTOCOLS: [&[u8]; 2] = [HTTP2, b"http/1.1"];
const HTTP2: &[u8] = b"h2";

/// The keys of session tickets. They are made anew every few hours, and the last ones still taken for as long.
#[derive(Clone, Default)]
pub(crate) struct Tickets(Option<Arc<dyn ProducesTickets>>);

impl Tickets {
    /// Where the system has no random bits for keys, sessions are not resumed.
    pub(crate) fn new() -> Tickets {
        Tickets(Ticketer::new().ok())
    }
}

/// What new connections begin with.
pub(crate) struct Secure {
    config: Arc<ServerConfig>,
    certificates: Arc<Certificates>,
}

/// At least one; the first is for whom none is.
#[derive(Debug)]
struct Certificates(Vec<Arc<Certificate>>);

impl Secure {
    /// Of at least one certificate.
    pub(crate) fn new(certificates: &[Arc<Certificate>], tickets: &Tickets) -> Secure {
        let certificates = Arc::new(Certificates(certificates.to_vec()));
        let Ok(builder) = ServerConfig::builder_with_provider(PROVIDER.clone()).with_safe_default_protocol_versions()
        else {
            unreachable!("the provider has what TLS 1.2 and 1.3 need")
        };
        let mut config = builder.with_no_client_auth().with_cert_resolver(certificates.clone());
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
        // What a session is resumed by is with the client alone: workers share nothing, and nothing grows.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        if let Some(tickets) = &tickets.0 {
            config.ticketer = tickets.clone();
        }
        Secure { config: Arc::new(config), certificates }
    }
}

impl Certificates {
    /// The first that speaks for the name, or the first of all (RFC 6066 §3 leaves it open; who asks for another authority
    /// then is told so by 421).
    fn of(&self, name: Option<&str>) -> Option<&Arc<Certificate>> {
        let named = name.and_then(|name| self.0.iter().find(|certificate| certificate.names.serve(name)));
        named.or(self.0.first())
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.of(hello.server_name()).map(|certificate| certificate.key.clone())
    }
}
