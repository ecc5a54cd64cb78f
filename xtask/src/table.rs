//! The figures, as a table in Markdown and as JSON.

use crate::json;
use crate::nginx::Form;
use crate::rows::{IDLE, IDLE_GATE, IDLE_MARK, Row};
use std::fmt::Write;

/// All that a run found.
pub(crate) struct Table {
    /// The machine and versions, by name.
    pub(crate) machine: Vec<(&'static str, String)>,
    pub(crate) rounds: u32,
    pub(crate) seconds: u32,
    pub(crate) lines: Vec<Line>,
}

/// One line.
pub(crate) struct Line {
    name: &'static str,
    title: String,
    unit: &'static str,
    /// nginx's form and its median.
    nginx: Vec<(Form, f64)>,
    /// Verdict's median.
    verdict: f64,
    /// nginx/Verdict, against the form that costs nginx least.
    ratio: Spread,
    gate: f64,
    mark: f64,
    /// What the gate and the mark are held against.
    bound: Bound,
}

/// What a gate is of.
#[derive(Clone, Copy)]
enum Bound {
    /// The ratio, which must reach it.
    Ratio,
    /// Verdict's own figure, which must stay below it.
    Below,
}

/// A median with the least and the greatest value.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Spread {
    median: f64,
    least: f64,
    greatest: f64,
}

impl Line {
    /// A row of CPU time per request, in microseconds, a value for each round.
    pub(crate) fn of_requests(row: &Row, nginx: Vec<(Form, Vec<f64>)>, verdict: Vec<f64>) -> Line {
        let ratios =
            |costs: &[f64]| costs.iter().zip(&verdict).map(|(nginx, verdict)| nginx / verdict).collect::<Vec<_>>();
        let spreads = nginx.iter().map(|(_, costs)| Spread::of(&ratios(costs)));
        let ratio = spreads.min_by(|a, b| a.median.total_cmp(&b.median)).unwrap_or(Spread::of(&[]));
        Line {
            name: row.name,
            title: row.title.to_owned(),
            unit: "µs",
            nginx: nginx.iter().map(|(form, costs)| (*form, Spread::of(costs).median)).collect(),
            verdict: Spread::of(&verdict).median,
            ratio,
            gate: row.gate,
            mark: row.mark,
            bound: Bound::Ratio,
        }
    }

    /// The row of memory per idle connection, in bytes.
    pub(crate) fn of_connections(connections: u32, nginx: f64, verdict: f64) -> Line {
        Line {
            name: IDLE,
            title: format!("idle connection, of {connections}"),
            unit: "B",
            nginx: vec![(Form::Sendfile, nginx)],
            verdict,
            ratio: Spread::of(&[nginx / verdict]),
            gate: IDLE_GATE,
            mark: IDLE_MARK,
            bound: Bound::Below,
        }
    }

    fn keeps(&self, bound: f64) -> bool {
        match self.bound {
            Bound::Ratio => self.ratio.median >= bound,
            Bound::Below => self.verdict < bound,
        }
    }

    fn shown(&self, bound: f64) -> String {
        let tick = if self.keeps(bound) { '✓' } else { '✗' };
        match self.bound {
            Bound::Ratio => format!("≥ {bound:.2} {tick}"),
            Bound::Below => format!("< {bound:.0} B {tick}"),
        }
    }

    /// The cheapest of nginx's forms that are, or are not, cached.
    fn nginx(&self, cached: bool) -> String {
        let forms = self.nginx.iter().filter(|(form, _)| form.is_cached() == cached).map(|(_, cost)| *cost);
        forms.min_by(f64::total_cmp).map_or_else(|| "–".to_owned(), |cost| self.figure(cost))
    }

    fn figure(&self, value: f64) -> String {
        match self.bound {
            Bound::Ratio => format!("{value:.2} {}", self.unit),
            Bound::Below => format!("{value:.0} {}", self.unit),
        }
    }
}

impl Spread {
    /// NaN of no values.
    fn of(values: &[f64]) -> Spread {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (Some(least), Some(greatest)) = (sorted.first(), sorted.last()) else {
            return Spread { median: f64::NAN, least: f64::NAN, greatest: f64::NAN };
        };
        let upper = sorted.len() / 2;
        let lower = (sorted.len() - 1) / 2;
        Spread { median: f64::midpoint(sorted[lower], sorted[upper]), least: *least, greatest: *greatest }
    }
}

impl Table {
    pub(crate) fn misses_a_gate(&self) -> bool {
        self.lines.iter().any(|line| !line.keeps(line.gate))
    }

    pub(crate) fn markdown(&self) -> String {
        let machine: Vec<String> = self.machine.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let mut out = format!(
            "{}; {} × {} s.\n\n\
             | row | nginx | nginx, open_file_cache 1s | Verdict | nginx/Verdict (least–greatest) | gate | mark |\n\
             |---|---:|---:|---:|---:|---|---|\n",
            machine.join("; "),
            self.rounds,
            self.seconds
        );
        for line in &self.lines {
            let Spread { median, least, greatest } = line.ratio;
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {median:.2} ({least:.2}–{greatest:.2}) | {} | {} |",
                line.title,
                line.nginx(false),
                line.nginx(true),
                line.figure(line.verdict),
                line.shown(line.gate),
                line.shown(line.mark),
            );
        }
        out
    }

    pub(crate) fn json(&self) -> String {
        let line = |line: &Line| {
            let nginx = line.nginx.iter().map(|(form, cost)| (format!("{form:?}"), json::number(*cost)));
            json::object([
                ("row", json::text(line.name)),
                ("unit", json::text(line.unit)),
                ("nginx", json::object(nginx)),
                ("verdict", json::number(line.verdict)),
                ("ratio", json::number(line.ratio.median)),
                ("least", json::number(line.ratio.least)),
                ("greatest", json::number(line.ratio.greatest)),
                ("gate", json::number(line.gate)),
                ("gate_kept", line.keeps(line.gate).to_string()),
                ("mark", json::number(line.mark)),
                ("mark_reached", line.keeps(line.mark).to_string()),
            ])
        };
        let machine = self.machine.iter().map(|(name, value)| (name, json::text(value)));
        let all = json::object([
            ("machine", json::object(machine)),
            ("rounds", self.rounds.to_string()),
            ("seconds", self.seconds.to_string()),
            ("rows", json::list(self.lines.iter().map(line))),
        ]);
        format!("{all}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::ROWS;

    #[test]
    fn a_median_stands_between_the_middle_two() {
        let cases: [(&[f64], f64, f64, f64); 3] =
            [(&[3.0], 3.0, 3.0, 3.0), (&[3.0, 1.0, 2.0], 2.0, 1.0, 3.0), (&[4.0, 1.0, 2.0, 3.0], 2.5, 1.0, 4.0)];
        for (values, median, least, greatest) in cases {
            assert_eq!(Spread::of(values), Spread { median, least, greatest }, "{values:?}");
        }
    }

    #[test]
    fn the_gate_is_held_against_the_form_that_costs_nginx_least() {
        let small = &ROWS[1];
        let nginx = vec![(Form::Sendfile, vec![20.0, 22.0, 18.0]), (Form::SendfileCached, vec![13.0, 12.0, 14.0])];
        let line = Line::of_requests(small, nginx, vec![10.0; 3]);
        assert_eq!(line.ratio, Spread { median: 1.3, least: 1.2, greatest: 1.4 });
        assert!(!line.keeps(small.gate));
    }

    #[test]
    fn nothing_measured_keeps_no_gate() {
        assert!(!Line::of_requests(&ROWS[0], Vec::new(), Vec::new()).keeps(0.0));
        assert!(!Line::of_connections(1, f64::NAN, f64::NAN).keeps(IDLE_GATE));
    }
}
