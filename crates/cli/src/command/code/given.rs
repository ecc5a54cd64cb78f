//! Which of the reasons this version can give: those that `verdict routes` would list of a config that has everything, and
//! the console's. The catalogue has more, for kinds of routes that are still to come.

use std::collections::BTreeSet;
use verdict_core::Reason;
use verdict_server::routes::{every_reason, every_reason_of_the_console};

/// All of them; `None` if that cannot be found out on this machine.
pub(super) fn given() -> Option<BTreeSet<Reason>> {
    let mut given = every_reason().ok()?;
    given.extend(every_reason_of_the_console());
    Some(given)
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
            "plain-http-on-tls",
            "token-expired",
            "route-queue-full",
            "config-refused",
            "unique-member-taken",
            "job-finished",
            "job-queued",
            "upstream-refused",
            "upstream-answered",
            "no-member",
            "upstream-loop",
        ] {
            assert!(is_given(id), "{id}");
        }
        let missing: Vec<_> = CATALOGUE.iter().map(|entry| entry.id).filter(|id| !is_given(id)).collect();
        assert_eq!(missing, [""; 0]);
    }
}
