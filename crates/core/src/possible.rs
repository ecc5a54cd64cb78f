//! What can come of a request where what can be brought to each stage is known.
//!
//! The stages themselves are asked, with each of the alternatives: there is no second list of what gives which status. That
//! the union over the stages is the whole follows from their asking in a row, each of its own facts alone (`every_case.rs`
//! proves it).

use crate::decide::{
    Arrive, Authorize, Find, Negotiate, Precondition, Process, Range, arrive, authorize, find, negotiate, precondition,
    process, range,
};
use crate::path::Path;
use crate::reason::Reason;
use std::collections::BTreeSet;
use std::ops::ControlFlow::{self, Break, Continue};

/// The facts that can be brought to each stage, as alternatives. The default is one for each: nothing stands in the way.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Alternatives {
    pub arrive: Vec<Arrive>,
    pub authorize: Vec<Authorize>,
    pub find: Vec<Find>,
    pub negotiate: Vec<Negotiate>,
    pub precondition: Vec<Precondition>,
    pub process: Vec<Process>,
    pub range: Vec<Range>,
}

impl Default for Alternatives {
    fn default() -> Alternatives {
        Alternatives {
            arrive: vec![Arrive::default()],
            authorize: vec![Authorize::default()],
            find: vec![Find::default()],
            negotiate: vec![Negotiate::default()],
            precondition: vec![Precondition::default()],
            process: vec![Process::default()],
            range: vec![Range::default()],
        }
    }
}

impl Alternatives {
    /// Every reason that an answer can have, in the order of the catalogue.
    pub fn reasons(&self) -> BTreeSet<Reason> {
        let mut reasons = BTreeSet::new();
        self.walk(&mut reasons);
        reasons
    }

    /// Goes on as far as there is an alternative that a stage lets pass.
    fn walk(&self, reasons: &mut BTreeSet<Reason>) -> Option<()> {
        each(&self.arrive, reasons, arrive).pop()?;
        let admitted = each(&self.authorize, reasons, authorize).pop()?;
        each(&self.find, reasons, find).pop()?;
        each(&self.negotiate, reasons, negotiate).pop()?;
        let permit = each(&self.precondition, reasons, |path, f| precondition(path, f, admitted)).pop()?;
        for done in each(&self.process, reasons, |path, f| process(path, f, permit)) {
            let answers = each(&self.range, reasons, |path, f| range(path, f, done));
            reasons.extend(answers);
        }
        Some(())
    }
}

/// Asks a stage with each alternative: notes the reasons that it gives, and returns what it lets pass.
fn each<F, T>(
    alternatives: &[F],
    reasons: &mut BTreeSet<Reason>,
    stage: impl Fn(&mut Path, &F) -> ControlFlow<Reason, T>,
) -> Vec<T> {
    let mut passed = Vec::new();
    for facts in alternatives {
        match stage(&mut Path::new(), facts) {
            Break(reason) => {
                reasons.insert(reason);
            }
            Continue(value) => passed.push(value),
        }
    }
    passed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::{Absent, Done, Elsewhere};
    use crate::decide::process::Work;
    use crate::decide::{Outcome, Wanted};

    fn ids(alternatives: &Alternatives) -> Vec<&'static str> {
        alternatives.reasons().into_iter().map(Reason::id).collect()
    }

    #[test]
    fn where_nothing_can_stand_in_the_way_there_is_one_answer() {
        assert_eq!(ids(&Alternatives::default()), ["served"]);
    }

    #[test]
    fn what_always_stands_in_the_way_hides_what_comes_after() {
        let elsewhere = Find { elsewhere: Some(Elsewhere::Found), ..Find::default() };
        let negotiate = vec![Negotiate { content: true, too_large: true, ..Negotiate::default() }];
        let always = Alternatives { find: vec![elsewhere], negotiate, ..Alternatives::default() };
        assert_eq!(ids(&always), ["found-elsewhere"]);
    }

    #[test]
    fn each_alternative_of_each_stage_has_its_say_in_the_order_of_the_catalogue() {
        let absent = |absent| Find { absent: Some(absent), ..Find::default() };
        let done = |done| Process { work: Work::Read, outcome: Outcome::Done(done) };
        let alternatives = Alternatives {
            find: vec![absent(Absent::Nothing), Find::default(), absent(Absent::Dotfile)],
            process: vec![done(Done::FolderListed), done(Done::Served)],
            range: vec![Range::default(), Range { wanted: Wanted::Beyond, if_range: None }],
            ..Alternatives::default()
        };
        let expected = ["nothing-there", "dotfile-hidden", "served", "folder-listed", "range-beyond-end"];
        assert_eq!(ids(&alternatives), expected);
    }
}
