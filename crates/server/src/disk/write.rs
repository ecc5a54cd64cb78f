//! Folders that files are put into, beneath a root. All of it waits for the disk.
//!
//! Rule: no symbolic link is followed where something is written, at the end of a path or on its way, so that a file that can
//! be written has one path. The folder is held open from the first look to the last call: whatever is put in its place
//! meanwhile is not written to.

use super::{ATTEMPTS, BENEATH, Identity, LookUps, Root, walk};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::{Errno, Result};
use std::os::fd::{AsFd, OwnedFd};

/// The most folders that are made for one file.
const MOST_MADE: usize = 32;

/// Mode of a new file and of a new folder, of which the process's mask takes away.
const FILE: Mode = Mode::from_raw_mode(0o644);
const FOLDER: Mode = Mode::from_raw_mode(0o755);

/// A folder that is open.
#[derive(Debug)]
pub(crate) struct Folder(OwnedFd);

/// The way to the folder of a file, as far as it is there.
#[derive(Debug)]
pub(crate) struct Way {
    /// The lowest folder that there is.
    pub(crate) folder: Folder,
    /// Its path; empty for the root.
    pub(crate) path: String,
    /// The names of those that are missing below it.
    pub(crate) missing: Vec<String>,
}

impl Root {
    /// The way to the folder at `path`, which is relative, without `..` and without empty names; empty for the root.
    ///
    /// `XDEV` if a link is on the way, `NOTDIR` if a file is; `NOENT` if more is missing than is ever made.
    pub(crate) fn way(&self, path: &str) -> Result<Way> {
        let (mut there, mut missing) = (path, Vec::new());
        loop {
            match self.folder(there) {
                Ok(folder) => {
                    missing.reverse();
                    return Ok(Way { folder, path: there.to_owned(), missing });
                }
                Err(Errno::NOENT) if !there.is_empty() && missing.len() < MOST_MADE => {
                    let (above, name) = there.rsplit_once('/').unwrap_or(("", there));
                    missing.push(name.to_owned());
                    there = above;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The folder at `path`.
    pub(crate) fn folder(&self, path: &str) -> Result<Folder> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let path = if path.is_empty() { "." } else { path };
        let mut attempt = 1;
        loop {
            let opened = match self.look_ups {
                LookUps::Walked => walk::open(self.folder.as_fd(), path, flags),
                _ => {
                    let resolve = BENEATH | ResolveFlags::NO_SYMLINKS;
                    rustix::fs::openat2(&self.folder, path, flags, Mode::empty(), resolve)
                }
            };
            match opened {
                Ok(folder) => return Ok(Folder(folder)),
                Err(Errno::AGAIN | Errno::INTR) if attempt < ATTEMPTS => attempt += 1,
                // The walk has the other name for a link.
                Err(Errno::LOOP) => return Err(Errno::XDEV),
                Err(error) => return Err(error),
            }
        }
    }
}

impl Folder {
    pub(crate) fn descriptor(&self) -> &OwnedFd {
        &self.0
    }

    /// What a name in it is itself, be it a link.
    pub(crate) fn look(&self, name: &str) -> Result<(FileType, Identity)> {
        let stat: Stat = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok((FileType::from_raw_mode(stat.st_mode), Identity::from_stat(&stat)))
    }

    /// Opens a file in it for reading.
    pub(crate) fn open(&self, name: &str) -> Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&self.0, name, flags, Mode::empty())
    }

    /// A new file in it, for writing.
    pub(crate) fn create(&self, name: &str) -> Result<OwnedFd> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&self.0, name, flags, FILE)
    }

    /// A folder in it, which is made where it is missing; whether it was. It is on the disk then, whoever made it: another may
    /// have done so a moment ago, and not have synced it yet.
    pub(crate) fn make(&self, name: &str) -> Result<(Folder, bool)> {
        let made = match rustix::fs::mkdirat(&self.0, name, FOLDER) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(error) => return Err(error),
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = rustix::fs::openat(&self.0, name, flags, Mode::empty())?;
        self.sync()?;
        Ok((Folder(folder), made))
    }

    /// Gives a file in it another name, in this or another folder, in the place of what has that name.
    pub(crate) fn rename(&self, name: &str, folder: &Folder, new: &str) -> Result<()> {
        rustix::fs::renameat(&self.0, name, &folder.0, new)
    }

    /// Removes a file from it.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        rustix::fs::unlinkat(&self.0, name, AtFlags::empty())
    }

    /// Removes a folder from it that has nothing in it.
    pub(crate) fn remove_folder(&self, name: &str) -> Result<()> {
        rustix::fs::unlinkat(&self.0, name, AtFlags::REMOVEDIR)
    }

    /// Waits until the names in it are on the disk.
    pub(crate) fn sync(&self) -> Result<()> {
        rustix::fs::fsync(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn the_way_to_a_folder_ends_where_nothing_is_and_follows_no_link() {
        let above = tempfile::tempdir().unwrap();
        let served = above.path().join("served");
        fs::create_dir_all(served.join("a/b")).unwrap();
        fs::write(served.join("a/file"), "").unwrap();
        symlink("a", served.join("link")).unwrap();
        symlink("../..", served.join("a/out")).unwrap();
        let found = Root::at(&served).unwrap();
        let walked = Root { look_ups: LookUps::Walked, ..Root::at(&served).unwrap() };
        let deep = ["x"; MOST_MADE + 1].join("/");
        for root in [found, walked] {
            let way = |path: &str| root.way(path).map(|way| (way.path, way.missing.join("/")));
            let there = |path: &str, missing: &str| Ok((path.to_owned(), missing.to_owned()));
            for (path, expected) in [
                ("", there("", "")),
                ("a/b", there("a/b", "")),
                ("a/b/c/d", there("a/b", "c/d")),
                ("c", there("", "c")),
                ("a/file", Err(Errno::NOTDIR)),
                ("a/file/c", Err(Errno::NOTDIR)),
                ("link", Err(Errno::XDEV)),
                ("link/b", Err(Errno::XDEV)),
                ("a/out/served", Err(Errno::XDEV)),
                (&deep, Err(Errno::NOENT)),
            ] {
                assert_eq!(way(path), expected, "{path:?}, {:?}", root.look_ups);
            }
        }
    }
}
