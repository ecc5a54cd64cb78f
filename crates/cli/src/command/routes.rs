//! `verdict routes`: each route and method with every status that it can give, and why.

use super::Failure;
use super::source::{Loaded, Source};
use crate::screen::{self, Screen, Style};
use crate::table::Table;
use std::fmt::Write;
use verdict_core::explain::visible;
use verdict_core::{Method, Reason};
use verdict_server::explain::{DryRun, RouteAt};
use verdict_server::json::Json;
use verdict_server::routes::{OfMethods, Possibilities};

/// List each route with every status that it can give, and why
///
/// The list is derived from the decision itself, so that it has what can happen and nothing else.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Write JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: Source,
}

const EXAMPLES: &str = "\
Examples:
  verdict routes                the routes of verdict.toml
  verdict routes --dir .        what `verdict serve .` can answer
  verdict routes --json         for a program";

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let Loaded { config, name, text } = args.source.load()?;
    let site = DryRun::new(config, &visible(&name), text).map_err(|error| Failure::Wrong(error.to_string()))?;
    let possible = site.possibilities();
    screen::say(&if args.json { data(&possible) } else { text_of(&possible, &Screen::stdout()) })
}

fn text_of(possible: &Possibilities, screen: &Screen) -> String {
    // What all have is said once.
    let groups = || possible.routes.iter().flat_map(|of_route| &of_route.methods).chain(&possible.nowhere);
    let first = groups().next().map_or(&[][..], |group| &group.reasons);
    let shared: Vec<Reason> =
        first.iter().copied().filter(|reason| groups().all(|group| group.reasons.contains(reason))).collect();
    let mut table = Table::new(2);
    for of_route in &possible.routes {
        table.heading(Style::Strong, title(&of_route.route));
        push_methods(&mut table, &of_route.methods, &shared);
    }
    table.heading(Style::Strong, "where no route matches");
    push_methods(&mut table, &possible.nowhere, &shared);
    table.heading(Style::Strong, "to any request, whatever it asks for");
    push_reasons(&mut table, "any", &[&shared[..], &possible.any].concat());
    // A heading stands after an empty line, and the first has nothing above it.
    table.render(screen).trim_start_matches('\n').to_owned()
}

/// `/{path...}  files, verdict.toml:4`
fn title(route: &RouteAt) -> String {
    let mut out = format!("{}  {}", visible(&route.pattern), route.kind);
    if let Some(place) = &route.place {
        let _ = write!(out, ", {}", visible(&place.to_string()));
    }
    out
}

fn push_methods(table: &mut Table, methods: &[OfMethods], shared: &[Reason]) {
    for group in methods {
        let names: Vec<_> = group.methods.iter().map(|method| method.name()).collect();
        let mut reasons = [group.interim.as_slice(), &group.reasons].concat();
        reasons.retain(|reason| !shared.contains(reason));
        push_reasons(table, &names.join(" "), &reasons);
    }
}

/// A line for each status, in the order of their codes, with its reasons.
fn push_reasons(table: &mut Table, name: &str, reasons: &[Reason]) {
    let mut name = name;
    for (status, reasons) in by_status(reasons) {
        table.named_row(Style::Cyan, std::mem::take(&mut name), [status.to_string(), reasons.join(", ")]);
    }
}

fn by_status(reasons: &[Reason]) -> Vec<(verdict_core::Status, Vec<&'static str>)> {
    let mut sorted = reasons.to_vec();
    sorted.sort_by_key(|reason| reason.status());
    sorted
        .chunk_by(|a, b| a.status() == b.status())
        .map(|chunk| (chunk[0].status(), chunk.iter().map(|reason| reason.id()).collect()))
        .collect()
}

fn data(possible: &Possibilities) -> String {
    let routes = possible.routes.iter().map(|of_route| {
        let route = &of_route.route;
        Json::object([
            ("pattern", route.pattern.as_str().into()),
            ("kind", route.kind.into()),
            ("line", route.place.as_ref().map_or(Json::Null, |place| Json::Number(place.line as u64))),
            ("methods", methods(&of_route.methods)),
        ])
    });
    let members =
        [("routes", Json::list(routes)), ("nowhere", methods(&possible.nowhere)), ("any", reasons(&possible.any))];
    format!("{}\n", Json::object(members))
}

fn methods(groups: &[OfMethods]) -> Json {
    Json::list(groups.iter().map(|group| {
        Json::object([
            ("methods", Json::list(group.methods.iter().map(|method| Method::name(*method)))),
            ("answers", reasons(&[group.interim.as_slice(), &group.reasons].concat())),
        ])
    }))
}

fn reasons(reasons: &[Reason]) -> Json {
    Json::list(reasons.iter().map(|reason| {
        Json::object([("status", Json::Number(u64::from(reason.status().code()))), ("reason", reason.id().into())])
    }))
}
