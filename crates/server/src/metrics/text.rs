//! Metrics as text: Prometheus' format 0.0.4, and OpenMetrics 1.0.0, which differs in how counters are named and in its end.

use std::fmt::Write;

/// A text format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    Prometheus,
    OpenMetrics,
}

impl Form {
    /// Every form, the one for whoever names none first.
    pub(crate) const ALL: [Form; 2] = [Form::Prometheus, Form::OpenMetrics];

    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Form::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Form::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Samples that belong together.
pub(super) struct Family {
    /// Without the `_total` of a counter.
    name: &'static str,
    kind: &'static str,
    help: &'static str,
}

impl Family {
    pub(super) const fn counter(name: &'static str, help: &'static str) -> Family {
        Family { name, kind: "counter", help }
    }

    pub(super) const fn gauge(name: &'static str, help: &'static str) -> Family {
        Family { name, kind: "gauge", help }
    }
}

/// A text that is being written.
pub(super) struct Text {
    form: Form,
    out: String,
}

impl Text {
    pub(super) fn new(form: Form) -> Text {
        Text { form, out: String::with_capacity(4096) }
    }

    /// Begins a family.
    pub(super) fn family(&mut self, family: &Family) {
        let Family { name, kind, help } = family;
        // OpenMetrics names the family, and Prometheus the samples in it.
        let total = if *kind == "counter" && self.form == Form::Prometheus { "_total" } else { "" };
        let _ = writeln!(self.out, "# HELP {name}{total} {help}\n# TYPE {name}{total} {kind}");
    }

    /// Adds a sample to the family that was begun last.
    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        self.out.push_str(name);
        for (i, (label, text)) in labels.iter().enumerate() {
            let _ = write!(self.out, "{}{label}=\"", if i == 0 { '{' } else { ',' });
            push_escaped(&mut self.out, text);
            self.out.push('"');
        }
        let _ = writeln!(self.out, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    pub(super) fn finish(mut self) -> String {
        if self.form == Form::OpenMetrics {
            self.out.push_str("# EOF\n");
        }
        self.out
    }
}

/// The value of a label: a backslash, a quotation mark and a line feed are escaped, in both formats.
fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_end_its_own_quotation_or_its_line() {
        let mut text = Text::new(Form::Prometheus);
        text.sample("a_total", &[("route", "/\"} 1\nb_total{x=\"\\"), ("status", "200")], 3);
        assert_eq!(text.finish(), "a_total{route=\"/\\\"} 1\\nb_total{x=\\\"\\\\\",status=\"200\"} 3\n");
    }

    #[test]
    fn each_format_names_counters_in_its_own_way() {
        let cases = [
            (Form::Prometheus, "# HELP a_total A.\n# TYPE a_total counter\na_total 1\n"),
            (Form::OpenMetrics, "# HELP a A.\n# TYPE a counter\na_total 1\n# EOF\n"),
        ];
        for (form, want) in cases {
            let mut text = Text::new(form);
            text.family(&Family::counter("a", "A."));
            text.sample("a_total", &[], 1);
            assert_eq!(text.finish(), want, "{form:?}");
        }
    }
}
