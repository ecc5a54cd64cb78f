//! `Prefer`: whether a client would rather wait for a job or not, and for how long (RFC 7240 §4.1, §4.3).

use crate::request::Request;
use std::time::Duration;
use verdict_core::field::list::elements;
use verdict_wire::Name;

/// The longest that a client can prefer to wait.
pub(super) const LONGEST: Duration = Duration::from_secs(60);

/// What a client prefers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Preferences {
    /// `respond-async`.
    pub(super) asynchronous: bool,
    /// `wait`, as far as it is taken.
    pub(super) wait: Option<Duration>,
}

impl Preferences {
    pub(super) fn of(request: &Request<'_>) -> Preferences {
        Preferences::among(elements(request.lines(Name::Prefer)))
    }

    fn among<'a>(preferences: impl Iterator<Item = &'a [u8]>) -> Preferences {
        let mut found = Preferences::default();
        for preference in preferences {
            // What comes behind a semicolon are parameters, and these two have none.
            let preference = preference.split(|byte| *byte == b';').next().unwrap_or_default();
            let mut parts = preference.splitn(2, |byte| *byte == b'=').map(<[u8]>::trim_ascii);
            let (name, value) = (parts.next().unwrap_or_default(), parts.next());
            if name.eq_ignore_ascii_case(b"respond-async") {
                found.asynchronous = true;
            } else if name.eq_ignore_ascii_case(b"wait") && found.wait.is_none() {
                // RFC 7240 §2: of a preference that comes twice, the first counts.
                found.wait = value.and_then(seconds);
            }
        }
        found
    }
}

/// RFC 7240 §4.3: delay-seconds; any token may be quoted (§2).
fn seconds(value: &[u8]) -> Option<Duration> {
    let digits = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // More digits than fit are more than is taken.
    let seconds = std::str::from_utf8(digits).ok()?.parse().unwrap_or(u64::MAX);
    Some(Duration::from_secs(seconds).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_prefers_is_read_as_far_as_it_can_be() {
        let s = |seconds| Some(Duration::from_secs(seconds));
        for (field, asynchronous, wait) in [
            ("", false, None),
            ("respond-async", true, None),
            ("Respond-Async, wait=10", true, s(10)),
            ("wait=10;x=y, wait=20", false, s(10)),
            ("wait = \"7\"", false, s(7)),
            ("wait=100000000000000000000000", false, s(60)),
            ("wait=-1", false, None),
            ("wait=1.5", false, None),
            ("wait", false, None),
            ("return=minimal", false, None),
        ] {
            let found = Preferences::among(elements([field.as_bytes()].into_iter()));
            assert_eq!(found, Preferences { asynchronous, wait }, "{field}");
        }
    }
}
