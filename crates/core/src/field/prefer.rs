//! `Prefer` (RFC 7240): the preferences that the server knows.

use super::cursor::Cursor;
use super::digits;
use super::list::{Lines, elements};
use super::parameters::{self, Grammar};
use super::quoted::Value;

/// What a client would like, as far as the server knows it. The default is that it said nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Prefer {
    /// `return` (§4.2): what the answer to a write has in it.
    pub returns: Option<Return>,
    /// `respond-async` (§4.1): 202 rather than waiting.
    pub respond_async: bool,
    /// `wait` (§4.3): for how many seconds the client would wait.
    pub wait: Option<u64>,
}

/// The values of `return`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Return {
    /// As little as there can be.
    Minimal,
    /// The representation as it is now.
    Representation,
}

impl Prefer {
    /// Reads the field. Preferences that are unknown or malformed are left out, never an error (§2).
    pub fn parse<'a>(lines: impl Lines<'a>) -> Prefer {
        let mut prefer = Prefer::default();
        // §2: of a preference that is given twice, only the first counts, whatever its value.
        let (mut return_seen, mut wait_seen) = (None, false);
        for (name, value) in elements(lines).filter_map(preference) {
            if name.eq_ignore_ascii_case(b"respond-async") {
                prefer.respond_async = true;
            } else if name.eq_ignore_ascii_case(b"wait") && !wait_seen {
                wait_seen = true;
                // A wait beyond 2^64 seconds is as good as that.
                prefer.wait = value.and_then(|value| digits::saturating(value.bytes()));
            } else if name.eq_ignore_ascii_case(b"return") {
                let returns = value.and_then(Return::from_value);
                match return_seen {
                    None => (return_seen, prefer.returns) = (Some(returns), returns),
                    // §4.2: both is a mistake of the client's, and can be treated as though neither were given.
                    Some(first) if returns.is_some() && returns != first => prefer.returns = None,
                    Some(_) => {}
                }
            }
        }
        prefer
    }
}

impl Return {
    fn from_value(value: Value<'_>) -> Option<Return> {
        // §2: names ignore case, values do not.
        if value.is("minimal") {
            Some(Return::Minimal)
        } else if value.is("representation") {
            Some(Return::Representation)
        } else {
            None
        }
    }
}

/// `token [ BWS "=" BWS word ] *( OWS ";" [ OWS parameter ] )` (§2); no known preference has parameters.
fn preference(element: &[u8]) -> Option<(&[u8], Option<Value<'_>>)> {
    let mut cursor = Cursor::new(element);
    let name = cursor.token()?;
    cursor.skip_space();
    let mut value = None;
    if cursor.eat(b'=') {
        cursor.skip_space();
        value = Some(cursor.value()?);
    }
    while parameters::next(&mut cursor, Grammar::Loose).ok()?.is_some() {}
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Return::*;

    fn parse(value: &str) -> (Option<Return>, bool, Option<u64>) {
        let prefer = Prefer::parse(Some(value.as_bytes()));
        (prefer.returns, prefer.respond_async, prefer.wait)
    }

    #[test]
    fn known_preferences_are_read() {
        for (value, want) in [
            ("", (None, false, None)),
            ("respond-async, wait=10", (None, true, Some(10))),
            ("Respond-Async", (None, true, None)),
            ("return=minimal; foo=\"some parameter\"", (Some(Minimal), false, None)),
            ("RETURN = \"representation\"", (Some(Representation), false, None)),
            ("handling=lenient, wait=100, respond-async", (None, true, Some(100))),
            ("priority=5, Lenient, return=minimal", (Some(Minimal), false, None)),
            ("foo; bar; baz=1, wait=\"7\"", (None, false, Some(7))),
            ("wait=99999999999999999999999", (None, false, Some(u64::MAX))),
            ("respond-async;", (None, true, None)),
        ] {
            assert_eq!(parse(value), want, "{value:?}");
        }
    }

    #[test]
    fn what_is_unknown_or_malformed_is_left_out() {
        for (value, want) in [
            ("return=Minimal", (None, false, None)),
            ("return=all", (None, false, None)),
            ("return", (None, false, None)),
            ("return=", (None, false, None)),
            ("wait=soon, respond-async", (None, true, None)),
            ("wait=-1", (None, false, None)),
            ("wait=\"\"", (None, false, None)),
            ("wait", (None, false, None)),
            ("respond-async now", (None, false, None)),
            ("return=minimal x", (None, false, None)),
            ("return=\"minimal", (None, false, None)),
        ] {
            assert_eq!(parse(value), want, "{value:?}");
        }
    }

    #[test]
    fn the_first_of_two_counts_but_both_returns_cancel() {
        for (value, want) in [
            ("wait=1, wait=2", (None, false, Some(1))),
            ("wait=x, wait=2", (None, false, None)),
            ("return=minimal, return=minimal", (Some(Minimal), false, None)),
            ("return=minimal, return=representation", (None, false, None)),
            ("return=representation, return=minimal", (None, false, None)),
            ("return=x, return=minimal", (None, false, None)),
            ("return=minimal, return=x", (Some(Minimal), false, None)),
        ] {
            assert_eq!(parse(value), want, "{value:?}");
        }
        let lines: [&[u8]; 2] = [b"respond-async, wait=100", b"return=minimal"];
        let want = Prefer { returns: Some(Minimal), respond_async: true, wait: Some(100) };
        assert_eq!(Prefer::parse(lines), want);
    }
}
