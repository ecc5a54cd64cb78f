//! What a decision rested on, question by question: for whoever asks why. None of it is on the way of an answer.

mod ignored;
mod outcomes;

use super::{Exchange, Subject, Target, circumstances_of_fault, decide_malformed};
use crate::config::Kind;
use crate::handler::Handler;
use crate::maintenance::Until;
use crate::route::Found;
use crate::site::Site;
use outcomes::stands;
use std::fmt::Write;
use verdict_core::cause::Malformed;
use verdict_core::explain::{Evidence, remedy, sentence};
use verdict_core::field::date::HttpDate;
use verdict_core::path::{Question, Verdict};
use verdict_core::reason::Reason;
use verdict_wire::{Fault, Form, Framing, Name, Version};

/// A decision in words.
pub(crate) struct Told {
    pub(crate) steps: Vec<Step>,
    /// The reason's fact, with its evidence.
    pub(crate) sentence: String,
    /// What to do about it; empty where nothing is wrong.
    pub(crate) remedy: String,
    /// What can come of the work where it is not done, or taken back; none where the answer is decided without it.
    pub(crate) outcomes: Vec<Reason>,
    /// Whether the work was done and taken back.
    pub(crate) tried: bool,
}

impl Told {
    /// A decision on which nothing is known but itself.
    pub(crate) fn without_evidence(verdict: &Verdict) -> Told {
        let steps = verdict.path.answers();
        let steps =
            steps.map(|(question, holds)| Step { question, holds: Some(holds), evidence: String::new(), key: &[] });
        Told {
            steps: steps.collect(),
            sentence: sentence(verdict.reason, Evidence::default()),
            remedy: remedy(verdict.reason, Evidence::default()),
            outcomes: Vec::new(),
            tried: false,
        }
    }
}

/// One question, its answer, and why it was answered so.
pub(crate) struct Step {
    pub(crate) question: Question,
    /// `None`: it was not asked, because the field that it is about is ignored. The evidence says why.
    pub(crate) holds: Option<bool>,
    /// What was looked at; empty where there was nothing to look at.
    pub(crate) evidence: String,
    /// The key of the config that has a say in the answer, from the route or from the top level.
    pub(crate) key: &'static [&'static str],
}

/// The decision on a message that is malformed; with the bytes around what is wrong, where there are any still.
pub(crate) fn tell_malformed(site: &Site, fault: Fault, bytes: Option<&[u8]>) -> Told {
    let verdict = decide_malformed(fault);
    let limits = &site.opened.config.limits;
    let steps = verdict.path.answers().map(|(question, holds)| {
        let (evidence, key): (String, &[_]) = match question {
            _ if holds => (String::new(), &[]),
            Question::TargetFits => (format!("longer than {} bytes", limits.target), &["limits", "target"]),
            Question::HeadFits if fault.cause == Malformed::HeadTooLarge => {
                (format!("larger than {} bytes", limits.fields), &["limits", "fields"])
            }
            Question::HeadFits => (format!("more than {} lines", site.wire.lines), &[]),
            _ => match bytes {
                Some(bytes) => (format!("byte {}: {}", fault.at, around(bytes, fault.at)), &[]),
                None => (format!("byte {}", fault.at), &[]),
            },
        };
        Step { question, holds: Some(holds), evidence, key }
    });
    let steps = steps.collect();
    circumstances_of_fault(site, fault, limits.head).evidence(|evidence| Told {
        steps,
        sentence: sentence(verdict.reason, evidence),
        remedy: remedy(verdict.reason, evidence),
        outcomes: Vec::new(),
        tried: false,
    })
}

/// The line around a byte of a message, so that it can be seen: `Foo⟶ : bar`. The byte follows the arrow.
fn around(bytes: &[u8], at: usize) -> String {
    const BEFORE: usize = 24;
    const AFTER: usize = 12;
    let at = at.min(bytes.len());
    let line = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    // A line's own end is what is wrong with it, where that is where it is wrong.
    let from = line.max(at.saturating_sub(BEFORE));
    let rest = &bytes[at..(at + AFTER).min(bytes.len())];
    let end = rest.iter().skip(1).position(|byte| *byte == b'\n').map_or(rest.len(), |newline| newline + 2);
    format!("{}⟶{}", shown(&bytes[from..at]), shown(&rest[..end]))
}

/// Bytes from outside, with everything escaped that is not visible.
pub(super) fn shown(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

impl Exchange<'_, '_> {
    pub(super) fn tell(&self, verdict: &Verdict) -> Told {
        let outcomes = self.outcomes();
        // Where it is open what comes of the work, the way ends there.
        let asked = verdict.path.answers().filter(|(question, _)| outcomes.is_empty() || stands(*question));
        let asked = asked.map(|(question, holds)| Step {
            question,
            holds: Some(holds),
            evidence: self.evidence(question, holds),
            key: self.key(question, holds, verdict.reason),
        });
        let ignored = self.ignored(verdict.path).into_iter().map(|(question, name, why)| Step {
            question,
            holds: None,
            evidence: format!("{} is ignored: {why}", self.fields(&[name])),
            key: &[],
        });
        let mut steps: Vec<Step> = asked.chain(ignored).collect();
        steps.sort_by_key(|step| step.question);
        self.circumstances(verdict.reason).evidence(|evidence| Told {
            steps,
            sentence: sentence(verdict.reason, evidence),
            remedy: remedy(verdict.reason, evidence),
            outcomes,
            tried: self.is_tried(),
        })
    }

    fn evidence(&self, question: Question, holds: bool) -> String {
        let head = self.request.head;
        let common = self.common();
        match question {
            Question::TargetFits => format!("{} of {} bytes", head.target.len(), common.target),
            Question::HeadFits => {
                let size = head.len - head.target.end as usize;
                format!("{size} of {} bytes", common.fields)
            }
            Question::VersionSpoken => match head.version {
                Version::Http10 => "HTTP/1.0".to_owned(),
                Version::Http11 => "HTTP/1.1".to_owned(),
                Version::Http2 => "HTTP/2".to_owned(),
            },
            Question::CodingKnown => self.fields(&[Name::TransferEncoding]),
            Question::ExpectationKnown => self.fields(&[Name::Expect]),
            Question::InService => match self.passed.as_ref().and_then(|passed| passed.closed) {
                Some(Until::Unix(second)) => format!("closed until {}", HttpDate::from_unix(second)),
                Some(Until::Reopened) => "closed until somebody opens it".to_owned(),
                None => String::new(),
            },
            Question::ClientUnderRate | Question::UserUnderRate => {
                match self.passed.as_ref().and_then(|passed| passed.rated) {
                    Some(rated) => format!("{} of {} are left at once", rated.remaining, rated.limit),
                    None => String::new(),
                }
            }
            Question::NotPreflight => match holds {
                true => String::new(),
                false => self.fields(&[Name::Origin, Name::AccessControlRequestMethod]),
            },
            Question::Identified => match self.passed.as_ref().and_then(|passed| passed.user()) {
                Some(user) => shown(user.as_bytes()),
                // What was sent is nobody's to see.
                None if head.has(Name::Authorization) => "Authorization: (not shown)".to_owned(),
                None => "no Authorization".to_owned(),
            },
            Question::Allowed if self.is_denied_for_its_site() => {
                let said = self.fields(&[Name::SecFetchSite, Name::Origin]);
                format!("{said}, to {}", shown(head.authority(self.request.bytes).unwrap_or_default()))
            }
            Question::Allowed => match (self.passed.as_ref().and_then(|passed| passed.user()), holds) {
                (Some(user), true) => shown(user.as_bytes()),
                (Some(user), false) => {
                    let needed = self.needed().map(|needed| format!(", who lacks {needed}")).unwrap_or_default();
                    format!("{}{needed}", shown(user.as_bytes()))
                }
                (None, _) => String::new(),
            },
            Question::ReplaySafe => self.fields(&[Name::EarlyData]),
            Question::AuthorityServed => shown(head.authority(self.request.bytes).unwrap_or_default()),
            Question::MethodKnown => shown(head.method_token.of(self.request.bytes)),
            Question::RouteFound => match self.route {
                Some(route) => self.site.opened.config.routes[route].pattern.as_str().to_owned(),
                None if holds => match head.parts.form {
                    Form::Authority => "a tunnel is asked for, and no route opens one (RFC 9110 §9.3.6)".to_owned(),
                    _ => "`*` is the server itself, which no route stands for (RFC 9110 §9.3.7)".to_owned(),
                },
                None => format!("`{}` matches none", self.request.path.escape_debug()),
            },
            Question::MethodTaken => format!("Allow: {}", self.allow()),
            Question::UpgradeAsked => match &self.subject {
                Some(Subject::Upstream(proxy)) if proxy.config.upgrade.is_some() => self.fields(&[Name::Upgrade]),
                _ => String::new(),
            },
            Question::StaysHere => match &self.target {
                Target::Location(location) => format!("it is at {}", location.escape_debug()),
                _ => String::new(),
            },
            Question::LookUpWorked | Question::Kept | Question::Readable if holds => String::new(),
            Question::LookUpWorked | Question::Exists | Question::Kept | Question::Readable => self.found(holds),
            Question::LengthGiven => match head.framing {
                Framing::Chunked => self.fields(&[Name::TransferEncoding]),
                _ => self.fields(&[Name::ContentLength]),
            },
            Question::ContentFits => match head.framing {
                Framing::Length(length) => format!("{length} of {} bytes", common.body),
                Framing::None | Framing::Chunked => format!("its length is not declared; {} bytes", common.body),
            },
            Question::TypeTaken => self.fields(&[Name::ContentType]),
            Question::CodingTaken => self.fields(&[Name::ContentEncoding]),
            Question::AnswerUnderstood => self.fields(&[Name::Accept]),
            Question::IfMatch => self.against(Name::IfMatch),
            Question::IfNoneMatch => self.against(Name::IfNoneMatch),
            Question::IfModifiedSince => self.against(Name::IfModifiedSince),
            Question::IfUnmodifiedSince => self.against(Name::IfUnmodifiedSince),
            Question::WholeWanted => match self.why_no_range() {
                Some(why) if head.has(Name::Range) => format!("{} is ignored: {why}", self.fields(&[Name::Range])),
                _ => self.fields(&[Name::Range]),
            },
            Question::RangeHolds if holds => self.against(Name::IfRange),
            Question::RangeHolds => {
                format!("{}, so `Range` is ignored (RFC 9110 §13.1.5)", self.against(Name::IfRange))
            }
            Question::RangeWithin => match &self.target {
                Target::Representation(found) => {
                    format!("{} of {} bytes", self.fields(&[Name::Range]), found.content.size())
                }
                Target::Nothing | Target::Location(_) | Target::Fixed(_) => String::new(),
            },
            Question::Worked => match &self.target {
                Target::Fixed(fixed) => format!("{} {}", fixed.status, fixed.status.phrase()),
                _ => String::new(),
            },
            // A dry run holds no place, and what is asked here of others is not kept yet.
            Question::HeadInTime
            | Question::MessageSound
            | Question::ConnectionsFree
            | Question::RequestsFree
            | Question::RouteFree
            | Question::ConditionGiven
            | Question::ContentArrived => String::new(),
            Question::ContentHasPlace
            | Question::ContentSound
            | Question::ContentValid
            | Question::StateAgrees
            | Question::UpstreamAnswered
            | Question::RoomLeft => match holds {
                true => String::new(),
                false => self.evidence_of_change(),
            },
        }
    }

    /// The lines of these fields as they were sent.
    fn fields(&self, names: &[Name]) -> String {
        let mut out = String::new();
        for name in names {
            for value in self.request.lines(*name) {
                if !out.is_empty() {
                    out.push_str(", ");
                }
                let _ = write!(out, "{}: {}", spelling(*name), shown(value));
            }
        }
        out
    }

    /// A conditional field, and what it is held against.
    fn against(&self, name: Name) -> String {
        let mut out = self.fields(&[name]);
        if let Some(malformed) = self.malformed_tags(name) {
            out.push_str(malformed);
            return out;
        }
        let Target::Representation(found) = &self.target else {
            out.push_str(" against a target without validators");
            return out;
        };
        let dated = matches!(name, Name::IfModifiedSince | Name::IfUnmodifiedSince);
        let (tag, last_modified) = (&found.description.tag, found.description.last_modified);
        let by_date = dated || name == Name::IfRange && !out.contains('"');
        let _ = match (by_date, tag, last_modified) {
            (true, _, Some(time)) => write!(out, " against {time}"),
            (false, Some(tag), _) => write!(out, " against current {tag}"),
            _ => write!(out, " against a representation without one"),
        };
        out
    }

    /// What the look-up found, or where it found nothing.
    fn found(&self, holds: bool) -> String {
        let Some(route) = self.route else { return String::new() };
        match (&self.site.routes[route].handler, &self.target) {
            (
                Handler::Files(_) | Handler::Document(_) | Handler::Collection(_) | Handler::Jobs(..),
                Target::Representation(found),
            ) if holds => {
                let mut out = format!("{} bytes of {}", found.content.size(), found.description.media_type);
                if let Some(tag) = &found.description.tag {
                    let _ = write!(out, ", {tag}");
                }
                out
            }
            (Handler::Files(_), _) if !holds => self.file().unwrap_or_default(),
            _ => String::new(),
        }
    }

    /// The file that the path stands for, beneath the route's root.
    fn file(&self) -> Option<String> {
        let route = self.route?;
        let Kind::Files(files) = &self.site.opened.config.routes[route].kind else { return None };
        let Found::Match(matched) = self.site.find(self.request) else { return None };
        let (from, to) = matched.spans().last().copied()?;
        let path = files.root.join(self.request.path.get(from as usize..to as usize)?);
        Some(path.display().to_string().escape_debug().to_string())
    }

    fn key(&self, question: Question, holds: bool, reason: Reason) -> &'static [&'static str] {
        let kind = self.route.map(|route| self.site.opened.config.routes[route].kind.name());
        match question {
            Question::TargetFits => &["limits", "target"],
            Question::HeadFits => &["limits", "fields"],
            Question::ContentFits => &["limits", "body"],
            Question::LengthGiven => &["limits", "length"],
            Question::TypeTaken | Question::CodingTaken if !holds => match kind {
                _ if self.gates().is_some_and(|gates| gates.types.is_some()) => &["limits", "types"],
                Some("jobs") => &["jobs"],
                Some("documents") => &["documents"],
                _ => &["upload", "types"],
            },
            Question::InService if self.gates().is_some_and(|gates| gates.maintenance.is_some()) => &["maintenance"],
            Question::ClientUnderRate | Question::UserUnderRate
                if self.gates().is_some_and(|gates| gates.rate.is_some()) =>
            {
                &["rate"]
            }
            Question::NotPreflight if !holds => &["cors"],
            Question::Identified => &["auth"],
            Question::Allowed if self.is_denied_for_its_site() => &[],
            Question::Allowed => &["allow"],
            Question::RouteFree if self.gates().is_some_and(|gates| gates.slots.is_some()) => &["concurrency"],
            Question::StaysHere if !holds => match kind {
                Some("redirect") => &["redirect"],
                _ => &[],
            },
            Question::Exists if !holds && kind == Some("jobs") => &[],
            Question::Exists if !holds => match reason {
                Reason::DotfileHidden { .. } => &["files", "dotfiles"],
                Reason::FolderWithoutIndex { .. } => &["files", "listing"],
                _ => &["files"],
            },
            Question::Readable if !holds => &["files"],
            Question::Worked => match reason {
                Reason::FallbackServed { .. } => &["files", "fallback"],
                Reason::FolderListed { .. } => &["files", "listing"],
                Reason::ConfiguredAnswer { .. } => &["respond"],
                _ => &[],
            },
            _ if !holds => key_of_what_is_owned(kind, reason),
            _ => &[],
        }
    }
}

/// The key of a route that owns something for which a change of that is refused.
fn key_of_what_is_owned(kind: Option<&str>, reason: Reason) -> &'static [&'static str] {
    match (reason, kind) {
        (Reason::QuotaWouldBurst { .. } | Reason::QuotaBurst { .. }, Some("documents")) => &["documents", "quota"],
        (Reason::QuotaWouldBurst { .. } | Reason::QuotaBurst { .. }, _) => &["upload", "quota"],
        (Reason::JobQueueFull { .. } | Reason::JobQueueFilled { .. }, _) => &["jobs", "queue"],
        (Reason::ResultExpired { .. }, _) => &["jobs", "keep"],
        (Reason::ParentMissing { .. }, _) => &["upload", "create-folders"],
        (Reason::FilterNotIndexed { .. }, _) => &["documents", "index"],
        (Reason::ConditionMissing { .. }, _) => &["documents", "if-match"],
        (Reason::SchemaViolated { .. }, _) => &["documents", "schema"],
        (Reason::UniqueMemberTaken { .. }, _) => &["documents", "unique"],
        (Reason::VersionStale { .. }, _) => &["documents", "version"],
        _ => &[],
    }
}

/// A field's name as it is mostly written.
fn spelling(name: Name) -> String {
    let mut start = true;
    let spelt = name.as_str().chars().map(|c| {
        let shown = if start { c.to_ascii_uppercase() } else { c };
        start = c == '-';
        shown
    });
    spelt.collect()
}
