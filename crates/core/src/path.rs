//! What was asked of a request, and what was answered.
//!
//! A question is put so that "yes" means go on: the happy path is a column of yes. The order of `Question` is the order of
//! decision, and asking out of order is a bug that a debug build stops at.

use crate::reason::Reason;
use crate::status::Status;
use std::ops::ControlFlow::{self, Break, Continue};

/// The eight parts of a decision. Their alphabetical order is the order in which they decide.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs)]
pub enum Stage {
    Arrive,
    Authorize,
    Find,
    Negotiate,
    Precondition,
    Process,
    Range,
    Respond,
}

impl Stage {
    /// All eight, in order.
    pub const ALL: [Stage; 8] = [
        Stage::Arrive,
        Stage::Authorize,
        Stage::Find,
        Stage::Negotiate,
        Stage::Precondition,
        Stage::Process,
        Stage::Range,
        Stage::Respond,
    ];

    /// The stage's name, as that of its file.
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Arrive => "arrive",
            Stage::Authorize => "authorize",
            Stage::Find => "find",
            Stage::Negotiate => "negotiate",
            Stage::Precondition => "precondition",
            Stage::Process => "process",
            Stage::Range => "range",
            Stage::Respond => "respond",
        }
    }

    /// What the stage asks.
    pub const fn question(self) -> &'static str {
        match self {
            Stage::Arrive => "will we take this message?",
            Stage::Authorize => "may this client ask?",
            Stage::Find => "is there such a target, for this method?",
            Stage::Negotiate => "can its content be taken and its answer be understood?",
            Stage::Precondition => "does it still hold?",
            Stage::Process => "do it, and what came of it",
            Stage::Range => "the whole or a part?",
            Stage::Respond => "what must go with it",
        }
    }
}

macro_rules! questions {
    ($($stage:ident: $($question:ident $words:literal)*;)*) => {
        /// One thing that is asked of a request. The order is the order in which they are asked.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        #[allow(missing_docs)]
        pub enum Question { $($($question,)*)* }

        impl Question {
            /// All questions, in order.
            pub const ALL: &[Question] = &[$($(Question::$question,)*)*];

            /// The stage that asks it.
            pub const fn stage(self) -> Stage {
                match self { $($(Question::$question => Stage::$stage,)*)* }
            }

            /// The question in words; yes means go on.
            pub const fn words(self) -> &'static str {
                match self { $($(Question::$question => $words,)*)* }
            }
        }
    };
}

questions! {
    Arrive:
        HeadInTime         "did the whole head come in time?"
        TargetFits         "is the target short enough?"
        HeadFits           "are the fields few and small enough?"
        VersionSpoken      "is it a version that is spoken here?"
        MessageSound       "is the message well-formed?"
        CodingKnown        "is its transfer coding known?"
        ExpectationKnown   "is its expectation known?"
        AuthorityServed    "does this connection serve its authority?"
        ReplaySafe         "is it safe even if it was replayed?"
        ConnectionsFree    "is there room for its connection?"
        InService          "is the route in service?"
        RequestsFree       "is there room for one more request?"
        ClientUnderRate    "is the client under its rate?"
        NotPreflight       "is it a request of its own, not a preflight?";
    Authorize:
        Identified         "do we know who asks?"
        Allowed            "may they do this here?"
        UserUnderRate      "is the user under their rate?"
        RouteFree          "is the route free for one more?";
    Find:
        MethodKnown        "is the method known?"
        RouteFound         "does a route match?"
        MethodTaken        "does the target take the method?"
        UpgradeAsked       "does it ask for the protocol that the target speaks?"
        StaysHere          "is the target here, not elsewhere?"
        LookUpWorked       "could the target be looked up?"
        Exists             "is there something, or may it be made?"
        Kept               "is it still kept?"
        Readable           "may the server read it?";
    Negotiate:
        LengthGiven        "is the length of the content given where it must be?"
        ContentFits        "is the declared content small enough?"
        TypeTaken          "is the content of a media type that is taken?"
        CodingTaken        "is the content in a coding that is taken?"
        AnswerUnderstood   "is there a form of the answer that the client takes?"
        ContentHasPlace    "is there a place for the content?";
    Precondition:
        ConditionGiven     "is a condition given where there must be one?"
        IfMatch            "does If-Match hold?"
        IfUnmodifiedSince  "does If-Unmodified-Since hold?"
        IfNoneMatch        "does If-None-Match hold?"
        IfModifiedSince    "does If-Modified-Since hold?";
    Process:
        ContentArrived     "did the content arrive, all of it, in time?"
        ContentSound       "is the content well-formed?"
        ContentValid       "does the content keep the rules?"
        StateAgrees        "does the target's state agree?"
        UpstreamAnswered   "did the upstream answer?"
        RoomLeft           "was there room for it?"
        Worked             "did the work succeed?";
    Range:
        WholeWanted        "is the whole wanted?"
        RangeHolds         "is the range of the version that the client has?"
        RangeWithin        "does a part of the range lie within the representation?";
}

// A path is two sets of 64.
const _: () = assert!(Question::ALL.len() <= 64);

/// A set of questions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Questions(u64);

impl Questions {
    /// The set of these.
    pub const fn of(questions: &[Question]) -> Questions {
        let mut bits = 0;
        let mut i = 0;
        while i < questions.len() {
            bits |= questions[i].bit();
            i += 1;
        }
        Questions(bits)
    }

    /// Those in the set, in the order in which they are asked.
    pub fn iter(self) -> impl Iterator<Item = Question> {
        Question::ALL.iter().copied().filter(move |question| self.0 & question.bit() != 0)
    }
}

impl Question {
    const fn bit(self) -> u64 {
        1 << self as u8
    }
}

/// Set by `--cfg verdict_untraced` only, to measure what recording costs: a build for nothing else, which explains nothing.
const UNTRACED: bool = cfg!(verdict_untraced);

/// Which questions were asked and which were answered with yes: two bit sets. Always on.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Path {
    asked: u64,
    yes: u64,
}

impl Path {
    /// Nothing asked yet.
    pub const fn new() -> Path {
        Path { asked: 0, yes: 0 }
    }

    /// Asks one question: goes on if it holds, and is otherwise decided by the reason.
    #[inline]
    pub fn require(&mut self, question: Question, holds: bool, otherwise: Reason) -> ControlFlow<Reason> {
        self.note(question, holds);
        if holds { Continue(()) } else { Break(otherwise) }
    }

    /// Asks one question that has many causes to fail: goes on if there is none.
    #[inline]
    pub fn refuse(&mut self, question: Question, cause: Option<Reason>) -> ControlFlow<Reason> {
        self.note(question, cause.is_none());
        match cause {
            None => Continue(()),
            Some(reason) => Break(reason),
        }
    }

    /// Asks questions of which at most one fails: those before it hold, those after it are not asked. One that fails
    /// without being among them is asked all the same, so that whatever was reported is told.
    #[inline]
    pub fn settle<T>(
        &mut self,
        questions: Questions,
        outcome: Result<T, (Question, Reason)>,
    ) -> ControlFlow<Reason, T> {
        match outcome {
            Ok(value) => {
                self.hold(questions.0);
                Continue(value)
            }
            Err((failed, reason)) => {
                self.hold(questions.0 & (failed.bit() - 1));
                self.note(failed, false);
                Break(reason)
            }
        }
    }

    /// Asks one question whose "no" decides nothing by itself.
    #[inline]
    pub fn note(&mut self, question: Question, holds: bool) -> bool {
        if UNTRACED {
            return holds;
        }
        debug_assert!(self.asked < question.bit(), "{question:?} is asked out of order or twice");
        self.asked |= question.bit();
        self.yes |= if holds { question.bit() } else { 0 };
        holds
    }

    fn hold(&mut self, bits: u64) {
        if UNTRACED {
            return;
        }
        debug_assert!(bits == 0 || self.asked < bits & bits.wrapping_neg(), "asked out of order or twice: {bits:b}");
        self.asked |= bits;
        self.yes |= bits;
    }

    /// The questions that were asked, in order, each with whether it was answered with yes.
    pub fn answers(self) -> impl Iterator<Item = (Question, bool)> {
        Questions(self.asked).iter().map(move |question| (question, self.yes & question.bit() != 0))
    }

    /// The answer to one question, if it was asked.
    pub fn answer(self, question: Question) -> Option<bool> {
        (self.asked & question.bit() != 0).then_some(self.yes & question.bit() != 0)
    }

    /// The last question that was asked: where the decision fell.
    pub fn last(self) -> Option<Question> {
        Question::ALL.get(63_usize.wrapping_sub(self.asked.leading_zeros() as usize)).copied()
    }
}

/// A decision: why, and how it came to be. The status is the reason's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// The one cause.
    pub reason: Reason,
    /// The way to it.
    pub path: Path,
}

const _: () = assert!(size_of::<Verdict>() <= 32);

impl Verdict {
    /// The status of the answer.
    #[inline]
    pub const fn status(&self) -> Status {
        self.reason.status()
    }

    /// The decision as three numbers, for who keeps many of them.
    #[inline]
    pub const fn to_numbers(self) -> [u64; 3] {
        let reason = (self.status().code() as u64) << 32 | self.reason.index() as u64;
        [reason, self.path.asked, self.path.yes]
    }

    /// The decision of these numbers, by the same version of this crate; `None`: they are of none.
    pub fn from_numbers([reason, asked, yes]: [u64; 3]) -> Option<Verdict> {
        let status = Status::from_wire(u16::try_from(reason >> 32).ok()?)?;
        let reason = Reason::at(usize::try_from(reason & 0xffff_ffff).ok()?, status)?;
        let sound = asked.checked_shr(Question::ALL.len() as u32).unwrap_or(0) == 0 && yes & !asked == 0;
        sound.then_some(Verdict { reason, path: Path { asked, yes } })
    }
}
