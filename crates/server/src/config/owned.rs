//! What a route that owns something needs of the rest of the config: a place to keep it, and somebody to guard it.

use super::read::Reader;
use super::{Config, Kind, Part, Route};
use std::ops::Range;

/// Which key makes a route the owner of something.
fn owns(route: &Route) -> Option<&'static str> {
    match &route.kind {
        Kind::Document(_) => Some("documents"),
        Kind::Files(files) => files.upload.as_ref().map(|_| "upload"),
        Kind::Jobs(_, Part::Queue) => Some("jobs"),
        // The route that it belongs to has said all of it.
        Kind::Collection(_)
        | Kind::Jobs(_, Part::Monitor | Part::Result)
        | Kind::Redirect(_)
        | Kind::Respond(_)
        | Kind::Proxy(_) => None,
    }
}

pub(super) fn check(reader: &mut Reader<'_>, config: &Config, routes: &[Route], spans: &[Range<usize>]) {
    for (route, span) in routes.iter().zip(spans) {
        let Some(key) = owns(route) else { continue };
        let (article, kept) = if key == "upload" { ("an", "count of them") } else { ("a", "them") };
        if config.console.is_none() {
            let error =
                reader.findings.error(span.clone(), format!("{article} `{key}` route without a place to keep {kept}"));
            error.help("add `state = \"./state\"` at the top of the config");
        }
        let beyond = config.listen.iter().find(|listen| !listen.address.ip().is_loopback());
        if let (Some(listen), None, false) = (beyond, route.auth, route.open) {
            let message = format!("`{}` can be written by anybody who reaches {}", route.pattern, listen.address);
            let error = reader.findings.error(span.clone(), message);
            error.label("without `auth`, beyond this machine");
            error.help("add `auth = \"NAME\"` and `[auth.NAME]`, or `auth = \"none\"` to open it on purpose");
        }
    }
}
