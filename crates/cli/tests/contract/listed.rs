//! What `verdict openapi` and `verdict routes` have for each path and method, and whether an answer is within both.

use crate::asked::Asking;
use crate::client::Answer;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::Command;

/// The methods that have a place in OpenAPI 3.1 (§4.8.9.1).
const PLACES: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"];

/// Statuses with their reasons.
type Reasons = HashSet<(u16, String)>;

pub(crate) struct Contract {
    /// By pattern and method; what no route matches is by an empty pattern.
    routes: HashMap<(String, String), Reasons>,
    /// By path and method.
    described: HashMap<(String, String), Operation>,
    /// The members that each problem has.
    problem: Vec<String>,
}

#[derive(Default)]
struct Operation {
    by_status: HashMap<u16, Response>,
    /// Whether there is `default`.
    any: bool,
}

struct Response {
    /// The fields that are there, in small letters.
    promised: Vec<String>,
    /// The media types; none where nothing is said of them.
    types: Option<HashSet<String>>,
    reasons: HashSet<String>,
    /// What the `type` of a problem can be.
    problems: HashSet<String>,
}

impl Contract {
    /// Of the config in that folder.
    pub(crate) fn of(folder: &Path) -> Contract {
        let (openapi, routes) = (json(folder, &["openapi"]), json(folder, &["routes", "--json"]));
        let any = reasons(&routes["any"]);
        let mut by_pattern = HashMap::new();
        let nowhere = ("", &routes["nowhere"]);
        let all = routes["routes"].as_array().expect("a list").iter();
        let all = all.map(|route| (route["pattern"].as_str().expect("a pattern"), &route["methods"]));
        for (pattern, groups) in all.chain([nowhere]) {
            for group in groups.as_array().expect("a list") {
                let reasons: Reasons = reasons(&group["answers"]).union(&any).cloned().collect();
                for method in group["methods"].as_array().expect("a list") {
                    by_pattern.insert((pattern.to_owned(), text(method)), reasons.clone());
                }
            }
        }
        let mut described = HashMap::new();
        for (path, item) in openapi["paths"].as_object().expect("paths") {
            for method in PLACES {
                if let Some(operation) = item.get(method.to_ascii_lowercase()) {
                    described.insert((path.clone(), method.to_owned()), Operation::of(operation));
                }
            }
        }
        let problem = &openapi["components"]["schemas"]["Problem"]["required"];
        let problem = problem.as_array().into_iter().flatten().map(text).collect();
        Contract { routes: by_pattern, described, problem }
    }

    /// Whether the answer is within both; the error is what is not.
    pub(crate) fn judge(&self, asking: &Asking, answer: &Answer) -> Result<(), String> {
        let method =
            if PLACES.contains(&asking.method) || asking.method == "CONNECT" { asking.method } else { "(other)" };
        let pattern = asking.pattern.unwrap_or_default();
        let listed = self.routes.get(&(pattern.to_owned(), method.to_owned()));
        let listed = listed.ok_or_else(|| format!("`routes` has no {method} {pattern}"))?;
        let reason = answer.reason();
        let is = |status: u16, id: &str| {
            // An application may answer what nobody has registered.
            let same = |known: &(u16, String)| known.0 == status || known.1 == "upstream-answered";
            listed.iter().any(|known| same(known) && (id.is_empty() || known.1 == id || told_as(&known.1) == id))
        };
        if !is(answer.status, reason) {
            return Err(format!("`routes` has no {} {reason} for {method} {pattern}", answer.status));
        }
        if let Some(status) = answer.interim.iter().find(|status| !is(**status, "")) {
            return Err(format!("`routes` has no {status} before an answer to {method} {pattern}"));
        }
        // What has no place in OpenAPI, or belongs to no route, is described by nothing.
        if asking.pattern.is_none() || !PLACES.contains(&method) {
            return Ok(());
        }
        let path = asking.path.map_or_else(|| path_of(pattern), str::to_owned);
        let operation = self.described.get(&(path.clone(), method.to_owned()));
        let operation = operation.ok_or_else(|| format!("`openapi` has no {method} {path}"))?;
        for status in &answer.interim {
            if !operation.by_status.contains_key(status) {
                return Err(format!("`openapi` has no {status} before an answer to {method} {path}"));
            }
        }
        match operation.by_status.get(&answer.status) {
            Some(response) => self.fits(response, answer, reason),
            None if operation.any && matches!(reason, "upstream-answered" | "") => Ok(()),
            None => Err(format!("`openapi` has no {} ({reason}) for {method} {path}", answer.status)),
        }
    }

    fn fits(&self, response: &Response, answer: &Answer, reason: &str) -> Result<(), String> {
        if !reason.is_empty() && !response.reasons.contains(reason) {
            return Err(format!("`openapi` has {} without {reason}", answer.status));
        }
        if let Some(lacks) = response.promised.iter().find(|name| answer.get(name).is_none()) {
            return Err(format!("`openapi` promises {lacks} with {}", answer.status));
        }
        let (Some(types), Some(kind)) = (&response.types, answer.media_type()) else { return Ok(()) };
        if !types.contains(kind) {
            return Err(format!("`openapi` has no {kind} with {}, but {types:?}", answer.status));
        }
        if kind == "application/problem+json" && !answer.content.is_empty() {
            let problem: Value = serde_json::from_slice(&answer.content).map_err(|error| error.to_string())?;
            if let Some(lacks) = self.problem.iter().find(|name| problem.get(name.as_str()).is_none()) {
                return Err(format!("the problem has no `{lacks}`"));
            }
            let told = problem.get("type").and_then(Value::as_str).unwrap_or_default();
            let id = told.strip_prefix("urn:verdict:reason:").unwrap_or_default();
            if !told.is_empty() && !response.problems.contains(told) {
                return Err(format!("`openapi` has no problem of {told} with {}", answer.status));
            }
            if id != reason || problem["status"] != answer.status {
                return Err(format!("the problem is of {told} and {}", problem["status"]));
            }
        }
        Ok(())
    }
}

impl Operation {
    fn of(operation: &Value) -> Operation {
        let mut all = Operation::default();
        for (status, response) in operation["responses"].as_object().expect("responses") {
            match status.parse() {
                Ok(status) => {
                    all.by_status.insert(status, Response::of(response));
                }
                Err(_) => all.any = true,
            }
        }
        all
    }
}

impl Response {
    fn of(response: &Value) -> Response {
        let headers = response["headers"].as_object().into_iter().flatten();
        let promised =
            headers.filter(|(_, header)| header["required"] == true).map(|(name, _)| name.to_ascii_lowercase());
        let types = response["content"].as_object().map(|content| content.keys().cloned().collect());
        let lines = response["description"].as_str().expect("a description").lines();
        let reasons = lines.filter_map(|line| line.strip_prefix("- `")?.split('`').next()).map(str::to_owned);
        let problem = &response["content"]["application/problem+json"]["schema"]["properties"]["type"]["enum"];
        let problems = problem.as_array().into_iter().flatten().map(text).collect();
        Response { promised: promised.collect(), types, reasons: reasons.collect(), problems }
    }
}

/// What a client is told who is not to know: `routes` is for whoever runs the server.
fn told_as(reason: &str) -> &str {
    match reason {
        "hidden-from-stranger" | "hidden-from-user" | "outside-root" | "not-a-file" | "file-of-config" => {
            "nothing-there"
        }
        "password-wrong" => "user-unknown",
        reason => reason,
    }
}

/// The path that a pattern has in OpenAPI; of the same for several hosts, the later ones have the host behind it.
fn path_of(pattern: &str) -> String {
    let (host, path) = pattern.split_at(pattern.find('/').expect("a path"));
    let path = path.replace("...}", "}");
    if host.is_empty() { path } else { format!("{path}#{host}") }
}

fn reasons(answers: &Value) -> Reasons {
    let answers = answers.as_array().expect("a list").iter();
    answers.map(|answer| (answer["status"].as_u64().expect("a status") as u16, text(&answer["reason"]))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let ran = Command::new(env!("CARGO_BIN_EXE_verdict")).args(arguments).current_dir(folder).output();
    let ran = ran.expect("the command starts");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).expect("JSON")
}
