//! `cargo xtask bench`: CPU time per request against nginx, in interleaved rounds, and what else there is to be shown.

use crate::arguments::Arguments;
use crate::contest::Pair;
use crate::delay;
use crate::documents;
use crate::failure::Failure;
use crate::gateway::Gateways;
use crate::guards;
use crate::idle;
use crate::load::Load;
use crate::machine;
use crate::overload;
use crate::process::{Setting, allow_files, cores};
use crate::progress::Progress;
use crate::protocols::Secure;
use crate::rows::{
    self, COLD, DOCUMENT, DURABLE, GATEWAY, GATEWAY_LARGE, GATEWAY_P99, GATEWAY_WEBSOCKET, GUARDS, HALF, IDLE,
    OVERLOAD, PAGE, PROTOCOLS, RECORDER, ROWS, Row, TRACING, UPLOAD, WORKERS,
};
use crate::site::Site;
use crate::table::{Also, Line, Table};
use crate::upload;
use crate::verdict;
use crate::versus::{self, Rounds};
use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask bench [OPTIONS]

CPU time of the server process per request, user and system, as a ratio to nginx in the same interleaved run: the servers
on one core, the load on another. nginx is measured with and without open_file_cache, and the cheaper of the two counts.

Logs are as either has them by itself: nginx's `combined` with buffer=32k flush=1s, which costs it least, and Verdict's
`text`, each into a file. `half` and `cold` ask at an even rate, whether or not answers come (an open loop), and time an
answer from when its request was due. `cold` writes a file of 4 GiB below TMPDIR, and is left out where there are less
than 6 GiB. `overload` has 64 slots, and 1,000 connections that ask 10,000 times a second. `durable` and `page` write a
database below TMPDIR, `page` one of 2 GiB: on a disk, or durable means nothing. `durable` gives the server and the load
both cores, and is measured once more with an fsync that takes 3 ms longer, where there is a C compiler.

Options:
  --rows a,b              only these: fixed, 1k, 1k-read, 304, browser, 64m; log, active (only shown); http2, tls,
                          handshake, resumed (other protocols); guards (also Verdict against itself); idle (memory);
                          workers, tracing, recorder (Verdict against itself); half, cold, overload (how long answers take);
                          document, durable, page (documents: read, written, listed);
                          upload (memory while 2 GiB come);
                          gateway, gateway-websocket, gateway-large, gateway-p99 (a reverse proxy; HAProxy beside it)
  --rounds N              rounds of each row (default 5)
  --seconds N             length of a round for each server (default 5)
  --idle-connections N    connections of the row `idle` (default 5000)
  --cores A,B             the servers' core and the load's, not two threads of one (default: the first two allowed)
  --verbose               say each round's figures on standard error
  --check                 exit 1 when a gate is missed
  --json                  write JSON instead of a table
  --no-build              measure target/release/verdict as it is

It needs nginx and wrk; the other protocols need h2load and openssl too. On Debian and Ubuntu: apt-get install nginx-light wrk
nghttp2-client openssl. The rows of the gateway are measured beside HAProxy where it is there (apt-get install haproxy). Leave the machine alone while it runs.
";

struct Options {
    rows: Vec<String>,
    rounds: u32,
    seconds: u32,
    idle_connections: u32,
    cores: Option<(usize, usize)>,
    check: bool,
    json: bool,
    verbose: bool,
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
    if options.build && options.wants(TRACING) {
        verdict::build_untraced()?;
    }
    let site = Site::new()?;
    let (lines, also) = measure(&site, &options, [core, load_core])?;
    let table = Table {
        machine: machine::describe((core, load_core))?,
        rounds: options.rounds,
        seconds: options.seconds,
        lines,
        also,
    };
    print!("{}", if options.json { table.json() } else { table.markdown() });
    Ok(if options.check && table.misses_a_gate() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn measure(site: &Site, options: &Options, pair: [usize; 2]) -> Result<(Vec<Line>, Vec<Also>), Failure> {
    let told = Progress { verbose: options.verbose };
    let rounds = Rounds { rounds: options.rounds, seconds: options.seconds };
    let [core, load_core] = pair;
    let (mut lines, mut also) = (Vec::new(), Vec::new());
    let wanted: Vec<&Row> = ROWS.iter().filter(|row| options.wants(row.name)).collect();
    // Rows that want the same servers follow each other, and have the same ones.
    for rows in wanted.chunk_by(|a, b| (a.room(), a.log) == (b.room(), b.log)) {
        let setting = Setting { cores: &[core], room: rows[0].room(), log: rows[0].log };
        allow_files(u64::from(setting.room.unwrap_or_default()) + 200)?;
        let servers = Pair::start(site, setting)?;
        for row in rows {
            let load = Load { cores: &[load_core], connections: row.connections, seconds: options.seconds };
            lines.push(servers.measure(row, load, options.rounds, told)?);
        }
    }
    let spoken: Vec<_> = PROTOCOLS.iter().filter(|(_, row)| options.wants(row.name)).collect();
    if !spoken.is_empty() {
        let servers = Secure::start(site, Setting { cores: &[core], room: None, log: false })?;
        for row in spoken {
            lines.push(servers.measure(row, load_core, rounds, told)?);
        }
    }
    if options.wants(GUARDS) {
        let (line, versus) = guards::measure(site, pair, rounds, told)?;
        lines.push(line);
        also.extend(versus);
    }
    if options.wants(IDLE) {
        allow_files(u64::from(options.idle_connections) + 200)?;
        lines.push(idle::measure(site, &[core], options.idle_connections)?);
    }
    if options.wants(WORKERS) {
        also.extend(versus::workers(site, pair, rounds, told)?);
    }
    if options.wants(TRACING) {
        also.extend(versus::tracing(site, pair, rounds, told)?);
    }
    if options.wants(RECORDER) {
        also.extend(versus::recorder(site, pair, rounds, told)?);
    }
    if options.wants(HALF) || options.wants(COLD) {
        let servers = Pair::start(site, Setting { cores: &[core], room: None, log: false })?;
        if options.wants(HALF) {
            also.extend(delay::half(&servers, load_core, rounds, told)?);
        }
        if options.wants(COLD) {
            also.extend(delay::cold(&servers, load_core, rounds, told)?);
        }
    }
    if options.wants(OVERLOAD) {
        allow_files(2000)?;
        also.extend(overload::measure(site, pair, rounds, told)?);
    }
    if options.wants(DOCUMENT) {
        also.push(documents::read(site, pair, rounds, told)?);
    }
    if options.wants(DURABLE) {
        also.extend(documents::durable(site, pair, rounds, told)?);
    }
    if options.wants(PAGE) {
        also.push(documents::page(site, pair, rounds, told)?);
    }
    if options.wants(UPLOAD) {
        also.extend(upload::measure(site, pair, options.rounds, told)?);
    }
    if [GATEWAY, GATEWAY_WEBSOCKET, GATEWAY_LARGE, GATEWAY_P99].iter().any(|row| options.wants(row)) {
        let servers = Gateways::start(site, pair)?;
        if options.wants(GATEWAY) {
            let (line, beside) = servers.requests(rounds, told)?;
            lines.push(line);
            also.extend(beside);
        }
        if options.wants(GATEWAY_WEBSOCKET) {
            also.extend(servers.websocket(rounds, told)?);
        }
        if options.wants(GATEWAY_LARGE) {
            also.extend(servers.large(options.rounds, told)?);
        }
        if options.wants(GATEWAY_P99) {
            also.extend(servers.p99(rounds, told)?);
        }
    }
    Ok((lines, also))
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
        verbose: false,
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
            "--verbose" => options.verbose = true,
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
