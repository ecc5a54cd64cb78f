//! Verdict, as it is measured: built in release, one worker, no log.

use crate::failure::{Failure, While};
use crate::process::{Server, free_address};
use crate::site::{FIXED, MAX_AGE, Site};
use std::env;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the command in release.
pub(crate) fn build() -> Result<(), Failure> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--release", "--package", "verdict"]).current_dir(workspace());
    match cargo.status().while_trying("run cargo")? {
        status if status.success() => Ok(()),
        _ => Err(Failure::Wrong("verdict does not build".to_owned())),
    }
}

/// Where [`build`] puts it.
pub(crate) fn binary() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from);
    target.join("release/verdict")
}

/// The folder of the workspace.
pub(crate) fn workspace() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// Starts it with the site. `under` is the program that runs it, with its arguments, where that is not the system.
/// `connections`, of all clients and of one, are at their defaults where none are given.
pub(crate) fn start(
    site: &Site,
    core: Option<usize>,
    connections: Option<u32>,
    under: Option<Command>,
) -> Result<(Server, SocketAddr), Failure> {
    let address = free_address()?;
    let limits = connections
        .map(|connections| format!("[limits]\nconnections = {connections}\nper-client = {connections}\n"))
        .unwrap_or_default();
    let files = site.files();
    let config = format!(
        "listen = [\"http://{address}\"]\n\
         workers = 1\n\
         log = \"off\"\n\
         {limits}\
         [route.\"/fixed\"]\n\
         respond = {{ status = 200, body = {FIXED:?} }}\n\
         [route.\"/{{path...}}\"]\n\
         files = {{ root = {files:?}, cache = \"{MAX_AGE}s\" }}\n"
    );
    let config = site.write("verdict.toml", &config)?;
    let mut command = match under {
        Some(mut under) => {
            under.arg(binary());
            under
        }
        None => Command::new(binary()),
    };
    let server = Server::start("verdict", command.arg("run").arg("-c").arg(config), core, address, site.folder())?;
    Ok((server, address))
}
