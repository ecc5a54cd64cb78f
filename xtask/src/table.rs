//! The figures, as tables in Markdown and as JSON.

use crate::json;
use crate::nginx::Form;
use crate::rows::{Aim, IDLE, IDLE_AIM, Row};
use std::fmt::Write;

/// All that a run found.
pub(crate) struct Table {
    /// The machine and versions, by name.
    pub(crate) machine: Vec<(&'static str, String)>,
    pub(crate) rounds: u32,
    pub(crate) seconds: u32,
    pub(crate) lines: Vec<Line>,
    pub(crate) also: Vec<Also>,
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
    /// `None` where the row is only shown.
    aim: Option<Aim>,
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
            aim: row.aim,
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
            aim: Some(IDLE_AIM),
            bound: Bound::Below,
        }
    }

    fn keeps(&self, bound: f64) -> bool {
        match self.bound {
            Bound::Ratio => self.ratio.median >= bound,
            Bound::Below => self.verdict < bound,
        }
    }

    fn misses_its_gate(&self) -> bool {
        self.aim.is_some_and(|aim| !self.keeps(aim.gate))
    }

    fn shown(&self, bound: Option<f64>) -> String {
        let Some(bound) = bound else { return "–".to_owned() };
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

/// One line of what is shown beside the ratios of CPU time.
pub(crate) struct Also {
    name: &'static str,
    title: String,
    unit: &'static str,
    /// `None` where the row is about Verdict alone.
    nginx: Option<Spread>,
    verdict: Spread,
    /// What is said of them, its unit, and what it is.
    compared: (&'static str, &'static str, Spread),
    /// What that must stay below.
    gate: Option<f64>,
    /// Whether each round must, and not only their median.
    each: bool,
}

impl Also {
    /// A figure of nginx and of Verdict, a value for each round.
    pub(crate) fn of_both(name: &'static str, title: String, unit: &'static str, both: &[Vec<f64>; 2]) -> Also {
        let [nginx, verdict] = both;
        let ratio = Spread::of(&pairs(nginx, verdict, |nginx, verdict| nginx / verdict));
        Also {
            name,
            title,
            unit,
            nginx: Some(Spread::of(nginx)),
            verdict: Spread::of(verdict),
            compared: ("nginx/Verdict", "", ratio),
            gate: None,
            each: false,
        }
    }

    /// A figure of Verdict, as a ratio to another one of its, which is named, a value for each round.
    pub(crate) fn of_verdict(
        name: &'static str,
        title: String,
        unit: &'static str,
        figure: &[f64],
        (ratio, base): (&'static str, &[f64]),
    ) -> Also {
        let spread = Spread::of(&pairs(figure, base, |figure, base| figure / base));
        let compared = (ratio, "", spread);
        Also { name, title, unit, nginx: None, verdict: Spread::of(figure), compared, gate: None, each: false }
    }

    /// A figure of Verdict beside another one of its, which is named, a value for each round.
    pub(crate) fn beside(
        name: &'static str,
        title: String,
        unit: &'static str,
        figure: &[f64],
        (what, other): (&'static str, &[f64]),
    ) -> Also {
        let compared = (what, unit, Spread::of(other));
        Also { name, title, unit, nginx: None, verdict: Spread::of(figure), compared, gate: None, each: false }
    }

    /// With a gate that the median of what is said must stay below.
    pub(crate) fn below(self, gate: f64) -> Also {
        Also { gate: Some(gate), ..self }
    }

    /// With a gate that what is said must stay below in each round.
    pub(crate) fn each_below(self, gate: f64) -> Also {
        Also { each: true, ..self.below(gate) }
    }

    /// A figure of nginx and of Verdict, of which it is said by how much Verdict's rises from its base, and which must not
    /// rise by the gate.
    pub(crate) fn of_rise(
        name: &'static str,
        title: String,
        unit: &'static str,
        both: &[Vec<f64>; 2],
        base: &[f64],
        gate: f64,
    ) -> Also {
        let rise = Spread::of(&pairs(&both[1], base, |figure, base| figure - base));
        Also { compared: ("Verdict rises by", unit, rise), gate: Some(gate), ..Also::of_both(name, title, unit, both) }
    }

    fn misses_its_gate(&self) -> bool {
        // What was not measured is NaN and below nothing.
        self.gate.is_some_and(|gate| !self.is_below(gate))
    }

    fn is_below(&self, gate: f64) -> bool {
        let Spread { median, greatest, .. } = self.compared.2;
        (if self.each { greatest } else { median }) < gate
    }

    fn figure(&self, spread: Spread) -> String {
        figure(spread.median, self.unit)
    }

    fn said(&self) -> String {
        let (what, unit, Spread { median, least, greatest }) = self.compared;
        let mut said = match unit {
            "" => format!("{what} {median:.2} ({least:.2}–{greatest:.2})"),
            unit => format!("{what} {} ({least:.0}–{greatest:.0})", figure(median, unit)),
        };
        if let Some(gate) = self.gate {
            let tick = if self.is_below(gate) { '✓' } else { '✗' };
            let space = if unit.is_empty() { "" } else { " " };
            let _ = write!(said, ", < {gate}{space}{unit} {tick}");
        }
        said
    }

    fn json(&self) -> String {
        let spread = |Spread { median, least, greatest }: Spread| {
            let members = [("median", median), ("least", least), ("greatest", greatest)];
            json::object(members.map(|(name, value)| (name, json::number(value))))
        };
        let nothing = || "null".to_owned();
        let (what, unit, compared) = self.compared;
        json::object([
            ("row", json::text(self.name)),
            ("title", json::text(&self.title)),
            ("unit", json::text(self.unit)),
            ("nginx", self.nginx.map_or_else(nothing, spread)),
            ("verdict", spread(self.verdict)),
            ("compared", json::text(what)),
            ("compared_unit", json::text(unit)),
            ("comparison", spread(compared)),
            ("gate", self.gate.map_or_else(nothing, json::number)),
            ("gate_kept", self.gate.map_or_else(nothing, |gate| self.is_below(gate).to_string())),
        ])
    }
}

fn pairs(of: &[f64], with: &[f64], compare: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    of.iter().zip(with).map(|(of, with)| compare(*of, *with)).collect()
}

fn figure(value: f64, unit: &str) -> String {
    if value.abs() < 100.0 { format!("{value:.2} {unit}") } else { format!("{value:.0} {unit}") }
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
        self.lines.iter().any(Line::misses_its_gate) || self.also.iter().any(Also::misses_its_gate)
    }

    pub(crate) fn markdown(&self) -> String {
        let machine: Vec<String> = self.machine.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let mut out = format!("{}; {} × {} s.\n", machine.join("; "), self.rounds, self.seconds);
        if !self.lines.is_empty() {
            out.push_str(
                "\n| row | nginx | nginx, open_file_cache 1s | Verdict | nginx/Verdict (least–greatest) | gate | mark |\n\
                 |---|---:|---:|---:|---:|---|---|\n",
            );
        }
        for line in &self.lines {
            let Spread { median, least, greatest } = line.ratio;
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {median:.2} ({least:.2}–{greatest:.2}) | {} | {} |",
                line.title,
                line.nginx(false),
                line.nginx(true),
                line.figure(line.verdict),
                line.shown(line.aim.map(|aim| aim.gate)),
                line.shown(line.aim.map(|aim| aim.mark)),
            );
        }
        if !self.also.is_empty() {
            out.push_str("\n| also shown | nginx | Verdict | (least–greatest) |\n|---|---:|---:|---:|\n");
        }
        for also in &self.also {
            let nginx = also.nginx.map_or_else(|| "–".to_owned(), |nginx| also.figure(nginx));
            let _ = writeln!(out, "| {} | {nginx} | {} | {} |", also.title, also.figure(also.verdict), also.said());
        }
        out
    }

    pub(crate) fn json(&self) -> String {
        let line = |line: &Line| {
            let number = |of: fn(Aim) -> f64| line.aim.map_or(f64::NAN, of);
            let kept = |of: fn(Aim) -> f64| line.aim.map_or("null".to_owned(), |aim| line.keeps(of(aim)).to_string());
            let nginx = line.nginx.iter().map(|(form, cost)| (format!("{form:?}"), json::number(*cost)));
            json::object([
                ("row", json::text(line.name)),
                ("unit", json::text(line.unit)),
                ("nginx", json::object(nginx)),
                ("verdict", json::number(line.verdict)),
                ("ratio", json::number(line.ratio.median)),
                ("least", json::number(line.ratio.least)),
                ("greatest", json::number(line.ratio.greatest)),
                ("gate", json::number(number(|aim| aim.gate))),
                ("gate_kept", kept(|aim| aim.gate)),
                ("mark", json::number(number(|aim| aim.mark))),
                ("mark_reached", kept(|aim| aim.mark)),
            ])
        };
        let machine = self.machine.iter().map(|(name, value)| (name, json::text(value)));
        let all = json::object([
            ("machine", json::object(machine)),
            ("rounds", self.rounds.to_string()),
            ("seconds", self.seconds.to_string()),
            ("rows", json::list(self.lines.iter().map(line))),
            ("also", json::list(self.also.iter().map(Also::json))),
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
        assert!(line.misses_its_gate());
    }

    #[test]
    fn nothing_measured_keeps_no_gate() {
        assert!(Line::of_requests(&ROWS[0], Vec::new(), Vec::new()).misses_its_gate());
        assert!(Line::of_connections(1, f64::NAN, f64::NAN).misses_its_gate());
        assert!(Also::of_rise("cold", String::new(), "µs", &[Vec::new(), Vec::new()], &[], 5000.0).misses_its_gate());
    }

    #[test]
    fn what_is_only_shown_misses_no_gate() {
        let shown = ROWS.iter().find(|row| row.aim.is_none()).expect("a row without a gate");
        assert!(!Line::of_requests(shown, vec![(Form::Sendfile, vec![1.0])], vec![9.0]).misses_its_gate());
        assert!(!Also::of_both("half", String::new(), "µs", &[vec![1.0], vec![9.0]]).misses_its_gate());
    }

    #[test]
    fn a_gate_of_each_round_is_missed_by_one() {
        for (slowest, missed) in [([900.0, 9_900.0, 1_000.0], false), ([900.0, 10_100.0, 1_000.0], true)] {
            let line = Also::beside("overload", String::new(), "µs", &[1.0; 3], ("the last one", &slowest));
            assert_eq!(line.each_below(10_000.0).misses_its_gate(), missed, "{slowest:?}");
        }
    }

    #[test]
    fn a_rise_is_held_against_its_gate_round_by_round() {
        let both = [vec![900.0; 3], vec![150.0, 5_250.0, 7_000.0]];
        for (base, rise, missed) in [([100.0, 300.0, 100.0], 4950.0, false), ([100.0, 200.0, 100.0], 5050.0, true)] {
            let line = Also::of_rise("cold", String::new(), "µs", &both, &base, 5000.0);
            assert_eq!((line.compared.2.median, line.misses_its_gate()), (rise, missed), "{base:?}");
        }
    }
}
