//! A text that is not TOML. One fault is told, the first: whatever comes after it was read in its light.

use super::report::Findings;
use std::ops::Range;
use toml::de::Error;

/// Tells the first fault; nothing if there is none.
pub(super) fn tell(findings: &mut Findings, text: &str, faults: &[Error]) {
    let Some(first) = faults.iter().min_by_key(|fault| span(fault).start) else { return };
    let at = span(first);
    let unclosed = faults.iter().find(|fault| {
        fault.message().starts_with("unclosed array") || fault.message().starts_with("unclosed inline table")
    });
    // The bracket comes before everything that was read as a part of it.
    if let Some(bracket) = unclosed.and_then(|fault| open_bracket(text, span(fault).start))
        && bracket < at.start
    {
        let (what, close) = if text.as_bytes()[bracket] == b'[' { ("list", ']') } else { ("table", '}') };
        let error = findings.error(bracket..bracket + 1, format!("this {what} is not closed"));
        if !text[at.start..].trim_start().is_empty() {
            error.also(at, "so this is read as a part of it");
        }
        error.help(format!("close it with `{close}`"));
        return;
    }
    if let Some((value, at)) = bare_text(text, at.start) {
        let error = findings.error(at, format!("`{}` is not a value", value.escape_debug()));
        error.help(if value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false") {
            format!("write `{}`, in small letters", value.to_ascii_lowercase())
        } else {
            format!("a text stands in quotes: write `\"{}\"`", value.escape_debug())
        });
        return;
    }
    let error = findings.error(at, first.message());
    match first.message() {
        "duplicate key" => error.help("keep one of the two"),
        message if message.starts_with("invalid unquoted key") => {
            error.help("a pattern stands in quotes, as in `[route.\"/{path...}\"]`")
        }
        message if message.ends_with("expected `\"`") => error.help("a text ends with `\"` on its own line"),
        _ => error,
    };
}

fn span(fault: &Error) -> Range<usize> {
    fault.span().unwrap_or(0..0)
}

/// Where the innermost bracket stands that is open at `end`.
fn open_bracket(text: &str, end: usize) -> Option<usize> {
    let bytes = &text.as_bytes()[..end];
    let mut open = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'#' => at += bytes[at..].iter().position(|&b| b == b'\n').unwrap_or(bytes.len() - at),
            b'"' | b'\'' => at += string(&bytes[at..]),
            b'[' | b'{' => {
                open.push(at);
                at += 1;
            }
            b']' | b'}' => {
                open.pop();
                at += 1;
            }
            _ => at += 1,
        }
    }
    open.pop()
}

/// How many bytes the string has that these begin with.
fn string(bytes: &[u8]) -> usize {
    let quote = bytes[0];
    let long = bytes.starts_with(&[quote; 3]);
    let close = &[quote; 3][..if long { 3 } else { 1 }];
    let mut at = close.len();
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quote == b'"' => at += 2,
            b'\n' if !long => break,
            _ if bytes[at..].starts_with(close) => return at + close.len(),
            _ => at += 1,
        }
    }
    bytes.len().min(at)
}

/// The value without quotes that a fault lies in, if it is a text rather than a number that is written wrongly.
fn bare_text(text: &str, fault: usize) -> Option<(&str, Range<usize>)> {
    let start = text[..fault].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[start..].lines().next()?;
    let (key, value) = line.split_once('=')?;
    let value = value.split('#').next()?;
    let from = start + key.len() + 1 + (value.len() - value.trim_start().len());
    let value = value.trim();
    let is_bare = !value.contains(['"', '\'', '[', ']', '{', '}', ',', '=', ' ', '\t']);
    let is_text = value.contains(|c: char| !c.is_ascii_digit() && !"_+-.".contains(c));
    let at = from..from + value.len();
    (is_bare && is_text && at.contains(&fault)).then_some((value, at))
}
