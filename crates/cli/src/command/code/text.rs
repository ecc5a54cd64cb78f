//! The reference as text, as wide as the screen is.

use super::given::given;
use crate::screen::{Screen, Style, wrap};
use crate::table::Table;
use std::collections::BTreeSet;
use std::fmt::Write;
use verdict_core::explain::{Evidence, remedy, sentence};
use verdict_core::reference::{
    Caching, class_meaning, class_name, compare, comparisons_with, content, entry, fault, next,
};
use verdict_core::status::{Class, Content, Entry, REGISTRY, Required};
use verdict_core::{Reason, Status};

/// Beyond this many codes their meanings are no longer told below the table.
const MEANINGS: usize = 6;

/// Every registered code, by class.
pub(super) fn all(screen: &Screen) -> String {
    let mut table = Table::new(2);
    table.row(Some(Style::Faint), COLUMNS);
    let mut class = None;
    for line in REGISTRY {
        let of = line.status.class();
        if class.replace(of) != Some(of) {
            let digit = line.status.code() / 100;
            table.heading(Style::Strong, format!("{digit}xx {}: {}", class_name(of), class_meaning(of)));
        }
        push_line(&mut table, line);
    }
    let mut out = table.render(screen);
    out.push_str("\n`verdict code 409` tells more of one; `verdict code 301 308` what tells several apart.\n");
    out
}

/// One code, with this server's reasons for it.
pub(super) fn one(status: Status, screen: &Screen) -> String {
    let (Some(line), Some(entry)) = (status.entry(), entry(status)) else { return String::new() };
    let mut out = format!("{}\n", title(status, screen));
    let _ =
        writeln!(out, "{}\n", screen.paint(Style::Faint, &format!("{}, {}", class_name(status.class()), line.section)));
    push_text(&mut out, entry.meaning, 0, screen);
    out.push('\n');

    let mut facts = Table::new(0);
    facts.named_row(Style::Strong, "when", [entry.when]);
    facts.named_row(Style::Strong, "when not", [entry.when_not]);
    facts.named_row(Style::Strong, "the client", [entry.next]);
    facts.named_row(Style::Strong, "must carry", [names(line.required)]);
    facts.named_row(
        Style::Strong,
        "content",
        [match line.content {
            Content::May => "It may have content.",
            Content::Never => "It ends with its head, or with content of no length.",
        }],
    );
    facts.named_row(
        Style::Strong,
        "caches",
        [match Caching::of(line) {
            Caching::Heuristic => "May keep it without being told for how long (RFC 9110 §15.1).",
            Caching::IfTold => "Keep it only if its fields say so.",
            Caching::Never => "Never keep it.",
        }],
    );
    let comparisons = comparisons_with(status);
    if !comparisons.is_empty() {
        facts.named_row(
            Style::Strong,
            "compare",
            [comparisons.iter().map(|codes| comparing(codes)).collect::<Vec<_>>().join(", ")],
        );
    }
    out.push_str(&facts.render(screen));
    out.push('\n');
    push_reasons(&mut out, line, screen);
    out
}

/// The command that shows these side by side.
fn comparing(statuses: &[Status]) -> String {
    let codes: Vec<String> = statuses.iter().map(ToString::to_string).collect();
    format!("`verdict code {}`", codes.join(" "))
}

/// Reasons of this server, one below the other.
pub(super) fn reasons(reasons: &[Reason], screen: &Screen) -> String {
    let given = given();
    let told = reasons.iter().map(|reason| self::reason(*reason, given.as_ref(), screen));
    told.collect::<Vec<_>>().join("\n")
}

fn reason(reason: Reason, given: Option<&BTreeSet<Reason>>, screen: &Screen) -> String {
    let entry = reason.entry();
    let mut out = format!("{}\n", screen.paint(entry.status.map_or(Style::Strong, colour), entry.id));
    let status = match entry.status {
        Some(status) => format!("{status} {}", status.phrase()),
        None => "whichever status is given".to_owned(),
    };
    let mut place = format!("{status}, decided in `{}`, {}", entry.stage.name(), entry.section);
    if given.is_some_and(|given| !given.contains(&reason)) {
        place.push_str(NOT_GIVEN);
    }
    let _ = writeln!(out, "{}\n", screen.paint(Style::Faint, &place));
    push_text(&mut out, &sentence(reason, Evidence::default()), 0, screen);
    out.push('\n');

    let mut facts = Table::new(0);
    let remedy = remedy(reason, Evidence::default());
    if !remedy.is_empty() {
        facts.named_row(Style::Strong, "remedy", [remedy]);
    }
    facts.named_row(Style::Strong, "at fault", [fault(entry.fault)]);
    facts.named_row(Style::Strong, "the client", [next(entry.retry)]);
    if entry.status.is_some() {
        facts.named_row(Style::Strong, "must carry", [names(super::data::carries(reason))]);
    }
    let public = reason.public();
    if public != reason {
        facts.named_row(
            Style::Strong,
            "told as",
            [format!("`{public}`: the client is not to learn more, and the log has this one.")],
        );
    }
    if let Some(status) = entry.status {
        facts.named_row(Style::Strong, "the code", [format!("`verdict code {status}`")]);
    }
    out.push_str(&facts.render(screen));
    out
}

/// Several codes side by side.
pub(super) fn several(statuses: &[Status], screen: &Screen) -> String {
    let mut out = String::new();
    match compare(statuses) {
        Some(comparison) => {
            let mut table = Table::new(0);
            let names = statuses.iter().map(|status| format!("{status} {}", status.phrase()));
            table.row(Some(Style::Strong), std::iter::once(String::new()).chain(names));
            for row in comparison.rows {
                table.named_row(Style::Faint, row.question, row.answers);
            }
            out.push_str(&table.render(screen));
            out.push('\n');
            push_text(&mut out, comparison.advice, 0, screen);
        }
        None => {
            let mut table = Table::new(0);
            table.row(Some(Style::Faint), COLUMNS);
            for line in statuses.iter().filter_map(|status| status.entry()) {
                push_line(&mut table, line);
            }
            out.push_str(&table.render(screen));
        }
    }
    if statuses.len() <= MEANINGS {
        for (status, entry) in statuses.iter().filter_map(|status| Some((*status, entry(*status)?))) {
            let _ = writeln!(out, "\n{}", title(status, screen));
            push_text(&mut out, entry.meaning, 2, screen);
        }
    }
    out
}

/// Said of a reason that waits for a kind of route that is still to come.
const NOT_GIVEN: &str = ", not given by this version";

const COLUMNS: [&str; 6] = ["code", "name", "content?", "cacheable?", "must carry", "defined in"];

fn push_line(table: &mut Table, line: &Entry) {
    let cacheable = Caching::of(line).name();
    let required = if line.required.is_empty() { String::new() } else { names(line.required) };
    let cells = [
        line.phrase.to_owned(),
        content(line.content).to_owned(),
        cacheable.to_owned(),
        required,
        line.section.to_owned(),
    ];
    table.named_row(colour(line.status), &line.status.to_string(), cells);
}

fn push_reasons(out: &mut String, line: &Entry, screen: &Screen) {
    let reasons: Vec<Reason> = super::data::reasons(line.status).collect();
    if reasons.is_empty() {
        let words = match line.status.class() {
            Class::Informational => "This server never gives it.",
            _ => "This server gives it only where a `respond` route says so.",
        };
        return push_text(out, words, 0, screen);
    }
    let _ = writeln!(
        out,
        "{}",
        screen.paint(Style::Strong, "This server's reasons for it, in the order in which it decides")
    );
    let given = given();
    for reason in reasons {
        let entry = reason.entry();
        let mut place = entry.section.to_owned();
        if given.as_ref().is_some_and(|given| !given.contains(&reason)) {
            place.push_str(NOT_GIVEN);
        }
        let _ = writeln!(
            out,
            "\n  {}  {}",
            screen.paint(colour(line.status), entry.id),
            screen.paint(Style::Faint, &place)
        );
        push_text(out, &sentence(reason, Evidence::default()), 4, screen);
        let remedy = remedy(reason, Evidence::default());
        if !remedy.is_empty() {
            push_text(out, &format!("Remedy: {remedy}"), 4, screen);
        }
        let carries = super::data::carries(reason);
        // What every answer of this status carries was said above.
        if carries != line.required && !carries.is_empty() {
            push_text(out, &format!("Carries: {}.", names(carries)), 4, screen);
        }
    }
}

fn push_text(out: &mut String, text: &str, indent: usize, screen: &Screen) {
    for line in wrap(text, screen.width.saturating_sub(indent)) {
        let _ = writeln!(out, "{:indent$}{line}", "");
    }
}

fn title(status: Status, screen: &Screen) -> String {
    screen.paint(colour(status), &format!("{status} {}", status.phrase()))
}

fn names(required: &[Required]) -> String {
    match required {
        [] => "nothing".to_owned(),
        required => required.iter().map(|field| field.name()).collect::<Vec<_>>().join(", "),
    }
}

const fn colour(status: Status) -> Style {
    match status.class() {
        Class::Informational => Style::Blue,
        Class::Successful => Style::Green,
        Class::Redirection => Style::Cyan,
        Class::ClientError => Style::Yellow,
        Class::ServerError => Style::Red,
    }
}
