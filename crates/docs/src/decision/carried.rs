//! What answers carry because of their reason: each field, with the statuses that have a reason for it.

use super::column::{LEADING, WORDS};
use super::pill::{self, PILL_WIDTH, class_of, push_pill};
use crate::run::Run;
use crate::svg::{Canvas, Font, length};
use std::collections::{BTreeMap, BTreeSet};
use verdict_core::decide::respond;
use verdict_core::{Method, Reason, Status};

const FIELD: Font = Font { class: "field", size: 13.0 };
/// So many statuses stand in one row.
const IN_A_ROW: usize = 4;

/// A field, or what is left out.
pub(super) struct Carried {
    words: &'static str,
    statuses: Vec<Status>,
}

/// The fields in alphabetical order, and last what ends with its head.
pub(super) fn carried(run: &Run) -> Vec<Carried> {
    let mut fields: BTreeMap<&str, BTreeSet<Status>> = BTreeMap::new();
    let mut without_content: BTreeSet<Status> = BTreeSet::new();
    // What is configured or passed on brings its own.
    let own = |reason: Reason| Some((reason, reason.entry().status?));
    for (reason, status) in run.all_reasons().filter_map(own) {
        let answer = respond(reason, Method::Get);
        let close = answer.closes.then_some("Connection: close");
        for field in answer.required.iter().map(|field| field.name()).chain(close) {
            fields.entry(field).or_default().insert(status);
        }
        if !answer.content {
            without_content.insert(status);
        }
    }
    let all = fields.into_iter().chain([("no content", without_content)]);
    all.map(|(words, statuses)| Carried { words, statuses: statuses.into_iter().collect() }).collect()
}

impl Carried {
    pub(super) fn height(&self) -> f64 {
        FIELD.size * LEADING + 4.0 + length(self.statuses.len().div_ceil(IN_A_ROW)) * pill::ROW
    }

    /// Draws it with its upper left corner here, in the column of a stage.
    pub(super) fn draw(&self, canvas: &mut Canvas, x: f64, y: f64) {
        let id = self.words.to_lowercase().replace(": ", "-").replace(' ', "-");
        canvas.push(&format!("<g id=\"carried-{id}\">"));
        canvas.text(x + WORDS, y + FIELD.size, FIELD, self.words);
        let top = y + FIELD.size * LEADING + 4.0;
        for (at, status) in self.statuses.iter().enumerate() {
            let left = x + WORDS + length(at % IN_A_ROW) * (PILL_WIDTH + 6.0);
            let base = top + length(at / IN_A_ROW) * pill::ROW + pill::BASE;
            canvas.push(&format!("<g class=\"{}\">", class_of(Some(status.class()))));
            push_pill(canvas, left, base, &status.to_string());
            canvas.push("</g>");
        }
        canvas.push("</g>");
    }
}
