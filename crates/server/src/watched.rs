//! The files that a config is made of, looked at from time to time: by their stamps, which also tells when a link leads
//! elsewhere, and which works on every file system.

use crate::config::Config;
use std::fs::metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What a file is: which one, how long, written when. `None`: there is none.
pub(crate) type Stamp = Option<(u64, u64, u64, i64, i64)>;

/// A config's own file and those that it names.
pub(crate) struct Watched {
    /// Whether a change is to be noticed: `watch` of the config.
    pub(crate) on: bool,
    files: Vec<PathBuf>,
    taken: Vec<Stamp>,
    /// When they were last looked at.
    seen: Vec<Stamp>,
    /// The last change was not taken: what it needs may be in a file that is not known yet.
    refused: bool,
}

impl Watched {
    /// From the file that the config was just read from.
    pub(crate) fn new(file: &Path, config: &Config) -> Watched {
        let files: Vec<_> = std::iter::once(file.to_owned()).chain(config.named_files.iter().cloned()).collect();
        let taken = stamps(&files);
        Watched { on: config.watch, seen: taken.clone(), files, taken, refused: false }
    }

    /// The config's own.
    pub(crate) fn file(&self) -> &Path {
        &self.files[0]
    }

    /// The config was not taken as it is now.
    pub(crate) fn refuse(&mut self) {
        self.refused = true;
    }

    /// Whether one of them has changed and is left alone since the last look, or what was wrong with the config is not any
    /// longer. Told once for each change.
    pub(crate) fn has_changed(&mut self) -> bool {
        if !self.on {
            return false;
        }
        if self.refused && Config::load(self.file()).is_ok() {
            self.refused = false;
            return true;
        }
        let now = stamps(&self.files);
        let settled = now == self.seen;
        let changed = settled && now != self.taken;
        if changed {
            self.taken.clone_from(&now);
        }
        self.seen = now;
        changed
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Stamp> {
    files.iter().map(|file| stamp(file)).collect()
}

/// What a file is now.
pub(crate) fn stamp(file: &Path) -> Stamp {
    metadata(file).ok().map(|now| (now.dev(), now.ino(), now.len(), now.mtime(), now.mtime_nsec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_once_when_the_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("verdict.toml");
        std::fs::write(&file, "log = \"off\"").unwrap();
        let mut watched = Watched::new(&file, &Config { watch: true, ..Config::default() });
        assert!(!watched.has_changed());
        std::fs::write(&file, "log = \"text\"").unwrap();
        assert!(!watched.has_changed(), "it may still be being written");
        assert!(watched.has_changed());
        assert!(!watched.has_changed());
        std::fs::remove_file(&file).unwrap();
        assert!(!watched.has_changed());
        assert!(watched.has_changed(), "a file that is gone is a change too");
        // As an editor does that writes beside and renames.
        std::fs::write(folder.path().join("new"), "log = \"text\"").unwrap();
        std::fs::rename(folder.path().join("new"), &file).unwrap();
        assert!(!watched.has_changed());
        assert!(watched.has_changed());
    }
}
