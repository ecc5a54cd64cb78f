//! Tokens as issuers make them, and as others would like to.

use super::*;
use crate::auth::file::Secrets;
use jsonwebtoken::jwk::JwkSet;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

const NOW: i64 = 1_800_000_000;
const SECRET: &[u8; 32] = b"0123456789abcdef0123456789abcdef";

/// Example A.2 of RFC 7515: a key pair that everybody knows, and a token signed with it by RS256.
const RFC_7515_N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
const RFC_7515_RS256: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The keys of an issuer, one of each kind.
struct Issuer {
    p256: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
}

impl Issuer {
    fn new() -> Issuer {
        let random = SystemRandom::new();
        let p256 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let ed25519 = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        Issuer {
            p256: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, p256.as_ref(), &random).unwrap(),
            ed25519: Ed25519KeyPair::from_pkcs8(ed25519.as_ref()).unwrap(),
        }
    }

    fn jwks(&self) -> String {
        let point = self.p256.public_key().as_ref();
        let keys = json!({ "keys": [
            { "kty": "EC", "crv": "P-256", "kid": "p", "x": encoded(&point[1..33]), "y": encoded(&point[33..]) },
            { "kty": "OKP", "crv": "Ed25519", "kid": "e", "x": encoded(self.ed25519.public_key().as_ref()) },
            { "kty": "oct", "kid": "s", "k": encoded(SECRET) },
            { "kty": "RSA", "kid": "r", "n": RFC_7515_N, "e": "AQAB" },
        ]});
        keys.to_string()
    }

    fn keys(&self) -> Keys {
        Keys::parse(&self.jwks()).unwrap()
    }

    /// Signed as its header says, with the key of that kind.
    fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
        let signature = match header["alg"].as_str() {
            Some("ES256") => self.p256.sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec(),
            Some("EdDSA") => self.ed25519.sign(message.as_bytes()).as_ref().to_vec(),
            Some("HS256") => by_hmac(SECRET, &message),
            _ => Vec::new(),
        };
        format!("{message}.{}", encoded(signature))
    }
}

fn by_hmac(secret: &[u8], message: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes()).as_ref().to_vec()
}

fn rules() -> Rules {
    let audience = vec!["notes".to_owned(), "notes-test".to_owned()];
    Rules::new(&config::Jwt { keys: "jwks.json".into(), issuer: "https://id.example".to_owned(), audience })
}

/// What every good token says, and what this one says beside or instead; `null` takes a claim away.
fn claims(more: Value) -> Value {
    let mut claims = json!({ "iss": "https://id.example", "aud": "notes", "sub": "ann", "exp": NOW + 600 });
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

fn verify(keys: &Keys, token: &str) -> Result<String, Unidentified> {
    let claimed = rules().verify(keys, token.as_bytes(), NOW)?;
    let identity = claimed.identity;
    Ok(format!("{} [{}] [{}]", identity.name, identity.roles.join(" "), identity.scopes.join(" ")))
}

#[test]
fn a_token_of_each_kind_of_key_is_taken() {
    let issuer = Issuer::new();
    let keys = issuer.keys();
    for (algorithm, id) in [("ES256", "p"), ("EdDSA", "e"), ("HS256", "s")] {
        for header in [json!({ "alg": algorithm, "kid": id, "typ": "at+jwt" }), json!({ "alg": algorithm })] {
            let token = issuer.sign(&header, &claims(json!({})));
            assert!(looks_like_one(token.as_bytes()));
            assert_eq!(verify(&keys, &token).as_deref(), Ok("ann [] []"), "{header}");
            // Any bit of it.
            let mut other = token.into_bytes();
            for at in [5, other.len() / 2, other.len() - 20] {
                other[at] ^= 1;
                assert!(verify(&keys, std::str::from_utf8(&other).unwrap()).is_err(), "{header} {at}");
                other[at] ^= 1;
            }
        }
    }
}

/// It is nobody's and for nobody, so that what is told of it shows that its signature holds.
#[test]
fn the_token_of_rfc_7515_is_signed_by_rs256() {
    let keys = Issuer::new().keys();
    assert!(matches!(verify(&keys, RFC_7515_RS256), Err(Unidentified::TokenAudience)));
    let key = keys.find(Some("r"), "RS256").unwrap();
    let mut rules = Validation::new(Algorithm::RS256);
    rules.validate_exp = false;
    assert_eq!(decode::<Value>(RFC_7515_RS256, &key.key, &rules).unwrap().claims["iss"], "joe");
    let other = RFC_7515_RS256.replace(".cC4h", ".cC4i");
    assert_eq!(verify(&keys, &other), Err(Unidentified::TokenSignature));
}

#[test]
fn each_fault_has_its_cause() {
    let issuer = Issuer::new();
    let keys = issuer.keys();
    let good = json!({ "alg": "ES256", "kid": "p" });
    let with_claims = |more: Value| issuer.sign(&good, &claims(more));
    let with_header = |header: Value| issuer.sign(&header, &claims(json!({})));
    let signed = with_claims(json!({}));
    let unsigned = signed.rsplit_once('.').unwrap().0.to_owned();
    let other = with_claims(json!({ "scope": "other" }));
    let stolen = format!("{}.{}", unsigned, other.rsplit_once('.').unwrap().1);
    // The public key, which everybody has, used as a secret.
    let set: JwkSet = serde_json::from_str(&issuer.jwks()).unwrap();
    let public = serde_json::to_string(&set.keys[3]).unwrap();
    let message = format!("{}.{}", encoded(r#"{"alg":"HS256","kid":"r"}"#), encoded(claims(json!({})).to_string()));
    let confused = format!("{message}.{}", encoded(by_hmac(public.as_bytes(), &message)));
    let long = "x".repeat(LONGEST_HEADER);
    let cases = [
        (unsigned.clone() + ".", Unidentified::TokenSignature),
        (stolen, Unidentified::TokenSignature),
        (confused, Unidentified::TokenKey),
        ("a.b.c".to_owned(), Unidentified::TokenMalformed),
        ("..".to_owned(), Unidentified::TokenMalformed),
        (signed.clone() + ".", Unidentified::TokenMalformed),
        (format!("{}..", encoded("{}")), Unidentified::TokenMalformed),
        (with_header(json!({ "alg": "none" })), Unidentified::TokenMalformed),
        (with_header(json!({ "alg": "None", "kid": "p" })), Unidentified::TokenMalformed),
        (with_header(json!({ "alg": ["ES256"], "kid": "p" })), Unidentified::TokenMalformed),
        (with_header(json!({ "alg": "ES256", "kid": "p", "crit": ["exp"] })), Unidentified::TokenMalformed),
        (with_header(json!({ "alg": "ES256", "kid": "p", "x": long })), Unidentified::TokenMalformed),
        (with_claims(json!({ "x": "x".repeat(LONGEST) })), Unidentified::TokenMalformed),
        (with_header(json!({ "alg": "ES256", "kid": "q" })), Unidentified::TokenKey),
        (with_header(json!({ "alg": "HS256", "kid": "p" })), Unidentified::TokenKey),
        (with_header(json!({ "alg": "ES256", "kid": "s" })), Unidentified::TokenKey),
        (with_header(json!({ "alg": "HS512", "kid": "s" })), Unidentified::TokenKey),
        (with_header(json!({ "alg": "XX", "kid": "p" })), Unidentified::TokenKey),
        (with_claims(json!({ "exp": NOW - 30 })), Unidentified::TokenExpired),
        (with_claims(json!({ "exp": -1 })), Unidentified::TokenExpired),
        (with_claims(json!({ "exp": null })), Unidentified::TokenExp),
        (with_claims(json!({ "exp": "tomorrow" })), Unidentified::TokenMalformed),
        (with_claims(json!({ "nbf": NOW + 31 })), Unidentified::TokenNotYetValid),
        (with_claims(json!({ "nbf": "x" })), Unidentified::TokenMalformed),
        (with_claims(json!({ "iss": "https://id.evil" })), Unidentified::TokenIssuer),
        (with_claims(json!({ "iss": null })), Unidentified::TokenIssuer),
        (with_claims(json!({ "aud": "letters" })), Unidentified::TokenAudience),
        (with_claims(json!({ "aud": ["letters"] })), Unidentified::TokenAudience),
        (with_claims(json!({ "aud": [] })), Unidentified::TokenAudience),
        (with_claims(json!({ "aud": null })), Unidentified::TokenAudience),
        (with_claims(json!({ "sub": null })), Unidentified::TokenSub),
        (with_claims(json!({ "sub": "" })), Unidentified::TokenSub),
        (with_claims(json!({ "roles": { "a": 1 } })), Unidentified::TokenMalformed),
    ];
    for (at, (token, cause)) in cases.iter().enumerate() {
        assert_eq!(verify(&keys, token), Err(*cause), "case {at}: {token}");
    }
}

#[test]
fn clocks_may_differ_by_half_a_minute() {
    let issuer = Issuer::new();
    let keys = issuer.keys();
    for (more, until) in [
        (json!({ "exp": NOW - 29 }), NOW + 1),
        (json!({ "exp": NOW as f64 - 28.5 }), NOW + 1),
        (json!({ "nbf": NOW + 30 }), NOW + 630),
        (json!({ "exp": 1e300 }), i64::MAX),
    ] {
        let token = issuer.sign(&json!({ "alg": "EdDSA" }), &claims(more.clone()));
        let claimed = rules().verify(&keys, token.as_bytes(), NOW).map(|claimed| claimed.until);
        assert_eq!(claimed, Ok(until), "{more}");
    }
}

#[test]
fn roles_and_scopes_are_read_in_the_forms_that_issuers_have() {
    let issuer = Issuer::new();
    let keys = issuer.keys();
    for (more, told) in [
        (json!({ "roles": ["editor", "admin"] }), "ann [editor admin] []"),
        (json!({ "roles": "editor" }), "ann [editor] []"),
        (json!({ "roles": null, "scope": "notes:read  notes:write" }), "ann [] [notes:read notes:write]"),
        (json!({ "scp": ["notes:read", "notes:write"] }), "ann [] [notes:read notes:write]"),
        (json!({ "scp": "notes:read notes:write" }), "ann [] [notes:read notes:write]"),
        (json!({ "scope": "a", "scp": "b", "sub": "auth0|1" }), "auth0|1 [] [a b]"),
        (json!({ "aud": ["letters", "notes-test"] }), "ann [] []"),
    ] {
        let token = issuer.sign(&json!({ "alg": "EdDSA" }), &claims(more.clone()));
        assert_eq!(verify(&keys, &token).as_deref(), Ok(told), "{more}");
    }
}
