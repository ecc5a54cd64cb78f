//! The targets of the console: which there are, what they take, and who may ask them.

use super::explain;
use super::page::Part;
use verdict_core::method::{Method, MethodSet};

/// The most content that a request may have, but for one that is to be explained.
pub(super) const LARGEST: u64 = 64 << 10;

pub(super) const READING: MethodSet = MethodSet::of(&[Method::Get, Method::Head]);
const DOING: MethodSet = MethodSet::of(&[Method::Post]);
const BOTH: MethodSet = MethodSet::of(&[Method::Get, Method::Head, Method::Post]);

/// What it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Whether the process answers at all.
    Health,
    /// Whether it should be sent requests.
    Readiness,
    Metrics,
    Reload,
    Maintenance,
    Explain,
    /// The answers that were given.
    Answers,
    /// One of them, and why.
    Answer,
    /// What the page shows them on.
    Page(Part),
    Questions,
    Reference,
    /// What can be made to happen; nothing, but in a tour.
    Tour,
    /// One of that, by its status; 0: by no number.
    Stop(u16),
}

/// What the path of an answer begins with, and that of a stop.
pub(super) const ANSWER: &[u8] = b"/answers/";
const STOP: &[u8] = b"/tour/";

impl Target {
    pub(super) fn of(path: &[u8]) -> Option<Target> {
        Some(match path {
            b"/healthz" => Target::Health,
            b"/readyz" => Target::Readiness,
            b"/metrics" => Target::Metrics,
            b"/reload" => Target::Reload,
            b"/maintenance" => Target::Maintenance,
            b"/explain" => Target::Explain,
            b"/answers" => Target::Answers,
            b"/" => Target::Page(Part::Document),
            b"/page.js" => Target::Page(Part::Script),
            b"/page.css" => Target::Page(Part::Style),
            b"/questions" => Target::Questions,
            b"/reference" => Target::Reference,
            b"/tour" => Target::Tour,
            path if path.starts_with(ANSWER) => Target::Answer,
            path if path.starts_with(STOP) => Target::Stop(code(&path[STOP.len()..])),
            _ => return None,
        })
    }

    pub(super) const fn allow(self) -> MethodSet {
        match self {
            Target::Reload | Target::Explain | Target::Stop(_) => DOING,
            Target::Maintenance => BOTH,
            Target::Health | Target::Readiness | Target::Metrics | Target::Answers | Target::Answer => READING,
            Target::Page(_) | Target::Questions | Target::Reference | Target::Tour => READING,
        }
    }

    pub(super) const fn largest(self) -> u64 {
        match self {
            Target::Explain => explain::LARGEST,
            _ => LARGEST,
        }
    }

    /// Whether anybody may ask: what is told to load balancers says nothing else, and the page knows nothing by itself. It is
    /// asked for by browsers, which cannot send the token before they have it.
    pub(super) const fn is_open(self) -> bool {
        matches!(self, Target::Health | Target::Readiness | Target::Page(_))
    }
}

/// A status code as it is written, three digits; 0 for anything else.
fn code(written: &[u8]) -> u16 {
    let digits = written.len() == 3 && written[0] != b'0' && written.iter().all(u8::is_ascii_digit);
    if digits { written.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0')) } else { 0 }
}
