//! A file of secrets: taken whole or refused whole, and read again when it changes.
//!
//! Rule: what is said of such a file names it, the line and what is wrong, and never a word of what stands in the place of a
//! secret: it may be a password that somebody forgot to hash.

use crate::watched::{Stamp, stamp};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// The most that one may have: it is held in memory.
const LARGEST: u64 = 16 << 20;

/// What is wrong with the text of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Wrong {
    /// Counted from one; `None` where it is no line in particular.
    pub(crate) line: Option<usize>,
    pub(crate) what: String,
    /// What to do about it.
    pub(crate) help: String,
}

impl Wrong {
    pub(crate) fn at(line: usize, what: impl Into<String>, help: impl Into<String>) -> Wrong {
        Wrong { line: Some(line), what: what.into(), help: help.into() }
    }

    pub(crate) fn throughout(what: impl Into<String>, help: impl Into<String>) -> Wrong {
        Wrong { line: None, what: what.into(), help: help.into() }
    }

    /// Where no secret key can be made, nothing can be kept apart that is to be remembered.
    pub(crate) fn no_randomness() -> Wrong {
        Wrong::throughout("the system gives no random numbers", "let the process call getrandom(2)")
    }
}

/// Why a file cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Unusable {
    pub(crate) path: PathBuf,
    pub(crate) wrong: Wrong,
}

/// `users.htpasswd:3: what is wrong`
impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.wrong.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.wrong.what)
    }
}

/// What a file of secrets is made into.
pub(crate) trait Secrets: Sized {
    /// Takes the whole text, or says what is wrong with it first.
    fn parse(text: &str) -> Result<Self, Wrong>;
}

/// A file of secrets, and what it was last made into.
pub(crate) struct SecretFile<T> {
    path: PathBuf,
    current: RwLock<Arc<T>>,
    stamps: Mutex<Stamps>,
}

struct Stamps {
    /// Of the file as it was last read.
    taken: Stamp,
    /// Of the file as it was last looked at.
    seen: Stamp,
}

impl<T: Secrets> SecretFile<T> {
    pub(crate) fn open(path: &Path) -> Result<SecretFile<T>, Unusable> {
        // Before it is read, so that a change in between is noticed.
        let taken = stamp(path);
        let current = RwLock::new(Arc::new(load(path)?));
        Ok(SecretFile { path: path.to_owned(), current, stamps: Mutex::new(Stamps { taken, seen: taken }) })
    }

    /// What it was last made into.
    pub(crate) fn current(&self) -> Arc<T> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the file again if it has changed and is left alone since the last look: it may still be being written. A file
    /// that cannot be used leaves everything as it was; told once for each change. Waits for the disk.
    pub(crate) fn refresh(&self) -> Result<(), Unusable> {
        let mut stamps = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamp(&self.path);
        let settled = now == stamps.seen;
        stamps.seen = now;
        if !settled || now == stamps.taken {
            return Ok(());
        }
        stamps.taken = now;
        let new = Arc::new(load(&self.path)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }
}

fn load<T: Secrets>(path: &Path) -> Result<T, Unusable> {
    read(path).and_then(|text| T::parse(&text)).map_err(|wrong| Unusable { path: path.to_owned(), wrong })
}

fn read(path: &Path) -> Result<String, Wrong> {
    const READABLE: &str = "let the user who runs the server read it";
    let unreadable = |cause: std::io::Error| match cause.kind() {
        std::io::ErrorKind::NotFound => Wrong::throughout("there is no such file", "create it, or correct the path"),
        _ => Wrong::throughout(format!("cannot be read: {cause}"), READABLE),
    };
    // Asked before it is opened: opening a pipe waits.
    if !path.metadata().map_err(unreadable)?.is_file() {
        return Err(Wrong::throughout("is not a regular file", "name the file itself"));
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if read as u64 > LARGEST {
        return Err(Wrong::throughout("is larger than 16MiB", "make it smaller: it is held in memory"));
    }
    String::from_utf8(bytes).map_err(|cause| {
        let line = cause.as_bytes()[..cause.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
        Wrong::at(line, "is not UTF-8", "save it as UTF-8")
    })
}

/// The lines that say something, each with its number from one: neither empty nor, as in Apache's files, begun with `#`.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// A list with commas, of which no member may be empty or have white space or control characters in it.
pub(crate) fn members(line: usize, what: &str, list: Option<&str>) -> Result<Vec<Box<str>>, Wrong> {
    let Some(list) = list else { return Ok(Vec::new()) };
    let member = |member: &str| {
        let member = member.trim();
        if member.is_empty() || member.contains(|c: char| c.is_whitespace() || c.is_control()) {
            let help =
                format!("write them with commas between, or leave the last colon out for none: `:{what},{what}`");
            return Err(Wrong::at(line, format!("a {what} is empty or has white space in it"), help));
        }
        Ok(member.into())
    };
    list.split(',').map(member).collect()
}

/// The name that a line begins with.
pub(crate) fn name(line: usize, what: &str, name: &str) -> Result<(), Wrong> {
    if name.is_empty() || name.contains(char::is_control) {
        return Err(Wrong::at(line, format!("the {what} is empty or has control characters"), "give it a name"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Number(u32);

    impl Secrets for Number {
        fn parse(text: &str) -> Result<Number, Wrong> {
            text.trim().parse().map(Number).map_err(|_| Wrong::at(1, "is not a number", ""))
        }
    }

    #[test]
    fn a_change_is_taken_when_the_file_is_left_alone_and_a_bad_one_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("number");
        let write = |text: &str| std::fs::write(&path, text).unwrap();
        write("1");
        let file = SecretFile::<Number>::open(&path).unwrap();
        write("22");
        assert_eq!((file.refresh(), file.current().0), (Ok(()), 1), "it may still be being written");
        assert_eq!((file.refresh(), file.current().0), (Ok(()), 22));
        write("three");
        assert_eq!(file.refresh(), Ok(()));
        let told = file.refresh().unwrap_err().to_string();
        assert!(told.ends_with("number:1: is not a number"), "{told}");
        assert_eq!((file.refresh(), file.current().0), (Ok(()), 22));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(file.refresh(), Ok(()));
        assert_eq!(file.refresh().unwrap_err().wrong.what, "there is no such file");
        assert_eq!((file.refresh(), file.current().0), (Ok(()), 22));
        write("4");
        assert_eq!(file.refresh(), Ok(()));
        assert_eq!((file.refresh(), file.current().0), (Ok(()), 4));
    }

    #[test]
    fn what_cannot_be_a_file_of_secrets_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let large = folder.path().join("large");
        File::create(&large).and_then(|file| file.set_len(LARGEST + 1)).unwrap();
        let latin = folder.path().join("latin");
        std::fs::write(&latin, b"a\nb\n\xE9").unwrap();
        let cases = [
            (folder.path().to_owned(), None, "is not a regular file"),
            (folder.path().join("none"), None, "there is no such file"),
            (large, None, "is larger than 16MiB"),
            (latin, Some(3), "is not UTF-8"),
        ];
        for (path, line, what) in cases {
            let wrong = SecretFile::<Number>::open(&path).err().map(|unusable| unusable.wrong).unwrap();
            assert_eq!((wrong.line, &*wrong.what), (line, what), "{}", path.display());
        }
    }
}
