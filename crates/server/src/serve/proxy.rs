//! Where a route of upstreams touches the stages.

use super::{Exchange, Rest, Subject};
use crate::answer::{Fields, Writing};
use crate::disk::Wait;
use crate::handler::proxy::{Forward, Journey, Passed, Proxy, Relay, Unforwarded, proxy_status};
use std::borrow::Cow;
use std::future::pending;
use std::rc::Rc;
use verdict_core::cause::{Unarrived, Upstream};
use verdict_core::decide::process::Work;
use verdict_core::decide::{Outcome, Process};
use verdict_core::reason::Reason;
use verdict_core::status::Status;

/// What came of passing a request on.
pub(super) struct Onward {
    /// How it went, and the answer; a dry run has none.
    pub(super) relay: Option<Box<Relay>>,
    /// There is an answer, and it is passed on.
    passes: bool,
    /// Fields of an answer whose content is replaced, that its status is of no use without.
    kept: Vec<(&'static str, String)>,
    /// The client has left.
    pub(super) gone: bool,
}

/// What a dry run says that an upstream would answer.
const EXPECTED: Option<Status> = Status::from_wire(200);

impl Exchange<'_, '_> {
    /// Asks an upstream.
    pub(super) async fn work_of_upstreams(&mut self, proxy: Rc<Proxy>) -> Process {
        let of = |outcome| Process { work: Work::Forward, outcome };
        if matches!(self.wait, Wait::No) {
            return pending().await;
        }
        if self.moment.reactor.is_none() && proxy.pool.has_nobody() {
            return of(Outcome::Upstream(Upstream::NoMember));
        }
        let (Some(reactor), Some(mut content)) = (self.moment.reactor, self.content.take()) else {
            self.onward = Some(Onward { relay: None, passes: false, kept: Vec::new(), gone: false });
            return of(EXPECTED.map_or_else(|| self.outcome(), Outcome::Answered));
        };
        let mut forward = Forward {
            site: self.site,
            proxy: &proxy,
            request: self.request,
            moment: self.moment,
            reactor,
            common: self.common(),
            limits: self.site.limits(self.route),
            content: &mut content,
            interim: None,
        };
        let (mut relay, forwarded) = forward.forward().await;
        self.interim = forward.interim.or(self.interim);
        self.content = Some(content);
        let gone = matches!(forwarded, Err(Unforwarded::Left));
        let mut passes = false;
        let mut kept = Vec::new();
        let outcome = match forwarded {
            Ok(()) => {
                let status = relay.status();
                passes = !proxy.config.intercept.contains(&status);
                if !passes {
                    kept = relay.intercepted();
                }
                Outcome::Answered(status)
            }
            Err(Unforwarded::Failed(cause)) => Outcome::Upstream(cause),
            Err(Unforwarded::Content(outcome)) => outcome,
            Err(Unforwarded::Left) => Outcome::Unarrived(Unarrived::CutShort),
        };
        self.onward = Some(Onward { relay: Some(relay), passes, kept, gone });
        of(outcome)
    }

    /// The answer of an upstream that is passed on.
    pub(super) fn passed_on(&mut self) -> Option<Box<Relay>> {
        self.onward.as_mut().filter(|onward| onward.passes).and_then(|onward| onward.relay.take())
    }

    /// The fields that say how it failed.
    pub(super) fn fields_of_upstreams(&self, reason: Reason) -> Fields<'_> {
        if let (Reason::UpgradeMissing { .. }, Some(Subject::Upstream(proxy))) = (reason, &self.subject) {
            // RFC 9110 §15.5.22: it says what is spoken instead.
            return proxy.config.upgrade.iter().map(|protocol| ("Upgrade", Cow::Borrowed(protocol.as_str()))).collect();
        }
        let Some(onward) = &self.onward else { return Fields::new() };
        let mut fields: Fields<'_> =
            onward.kept.iter().map(|(name, value)| (*name, Cow::Borrowed(value.as_str()))).collect();
        if let Some(Journey { cause: Some(cause), .. }) = onward.relay.as_ref().map(|relay| &relay.journey) {
            let member = onward.relay.as_ref().and_then(|relay| relay.name_to_show());
            fields.push(("Proxy-Status", Cow::Owned(proxy_status(*cause, member))));
        }
        fields
    }

    /// Writes the head of an answer that is passed on; what of it is still to come, its bytes so far, and whether the connection
    /// may go on. What has nothing left to come is given back.
    pub(super) fn pass_on(
        &self,
        mut relay: Box<Relay>,
        writing: &Writing<'_, '_>,
        out: &mut Vec<u8>,
    ) -> (Rest, u64, bool, Option<Box<Relay>>) {
        let cors = self.gates().is_some_and(|gates| gates.cors.is_some());
        let is_of_cors =
            |name: &[u8]| name.get(..15).is_some_and(|start| start.eq_ignore_ascii_case(b"access-control-"));
        let headers = &writing.common.headers;
        let is_set = |name: &[u8]| {
            headers.iter().any(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name))
                // `Vary` is a list that only ever grows.
                || writing.more.iter().any(|(own, _)| *own != "Vary" && own.as_bytes().eq_ignore_ascii_case(name))
        };
        let owned = |name: &[u8]| is_set(name) || cors && is_of_cors(name);
        let (passed, keep) = relay.put_head(writing, self.request, owned, out);
        match passed {
            Passed::Whole(bytes) => (Rest::Nothing, bytes, keep, Some(relay)),
            Passed::Content(framed) => (Rest::Relay(relay, framed), 0, keep, None),
            Passed::Tunnel => (Rest::Tunnel(relay), 0, false, None),
        }
    }
}
