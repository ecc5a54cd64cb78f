//! One stage: its head, and below it what it asks, with the ways out. The last stage asks nothing: it has what answers carry.

use super::carried::{Carried, carried};
use super::way_out::{WayOut, by_status};
use crate::run::{Out, Run};
use crate::svg::{Canvas, Font, Px, length, wrap};
use verdict_core::{Question, Stage};

/// Where the line runs, from the left edge, and where words begin.
pub(super) const LINE: f64 = 7.0;
pub(super) const WORDS: f64 = 22.0;

const STAGE: Font = Font { class: "stage", size: 19.0 };
const ASKS: Font = Font { class: "soft", size: 13.0 };
pub(super) const QUESTION: Font = Font { class: "question", size: 13.0 };
const ANSWER: Font = Font { class: "answer", size: 11.0 };

/// From a line of text to the next, by its font.
pub(super) const LEADING: f64 = 1.3;
/// What lies between a question and its ways out, and between two questions.
const AIR: f64 = 4.0;
const GAP: f64 = 13.0;
/// The head has room for a name and three lines.
const HEAD: f64 = 84.0;

/// The width of a stage, and of one with so many reasons that its longer lists stand in two columns.
const NARROW: f64 = 206.0;
const WIDE: f64 = 352.0;
const MANY_REASONS: usize = 40;

/// A stage, ready to be drawn.
pub(super) struct Column {
    stage: Stage,
    width: f64,
    parts: Vec<Part>,
}

enum Part {
    Asked(Asked),
    Carried(Carried),
}

/// A question with its ways out; or what is told before the final answer, which is not asked but happens.
struct Asked {
    question: Option<Question>,
    /// Whether every request that comes so far is asked.
    always: bool,
    lines: Vec<String>,
    /// The ways out by "no" and by "yes".
    no: Vec<WayOut>,
    yes: Vec<WayOut>,
}

impl Column {
    /// What the run says of a stage.
    pub(super) fn of(run: &Run, stage: Stage) -> Column {
        let reasons = run.all_reasons().filter(|reason| reason.entry().stage == stage).count();
        let width = if reasons > MANY_REASONS { WIDE } else { NARROW };
        let mut parts = Vec::new();
        if stage == Stage::Process {
            parts.push(Part::Asked(Asked::interim(run, width)));
        }
        let questions = Question::ALL.iter().filter(|question| question.stage() == stage);
        parts.extend(questions.map(|question| Part::Asked(Asked::of(run, *question, width))));
        if stage == Stage::Respond {
            parts.extend(carried(run).into_iter().map(Part::Carried));
        }
        Column { stage, width, parts }
    }

    pub(super) const fn name(&self) -> &'static str {
        self.stage.name()
    }

    /// From the left edge to the right one.
    pub(super) const fn width(&self) -> f64 {
        self.width
    }

    /// From the head to the foot.
    pub(super) fn height(&self) -> f64 {
        HEAD + self.parts.iter().map(|part| part.height() + GAP).sum::<f64>()
    }

    /// Draws it with its upper left corner here.
    pub(super) fn draw(&self, canvas: &mut Canvas, x: f64, y: f64) {
        let name = self.stage.name();
        canvas.push(&format!("<g id=\"stage-{name}\" class=\"stage-group\">"));
        canvas.text(x + WORDS, y + 17.0, STAGE, name);
        let asks = wrap(self.stage.question(), ASKS.size, self.width - WORDS, false);
        draw_lines(canvas, x + WORDS, y + 37.0, ASKS, &asks);
        let mut top = y + HEAD;
        for part in &self.parts {
            match part {
                Part::Asked(asked) => asked.draw(canvas, x, top),
                Part::Carried(carried) => carried.draw(canvas, x, top),
            }
            top += part.height() + GAP;
        }
        canvas.push("</g>");
    }
}

impl Part {
    fn height(&self) -> f64 {
        match self {
            Part::Asked(asked) => asked.height(),
            Part::Carried(carried) => carried.height(),
        }
    }
}

impl Asked {
    fn of(run: &Run, question: Question, width: f64) -> Asked {
        let ways = |yes| {
            let out = Out { question, yes };
            by_status(run, run.reasons(out), Some(out), width)
        };
        Asked {
            question: Some(question),
            always: run.is_always_asked(question),
            lines: wrap(question.words(), QUESTION.size, width - WORDS, false),
            no: ways(false),
            yes: ways(true),
        }
    }

    fn interim(run: &Run, width: f64) -> Asked {
        Asked {
            question: None,
            always: false,
            lines: wrap("meanwhile, before the final answer:", QUESTION.size, width - WORDS, false),
            no: by_status(run, run.interims(), None, width),
            yes: Vec::new(),
        }
    }

    fn height(&self) -> f64 {
        let lines = length(self.lines.len()) * QUESTION.size * LEADING + AIR;
        let label = if self.yes.is_empty() { 0.0 } else { ANSWER.size * LEADING };
        lines + label + self.no.iter().chain(&self.yes).map(WayOut::height).sum::<f64>()
    }

    fn draw(&self, canvas: &mut Canvas, x: f64, y: f64) {
        let id = self.question.map_or_else(|| "interim".to_owned(), |question| format!("question-{}", id_of(question)));
        canvas.push(&format!("<g id=\"{id}\" class=\"question-group\">"));
        draw_lines(canvas, x + WORDS, y + QUESTION.size, QUESTION, &self.lines);
        let mut top = y + length(self.lines.len()) * QUESTION.size * LEADING + AIR;
        for way in &self.no {
            way.draw(canvas, x, top);
            top += way.height();
        }
        if !self.yes.is_empty() {
            canvas.text(x + WORDS, top + ANSWER.size - 1.0, ANSWER, "yes");
            top += ANSWER.size * LEADING;
        }
        for way in &self.yes {
            way.draw(canvas, x, top);
            top += way.height();
        }
        // After the branches, so that it lies on them.
        if self.question.is_some() {
            let class = if self.always { "node always" } else { "node" };
            let (x, y) = (Px(x + LINE), Px(y + QUESTION.size * 0.65));
            canvas.push(&format!("<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"5\"/>"));
        }
        canvas.push("</g>");
    }
}

/// Lines of text below each other, of which the first stands on `y`.
fn draw_lines(canvas: &mut Canvas, x: f64, y: f64, font: Font, lines: &[String]) {
    for (at, line) in lines.iter().enumerate() {
        canvas.text(x, y + length(at) * font.size * LEADING, font, line);
    }
}

/// The name of a question in ids: `if-match`.
pub(super) fn id_of(question: Question) -> String {
    let mut out = String::new();
    for c in format!("{question:?}").chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
