//! `proxy`: upstream applications, one of which is asked for each request.

mod members;

pub(super) use members::asks_itself;

use super::Timeout;
use super::place::Place;
use super::read::{Entry, Reader, Zero};
use super::suggest::suggest;
use crate::route::{Host, Pattern, Segment};
use crate::upstream::Target;
use std::ops::Range;
use std::time::Duration;
use toml::de::DeValue;
use verdict_core::field::host::Authority;
use verdict_core::field::list::is_token;
use verdict_core::status::Status;

/// `proxy`: who is asked, and how.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// `to`: the members; at least one, none twice.
    pub(crate) to: Vec<Target>,
    /// `balance`: which of them is asked.
    pub balance: Balance,
    /// `health`: how it is found out whether a member works before anybody needs it.
    pub health: Option<Health>,
    /// `host`: what the upstream is told that was asked for.
    pub host: HostPolicy,
    /// `strip`: how many segments of the path are not passed on.
    pub strip: usize,
    /// `intercept`: statuses of upstreams, from 400, whose content is replaced by what this server says of such a status.
    pub intercept: Vec<Status>,
    /// `upgrade`: the protocol that is spoken here and nothing else, as in `websocket`.
    pub upgrade: Option<String>,
    /// `show-upstream`: whether clients are told which member was asked.
    pub show_upstream: bool,
    /// `timeout`, which stands beside `proxy`.
    pub timeout: Timeout,
}

/// `balance`: which member is asked.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Balance {
    /// `least`: of two that are drawn, the one with fewer requests under way; the default.
    #[default]
    Least,
    /// `hash:FIELD`: always the same for the same value of a field, as far as it works; without the field, of the client's
    /// address.
    Hash(String),
}

/// `health`: a request that is made of each member every now and then.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Health {
    /// `path`: what is asked for, with GET: a path, and perhaps a query.
    pub path: String,
    /// `every`: how often; [`Health::EVERY`] unless set.
    pub every: Duration,
    /// `status`: what a member that works answers; 200 unless set.
    pub status: Status,
}

/// `host`: what the upstream is told that was asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum HostPolicy {
    /// `client`: what the client said; the default.
    #[default]
    Client,
    /// `member`: the member's own.
    Member,
    /// Any other: this.
    Own(String),
}

impl Proxy {
    /// How many members there are.
    pub fn members(&self) -> usize {
        self.to.len()
    }
}

impl Health {
    /// Unless `every` is set.
    pub const EVERY: Duration = Duration::from_secs(5);
}

const EXAMPLE: &str = "[\"http://127.0.0.1:3000\"]";
const TABLE: &str = "{ to = [\"http://127.0.0.1:3000\"] }";

/// `proxy`. `pattern` is the route's, if it is one, with its place.
pub(super) fn read(
    reader: &mut Reader<'_>,
    entry: &Entry<'_, '_>,
    pattern: Option<(&Pattern, Range<usize>)>,
) -> Option<Proxy> {
    if let Some((pattern, span)) = &pattern
        && let Some(Segment::Literal(last)) = pattern.segments().last()
        && last.is_empty()
    {
        let warning =
            reader.findings.warning(span.clone(), format!("`{pattern}` is one path, and not what is below it"));
        warning.help(format!("write `{pattern}{{path...}}` for all that is below it"));
    }
    let mut proxy = Proxy {
        to: Vec::new(),
        balance: Balance::default(),
        health: None,
        host: HostPolicy::default(),
        strip: 0,
        intercept: Vec::new(),
        upgrade: None,
        show_upstream: false,
        timeout: Timeout::OF_PROXY,
    };
    match entry.value.get_ref() {
        DeValue::String(_) | DeValue::Array(_) => {
            proxy.to = members::read(reader, entry, None)?;
            return Some(proxy);
        }
        DeValue::Table(_) => {}
        _ => return reader.other_type(entry, "a list of URLs or a table", EXAMPLE),
    }
    let mut table = reader.table(entry, Place::Proxy, TABLE)?;
    let (to, authorities) = (table.take("to"), table.take("authorities"));
    let to = match to {
        Some(to) => members::read(reader, &to, authorities.as_ref()),
        None => {
            let error = reader.findings.error(entry.key_span.clone(), "`proxy` needs `to`");
            error.label("who is asked?").help(format!("write it as in `proxy = {TABLE}`"));
            None
        }
    };
    if let Some(entry) = table.take("balance") {
        proxy.balance = balance(reader, &entry).unwrap_or_default();
    }
    if let Some(entry) = table.take("health") {
        proxy.health = health(reader, &entry);
    }
    if let Some(entry) = table.take("host") {
        proxy.host = host(reader, &entry).unwrap_or_default();
    }
    if let Some(entry) = table.take("strip") {
        proxy.strip = strip(reader, &entry, pattern).unwrap_or_default();
    }
    if let Some(entry) = table.take("intercept") {
        proxy.intercept = intercept(reader, &entry);
    }
    if let Some(entry) = table.take("upgrade") {
        proxy.upgrade = upgrade(reader, &entry);
    }
    if let Some(entry) = table.take("show-upstream") {
        proxy.show_upstream = reader.boolean(&entry).unwrap_or_default();
    }
    table.finish(reader);
    proxy.to = to?;
    Some(proxy)
}

/// `least` or `hash:FIELD`.
fn balance(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<Balance> {
    let text = reader.string(entry, "how a member is chosen", "least")?;
    match text.split_once(':') {
        None if text == "least" => return Some(Balance::Least),
        Some(("hash", name)) if is_token(name.as_bytes()) => return Some(Balance::Hash(name.to_owned())),
        Some(("hash", name)) => {
            let at = reader.within(entry.span(), text, "hash:".len()..text.len());
            let error = reader.findings.error(at, format!("`{}` is not a field name", name.escape_debug()));
            error.help("write it as in `balance = \"hash:Cookie\"`");
            return None;
        }
        _ => {}
    }
    let error = reader.findings.error(entry.span(), format!("members are not chosen by `{}`", text.escape_debug()));
    error.help(match suggest(text, ["least", "hash"]) {
        Some("least") => "did you mean `\"least\"`?",
        Some(_) => "name the field, as in `balance = \"hash:Cookie\"`",
        None => "write `\"least\"`, or `\"hash:FIELD\"` for always the same for the same value of a field",
    });
    None
}

/// A path, or a table.
fn health(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<Health> {
    const EXAMPLE: &str = "/healthz";
    let (every, status) = (Health::EVERY, Status::from_wire(200));
    match entry.value.get_ref() {
        DeValue::String(_) => return Some(Health { path: health_path(reader, entry)?, every, status: status? }),
        DeValue::Table(_) => {}
        _ => return reader.other_type(entry, "a path or a table", &format!("\"{EXAMPLE}\"")),
    }
    let mut table = reader.table(entry, Place::Health, "")?;
    let path = match table.take("path") {
        Some(entry) => health_path(reader, &entry),
        None => {
            let error = reader.findings.error(entry.key_span.clone(), "`health` needs `path`");
            error.help(format!("write it as in `health = {{ path = \"{EXAMPLE}\", every = \"10s\" }}`"));
            None
        }
    };
    let every = table.take("every").map_or(Some(every), |entry| reader.duration(&entry, Zero::Refused));
    let status = match table.take("status") {
        Some(entry) => {
            let code = reader.integer(&entry, 200..599, "200");
            code.and_then(|code| u16::try_from(code).ok()).and_then(Status::from_wire)
        }
        None => status,
    };
    table.finish(reader);
    Some(Health { path: path?, every: every?, status: status? })
}

fn health_path(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<String> {
    const EXAMPLE: &str = "/healthz";
    let text = reader.string(entry, "a path", EXAMPLE)?;
    let why = if text.contains('#') {
        "a fragment is not sent to a server"
    } else if !text.starts_with('/') {
        "it begins with a slash"
    } else if Target::socket("/s").is_ok_and(|any| any.at(text, None).is_none()) {
        "it cannot be asked for"
    } else {
        return Some(text.to_owned());
    };
    let error = reader.findings.error(entry.span(), format!("`{}` is not a path", text.escape_debug()));
    error.label(why).help(format!("write it as in `{} = \"{EXAMPLE}\"`", entry.key));
    None
}

/// `client`, `member`, or a host.
fn host(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<HostPolicy> {
    let text = reader.string(entry, "`\"client\"`, `\"member\"` or a host", "client")?;
    match (text, Authority::parse(text.as_bytes())) {
        ("client", _) => Some(HostPolicy::Client),
        ("member", _) => Some(HostPolicy::Member),
        (_, Ok(_)) => Some(HostPolicy::Own(text.to_owned())),
        (_, Err(why)) => {
            let error = reader.findings.error(entry.span(), format!("`{}` is not a host", text.escape_debug()));
            let help = "write `\"client\"` for what the client said, `\"member\"` for the member's own, or a host";
            error.label(why.to_string()).help(help);
            None
        }
    }
}

/// The name of a protocol, and perhaps its version (RFC 9110 §7.8).
fn upgrade(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<String> {
    let text = reader.string(entry, "a protocol", "websocket")?;
    let (name, version) = text.split_once('/').map_or((text, None), |(name, version)| (name, Some(version)));
    if is_token(name.as_bytes()) && version.is_none_or(|version| is_token(version.as_bytes())) {
        return Some(text.to_owned());
    }
    let error = reader.findings.error(entry.span(), format!("`{}` is not a protocol", text.escape_debug()));
    error.help("write what clients name in `Upgrade`, as in `upgrade = \"websocket\"`");
    None
}

/// How many segments: those of a path that the pattern begins with, or all before its first name.
fn strip(reader: &mut Reader<'_>, entry: &Entry<'_, '_>, pattern: Option<(&Pattern, Range<usize>)>) -> Option<usize> {
    let text = match entry.value.get_ref() {
        DeValue::Boolean(false) => return Some(0),
        DeValue::Boolean(true) => None,
        DeValue::String(text) => Some(&**text),
        _ => return reader.other_type(entry, "a path or a boolean", "true"),
    };
    let wanted = match text {
        Some(text) => Some(literals(reader, entry, text)?),
        None => None,
    };
    let (pattern, span) = pattern?;
    let begins: Vec<_> = leading(pattern).collect();
    if begins.is_empty() {
        let error = reader.findings.error(entry.span(), "there is nothing to strip");
        error.label("the pattern begins with a name").also(span, "this one").help("remove it");
        return None;
    }
    let Some(wanted) = wanted else { return Some(begins.len()) };
    if begins.starts_with(&wanted.iter().map(String::as_str).collect::<Vec<_>>()) {
        return Some(wanted.len());
    }
    let shown = text.unwrap_or_default().escape_debug();
    let error = reader.findings.error(entry.span(), format!("`{pattern}` does not begin with `{shown}`"));
    let path = pattern.as_str().find('/').map_or("", |slash| &pattern.as_str()[slash..]);
    let begins = path.split('{').next().unwrap_or_default().trim_end_matches('/');
    error.also(span, "this one").help(format!("write `strip = true`, which is `\"{begins}\"`"));
    None
}

/// The segments of a path without names; at least one.
fn literals(reader: &mut Reader<'_>, entry: &Entry<'_, '_>, text: &str) -> Option<Vec<String>> {
    let parsed = if text.starts_with('/') { Pattern::parse(text).ok() } else { None };
    let parsed = parsed.filter(|path| *path.host() == Host::Any && path.names().count() == 0);
    let literals: Vec<_> = parsed.iter().flat_map(leading).map(str::to_owned).collect();
    if literals.is_empty() {
        let message = format!("`{}` is not a path that could be stripped", text.escape_debug());
        let error = reader.findings.error(entry.span(), message);
        error.help("write it as in `strip = \"/app\"`, or `strip = true` for all that stands before the first name");
        return None;
    }
    Some(literals)
}

/// What a pattern has before its first name, segment by segment.
fn leading(pattern: &Pattern) -> impl Iterator<Item = &str> {
    pattern.segments().iter().map_while(|segment| match segment {
        Segment::Literal(text) if !text.is_empty() => Some(&**text),
        Segment::Literal(_) | Segment::Name(_) | Segment::Rest(_) => None,
    })
}

/// One status, or a list of them.
fn intercept(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Vec<Status> {
    let values = match entry.value.get_ref() {
        DeValue::Array(values) => values.iter().collect(),
        _ => vec![entry.value],
    };
    let mut found: Vec<Status> = Vec::new();
    for value in values {
        let entry = Entry { value, ..entry.clone() };
        let code = reader.integer(&entry, 400..599, "[502, 503]");
        let Some(status) = code.and_then(|code| u16::try_from(code).ok()).and_then(Status::from_wire) else { continue };
        if found.contains(&status) {
            let error = reader.findings.error(entry.span(), format!("{} is listed twice", status.code()));
            error.help("keep one");
        } else {
            found.push(status);
        }
    }
    found
}
