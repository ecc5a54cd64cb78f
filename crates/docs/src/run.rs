//! Every case of the decision, and what is to be told of them: which answer of which question leads to which reason, and which
//! questions are asked of each request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use verdict_core::interim::{self, Interim};
use verdict_core::{Facts, Question, Reason, Stage, Status, Verdict, decide};
use verdict_server::routes::{every_reason, every_reason_of_the_console};

// The enumeration that core's own test proves the decision with: one list of cases, one proof, one picture.
#[path = "../../core/tests/every_case/facts.rs"]
mod facts;

/// A way out of the decision: the answer that was the last one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Out {
    pub(crate) question: Question,
    /// Whether the question was answered with yes.
    pub(crate) yes: bool,
}

/// What the cases have in common.
pub(crate) struct Run {
    /// Each reason that is decided by, and the ways out on which it is.
    outs: BTreeMap<Reason, BTreeSet<Out>>,
    /// The reasons that are given before the final answer.
    interims: BTreeSet<Reason>,
    /// The questions that some request goes past without being asked.
    skipped: BTreeSet<Question>,
    /// The reasons that this version can give; the others wait for kinds of routes that are still to come.
    given: BTreeSet<Reason>,
    /// Those of them that only the console gives.
    console: BTreeSet<Reason>,
}

/// Every case, decided once.
pub(crate) fn every_case() -> &'static Run {
    static RUN: LazyLock<Run> = LazyLock::new(Run::of_every_case);
    &RUN
}

impl Run {
    /// Decides every case: each stage's facts completely, with nothing in the way in the other stages.
    fn of_every_case() -> Run {
        let mut given = given();
        let console = every_reason_of_the_console().difference(&given).copied().collect();
        given.extend(&console);
        let mut run = Run { outs: BTreeMap::new(), interims: interims(), skipped: BTreeSet::new(), given, console };
        let rest = Facts::default();
        facts::arrive(|arrive| run.take(Stage::Arrive, Facts { arrive, ..rest }));
        facts::authorize(|authorize| run.take(Stage::Authorize, Facts { authorize, ..rest }));
        facts::find(|find| run.take(Stage::Find, Facts { find, ..rest }));
        facts::negotiate(|negotiate| run.take(Stage::Negotiate, Facts { negotiate, ..rest }));
        facts::precondition(|precondition| run.take(Stage::Precondition, Facts { precondition, ..rest }));
        facts::process(|process| {
            run.take(Stage::Process, Facts { process, ..rest });
            facts::range(|range| run.take(Stage::Range, Facts { process, range, ..rest }));
        });
        run
    }

    /// Decides one case, in which only this stage has something to say.
    fn take(&mut self, stage: Stage, facts: Facts) {
        let Verdict { reason, path } = decide(&facts);
        let Some((question, yes)) = path.answers().last() else { return };
        // `entry` has the reason without the status that two of them carry.
        let listed = reason.entry().reason;
        // A fault that is reported by the wrong half of a message is refused as well, but at a question that is not its own.
        let astray = question.stage() != stage || listed.entry().stage != stage && stage != Stage::Range;
        if !yes && astray {
            return;
        }
        // Whoever leaves with a yes has gone past all the questions that are left.
        let passed = |asked: Question| yes || asked < question;
        let skipped = Question::ALL.iter().filter(|asked| passed(**asked) && path.answer(**asked).is_none());
        self.skipped.extend(skipped);
        self.outs.entry(listed).or_default().insert(Out { question, yes });
    }

    /// Every way out, in the order of decision.
    pub(crate) fn outs(&self) -> BTreeSet<Out> {
        self.outs.values().flatten().copied().collect()
    }

    /// The reasons on a way out, in the order of the catalogue.
    pub(crate) fn reasons(&self, out: Out) -> impl Iterator<Item = Reason> {
        self.outs.iter().filter(move |(_, outs)| outs.contains(&out)).map(|(reason, _)| *reason)
    }

    /// The ways out on which a reason is; none for one that is given before the final answer.
    pub(crate) fn outs_of(&self, reason: Reason) -> Vec<Out> {
        self.outs.get(&reason).into_iter().flatten().copied().collect()
    }

    /// The reasons that are given before the final answer.
    pub(crate) fn interims(&self) -> impl Iterator<Item = Reason> {
        self.interims.iter().copied()
    }

    /// Every reason, in the order of the catalogue.
    pub(crate) fn all_reasons(&self) -> impl Iterator<Item = Reason> {
        let all: BTreeSet<Reason> = self.interims.iter().chain(self.outs.keys()).copied().collect();
        all.into_iter()
    }

    /// Whether this version can give the reason.
    pub(crate) fn is_given(&self, reason: Reason) -> bool {
        self.given.contains(&reason)
    }

    /// Whether this version gives the reason on its console and nowhere else.
    pub(crate) fn is_of_console(&self, reason: Reason) -> bool {
        self.console.contains(&reason)
    }

    /// The statuses that have a reason of their own, in numeric order.
    pub(crate) fn statuses(&self) -> BTreeSet<Status> {
        self.all_reasons().filter_map(|reason| reason.entry().status).collect()
    }

    /// Whether no request goes past the question without being asked.
    pub(crate) fn is_always_asked(&self, question: Question) -> bool {
        !self.skipped.contains(&question)
    }
}

/// The reasons that the routes of this version can give, as they are listed: without the status that two of them carry.
fn given() -> BTreeSet<Reason> {
    // It only fails where the root of the file system cannot be opened, and there nothing could be written either.
    let given = every_reason().unwrap_or_else(|error| panic!("what can be given cannot be found out: {error}"));
    given.into_iter().map(|reason| reason.entry().reason).collect()
}

/// Every interim answer, to every request that can bring it about.
fn interims() -> BTreeSet<Reason> {
    let mut all = BTreeSet::new();
    for bits in 0..8 {
        let [a, b, c] = std::array::from_fn(|i| bits >> i & 1 == 1);
        let given = [
            interim::invite(a, b, c),
            interim::hint(a, b, c),
            interim::tunnel(a, b),
            interim::http2(a, b, c),
            interim::pass_hint(a, b, c),
        ];
        all.extend(given.into_iter().flatten().map(Interim::reason));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use verdict_core::reason::CATALOGUE;

    #[test]
    fn every_reason_of_the_catalogue_is_on_the_way() {
        let run = every_case();
        assert!(run.all_reasons().eq(CATALOGUE.iter().map(|entry| entry.reason)));
    }

    #[test]
    fn what_refuses_is_on_one_way_out_and_that_one_is_a_no() {
        let run = every_case();
        for reason in run.all_reasons().filter(|reason| reason.entry().status.is_some_and(|s| s.code() >= 400)) {
            let outs = run.outs_of(reason);
            assert!(matches!(outs[..], [Out { yes: false, .. }]), "{reason}: {outs:?}");
            assert_eq!(outs[0].question.stage(), reason.entry().stage, "{reason}");
        }
    }

    #[test]
    fn the_catalogue_is_in_the_order_in_which_the_stages_ask() {
        let run = every_case();
        for stage in Stage::ALL {
            // What is served is a way out of a later stage as well.
            let of_stage = |out: &Out| out.question.stage() == stage;
            let listed = CATALOGUE.iter().filter(|entry| entry.stage == stage && entry.status.is_some());
            let outs = listed.filter_map(|entry| {
                let out = run.outs_of(entry.reason).into_iter().find(of_stage)?;
                Some((out, entry.id))
            });
            let outs: Vec<_> = outs.collect();
            for pair in outs.windows(2) {
                assert!(pair[0].0 <= pair[1].0, "{} stands before {}", pair[0].1, pair[1].1);
            }
        }
    }

    #[test]
    fn some_reasons_can_be_given_and_others_cannot_yet() {
        let run = every_case();
        for (id, given, console) in [
            ("served", true, false),
            ("configured-answer", true, false),
            ("hinted", true, false),
            ("config-refused", true, true),
            ("created", true, false),
            ("job-queued", true, false),
            ("no-member", true, false),
            ("upgrade-missing", true, false),
        ] {
            let reason = run.all_reasons().find(|reason| reason.id() == id);
            let told = reason.map(|reason| (run.is_given(reason), run.is_of_console(reason)));
            assert_eq!(told, Some((given, console)), "{id}");
        }
    }

    #[test]
    fn every_question_has_a_way_out() {
        let run = every_case();
        for question in Question::ALL {
            let out = run.outs().into_iter().any(|out| out.question == *question);
            assert!(out, "{question:?}");
        }
    }

    #[test]
    fn only_what_applies_to_each_request_is_asked_of_each() {
        let run = every_case();
        for question in [Question::MessageSound, Question::RouteFree, Question::RouteFound, Question::Worked] {
            assert!(run.is_always_asked(question), "{question:?}");
        }
        for question in [Question::Identified, Question::LengthGiven, Question::IfMatch, Question::RangeWithin] {
            assert!(!run.is_always_asked(question), "{question:?}");
        }
    }
}
