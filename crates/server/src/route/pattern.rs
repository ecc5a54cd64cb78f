//! A pattern: `[host]/path`, where `{name}` is one segment that is not empty and `{name...}`, last, is the rest, which may be
//! empty. Literal segments are kept decoded, as the path is when it is looked up.

use super::MAX_NAMES;
use std::ops::Range;

/// The most segments that a pattern may have.
const MAX_SEGMENTS: usize = 64;

/// What is wrong with a pattern or a template, and where in its text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The bytes that are wrong.
    pub at: Range<usize>,
    /// What is wrong with them.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl Fault {
    pub(super) fn new(at: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Fault {
        Fault { at, message: message.into(), help: help.into() }
    }
}

/// The hosts that a pattern is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Host {
    /// Every host.
    Any,
    /// This one, in lower case.
    Exact(String),
    /// Every host below a domain (`*.example.com`), kept in lower case with its leading dot (`.example.com`).
    Below(String),
}

impl Host {
    /// Whether a request's host, without port, is one of them.
    pub fn matches(&self, host: &str) -> bool {
        match self {
            Host::Any => true,
            Host::Exact(name) => name.eq_ignore_ascii_case(host),
            Host::Below(suffix) => {
                let (host, suffix) = (host.as_bytes(), suffix.as_bytes());
                host.len() > suffix.len() && host[host.len() - suffix.len()..].eq_ignore_ascii_case(suffix)
            }
        }
    }

    /// Sorts the more specific first.
    pub(super) fn precedence(&self) -> (u8, usize) {
        match self {
            Host::Exact(_) => (0, 0),
            Host::Below(suffix) => (1, usize::MAX - suffix.len()),
            Host::Any => (2, 0),
        }
    }
}

/// What one segment of the path must be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Segment {
    /// This text, percent-decoded. Empty only as the last: the path ends in a slash.
    Literal(String),
    /// Any text but none.
    Name(String),
    /// Whatever follows, slashes too, or nothing.
    Rest(String),
}

/// The first condition of a pattern that a request does not meet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mismatch<'a> {
    /// The host is another.
    Host {
        /// The hosts that the pattern is for.
        wanted: &'a Host,
    },
    /// A segment is not what the pattern has in its place.
    Segment {
        /// The segment's index, from zero.
        index: usize,
        /// What the pattern has there.
        wanted: &'a Segment,
        /// What the path has there.
        found: &'a str,
    },
    /// The path ends where the pattern goes on.
    TooShort {
        /// What the pattern has next.
        wanted: &'a Segment,
    },
    /// The path goes on where the pattern ends.
    TooLong {
        /// What the path has left, from its slash.
        rest: &'a str,
    },
}

/// A parsed pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pattern {
    text: String,
    host: Host,
    segments: Vec<Segment>,
}

impl Pattern {
    /// Whether a path can match it but for the slash at its end.
    pub(crate) fn may_lack_slash(&self) -> bool {
        match self.segments() {
            [_, .., last] => {
                matches!(last, Segment::Rest(_)) || matches!(last, Segment::Literal(text) if text.is_empty())
            }
            _ => false,
        }
    }

    /// Parses `[host]/path`.
    pub fn parse(text: &str) -> Result<Pattern, Fault> {
        let Some(slash) = text.find('/') else {
            let help = format!("write `/{text}`, or `{text}/{{path...}}` if `{text}` is a host");
            return Err(Fault::new(0..text.len(), "a pattern is `[host]/path`, and this has no slash", help));
        };
        let host = parse_host(&text[..slash])?;
        let mut segments: Vec<Segment> = Vec::new();
        let mut from = slash + 1;
        for part in text[slash + 1..].split('/') {
            let at = from..from + part.len();
            from = at.end + 1;
            let last = at.end == text.len();
            let segment = parse_segment(part, at.clone())?;
            if !last && segment == Segment::Literal(String::new()) {
                let slashes = at.start - 1..at.end + 1;
                return Err(Fault::new(slashes, "a pattern cannot have an empty segment", "write one slash"));
            }
            if let Some(name) = segment.name()
                && segments.iter().any(|earlier| earlier.name() == Some(name))
            {
                let message = format!("the name `{name}` is given twice");
                return Err(Fault::new(at, message, "give each segment a name of its own"));
            }
            if !last && let Segment::Rest(name) = &segment {
                let message = format!("`{{{name}...}}` takes the whole rest of the path, so nothing can follow it");
                return Err(Fault::new(
                    at,
                    message,
                    format!("write `{{{name}}}` for one segment, or move it to the end"),
                ));
            }
            segments.push(segment);
        }
        let names = segments.iter().filter(|segment| segment.name().is_some()).count();
        if names > MAX_NAMES || segments.len() > MAX_SEGMENTS {
            let message = format!("a pattern has at most {MAX_NAMES} names and {MAX_SEGMENTS} segments");
            return Err(Fault::new(slash..text.len(), message, "take the rest with one `{name...}`"));
        }
        Ok(Pattern { text: text.to_owned(), host, segments })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The hosts that it is for.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// What each segment must be; at least one.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The names, from the left: the indices of a match's captures.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(Segment::name)
    }

    /// The first condition that a request does not meet, host first, then from the left; `None` if it matches.
    /// `host` and `path` are as in [`Router::find`](super::Router::find).
    pub fn first_mismatch<'a>(&'a self, host: &str, path: &'a str) -> Option<Mismatch<'a>> {
        if !self.host.matches(host.strip_suffix('.').unwrap_or(host)) {
            return Some(Mismatch::Host { wanted: &self.host });
        }
        // What is left of the path, from its slash.
        let mut left = path;
        for (index, wanted) in self.segments.iter().enumerate() {
            let Some(after) = left.strip_prefix('/') else { return Some(Mismatch::TooShort { wanted }) };
            let end = after.find('/').unwrap_or(after.len());
            let found = &after[..end];
            let met = match wanted {
                Segment::Literal(text) => text == found,
                Segment::Name(_) => !found.is_empty(),
                Segment::Rest(_) => return None,
            };
            if !met {
                return Some(Mismatch::Segment { index, wanted, found });
            }
            left = &after[end..];
        }
        (!left.is_empty()).then_some(Mismatch::TooLong { rest: left })
    }

    /// Whether each path that `other` matches is matched by this one too. Hosts are not looked at.
    pub fn covers(&self, other: &Pattern) -> bool {
        let (mut ours, mut theirs) = (self.segments.iter(), other.segments.iter());
        loop {
            match (ours.next(), theirs.next()) {
                (Some(Segment::Rest(_)), Some(_)) => return true,
                (Some(Segment::Literal(a)), Some(Segment::Literal(b))) if a == b => {}
                (Some(Segment::Name(_)), Some(Segment::Literal(b))) if !b.is_empty() => {}
                (Some(Segment::Name(_)), Some(Segment::Name(_))) => {}
                (None, None) => return true,
                _ => return false,
            }
        }
    }

    /// A path that both patterns match, if there is one. Hosts are not looked at.
    pub fn shared_path(&self, other: &Pattern) -> Option<String> {
        let mut path = String::new();
        let mut push = |text: &str| {
            path.push('/');
            path.push_str(text);
        };
        let (mut ours, mut theirs) = (self.segments.as_slice(), other.segments.as_slice());
        loop {
            match (ours, theirs) {
                ([Segment::Rest(_)], more @ [_, ..]) | (more @ [_, ..], [Segment::Rest(_)]) => {
                    more.iter().for_each(|segment| push(segment.example()));
                    return Some(path);
                }
                ([Segment::Literal(a), ..], [Segment::Literal(b), ..]) if a == b => push(a),
                ([Segment::Name(_), ..], [Segment::Literal(text), ..])
                | ([Segment::Literal(text), ..], [Segment::Name(_), ..])
                    if !text.is_empty() =>
                {
                    push(text);
                }
                ([Segment::Name(name), ..], [Segment::Name(_), ..]) => push(name),
                ([], []) => return Some(path),
                _ => return None,
            }
            (ours, theirs) = (&ours[1..], &theirs[1..]);
        }
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Segment {
    /// The name, if it has one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Segment::Literal(_) => None,
            Segment::Name(name) | Segment::Rest(name) => Some(name),
        }
    }

    /// A text that it matches.
    fn example(&self) -> &str {
        match self {
            Segment::Literal(text) => text,
            Segment::Name(name) => name,
            Segment::Rest(_) => "",
        }
    }
}

/// A registered name or an IP literal, without port (RFC 3986 §3.2.2).
fn parse_host(text: &str) -> Result<Host, Fault> {
    let whole = 0..text.len();
    if text.is_empty() {
        return Ok(Host::Any);
    }
    if text.starts_with('[') && text.ends_with(']') {
        return match text[1..text.len() - 1].parse::<std::net::Ipv6Addr>() {
            Ok(_) => Ok(Host::Exact(text.to_ascii_lowercase())),
            Err(_) => Err(Fault::new(whole, "this is not an IPv6 address", "write it as in `[::1]/path`")),
        };
    }
    if let Some(colon) = text.find(':') {
        let message = "a pattern's host has neither scheme nor port";
        return Err(Fault::new(colon..text.len(), message, "leave it out: `listen` says what is listened on"));
    }
    let (name, from) = match text.strip_prefix("*.") {
        Some(domain) => (domain, 2),
        None => (text, 0),
    };
    if let Some(star) = name.find('*') {
        let star = from + star;
        let help = "write `*.example.com/…` for every host below a domain, or leave the host out";
        return Err(Fault::new(star..star + 1, "`*` can only stand for the whole left part of a host", help));
    }
    for label in name.split('.') {
        let proper = !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !proper {
            let help = "labels of letters, digits and hyphens with dots between; other scripts in their `xn--` form";
            return Err(Fault::new(whole, "this is not a host", help));
        }
    }
    let lower = text.to_ascii_lowercase();
    Ok(match lower.strip_prefix('*') {
        Some(suffix) => Host::Below(suffix.to_owned()),
        None => Host::Exact(lower),
    })
}

fn parse_segment(part: &str, at: Range<usize>) -> Result<Segment, Fault> {
    if let Some(inner) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
        let (name, rest) = match inner.strip_suffix("...") {
            Some(name) => (name, true),
            None => (inner, false),
        };
        if !is_name(name) {
            let message = "a name is a letter followed by letters, digits, `_` or `-`";
            return Err(Fault::new(at, message, "write it as in `{id}` or `{path...}`"));
        }
        return Ok(if rest { Segment::Rest(name.to_owned()) } else { Segment::Name(name.to_owned()) });
    }
    if let Some(brace) = part.find(['{', '}']) {
        let brace = at.start + brace;
        let help = "make it a segment of its own, or write `%7B` and `%7D` for the braces themselves";
        return Err(Fault::new(brace..brace + 1, "a name is a whole segment", help));
    }
    let text = decode(part, at.start)?;
    if text == "." || text == ".." {
        let help = "leave it out: requests with dot segments are refused";
        return Err(Fault::new(at, "a dot segment never matches", help));
    }
    Ok(Segment::Literal(text))
}

/// Whether this can be the name of a segment.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// Percent-decodes a literal segment (RFC 3986 §2.1); `from` is its offset in the pattern.
fn decode(part: &str, from: usize) -> Result<String, Fault> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut left = part.char_indices();
    while let Some((at, c)) = left.next() {
        let start = from + at;
        match c {
            '%' => {
                let byte = part.get(at + 1..at + 3).and_then(hex_pair).ok_or_else(|| {
                    let help = "write `%25` for the percent sign itself";
                    Fault::new(start..start + 1, "`%` is not followed by two hexadecimal digits", help)
                })?;
                let encoded = start..start + 3;
                if byte == b'/' {
                    let help = "take the segment with a `{name}`, which does match it";
                    return Err(Fault::new(encoded, "an encoded slash never equals a literal", help));
                }
                if byte.is_ascii_control() {
                    return Err(Fault::new(encoded, "a pattern cannot have control characters", "remove it"));
                }
                bytes.push(byte);
                left.nth(1);
            }
            '?' | '#' => {
                let help = "leave it out: the query has no part in which route is taken";
                return Err(Fault::new(
                    start..from + part.len(),
                    "a pattern is a path, without query and fragment",
                    help,
                ));
            }
            '\\' => return Err(Fault::new(start..start + 1, "`\\` cannot stand in a path", "write `/`")),
            '*' => {
                let help = "write `{name}` for one segment, `{name...}` for the rest, or `%2A` for the asterisk itself";
                return Err(Fault::new(start..start + 1, "`*` stands for nothing in a path", help));
            }
            c if c.is_control() => {
                let end = start + c.len_utf8();
                return Err(Fault::new(start..end, "a pattern cannot have control characters", "remove it"));
            }
            c => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    String::from_utf8(bytes).map_err(|_| {
        let help = "encode the characters in UTF-8, or write them as they are";
        Fault::new(from..from + part.len(), "this does not decode to UTF-8", help)
    })
}

fn hex_pair(pair: &str) -> Option<u8> {
    // `from_str_radix` alone would take a sign.
    if pair.bytes().all(|b| b.is_ascii_hexdigit()) { u8::from_str_radix(pair, 16).ok() } else { None }
}
