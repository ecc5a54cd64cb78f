//! `verdict tail`: the answers of the running server as they are given, each with its why.

use super::Failure;
use super::console::{self, Console};
use crate::screen::{self, Screen, Style};
use std::fmt::Write;
use verdict_core::explain::visible;
use verdict_server::console::{Answers, Given};

/// Show the answers of the running server as they are given
///
/// One line each: when, who asked, what was asked, the status with its reason, the route, and the id, by which `verdict why` tells
/// the rest.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Only those of this status, or of its class: `404`, `5xx`
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// Only those for this reason, as in `if-match-failed`
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
    /// Only those of this route, as the config writes its pattern
    #[arg(long, value_name = "ROUTE")]
    route: Option<String>,
    /// Only those to this address
    #[arg(long, value_name = "ADDR")]
    client: Option<std::net::IpAddr>,
    /// Begin with so many that were given before, at most 1000
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(0..=1000))]
    lines: u16,
    /// End after those
    #[arg(long)]
    once: bool,
    /// Write JSON, an object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    console: Console,
}

const EXAMPLES: &str = "\
Examples:
  verdict tail                          what is answered from now on
  verdict tail --status 5xx             what fails
  verdict tail --reason no-route -n 50  what nobody serves, the last fifty too
  verdict tail --once -n 20 --json      the last twenty, for a program";

/// How long the server is asked to wait for the next answer, in seconds.
const WAIT: u64 = 20;

/// How many are asked for at once.
const LIMIT: u16 = 1000;

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let console = args.console.find()?;
    let filters = args.filters();
    let screen = Screen::stdout();
    // The last of them; with none wanted, only where they end.
    let first = format!("/answers?limit={}{filters}", args.lines.max(1));
    let mut told = ask(&console, &first)?;
    if args.lines == 0 {
        told.answers.clear();
    }
    loop {
        let mut out = String::new();
        if told.missed > 0 {
            screen::tell(&format!("{} answers came faster than they were told, and are not shown", told.missed));
        }
        for given in &told.answers {
            match args.json {
                true => {
                    let _ = writeln!(out, "{}", given.json());
                }
                false => push_line(&mut out, given, &screen),
            }
        }
        if !out.is_empty() {
            screen::say(&out)?;
        }
        if args.once {
            return Ok(());
        }
        told = ask(&console, &format!("/answers?limit={LIMIT}&wait={WAIT}&after={}{filters}", told.next))?;
    }
}

fn ask(console: &verdict_server::config::Console, target: &str) -> Result<Answers, Failure> {
    let answer = console::get(console, target)?;
    Answers::parse(&answer.content).ok_or_else(console::other_version)
}

impl Args {
    fn filters(&self) -> String {
        let client = self.client.map(|client| client.to_string());
        let all = [
            ("status", self.status.as_ref()),
            ("reason", self.reason.as_ref()),
            ("route", self.route.as_ref()),
            ("client", client.as_ref()),
        ];
        let mut out = String::new();
        for (name, value) in all {
            let Some(value) = value else { continue };
            let _ = write!(out, "&{name}={}", console::encoded(value));
        }
        out
    }
}

/// `11:40:18.123  412 if-match-failed  PUT /notes/7  /notes/{id}  127.0.0.1  0190163d-…`
fn push_line(out: &mut String, given: &Given, screen: &Screen) {
    let time = given.time.get(11..23).unwrap_or(&given.time);
    let status = given.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    let style = given.status.map_or(Style::Faint, console::style);
    let who = match &given.user {
        Some(user) => format!("{} {}", visible(&given.client), visible(user)),
        None => visible(&given.client),
    };
    let _ = writeln!(
        out,
        "{}  {} {}  {} {}  {}  {who}  {}",
        screen.paint(Style::Faint, time),
        screen.paint(style, &status),
        given.reason,
        visible(&given.method),
        screen.paint(Style::Strong, &visible(&given.target)),
        given.route.as_deref().map_or_else(|| "-".to_owned(), visible),
        screen.paint(Style::Faint, &visible(&given.id)),
    );
}
