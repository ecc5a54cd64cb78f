//! The way from a name to what is on the disk, and what is remembered of it.
//!
//! A name is remembered for a second; what it stands for is known by the file's identity, so that a file that was changed
//! or replaced is never mistaken for what it was. A worker is never made to wait: what the kernel does not have in
//! memory is fetched by the blocking pool.

use super::{Files, Looked, Resource, listing, media_type};
use crate::disk::{Identity, Kind, Missed, Opened, Wait, pages};
use crate::representation::{Content, Description, Representation};
use crate::request::Request;
use std::borrow::Cow;
use std::cell::Cell;
use std::future::pending;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;
use tokio::task::spawn_blocking;
use verdict_core::cause::Absent;
use verdict_core::field::accept::Accept;
use verdict_core::field::accept_encoding::Coding;
use verdict_core::field::date::HttpDate;
use verdict_wire::Name;

/// How long a name is taken for what it was.
const REMEMBERED_NS: i64 = 1_000_000_000;

/// How long what a name stood for is kept, to be compared with what it stands for then.
const KEPT_NS: i64 = 10_000_000_000;

/// Files up to this size are kept in memory; larger ones are kept open and sent from the kernel's pages.
const SMALL: u64 = 64 << 10;

/// How many names a route remembers, and so how many files it keeps open, at most.
const MOST_NAMES: usize = 1024;

/// How many listings of a route a worker makes at a time.
const MOST_LISTINGS: usize = 4;

/// The codings that a file may be there in beside itself, with the ending of their names, best first.
const CODINGS: [(Coding, &str); 3] = [(Coding::Br, ".br"), (Coding::Zstd, ".zst"), (Coding::Gzip, ".gz")];

/// What policy a page of ours has: it loads nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// On what terms the disk is asked.
#[derive(Clone, Copy)]
pub(super) struct Disk {
    /// Nanoseconds since 1970, not later than the question.
    pub(super) now_ns: i64,
    /// With `No`, a question that the kernel cannot answer from memory stays pending, and nothing has begun.
    pub(super) wait: Wait,
    /// How often something in the folder was changed before the question.
    pub(super) changes: u64,
}

impl Disk {
    /// Has the pool do what waits for the disk.
    async fn wait_for<T: Send + 'static>(
        self,
        work: impl FnOnce() -> Result<T, Missed> + Send + 'static,
    ) -> Result<T, Missed> {
        match self.wait {
            Wait::No => pending().await,
            Wait::Yes => {
                spawn_blocking(work).await.unwrap_or_else(|stopped| Err(Missed::Failed(io::Error::other(stopped))))
            }
        }
    }
}

/// A name that was looked up.
pub(super) struct Known {
    resource: Rc<Resource>,
    /// When, in nanoseconds since 1970.
    at: i64,
    /// The name of the file that was opened: that of the index, where the name is a folder's.
    file: Box<str>,
    /// The file's and its codings' identities.
    identities: [Option<Identity>; 4],
}

impl Files {
    /// What a name stood for a moment ago, as `choose` picks from it.
    #[inline]
    pub(super) fn recall<T>(&self, name: &str, now_ns: i64, choose: impl FnOnce(&Resource) -> T) -> Option<T> {
        let known = self.known.borrow();
        let known = known.get(name)?;
        // A clock that was set back makes everything old.
        (0..REMEMBERED_NS).contains(&(now_ns - known.at)).then(|| choose(&known.resource))
    }

    /// Forgets names that nobody has asked for in a while, so that a file that is gone is not kept open.
    pub(crate) fn forget(&self, now_ns: i64) {
        self.known.borrow_mut().retain(|_, known| (0..KEPT_NS).contains(&(now_ns - known.at)));
    }

    /// Has every name looked up anew. What has not changed is told by its identity.
    #[cold]
    pub(super) fn distrust(&self) {
        self.known.borrow_mut().values_mut().for_each(|known| known.at = 0);
    }

    pub(super) async fn look_up(&self, request: &Request<'_>, name: &str, disk: Disk) -> Looked {
        match self.resource(name, disk).await {
            Ok(resource) => Looked::File(resource.choose(request)),
            Err(Unfound::Absent(absent)) => {
                self.known.borrow_mut().remove(name);
                Looked::Absent(absent)
            }
            Err(Unfound::SlashMissing) => Looked::SlashMissing,
            Err(Unfound::Unindexed(folder)) => self.list(request, name, folder, disk).await,
        }
    }

    async fn resource(&self, name: &str, disk: Disk) -> Result<Rc<Resource>, Unfound> {
        // The last segment is empty in a folder's own URL (RFC 3986 §5.2.3: relative references hang on it).
        let path = name.strip_suffix('/').unwrap_or(name);
        let is_folder_url = name.is_empty() || name.ends_with('/');
        let opened = self.open(path, disk).await?;
        match (opened.kind, is_folder_url) {
            (Kind::File, false) => self.represent(name, path, opened, disk).await,
            (Kind::File, true) => Err(Unfound::Absent(Absent::Nothing)),
            (Kind::Folder, false) => Err(Unfound::SlashMissing),
            (Kind::Folder, true) => {
                for index in &self.index {
                    let file = if path.is_empty() { index.clone() } else { format!("{path}/{index}") };
                    match self.open(&file, disk).await {
                        Ok(found) if found.kind == Kind::File => {
                            return self.represent(name, &file, found, disk).await;
                        }
                        Ok(_) | Err(Unfound::Absent(Absent::Nothing)) => {}
                        Err(unfound) => return Err(unfound),
                    }
                }
                Err(Unfound::Unindexed(opened.file))
            }
        }
    }

    /// Opens a name beneath the root, on the pool if the kernel would have to wait for the disk.
    async fn open(&self, path: &str, disk: Disk) -> Result<Opened, Unfound> {
        let opened = match self.root.open(path, Wait::No) {
            Err(Missed::WouldBlock) => {
                let (root, path) = (self.root.clone(), path.to_owned());
                disk.wait_for(move || root.open(&path, Wait::Yes)).await
            }
            opened => opened,
        };
        let opened = opened?;
        if self.named.has(&opened) {
            return Err(Unfound::Absent(Absent::OfConfig));
        }
        Ok(opened)
    }

    /// A file with its codings. What is remembered is used as far as identities say that it is still the same.
    async fn represent(&self, name: &str, path: &str, opened: Opened, disk: Disk) -> Result<Rc<Resource>, Unfound> {
        let media_type = media_type::of(path);
        let mut identities = [Some(opened.identity), None, None, None];
        let mut coded = Vec::new();
        if self.precompressed && media_type::is_compressible(media_type) {
            for (i, (coding, ending)) in CODINGS.into_iter().enumerate() {
                match self.open(&format!("{path}{ending}"), disk).await {
                    Ok(found) if found.kind == Kind::File && self.is_coding_of(&found, &opened) => {
                        identities[i + 1] = Some(found.identity);
                        coded.push((coding, found));
                    }
                    _ => {}
                }
            }
        }
        // What was changed since the look-up began may not be what it found.
        let unchanged = self.turns.as_ref().is_none_or(|turns| turns.changes() == disk.changes);
        let settled = unchanged && identities.iter().flatten().all(|identity| identity.is_settled(disk.now_ns));
        if settled
            && let Some(known) = self.known.borrow_mut().get_mut(name)
            && known.identities == identities
            && *known.file == *path
        {
            known.at = disk.now_ns;
            return Ok(known.resource.clone());
        }
        let varies = !coded.is_empty();
        let plain = self.load(opened, media_type, None, varies, disk).await?;
        let mut representations = Vec::with_capacity(coded.len());
        for (coding, found) in coded {
            representations.push((coding, self.load(found, media_type, Some(coding), varies, disk).await?));
        }
        let resource = Rc::new(Resource { plain, coded: representations });
        // What could change again without its identity telling is not remembered.
        let unchanged = self.turns.as_ref().is_none_or(|turns| turns.changes() == disk.changes);
        if settled && unchanged {
            let known = Known { resource: resource.clone(), at: disk.now_ns, file: path.into(), identities };
            self.remember(name, known);
        }
        Ok(resource)
    }

    /// Whether a file is a coding of this one. Where clients put files, one that is older is a coding of what was there before;
    /// where they do not, whoever copies a folder keeps no order.
    fn is_coding_of(&self, coded: &Opened, plain: &Opened) -> bool {
        self.uploads.is_none() || coded.identity.modified_ns >= plain.identity.modified_ns
    }

    fn remember(&self, name: &str, known: Known) {
        let mut names = self.known.borrow_mut();
        if names.len() >= MOST_NAMES && !names.contains_key(name) {
            // First whatever is out of date, since it costs a look-up anyway; then anything.
            let now = known.at;
            names.retain(|_, known| now - known.at < REMEMBERED_NS);
            if names.len() >= MOST_NAMES {
                names.clear();
            }
        }
        names.insert(name.into(), known);
    }

    async fn load(
        &self,
        opened: Opened,
        media_type: &'static str,
        coding: Option<Coding>,
        varies: bool,
        disk: Disk,
    ) -> Result<Rc<Representation>, Unfound> {
        let (content, identity) = if opened.identity.size <= SMALL {
            let (content, identity) = read_small(opened, disk).await?;
            (Content::Memory(content.into()), identity)
        } else {
            let identity = opened.identity;
            (Content::File { file: Arc::new(opened.file), identity }, identity)
        };
        let tag = identity.entity_tag(coding.map(Coding::name));
        let settled = identity.is_settled(disk.now_ns);
        let description = Description {
            media_type: Cow::Borrowed(media_type),
            coding: coding.map(Coding::name),
            tag: Some(if settled { tag.strong() } else { tag.weak() }.into()),
            last_modified: Some(HttpDate::from_unix(identity.last_modified() as i64)),
            cache_control: self.cache_control.clone(),
            vary: varies.then_some("Accept-Encoding"),
            ranges: true,
            link: None,
            policy: None,
        };
        Ok(Rc::new(Representation::new(content, description)))
    }

    /// A listing, as HTML or JSON. It is made anew each time: a folder has no stamp that tells of changes in its files.
    async fn list(&self, request: &Request<'_>, name: &str, folder: OwnedFd, disk: Disk) -> Looked {
        if !self.listing {
            return Looked::Absent(Absent::NoIndex);
        }
        const FORMS: [&str; 2] = ["text/html; charset=utf-8", "application/json"];
        let form = Accept::new(request.lines(Name::Accept)).best(&["text/html", "application/json"]).unwrap_or(0);
        let title = request.path.clone().into_owned();
        let (root, name, dotfiles, named) = (self.root.clone(), name.to_owned(), self.dotfiles, self.named.clone());
        // Listings cost more than anything else here, so others must not wait for many of them.
        if self.listings.get() >= MOST_LISTINGS {
            return Looked::Absent(Absent::Exhausted);
        }
        let _one = Counted::new(&self.listings);
        let listed = disk.wait_for(move || {
            let withheld = named.identities();
            let path = name.strip_suffix('/').unwrap_or(&name);
            let options = listing::Options { dotfiles, withheld: &withheld };
            let listing = listing::read(&root, path, folder.as_fd(), options)?;
            Ok(if form == 0 { listing.html(&title) } else { listing.json() })
        });
        let text = match listed.await {
            Ok(text) => text,
            Err(missed) => return Looked::Absent(absent(missed)),
        };
        let tag = format!("W/\"{:016x}\"", hash(text.as_bytes()));
        let description = Description {
            media_type: Cow::Borrowed(FORMS[form]),
            coding: None,
            tag: Some(tag.into()),
            last_modified: None,
            cache_control: Some("no-cache".into()),
            vary: Some("Accept"),
            ranges: false,
            link: None,
            policy: Some(POLICY),
        };
        let content = Content::Memory(text.into_bytes().into());
        Looked::Listing(Rc::new(Representation::new(content, description)))
    }
}

/// One more, for as long as it lives.
struct Counted<'a>(&'a Cell<usize>);

impl<'a> Counted<'a> {
    fn new(count: &'a Cell<usize>) -> Counted<'a> {
        count.set(count.get() + 1);
        Counted(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// The whole content, from the kernel's memory or by the pool, and the identity of the version that it is. If the file
/// changes while it is read, what was read is neither the old nor the new version, so it is read again.
async fn read_small(opened: Opened, disk: Disk) -> Result<(Box<[u8]>, Identity), Unfound> {
    let mut content = vec![0; opened.identity.size as usize];
    let mut filled = 0;
    while filled < content.len() {
        match pages::read_resident(opened.file.as_fd(), filled as u64, &mut content[filled..]) {
            Some(n) => filled += n,
            None => break,
        }
    }
    let now = Identity::of(opened.file.as_fd());
    if filled == content.len() && now.is_ok_and(|now| now == opened.identity) {
        return Ok((content.into(), opened.identity));
    }
    Ok(disk.wait_for(move || read_steadily(&opened.file).map_err(Missed::Failed)).await?)
}

fn read_steadily(file: &OwnedFd) -> io::Result<(Box<[u8]>, Identity)> {
    for _ in 0..8 {
        let identity = Identity::of(file.as_fd())?;
        if identity.size > SMALL {
            break;
        }
        let mut content = vec![0; identity.size as usize];
        let mut filled = 0;
        while filled < content.len() {
            match pages::read(file.as_fd(), filled as u64, &mut content[filled..])? {
                0 => break,
                n => filled += n,
            }
        }
        if filled == content.len() && Identity::of(file.as_fd())? == identity {
            return Ok((content.into(), identity));
        }
    }
    Err(io::Error::other("the file changes faster than it can be read"))
}

/// Why a name leads to no file.
enum Unfound {
    Absent(Absent),
    SlashMissing,
    /// A folder without any of the index files.
    Unindexed(OwnedFd),
}

impl From<Missed> for Unfound {
    fn from(missed: Missed) -> Unfound {
        Unfound::Absent(absent(missed))
    }
}

pub(super) fn absent(missed: Missed) -> Absent {
    match missed {
        Missed::Nothing => Absent::Nothing,
        Missed::Outside => Absent::Outside,
        Missed::Irregular => Absent::NotAFile,
        Missed::Unreadable => Absent::Unreadable,
        Missed::Exhausted => Absent::Exhausted,
        Missed::Failed(error) => {
            crate::log::operation(format_args!("a file could not be looked up or read: {error}"));
            Absent::Failed
        }
        // The pool waits; only a worker is told this.
        Missed::WouldBlock => Absent::Failed,
    }
}

/// FNV-1a: a validator for content of our own making.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}
