//! Which file it is, and which version of it: what entity tags, cache keys and `Last-Modified` are made of.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::Stat;

const SECOND: i64 = 1_000_000_000;

/// A file in one of its versions, as far as the file system can tell them apart.
///
/// Two equal identities are the same bytes, provided that the earlier one [was settled](Identity::is_settled).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Identity {
    /// The file system.
    pub device: u64,
    /// The file in it.
    pub inode: u64,
    /// Its length in bytes.
    pub size: u64,
    /// When its content was last changed, or is said to have been: nanoseconds since 1970; anyone who may write the file
    /// can set it.
    pub modified_ns: i64,
    /// When its content or anything else about it was last changed: nanoseconds since 1970; set by the kernel alone.
    pub changed_ns: i64,
}

impl Identity {
    /// What an open file is now: another identity than when it was opened if it was written since.
    ///
    /// Fails only if the file system does.
    pub fn of(file: BorrowedFd<'_>) -> io::Result<Identity> {
        Ok(Identity::from_stat(&rustix::fs::fstat(file)?))
    }

    pub(crate) fn from_stat(stat: &Stat) -> Identity {
        Identity {
            device: wide(stat.st_dev),
            inode: wide(stat.st_ino),
            size: wide(stat.st_size),
            modified_ns: nanoseconds(stat.st_mtime, wide(stat.st_mtime_nsec)),
            changed_ns: nanoseconds(stat.st_ctime, wide(stat.st_ctime_nsec)),
        }
    }

    /// The entity tag of the file's bytes, or of their `coding` (RFC 9110 §8.8.3.3: each coding has a tag of its own).
    ///
    /// The coding is a content coding's token of at most 16 bytes. Hot: no allocation.
    pub fn entity_tag(&self, coding: Option<&str>) -> EntityTag {
        let mut tag = EntityTag { text: [0; EntityTag::CAPACITY], length: 0 };
        tag.push(b"W/\"");
        tag.push_hex(self.inode);
        tag.push(b"-");
        tag.push_hex(self.size);
        tag.push(b"-");
        tag.push_hex(self.modified_ns as u64);
        tag.push(b"-");
        // As the distance from the modification, which is mostly short: most files are written once and left alone.
        tag.push_hex(self.changed_ns.wrapping_sub(self.modified_ns) as u64);
        if let Some(coding) = coding {
            debug_assert!(coding.len() <= EntityTag::CODING && coding.bytes().all(|b| b.is_ascii_alphanumeric()));
            tag.push(b"-");
            tag.push(&coding.as_bytes()[..coding.len().min(EntityTag::CODING)]);
        }
        tag.push(b"\"");
        tag
    }

    /// Whether a later change is certain to give another identity, `now_ns` being a time (nanoseconds since 1970) not
    /// later than when the identity was taken.
    ///
    /// File systems stamp a change with the clock's last tick, so two changes within a tick look like one. Until the
    /// tick is over a validator is weak (RFC 9110 §8.8.1). Only the kernel's own stamp counts: it moves with each
    /// change, and a modification time may well be set in the future on purpose.
    pub fn is_settled(&self, now_ns: i64) -> bool {
        // The coarsest tick is 10 ms (HZ=100). Stamps without a fraction are those of a file system that keeps none; two
        // seconds is FAT's grain.
        let whole = self.changed_ns % SECOND == 0 && self.modified_ns % SECOND == 0;
        let grain = if whole { 2 * SECOND } else { 20_000_000 };
        self.changed_ns < now_ns.saturating_sub(grain)
    }

    /// Whether an open file that had this other identity has not been written since, as far as its size and its modification
    /// time tell. The time of its last change is left out, because a new name or none at all moves that too.
    pub fn has_content_of(&self, earlier: Identity) -> bool {
        self.size == earlier.size && self.modified_ns == earlier.modified_ns
    }

    /// The modification time in whole seconds since 1970, 0 if earlier.
    pub fn last_modified(&self) -> u64 {
        u64::try_from(self.modified_ns / SECOND).unwrap_or(0)
    }
}

/// An entity tag (RFC 9110 §8.8.3) as it is written into a field.
#[derive(Clone, Copy)]
pub struct EntityTag {
    /// `W/"…"`: the strong form is the same from the third byte.
    text: [u8; EntityTag::CAPACITY],
    length: usize,
}

impl EntityTag {
    /// The longest coding's token that fits.
    const CODING: usize = 16;
    /// `W/`, two quotes, four numbers of 16 digits at most, four hyphens, the coding.
    const CAPACITY: usize = 2 + 2 + 4 * 16 + 4 + Self::CODING;

    /// `"…"`
    pub fn strong(&self) -> &str {
        self.from(2)
    }

    /// `W/"…"`
    pub fn weak(&self) -> &str {
        self.from(0)
    }

    fn from(&self, start: usize) -> &str {
        // Only ASCII is ever pushed, but for a coding cut within a character, which the caller owes not to pass.
        std::str::from_utf8(&self.text[start..self.length]).unwrap_or("\"\"")
    }

    fn push(&mut self, bytes: &[u8]) {
        self.text[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    fn push_hex(&mut self, number: u64) {
        let digits = number.checked_ilog2().map_or(1, |top| top / 4 + 1);
        for digit in (0..digits).rev() {
            let nibble = (number >> (4 * digit)) & 15;
            self.push(&[b"0123456789abcdef"[nibble as usize]]);
        }
    }
}

impl std::fmt::Debug for EntityTag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.weak())
    }
}

/// The fields of `Stat` have other types on other machines.
fn wide(number: impl TryInto<u64>) -> u64 {
    number.try_into().unwrap_or(0)
}

/// Saturates in the year 2262: a modification time beyond it is somebody's own doing, and a change still moves the
/// other stamp.
fn nanoseconds(seconds: impl Into<i64>, fraction: u64) -> i64 {
    seconds.into().saturating_mul(SECOND).saturating_add_unsigned(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: Identity = Identity {
        device: 1,
        inode: 0x1f,
        size: 0x400,
        modified_ns: 1_700_000_000 * SECOND + 5,
        changed_ns: 1_700_000_000 * SECOND + 0x15,
    };

    #[test]
    fn a_tag_is_quoted_hex_of_inode_size_and_both_stamps() {
        let stamp = format!("{:x}", FILE.modified_ns);
        let tag = FILE.entity_tag(None);
        assert_eq!(tag.strong(), format!("\"1f-400-{stamp}-10\""));
        assert_eq!(tag.weak(), format!("W/\"1f-400-{stamp}-10\""));
        assert_eq!(FILE.entity_tag(Some("gzip")).strong(), format!("\"1f-400-{stamp}-10-gzip\""));
    }

    #[test]
    fn whatever_differs_differs_in_the_tag() {
        let of = |file: Identity, coding| file.entity_tag(coding).strong().to_owned();
        let tags = [
            of(FILE, None),
            of(Identity { inode: 0x20, ..FILE }, None),
            of(Identity { size: 0x401, ..FILE }, None),
            of(Identity { modified_ns: FILE.modified_ns - 1, ..FILE }, None),
            of(Identity { changed_ns: FILE.changed_ns + 1, ..FILE }, None),
            of(Identity { inode: 0x1f400, size: 0, ..FILE }, None),
            of(FILE, Some("br")),
            of(FILE, Some("gzip")),
            // A coding whose name is hexadecimal must not look like a stamp.
            of(FILE, Some("dcb")),
        ];
        for (i, one) in tags.iter().enumerate() {
            assert!(tags[i + 1..].iter().all(|other| one != other), "{one} twice");
        }
    }

    #[test]
    fn the_longest_tag_fits() {
        let longest = Identity { device: 0, inode: u64::MAX, size: u64::MAX, modified_ns: -1, changed_ns: -2 };
        let tag = longest.entity_tag(Some("abcdefghijklmnop"));
        assert_eq!(tag.weak().len(), EntityTag::CAPACITY);
        assert!(tag.strong().ends_with("-ffffffffffffffff-abcdefghijklmnop\""));
        let extreme = Identity { device: 0, inode: 0, size: 0, modified_ns: i64::MAX, changed_ns: i64::MIN };
        assert_eq!(extreme.entity_tag(None).strong(), "\"0-0-7fffffffffffffff-1\"");
    }

    #[test]
    fn a_stamp_younger_than_the_tick_is_not_settled() {
        let at = |changed_ns, modified_ns| Identity { changed_ns, modified_ns, ..FILE };
        let now = 1_700_000_100 * SECOND + 7;
        for (file, settled) in [
            (at(now, now), false),
            (at(now - 19_999_999, now - 19_999_999), false),
            (at(now - 20_000_000, now - 20_000_000), false),
            (at(now - 20_000_001, now - 20_000_001), true),
            // The clock was set back: nothing is known.
            (at(now + SECOND, now - SECOND), false),
            // A modification time that was set by hand, in the future or long ago.
            (at(now - SECOND, now + 1000 * SECOND), true),
            (at(now, now - 1000 * SECOND), false),
            // Whole seconds: a file system with a coarse stamp.
            (at(now - 7 - SECOND, now - 7 - SECOND), false),
            (at(now - 7 - 2 * SECOND, now - 7 - 2 * SECOND), true),
            (at(i64::MIN, i64::MIN), true),
        ] {
            assert_eq!(file.is_settled(now), settled, "{file:?}");
        }
    }

    #[test]
    fn last_modified_is_whole_seconds_and_never_negative() {
        for (modified_ns, seconds) in [
            (0, 0),
            (SECOND - 1, 0),
            (SECOND, 1),
            (1_700_000_000 * SECOND + 999_999_999, 1_700_000_000),
            (-5, 0),
            (i64::MIN, 0),
        ] {
            assert_eq!(Identity { modified_ns, ..FILE }.last_modified(), seconds);
        }
    }

    #[test]
    fn far_stamps_saturate() {
        assert_eq!(nanoseconds(i64::MAX, 5), i64::MAX);
        assert_eq!(nanoseconds(i64::MIN, 0), i64::MIN);
        assert_eq!(nanoseconds(-1i64, 999_999_999), -1);
    }
}
