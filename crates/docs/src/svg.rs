//! A drawing in SVG that knows where its texts are: their widths are taken from a wide font, so that what fits there fits in
//! whatever the reader's system has.

use std::fmt::{self, Display, Formatter};
use verdict_core::explain::push_html;

/// The room that a text takes up, in pixels.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Room {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
}

impl Room {
    #[cfg(test)]
    pub(crate) fn meets(&self, other: &Room) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }
}

/// A style of text: its class in the style sheet, and its size in pixels.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Font {
    pub(crate) class: &'static str,
    pub(crate) size: f64,
}

/// What has been drawn so far.
#[derive(Default)]
pub(crate) struct Canvas {
    elements: String,
    rooms: Vec<(Room, String)>,
}

impl Canvas {
    /// Appends markup as it is.
    pub(crate) fn push(&mut self, markup: &str) {
        self.elements.push_str(markup);
        self.elements.push('\n');
    }

    /// Writes one line of text that begins at `x` and stands on `y`.
    pub(crate) fn text(&mut self, x: f64, y: f64, font: Font, text: &str) {
        self.occupy(x, y, font, text);
        let Font { class, size } = font;
        let (x, y, text) = (Px(x), Px(y), escape(text));
        self.push(&format!("<text class=\"{class}\" font-size=\"{size}\" x=\"{x}\" y=\"{y}\">{text}</text>"));
    }

    /// Keeps the room of a line of text that is drawn with other markup.
    pub(crate) fn occupy(&mut self, x: f64, y: f64, font: Font, text: &str) {
        let room =
            Room { left: x, top: y - font.size * 0.8, right: x + width(text, font.size), bottom: y + font.size * 0.22 };
        self.rooms.push((room, text.to_owned()));
    }

    /// Everything that was drawn.
    pub(crate) fn elements(&self) -> &str {
        &self.elements
    }

    /// The room of each text, with the text.
    #[cfg(test)]
    pub(crate) fn rooms(&self) -> &[(Room, String)] {
        &self.rooms
    }
}

/// The text as it stands in SVG, which has HTML's references.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_html(&mut out, text);
    out
}

/// How wide a line of text is at most, in pixels: the widths of DejaVu Sans, which is wider than what most systems have.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(|c| em(c) * size).sum()
}

/// In the font's size, rounded up.
fn em(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | ' ' | '|' | '`' => 0.33,
        'f' | 't' | 'r' | '-' | '(' | ')' | 'I' | '/' => 0.42,
        'm' | 'w' | 'M' | 'W' => 0.99,
        'A'..='Z' => 0.78,
        _ => 0.64,
    }
}

/// The text in lines of at most this width, broken at spaces and, where `hyphens`, after hyphens. A word that is wider by itself
/// has a line of its own.
pub(crate) fn wrap(text: &str, size: f64, room: f64, hyphens: bool) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_inclusive(|c| c == ' ' || hyphens && c == '-') {
        match lines.last_mut() {
            Some(line) if width(format!("{line}{word}").trim_end(), size) <= room => line.push_str(word),
            _ => lines.push(word.to_owned()),
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// A number of lines or of columns, to be multiplied with the room that one takes up.
pub(crate) fn length(count: usize) -> f64 {
    // There are never so many; and if there were, the picture would be wrong, not the program.
    f64::from(u16::try_from(count).unwrap_or(u16::MAX))
}

/// A coordinate as it is written: to a hundredth of a pixel.
#[derive(Clone, Copy)]
pub(crate) struct Px(pub(crate) f64);

impl Display for Px {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", (self.0 * 100.0).round() / 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_wrapped_where_it_may_be() {
        let cases = [
            ("does it hold?", 1000.0, false, &["does it hold?"][..]),
            ("does it hold?", 60.0, false, &["does it", "hold?"]),
            ("if-match-failed", 60.0, true, &["if-match-", "failed"]),
            ("if-match-failed", 60.0, false, &["if-match-failed"]),
        ];
        for (text, room, hyphens, lines) in cases {
            assert_eq!(wrap(text, 10.0, room, hyphens), lines, "{text}");
        }
    }

    #[test]
    fn a_coordinate_is_short() {
        for (exact, written) in [(17.0, "17"), (0.1 + 0.2, "0.3"), (12.345_678, "12.35")] {
            assert_eq!(Px(exact).to_string(), written);
        }
    }

    #[test]
    fn no_text_becomes_markup() {
        assert_eq!(escape("<a & \"b\">"), "&lt;a &amp; &quot;b&quot;&gt;");
    }
}
