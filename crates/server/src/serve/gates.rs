//! The facts of a route's gates, and what they add to its answers.
//!
//! Rule: a request is counted once. One that is begun without waiting may have to begin anew, so it is only looked at what
//! counting would say until it is answered; and a dry run counts nothing and holds nothing.
//!
//! A route that is hidden is not there for whomever it refuses. They get what they would get without it: the fields, the rate and
//! the closing time of the route that would match then, or those of no route, and its 404. Its own rate, limits, closing time and
//! preflights are for whom it lets in, who is therefore identified before anything else is asked.

use super::Exchange;
use crate::answer::Fields;
use crate::auth::{Access, Identity};
use crate::concurrency::Slot;
use crate::config::Per;
use crate::content_type::is_coded;
use crate::cors::is_preflight;
use crate::disk::Wait;
use crate::gates::{Gates, Rate};
use crate::maintenance::Until;
use crate::rate::{Decision, Key};
use crate::route::Found;
use std::borrow::Cow;
use std::future::pending;
use std::ops::ControlFlow::Break;
use std::sync::Arc;
use verdict_core::cause::{Absent, Busy, Closed, Denied, OverRate, Unidentified};
use verdict_core::decide::{Arrive, Authorize, Find, find, respond};
use verdict_core::method::Method;
use verdict_core::path::Path;
use verdict_core::reason::Reason;
use verdict_core::status::Required;
use verdict_wire::{Framing, Name};

/// What the gates found out about one request.
#[derive(Default)]
pub(crate) struct Passed {
    /// Until when the route is closed.
    pub(super) closed: Option<Until>,
    pub(super) rated: Option<Decision>,
    pub(super) identity: Option<Arc<Identity>>,
    pub(super) unidentified: Option<Unidentified>,
    pub(super) denied: Option<Denied>,
    /// The place that the request holds until its answer is sent.
    slot: Option<Slot>,
}

impl Passed {
    /// What a kept answer has of it: enough to tell why.
    pub(super) fn kept(
        user: Option<&str>,
        closed: Option<Until>,
        rated: Option<Decision>,
        denied: Option<Denied>,
    ) -> Passed {
        let identity = user.map(|name| Arc::new(Identity::of_user(name, Vec::new())));
        Passed { closed, rated, identity, denied, ..Passed::default() }
    }

    pub(crate) fn closed(&self) -> Option<Until> {
        self.closed
    }

    pub(crate) fn rated(&self) -> Option<Decision> {
        self.rated
    }

    pub(crate) fn is_cross_site(&self) -> bool {
        self.denied == Some(Denied::CrossSite)
    }

    /// Who asked.
    pub(crate) fn user(&self) -> Option<&str> {
        self.identity.as_ref().map(|identity| &*identity.name)
    }
}

/// When to come again to a route that somebody has to open: nobody knows.
const REOPENED: u64 = 300;

impl<'s> Exchange<'s, '_> {
    pub(super) fn gates(&self) -> Option<&'s Gates> {
        self.route.and_then(|i| self.site.routes[i].gates.as_deref())
    }

    fn rate(&self) -> Option<&'s Rate> {
        self.gates().and_then(|gates| gates.rate.as_ref())
    }

    fn seconds(&self) -> i64 {
        self.moment.clock.nanoseconds() / 1_000_000_000
    }

    /// What the gates found out. A request that meets none pays nothing for them.
    fn passed(&mut self) -> &mut Passed {
        self.passed.get_or_insert_default()
    }

    fn rated(&self) -> Option<Decision> {
        self.passed.as_ref().and_then(|passed| passed.rated)
    }

    /// Finds out whether this route, which is hidden, is so from who asks; then everything goes by what there is without it.
    #[inline(never)]
    pub(super) async fn hide(&mut self, gates: &'s Gates, found: &mut Found) {
        let request = self.request;
        // What is refused wherever it is sent tells nothing, and nobody's password is hashed for it.
        let anywhere = request.head.method == Method::Other
            || request.crowded.is_some()
            || request.full
            || request.is_misdirected();
        if !anywhere {
            let who = self.identify(gates).await;
            if who.unidentified.is_none() && who.denied.is_none() {
                return;
            }
            self.hidden = self.route;
        }
        *found = self.site.opened.gates.find_unhidden(request);
        self.route = found.route();
    }

    /// Why the route is hidden from who asks.
    pub(super) fn concealment(&self) -> Authorize {
        let (unidentified, denied) =
            self.passed.as_ref().map_or((None, None), |passed| (passed.unidentified, passed.denied));
        Authorize { guarded: true, hide: true, unidentified, denied, ..Authorize::default() }
    }

    /// The gates that said who asks: those of the route that matched.
    fn own_gates(&self) -> Option<&'s Gates> {
        self.hidden.or(self.route).and_then(|i| self.site.routes[i].gates.as_deref())
    }

    /// What else of arrival a route's gates know, or orders of who runs the server.
    #[inline(never)]
    pub(super) fn gated(&mut self, arrival: Arrive) -> Arrive {
        let closed = self.closed();
        let refused = arrival != Arrive::default() || closed.is_some();
        // What is refused for something else is not counted.
        let over_rate = if refused { None } else { self.over_rate() };
        Arrive { closed, over_rate, preflight: self.is_preflight(), ..arrival }
    }

    /// Whether the route, or all of them, are out of service.
    fn closed(&mut self) -> Option<Closed> {
        let config = self.gates().and_then(|gates| gates.maintenance);
        let pattern = self.route.map(|i| self.site.opened.config.routes[i].pattern.as_str());
        let closed = self.site.opened.gates.maintenance.closed(pattern, config, self.seconds())?;
        self.passed().closed = Some(closed);
        Some(Closed::Maintenance)
    }

    /// Whether the client, or a field's value, is over the rate. To be asked once nothing else of `arrive` refuses.
    fn over_rate(&mut self) -> Option<OverRate> {
        let rate = self.rate()?;
        let cause = match rate.per {
            Per::User => return None,
            Per::Client => OverRate::Client,
            Per::Field(_) => OverRate::Field,
        };
        (!self.count(rate)).then_some(cause)
    }

    fn is_preflight(&self) -> bool {
        let request = self.request;
        let asked = request.value(Name::AccessControlRequestMethod);
        self.gates().is_some_and(|gates| gates.cors.is_some())
            && is_preflight(request.head.method, request.value(Name::Origin), asked)
    }

    /// Who asks, what they may do, how often, and whether there is room for it.
    pub(super) async fn authorization(&mut self, gates: &'s Gates) -> Authorize {
        let mut facts = match self.passed.as_ref().is_some_and(|passed| passed.identity.is_some()) {
            // Whoever gets as far as this on a hidden route is known and allowed.
            true => Authorize { guarded: true, hide: gates.hide, ..Authorize::default() },
            false => self.identify(gates).await,
        };
        if facts.unidentified.is_some() || facts.denied.is_some() {
            return facts;
        }
        if let (true, Some(rate)) = (facts.guarded, self.rate().filter(|rate| rate.per == Per::User)) {
            facts.over_rate = !self.count(rate);
        }
        if !facts.over_rate {
            facts.busy = self.take_slot(gates).await.err();
        }
        facts
    }

    /// Who asks, and what they may do.
    async fn identify(&mut self, gates: &'s Gates) -> Authorize {
        let mut facts = Authorize { guarded: gates.guard.is_some(), hide: gates.hide, ..Authorize::default() };
        let forged = self.is_forged().then_some(Denied::CrossSite);
        let Some(guard) = &gates.guard else {
            if forged.is_some() {
                (facts.denied, self.passed().denied) = (forged, forged);
            }
            return facts;
        };
        let request = self.request;
        let lines = request.lines(Name::Authorization);
        let identified = match self.moment.deadlines {
            Some(_) => guard.identify(lines, request.client, self.seconds(), self.wait).await,
            // A dry run counts nothing.
            None => guard.look(lines, request.client, self.seconds()).await,
        };
        match identified {
            Err(cause) => facts.unidentified = Some(cause),
            Ok(identity) => {
                let access = Access::of(request.head.method);
                let denied = gates.allow.as_ref().and_then(|allow| allow.permits(&identity, access).err());
                facts.denied = denied.or(forged);
                self.passed().identity = Some(identity);
            }
        }
        let passed = self.passed();
        (passed.unidentified, passed.denied) = (facts.unidentified, facts.denied);
        facts
    }

    async fn take_slot(&mut self, gates: &Gates) -> Result<(), Busy> {
        let Some(slots) = &gates.slots else { return Ok(()) };
        let slot = match (self.moment.deadlines, self.wait) {
            (None, _) => return if slots.are_free() { Ok(()) } else { Err(Busy::Queue) },
            (Some(_), Wait::No) => match slots.free() {
                Some(slot) => slot,
                None => pending().await,
            },
            (Some(deadlines), Wait::Yes) => {
                let deadline = deadlines.enroll();
                tokio::select! {
                    biased;
                    slot = slots.take(&deadline) => slot?,
                    // Its place is for somebody who is there.
                    () = self.moment.left() => return Err(Busy::Wait),
                }
            }
        };
        self.passed().slot = Some(slot);
        Ok(())
    }

    /// Whether the media type of the content is not among those that the route takes.
    pub(super) fn type_not_taken(&self) -> bool {
        let types = self.gates().and_then(|gates| gates.types.as_ref());
        let content_type = || self.request.value(Name::ContentType);
        self.request.head.framing != Framing::None && types.is_some_and(|types| !types.take(content_type()))
    }

    /// Whether the content is coded, on a route that says which content it takes: nothing here decodes any.
    pub(super) fn coding_not_taken(&self) -> bool {
        let types = self.gates().is_some_and(|gates| gates.types.is_some());
        types && is_coded(self.request.lines(Name::ContentEncoding))
    }

    /// Counts the request, or says what counting it would; whether it is let in.
    fn count(&mut self, rate: &Rate) -> bool {
        let counts = self.moment.deadlines.is_some() && matches!(self.wait, Wait::Yes);
        let decision = self.decided(rate, counts);
        self.passed().rated = Some(decision);
        decision.allowed
    }

    /// Counts a request that is answered without having waited, and a password of too many.
    pub(super) fn count_late(&mut self) {
        let unidentified = self.passed.as_ref().and_then(|passed| passed.unidentified);
        if let (Some(Unidentified::TooManyFailures), Wait::No) = (unidentified, self.wait)
            && let Some(guard) = self.own_gates().and_then(|gates| gates.guard.as_ref())
        {
            guard.count_failure(self.request.client, self.seconds());
        }
        if let (Some(rate), Some(Decision { allowed: true, .. }), Wait::No) = (self.rate(), self.rated(), self.wait) {
            let decision = self.decided(rate, self.moment.deadlines.is_some());
            // Where another worker was faster, one more is let in.
            self.passed().rated = Some(Decision { allowed: true, ..decision });
        }
    }

    fn decided(&self, rate: &Rate, counts: bool) -> Decision {
        let request = self.request;
        let key = match (&rate.per, self.passed.as_ref().and_then(|passed| passed.user())) {
            (Per::User, Some(name)) => Key::User(name),
            (Per::Field(name), _) => request.by_name(name).map_or(Key::Client(request.client), Key::Field),
            (Per::Client | Per::User, _) => Key::Client(request.client),
        };
        let now = self.moment.clock.nanoseconds().max(0).cast_unsigned();
        if counts { rate.limiter.ask(key, now) } else { rate.limiter.peek(key, now) }
    }

    /// The fields that the gates add to an answer.
    pub(super) fn gate_fields(&self, reason: Reason) -> Fields<'_> {
        let mut fields = Fields::new();
        let Some(gates) = self.gates() else { return fields };
        let request = self.request;
        if let Some(cors) = &gates.cors {
            let origin = request.value(Name::Origin);
            match reason {
                Reason::PreflightAnswered { .. } => {
                    let method = request.value(Name::AccessControlRequestMethod).unwrap_or_default();
                    let headers = request.lines(Name::AccessControlRequestHeaders);
                    fields.extend(cors.preflight(origin, method, headers, self.allow()));
                }
                _ => fields.extend(cors.fields(origin)),
            }
            fields.extend(cors.vary().map(|name| ("Vary", Cow::Borrowed(name))));
        }
        if let (Some(rate), Some(decision)) = (&gates.rate, &self.rated()) {
            rate.limiter.add_fields(decision, &mut fields);
        }
        if let (Some(guard), Some(cause)) = (&gates.guard, self.passed.as_ref().and_then(|passed| passed.unidentified))
            && respond(reason, request.head.method).required.contains(&Required::WwwAuthenticate)
        {
            let challenges = guard.challenges_for(cause).iter();
            fields.extend(challenges.map(|challenge| ("WWW-Authenticate", Cow::Borrowed(&**challenge))));
        }
        if let (Reason::ScopeLacking { .. }, Some(guard), Some(allow)) = (reason, &gates.guard, &gates.allow) {
            let challenge = guard.insufficient_scope(allow, Access::of(request.head.method));
            fields.push(("WWW-Authenticate", Cow::Owned(challenge)));
        }
        if let (Reason::MediaTypeNotTaken { .. }, Some(types)) = (reason, &gates.types) {
            fields.extend(types.fields(request.head.method));
        }
        fields
    }

    /// In how many seconds to come again, where a gate knows.
    pub(super) fn gate_retry_after(&self, reason: Reason) -> Option<u64> {
        match reason {
            Reason::Maintenance { .. } => {
                let closed = self.passed.as_ref().and_then(|passed| passed.closed);
                closed.map(|until| until.seconds_left(self.seconds()).map_or(REOPENED, |left| left.max(1)))
            }
            Reason::TooManyFailures { .. } => {
                let guard = self.gates().and_then(|gates| gates.guard.as_ref());
                guard.map(|guard| guard.retry_after(self.request.client, self.seconds()))
            }
            _ => None,
        }
    }

    /// What the client lacks, in words.
    pub(super) fn needed(&self) -> Option<String> {
        self.passed.as_ref()?.denied.filter(|denied| *denied != Denied::CrossSite)?;
        let allow = self.own_gates()?.allow.as_ref()?;
        allow.needed(Access::of(self.request.head.method))
    }
}

/// What `find` says of a target that is not there, for one that is hidden. `there`: whether anything else matches.
pub(super) fn nothing_there(there: &Find) -> Reason {
    let absent = Find { no_route: there.no_route, absent: Some(Absent::Nothing), ..Find::default() };
    let Break(reason) = find(&mut Path::new(), &absent) else { unreachable!("`find` refuses what is absent") };
    reason
}
