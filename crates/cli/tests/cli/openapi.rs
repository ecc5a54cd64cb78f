//! `verdict openapi` says what `verdict routes` says, in the form that tools read.

use crate::command::{folder, verdict};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use tempfile::TempDir;

fn examples() -> Vec<PathBuf> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples"));
    let all = folder.read_dir().expect("the examples").map(|entry| entry.expect("an entry").path());
    all.filter(|path| path.extension().is_some_and(|extension| extension == "toml")).collect()
}

fn json(arguments: &[&str]) -> Value {
    let ran = verdict(arguments);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).expect("JSON")
}

/// The statuses that `verdict routes` has for a method; of what an application answers, nothing.
fn statuses(groups: &Value, method: &str) -> BTreeSet<String> {
    let groups = groups.as_array().into_iter().flatten();
    let own = groups.filter(|group| group["methods"].as_array().is_some_and(|all| all.iter().any(|one| one == method)));
    let answers = own.flat_map(|group| group["answers"].as_array().into_iter().flatten());
    let ours = answers.filter(|answer| answer["reason"] != "upstream-answered");
    ours.map(|answer| answer["status"].to_string()).collect()
}

#[test]
fn it_has_the_statuses_of_each_route_and_method_and_no_others() {
    let examples = examples();
    assert!(examples.len() > 5, "{examples:?}");
    for example in examples {
        let name = example.to_str().expect("UTF-8");
        let (described, routes) = (json(&["openapi", "-c", name]), json(&["routes", "--json", "-c", name]));
        assert_eq!(described["openapi"], "3.1.1");
        let any: BTreeSet<String> =
            routes["any"].as_array().expect("a list").iter().map(|answer| answer["status"].to_string()).collect();
        let (mut compared, mut seen) = (0, BTreeSet::new());
        for route in routes["routes"].as_array().expect("a list") {
            let pattern = route["pattern"].as_str().expect("a pattern").replace("...}", "}");
            let path = &pattern[pattern.find('/').expect("a path")..];
            let Some(item) = described["paths"].get(path).filter(|_| pattern.starts_with('/')) else { continue };
            // What leads to https:// has the pattern of another.
            if !seen.insert(pattern.clone()) {
                continue;
            }
            for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"] {
                let told = item[method.to_lowercase()]["responses"].as_object();
                let told: BTreeSet<String> = told.into_iter().flat_map(|all| all.keys().cloned()).collect();
                let told: BTreeSet<String> = told.into_iter().filter(|status| status != "default").collect();
                let mut wanted = statuses(&route["methods"], method);
                if !wanted.is_empty() {
                    wanted.extend(any.iter().cloned());
                }
                assert_eq!(told, wanted, "{method} {pattern} of {name}");
                compared += 1;
            }
        }
        assert!(compared > 0, "{name}");
    }
}

/// Every `$ref` of a document, and every name of a path's template.
fn walk(value: &Value, visit: &mut impl FnMut(&str)) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if let (true, Some(reference)) = (name == "$ref", value.as_str()) {
                    visit(reference);
                }
                walk(value, visit);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| walk(value, visit)),
        _ => {}
    }
}

#[test]
fn what_it_refers_to_is_there_and_what_must_be_carried_is_promised() {
    for example in examples() {
        let described = json(&["openapi", "-c", example.to_str().expect("UTF-8")]);
        walk(&described, &mut |reference| {
            let pointer = reference.strip_prefix('#').expect("a reference within");
            assert!(described.pointer(pointer).is_some(), "{reference}");
        });
        for (path, item) in described["paths"].as_object().expect("paths") {
            let named = path.matches('{').count();
            let declared = item["parameters"].as_array().map_or(0, Vec::len);
            assert_eq!(named, declared, "{path}");
        }
    }
    let notes = json(&["openapi", "-c", concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/notes.toml")]);
    let put = &notes["paths"]["/notes/{id}"]["put"];
    assert_eq!(put["requestBody"]["content"]["application/json"]["schema"]["required"], serde_json::json!(["title"]));
    assert_eq!(put["responses"]["201"]["headers"]["Location"]["required"], true);
    let created = &notes["paths"]["/notes"]["post"]["responses"]["201"]["headers"];
    assert_eq!(created["Location"]["required"], true, "{created}");
}

#[test]
fn only_where_it_is_answered_so_and_nothing_of_what_is_hidden() {
    let https = json(&["openapi", "-c", concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/https.toml")]);
    assert_eq!(https["servers"], serde_json::json!([{ "url": "https://127.0.0.1:8443" }]));
    let gateway = json(&["openapi", "-c", concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/gateway.toml")]);
    let of_folder = &gateway["paths"]["/app"]["put"]["responses"];
    assert_eq!(of_folder["308"]["headers"]["Location"]["required"], true);
    assert!(of_folder["200"].is_null() && of_folder["default"].is_null() && !of_folder["400"].is_null(), "{of_folder}");
    assert!(gateway["paths"]["/app"]["parameters"].is_null());
    // The application may say it too, in its own words.
    let unavailable = &gateway["paths"]["/app/{path}"]["get"]["responses"]["503"];
    assert_eq!(unavailable["headers"]["Retry-After"]["required"], false);
    assert!(unavailable["content"].is_null(), "{unavailable}");
    let config = "[auth.staff]\ntokens = \"tokens\"\n[route.\"/a\"]\nrespond = { status = 200 }\nauth = \"staff\"\nhide = true\n";
    let hidden = folder_of(config);
    let ran = verdict(&["openapi", "-c", hidden.path().join("verdict.toml").to_str().expect("UTF-8")]);
    assert!(
        ran.exit == 0 && ran.stdout.contains("`nothing-there`") && !ran.stdout.contains("hidden-from"),
        "{}",
        ran.stderr
    );
}

/// A folder with a config and a file of tokens.
fn folder_of(config: &str) -> TempDir {
    let folder = folder(config);
    let token = verdict(&["hash-token", "ann"]).stdout;
    std::fs::write(folder.path().join("tokens"), token).expect("a file");
    folder
}
