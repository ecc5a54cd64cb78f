//! A way out: a branch of the line to one status, and beside it the reasons that lead there.

use super::column::{LINE, WORDS, id_of};
use super::pill::{self, PILL_WIDTH, class_of, push_pill};
use crate::run::{Out, Run};
use crate::svg::{Canvas, Font, Px, escape, length, wrap};
use std::fmt::Write;
use verdict_core::explain::{Evidence, sentence};
use verdict_core::status::Class;
use verdict_core::{Reason, Status};

const ID: Font = Font { class: "id", size: 10.5 };
const ID_ROW: f64 = 13.5;
/// Where the ids begin, from the left edge of the stage.
const IDS: f64 = WORDS + PILL_WIDTH + 6.0;
/// A list of more reasons than this stands in two columns, where they have room.
const LONG_LIST: usize = 4;
const TWO_COLUMNS: f64 = 250.0;

/// One status of one answer.
pub(super) struct WayOut {
    id: String,
    /// The class of the status, and the status; `any` where the reason does not say which.
    class: Option<Class>,
    words: String,
    /// It comes before the final answer.
    interim: bool,
    /// This version has none of its reasons to give.
    later: bool,
    /// The reasons, in one column or in two, each from top to bottom; and how far it is from one to the other.
    columns: Vec<Vec<Named>>,
    stride: f64,
}

/// A reason with its id in lines.
struct Named {
    reason: Reason,
    /// The id of the element. A reason that is on two ways out has one for each.
    element: String,
    lines: Vec<String>,
    given: bool,
}

/// The ways out of one answer, or those before the final one: the reasons by their status, in the order in which the first of
/// each is decided. `width` is that of the stage.
pub(super) fn by_status(run: &Run, reasons: impl Iterator<Item = Reason>, out: Option<Out>, width: f64) -> Vec<WayOut> {
    let mut lists: Vec<(Option<Status>, Vec<Reason>)> = Vec::new();
    for reason in reasons {
        let status = reason.entry().status;
        match lists.iter_mut().find(|(known, _)| *known == status) {
            Some((_, list)) => list.push(reason),
            None => lists.push((status, vec![reason])),
        }
    }
    lists.into_iter().map(|(status, list)| WayOut::of(run, status, &list, out, width - IDS)).collect()
}

impl WayOut {
    fn of(run: &Run, status: Option<Status>, list: &[Reason], out: Option<Out>, room: f64) -> WayOut {
        let two = list.len() > LONG_LIST && room > TWO_COLUMNS;
        let stride = room / 2.0;
        let room = if two { stride - 4.0 } else { room };
        let named = list.iter().map(|reason| Named::of(run, *reason, out, room)).collect();
        let words = status.map_or_else(|| "any".to_owned(), |status| status.to_string());
        let from = match out {
            Some(Out { question, yes }) => format!("{}-{}", id_of(question), if yes { "yes" } else { "no" }),
            None => "interim".to_owned(),
        };
        WayOut {
            id: format!("out-{from}-{words}"),
            class: status.map(Status::class),
            words,
            interim: out.is_none(),
            later: !list.iter().any(|reason| run.is_given(*reason)),
            columns: if two { halves(named) } else { vec![named] },
            stride,
        }
    }

    pub(super) fn height(&self) -> f64 {
        let lines = self.columns.iter().map(|column| lines_of(column)).max().unwrap_or(0);
        (length(lines) * ID_ROW + 6.0).max(pill::ROW)
    }

    /// Draws it with the upper left corner of its row here.
    pub(super) fn draw(&self, canvas: &mut Canvas, x: f64, y: f64) {
        let later = if self.later { " later" } else { "" };
        canvas.push(&format!("<g id=\"{}\" class=\"out {}{later}\">", self.id, class_of(self.class)));
        let base = y + pill::BASE;
        let aside = if self.interim { " aside" } else { "" };
        let (from, to, high) = (Px(x + LINE), Px(x + WORDS), Px(pill::middle(base) - 6.0));
        canvas.push(&format!("<path class=\"branch{aside}\" d=\"M {from} {high} q 0 6 6 6 H {to}\"/>"));
        push_pill(canvas, x + WORDS, base, &self.words);
        for (at, column) in self.columns.iter().enumerate() {
            let mut line = base;
            for named in column {
                named.draw(canvas, x + IDS + length(at) * self.stride, line, self.later);
                line += ID_ROW * length(named.lines.len());
            }
        }
        canvas.push("</g>");
    }
}

impl Named {
    fn of(run: &Run, reason: Reason, out: Option<Out>, room: f64) -> Named {
        // The first of its ways out has the plain id.
        let first = run.outs_of(reason).first().copied();
        let element = match out {
            Some(out) if first != Some(out) => format!("reason-{reason}-at-{}", id_of(out.question)),
            _ => format!("reason-{reason}"),
        };
        Named { reason, element, lines: wrap(reason.id(), ID.size, room, true), given: run.is_given(reason) }
    }

    /// Writes its id, with its sentence for whoever points at it. What is `later` with all of its way out is not made paler
    /// once more.
    fn draw(&self, canvas: &mut Canvas, x: f64, y: f64, later: bool) {
        let mut told = format!("{} ({})", sentence(self.reason, Evidence::default()), self.reason.entry().section);
        if !self.given {
            told.push_str(" Not given by this version yet.");
        }
        let paler = if self.given || later { "" } else { " later" };
        let mut spans = String::new();
        for (at, line) in self.lines.iter().enumerate() {
            let base = y + length(at) * ID_ROW;
            canvas.occupy(x, base, ID, line);
            let _ = write!(spans, "<tspan x=\"{}\" y=\"{}\">{}</tspan>", Px(x), Px(base), escape(line));
        }
        canvas.push(&format!(
            "<text id=\"{}\" class=\"{} reason{paler}\" font-size=\"{}\"><title>{}</title>{spans}</text>",
            self.element,
            ID.class,
            ID.size,
            escape(&told)
        ));
    }
}

/// The list in two columns of about the same number of lines.
fn halves(mut list: Vec<Named>) -> Vec<Vec<Named>> {
    let all = lines_of(&list);
    let at = (0..list.len()).find(|at| 2 * lines_of(&list[..*at]) >= all).unwrap_or(list.len());
    let rest = list.split_off(at);
    vec![list, rest]
}

fn lines_of(column: &[Named]) -> usize {
    column.iter().map(|named| named.lines.len()).sum()
}
