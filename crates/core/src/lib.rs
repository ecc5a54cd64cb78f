//! What HTTP means: from what is known of a request to the status of its answer, why it is that one, and what must go
//! with it. There is no socket here, no clock and no thread: bytes and time are arguments.
//!
//! # One request, from facts to verdict
//!
//! Somebody fetched a note when it was `"v7"`, changed it, and sends it back. Meanwhile somebody else has made it `"v9"`.
//!
//! ```
//! use verdict_core::decide::{Precondition, respond};
//! use verdict_core::explain::{self, Evidence};
//! use verdict_core::field::entity_tag::{Current, EntityTag, if_match};
//! use verdict_core::{Facts, Method, Question, decide};
//!
//! // A fact is what a field says of what is there. `field` reads the text: here `If-Match: "v7"`.
//! let ours = EntityTag { weak: false, opaque: b"v9" };
//! let holds = if_match([br#""v7""#.as_slice()], Current::Tagged(ours));
//!
//! // Facts have a struct for each of seven stages. What is left out stands in nobody's way.
//! let facts = Facts {
//!     precondition: Precondition { method: Method::Put, if_match: Some(holds), ..Precondition::default() },
//!     ..Facts::default()
//! };
//!
//! // Each stage asks its questions in order. The first "no" is the reason, and the reason has the status.
//! let verdict = decide(&facts);
//! assert_eq!(verdict.reason.id(), "if-match-failed");
//! assert_eq!(verdict.status().code(), 412);
//!
//! // The path knows what was asked: the target was found, the condition did not hold, and nothing was done.
//! assert_eq!(verdict.path.answer(Question::Exists), Some(true));
//! assert_eq!(verdict.path.answer(Question::IfMatch), Some(false));
//! assert_eq!(verdict.path.answer(Question::Worked), None);
//!
//! // The words come last, with their evidence: the cause, and what to do about it.
//! let evidence = Evidence(&[("if-match", &r#""v7""#), ("etag", &ours)]);
//! assert_eq!(
//!     explain::sentence(verdict.reason, evidence),
//!     r#"`If-Match` names "v7", and the current one is "v9"."#,
//! );
//! assert!(explain::remedy(verdict.reason, evidence).ends_with(r#"send `If-Match: "v9"`."#));
//!
//! // And what must go with the answer: no field of this status's own, content, and the connection stays.
//! let answer = respond(verdict.reason, Method::Put);
//! assert!(answer.required.is_empty() && answer.content && !answer.closes);
//! ```
//!
//! # Where to read on
//!
//! - [`decide`](mod@decide) is the table of contents: a line a stage, each with its codes and a file of its own.
//! - [`path`] has the questions and [`reason`] what their "no" means, both in the order in which they decide.
//! - [`possible`] walks the same stages over everything that can be brought to them: which answers there can be.
//! - [`client`] is the other side: what must be done next with an answer.
//! - [`status`] is the registry, [`cause`] the words of those who report what went wrong, [`field`] the fields.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
pub mod cause;
pub mod client;
pub mod decide;
pub mod explain;
pub mod field;
pub mod interim;
pub mod method;
pub mod path;
pub mod possible;
pub mod reason;
pub mod reference;
pub mod status;

pub use decide::{Facts, decide};
pub use method::Method;
pub use path::{Path, Question, Stage, Verdict};
pub use reason::Reason;
pub use status::Status;
