//! What is said on standard error while a run goes on.

use std::fmt::Display;

/// How much is said.
#[derive(Clone, Copy)]
pub(crate) struct Progress {
    /// The figures of each round too.
    pub(crate) verbose: bool,
}

impl Progress {
    /// A round begins.
    pub(crate) fn round(self, title: impl Display, round: u32, rounds: u32) {
        eprintln!("{title}: round {round} of {rounds}");
    }

    /// What was measured of one server in one round.
    pub(crate) fn figure(self, of: impl Display, figure: impl Display) {
        if self.verbose {
            eprintln!("  {of}: {figure}");
        }
    }
}
