//! A large file that is not in memory when it is asked for.

use crate::failure::{Failure, While};
use crate::site::Site;
use rustix::fs::{Advice, fadvise, statvfs};
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use std::fs::File;
use std::io::{self, IoSliceMut, Write};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

/// Its name below the served folder.
pub(crate) const NAME: &str = "cold.bin";
/// Its bytes.
pub(crate) const LENGTH: u64 = 4 << 30;
/// The room that the disk must have, so that something is left beside it.
const ROOM: u64 = 6 << 30;

/// The file; it is removed when dropped.
pub(crate) struct Cold {
    file: File,
    path: PathBuf,
}

impl Cold {
    /// Writes it, each byte of it: a hole would not come from the disk. `None`, and a line that says so, where there is no
    /// room.
    pub(crate) fn write(site: &Site) -> Result<Option<Cold>, Failure> {
        let folder = site.files();
        let disk = statvfs(&folder).map_err(io::Error::from);
        let disk = disk.while_trying(format_args!("ask for the room of {}", folder.display()))?;
        let room = disk.f_bavail * disk.f_frsize;
        if room < ROOM {
            eprintln!("cold: left out, because {} has {} MiB of room, of 6 GiB needed", folder.display(), room >> 20);
            return Ok(None);
        }
        eprintln!("cold: writing a file of 4 GiB");
        let path = folder.join(NAME);
        let file = File::options().create(true).truncate(true).read(true).write(true).open(&path);
        let mut cold = Cold { file: file.while_trying(format_args!("make {}", path.display()))?, path };
        let part = vec![b'v'; 1 << 20];
        let written = (0..LENGTH >> 20).try_for_each(|_| cold.file.write_all(&part));
        written.while_trying(format_args!("write {}", cold.path.display()))?;
        Ok(Some(cold))
    }

    /// Has it dropped from memory.
    pub(crate) fn cool(&self) -> Result<(), Failure> {
        let cooled = (0..50).try_fold(true, |warm, _| {
            if warm {
                // What is not yet on the disk cannot be dropped, nor what a socket of the last download still holds.
                self.file.sync_data()?;
                fadvise(&self.file, 0, None, Advice::DontNeed)?;
                thread::sleep(Duration::from_millis(100));
            }
            self.is_warm()
        });
        match cooled.while_trying(format_args!("drop {} from memory", self.path.display()))? {
            false => Ok(()),
            true => Err(Failure::Wrong(format!(
                "{} stays in memory, so nothing of it is cold: TMPDIR can name a folder on a disk",
                self.path.display()
            ))),
        }
    }

    /// Whether more of it is in memory than a straggling page: more than one of 64 samples. Asking does not have it read.
    fn is_warm(&self) -> io::Result<bool> {
        const SAMPLES: u64 = 64;
        let mut byte = [0];
        let mut warm = 0;
        for sample in 0..SAMPLES {
            let at = LENGTH / SAMPLES * sample;
            match preadv2(&self.file, &mut [IoSliceMut::new(&mut byte)], at, ReadWriteFlags::NOWAIT) {
                Ok(_) => warm += 1,
                Err(Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(warm > 1)
    }
}

impl Drop for Cold {
    fn drop(&mut self) {
        // The folder is removed in the end, whatever is in it.
        let _ = std::fs::remove_file(&self.path);
    }
}
