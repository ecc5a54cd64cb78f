//! What can be brought to the stages, by route and method: the alternatives of the facts that `serve.rs` looks up one by one.
//! What depends on the kind of a route is said beside its handler.

use super::cross_site::may_be_forged;
use crate::auth::{Access, Allow, Guard, Who};
use crate::config::{Config, Per};
use crate::gates::Gates;
use crate::handler::Handler;
use crate::handler::documents::takes;
use crate::handler::files::Files;
use crate::handler::files::upload::Uploads;
use crate::handler::jobs::Jobs;
use crate::handler::proxy::may_do as may_forward;
use crate::route::{Host, Pattern};
use crate::site::{Common, Route, Site};
use std::collections::BTreeSet;
use verdict_core::Facts;
use verdict_core::cause::{
    Absent, Busy, Closed, Crowded, Denied, Done, Elsewhere, Failure, Malformed, OverRate, Unidentified,
};
use verdict_core::decide::process::Work;
use verdict_core::decide::{Arrive, Authorize, Find, Negotiate, Outcome, Precondition, Process, Range, Wanted, decide};
use verdict_core::interim::{self, Interim};
use verdict_core::method::Method;
use verdict_core::possible::Alternatives;
use verdict_core::reason::Reason;
use verdict_core::status::Class;

/// The reasons that any message can be answered with, whatever it asks for.
pub(crate) fn of_any_message(config: &Config) -> BTreeSet<Reason> {
    let secure = config.tls.is_some();
    let malformed = Malformed::ALL.into_iter().filter(|fault| is_noticed(*fault, secure));
    let misdirected = secure.then(|| Arrive { misdirected: true, ..Arrive::default() });
    let malformed = malformed.map(|fault| Arrive { fault: Some(fault), ..Arrive::default() });
    let arrive = malformed.chain(misdirected).collect();
    let mut reasons = Alternatives { arrive, ..Alternatives::default() }.reasons();
    // A bug can be anywhere.
    let outcomes = Failure::ALL.iter().filter(|failure| is_met(**failure));
    reasons.extend(outcomes.map(|failure| {
        let process = Process { work: Work::Read, outcome: Outcome::Failure(*failure) };
        decide(&Facts { process, ..Facts::default() }).reason
    }));
    reasons.extend(interim::http2(true, config.h2c_upgrade, false).map(Interim::reason));
    reasons
}

/// The faults that a message can have, whether or not there are addresses that speak TLS.
pub(crate) const fn is_noticed(fault: Malformed, secure: bool) -> bool {
    match fault {
        Malformed::PlainHttpOnTls => secure,
        Malformed::AuthorityDiffers
        | Malformed::HeadTimeout
        | Malformed::HeadCutShort
        | Malformed::TargetTooLong
        | Malformed::HeadTooLarge
        | Malformed::TooManyFields
        | Malformed::VersionNotSupported
        | Malformed::RequestLine
        | Malformed::Method
        | Malformed::TargetByte
        | Malformed::TargetForm
        | Malformed::AmbiguousTarget
        | Malformed::Version
        | Malformed::BareLf
        | Malformed::BareCr
        | Malformed::ObsFold
        | Malformed::NulByte
        | Malformed::SpaceBeforeColon
        | Malformed::ColonMissing
        | Malformed::FieldName
        | Malformed::FieldValue
        | Malformed::HostMissing
        | Malformed::HostRepeated
        | Malformed::HostInvalid
        | Malformed::BothLengths
        | Malformed::ContentLengthInvalid
        | Malformed::ContentLengthDiffers
        | Malformed::TransferEncodingInHttp10
        | Malformed::TransferEncodingInvalid
        | Malformed::ChunkedNotLast
        | Malformed::ChunkedRepeated
        | Malformed::TransferCodingUnknown
        | Malformed::ConnectionNamesProtectedField
        | Malformed::ExpectationUnknown
        | Malformed::ChunkSize
        | Malformed::ChunkExtension
        | Malformed::ChunkEnd
        | Malformed::Trailer => true,
    }
}

/// The failures that a handler which only reads can have. One of the disk is the look-up's.
const fn is_met(failure: Failure) -> bool {
    match failure {
        Failure::Panicked => true,
        Failure::StoreBusy | Failure::Queue | Failure::Quota | Failure::DiskFull | Failure::Disk | Failure::Corrupt => {
            false
        }
    }
}

/// Why the server can be closed.
const fn is_closed_for(closed: Closed) -> bool {
    match closed {
        Closed::Maintenance => true,
        // Whoever is connected is told with the answer that it is the last.
        Closed::Draining => false,
    }
}

/// Why a client could not be identified by this guard.
fn may_lack(guard: &Guard, cause: Unidentified) -> bool {
    let (basic, tokens, jwt) = guard.takes();
    match cause {
        Unidentified::Missing | Unidentified::Malformed | Unidentified::Scheme => true,
        Unidentified::User | Unidentified::Password | Unidentified::TooManyFailures | Unidentified::Busy => basic,
        Unidentified::Token => tokens,
        Unidentified::TokenMalformed
        | Unidentified::TokenKey
        | Unidentified::TokenSignature
        | Unidentified::TokenExpired
        | Unidentified::TokenNotYetValid
        | Unidentified::TokenIssuer
        | Unidentified::TokenAudience
        | Unidentified::TokenExp
        | Unidentified::TokenSub => jwt,
    }
}

/// Why a client that is identified may not do this.
fn may_be_denied(allow: &Allow, access: Access, cause: Denied) -> bool {
    let who = allow.who(access);
    if who.contains(&Who::Anybody) {
        return false;
    }
    match cause {
        Denied::User => true,
        Denied::Scope => who.iter().any(|who| matches!(who, Who::Scope(_))),
        // Whatever `allow` says.
        Denied::CrossSite => false,
    }
}

impl Site {
    /// The facts that a request with this method can bring, to a route or, with `None`, to a target that none matches.
    pub(crate) fn alternatives(&self, route: Option<usize>, method: Method) -> Alternatives {
        let pattern = route.map(|i| &self.opened.config.routes[i].pattern);
        let route = route.map(|i| &self.routes[i]);
        let common = route.map_or(&self.nowhere, |route| &route.common);
        let conditional = |dated, exempt| conditions(method, dated, exempt);
        let (find, precondition, process, range) = match route {
            None => (nowhere(method), vec![unconditional(method)], vec![done(Done::OptionsAnswered)], Vec::new()),
            Some(route) => {
                let mut find = found(route, method);
                // As the route of a folder, it answers where only the slash is missing.
                let of_folder = match &route.handler {
                    Handler::Proxy(_) => true,
                    Handler::Files(files) => written(files, method).is_some(),
                    _ => false,
                };
                if of_folder && pattern.is_some_and(Pattern::may_lack_slash) {
                    let elsewhere = Find { elsewhere: Some(Elsewhere::SlashMissing), ..Find::default() };
                    find.extend(route.allow.contains(method).then_some(elsewhere));
                }
                match &route.handler {
                    Handler::Files(files) if let Some(uploads) = written(files, method) => {
                        (find, conditional(true, false), uploads.may_do(method), Vec::new())
                    }
                    Handler::Files(files) => {
                        let dones: Vec<_> = match method {
                            Method::Options => vec![Done::OptionsAnswered],
                            _ => Done::ALL.iter().copied().filter(|done| files.may_do(*done)).collect(),
                        };
                        (find, conditional(true, false), dones.into_iter().map(done).collect(), ranges(method))
                    }
                    Handler::Document(documents) | Handler::Collection(documents) => {
                        let collection = matches!(route.handler, Handler::Collection(_));
                        let conditions = documents.may_demand(collection, conditional(false, false));
                        (find, conditions, documents.may_do(method), Vec::new())
                    }
                    Handler::Jobs(_, part) => {
                        (find, conditional(false, false), Jobs::may_do(*part, method), Vec::new())
                    }
                    // Conditions and ranges are the upstream's to judge.
                    Handler::Proxy(_) => {
                        let mut process = may_forward();
                        if method == Method::Options {
                            // With `Max-Forwards: 0` it goes no further.
                            process.push(Process { work: Work::Read, outcome: Outcome::Done(Done::OptionsAnswered) });
                        }
                        (find, vec![Precondition { exempt: true, ..unconditional(method) }], process, Vec::new())
                    }
                    Handler::Redirect(_) => (find, vec![unconditional(method)], Vec::new(), Vec::new()),
                    Handler::Respond(fixed) => {
                        let exempt = fixed.status.class() != Class::Successful;
                        let process = Process { work: Work::Read, outcome: Outcome::Configured(fixed.status) };
                        (find, conditional(false, exempt), vec![process], Vec::new())
                    }
                    #[cfg(test)]
                    Handler::Panicking => (find, Vec::new(), Vec::new(), Vec::new()),
                }
            }
        };
        let range = if range.is_empty() { vec![Range::default()] } else { range };
        let gates = route.and_then(|route| route.gates.as_deref());
        let mut arrive = self.arrivals(common, gates, method);
        if let (Some(pattern), true) = (pattern, gates.is_some_and(|gates| gates.hide)) {
            // From who is not to know of it, what there is without it is asked first.
            for (i, other) in self.routes.iter().enumerate() {
                let gates = other.gates.as_deref();
                if !gates.is_some_and(|gates| gates.hide) && may_meet(&self.opened.config.routes[i].pattern, pattern) {
                    arrive.extend(self.arrivals(&other.common, gates, method));
                }
            }
        }
        if !method.is_safe() && !matches!(route.map(|route| &route.handler), Some(Handler::Proxy(_))) {
            arrive.push(Arrive { replayable: true, ..Arrive::default() });
        }
        let authorize = match gates.is_some_and(|gates| gates.hide) && method == Method::Other {
            // A method that is not known anywhere is refused as it is anywhere: as if the route was not there.
            true => vec![Authorize::default()],
            false => {
                let forged = route.is_some_and(|route| may_be_forged(&route.handler, method));
                authorizations(gates, Access::of(method), forged)
            }
        };
        let mut negotiate = negotiations(common, gates);
        if let Some(Handler::Document(documents) | Handler::Collection(documents)) = route.map(|route| &route.handler) {
            let collection = matches!(route.map(|route| &route.handler), Some(Handler::Collection(_)));
            negotiate.extend(documents.may_negotiate(collection, method));
        }
        if let Some(Handler::Jobs(_, part)) = route.map(|route| &route.handler) {
            negotiate.extend(Jobs::may_negotiate(*part, method));
        }
        if let Some(Handler::Files(files)) = route.map(|route| &route.handler)
            && let Some(uploads) = written(files, method)
        {
            negotiate.extend(uploads.may_negotiate(method));
        }
        Alternatives { arrive, authorize, find, negotiate, precondition, process, range }
    }

    /// What may be told before the answer.
    pub(crate) fn interims(&self, route: usize, method: Method) -> Vec<Interim> {
        let route = &self.routes[route];
        let common = &route.common;
        if let Handler::Document(_) | Handler::Collection(_) = route.handler {
            let invites = route.allow.contains(method) && !takes(method).is_empty();
            return interim::invite(invites, true, false).into_iter().collect();
        }
        if let Handler::Jobs(..) = route.handler {
            let invites = route.allow.contains(method) && method == Method::Post;
            return interim::invite(invites, true, false).into_iter().collect();
        }
        if let Handler::Files(files) = &route.handler
            && written(files, method).is_some()
        {
            let invites = route.allow.contains(method) && method == Method::Put;
            return interim::invite(invites, true, false).into_iter().collect();
        }
        if let Handler::Proxy(_) = route.handler {
            let taken = route.allow.contains(method);
            let all = [
                interim::invite(taken, true, false),
                interim::pass_hint(taken, true, common.hints_to_all),
                interim::tunnel(taken, true),
            ];
            return all.into_iter().flatten().collect();
        }
        let hints = method == Method::Get && matches!(route.handler, Handler::Files(_)) && !common.hints.is_empty();
        hints.then(|| interim::hint(true, true, common.hints_to_all)).flatten().into_iter().collect()
    }

    fn arrivals(&self, common: &Common, gates: Option<&Gates>, method: Method) -> Vec<Arrive> {
        let mut alternatives = vec![Arrive::default(), Arrive { full: true, ..Arrive::default() }];
        let mut fault = |fault| alternatives.push(Arrive { fault: Some(fault), ..Arrive::default() });
        // What the server takes at most, the wire has seen to.
        let limits = &self.opened.config.limits;
        if common.target < limits.target {
            fault(Malformed::TargetTooLong);
        }
        if common.fields < limits.fields {
            fault(Malformed::HeadTooLarge);
        }
        let crowded = Crowded::ALL.iter().map(|cause| Arrive { crowded: Some(*cause), ..Arrive::default() });
        alternatives.extend(crowded);
        let closed = Closed::ALL.iter().filter(|cause| is_closed_for(**cause));
        alternatives.extend(closed.map(|cause| Arrive { closed: Some(*cause), ..Arrive::default() }));
        let over_rate = match gates.and_then(|gates| gates.rate.as_ref()).map(|rate| &rate.per) {
            Some(Per::Client) => Some(OverRate::Client),
            Some(Per::Field(_)) => Some(OverRate::Field),
            Some(Per::User) | None => None,
        };
        alternatives.extend(over_rate.map(|cause| Arrive { over_rate: Some(cause), ..Arrive::default() }));
        if method == Method::Options && gates.is_some_and(|gates| gates.cors.is_some()) {
            alternatives.push(Arrive { preflight: true, ..Arrive::default() });
        }
        alternatives
    }
}

/// Whether one request can be for both.
fn may_meet(a: &Pattern, b: &Pattern) -> bool {
    let apart = matches!((a.host(), b.host()), (Host::Exact(a), Host::Exact(b)) if a != b);
    !apart && a.shared_path(b).is_some()
}

/// Of a target that is no route's.
fn nowhere(method: Method) -> Vec<Find> {
    let there = Find { method_unknown: method == Method::Other, ..Find::default() };
    match method {
        Method::Connect => vec![Find { method_not_taken: true, ..there }],
        // `OPTIONS *` is about the server.
        Method::Options => vec![there, Find { no_route: true, ..there }],
        _ => vec![Find { no_route: true, ..there }],
    }
}

fn found(route: &Route, method: Method) -> Vec<Find> {
    let there = Find {
        method_unknown: method == Method::Other && !route.allow.contains(method),
        method_not_taken: !route.allow.contains(method),
        ..Find::default()
    };
    if there.method_unknown || there.method_not_taken {
        return vec![there];
    }
    match &route.handler {
        Handler::Files(files) if let Some(uploads) = written(files, method) => {
            uploads.may_find(method, files.shows_dotfiles(), there)
        }
        Handler::Files(files) => {
            let absent = Absent::ALL.iter().filter(|absent| files.may_lack(**absent));
            let mut alternatives: Vec<_> = absent.map(|absent| Find { absent: Some(*absent), ..there }).collect();
            alternatives.push(Find { elsewhere: Some(Elsewhere::SlashMissing), ..there });
            alternatives.push(there);
            alternatives
        }
        Handler::Document(documents) => documents.may_find(false, method, there),
        Handler::Collection(documents) => documents.may_find(true, method, there),
        Handler::Jobs(_, part) => Jobs::may_find(*part, there),
        Handler::Redirect(redirect) => vec![Find { elsewhere: Some(redirect.elsewhere), ..there }],
        Handler::Proxy(proxy) if proxy.config.upgrade.is_some() => vec![there, Find { upgrade_missing: true, ..there }],
        Handler::Respond(_) | Handler::Proxy(_) => vec![there],
        #[cfg(test)]
        Handler::Panicking => Vec::new(),
    }
}

/// What files are changed by this method, if they are.
fn written(files: &Files, method: Method) -> Option<&Uploads> {
    files.uploads.as_ref().filter(|_| matches!(method, Method::Put | Method::Delete))
}

/// Who may ask a route for that, and who may not.
fn authorizations(gates: Option<&Gates>, access: Access, forged: bool) -> Vec<Authorize> {
    let passes = gates.map_or_else(Authorize::default, |gates| Authorize {
        guarded: gates.guard.is_some(),
        hide: gates.hide,
        ..Authorize::default()
    });
    let mut alternatives = vec![passes];
    alternatives.extend(forged.then_some(Authorize { denied: Some(Denied::CrossSite), ..passes }));
    let Some(gates) = gates else { return alternatives };
    if let Some(guard) = &gates.guard {
        let causes = Unidentified::ALL.iter().copied().filter(|cause| may_lack(guard, *cause));
        alternatives.extend(causes.map(|cause| Authorize { unidentified: Some(cause), ..passes }));
        if let Some(allow) = &gates.allow {
            let causes = Denied::ALL.iter().copied().filter(|cause| may_be_denied(allow, access, *cause));
            alternatives.extend(causes.map(|cause| Authorize { denied: Some(cause), ..passes }));
        }
        if gates.rate.as_ref().is_some_and(|rate| rate.per == Per::User) {
            alternatives.push(Authorize { over_rate: true, ..passes });
        }
    }
    if gates.slots.is_some() {
        alternatives.extend(Busy::ALL.iter().map(|cause| Authorize { busy: Some(*cause), ..passes }));
    }
    alternatives
}

fn negotiations(common: &Common, gates: Option<&Gates>) -> Vec<Negotiate> {
    let content = Negotiate { content: true, ..Negotiate::default() };
    let mut alternatives = vec![Negotiate::default(), content, Negotiate { too_large: true, ..content }];
    if common.length_required {
        alternatives.push(Negotiate { length_missing: true, ..content });
    }
    if gates.is_some_and(|gates| gates.types.is_some()) {
        alternatives.push(Negotiate { type_not_taken: true, ..content });
        alternatives.push(Negotiate { coding_not_taken: true, ..content });
    }
    alternatives
}

fn unconditional(method: Method) -> Precondition {
    Precondition { method, ..Precondition::default() }
}

/// Each way in which conditions can hold or fail; those by date only where the target has one.
fn conditions(method: Method, dated: bool, exempt: bool) -> Vec<Precondition> {
    const EACH: [Option<bool>; 3] = [None, Some(true), Some(false)];
    let dates = if dated { &EACH[..] } else { &EACH[..1] };
    let mut alternatives = Vec::new();
    for if_match in EACH {
        for if_none_match in EACH {
            for &if_modified_since in dates {
                for &if_unmodified_since in dates {
                    alternatives.push(Precondition {
                        exempt,
                        if_match,
                        if_none_match,
                        if_modified_since,
                        if_unmodified_since,
                        ..unconditional(method)
                    });
                }
            }
        }
    }
    alternatives
}

fn done(done: Done) -> Process {
    Process { work: Work::Read, outcome: Outcome::Done(done) }
}

fn ranges(method: Method) -> Vec<Range> {
    let mut alternatives = vec![Range::default()];
    // RFC 9110 §14.2
    if method == Method::Get {
        for wanted in [Wanted::Part, Wanted::Parts, Wanted::Beyond] {
            alternatives.extend([None, Some(true), Some(false)].map(|if_range| Range { wanted, if_range }));
        }
    }
    alternatives
}
