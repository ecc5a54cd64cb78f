//! What a decision rested on, kept and told later: in the words in which it would have been told then.
//!
//! Rule: what is there by now is not looked at. What was not kept is not told.

use super::tell::shown;
use super::{Exchange, Passed, Subject, Target, Told, decide_malformed, tell_malformed};
use crate::disk::Wait;
use crate::handler::Handler;
use crate::moment::Moment;
use crate::rate::Decision;
use crate::recorder::{Found, Recorded};
use crate::representation::{Content, Description, Representation};
use crate::request::Request;
use crate::site::Site;
use std::rc::Rc;
use verdict_core::cause::{Denied, Malformed};
use verdict_core::explain::sentence;
use verdict_core::path::Question;
use verdict_core::reason::Reason;
use verdict_core::status::Class;
use verdict_wire::{Fault, Version};

/// What a decision rested on that only its moment knew.
#[derive(Default)]
pub(crate) struct Remark {
    /// What the last question was held against.
    pub(crate) evidence: String,
    /// The reason's fact in words, where it has words of its own.
    pub(crate) sentence: String,
}

impl Exchange<'_, '_> {
    /// What only this moment knows of a decision.
    pub(super) fn remark(&mut self, reason: Reason) -> Option<Box<Remark>> {
        if !self.moment.recorded {
            return None;
        }
        if let (Target::Location(location), Class::Redirection) = (&mut self.target, reason.status().class()) {
            let evidence = format!("it is at {location}");
            return Some(Box::new(Remark { evidence, sentence: String::new() }));
        }
        if self.subject.is_none() || !matches!(reason.status().class(), Class::ClientError | Class::ServerError) {
            return None;
        }
        let evidence = self.evidence_of_change();
        if evidence.is_empty() {
            return None;
        }
        let sentence = self.circumstances(reason).evidence(|evidence| sentence(reason, evidence));
        Some(Box::new(Remark { evidence, sentence }))
    }
}

/// A decision by this site on a request whose head was kept.
pub(crate) fn retell(site: &Site, request: &Request<'_>, moment: Moment<'_>, kept: &Recorded) -> Told {
    let mut exchange = Exchange::new(site, request, moment, Wait::No, None);
    exchange.route = kept.route.filter(|route| *route < site.routes.len());
    exchange.hidden = exchange.route.filter(|_| kept.told.is_some());
    exchange.told = kept.told;
    if let Some(found) = &kept.found {
        exchange.target = Target::Representation(Rc::new(representation(found)));
    } else if let Some(Handler::Respond(fixed)) = exchange.route.map(|route| &site.routes[route].handler) {
        exchange.target = Target::Fixed(fixed);
    }
    if let Some(Handler::Proxy(proxy)) = exchange.route.map(|route| &site.routes[route].handler) {
        exchange.subject = Some(Subject::Upstream(proxy.clone()));
    }
    let denied = match kept.verdict.reason {
        _ if kept.cross_site => Some(Denied::CrossSite),
        Reason::ScopeLacking { .. } => Some(Denied::Scope),
        Reason::UserNotAllowed { .. } | Reason::HiddenFromUser { .. } => Some(Denied::User),
        _ => None,
    };
    let rated = kept.rated.map(|(remaining, limit)| Decision {
        allowed: true,
        limit: limit.into(),
        remaining: remaining.into(),
        reset_seconds: 0,
        retry_after_seconds: 0,
    });
    if kept.user.is_some() || kept.closed.is_some() || rated.is_some() || denied.is_some() {
        exchange.passed = Some(Box::new(Passed::kept(kept.user.as_deref(), kept.closed, rated, denied)));
    }
    with_remarks(exchange.tell(&kept.verdict), kept)
}

/// A decision whose head could not be read, or of which nothing is known but what was kept: then there is no `site`, since there
/// is another config by now.
pub(crate) fn retell_alone(site: Option<&Site>, kept: &Recorded) -> Told {
    let reason = kept.verdict.reason;
    let at = kept.at_byte.unwrap_or_default();
    let mut faults = Malformed::ALL.into_iter().map(|cause| Fault { cause, at });
    let fault = faults.find(|fault| kept.at_byte.is_some() && decide_malformed(*fault).reason == reason);
    if let (Some(site), Some(fault)) = (site, fault) {
        return with_remarks(tell_malformed(site, fault, None), kept);
    }
    with_remarks(Told::without_evidence(&kept.verdict), kept)
}

/// With what was kept in words, and what only the answer itself knows.
fn with_remarks(mut told: Told, kept: &Recorded) -> Told {
    let version = match kept.version {
        Version::Http10 => "HTTP/1.0",
        Version::Http11 => "HTTP/1.1",
        Version::Http2 => "HTTP/2",
    };
    let failed = told.steps.iter().rposition(|step| step.holds == Some(false));
    for (at, step) in told.steps.iter_mut().enumerate() {
        match (step.question, &kept.member) {
            (Question::VersionSpoken, _) if kept.understood => step.evidence = version.to_owned(),
            (Question::UpstreamAnswered, Some(member)) => {
                let failure = kept.failure.map(|failure| format!(": {failure}")).unwrap_or_default();
                step.evidence = format!("{}{failure}", shown(member.as_bytes()));
            }
            _ if Some(at) == failed && !kept.evidence.is_empty() => step.evidence = shown(kept.evidence.as_bytes()),
            _ => {}
        }
    }
    if !kept.sentence.is_empty() {
        told.sentence = shown(kept.sentence.as_bytes());
    }
    told
}

/// What described the representation; of its content only the size.
fn representation(found: &Found) -> Representation {
    let description = Description {
        media_type: found.media_type.clone().into(),
        coding: None,
        tag: found.tag.as_deref().map(Into::into),
        last_modified: found.last_modified,
        cache_control: None,
        vary: None,
        ranges: found.ranges,
        link: None,
        policy: None,
    };
    Representation::new(Content::Gone { size: found.size }, description)
}
