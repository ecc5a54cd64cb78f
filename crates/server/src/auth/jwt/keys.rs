//! A file of keys: a JWK set (RFC 7517 §5), each key with the one algorithm that it is for.

use super::signature;
use crate::auth::file::{Secrets, Wrong};
use crate::auth::remembered::Remembered;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use std::fmt;

/// The algorithms that are taken.
pub(super) const TAKEN: [Algorithm; 4] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA, Algorithm::HS256];

/// The keys of a file that tokens can be verified with; at least one.
pub(crate) struct Keys {
    keys: Vec<Key>,
    pub(crate) remembered: Remembered,
}

/// One key.
pub(super) struct Key {
    id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

impl Keys {
    /// The key of that id (RFC 7515 §4.1.4), or without an id the only one that there is for the algorithm. It is for that
    /// algorithm, or it is not found.
    pub(super) fn find(&self, id: Option<&str>, algorithm: &str) -> Option<&Key> {
        let mut fitting = self
            .keys
            .iter()
            .filter(|key| name(key.algorithm) == algorithm && id.is_none_or(|id| key.id.as_deref() == Some(id)));
        fitting.next().filter(|_| fitting.next().is_none())
    }
}

/// As headers and keys have it (RFC 7518 §3.1, RFC 8037 §3.1).
const fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::RS256 => "RS256",
        Algorithm::ES256 => "ES256",
        Algorithm::EdDSA => "EdDSA",
        Algorithm::HS256 => "HS256",
        _ => "",
    }
}

impl Secrets for Keys {
    fn parse(text: &str) -> Result<Keys, Wrong> {
        signature::install();
        let set: JwkSet = serde_json::from_str(text).map_err(|error| {
            // What it quotes of the text may be a key.
            let what = if error.is_data() { "is not a JWK set" } else { "is not JSON" };
            Wrong { line: Some(error.line()).filter(|line| *line > 0), ..not_a_set(what) }
        })?;
        let mut keys: Vec<Key> = Vec::new();
        for (at, jwk) in set.keys.iter().enumerate() {
            let Some(key) = key(jwk).map_err(|what| wrong(at, jwk, what))? else { continue };
            if keys.iter().any(|other| other.id == key.id && other.algorithm == key.algorithm) {
                return Err(wrong(at, jwk, "has the id and the algorithm of one before it"));
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(not_a_set("has no key for RS256, ES256, EdDSA or HS256"));
        }
        Ok(Keys { keys, remembered: Remembered::new().ok_or_else(Wrong::no_randomness)? })
    }
}

fn not_a_set(what: &str) -> Wrong {
    Wrong::throughout(
        what,
        "write the issuer's keys as it publishes them: `{ \"keys\": [{ \"kty\": …, \"kid\": … }] }`",
    )
}

fn wrong(at: usize, jwk: &Jwk, what: &str) -> Wrong {
    let id = jwk.common.key_id.as_deref().map(|id| format!(" `{}`", id.escape_debug())).unwrap_or_default();
    Wrong::throughout(format!("key {}{id} {what}", at + 1), "take it from the issuer again, or leave it out")
}

/// A key that signatures can be verified with; `None` for one that is for something else (RFC 7517 §5: "Implementations SHOULD
/// ignore JWKs within a JWK Set that use `kty` values that are not understood by them").
fn key(jwk: &Jwk) -> Result<Option<Key>, &'static str> {
    let common = &jwk.common;
    let for_signatures = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature));
    let verifies = common.key_operations.as_ref().is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    if !for_signatures || !verifies {
        return Ok(None);
    }
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        AlgorithmParameters::OctetKey(_) => Algorithm::HS256,
        AlgorithmParameters::Other(other) => {
            let kind = other.fields.get("kty").and_then(|kind| kind.as_str());
            return match kind {
                Some("RSA" | "oct") => Err("lacks what a key of its kind has"),
                Some("EC" | "OKP") if !on_another_curve(other.fields.get("crv")) => {
                    Err("lacks what a key of its kind has")
                }
                _ => Ok(None),
            };
        }
        _ => return Ok(None),
    };
    if common.key_algorithm.is_some_and(|named| named != KeyAlgorithm::from(algorithm)) {
        return Ok(None);
    }
    let key = DecodingKey::from_jwk(jwk).map_err(|_| "is not base64url")?;
    strong(algorithm, key.kind())?;
    Ok(Some(Key { id: common.key_id.clone(), algorithm, key }))
}

fn on_another_curve(curve: Option<&serde_json::Value>) -> bool {
    curve.and_then(|curve| curve.as_str()).is_some_and(|curve| !matches!(curve, "P-256" | "Ed25519"))
}

/// Whether a key is one of its algorithm, and large enough to hold.
fn strong(algorithm: Algorithm, key: &DecodingKeyKind) -> Result<(), &'static str> {
    match (algorithm, key) {
        // RFC 7518 §3.3: "A key of size 2048 bits or larger MUST be used"
        (Algorithm::RS256, DecodingKeyKind::RsaModulusExponent { n, e }) => {
            let bits = n
                .iter()
                .position(|byte| *byte != 0)
                .map_or(0, |zeros| (n.len() - zeros) * 8 - n[zeros].leading_zeros() as usize);
            match bits {
                ..2048 => Err("is an RSA key of less than 2048 bits, which can be broken"),
                2048..=8192 if !e.is_empty() => Ok(()),
                _ => Err("is an RSA key of more than 8192 bits, or without an exponent"),
            }
        }
        // RFC 7518 §6.2.1.2: 32 bytes for each coordinate, after the byte that says that there are two.
        (Algorithm::ES256, DecodingKeyKind::SecretOrDer(point)) if point.len() == 65 => Ok(()),
        (Algorithm::EdDSA, DecodingKeyKind::SecretOrDer(point)) if point.len() == 32 => Ok(()),
        // RFC 7518 §3.2: "A key of the same size as the hash output … or larger MUST be used"
        (Algorithm::HS256, DecodingKeyKind::SecretOrDer(secret)) if secret.len() >= 32 => Ok(()),
        (Algorithm::HS256, _) => Err("is a secret of less than 256 bits, which can be guessed"),
        _ => Err("is not of the length of its kind"),
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| (&key.id, key.algorithm))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P256: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;
    const OCT: &str =
        r#""kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow""#;

    fn set(keys: &[String]) -> String {
        let keys: Vec<_> = keys.iter().map(|key| format!("{{{key}}}")).collect();
        format!("{{\"keys\":[{}]}}", keys.join(","))
    }

    #[test]
    fn a_key_is_for_the_one_algorithm_of_its_kind() {
        let okp = r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;
        let rsa = format!(r#""kty":"RSA","e":"AQAB","n":"{}""#, "_".repeat(341) + "w");
        let keys = Keys::parse(&set(&[
            format!("{P256},\"kid\":\"a\""),
            format!("{OCT},\"kid\":\"b\""),
            format!("{okp},\"kid\":\"c\",\"use\":\"sig\""),
            format!("{rsa},\"kid\":\"d\",\"alg\":\"RS256\",\"key_ops\":[\"verify\"]"),
            // Not for signatures, or for none that are taken.
            format!("{rsa},\"kid\":\"e\",\"use\":\"enc\""),
            format!("{rsa},\"kid\":\"f\",\"alg\":\"RSA-OAEP\""),
            format!("{rsa},\"kid\":\"g\",\"alg\":\"PS512\""),
            format!("{rsa},\"kid\":\"h\",\"key_ops\":[\"encrypt\"]"),
            r#""kty":"EC","crv":"secp256k1","x":"a","y":"b","kid":"i""#.to_owned(),
            r#""kty":"AKP","kid":"j""#.to_owned(),
        ]))
        .unwrap();
        for id in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"] {
            for algorithm in ["ES256", "HS256", "EdDSA", "RS256", "RS512", "none", ""] {
                let fits = [("a", "ES256"), ("b", "HS256"), ("c", "EdDSA"), ("d", "RS256")].contains(&(id, algorithm));
                assert_eq!(keys.find(Some(id), algorithm).is_some(), fits, "{id} {algorithm}");
            }
        }
    }

    #[test]
    fn without_an_id_there_must_be_no_choice() {
        let keys = Keys::parse(&set(&[P256.to_owned(), format!("{OCT},\"kid\":\"b\"")])).unwrap();
        assert!(keys.find(None, "ES256").is_some() && keys.find(None, "HS256").is_some());
        assert!(keys.find(Some("b"), "ES256").is_none(), "the key has no id");
        let keys = Keys::parse(&set(&[P256.to_owned(), format!("{P256},\"kid\":\"b\"")])).unwrap();
        assert!(keys.find(None, "ES256").is_none() && keys.find(Some("b"), "ES256").is_some());
    }

    #[test]
    fn what_cannot_be_taken_is_told_without_a_secret() {
        let short = format!(r#""kty":"RSA","e":"AQAB","n":"{}""#, "_".repeat(170) + "8");
        let cases = [
            ("hunter2".to_owned(), "is not JSON"),
            ("{\"keys\":\"hunter2\"}".to_owned(), "is not a JWK set"),
            ("{}".to_owned(), "is not a JWK set"),
            (set(&[]), "has no key for RS256, ES256, EdDSA or HS256"),
            (set(&[format!("{P256},\"use\":\"enc\"")]), "has no key for RS256, ES256, EdDSA or HS256"),
            (
                set(&[r#""kty":"oct","k":"hunter20""#.to_owned()]),
                "key 1 is a secret of less than 256 bits, which can be guessed",
            ),
            (set(&[r#""kty":"oct","k":"hunter2!""#.to_owned()]), "key 1 is not base64url"),
            (
                set(&[r#""kty":"oct","key":"hunter2","kid":"a""#.to_owned()]),
                "key 1 `a` lacks what a key of its kind has",
            ),
            (set(&[r#""kty":"EC","crv":"P-256","x":"hunter2""#.to_owned()]), "key 1 lacks what a key of its kind has"),
            (
                set(&[r#""kty":"EC","crv":"P-256","x":"hunter22","y":"hunter22""#.to_owned()]),
                "key 1 is not of the length of its kind",
            ),
            (set(&[short]), "key 1 is an RSA key of less than 2048 bits, which can be broken"),
            (set(&[OCT.to_owned(), OCT.to_owned()]), "key 2 has the id and the algorithm of one before it"),
        ];
        for (text, what) in cases {
            let wrong = Keys::parse(&text).unwrap_err();
            assert_eq!(wrong.what, what, "{text}");
            assert!(!format!("{wrong:?}").contains("hunter2"), "{wrong:?}");
        }
    }
}
