//! What came of a change, and what the answer to it is made of: of a document, a file or a job.

use crate::deadline::Deadlines;
use crate::document::schema::Failure as Broken;
use crate::representation::Representation;
use crate::store::Pending;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;
use verdict_core::cause::{Done, Failure};
use verdict_core::decide::Outcome;
use verdict_core::explain::{Member, push_json};

/// How long a change waits for the store before it is taken back, and for its turn before that.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// What came of it, and what the answer is made of.
pub(crate) struct Wrote {
    pub(crate) outcome: Outcome,
    /// Where a new document is, or what came of a form.
    pub(crate) location: Option<String>,
    /// The tag of what is there now.
    pub(crate) tag: Option<String>,
    /// What is there now, where the client wants to see it.
    pub(crate) representation: Option<Rc<Representation>>,
    /// Whether the client asked for no content.
    pub(crate) minimal: bool,
    /// Other fields of the answer.
    pub(crate) fields: Vec<(&'static str, String)>,
    pub(crate) details: Details,
}

/// What a refusal tells beside its reason.
#[derive(Default, Debug)]
pub(crate) struct Details {
    /// Where in the content it is, and what.
    pub(crate) place: Option<(usize, usize, String)>,
    /// In what the document breaks the schema.
    pub(crate) broken: Vec<Broken>,
    /// The member that it is about, as a JSON Pointer.
    pub(crate) member: Option<String>,
    /// Where the document is that holds its value.
    pub(crate) holder: Option<String>,
    /// What is the matter, in words.
    pub(crate) why: Option<String>,
    /// Bytes that are used, and that there may be.
    pub(crate) used: Option<(u64, u64)>,
    /// The job that failed, and how often it was tried.
    pub(crate) failed: Option<(String, u32)>,
}

impl Details {
    /// What is the matter, to go behind what the reason says.
    pub(crate) fn why(&self) -> Option<String> {
        match (&self.why, self.used, &self.broken[..]) {
            (Some(why), ..) => Some(format!(": {why}")),
            (None, Some((used, limit)), _) => Some(format!(", of which {used} of {limit} bytes are used")),
            (None, None, [first, rest @ ..]) => {
                let more = if rest.is_empty() { String::new() } else { format!(" (and {} more)", rest.len()) };
                let at = if first.pointer.is_empty() { "the document" } else { &first.pointer };
                Some(format!(" at {at}: {}{more}", first.message))
            }
            (None, None, []) => None,
        }
    }

    /// Where it is and what is the matter, in one line.
    pub(crate) fn evidence(&self) -> String {
        let place = self.place.as_ref().map(|(line, column, what)| format!("line {line}, column {column}: {what}"));
        let holder = self
            .holder
            .as_ref()
            .map(|holder| format!("{holder} has the same {}", self.member.as_deref().unwrap_or_default()));
        let broken = self.broken.iter().map(|broken| format!("{}: {}", broken.pointer, broken.message));
        let used = self.used.map(|(used, limit)| format!("{used} of {limit} bytes are used"));
        let failed = self.failed.as_ref().map(|(job, attempts)| format!("job {job}, attempt {attempts}"));
        let all = place.into_iter().chain(holder).chain(self.why.clone()).chain(used).chain(failed);
        let all: Vec<_> = all.chain(broken.take(3)).collect();
        all.join("; ")
    }

    /// The members of a problem that say so for programs.
    pub(crate) fn members(&self) -> Vec<(&'static str, Member<'_>)> {
        let mut members = Vec::new();
        if let Some((line, column, _)) = self.place {
            members.extend([("line", Member::Number(line as u64)), ("column", Member::Number(column as u64))]);
        }
        members.extend(self.member.as_deref().map(|member| ("pointer", Member::Text(member))));
        members.extend(self.holder.as_deref().map(|holder| ("holder", Member::Text(holder))));
        if let Some((used, limit)) = self.used {
            members.extend([("used", Member::Number(used)), ("limit", Member::Number(limit))]);
        }
        if let Some((job, attempts)) = &self.failed {
            members.extend([("job", Member::Text(job)), ("state", Member::Text("failed"))]);
            members.push(("attempts", Member::Number(u64::from(*attempts))));
        }
        members
    }

    /// In what the document breaks the schema, as a JSON array.
    pub(crate) fn errors(&self) -> Option<String> {
        let error = |broken: &Broken| {
            let mut out = String::from("{\"pointer\":");
            push_json(&mut out, &broken.pointer);
            out.push_str(",\"rule\":");
            push_json(&mut out, &broken.rule);
            out.push_str(",\"detail\":");
            push_json(&mut out, &broken.message);
            out.push('}');
            out
        };
        let errors: Vec<_> = self.broken.iter().map(error).collect();
        (!errors.is_empty()).then(|| format!("[{}]", errors.join(",")))
    }
}

impl Wrote {
    pub(crate) fn of(outcome: Outcome) -> Wrote {
        let details = Details::default();
        Wrote { outcome, location: None, tag: None, representation: None, minimal: false, fields: Vec::new(), details }
    }

    pub(crate) fn done(done: Done) -> Wrote {
        Wrote::of(Outcome::Done(done))
    }
}

/// A refusal on its way out.
pub(crate) type Tried<T> = Result<T, Box<Wrote>>;

pub(crate) fn refused(outcome: Outcome, details: Details) -> Box<Wrote> {
    Box::new(Wrote { details, ..Wrote::of(outcome) })
}

pub(crate) fn failed(failure: Failure) -> Box<Wrote> {
    Box::new(Wrote::of(Outcome::Failure(failure)))
}

/// What came of a change. One that has not begun when the patience for it ends never does.
pub(crate) async fn patiently<T>(pending: Pending<T>, deadlines: Option<&Rc<Deadlines>>) -> Tried<T> {
    within_patience(pending, deadlines).await.map_err(failed)
}

/// The same, for who answers in another way.
pub(crate) async fn within_patience<T>(pending: Pending<T>, deadlines: Option<&Rc<Deadlines>>) -> Result<T, Failure> {
    let Some(deadlines) = deadlines else { return pending.await };
    let (deadline, mut pending) = (deadlines.enroll(), pin!(pending));
    match deadline.until(deadline.after(PATIENCE), pending.as_mut()).await {
        Some(done) => done,
        None if pending.abandon() => Err(Failure::StoreBusy),
        None => pending.await,
    }
}
