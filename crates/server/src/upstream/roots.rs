//! Whom to believe that an upstream is who it says it is.

use crate::tls;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::{Arc, OnceLock};

static SYSTEM: OnceLock<Roots> = OnceLock::new();

/// Authorities, and what else a TLS connection to an upstream begins with.
#[derive(Clone, Debug)]
pub(crate) struct Roots {
    config: Arc<ClientConfig>,
    /// The certificates of a file; none of the system's, of which there is one set.
    read: Arc<[CertificateDer<'static>]>,
}

/// Of the same certificates: a file that was read anew and says the same is no other one.
impl PartialEq for Roots {
    fn eq(&self, other: &Roots) -> bool {
        Arc::ptr_eq(&self.config, &other.config) || (!self.read.is_empty() && self.read == other.read)
    }
}

impl Eq for Roots {}

impl Roots {
    /// The system's, read when they are first needed. Where it has none, no certificate is trusted.
    pub(super) async fn of_the_system() -> Roots {
        match SYSTEM.get() {
            Some(roots) => roots.clone(),
            // A bundle has some hundred certificates: a thread that may wait reads them.
            None => {
                let read = tokio::task::spawn_blocking(Roots::of_the_system_now).await;
                read.unwrap_or_else(|_| Roots::of_the_system_now())
            }
        }
    }

    /// The same, for who may wait.
    pub(crate) fn of_the_system_now() -> Roots {
        SYSTEM.get_or_init(|| Roots::new(rustls_native_certs::load_native_certs().certs, [].into()).0).clone()
    }

    /// Those of a PEM file. A certificate that is no authority's is believed itself. Errors: what is wrong with the file, in
    /// words for whoever named it.
    pub(crate) fn read(path: &Path) -> Result<Roots, String> {
        let certificates = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        match Roots::new(certificates.clone(), certificates.into()) {
            (_, 0) => Err(format!("{}: no certificate that can be believed", path.display())),
            (roots, _) => Ok(roots),
        }
    }

    /// Of these certificates; and how many of them can be read.
    fn new(certificates: Vec<CertificateDer<'static>>, read: Arc<[CertificateDer<'static>]>) -> (Roots, usize) {
        let mut store = RootCertStore::empty();
        let (taken, _) = store.add_parsable_certificates(certificates);
        let mut config = tls::client().with_root_certificates(store).with_no_client_auth();
        // RFC 7301: no other protocol is spoken to upstreams.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        (Roots { config: Arc::new(config), read }, taken)
    }

    /// The certificates of the file that was read; none of the system's.
    pub(crate) fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.read
    }

    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        self.config.clone()
    }
}
