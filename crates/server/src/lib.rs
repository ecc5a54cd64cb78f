//! The server: sockets, time and handlers around the decision of [`verdict_core`] and the wire of [`verdict_wire`].
//!
//! The way of a request: `worker.rs` accepts its connection, `idle.rs` reads what comes, `client.rs` has it answered,
//! `serve.rs` takes it through the eight stages, and a file of `handler/` knows what is at its target. Whatever has to wait
//! does so in `connection.rs`.

mod admission;
mod answer;
pub mod auth;
mod buffers;
mod client;
mod client_address;
mod clock;
mod concurrency;
pub mod config;
mod connection;
pub mod console;
mod content;
mod content_type;
mod cors;
mod deadline;
mod descriptors;
mod disk;
pub mod document;
pub mod explain;
mod gates;
mod greeting;
mod hand_over;
mod handler;
mod health;
mod http2;
mod id;
mod idle;
mod jobs;
pub mod json;
pub mod kept;
mod listen;
mod log;
pub mod maintenance;
mod metrics;
mod moment;
mod named;
pub mod outgoing;
mod rate;
mod reactor;
mod recorder;
mod refusal;
mod representation;
mod request;
pub mod route;
pub mod routes;
mod run;
mod send;
mod serve;
mod server;
mod site;
mod socket;
mod store;
mod stream;
mod systemd;
mod timer;
mod tls;
// Not all of it is asked yet.
#[allow(dead_code)]
mod upstream;
mod user;
mod watched;
mod wheel;
mod worker;

pub use hand_over::inherited_addresses;
pub use run::{on_interrupt, run};
pub use server::{Server, StartError};
