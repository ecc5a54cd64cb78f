//! `verdict check`: says what is wrong with a config, without listening.

use super::Failure;
use crate::screen;
use std::path::{Path, PathBuf};
use verdict_core::explain::visible;
use verdict_server::config::Config;

/// Check a config without running it
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The config
    #[arg(short, long, value_name = "FILE", default_value = DEFAULT)]
    config: PathBuf,
}

/// The config of the folder that the command runs in.
pub(super) const DEFAULT: &str = "verdict.toml";

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let config = load(&args.config)?;
    let listen: Vec<String> = config.listen.iter().map(ToString::to_string).collect();
    screen::say(&format!("{}\n", summary(&args.config, config.routes.len(), &listen)))
}

/// Loads a config and tells its warnings.
pub(super) fn load(path: &Path) -> Result<Config, Failure> {
    let config = Config::load(path)?;
    if !config.warnings.is_empty() {
        screen::tell(&config.warnings.render(screen::stderr_is_coloured()));
    }
    Ok(config)
}

/// The config in one line: `verdict.toml: 2 routes, listening on http://127.0.0.1:8080`.
pub(super) fn summary(path: &Path, routes: usize, addresses: &[String]) -> String {
    let routes = match routes {
        1 => "1 route".to_owned(),
        many => format!("{many} routes"),
    };
    format!("{}: {routes}, listening on {}", visible(&path.display().to_string()), addresses.join(", "))
}
