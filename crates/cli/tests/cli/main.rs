//! The command as it is run: exit codes, what it says, and where.

mod arguments;
mod check;
mod code;
mod command;
mod serve;
