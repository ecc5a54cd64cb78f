//! `STATUS.md`: each status that this server gives, when, with what, and what then; then those that are taken for one another;
//! then the rest of the registry.

use crate::markdown::{anchor, push_table, section, text};
use crate::run::{Out, Run};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use verdict_core::decide::respond;
use verdict_core::explain::{Evidence, remedy, sentence};
use verdict_core::reason::Retry;
use verdict_core::reference::{Caching, again, class_meaning, class_name, compare, content, entry, fault};
use verdict_core::status::{Class, REGISTRY, Required};
use verdict_core::{Method, Reason, Stage, Status};

/// The codes that are most often taken for one another.
const COMPARISONS: &[&[u16]] = &[
    &[301, 302, 307, 308],
    &[401, 403],
    &[500, 502, 503, 504],
    &[404, 410],
    &[405, 501],
    &[409, 412, 428],
    &[400, 422],
    &[429, 503],
    &[200, 201, 202, 204],
];

const CLASSES: [Class; 5] =
    [Class::Informational, Class::Successful, Class::Redirection, Class::ClientError, Class::ServerError];

/// The mark of what this version cannot give.
const NOT_YET: &str = "*not yet*";

/// The mark of what only the console gives.
const BY_CONSOLE: &str = "*by the console*";

/// The whole document.
pub(crate) fn write(run: &Run) -> String {
    let mut out = String::with_capacity(128 << 10);
    push_head(&mut out, run);
    push_stages(&mut out, run);
    for class in CLASSES {
        let _ = writeln!(out, "## {}\n\n{}.\n", class_heading(class), capital(class_meaning(class)));
        for status in run.statuses().into_iter().filter(|status| status.class() == class) {
            push_status(&mut out, run, status);
        }
    }
    push_any(&mut out, run);
    push_comparisons(&mut out);
    push_rest(&mut out, run);
    push_index(&mut out, run);
    // One line break at the end, as every text file has.
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn push_head(out: &mut String, run: &Run) {
    out.push_str(
        "<!-- Written by `cargo xtask docs` from crates/core: change it there. -->\n\n\
         # Each status, and when\n\n\
         Every answer has one reason, and the reason has the status. The id of the reason stands in the log, in a problem's\n\
         `type`, and with `explain = \"header\"` in `Verdict-Reason`; `STATUS.md#ID` leads to it. A text in which the server names\n\
         a version, a limit or a place in the message says here what it would be.\n\n\
         This is the whole catalogue. Which of them a route can give depends on its kind and its keys, and some kinds are still to\n\
         come: a reason that is marked with ",
    );
    out.push_str(NOT_YET);
    out.push_str(
        " is one that this version gives nowhere, and\n\
         [the picture](DECISION.svg) has it in grey; one that is marked with *by the console* is given by no route, but to who runs\n\
         the server, on its console. `verdict routes` says what your config can give. \"Fault\" is whoever has to\n\
         change something, and \"again\" is when the same request may be sent once more.\n\n\
         ## Contents\n\n",
    );
    let _ = writeln!(out, "- {}", link("The way through", "the-way-through"));
    for class in CLASSES {
        let statuses = run.statuses().into_iter().filter(|status| status.class() == class);
        let links: Vec<String> = statuses.map(|status| link(&name(status), &status.to_string())).collect();
        let heading = class_heading(class);
        let _ = writeln!(out, "- {}: {}", link(&heading, &slug(&heading)), links.join(" · "));
    }
    let any = "Any status";
    let _ = writeln!(out, "- {}", link(any, &slug(any)));
    let links = COMPARISONS.iter().map(|codes| link(&listed(codes), &slug(&listed(codes))));
    let _ = writeln!(out, "- {}: {}", link("Side by side", "side-by-side"), links.collect::<Vec<_>>().join(" · "));
    let _ = writeln!(out, "- {}", link("The rest of the registry", "the-rest-of-the-registry"));
    let _ = writeln!(out, "- {}\n", link("Every reason, by its id", "every-reason-by-its-id"));
}

/// The eight stages, each with the statuses on its ways out.
fn push_stages(out: &mut String, run: &Run) {
    out.push_str(
        "## The way through\n\n\
         Eight stages decide, in this order; in each, questions are asked from top to bottom, and the first that does not let\n\
         the request go on has the reason.\n\n\
         [![The eight stages with their questions, and the status of each way out](DECISION.svg)](DECISION.svg)\n\n",
    );
    let rows = Stage::ALL.into_iter().map(|stage| {
        let outs = run.outs().into_iter().filter(|out| out.question.stage() == stage);
        let mut codes: Vec<String> = Vec::new();
        for code in outs.flat_map(|out| run.reasons(out).collect::<Vec<_>>()).map(code) {
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        vec![stage.name().to_owned(), text(stage.question()), codes.join(" ")]
    });
    push_table(out, &["stage", "question", "its ways out"].map(str::to_owned), rows);
}

/// The code of a reason, as a link to what is said of it.
fn code(reason: Reason) -> String {
    reason
        .entry()
        .status
        .map_or_else(|| link("any", "any-status"), |status| link(&status.to_string(), &status.to_string()))
}

fn push_status(out: &mut String, run: &Run, status: Status) {
    let (Some(line), Some(entry)) = (status.entry(), entry(status)) else { return };
    let reasons: Vec<Reason> = run.all_reasons().filter(|reason| reason.entry().status == Some(status)).collect();
    let shared = Goes::shared(&reasons);
    let _ = writeln!(out, "### {}\n\n{}{}\n", name(status), anchor(&status.to_string()), text(entry.meaning));
    if !reasons.iter().any(|reason| run.is_given(*reason)) {
        let _ = writeln!(out, "This version has no reason of its own to give it: {NOT_YET}.\n");
    } else if reasons.iter().all(|reason| run.is_of_console(*reason) || !run.is_given(*reason)) {
        let _ = writeln!(out, "In this version no route gives it for a reason of its own: {BY_CONSOLE}.\n");
    }
    let _ = writeln!(out, "- **When:** {}", text(entry.when));
    let _ = writeln!(out, "- **When not:** {}", text(entry.when_not));
    let _ = writeln!(out, "- **The client:** {}", text(entry.next));
    let nothing = if reasons.iter().any(|reason| Goes::of(*reason).words().is_some()) {
        "what its reason says."
    } else {
        "nothing of its own."
    };
    let _ = writeln!(out, "- **Goes with it:** {}", shared.words().unwrap_or_else(|| nothing.to_owned()));
    let caches = match Caching::of(line) {
        Caching::Heuristic => "may keep it without being told",
        Caching::IfTold => "keep it only if they are told",
        Caching::Never => "never keep it",
    };
    let content = content(line.content);
    let _ = writeln!(out, "- **Content:** {content} · **Caches:** {caches} · {}\n", section(line.section));
    push_reasons(out, run, &reasons, &shared);
}

/// The reasons, those of one way out together, in the order of decision.
fn push_reasons(out: &mut String, run: &Run, reasons: &[Reason], shared: &Goes) {
    let mut groups: BTreeMap<Vec<Out>, Vec<Reason>> = BTreeMap::new();
    for reason in reasons {
        groups.entry(run.outs_of(*reason)).or_default().push(*reason);
    }
    let refuses = reasons.iter().any(|reason| reason.entry().retry != Retry::Unneeded);
    let mut head = vec!["decided by", "reason", "what is so"];
    if refuses {
        head.extend(["what to do", "fault<br>again"]);
    }
    let head: Vec<String> = head.into_iter().map(str::to_owned).collect();
    let rows = groups.iter().flat_map(|(outs, reasons)| {
        // What several have in common is said once, beside the first of them.
        let group = if reasons.len() > 1 { Goes::shared(reasons) } else { shared.clone() };
        let mut questions = questions(outs);
        if let Some(words) = group.clone().beyond(shared).words() {
            let _ = write!(questions, "<br>Goes with each: {words}");
        }
        let first = std::iter::once(questions).chain(std::iter::repeat(String::new()));
        first.zip(reasons).map(move |(first, reason)| row(run, first, *reason, refuses, &group))
    });
    push_table(out, &head, rows);
}

fn questions(outs: &[Out]) -> String {
    let each = outs.iter().map(|out| {
        let answer = if out.yes { "yes" } else { "no" };
        format!("**{}** · {} *{answer}*", out.question.stage().name(), text(out.question.words()))
    });
    match outs {
        [] => "before the final answer".to_owned(),
        _ => each.collect::<Vec<_>>().join("<br>"),
    }
}

fn row(run: &Run, first: String, reason: Reason, refuses: bool, shared: &Goes) -> Vec<String> {
    let entry = reason.entry();
    let mut so = text(&sentence(reason, Evidence::default()));
    if let Some(words) = Goes::of(reason).beyond(shared).words() {
        let _ = write!(so, " Goes with it: {words}");
    }
    let public = reason.public();
    if public != reason {
        let _ = write!(so, " The client is told {}.", link(&format!("`{public}`"), public.id()));
    }
    let mut title = format!("{}`{}`", anchor(entry.id), entry.id);
    let mark = match (run.is_given(reason), run.is_of_console(reason)) {
        (false, _) => Some(NOT_YET),
        (true, console) => console.then_some(BY_CONSOLE),
    };
    if let Some(mark) = mark {
        let _ = write!(title, " {mark}");
    }
    let _ = write!(title, "<br>{}", section(entry.section));
    let mut row = vec![first, title, so];
    if refuses {
        let again = format!("{}<br>{}", fault(entry.fault), again(entry.retry));
        row.extend([text(&remedy(reason, Evidence::default())), again]);
    }
    row
}

/// What goes with an answer because of its reason.
#[derive(Clone)]
struct Goes {
    required: Vec<Required>,
    closes: bool,
}

impl Goes {
    fn of(reason: Reason) -> Goes {
        let answer = respond(reason, Method::Get);
        Goes { required: answer.required.to_vec(), closes: answer.closes }
    }

    /// What goes with all of them.
    fn shared(reasons: &[Reason]) -> Goes {
        let mut each = reasons.iter().map(|reason| Goes::of(*reason));
        let Some(mut shared) = each.next() else { return Goes { required: Vec::new(), closes: false } };
        for other in each {
            shared.required.retain(|field| other.required.contains(field));
            shared.closes &= other.closes;
        }
        shared
    }

    /// What goes with it that does not go with all.
    fn beyond(mut self, shared: &Goes) -> Goes {
        self.required.retain(|field| !shared.required.contains(field));
        self.closes &= !shared.closes;
        self
    }

    /// In words; `None` for nothing.
    fn words(&self) -> Option<String> {
        let fields = self.required.iter().map(|field| format!("`{}`", field.name()));
        let close = self.closes.then(|| "`Connection: close`".to_owned());
        let all: Vec<String> = fields.chain(close).collect();
        (!all.is_empty()).then(|| format!("{}.", all.join(", ")))
    }
}

/// The reasons whose status is data.
fn push_any(out: &mut String, run: &Run) {
    out.push_str("## Any status\n\nReasons that say where the status comes from, whichever it is.\n\n");
    let reasons: Vec<Reason> = run.all_reasons().filter(|reason| reason.entry().status.is_none()).collect();
    push_reasons(out, run, &reasons, &Goes::shared(&reasons));
}

fn push_comparisons(out: &mut String) {
    out.push_str("## Side by side\n\nCodes that are taken for one another, and what tells them apart.\n\n");
    for codes in COMPARISONS {
        let statuses: Vec<Status> = codes.iter().filter_map(|code| Status::from_wire(*code)).collect();
        let Some(comparison) = compare(&statuses) else { continue };
        let _ = writeln!(out, "### {}\n", listed(codes));
        let titles = statuses.iter().map(|status| link(&name(*status), &status.to_string()));
        let head: Vec<String> = std::iter::once(String::new()).chain(titles).collect();
        let rows = comparison.rows.iter().map(|row| {
            std::iter::once(text(row.question)).chain(row.answers.iter().map(|answer| text(answer))).collect()
        });
        push_table(out, &head, rows);
        let _ = writeln!(out, "{}\n", text(comparison.advice));
    }
}

/// The statuses that no reason has.
fn push_rest(out: &mut String, run: &Run) {
    out.push_str(
        "## The rest of the registry\n\n\
         No reason of this server's own has these. A `respond` route can give the final ones, and an upstream's answer is\n\
         passed on whatever its status is.\n\n",
    );
    let given = run.statuses();
    let lines = REGISTRY.iter().filter(|line| !given.contains(&line.status));
    let rows = lines.filter_map(|line| {
        let entry = entry(line.status)?;
        let title = format!("{}{}", anchor(&line.status.to_string()), name(line.status));
        Some(vec![title, text(entry.meaning), text(entry.when), section(line.section)])
    });
    push_table(out, &["status", "what it says", "when", "defined in"].map(str::to_owned), rows);
}

fn push_index(out: &mut String, run: &Run) {
    out.push_str("## Every reason, by its id\n\n");
    let by_id: BTreeSet<(&str, Reason)> = run.all_reasons().map(|reason| (reason.id(), reason)).collect();
    let rows = by_id.into_iter().map(|(id, reason)| {
        let given = match (run.is_given(reason), run.is_of_console(reason)) {
            (false, _) => NOT_YET,
            (true, true) => BY_CONSOLE,
            (true, false) => "yes",
        };
        let stage = reason.entry().stage.name();
        vec![link(&format!("`{id}`"), id), code(reason), stage.to_owned(), given.to_owned()]
    });
    push_table(out, &["reason", "status", "stage", "given"].map(str::to_owned), rows);
}

fn name(status: Status) -> String {
    format!("{status} {}", status.phrase())
}

fn class_heading(class: Class) -> String {
    let digit = match class {
        Class::Informational => 1,
        Class::Successful => 2,
        Class::Redirection => 3,
        Class::ClientError => 4,
        Class::ServerError => 5,
    };
    format!("{digit}xx {}", class_name(class))
}

/// The codes of a comparison as a heading: `301, 302, 307 or 308`.
fn listed(codes: &[u16]) -> String {
    let (last, rest) = codes.split_last().unwrap_or((&0, &[]));
    let rest: Vec<String> = rest.iter().map(ToString::to_string).collect();
    format!("{} or {last}", rest.join(", "))
}

fn link(words: &str, anchor: &str) -> String {
    format!("[{words}](#{anchor})")
}

/// The anchor that GitHub gives to a heading.
fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run;
    use verdict_core::reason::CATALOGUE;

    fn document() -> String {
        write(run::every_case())
    }

    /// The texts between two marks.
    fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
        text.split(before).skip(1).filter_map(|rest| rest.split_once(after)).map(|(inside, _)| inside).collect()
    }

    #[test]
    fn every_status_of_the_registry_and_every_reason_has_a_place() {
        let document = document();
        let places: Vec<&str> = between(&document, "<a id=\"", "\"></a>");
        for line in REGISTRY {
            let code = line.status.to_string();
            assert_eq!(places.iter().filter(|place| **place == code).count(), 1, "{code}");
        }
        for entry in CATALOGUE {
            assert_eq!(places.iter().filter(|place| **place == entry.id).count(), 1, "{}", entry.id);
        }
        assert_eq!(places.len(), REGISTRY.len() + CATALOGUE.len());
    }

    #[test]
    fn what_this_version_cannot_give_is_marked_and_nothing_else_is() {
        let document = document();
        let run = run::every_case();
        for reason in run.all_reasons() {
            let line = document.lines().find(|line| line.contains(&format!("<a id=\"{reason}\"></a>")));
            let marked = line.is_some_and(|line| line.contains(&format!("`{reason}` {NOT_YET}")));
            assert_eq!(marked, !run.is_given(reason), "{reason}");
            let of_console = line.is_some_and(|line| line.contains(&format!("`{reason}` {BY_CONSOLE}")));
            assert_eq!(of_console, run.is_of_console(reason), "{reason}");
        }
    }

    #[test]
    fn every_link_leads_somewhere() {
        let document = document();
        let headings = document.lines().filter(|line| line.starts_with('#'));
        let mut places: Vec<String> = headings.map(|line| slug(line.trim_start_matches('#').trim_start())).collect();
        places.extend(between(&document, "<a id=\"", "\"></a>").into_iter().map(str::to_owned));
        for target in between(&document, "](#", ")") {
            assert_eq!(places.iter().filter(|place| *place == target).count(), 1, "{target}");
        }
    }

    #[test]
    fn codes_that_are_put_side_by_side_have_questions_in_common() {
        let document = document();
        for codes in COMPARISONS {
            let table = document.split_once(&format!("### {}\n", listed(codes))).map(|(_, table)| table);
            assert!(table.is_some_and(|table| table.starts_with("\n|  | [")), "{codes:?}");
        }
    }

    #[test]
    fn every_row_of_a_table_has_as_many_cells_as_its_head() {
        let mut cells = None;
        for line in document().lines() {
            let here = line.starts_with('|').then(|| line.replace("\\|", "").matches('|').count());
            assert!(cells.is_none() || here.is_none() || cells == here, "{line}");
            cells = here;
        }
    }
}
