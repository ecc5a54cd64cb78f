//! Tables: columns as wide as they need to be, and where the screen is too narrow, cells of several lines.

use crate::screen::{Screen, Style, wrap};

/// Between two columns.
const GAP: usize = 2;

/// Rows of cells under one set of column widths.
pub(crate) struct Table {
    indent: usize,
    lines: Vec<Line>,
}

enum Line {
    /// One cell a column, each in a style of its own where there is one.
    Row(Vec<(Option<Style>, String)>),
    /// Text across all columns, after an empty line.
    Heading(Style, String),
}

impl Table {
    /// An empty table, all of it so many columns from the left.
    pub(crate) fn new(indent: usize) -> Table {
        Table { indent, lines: Vec::new() }
    }

    /// Adds a row whose cells all look alike.
    pub(crate) fn row<C: Into<String>>(&mut self, style: Option<Style>, cells: impl IntoIterator<Item = C>) {
        self.lines.push(Line::Row(cells.into_iter().map(|cell| (style, cell.into())).collect()));
    }

    /// Adds a row whose first cell is its name.
    pub(crate) fn named_row<C: Into<String>>(&mut self, style: Style, name: &str, cells: impl IntoIterator<Item = C>) {
        let name = (Some(style), name.to_owned());
        let cells = cells.into_iter().map(|cell| (None, cell.into()));
        self.lines.push(Line::Row(std::iter::once(name).chain(cells).collect()));
    }

    /// Adds a line across all columns.
    pub(crate) fn heading(&mut self, style: Style, text: impl Into<String>) {
        self.lines.push(Line::Heading(style, text.into()));
    }

    /// The table as text, no wider than the screen unless a single word is.
    pub(crate) fn render(&self, screen: &Screen) -> String {
        let widths = self.widths(screen.width.saturating_sub(self.indent));
        let mut out = String::new();
        for line in &self.lines {
            match line {
                Line::Row(cells) => self.push_row(&mut out, cells, &widths, screen),
                Line::Heading(style, text) => {
                    out.push('\n');
                    for part in wrap(text, screen.width) {
                        out.push_str(&screen.paint(*style, &part));
                        out.push('\n');
                    }
                }
            }
        }
        out
    }

    fn push_row(&self, out: &mut String, cells: &[(Option<Style>, String)], widths: &[usize], screen: &Screen) {
        let wrapped: Vec<Vec<String>> = cells.iter().zip(widths).map(|((_, cell), width)| wrap(cell, *width)).collect();
        let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
        for at in 0..height {
            // Spaces are owed until something follows them, so that no line ends in any.
            let mut owed = self.indent;
            for (column, ((style, _), lines)) in cells.iter().zip(&wrapped).enumerate() {
                let text = lines.get(at).map_or("", String::as_str);
                if !text.is_empty() {
                    out.extend(std::iter::repeat_n(' ', std::mem::take(&mut owed)));
                    out.push_str(&style.map_or_else(|| text.to_owned(), |style| screen.paint(style, text)));
                }
                owed += (widths[column] + GAP).saturating_sub(text.chars().count());
            }
            out.push('\n');
        }
    }

    /// Each column's width: that of its longest cell, or, where that is too much, the widest ones narrowed, though never
    /// below their longest word.
    fn widths(&self, available: usize) -> Vec<usize> {
        let mut natural: Vec<usize> = Vec::new();
        let mut least: Vec<usize> = Vec::new();
        for cells in self.lines.iter().filter_map(Line::cells) {
            natural.resize(natural.len().max(cells.len()), 0);
            least.resize(natural.len(), 0);
            for (column, (_, cell)) in cells.iter().enumerate() {
                let longest_word = cell.split(' ').map(|word| word.chars().count()).max().unwrap_or(0);
                natural[column] = natural[column].max(cell.chars().count());
                least[column] = least[column].max(longest_word);
            }
        }
        let mut widths = natural;
        let available = available.saturating_sub(GAP * widths.len().saturating_sub(1));
        while widths.iter().sum::<usize>() > available {
            let narrowable = (0..widths.len()).filter(|column| widths[*column] > least[*column]);
            let Some(widest) = narrowable.max_by_key(|column| widths[*column]) else { break };
            widths[widest] -= 1;
        }
        widths
    }
}

impl Line {
    fn cells(&self) -> Option<&[(Option<Style>, String)]> {
        match self {
            Line::Row(cells) => Some(cells),
            Line::Heading(..) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(1);
        table.row(None, ["", "left", "right"]);
        table.row(None, ["a", "one two three", ""]);
        table.heading(Style::Strong, "more");
        table.row(None, ["b", "", "four five"]);
        table
    }

    #[test]
    fn columns_stand_under_each_other_and_no_line_ends_in_a_space() {
        let wide = Screen::paper(80);
        assert_eq!(
            table().render(&wide),
            "    left           right\n a  one two three\n\nmore\n b                 four five\n"
        );
    }

    #[test]
    fn where_there_is_no_room_the_widest_column_is_narrowed_first() {
        let narrow = Screen::paper(24);
        assert_eq!(
            table().render(&narrow),
            "    left       right\n a  one two\n    three\n\nmore\n b             four five\n"
        );
    }

    #[test]
    fn a_word_is_never_broken() {
        let none = Screen::paper(1);
        assert_eq!(
            table().render(&none),
            "    left   right\n a  one\n    two\n    three\n\nmore\n b         four\n           five\n"
        );
    }
}
