//! A verdict in words: as a sentence, as an RFC 9457 problem, as plain text, as a page, and as the way that was taken.
//!
//! Nothing here is on the path of an answer that goes well. Every text that came from outside is escaped where it is shown.

use crate::path::Verdict;
use crate::reason::Reason;
use std::fmt::{Display, Write};

/// What the words of a reason are filled with: names from the catalogue's `{name|words}` and their values.
#[derive(Clone, Copy, Default)]
pub struct Evidence<'a>(pub &'a [(&'static str, &'a dyn Display)]);

impl<'a> Evidence<'a> {
    /// The value of one name.
    pub fn get(&self, name: &str) -> Option<&'a dyn Display> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

/// The reason's fact with its evidence, as a sentence.
pub fn sentence(reason: Reason, evidence: Evidence<'_>) -> String {
    fill(reason.entry().sentence, evidence)
}

/// What to do about it, as a sentence; empty where nothing is wrong.
pub fn remedy(reason: Reason, evidence: Evidence<'_>) -> String {
    fill(reason.entry().remedy, evidence)
}

/// Replaces each `{name|words}` by the value of the name, or by the words. Control bytes of values are escaped.
fn fill(template: &str, evidence: Evidence<'_>) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, (name, words, after))) = placeholder(rest) {
        out.push_str(before);
        match evidence.get(name) {
            Some(value) => out.push_str(&visible(&value.to_string())),
            None => out.push_str(words),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The text before the first placeholder, and its name, its words and what follows.
fn placeholder(template: &str) -> Option<(&str, (&str, &str, &str))> {
    let (before, rest) = template.split_once('{')?;
    let (inside, after) = rest.split_once('}')?;
    let (name, words) = inside.split_once('|')?;
    Some((before, (name, words, after)))
}

/// The text with its control characters written as `\u{..}`, so that it can be shown in a terminal or a log.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            let _ = write!(out, "{}", c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Everything that a refusal tells its client.
#[derive(Clone, Copy)]
pub struct Problem<'a> {
    /// The reason; told as its [`Reason::public`] one.
    pub reason: Reason,
    /// What its words are filled with.
    pub evidence: Evidence<'a>,
    /// The request's id: a UUID, or a token that a proxy gave it.
    pub instance: &'a str,
    /// Further members of the JSON form.
    pub members: &'a [(&'static str, Member<'a>)],
}

/// The value of a member that a reason adds to its problem (RFC 9457 §3.2).
#[derive(Clone, Copy)]
pub enum Member<'a> {
    /// A string.
    Text(&'a str),
    /// A number.
    Number(u64),
    /// Any value, as JSON text that its maker answers for.
    Json(&'a str),
}

impl Problem<'_> {
    /// `application/problem+json` (RFC 9457 §3).
    pub fn json(&self) -> String {
        let reason = self.reason.public();
        let status = reason.status();
        let mut out = String::with_capacity(512);
        let _ = write!(out, "{{\"type\":\"urn:verdict:reason:{reason}\",\"title\":");
        push_json(&mut out, status.phrase());
        let _ = write!(out, ",\"status\":{status},\"detail\":");
        push_json(&mut out, &sentence(reason, self.evidence));
        out.push_str(",\"instance\":");
        push_json(&mut out, &instance(self.instance));
        let remedy = remedy(reason, self.evidence);
        if !remedy.is_empty() {
            out.push_str(",\"remedy\":");
            push_json(&mut out, &remedy);
        }
        for (name, value) in self.members {
            out.push(',');
            push_json(&mut out, name);
            out.push(':');
            match value {
                Member::Text(text) => push_json(&mut out, text),
                Member::Json(json) => out.push_str(json),
                Member::Number(number) => {
                    let _ = write!(out, "{number}");
                }
            }
        }
        out.push_str("}\n");
        out
    }

    /// `text/plain`, for whoever reads it in a terminal.
    pub fn text(&self) -> String {
        let reason = self.reason.public();
        let status = reason.status();
        let mut out = format!("{status} {}\n{}\n", status.phrase(), sentence(reason, self.evidence));
        let remedy = remedy(reason, self.evidence);
        if !remedy.is_empty() {
            let _ = writeln!(out, "{remedy}");
        }
        let _ = writeln!(out, "reason {reason}, request {}", visible(self.instance));
        out
    }

    /// `text/html`: a short page without script or outside content.
    pub fn html(&self) -> String {
        let reason = self.reason.public();
        let status = reason.status();
        let phrase = status.phrase();
        let mut out = String::with_capacity(1024);
        let _ = write!(
            out,
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{status} {phrase}</title>\n\
             <style>:root{{color-scheme:light dark}}body{{font:1rem/1.5 system-ui,sans-serif;max-width:36rem;\
             margin:12vh auto;padding:0 1rem}}small{{opacity:.7}}</style>\n<h1>{status} {phrase}</h1>\n<p>"
        );
        push_html(&mut out, &sentence(reason, self.evidence));
        out.push_str("</p>\n");
        let remedy = remedy(reason, self.evidence);
        if !remedy.is_empty() {
            out.push_str("<p>");
            push_html(&mut out, &remedy);
            out.push_str("</p>\n");
        }
        let _ = write!(out, "<p><small>reason {reason}, request ");
        push_html(&mut out, self.instance);
        out.push_str("</small></p>\n</html>\n");
        out
    }
}

/// The URI of a request by its id (RFC 9457 §3.1.5): `urn:uuid:` where it is a UUID (RFC 9562 §4), one of our own where it is
/// another token.
fn instance(id: &str) -> String {
    let hyphens = [8, 13, 18, 23];
    let uuid = id.len() == 36
        && id.bytes().enumerate().all(|(i, b)| if hyphens.contains(&i) { b == b'-' } else { b.is_ascii_hexdigit() });
    if uuid {
        return format!("urn:uuid:{id}");
    }
    let mut uri = String::from("urn:verdict:request:");
    for byte in id.bytes() {
        // RFC 3986 §2.3: what is unreserved stands for itself.
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => uri.push(byte as char),
            _ => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri
}

/// The value of `Verdict-Reason`, a structured item (RFC 9651 §3.3):
/// `if-match-failed; stage=precondition; section="RFC 9110 section 13.1.1"`.
pub fn field(verdict: &Verdict) -> String {
    let reason = verdict.reason.public();
    let entry = reason.entry();
    format!("{}; stage={}; section=\"{}\"", entry.id, entry.stage.name(), entry.section.replace('§', "section "))
}

/// The way, a line a question: `precondition  does If-Match hold?  no`.
pub fn way(verdict: &Verdict) -> String {
    let mut out = String::new();
    for (question, yes) in verdict.path.answers() {
        let answer = if yes { "yes" } else { "no" };
        let _ = writeln!(out, "{:<13} {:<60} {answer}", question.stage().name(), question.words());
    }
    out
}

/// Appends a JSON string (RFC 8259 §7).
pub fn push_json(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Appends text to HTML, as text and never as markup.
pub fn push_html(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_takes_the_place_of_the_words() {
        let told = sentence(Reason::IfMatchFailed, Evidence(&[("if-match", &"\"v7\""), ("etag", &"\"v9\"")]));
        assert_eq!(told, "`If-Match` names \"v7\", and the current one is \"v9\".");
        let untold = sentence(Reason::IfMatchFailed, Evidence::default());
        assert_eq!(untold, "`If-Match` names a version, and the current one is another, or none.");
    }

    #[test]
    fn no_words_are_left_in_braces() {
        for entry in crate::reason::CATALOGUE {
            for text in [sentence(entry.reason, Evidence::default()), remedy(entry.reason, Evidence::default())] {
                assert!(
                    !text.contains(['{', '}', '|'])
                        || entry.id.contains("malformed")
                        || entry.id.contains("field-name"),
                    "{}: {text}",
                    entry.id
                );
            }
        }
    }

    #[test]
    fn what_came_from_outside_is_escaped_wherever_it_is_shown() {
        let evil = "\u{1b}[2J\"<script>\r\n";
        let problem = Problem {
            reason: Reason::IfMatchFailed,
            evidence: Evidence(&[("if-match", &evil)]),
            instance: "0190163d-8694-739b-aea5-966c26f8ad91",
            members: &[("at", Member::Text(evil))],
        };
        for told in [problem.json(), problem.text(), problem.html()] {
            assert!(!told.contains('\u{1b}') && !told.contains('\r'), "{told}");
        }
        assert!(!problem.html().contains("<script>"));
        assert!(problem.json().contains(r#"\"<script>"#));
    }

    #[test]
    fn a_request_has_a_uri_whatever_its_id_is() {
        let uuid = "0190163d-8694-739b-aea5-966c26f8ad91";
        assert_eq!(instance(uuid), format!("urn:uuid:{uuid}"));
        assert_eq!(instance("edge-7/<a>\"b"), "urn:verdict:request:edge-7%2F%3Ca%3E%22b");
        assert_eq!(
            instance("0190163d-8694-739b-aea5-966c26f8ad9z"),
            "urn:verdict:request:0190163d-8694-739b-aea5-966c26f8ad9z"
        );
    }

    #[test]
    fn a_hidden_reason_is_told_as_that_of_a_404() {
        let hidden =
            Problem { reason: Reason::HiddenFromUser, evidence: Evidence::default(), instance: "i", members: &[] };
        let missing = Problem { reason: Reason::NothingThere, ..hidden };
        assert_eq!(hidden.json(), missing.json());
        assert_eq!(hidden.html(), missing.html());
        assert_eq!(hidden.text(), missing.text());
    }
}
