//! `verdict ready`: whether the running server takes requests, for whoever looks after it.

use super::Failure;
use super::console::{self, Console};
use crate::screen;

/// Say whether the running server takes requests
///
/// It is asked for `/readyz` through its console. The exit code is 0 where it does, and 1 where it is about to stop or where none
/// runs: for the health check of a container, and for scripts that wait for a start.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    console: Console,
}

const EXAMPLES: &str = "\
Examples:
  verdict ready                             the server of verdict.toml
  verdict ready --state /var/lib/verdict    the one that keeps its state there
  until verdict ready; do sleep 0.1; done   wait until it has started";

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let answer = console::get(&args.console.find()?, "/readyz")?;
    screen::say(&answer.content)
}
