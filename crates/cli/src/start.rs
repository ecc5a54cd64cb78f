//! Starts the server, and says in one sentence where it listens, or why it could not.

use crate::command::Failure;
use crate::screen;
use std::net::SocketAddr;
use std::path::Path;
use verdict_server::config::{Config, Listen, Log};

/// Runs the server until a signal stops it. `file`: where the config is from, which a signal takes anew. `ready` gets the
/// addresses as URLs, once all of them are bound, and makes the sentence.
pub(crate) fn start(
    config: Config,
    file: Option<&Path>,
    ready: impl FnOnce(&[String]) -> String,
) -> Result<(), Failure> {
    let listen = config.listen.clone();
    let log = config.log;
    let told = |bound: &[SocketAddr]| {
        let urls =
            listen.iter().zip(bound).map(|(listen, address)| Listen { address: *address, ..*listen }.to_string());
        let sentence = ready(&urls.collect::<Vec<_>>());
        match log {
            // Standard output is the log's: whoever reads it reads requests and nothing else.
            Log::Json | Log::Text => screen::tell(&sentence),
            // Nobody has to read it: a server does not stop because its output is closed.
            Log::Off => drop(screen::say(&format!("{sentence}\n"))),
        }
    };
    verdict_server::run(config, file, told).map_err(|error| Failure::Wrong(error.to_string()))
}
