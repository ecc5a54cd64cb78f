//! RFC 9110 §11: HTTP Authentication.

use super::*;
use verdict_core::cause::{Denied, Unidentified};
use verdict_core::field::authorization::Credentials;
use verdict_core::status::Required;

fn guarded(unidentified: Option<Unidentified>, denied: Option<Denied>) -> Verdict {
    let mut facts = PAGE.facts(Method::Get, &[("If-None-Match", r#""v9""#)]);
    facts.authorize.guarded = true;
    facts.authorize.unidentified = unidentified;
    facts.authorize.denied = denied;
    decide(&facts)
}

/// §11.1: "It uses a case-insensitive token to identify the authentication scheme"
#[test]
fn a_scheme_is_read_in_any_case() {
    for value in ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "BASIC  Zg=="] {
        assert!(Credentials::parse(value.as_bytes()).is_some_and(|given| given.scheme_is("Basic")), "{value}");
    }
}

/// §11.6.1: "A server generating a 401 (Unauthorized) response MUST send a WWW-Authenticate header field containing at least one
/// challenge."
#[test]
fn who_is_not_identified_is_challenged() {
    for cause in [Unidentified::Missing, Unidentified::Malformed, Unidentified::Scheme, Unidentified::TokenExpired] {
        let verdict = guarded(Some(cause), None);
        assert_eq!(verdict.status().code(), 401, "{cause:?}");
        assert_eq!(respond(verdict.reason, Method::Get).required, [Required::WwwAuthenticate], "{cause:?}");
    }
}

/// §11.4: "A server that receives valid credentials that are not adequate to gain access ought to respond with the 403
/// (Forbidden) status code"
#[test]
fn who_is_identified_and_not_allowed_is_refused_before_any_condition() {
    assert_eq!(guarded(None, Some(Denied::User)).status().code(), 403);
    assert_eq!(guarded(None, None).status().code(), 304);
}
