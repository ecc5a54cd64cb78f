//! Starts the server, and says in one sentence where it listens, or why it could not.

use crate::command::Failure;
use crate::screen;
use std::net::SocketAddr;
use std::path::Path;
use verdict_server::config::{Config, Listen};

/// Runs the server until a signal stops it. `file`: where the config is from, which a signal takes anew. `ready` gets the
/// addresses as URLs, once all of them are bound, and makes the sentence.
pub(crate) fn start(
    config: Config,
    file: Option<&Path>,
    ready: impl FnOnce(&[String]) -> String,
) -> Result<(), Failure> {
    let listen = config.listen.clone();
    let told = |bound: &[SocketAddr]| {
        let urls =
            listen.iter().zip(bound).map(|(listen, address)| Listen { address: *address, ..*listen }.to_string());
        // Standard output is the log's: whoever reads it reads requests and nothing else.
        screen::tell(&ready(&urls.collect::<Vec<_>>()));
    };
    verdict_server::run(config, file, told).map_err(|error| Failure::Wrong(error.to_string()))
}
