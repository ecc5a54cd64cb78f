//! A route's `auth`, `allow` and `hide`; and that nobody comes past a guard by a pattern that is more specific.

use super::Route;
use super::auth::{Guards, NONE};
use super::place::Place;
use super::read::{Entry, Reader, Table};
use super::suggest::suggest;
use crate::auth::{Allow, Who};
use crate::route::{Host, Pattern};
use std::ops::Range;
use toml::de::DeValue;

/// Who may use a route.
#[derive(Default)]
pub(super) struct OfRoute {
    /// The index of its guard.
    pub(super) auth: Option<usize>,
    /// It is open on purpose.
    pub(super) open: bool,
    pub(super) allow: Option<Allow>,
    pub(super) hide: bool,
    /// There is a guard, or would be if its name were right.
    pub(super) guarded: bool,
}

pub(super) fn read(reader: &mut Reader<'_>, table: &mut Table<'_, '_>, guards: &Guards) -> OfRoute {
    let mut of_route = OfRoute::default();
    if let Some(entry) = table.take("auth") {
        match reader.string(&entry, "a name of `[auth.NAME]` or `\"none\"`", "staff") {
            Some(NONE) => of_route.open = true,
            name => {
                of_route.guarded = true;
                of_route.auth = name.and_then(|name| guard(reader, &entry, name, guards));
            }
        }
    }
    for key in ["allow", "hide"] {
        let Some(entry) = table.take(key) else { continue };
        if !of_route.guarded {
            let error = reader.findings.error(entry.key_span.clone(), format!("`{key}` without `auth`"));
            let name = guards.auths.first().map_or("staff", |auth| &auth.name);
            error.label("nobody is known here").help(format!("add `auth = \"{name}\"`, or remove `{key}`"));
        }
        match key {
            "allow" => of_route.allow = allow(reader, &entry, of_route.auth, guards),
            _ => of_route.hide = reader.boolean(&entry).unwrap_or_default(),
        }
    }
    of_route
}

fn guard(reader: &mut Reader<'_>, entry: &Entry<'_, '_>, name: &str, guards: &Guards) -> Option<usize> {
    let index = guards.index(name);
    if index.is_none() {
        let shown = name.escape_debug();
        let help = match guards.suggest(name) {
            Some(close) => format!("did you mean `{close}`?"),
            None => {
                "add `[auth.staff]` and below it `basic = \"users.htpasswd\"`, and write `auth = \"staff\"`".to_owned()
            }
        };
        reader.findings.error(entry.span(), format!("there is no `[auth.{shown}]`")).help(help);
    }
    index
}

/// One list for everything, or one for reading and one for writing.
fn allow(reader: &mut Reader<'_>, entry: &Entry<'_, '_>, auth: Option<usize>, guards: &Guards) -> Option<Allow> {
    const EXAMPLE: &str = "{ read = [\"*\"], write = [\"role:editor\"] }";
    let DeValue::Table(_) = entry.value.get_ref() else {
        let everything = everybody(reader, entry, auth, guards);
        return Some(Allow { read: everything.clone(), write: everything });
    };
    let mut table = reader.table(entry, Place::Allow, EXAMPLE)?;
    let mut list = |key, reader: &mut Reader<'_>| {
        let Some(given) = table.take(key) else {
            let error = reader.findings.error(entry.key_span.clone(), format!("`allow` needs `{key}`"));
            error.help(format!("write `{key} = [\"*\"]` for all who are known, or `{key} = []` for nobody"));
            return Vec::new();
        };
        everybody(reader, &given, auth, guards)
    };
    let (read, write) = (list("read", reader), list("write", reader));
    table.finish(reader);
    Some(Allow { read, write })
}

fn everybody(reader: &mut Reader<'_>, entry: &Entry<'_, '_>, auth: Option<usize>, guards: &Guards) -> Vec<Who> {
    let texts = reader.strings(entry, "`*`, a user, `role:R` or `scope:S`", "role:editor");
    let mut all = Vec::new();
    for (text, span) in texts {
        let Some(who) = Who::parse(text) else {
            let error = reader.findings.error(span, format!("`{}` names nobody", text.escape_debug()));
            error.help("write `*`, a user's name, `role:R` or `scope:S`");
            continue;
        };
        if let Some(auth) = auth {
            exists(reader, &who, span, auth, guards);
        }
        all.push(who);
    }
    all
}

/// Somebody who cannot come is a slip: the route would be closed to whoever is meant.
fn exists(reader: &mut Reader<'_>, who: &Who, span: Range<usize>, auth: usize, guards: &Guards) {
    let Some(known) = guards.everybody(auth) else { return };
    let guard = &guards.auths[auth].name;
    let (name, names, message, prefix) = match who {
        Who::Anybody => return,
        Who::User(name) => (name, &known.names, format!("nobody in `{guard}` is called"), ""),
        Who::Role(name) => (name, &known.roles, format!("nobody in `{guard}` has the role"), "role:"),
        Who::Scope(name) => (name, &known.scopes, format!("no token of `{guard}` has the scope"), "scope:"),
    };
    if names.iter().any(|known| **known == **name) {
        return;
    }
    let close = suggest(name, names.iter().map(|name| &**name));
    // `editor` for `role:editor` is not spelt wrongly.
    let other = [("role:", &known.roles), ("scope:", &known.scopes)];
    let other = other.iter().find(|(_, names)| names.iter().any(|known| **known == **name)).map(|(prefix, _)| *prefix);
    let help = match (other, close) {
        (Some(prefix), _) => format!("did you mean `{prefix}{name}`?"),
        (None, Some(close)) => format!("did you mean `{prefix}{close}`?"),
        (None, None) => "add it to the file, or remove it".to_owned(),
    };
    reader.findings.error(span, format!("{message} `{}`", name.escape_debug())).help(help);
}

/// Reports each route that takes requests from a guarded one and says nothing of who may send them.
pub(super) fn unguarded(reader: &mut Reader<'_>, routes: &[Route], spans: &[Range<usize>], guards: &Guards) {
    let open = |route: &&Route| route.auth.is_none() && !route.open;
    for (route, span) in routes.iter().zip(spans).filter(|(route, _)| open(route)) {
        let guarded = routes.iter().zip(spans).filter_map(|(other, span)| Some((other, span, other.auth?)));
        let above = guarded.filter(|(other, ..)| takes_from(&route.pattern, &other.pattern));
        // The one that it is nearest to, so that there is one error and the same one each time.
        let Some((other, other_span, auth)) = above.max_by_key(|(other, ..)| other.pattern.segments().len()) else {
            continue;
        };
        let name = &guards.auths[auth].name;
        let message = format!("`{}` is open, and takes what `{}` guards", route.pattern, other.pattern);
        let error = reader.findings.error(span.clone(), message);
        error.label("more specific, and without `auth`").also(other_span.clone(), format!("guarded by `{name}`"));
        error.help(format!("add `auth = \"{name}\"`, or `auth = \"none\"` to open it on purpose"));
    }
}

/// Whether requests that `general` matches come to `specific` instead: patterns of a host of its own go before all others,
/// whatever the path.
fn takes_from(specific: &Pattern, general: &Pattern) -> bool {
    if specific.host() == general.host() {
        return general.covers(specific);
    }
    let narrower = match (specific.host(), general.host()) {
        (Host::Exact(_) | Host::Below(_), Host::Any) => true,
        // `*.a.example` is within `*.example` as `a.example` is.
        (Host::Exact(host), Host::Below(_)) => general.host().matches(host),
        (Host::Below(domain), Host::Below(_)) => general.host().matches(domain.trim_start_matches('.')),
        _ => false,
    };
    narrower && specific.shared_path(general).is_some()
}
