//! A status in a box, coloured by its class.

use crate::svg::{Canvas, Font, Px, escape, width};
use verdict_core::status::Class;

const CODE: Font = Font { class: "code", size: 11.5 };
pub(super) const PILL_WIDTH: f64 = 36.0;
const PILL_HEIGHT: f64 = 17.0;
/// The height of a row of boxes, and from its top to the line that the text stands on.
pub(super) const ROW: f64 = 22.0;
pub(super) const BASE: f64 = 13.0;

/// The middle of a box whose text stands on `y`.
pub(super) fn middle(y: f64) -> f64 {
    y - CODE.size * 0.36
}

/// A status in a box whose left edge is at `x`, with its text standing on `y`. The group around it has the [`class_of`] it.
pub(super) fn push_pill(canvas: &mut Canvas, x: f64, y: f64, words: &str) {
    canvas.occupy(x + (PILL_WIDTH - width(words, CODE.size)) / 2.0, y, CODE, words);
    let (left, top) = (Px(x), Px(middle(y) - PILL_HEIGHT / 2.0));
    canvas.push(&format!(
        "<rect class=\"pill\" x=\"{left}\" y=\"{top}\" width=\"{PILL_WIDTH}\" height=\"{PILL_HEIGHT}\" rx=\"5\"/>"
    ));
    let (center, base, words) = (Px(x + PILL_WIDTH / 2.0), Px(y), escape(words));
    let Font { class, size } = CODE;
    canvas.push(&format!(
        "<text class=\"{class}\" font-size=\"{size}\" text-anchor=\"middle\" x=\"{center}\" y=\"{base}\">{words}</text>"
    ));
}

/// The class of a status in the style sheet; that of any status where it is not known.
pub(super) const fn class_of(class: Option<Class>) -> &'static str {
    match class {
        Some(Class::Informational) => "c1",
        Some(Class::Successful) => "c2",
        Some(Class::Redirection) => "c3",
        Some(Class::ClientError) => "c4",
        Some(Class::ServerError) => "c5",
        None => "cx",
    }
}
