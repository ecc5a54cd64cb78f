//! `cargo xtask bench`: CPU time per request against nginx, in interleaved rounds.

use crate::arguments::Arguments;
use crate::case::Proven;
use crate::failure::Failure;
use crate::idle;
use crate::load::Load;
use crate::machine;
use crate::nginx::{Form, Nginx};
use crate::process::{Server, allow_files, cores};
use crate::rows::{self, IDLE, ROWS, Row};
use crate::site::Site;
use crate::table::{Line, Table};
use crate::verdict;
use std::net::SocketAddr;
use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask bench [OPTIONS]

CPU time of the server process per request, user and system, as a ratio to nginx in the same interleaved run: the servers
on one core, the load on another. nginx is measured with and without open_file_cache, and the cheaper of the two counts.

Options:
  --rows a,b              only these: fixed, 1k, 1k-read, 304, browser, 64m, idle
  --rounds N              rounds of each row (default 5)
  --seconds N             length of a round for each server (default 5)
  --idle-connections N    connections of the row `idle` (default 5000)
  --cores A,B             the servers' core and the load's, not two threads of one (default: the first two allowed)
  --check                 exit 1 when a gate is missed
  --json                  write JSON instead of a table
  --no-build              measure target/release/verdict as it is

It needs nginx and wrk. On Debian and Ubuntu: apt-get install nginx-light wrk. Leave the machine alone while it runs.
";

struct Options {
    rows: Vec<String>,
    rounds: u32,
    seconds: u32,
    idle_connections: u32,
    cores: Option<(usize, usize)>,
    check: bool,
    json: bool,
    build: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let Some(options) = options(arguments)? else {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    };
    machine::program("nginx")?;
    machine::program("wrk")?;
    let (core, load_core) = options.cores.map_or_else(two_cores, Ok)?;
    if options.build {
        verdict::build()?;
    }
    let site = Site::new()?;
    let mut lines = Vec::new();
    let wanted: Vec<&Row> = ROWS.iter().filter(|row| options.wants(row.name)).collect();
    if !wanted.is_empty() {
        let pair = Pair::start(&site, core)?;
        for row in wanted {
            let load = Load { core: load_core, connections: row.connections, seconds: options.seconds };
            lines.push(pair.measure(row, load, options.rounds)?);
        }
    }
    if options.wants(IDLE) {
        allow_files(u64::from(options.idle_connections) + 200)?;
        lines.push(idle::measure(&site, core, options.idle_connections)?);
    }
    let table = Table {
        machine: machine::describe((core, load_core))?,
        rounds: options.rounds,
        seconds: options.seconds,
        lines,
    };
    print!("{}", if options.json { table.json() } else { table.markdown() });
    Ok(if options.check && table.misses_a_gate() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl Options {
    fn wants(&self, row: &str) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|wanted| wanted == row)
    }
}

/// `None` where help was asked for.
fn options(mut arguments: Arguments) -> Result<Option<Options>, Failure> {
    let mut options = Options {
        rows: Vec::new(),
        rounds: 5,
        seconds: 5,
        idle_connections: 5000,
        cores: None,
        check: false,
        json: false,
        build: true,
    };
    while let Some(flag) = arguments.next() {
        match flag.as_str() {
            "--rows" => options.rows.extend(rows_of(&arguments.value::<String>(&flag, "names of rows")?)?),
            "--rounds" => options.rounds = at_least_one(&mut arguments, &flag)?,
            "--seconds" => options.seconds = at_least_one(&mut arguments, &flag)?,
            "--idle-connections" => options.idle_connections = at_least_one(&mut arguments, &flag)?,
            "--cores" => options.cores = Some(cores_of(&arguments.value::<String>(&flag, "two cores")?)?),
            "--check" => options.check = true,
            "--json" => options.json = true,
            "--no-build" => options.build = false,
            "--help" | "-h" => return Ok(None),
            other => return Err(Arguments::unknown(other)),
        }
    }
    Ok(Some(options))
}

fn at_least_one(arguments: &mut Arguments, flag: &str) -> Result<u32, Failure> {
    const FORM: &str = "a number from 1";
    match arguments.value(flag, FORM)? {
        0 => Err(Failure::Usage(format!("`{flag}` wants {FORM}"))),
        number => Ok(number),
    }
}

fn rows_of(text: &str) -> Result<Vec<String>, Failure> {
    let names = rows::names();
    let known = |name: &str| match names.contains(&name) {
        true => Ok(name.to_owned()),
        false => Err(Failure::Usage(format!("there is no row `{name}`; the rows are {}", names.join(", ")))),
    };
    text.split(',').map(known).collect()
}

fn cores_of(text: &str) -> Result<(usize, usize), Failure> {
    let pair = text.split_once(',').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    match pair {
        Some((a, b)) if a != b => Ok((a, b)),
        _ => Err(Failure::Usage(format!("`--cores` wants two different cores as in 0,1, not `{text}`"))),
    }
}

fn two_cores() -> Result<(usize, usize), Failure> {
    match cores()?.as_slice() {
        [server, load, ..] => Ok((*server, *load)),
        _ => Err(Failure::Wrong("two cores are needed: one for the servers, one for the load".to_owned())),
    }
}

/// Both servers, running on one core. Only one of them is under load at a time, and the other sleeps.
struct Pair<'a> {
    site: &'a Site,
    nginx: Nginx,
    verdict: (Server, SocketAddr),
}

/// A server, or a form of one, in one row.
struct Contestant<'a> {
    server: &'a Server,
    address: SocketAddr,
    proven: Proven,
    /// Microseconds of CPU time per request, a value for each round.
    costs: Vec<f64>,
}

impl<'a> Pair<'a> {
    fn start(site: &'a Site, core: usize) -> Result<Pair<'a>, Failure> {
        let nginx = Nginx::start(site, Some(core), 1024)?;
        Ok(Pair { site, nginx, verdict: verdict::start(site, Some(core), None, None)? })
    }

    fn measure(&self, row: &Row, load: Load, rounds: u32) -> Result<Line, Failure> {
        let contestant = |server, address| {
            let proven = row.case.prove(address)?;
            Ok(Contestant { server, address, proven, costs: Vec::new() })
        };
        let forms = row.forms.iter().map(|form| contestant(&self.nginx.server, self.nginx.address(*form)));
        let all = forms.chain([contestant(&self.verdict.0, self.verdict.1)]);
        let mut all = all.collect::<Result<Vec<Contestant<'_>>, Failure>>()?;
        for contestant in &all {
            Load { seconds: 1, ..load }.run(self.site, contestant.address, row.case.target, &contestant.proven)?;
        }
        for round in 1..=rounds {
            eprintln!("{}: round {round} of {rounds}", row.title);
            for contestant in &mut all {
                let cost = self.cost(contestant, row, load)?;
                contestant.costs.push(cost);
            }
        }
        let verdict = all.pop().map(|verdict| verdict.costs).unwrap_or_default();
        let nginx: Vec<(Form, Vec<f64>)> =
            row.forms.iter().copied().zip(all.into_iter().map(|one| one.costs)).collect();
        Ok(Line::of_requests(row, nginx, verdict))
    }

    fn cost(&self, contestant: &Contestant<'_>, row: &Row, load: Load) -> Result<f64, Failure> {
        let before = contestant.server.cpu_time()?;
        let answers = load.run(self.site, contestant.address, row.case.target, &contestant.proven)?;
        let spent = contestant.server.cpu_time()?.saturating_sub(before);
        Ok(spent.as_secs_f64() * 1e6 / answers)
    }
}
