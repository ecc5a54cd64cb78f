//! What the page knows beside answers: the questions of a decision, and the reference of every code.

use crate::json::Json;
use verdict_core::explain::{Evidence, remedy, sentence};
use verdict_core::path::{Question, Stage};
use verdict_core::reason::CATALOGUE;
use verdict_core::reference::{compare, comparisons_with, entry};
use verdict_core::status::{REGISTRY, Status};

/// The eight stages, and every question in the order in which they are asked.
pub(super) fn questions() -> Json {
    let questions = Question::ALL
        .iter()
        .map(|question| Json::object([("stage", question.stage().name().into()), ("words", question.words().into())]));
    let stages = Stage::ALL.iter().map(|stage| stage.name());
    Json::object([("stages", Json::list(stages)), ("questions", Json::list(questions))])
}

/// Every registered code with this server's reasons for it, and what tells those apart that are taken for one another.
pub(super) fn codes() -> Json {
    let statuses = REGISTRY.iter().map(|line| {
        let entry = entry(line.status);
        let text = |text: Option<&'static str>| text.map_or(Json::Null, Json::from);
        let reasons = CATALOGUE.iter().filter(|entry| entry.status == Some(line.status)).map(|entry| {
            let remedy = remedy(entry.reason, Evidence::default());
            Json::object([
                ("id", entry.id.into()),
                ("stage", entry.stage.name().into()),
                ("section", entry.section.into()),
                ("sentence", sentence(entry.reason, Evidence::default()).into()),
                ("remedy", if remedy.is_empty() { Json::Null } else { remedy.into() }),
            ])
        });
        Json::object([
            ("code", Json::Number(line.status.code().into())),
            ("name", line.phrase.into()),
            ("section", line.section.into()),
            ("meaning", text(entry.map(|entry| entry.meaning))),
            ("when", text(entry.map(|entry| entry.when))),
            ("when_not", text(entry.map(|entry| entry.when_not))),
            ("next", text(entry.map(|entry| entry.next))),
            ("required", Json::list(line.required.iter().map(|field| field.name()))),
            ("reasons", Json::list(reasons)),
        ])
    });
    Json::object([("statuses", Json::list(statuses)), ("comparisons", comparisons())])
}

fn comparisons() -> Json {
    let mut known: Vec<Vec<Status>> = Vec::new();
    for compared in REGISTRY.iter().flat_map(|line| comparisons_with(line.status)) {
        if !known.contains(&compared) {
            known.push(compared);
        }
    }
    let compared = known.iter().filter_map(|statuses| compare(statuses)).map(|compared| {
        let codes = compared.statuses.iter().map(|status| Json::Number(status.code().into()));
        let rows = compared
            .rows
            .into_iter()
            .map(|row| Json::object([("question", row.question.into()), ("answers", Json::list(row.answers))]));
        Json::object([("codes", Json::list(codes)), ("rows", Json::list(rows)), ("advice", compared.advice.into())])
    });
    Json::list(compared)
}
