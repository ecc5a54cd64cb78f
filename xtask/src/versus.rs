//! Verdict against itself under the same load: two workers against one, and with its recording against without.

use crate::case::FIXED;
use crate::contest::cost;
use crate::failure::Failure;
use crate::load::Load;
use crate::process::{Server, Setting, cores};
use crate::progress::Progress;
use crate::rows::{RECORDER, TRACING, WORKERS};
use crate::site::Site;
use crate::table::Also;
use crate::verdict::{self, Lines};
use std::net::SocketAddr;
use std::process::Command;

/// Connections, as in the rows against nginx.
const CONNECTIONS: u32 = 64;

/// How often and how long.
#[derive(Clone, Copy)]
pub(crate) struct Rounds {
    pub(crate) rounds: u32,
    pub(crate) seconds: u32,
}

/// Two workers against one. `pair` are the cores of the other rows. With four cores two serve and two ask; with fewer both
/// serve and ask, and then answers a second say little: the load takes what a second worker would need.
pub(crate) fn workers(site: &Site, pair: [usize; 2], rounds: Rounds, told: Progress) -> Result<Vec<Also>, Failure> {
    let others: Vec<usize> = cores()?.into_iter().filter(|core| !pair.contains(core)).take(2).collect();
    let apart = others.len() == 2;
    let load_cores = if apart { &others[..] } else { &pair };
    let setting = Setting { cores: &pair, room: None, log: false };
    let servers =
        [("one worker", verdict::start(site, setting, 1)?), ("two workers", verdict::start(site, setting, 2)?)];
    let measured = measure(site, &servers, load_cores, rounds, told)?;
    let place = if apart { "the load on two other cores" } else { "the load on the same two cores" };
    let line = |what, unit, [one, two]: &[Vec<f64>; 2]| {
        Also::of_verdict(WORKERS, format!("fixed answer, two workers, {place}: {what}"), unit, two, ("two/one", one))
    };
    Ok(vec![line("CPU time per request", "µs", &measured.costs), line("answers a second", "/s", &measured.rates)])
}

/// With the recording of what was asked and answered, as always, against a build without it.
pub(crate) fn tracing(
    site: &Site,
    [core, load_core]: [usize; 2],
    rounds: Rounds,
    told: Progress,
) -> Result<Vec<Also>, Failure> {
    let setting = Setting { cores: &[core], room: None, log: false };
    let untraced = verdict::start_as(Command::new(verdict::untraced()), site, setting, 1)?;
    let servers = [("without recording", untraced), ("with recording", verdict::start(site, setting, 1)?)];
    let [without, with] = measure(site, &servers, &[load_core], rounds, told)?.costs;
    let title = "fixed answer, each question recorded: CPU time per request".to_owned();
    Ok(vec![Also::of_verdict(TRACING, title, "µs", &with, ("with/without", &without))])
}

/// With its last answers kept, as always where there is a console, against the same without.
pub(crate) fn recorder(
    site: &Site,
    [core, load_core]: [usize; 2],
    rounds: Rounds,
    told: Progress,
) -> Result<Vec<Also>, Failure> {
    let setting = Setting { cores: &[core], room: None, log: false };
    let without = Lines { keys: "console = { answers = 0 }\n", tables: "" };
    let servers = [
        ("without keeping", verdict::start_with(site, setting, without)?),
        ("with keeping", verdict::start(site, setting, 1)?),
    ];
    let [without, with] = measure(site, &servers, &[load_core], rounds, told)?.costs;
    let title = "fixed answer, each answer kept for `verdict why`: CPU time per request".to_owned();
    Ok(vec![Also::of_verdict(RECORDER, title, "µs", &with, ("with/without", &without))])
}

/// Of each of two servers, a value for each round.
#[derive(Default)]
struct Measured {
    /// Microseconds of CPU time per request.
    costs: [Vec<f64>; 2],
    /// Answers a second.
    rates: [Vec<f64>; 2],
}

fn measure(
    site: &Site,
    servers: &[(&str, (Server, SocketAddr)); 2],
    cores: &[usize],
    Rounds { rounds, seconds }: Rounds,
    told: Progress,
) -> Result<Measured, Failure> {
    let mut measured = Measured::default();
    let asked = |(server, address): &(Server, SocketAddr), seconds| {
        let proven = FIXED.prove(*address)?;
        let load = Load { cores, connections: CONNECTIONS, seconds };
        cost(server, || load.run(site, *address, FIXED.target, &proven))
    };
    for (_, server) in servers {
        asked(server, 1)?;
    }
    for round in 1..=rounds {
        told.round(format_args!("{} against {}", servers[1].0, servers[0].0), round, rounds);
        for (which, (name, server)) in servers.iter().enumerate() {
            let (cost, answers) = asked(server, seconds)?;
            let rate = answers / f64::from(seconds);
            told.figure(name, format_args!("{cost:.2} µs of CPU time per request, {rate:.0} answers a second"));
            measured.costs[which].push(cost);
            measured.rates[which].push(rate);
        }
    }
    Ok(measured)
}
