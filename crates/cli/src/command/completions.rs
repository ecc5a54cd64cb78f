//! `verdict completions`: what a shell needs to complete this command's arguments.

use super::{Cli, Failure};
use crate::screen;
use clap::CommandFactory;
use clap_complete::Shell;

/// Write a shell's completions
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  source <(verdict completions bash)                                for this session
  verdict completions zsh > ~/.zfunc/_verdict                       a folder of $fpath
  verdict completions fish > ~/.config/fish/completions/verdict.fish";

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "verdict", &mut script);
    screen::say(&String::from_utf8_lossy(&script))
}
