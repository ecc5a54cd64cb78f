//! A certificate and its key, from the files that the config names.

use super::names::Names;
use rustls::InconsistentKeys;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::io::Read;
use std::net::IpAddr;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

/// The most that a file of either can have.
const LARGEST: u64 = 1 << 20;

/// A certificate with those that lead to who signed it, its key, and whom it speaks for.
pub struct Certificate {
    pub(super) key: Arc<CertifiedKey>,
    pub(super) names: Names,
    /// Seconds since 1970 from which and until which it holds.
    holds: (i64, i64),
    /// Others than the owner may read the key.
    exposed: bool,
}

/// Which of the two files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The certificate, with those that lead to who signed it.
    Certificate,
    /// The private key.
    Key,
}

/// What is wrong with one of the files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Which file.
    pub part: Part,
    /// What, to stand behind its name.
    pub message: String,
    /// What helps.
    pub help: &'static str,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Nothing of the key.
        f.debug_struct("Certificate").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Certificate {
    /// Reads a certificate and its key: PEM (RFC 7468), the certificate first and then those that lead to who signed it.
    ///
    /// Errors: what is wrong with the first file that is wrong.
    pub fn load(certificate: &Path, key: &Path) -> Result<Certificate, Fault> {
        let (chain, _) = read(certificate, Part::Certificate)?;
        let (secret, exposed) = read(key, Part::Key)?;
        let chain = CertificateDer::pem_slice_iter(&chain).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| not_pem(Part::Certificate, &error))?;
        let Some(own) = chain.first() else {
            return Err(not_pem(Part::Certificate, &pem::Error::NoItemsFound));
        };
        let (names, holds) = describe(own)?;
        let secret = PrivateKeyDer::from_pem_slice(&secret).map_err(|error| not_pem(Part::Key, &error))?;
        let key = CertifiedKey::from_der(chain, secret, &super::PROVIDER).map_err(|error| unfit(&error))?;
        Ok(Certificate { key: Arc::new(key), names, holds, exposed })
    }

    /// Why it will not be of use to clients though it can be served, if so, and what helps.
    pub fn doubts(&self, now: SystemTime) -> Vec<(Part, &'static str, &'static str)> {
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
        let (from, until) = self.holds;
        let mut doubts = Vec::new();
        if seconds > until {
            doubts.push((Part::Certificate, "has expired", "clients refuse it: renew it"));
        }
        if seconds < from {
            doubts.push((Part::Certificate, "does not hold yet", "clients refuse it: set the clock, or wait"));
        }
        if self.names.is_empty() {
            let help = "clients look for the host among its subject's alternative names: have it issued with them";
            doubts.push((Part::Certificate, "names no host", help));
        }
        if self.exposed {
            doubts.push((Part::Key, "can be read by every user", "let its owner alone read it: `chmod 600`"));
        }
        doubts
    }
}

/// The bytes of a regular file, and whether every user may read it.
fn read(path: &Path, part: Part) -> Result<(Vec<u8>, bool), Fault> {
    let fault = |message: String, help| Fault { part, message, help };
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => fault("does not exist".to_owned(), "create it, or name one that is there"),
        _ => fault(format!("cannot be read: {error}"), "let the user who runs the server read it"),
    };
    // A pipe would be waited for.
    let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let file = std::fs::File::options().read(true).custom_flags(flags).open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(fault("is not a regular file".to_owned(), "name a file"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(fault("is larger than 1MiB".to_owned(), "name the right file"));
    }
    Ok((bytes, metadata.mode() & 0o004 != 0))
}

fn not_pem(part: Part, error: &pem::Error) -> Fault {
    let (what, help) = match part {
        Part::Certificate => ("certificate", "it begins with `-----BEGIN CERTIFICATE-----`"),
        Part::Key => ("private key", "it begins with `-----BEGIN PRIVATE KEY-----`, and has no password"),
    };
    let message = match error {
        pem::Error::NoItemsFound => format!("holds no {what} in PEM"),
        _ => format!("is not PEM: {error}"),
    };
    Fault { part, message, help }
}

fn unfit(error: &rustls::Error) -> Fault {
    let (part, message, help) = match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            (Part::Key, "is not the key of the certificate".to_owned(), "name the two that belong together")
        }
        rustls::Error::InvalidCertificate(_) => {
            (Part::Certificate, format!("cannot be used: {error}"), "have it issued again")
        }
        _ => (Part::Key, format!("cannot be used: {error}"), "RSA of 2048 bits or more, P-256, P-384 and Ed25519 can"),
    };
    Fault { part, message, help }
}

/// Whom a certificate speaks for, and from when until when.
fn describe(certificate: &CertificateDer<'_>) -> Result<(Names, (i64, i64)), Fault> {
    let unreadable = |message: String| Fault { part: Part::Certificate, message, help: "have it issued again" };
    let (_, parsed) =
        X509Certificate::from_der(certificate).map_err(|error| unreadable(format!("is malformed: {error}")))?;
    let named = parsed.subject_alternative_name().map_err(|error| unreadable(format!("is malformed: {error}")))?;
    let named = named.map_or(&[][..], |extension| &extension.value.general_names);
    let hosts = named.iter().filter_map(|name| match name {
        GeneralName::DNSName(host) => Some(*host),
        _ => None,
    });
    let addresses = named.iter().filter_map(|name| match name {
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(IpAddr::from),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(IpAddr::from),
        },
        _ => None,
    });
    let validity = parsed.validity();
    Ok((Names::new(hosts, addresses.collect()), (validity.not_before.timestamp(), validity.not_after.timestamp())))
}
