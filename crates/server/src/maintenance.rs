//! Routes that are closed for a while: by the config, or by an order at run time, which lasts as long as the process does and
//! survives a reload.
//!
//! Rule: a route is closed as long as either says so, so that what the config closes only the config opens.

mod until;

pub use until::{Until, UntilError};

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The orders of whoever runs the server, which its workers share.
#[derive(Default)]
pub(crate) struct Maintenance {
    orders: RwLock<Orders>,
    /// How many there are: a request looks at nothing else while there is none.
    count: AtomicUsize,
}

#[derive(Default)]
struct Orders {
    all: Option<Until>,
    /// By the route's pattern.
    routes: BTreeMap<String, Until>,
}

/// What an order is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Which<'a> {
    All,
    /// The route with this pattern.
    Route(&'a str),
}

impl Maintenance {
    /// Closes a route or all of them. An earlier order for the same is replaced.
    pub(crate) fn close(&self, which: Which<'_>, until: Until) {
        let mut orders = self.write();
        match which {
            Which::All => orders.all = Some(until),
            Which::Route(pattern) => {
                orders.routes.insert(pattern.to_owned(), until);
            }
        }
        self.count(&orders);
    }

    /// Takes an order back, or with [`Which::All`] every order; returns whether there was one. A route stays closed that is so
    /// by an order for all, or by the config.
    pub(crate) fn open(&self, which: Which<'_>) -> bool {
        let mut orders = self.write();
        let before = orders.count();
        match which {
            Which::All => *orders = Orders::default(),
            Which::Route(pattern) => {
                orders.routes.remove(pattern);
            }
        }
        self.count(&orders);
        orders.count() < before
    }

    /// Whether nothing is closed by order. Hot.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Relaxed) == 0
    }

    /// Until when a route is closed; `None` if it is open. `route` is its pattern, `None` where there is no route; `config` is
    /// what the config says of it, and `now` is in seconds since 1970. Hot.
    #[inline]
    pub(crate) fn closed(&self, route: Option<&str>, config: Option<Until>, now: i64) -> Option<Until> {
        if config.is_none() && self.count.load(Relaxed) == 0 {
            return None;
        }
        self.closed_by_either(route, config, now)
    }

    /// The orders that are not over, each with the pattern of the route that it is for; the one for all has none and comes
    /// first.
    pub(crate) fn orders(&self, now: i64) -> Vec<(Option<String>, Until)> {
        let orders = self.read();
        let routes = orders.routes.iter().map(|(pattern, until)| (Some(pattern.clone()), *until));
        let all = orders.all.map(|until| (None, until));
        all.into_iter().chain(routes).filter(|(_, until)| !until.is_over(now)).collect()
    }

    #[cold]
    fn closed_by_either(&self, route: Option<&str>, config: Option<Until>, now: i64) -> Option<Until> {
        let (closed, over) = {
            let orders = self.read();
            let of_route = route.and_then(|pattern| orders.routes.get(pattern).copied());
            // Whichever comes last: it is open when nothing closes it.
            let closed = [config, orders.all, of_route].into_iter().flatten().filter(|until| !until.is_over(now)).max();
            (closed, orders.count() > 0 && orders.are_over(now))
        };
        if over {
            self.forget(now);
        }
        closed
    }

    /// Forgets the orders that are over.
    fn forget(&self, now: i64) {
        let mut orders = self.write();
        orders.all = orders.all.filter(|until| !until.is_over(now));
        orders.routes.retain(|_, until| !until.is_over(now));
        self.count(&orders);
    }

    fn count(&self, orders: &Orders) {
        self.count.store(orders.count(), Relaxed);
    }

    fn read(&self) -> RwLockReadGuard<'_, Orders> {
        self.orders.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Orders> {
        self.orders.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Orders {
    fn count(&self) -> usize {
        self.routes.len() + usize::from(self.all.is_some())
    }

    fn are_over(&self, now: i64) -> bool {
        self.all.iter().chain(self.routes.values()).all(|until| until.is_over(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;
    const SOON: Until = Until::Unix(NOW + 90);
    const LATER: Until = Until::Unix(NOW + 900);
    const OPEN_END: Until = Until::Reopened;

    #[test]
    fn a_route_is_closed_as_long_as_either_says() {
        // What the config says, the order for all, the one for the route; what comes of it.
        let cases = [
            (None, None, None, None),
            (Some(SOON), None, None, Some(SOON)),
            (None, Some(SOON), None, Some(SOON)),
            (None, None, Some(SOON), Some(SOON)),
            (Some(SOON), None, Some(LATER), Some(LATER)),
            (Some(LATER), Some(SOON), None, Some(LATER)),
            (Some(OPEN_END), None, Some(LATER), Some(OPEN_END)),
            (None, Some(SOON), Some(OPEN_END), Some(OPEN_END)),
            (Some(Until::Unix(NOW)), None, None, None),
            (None, Some(Until::Unix(NOW - 1)), Some(SOON), Some(SOON)),
        ];
        for (config, all, route, want) in cases {
            let maintenance = Maintenance::default();
            if let Some(until) = all {
                maintenance.close(Which::All, until);
            }
            if let Some(until) = route {
                maintenance.close(Which::Route("/a"), until);
            }
            let case = format!("{config:?} {all:?} {route:?}");
            assert_eq!(maintenance.closed(Some("/a"), config, NOW), want, "{case}");
            let elsewhere = all.filter(|until| !until.is_over(NOW));
            assert_eq!(maintenance.closed(Some("/b"), None, NOW), elsewhere, "{case}");
            assert_eq!(maintenance.closed(None, None, NOW), elsewhere, "{case}");
        }
    }

    #[test]
    fn an_order_that_is_taken_back_closes_nothing() {
        let maintenance = Maintenance::default();
        assert!(!maintenance.open(Which::All) && !maintenance.open(Which::Route("/a")));
        maintenance.close(Which::Route("/a"), OPEN_END);
        assert!(!maintenance.open(Which::Route("/b")));
        assert!(maintenance.open(Which::Route("/a")) && maintenance.closed(Some("/a"), None, NOW).is_none());
        maintenance.close(Which::Route("/a"), SOON);
        maintenance.close(Which::All, OPEN_END);
        assert!(maintenance.open(Which::Route("/a")));
        assert_eq!(maintenance.closed(Some("/a"), None, NOW), Some(OPEN_END), "it is closed with all the others");
        maintenance.close(Which::Route("/a"), SOON);
        assert!(maintenance.open(Which::All));
        assert_eq!(maintenance.orders(NOW), []);
        assert_eq!(maintenance.closed(Some("/a"), Some(SOON), NOW), Some(SOON), "the config closes it");
    }

    #[test]
    fn an_order_that_is_over_costs_the_next_request_and_no_other() {
        let maintenance = Maintenance::default();
        maintenance.close(Which::Route("/a"), SOON);
        maintenance.close(Which::Route("/b"), LATER);
        assert_eq!(maintenance.closed(Some("/a"), None, NOW + 90), None);
        assert_eq!(maintenance.orders(NOW + 90), [(Some("/b".to_owned()), LATER)]);
        assert_eq!(maintenance.count.load(Relaxed), 2, "not all are over");
        assert_eq!(maintenance.closed(Some("/a"), None, NOW + 900), None);
        assert_eq!(maintenance.count.load(Relaxed), 0);
    }
}
