//! Markdown as GitHub reads it: texts that stay what they are, tables, links to RFCs.

use std::fmt::Write;

/// A text of the tables: what stands in backticks is code, and everything else is no markup.
pub(crate) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        match c {
            '`' => inside = !inside,
            '\\' | '*' | '_' | '[' | ']' | '<' | '>' | '~' | '$' if !inside => out.push('\\'),
            _ => {}
        }
        out.push(c);
    }
    out
}

/// A table. The cells are Markdown already.
pub(crate) fn push_table(out: &mut String, head: &[String], rows: impl IntoIterator<Item = Vec<String>>) {
    push_row(out, head);
    push_row(out, &vec!["---".to_owned(); head.len()]);
    for row in rows {
        push_row(out, &row);
    }
    out.push('\n');
}

fn push_row(out: &mut String, cells: &[String]) {
    for cell in cells {
        // In a table even code ends at a bar, unless it is escaped.
        let _ = write!(out, "| {} ", cell.replace('|', "\\|"));
    }
    out.push_str("|\n");
}

/// A section such as `RFC 9110 §15.5.1`, as a link where it is one of an RFC.
pub(crate) fn section(name: &str) -> String {
    let linked = name.strip_prefix("RFC ").and_then(|rest| rest.split_once(" §"));
    match linked {
        Some((rfc, section)) => format!("[{name}](https://www.rfc-editor.org/rfc/rfc{rfc}#section-{section})"),
        None => name.to_owned(),
    }
}

/// A place that links can lead to.
pub(crate) fn anchor(id: &str) -> String {
    format!("<a id=\"{id}\"></a>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_what_it_is() {
        let cases = [
            ("Send `*` alone.", "Send `*` alone."),
            ("Accept */* or <a>.", "Accept \\*/\\* or \\<a\\>."),
            ("Use ! # $ ^ _ | ~ only.", "Use ! # \\$ ^ \\_ | \\~ only."),
        ];
        for (plain, written) in cases {
            assert_eq!(text(plain), written);
        }
    }

    #[test]
    fn a_bar_in_a_cell_does_not_end_it() {
        let mut out = String::new();
        push_table(&mut out, &["a".to_owned()], [vec!["`x|y`".to_owned()]]);
        assert_eq!(out, "| a |\n| --- |\n| `x\\|y` |\n\n");
    }

    #[test]
    fn a_section_of_an_rfc_is_a_link() {
        let link = "[RFC 9110 §15.5.1](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.1)";
        assert_eq!(section("RFC 9110 §15.5.1"), link);
        assert_eq!(section("URL §5.1"), "URL §5.1");
    }
}
