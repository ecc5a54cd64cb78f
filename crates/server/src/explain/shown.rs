//! An explanation in words and numbers alone: what is shown of it, and what one process tells another.

use super::{Explanation, Key, Lost, Page, Place, RouteAt, Step};
use crate::json::Json;
use serde::Deserialize;
use std::fmt;
use verdict_core::explain::{Evidence, sentence};
use verdict_core::reason::Reason;

/// What is shown of an [`Explanation`]. As JSON its members have these names.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// The status of the answer; `None` where that is open: then `outcomes` says what it can be.
    pub status: Option<u16>,
    /// The id of its reason; `None` where it is open.
    pub reason: Option<String>,
    /// The id of the reason that the client is told, which is another where who asks is not to know; `None` where it is open.
    pub told: Option<String>,
    /// The stage that decides.
    pub stage: String,
    /// The section that says so; empty where it is open.
    pub section: String,
    /// The reason's fact, with its evidence; empty where it is open.
    pub sentence: String,
    /// What to do about it; empty where nothing is wrong.
    pub remedy: String,
    /// What can come of the work, in the order of the catalogue; none where the answer is decided without it.
    pub outcomes: Vec<Outcome>,
    /// Whether the work was done to see what comes of it, and taken back.
    pub tried: bool,
    /// What is told before the answer.
    pub interim: Option<Interim>,
    /// The first byte that is wrong, in a message that is malformed.
    pub at: Option<usize>,
    /// The route that answers.
    pub route: Option<Route>,
    /// The other routes, the nearest first.
    pub lost: Vec<Passed>,
    /// The questions in the order in which they were asked.
    pub steps: Vec<Asked>,
    /// The answer's fields, name and value; where the answer is open, those of the outcome that is expected.
    pub fields: Vec<(String, String)>,
    /// Its bytes of content.
    pub bytes: u64,
    /// The page of the config that is the content.
    pub page: Option<File>,
    /// Whether the connection goes on.
    pub keeps: bool,
}

/// What can come of the work.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Outcome {
    /// The statuses that it can have: one, but for what others answer.
    pub statuses: Vec<u16>,
    /// The reason's id.
    pub reason: String,
    /// Its fact.
    pub sentence: String,
    /// Whether it is what comes of it as far as can be seen now.
    pub expected: bool,
}

/// What is told before the answer.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Interim {
    /// The status.
    pub status: u16,
    /// The reason's id.
    pub reason: String,
}

/// A question and its answer.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Asked {
    /// The stage that asks it.
    pub stage: String,
    /// The question.
    pub question: String,
    /// Its answer; `None`: it was not asked, because its field is ignored.
    pub holds: Option<bool>,
    /// What it was held against, or why the field is ignored.
    pub evidence: String,
    /// The key of the config that has a say in it.
    pub key: Option<Named>,
}

/// A key of the config, or a route.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// Where it is; `None` for a default, and for what is in no file.
    pub place: Option<Line>,
}

/// A line of the config.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Line {
    /// The file.
    pub file: String,
    /// Counted from one.
    pub line: usize,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A route.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Route {
    /// Its pattern.
    pub pattern: String,
    /// The key that makes it what it is.
    pub kind: String,
    /// Where it is.
    pub place: Option<Line>,
}

/// A route that does not answer.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Passed {
    /// The route.
    pub route: Route,
    /// The first condition that it failed by.
    pub why: String,
}

/// A page of the config.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct File {
    /// Its file.
    pub file: String,
    /// The key that names it.
    pub key: Named,
}

impl Shown {
    /// What is shown of it.
    pub fn of(told: &Explanation) -> Shown {
        let (reason, entry) = (told.verdict.reason, told.verdict.reason.entry());
        let open = !told.outcomes.is_empty();
        let decided = |text: &str| if open { String::new() } else { text.to_owned() };
        Shown {
            status: (!open).then_some(reason.status().code()),
            reason: (!open).then(|| reason.id().to_owned()),
            told: (!open).then(|| told.told.id().to_owned()),
            stage: entry.stage.name().to_owned(),
            section: decided(entry.section),
            sentence: decided(&told.sentence),
            remedy: decided(&told.remedy),
            outcomes: outcomes(&told.outcomes, reason),
            tried: told.tried,
            interim: told.interim.map(|interim| {
                let reason = interim.reason();
                Interim { status: interim.status().code(), reason: reason.id().to_owned() }
            }),
            at: told.at,
            route: told.route.as_ref().map(Route::of),
            lost: told.lost.iter().map(Passed::of).collect(),
            steps: told.steps.iter().map(Asked::of).collect(),
            fields: told.fields.clone(),
            bytes: told.bytes,
            page: told.page.as_ref().map(File::of),
            keeps: told.keeps,
        }
    }

    /// For programs.
    pub fn json(&self) -> Json {
        let number = |number: u16| Json::Number(number.into());
        let id = |id: &Option<String>| id.as_deref().map_or(Json::Null, Json::from);
        let interim = |interim: &Interim| {
            Json::object([("status", number(interim.status)), ("reason", interim.reason.as_str().into())])
        };
        let field = |(name, value): &(String, String)| Json::list([name.as_str(), value.as_str()]);
        Json::object([
            ("status", self.status.map_or(Json::Null, number)),
            ("reason", id(&self.reason)),
            ("told", id(&self.told)),
            ("stage", self.stage.as_str().into()),
            ("section", self.section.as_str().into()),
            ("sentence", self.sentence.as_str().into()),
            ("remedy", self.remedy.as_str().into()),
            ("outcomes", Json::list(self.outcomes.iter().map(Outcome::json))),
            ("tried", Json::Flag(self.tried)),
            ("interim", self.interim.as_ref().map_or(Json::Null, interim)),
            ("at", self.at.map_or(Json::Null, |at| Json::Number(at as u64))),
            ("route", self.route.as_ref().map_or(Json::Null, Route::json)),
            ("lost", Json::list(self.lost.iter().map(Passed::json))),
            ("steps", Json::list(self.steps.iter().map(Asked::json))),
            ("fields", Json::list(self.fields.iter().map(field))),
            ("bytes", Json::Number(self.bytes)),
            ("page", self.page.as_ref().map_or(Json::Null, File::json)),
            ("keeps", Json::Flag(self.keeps)),
        ])
    }
}

/// By reason, since what others answer is one reason whatever its status.
fn outcomes(reasons: &[Reason], expected: Reason) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = Vec::new();
    for reason in reasons {
        let status = reason.status().code();
        match outcomes.last_mut().filter(|last| last.reason == reason.id()) {
            Some(same) => same.statuses.push(status),
            None => outcomes.push(Outcome {
                statuses: vec![status],
                reason: reason.id().to_owned(),
                sentence: sentence(*reason, Evidence::default()),
                expected: reason.id() == expected.id(),
            }),
        }
    }
    outcomes
}

impl Outcome {
    fn json(&self) -> Json {
        Json::object([
            ("statuses", Json::List(self.statuses.iter().map(|status| Json::Number((*status).into())).collect())),
            ("reason", self.reason.as_str().into()),
            ("sentence", self.sentence.as_str().into()),
            ("expected", Json::Flag(self.expected)),
        ])
    }
}

impl Asked {
    fn of(step: &Step) -> Asked {
        Asked {
            stage: step.question.stage().name().to_owned(),
            question: step.question.words().to_owned(),
            holds: step.holds,
            evidence: step.evidence.clone(),
            key: step.key.as_ref().map(Named::of),
        }
    }

    fn json(&self) -> Json {
        Json::object([
            ("stage", self.stage.as_str().into()),
            ("question", self.question.as_str().into()),
            ("holds", self.holds.map_or(Json::Null, Json::Flag)),
            ("evidence", self.evidence.as_str().into()),
            ("key", self.key.as_ref().map_or(Json::Null, Named::json)),
        ])
    }
}

impl Named {
    fn of(key: &Key) -> Named {
        Named { name: key.name.clone(), place: Line::of(key.place.as_ref()) }
    }

    fn json(&self) -> Json {
        Json::object([("name", self.name.as_str().into()), ("place", Line::json(self.place.as_ref()))])
    }
}

impl Line {
    fn of(place: Option<&Place>) -> Option<Line> {
        place.map(|place| Line { file: place.file.clone(), line: place.line })
    }

    fn json(line: Option<&Line>) -> Json {
        line.map_or(Json::Null, |line| {
            Json::object([("file", line.file.as_str().into()), ("line", Json::Number(line.line as u64))])
        })
    }
}

impl Route {
    fn of(route: &RouteAt) -> Route {
        Route { pattern: route.pattern.clone(), kind: route.kind.to_owned(), place: Line::of(route.place.as_ref()) }
    }

    fn json(&self) -> Json {
        Json::object([
            ("pattern", self.pattern.as_str().into()),
            ("kind", self.kind.as_str().into()),
            ("place", Line::json(self.place.as_ref())),
        ])
    }
}

impl Passed {
    fn of(lost: &Lost) -> Passed {
        Passed { route: Route::of(&lost.route), why: lost.why.clone() }
    }

    fn json(&self) -> Json {
        Json::object([("route", self.route.json()), ("why", self.why.as_str().into())])
    }
}

impl File {
    fn of(page: &Page) -> File {
        File { file: page.file.clone(), key: Named::of(&page.key) }
    }

    fn json(&self) -> Json {
        Json::object([("file", self.file.as_str().into()), ("key", self.key.json())])
    }
}
