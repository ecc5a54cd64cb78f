//! `verdict`, the command: reads its arguments, does what one of `command/` says, and tells how it went.

mod command;
mod screen;
mod secret;
mod start;
mod table;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    match command::Cli::parse().command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}
