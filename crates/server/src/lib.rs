//! The server: sockets, time and handlers around the decision of [`verdict_core`] and the wire of [`verdict_wire`].
//!
//! The way of a request: `worker.rs` accepts its connection, `idle.rs` reads what comes, `client.rs` has it answered,
//! `serve.rs` takes it through the eight stages, and a file of `handler/` knows what is at its target. Whatever has to wait
//! does so in `connection.rs`.

mod admission;
mod answer;
mod buffers;
mod client;
mod clock;
pub mod config;
mod connection;
mod deadline;
mod descriptors;
mod disk;
pub mod explain;
mod hand_over;
mod handler;
mod id;
mod idle;
pub mod json;
mod listen;
mod log;
mod moment;
mod named;
mod reactor;
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
mod systemd;
mod timer;
mod user;
mod watched;
mod wheel;
mod worker;

pub use hand_over::inherited_addresses;
pub use run::run;
pub use server::{Server, StartError};
