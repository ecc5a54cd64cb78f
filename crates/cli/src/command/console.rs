//! Which running server a command asks: that of a config, or the one that keeps its state in a folder.

use super::{Failure, check};
use crate::screen::Style;
use std::fmt::Write;
use std::path::PathBuf;
use verdict_core::explain::visible;
use verdict_core::status::{Class, Status};
use verdict_server::config;
use verdict_server::console::{Answer, ask};

#[derive(clap::Args)]
pub(super) struct Console {
    /// The config of the server that runs
    #[arg(short, long, value_name = "FILE", default_value = check::DEFAULT)]
    config: PathBuf,
    /// The folder `state` of the server that runs, in the place of its config
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    state: Option<PathBuf>,
}

impl Console {
    /// Where it is reached.
    pub(super) fn find(&self) -> Result<config::Console, Failure> {
        if let Some(state) = &self.state {
            return Ok(config::Console::of_state(state));
        }
        let config = check::load(&self.config)?;
        config.console.ok_or_else(|| {
            Failure::Wrong(format!(
                "{} has no console, by which the server could be asked: add `state = \"./state\"` to it and start the server \
                 again",
                visible(&self.config.display().to_string())
            ))
        })
    }
}

/// What the server tells; an error is why it does not, in its words.
pub(super) fn get(console: &config::Console, target: &str) -> Result<Answer, Failure> {
    let answer = ask(console, "GET", target, None).map_err(|why| Failure::Wrong(why.to_string()))?;
    if answer.is_good() {
        return Ok(answer);
    }
    let told = answer.content.trim_end().lines().map(visible).collect::<Vec<_>>().join("\n");
    Err(Failure::Wrong(format!("the server does not tell it: {told}")))
}

/// A text as a part of a target (RFC 3986 §2.1): what is not unreserved is encoded.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte as char),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// A server of another version was asked.
pub(super) fn other_version() -> Failure {
    Failure::Wrong("the server is of another version, and what it says is not understood".to_owned())
}

/// The colour of a status.
pub(super) fn style(code: u16) -> Style {
    match Status::from_wire(code).map(Status::class) {
        Some(Class::Informational | Class::Successful) => Style::Green,
        Some(Class::Redirection) => Style::Cyan,
        Some(Class::ClientError) => Style::Yellow,
        Some(Class::ServerError) | None => Style::Red,
    }
}
