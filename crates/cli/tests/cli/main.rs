//! The command as it is run: exit codes, what it says, and where.

mod arguments;
mod check;
mod code;
mod command;
mod completions;
mod explain;
mod hash;
mod maintenance;
mod man;
mod openapi;
mod schema;
mod serve;
