//! What is where something would be written.

use super::TEMPORARY;
use crate::disk::write::Way;
use crate::disk::{Identity, Kind, Opened, Root};
use crate::handler::files::{look_up, media_type};
use crate::named::Named;
use crate::representation::{Content, Description, Representation};
use rustix::fs::FileType;
use rustix::io::Errno;
use std::borrow::Cow;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use verdict_core::cause::Absent;
use verdict_core::field::date::HttpDate;

/// What is at a path that is to be written.
#[derive(Debug)]
pub(crate) enum Place {
    /// A file.
    There { file: OwnedFd, identity: Identity },
    /// Nothing, and so many folders above it are missing.
    Free { missing: usize },
    /// Nothing, and no folder could be there: a file is on the way.
    Impossible,
    /// A folder or a symbolic link, or a link is on the way: to be read alone.
    Fixed,
    /// Nothing that anybody may know of.
    Absent(Absent),
}

/// Looks at a path whose names can be written. Waits for the disk.
pub(super) fn look(root: &Root, named: &Named, path: &str) -> Place {
    let (above, name) = split(path);
    let way = match root.way(above) {
        Ok(way) => way,
        Err(Errno::NOTDIR | Errno::NOENT) => return Place::Impossible,
        Err(Errno::XDEV) => return Place::Fixed,
        Err(error) => return Place::Absent(look_up::absent(error.into())),
    };
    let Way { folder, missing, .. } = way;
    let below: Vec<&str> = missing.iter().map(String::as_str).chain([name]).collect();
    if named.is_beneath(folder.descriptor(), &below.join("/")) {
        return Place::Absent(Absent::OfConfig);
    }
    if !missing.is_empty() {
        return Place::Free { missing: missing.len() };
    }
    match folder.look(name) {
        Ok((FileType::RegularFile, _)) => {}
        Ok((FileType::Directory | FileType::Symlink, _)) => return Place::Fixed,
        Ok(_) => return Place::Absent(Absent::NotAFile),
        Err(Errno::NOENT) => return Place::Free { missing: 0 },
        Err(error) => return Place::Absent(look_up::absent(error.into())),
    }
    let opened = folder.open(name).map_err(Into::into).and_then(|file| {
        let identity = Identity::of(std::os::fd::AsFd::as_fd(&file)).map_err(crate::disk::Missed::Failed)?;
        Ok(Opened { file, kind: Kind::File, identity })
    });
    match opened {
        Ok(opened) if named.has(&opened) => Place::Absent(Absent::OfConfig),
        Ok(Opened { file, identity, .. }) => Place::There { file, identity },
        // It was there a moment ago.
        Err(crate::disk::Missed::Nothing) => Place::Free { missing: 0 },
        Err(missed) => Place::Absent(look_up::absent(missed)),
    }
}

/// The folder's path and the name in it.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// A name in the folder at `above` that no request reaches and nobody else has.
pub(super) fn temporary(above: &str, id: &str) -> String {
    let slash = if above.is_empty() { "" } else { "/" };
    format!("{above}{slash}{TEMPORARY}{id}")
}

impl Place {
    /// The file as conditions see it, with the tag that GET has for it as it is. `now_ns`: not later than it was looked at.
    pub(crate) fn representation(&self, path: &str, now_ns: i64) -> Option<Representation> {
        let Place::There { file, identity } = self else { return None };
        let tag = identity.entity_tag(None);
        let settled = identity.is_settled(now_ns);
        let description = Description {
            media_type: Cow::Borrowed(media_type::of(path)),
            coding: None,
            tag: Some(if settled { tag.strong() } else { tag.weak() }.into()),
            last_modified: Some(HttpDate::from_unix(identity.last_modified() as i64)),
            cache_control: None,
            vary: None,
            ranges: false,
            link: None,
            policy: None,
        };
        let file = Arc::new(file.try_clone().ok()?);
        Some(Representation::new(Content::File { file, identity: *identity }, description))
    }
}
