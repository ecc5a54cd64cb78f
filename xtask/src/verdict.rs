//! Verdict, as it is measured: built in release, with one worker and without a log unless a row is about those.

use crate::failure::{Failure, While};
use crate::process::{Server, Setting, free_address};
use crate::protocols::{Addresses, Certificate};
use crate::site::{FIXED, MAX_AGE, Site};
use std::env;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the command in release.
pub(crate) fn build() -> Result<(), Failure> {
    built(cargo())
}

/// Builds it without the recording of what a decision asked, which is on in every other build: for what that costs.
pub(crate) fn build_untraced() -> Result<(), Failure> {
    let flags = env::var("RUSTFLAGS").unwrap_or_default();
    let mut cargo = cargo();
    // A folder of its own, or each of the two would build everything anew.
    cargo.env("RUSTFLAGS", format!("{flags} --cfg verdict_untraced")).env("CARGO_TARGET_DIR", untraced_target());
    built(cargo)
}

fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--release", "--package", "verdict"]).current_dir(workspace());
    cargo
}

fn built(mut cargo: Command) -> Result<(), Failure> {
    match cargo.status().while_trying("run cargo")? {
        status if status.success() => Ok(()),
        _ => Err(Failure::Wrong("verdict does not build".to_owned())),
    }
}

/// Where [`build`] puts it.
pub(crate) fn binary() -> PathBuf {
    target().join("release/verdict")
}

/// Where [`build_untraced`] puts it.
pub(crate) fn untraced() -> PathBuf {
    untraced_target().join("release/verdict")
}

fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

fn untraced_target() -> PathBuf {
    target().join("untraced")
}

/// The folder of the workspace.
pub(crate) fn workspace() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// Starts it with the site.
pub(crate) fn start(site: &Site, setting: Setting<'_>, workers: usize) -> Result<(Server, SocketAddr), Failure> {
    start_as(Command::new(binary()), site, setting, workers)
}

/// What is in the config of some rows beside what is in that of all.
#[derive(Clone, Copy, Default)]
pub(crate) struct Lines<'a> {
    /// Keys of the whole server.
    pub(crate) keys: &'a str,
    /// Tables, routes among them.
    pub(crate) tables: &'a str,
}

/// Starts it with more in its config.
pub(crate) fn start_with(site: &Site, setting: Setting<'_>, lines: Lines<'_>) -> Result<(Server, SocketAddr), Failure> {
    start_as_with(Command::new(binary()), site, setting, lines)
}

/// The same by a command, which ends with the program.
pub(crate) fn start_as_with(
    command: Command,
    site: &Site,
    setting: Setting<'_>,
    Lines { keys, tables }: Lines<'_>,
) -> Result<(Server, SocketAddr), Failure> {
    let address = free_address()?;
    let keys = format!("listen = [\"http://{address}\"]\n{keys}");
    let lines = Lines { keys: &keys, tables };
    Ok((start_at(command, site, setting, 1, lines, address)?, address))
}

/// Starts it by a command, which ends with the program: another build, or under a program that runs it.
pub(crate) fn start_as(
    command: Command,
    site: &Site,
    setting: Setting<'_>,
    workers: usize,
) -> Result<(Server, SocketAddr), Failure> {
    let address = free_address()?;
    let keys = format!("listen = [\"http://{address}\"]\n");
    let server = start_at(command, site, setting, workers, Lines { keys: &keys, tables: "" }, address)?;
    Ok((server, address))
}

/// Starts it by a command for a count of a few thousand requests: the recorder's ring is so short that it has gone round by then,
/// as it has in a server that runs. Before that each answer pays for memory that is taken for the first time.
pub(crate) fn start_for_counting(
    command: Command,
    site: &Site,
    setting: Setting<'_>,
    tables: &str,
) -> Result<(Server, SocketAddr), Failure> {
    let address = free_address()?;
    let keys = format!("listen = [\"http://{address}\"]\nconsole = {{ answers = 256 }}\n");
    let server = start_at(command, site, setting, 1, Lines { keys: &keys, tables }, address)?;
    Ok((server, address))
}

/// Starts it with an address for TLS as well; the other one takes HTTP/2.
pub(crate) fn start_secure(
    site: &Site,
    setting: Setting<'_>,
    issued: &Certificate,
) -> Result<(Server, Addresses), Failure> {
    let addresses = Addresses { http2: free_address()?, tls: free_address()? };
    let Addresses { http2, tls } = addresses;
    let (certificate, key) = (&issued.certificate, &issued.key);
    let keys = format!(
        "listen = [\"http://{http2}\", \"https://{tls}\"]\n\
         tls = {{ certificate = {certificate:?}, key = {key:?} }}\n"
    );
    Ok((start_at(Command::new(binary()), site, setting, 1, Lines { keys: &keys, tables: "" }, http2)?, addresses))
}

/// Starts it with the lines that say where it listens, which is here among others.
fn start_at(
    mut command: Command,
    site: &Site,
    setting: Setting<'_>,
    workers: usize,
    Lines { keys, tables }: Lines<'_>,
    address: SocketAddr,
) -> Result<Server, Failure> {
    let limits = setting.room.map(|room| format!("[limits]\nconnections = {room}\nper-client = {room}\n"));
    let limits = limits.unwrap_or_default();
    // Its log is its standard output, which `Server::start` makes a file.
    let log = if setting.log { "text" } else { "off" };
    let files = site.files();
    // With a console, as whoever runs a server has one: it is for this that answers are kept.
    let state = match keys.contains("state = ") {
        true => String::new(),
        false => format!("state = {:?}\n", site.folder().join(format!("state-{}", address.port()))),
    };
    let config = format!(
        "{keys}{state}\
         workers = {workers}\n\
         log = \"{log}\"\n\
         {limits}\
         [route.\"/fixed\"]\n\
         respond = {{ status = 200, body = {FIXED:?} }}\n\
         [route.\"/{{path...}}\"]\n\
         files = {{ root = {files:?}, cache = \"{MAX_AGE}s\" }}\n\
         {tables}"
    );
    let config = site.write("verdict.toml", &config)?;
    command.arg("run").arg("-c").arg(config);
    Server::start("verdict", &mut command, setting.cores, address, site.folder())
}
