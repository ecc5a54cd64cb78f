//! `verdict openapi`: the config's routes as OpenAPI 3.1, with every status that each route and method can give.
//!
//! Rule: nothing is listed here. What can be given is asked of the decision, as `verdict routes` asks it, and what must go with it of
//! the same place that a live answer has it from.

use super::Failure;
use super::source::{Loaded, Source};
use crate::screen;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use verdict_core::decide::respond;
use verdict_core::explain::{Evidence, sentence, visible};
use verdict_core::path::Stage;
use verdict_core::status::Class;
use verdict_core::{Method, Reason, Status};
use verdict_server::config::{Auth, Config, Documents, Explain, Kind, Part, Route};
use verdict_server::explain::DryRun;
use verdict_server::route::{Host, Segment};
use verdict_server::routes::{OfMethods, OfRoute, Possibilities};

/// Describe the routes as OpenAPI 3.1
///
/// Every route and method with every status that it can give, the fields that each must carry, and the schemas of documents: for
/// tools that make clients, documentation and tests. It is derived from the decision itself.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,
}

const EXAMPLES: &str = "\
Examples:
  verdict openapi > openapi.json      of verdict.toml
  verdict openapi -c other.toml       of another config";

/// The methods that OpenAPI 3.1 has a place for (§4.8.9.1).
const METHODS: [(Method, &str); 8] = [
    (Method::Get, "get"),
    (Method::Head, "head"),
    (Method::Post, "post"),
    (Method::Put, "put"),
    (Method::Delete, "delete"),
    (Method::Options, "options"),
    (Method::Patch, "patch"),
    (Method::Trace, "trace"),
];

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let Loaded { config, name, text } = args.source.load()?;
    let title = if name.is_empty() { "verdict serve".to_owned() } else { visible(&name) };
    let (routes, explain) = (config.routes.clone(), config.explain);
    let servers: Vec<_> = servers(&config).map(|url| json!({ "url": url })).collect();
    let schemes: Map<String, Value> = config.auth.iter().flat_map(schemes_of).collect();
    let auths = config.auth.clone();
    let site = DryRun::new(config, &visible(&name), text).map_err(|error| Failure::Wrong(error.to_string()))?;
    let document = json!({
        "openapi": "3.1.1",
        "info": { "title": title, "version": env!("CARGO_PKG_VERSION"), "description": DESCRIPTION },
        "servers": servers,
        "paths": paths(&routes, &auths, &site.possibilities()),
        "components": { "schemas": { "Problem": problem(explain) }, "securitySchemes": schemes },
    });
    screen::say(&format!("{document:#}\n"))
}

/// Where what is described is answered: not where whatever comes is sent to `https://`.
fn servers(config: &Config) -> impl Iterator<Item = String> {
    let only_tls = config.tls.as_ref().is_some_and(|tls| tls.redirect_http);
    let urls = config.listen.iter().map(ToString::to_string);
    urls.filter(move |url| !only_tls || url.starts_with("https:"))
}

const DESCRIPTION: &str = "Each status is listed with the reasons for which it is given; an answer tells its reason in the `type` of \
                           its problem (RFC 9457), `urn:verdict:reason:ID`.";

/// RFC 9457 §3, and what this server adds.
fn problem(explain: Explain) -> Value {
    let required = match explain {
        Explain::Off => vec!["title", "status"],
        Explain::Problem | Explain::Header => vec!["type", "title", "status", "detail", "instance"],
    };
    json!({
        "type": "object",
        "required": required,
        "properties": {
            "type": { "type": "string", "pattern": "^urn:verdict:reason:[a-z0-9-]+$" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
            "instance": { "type": "string" },
            "remedy": { "type": "string" },
        },
    })
}

/// A problem for one of these reasons.
fn problem_of(reasons: &[Reason]) -> Value {
    let types: Vec<_> = reasons.iter().map(|reason| format!("urn:verdict:reason:{reason}")).collect();
    json!({ "$ref": "#/components/schemas/Problem", "properties": { "type": { "enum": types } } })
}

/// How somebody says who they are, each way by a name.
fn schemes_of(auth: &Auth) -> Vec<(String, Value)> {
    let scheme = |scheme: &str| (format!("{}-{scheme}", auth.name), json!({ "type": "http", "scheme": scheme }));
    let basic = auth.basic.is_some().then(|| scheme("basic"));
    let bearer = (auth.tokens.is_some() || auth.jwt.is_some()).then(|| scheme("bearer"));
    basic.into_iter().chain(bearer).collect()
}

fn paths(routes: &[Route], auths: &[Auth], possible: &Possibilities) -> Value {
    let mut paths = Map::new();
    for (route, of_route) in routes.iter().zip(&possible.routes) {
        let (path, parameters) = template(route);
        // A route of a folder answers for the folder's own name too, as far as to tell the slash that it lacks.
        if let Some((folder, of_folder)) = route.may_lack_slash().then(|| folder(&path, &parameters)) {
            add(
                &mut paths,
                route,
                folder,
                of_folder,
                |group, method| {
                    let found = group.reasons.iter().copied().filter(|reason| reason.entry().stage <= Stage::Find);
                    operation(route, auths, of_route, found.chain(possible.any.iter().copied()), method)
                },
                of_route,
            );
        }
        add(
            &mut paths,
            route,
            path,
            parameters,
            |group, method| {
                let told = group.interim.iter().chain(&group.reasons).chain(&possible.any);
                operation(route, auths, of_route, told.copied(), method)
            },
            of_route,
        );
    }
    Value::Object(paths)
}

/// Adds a path with its operations. What is there already is of a more specific route.
fn add(
    paths: &mut Map<String, Value>,
    route: &Route,
    mut path: String,
    parameters: Vec<Value>,
    operation: impl Fn(&OfMethods, Method) -> Value,
    of_route: &OfRoute,
) {
    if paths.contains_key(&path) {
        match route.pattern.host() {
            // Of several hosts with the same path, the later ones have a name that no path has.
            Host::Exact(host) | Host::Below(host) => path = format!("{path}#{host}"),
            Host::Any => return,
        }
    }
    let mut item = Map::new();
    if let Host::Exact(host) = route.pattern.host() {
        item.insert("servers".to_owned(), json!([{ "url": format!("//{host}") }]));
    }
    if !parameters.is_empty() {
        item.insert("parameters".to_owned(), Value::Array(parameters));
    }
    for (method, name) in METHODS {
        if let Some(group) = of_route.methods.iter().find(|group| group.methods.contains(&method)) {
            item.insert(name.to_owned(), operation(group, method));
        }
    }
    paths.insert(path, Value::Object(item));
}

/// The template, and what stands for its names, without what follows the last slash.
fn folder(path: &str, parameters: &[Value]) -> (String, Vec<Value>) {
    let (folder, last) = path.rsplit_once('/').unwrap_or_default();
    let named = if last.is_empty() { parameters.len() } else { parameters.len() - 1 };
    (folder.to_owned(), parameters[..named].to_vec())
}

/// The pattern as a path template (§4.8.8), and what stands for its names.
fn template(route: &Route) -> (String, Vec<Value>) {
    let (mut path, mut parameters) = (String::new(), Vec::new());
    for segment in route.pattern.segments() {
        path.push('/');
        match segment {
            Segment::Literal(text) => path.push_str(text),
            Segment::Name(name) | Segment::Rest(name) => {
                path.push_str(&format!("{{{name}}}"));
                let rest = matches!(segment, Segment::Rest(_));
                let description = if rest { "Any number of segments, none too." } else { "One segment." };
                parameters.push(json!({
                    "name": name, "in": "path", "required": true, "description": description,
                    "schema": { "type": "string" },
                }));
            }
        }
    }
    (path, parameters)
}

fn operation(
    route: &Route,
    auths: &[Auth],
    of_route: &OfRoute,
    told: impl Iterator<Item = Reason>,
    method: Method,
) -> Value {
    let mut by_status: BTreeMap<Status, Vec<Reason>> = BTreeMap::new();
    let mut passed = Vec::new();
    for reason in told {
        match reason {
            // Whatever the application says is its own to describe.
            Reason::UpstreamAnswered { .. } => passed.push(reason),
            // What a client is not to know, a description of the site does not tell either.
            reason => by_status.entry(reason.status()).or_default().push(reason.public()),
        }
    }
    let mut responses = Map::new();
    for (status, mut reasons) in by_status {
        reasons.extend(passed.iter().filter(|reason| reason.status() == status));
        reasons.sort();
        reasons.dedup();
        responses.insert(status.to_string(), response(route, status, &reasons, method));
    }
    if !passed.is_empty() {
        responses
            .insert("default".to_owned(), json!({ "description": "What the application behind the gateway answers." }));
    }
    let mut operation = Map::new();
    operation.insert("summary".to_owned(), json!(format!("{} {}", method.name(), of_route.route.pattern)));
    operation.insert("tags".to_owned(), json!([of_route.route.kind]));
    operation.insert("responses".to_owned(), Value::Object(responses));
    if let Some(content) = taken(route, method) {
        operation.insert("requestBody".to_owned(), json!({ "required": true, "content": content }));
    }
    if let Some(auth) = route.auth.and_then(|auth| auths.get(auth)) {
        let of_auth = schemes_of(auth).into_iter().map(|(name, _)| json!({ name: [] }));
        operation.insert("security".to_owned(), of_auth.collect());
    }
    Value::Object(operation)
}

fn response(route: &Route, status: Status, reasons: &[Reason], method: Method) -> Value {
    let told = reasons.iter().map(|reason| format!("- `{reason}`: {}", sentence(*reason, Evidence::default())));
    let mut response = Map::new();
    let description = format!("{}\n\n{}", status.phrase(), told.collect::<Vec<_>>().join("\n"));
    response.insert("description".to_owned(), json!(description));
    // A field is promised where every reason of the status carries it.
    let mut fields: BTreeMap<&str, usize> = BTreeMap::new();
    for required in reasons.iter().flat_map(|reason| respond(*reason, method).required) {
        *fields.entry(required.name()).or_default() += 1;
    }
    let headers: Map<String, Value> = fields
        .into_iter()
        .map(|(name, count)| {
            (name.to_owned(), json!({ "required": count == reasons.len(), "schema": { "type": "string" } }))
        })
        .collect();
    if !headers.is_empty() {
        response.insert("headers".to_owned(), Value::Object(headers));
    }
    if let Some(content) = given(route, status, reasons, method) {
        response.insert("content".to_owned(), content);
    }
    Value::Object(response)
}

/// The content of an answer; `None` where there is none, or where it can be anything.
fn given(route: &Route, status: Status, reasons: &[Reason], method: Method) -> Option<Value> {
    let passes = reasons.iter().any(|reason| matches!(reason, Reason::UpstreamAnswered { .. }));
    if passes || !reasons.iter().any(|reason| respond(*reason, method).content) {
        return None;
    }
    // What comes with them is the document, or the collection's page.
    let represented = reasons.iter().any(|reason| matches!(reason, Reason::Served { .. } | Reason::Updated { .. }));
    match status.class() {
        Class::ClientError | Class::ServerError => {
            let mut content = Map::new();
            let configured = match &route.kind {
                Kind::Respond(respond) if respond.status == status && respond.body.is_some() => Some(respond),
                _ => None,
            };
            if configured.is_none() || reasons.iter().any(|reason| !matches!(reason, Reason::ConfiguredAnswer { .. })) {
                let text = || json!({ "schema": { "type": "string" } });
                content.insert("application/problem+json".to_owned(), json!({ "schema": problem_of(reasons) }));
                content.insert("text/plain".to_owned(), text());
                content.insert("text/html".to_owned(), text());
            }
            if let Some(respond) = configured {
                let media_type = respond.media_type.split(';').next().unwrap_or_default().trim_end();
                content.entry(media_type).or_insert_with(|| json!({}));
            }
            Some(Value::Object(content))
        }
        Class::Successful => match &route.kind {
            Kind::Document(documents) if represented => {
                Some(json!({ "application/json": { "schema": schema(documents) } }))
            }
            Kind::Collection(documents) if represented && method == Method::Get => {
                let text = || json!({ "type": "string" });
                let entry = json!({
                    "type": "object",
                    "required": ["id", "etag", "href", "document"],
                    "properties": { "id": text(), "etag": text(), "href": text(), "document": schema(documents) },
                });
                let page = json!({
                    "type": "object",
                    "required": ["documents"],
                    "properties": { "documents": { "type": "array", "items": entry }, "next": text() },
                });
                Some(json!({ "application/json": { "schema": page } }))
            }
            _ => None,
        },
        Class::Informational | Class::Redirection => None,
    }
}

/// The content that a request has, where the route says which.
fn taken(route: &Route, method: Method) -> Option<Value> {
    match (&route.kind, method) {
        (Kind::Document(documents), Method::Put) | (Kind::Collection(documents), Method::Post) => {
            Some(json!({ "application/json": { "schema": schema(documents) } }))
        }
        (Kind::Document(_), Method::Patch) => Some(json!({
            "application/merge-patch+json": { "schema": {} },
            "application/json-patch+json": { "schema": { "type": "array" } },
        })),
        (Kind::Jobs(_, Part::Queue), Method::Post) => Some(json!({ "*/*": {} })),
        _ => None,
    }
}

/// What a document must be; without a schema, any JSON.
fn schema(documents: &Documents) -> Value {
    let text = documents.schema.as_ref().map(|schema| schema.text());
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| json!({}))
}
