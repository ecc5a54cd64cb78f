//! `POST /explain`: how the server would answer a request, and why, by the state that it is in.
//!
//! Rule: it is the dry run of `verdict explain` over what the workers go by; nothing is counted, held or changed.

use crate::config;
use crate::explain::DryRun;
use crate::explain::shown::Shown;
use crate::json::Json;
use crate::log;
use crate::site::Opened;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::net::IpAddr;
use std::sync::Arc;
use verdict_core::explain::visible;

/// The most content that it takes: a message of 8 MiB in base64, and a config.
pub(super) const LARGEST: u64 = 16 << 20;

/// The longest message that fits into it.
pub const LARGEST_MESSAGE: usize = 8 << 20;

/// The content.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    /// The bytes of the message in base64: what is malformed is no text.
    message: String,
    /// The address that it is sent from.
    from: IpAddr,
    /// What is in the config's file by now, to be told whether the server goes by that.
    #[serde(default)]
    config: Option<String>,
}

/// What came of it.
#[derive(Debug, Deserialize)]
pub struct Explained {
    /// How the request would be answered.
    pub explanation: Shown,
    /// Whether the server goes by another config than the one that was sent along.
    pub differs: bool,
}

impl Explained {
    /// What the server answered; `None`: one of another version.
    pub fn parse(content: &str) -> Option<Explained> {
        serde_json::from_str(content).ok()
    }
}

/// The order for a message, sent from there, by who has read this config.
pub fn order(message: &[u8], from: IpAddr, config: &str) -> Json {
    Json::object([
        ("message", Json::from(STANDARD.encode(message))),
        ("from", Json::from(from.to_string())),
        ("config", Json::from(config)),
    ])
}

/// Explains what was ordered. Waits for the disk. The error is what is wrong with the order, or with the server, in words.
pub(super) fn explain(order: &Order, opened: Arc<Opened>) -> Result<String, Unexplained> {
    let message = STANDARD
        .decode(&order.message)
        .map_err(|error| Unexplained::Order(format!("`message` is no base64: {}", visible(&error.to_string()))))?;
    if message.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
        return Err(Unexplained::Order("`message` is empty: nothing would be answered".to_owned()));
    }
    let config::Source { text, .. } = &opened.config.source;
    let differs = order.config.as_ref().is_some_and(|config| config != text);
    let site = DryRun::beside(opened).map_err(|error| {
        log::operation(format_args!("console: a request could not be explained: {error}"));
        Unexplained::Failed
    })?;
    let explanation = Shown::of(&site.explain(&message, order.from)).json();
    Ok(format!("{}\n", Json::object([("explanation", explanation), ("differs", Json::from(differs))])))
}

/// Why nothing is explained.
pub(super) enum Unexplained {
    /// What was ordered is wrong.
    Order(String),
    /// The system or the store failed; the log says why.
    Failed,
}
