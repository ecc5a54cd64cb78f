//! The way beneath a folder where there is no `openat2`: name by name, following no symbolic link.
//!
//! Rule: it answers with the error numbers of `openat2` under `RESOLVE_BENEATH`, so that its caller need not know which of
//! the two was asked.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::FOLDER;
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

/// The kernel's bound, with the NUL that ends a path. Here it also bounds the steps: each costs a call.
const PATH_MAX: usize = 4096;

/// Opens what `path` leads to. Waits for the disk.
///
/// The path is relative; a trailing slash asks for a folder; `.` is the root. A symbolic link is `EXDEV`, wherever it
/// leads, but for one at the end with `O_PATH` among the flags: that one is opened itself. Hot: no allocation.
///
/// Nothing leads up and each name is looked for in a folder that is held open, so no order of renames leads outside.
pub(super) fn open(root: BorrowedFd<'_>, path: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    if path.len() >= PATH_MAX {
        return Err(Errno::NAMETOOLONG);
    }
    if path.starts_with('/') {
        return Err(Errno::XDEV);
    }
    let names = path.trim_end_matches('/');
    let (above, last) = names.rsplit_once('/').unwrap_or(("", names));
    let mut folder: Option<OwnedFd> = None;
    for name in above.split('/').filter(|name| !name.is_empty()) {
        folder = Some(step(folder.as_ref().map_or(root, AsFd::as_fd), name, FOLDER)?);
    }
    let flags = if path.ends_with('/') { flags | OFlags::DIRECTORY } else { flags };
    step(folder.as_ref().map_or(root, AsFd::as_fd), last, flags)
}

fn step(folder: BorrowedFd<'_>, name: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    if name == ".." {
        return Err(Errno::XDEV);
    }
    match rustix::fs::openat(folder, name, flags | OFlags::NOFOLLOW, Mode::empty()) {
        // Only O_NOFOLLOW says this of a single name.
        Err(Errno::LOOP) => Err(Errno::XDEV),
        // With O_DIRECTORY a link is first of all no directory.
        Err(Errno::NOTDIR) => Err(no_folder(folder, name)),
        opened => opened,
    }
}

/// What to say of a name that was no folder a moment ago.
fn no_folder(folder: BorrowedFd<'_>, name: &str) -> Errno {
    let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW);
    match stat.map(|stat| FileType::from_raw_mode(stat.st_mode)) {
        Ok(FileType::Symlink) => Errno::XDEV,
        // It has become one: a race, which openat2 calls so too.
        Ok(FileType::Directory) => Errno::AGAIN,
        _ => Errno::NOTDIR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn nothing_but_names_leads_down() {
        let above = tempfile::tempdir().unwrap();
        let served = above.path().join("served");
        fs::create_dir_all(served.join("a/b")).unwrap();
        fs::write(served.join("a/b/c"), "").unwrap();
        symlink("a", served.join("link")).unwrap();
        symlink("none", served.join("a/broken")).unwrap();
        let root = rustix::fs::open(&served, FOLDER, Mode::empty()).unwrap();
        let too_long = "a/".repeat(PATH_MAX / 2);
        let longest = format!("{}/c", "./".repeat((PATH_MAX - 8) / 2) + "a/b");
        let cases: [(&str, Result<(), Errno>); 20] = [
            (".", Ok(())),
            ("a/b/c", Ok(())),
            ("a//b///c", Ok(())),
            ("./a/./b", Ok(())),
            ("a/b//", Ok(())),
            (&longest, Ok(())),
            (&too_long, Err(Errno::NAMETOOLONG)),
            ("", Err(Errno::NOENT)),
            ("none/b", Err(Errno::NOENT)),
            ("a/b/c/", Err(Errno::NOTDIR)),
            ("a/b/c/d", Err(Errno::NOTDIR)),
            ("..", Err(Errno::XDEV)),
            ("a/..", Err(Errno::XDEV)),
            ("a/../a", Err(Errno::XDEV)),
            ("/", Err(Errno::XDEV)),
            ("/a", Err(Errno::XDEV)),
            ("link", Err(Errno::XDEV)),
            ("link/", Err(Errno::XDEV)),
            ("link/b/c", Err(Errno::XDEV)),
            ("a/broken", Err(Errno::XDEV)),
        ];
        for (path, expected) in cases {
            let outcome = open(root.as_fd(), path, OFlags::RDONLY | OFlags::CLOEXEC).map(drop);
            assert_eq!(outcome, expected, "{path:?}");
        }
    }

    #[test]
    fn a_link_that_is_only_looked_at_is_the_link_itself() {
        let above = tempfile::tempdir().unwrap();
        symlink("/etc/passwd", above.path().join("link")).unwrap();
        let root = rustix::fs::open(above.path(), FOLDER, Mode::empty()).unwrap();
        let link = open(root.as_fd(), "link", OFlags::PATH | OFlags::CLOEXEC).unwrap();
        let mode = rustix::fs::fstat(&link).unwrap().st_mode;
        assert_eq!(FileType::from_raw_mode(mode), FileType::Symlink);
    }
}
