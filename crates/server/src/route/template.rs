//! A redirect's target: text with the names of the route's pattern in it. What a request puts in place of a name can never
//! choose the host, end the line, or add a part to the query: the text around the names is the operator's alone.

use super::Pattern;
use super::pattern::Fault;
use std::ops::Range;

/// A parsed template. A local one begins with a slash, an absolute one with `http://` or `https://` and a fixed authority.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Template {
    text: String,
    local: bool,
    /// Path and query.
    target: Vec<Piece>,
    /// With its `#`; a query that is kept goes before it.
    fragment: Vec<Piece>,
    has_query: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    /// The host that the request is for.
    Host,
    /// Legal in a URI as it stands.
    Text(String),
    /// What the pattern's name with this index stands for.
    Name { index: usize, place: Place },
}

/// Where in a URI a name stands, which decides what is encoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Path,
    Query,
    Fragment,
}

impl Template {
    /// Parses a template whose names must be those of `pattern`.
    pub fn parse(text: &str, pattern: &Pattern) -> Result<Template, Fault> {
        let authority = authority(text)?;
        let local = authority.is_empty();
        let mut template =
            Template { text: text.to_owned(), local, target: Vec::new(), fragment: Vec::new(), has_query: false };
        let mut place = Place::Path;
        let mut literal = String::new();
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            let end = at + c.len_utf8();
            match c {
                '{' => {
                    let close = text[at..].find('}').map(|close| at + close).ok_or_else(|| {
                        Fault::new(
                            at..end,
                            "this brace is not closed",
                            "write a name as in `{path}`, or `%7B` for the brace",
                        )
                    })?;
                    if at < authority.end && is_own_host(text, at..close + 1, &authority, pattern) {
                        template.push(place, Piece::Text(std::mem::take(&mut literal)));
                        template.push(place, Piece::Host);
                        at = close + 1;
                        continue;
                    }
                    let index = name_index(&text[at + 1..close], at..close + 1, pattern)?;
                    if at < authority.end {
                        let message = "a request could choose the host";
                        let help =
                            "write the host out, with a slash before the first name: `https://new.example/{path}`";
                        return Err(Fault::new(at..close + 1, message, help));
                    }
                    template.push(place, Piece::Text(std::mem::take(&mut literal)));
                    template.push(place, Piece::Name { index, place });
                    at = close + 1;
                    continue;
                }
                '}' => {
                    return Err(Fault::new(at..end, "this brace closes nothing", "write `%7D` for the brace itself"));
                }
                '\\' => return Err(Fault::new(at..end, "`\\` cannot stand in a URL", "write `/`")),
                c if c.is_control() => {
                    return Err(Fault::new(at..end, "a URL cannot have control characters", "remove it"));
                }
                '?' if place == Place::Path => {
                    place = Place::Query;
                    template.has_query = true;
                    literal.push(c);
                }
                '#' if place != Place::Fragment => {
                    template.push(place, Piece::Text(std::mem::take(&mut literal)));
                    place = Place::Fragment;
                    literal.push(c);
                }
                '%' if !is_encoding(&text.as_bytes()[at..]) => {
                    let message = "`%` is not followed by two hexadecimal digits";
                    return Err(Fault::new(at..end, message, "write `%25` for the percent sign itself"));
                }
                '%' => literal.push(c),
                _ => encode(&text[at..end], is_legal, &mut literal),
            }
            at = end;
        }
        template.push(place, Piece::Text(literal));
        Ok(template)
    }

    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the target is on the same origin.
    pub fn is_local(&self) -> bool {
        self.local
    }

    /// Appends the target to `out`. `get` gives what the pattern's name with an index stands for, as it was sent (still
    /// percent-encoded); `query` is the request's, without its `?`, and is kept.
    ///
    /// `host` is the request's own, without its port: it stands for `{host}`.
    pub fn expand<'r>(&self, host: &str, get: impl Fn(usize) -> &'r str, query: Option<&str>, out: &mut String) {
        let start = out.len();
        write(&self.target, host, &get, out);
        if self.local {
            // A reference that begins with two slashes names a host (RFC 3986 §4.2): `/{path}` and `//evil.example`.
            // A backslash, which browsers take for a slash, has been encoded.
            let slashes = out[start..].bytes().take_while(|&b| b == b'/').count();
            out.replace_range(start..start + slashes.saturating_sub(1), "");
        }
        if let Some(query) = query.filter(|query| !query.is_empty()) {
            out.push(if self.has_query { '&' } else { '?' });
            encode(query, |b| is_legal(b) && b != b'#', out);
        }
        write(&self.fragment, host, &get, out);
    }

    /// Whether it needs the request's own host.
    pub fn keeps_host(&self) -> bool {
        self.target.contains(&Piece::Host)
    }

    fn push(&mut self, place: Place, piece: Piece) {
        if piece != Piece::Text(String::new()) {
            if place == Place::Fragment { self.fragment.push(piece) } else { self.target.push(piece) }
        }
    }
}

fn write<'r>(pieces: &[Piece], host: &str, get: &impl Fn(usize) -> &'r str, out: &mut String) {
    for piece in pieces {
        match *piece {
            Piece::Text(ref text) => out.push_str(text),
            Piece::Host => encode(host, |b| is_legal(b) && !b"/?#@".contains(&b), out),
            Piece::Name { index, place: Place::Path } => encode(get(index), |b| is_legal(b) && !is_end_of_path(b), out),
            Piece::Name { index, place: Place::Query } => encode(get(index), is_data, out),
            Piece::Name { index, place: Place::Fragment } => encode(get(index), |b| is_legal(b) && b != b'#', out),
        }
    }
}

/// Whether `{host}` stands for the request's own host: as the whole host of a URL, where no name of the pattern is called so.
/// A client that is sent back to the host that it asked is sent nowhere new.
fn is_own_host(text: &str, at: Range<usize>, authority: &Range<usize>, pattern: &Pattern) -> bool {
    &text[at.clone()] == "{host}"
        && text[..at.start].ends_with("://")
        && (at.end == authority.end || text[at.end..].starts_with(':'))
        && pattern.names().all(|name| name != "host")
}

/// Where scheme and authority stand: empty for a local target. A name before its end could choose the host.
fn authority(text: &str) -> Result<Range<usize>, Fault> {
    let whole = 0..text.len();
    let help = "write a path that begins with one slash, or a URL with `https://` and a host";
    if text.starts_with("//") || text.starts_with("/\\") {
        return Err(Fault::new(0..2, "a target that begins with two slashes names a host", help));
    }
    if text.starts_with('/') {
        return Ok(0..0);
    }
    let scheme = ["https://", "http://"].into_iter().find(|scheme| text.starts_with(scheme));
    let Some(scheme) = scheme else {
        return Err(Fault::new(whole, "this is neither a path nor an http(s) URL", help));
    };
    let host = &text[scheme.len()..];
    let end = scheme.len() + host.find(['/', '?', '#']).unwrap_or(host.len());
    let host = scheme.len()..end;
    if host.is_empty() {
        return Err(Fault::new(whole, "this URL has no host", help));
    }
    if let Some(at) = text[host.clone()].find('@') {
        let at = host.start + at;
        return Err(Fault::new(host.start..at + 1, "a redirect cannot carry credentials", "remove them"));
    }
    let odd = |c: char| !(c.is_ascii_alphanumeric() || "-._:[]{}".contains(c));
    if let Some(c) = text[host.clone()].chars().find(|&c| odd(c) && !c.is_control()) {
        let at = host.start + text[host].find(c).unwrap_or(0);
        let help = "letters, digits, hyphens and dots; other scripts in their `xn--` form";
        return Err(Fault::new(at..at + c.len_utf8(), format!("`{c}` cannot stand in a host"), help));
    }
    Ok(0..end)
}

fn name_index(name: &str, at: Range<usize>, pattern: &Pattern) -> Result<usize, Fault> {
    let plain = name.strip_suffix("...").unwrap_or(name);
    if let Some(index) = pattern.names().position(|known| known == plain) {
        if plain != name {
            let message = "the dots belong to the pattern only";
            return Err(Fault::new(at, message, format!("write `{{{plain}}}`")));
        }
        return Ok(index);
    }
    let help = match crate::config::suggest(name, pattern.names()) {
        Some(close) => format!("did you mean `{{{close}}}`?"),
        None if pattern.names().next().is_none() => "the pattern has no names".to_owned(),
        None => {
            let names: Vec<_> = pattern.names().map(|name| format!("`{{{name}}}`")).collect();
            format!("the pattern has {}", names.join(", "))
        }
    };
    Err(Fault::new(at, format!("the pattern `{pattern}` has no name `{}`", name.escape_debug()), help))
}

/// Appends `text` with every byte that is not `legal`, and every `%` that begins no percent-encoding, percent-encoded.
/// A percent-encoding stays as it is.
fn encode(text: &str, legal: impl Fn(u8) -> bool, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let bytes = text.as_bytes();
    for (at, &b) in bytes.iter().enumerate() {
        if is_encoding(&bytes[at..]) || legal(b) {
            out.push(char::from(b));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(b >> 4)]));
            out.push(char::from(HEX[usize::from(b & 15)]));
        }
    }
}

/// Appends text of a request's target, encoding what cannot stand in a URI reference.
pub(crate) fn push_uri(text: &str, out: &mut String) {
    encode(text, is_legal, out);
}

/// Whether this begins with a percent-encoding (RFC 3986 §2.1).
fn is_encoding(bytes: &[u8]) -> bool {
    matches!(bytes, [b'%', a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
}

/// Unreserved or reserved (RFC 3986 §2.2, §2.3); the percent sign apart.
fn is_legal(b: u8) -> bool {
    is_unreserved(b) || b":/?#[]@!$&'()*+,;=".contains(&b)
}

fn is_unreserved(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-._~".contains(&b)
}

/// What cannot stand in a path (RFC 3986 §3.3) though it can elsewhere in a URI.
fn is_end_of_path(b: u8) -> bool {
    b"?#[]".contains(&b)
}

/// What cannot be taken for the structure of a query: not `&`, `=`, `+` or `;`.
fn is_data(b: u8) -> bool {
    is_unreserved(b) || b"/:@".contains(&b)
}
