//! Why a job failed: how it is kept, and what is answered for it.
//!
//! Rule: whoever asks for a job that failed is told what they would have been told had they waited for its target through a
//! gateway: 502 or 504 by the cause, or the error that the target gave to the last attempt.

use crate::handler::proxy::proxy_status;
use crate::handler::wrote::Details;
use verdict_core::cause::{Failure, Upstream};
use verdict_core::decide::process::Work;
use verdict_core::decide::{Outcome, Process};
use verdict_core::status::Status;
use verdict_core::{Facts, decide};

/// What is told of a job that failed.
pub(super) struct Failed {
    pub(super) outcome: Outcome,
    pub(super) fields: Vec<(&'static str, String)>,
    pub(super) details: Details,
}

/// Whether a target that answers with this status is asked again: then it is not done, and may be.
pub(crate) const fn asks_again(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

/// That there was no room for what the target answered, as it is kept.
pub(crate) const NO_ROOM: &str = "DiskFull";

/// A cause in a word, as it is kept.
pub(crate) fn code(cause: Upstream) -> String {
    format!("{cause:?}")
}

/// The same for who runs the server: the id of the reason, or what the target answered.
pub(crate) fn in_words(why: &str) -> String {
    let Failed { outcome, .. } = told(why, "", 0);
    match outcome {
        Outcome::Answered(status) => format!("its target answered {status} {}", status.phrase()).trim_end().to_owned(),
        outcome => {
            let process = Process { work: Work::Forward, outcome };
            decide(&Facts { process, ..Facts::default() }).reason.id().to_owned()
        }
    }
}

/// What is told of the job with this id, for which a word or the target's status was kept.
pub(super) fn told(why: &str, id: &str, attempts: u32) -> Failed {
    let details = Details { failed: Some((id.to_owned(), attempts)), ..Details::default() };
    let status = why.parse().ok().and_then(Status::from_wire);
    let cause = Upstream::ALL.iter().copied().find(|cause| code(*cause) == why);
    let (outcome, fields) = match (status, cause) {
        (Some(status), _) => (Outcome::Answered(status), Vec::new()),
        // RFC 9209 §2
        (None, Some(cause)) => (Outcome::Upstream(cause), vec![("Proxy-Status", proxy_status(cause, None))]),
        (None, None) if why == NO_ROOM => (Outcome::Failure(Failure::DiskFull), Vec::new()),
        (None, None) => (Outcome::Failure(Failure::Corrupt), Vec::new()),
    };
    Failed { outcome, fields, details }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_failure_is_found_again() {
        for cause in Upstream::ALL {
            let failed = told(&code(*cause), "x", 3);
            assert_eq!(failed.outcome, Outcome::Upstream(*cause));
            assert_eq!(failed.fields, [("Proxy-Status", proxy_status(*cause, None))]);
        }
        assert_eq!(Status::from_wire(503).map(Outcome::Answered), Some(told("503", "x", 1).outcome));
        assert_eq!(in_words("503"), "its target answered 503 Service Unavailable");
        assert_eq!(in_words(&code(Upstream::Refused)), "upstream-refused");
        assert_eq!(told("nonsense", "x", 1).outcome, Outcome::Failure(Failure::Corrupt));
    }
}
