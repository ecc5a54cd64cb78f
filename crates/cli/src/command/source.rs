//! Which site a command speaks of: that of a config, or a folder as `verdict serve` would serve it.

use super::{Failure, check};
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use verdict_core::explain::visible;
use verdict_server::config::Config;

/// The arguments that say so.
#[derive(clap::Args)]
pub(super) struct Source {
    /// The config
    #[arg(short, long, value_name = "FILE", default_value = check::DEFAULT, conflicts_with = "folder")]
    config: PathBuf,
    /// A folder as `verdict serve` serves it, instead of a config
    #[arg(long = "dir", value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// A config, and the file that it was read from.
pub(super) struct Loaded {
    pub(super) config: Config,
    /// The file's name as it was given; empty where there is none.
    pub(super) name: String,
    /// What is in it.
    pub(super) text: String,
}

impl Source {
    pub(super) fn load(&self) -> Result<Loaded, Failure> {
        match &self.folder {
            Some(folder) => {
                let config = Config::serve(folder, Config::default().listen)?;
                Ok(Loaded { config, name: String::new(), text: String::new() })
            }
            // The config's own report knows no folder to name instead.
            None if fs::metadata(&self.config).is_err_and(|error| error.kind() == ErrorKind::NotFound) => {
                let shown = visible(&self.config.display().to_string());
                Err(Failure::Wrong(format!(
                    "there is no config `{shown}`: name another with `-c`, or, with `--dir .`, this folder as \
                     `verdict serve .` serves it"
                )))
            }
            None => Ok(Loaded {
                config: check::load(&self.config)?,
                name: self.config.display().to_string(),
                // Only for telling lines, so nothing is lost with it if it went away meanwhile.
                text: fs::read_to_string(&self.config).unwrap_or_default(),
            }),
        }
    }
}
