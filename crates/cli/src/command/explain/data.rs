//! An explanation for programs.

use verdict_server::explain::{Explanation, Key, Lost, Page, Place, RouteAt, Step};
use verdict_server::json::Json;

pub(super) fn explanation(told: &Explanation) -> String {
    let (status, reason) = (told.verdict.status(), told.verdict.reason);
    let mut members = vec![
        ("status", Json::Number(u64::from(status.code()))),
        ("reason", reason.id().into()),
        ("told", told.told.id().into()),
        ("stage", reason.entry().stage.name().into()),
        ("section", reason.entry().section.into()),
        ("sentence", told.sentence.as_str().into()),
        ("remedy", told.remedy.as_str().into()),
        ("interim", told.interim.map_or(Json::Null, |interim| interim.reason().id().into())),
        ("at", told.at.map_or(Json::Null, |at| Json::Number(at as u64))),
        ("route", told.route.as_ref().map_or(Json::Null, route)),
        ("lost", Json::list(told.lost.iter().map(lost))),
        ("steps", Json::list(told.steps.iter().map(step))),
    ];
    let field = |(name, value): &(String, String)| Json::list([name.as_str(), value.as_str()]);
    members.push(("fields", Json::list(told.fields.iter().map(field))));
    members.push(("bytes", Json::Number(told.bytes)));
    members.push(("page", told.page.as_ref().map_or(Json::Null, page)));
    members.push(("keeps", Json::Flag(told.keeps)));
    format!("{}\n", Json::object(members))
}

fn page(page: &Page) -> Json {
    Json::object([("file", page.file.as_str().into()), ("key", key(&page.key))])
}

/// `holds` is `null` where the question was not asked because its field is ignored.
fn step(step: &Step) -> Json {
    Json::object([
        ("stage", step.question.stage().name().into()),
        ("question", step.question.words().into()),
        ("holds", step.holds.map_or(Json::Null, Json::Flag)),
        ("evidence", step.evidence.as_str().into()),
        ("key", step.key.as_ref().map_or(Json::Null, key)),
    ])
}

fn key(key: &Key) -> Json {
    Json::object([("name", key.name.as_str().into()), ("place", place(&key.place))])
}

fn lost(lost: &Lost) -> Json {
    Json::object([("route", route(&lost.route)), ("why", lost.why.as_str().into())])
}

fn route(route: &RouteAt) -> Json {
    let members =
        [("pattern", route.pattern.as_str().into()), ("kind", route.kind.into()), ("place", place(&route.place))];
    Json::object(members)
}

fn place(place: &Option<Place>) -> Json {
    place.as_ref().map_or(Json::Null, |place| {
        Json::object([("file", place.file.as_str().into()), ("line", Json::Number(place.line as u64))])
    })
}
