//! An answer that refuses: its problem document, page or text, and the fields that its reason requires.

use crate::answer::{Fields, Stamp, Writing, add_headers};
use crate::config::Explain;
use crate::handler::wrote::Details;
use crate::site::Common;
use std::borrow::Cow;
use std::fmt::Display;
use std::time::Duration;
use verdict_core::decide::respond;
use verdict_core::explain::{Evidence, Member, Problem};
use verdict_core::field::accept::Accept;
use verdict_core::field::date::HttpDate;
use verdict_core::method::MethodSet;
use verdict_core::reason::Reason;
use verdict_core::status::{Required, Status};
use verdict_wire::Asked;

/// What is known of the circumstances; each is told where the reason's words have a place for it.
#[derive(Default)]
pub(crate) struct Circumstances<'a> {
    /// The byte of the message that is wrong.
    pub(crate) at: Option<usize>,
    pub(crate) limit: Option<Limit>,
    /// The length of the content, declared or of the representation.
    pub(crate) length: Option<u64>,
    pub(crate) method: Option<&'a str>,
    pub(crate) allow: Option<MethodSet>,
    pub(crate) if_match: Option<&'a str>,
    pub(crate) range: Option<&'a str>,
    pub(crate) tag: Option<&'a str>,
    /// Whether another coding would have another tag.
    pub(crate) tag_varies: bool,
    pub(crate) last_modified: Option<HttpDate>,
    pub(crate) retry_after: Option<u64>,
    /// What is wrong in many words, for whoever may read the config.
    pub(crate) report: Option<&'a str>,
    /// What the client lacks: `role "editor"`.
    pub(crate) needed: Option<String>,
    /// What is so and what to do about it, as the reason's words go on, where those that it has do not fit.
    pub(crate) words: Option<(&'static str, &'static str)>,
    /// Why a query cannot be answered.
    pub(crate) unlisted: Option<&'a str>,
    /// What is the matter with content, or with what is there.
    pub(crate) details: Option<&'a Details>,
}

impl Circumstances<'_> {
    /// What is known, under the names that the catalogue's words have for it.
    pub(crate) fn evidence<T>(&self, then: impl FnOnce(Evidence<'_>) -> T) -> T {
        let place = self.details.and_then(|details| details.place.as_ref());
        let at = match place {
            Some((line, column, what)) => Some(format!(" (line {line}, column {column}: {what})")),
            None => self.at.map(|at| format!(" (at byte {at})")),
        };
        let (member, holder) =
            self.details.map_or((None, None), |details| (details.member.as_ref(), details.holder.as_ref()));
        let why = self.details.and_then(Details::why);
        let allow = self.allow.map(|allow| allow.to_string());
        let length = self.length.map(|length| format!("{length} bytes"));
        let (fact, advice) = self.words.unzip();
        fn shown<'e, T: Display>(name: &'static str, value: &'e Option<T>) -> Option<(&'static str, &'e dyn Display)> {
            value.as_ref().map(|value| (name, value as &dyn Display))
        }
        let known = [
            shown("at", &at),
            shown("limit", &self.limit),
            shown("length", &length),
            shown("method", &self.method),
            shown("allow", &allow),
            shown("if-match", &self.if_match),
            shown("range", &self.range),
            shown("etag", &self.tag),
            shown("last-modified", &self.last_modified),
            shown("needed", &self.needed),
            shown("fact", &fact),
            shown("advice", &advice),
            shown("query", &self.unlisted),
            shown("member", &member),
            shown("holder", &holder),
            shown("why", &why),
        ];
        let evidence: Vec<_> = known.into_iter().flatten().collect();
        then(Evidence(&evidence))
    }
}

/// A limit that was passed.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    Bytes(u64),
    Lines(u64),
    Time(Duration),
}

impl Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Limit::Bytes(n) => write!(f, "{n} bytes"),
            Limit::Lines(n) => write!(f, "{n} field lines"),
            Limit::Time(time) if time.subsec_millis() == 0 => write!(f, "{} s", time.as_secs()),
            Limit::Time(time) => write!(f, "{} ms", time.as_millis()),
        }
    }
}

/// What an error is told in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Page,
    Problem,
}

impl Form {
    /// What the client asks for: programs say `application/json`, browsers `text/html`, and whoever says nothing in
    /// particular is a person at a terminal.
    fn wanted<'a>(accept: impl Iterator<Item = &'a [u8]> + Clone) -> Form {
        const OFFERS: [(&str, Form); 4] = [
            ("text/plain", Form::Text),
            ("text/html", Form::Page),
            ("application/problem+json", Form::Problem),
            ("application/json", Form::Problem),
        ];
        Accept::new(accept).best(&OFFERS.map(|(media_type, _)| media_type)).map_or(Form::Text, |i| OFFERS[i].1)
    }

    const fn media_type(self) -> &'static str {
        match self {
            Form::Text => "text/plain; charset=utf-8",
            Form::Page => "text/html; charset=utf-8",
            Form::Problem => "application/problem+json",
        }
    }
}

/// How and to whom a refusal is written.
pub(crate) struct Refusal<'a, A> {
    pub(crate) reason: Reason,
    pub(crate) asked: Asked,
    /// The lines of `Accept`.
    pub(crate) accept: A,
    pub(crate) common: &'a Common,
    pub(crate) circumstances: Circumstances<'a>,
    /// Fields that the answer has beside those that its reason requires.
    pub(crate) more: Fields<'a>,
}

impl<'a, A: Iterator<Item = &'a [u8]> + Clone> Refusal<'a, A> {
    /// Writes head and content; returns how many bytes of content.
    pub(crate) fn put(self, out: &mut Vec<u8>, stamp: &Stamp<'_>) -> u64 {
        let reason = self.reason.public();
        let status = reason.status();
        let form = Form::wanted(self.accept.clone());
        let content = self.content(reason, status, form, std::str::from_utf8(stamp.id).unwrap_or(""));
        let mut fields: Fields<'_> = Vec::with_capacity(12);
        for &required in respond(reason, self.asked.method).required {
            match self.required(required) {
                Some(value) => fields.push((required.name(), value)),
                None => debug_assert!(
                    self.more.iter().any(|(name, _)| *name == required.name()),
                    "{reason} lacks {}",
                    required.name()
                ),
            }
        }
        let asked = self.asked;
        if let Some(tag) = self.circumstances.tag {
            fields.push(("ETag", Cow::Borrowed(tag)));
        }
        fields.push(("Content-Type", Cow::Borrowed(form.media_type())));
        fields.push(("X-Content-Type-Options", Cow::Borrowed("nosniff")));
        fields.push(("Content-Security-Policy", Cow::Borrowed("default-src 'none'; style-src 'unsafe-inline'")));
        // RFC 9110 §15.5.5 and others: what may be kept unasked is kept for each form apart.
        // And a tag by which codings it was chosen.
        let vary = if self.circumstances.tag_varies { "Accept, Accept-Encoding" } else { "Accept" };
        fields.push(("Vary", Cow::Borrowed(vary)));
        add_headers(&mut fields, self.common);
        // What is nearer to the answer comes before what is ours or the route's.
        // But `Vary`, which only ever grows.
        fields.retain(|(name, _)| {
            *name == "Vary" || !self.more.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
        });
        let size = content.len() as u64;
        Writing { status, asked: self.asked, stamp, common: self.common, more: self.more }.head(
            &fields,
            Some(size),
            out,
        );
        if !respond(reason, asked.method).content {
            return 0;
        }
        out.extend_from_slice(content.as_bytes());
        size
    }

    fn content(&self, reason: Reason, status: Status, form: Form, id: &str) -> Cow<'a, str> {
        if let (Form::Page, Some(page)) = (form, self.common.page(status)) {
            return Cow::Borrowed(page);
        }
        if self.common.explain == Explain::Off {
            return Cow::Owned(bare(status, form));
        }
        let c = &self.circumstances;
        let mut members = vec![("rule", Member::Text(reason.entry().section))];
        members.extend(c.at.map(|at| ("position", Member::Number(at as u64))));
        members.extend(c.limit.map(|limit| match limit {
            Limit::Bytes(n) | Limit::Lines(n) => ("limit", Member::Number(n)),
            Limit::Time(time) => ("limit", Member::Number(time.as_secs())),
        }));
        members.extend(c.report.map(|report| ("report", Member::Text(report))));
        let errors = c.details.and_then(Details::errors);
        if let Some(details) = c.details {
            members.extend(details.members());
            members.extend(errors.as_deref().map(|errors| ("errors", Member::Json(errors))));
        }
        Cow::Owned(c.evidence(|evidence| {
            let problem = Problem { reason, evidence, instance: id, members: &members };
            match form {
                Form::Text => match c.report {
                    Some(report) => format!("{}\n{report}\n", problem.text()),
                    None => problem.text(),
                },
                Form::Page => problem.html(),
                Form::Problem => problem.json(),
            }
        }))
    }

    fn required(&self, required: Required) -> Option<Cow<'a, str>> {
        let c = &self.circumstances;
        match required {
            Required::Allow => c.allow.map(|allow| Cow::Owned(allow.to_string())),
            Required::ContentRange => c.length.map(|length| Cow::Owned(format!("bytes */{length}"))),
            Required::RetryAfter => c.retry_after.map(|seconds| Cow::Owned(seconds.to_string())),
            // The client's codings are never decoded: RFC 9110 §12.5.3 has a word for that.
            Required::AcceptEncoding => Some(Cow::Borrowed("identity")),
            // A part of the server that gives these reasons brings their fields with it, in `more`.
            Required::AcceptPost
            | Required::Link
            | Required::Location
            | Required::ProxyAuthenticate
            | Required::ProxyStatus
            | Required::RateLimit
            | Required::RateLimitPolicy
            | Required::Upgrade
            | Required::WwwAuthenticate => None,
        }
    }
}

/// The status and nothing else: `explain = "off"`.
fn bare(status: Status, form: Form) -> String {
    let phrase = status.phrase();
    match form {
        Form::Text => format!("{status} {phrase}\n"),
        Form::Page => format!("<!doctype html>\n<title>{status} {phrase}</title>\n<h1>{status} {phrase}</h1>\n"),
        Form::Problem => format!("{{\"title\":\"{phrase}\",\"status\":{status}}}\n"),
    }
}

/// The short page of a redirect (RFC 9110 §15.4.2): for whoever does not follow it.
pub(crate) fn redirect_page(status: Status, location: &str) -> String {
    let mut shown = String::with_capacity(location.len());
    verdict_core::explain::push_html(&mut shown, location);
    let phrase = status.phrase();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{status} {phrase}</title>\n\
         <h1>{status} {phrase}</h1>\n<p><a href=\"{shown}\">{shown}</a></p>\n</html>\n"
    )
}
