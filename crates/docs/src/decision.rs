//! `DECISION.svg`: the eight stages from left to right, the questions of each from top to bottom, and each way out with its
//! status and its reasons. A line runs through all that is asked.
//!
//! What can be lit has an id: `stage-find`, `line-find`, `question-if-match`, `out-if-match-no-412`, `reason-if-match-failed`.

mod carried;
mod column;
mod pill;
mod way_out;

use crate::run::Run;
use crate::svg::{Canvas, Font, Px, escape, length, width};
use column::Column;
use std::fmt::Write;
use verdict_core::Stage;
use verdict_core::status::Class;

const STYLE: &str = include_str!("decision.css");

const NAME: &str = "How Verdict decides on a status";
const READING: &str = "Eight stages from left to right, the questions of each from top to bottom. The line goes on with each yes; \
                       the first answer that leaves it has the reason, and the reason has the status.";

const MARGIN: f64 = 40.0;
/// What lies between two stages.
const GUTTER: f64 = 40.0;
/// Where the stages begin.
const TOP: f64 = 150.0;
/// How far the line rises above the head of a stage on its way to it.
const ARC: f64 = 30.0;
const ROUND: f64 = 12.0;

const TITLE: Font = Font { class: "title", size: 26.0 };
const WORDS: Font = Font { class: "soft", size: 14.0 };
const LEGEND: Font = Font { class: "soft", size: 12.0 };

/// The whole document.
pub(crate) fn draw(run: &Run) -> String {
    let (canvas, width, height) = paint(run);
    let (width, height) = (Px(width), Px(height.ceil()));
    let mut out = String::with_capacity(canvas.elements().len() + STYLE.len() + 1024);
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" aria-labelledby=\"title description\">\n\
         <!-- Written by `cargo xtask docs` from crates/core: change it there. -->\n\
         <title id=\"title\">{NAME}</title>\n\
         <desc id=\"description\">{}</desc>\n\
         <style>\n{STYLE}</style>\n\
         <rect class=\"paper\" width=\"{width}\" height=\"{height}\" rx=\"12\"/>\n{}</svg>\n",
        escape(&description(run)),
        canvas.elements()
    );
    out
}

/// The picture in a few sentences, for whoever does not see it.
fn description(run: &Run) -> String {
    let mut out = "Eight stages decide one after the other.".to_owned();
    for stage in Stage::ALL {
        let outs = run.outs().into_iter().filter(|out| out.question.stage() == stage);
        let statuses = outs.flat_map(|out| run.reasons(out).collect::<Vec<_>>());
        let mut codes: Vec<String> = statuses.filter_map(|reason| Some(reason.entry().status?.to_string())).collect();
        codes.sort();
        codes.dedup();
        let _ = write!(out, " {} ({})", stage.name(), stage.question());
        out.push_str(if codes.is_empty() { "" } else { ": " });
        out.push_str(&codes.join(", "));
        out.push('.');
    }
    out
}

/// Everything but the frame, with its width and height.
fn paint(run: &Run) -> (Canvas, f64, f64) {
    let mut canvas = Canvas::default();
    let columns = Stage::ALL.map(|stage| Column::of(run, stage));
    let bottom = columns.iter().map(Column::height).fold(0.0, f64::max) + TOP;
    let wide: f64 = columns.iter().map(|column| column.width() + GUTTER).sum();
    let width = 2.0 * MARGIN + wide - GUTTER;

    canvas.text(MARGIN, 54.0, TITLE, NAME);
    canvas.text(MARGIN, 80.0, WORDS, READING);
    push_legend(&mut canvas, width);

    let mut left = MARGIN;
    push_end(&mut canvas, "node", left, TOP - ARC, "a request");
    for (at, column) in columns.iter().enumerate() {
        let foot = TOP + column.height();
        push_line(&mut canvas, column.name(), left + column::LINE, foot);
        match columns.get(at + 1) {
            Some(_) => push_rise(&mut canvas, column, left, foot),
            None => push_end(&mut canvas, "node always", left, foot, "the answer"),
        }
        column.draw(&mut canvas, left, TOP);
        left += column.width() + GUTTER;
    }
    (canvas, width, bottom + MARGIN)
}

/// The line through a stage.
fn push_line(canvas: &mut Canvas, name: &str, x: f64, foot: f64) {
    let (x, from, to) = (Px(x), Px(TOP - ARC + ROUND), Px(foot));
    canvas.push(&format!("<path id=\"line-{name}\" class=\"line\" d=\"M {x} {from} V {to}\"/>"));
}

/// The line on from the foot of a stage, which begins at `x`, up to the head of the next.
fn push_rise(canvas: &mut Canvas, column: &Column, x: f64, foot: f64) {
    let (from, up) = (x + column::LINE, x + column.width() + GUTTER / 2.0);
    let (next, high) = (x + column.width() + GUTTER + column::LINE, TOP - ARC);
    let (right, left) = (Px(up - ROUND), Px(next - ROUND));
    let path = format!(
        "M {} {} q 0 {ROUND} {ROUND} {ROUND} H {right} q {ROUND} 0 {ROUND} -{ROUND} \
         V {} q 0 -{ROUND} {ROUND} -{ROUND} H {left} q {ROUND} 0 {ROUND} {ROUND}",
        Px(from),
        Px(foot),
        Px(high + ROUND)
    );
    canvas.push(&format!("<path id=\"line-on-from-{}\" class=\"line rise\" d=\"{path}\"/>", column.name()));
    // Which way it goes.
    let (left, middle) = (Px(up - 5.0), Px((high + foot) / 2.0));
    canvas.push(&format!("<path class=\"line rise\" d=\"M {left} {middle} l 5 -7 l 5 7\"/>"));
}

/// An end of the line, in the column that begins at `x`.
fn push_end(canvas: &mut Canvas, class: &str, x: f64, y: f64, words: &str) {
    let (center, middle) = (Px(x + column::LINE), Px(y));
    canvas.push(&format!("<circle class=\"{class}\" cx=\"{center}\" cy=\"{middle}\" r=\"7\"/>"));
    canvas.text(x + column::WORDS, y + 5.0, column::QUESTION, words);
}

/// Said of what is grey.
const LATER: &str = "not given by this version yet";

/// What the marks mean, at the right of the title.
fn push_legend(canvas: &mut Canvas, right: f64) {
    let classes = [
        ("1xx", Class::Informational),
        ("2xx", Class::Successful),
        ("3xx", Class::Redirection),
        ("4xx", Class::ClientError),
        ("5xx", Class::ServerError),
    ];
    let nodes = [("node always", "asked of every request that comes so far"), ("node", "asked where it applies")];
    let room = |words| width(words, LEGEND.size) + 34.0;
    let step = pill::PILL_WIDTH + 8.0;
    let wide = nodes.iter().map(|(_, words)| room(words)).sum::<f64>()
        + width(LATER, LEGEND.size)
        + 18.0
        + length(classes.len()) * step;
    let (mut x, y) = (right - MARGIN - wide, 50.0);
    for (class, words) in nodes {
        let (center, middle) = (Px(x + 5.0), Px(y - 4.0));
        canvas.push(&format!("<circle class=\"{class}\" cx=\"{center}\" cy=\"{middle}\" r=\"5\"/>"));
        canvas.text(x + 16.0, y, LEGEND, words);
        x += room(words);
    }
    canvas.push("<g class=\"later\">");
    canvas.text(x, y, LEGEND, LATER);
    canvas.push("</g>");
    x += width(LATER, LEGEND.size) + 18.0;
    for (words, class) in classes {
        canvas.push(&format!("<g class=\"{}\">", pill::class_of(Some(class))));
        pill::push_pill(canvas, x, y, words);
        canvas.push("</g>");
        x += step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run;
    use std::collections::BTreeSet;
    use verdict_core::Question;
    use verdict_core::reason::CATALOGUE;

    #[test]
    fn no_text_is_on_another_and_none_is_cut_off() {
        let (canvas, width, height) = paint(run::every_case());
        for (at, (room, text)) in canvas.rooms().iter().enumerate() {
            let inside = room.left >= 0.0 && room.right <= width && room.top >= 0.0 && room.bottom <= height;
            assert!(inside, "{text}: {room:?}");
            for (other, on) in &canvas.rooms()[..at] {
                assert!(!room.meets(other), "{text} is on {on}: {room:?}, {other:?}");
            }
        }
    }

    #[test]
    fn no_text_of_a_stage_reaches_the_line_to_the_next() {
        let run = run::every_case();
        let mut left = MARGIN;
        for column in Stage::ALL.map(|stage| Column::of(run, stage)) {
            let mut canvas = Canvas::default();
            column.draw(&mut canvas, left, TOP);
            for (room, text) in canvas.rooms() {
                assert!(room.right < left + column.width() + GUTTER / 2.0 - 8.0, "{text}: {room:?}");
            }
            left += column.width() + GUTTER;
        }
    }

    #[test]
    fn whatever_can_be_lit_has_an_id_of_its_own() {
        let picture = draw(run::every_case());
        let ids: Vec<&str> =
            picture.split(" id=\"").skip(1).filter_map(|rest| rest.split_once('"')).map(|(id, _)| id).collect();
        let once: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(once.len(), ids.len());
        for entry in CATALOGUE {
            assert!(once.contains(format!("reason-{}", entry.id).as_str()), "{}", entry.id);
        }
        for stage in Stage::ALL {
            assert!(once.contains(format!("stage-{}", stage.name()).as_str()), "{}", stage.name());
        }
        for question in Question::ALL {
            assert!(once.contains(format!("question-{}", column::id_of(*question)).as_str()), "{question:?}");
        }
    }

    #[test]
    fn what_this_version_cannot_give_is_grey_and_nothing_else_is() {
        let run = run::every_case();
        let picture = draw(run);
        let lines: Vec<&str> = picture.lines().collect();
        for reason in run.all_reasons() {
            let at = lines.iter().position(|line| line.contains(&format!(" id=\"reason-{reason}\"")));
            let at = at.unwrap_or_else(|| panic!("{reason} is not drawn"));
            let way_out = lines[..at].iter().rfind(|line| line.starts_with("<g id=\"out-"));
            let grey = [lines[at], way_out.unwrap_or(&"")].iter().any(|line| line.contains(" later\""));
            assert_eq!(grey, !run.is_given(reason), "{reason}");
        }
    }

    #[test]
    fn every_element_is_closed() {
        let picture = draw(run::every_case());
        let mut open: Vec<&str> = Vec::new();
        for tag in picture.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag) {
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name));
            } else if !tag.ends_with('/') && !tag.starts_with('!') {
                open.push(tag.split(' ').next().unwrap());
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }
}
