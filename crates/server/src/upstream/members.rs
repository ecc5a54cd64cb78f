//! The members of a `proxy`, as all workers see them: whom each is, and whether it is to be asked.

use super::Target;
use crate::config::{self, Config, Kind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// One of those who can be asked.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) target: Target,
    /// What its last health checks have shown; always true where there are none.
    pub(crate) works: AtomicBool,
}

/// The members of a route; at least one.
#[derive(Debug)]
pub(crate) struct Members(Vec<Arc<Member>>);

impl Member {
    fn new(target: &Target) -> Member {
        // It works until the opposite is known: who has just started must not refuse everybody.
        Member { target: target.clone(), works: AtomicBool::new(true) }
    }

    pub(crate) fn works(&self) -> bool {
        self.works.load(Relaxed)
    }
}

impl Members {
    /// `before`: what a route of the same pattern had. Whoever is asked the same way as before stays as it was known.
    fn new(proxy: &config::Proxy, before: Option<(&config::Proxy, &Members)>) -> Members {
        let known = |target: &Target| {
            let (config, members) = before?;
            let same = config.health == proxy.health && config.host == proxy.host;
            members.0.iter().find(|member| same && member.target == *target).cloned()
        };
        Members(proxy.to.iter().map(|target| known(target).unwrap_or_else(|| Arc::new(Member::new(target)))).collect())
    }

    /// By route: the members of a `proxy`. It is the same before and after a reload, as far as it can be.
    pub(crate) fn of_routes(
        config: &Config,
        before: Option<(&Config, &[Option<Arc<Members>>])>,
    ) -> Vec<Option<Arc<Members>>> {
        let of_route = |route: &config::Route| {
            let Kind::Proxy(proxy) = &route.kind else { return None };
            let known = before.and_then(|(config, members)| {
                let at = config.routes.iter().position(|known| known.pattern == route.pattern)?;
                match (&config.routes[at].kind, members.get(at)) {
                    (Kind::Proxy(known), Some(Some(members))) => Some((&**known, &**members)),
                    _ => None,
                }
            });
            Some(Arc::new(Members::new(proxy, known)))
        };
        config.routes.iter().map(of_route).collect()
    }

    pub(crate) fn all(&self) -> &[Arc<Member>] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(proxy: &str) -> Config {
        let text = format!("[route.\"/\"]\nrespond = {{ status = 204 }}\n[route.\"/a/{{p...}}\"]\nproxy = {proxy}\n");
        Config::parse(&text, "", ".".as_ref()).unwrap_or_else(|report| panic!("{text}\n{report}"))
    }

    #[test]
    fn who_is_asked_as_before_is_known_as_before() {
        const BEFORE: &str = "{ to = [\"http://a\", \"http://b\"], health = \"/h\" }";
        let first = config(BEFORE);
        let members = Members::of_routes(&first, None);
        assert!(members[0].is_none());
        let all = members[1].as_ref().unwrap().all();
        assert!(all.iter().all(|member| member.works()));
        all[1].works.store(false, Relaxed);
        // What works afterwards, by the order of the members.
        for (after, works) in [
            (BEFORE, &[true, false][..]),
            ("{ to = [\"http://b\", \"http://c\"], health = \"/h\", balance = \"hash:Cookie\" }", &[false, true]),
            ("{ to = [\"http://a\", \"http://b\"], health = { path = \"/h\", every = \"1s\" } }", &[true, true]),
            ("{ to = [\"http://a\", \"http://b\"], health = \"/h\", host = \"member\" }", &[true, true]),
            ("[\"http://a\", \"http://b\"]", &[true, true]),
        ] {
            let later = Members::of_routes(&config(after), Some((&first, &members)));
            let found: Vec<_> = later[1].as_ref().unwrap().all().iter().map(|member| member.works()).collect();
            assert_eq!(found, works, "{after}");
        }
    }
}
