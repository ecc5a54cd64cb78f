//! `verdict run`: runs a config until it is told to stop.

use super::{Failure, check};
use crate::{screen, start};
use std::path::PathBuf;

/// Run a config
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The config
    #[arg(short, long, value_name = "FILE", default_value = check::DEFAULT)]
    config: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let config = check::load(&args.config)?;
    let routes = config.routes.len();
    start::start(config, Some(&args.config), |addresses| {
        // Nobody has to read it: a server does not stop because its output is closed.
        let _ = screen::say(&format!("{}\n", check::summary(&args.config, routes, addresses)));
    })
}
