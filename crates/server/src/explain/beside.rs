//! A dry run beside a server that answers: over its own state, of which nothing is taken, held or changed.

use super::DryRun;
use crate::config::Source;
use crate::metrics::Tally;
use crate::site::{Opened, Site};
use std::io;
use std::sync::Arc;

impl DryRun {
    /// Explains how a server that goes by this answers. It has a way of its own to read the store.
    pub(crate) fn beside(opened: Arc<Opened>) -> io::Result<DryRun> {
        let Source { name, text } = opened.config.source.clone();
        let reader = opened.kept.as_ref().map(|kept| kept.for_looking()).transpose()?;
        DryRun::of(Site::with(opened, reader, Tally::default()), &name, text)
    }
}
