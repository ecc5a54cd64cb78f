//! `verdict maintenance`: closes and opens routes of the server that runs, through its console.

use super::{Failure, check};
use crate::screen;
use std::path::PathBuf;
use std::time::SystemTime;
use verdict_core::explain::visible;
use verdict_server::console::ask;
use verdict_server::json::Json;
use verdict_server::maintenance::{Until, UntilError};

/// Close a route of the running server for a while, or open it again
///
/// Who asks meanwhile gets 503 with the time left. It lasts until the time given, until it is opened, or until the server ends;
/// what the config itself closes, only the config opens.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Whether it is closed from now on
    #[arg(value_name = "on|off", hide_possible_values = true)]
    state: State,
    /// The route, as the config writes its pattern [default: all of them]
    #[arg(value_name = "ROUTE")]
    route: Option<String>,
    /// When it opens again: a time of day, a date and time of RFC 3339, or how long from now
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// The config of the server that runs
    #[arg(short, long, value_name = "FILE", default_value = check::DEFAULT)]
    config: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum State {
    On,
    Off,
}

const EXAMPLES: &str = "\
Examples:
  verdict maintenance on                         close all routes until they are opened
  verdict maintenance on --until 14:00           until it is two o'clock
  verdict maintenance on '/notes/{id}' --until 30m  one route, for half an hour
  verdict maintenance off                        open what was closed so";

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let until = match (args.state, &args.until) {
        (State::Off, Some(_)) => {
            return Err(Failure::Usage("`--until` is for `on`: what is open has no end".to_owned()));
        }
        (_, None) => Until::Reopened,
        (State::On, Some(text)) => Until::parse(text, SystemTime::now()).map_err(|why| {
            let sentence = format!("--until {}: {why}", visible(text));
            match why {
                UntilError::Form => Failure::Usage(sentence),
                UntilError::Past => Failure::Wrong(sentence),
            }
        })?,
    };
    let config = check::load(&args.config)?;
    let shown = visible(&args.config.display().to_string());
    let Some(console) = &config.console else {
        return Err(Failure::Wrong(format!(
            "{shown} has no console, by which the server could be told: add `state = \"./state\"` to it and start the server \
             again"
        )));
    };
    let on = args.state == State::On;
    let order = Json::object([
        ("route", args.route.as_deref().map_or(Json::Null, Json::from)),
        ("on", Json::from(on)),
        ("until", if let Until::Unix(_) = until { Json::from(until.to_string()) } else { Json::Null }),
    ]);
    let answer = ask(console, "POST", "/maintenance", Some(&order)).map_err(|why| Failure::Wrong(why.to_string()))?;
    if !answer.is_good() {
        let told = answer.content.trim_end().lines().map(visible).collect::<Vec<_>>().join("\n");
        return Err(Failure::Wrong(format!("the server did not do it: {told}")));
    }
    let (subject, is) = match &args.route {
        Some(route) => (format!("`{}`", visible(route)), "is"),
        None => ("all routes".to_owned(), "are"),
    };
    let changed = answer.says("changed").unwrap_or(true);
    screen::say(&match (on, until) {
        (true, Until::Reopened) => format!("{subject} {is} closed until `verdict maintenance off`\n"),
        (true, until) => format!("{subject} {is} closed until {until}\n"),
        (false, _) if changed => format!("{subject} {is} open again\n"),
        (false, _) => format!("{subject}: nothing was closed by `verdict maintenance`\n"),
    })
}
