//! The reference as JSON, and what both forms ask of the catalogue.

use crate::json::Json;
use verdict_core::decide::respond::respond;
use verdict_core::explain::{Evidence, remedy, sentence};
use verdict_core::reason::CATALOGUE;
use verdict_core::reference::{Caching, class_name, compare, content, entry};
use verdict_core::status::{Entry, REGISTRY, Required};
use verdict_core::{Method, Reason, Status};

/// This server's reasons for a status, in the order of decision.
pub(super) fn reasons(status: Status) -> impl Iterator<Item = Reason> {
    CATALOGUE.iter().filter(move |entry| entry.status == Some(status)).map(|entry| entry.reason)
}

/// The fields that an answer for this reason carries.
pub(super) fn carries(reason: Reason) -> &'static [Required] {
    respond(reason, Method::Get).required
}

/// Every registered code.
pub(super) fn all() -> String {
    line(&Json::object([(
        "statuses",
        Json::List(REGISTRY.iter().map(|line| Json::object(registered(line))).collect()),
    )]))
}

/// One code, with this server's reasons for it.
pub(super) fn one(status: Status) -> String {
    let (Some(registry), Some(entry)) = (status.entry(), entry(status)) else { return String::new() };
    let mut members = registered(registry);
    members.extend([
        ("when", entry.when.into()),
        ("when_not", entry.when_not.into()),
        ("next", entry.next.into()),
        ("reasons", Json::List(reasons(status).map(told).collect())),
    ]);
    line(&Json::object(members))
}

/// Several codes, and the questions that tell them apart where there are such.
pub(super) fn several(statuses: &[Status]) -> String {
    let lines = statuses.iter().filter_map(|status| status.entry());
    let comparison = compare(statuses);
    let advice = comparison.as_ref().map_or(Json::Null, |comparison| comparison.advice.into());
    let questions = comparison.into_iter().flat_map(|comparison| comparison.rows).map(|row| {
        let answers = statuses.iter().zip(row.answers).map(|(status, answer)| (status.to_string(), answer.into()));
        Json::object([("question", row.question.into()), ("answers", Json::object(answers))])
    });
    line(&Json::object([
        ("statuses", Json::List(lines.map(|line| Json::object(registered(line))).collect())),
        ("questions", Json::List(questions.collect())),
        ("advice", advice),
    ]))
}

/// What the registry has of a code, and what it means.
fn registered(line: &Entry) -> Vec<(&'static str, Json)> {
    vec![
        ("code", Json::Number(line.status.code().into())),
        ("name", line.phrase.into()),
        ("class", class_name(line.status.class()).into()),
        ("section", line.section.into()),
        ("meaning", entry(line.status).map_or(Json::Null, |entry| entry.meaning.into())),
        ("content", content(line.content).into()),
        ("cacheable", Caching::of(line).name().into()),
        ("required", Json::list(line.required.iter().map(|field| field.name()))),
    ]
}

fn told(reason: Reason) -> Json {
    let entry = reason.entry();
    let remedy = remedy(reason, Evidence::default());
    Json::object([
        ("id", entry.id.into()),
        ("stage", entry.stage.name().into()),
        ("section", entry.section.into()),
        ("sentence", sentence(reason, Evidence::default()).into()),
        ("remedy", if remedy.is_empty() { Json::Null } else { remedy.into() }),
        ("required", Json::list(carries(reason).iter().map(|field| field.name()))),
    ])
}

fn line(value: &Json) -> String {
    format!("{value}\n")
}
