//! The decision: eight stages, one line each, in the order in which they decide.
//!
//! A stage is a list of questions over the facts that its struct holds; each file of `decide/` has one. The order within
//! and among stages is decided here once, where RFC 9110 leaves it open: what can be known without reading content comes
//! before preconditions (§13.2.1), and those come before anything is done.
//!
//! A server that does IO between stages calls them one by one with the same [`Path`]; [`decide`] walks them all at once.

pub mod arrive;
pub mod authorize;
pub mod find;
pub mod negotiate;
pub mod precondition;
pub mod process;
pub mod range;
pub mod respond;

use crate::path::{Path, Verdict};
use crate::reason::Reason;
use std::ops::ControlFlow::{self, Break, Continue};

pub use arrive::{Arrive, arrive};
pub use authorize::{Admitted, Authorize, authorize};
pub use find::{Find, find};
pub use negotiate::{Negotiate, negotiate};
pub use precondition::{Permit, Precondition, precondition};
pub use process::{Outcome, Process, process};
pub use range::{Range, Wanted, range};
pub use respond::{Respond, respond};

/// All that is known of one request, by the stage that asks for it. The default is a GET that nothing stands in the way of.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[allow(missing_docs)]
pub struct Facts {
    pub arrive: Arrive,
    pub authorize: Authorize,
    pub find: Find,
    pub negotiate: Negotiate,
    pub precondition: Precondition,
    pub process: Process,
    pub range: Range,
}

/// Decides one request: why, and how it came to be. What must go with the answer is [`respond()`]'s.
#[inline]
pub fn decide(f: &Facts) -> Verdict {
    let mut path = Path::new();
    let (Break(reason) | Continue(reason)) = walk(&mut path, f);
    Verdict { reason, path }
}

fn walk(path: &mut Path, f: &Facts) -> ControlFlow<Reason, Reason> {
    arrive(path, &f.arrive)?; //                       400 408 414 417 421 425 429 431 501 503 505 · 204
    let admitted = authorize(path, &f.authorize)?; //  401 403 404 429 503
    find(path, &f.find)?; //                           501 404 405 426 500 503 410 403 · 301 302 303 307 308
    negotiate(path, &f.negotiate)?; //                 411 413 415 406 400 409 507 503
    let permit = precondition(path, &f.precondition, admitted)?; // 428 412 · 304
    let done = process(path, &f.process, permit)?; //  408 413 400 422 409 412 500 502 503 504 507 508 · 200 201 202 204 303
    range(path, &f.range, done) //                     416 · 206
}
