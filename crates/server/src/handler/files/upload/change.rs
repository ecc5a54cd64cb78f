//! A file is put or deleted.
//!
//! Whoever asked may leave at any moment. Until the file has its name nothing of it stays then ([`Begun`] sees to that); from
//! there on what is to be done is done by a task of its own, whoever waits for it.

use super::place::{self, Place, split, temporary};
use super::turn::Turn;
use super::{Subject, Uploads};
use crate::config::Limits;
use crate::content::Content;
use crate::deadline::Deadlines;
use crate::disk::write::Folder;
use crate::disk::{Identity, Root};
use crate::handler::files::Files;
use crate::handler::wrote::{Details, Tried, Wrote, failed, patiently, refused, within_patience};
use crate::log;
use crate::representation::{There, preconditions};
use crate::request::Request;
use crate::route::push_uri;
use crate::store::{Intended, Intent, Refused, Store, What};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::runtime::Handle;
use tokio::task::{JoinError, spawn_blocking, spawn_local};
use verdict_core::cause::{Conflict, Done, Failure};
use verdict_core::decide::Outcome;
use verdict_core::method::Method;
use verdict_wire::Framing;

/// How much is held in memory of a file that arrives, and written at a time.
const BUFFER: usize = 128 << 10;

/// By how much the reservation of a file of unknown length grows: as much again as it has, within these.
const LEAST_STEP: u64 = 1 << 20;
const LARGEST_STEP: u64 = 64 << 20;

/// How long an answer waits, at most, so that it can tell a tag that is a strong one.
const PATIENCE_FOR_TAG: Duration = Duration::from_millis(60);

/// How far a worker's clock is behind, at most: GET goes by that.
const BEHIND_NS: i64 = 12_000_000;

/// What is asked for, by whom it was admitted.
pub(crate) struct Asked<'a> {
    pub(crate) request: &'a Request<'a>,
    pub(crate) subject: &'a Subject,
    pub(crate) limits: &'a Limits,
    /// What no other request has.
    pub(crate) id: &'a str,
    /// Milliseconds since 1970.
    pub(crate) now: u64,
    /// Only look what would come of it.
    pub(crate) dry: bool,
    /// What bounds waiting for the store.
    pub(crate) deadlines: Option<&'a Rc<Deadlines>>,
}

impl Files {
    /// Does what a request asks for.
    pub(crate) async fn change(&self, uploads: &Uploads, asked: &Asked<'_>, content: &mut Content<'_>) -> Wrote {
        let changing = Changing { files: self, uploads, asked };
        let done = match asked.request.head.method {
            Method::Delete => changing.delete().await,
            _ => changing.put(content).await,
        };
        done.unwrap_or_else(|refused| *refused)
    }
}

struct Changing<'a> {
    files: &'a Files,
    uploads: &'a Uploads,
    asked: &'a Asked<'a>,
}

impl Changing<'_> {
    async fn put(&self, content: &mut Content<'_>) -> Tried<Wrote> {
        let declared = match self.asked.request.head.framing {
            Framing::Length(length) => Some(length),
            Framing::None => Some(0),
            Framing::Chunked => None,
        };
        if self.asked.dry {
            return self.rehearse(content).await;
        }
        // Before a byte is read, and so before whoever waits for 100 gets one.
        let mut begun = self.begin(declared.unwrap_or(0)).await?;
        match self.receive(&mut begun, declared, content).await {
            Ok(()) => {}
            Err(refused) => {
                begun.discard().await;
                return Err(refused);
            }
        }
        let turn = self.uploads.turns.wait_for(&self.asked.subject.path).await;
        let last = self.last_look().await;
        if let Err(refused) = self.still_holds(&last) {
            begun.discard().await;
            return Err(refused);
        }
        let created = matches!(last, Place::Free { .. });
        let placing = spawn_local(place(turn, begun));
        let tag = known(placing.await)?.map_err(|outcome| refused(outcome, Details::default()))?;
        let (done, location) = match created {
            true => {
                let mut location = String::new();
                push_uri(self.asked.request.raw_path, &mut location);
                (Done::Created, Some(location))
            }
            false => (Done::Replaced, None),
        };
        Ok(Wrote { location, tag, ..Wrote::done(done) })
    }

    /// What would come of it, as far as that is known without writing.
    async fn rehearse(&self, content: &mut Content<'_>) -> Tried<Wrote> {
        let mut bytes = 0;
        loop {
            match content.next(self.asked.limits).await {
                Ok(Some(piece)) => bytes += piece.len() as u64,
                Ok(None) => break,
                Err(outcome) => return Err(refused(outcome, Details::default())),
            }
        }
        if let Some(used) = self.uploads.lack(&self.asked.subject.path, bytes, self.asked.now) {
            let details = Details { used: Some(used), ..Details::default() };
            return Err(refused(Outcome::Failure(Failure::Quota), details));
        }
        Ok(match self.asked.subject.place {
            Place::There { .. } => Wrote::done(Done::Replaced),
            _ => Wrote { location: Some(self.asked.request.raw_path.to_owned()), ..Wrote::done(Done::Created) },
        })
    }

    /// Reserves so many bytes, and makes the file that they go into.
    async fn begin(&self, bytes: u64) -> Tried<Begun> {
        let path = &self.asked.subject.path;
        let (root, above) = (self.files.root.clone(), split(path).0.to_owned());
        let way =
            known(spawn_blocking(move || root.way(&above)).await)?.map_err(|error| of_disk(error.into(), path))?;
        let temporary = temporary(&way.path, self.asked.id);
        let name = split(&temporary).1.to_owned();
        let make = move || {
            let file = way.folder.create(&name)?;
            Ok(Some(Made { folder: way.folder, missing: way.missing, file: File::from(file) }))
        };
        self.intend(What::Put { temporary, bytes }, make).await
    }

    /// Writes down what is about to be done, and makes what is needed for it.
    async fn intend<M>(&self, what: What, make: M) -> Tried<Begun>
    where
        M: FnOnce() -> Result<Option<Made>, Errno> + Send + 'static,
    {
        let Changing { files, uploads, asked } = self;
        let intended = Intended { route: uploads.route.clone(), path: asked.subject.path.clone(), what };
        let (store, quota) = (uploads.reader.store().clone(), uploads.config.quota);
        let (root, turns) = (files.root.clone(), uploads.turns.clone());
        // A task of its own: what is written down or made when whoever asked has left is taken back when it is dropped.
        let intent = store.intend(intended, quota);
        let deadlines = asked.deadlines.cloned();
        let task = async move {
            let intent = within_patience(intent, deadlines.as_ref()).await.map_err(Unbegun::Failed)?;
            let intent = match intent {
                Ok(intent) => intent,
                Err(refusal) => return Err(Unbegun::Refused(refusal)),
            };
            let mut begun = Begun { store, root, turns, intent: Some(intent), reserved: 0, made: None };
            match spawn_blocking(make).await {
                Ok(Ok(made)) => {
                    begun.made = made;
                    Ok(begun)
                }
                Ok(Err(error)) => {
                    begun.discard().await;
                    Err(Unbegun::Disk(error))
                }
                Err(_) => Err(Unbegun::Failed(Failure::Panicked)),
            }
        };
        known(spawn_local(task).await)?.map_err(|unbegun| match unbegun {
            Unbegun::Refused(refusal) => self.refusal(&refusal),
            Unbegun::Failed(failure) => failed(failure),
            Unbegun::Disk(error) => of_disk(error.into(), &asked.subject.path),
        })
    }

    /// Reads the content into the file, a buffer at a time, and waits until it is on the disk.
    async fn receive(&self, begun: &mut Begun, declared: Option<u64>, content: &mut Content<'_>) -> Tried<()> {
        let mut received = 0;
        begun.reserved = declared.unwrap_or(0);
        let mut buffer = Vec::with_capacity(declared.map_or(BUFFER, |length| length.min(BUFFER as u64) as usize));
        loop {
            let piece = content.next(self.asked.limits).await;
            let Some(piece) = piece.map_err(|outcome| refused(outcome, Details::default()))? else { break };
            received += piece.len() as u64;
            let full = buffer.len() + piece.len() > BUFFER;
            if full && !buffer.is_empty() {
                // The piece is the next one's first; nothing more is read while this one is written.
                let piece = piece.to_vec();
                self.reserve(begun, received).await?;
                buffer = self.write(begun, buffer, false).await?;
                buffer.clear();
                buffer.extend_from_slice(&piece);
            } else {
                buffer.extend_from_slice(piece);
            }
        }
        self.reserve(begun, received).await?;
        self.write(begun, buffer, true).await.map(drop)
    }

    /// Has at least so many bytes reserved, of a file whose length is not known: more at once than are there, if there is room.
    async fn reserve(&self, begun: &mut Begun, received: u64) -> Tried<()> {
        if received <= begun.reserved {
            return Ok(());
        }
        let Some(intent) = &begun.intent else { return Ok(()) };
        let step = begun.reserved.clamp(LEAST_STEP, LARGEST_STEP);
        let ample = received.max(begun.reserved.saturating_add(step)).min(self.asked.limits.body.max(received));
        for bytes in [ample, received] {
            let extension = begun.store.extend(intent, bytes, self.uploads.config.quota);
            match patiently(extension, self.asked.deadlines).await? {
                Ok(()) => {
                    begun.reserved = bytes;
                    return Ok(());
                }
                Err(_) if bytes > received => {}
                Err(refusal) => return Err(self.refusal(&refusal)),
            }
        }
        Ok(())
    }

    /// Writes a buffer, on the pool, and gives it back.
    async fn write(&self, begun: &Begun, buffer: Vec<u8>, last: bool) -> Tried<Vec<u8>> {
        let path = &self.asked.subject.path;
        let file = begun.made.as_ref().map(|made| made.file.try_clone());
        let Some(file) = file.transpose().map_err(|error| of_disk(error, path))? else { return Ok(buffer) };
        let written = spawn_blocking(move || {
            (&file).write_all(&buffer)?;
            if last {
                file.sync_all()?;
            }
            Ok::<_, io::Error>(buffer)
        });
        known(written.await)?.map_err(|error| of_disk(error, path))
    }

    async fn delete(&self) -> Tried<Wrote> {
        if self.asked.dry {
            return Ok(Wrote::done(Done::Deleted));
        }
        let turn = self.uploads.turns.wait_for(&self.asked.subject.path).await;
        let last = self.last_look().await;
        self.still_holds(&last)?;
        // Somebody else was faster, and it is as it was to be.
        if let Place::Free { .. } | Place::Impossible = last {
            return Ok(Wrote::done(Done::Deleted));
        }
        let kept = self.uploads.config.keep_deleted.as_millis() as u64;
        let keep_until = (kept > 0).then(|| self.asked.now.saturating_add(kept));
        let begun = self.intend(What::Delete { keep_until }, || Ok(None)).await?;
        let removing = spawn_local(remove(turn, begun));
        known(removing.await)?.map_err(|outcome| refused(outcome, Details::default()))?;
        Ok(Wrote::done(Done::Deleted))
    }

    /// What is there now that nobody else changes it.
    async fn last_look(&self) -> Place {
        let (root, named) = (self.files.root.clone(), self.files.named.clone());
        let path = self.asked.subject.path.clone();
        let looked = spawn_blocking(move || place::look(&root, &named, &path)).await;
        looked.unwrap_or(Place::Absent(verdict_core::cause::Absent::Failed))
    }

    /// Whether what was decided before the content came is still so.
    fn still_holds(&self, last: &Place) -> Tried<()> {
        let representation = match last {
            Place::There { .. } => last.representation(&self.asked.subject.path, now_ns()),
            Place::Free { .. } | Place::Impossible => None,
            // It has become something that is not written.
            Place::Fixed | Place::Absent(_) => {
                return Err(refused(Outcome::Conflict(Conflict::Write), Details::default()));
            }
        };
        let there = representation.as_ref().map_or(There::Nothing, There::Representation);
        let now = preconditions(self.asked.request, there);
        // RFC 9110 §13.2.2: a date does not count beside a tag.
        let state = now.if_match.or(now.if_unmodified_since).unwrap_or(true);
        if state && now.if_none_match.unwrap_or(true) {
            return Ok(());
        }
        let tag = representation.and_then(|found| found.description.tag).map(String::from);
        Err(Box::new(Wrote { tag, ..Wrote::of(Outcome::Conflict(Conflict::MatchedTooLate)) }))
    }

    fn refusal(&self, refusal: &Refused) -> Box<Wrote> {
        let used = match refusal {
            Refused::Quota { used, limit } => Some((*used, *limit)),
            // An upload is refused for nothing else.
            _ => None,
        };
        refused(Outcome::Failure(Failure::Quota), Details { used, ..Details::default() })
    }
}

/// Why nothing was begun.
enum Unbegun {
    Refused(Refused),
    Failed(Failure),
    Disk(Errno),
}

/// A file that is not whole, and where it is.
struct Made {
    folder: Folder,
    /// The names of the folders that are missing between this one and the file's.
    missing: Vec<String>,
    file: File,
}

/// What was begun and written down. Dropped, it is taken back.
struct Begun {
    store: Arc<Store>,
    root: Arc<Root>,
    turns: Arc<super::Turns>,
    /// `None` once it is settled.
    intent: Option<Intent>,
    /// Bytes.
    reserved: u64,
    made: Option<Made>,
}

impl Begun {
    /// Takes it back, and waits until nothing of it remains.
    async fn discard(mut self) {
        if let Some(undo) = self.undo() {
            let _ = spawn_blocking(undo).await;
        }
    }

    /// What takes it back, for a thread that may wait.
    fn undo(&mut self) -> Option<impl FnOnce() + Send + 'static> {
        let (intent, handle) = (self.intent.take()?, Handle::try_current().ok()?);
        let (store, root, made) = (self.store.clone(), self.root.clone(), self.made.take());
        Some(move || {
            if let What::Put { temporary, .. } = &intent.intended.what {
                let (above, name) = split(temporary);
                let removed = match &made {
                    Some(made) => made.folder.remove(name),
                    None => root.folder(above).and_then(|folder| folder.remove(name)),
                };
                if let Err(error) = removed
                    && error != Errno::NOENT
                {
                    // Its intent stays, and is looked at again at the next start.
                    log::operation(format_args!("a file that was not whole could not be removed: {error}"));
                    return;
                }
            }
            // What fails stays reserved until the next start.
            let _ = handle.block_on(store.abandon(intent));
        })
    }

    /// Leaves it to the next start to find out what became of it.
    fn leave(mut self) {
        self.intent = None;
    }

    /// What was intended, as the store has it.
    fn intended(&self) -> Option<&Intended> {
        self.intent.as_ref().map(|intent| &intent.intended)
    }

    /// Tells the store that it is done. What is done is durable by now: if the store fails, only its count is behind, until the
    /// next start finds out.
    async fn settle(mut self, bytes: u64) {
        let Some(intent) = self.intent.take() else { return };
        if self.store.settle(intent, bytes).await.is_err() {
            log::operation(format_args!(
                "a file was changed, and the store does not take note of it until the next start"
            ));
        }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        // Where there is no runtime any longer the process ends, and the next one finds the intent.
        if let Some(undo) = self.undo() {
            drop(spawn_blocking(undo));
        }
    }
}

/// Gives a file that is whole its name. The tag is the one that GET gives, if it can be told already that it is a strong one.
async fn place(turn: Turn, mut begun: Begun) -> Result<Option<String>, Outcome> {
    let (Some(made), Some(intended)) = (begun.made.take(), begun.intended().cloned()) else {
        return Err(Outcome::Failure(Failure::Panicked));
    };
    let placed = spawn_blocking(move || {
        let identity = name(&made, &intended);
        (made, identity)
    });
    let (made, identity) = placed.await.map_err(|_| Outcome::Failure(Failure::Panicked))?;
    let identity = match identity {
        Ok(identity) => identity,
        Err(Unplaced::As(outcome)) => {
            begun.made = Some(made);
            begun.discard().await;
            return Err(outcome);
        }
        Err(Unplaced::Unsure(outcome)) => {
            begun.turns.changed();
            begun.leave();
            return Err(outcome);
        }
    };
    begun.turns.changed();
    begun.settle(identity.size).await;
    drop(turn);
    let tag = spawn_blocking(move || strong_tag(&made.file, identity)).await;
    Ok(tag.ok().flatten())
}

/// Why a file has not got its name.
enum Unplaced {
    /// Nothing of it remains.
    As(Outcome),
    /// It has it, and may lose it if the power fails.
    Unsure(Outcome),
}

fn name(made: &Made, intended: &Intended) -> Result<Identity, Unplaced> {
    let What::Put { temporary, .. } = &intended.what else {
        return Err(Unplaced::As(Outcome::Failure(Failure::Panicked)));
    };
    let (from, to) = (split(temporary).1, split(&intended.path).1);
    let mut folders: Vec<(Folder, bool)> = Vec::new();
    let mut renamed = Ok(());
    for missing in &made.missing {
        let above = folders.last().map_or(&made.folder, |(folder, _)| folder);
        match above.make(missing) {
            Ok(folder) => folders.push(folder),
            Err(error) => {
                renamed = Err(error);
                break;
            }
        }
    }
    let folder = folders.last().map_or(&made.folder, |(folder, _)| folder);
    let renamed = renamed.and_then(|()| made.folder.rename(from, folder, to));
    if let Err(error) = renamed {
        // Nothing of it remains, the folders that were made for it neither.
        for (i, (_, new)) in folders.iter().enumerate().rev() {
            let above = i.checked_sub(1).map_or(&made.folder, |i| &folders[i].0);
            if *new && above.remove_folder(&made.missing[i]).is_err() {
                break;
            }
        }
        return Err(Unplaced::As(match error {
            // Somebody else has put or taken a folder.
            Errno::ISDIR | Errno::NOTDIR | Errno::NOENT | Errno::NOTEMPTY | Errno::LOOP => {
                Outcome::Conflict(Conflict::Write)
            }
            error => outcome_of_disk(error.into(), &intended.path),
        }));
    }
    // It has its name, whatever comes now.
    let synced = folder.sync().map_err(Into::into).and_then(|()| Identity::of(made.file.as_fd()));
    synced.map_err(|error| Unplaced::Unsure(outcome_of_disk(error, &intended.path)))
}

/// The tag of the file, once a later change is certain to give another. Waits a little.
fn strong_tag(file: &File, placed: Identity) -> Option<String> {
    let since = std::time::Instant::now();
    loop {
        let now = now_ns();
        let identity = Identity::of(file.as_fd()).ok()?;
        // Somebody else has written to it already, or put another file in its place.
        if identity != placed {
            return None;
        }
        if identity.is_settled(now - BEHIND_NS) {
            return Some(identity.entity_tag(None).strong().to_owned());
        }
        if since.elapsed() >= PATIENCE_FOR_TAG {
            return None;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Removes a file from its folder.
async fn remove(turn: Turn, begun: Begun) -> Result<(), Outcome> {
    let (root, Some(path)) = (begun.root.clone(), begun.intended().map(|intended| intended.path.clone())) else {
        return Err(Outcome::Failure(Failure::Panicked));
    };
    let removed = spawn_blocking(move || {
        let (above, name) = split(&path);
        let folder = root.folder(above);
        match folder.and_then(|folder| folder.remove(name).map(|()| folder)) {
            Ok(folder) => folder.sync().map_err(|error| Unplaced::Unsure(outcome_of_disk(error.into(), &path))),
            Err(Errno::NOENT) => Ok(()),
            Err(Errno::ISDIR) => Err(Unplaced::As(Outcome::Conflict(Conflict::Write))),
            Err(error) => Err(Unplaced::As(outcome_of_disk(error.into(), &path))),
        }
    });
    match removed.await.unwrap_or(Err(Unplaced::Unsure(Outcome::Failure(Failure::Panicked)))) {
        Ok(()) => {
            begun.turns.changed();
            begun.settle(0).await;
            drop(turn);
            Ok(())
        }
        Err(Unplaced::As(outcome)) => {
            begun.discard().await;
            Err(outcome)
        }
        Err(Unplaced::Unsure(outcome)) => {
            begun.turns.changed();
            begun.leave();
            Err(outcome)
        }
    }
}

/// What a task came to, if it did not panic.
fn known<T>(joined: Result<T, JoinError>) -> Tried<T> {
    joined.map_err(|_| failed(Failure::Panicked))
}

fn of_disk(error: io::Error, path: &str) -> Box<Wrote> {
    refused(outcome_of_disk(error, path), Details::default())
}

fn outcome_of_disk(error: io::Error, path: &str) -> Outcome {
    match Errno::from_io_error(&error) {
        Some(Errno::NOSPC | Errno::DQUOT) => Outcome::Failure(Failure::DiskFull),
        // The folder has gone since it was looked at.
        Some(Errno::NOENT | Errno::NOTDIR | Errno::XDEV) => Outcome::Conflict(Conflict::Write),
        _ => {
            log::operation(format_args!("the file `{}` could not be written: {error}", path.escape_debug()));
            Outcome::Failure(Failure::Disk)
        }
    }
}

/// Nanoseconds since 1970.
fn now_ns() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as i64)
}
