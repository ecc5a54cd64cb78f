//! The reference as JSON, and what both forms ask of the catalogue.

use super::given::given;
use std::collections::BTreeSet;
use verdict_core::decide::respond::respond;
use verdict_core::explain::{Evidence, remedy, sentence};
use verdict_core::reason::{CATALOGUE, Fault, Retry};
use verdict_core::reference::{Caching, class_name, compare, comparisons_with, content, entry};
use verdict_core::status::{Entry, REGISTRY, Required};
use verdict_core::{Method, Reason, Status};
use verdict_server::json::Json;

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
    let given = given();
    let mut members = registered(registry);
    members.extend([
        ("when", entry.when.into()),
        ("when_not", entry.when_not.into()),
        ("next", entry.next.into()),
        ("compare", Json::List(comparisons_with(status).into_iter().map(codes).collect())),
        ("reasons", Json::List(reasons(status).map(|reason| told(reason, given.as_ref())).collect())),
    ]);
    line(&Json::object(members))
}

/// One of this server's reasons.
pub(super) fn reason(reason: Reason) -> String {
    line(&told(reason, given().as_ref()))
}

/// Several of them.
pub(super) fn reasons_of(reasons: &[Reason]) -> String {
    let given = given();
    let told = reasons.iter().map(|reason| told(*reason, given.as_ref()));
    line(&Json::object([("reasons", Json::List(told.collect()))]))
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

fn codes(statuses: Vec<Status>) -> Json {
    Json::List(statuses.into_iter().map(|status| Json::Number(status.code().into())).collect())
}

/// `given` is `null` where it is not known.
fn told(reason: Reason, given: Option<&BTreeSet<Reason>>) -> Json {
    let entry = reason.entry();
    let remedy = remedy(reason, Evidence::default());
    Json::object([
        ("id", entry.id.into()),
        ("given", given.map_or(Json::Null, |given| Json::Flag(given.contains(&reason)))),
        ("told_as", reason.public().id().into()),
        ("status", entry.status.map_or(Json::Null, |status| Json::Number(status.code().into()))),
        ("stage", entry.stage.name().into()),
        ("section", entry.section.into()),
        ("sentence", sentence(reason, Evidence::default()).into()),
        ("remedy", if remedy.is_empty() { Json::Null } else { remedy.into() }),
        ("fault", fault(entry.fault).into()),
        ("retry", retry(entry.retry).into()),
        ("required", Json::list(carries(reason).iter().map(|field| field.name()))),
    ])
}

const fn fault(fault: Fault) -> &'static str {
    match fault {
        Fault::Nobody => "nobody",
        Fault::Client => "client",
        Fault::Upstream => "upstream",
        Fault::Operator => "operator",
        Fault::Us => "server",
    }
}

const fn retry(retry: Retry) -> &'static str {
    match retry {
        Retry::Unneeded => "unneeded",
        Retry::Never => "never",
        Retry::AfterChange => "after-change",
        Retry::AfterWhile => "after-while",
    }
}

fn line(value: &Json) -> String {
    format!("{value}\n")
}
