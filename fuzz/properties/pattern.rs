//! What holds for any texts as patterns: they are read or refused with a place; the tree finds what the plainest reading of
//! the rule finds; and no request can make a redirect lead where its template does not.
//!
//! The input is lines. Those before the first empty one are patterns, each with a redirect's target behind a tab if it has
//! one; those behind it are look-ups, `host/path` with the path as it is sent.

use std::cmp::Ordering;
use verdict_server::route::{Ambiguity, Fault, Found, Match, MissingSlash, Pattern, Router, Template, ambiguities};
use verdict_wire::decode_path;

/// More patterns or look-ups are not taken from one input: each is compared with each.
const MOST: usize = 24;

/// Builds routers from the patterns, looks up the paths, and compares.
pub(crate) fn pattern(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (patterns, look_ups) = text.split_once("\n\n").unwrap_or((text, ""));
    let look_ups: Vec<LookUp<'_>> = look_ups.lines().filter_map(LookUp::new).take(MOST).collect();
    let mut taken: Vec<Pattern> = Vec::new();
    let mut models: Vec<Model> = Vec::new();
    for line in patterns.lines().take(MOST) {
        let (pattern, target) = line.split_once('\t').unwrap_or((line, ""));
        let parsed = Pattern::parse(pattern).map_err(|fault| points_into(&fault, pattern));
        let Ok(parsed) = parsed else { continue };
        assert_eq!(parsed.as_str(), pattern);
        let model = Model::new(pattern);
        for look_up in &look_ups {
            let mismatch = parsed.first_mismatch(look_up.host, &look_up.path);
            assert_eq!(mismatch.is_none(), model.matches(look_up.host, &look_up.path), "{pattern}: {mismatch:?}");
        }
        redirect(target, &parsed, &look_ups);
        // What is ambiguous with an earlier one is left out, so that the rest can be built.
        taken.push(parsed);
        models.push(model);
        let found = ambiguities(&taken);
        for ambiguity in &found {
            are_ambiguous(ambiguity, &taken, &models);
        }
        if !found.is_empty() {
            taken.pop();
            models.pop();
        }
    }
    have_an_order(&taken, &models, &look_ups);
    are_found(&taken, &models, &look_ups);
}

/// A request.
struct LookUp<'t> {
    host: &'t str,
    raw: &'t str,
    path: String,
}

impl<'t> LookUp<'t> {
    /// `None`: the path could not have been sent.
    fn new(line: &'t str) -> Option<LookUp<'t>> {
        let (host, raw) = line.split_at(line.find('/')?);
        let mut path = String::new();
        decode_path(raw.as_bytes(), &mut path).ok().map(|_| LookUp { host, raw, path })
    }
}

/// A pattern that is known to be well formed, read as text.
struct Model {
    host: String,
    segments: Vec<Part>,
}

/// In the order in which they are preferred.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    Literal(String),
    Name,
    Rest,
}

impl Model {
    fn new(pattern: &str) -> Model {
        let (host, path) = pattern.split_once('/').expect("it has a slash");
        let part = |text: &str| match text {
            _ if text.ends_with("...}") => Part::Rest,
            _ if text.starts_with('{') => Part::Name,
            _ => Part::Literal(decoded(text)),
        };
        Model { host: host.to_ascii_lowercase(), segments: path.split('/').map(part).collect() }
    }

    fn matches(&self, host: &str, path: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        let is_host = match self.host.strip_prefix('*') {
            Some(suffix) => host.strip_suffix(suffix).is_some_and(|below| !below.is_empty()),
            None => self.host.is_empty() || self.host == host,
        };
        let (parts, has_rest) = match &self.segments[..] {
            [parts @ .., Part::Rest] => (parts, true),
            parts => (parts, false),
        };
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let is_long_enough = if has_rest { segments.len() > parts.len() } else { segments.len() == parts.len() };
        let is_met = |(part, segment): (&Part, &&str)| match part {
            Part::Literal(text) => text == segment,
            _ => !segment.is_empty(),
        };
        is_host && is_long_enough && parts.iter().zip(&segments).all(is_met)
    }

    /// `Less` is the more specific of two that match the same request: by host, then by the first segment that differs.
    fn order(&self, other: &Model) -> Ordering {
        let host = |model: &Model| match model.host.as_bytes() {
            [] => (2, 0),
            [b'*', ..] => (1, usize::MAX - model.host.len()),
            _ => (0, 0),
        };
        let kind = |part: &Part| match part {
            Part::Literal(_) => 0,
            Part::Name => 1,
            Part::Rest => 2,
        };
        host(self).cmp(&host(other)).then_with(|| self.segments.iter().map(kind).cmp(other.segments.iter().map(kind)))
    }
}

/// Percent-decoded, one triplet at a time.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut parts = text.split('%');
    bytes.extend(parts.next().unwrap_or("").bytes());
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).expect("two hexadecimal digits"));
        bytes.extend(part[2..].bytes());
    }
    String::from_utf8(bytes).expect("a pattern is UTF-8")
}

/// The most specific of those that match, by trying all.
fn winner(models: &[Model], host: &str, path: &str) -> Option<usize> {
    let matching = (0..models.len()).filter(|route| models[*route].matches(host, path));
    matching.min_by(|a, b| models[*a].order(&models[*b]))
}

fn points_into(fault: &Fault, text: &str) {
    assert!(text.get(fault.at.clone()).is_some(), "{fault:?} is not within {text:?}");
    assert!(!fault.message.is_empty() && !fault.help.is_empty(), "{fault:?} of {text:?}");
}

fn are_ambiguous(found: &Ambiguity, patterns: &[Pattern], models: &[Model]) {
    let (first, second) = (found.first, found.second);
    assert!(first < second);
    assert_eq!(models[first].host, models[second].host);
    for route in [first, second] {
        assert!(models[route].matches(host(&patterns[route]), &found.example), "{found:?}");
        assert!(patterns[route].shared_path(&patterns[first + second - route]).is_some(), "{found:?}");
    }
    assert_eq!(found.same, models[first].segments == models[second].segments, "{found:?}");
}

/// Of two patterns that match the same path under the same host, one covers the other, and says so.
fn have_an_order(patterns: &[Pattern], models: &[Model], look_ups: &[LookUp<'_>]) {
    for (i, a) in patterns.iter().enumerate() {
        for (j, b) in patterns.iter().enumerate().filter(|(j, _)| *j != i) {
            for look_up in look_ups {
                let matches = |route: usize| models[route].matches(look_up.host, &look_up.path);
                if matches(i) && matches(j) {
                    let shared = a.shared_path(b).unwrap_or_else(|| panic!("{a} and {b} share {}", look_up.path));
                    assert_eq!((a.first_mismatch(host(a), &shared), b.first_mismatch(host(b), &shared)), (None, None));
                    assert!(a.host() != b.host() || a.covers(b) != b.covers(a), "{a} and {b} have no order");
                }
                if a.host() == b.host() && a.covers(b) && matches(j) {
                    assert!(matches(i), "{a} covers {b} and does not match {}", look_up.path);
                }
            }
        }
    }
}

/// A host that the pattern is for: the star, too, is something that stands before the dot.
fn host(pattern: &Pattern) -> &str {
    pattern.as_str().split('/').next().unwrap_or("")
}

fn are_found(patterns: &[Pattern], models: &[Model], look_ups: &[LookUp<'_>]) {
    let router = |slash| Router::new(patterns.iter().map(|pattern| (pattern.clone(), slash)));
    let strict = router(MissingSlash::NotMine).expect("none is ambiguous");
    let asking = router(MissingSlash::Redirect).expect("none is ambiguous");
    assert_eq!(strict.names_hosts(), models.iter().any(|model| !model.host.is_empty()));
    for look_up @ LookUp { host, path, .. } in look_ups {
        let expected = winner(models, host, path);
        let found = strict.find(host, path);
        match (found, expected) {
            (Found::Match(found), Some(route)) => {
                assert_eq!(found.route, route, "{} for {host}{path}", patterns[route]);
                are_in_their_places(&found, &models[route], look_up);
            }
            (Found::Nothing, None) => {}
            _ => panic!("{found:?} for {host}{path}, and by the rule {expected:?}"),
        }
        // Where a slash is missing, the one that is asked for it is the one that is found with it; a pattern that matches
        // to its end comes before that.
        let slashed = format!("{path}/");
        match asking.find(host, path) {
            Found::SlashMissing { route } => {
                assert_eq!(winner(models, host, &slashed), Some(route), "{host}{path}");
                assert!(!models[route].matches(host, path), "{host}{path}");
                if let Some(other) = expected {
                    let rest = models[other].segments.ends_with(&[Part::Rest]);
                    assert!(rest || models[route].host != models[other].host, "{host}{path}");
                }
            }
            found => {
                assert_eq!(found, strict.find(host, path), "{host}{path}");
                assert!(found != Found::Nothing || winner(models, host, &slashed).is_none(), "{host}{path}");
            }
        }
    }
}

/// Put back in their places, the captures give the path again, decoded and as it was sent.
fn are_in_their_places(found: &Match, model: &Model, LookUp { raw, path, .. }: &LookUp<'_>) {
    let (mut names, mut rebuilt, mut sent) = (0, String::new(), raw.split('/').skip(1));
    for part in &model.segments {
        rebuilt.push('/');
        if let Part::Literal(text) = part {
            rebuilt.push_str(text);
            sent.next();
            continue;
        }
        let capture = found.capture(names, path);
        rebuilt.push_str(capture);
        let expected = match part {
            Part::Rest => sent.by_ref().collect::<Vec<_>>().join("/"),
            _ => sent.next().unwrap_or("").to_owned(),
        };
        assert_eq!(found.raw_capture(names, path, raw), expected, "name {names} of {raw}");
        names += 1;
    }
    assert_eq!((rebuilt.as_str(), names), (path.as_str(), found.spans().len()));
    assert_eq!((found.capture(names, path), found.raw_capture(names, path, raw)), ("", ""));
}

/// A template that is taken keeps origin and line whatever the request puts in it.
fn redirect(text: &str, pattern: &Pattern, look_ups: &[LookUp<'_>]) {
    let template = match Template::parse(text, pattern) {
        Ok(template) => template,
        Err(fault) => return points_into(&fault, text),
    };
    assert_eq!(template.as_str(), text);
    // Scheme and authority are the operator's, or the host that was asked for.
    let text = &text.replacen("://{host}", "://own.example", 1);
    let authority = text
        .find("://")
        .map_or(0, |scheme| text[scheme + 3..].find(['/', '?', '#']).map_or(text.len(), |length| scheme + 3 + length));
    let values =
        ["", "x", "//evil.example", "\\evil.example", "@evil.example", "%0d%0a", "\r\nSet-Cookie: a", "?a#b", "é"];
    for value in values.into_iter().chain(look_ups.iter().map(|look_up| look_up.raw)) {
        for query in [None, Some(""), Some(value)] {
            let mut to = String::new();
            template.expand("own.example", |_| value, query, &mut to);
            assert!(to.bytes().all(|b| b.is_ascii_graphic() && b != b'\\'), "{to:?}");
            if template.is_local() {
                assert!(to.starts_with('/') && !to.starts_with("//"), "{to} from {text}");
            } else {
                assert!(to.starts_with(&text[..authority]), "{to} from {text}");
                let after = &to[authority..];
                assert!(after.is_empty() || after.starts_with(['/', '?', '#']), "{to} from {text}");
            }
        }
    }
}
