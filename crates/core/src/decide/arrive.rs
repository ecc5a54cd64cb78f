//! Will we take this message? What the wire noticed, then what the connection, the server and the rates say.

use crate::cause::{Closed, Crowded, Malformed, OverRate};
use crate::path::{Path, Question, Questions};
use crate::reason::Reason;
use std::ops::ControlFlow::{self, Continue};

/// The facts of arrival. The default stands for: nothing in the way.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Arrive {
    /// The first fault that the wire noticed in the head.
    pub fault: Option<Malformed>,
    /// The connection's certificate does not serve the request's authority.
    pub misdirected: bool,
    /// It came in early data, and its method is not safe.
    pub replayable: bool,
    /// There was no room for the connection.
    pub crowded: Option<Crowded>,
    /// The route or the server is out of service.
    pub closed: Option<Closed>,
    /// The server has as many requests in flight as it takes.
    pub full: bool,
    /// The client, or a field's value, is over its rate.
    pub over_rate: Option<OverRate>,
    /// It is a CORS preflight to a route that answers those.
    pub preflight: bool,
}

/// The questions that the wire has answered by the time a head is whole.
const HEAD: Questions = Questions::of(&[
    Question::HeadInTime,
    Question::TargetFits,
    Question::HeadFits,
    Question::VersionSpoken,
    Question::MessageSound,
    Question::CodingKnown,
    Question::ExpectationKnown,
]);

/// 400 408 414 417 421 425 429 431 501 503 505, and 204 for a preflight.
#[inline]
pub fn arrive(path: &mut Path, f: &Arrive) -> ControlFlow<Reason> {
    path.settle(HEAD, f.fault.map_or(Ok(()), |fault| Err((fault.question(), fault.reason()))))?;
    // Nothing of the server is spent on a message for somebody else.
    path.require(Question::AuthorityServed, !f.misdirected, Reason::NotThisAuthority)?;
    path.require(Question::ReplaySafe, !f.replayable, Reason::TooEarly)?;
    // Then from the cheapest refusal to the dearest, so that a flood costs little.
    path.refuse(Question::ConnectionsFree, f.crowded.map(Crowded::reason))?;
    path.refuse(Question::InService, f.closed.map(Closed::reason))?;
    path.require(Question::RequestsFree, !f.full, Reason::TooManyRequests)?;
    path.refuse(Question::ClientUnderRate, f.over_rate.map(OverRate::reason))?;
    // A preflight carries no credentials (CORS, Fetch standard), so it is answered before they are asked for.
    path.require(Question::NotPreflight, !f.preflight, Reason::PreflightAnswered)?;
    Continue(())
}
