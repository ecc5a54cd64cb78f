//! Why a command could not do what was asked.

use std::fmt::{self, Display, Formatter};
use std::io;
use std::process::ExitCode;

/// A failure, in a sentence.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was asked for wrongly.
    Usage(String),
    /// It cannot be done here, or what was measured is no measurement.
    Wrong(String),
}

impl Failure {
    /// 2 for usage, 1 for everything else.
    pub(crate) fn code(&self) -> ExitCode {
        match self {
            Failure::Usage(_) => ExitCode::from(2),
            Failure::Wrong(_) => ExitCode::FAILURE,
        }
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Usage(sentence) | Failure::Wrong(sentence) => f.write_str(sentence),
        }
    }
}

/// Says what was being done when the system refused.
pub(crate) trait While<T> {
    /// The failure is "cannot `doing`: what the system said".
    fn while_trying(self, doing: impl Display) -> Result<T, Failure>;
}

impl<T> While<T> for io::Result<T> {
    fn while_trying(self, doing: impl Display) -> Result<T, Failure> {
        self.map_err(|error| Failure::Wrong(format!("cannot {doing}: {error}")))
    }
}
