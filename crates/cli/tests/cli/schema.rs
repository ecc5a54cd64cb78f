//! `verdict schema`.

use crate::command::verdict;
use serde_json::Value;
use std::path::Path;

#[test]
fn the_schema_beside_the_documentation_is_the_one_that_is_written() {
    let ran = verdict(&["schema"]);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/verdict.schema.json");
    let kept = std::fs::read_to_string(kept).expect("docs/verdict.schema.json");
    assert!(
        ran.stdout == kept,
        "docs/verdict.schema.json is stale: cargo run -q -p verdict -- schema > docs/verdict.schema.json"
    );
}

#[test]
fn an_editor_is_told_the_keys_and_what_they_mean() {
    let schema: Value = serde_json::from_str(&verdict(&["schema"]).stdout).expect("JSON");
    assert_eq!(schema["properties"]["limits"]["properties"]["head"]["default"], "10s");
    assert_eq!(schema["properties"]["log"]["enum"], serde_json::json!(["json", "text", "off"]));
    let title = schema["title"].as_str().expect("a title");
    assert!(title.ends_with(env!("CARGO_PKG_VERSION")), "{title}");
}

#[test]
fn every_example_names_the_schema_beside_the_documentation() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    for file in folder.read_dir().expect("examples/") {
        let path = file.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text = std::fs::read_to_string(&path).expect("UTF-8");
            let named = text.lines().next().and_then(|line| line.strip_prefix("#:schema ")).expect("a schema");
            assert!(folder.join(named).is_file(), "{}", path.display());
        }
    }
}
