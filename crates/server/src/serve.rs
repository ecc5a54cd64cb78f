//! The second tour: one request, from its route to its answer, through the eight stages.
//!
//! The stages decide; what is here looks up the facts that each asks for, does the work when all have passed, and writes
//! what was decided. A handler is asked three things: what is there, what came of it, and how its content is sent.

use crate::answer::{Fields, Rest, Stamp, Writing};
use crate::config::Explain;
use crate::content::{Content, Read};
use crate::disk::Wait;
use crate::handler::files::Looked;
use crate::handler::proxy::{Journey, Relay};
use crate::handler::respond::Fixed;
use crate::handler::wrote::Wrote;
use crate::handler::{Handler, redirect};
use crate::id::{Id, Random};
use crate::moment::Moment;
use crate::refusal::{Circumstances, Limit, Refusal};
use crate::representation::{Representation, There, preconditions};
use crate::request::Request;
use crate::route::{Found, Match, push_uri};
use crate::site::{Common, READING, Route, Site};
use std::borrow::Cow;
use std::future::pending;
use std::ops::ControlFlow::{self, Break, Continue};
use std::rc::Rc;
use std::time::Duration;
use verdict_core::cause::{Absent, Done, Elsewhere, Failure, Malformed};
use verdict_core::decide::process::Work;
use verdict_core::decide::respond::closes;
use verdict_core::decide::{
    Arrive, Find, Negotiate, Outcome, Precondition, Process, Range, Wanted, arrive, authorize, find, negotiate,
    precondition, process, range,
};
use verdict_core::explain;
use verdict_core::field::if_range::if_range;
use verdict_core::field::range::{Range as RangeField, Resolved};
use verdict_core::interim::{self, Interim};
use verdict_core::method::{Method, MethodSet};
use verdict_core::path::{Path, Verdict};
use verdict_core::reason::Reason;
use verdict_core::status::{Class, Status};
use verdict_core::{Facts, decide};
use verdict_wire::{Asked, Fault, Form, Framing, Name, Version, put_interim};

mod change;
mod cross_site;
mod documents;
mod gates;
mod jobs;
mod possible;
mod proxy;
mod retell;
mod tell;
mod uploads;

use change::Subject;
pub(crate) use gates::Passed;
pub(crate) use possible::{is_noticed, of_any_message};
use proxy::Onward;
pub(crate) use retell::{Remark, retell, retell_alone};
pub(crate) use tell::{Step, Told, tell_malformed};

/// What was decided and written, and what is still to be sent.
pub(crate) struct Answer {
    pub(crate) verdict: Verdict,
    /// Index of the route, where one matched.
    pub(crate) route: Option<usize>,
    /// What the client is told instead of the reason, where the route is hidden from it.
    pub(crate) told: Option<Reason>,
    /// Content that follows the head; what was small stands behind the head already.
    pub(crate) rest: Rest,
    /// Bytes of content in all.
    pub(crate) bytes: u64,
    /// Whether the connection may go on.
    pub(crate) keep: bool,
    /// What was told before.
    pub(crate) interim: Option<Interim>,
    /// What the route's gates found out, and hold until the answer is sent.
    pub(crate) passed: Option<Box<Passed>>,
    /// How far the content was read.
    pub(crate) read: Option<Box<Read>>,
    /// An answer of an upstream that stands behind the head already, or what came of asking for one.
    pub(crate) relayed: Option<Box<Relay>>,
    /// The client has left, and nothing is sent.
    pub(crate) gone: bool,
    /// What was at the target.
    pub(crate) found: Option<Rc<Representation>>,
    /// What is to be kept of it that nobody could find out later.
    pub(crate) remark: Option<Box<Remark>>,
}

impl Answer {
    /// How it fared on its way to an upstream.
    pub(crate) fn journey(&self) -> Option<&Journey> {
        match &self.rest {
            Rest::Relay(relay, _) | Rest::Tunnel(relay) => Some(&relay.journey),
            Rest::Nothing | Rest::Part(..) | Rest::Parts(..) => self.relayed.as_ref().map(|relay| &relay.journey),
        }
    }
}

/// What the target turned out to be.
enum Target<'s> {
    /// Nothing, or nothing that was looked for.
    Nothing,
    Representation(Rc<Representation>),
    Location(String),
    Fixed(&'s Fixed),
}

/// A request on its way through the stages.
struct Exchange<'s, 'r> {
    site: &'s Site,
    request: &'r Request<'r>,
    moment: Moment<'r>,
    wait: Wait,
    /// The route whose rules the answer follows.
    route: Option<usize>,
    /// The route that matched, if it is hidden from who asks: then the answer follows what there is without it.
    hidden: Option<usize>,
    /// What is told instead of the reason.
    told: Option<Reason>,
    target: Target<'s>,
    /// What serving the target is called.
    done: Done,
    /// The parts of it that are wanted.
    parts: Resolved,
    interim: Option<Interim>,
    passed: Option<Box<Passed>>,
    /// Where it is read; `None` where nothing is waited for.
    content: Option<Box<Content<'r>>>,
    /// What it is about, on a route where something can be changed.
    subject: Option<Subject>,
    /// What was done to that.
    wrote: Option<Box<Wrote>>,
    /// What came of passing it on.
    onward: Option<Onward>,
}

/// Answers one request: the head, and content that is small, are appended to `out`.
///
/// With `Wait::No` it is polled once: whatever would have to wait does not begin, and the future stays pending.
pub(crate) async fn serve(
    site: &Site,
    request: &Request<'_>,
    moment: Moment<'_>,
    wait: Wait,
    content: Option<Box<Content<'_>>>,
    out: &mut Vec<u8>,
) -> Answer {
    let mut exchange = Exchange::new(site, request, moment, wait, content);
    let verdict = exchange.decide(out).await;
    exchange.respond(verdict, out)
}

/// The same, and what the decision rested on. Whoever asks for an answer is not made to wait for its explanation: only this
/// renders one.
pub(crate) async fn serve_and_tell(
    site: &Site,
    request: &Request<'_>,
    moment: Moment<'_>,
    content: Content<'_>,
    out: &mut Vec<u8>,
) -> (Answer, Told) {
    let mut exchange = Exchange::new(site, request, moment, Wait::Yes, Some(Box::new(content)));
    let verdict = exchange.decide(out).await;
    let told = exchange.tell(&verdict);
    (exchange.respond(verdict, out), told)
}

impl<'s, 'r> Exchange<'s, 'r> {
    fn new(
        site: &'s Site,
        request: &'r Request<'r>,
        moment: Moment<'r>,
        wait: Wait,
        content: Option<Box<Content<'r>>>,
    ) -> Exchange<'s, 'r> {
        Exchange {
            site,
            request,
            moment,
            wait,
            route: None,
            hidden: None,
            told: None,
            target: Target::Nothing,
            done: Done::Served,
            parts: Resolved::Ignored,
            interim: None,
            passed: None,
            content,
            subject: None,
            wrote: None,
            onward: None,
        }
    }

    async fn decide(&mut self, out: &mut Vec<u8>) -> Verdict {
        let mut path = Path::new();
        let (Break(reason) | Continue(reason)) = self.walk(&mut path, out).await;
        Verdict { reason, path }
    }

    async fn walk(&mut self, path: &mut Path, out: &mut Vec<u8>) -> ControlFlow<Reason, Reason> {
        // Which limits hold is the route's to say, so it is looked up before the first question.
        let mut found = self.site.find(self.request);
        self.route = found.route();
        let mut gates = self.gates();
        if let Some(hiding) = gates.filter(|gates| gates.hide) {
            Box::pin(self.hide(hiding, &mut found)).await;
            gates = self.gates();
        }
        let matched = match &found {
            Found::Match(matched) => Some(matched),
            Found::SlashMissing { .. } | Found::Nothing => None,
        };
        let route = self.route.map(|i| &self.site.routes[i]);
        if let (Some(Route { handler: Handler::Proxy(_), .. }), Wait::No) = (route, self.wait) {
            // It is going to wait, nearly always: nothing is asked twice.
            return pending().await;
        }

        arrive(path, &self.arrival(route))?;
        let admitted = match (gates, self.hidden) {
            (_, Some(_)) => authorize(path, &self.concealment()),
            (Some(gates), None) => authorize(path, &Box::pin(self.authorization(gates)).await),
            (None, None) => authorize(path, &self.authorization_of_anybody()),
        };
        if self.hidden.is_none() {
            admitted?;
        }
        let there = self.look(route, matched).await;
        // Whoever is told that nothing is there waits for as long as if it had been looked for.
        if self.hidden.is_some() {
            (self.target, self.done) = (Target::Nothing, Done::Served);
            self.told = Some(gates::nothing_there(&there));
        }
        let admitted = admitted?;
        find(path, &there)?;
        negotiate(path, &self.negotiation())?;
        let permit = precondition(path, &self.conditions(), admitted)?;
        self.hint(out);
        let done = match &self.subject {
            Some(Subject::Upstream(proxy)) => {
                let proxy = proxy.clone();
                process(path, &self.work_of_upstreams(proxy).await, permit)?
            }
            Some(_) => process(path, &Box::pin(self.work(&permit)).await, permit)?,
            None => process(path, &Process { work: Work::Read, outcome: self.outcome() }, permit)?,
        };
        let wanted = self.wanted();
        range(path, &wanted, done)
    }

    fn common(&self) -> &'s Common {
        self.route.map_or(&self.site.nowhere, |i| &self.site.routes[i].common)
    }

    fn allow(&self) -> MethodSet {
        if self.is_for_reading() {
            return READING;
        }
        self.route.map_or(READING, |i| self.site.routes[i].allow)
    }

    /// The wire has found no fault, but a route may take less than the wire does.
    fn arrival(&mut self, route: Option<&Route>) -> Arrive {
        let head = self.request.head;
        let fault = route.and_then(|route| {
            if head.target.len() as u64 > route.common.target {
                Some(Malformed::TargetTooLong)
            } else if (head.len - head.target.end as usize) as u64 > route.common.fields {
                Some(Malformed::HeadTooLarge)
            } else if let Handler::Redirect(redirect) = &route.handler
                && !redirect.has_place_for(self.request)
            {
                Some(Malformed::HostMissing)
            } else {
                None
            }
        });
        let (crowded, full, misdirected) = (self.request.crowded, self.request.full, self.request.is_misdirected());
        // RFC 8470 §5.1: whatever its value. Behind a gateway it is the origin that knows.
        let replayable = head.has(Name::EarlyData)
            && !head.method.is_safe()
            && !route.is_some_and(|route| matches!(route.handler, Handler::Proxy(_)));
        let arrival = Arrive { fault, misdirected, replayable, crowded, full, ..Arrive::default() };
        let gated = route.is_some_and(|route| route.gates.is_some()) || !self.site.opened.gates.maintenance.is_empty();
        if gated { self.gated(arrival) } else { arrival }
    }

    /// What is at the target. Nothing is looked up for a method that the route does not take.
    async fn look(&mut self, route: Option<&'s Route>, matched: Option<&Match>) -> Find {
        let request = self.request;
        let method = request.head.method;
        let taken = route.is_some_and(|route| route.allow.contains(method));
        let mut there = Find { method_unknown: method == Method::Other && !taken, ..Find::default() };
        let Some(route) = route else {
            // `OPTIONS *` asks about the server, and CONNECT for a proxy: neither is for a route.
            match request.head.parts.form {
                Form::Asterisk => {}
                Form::Authority => there.method_not_taken = true,
                Form::Origin | Form::Absolute => there.no_route = true,
            }
            return there;
        };
        there.method_not_taken = !taken;
        if there.method_unknown || there.method_not_taken {
            return there;
        }
        match (&route.handler, matched) {
            (Handler::Files(files), Some(matched)) => {
                // The config has seen to it that a files route's pattern ends in what it leaves open.
                let (from, to) = matched.spans().last().copied().unwrap_or_default();
                let name = &request.path[from as usize..to as usize];
                if let (Some(_), Method::Put | Method::Delete) = (&files.uploads, method) {
                    self.look_to_write(files, name, &mut there).await;
                    return there;
                }
                match files.look(request, name, self.moment.clock.nanoseconds(), self.wait).await {
                    Looked::File(found) => self.target = Target::Representation(found),
                    Looked::Fallback(found) => {
                        self.done = Done::FallbackServed;
                        self.target = Target::Representation(found);
                    }
                    Looked::Listing(found) => {
                        self.done = Done::FolderListed;
                        self.target = Target::Representation(found);
                    }
                    Looked::SlashMissing => there.elsewhere = Some(Elsewhere::SlashMissing),
                    // What is not there can be put, and that is what is asked.
                    Looked::Absent(Absent::Nothing | Absent::FileDeleted)
                        if files.uploads.is_some() && method == Method::Options => {}
                    Looked::Absent(absent) => there.absent = Some(absent),
                }
            }
            (Handler::Document(documents), Some(_)) => self.look_at_documents(documents, matched, &mut there),
            (Handler::Collection(documents), Some(_)) => self.look_at_documents(documents, None, &mut there),
            (Handler::Jobs(jobs, part), Some(matched)) => {
                Box::pin(self.look_at_jobs(jobs, *part, matched, &mut there)).await;
            }
            // It is answered here, as by the last who got it.
            (Handler::Proxy(_), Some(_)) if request.forwards_left() == Some(0) => {}
            (Handler::Proxy(proxy), Some(_)) => {
                there.upgrade_missing = !proxy.is_asked_for_its_protocol(request);
                self.subject = Some(Subject::Upstream(proxy.clone()));
            }
            // The pattern matches but for the slash at the end of its folder.
            (_, None) => there.elsewhere = Some(Elsewhere::SlashMissing),
            (Handler::Redirect(redirect), Some(matched)) => {
                there.elsewhere = Some(redirect.elsewhere);
                self.target = Target::Location(redirect.location(request, matched));
            }
            (Handler::Respond(fixed), Some(_)) => self.target = Target::Fixed(fixed),
            #[cfg(test)]
            (Handler::Panicking, Some(_)) => panic!("a bug, on purpose"),
        }
        if there.elsewhere == Some(Elsewhere::SlashMissing) {
            self.target = Target::Location(with_slash(request));
        }
        there
    }

    /// None of these routes has a use for content; what is declared must still be within the limit.
    #[inline]
    fn negotiation(&mut self) -> Negotiate {
        let framing = self.request.head.framing;
        if self.subject.is_some() {
            return self.negotiation_of_change(self.negotiation_of(framing));
        }
        if framing == Framing::None {
            return Negotiate::default();
        }
        self.negotiation_of(framing)
    }

    fn negotiation_of(&self, framing: Framing) -> Negotiate {
        let common = self.common();
        Negotiate {
            content: framing != Framing::None,
            length_missing: common.length_required && framing == Framing::Chunked,
            too_large: matches!(framing, Framing::Length(length) if length > common.body),
            type_not_taken: self.type_not_taken(),
            coding_not_taken: self.coding_not_taken(),
            ..Negotiate::default()
        }
    }

    fn conditions(&self) -> Precondition {
        let request = self.request;
        if let Some(conditions) = self.conditions_of_change() {
            return conditions;
        }
        match &self.target {
            Target::Representation(found) => preconditions(request, There::Representation(found)),
            // RFC 9110 §13.2.1: conditions cannot turn a redirect or a refusal into anything else.
            Target::Fixed(fixed) => {
                let exempt = fixed.status.class() != Class::Successful;
                Precondition { exempt, ..preconditions(request, There::Untagged) }
            }
            Target::Nothing | Target::Location(_) => {
                Precondition { method: request.head.method, ..Precondition::default() }
            }
        }
    }

    /// 103, ahead of an answer that is going to have a representation.
    fn hint(&mut self, out: &mut Vec<u8>) {
        let request = self.request;
        let common = self.common();
        if common.hints.is_empty()
            || request.head.method != Method::Get
            || !matches!(self.target, Target::Representation(_))
        {
            return;
        }
        let version = request.head.version;
        // What speaks HTTP/2 knows interim answers.
        let wants = request.navigates() || version == Version::Http2;
        if let Some(hint) = interim::hint(version != Version::Http10, wants, common.hints_to_all) {
            let links: Vec<_> = common.hints.iter().map(|link| ("Link", link.as_bytes())).collect();
            let written = put_interim(out, request.head.version, hint, &links);
            debug_assert!(written.is_ok(), "the config has checked each hint");
            self.interim = Some(hint);
        }
    }

    fn outcome(&self) -> Outcome {
        match &self.target {
            Target::Fixed(fixed) => Outcome::Configured(fixed.status),
            _ if self.request.head.method == Method::Options => Outcome::Done(Done::OptionsAnswered),
            _ => Outcome::Done(self.done),
        }
    }

    /// What `Range` and `If-Range` ask for.
    fn wanted(&mut self) -> Range {
        let request = self.request;
        let head = request.head;
        let (Target::Representation(found), true) = (&self.target, head.has(Name::Range)) else {
            return Range::default();
        };
        let field = request.value(Name::Range).and_then(RangeField::parse);
        if let (Some(field), true) = (field, found.description.ranges) {
            self.parts = field.resolve(found.content.size());
        }
        let wanted = Wanted::of(head.method, Some(&self.parts));
        let holds = head.has(Name::IfRange).then(|| {
            let (tag, last_modified) = found.validators();
            request.value(Name::IfRange).is_some_and(|value| if_range(value, tag, last_modified, request.now))
        });
        Range { wanted, if_range: holds }
    }

    /// Writes what was decided.
    fn respond(&mut self, verdict: Verdict, out: &mut Vec<u8>) -> Answer {
        if self.passed.is_some() {
            self.count_late();
        }
        let common = self.common();
        let stamp = &Stamp { date: &self.moment.clock.date(), id: self.request.id_told(self.site) };
        let keep = self.keeps() && !closes(verdict.reason);
        let relay = self.passed_on();
        let mut keep = keep;
        let mut relayed = None;
        let writing = Writing {
            status: verdict.status(),
            asked: self.request.head.asked(keep),
            stamp,
            common,
            more: self.more(&verdict),
        };
        let (rest, bytes) = match (verdict.reason, &self.target, &self.parts) {
            (Reason::UpstreamAnswered { .. }, ..) if let Some(relay) = relay => {
                let (rest, bytes, persists, over) = self.pass_on(relay, &writing, out);
                keep &= persists;
                relayed = over;
                (rest, bytes)
            }
            (Reason::PartServed { .. }, Target::Representation(found), Resolved::One(part)) => {
                writing.part(found, *part, out)
            }
            (Reason::PartsServed { .. }, Target::Representation(found), Resolved::Many(parts)) => {
                writing.parts(found, parts, out)
            }
            (Reason::OptionsAnswered { .. } | Reason::PreflightAnswered { .. }, ..) => {
                writing.options(self.allow(), out)
            }
            (Reason::Created { .. } | Reason::Replaced { .. } | Reason::Deleted { .. }, ..) => writing.empty(out),
            (Reason::UpstreamAnswered { .. }, Target::Representation(_), _) if writing.status.forbids_content() => {
                writing.empty(out)
            }
            (Reason::UpstreamAnswered { .. }, Target::Representation(found), _) => writing.whole(found, out),
            (_, Target::Representation(found), _) if succeeds(writing.status) => writing.whole(found, out),
            (Reason::ConfiguredAnswer { .. }, Target::Fixed(fixed), _) if fixed.content().is_some() => {
                writing.fixed(fixed, out)
            }
            (_, Target::Fixed(fixed), _) if writing.status.forbids_content() => writing.unchanged(fixed, out),
            (_, Target::Location(location), _) if writing.status.class() == Class::Redirection => {
                writing.redirect(location, self.cache_for_redirect(), out)
            }
            (reason, ..) => (Rest::Nothing, self.refuse(reason, writing, out)),
        };
        let invited = self.content.as_ref().and_then(|content| content.invited());
        let (told, interim) = (self.told, invited.or(self.interim));
        // In the log it is the route that is hidden.
        let route = if told.is_some() { self.hidden } else { self.route };
        let read = self.content.take().and_then(|content| content.read()).map(Box::new);
        let onward = self.onward.take();
        let gone = onward.as_ref().is_some_and(|onward| onward.gone);
        let relayed = relayed.or_else(|| onward.and_then(|onward| onward.relay));
        let remark = self.remark(verdict.reason);
        let found = match std::mem::replace(&mut self.target, Target::Nothing) {
            Target::Representation(found) => Some(found),
            Target::Nothing | Target::Location(_) | Target::Fixed(_) => None,
        };
        let passed = self.passed.take();
        Answer { verdict, route, told, rest, bytes, keep, interim, passed, read, relayed, gone, found, remark }
    }

    /// Whether the connection may go on: nothing of the content is left, or it can be read away.
    fn keeps(&self) -> bool {
        let read = match &self.content {
            Some(content) if content.is_begun() => content.is_read(),
            _ => self.request.drainable,
        };
        self.request.persists && read
    }

    /// Fields beside those of what is sent.
    fn more(&self, verdict: &Verdict) -> Fields<'_> {
        let reason = self.told.unwrap_or(verdict.reason);
        let mut more = told(self.common(), &Verdict { reason, ..*verdict });
        if self.gates().is_some() {
            more.extend(self.gate_fields(verdict.reason));
        }
        if self.subject.is_some() {
            more.extend(self.fields_of_change(verdict.reason));
        }
        more
    }

    fn cache_for_redirect(&self) -> Option<u64> {
        match self.route.map(|i| &self.site.routes[i].handler) {
            Some(Handler::Redirect(redirect)) => redirect.cache,
            // Whether a job is done, and for how long, is told by its monitor alone.
            Some(Handler::Jobs(..)) => None,
            // What came of one form is not what comes of the next.
            _ if self.wrote.is_some() => None,
            _ => Some(redirect::PERMANENT),
        }
    }

    fn refuse(&self, reason: Reason, writing: Writing<'_, '_>, out: &mut Vec<u8>) -> u64 {
        let mut more = writing.more;
        if let (Reason::ConfiguredAnswer { .. }, Target::Fixed(fixed)) = (reason, &self.target) {
            more.extend(fixed.fields());
        }
        let refusal = Refusal {
            reason: self.told.unwrap_or(reason),
            asked: writing.asked,
            accept: self.request.lines(Name::Accept),
            common: writing.common,
            circumstances: self.circumstances(reason),
            more,
        };
        refusal.put(out, writing.stamp)
    }

    /// What the words of a reason are filled with.
    fn circumstances(&self, reason: Reason) -> Circumstances<'_> {
        let request = self.request;
        let common = self.common();
        let text = |name| request.value(name).and_then(|value| std::str::from_utf8(value).ok());
        let found = match &self.target {
            Target::Representation(found) => Some(found),
            _ => None,
        };
        let declared = match request.head.framing {
            Framing::Length(length) => Some(length),
            Framing::None | Framing::Chunked => None,
        };
        let mut circumstances = Circumstances {
            at: None,
            limit: match reason {
                Reason::ContentTooLarge { .. } | Reason::ContentGrewTooLarge { .. } => Some(Limit::Bytes(common.body)),
                Reason::TargetTooLong { .. } => Some(Limit::Bytes(common.target)),
                Reason::HeadTooLarge { .. } => Some(Limit::Bytes(common.fields)),
                _ => None,
            },
            length: match reason {
                Reason::ContentTooLarge { .. } => declared,
                _ => found.map(|found| found.content.size()),
            },
            method: std::str::from_utf8(request.head.method_token.of(request.bytes)).ok(),
            allow: Some(self.allow()),
            if_match: text(Name::IfMatch),
            range: text(Name::Range),
            tag: match reason {
                Reason::IfMatchFailed { .. }
                | Reason::IfUnmodifiedSinceFailed { .. }
                | Reason::IfNoneMatchFailed { .. }
                | Reason::ConditionMissing { .. }
                | Reason::RangeBeyondEnd { .. } => found.and_then(|found| found.description.tag.as_deref()),
                _ => None,
            },
            tag_varies: found.is_some_and(|found| found.description.vary.is_some()),
            last_modified: found.and_then(|found| found.description.last_modified),
            report: None,
            retry_after: Some(self.gate_retry_after(reason).unwrap_or_else(|| soon(self.moment.random))),
            needed: self.needed(),
            words: None,
            unlisted: None,
            details: None,
        };
        self.add_circumstances_of_change(&mut circumstances);
        circumstances
    }
}

/// Answers a message whose head could not be read. Nothing of it is trusted but, on sight, what its sender reads.
pub(crate) fn refuse_malformed(
    site: &Site,
    fault: Fault,
    bytes: &[u8],
    head_time: Duration,
    id: &Id,
    moment: Moment<'_>,
    out: &mut Vec<u8>,
) -> Answer {
    let verdict = decide_malformed(fault);
    let refusal = Refusal {
        reason: verdict.reason,
        asked: Asked { method: method_on_sight(bytes), version: Version::Http11, persist: false },
        accept: accept_on_sight(bytes).into_iter(),
        common: &site.nowhere,
        circumstances: Circumstances {
            retry_after: Some(soon(moment.random)),
            ..circumstances_of_fault(site, fault, head_time)
        },
        more: told(&site.nowhere, &verdict),
    };
    let stamp = Stamp { date: &moment.clock.date(), id: &id.0 };
    let bytes = refusal.put(out, &stamp);
    Answer {
        verdict,
        route: None,
        told: None,
        rest: Rest::Nothing,
        bytes,
        keep: false,
        interim: None,
        passed: None,
        read: None,
        relayed: None,
        gone: false,
        found: None,
        remark: None,
    }
}

fn decide_malformed(fault: Fault) -> Verdict {
    let mut path = Path::new();
    let facts = Arrive { fault: Some(fault.cause), ..Arrive::default() };
    // A head with a fault is always refused.
    let Break(reason) = arrive(&mut path, &facts) else { unreachable!("`arrive` refuses every fault") };
    Verdict { reason, path }
}

fn circumstances_of_fault(site: &Site, fault: Fault, head_time: Duration) -> Circumstances<'static> {
    let limits = &site.opened.config.limits;
    let limit = match fault.cause {
        Malformed::HeadTimeout => Some(Limit::Time(head_time)),
        Malformed::TargetTooLong => Some(Limit::Bytes(limits.target)),
        Malformed::HeadTooLarge => Some(Limit::Bytes(limits.fields)),
        Malformed::TooManyFields => Some(Limit::Lines(site.wire.lines as u64)),
        _ => None,
    };
    Circumstances { at: Some(fault.at), limit, ..Circumstances::default() }
}

/// The answer of a request whose handler panicked.
pub(crate) fn refuse_panicked(site: &Site, request: &Request<'_>, moment: Moment<'_>, out: &mut Vec<u8>) -> Answer {
    let mut facts = Facts::default();
    facts.process.outcome = Outcome::Failure(Failure::Panicked);
    let verdict = decide(&facts);
    let route = site.find(request).route();
    let common = route.map_or(&site.nowhere, |i| &site.routes[i].common);
    // How much of its content was read is not known any longer.
    let keep = request.persists && request.head.framing == Framing::None;
    let refusal = Refusal {
        reason: verdict.reason,
        asked: request.head.asked(keep),
        accept: request.lines(Name::Accept),
        common,
        circumstances: Circumstances::default(),
        more: told(common, &verdict),
    };
    let bytes = refusal.put(out, &Stamp { date: &moment.clock.date(), id: request.id_told(site) });
    Answer {
        verdict,
        route,
        told: None,
        rest: Rest::Nothing,
        bytes,
        keep,
        interim: None,
        passed: None,
        read: None,
        relayed: None,
        gone: false,
        found: None,
        remark: None,
    }
}

/// `Verdict-Reason`, where the config wants it on every answer.
fn told(common: &Common, verdict: &Verdict) -> Fields<'static> {
    match common.explain {
        Explain::Header => vec![("Verdict-Reason", Cow::Owned(explain::field(verdict)))],
        Explain::Off | Explain::Problem => Vec::new(),
    }
}

/// Whether a head that is malformed somewhere is one of HEAD, whose answer has no content (RFC 9110 §9.3.2).
pub(crate) fn method_on_sight(bytes: &[u8]) -> Method {
    if bytes.trim_ascii_start().starts_with(b"HEAD ") { Method::Head } else { Method::Get }
}

/// The value of `Accept` in a head that is malformed somewhere: for choosing between text and JSON, and nothing else.
pub(crate) fn accept_on_sight(bytes: &[u8]) -> Option<&[u8]> {
    let lines = bytes.split(|byte| *byte == b'\n');
    let mut names = lines.filter_map(|line| {
        let colon = memchr::memchr(b':', line)?;
        line[..colon].eq_ignore_ascii_case(b"accept").then(|| line[colon + 1..].trim_ascii())
    });
    names.next()
}

/// When to come again after a refusal for want of room: not all at once.
fn soon(random: &Random) -> u64 {
    1 + random.next() % 4
}

/// The target with its slash, and with its query. It begins with one slash: a second would make the next segment a host.
fn with_slash(request: &Request<'_>) -> String {
    let mut location = String::from("/");
    push_uri(request.raw_path.trim_matches('/'), &mut location);
    location.push('/');
    if let Some(query) = request.query() {
        location.push('?');
        push_uri(query, &mut location);
    }
    location
}

/// Whether the answer is the representation, or tells that it is unchanged.
fn succeeds(status: Status) -> bool {
    status.class() == Class::Successful || status.forbids_content()
}
