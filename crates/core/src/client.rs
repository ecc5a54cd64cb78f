//! The other side: what a client must do next with an answer. As everywhere here, facts go in and a decision comes out; sockets,
//! files and time are the caller's.
//!
//! [`next`] is the table of contents: a line for each status that a client treats in its own way, and one a class for all others
//! (RFC 9110 §15: an unknown code is treated as the x00 of its class). Each decision has its [`Why`]: a sentence and a section.
//!
//! # A redirect that keeps the request
//!
//! ```
//! use verdict_core::client::{Content, Facts, Location, Next, next};
//! use verdict_core::{Method, Status};
//!
//! let facts = Facts {
//!     content: Content::Repeatable,
//!     location: Some(Location { other_origin: true, seen: false }),
//!     ..Facts::new(Method::Post, Status::TEMPORARY_REDIRECT)
//! };
//! let decision = next(&facts);
//! assert_eq!(decision.next, Next::Follow { method: Method::Post, content: true, credentials: false, permanent: false });
//! assert_eq!(decision.section(), "RFC 9110 §15.4.8");
//! ```
//!
//! # A client that asked too often
//!
//! ```
//! use verdict_core::client::{Facts, Next, next};
//! use verdict_core::field::retry_after::RetryAfter;
//! use verdict_core::{Method, Status};
//!
//! let facts = Facts { retry_after: Some(RetryAfter::Seconds(7)), ..Facts::new(Method::Post, Status::TOO_MANY_REQUESTS) };
//! assert_eq!(next(&facts).next, Next::Wait { seconds: 7 });
//! ```
//!
//! # A copy that is still right
//!
//! ```
//! use verdict_core::client::{Facts, Next, next};
//! use verdict_core::{Method, Status};
//!
//! let facts = Facts { conditional: true, ..Facts::new(Method::Get, Status::NOT_MODIFIED) };
//! assert_eq!(next(&facts).next, Next::UseCopy);
//! ```
//!
//! # A download that goes on where it broke off
//!
//! ```
//! use verdict_core::client::{Facts, Kept, Next, Validator, next};
//! use verdict_core::field::content_range::ContentRange;
//! use verdict_core::field::entity_tag::EntityTag;
//! use verdict_core::{Method, Status};
//!
//! let tag = EntityTag { weak: false, opaque: b"v7" };
//! let facts = Facts {
//!     kept: Some(Kept { size: 600, complete: Some(1000), validator: Validator::Tag(tag) }),
//!     content_range: ContentRange::parse(b"bytes 600-999/1000"),
//!     tag: Some(tag),
//!     ..Facts::new(Method::Get, Status::PARTIAL_CONTENT)
//! };
//! assert_eq!(next(&facts).next, Next::Append { at: 600, complete: Some(1000) });
//!
//! // A part of another version is never put behind it.
//! let other = EntityTag { weak: false, opaque: b"v8" };
//! assert_eq!(next(&Facts { tag: Some(other), ..facts }).next, Next::StartAnew);
//! ```

mod url;
mod why;

pub use url::{Origin, Url, UrlError};
pub use why::Why;

use crate::field::content_range::ContentRange;
use crate::field::date::HttpDate;
use crate::field::entity_tag::EntityTag;
use crate::field::retry_after::RetryAfter;
use crate::method::Method;
use crate::reason::Retry;
use crate::status::{Class, Status};

/// Whether the request had content, and whether it can be sent once more.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Content {
    /// It had none.
    Nothing,
    /// It is still there: bytes in memory, or a file.
    Repeatable,
    /// It was read from where it cannot be read again.
    Spent,
}

/// Whether the request said who asks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Credentials {
    /// There are none.
    Absent,
    /// There are some for this origin, and they were not sent.
    AtHand,
    /// They were sent.
    Sent,
}

/// Where a `Location` that could be resolved against the request's own URL leads (RFC 9110 §10.2.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Location {
    /// To another scheme, host or port (RFC 9110 §4.3.1).
    pub other_origin: bool,
    /// To where this client was sent before, with the method and the content that it would be asked with now.
    pub seen: bool,
}

/// Which version a part is of (RFC 9110 §8.8).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Validator<'a> {
    /// Its entity tag.
    Tag(EntityTag<'a>),
    /// When it was last modified.
    Date(HttpDate),
}

/// The beginning of a download that broke off, of which the rest was asked for: by `Range` from `size` on, with the validator in
/// `If-Range`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Kept<'a> {
    /// Bytes that are there.
    pub size: u64,
    /// Bytes of the whole, where it was said.
    pub complete: Option<u64>,
    /// What was sent in `If-Range`.
    pub validator: Validator<'a>,
}

/// How far a client goes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Limits {
    /// Redirects followed for one request.
    pub redirects: u32,
    /// Times that a request is sent again.
    pub retries: u32,
    /// The longest wait before one of them, in seconds.
    pub wait: u64,
}

impl Default for Limits {
    /// Ten redirects, three more tries, and five minutes before each.
    fn default() -> Limits {
        Limits { redirects: 10, retries: 3, wait: 300 }
    }
}

/// What is known of one request and its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Facts<'a> {
    /// The request's method.
    pub method: Method,
    /// Its content.
    pub content: Content,
    /// Whether it said how long its content is.
    pub length: bool,
    /// Whether it waits with its content for a 100 (RFC 9110 §10.1.1).
    pub expects: bool,
    /// Whether it was sent in TLS early data (RFC 8470).
    pub early: bool,
    /// Whether it offered another protocol (RFC 9110 §7.8).
    pub upgrade: bool,
    /// Whether it was made conditional on a copy that this client has whole (`If-None-Match`, `If-Modified-Since`).
    pub conditional: bool,
    /// Who asks.
    pub credentials: Credentials,
    /// The part that it asked to be continued.
    pub kept: Option<Kept<'a>>,
    /// The answer's status.
    pub status: Status,
    /// Its `Location`, where there is one that can be followed.
    pub location: Option<Location>,
    /// Its `Retry-After`.
    pub retry_after: Option<RetryAfter>,
    /// Its `Content-Range`.
    pub content_range: Option<ContentRange>,
    /// Its `ETag`.
    pub tag: Option<EntityTag<'a>>,
    /// Its `Last-Modified`.
    pub modified: Option<HttpDate>,
    /// When it came.
    pub now: HttpDate,
    /// Redirects that were followed so far.
    pub redirects: u32,
    /// How often the request was sent again so far.
    pub retries: u32,
    /// How far to go.
    pub limits: Limits,
}

impl Facts<'_> {
    /// The first request of that method, without content, without anything kept, and its answer without any field.
    pub fn new(method: Method, status: Status) -> Self {
        Facts {
            method,
            content: Content::Nothing,
            length: true,
            expects: false,
            early: false,
            upgrade: false,
            conditional: false,
            credentials: Credentials::Absent,
            kept: None,
            status,
            location: None,
            retry_after: None,
            content_range: None,
            tag: None,
            modified: None,
            now: HttpDate::from_unix(0),
            redirects: 0,
            retries: 0,
            limits: Limits::default(),
        }
    }
}

/// What to do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// Read on: the final answer is still to come.
    ReadOn,
    /// Send the content that waits, and read on.
    SendContent,
    /// Speak the other protocol.
    Switch,
    /// Nothing: this is what was asked for.
    Done,
    /// The copy is still right: use it. What the answer's fields say is newer (RFC 9111 §4.3.4).
    UseCopy,
    /// Write the content behind what is kept.
    Append {
        /// Where its first byte belongs.
        at: u64,
        /// Bytes of the whole, where it is said.
        complete: Option<u64>,
    },
    /// Write the content in place of what is kept: it is the whole.
    Replace,
    /// What is kept is the whole.
    Complete,
    /// Ask again, for the whole, and drop what is kept.
    StartAnew,
    /// Ask at the `Location`.
    Follow {
        /// With this method.
        method: Method,
        /// With the same content and the fields that describe it; or with neither.
        content: bool,
        /// With the same credentials; or without `Authorization` and `Cookie`, which belong to the origin that was asked.
        credentials: bool,
        /// Whether to ask there at once from now on.
        permanent: bool,
    },
    /// Send the same again, over another connection, after so many seconds.
    Wait {
        /// How long to wait first.
        seconds: u64,
    },
    /// Send the same again with credentials.
    Authenticate,
    /// Send the same again with `Content-Length`.
    SendLength,
    /// Send the same again without `Expect`.
    WithoutExpectation,
    /// Send the same again once the handshake is done.
    AfterHandshake,
    /// Send the same again over a connection that is for this origin alone.
    OtherConnection,
    /// Nothing more that a client could do by itself. Whether its user may ask again is said.
    GiveUp(Retry),
}

/// What to do next, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decision {
    /// What to do.
    pub next: Next,
    /// Why that.
    pub why: Why,
    status: Status,
}

impl Decision {
    /// Where it is written: the section of the rule, or else the one that defines the status.
    pub fn section(&self) -> &'static str {
        match self.why.section() {
            "" => self.status.entry().map_or("RFC 9110 §15", |entry| entry.section),
            section => section,
        }
    }
}

/// What a client must do next with an answer.
pub fn next(f: &Facts<'_>) -> Decision {
    let (next, why) = match f.status.code() {
        100 => invited(f),
        101 => switched(f),
        206 => part(f),
        301 => redirect(f, true, if f.method == Method::Post { Kind::Read } else { Kind::Same }),
        302 => redirect(f, false, if f.method == Method::Post { Kind::Read } else { Kind::Same }),
        303 => redirect(f, false, Kind::Read),
        304 => unchanged(f),
        307 => redirect(f, false, Kind::Same),
        308 => redirect(f, true, Kind::Same),
        401 => unidentified(f),
        408 | 502 | 504 => unanswered(f),
        411 => lengthless(f),
        413 => too_large(f),
        416 => beyond(f),
        417 => unexpected(f),
        421 => misdirected(f),
        425 => early(f),
        429 => crowded(f),
        503 => unavailable(f),
        _ => match f.status.class() {
            // RFC 9110 §15.2: "A client MUST be able to parse one or more 1xx responses", and may ignore them.
            Class::Informational => (Next::ReadOn, Why::Interim),
            Class::Successful => whole(f),
            // RFC 9110 §15.4.1: a choice that nobody made. §15.4.6 and §15.4.7: no longer to be followed.
            Class::Redirection => (Next::GiveUp(Retry::AfterChange), Why::NoRedirect),
            Class::ClientError => (Next::GiveUp(change(f.status.code())), Why::Refused),
            Class::ServerError => (Next::GiveUp(while_or_never(f.status.code())), Why::Failed),
        },
    };
    Decision { next, why, status: f.status }
}

/// RFC 9110 §15.2.1: what was expected, is; "If the request did not contain an Expect header field containing the 100-continue
/// expectation, the client can simply discard this interim response."
fn invited(f: &Facts<'_>) -> (Next, Why) {
    if f.expects { (Next::SendContent, Why::Invited) } else { (Next::ReadOn, Why::InvitedAnyway) }
}

/// RFC 9110 §7.8: a server must not switch to a protocol that the client did not name.
fn switched(f: &Facts<'_>) -> (Next, Why) {
    if f.upgrade { (Next::Switch, Why::Switched) } else { (Next::GiveUp(Retry::Never), Why::SwitchedUnasked) }
}

/// All other 2xx. RFC 9110 §14.2: a server may ignore `Range`, and does where `If-Range` does not hold (§13.1.5).
fn whole(f: &Facts<'_>) -> (Next, Why) {
    match f.kept {
        Some(_) if f.status.code() == 200 => (Next::Replace, Why::WholeInstead),
        _ => (Next::Done, Why::Succeeded),
    }
}

/// 206. What is put together shares one strong validator, and fits to the byte (RFC 9110 §15.3.7.3).
fn part(f: &Facts<'_>) -> (Next, Why) {
    // What was asked for by a range of the user's own is what was asked for.
    let Some(kept) = f.kept else { return (Next::Done, Why::PartAsked) };
    // §15.3.7.2: several parts have no Content-Range, and a single range asked for is never answered with them.
    let Some(ContentRange::Part { range, complete }) = f.content_range else {
        return (Next::StartAnew, Why::PartUnlabelled);
    };
    if range.first != kept.size || kept.complete.zip(complete).is_some_and(|(then, now)| then != now) {
        return (Next::StartAnew, Why::PartMisfits);
    }
    let same = match kept.validator {
        // §15.3.7: a 206 has the `ETag` that the 200 would have.
        Validator::Tag(tag) => f.tag.is_some_and(|now| now.strong_eq(tag)),
        // §15.3.7: with `If-Range`, it need not have `Last-Modified`.
        Validator::Date(date) => f.modified.is_none_or(|now| now == date),
    };
    if !same {
        return (Next::StartAnew, Why::PartOfOther);
    }
    (Next::Append { at: kept.size, complete: complete.or(kept.complete) }, Why::PartFits)
}

/// What a redirect makes of the method.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It is asked with the same one.
    Same,
    /// It is asked for what is there: GET, or HEAD where only that was asked for.
    Read,
}

fn redirect(f: &Facts<'_>, permanent: bool, kind: Kind) -> (Next, Why) {
    let Some(location) = f.location else { return (Next::GiveUp(Retry::Never), Why::LocationMissing) };
    if location.seen {
        // RFC 9110 §15.4: "A client SHOULD detect and intervene in cyclical redirections".
        return (Next::GiveUp(Retry::Never), Why::Cycle);
    }
    if f.redirects >= f.limits.redirects {
        return (Next::GiveUp(Retry::Never), Why::RedirectsExhausted);
    }
    // RFC 9110 §15.4 item 1: what is asked with credentials there has to be asked so on purpose.
    let credentials = !location.other_origin;
    match kind {
        // RFC 9110 §15.4.2, §15.4.3: POST may become GET, and everybody does it. §15.4.4: 303 asks by GET or HEAD.
        Kind::Read => {
            let method = if f.method == Method::Head { Method::Head } else { Method::Get };
            let why = if method == f.method { Why::Moved } else { Why::SeeOther };
            (Next::Follow { method, content: false, credentials, permanent }, why)
        }
        Kind::Same if f.content == Content::Spent => (Next::GiveUp(Retry::AfterChange), Why::ContentSpent),
        Kind::Same => {
            let content = f.content == Content::Repeatable;
            (Next::Follow { method: f.method, content, credentials, permanent }, Why::Moved)
        }
    }
}

/// RFC 9110 §15.4.5: it is the answer to a condition, and there is a copy.
fn unchanged(f: &Facts<'_>) -> (Next, Why) {
    match f.conditional && f.method.reads() {
        true => (Next::UseCopy, Why::Unchanged),
        false => (Next::GiveUp(Retry::Never), Why::UnchangedUnasked),
    }
}

/// RFC 9110 §15.5.2: "If the request included authentication credentials, then the 401 response indicates that authorization has
/// been refused for those credentials."
fn unidentified(f: &Facts<'_>) -> (Next, Why) {
    match f.credentials {
        Credentials::Absent => (Next::GiveUp(Retry::AfterChange), Why::CredentialsMissing),
        Credentials::Sent => (Next::GiveUp(Retry::AfterChange), Why::CredentialsRefused),
        Credentials::AtHand => again(f, Next::Authenticate, Why::CredentialsAtHand),
    }
}

/// RFC 9110 §9.2.2: nobody knows how far it came, so only what may be done twice is asked twice.
fn unanswered(f: &Facts<'_>) -> (Next, Why) {
    if f.method.is_idempotent() { wait(f, Why::Unanswered) } else { (Next::GiveUp(Retry::AfterWhile), Why::DoneMaybe) }
}

fn lengthless(f: &Facts<'_>) -> (Next, Why) {
    if f.length { (Next::GiveUp(Retry::Never), Why::Refused) } else { again(f, Next::SendLength, Why::LengthDemanded) }
}

/// RFC 9110 §15.5.14: with `Retry-After` the condition is temporary.
fn too_large(f: &Facts<'_>) -> (Next, Why) {
    if f.retry_after.is_some() { wait(f, Why::ToldWhen) } else { (Next::GiveUp(Retry::AfterChange), Why::Refused) }
}

/// 416. RFC 9110 §14.4: `*/N` is the length of what is there now.
fn beyond(f: &Facts<'_>) -> (Next, Why) {
    let Some(kept) = f.kept else { return (Next::GiveUp(Retry::AfterChange), Why::Refused) };
    let is_whole = f.content_range == Some(ContentRange::Unsatisfied { complete: kept.size })
        && kept.complete.is_none_or(|complete| complete == kept.size)
        // §13.1.5: a server that knows `If-Range` gives 416 only where it holds; what says otherwise is believed.
        && match kept.validator {
            Validator::Tag(tag) => f.tag.is_none_or(|now| now.strong_eq(tag)),
            Validator::Date(date) => f.modified.is_none_or(|now| now == date),
        };
    if is_whole { (Next::Complete, Why::NothingLeft) } else { (Next::StartAnew, Why::NothingThere) }
}

/// RFC 9110 §10.1.1: "A client that receives a 417 (Expectation Failed) status code in response to a request containing a
/// 100-continue expectation SHOULD repeat that request without a 100-continue expectation".
fn unexpected(f: &Facts<'_>) -> (Next, Why) {
    match f.expects {
        true => again(f, Next::WithoutExpectation, Why::ExpectationUnknown),
        false => (Next::GiveUp(Retry::Never), Why::Refused),
    }
}

/// RFC 9110 §15.5.20: "A client that receives a 421 (Misdirected Request) response MAY retry the request, whether or not the
/// request method is idempotent, over a different connection".
fn misdirected(f: &Facts<'_>) -> (Next, Why) {
    again(f, Next::OtherConnection, Why::Misdirected)
}

/// RFC 8470 §5.2: it is sent again, and not in early data.
fn early(f: &Facts<'_>) -> (Next, Why) {
    match f.early {
        true => again(f, Next::AfterHandshake, Why::TooEarly),
        false => wait(f, Why::TooEarlyForOther),
    }
}

/// RFC 6585 §4: nothing was done, so it may be asked again, whatever it was.
fn crowded(f: &Facts<'_>) -> (Next, Why) {
    wait(f, if f.retry_after.is_some() { Why::ToldWhen } else { Why::TooOften })
}

/// RFC 9110 §15.6.4. Who says when to come again has done nothing; who does not may have begun.
fn unavailable(f: &Facts<'_>) -> (Next, Why) {
    match f.retry_after {
        Some(_) => wait(f, Why::ToldWhen),
        None => unanswered(f),
    }
}

/// Once more with a change that the answer asks for: no more often than any other.
fn again(f: &Facts<'_>, next: Next, why: Why) -> (Next, Why) {
    if f.content == Content::Spent {
        (Next::GiveUp(Retry::AfterChange), Why::ContentSpent)
    } else if f.retries >= f.limits.retries {
        (Next::GiveUp(Retry::AfterWhile), Why::RetriesExhausted)
    } else {
        (next, why)
    }
}

/// Once more after a while: the one that was told, or twice the last one.
fn wait(f: &Facts<'_>, why: Why) -> (Next, Why) {
    let seconds = match f.retry_after {
        Some(after) => after.seconds(f.now),
        None => 1_u64.checked_shl(f.retries).unwrap_or(u64::MAX).min(f.limits.wait),
    };
    match again(f, Next::Wait { seconds }, why) {
        // RFC 9110 §10.2.3: to come before is to be refused again.
        (Next::Wait { .. }, _) if seconds > f.limits.wait => (Next::GiveUp(Retry::AfterWhile), Why::WaitTooLong),
        decided => decided,
    }
}

/// What a client's user may do after a 4xx: ask for something else, ask otherwise, or ask later.
const fn change(code: u16) -> Retry {
    match code {
        403 | 404 | 410 | 451 => Retry::Never,
        423 => Retry::AfterWhile,
        _ => Retry::AfterChange,
    }
}

/// What a client's user may do after a 5xx: what the server cannot do at all it cannot do later.
const fn while_or_never(code: u16) -> Retry {
    match code {
        501 | 505 | 506 | 508 | 510 => Retry::Never,
        511 => Retry::AfterChange,
        _ => Retry::AfterWhile,
    }
}
