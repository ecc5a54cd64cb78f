//! One file per structured header field, and one per rule that several of them share.
//!
//! A list field (`#element`, RFC 9110 §5.6.1) takes its lines as [`list::Lines`]: `Some(value)`, `[one, two]` or a
//! message's own iterator. A field that is not a list takes one value; a message that repeats it is malformed there
//! (RFC 9110 §5.3), and its caller treats the field as one that cannot be parsed. Values come without the white space
//! around them (RFC 9112 §5.1). Every parser borrows, allocates nothing, and looks at a byte a fixed number of times.

// Common rules.
mod cursor;
mod digits;
pub mod list;
pub mod parameters;
pub mod quoted;
pub mod weight;

// Fields.
pub mod accept;
pub mod accept_encoding;
pub mod authorization;
pub mod content_range;
pub mod date;
pub mod entity_tag;
pub mod expect;
pub mod forwarded;
pub mod host;
pub mod idempotency_key;
pub mod if_range;
pub mod link;
pub mod media_type;
pub mod modified_since;
pub mod prefer;
pub mod range;
pub mod retry_after;
