//! Upstreams that speak TLS, or should.

use super::super::Roots;
use super::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::sync::Arc;

/// An authority of these tests, the file that names it, and what it signs.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    roots: Roots,
    _folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let (roots, folder) = believed(&issuer.pem());
        Authority { issuer, roots, _folder: folder }
    }

    /// What a server shows that is `127.0.0.1`, but for what `change` makes of it.
    fn signed(&self, change: impl FnOnce(&mut CertificateParams)) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let certificate = params(change).signed_by(&key, &self.issuer).unwrap();
        config(certificate.der().to_vec(), &key)
    }
}

fn params(change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.subject_alt_names = vec![SanType::IpAddress([127, 0, 0, 1].into())];
    change(&mut params);
    params
}

fn config(certificate: Vec<u8>, key: &KeyPair) -> Arc<ServerConfig> {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_no_client_auth().with_single_cert(vec![certificate.into()], key).unwrap())
}

fn believed(pem: &str) -> (Roots, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("roots.pem");
    std::fs::write(&path, pem).unwrap();
    (Roots::read(&path).unwrap(), folder)
}

type Secure = StreamOwned<ServerConnection, TcpStream>;

/// Asks an upstream that does `then` over TLS, once it has heard the request.
fn told(
    config: Arc<ServerConfig>,
    roots: Option<&Roots>,
    then: impl FnOnce(&mut Secure) + Send + 'static,
) -> Result<Answer, Upstream> {
    let (address, _) = serve(move |socket| {
        let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), socket);
        // Where the client goes away, there is nothing to be heard.
        while stream.conn.is_handshaking() {
            if stream.conn.complete_io(&mut stream.sock).is_err() {
                return;
            }
        }
        hear(&mut stream);
        then(&mut stream);
    });
    let target = Target::parse(&format!("https://{address}/")).unwrap();
    let target = match roots {
        Some(roots) => target.trusting(roots),
        None => target,
    };
    asked(&target, GET, &PATIENT, 1 << 24)
}

fn answers(stream: &mut Secure) {
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").unwrap();
}

#[test]
fn a_certificate_is_believed_if_its_authority_is() {
    let authority = Authority::new();
    let answer = told(authority.signed(|_| {}), Some(&authority.roots), answers).unwrap();
    assert_eq!(content(&answer), (200, &b"hi"[..]));

    // One that is its own authority, and named as such.
    let key = KeyPair::generate().unwrap();
    let own = params(|_| {}).self_signed(&key).unwrap();
    let (roots, _folder) = believed(&own.pem());
    let answer = told(config(own.der().to_vec(), &key), Some(&roots), answers).unwrap();
    assert_eq!(content(&answer), (200, &b"hi"[..]));
}

#[test]
fn a_certificate_that_cannot_be_believed_is_called_so() {
    let (authority, other) = (Authority::new(), Authority::new());
    let key = KeyPair::generate().unwrap();
    let own = params(|_| {}).self_signed(&key).unwrap();
    let expired = authority.signed(|params| params.not_after = rcgen::date_time_ymd(2001, 1, 1));
    let to_come = authority.signed(|params| params.not_before = rcgen::date_time_ymd(4000, 1, 1));
    let name = authority.signed(|params| params.subject_alt_names = vec![SanType::DnsName("a".try_into().unwrap())]);
    let address = authority.signed(|params| params.subject_alt_names = vec![SanType::IpAddress([127, 0, 0, 2].into())]);
    let own = config(own.der().to_vec(), &key);
    for (case, config, roots) in [
        ("self-signed", own.clone(), Some(&authority.roots)),
        ("self-signed, for the system", own, None),
        ("expired", expired, Some(&authority.roots)),
        ("not yet valid", to_come, Some(&authority.roots)),
        ("another's name", name, Some(&authority.roots)),
        ("another's address", address, Some(&authority.roots)),
        ("another's authority", authority.signed(|_| {}), Some(&other.roots)),
        ("an authority that the system does not know", authority.signed(|_| {}), None),
    ] {
        assert_eq!(told(config, roots, answers), Err(Upstream::Certificate), "{case}");
    }
}

#[test]
fn a_handshake_that_fails_is_called_by_why() {
    let times = Times { connect: Duration::from_millis(300), ..PATIENT };
    let rows: [(&str, &'static [Step], Times, Upstream); 6] = [
        ("garbage", &[Step::Say(b"garbage of some length"), Step::Hold], PATIENT, Upstream::Tls),
        ("plain HTTP", &[Step::Say(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Step::Hold], PATIENT, Upstream::Tls),
        ("an alert", &[Step::Say(b"\x15\x03\x03\0\x02\x02\x28"), Step::Hold], PATIENT, Upstream::Tls),
        ("an end", &[Step::End], PATIENT, Upstream::Reset),
        ("a reset", &[Step::Reset], PATIENT, Upstream::Reset),
        ("silence", &[Step::Hold], times, Upstream::TlsSlow),
    ];
    for (case, steps, times, expected) in rows {
        let (address, _) = upstream(steps);
        let target = Target::parse(&format!("https://{address}/")).unwrap();
        assert_eq!(asked(&target, GET, &times, 0), Err(expected), "{case}");
    }
    let authority = Authority::new();
    let mut config = Arc::unwrap_or_clone(authority.signed(|_| {}));
    config.alpn_protocols = vec![b"h2".to_vec()];
    assert_eq!(told(Arc::new(config), Some(&authority.roots), answers), Err(Upstream::Tls), "no common protocol");
}

#[test]
fn content_that_ends_with_tls_ends_with_its_word() {
    let authority = Authority::new();
    for (said, expected) in [(true, Ok(200)), (false, Err(Upstream::CutShort))] {
        let found = told(authority.signed(|_| {}), Some(&authority.roots), move |stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhi").unwrap();
            if said {
                stream.conn.send_close_notify();
            }
            stream.flush().unwrap();
        });
        assert_eq!(found.map(|answer| answer.status), expected, "with a word: {said}");
    }
    // Where it says by itself where it ends, nothing is missing (RFC 9112 §9.8).
    let found = told(authority.signed(|_| {}), Some(&authority.roots), answers);
    assert_eq!(found.map(|answer| answer.status), Ok(200));
}

#[test]
fn much_content_comes_through_tls_whole() {
    let authority = Authority::new();
    let answer = told(authority.signed(|_| {}), Some(&authority.roots), |stream| {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 4 << 20).unwrap();
        for i in 0..4 << 10 {
            stream.write_all(&[i as u8; 1 << 10]).unwrap();
        }
    });
    let content = answer.unwrap().content;
    assert_eq!(content.len(), 4 << 20);
    assert!(content.chunks(1 << 10).enumerate().all(|(i, block)| block.iter().all(|b| *b == i as u8)));
}

#[test]
fn a_file_that_names_nobody_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("roots.pem");
    assert!(Roots::read(&path).unwrap_err().contains("roots.pem"));
    for text in ["", "nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        std::fs::write(&path, text).unwrap();
        assert!(Roots::read(&path).unwrap_err().contains("roots.pem"), "{text:?}");
    }
}
