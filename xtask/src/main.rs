//! `cargo xtask`: what a maintainer runs. Linux only, as the server is.

mod arguments;
mod bench;
mod case;
mod client;
mod closed_loop;
mod cold;
mod contest;
mod crowd;
mod delay;
mod docs;
mod documents;
mod failure;
mod fuzz;
mod gateway;
mod guards;
mod idle;
mod instructions;
mod json;
mod load;
mod machine;
mod nginx;
mod open_loop;
mod origin;
mod overload;
mod process;
mod progress;
mod protocols;
mod rows;
mod site;
mod stalls;
mod table;
mod times;
mod upload;
mod verdict;
mod versus;

use arguments::Arguments;
use failure::Failure;
use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask COMMAND [OPTIONS]

Commands:
  bench         CPU time per request, memory per idle connection and times of answers, against nginx
  docs          docs/STATUS.md and docs/DECISION.svg, from the tables and every case of the decision
  fuzz          inputs for which what holds for any bytes does not, searched for by libFuzzer
  instructions  user-space instructions per request, counted by valgrind

`cargo xtask COMMAND --help` tells more. Exit codes: 0, 1 (what was asked for failed or is below its gate), 2 (usage).
";

fn main() -> ExitCode {
    match run(Arguments::of_process()) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("error: {failure}");
            failure.code()
        }
    }
}

fn run(mut arguments: Arguments) -> Result<ExitCode, Failure> {
    match arguments.next().as_deref() {
        Some("bench") => bench::run(arguments),
        Some("docs") => docs::run(arguments),
        Some("fuzz") => fuzz::run(arguments),
        Some("instructions") => instructions::run(arguments),
        Some("--help" | "-h" | "help") | None => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        Some(other) => {
            Err(Failure::Usage(format!("there is no command `{other}`: bench, docs, fuzz and instructions are there")))
        }
    }
}
