//! JSON Web Tokens (RFC 7519) that others sign: verified against the keys of a file, a JWK set (RFC 7517 §5).
//!
//! Rule: the algorithm is the key's, by its `alg` or its kind, and a token that names another one is refused before anything is
//! computed. So a token cannot choose to be unsigned, nor that a public key be taken for a shared secret (RFC 8725 §3.1).

mod keys;
mod signature;

use super::Identity;
use crate::config;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, Validation, decode};
pub(crate) use keys::Keys;
use serde::Deserialize;
use serde::de::IgnoredAny;
use verdict_core::cause::Unidentified;

/// The longest token that is looked into, in bytes.
const LONGEST: usize = 16 << 10;

/// The longest header, as it is sent.
const LONGEST_HEADER: usize = 4 << 10;

/// How many seconds the clocks of issuer and server may differ (RFC 7519 §4.1.4: "usually no more than a few minutes").
const LEEWAY: f64 = 30.0;

/// Whether it has the form of a signed token (RFC 7515 §7.1): three parts with dots between.
pub(crate) fn looks_like_one(token: &[u8]) -> bool {
    token.iter().filter(|byte| **byte == b'.').count() == 2
}

/// Whose tokens are taken, and for whom they must be.
pub(crate) struct Rules {
    by_algorithm: [Validation; 4],
}

/// What a token says whose signature holds.
pub(crate) struct Claimed {
    pub(crate) identity: Identity,
    /// The second since 1970 from which it is taken no longer.
    pub(crate) until: i64,
}

/// The header (RFC 7515 §4.1). The rest of it is nothing that a token may choose: keys, and where to fetch them.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
}

/// The payload (RFC 7519 §4.1) but for `iss` and `aud`, which `jsonwebtoken` looks at.
#[derive(Deserialize)]
struct Claims {
    sub: Option<String>,
    exp: Option<f64>,
    nbf: Option<f64>,
    /// RFC 9068 §2.2.3.1
    #[serde(default)]
    roles: Several,
    /// RFC 8693 §4.2: with spaces between.
    scope: Option<String>,
    #[serde(default)]
    scp: Several,
}

/// One, or a list of them.
#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Several {
    #[default]
    None,
    One(String),
    Many(Vec<String>),
}

impl Rules {
    pub(crate) fn new(jwt: &config::Jwt) -> Rules {
        let by_algorithm = keys::TAKEN.map(|algorithm| {
            let mut validation = Validation::new(algorithm);
            // `exp` and `sub` are asked for below.
            validation.set_required_spec_claims(&["iss", "aud"]);
            validation.set_issuer(&[&jwt.issuer]);
            validation.set_audience(&jwt.audience);
            // Times are held against the time of the request, below.
            validation.validate_exp = false;
            validation
        });
        Rules { by_algorithm }
    }

    /// What a token says, at this second since 1970: the header, the signature, the issuer, the audience, the times.
    pub(crate) fn verify(&self, keys: &Keys, token: &[u8], now: i64) -> Result<Claimed, Unidentified> {
        if token.len() > LONGEST {
            return Err(Unidentified::TokenMalformed);
        }
        let header = header(token).ok_or(Unidentified::TokenMalformed)?;
        // RFC 7515 §4.1.11: what must be understood and is not makes the token invalid. And `none` signs nothing.
        if header.crit.is_some() || header.alg.eq_ignore_ascii_case("none") {
            return Err(Unidentified::TokenMalformed);
        }
        let key = keys.find(header.kid.as_deref(), &header.alg).ok_or(Unidentified::TokenKey)?;
        let rules = self.of(key.algorithm).ok_or(Unidentified::TokenKey)?;
        let claims = decode::<Claims>(token, &key.key, rules).map_err(|error| cause(&error))?.claims;
        // It is optional (RFC 7519 §4.1.4), but a token that is lost has to end some time.
        let exp = claims.exp.ok_or(Unidentified::TokenExp)?;
        // RFC 7519 §4.1.4: "on or after which the JWT MUST NOT be accepted"
        if now as f64 >= exp + LEEWAY {
            return Err(Unidentified::TokenExpired);
        }
        if claims.nbf.is_some_and(|nbf| (now as f64) < nbf - LEEWAY) {
            return Err(Unidentified::TokenNotYetValid);
        }
        let until = (exp + LEEWAY) as i64;
        Ok(Claimed { identity: claims.identity().ok_or(Unidentified::TokenSub)?, until })
    }

    fn of(&self, algorithm: Algorithm) -> Option<&Validation> {
        keys::TAKEN.iter().position(|taken| *taken == algorithm).map(|at| &self.by_algorithm[at])
    }
}

fn header(token: &[u8]) -> Option<Header> {
    let encoded = token.split(|byte| *byte == b'.').next()?;
    if encoded.len() > LONGEST_HEADER {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()
}

fn cause(error: &Error) -> Unidentified {
    match error.kind() {
        ErrorKind::InvalidSignature => Unidentified::TokenSignature,
        ErrorKind::InvalidAlgorithm => Unidentified::TokenKey,
        ErrorKind::InvalidIssuer => Unidentified::TokenIssuer,
        ErrorKind::InvalidAudience => Unidentified::TokenAudience,
        ErrorKind::MissingRequiredClaim(claim) if claim == "iss" => Unidentified::TokenIssuer,
        ErrorKind::MissingRequiredClaim(claim) if claim == "aud" => Unidentified::TokenAudience,
        _ => Unidentified::TokenMalformed,
    }
}

impl Claims {
    /// `None`: they do not say whose they are.
    fn identity(self) -> Option<Identity> {
        let sub = self.sub.filter(|sub| !sub.is_empty())?;
        let scope = self.scope.into_iter().map(Several::One);
        let scopes = scope.chain([self.scp]).flat_map(|scopes| {
            let of_one = |scopes: String| scopes.split_ascii_whitespace().map(Box::from).collect::<Vec<Box<str>>>();
            scopes.list().into_iter().flat_map(of_one)
        });
        Some(Identity::of_token(&sub, self.roles.list().into_iter().map(Box::from).collect(), scopes.collect()))
    }
}

impl Several {
    fn list(self) -> Vec<String> {
        match self {
            Several::None => Vec::new(),
            Several::One(one) => vec![one],
            Several::Many(many) => many,
        }
    }
}

#[cfg(test)]
mod tests;
