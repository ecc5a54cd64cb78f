//! May this client ask? Who they are, what they may do, how often, and whether the route has room.

use crate::cause::{Busy, Denied, Unidentified};
use crate::path::{Path, Question};
use crate::reason::Reason;
use std::ops::ControlFlow::{self, Continue};

/// The facts of authorization. The default stands for a route without guards.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Authorize {
    /// The route wants to know who asks.
    pub guarded: bool,
    /// Why the client could not be identified.
    pub unidentified: Option<Unidentified>,
    /// Why the client may not do this.
    pub denied: Option<Denied>,
    /// The route hides what it does not give (RFC 9110 §15.5.4: 404 instead of 403).
    pub hide: bool,
    /// The user is over the rate of the route.
    pub over_rate: bool,
    /// The route cannot take one more request now.
    pub busy: Option<Busy>,
}

/// The proof that a request passed `authorize`; only this file makes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Admitted(());

/// 401 403 429 503, and 404 for what is hidden.
#[inline]
pub fn authorize(path: &mut Path, f: &Authorize) -> ControlFlow<Reason, Admitted> {
    if f.guarded {
        let stranger = |cause: Unidentified| if f.hide { Reason::HiddenFromStranger } else { cause.reason() };
        path.refuse(Question::Identified, f.unidentified.map(stranger))?;
    }
    // A page of another site may not do what its user's browser could, whether or not the route wants to know who that is.
    if f.guarded || f.denied.is_some() {
        let user = |cause: Denied| if f.hide { Reason::HiddenFromUser } else { cause.reason() };
        path.refuse(Question::Allowed, f.denied.map(user))?;
    }
    if f.guarded {
        path.require(Question::UserUnderRate, !f.over_rate, Reason::UserOverRate)?;
    }
    path.refuse(Question::RouteFree, f.busy.map(Busy::reason))?;
    Continue(Admitted(()))
}
