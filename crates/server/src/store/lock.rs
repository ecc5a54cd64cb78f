//! Who has the store open. A process has it alone, and another is refused: two servers on one folder are a mistake. But
//! while one takes over from another, both have it and both write, which SQLite sees to; then no copies in memory are used.

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};

/// The lock of an open store; closed with it.
pub(super) struct Lock {
    file: File,
    /// Held while a lock is being changed: the kernel gives up the one before it tries to get the other, and in between nobody
    /// else may look.
    folder: File,
    alone: AtomicBool,
}

impl Lock {
    /// Takes the lock in a folder. `WouldBlock`: another process has the store and does not share it.
    pub(super) fn take(folder: &Path, name: &str) -> io::Result<Lock> {
        let path = folder.join(name);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        let lock = Lock { file, folder: File::open(folder)?, alone: AtomicBool::new(false) };
        if !lock.try_alone(|| {})? {
            lock.exclusively(|| flock(&lock.file, FlockOperation::NonBlockingLockShared))?;
        }
        Ok(lock)
    }

    #[inline]
    pub(super) fn is_alone(&self) -> bool {
        self.alone.load(Acquire)
    }

    /// Lets others in. Readers have stopped to use their copies before anybody can.
    pub(super) fn share(&self) -> io::Result<()> {
        self.alone.store(false, Release);
        self.exclusively(|| flock(&self.file, FlockOperation::NonBlockingLockShared))
    }

    /// Whether there were others and are no more. `first` is done before that is known to anybody: others may have changed what
    /// there are copies of.
    pub(super) fn alone_again(&self, first: impl FnOnce()) -> bool {
        !self.is_alone() && self.try_alone(first).unwrap_or(false)
    }

    fn try_alone(&self, first: impl FnOnce()) -> io::Result<bool> {
        self.exclusively(|| match flock(&self.file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                first();
                self.alone.store(true, Release);
                Ok(true)
            }
            Err(Errno::WOULDBLOCK) => {
                // Fails only for who had none to give up, since another is alone.
                let _ = flock(&self.file, FlockOperation::NonBlockingLockShared);
                Ok(false)
            }
            Err(error) => Err(error),
        })
    }

    fn exclusively<T>(&self, change: impl FnOnce() -> Result<T, Errno>) -> io::Result<T> {
        flock(&self.folder, FlockOperation::LockExclusive)?;
        let changed = change();
        flock(&self.folder, FlockOperation::Unlock)?;
        Ok(changed?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_is_alone_until_it_shares_and_again_when_the_other_has_gone() {
        let folder = tempfile::tempdir().unwrap();
        let take = || Lock::take(folder.path(), "lock");
        let one = take().unwrap();
        assert!(one.is_alone());
        assert_eq!(take().err().map(|error| error.kind()), Some(io::ErrorKind::WouldBlock));
        one.share().unwrap();
        let other = take().unwrap();
        assert!(!one.is_alone() && !other.is_alone());
        assert!(!one.alone_again(|| unreachable!()));
        assert!(!other.alone_again(|| unreachable!()));
        drop(one);
        let before = std::cell::Cell::new(true);
        assert!(other.alone_again(|| before.set(other.is_alone())) && other.is_alone() && !before.get());
        assert!(take().is_err());
    }
}
