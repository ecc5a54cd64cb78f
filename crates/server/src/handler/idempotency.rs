//! `Idempotency-Key`: whether a request that makes something is to be done, or was.

use crate::request::Request;
use crate::store::{Begun, Reader, Scoped};
use ring::digest::{Context, SHA256};
use verdict_core::cause::Failure;
use verdict_core::field::idempotency_key::parse;
use verdict_wire::Name;

/// Whether there is a key that is none. Done without it, what was to be done once could be done twice.
pub(crate) fn is_malformed(request: &Request<'_>) -> bool {
    // RFC 9110 §5.3: it is no list, so of several lines none counts.
    request.head.has(Name::IdempotencyKey) && request.value(Name::IdempotencyKey).and_then(parse).is_none()
}

/// Takes the key of a request for `route`, whose content is `sent`; `None`: it has none.
pub(crate) fn begin(
    reader: &Reader,
    request: &Request<'_>,
    user: Option<&str>,
    route: &str,
    sent: &[u8],
    now: u64,
) -> Option<Result<Begun, Failure>> {
    let key = parse(request.value(Name::IdempotencyKey)?)?;
    let mut context = Context::new(&SHA256);
    context.update(request.value(Name::ContentType).unwrap_or_default());
    context.update(b"\n");
    context.update(sent);
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(context.finish().as_ref());
    let scoped = Scoped::new(&[user.unwrap_or_default().as_bytes(), route.as_bytes()], key);
    Some(reader.begin(scoped, fingerprint, now))
}
