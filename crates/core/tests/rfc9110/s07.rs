//! RFC 9110 §7: Routing HTTP Messages.

use super::*;
use verdict_core::interim;

/// §7.4: "a request for an "https" resource MUST be rejected unless it has been received over a connection that has been
/// secured via a certificate valid for that target URI's origin"
#[test]
fn a_request_for_another_authority_is_misdirected() {
    let mut facts = PAGE.facts(Method::Get, &[]);
    facts.arrive.misdirected = true;
    assert_eq!(decide(&facts).status().code(), 421);
}

/// §7.8: "A server MUST NOT switch to a protocol that was not indicated by the client in the corresponding request's Upgrade
/// header field."
#[test]
fn the_protocol_changes_only_if_the_client_asks() {
    assert_eq!(interim::tunnel(true, false), None);
    assert_eq!(interim::http2(true, false, false), None);
    assert!(interim::tunnel(true, true).is_some_and(|answer| answer.status().code() == 101));
}

/// §7.8: "A server that receives an Upgrade header field in an HTTP/1.0 request MUST ignore that Upgrade field."
#[test]
fn an_upgrade_in_http_1_0_is_ignored() {
    assert_eq!(interim::tunnel(false, true), None);
    assert_eq!(interim::http2(false, true, false), None);
}
