//! The table of what is held against nginx, and how far Verdict must be ahead.

use crate::case::{BROWSED, Case, FIXED, LARGE, SMALL, UNCHANGED};
use crate::nginx::Form;

/// A line of CPU time per request.
pub(crate) struct Row {
    /// As `--rows` takes it.
    pub(crate) name: &'static str,
    /// As the table names it.
    pub(crate) title: &'static str,
    pub(crate) case: Case,
    /// Connections, each with one request under way.
    pub(crate) connections: u32,
    /// The forms of nginx; the one that costs it least is the one that counts.
    pub(crate) forms: &'static [Form],
    /// The least that nginx/Verdict may be.
    pub(crate) gate: f64,
    /// What it should be.
    pub(crate) mark: f64,
}

const SENDFILE: &[Form] = &[Form::Sendfile, Form::SendfileCached];
const EVERY: &[Form] = &[Form::Sendfile, Form::SendfileCached, Form::Read, Form::ReadCached];

pub(crate) const ROWS: [Row; 6] = [
    row(FIXED, &[Form::Sendfile], 1.10, 1.20),
    row(SMALL, SENDFILE, 1.40, 1.70),
    Row {
        name: "1k-read",
        title: "1 KiB file, nginx without sendfile",
        ..row(SMALL, &[Form::Read, Form::ReadCached], 1.20, 1.42)
    },
    row(UNCHANGED, SENDFILE, 1.08, 1.15),
    row(BROWSED, EVERY, 1.20, 1.35),
    // Four downloads keep a core busy; sixty-four would only fill the memory of their sockets.
    Row { connections: 4, ..row(LARGE, SENDFILE, 0.95, 1.00) },
];

/// The name of the row of memory per idle connection.
pub(crate) const IDLE: &str = "idle";
/// Bytes that an idle connection must stay below.
pub(crate) const IDLE_GATE: f64 = 2048.0;
/// Bytes that it should stay below.
pub(crate) const IDLE_MARK: f64 = 1024.0;

const fn row(case: Case, forms: &'static [Form], gate: f64, mark: f64) -> Row {
    Row { name: case.name, title: case.title, case, connections: 64, forms, gate, mark }
}

/// Every name that `--rows` takes.
pub(crate) fn names() -> Vec<&'static str> {
    ROWS.iter().map(|row| row.name).chain([IDLE]).collect()
}
