//! Every status that each route can give to each method, and why: derived from the decision, never written down.

use crate::config::{Allow, Auth, Config, Kind, Per, Rate, Tls, Who};
use crate::document::schema::Schema;
use crate::explain::{DryRun, RouteAt};
use crate::serve::of_any_message;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use verdict_core::method::Method;
use verdict_core::reason::Reason;

/// What a site can answer. Reasons are in the order of the catalogue, which is that of decision.
#[derive(Debug)]
pub struct Possibilities {
    /// What any message can be answered with, whatever it asks for: because it is malformed, or because of a bug.
    pub any: Vec<Reason>,
    /// What is asked of no route.
    pub nowhere: Vec<OfMethods>,
    /// Each route, in the order of the patterns' text.
    pub routes: Vec<OfRoute>,
}

/// What one route can answer.
#[derive(Debug)]
pub struct OfRoute {
    /// The route.
    pub route: RouteAt,
    /// Each method is in one of them.
    pub methods: Vec<OfMethods>,
}

/// Methods that have the same answers.
#[derive(Debug)]
pub struct OfMethods {
    /// Which; [`Method::Other`] stands for every other token.
    pub methods: Vec<Method>,
    /// What can be told before the answer.
    pub interim: Vec<Reason>,
    /// What the answer can be.
    pub reasons: Vec<Reason>,
}

impl Possibilities {
    /// What one method can be answered with by the route of this index, or where no route matches. What [`any`] message can
    /// be answered with is left out.
    ///
    /// [`any`]: Possibilities::any
    pub fn of(&self, route: Option<usize>, method: Method) -> &[Reason] {
        let methods = route.map_or(&self.nowhere, |route| &self.routes[route].methods);
        methods.iter().find(|group| group.methods.contains(&method)).map_or(&[], |group| &group.reasons)
    }
}

/// A site that has every kind of route with every option that has a say in what is answered.
const EVERY_KIND: &str = r#"
state = "./state"
[limits]
target = "2KiB"
[route."/{path...}"]
files = "."
limits = { target = "1KiB", fields = "1KiB", length = "required" }
hints = ["</app.css>; rel=preload; as=style"]
[route."/listed/{path...}"]
files = { root = ".", listing = true }
[route."/application/{path...}"]
files = "."
[route."/documents/{id}"]
documents = { unique = ["/name"], index = ["/name"], quota = "1MiB", if-match = "required" }
[route."/versions/{id}"]
documents = { version = "/rev" }
[route."/uploads/{path...}"]
files = "."
upload = { quota = "1MiB", types = ["image/*"] }
[route."/jobs"]
jobs = { to = "http://127.0.0.1:9/" }
[route."/upstream/{path...}"]
proxy = "http://127.0.0.1:9"
[route."/socket"]
proxy = { to = "http://127.0.0.1:9", upgrade = "websocket" }
[route."/fixed"]
respond = { status = 200, body = "fixed" }
rate = "1/s per client"
concurrency = { max = 1 }
cors = { origins = ["*"] }
limits = { types = ["text/plain"] }
[route."/guarded"]
respond = { status = 200, body = "guarded" }
[route."/hidden"]
respond = { status = 200, body = "hidden" }
[route."/field"]
respond = { status = 200, body = "by field" }
rate = "1/s per field:X-Key"
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
"#;

/// Every reason that a route of this version can give, or a target of none, with whatever config. What a `respond` route answers
/// is one reason, whatever its status. There are others that only the console gives: [`every_reason_of_the_console`].
pub fn every_reason() -> io::Result<BTreeSet<Reason>> {
    let possible = DryRun::new(every_kind()?, "", String::new())?.possibilities();
    let groups = possible.routes.iter().flat_map(|of_route| &of_route.methods).chain(&possible.nowhere);
    let of_groups = groups.flat_map(|group| group.interim.iter().chain(&group.reasons));
    Ok(of_groups.chain(&possible.any).copied().collect())
}

/// Every reason that the console can give.
pub fn every_reason_of_the_console() -> BTreeSet<Reason> {
    crate::console::reasons()
}

fn every_kind() -> io::Result<Config> {
    // The root is a folder everywhere; nothing in it is looked at.
    let config = Config::parse(EVERY_KIND, "", Path::new("/"));
    let mut config = config.map_err(|report| io::Error::other(report.to_string()))?;
    // Nor a certificate or a guard without a file.
    config.tls = Some(Tls { certificates: Vec::new(), redirect_http: false });
    config.h2c_upgrade = true;
    config.auth = vec![Auth { name: "guard".to_owned(), basic: None, tokens: None, jwt: None }];
    for route in &mut config.routes {
        if let "/guarded" | "/hidden" = route.pattern.as_str() {
            let scoped = || vec![Who::Scope("scope".to_owned())];
            route.auth = Some(0);
            route.allow = Some(Allow { read: scoped(), write: scoped() });
            route.hide = route.pattern.as_str() == "/hidden";
            let window = Duration::from_secs(1);
            route.rate = Some(Rate { count: 1, window, per: Per::User, burst: 1 });
        }
        // Nor a schema, which any will do for.
        if let Kind::Document(documents) | Kind::Collection(documents) = &mut route.kind {
            Arc::make_mut(documents).schema = Schema::read(b"{}").ok().map(Arc::new);
        }
        // A config cannot name a fallback that is not there.
        if let (Kind::Files(files), "/application/{path...}") = (&mut route.kind, route.pattern.as_str()) {
            files.fallback = Some("/index.html".to_owned());
        }
    }
    Ok(config)
}

impl DryRun {
    /// What this site can answer.
    pub fn possibilities(&self) -> Possibilities {
        let routes = (0..self.site.routes.len())
            .map(|route| OfRoute { route: self.route_at(route), methods: self.by_method(Some(route)) });
        Possibilities {
            any: of_any_message(&self.site.opened.config).into_iter().collect(),
            nowhere: self.by_method(None),
            routes: routes.collect(),
        }
    }

    fn by_method(&self, route: Option<usize>) -> Vec<OfMethods> {
        let mut groups: Vec<OfMethods> = Vec::new();
        for method in Method::KNOWN.into_iter().chain([Method::Other]) {
            let reasons: BTreeSet<Reason> = self.site.alternatives(route, method).reasons();
            let reasons: Vec<_> = reasons.into_iter().collect();
            let interims = route.map(|route| self.site.interims(route, method)).unwrap_or_default();
            let interim: Vec<_> = interims.into_iter().map(|interim| interim.reason()).collect();
            match groups.iter_mut().find(|group| group.reasons == reasons && group.interim == interim) {
                Some(group) => group.methods.push(method),
                None => groups.push(OfMethods { methods: vec![method], interim, reasons }),
            }
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_version_can_give_has_each_kind_of_route_and_nothing_of_a_later_one() {
        let every = every_reason().expect("a site");
        let ids: BTreeSet<&str> = every.iter().map(|reason| reason.id()).collect();
        for id in ["hinted", "host-missing", "target-too-long", "no-route", "folder-without-index", "folder-listed"] {
            assert!(ids.contains(id), "{id}");
        }
        for id in
            ["token-expired", "verifier-busy", "scope-lacking", "hidden-from-user", "user-over-rate", "maintenance"]
        {
            assert!(ids.contains(id), "{id}");
        }
        for id in
            ["fallback-served", "length-missing", "see-other", "date-unchanged", "configured-answer", "parts-served"]
        {
            assert!(ids.contains(id), "{id}");
        }
        for id in ["file-deleted", "parent-missing", "content-range-on-put", "quota-would-burst"] {
            assert!(ids.contains(id), "{id}");
        }
        for id in [
            "created",
            "document-deleted",
            "json-malformed",
            "content-invited",
            "quota-burst",
            "version-stale",
            "form-taken",
        ] {
            assert!(ids.contains(id), "{id}");
        }
        for id in ["authority-differs", "plain-http-on-tls", "not-this-authority", "http2-accepted"] {
            assert!(ids.contains(id), "{id}");
        }
        for id in ["job-queued", "job-queue-full", "job-done", "result-expired", "job-finished", "upstream-refused"] {
            assert!(ids.contains(id), "{id}");
        }
        for id in ["no-member", "upstream-loop", "upstream-answered", "upstream-first-byte-slow"] {
            assert!(ids.contains(id), "{id}");
        }
        assert!(ids.contains("upgrade-missing"));
    }

    #[test]
    fn what_only_the_console_can_give_is_told_apart() {
        let of_routes = every_reason().expect("a site");
        let only: Vec<_> = every_reason_of_the_console().difference(&of_routes).map(|reason| reason.id()).collect();
        let want = ["draining", "config-refused"];
        assert_eq!(only, want);
    }

    #[test]
    fn each_method_is_in_one_group_of_each_route() {
        let possible = DryRun::new(every_kind().expect("a config"), "", String::new()).expect("a site").possibilities();
        for methods in possible.routes.iter().map(|of_route| &of_route.methods).chain([&possible.nowhere]) {
            for method in Method::KNOWN.into_iter().chain([Method::Other]) {
                assert_eq!(methods.iter().filter(|group| group.methods.contains(&method)).count(), 1, "{method:?}");
            }
        }
    }
}
