//! A certificate for as long as the tour is there: it signs itself, for a name of this machine, with a key that nobody else has.
//!
//! It is written here, byte by byte (X.690, RFC 5280 §4.1), since all of it is known: a library for that has many more cases.

use ring::error::Unspecified;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

/// Whom it is for: a name that leads nowhere but here (RFC 6761 §6.3).
pub(super) const NAME: &str = "tour.localhost";

/// PEM (RFC 7468), both.
pub(super) struct Certificate {
    pub(super) certificate: String,
    pub(super) key: String,
}

// Object identifiers: ecdsa-with-SHA256, id-ecPublicKey, prime256v1 (RFC 5480), id-at-commonName, id-ce-subjectAltName (RFC 5280).
const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 17];

// Tags (X.690 §8.1.2).
const INTEGER: u8 = 2;
const BITS: u8 = 3;
const OCTETS: u8 = 4;
const OID: u8 = 6;
const TEXT: u8 = 12;
const UTC: u8 = 23;
const TIME: u8 = 24;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// `[0]` and `[3]` of a certificate, and `[2]` of a name, which is of DNS.
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const DNS: u8 = 0x82;

impl Certificate {
    pub(super) fn make() -> Result<Certificate, Unspecified> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random)?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).map_err(|_| Unspecified)?;
        let mut serial = [0; 16];
        random.fill(&mut serial)?;
        // A positive number without leading zeros (RFC 5280 §4.1.2.2).
        serial[0] = serial[0] & 0x3f | 0x40;
        let signed = to_be_signed(&serial, pair.public_key().as_ref());
        let signature = pair.sign(&random, &signed)?;
        let certificate = put(SEQUENCE, &[&signed, &algorithm_of_signature(), &bits(signature.as_ref())]);
        Ok(Certificate { certificate: pem("CERTIFICATE", &certificate), key: pem("PRIVATE KEY", key.as_ref()) })
    }
}

fn to_be_signed(serial: &[u8], public_key: &[u8]) -> Vec<u8> {
    let name = put(SEQUENCE, &[&put(OID, &[COMMON_NAME]), &put(TEXT, &[NAME.as_bytes()])]);
    let name = put(SEQUENCE, &[&put(SET, &[&name])]);
    // For ever (RFC 5280 §4.1.2.5): its key is gone much earlier.
    let validity = put(SEQUENCE, &[&put(UTC, &[b"000101000000Z"]), &put(TIME, &[b"99991231235959Z"])]);
    let algorithm = put(SEQUENCE, &[&put(OID, &[PUBLIC_KEY]), &put(OID, &[P256])]);
    let public_key = put(SEQUENCE, &[&algorithm, &bits(public_key)]);
    let names = put(OCTETS, &[&put(SEQUENCE, &[&put(DNS, &[NAME.as_bytes()])])]);
    let extension = put(SEQUENCE, &[&put(OID, &[ALTERNATIVE_NAME]), &names]);
    let third_version = put(VERSION, &[&put(INTEGER, &[&[2]])]);
    let extensions = put(EXTENSIONS, &[&put(SEQUENCE, &[&extension])]);
    let serial = put(INTEGER, &[serial]);
    put(
        SEQUENCE,
        &[&third_version, &serial, &algorithm_of_signature(), &name, &validity, &name, &public_key, &extensions],
    )
}

fn algorithm_of_signature() -> Vec<u8> {
    put(SEQUENCE, &[&put(OID, &[ECDSA_SHA256])])
}

/// Whole bytes.
fn bits(bytes: &[u8]) -> Vec<u8> {
    put(BITS, &[&[0], bytes])
}

/// A value: its tag, its length (X.690 §8.1.3), what it consists of. Nothing here has 64 KiB.
fn put(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![tag];
    match length {
        0..=127 => out.push(length as u8),
        128..=255 => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend(parts.concat());
    out
}

fn pem(label: &str, bytes: &[u8]) -> String {
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in bytes.chunks(48) {
        out.push_str(&base64(line));
        out.push('\n');
    }
    out + &format!("-----END {label}-----\n")
}

/// RFC 4648 §4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let all = three.iter().fold(0, |all, byte| all << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let digit = DIGITS[(all >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= three.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_as_rfc_4648_has_it() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn a_length_is_as_short_as_it_can_be() {
        for (length, begins) in [(0, &[4, 0][..]), (127, &[4, 127]), (128, &[4, 0x81, 128]), (256, &[4, 0x82, 1, 0])] {
            assert!(put(OCTETS, &[&vec![7; length]]).starts_with(begins), "{length}");
        }
    }

    #[test]
    fn nobody_gets_the_same_one() {
        let [one, other] = [Certificate::make(), Certificate::make()].map(|made| made.expect("random numbers"));
        assert_ne!(one.certificate, other.certificate);
        assert_ne!(one.key, other.key);
    }
}
