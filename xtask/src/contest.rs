//! Both servers under the same load in turn: what a request costs each of them.

use crate::case::Proven;
use crate::failure::{Failure, While};
use crate::load::Load;
use crate::nginx::{Form, Nginx};
use crate::process::{Server, Setting, emptied};
use crate::progress::Progress;
use crate::rows::Row;
use crate::site::Site;
use crate::table::Line;
use crate::verdict;
use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::Path;

/// Both servers, running on one core. Only one of them is under load at a time, and the other sleeps.
pub(crate) struct Pair<'a> {
    pub(crate) site: &'a Site,
    pub(crate) nginx: Nginx,
    pub(crate) verdict: (Server, SocketAddr),
}

/// A server, or a form of one, in one row.
struct Contestant<'a> {
    server: &'a Server,
    address: SocketAddr,
    /// Where it logs, in a row that is about that.
    log: Option<&'a Path>,
    proven: Proven,
    name: String,
    /// Microseconds of CPU time per request, a value for each round.
    costs: Vec<f64>,
}

impl<'a> Pair<'a> {
    pub(crate) fn start(site: &'a Site, setting: Setting<'_>) -> Result<Pair<'a>, Failure> {
        let nginx = Nginx::start(site, setting)?;
        Ok(Pair { site, nginx, verdict: verdict::start(site, setting, 1)? })
    }

    /// CPU time per request, in rounds.
    pub(crate) fn measure(&self, row: &Row, load: Load<'_>, rounds: u32, told: Progress) -> Result<Line, Failure> {
        let contestant = |server, address, log, name| {
            let proven = row.case.prove(address)?;
            Ok(Contestant { server, address, log: row.log.then_some(log), proven, name, costs: Vec::new() })
        };
        let forms = row.forms.iter().map(|form| {
            let name = format!("nginx, {form:?}");
            contestant(&self.nginx.server, self.nginx.address(*form), self.nginx.log.as_path(), name)
        });
        let (server, address) = &self.verdict;
        let all = forms.chain([contestant(server, *address, server.said(), "verdict".to_owned())]);
        let mut all = all.collect::<Result<Vec<Contestant<'_>>, Failure>>()?;
        for contestant in &all {
            contestant.cost(self.site, row, Load { seconds: 1, ..load })?;
        }
        for round in 1..=rounds {
            told.round(row.title, round, rounds);
            for contestant in &mut all {
                let cost = contestant.cost(self.site, row, load)?;
                told.figure(&contestant.name, format_args!("{cost:.2} µs of CPU time per request"));
                contestant.costs.push(cost);
            }
        }
        let verdict = all.pop().map(|verdict| verdict.costs).unwrap_or_default();
        let nginx: Vec<(Form, Vec<f64>)> =
            row.forms.iter().copied().zip(all.into_iter().map(|one| one.costs)).collect();
        Ok(Line::of_requests(row, nginx, verdict))
    }
}

impl Contestant<'_> {
    fn cost(&self, site: &Site, row: &Row, load: Load<'_>) -> Result<f64, Failure> {
        if let Some(log) = self.log {
            // Or gigabytes of lines would wait for the disk.
            emptied(log).while_trying(format_args!("empty {}", log.display()))?;
        }
        let (cost, answers) = cost(self.server, || load.run(site, self.address, row.case.target, &self.proven))?;
        if let Some(log) = self.log {
            logged(log, answers)?;
        }
        Ok(cost)
    }
}

/// Microseconds of CPU time of a server per request, and how many requests there were, while something asks it and counts.
pub(crate) fn cost(server: &Server, ask: impl FnOnce() -> Result<f64, Failure>) -> Result<(f64, f64), Failure> {
    let before = server.cpu_time()?;
    let answers = ask()?;
    let spent = server.cpu_time()?.saturating_sub(before);
    Ok((spent.as_secs_f64() * 1e6 / answers, answers))
}

/// That each answer was logged, but for those that wait to be written: who drops lines has less to do.
fn logged(log: &Path, answers: f64) -> Result<(), Failure> {
    const WAITING: f64 = 5_000.0;
    let lines = File::open(log).and_then(lines).while_trying(format_args!("read {}", log.display()))?;
    if (lines as f64) < answers * 0.99 - WAITING {
        return Err(Failure::Wrong(format!("{} has {lines} lines of {answers:.0} answers", log.display())));
    }
    Ok(())
}

fn lines(mut file: impl Read) -> io::Result<usize> {
    let mut part = vec![0; 1 << 20];
    let mut lines = 0;
    loop {
        match file.read(&mut part)? {
            0 => return Ok(lines),
            read => lines += part[..read].iter().filter(|byte| **byte == b'\n').count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_lacks_lines_is_found_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("log");
        std::fs::write(&log, "a line\n".repeat(20_000)).expect("a log");
        assert!(logged(&log, 20_000.0).is_ok());
        assert!(logged(&log, 24_000.0).is_ok(), "the last ones are not written yet");
        assert!(logged(&log, 40_000.0).is_err());
    }
}
