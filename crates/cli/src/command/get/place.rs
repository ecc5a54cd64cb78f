//! Where a download goes: a file that is there whole or not at all, and beside it, while it comes, what has come of it and of which
//! version that is. Two versions are never mixed: what is not known to be of the same one is begun anew.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use verdict_core::client::Validator;
use verdict_core::field::date::HttpDate;
use verdict_core::field::entity_tag::EntityTag;

/// The most bytes of a file that says where another one is from.
const LONGEST: u64 = 32 << 10;

/// Where content is from, and of which version it is.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Origin {
    /// The URL that was asked for first.
    pub(super) url: String,
    /// `ETag`, as it was sent.
    pub(super) etag: Option<String>,
    /// `Last-Modified`, where it can be relied on (RFC 9110 §8.8.2.2).
    pub(super) modified: Option<HttpDate>,
    /// Bytes of the whole.
    pub(super) length: Option<u64>,
}

impl Origin {
    /// What a file says; none where it cannot be understood to the letter.
    fn read(path: &Path) -> Option<Origin> {
        if fs::metadata(path).ok()?.len() > LONGEST {
            return None;
        }
        let text = fs::read_to_string(path).ok()?;
        let mut origin = Origin::default();
        for line in text.strip_suffix('\n')?.split('\n') {
            let (name, value) = line.split_once(' ')?;
            match name {
                "url" => origin.url = value.to_owned(),
                "etag" => origin.etag = Some(value.to_owned()),
                "modified" => origin.modified = Some(HttpDate::from_unix(value.parse().ok()?)),
                "length" => origin.length = Some(value.parse().ok()?),
                _ => return None,
            }
        }
        Some(origin)
    }

    /// Errors: the file system's.
    fn write(&self, path: &Path) -> io::Result<()> {
        let mut text = format!("url {}\n", self.url);
        if let Some(etag) = &self.etag {
            text.push_str(&format!("etag {etag}\n"));
        }
        if let Some(modified) = self.modified {
            text.push_str(&format!("modified {}\n", modified.unix()));
        }
        if let Some(length) = self.length {
            text.push_str(&format!("length {length}\n"));
        }
        fs::write(path, text)
    }

    /// The validator by which parts may be put together: a strong tag, or a date (RFC 9110 §13.1.5).
    pub(super) fn validator(&self) -> Option<Validator<'_>> {
        match &self.etag {
            Some(etag) => EntityTag::parse(etag.as_bytes()).filter(|tag| !tag.weak).map(Validator::Tag),
            None => self.modified.map(Validator::Date),
        }
    }
}

/// A file and what is beside it.
pub(super) struct Place {
    file: PathBuf,
    part: PathBuf,
    part_origin: PathBuf,
    origin: PathBuf,
}

/// What has come so far, open for more; nobody else writes to it.
pub(super) struct Part {
    file: File,
    pub(super) size: u64,
}

impl Place {
    pub(super) fn new(file: &Path) -> Place {
        let beside = |end: &str| {
            let mut name = file.as_os_str().to_owned();
            name.push(end);
            PathBuf::from(name)
        };
        Place {
            file: file.to_owned(),
            part: beside(".part"),
            part_origin: beside(".part.origin"),
            origin: beside(".origin"),
        }
    }

    /// Takes hold of what has come of the download. Errors: the file system's; `WouldBlock` where another one writes to it.
    pub(super) fn open(&self) -> io::Result<Part> {
        let file = OpenOptions::new().create(true).append(true).open(&self.part)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
        let size = file.metadata()?.len();
        Ok(Part { file, size })
    }

    /// Where what has come is from, if it is from that URL.
    pub(super) fn part_origin(&self, url: &str) -> Option<Origin> {
        Origin::read(&self.part_origin).filter(|origin| origin.url == url)
    }

    /// What a finished file is known to be: from its own origin where that is of this URL and length, and else by its time alone.
    pub(super) fn finished(&self, url: &str) -> Option<Origin> {
        let is = fs::metadata(&self.file).ok().filter(fs::Metadata::is_file)?;
        if let Some(origin) = Origin::read(&self.origin) {
            return Some(origin).filter(|origin| origin.url == url && origin.length == Some(is.len()));
        }
        let since = is.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        let modified = HttpDate::from_unix(i64::try_from(since.as_secs()).ok()?);
        Some(Origin { modified: Some(modified), ..Origin::default() })
    }

    /// Empties the part, which is of this version from now on. Errors: the file system's.
    pub(super) fn begin(&self, part: &mut Part, origin: &Origin) -> io::Result<()> {
        // What is half done here is of no known version, and begun anew.
        match fs::remove_file(&self.part_origin) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        part.file.set_len(0)?;
        part.size = 0;
        part.file.seek(SeekFrom::Start(0))?;
        origin.write(&self.part_origin)
    }

    /// Gives the file its name. With `remember`, where it is from stays beside it. Errors: the file system's.
    pub(super) fn finish(&self, part: Part, origin: &Origin, remember: bool) -> io::Result<()> {
        part.file.sync_all()?;
        if let Some(modified) = origin.modified.and_then(|date| u64::try_from(date.unix()).ok()) {
            // A file system that keeps no times is none that downloads fail for.
            let _ = part.file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(modified));
        }
        // What it says would be wrong of the new file, and is gone before that comes.
        match fs::remove_file(&self.origin) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let size = part.size;
        fs::rename(&self.part, &self.file)?;
        if remember {
            Origin { length: Some(size), ..origin.clone() }.write(&self.origin)?;
        }
        // Of a part that is gone it says nothing, and the next one does not believe it.
        let _ = fs::remove_file(&self.part_origin);
        Ok(())
    }

    /// Takes away a part in which there is nothing.
    pub(super) fn tidy(&self, part: Part) {
        if part.size == 0 {
            let _ = fs::remove_file(&self.part);
            let _ = fs::remove_file(&self.part_origin);
        }
    }
}

impl Part {
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.size += bytes.len() as u64;
        Ok(())
    }
}
