//! Where a route of upstreams touches the stages.

use super::{Exchange, Rest};
use crate::answer::{Fields, Writing};
use crate::disk::Wait;
use crate::handler::proxy::{Forward, Journey, Passed, Proxy, Relay, Unforwarded, proxy_status};
use std::borrow::Cow;
use std::future::pending;
use std::rc::Rc;
use verdict_core::cause::Unarrived;
use verdict_core::decide::process::Work;
use verdict_core::decide::{Outcome, Process};
use verdict_core::status::Status;

/// What came of passing a request on.
pub(super) struct Onward {
    pub(super) journey: Journey,
    /// The answer, where there is one to pass on.
    pub(super) relay: Option<Box<Relay>>,
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
        let (Some(reactor), Some(mut content)) = (self.moment.reactor, self.content.take()) else {
            let journey = Journey::begin(&proxy);
            self.onward = Some(Box::new(Onward { journey, relay: None, kept: Vec::new(), gone: false }));
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
        let forwarded = forward.forward().await;
        self.interim = forward.interim.or(self.interim);
        self.content = Some(content);
        let (outcome, onward) = match forwarded {
            Ok(relay) => {
                let status = relay.status();
                let journey = relay.journey.clone();
                let (relay, kept) = match proxy.config.intercept.contains(&status) {
                    true => (None, relay.intercepted()),
                    false => (Some(relay), Vec::new()),
                };
                (Outcome::Answered(status), Onward { journey, relay, kept, gone: false })
            }
            Err((unforwarded, journey)) => {
                let gone = matches!(unforwarded, Unforwarded::Left);
                let outcome = match unforwarded {
                    Unforwarded::Failed(cause) => Outcome::Upstream(cause),
                    Unforwarded::Content(outcome) => outcome,
                    Unforwarded::Left => Outcome::Unarrived(Unarrived::CutShort),
                };
                (outcome, Onward { journey, relay: None, kept: Vec::new(), gone })
            }
        };
        self.onward = Some(Box::new(onward));
        of(outcome)
    }

    /// The fields that say how it failed.
    pub(super) fn fields_of_upstreams(&self) -> Fields<'_> {
        let Some(onward) = &self.onward else { return Fields::new() };
        let journey = &onward.journey;
        let mut fields: Fields<'_> =
            onward.kept.iter().map(|(name, value)| (*name, Cow::Borrowed(value.as_str()))).collect();
        if let Some(cause) = journey.cause {
            let member = journey.member_name().filter(|_| journey.proxy.config.show_upstream);
            fields.push(("Proxy-Status", Cow::Owned(proxy_status(cause, member))));
        }
        fields
    }

    /// Writes the head of an answer that is passed on; what of it is still to come, and whether the connection may go on.
    pub(super) fn pass_on(
        &self,
        mut relay: Box<Relay>,
        writing: &Writing<'_, '_>,
        out: &mut Vec<u8>,
    ) -> (Rest, u64, bool) {
        let cors = self.gates().is_some_and(|gates| gates.cors.is_some());
        let is_of_cors =
            |name: &[u8]| name.get(..15).is_some_and(|start| start.eq_ignore_ascii_case(b"access-control-"));
        let headers = &writing.common.headers;
        let is_set = |name: &[u8]| headers.iter().any(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name));
        let owned = |name: &[u8]| is_set(name) || cors && is_of_cors(name);
        let (passed, keep) = relay.put_head(writing, self.request, owned, out);
        match passed {
            Passed::Whole(bytes) => (Rest::Nothing, bytes, keep),
            Passed::Content(framed) => (Rest::Relay(relay, framed), 0, keep),
            Passed::Tunnel => (Rest::Tunnel(relay), 0, false),
        }
    }
}
