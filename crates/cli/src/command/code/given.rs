//! Which of the reasons this version can give: those that `verdict routes` would list of a config that has everything. The
//! catalogue has more, for kinds of routes that are still to come.

use std::collections::BTreeSet;
use std::path::Path;
use verdict_core::Reason;
use verdict_server::config::{Config, Kind};
use verdict_server::explain::DryRun;

/// Every kind of route with every option that leads to another answer. The root is a folder that is always there, and nothing
/// in it is looked at.
const EVERYTHING: &str = r#"
[route."/listed/{path...}"]
files = { root = "/", listing = true }
hints = ["</a.css>; rel=preload"]
hints-to = "all"
limits = { length = "required" }
[route."/unlisted/{path...}"]
files = "/"
[route."/application/{path...}"]
files = "/"
[route."/301"]
redirect = { to = "/", status = 301 }
[route."/302"]
redirect = { to = "/", status = 302 }
[route."/303"]
redirect = { to = "/", status = 303 }
[route."/307"]
redirect = { to = "/", status = 307 }
[route."/308"]
redirect = { to = "/", status = 308 }
[route."/respond"]
respond = { status = 200, body = "x" }
"#;

/// The reasons that some config leads to; `None` if that cannot be found out on this machine.
pub(super) fn given() -> Option<BTreeSet<Reason>> {
    let mut config = Config::parse(EVERYTHING, "", Path::new("/")).ok()?;
    for route in &mut config.routes {
        if let Kind::Files(files) = &mut route.kind
            && route.pattern.as_str().starts_with("/application/")
        {
            files.fallback = Some("/index.html".to_owned());
        }
    }
    let possible = DryRun::new(config, "", EVERYTHING.to_owned()).ok()?.possibilities();
    let groups = possible.routes.iter().flat_map(|route| &route.methods).chain(&possible.nowhere);
    let of_routes = groups.flat_map(|group| group.reasons.iter().chain(&group.interim));
    Some(of_routes.chain(&possible.any).copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use verdict_core::reason::CATALOGUE;

    #[test]
    fn a_reason_of_a_kind_of_route_that_there_is_can_be_given() {
        let given = given().expect("the root can be opened");
        let is_given = |id: &str| CATALOGUE.iter().any(|entry| entry.id == id && given.contains(&entry.reason));
        for id in [
            "bare-lf",
            "no-route",
            "method-not-taken",
            "moved-permanently",
            "redirected-for-good",
            "slash-missing",
            "folder-without-index",
            "length-missing",
            "if-match-failed",
            "tag-unchanged",
            "hinted",
            "served",
            "fallback-served",
            "folder-listed",
            "parts-served",
            "range-beyond-end",
            "configured-answer",
        ] {
            assert!(is_given(id), "{id}");
        }
        for id in ["plain-http-on-tls", "unique-member-taken", "job-queued", "upstream-refused", "upstream-answered"] {
            assert!(!is_given(id), "{id}: a kind of route that gives it has come, so this line can go");
        }
    }
}
