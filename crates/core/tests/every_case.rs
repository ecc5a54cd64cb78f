//! Every case there is. Each stage's facts are enumerated completely, alone, and its answer compared with `oracle`, a second
//! transcription that shares nothing with the first; then the stages are composed, outcome by outcome.
//!
//! `facts` enumerates, `oracle` knows what is right, `carries` knows what must go with each answer.

#[path = "every_case/carries.rs"]
mod carries;
#[path = "every_case/facts.rs"]
mod facts;
#[path = "every_case/oracle.rs"]
mod oracle;

use oracle::Told;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::ops::ControlFlow::{self, Break, Continue};
use verdict_core::cause::{
    Absent, Busy, Closed, Conflict, Crowded, Denied, Done, Elsewhere, Failure, Malformed, OverRate, Rejected,
    Unarrived, Unidentified, Unplaceable, Upstream,
};
use verdict_core::decide::{
    Admitted, Arrive, Authorize, Find, Negotiate, Outcome, Permit, Precondition, Process, arrive, authorize, find,
    negotiate, precondition, process, range,
};
use verdict_core::interim::{self, Interim};
use verdict_core::path::Question;
use verdict_core::reason::CATALOGUE;
use verdict_core::{Facts, Path, Reason, Stage, Verdict, decide};

/// One stage's answer to one set of facts.
struct Case {
    facts: Facts,
    stage: Stage,
    /// The reason, if the stage decides.
    reason: Option<Reason>,
    path: Path,
}

/// The pass of a request that nothing stands in the way of.
fn admitted() -> Admitted {
    let Continue(admitted) = authorize(&mut Path::new(), &Authorize::default()) else { panic!("refused") };
    admitted
}

fn permit() -> Permit {
    let Continue(permit) = precondition(&mut Path::new(), &Precondition::default(), admitted()) else {
        panic!("refused")
    };
    permit
}

/// What one stage says, asked alone.
fn alone(stage: Stage, facts: Facts) -> Case {
    let mut path = Path::new();
    let answer = match stage {
        Stage::Arrive => arrive(&mut path, &facts.arrive),
        Stage::Authorize => authorize(&mut path, &facts.authorize).map_continue(|_| ()),
        Stage::Find => find(&mut path, &facts.find),
        Stage::Negotiate => negotiate(&mut path, &facts.negotiate),
        Stage::Precondition => precondition(&mut path, &facts.precondition, admitted()).map_continue(|_| ()),
        Stage::Process => process(&mut path, &facts.process, permit()).map_continue(|_| ()),
        Stage::Range => range(&mut path, &facts.range, done(&facts.process)).map_continue(|_| ()),
        Stage::Respond => panic!("respond decides nothing"),
    };
    Case { facts, stage, reason: answer.break_value(), path }
}

/// What `process` says of work that went well; of other work, what it says of the default.
fn done(f: &Process) -> Reason {
    match process(&mut Path::new(), f, permit()) {
        Continue(done) => done,
        Break(_) => done(&Process::default()),
    }
}

/// Every set of one stage's facts, with the others' as they are by default.
fn each(stage: Stage, mut then: impl FnMut(Facts)) {
    let rest = Facts::default();
    match stage {
        Stage::Arrive => facts::arrive(|arrive| then(Facts { arrive, ..rest })),
        Stage::Authorize => facts::authorize(|authorize| then(Facts { authorize, ..rest })),
        Stage::Find => facts::find(|find| then(Facts { find, ..rest })),
        Stage::Negotiate => facts::negotiate(|negotiate| then(Facts { negotiate, ..rest })),
        Stage::Precondition => facts::precondition(|precondition| then(Facts { precondition, ..rest })),
        Stage::Process => facts::process(|process| then(Facts { process, ..rest })),
        // Of each thing that can have been done.
        Stage::Range => facts::process(|process| {
            if oracle::outcome(process.outcome).0.is_none() {
                facts::range(|range| then(Facts { process, range, ..rest }));
            }
        }),
        Stage::Respond => {}
    }
}

fn all_cases() -> impl Iterator<Item = Case> {
    Stage::ALL.into_iter().flat_map(|stage| {
        let mut cases = Vec::new();
        each(stage, |facts| cases.push(alone(stage, facts)));
        cases
    })
}

/// Compares a stage with the oracle in every case, and prints how many there are.
fn compare(stage: Stage, right: impl Fn(&Facts) -> Told) {
    let mut cases = 0;
    each(stage, |facts| {
        let case = alone(stage, facts);
        let told =
            Told { asked: case.path.answers().collect(), code: case.reason.map(|reason| reason.status().code()) };
        assert_eq!(told, right(&facts), "{facts:#?}");
        cases += 1;
    });
    println!("{}: {cases} cases", stage.name());
}

#[test]
fn arrive_is_right_in_every_case() {
    compare(Stage::Arrive, |f| oracle::arrive(&f.arrive));
}

#[test]
fn authorize_is_right_in_every_case() {
    compare(Stage::Authorize, |f| oracle::authorize(&f.authorize));
}

#[test]
fn find_is_right_in_every_case() {
    compare(Stage::Find, |f| oracle::find(&f.find));
}

#[test]
fn negotiate_is_right_in_every_case() {
    compare(Stage::Negotiate, |f| oracle::negotiate(&f.negotiate));
}

#[test]
fn precondition_is_right_in_every_case() {
    compare(Stage::Precondition, |f| oracle::precondition(&f.precondition));
}

#[test]
fn a_permit_is_for_the_version_that_the_conditions_held_for() {
    facts::precondition(|f| {
        if let Continue(permit) = precondition(&mut Path::new(), &f, admitted()) {
            assert_eq!(permit.version(), f.version);
        }
    });
}

#[test]
fn process_is_right_in_every_case() {
    compare(Stage::Process, |f| {
        let told = oracle::process(&f.process);
        // What was done is not told by breaking off: the range comes after it.
        let failed = oracle::outcome(f.process.outcome).0.is_some();
        assert_eq!(told.code.is_some(), failed);
        if !failed {
            assert_eq!(done(&f.process).status().code(), oracle::outcome(f.process.outcome).1);
        }
        told
    });
}

#[test]
fn range_is_right_in_every_case() {
    compare(Stage::Range, |f| {
        let served = matches!(f.process.outcome, Outcome::Done(Done::Served | Done::FallbackServed));
        oracle::range(&f.range, served)
    });
}

/// What the stages say, each asked alone, up to the first that decides.
fn one_by_one(f: &Facts) -> (Reason, Vec<(Question, bool)>) {
    let mut answers = Vec::new();
    for stage in &Stage::ALL[..7] {
        let case = alone(*stage, *f);
        answers.extend(case.path.answers());
        if let Some(reason) = case.reason {
            return (reason, answers);
        }
    }
    (done(&f.process), answers)
}

/// What a server does that has IO to do between the stages.
fn with_one_path(f: &Facts) -> Verdict {
    fn walk(path: &mut Path, f: &Facts) -> ControlFlow<Reason, Reason> {
        arrive(path, &f.arrive)?;
        let admitted = authorize(path, &f.authorize)?;
        find(path, &f.find)?;
        negotiate(path, &f.negotiate)?;
        let permit = precondition(path, &f.precondition, admitted)?;
        let done = process(path, &f.process, permit)?;
        range(path, &f.range, done)
    }
    let mut path = Path::new();
    let (Break(reason) | Continue(reason)) = walk(&mut path, f);
    Verdict { reason, path }
}

fn assert_composed(f: &Facts) -> Verdict {
    let verdict = decide(f);
    let (reason, answers) = one_by_one(f);
    assert_eq!(verdict.reason, reason, "{f:#?}");
    assert!(verdict.path.answers().eq(answers), "{f:#?}\n{:#?}", verdict.path);
    assert_eq!(verdict, with_one_path(f), "{f:#?}");
    verdict
}

/// One case for each outcome of each stage: a reason, or the way by which it goes on.
fn outcomes() -> Vec<Case> {
    let mut seen = BTreeSet::new();
    let key = |case: &Case| (case.stage, case.reason, case.path.answers().collect::<Vec<_>>());
    all_cases().filter(|case| seen.insert(key(case))).collect()
}

/// The facts with one stage's taken from a case.
fn put(mut f: Facts, case: &Case) -> Facts {
    match case.stage {
        Stage::Arrive => f.arrive = case.facts.arrive,
        Stage::Authorize => f.authorize = case.facts.authorize,
        Stage::Find => f.find = case.facts.find,
        Stage::Negotiate => f.negotiate = case.facts.negotiate,
        Stage::Precondition => f.precondition = case.facts.precondition,
        Stage::Process => f.process = case.facts.process,
        Stage::Range => f.range = case.facts.range,
        Stage::Respond => {}
    }
    f
}

/// The status of the answers that are passed on or configured makes no difference to what follows: one of each will do.
fn is_typical(case: &Case) -> bool {
    match case.facts.process.outcome {
        Outcome::Answered(status) | Outcome::Configured(status) => status.code() == 200,
        _ => true,
    }
}

#[test]
fn the_first_stage_that_decides_is_the_only_one_that_does() {
    let outcomes: Vec<Case> = outcomes().into_iter().filter(is_typical).collect();
    let mut cases = 0;
    // Each outcome of each stage before each outcome of each later one.
    for earlier in &outcomes {
        for later in outcomes.iter().filter(|later| later.stage > earlier.stage) {
            let verdict = assert_composed(&put(put(Facts::default(), earlier), later));
            if let Some(reason) = earlier.reason {
                assert_eq!(verdict.reason, reason);
                assert!(verdict.path.answers().all(|(question, _)| question <= earlier.path.last().unwrap()));
            }
            cases += 1;
        }
    }
    // All seven together: each goes on, or decides by its first reason, or by its last.
    let choices = Stage::ALL[..7].iter().map(|stage| {
        let of_stage = || outcomes.iter().filter(|case| case.stage == *stage);
        let on = of_stage().find(|case| case.reason.is_none()).expect("a stage lets something through");
        let mut deciding = of_stage().filter(|case| case.reason.is_some());
        let decides = deciding.next().expect("a stage decides something");
        [on, decides, deciding.next_back().unwrap_or(decides)]
    });
    let choices: Vec<[&Case; 3]> = choices.collect();
    for nth in 0..3_usize.pow(7) {
        let chosen = choices.iter().enumerate().map(|(i, choice)| choice[nth / 3_usize.pow(i as u32) % 3]);
        let chosen: Vec<&Case> = chosen.collect();
        let verdict = assert_composed(&chosen.iter().copied().fold(Facts::default(), put));
        if let Some(first) = chosen.iter().find(|case| case.reason.is_some() && case.stage < Stage::Range) {
            assert_eq!(Some(verdict.reason), first.reason);
        }
        cases += 1;
    }
    println!("composition: {cases} cases of {} outcomes", outcomes.len());
}

/// Whether its reason is that of work that was done, with the whole or a part to show.
fn is_done(reason: Reason) -> bool {
    reason.entry().stage == Stage::Process && reason.status().code() < 400
        || ["part-served", "parts-served", "upstream-answered", "configured-answer"].contains(&reason.id())
}

#[test]
fn the_last_answer_is_no_exactly_if_it_refuses() {
    for case in all_cases() {
        let verdict = decide(&case.facts);
        let answers: Vec<(Question, bool)> = verdict.path.answers().collect();
        assert!(answers.is_sorted_by(|a, b| a.0 < b.0), "{answers:?}");
        let &(last, yes) = answers.last().expect("something is asked");
        assert_eq!(verdict.path.last(), Some(last));
        assert_eq!(verdict.path.answer(last), Some(yes));
        // RFC 9110 §13.1.5: a stale If-Range is no refusal: the whole is sent.
        let settled = yes || last == Question::RangeHolds;
        assert_eq!(settled, is_done(verdict.reason), "{}: {answers:?}", verdict.reason);
        // Before it, only the wish for a part is a "no".
        let noes = answers[..answers.len() - 1].iter().filter(|(_, yes)| !yes);
        assert!(noes.copied().all(|(question, _)| question == Question::WholeWanted), "{answers:?}");
    }
}

/// Faults that were noticed in the other half of the message: told all the same, at a question that is not their own.
fn is_astray(f: &Facts) -> bool {
    let of_head = matches!(f.process.outcome, Outcome::Malformed(fault) if !oracle::is_of_content(fault));
    f.arrive.fault.is_some_and(oracle::is_of_content) || of_head
}

#[test]
fn a_reason_is_decided_in_its_stage_and_by_one_question() {
    let mut question_of: BTreeMap<&str, Question> = BTreeMap::new();
    let mut answered: BTreeSet<(Question, bool)> = BTreeSet::new();
    for case in all_cases().filter(|case| !is_astray(&case.facts)) {
        answered.extend(case.path.answers());
        let (Some(reason), Some(question)) = (case.reason, case.path.last()) else { continue };
        assert_eq!(reason.entry().stage, case.stage, "{reason}");
        assert_eq!(question.stage(), case.stage, "{reason}");
        assert_eq!(*question_of.entry(reason.id()).or_insert(question), question, "{reason}");
    }
    // No dead edge: each question lets something through, and stops something or at least notes it.
    for question in Question::ALL {
        for yes in [true, false] {
            assert!(answered.contains(&(*question, yes)), "{question:?} is never answered with {yes}");
        }
    }
    let refusing = question_of.values().copied().collect::<BTreeSet<_>>();
    let notes = Question::ALL.iter().filter(|question| !refusing.contains(question));
    assert!(notes.eq(&[Question::WholeWanted, Question::RangeHolds]));
}

#[test]
fn what_is_reported_astray_is_refused_nevertheless() {
    for case in all_cases().filter(|case| is_astray(&case.facts)) {
        let reason = decide(&case.facts).reason;
        assert!(reason.status().code() >= 400 && !is_done(reason), "{:#?}", case.facts);
    }
}

#[test]
fn every_reason_of_the_catalogue_is_given() {
    let decided = all_cases().map(|case| decide(&case.facts).reason);
    let given: BTreeSet<&str> = decided.chain(interims().into_iter().map(Interim::reason)).map(Reason::id).collect();
    let listed: BTreeSet<&str> = CATALOGUE.iter().map(|entry| entry.id).collect();
    assert_eq!(given, listed);
}

/// Causes whose name is not in that of their reason.
const RENAMED: [&str; 2] = ["Crowded::Server", "Absent::NoIndex"];

#[test]
fn each_cause_is_told_by_the_reason_of_its_name_and_by_no_other() {
    let mut cause_of: BTreeMap<&str, String> = BTreeMap::new();
    let rest = Facts::default();
    fn of<T: Copy + Debug>(all: &[T], facts: impl Fn(T) -> Facts) -> Vec<(String, Facts)> {
        let kind = std::any::type_name::<T>().rsplit("::").next().unwrap();
        all.iter().map(|&cause| (format!("{kind}::{cause:?}"), facts(cause))).collect()
    }
    let arriving = |arrive| Facts { arrive, ..rest };
    let guarded = |unidentified, denied| Facts {
        authorize: Authorize { guarded: true, unidentified, denied, ..Authorize::default() },
        ..rest
    };
    let working = |outcome| Facts { process: Process { outcome, ..Process::default() }, ..rest };
    let all = [
        of(&Malformed::ALL, |cause| {
            if oracle::is_of_content(cause) {
                working(Outcome::Malformed(cause))
            } else {
                arriving(Arrive { fault: Some(cause), ..Arrive::default() })
            }
        }),
        of(Crowded::ALL, |cause| arriving(Arrive { crowded: Some(cause), ..Arrive::default() })),
        of(Closed::ALL, |cause| arriving(Arrive { closed: Some(cause), ..Arrive::default() })),
        of(OverRate::ALL, |cause| arriving(Arrive { over_rate: Some(cause), ..Arrive::default() })),
        of(Unidentified::ALL, |cause| guarded(Some(cause), None)),
        of(Denied::ALL, |cause| guarded(None, Some(cause))),
        of(Busy::ALL, |busy| Facts { authorize: Authorize { busy: Some(busy), ..Authorize::default() }, ..rest }),
        of(Elsewhere::ALL, |place| Facts { find: Find { elsewhere: Some(place), ..Find::default() }, ..rest }),
        of(Absent::ALL, |cause| Facts { find: Find { absent: Some(cause), ..Find::default() }, ..rest }),
        of(Unplaceable::ALL, |cause| Facts {
            negotiate: Negotiate { unplaceable: Some(cause), ..Negotiate::default() },
            ..rest
        }),
        of(Unarrived::ALL, |cause| working(Outcome::Unarrived(cause))),
        of(Rejected::ALL, |cause| working(Outcome::Rejected(cause))),
        of(Conflict::ALL, |cause| working(Outcome::Conflict(cause))),
        of(Upstream::ALL, |cause| working(Outcome::Upstream(cause))),
        of(Failure::ALL, |cause| working(Outcome::Failure(cause))),
        of(Done::ALL, |done| working(Outcome::Done(done))),
    ];
    for (cause, facts) in all.into_iter().flatten() {
        let reason = decide(&facts).reason;
        let (_, name) = cause.split_once("::").unwrap();
        let told = format!("{reason:?}").to_lowercase();
        assert!(
            told.contains(&name.to_lowercase()) != RENAMED.contains(&cause.as_str()),
            "{cause} is told as {reason}"
        );
        if let Some(other) = cause_of.insert(reason.id(), cause.clone()) {
            panic!("{cause} and {other} are both told as {reason}");
        }
    }
}

/// Every interim answer that there is.
fn interims() -> Vec<Interim> {
    let yes = [
        interim::invite(true, true, false),
        interim::hint(true, true, false),
        interim::pass_hint(true, true, false),
        interim::tunnel(true, true),
        interim::http2(true, true, false),
    ];
    yes.into_iter().flatten().collect()
}

/// RFC 9110 §15.2: "a server MUST NOT send a 1xx response to an HTTP/1.0 client."
#[test]
fn interim_answers_are_right_in_every_case() {
    for bits in 0..8 {
        let [knows, a, b] = std::array::from_fn(|i| bits >> i & 1 == 1);
        let code = |interim: Option<Interim>| interim.map(|interim| interim.status().code());
        let answer = |right: bool, code: u16| (knows && right).then_some(code);
        assert_eq!(code(interim::invite(knows, a, b)), answer(a && !b, 100));
        assert_eq!(code(interim::hint(knows, a, b)), answer(a || b, 103));
        assert_eq!(code(interim::pass_hint(knows, a, b)), answer(a || b, 103));
        assert_eq!(code(interim::tunnel(knows, a)), answer(a, 101));
        assert_eq!(code(interim::http2(knows, a, b)), answer(a && !b, 101));
    }
}

#[test]
fn every_answer_carries_what_it_must() {
    let decided = all_cases().map(|case| decide(&case.facts).reason);
    let given: BTreeSet<Reason> = decided.chain(interims().into_iter().map(Interim::reason)).collect();
    let framing = all_cases().filter(|case| case.stage == Stage::Arrive).filter_map(|case| {
        let fault = case.facts.arrive.fault.is_some();
        case.reason.filter(|_| fault)
    });
    let closing: BTreeSet<&str> = framing.map(Reason::id).collect();
    let mut cases = 0;
    for reason in given {
        for method in facts::METHODS {
            carries::assert_carries(reason, method, &closing);
            cases += 1;
        }
    }
    println!("respond: {cases} cases");
}
