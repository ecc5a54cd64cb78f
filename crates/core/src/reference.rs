//! The reference: what each assigned status code means, when it is right, when another is, and what a client does next.
//!
//! Rule: what the registry says of a code (its name, its section, its fields) is asked of the registry, and nothing of it
//! stands here a second time. A text cites the sections that it adds to that.

mod client_error;
mod comparison;
mod informational;
mod redirection;
mod server_error;
mod successful;

pub use comparison::{Comparison, Row, compare, comparisons_with};

use crate::reason::{Fault, Retry};
use crate::status::{self, Class, Content, REGISTRY, Status};

/// What there is to know of one status code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The code.
    pub code: u16,
    /// What it says, in one or two sentences.
    pub meaning: &'static str,
    /// When it is the right one.
    pub when: &'static str,
    /// When another is, and which.
    pub when_not: &'static str,
    /// What a client that receives it does next.
    pub next: &'static str,
}

/// The entry of a status; `None` for a number that is not assigned.
pub fn entry(status: Status) -> Option<&'static Entry> {
    entries_of(status.class()).iter().find(|entry| entry.code == status.code())
}

/// The assigned statuses nearest to a code that is not: the one below and the one above, as far as there are such.
pub fn nearest(code: u16) -> impl Iterator<Item = Status> {
    let above = REGISTRY.partition_point(|line| line.status.code() < code);
    let below = above.checked_sub(1);
    [below, Some(above)].into_iter().flatten().filter_map(|at| REGISTRY.get(at)).map(|line| line.status)
}

/// The name of a class as RFC 9110 §15 has it.
pub const fn class_name(class: Class) -> &'static str {
    match class {
        Class::Informational => "informational",
        Class::Successful => "successful",
        Class::Redirection => "redirection",
        Class::ClientError => "client error",
        Class::ServerError => "server error",
    }
}

/// What the first digit alone says.
pub const fn class_meaning(class: Class) -> &'static str {
    match class {
        Class::Informational => "the request was received, and the answer is still to come",
        Class::Successful => "the request was received, understood and accepted",
        Class::Redirection => "something more must be done before the request is fulfilled",
        Class::ClientError => "the request is wrong, or may not be fulfilled for this client",
        Class::ServerError => "the server failed a request that seems to be valid",
    }
}

/// Whether an answer with this status may have content, in a word.
pub const fn content(content: Content) -> &'static str {
    match content {
        Content::Never => "never",
        Content::May => "may",
    }
}

/// Who has to change something, in a few words.
pub const fn fault(fault: Fault) -> &'static str {
    match fault {
        Fault::Nobody => "nobody: nothing is wrong",
        Fault::Client => "the client",
        Fault::Upstream => "the upstream server",
        Fault::Operator => "whoever runs this server",
        Fault::Us => "this server itself: it is a bug",
    }
}

/// What a client may do next with the same request, as a sentence.
pub const fn next(retry: Retry) -> &'static str {
    match retry {
        Retry::Unneeded => "Has nothing to repeat.",
        Retry::Never => "Does not repeat it: no change of the request would help.",
        Retry::AfterChange => "Sends it again once what the remedy names has changed.",
        Retry::AfterWhile => "May send it again unchanged, after a while.",
    }
}

/// When a client may send the same request again, in a few words.
pub const fn again(retry: Retry) -> &'static str {
    match retry {
        Retry::Unneeded => "no need",
        Retry::Never => "never",
        Retry::AfterChange => "after a change",
        Retry::AfterWhile => "after a while",
    }
}

/// What a cache may do with an answer that does not say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Caching {
    /// Keep it for as long as it thinks right (RFC 9111 §4.2.2).
    Heuristic,
    /// Nothing, unless fields of the answer say that it may.
    IfTold,
    /// Nothing, whatever the answer says.
    Never,
}

impl Caching {
    /// What holds for this line of the registry.
    pub fn of(line: &status::Entry) -> Caching {
        match line.status.code() {
            // RFC 9111 §3: only final answers are stored.
            100..=199 => Caching::Never,
            // RFC 6585 §3, §4, §5, §6
            428 | 429 | 431 | 511 => Caching::Never,
            _ if line.cacheable => Caching::Heuristic,
            _ => Caching::IfTold,
        }
    }

    /// In a word or two.
    pub const fn name(self) -> &'static str {
        match self {
            Caching::Heuristic => "yes",
            Caching::IfTold => "if told",
            Caching::Never => "never",
        }
    }
}

const fn entries_of(class: Class) -> &'static [Entry] {
    match class {
        Class::Informational => informational::ENTRIES,
        Class::Successful => successful::ENTRIES,
        Class::Redirection => redirection::ENTRIES,
        Class::ClientError => client_error::ENTRIES,
        Class::ServerError => server_error::ENTRIES,
    }
}

#[cfg(test)]
mod tests;
