//! The forms of values, as schemas: what `read.rs` reads. A form that no regular expression holds exactly (an IPv6 address, a
//! `Link`) is wider here, so that what the parser takes is never underlined.

use super::super::read::Zero;
use super::super::units::Form;
use crate::json::Json;

/// A character that is no control character (Unicode's category Cc), in a class.
const NOT_CONTROL: &str = r"^\x00-\x1f\x7f-\x9f";

/// RFC 9110 §5.6.2.
const TOKEN: &str = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";

/// A value of one type.
pub(super) fn of_type(name: &str) -> Json {
    Json::empty().with("type", name)
}

/// A text that this regular expression (ECMA-262) matches as a whole.
pub(super) fn text(pattern: &str) -> Json {
    of_type("string").with("pattern", format!("^(?:{pattern})$"))
}

/// A text that says something.
pub(super) fn not_empty() -> Json {
    of_type("string").with("minLength", 1)
}

/// A number and its unit.
pub(super) fn quantity(form: &Form, zero: Zero) -> Json {
    let number = match zero {
        Zero::Taken => "[0-9]+",
        Zero::Refused => "0*[1-9][0-9]*",
    };
    let units: Vec<_> = form.units.iter().map(|(unit, _)| *unit).collect();
    text(&format!("{number}(?:{})", units.join("|")))
}

/// A whole number from one bound to the other.
pub(super) fn integer(least: u64, most: u64) -> Json {
    of_type("integer").with("minimum", least).with("maximum", most)
}

/// One of these words or numbers.
pub(super) fn one_of<V: Into<Json>>(values: impl IntoIterator<Item = V>) -> Json {
    Json::empty().with("enum", Json::list(values))
}

/// One value, or a list of them.
pub(super) fn one_or_list(item: Json, least: u64) -> Json {
    let list = of_type("array").with("items", item.clone());
    Json::empty().with("anyOf", Json::List(vec![item, if least > 0 { list.with("minItems", least) } else { list }]))
}

/// A table that takes these keys and no others.
pub(super) fn table(keys: Vec<(&str, Json)>) -> Json {
    let keys = keys.into_iter().map(|(key, form)| (key.to_owned(), form)).collect();
    of_type("object").with("properties", Json::Object(keys)).with("additionalProperties", false)
}

/// The form, and what an editor says of a key that has it.
pub(super) fn described(words: &str, form: Json) -> Json {
    form.preceded_by("description", words)
}

/// A name in any case, as a regular expression without flags: a schema's has none.
pub(super) fn any_case(name: &str) -> String {
    name.chars()
        .map(|c| match c {
            c if c.is_ascii_alphabetic() => format!("[{}{}]", c.to_ascii_uppercase(), c.to_ascii_lowercase()),
            c => c.to_string(),
        })
        .collect()
}

/// A table of fields none of whose names is one of these.
pub(super) fn fields<'n>(refused: impl IntoIterator<Item = &'n str>) -> Json {
    let refused: Vec<_> = refused.into_iter().map(any_case).collect();
    let name = text(TOKEN).with("not", Json::empty().with("pattern", format!("^(?:{})$", refused.join("|"))));
    // RFC 9110 §5.5
    let value = text(r"(?:[!-~](?:[\t -~]*[!-~])?)?");
    of_type("object").with("propertyNames", name).with("additionalProperties", value)
}

/// `type/subtype`, with parameters (RFC 9110 §8.3.1).
pub(super) fn media_type() -> Json {
    let quoted = r#""(?:[\t !#-\[\]-~]|\\[\t -~])*""#;
    text(&format!(r"{TOKEN}/{TOKEN}(?:[ \t]*;(?:[ \t]*{TOKEN}=(?:{TOKEN}|{quoted}))?)*"))
}

/// `type/subtype`, `type/*` or `*/*`.
pub(super) fn media_range() -> Json {
    text(&format!(r"\*/\*|(?!\*/){TOKEN}/{TOKEN}"))
}

/// A method or the name of a field (RFC 9110 §5.6.2).
pub(super) fn token() -> Json {
    text(TOKEN)
}

/// `100/min`, and perhaps whose requests are counted.
pub(super) fn rate() -> Json {
    text(&format!(r"0*[1-9][0-9]*/(?:s|min|h|day)(?: per {PER})?", PER = per_pattern()))
}

/// Whose requests are counted.
pub(super) fn per() -> Json {
    text(&per_pattern())
}

fn per_pattern() -> String {
    format!("(?:client|user|field:{TOKEN})")
}

/// A date and time with its offset, as TOML writes it (RFC 3339 §5.6, whose seconds TOML 1.1 lets out).
pub(super) fn date_time() -> Json {
    let date = "[0-9]{4}-[0-9]{2}-[0-9]{2}";
    text(&format!(r"{date}[Tt ][0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:\.[0-9]+)?)?(?:[Zz]|[+-][0-9]{{2}}:[0-9]{{2}})"))
}

/// An origin as browsers send it, or `*`.
pub(super) fn origin() -> Json {
    text(r"\*|[a-z][a-z0-9+.-]*://[^/?#*A-Z]+")
}

/// A `Link` value (RFC 8288 §3).
pub(super) fn link() -> Json {
    text(r"[, \t]*<[^>]*>.*[Rr][Ee][Ll][ \t]*=.*")
}

/// A number from 0 to 255, as it is written in an IPv4 address.
const BYTE: &str = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";

/// Where to listen.
pub(super) fn address() -> Json {
    let port = "0*(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[0-9]{1,4})";
    text(&format!(r"https?://(?:localhost|{BYTE}(?:\.{BYTE}){{3}}|\[[0-9A-Fa-f:.]+\])(?::{port})?/?"))
}

/// An IP address and a port.
pub(super) fn socket_address() -> Json {
    text(&format!(r"(?:{BYTE}(?:\.{BYTE}){{3}}|\[[0-9A-Fa-f:.%]+\]):[0-9]{{1,5}}"))
}

/// What `Authorization` can carry beside a scheme (RFC 9110 §11.2), of at least so many characters.
pub(super) fn token68(least: u64) -> Json {
    text("[0-9A-Za-z._~+/-]+=*").with("minLength", least)
}

/// An IP address, and how many of its bits count.
pub(super) fn network() -> Json {
    text(&format!(r"(?:{BYTE}(?:\.{BYTE}){{3}}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+)(?:/[0-9]+)?"))
}

/// `[host]/path`.
pub(super) fn pattern() -> Json {
    let label = "[0-9A-Za-z_-]+";
    let host = format!(r"(?:\[[0-9A-Fa-f:.]+\]|(?:\*\.)?{label}(?:\.{label})*)?");
    let name = r"[A-Za-z][0-9A-Za-z_-]*";
    // Decoded, neither a slash nor a control character.
    let encoded = "%(?:2[0-9A-Ea-e]|7[0-9A-Ea-e]|[3-689A-Fa-f][0-9A-Fa-f])";
    let no_dots = r"(?!(?:\.|%2[Ee]){1,2}(?:/|$))";
    let segment = format!(r"(?:\{{{name}\}}|{no_dots}(?:[{NOT_CONTROL}/{{}}%?#*\\]|{encoded})+)");
    text(&format!(r"{host}/(?:{segment}/)*(?:{segment}|\{{{name}\.\.\.\}})?"))
}

/// A path or a URL with names in braces.
pub(super) fn target() -> Json {
    let part = format!(r"(?:[{NOT_CONTROL}{{}}%\\]|%[0-9A-Fa-f]{{2}}|\{{[A-Za-z][0-9A-Za-z_-]*\}})*");
    text(&format!(r"/(?!/){part}|https?://[0-9A-Za-z._:\[\]-]+(?:[/?#]{part})?"))
}

/// The path of a file below a folder.
pub(super) fn path_below() -> Json {
    text(r"(?:/(?!\.{1,2}(?:/|$))[^/\x00]+)+")
}

/// The name of a file in a folder.
pub(super) fn file_name() -> Json {
    text(r"(?!\.{1,2}$)[^/\x00]+")
}

/// Whom to ask: an origin, or a socket of this machine.
pub(super) fn member() -> Json {
    let origin = r"[Hh][Tt][Tt][Pp][Ss]?://(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]+)(?::[0-9]*)?/?";
    text(&format!(r"{origin}|unix:/[^/\x00](?:[^\x00]*[^/\x00])?"))
}

/// Which of several is asked.
pub(super) fn balance() -> Json {
    text(&format!("least|hash:{TOKEN}"))
}

/// A host and perhaps a port (RFC 3986 §3.2.2), or a word.
pub(super) fn host() -> Json {
    text(r"(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._~%!$&'()*+,;=-]+)(?::[0-9]*)?")
}

/// The name of a protocol, and perhaps its version.
pub(super) fn protocol() -> Json {
    text(&format!("{TOKEN}(?:/{TOKEN})?"))
}

/// Segments without names.
pub(super) fn stripped() -> Json {
    text(r"(?:/[^/{}*?#\\\x00]+)+/?")
}

/// A path and perhaps a query, to be asked for.
pub(super) fn asked_path() -> Json {
    text(r#"/[!"$-~]*"#)
}
