//! An explanation for people: what was decided, the way to it, the answer, and the routes that lost.

use crate::command::console::style;
use crate::screen::{Screen, Style, wrap};
use crate::table::Table;
use std::fmt::Write;
use verdict_core::explain::visible;
use verdict_core::path::Stage;
use verdict_core::status::Status;
use verdict_server::explain::shown::{Asked, Line, Named, Outcome, Shown};

/// So many routes that do not answer are shown, unless all are wanted: those first that came nearest.
const LOST: usize = 8;

/// The first of the stages.
const ARRIVE: &str = Stage::Arrive.name();

/// The explanation; every question of the way if `all` are wanted, and otherwise those that there is something to say of.
pub(in crate::command) fn explanation(told: &Shown, all: bool, screen: &Screen) -> String {
    let mut out = String::new();
    push_answer(&mut out, told, screen);
    out.push('\n');
    out.push_str(&way(told, all).render(screen));
    if !told.outcomes.is_empty() {
        out.push_str(&outcomes(told).render(screen));
    }
    if let Some(route) = &told.route {
        let place = route.place.as_ref().map(|place| format!(", {place}")).unwrap_or_default();
        let _ = writeln!(out, "\nroute {} ({}{})", visible(&route.pattern), route.kind, visible(&place));
    }
    if !told.lost.is_empty() {
        let mut lost = Table::new(2);
        lost.heading(Style::Strong, if told.route.is_some() { "other routes" } else { "routes" });
        let shown = if all { told.lost.len() } else { LOST.min(told.lost.len()) };
        for other in &told.lost[..shown] {
            lost.row(None, [visible(&other.route.pattern), visible(&other.why), place(other.route.place.as_ref())]);
        }
        if shown < told.lost.len() {
            lost.row(Some(Style::Faint), [format!("and {} more: `--all`", told.lost.len() - shown)]);
        }
        out.push_str(&lost.render(screen));
    }
    // Of an answer that was given the fields are not kept.
    if told.fields.is_empty() {
        return out;
    }
    let mut fields = Table::new(2);
    let goes_on = if told.keeps { "the connection goes on" } else { "then the connection ends" };
    let expected = match told.outcomes.iter().find(|outcome| outcome.expected) {
        Some(outcome) => format!("{} would have ", statuses(outcome)),
        None => String::new(),
    };
    let heading = format!("{expected}{} bytes of content, {goes_on}, with these fields", told.bytes);
    fields.heading(Style::Strong, heading);
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

fn push_answer(out: &mut String, told: &Shown, screen: &Screen) {
    if let Some(interim) = &told.interim {
        let _ = writeln!(out, "{}, {}, and then", title(interim.status), interim.reason);
    }
    let (Some(status), Some(reason)) = (told.status, &told.reason) else {
        let _ = writeln!(out, "{}", screen.paint(Style::Strong, "Nothing stands in its way"));
        let _ = writeln!(out, "What comes of the work is said when it is done: one of the outcomes below.");
        return;
    };
    let title = screen.paint(style(status), &title(status));
    let _ = writeln!(out, "{title}  {reason}  {}", screen.paint(Style::Faint, &told.section));
    if let Some(other) = told.told.as_ref().filter(|other| *other != reason) {
        let _ = writeln!(out, "The client is told `{other}`.");
    }
    let remedy = if told.remedy.is_empty() { String::new() } else { format!("→ {}", told.remedy) };
    for text in [&told.sentence, &remedy].into_iter().filter(|text| !text.is_empty()) {
        for line in wrap(text, screen.width) {
            let _ = writeln!(out, "{line}");
        }
    }
}

fn title(code: u16) -> String {
    let phrase = Status::from_wire(code).map(Status::phrase).unwrap_or_default();
    format!("{code} {phrase}").trim_end().to_owned()
}

/// What can come of the work, the expected first.
fn outcomes(told: &Shown) -> Table {
    let mut table = Table::new(2);
    let all = if told.tried { "what came of it, tried and taken back, and what can" } else { "what can come of it" };
    table.heading(Style::Strong, all);
    let (expected, others): (Vec<_>, Vec<_>) = told.outcomes.iter().partition(|outcome| outcome.expected);
    for outcome in expected.into_iter().chain(others) {
        let mark = match (outcome.expected, told.tried) {
            (true, true) => "as it was tried",
            (true, false) => "by what is there now",
            (false, _) => "",
        };
        let style = if outcome.expected { Style::Strong } else { Style::Faint };
        table.row(Some(style), [statuses(outcome), outcome.reason.clone(), mark.to_owned()]);
    }
    table
}

/// `201`, or `any` of what is not ours to say.
fn statuses(outcome: &Outcome) -> String {
    match outcome.statuses[..] {
        [status] => status.to_string(),
        _ => "any".to_owned(),
    }
}

/// The questions by stage. Those that passed with nothing to say are counted.
fn way(told: &Shown, all: bool) -> Table {
    let mut table = Table::new(0);
    let in_file = told.route.as_ref().is_none_or(|route| route.place.is_some());
    for steps in told.steps.chunk_by(|one, next| one.stage == next.stage) {
        let mut name = steps[0].stage.as_str();
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
                (1, true) => steps[0].question.clone(),
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
fn says(step: &Asked) -> bool {
    let usual = step.stage == ARRIVE && step.key.as_ref().is_none_or(|key| key.place.is_none());
    step.holds != Some(true) || !step.evidence.is_empty() && !usual
}

/// `is the declared content small enough? 3 of 1024 bytes (limits.body, verdict.toml:3)`
///
/// Where a default decided, that is worth a word: `(default of files.dotfiles)`. A config in no file has not set its kinds of
/// routes, and they are no defaults either.
fn in_words(step: &Asked, in_file: bool) -> String {
    let mut out = step.question.clone();
    if !step.evidence.is_empty() {
        let _ = write!(out, " {}", visible(&step.evidence));
    }
    match &step.key {
        Some(Named { name, place: Some(place) }) => {
            let _ = write!(out, " ({name}, {})", visible(&place.to_string()));
        }
        Some(Named { name, place: None }) if step.holds == Some(false) && (in_file || name.contains('.')) => {
            let _ = write!(out, " (default of {name})");
        }
        _ => {}
    }
    out
}

fn place(place: Option<&Line>) -> String {
    place.map(|place| visible(&place.to_string())).unwrap_or_default()
}
