//! The server: sockets, time and handlers around the decision of [`verdict_core`] and the wire of [`verdict_wire`].
//!
//! The way of a request: `worker.rs` accepts its connection, `connection.rs` reads its head and sends its answer,
//! `serve.rs` takes it through the eight stages, and a file of `handler/` knows what is at its target.

mod answer;
mod buffers;
mod clock;
pub mod config;
mod connection;
mod deadline;
mod disk;
mod handler;
mod id;
mod listen;
mod log;
mod named;
mod refusal;
mod representation;
mod request;
pub mod route;
mod send;
mod serve;
mod server;
mod site;
mod socket;
mod timer;
mod user;
mod worker;

pub use server::{Server, StartError, run};
