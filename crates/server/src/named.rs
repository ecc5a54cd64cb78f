//! The files that the config names, itself, and the folder `state`: never served.

use crate::disk::{Kind, Opened};
use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The links to what this process has open.
pub(crate) const OPEN: &str = "/proc/self/fd";

/// Each is known by its path, since an editor that saves puts a new file in its place, and by device and inode, since a hard
/// link is another path of the same file.
///
/// What is in the folder is known by its path alone, however deep it lies: that is asked where a name is opened, which for one
/// that is remembered is once a second at most.
pub(crate) struct Named {
    paths: Vec<PathBuf>,
    files: HashSet<(u64, u64)>,
    folder: Option<PathBuf>,
}

impl Named {
    /// `paths` are canonical; `folder` is `state`, which need not be there yet. Waits for the disk.
    pub(crate) fn new(paths: Vec<PathBuf>, folder: Option<&Path>) -> Named {
        let files = Named::stat(&paths).collect();
        Named { paths, files, folder: folder.map(canonical) }
    }

    /// Whether what was opened is one of them.
    pub(crate) fn has(&self, opened: &Opened) -> bool {
        let is_file = opened.kind == Kind::File;
        if is_file && self.files.contains(&(opened.identity.device, opened.identity.inode)) {
            return true;
        }
        // A folder is refused for where it lies alone.
        let paths = if is_file { &self.paths[..] } else { &[] };
        if paths.is_empty() && self.folder.is_none() {
            return false;
        }
        // What the kernel does not say the place of may be any of them.
        path_of(&opened.file).is_none_or(|path| paths.contains(&path) || self.is_within(&path))
    }

    /// Whether the kernel says where open files are, without which nothing can be told apart.
    ///
    /// Errors: there is no `/proc`, as in a chroot(2) in which it is not mounted.
    pub(crate) fn can_be_told() -> io::Result<()> {
        fs::metadata(OPEN).map(drop).map_err(|error| {
            io::Error::new(
                error.kind(),
                "without /proc nobody can tell the files that are served from those of the config and of `state`: mount it",
            )
        })
    }

    /// Whether what would be at these names below an open folder is one of them.
    pub(crate) fn is_beneath(&self, folder: &OwnedFd, names: &str) -> bool {
        let path = path_of(folder).map(|folder| folder.join(names));
        // A folder of which the kernel does not say where it is takes nothing.
        path.is_none_or(|path| self.paths.contains(&path) || self.is_within(&path))
    }

    /// Whether a path without links leads to the folder or into it.
    fn is_within(&self, path: &Path) -> bool {
        self.folder.as_ref().is_some_and(|folder| path.starts_with(folder))
    }

    /// Device and inode of each, as they are now and as they were at the start, for what lies beside them. Waits for the disk.
    pub(crate) fn identities(&self) -> Vec<(u64, u64)> {
        let now = Named::stat(self.paths.iter().chain(&self.folder));
        self.files.iter().copied().chain(now).collect()
    }

    fn stat<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> impl Iterator<Item = (u64, u64)> {
        paths.into_iter().filter_map(|path| fs::metadata(path).ok()).map(|file| (file.dev(), file.ino()))
    }
}

/// The path without links, as far as it leads to something.
pub(crate) fn canonical(path: &Path) -> PathBuf {
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Err(_), Some(parent), Some(name)) => canonical(parent).join(name),
        (found, ..) => found.unwrap_or_else(|_| path.to_owned()),
    }
}

/// Where an open file is, without any link. The kernel knows: it does not ask the disk.
fn path_of(file: &OwnedFd) -> Option<PathBuf> {
    fs::read_link(format!("{OPEN}/{}", file.as_raw_fd())).ok()
}
