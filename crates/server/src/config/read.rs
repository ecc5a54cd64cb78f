//! From TOML values to Rust ones: each form that a value can have, with the error for the value that does not have it.

use super::place::{self, Place};
use super::report::Findings;
use super::suggest::suggest;
use super::units::{self, Form, Wrong};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub(super) type Value<'t> = Spanned<DeValue<'t>>;

/// One config being read. Readers return `None` once they have said what is wrong, and reading goes on with the next key.
pub(super) struct Reader<'t> {
    pub(super) text: &'t str,
    /// What relative paths are relative to.
    pub(super) folder: &'t Path,
    pub(super) findings: Findings,
    /// The canonical paths of the files that the config names.
    pub(super) named_files: Vec<PathBuf>,
}

/// A table whose keys are asked for one by one.
pub(super) struct Table<'a, 't> {
    place: Place,
    entries: &'a DeTable<'t>,
    /// The keys that this table takes.
    known: Vec<&'static str>,
    /// The keys that it does not take, and has said so.
    refused: Vec<&'static str>,
}

/// A key that is there, and its value.
#[derive(Clone)]
pub(super) struct Entry<'a, 't> {
    pub(super) key: &'static str,
    pub(super) key_span: Range<usize>,
    pub(super) value: &'a Value<'t>,
}

/// Whether a quantity can be nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Zero {
    Taken,
    Refused,
}

impl<'a, 't> Table<'a, 't> {
    pub(super) fn new(place: Place, entries: &'a DeTable<'t>) -> Table<'a, 't> {
        Table { place, entries, known: Vec::new(), refused: Vec::new() }
    }

    /// Asks for a key, and so makes it one that is known here.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Entry<'a, 't>> {
        self.known.push(key);
        self.get(key)
    }

    /// Asks for a key that has no place here, to say so in words of its own.
    pub(super) fn take_refused(&mut self, key: &'static str) -> Option<Entry<'a, 't>> {
        self.refused.push(key);
        self.get(key)
    }

    fn get(&self, key: &'static str) -> Option<Entry<'a, 't>> {
        let (found, value) = self.entries.get_key_value(key)?;
        Some(Entry { key, key_span: found.span(), value })
    }

    /// Every key has been asked for that can be here: what is left is wrong.
    pub(super) fn finish(self, reader: &mut Reader<'_>) {
        for (key, _) in self.entries.iter() {
            let name: &str = key.get_ref();
            if self.known.contains(&name) || self.refused.contains(&name) {
                continue;
            }
            let help = self.help_for_unknown(name);
            let error = reader.findings.error(key.span(), format!("unknown key `{}`", name.escape_debug()));
            error.label(format!("not a key {}", self.place.in_words())).help(help);
        }
    }

    fn help_for_unknown(&self, name: &str) -> String {
        if let Some(own) = of_nginx(name) {
            return format!("`{name}` is {own} here");
        }
        // The right key in the wrong place is nearer than another key that is spelt like it; but these two are words of any place.
        if let Some(place) =
            place::belongs(name).filter(|_| !(self.place == Place::Timeout && matches!(name, "read" | "write")))
        {
            return format!("`{name}` belongs {}", place.in_words());
        }
        if let Some(close) = suggest(name, self.known.iter().copied()) {
            return format!("did you mean `{close}`?");
        }
        if self.place == Place::Top && name.contains('/') {
            return format!("a route is written `[route.\"{}\"]`", name.escape_debug());
        }
        let known: Vec<_> = self.known.iter().map(|key| format!("`{key}`")).collect();
        format!("the keys {} are {}", self.place.in_words(), known.join(", "))
    }
}

/// What nginx calls otherwise.
fn of_nginx(name: &str) -> Option<&'static str> {
    Some(match name {
        "proxy_pass" => "`proxy`",
        "location" => "a route, and `/app/` is `[route.\"/app/{path...}\"]`,",
        "upstream" => "the list in a route's `proxy`",
        "server" => {
            "not needed: `listen` is at the top, and a host is a part of a route's pattern, as in `[route.\"a.example/\"]`,"
        }
        "alias" => "`files`",
        "try_files" => "`files = { fallback = \"…\" }`",
        "return" | "rewrite" => "`redirect` or `respond`",
        "client_max_body_size" => "`limits = { body = \"10MiB\" }`",
        "limit_req" => "`rate = \"10/s per client\"`",
        "limit_conn" => "`concurrency`",
        "auth_basic" | "auth_basic_user_file" => "`auth`, with a table `[auth.NAME]`",
        "add_header" => "`headers`",
        "error_page" => "`pages`",
        "access_log" => "`log`",
        "proxy_read_timeout" => "`timeout = { first-byte = \"1m\", idle = \"5m\" }`",
        "proxy_connect_timeout" => "`timeout = { connect = \"5s\" }`",
        "ssl_certificate" => "`certificate` in `[tls]`",
        "ssl_certificate_key" => "`key` in `[tls]`",
        "worker_processes" => "`workers`",
        "keepalive_timeout" => "`limits = { idle = \"75s\" }`",
        _ => return None,
    })
}

impl Entry<'_, '_> {
    pub(super) fn span(&self) -> Range<usize> {
        self.value.span()
    }
}

impl Reader<'_> {
    /// The bytes of the config that `at` within a string's or a key's text stands for; all of it where the text was written
    /// with escapes, which shift it.
    pub(super) fn within(&self, span: Range<usize>, text: &str, at: Range<usize>) -> Range<usize> {
        let written = &self.text[span.clone()];
        let quotes = match written.len().checked_sub(text.len()) {
            Some(0) if written == text => 0,
            Some(2) if &written[1..written.len() - 1] == text => 1,
            _ => return span,
        };
        let start = span.start + quotes + at.start;
        start..start + at.len()
    }

    pub(super) fn string<'a>(&mut self, entry: &Entry<'a, '_>, what: &str, example: &str) -> Option<&'a str> {
        match entry.value.get_ref() {
            DeValue::String(text) => Some(text),
            _ => self.other_type(entry, what, &format!("\"{example}\"")),
        }
    }

    pub(super) fn boolean(&mut self, entry: &Entry<'_, '_>) -> Option<bool> {
        match entry.value.get_ref() {
            DeValue::Boolean(value) => Some(*value),
            _ => self.other_type(entry, "a boolean", "true"),
        }
    }

    /// A whole number within a range that both ends belong to.
    pub(super) fn integer(&mut self, entry: &Entry<'_, '_>, range: Range<u64>, example: &str) -> Option<u64> {
        let DeValue::Integer(integer) = entry.value.get_ref() else {
            return self.other_type(entry, "an integer", example);
        };
        let number = u64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let fits = number.filter(|number| (range.start..=range.end).contains(number));
        if fits.is_none() {
            let message = format!("`{}` is from {} to {}, not {integer}", entry.key, range.start, range.end);
            self.findings.error(entry.span(), message).help(format!("write it as in `{} = {example}`", entry.key));
        }
        fits
    }

    pub(super) fn duration(&mut self, entry: &Entry<'_, '_>, zero: Zero) -> Option<Duration> {
        let longest = units::LONGEST.as_millis() as u64;
        self.quantity(entry, &units::DURATION, zero, longest, "36500d").map(Duration::from_millis)
    }

    pub(super) fn size(&mut self, entry: &Entry<'_, '_>, zero: Zero) -> Option<u64> {
        self.quantity(entry, &units::SIZE, zero, units::LARGEST, "1048576TiB")
    }

    pub(super) fn rate(&mut self, entry: &Entry<'_, '_>) -> Option<u64> {
        self.quantity(entry, &units::RATE, Zero::Taken, units::LARGEST, "1048576TiB/s")
    }

    fn quantity(
        &mut self,
        entry: &Entry<'_, '_>,
        form: &Form,
        zero: Zero,
        most: u64,
        most_in_words: &str,
    ) -> Option<u64> {
        let text = self.string(entry, form.what, form.example)?;
        let value = match form.parse(text) {
            Ok(0) if zero == Zero::Refused => {
                let error = self.findings.error(entry.span(), format!("`{}` cannot be zero", entry.key));
                error.help(format!(
                    "write it as in `{} = \"{}\"`, or remove it for the default",
                    entry.key, form.example
                ));
                return None;
            }
            Ok(value) if value <= most => return Some(value),
            Ok(_) => Wrong::TooLarge,
            Err(wrong) => wrong,
        };
        self.wrong_quantity(entry, text, form, value, most_in_words);
        None
    }

    fn wrong_quantity(&mut self, entry: &Entry<'_, '_>, text: &str, form: &Form, wrong: Wrong, most_in_words: &str) {
        let shown = text.escape_debug();
        let units = format!("the units are {}", form.units());
        let (at, message, help) = match wrong {
            Wrong::Number => {
                let help = format!("write a whole number and a unit, as in `\"{}\"`; {units}", form.example);
                (0..text.len(), format!("`{shown}` is not {}", form.what), help)
            }
            Wrong::UnitMissing => {
                let unit = form.example.trim_start_matches(|c: char| c.is_ascii_digit());
                let help = format!("write it as in `\"{text}{unit}\"`; {units}");
                (0..text.len(), format!("`{shown}` has no unit"), help)
            }
            Wrong::Unit(from) => {
                let unit = &text[from..];
                let help = match form.unit_in_other_case(unit.trim()) {
                    Some(meant) => format!("did you mean `\"{}{meant}\"`?", &text[..from]),
                    None => units,
                };
                (from..text.len(), format!("`{}` is not a unit of {}", unit.escape_debug(), form.what), help)
            }
            Wrong::TooLarge => {
                (0..text.len(), format!("`{shown}` is too large"), format!("the most is `\"{most_in_words}\"`"))
            }
        };
        let at = self.within(entry.span(), text, at);
        self.findings.error(at, message).help(help);
    }

    /// One of several words.
    pub(super) fn word<T: Copy>(&mut self, entry: &Entry<'_, '_>, words: &[(&'static str, T)]) -> Option<T> {
        let all: Vec<_> = words.iter().map(|(word, _)| format!("`\"{word}\"`")).collect();
        let text = self.string(entry, &format!("one of {}", all.join(", ")), words[0].0)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let message = format!("`{}` is one of {}", entry.key, all.join(", "));
            let close = suggest(text, words.iter().map(|(word, _)| *word));
            let error = self.findings.error(entry.span(), message);
            if let Some(close) = close {
                error.help(format!("did you mean `\"{close}\"`?"));
            }
        }
        found
    }

    /// A list of strings, or one string for a list of one. The values that are no strings are reported and left out.
    pub(super) fn strings<'a, 't>(
        &mut self,
        entry: &Entry<'a, 't>,
        what: &str,
        example: &str,
    ) -> Vec<(&'a str, Range<usize>)> {
        let values = match entry.value.get_ref() {
            DeValue::Array(values) => values.iter().collect(),
            DeValue::String(_) => vec![entry.value],
            _ => {
                self.other_type::<()>(entry, &format!("a list, each {what}"), &format!("[\"{example}\"]"));
                Vec::new()
            }
        };
        let strings = values.into_iter().filter_map(|value| {
            let entry = Entry { value, ..entry.clone() };
            self.string(&entry, what, example).map(|text| (text, entry.span()))
        });
        strings.collect()
    }

    pub(super) fn table<'a, 't>(
        &mut self,
        entry: &Entry<'a, 't>,
        place: Place,
        example: &str,
    ) -> Option<Table<'a, 't>> {
        Some(Table::new(place, self.entries(entry, example)?))
    }

    /// A table whose keys are not ours.
    pub(super) fn entries<'a, 't>(&mut self, entry: &Entry<'a, 't>, example: &str) -> Option<&'a DeTable<'t>> {
        match entry.value.get_ref() {
            DeValue::Table(entries) => Some(entries),
            _ => self.other_type(entry, "a table", example),
        }
    }

    /// The value is of a type that the key does not take.
    pub(super) fn other_type<T>(&mut self, entry: &Entry<'_, '_>, wanted: &str, example: &str) -> Option<T> {
        let found = match entry.value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a float",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let error = self.findings.error(entry.span(), format!("`{}` takes {wanted}, not {found}", entry.key));
        error.help(format!("write it as in `{} = {example}`", entry.key));
        None
    }
}
