//! The folder that is served: made for one run, removed after it.

use crate::failure::{Failure, While};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The content of the fixed answer.
pub(crate) const FIXED: &str = "It is served.\n";
/// Bytes of `1k.txt`.
pub(crate) const SMALL: u64 = 1 << 10;
/// Bytes of `64m.bin`.
pub(crate) const LARGE: u64 = 64 << 20;
/// Seconds that caches may keep the files, and that both servers say so.
pub(crate) const MAX_AGE: u32 = 60;

/// A temporary folder with `files/` in it, and room for configs and logs beside.
pub(crate) struct Site(TempDir);

impl Site {
    /// Makes the folder and its files.
    pub(crate) fn new() -> Result<Site, Failure> {
        let folder =
            tempfile::Builder::new().prefix("verdict-xtask-").tempdir().while_trying("make a temporary folder")?;
        let site = Site(folder);
        std::fs::create_dir(site.files()).while_trying("make a folder of files")?;
        for (name, length) in [("1k.txt", SMALL), ("64m.bin", LARGE)] {
            let path = site.files().join(name);
            fill(&path, length).while_trying(format_args!("write {}", path.display()))?;
        }
        Ok(site)
    }

    /// The temporary folder.
    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    /// The folder that is served.
    pub(crate) fn files(&self) -> PathBuf {
        self.folder().join("files")
    }

    /// Writes a config.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf, Failure> {
        let path = self.folder().join(name);
        std::fs::write(&path, text).while_trying(format_args!("write {}", path.display()))?;
        Ok(path)
    }
}

/// Writes a file of so many bytes.
pub(crate) fn fill(path: &Path, length: u64) -> io::Result<()> {
    let mut file = io::BufWriter::new(File::create(path)?);
    io::copy(&mut io::repeat(b'v').take(length), &mut file)?;
    file.flush()
}
