//! `verdict schema`: the form of a config, for editors.

use super::Failure;
use crate::screen;

/// Write the JSON Schema of the config
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {}

const EXAMPLES: &str = "\
Example:
  verdict schema > verdict.schema.json

Editors that know TOML then complete keys and underline mistakes in a config that begins with
  #:schema ./verdict.schema.json";

pub(crate) fn run(_: &Args) -> Result<(), Failure> {
    screen::say(&verdict_server::config::schema())
}
