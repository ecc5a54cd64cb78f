//! An explanation for people: what was decided, the way to it, the answer, and the routes that lost.

use crate::screen::{Screen, Style, wrap};
use crate::table::Table;
use std::fmt::Write;
use verdict_core::explain::visible;
use verdict_core::path::Stage;
use verdict_core::status::Class;
use verdict_server::explain::{Explanation, Key, RouteAt, Step};

/// So many routes that do not answer are shown, unless all are wanted: those first that came nearest.
const LOST: usize = 8;

/// The explanation; every question of the way if `all` are wanted, and otherwise those that there is something to say of.
pub(super) fn explanation(told: &Explanation, all: bool, screen: &Screen) -> String {
    let mut out = String::new();
    push_answer(&mut out, told, screen);
    out.push('\n');
    out.push_str(&way(told, all).render(screen));
    if let Some(route) = &told.route {
        let place = route.place.as_ref().map(|place| format!(", {place}")).unwrap_or_default();
        let _ = writeln!(out, "\nroute {} ({}{})", visible(&route.pattern), route.kind, visible(&place));
    }
    if !told.lost.is_empty() {
        let mut lost = Table::new(2);
        lost.heading(Style::Strong, if told.route.is_some() { "other routes" } else { "routes" });
        let shown = if all { told.lost.len() } else { LOST.min(told.lost.len()) };
        for other in &told.lost[..shown] {
            lost.row(None, [visible(&other.route.pattern), visible(&other.why), place(&other.route)]);
        }
        if shown < told.lost.len() {
            lost.row(Some(Style::Faint), [format!("and {} more: `--all`", told.lost.len() - shown)]);
        }
        out.push_str(&lost.render(screen));
    }
    let mut fields = Table::new(2);
    let goes_on = if told.keeps { "the connection goes on" } else { "then the connection ends" };
    fields.heading(Style::Strong, format!("{} bytes of content, {goes_on}, with these fields", told.bytes));
    for (name, value) in &told.fields {
        fields.named_row(Style::Faint, name, [visible(value)]);
    }
    out.push_str(&fields.render(screen));
    if let Some(page) = &told.page {
        let place = page.key.place.as_ref().map(|place| format!(", {place}")).unwrap_or_default();
        let _ = writeln!(out, "\nthe content is {} ({}{})", visible(&page.file), page.key.name, visible(&place));
    }
    out
}

fn push_answer(out: &mut String, told: &Explanation, screen: &Screen) {
    if let Some(interim) = told.interim {
        let status = interim.status();
        let _ = writeln!(out, "{status} {}, {}, and then", status.phrase(), interim.reason());
    }
    let (status, reason) = (told.verdict.status(), told.verdict.reason);
    let colour = match status.class() {
        Class::Informational | Class::Successful => Style::Green,
        Class::Redirection => Style::Cyan,
        Class::ClientError => Style::Yellow,
        Class::ServerError => Style::Red,
    };
    let title = screen.paint(colour, &format!("{status} {}", status.phrase()));
    let _ = writeln!(out, "{title}  {reason}  {}", screen.paint(Style::Faint, reason.entry().section));
    if told.told != reason {
        let _ = writeln!(out, "The client is told `{}`.", told.told);
    }
    let remedy = if told.remedy.is_empty() { String::new() } else { format!("→ {}", told.remedy) };
    for text in [&told.sentence, &remedy].into_iter().filter(|text| !text.is_empty()) {
        for line in wrap(text, screen.width) {
            let _ = writeln!(out, "{line}");
        }
    }
}

/// The questions by stage. Those that passed with nothing to say are counted.
fn way(told: &Explanation, all: bool) -> Table {
    let mut table = Table::new(0);
    let in_file = told.route.as_ref().is_none_or(|route| route.place.is_some());
    let mut stages = Stage::ALL.into_iter().filter_map(|stage| {
        let steps: Vec<&Step> = told.steps.iter().filter(|step| step.question.stage() == stage).collect();
        (!steps.is_empty()).then_some((stage, steps))
    });
    for (stage, steps) in stages.by_ref() {
        let mut name = stage.name();
        for step in steps.iter().filter(|step| all || says(step)) {
            let (answer, style) = match step.holds {
                Some(true) => ("yes", Style::Faint),
                Some(false) => ("no", Style::Strong),
                None => ("–", Style::Faint),
            };
            table.named_row(style, std::mem::take(&mut name), [answer, &in_words(step, in_file)]);
        }
        let quiet = steps.iter().filter(|step| !all && !says(step)).count();
        if quiet > 0 {
            let count = match (quiet, quiet == steps.len()) {
                (1, true) => steps[0].question.words().to_owned(),
                (_, true) => format!("{quiet} questions"),
                (_, false) => format!("and {quiet} more"),
            };
            table.named_row(Style::Faint, name, ["yes", &count]);
        }
    }
    table
}

/// Whether there is something to say of a question: that it is answered with no, what it was held against, or that the
/// config has set what it was held against. Of arrival the usual is not said.
fn says(step: &Step) -> bool {
    let usual = step.question.stage() == Stage::Arrive && step.key.as_ref().is_none_or(|key| key.place.is_none());
    step.holds != Some(true) || !step.evidence.is_empty() && !usual
}

/// `is the declared content small enough? 3 of 1024 bytes (limits.body, verdict.toml:3)`
///
/// Where a default decided, that is worth a word: `(default of files.dotfiles)`. A config in no file has not set its kinds of
/// routes, and they are no defaults either.
fn in_words(step: &Step, in_file: bool) -> String {
    let mut out = step.question.words().to_owned();
    if !step.evidence.is_empty() {
        let _ = write!(out, " {}", visible(&step.evidence));
    }
    match &step.key {
        Some(Key { name, place: Some(place) }) => {
            let _ = write!(out, " ({name}, {})", visible(&place.to_string()));
        }
        Some(Key { name, place: None }) if step.holds == Some(false) && (in_file || name.contains('.')) => {
            let _ = write!(out, " (default of {name})");
        }
        _ => {}
    }
    out
}

fn place(route: &RouteAt) -> String {
    route.place.as_ref().map(|place| visible(&place.to_string())).unwrap_or_default()
}
