//! `verdict tour`: every status of the mission by its real circumstance, on this machine, with nothing but this program.
//!
//! The way: `site.rs` is the server with its files, its store and its config; `upstreams.rs` the applications behind it, each with
//! a fault of its own; `stops.rs` the table of what is sent and what has to come; `client.rs` sends it; `duties.rs` what a client must
//! do with an answer then; `text.rs` shows it.

mod certificate;
mod client;
mod duties;
mod site;
mod stops;
mod text;
mod upstreams;

use super::Failure;
use crate::screen::{self, Screen};
use client::Visited;
use duties::{DUTIES, Done, Duty};
use site::Tour;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use stops::{STOPS, Stop};
use verdict_server::json::Json;

/// Meet every status by its real circumstance, on this machine
///
/// Starts a server on a free port of loopback, with a temporary folder and applications that misbehave in ways of their own, and says
/// how to make each status happen. It needs no file and no network, and leaves nothing behind.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Go through all of them with a client, compare, and end: exit 1 if one is not as it has to be
    #[arg(long)]
    check: bool,
    /// Show one: what is sent, what comes, and why; may be given several times
    #[arg(long, value_name = "CODE", value_parser = code)]
    code: Vec<u16>,
    /// With `--check`: write JSON
    #[arg(long, requires = "check")]
    json: bool,
    /// Where to listen [default: a free port]
    #[arg(long, value_name = "PORT", conflicts_with_all = ["check", "code"])]
    port: Option<u16>,
}

const EXAMPLES: &str = "\
Examples:
  verdict tour              stay up, with a curl line for each status
  verdict tour --code 412   why this 412?
  verdict tour --check      all of them, compared with what they have to be";

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let wanted: Vec<&Stop> = args.code.iter().map(|code| stop_of(*code)).collect::<Result<_, _>>()?;
    let tour = Tour::prepare(free_addresses(args.port)?)?;
    if args.check {
        return check(tour, args.json);
    }
    if !wanted.is_empty() {
        return tour.visit(|tour| {
            let screen = Screen::stdout();
            for (i, stop) in wanted.iter().enumerate() {
                let visited = client::visit(stop, &tour.at);
                let between = if i > 0 { "\n" } else { "" };
                screen::say(&format!("{between}{}", text::transcript(stop, &visited, tour, &screen)))?;
            }
            Ok(())
        });
    }
    tour.stay()
}

/// A status code as it is written.
fn code(written: &str) -> Result<u16, &'static str> {
    let code = written.parse().ok().filter(|code| (100..=999).contains(code));
    code.ok_or("a status code has three digits, such as 412")
}

/// The stop of a code; an error says which there are.
fn stop_of(code: u16) -> Result<&'static Stop, Failure> {
    STOPS.iter().find(|stop| stop.code == code).ok_or_else(|| {
        let codes: Vec<_> = STOPS.iter().map(|stop| stop.code.to_string()).collect();
        Failure::Usage(format!("the tour does not give {code}; it gives {}", codes.join(" ")))
    })
}

/// Addresses that nobody has, of the tour, of the tour by TLS and of its console: a member of the tour is the tour itself, so that it has to be known
/// before anything listens.
fn free_addresses(port: Option<u16>) -> Result<[SocketAddr; 3], Failure> {
    let listen = |port| {
        let wanted = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        TcpListener::bind(wanted).map_err(|error| Failure::Wrong(format!("cannot listen on {wanted}: {error}")))
    };
    // All are held until all are known, or two might be the same.
    let (plain, secure, console) = (listen(port.unwrap_or(0))?, listen(0)?, listen(0)?);
    let address = |listener: &TcpListener| listener.local_addr().map_err(|error| Failure::Wrong(error.to_string()));
    Ok([address(&plain)?, address(&secure)?, address(&console)?])
}

/// Visits each, does what a client must do, and compares.
fn check(tour: Tour, json: bool) -> Result<(), Failure> {
    let (done, visited) = tour.visit(|tour| {
        let done: Vec<(&Duty, Done)> = DUTIES.iter().map(|duty| (duty, duties::perform(duty, tour))).collect();
        let visited = STOPS.iter().map(|stop| (stop, client::visit(stop, &tour.at)));
        Ok((done, visited.collect::<Vec<(&Stop, Visited)>>()))
    })?;
    let misses = visited.iter().map(|(_, visited)| &visited.misses).chain(done.iter().map(|(_, done)| &done.misses));
    let missed = misses.filter(|misses| !misses.is_empty()).count();
    if json {
        let stops = visited.iter().map(|(stop, visited)| text::data(stop, visited));
        let duties = done.iter().map(|(duty, done)| text::data_of_duty(duty, done));
        let members =
            [("stops", Json::list(stops)), ("duties", Json::list(duties)), ("missed", Json::Number(missed as u64))];
        screen::say(&format!("{}\n", Json::object(members)))?;
    } else {
        screen::say(&text::table(&visited, &done, missed, &Screen::stdout()))?;
    }
    if missed == 0 { Ok(()) } else { Err(Failure::Said) }
}
