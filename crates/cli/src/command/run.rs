//! `verdict run`: runs a config until it is told to stop.

use super::{Failure, check};
use crate::start;
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
    start::start(config, Some(&args.config), |addresses| check::summary(&args.config, routes, addresses))
}
