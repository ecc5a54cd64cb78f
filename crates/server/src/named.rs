//! The files that the config names, and itself: never served.

use crate::disk::{Kind, Opened};
use std::collections::HashSet;
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// Each is known by its path, since an editor that saves puts a new file in its place, and by device and inode, since a hard
/// link is another path of the same file.
pub(crate) struct Named {
    paths: Vec<PathBuf>,
    files: HashSet<(u64, u64)>,
}

impl Named {
    /// `paths` are canonical.
    pub(crate) fn new(paths: Vec<PathBuf>) -> Named {
        let files = Named::stat(&paths).collect();
        Named { paths, files }
    }

    /// Whether what was opened is one of them.
    pub(crate) fn has(&self, opened: &Opened) -> bool {
        opened.kind == Kind::File
            && (self.files.contains(&(opened.identity.device, opened.identity.inode))
                || path_of(&opened.file).is_some_and(|path| self.paths.contains(&path)))
    }

    /// Device and inode of each, as they are now and as they were at the start. Waits for the disk.
    pub(crate) fn files(&self) -> Vec<(u64, u64)> {
        self.files.iter().copied().chain(Named::stat(&self.paths)).collect()
    }

    fn stat(paths: &[PathBuf]) -> impl Iterator<Item = (u64, u64)> {
        paths.iter().filter_map(|path| fs::metadata(path).ok()).map(|file| (file.dev(), file.ino()))
    }
}

/// Where an open file is, without any link. The kernel knows: it does not ask the disk.
fn path_of(file: &OwnedFd) -> Option<PathBuf> {
    fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()
}
