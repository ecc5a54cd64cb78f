//! A file's bytes, and whether they are in memory.
//!
//! Rule: a worker calls [`read_resident`], [`resident`] and [`send_file`]; [`read`] and [`warm`] wait for
//! the disk and belong on a thread that may. Offsets and lengths are bytes.

use std::io::{self, IoSliceMut};
use std::num::NonZeroU64;
use std::os::fd::BorrowedFd;

use rustix::fs::Advice;
use rustix::io::{Errno, ReadWriteFlags};

/// How far apart the samples are by which a part is found to be in memory.
#[derive(Clone, Copy)]
pub enum Looked {
    /// A MiB: for a file that has been there so far.
    Seldom = 1 << 20,
    /// Twice as far as the kernel reads ahead unless it is told otherwise: for a file of which some was missing.
    Often = 256 << 10,
}

/// Reads what is in memory of the file from `offset` on: at least one byte, perhaps fewer than there is room for.
///
/// For offsets within the file: at its end, and for an empty buffer, this is `None`, because some kernels answer
/// so for pages that are not resident (preadv2(2), BUGS: 5.9 and 5.10). Hot: one call, no allocation.
pub fn read_resident(file: BorrowedFd<'_>, offset: u64, buffer: &mut [u8]) -> Option<usize> {
    loop {
        match rustix::io::preadv2(file, &mut [IoSliceMut::new(buffer)], offset, ReadWriteFlags::NOWAIT) {
            Ok(0) => return None,
            Ok(count) => return Some(count),
            Err(Errno::INTR) => {}
            // Not in memory; or the file system cannot tell, as some network and stacked ones; or the disk failed, which
            // reading where waiting is allowed will tell.
            Err(_) => return None,
        }
    }
}

/// Fills `buffer` from `offset` on; fewer bytes only at the end of the file. Waits for the disk.
pub fn read(file: BorrowedFd<'_>, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match rustix::io::pread(file, &mut buffer[filled..], offset.saturating_add(filled as u64)) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(filled)
}

/// Whether a part of the file is in memory, by samples: its first byte, its last, and those between at their distance.
///
/// Evidence, not proof: the kernel reads ahead and forgets in runs of pages, and a page that is missing between two samples
/// costs one wait for the disk. Counting every page (cachestat(2)) takes longer the more there are, and is refused for files
/// that this process neither owns nor may write, which is how a server ought to run.
///
/// The part ends within the file. `false` where the file system cannot say. What is true now may be false in a moment, so a
/// part is sent as soon as it was found resident. Since Linux 6.11 asking for a page that is not there has it fetched.
pub fn resident(file: BorrowedFd<'_>, offset: u64, length: u64, looked: Looked) -> bool {
    let Some(last) = length.checked_sub(1).and_then(|rest| offset.checked_add(rest)) else {
        return length == 0;
    };
    // The last is asked first, being the one that is missing while the kernel reads ahead of us.
    std::iter::once(last)
        .chain((offset..last).step_by(looked as usize))
        .all(|at| read_resident(file, at, &mut [0]).is_some())
}

/// Sends up to `count` bytes of the file from `offset` on to a non-blocking socket, and moves `offset` by as many.
///
/// 0 is the end of a file that became shorter; [`io::ErrorKind::WouldBlock`] is the socket. It waits for pages that are
/// not resident: ask first. The process must ignore SIGPIPE, as Rust's start-up code makes it.
pub fn send_file(socket: BorrowedFd<'_>, file: BorrowedFd<'_>, offset: &mut u64, count: usize) -> io::Result<usize> {
    loop {
        match rustix::fs::sendfile(socket, file, Some(offset), count) {
            Err(Errno::INTR) => {}
            sent => return Ok(sent?),
        }
    }
}

/// Brings a part of the file into memory, and says how many of its bytes there are: fewer only if it ends before.
///
/// Waits for the disk. The length is the caller's to bound: what is not sent soon may be forgotten again.
pub fn warm(file: BorrowedFd<'_>, offset: u64, length: u64) -> io::Result<u64> {
    // All requests go to the disk at once; a file system that does not take advice is read all the same.
    let _ = rustix::fs::fadvise(file, offset, NonZeroU64::new(length), Advice::WillNeed);
    // Then each page is waited for. Before Linux 6.11 this is also what takes the mark off a page at which the kernel
    // would begin to read ahead, and which `read_resident` does not get past.
    let mut scratch = [0; 64 << 10];
    let mut warmed = 0;
    while warmed < length {
        let most = scratch.len().min(usize::try_from(length - warmed).unwrap_or(usize::MAX));
        match read(file, offset.saturating_add(warmed), &mut scratch[..most])? {
            0 => break,
            count => warmed += count as u64,
        }
    }
    Ok(warmed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::{Read, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    const MIB: u64 = 1 << 20;

    /// A file of `length` bytes that repeat with a period that is no power of two, on disk and in memory.
    fn file(length: u64) -> File {
        let mut file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
        file.write_all(&bytes).unwrap();
        file.sync_all().unwrap();
        file
    }

    /// Takes a part out of memory, which is to be made of whole huge pages. The next question about it may begin to
    /// bring it back.
    fn evict(file: &File, offset: u64, length: u64) {
        rustix::fs::fadvise(file, offset, NonZeroU64::new(length), Advice::DontNeed).unwrap();
    }

    /// Whether the file system lets go of pages at all; the rest of the test is skipped if not.
    fn forgets(file: &File) -> bool {
        evict(file, 0, 8 * MIB);
        let forgets = read_resident(file.as_fd(), 0, &mut [0]).is_none();
        if !forgets {
            eprintln!("skipped: this file system keeps its pages in memory");
        }
        forgets
    }

    /// Whether the file system says what is in memory; the rest of the test is skipped if not.
    fn tells(file: &File) -> bool {
        let tells = rustix::io::preadv2(file, &mut [IoSliceMut::new(&mut [0])], 0, ReadWriteFlags::NOWAIT)
            .map_or_else(|error| error == Errno::AGAIN, |_| true);
        if !tells {
            eprintln!("skipped: this file system has no RWF_NOWAIT");
        }
        tells
    }

    #[test]
    fn bytes_in_memory_are_read_from_where_they_are_asked() {
        let file = file(10_000);
        if !tells(&file) {
            return;
        }
        let mut buffer = [0; 300];
        assert_eq!(read_resident(file.as_fd(), 500, &mut buffer).unwrap(), 300);
        assert!(buffer.iter().zip(500u64..).all(|(byte, i)| u64::from(*byte) == i % 251));
        assert_eq!(read_resident(file.as_fd(), 9_900, &mut buffer).unwrap(), 100);
        for (offset, room) in [(10_000, 300), (20_000, 300), (0, 0)] {
            let outcome = read_resident(file.as_fd(), offset, &mut buffer[..room]);
            assert!(outcome.is_none(), "{offset} {room}: {outcome:?}");
        }
    }

    #[test]
    fn a_descriptor_that_cannot_be_read_fails() {
        let folder = File::open(std::env::temp_dir()).unwrap();
        assert!(read_resident(folder.as_fd(), 0, &mut [0; 8]).is_none());
        assert!(read(folder.as_fd(), 0, &mut [0; 8]).is_err());
        assert!(warm(folder.as_fd(), 0, 8).is_err());
    }

    #[test]
    fn a_waiting_read_is_short_only_at_the_end() {
        let file = file(10_000);
        let mut buffer = [0; 9_000];
        for (offset, count) in [(0, 9_000), (1_000, 9_000), (1_001, 8_999), (9_999, 1), (10_000, 0), (1 << 40, 0)] {
            assert_eq!(read(file.as_fd(), offset, &mut buffer).unwrap(), count, "{offset}");
            assert!(buffer[..count].iter().zip(offset..).all(|(byte, i)| u64::from(*byte) == i % 251));
        }
    }

    #[test]
    fn a_part_is_resident_when_each_page_that_it_touches_is() {
        let page = rustix::param::page_size() as u64;
        let file = file(3 * page + 1);
        if !tells(&file) {
            return;
        }
        for (offset, length, whole) in [
            (0, 0, true),
            (0, 1, true),
            (0, page, true),
            (page - 1, 2, true),
            // The last page has one byte only.
            (0, 3 * page + 1, true),
            (3 * page, 1, true),
            (3 * page - 1, 2, true),
            // The end of the last page is not in the file; the next page is not anywhere.
            (3 * page, 2, false),
            (0, 4 * page + 1, false),
            (8 * page, 1, false),
        ] {
            assert_eq!(resident(file.as_fd(), offset, length, Looked::Often), whole, "{offset} {length}");
        }
        assert!(!resident(file.as_fd(), u64::MAX, 2, Looked::Often));
    }

    #[test]
    fn what_was_evicted_is_not_resident_until_it_is_warmed() {
        let file = file(8 * MIB);
        if !tells(&file) || !forgets(&file) {
            return;
        }
        let mut buffer = [0; 16];
        evict(&file, 0, 8 * MIB);
        assert!(read_resident(file.as_fd(), 5 * MIB, &mut buffer).is_none());
        evict(&file, 0, 8 * MIB);
        assert!(!resident(file.as_fd(), 4 * MIB, 2 * MIB, Looked::Often));

        assert_eq!(warm(file.as_fd(), 4 * MIB, 2 * MIB).unwrap(), 2 * MIB);
        assert_eq!(read_resident(file.as_fd(), 5 * MIB, &mut buffer).unwrap(), 16);
        assert_eq!(u64::from(buffer[0]), (5 * MIB) % 251);
        assert!(resident(file.as_fd(), 4 * MIB, 2 * MIB, Looked::Often));
    }

    #[test]
    fn a_hole_in_the_middle_is_found() {
        let file = file(8 * MIB);
        if !tells(&file) || !forgets(&file) {
            return;
        }
        assert_eq!(warm(file.as_fd(), 0, 8 * MIB).unwrap(), 8 * MIB);
        assert!(resident(file.as_fd(), 0, 8 * MIB, Looked::Often));
        evict(&file, 2 * MIB, 2 * MIB);
        assert!(!resident(file.as_fd(), 0, 8 * MIB, Looked::Often));
    }

    #[test]
    fn warming_says_how_much_there_was() {
        let file = file(100_000);
        for (offset, length, warmed) in
            [(0, 100_000, 100_000), (0, 0, 0), (99_000, MIB, 1_000), (100_000, 1, 0), (u64::MAX - 5, 5, 0)]
        {
            // An offset that no file can have is an error on some file systems and the end on others.
            assert_eq!(warm(file.as_fd(), offset, length).unwrap_or(0), warmed, "{offset} {length}");
        }
    }

    #[test]
    fn a_file_of_another_user_can_be_asked_about_too() {
        let name = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(name.path(), [7; 5_000]).unwrap();
        rustix::fs::chmod(name.path(), rustix::fs::Mode::from_raw_mode(0o644)).unwrap();
        let file = File::open(name.path()).unwrap();
        if !tells(&file) {
            return;
        }
        let asked = std::thread::spawn(move || {
            let nobody = rustix::thread::Uid::from_raw(65_534);
            if rustix::thread::set_thread_res_uid(nobody, nobody, nobody).is_err() {
                eprintln!("skipped: only root can become somebody else");
                return None;
            }
            Some(resident(file.as_fd(), 0, 5_000, Looked::Often))
        });
        assert_ne!(asked.join().unwrap(), Some(false));
    }

    #[test]
    fn sending_moves_the_offset_and_stops_at_a_full_socket_and_at_the_end() {
        let file = file(4 * MIB);
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut offset = 100;
        let mut received = Vec::new();
        while offset < 4 * MIB {
            let before = offset;
            match send_file(ours.as_fd(), file.as_fd(), &mut offset, 1 << 20) {
                Ok(count) => assert_eq!(offset - before, count as u64),
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                    assert_eq!(offset, before);
                    let mut buffer = vec![0; 1 << 20];
                    let count = theirs.read(&mut buffer).unwrap();
                    received.extend_from_slice(&buffer[..count]);
                }
            }
        }
        assert_eq!(send_file(ours.as_fd(), file.as_fd(), &mut offset, 10).unwrap(), 0);
        drop(ours);
        theirs.read_to_end(&mut received).unwrap();
        assert_eq!(received.len() as u64, 4 * MIB - 100);
        assert!(received.iter().zip(100u64..).all(|(byte, i)| u64::from(*byte) == i % 251));
    }

    #[test]
    fn sending_to_a_closed_socket_fails() {
        let file = file(1_000);
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        drop(theirs);
        let failure = send_file(ours.as_fd(), file.as_fd(), &mut 0, 1_000).unwrap_err();
        assert_eq!(failure.kind(), io::ErrorKind::BrokenPipe);
    }
}
