//! Certificates for tests, signed by nobody but themselves, and a client that trusts whom it is told to.

use rcgen::{CertificateParams, KeyPair};
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::fs::{self, Permissions};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A certificate and its key, in PEM.
pub(crate) struct Issued {
    pub(crate) certificate: String,
    pub(crate) key: String,
    pub(crate) der: CertificateDer<'static>,
}

/// Issues one for these names and addresses.
pub(crate) fn issue(names: &[&str]) -> Issued {
    issue_as(names, |_| {})
}

pub(crate) fn issue_as(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Issued {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    change(&mut params);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    Issued { certificate: certificate.pem(), key: key.serialize_pem(), der: certificate.der().clone() }
}

impl Issued {
    /// Writes both as `NAME.pem` and `NAME.key`, and says the config for them.
    pub(crate) fn put(&self, folder: &Path, name: &str) -> String {
        let key = folder.join(format!("{name}.key"));
        fs::write(folder.join(format!("{name}.pem")), &self.certificate).expect("a file");
        fs::write(&key, &self.key).expect("a file");
        fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("its permissions");
        format!("{{ certificate = \"{name}.pem\", key = \"{name}.key\" }}")
    }
}

/// What a client trusts and speaks; it remembers sessions.
pub(crate) fn trusting(roots: &[&Issued], protocols: &[&str]) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root.der.clone()).expect("a root");
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone()).build();
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let mut config = builder.with_webpki_verifier(verifier.expect("a verifier")).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    Arc::new(config)
}

/// A connection to the server under a name, with its handshake done.
pub(crate) fn connect(
    config: &Arc<ClientConfig>,
    address: SocketAddr,
    name: &str,
) -> std::io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(20)))?;
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let mut connection = ClientConnection::new(config.clone(), name).map_err(std::io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut socket)?;
    }
    Ok(StreamOwned::new(connection, socket))
}
