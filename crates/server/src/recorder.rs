//! The recorder: the last answers of each worker, kept for whoever asks why.
//!
//! Rule: a worker writes its own ring by plain stores and waits for nobody; whoever reads looks afterwards whether what it read
//! was written anew meanwhile. What is kept of an answer is bounded, and nothing of it is secret: of a request's fields only those
//! that a decision rests on, of credentials only that there were some, of content nothing.

mod record;
mod ring;

pub(crate) use record::{Found, Noted, Recorded};
pub(crate) use ring::Ring;

use ring::BYTES;
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use verdict_wire::{Head, Name};

/// The fields of a request that decisions rest on. None of them says who somebody is.
const KEPT: [Name; 27] = [
    Name::Accept,
    Name::AcceptEncoding,
    Name::AccessControlRequestHeaders,
    Name::AccessControlRequestMethod,
    Name::Connection,
    Name::ContentEncoding,
    Name::ContentLength,
    Name::ContentRange,
    Name::ContentType,
    Name::EarlyData,
    Name::Expect,
    Name::Host,
    Name::IfMatch,
    Name::IfModifiedSince,
    Name::IfNoneMatch,
    Name::IfRange,
    Name::IfUnmodifiedSince,
    Name::MaxForwards,
    Name::Origin,
    Name::Prefer,
    Name::Range,
    Name::SecFetchMode,
    Name::SecFetchSite,
    Name::Te,
    Name::Trailer,
    Name::TransferEncoding,
    Name::Upgrade,
];

/// By name: whether its field is kept.
const IS_KEPT: [bool; Name::COUNT] = {
    let mut kept = [false; Name::COUNT];
    let mut i = 0;
    while i < KEPT.len() {
        kept[KEPT[i] as usize] = true;
        i += 1;
    }
    kept
};

/// A worker's end.
pub(crate) struct Recorder {
    /// `None`: nothing is kept.
    ring: Option<Arc<Ring>>,
    /// How many answers there were.
    count: Cell<u64>,
    scratch: RefCell<Box<[u8; BYTES]>>,
}

impl Recorder {
    pub(crate) fn new(ring: Option<Arc<Ring>>) -> Recorder {
        Recorder { ring, count: Cell::new(0), scratch: RefCell::new(Box::new([0; BYTES])) }
    }

    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.ring.is_some()
    }

    /// Keeps an answer, in the place of the oldest.
    #[inline]
    pub(crate) fn keep(&self, noted: &Noted<'_>) {
        let Some(ring) = &self.ring else { return };
        let mut scratch = self.scratch.borrow_mut();
        let length = record::put(noted, &mut scratch);
        let count = self.count.get();
        ring.write(count, &scratch, length);
        self.count.set(count + 1);
    }
}

/// Whether a line of the head is kept with its value; `None`: it is not kept at all.
#[inline]
fn is_kept(name: Option<Name>) -> Option<bool> {
    match name? {
        Name::Authorization => Some(false),
        name if IS_KEPT[name as usize] => Some(true),
        _ => None,
    }
}

/// The request line and the fields that are kept, as far as there is room; whether it is all of it.
#[inline]
fn put_head(head: &Head, bytes: &[u8], target: Option<&[u8]>, out: &mut record::Pen<'_>) -> bool {
    let mut whole = match target {
        None => {
            let end = (head.target.end as usize + " HTTP/1.1".len()).min(bytes.len());
            out.text(&bytes[head.method_token.start as usize..end])
        }
        Some(target) => {
            out.text(head.method_token.of(bytes)) && out.text(b" ") && out.text(target) && out.text(b" HTTP/1.1")
        }
    };
    for line in head.lines() {
        let Some(shown) = is_kept(line.known) else { continue };
        // With what stands between the name and the value, as it was sent.
        let end = if shown { line.value.end } else { line.name.end };
        let sent = &bytes[line.name.start as usize..end as usize];
        let behind: &[u8] = if shown { b"" } else { b": -" };
        whole &= out.line(sent, behind);
    }
    whole
}
