//! What stands before a route's handler: who may ask, from where, how often, how many at once, when, and with what content.
//!
//! Rule: what counts or holds something is shared by all workers, and a reload leaves it as it is where the config does.

use crate::auth::{Allow, Guard, Unusable};
use crate::concurrency::Slots;
use crate::config::{Config, Per, Route};
use crate::content_type::Types;
use crate::cors::Cors;
use crate::maintenance::{Maintenance, Until};
use crate::rate::Limiter;
use crate::request::Request;
use crate::route::{Found, Router};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// One route's gates; a route without any has none of these.
pub(crate) struct Gates {
    pub(crate) guard: Option<Arc<Guard>>,
    pub(crate) allow: Option<Allow>,
    pub(crate) hide: bool,
    pub(crate) cors: Option<Cors>,
    pub(crate) rate: Option<Rate>,
    pub(crate) slots: Option<Arc<Slots>>,
    /// What the config says; who runs the server may say more.
    pub(crate) maintenance: Option<Until>,
    pub(crate) types: Option<Types>,
}

/// A route's rate.
pub(crate) struct Rate {
    pub(crate) per: Per,
    pub(crate) limiter: Arc<Limiter>,
}

/// What all workers share of all routes' gates.
pub(crate) struct Shared {
    /// By `[auth.NAME]`.
    guards: Vec<Arc<Guard>>,
    /// By route.
    limiters: Vec<Option<Arc<Limiter>>>,
    slots: Vec<Option<Arc<Slots>>>,
    /// `None` where no route is hidden.
    unhidden: Option<Unhidden>,
    pub(crate) maintenance: Arc<Maintenance>,
    /// The second in which the guards' files were last looked at.
    looked: AtomicI64,
}

impl Shared {
    /// Reads the files of the guards, which waits for the disk. `before`: what another config had, which this one follows.
    pub(crate) fn open(config: &Config, before: Option<(&Config, &Shared)>) -> Result<Shared, Unusable> {
        let guards = config.auth.iter().map(|auth| Guard::open(auth).map(Arc::new)).collect::<Result<_, _>>()?;
        let rated = config.routes.iter().filter(|route| route.rate.is_some()).count();
        let rated_as_before =
            before.is_some_and(|(old, _)| old.routes.iter().filter(|r| r.rate.is_some()).count() == rated);
        let known = |route: &Route| {
            let (old, shared) = before?;
            let at = old.routes.iter().position(|known| known.pattern.as_str() == route.pattern.as_str())?;
            Some((&old.routes[at], shared, at))
        };
        let limiters = config.routes.iter().map(|route| {
            let rate = route.rate.as_ref()?;
            // The memory for keys is divided anew when there are more routes with a rate, or fewer.
            let kept = known(route).filter(|(old, ..)| rated_as_before && old.rate.as_ref() == Some(rate));
            let kept = kept.and_then(|(_, shared, at)| shared.limiters[at].clone());
            Some(kept.unwrap_or_else(|| Arc::new(Limiter::new(rate, rated))))
        });
        let slots = config.routes.iter().map(|route| {
            let concurrency = route.concurrency.as_ref()?;
            let kept = known(route).filter(|(old, ..)| old.concurrency.as_ref() == Some(concurrency));
            let kept = kept.and_then(|(_, shared, at)| shared.slots[at].clone());
            Some(kept.unwrap_or_else(|| Arc::new(Slots::new(concurrency))))
        });
        Ok(Shared {
            guards,
            limiters: limiters.collect(),
            slots: slots.collect(),
            unhidden: Unhidden::of(config),
            maintenance: before.map_or_else(Arc::default, |(_, shared)| shared.maintenance.clone()),
            looked: AtomicI64::new(0),
        })
    }

    /// The route of a request for whoever is not to know of those that are hidden.
    pub(crate) fn find_unhidden(&self, request: &Request<'_>) -> Found {
        self.unhidden.as_ref().map_or(Found::Nothing, |unhidden| unhidden.find(request))
    }

    /// Whether the files of the guards are to be looked at in this second: true for one worker.
    pub(crate) fn are_to_be_looked_at(&self, second: i64) -> bool {
        !self.guards.is_empty() && self.looked.swap(second, Relaxed) != second
    }

    /// Takes over what has changed in the files of the guards. Waits for the disk.
    pub(crate) fn look(&self) {
        self.guards.iter().for_each(|guard| guard.refresh());
    }
}

/// The routes that are not hidden, as if there were no others.
struct Unhidden {
    router: Router,
    /// The index of each among all routes.
    routes: Vec<usize>,
}

impl Unhidden {
    fn of(config: &Config) -> Option<Unhidden> {
        let (routes, left): (Vec<_>, Vec<_>) =
            config.routes.iter().enumerate().filter(|(_, route)| !route.hide).unzip();
        if routes.len() == config.routes.len() {
            return None;
        }
        let router = Router::new(left.iter().map(|route| (route.pattern.clone(), route.kind.missing_slash())));
        let Ok(router) = router else { unreachable!("some of the patterns are in order if all are") };
        Some(Unhidden { router, routes })
    }

    fn find(&self, request: &Request<'_>) -> Found {
        let host = if self.router.names_hosts() { request.host() } else { "" };
        match self.router.find(host, &request.path) {
            Found::Match(mut matched) => {
                matched.route = self.routes[matched.route];
                Found::Match(matched)
            }
            Found::SlashMissing { route } => Found::SlashMissing { route: self.routes[route] },
            Found::Nothing => Found::Nothing,
        }
    }
}

impl Gates {
    /// Those of a route, which has this index; `None` where it has none.
    pub(crate) fn of(route: &Route, index: usize, shared: &Shared) -> Option<Box<Gates>> {
        let gates = Gates {
            guard: route.auth.map(|auth| shared.guards[auth].clone()),
            allow: route.allow.clone(),
            hide: route.hide,
            cors: route.cors.as_ref().map(Cors::new),
            rate: route
                .rate
                .as_ref()
                .zip(shared.limiters[index].clone())
                .map(|(rate, limiter)| Rate { per: rate.per.clone(), limiter }),
            slots: shared.slots[index].clone(),
            maintenance: route.maintenance,
            types: route.types.as_deref().map(Types::new),
        };
        let Gates { guard, allow: _, hide: _, cors, rate, slots, maintenance, types } = &gates;
        let none = guard.is_none()
            && cors.is_none()
            && rate.is_none()
            && slots.is_none()
            && maintenance.is_none()
            && types.is_none();
        (!none).then(|| Box::new(gates))
    }
}
