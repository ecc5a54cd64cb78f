//! Where a key stands in the text of a config.

use toml::de::{DeTable, DeValue};

/// The text of a config, to look up the lines of its keys in. Empty for a config that is in no file.
pub(super) struct Lines {
    text: String,
}

impl Lines {
    pub(super) fn new(text: String) -> Lines {
        Lines { text }
    }

    /// The line, from one, of the key at the end of this way of keys: a route's own, or else that of the top level.
    /// `None` where neither has it, so that its default holds.
    pub(super) fn of_key(&self, route: Option<&str>, keys: &[&str]) -> Option<usize> {
        // The config was read from the same text, so that it is known to be well-formed.
        let document = DeTable::parse(&self.text).ok()?;
        let of_route = || route.and_then(|route| self.line(document.get_ref(), &[&["route", route], keys].concat()));
        of_route().or_else(|| self.line(document.get_ref(), keys))
    }

    fn line(&self, table: &DeTable<'_>, keys: &[&str]) -> Option<usize> {
        let (key, rest) = keys.split_first()?;
        let (found, value) = table.get_key_value(*key)?;
        match (rest, value.get_ref()) {
            ([], _) => self.text.get(..found.span().start).map(|before| 1 + before.matches('\n').count()),
            (rest, DeValue::Table(table)) => self.line(table, rest),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
[limits]
body = \"1MiB\"
target = \"1KiB\"

[route.\"/{path...}\"]
files = { root = \"public\",
          listing = true }
limits = { body = \"2MiB\" }

[route.\"/x\"]
files = \"public\"
";

    #[test]
    fn a_routes_own_key_comes_before_that_of_the_top_level() {
        let cases: &[(Option<&str>, &[&str], Option<usize>)] = &[
            (Some("/{path...}"), &["limits", "body"], Some(8)),
            (Some("/{path...}"), &["limits", "target"], Some(3)),
            (Some("/{path...}"), &["limits", "fields"], None),
            (Some("/{path...}"), &["files", "listing"], Some(7)),
            (Some("/x"), &["limits", "body"], Some(2)),
            (Some("/x"), &["files"], Some(11)),
            (Some("/x"), &["files", "listing"], None),
            (None, &["limits", "body"], Some(2)),
            (None, &[], None),
        ];
        for (route, keys, line) in cases {
            assert_eq!(Lines::new(TEXT.to_owned()).of_key(*route, keys), *line, "{route:?} {keys:?}");
        }
    }

    #[test]
    fn a_config_without_text_has_no_lines() {
        assert_eq!(Lines::new(String::new()).of_key(None, &["limits"]), None);
    }
}
