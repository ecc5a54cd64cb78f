//! `verdict store`: looks through the store of a config, and copies it, while the server runs or not.

use super::{Failure, check};
use std::path::PathBuf;
use verdict_core::explain::visible;
use verdict_server::kept;

/// Look through what the server keeps, or copy it
///
/// Both may be done while the server runs: what is seen is one moment.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
    /// The config whose `state` is meant
    #[arg(short, long, value_name = "FILE", default_value = check::DEFAULT, global = true)]
    config: PathBuf,
}

#[derive(clap::Subcommand)]
enum What {
    /// Say whether the database is whole, and what is in it agrees
    Check,
    /// Copy it, as it is at one moment, into a file that is not there yet
    Backup {
        /// The copy: to restore it, stop the server and put it in the place of verdict.db in `state`
        #[arg(value_name = "FILE")]
        to: PathBuf,
    },
}

const EXAMPLES: &str = "\
Examples:
  verdict store check                          is everything whole?
  verdict store backup monday.db               copy it while the server runs";

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let config = check::load(&args.config)?;
    let shown = visible(&args.config.display().to_string());
    let Some(path) = kept::database(&config) else {
        return Err(Failure::Wrong(format!(
            "{shown} has no `state`, so there is no store: add `state = \"./state\"` to it"
        )));
    };
    let place = visible(&path.display().to_string());
    if !path.exists() {
        return Err(Failure::Wrong(format!("{place} is not there: start the server once, and it is made")));
    }
    match &args.what {
        What::Check => {
            let found = kept::check(&path).map_err(|why| Failure::Wrong(visible(&why)))?;
            for finding in &found {
                println!("{}", visible(finding));
            }
            match found.len() {
                0 => println!("{place} is whole"),
                _ => return Err(Failure::Wrong(format!("{place} is damaged: stop the server and restore a backup"))),
            }
        }
        What::Backup { to } => {
            kept::backup(&path, to).map_err(|why| Failure::Wrong(visible(&why)))?;
            println!("{place} is copied to {}", visible(&to.display().to_string()));
        }
    }
    Ok(())
}
