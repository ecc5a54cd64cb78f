//! `Idempotency-Key`: whether a request that makes something is to be done, or was.

use crate::request::Request;
use crate::store::{Begun, Reader, Scoped};
use ring::digest::{Context, SHA256};
use verdict_core::cause::Failure;
use verdict_wire::Name;

/// Takes the key of a request for `route`, whose content is `sent`; `None`: it has none.
pub(crate) fn begin(
    reader: &Reader,
    request: &Request<'_>,
    user: Option<&str>,
    route: &str,
    sent: &[u8],
    now: u64,
) -> Option<Result<Begun, Failure>> {
    let key = request.value(Name::IdempotencyKey)?;
    let mut context = Context::new(&SHA256);
    context.update(request.value(Name::ContentType).unwrap_or_default());
    context.update(b"\n");
    context.update(sent);
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(context.finish().as_ref());
    let scoped = Scoped::new(&[user.unwrap_or_default().as_bytes(), route.as_bytes()], key);
    Some(reader.begin(scoped, fingerprint, now))
}
