//! Files beneath a folder, opened without leaving it and without waiting.
//!
//! Rule: what can wait for a disk is named so. With [`Wait::No`], and in [`pages::read_resident`], the kernel answers
//! from memory or says that it cannot; whoever gets that answer asks again from a thread that may wait.
//!
//! Linux only. What is missing is done without: `RESOLVE_CACHED` (5.12), and `openat2` itself (5.6), which older sandboxes
//! and checkers do not know either. Without `openat2` no symbolic link is followed at all.

mod identity;
pub mod pages;
mod walk;
pub(crate) mod write;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

pub use identity::Identity;

/// How often a look-up is repeated that lost a race with a rename or was interrupted.
const ATTEMPTS: u32 = 16;

/// Stays beneath the root: absolute paths, `..` past the root and symbolic links that leave are refused by the kernel,
/// so no order of renames can lead outside. `/proc/PID/fd` links would jump anywhere.
const BENEATH: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_MAGICLINKS);

/// A folder that names are looked for in. `O_DIRECTORY` not only refuses everything else, it lets an automount happen too.
const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// A folder from which files are served.
#[derive(Debug)]
pub struct Root {
    folder: OwnedFd,
    look_ups: LookUps,
}

/// How paths are looked up, which depends on the kernel and on the sandbox around this process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum LookUps {
    /// By `openat2`, which can also answer from memory alone.
    Cached,
    /// By `openat2`.
    Beneath,
    /// Name by name. An `openat` may wait for the disk, so with [`Wait::No`] everything would block.
    Walked,
}

/// Whether a look-up may wait for the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// Answer from what the kernel has in memory, or [`Missed::WouldBlock`].
    No,
    /// Wait as long as it takes: on a thread that nobody else needs.
    Yes,
}

/// What a path can lead to that is served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Folder,
}

/// A file or folder that is open for reading.
#[derive(Debug)]
pub struct Opened {
    /// Its descriptor, close-on-exec.
    pub file: OwnedFd,
    /// Which of the two it is.
    pub kind: Kind,
    /// Which one, in which version, when it was opened.
    pub identity: Identity,
}

/// Why a path did not lead to a file or folder.
#[derive(Debug)]
pub enum Missed {
    /// There is nothing of that name, or there cannot be.
    Nothing,
    /// A symbolic link on the way leads out of the root, or is there at all where the kernel has no `openat2`.
    Outside,
    /// A pipe, a socket or a device.
    Irregular,
    /// It is there, and this process may not read it.
    Unreadable,
    /// The process or the system has no descriptor or memory left for it.
    Exhausted,
    /// The disk failed, or something that has no other name here.
    Failed(io::Error),
    /// Only with [`Wait::No`]: the answer is not in memory.
    WouldBlock,
}

impl Root {
    /// Takes the folder at `path`, whatever is later put in its place.
    ///
    /// Fails as opening a directory does.
    pub fn at(path: &Path) -> io::Result<Root> {
        let folder = rustix::fs::open(path, FOLDER, Mode::empty())?;
        let look_ups = LookUps::probe(folder.as_fd())?;
        Ok(Root { folder, look_ups })
    }

    /// Opens what `path` leads to, for reading.
    ///
    /// The path is decoded, relative and without `..`; the empty path is the root itself. A trailing slash asks for a
    /// folder. Symbolic links are followed as long as they stay beneath the root; where the kernel has no `openat2` none
    /// is, and each is [`Missed::Outside`]. Hot: no allocation up to 255 bytes.
    pub fn open(&self, path: &str, wait: Wait) -> Result<Opened, Missed> {
        // Regular files ignore O_NONBLOCK; a pipe without a writer would hold this thread without it. As in nginx, the
        // type is looked at after opening: one call less for each file, and whoever can put a device with side effects
        // below the root is the operator.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = self.resolve(path, flags, wait)?;
        let (kind, identity) = examine(&file)?;
        Ok(Opened { file, kind, identity })
    }

    /// What `path` leads to, without opening it: nothing happens to a pipe or a device. Waits for the disk.
    ///
    /// The path is as in [`Root::open`]. That a file is found does not say that it may be read.
    pub fn look(&self, path: &str) -> Result<(Kind, Identity), Missed> {
        examine(&self.resolve(path, OFlags::PATH | OFlags::CLOEXEC, Wait::Yes)?)
    }

    fn resolve(&self, path: &str, flags: OFlags, wait: Wait) -> Result<OwnedFd, Missed> {
        // The kernel holds this too (EXDEV); a caller that breaks it has not parsed its target.
        debug_assert!(!path.starts_with('/') && path.split('/').all(|segment| segment != ".."), "{path:?}");
        let resolve = match (self.look_ups, wait) {
            (LookUps::Cached, Wait::No) => BENEATH | ResolveFlags::CACHED,
            (LookUps::Beneath | LookUps::Walked, Wait::No) => return Err(Missed::WouldBlock),
            (_, Wait::Yes) => BENEATH,
        };
        let path = if path.is_empty() { "." } else { path };
        let mut attempt = 1;
        loop {
            let opened = match self.look_ups {
                LookUps::Walked => walk::open(self.folder.as_fd(), path, flags),
                _ => rustix::fs::openat2(&self.folder, path, flags, Mode::empty(), resolve),
            };
            match opened {
                Ok(file) => return Ok(file),
                Err(Errno::AGAIN) if wait == Wait::No => return Err(Missed::WouldBlock),
                // A rename or mount elsewhere while a link's `..` was followed (openat2(2), EAGAIN), or a signal.
                Err(Errno::AGAIN | Errno::INTR) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(Missed::from(error)),
            }
        }
    }
}

impl LookUps {
    /// The best way that works here, found by asking for the folder itself.
    fn probe(folder: BorrowedFd<'_>) -> io::Result<LookUps> {
        for (resolve, look_ups) in [(BENEATH | ResolveFlags::CACHED, LookUps::Cached), (BENEATH, LookUps::Beneath)] {
            match rustix::fs::openat2(folder, c".", FOLDER, Mode::empty(), resolve) {
                Ok(_) | Err(Errno::AGAIN) => return Ok(look_ups),
                // Flags that it does not know; or the call is unknown, which a sandbox may also answer by EPERM.
                Err(Errno::INVAL | Errno::NOSYS | Errno::PERM) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(LookUps::Walked)
    }
}

/// What an open descriptor is, if it is served at all.
fn examine(file: &OwnedFd) -> Result<(Kind, Identity), Missed> {
    let stat = rustix::fs::fstat(file.as_fd())?;
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        // Only a walk opens a link itself.
        FileType::Symlink => return Err(Missed::Outside),
        _ => return Err(Missed::Irregular),
    };
    Ok((kind, Identity::from_stat(&stat)))
}

impl From<Errno> for Missed {
    fn from(error: Errno) -> Missed {
        match error {
            Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG | Errno::LOOP => Missed::Nothing,
            // The flags are known to be good since the root was opened. These are about the name: a NUL in it, or a file
            // system that cannot hold it.
            Errno::INVAL | Errno::ILSEQ => Missed::Nothing,
            Errno::XDEV => Missed::Outside,
            // A socket; a device without a driver.
            Errno::NXIO | Errno::NODEV => Missed::Irregular,
            Errno::ACCESS | Errno::PERM => Missed::Unreadable,
            Errno::MFILE | Errno::NFILE | Errno::NOMEM => Missed::Exhausted,
            other => Missed::Failed(other.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;
    use std::time::{Duration, Instant};

    use rustix::fs::CWD;

    /// A folder `served` with one of everything, and a `secret` beside it.
    fn tree() -> (tempfile::TempDir, Root) {
        let above = tempfile::tempdir().unwrap();
        let served = above.path().join("served");
        fs::create_dir_all(served.join("folder")).unwrap();
        fs::write(above.path().join("secret"), "secret").unwrap();
        fs::write(served.join("file"), "content").unwrap();
        fs::write(served.join("folder/ünïcode"), "").unwrap();
        for (link, to) in [
            ("in", "folder/ünïcode"),
            ("folder/up", "../file"),
            ("to-folder", "folder"),
            ("out", "../secret"),
            ("to-above", ".."),
            ("absolute", "/etc/passwd"),
            ("broken", "none"),
            ("loop", "loop"),
        ] {
            symlink(to, served.join(link)).unwrap();
        }
        symlink(served.join("file"), served.join("absolute-in")).unwrap();
        rustix::fs::mkfifoat(CWD, served.join("pipe"), Mode::RUSR).unwrap();
        UnixListener::bind(served.join("socket")).unwrap();
        let root = Root::at(&served).unwrap();
        (above, root)
    }

    /// The same folder, looked up by `openat2` and name by name.
    fn both_ways(above: &tempfile::TempDir) -> [Root; 2] {
        let root = || Root::at(&above.path().join("served")).unwrap();
        [root(), without_openat2(root())]
    }

    fn without_openat2(root: Root) -> Root {
        Root { look_ups: LookUps::Walked, ..root }
    }

    /// The outcome in a word.
    fn word(outcome: &Result<(Kind, Identity), Missed>) -> &'static str {
        match outcome {
            Ok((Kind::File, _)) => "file",
            Ok((Kind::Folder, _)) => "folder",
            Err(Missed::Nothing) => "nothing",
            Err(Missed::Outside) => "outside",
            Err(Missed::Irregular) => "irregular",
            Err(Missed::Unreadable) => "unreadable",
            Err(Missed::Exhausted) => "exhausted",
            Err(Missed::Failed(_)) => "failed",
            Err(Missed::WouldBlock) => "would block",
        }
    }

    fn opened(outcome: Result<Opened, Missed>) -> Result<(Kind, Identity), Missed> {
        outcome.map(|it| (it.kind, it.identity))
    }

    #[test]
    fn a_path_leads_to_a_file_or_folder_beneath_the_root_or_says_why_not() {
        let (above, _root) = tree();
        let long_name = "n".repeat(256);
        let long_path = "n/".repeat(2_100);
        for (path, expected) in [
            ("", "folder"),
            ("file", "file"),
            ("file/", "nothing"),
            ("file/below", "nothing"),
            ("folder", "folder"),
            ("folder/", "folder"),
            ("folder/ünïcode", "file"),
            ("none", "nothing"),
            ("none/below", "nothing"),
            (&long_name, "nothing"),
            (&long_path, "nothing"),
            ("file\0", "nothing"),
            ("\0", "nothing"),
            ("out", "outside"),
            ("to-above", "outside"),
            ("to-above/secret", "outside"),
            ("to-above/served/file", "outside"),
            ("absolute", "outside"),
            ("absolute-in", "outside"),
            ("pipe", "irregular"),
            ("socket", "irregular"),
        ] {
            for root in both_ways(&above) {
                assert_leads(&root, path, expected);
            }
        }
    }

    #[test]
    fn a_link_that_stays_beneath_is_followed_by_openat2_alone() {
        let (above, _root) = tree();
        let [resolved, walked] = both_ways(&above);
        for (path, expected) in [
            ("in", "file"),
            ("folder/up", "file"),
            ("to-folder/ünïcode", "file"),
            ("to-folder/up", "file"),
            ("broken", "nothing"),
            ("loop", "nothing"),
            ("to-folder", "folder"),
            ("to-folder/", "folder"),
        ] {
            assert_leads(&resolved, path, expected);
            assert_leads(&walked, path, "outside");
        }
    }

    /// Opening, looking, and opening at once agree.
    fn assert_leads(root: &Root, path: &str, expected: &str) {
        let by = root.look_ups;
        assert_eq!(word(&opened(root.open(path, Wait::Yes))), expected, "{path:?}, {by:?}");
        assert_eq!(word(&root.look(path)), expected, "looking at {path:?}, {by:?}");
        let at_once = word(&opened(root.open(path, Wait::No)));
        assert!(at_once == expected || at_once == "would block", "{path:?} at once, {by:?}: {at_once}");
    }

    #[test]
    fn a_device_is_irregular() {
        let (above, _root) = tree();
        // The null device.
        let null = rustix::fs::makedev(1, 3);
        let path = above.path().join("served/device");
        if rustix::fs::mknodat(CWD, &path, FileType::CharacterDevice, Mode::RUSR, null).is_err() {
            eprintln!("skipped: only root can make a device");
            return;
        }
        for root in both_ways(&above) {
            assert_eq!(word(&root.look("device")), "irregular");
            let outcome = word(&opened(root.open("device", Wait::Yes)));
            // Unreadable on a file system that is mounted nodev.
            assert!(outcome == "irregular" || outcome == "unreadable", "{outcome}");
        }
    }

    #[test]
    fn what_the_kernel_has_not_in_memory_would_block() {
        let (_above, root) = tree();
        // Nobody has asked for this name yet, so only the disk knows that it is not there.
        assert_eq!(word(&opened(root.open("never-asked-for", Wait::No))), "would block");
        assert_eq!(word(&opened(root.open("file", Wait::Yes))), "file");
        if root.look_ups == LookUps::Cached {
            assert_eq!(word(&opened(root.open("file", Wait::No))), "file");
            assert_eq!(word(&opened(root.open("", Wait::No))), "folder");
        } else {
            eprintln!("skipped: no RESOLVE_CACHED here");
        }
    }

    #[test]
    fn without_cached_look_ups_everything_would_block() {
        let (_above, mut root) = tree();
        for look_ups in [LookUps::Beneath, LookUps::Walked] {
            root.look_ups = look_ups;
            assert_eq!(word(&opened(root.open("file", Wait::No))), "would block", "{look_ups:?}");
            assert_eq!(word(&opened(root.open("file", Wait::Yes))), "file", "{look_ups:?}");
        }
    }

    #[test]
    fn a_file_that_may_not_be_read_is_unreadable() {
        let (above, _root) = tree();
        let roots = both_ways(&above);
        for (name, mode) in [("served/file", 0), ("served/folder", 0)] {
            fs::set_permissions(above.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        let asked = std::thread::spawn(move || {
            // Root may read everything; a thread of somebody else may not.
            if rustix::process::geteuid().is_root() {
                let nobody = rustix::thread::Uid::from_raw(65_534);
                rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
            }
            roots.map(|root| ["file", "folder", "folder/up"].map(|path| word(&opened(root.open(path, Wait::Yes)))))
        });
        assert_eq!(asked.join().unwrap(), [["unreadable"; 3]; 2]);
        fs::set_permissions(above.path().join("served/folder"), fs::Permissions::from_mode(0o700)).unwrap();
    }

    #[test]
    fn a_descriptor_keeps_the_version_that_it_was_opened_for() {
        let (above, root) = tree();
        let served = above.path().join("served");
        let first = root.open("file", Wait::Yes).unwrap();
        assert_eq!(first.identity, root.open("file", Wait::Yes).unwrap().identity);
        assert_eq!(first.identity, root.open("folder/up", Wait::Yes).unwrap().identity);

        fs::write(served.join("new"), "CONTENT").unwrap();
        fs::rename(served.join("new"), served.join("file")).unwrap();
        let second = root.open("file", Wait::Yes).unwrap();
        assert_ne!(second.identity, first.identity);
        assert_ne!(second.identity.entity_tag(None).strong(), first.identity.entity_tag(None).strong());

        let read = |file: OwnedFd| {
            let mut bytes = [0; 7];
            File::from(file).read_exact_at(&mut bytes, 0).unwrap();
            bytes
        };
        assert_eq!(&read(first.file), b"content");
        assert_eq!(&read(second.file), b"CONTENT");
    }

    #[test]
    fn a_settled_file_that_is_written_in_place_has_another_identity() {
        let (above, root) = tree();
        let path = above.path().join("served/file");
        let clock = || {
            let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
            now.tv_sec * 1_000_000_000 + now.tv_nsec
        };
        let settled = loop {
            let now = clock();
            let identity = root.open("file", Wait::Yes).unwrap().identity;
            if identity.is_settled(now) {
                break identity;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let opened_before = root.open("file", Wait::Yes).unwrap();
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.write_all_at(b"CONTENT", 0).unwrap();
        // Whoever writes may say that it was long ago; the other stamp is the kernel's.
        file.set_modified(modified).unwrap();
        let now = clock();
        let changed = root.open("file", Wait::Yes).unwrap().identity;
        assert_eq!((changed.size, changed.modified_ns), (settled.size, settled.modified_ns));
        assert_ne!(changed, settled);
        assert_eq!(changed, Identity::of(opened_before.file.as_fd()).unwrap(), "an open file has the identity of now");
        assert!(!changed.is_settled(now) || clock() - now > 20_000_000);
    }

    #[test]
    fn a_file_of_more_than_two_gibibytes_is_opened() {
        let (above, _root) = tree();
        let length = (3 << 30) + 1;
        File::create(above.path().join("served/large")).unwrap().set_len(length).unwrap();
        for root in both_ways(&above) {
            assert_eq!(root.open("large", Wait::Yes).unwrap().identity.size, length);
        }
    }

    #[test]
    fn the_root_stays_the_folder_that_it_was() {
        let (above, _root) = tree();
        let roots = both_ways(&above);
        fs::rename(above.path().join("served"), above.path().join("moved")).unwrap();
        symlink("/etc", above.path().join("served")).unwrap();
        for root in roots {
            assert_eq!(word(&opened(root.open("file", Wait::Yes))), "file");
            assert_eq!(word(&opened(root.open("passwd", Wait::Yes))), "nothing");
        }
    }

    #[test]
    fn the_root_is_a_folder_that_exists() {
        let (above, _root) = tree();
        assert_eq!(Root::at(&above.path().join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(Root::at(&above.path().join("secret")).unwrap_err().kind(), io::ErrorKind::NotADirectory);
        assert!(Root::at(&above.path().join("served/to-folder")).is_ok());
    }

    #[test]
    fn no_order_of_renames_leads_outside() {
        let (above, _root) = tree();
        let served = above.path().join("served");
        fs::create_dir(served.join("real")).unwrap();
        fs::write(served.join("real/secret"), "public").unwrap();
        symlink("real", served.join("to-real")).unwrap();
        symlink("..", served.join("trap")).unwrap();
        let [resolved, walked] = both_ways(&above);
        keeps_beneath(&resolved, &served, "to-real");
        keeps_beneath(&walked, &served, "real");
    }

    /// Opens a file below `turn` while that is exchanged with `trap`, until both were met.
    fn keeps_beneath(root: &Root, served: &Path, turn: &str) {
        let path = format!("{turn}/secret");
        let (turn, trap) = (served.join(turn), served.join("trap"));
        let (found, refused) = std::thread::scope(|scope| {
            let opener = scope.spawn(|| {
                let (mut found, mut refused) = (0, 0);
                let until = Instant::now() + Duration::from_secs(10);
                for attempt in 0.. {
                    if attempt >= 3_000 && (found > 0 && refused > 0 || Instant::now() > until) {
                        break;
                    }
                    match root.open(&path, Wait::Yes) {
                        Ok(it) => {
                            let mut bytes = [0; 6];
                            File::from(it.file).read_exact_at(&mut bytes, 0).unwrap();
                            assert_eq!(&bytes, b"public");
                            found += 1;
                        }
                        Err(Missed::Outside) => refused += 1,
                        // More renames in a row than look-ups are repeated for.
                        Err(Missed::Failed(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
                        Err(other) => panic!("{other:?}"),
                    }
                }
                (found, refused)
            });
            while !opener.is_finished() {
                rustix::fs::renameat_with(CWD, &turn, CWD, &trap, rustix::fs::RenameFlags::EXCHANGE).unwrap();
            }
            opener.join().unwrap()
        });
        assert!(found > 0 && refused > 0, "{found} found, {refused} refused");
    }

    #[test]
    fn each_error_has_its_meaning() {
        let word = |error| word(&Err(Missed::from(error)));
        for (error, expected) in [
            (Errno::NOENT, "nothing"),
            (Errno::NOTDIR, "nothing"),
            (Errno::NAMETOOLONG, "nothing"),
            (Errno::LOOP, "nothing"),
            (Errno::INVAL, "nothing"),
            (Errno::ILSEQ, "nothing"),
            (Errno::XDEV, "outside"),
            (Errno::NXIO, "irregular"),
            (Errno::NODEV, "irregular"),
            (Errno::ACCESS, "unreadable"),
            (Errno::PERM, "unreadable"),
            (Errno::MFILE, "exhausted"),
            (Errno::NFILE, "exhausted"),
            (Errno::NOMEM, "exhausted"),
            (Errno::IO, "failed"),
            (Errno::STALE, "failed"),
            (Errno::AGAIN, "failed"),
        ] {
            assert_eq!(word(error), expected, "{error:?}");
        }
    }
}
