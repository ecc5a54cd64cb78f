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

/// Whether the request has a key that is being used, or was: what it asks for is not asked for once more.
pub(crate) fn is_known(reader: &Reader, request: &Request<'_>, user: Option<&str>, route: &str, now: u64) -> bool {
    let key = request.value(Name::IdempotencyKey).and_then(parse);
    // What cannot be read is told of when it is to be done.
    key.is_some_and(|key| reader.knows(scoped(user, route, key), now).unwrap_or_default())
}

fn scoped(user: Option<&str>, route: &str, key: &[u8]) -> Scoped {
    Scoped::new(&[user.unwrap_or_default().as_bytes(), route.as_bytes()], key)
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
    Some(reader.begin(scoped(user, route, key), fingerprint, now))
}
