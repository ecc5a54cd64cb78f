//! The commands, each in a file of its own: its arguments and what it does.
//!
//! Exit codes: 0, 1 where what was asked for is wrong, 2 where it was asked for wrongly (which clap mostly says itself).

mod check;
mod code;
mod completions;
mod console;
mod explain;
mod get;
mod hash_password;
mod hash_token;
mod maintenance;
mod man;
mod openapi;
mod ready;
mod routes;
mod run;
mod schema;
mod serve;
mod source;
mod store;
mod tail;
mod tour;
mod why;

use crate::screen;
use std::io::ErrorKind;
use std::process::ExitCode;
use verdict_server::config::Report;

/// An HTTP server in which every status code is a decision that can say why.
#[derive(clap::Parser)]
#[command(name = "verdict", version, after_help = EXAMPLES, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  verdict tour                    meet every status on this machine
  verdict serve                   serve this folder on http://127.0.0.1:8080
  verdict serve site --port 9000  serve another one, on another port
  verdict run                     run verdict.toml
  verdict check -c other.toml     say what is wrong with a config
  verdict explain GET /           how that would be answered, and why
  verdict why ID                  why a request was answered as it was
  verdict tail --status 5xx       what the running server answers so
  verdict routes                  every status that each route can give
  verdict get -v URL              ask a server, and say why each next step is taken
  verdict code 409                what 409 means, and when this server gives it
  verdict code 301 302 307 308    what tells these four apart";

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    Serve(serve::Args),
    Run(run::Args),
    Check(check::Args),
    Code(code::Args),
    Explain(explain::Args),
    Get(get::Args),
    Routes(routes::Args),
    Openapi(openapi::Args),
    HashPassword(hash_password::Args),
    HashToken(hash_token::Args),
    Maintenance(maintenance::Args),
    Ready(ready::Args),
    Tail(tail::Args),
    Tour(tour::Args),
    Why(why::Args),
    Store(store::Args),
    Schema(schema::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Command {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Command::Serve(args) => serve::run(&args),
            Command::Run(args) => run::run(&args),
            Command::Check(args) => check::run(&args),
            Command::Code(args) => code::run(&args),
            Command::Explain(args) => explain::run(&args),
            Command::Get(args) => get::run(&args),
            Command::Routes(args) => routes::run(&args),
            Command::Openapi(args) => openapi::run(&args),
            Command::HashPassword(args) => hash_password::run(&args),
            Command::HashToken(args) => hash_token::run(&args),
            Command::Maintenance(args) => maintenance::run(&args),
            Command::Ready(args) => ready::run(&args),
            Command::Tail(args) => tail::run(&args),
            Command::Tour(args) => tour::run(&args),
            Command::Why(args) => why::run(&args),
            Command::Store(args) => store::run(&args),
            Command::Schema(args) => schema::run(&args),
            Command::Completions(args) => completions::run(&args),
            Command::Man(args) => man::run(&args),
        }
    }
}

/// Why a command did not do what was asked.
pub(crate) enum Failure {
    /// What was asked for is wrong: what, and what to do about it.
    Wrong(String),
    /// It was asked for wrongly, in a way that no single argument shows.
    Usage(String),
    /// The config is wrong.
    Config(Report),
    /// What was asked for is wrong, and standard output says what.
    Said,
    /// Standard output does not take the answer.
    Output(std::io::Error),
}

impl Failure {
    /// Tells it on standard error.
    pub(crate) fn tell(self) -> ExitCode {
        match self {
            Failure::Wrong(sentence) => screen::tell(&format!("error: {sentence}")),
            Failure::Usage(sentence) => {
                screen::tell(&format!("error: {sentence}\n\nFor more information, try '--help'."));
                return ExitCode::from(2);
            }
            Failure::Said => {}
            Failure::Config(report) => screen::tell(&report.render(screen::stderr_is_coloured())),
            // Whoever reads has read enough, as `head` has.
            Failure::Output(error) if error.kind() == ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
            Failure::Output(error) => screen::tell(&format!("error: standard output cannot be written: {error}")),
        }
        ExitCode::FAILURE
    }
}

impl From<Report> for Failure {
    fn from(report: Report) -> Failure {
        Failure::Config(report)
    }
}
