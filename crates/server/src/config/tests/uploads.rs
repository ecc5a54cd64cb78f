//! `upload` beside `files`, and what it needs of the rest of a config.

use super::super::*;
use super::{fixture, parse};
use std::time::Duration;

fn uploads(text: &str) -> Result<Config, Vec<String>> {
    let folder = fixture();
    std::fs::create_dir_all(folder.path().join("public/in")).unwrap();
    std::fs::create_dir_all(folder.path().join("other")).unwrap();
    let report = |report: Report| report.diagnostics().iter().map(|found| found.message.clone()).collect();
    parse(text, folder.path()).map_err(report)
}

#[test]
fn each_option_is_read_and_has_its_default() {
    let of = |options: &str| {
        let text = format!("state = \"s\"\n[route.\"/{{p...}}\"]\nfiles = \"public\"\nupload = {options}\n");
        let config = uploads(&text).unwrap();
        match &config.routes[0].kind {
            Kind::Files(files) => files.upload.clone().expect("it takes files"),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(of("{}"), Upload::default());
    let options =
        "{ quota = \"2GiB\", types = [\"image/*\"], delete = false, keep-deleted = \"1h\", create-folders = true }";
    let expected = Upload {
        quota: Some(2 << 30),
        types: Some(vec!["image/*".to_owned()]),
        delete: false,
        keep_deleted: Duration::from_secs(3600),
        create_folders: true,
    };
    assert_eq!(of(options), expected);
}

#[test]
fn what_cannot_be_uploaded_to_is_refused_with_a_sentence() {
    let two = |other: &str| {
        format!(
            "state = \"s\"\n[route.\"/a/{{p...}}\"]\nfiles = \"public\"\nupload = {{}}\n\
             [route.\"/b/{{p...}}\"]\nfiles = \"{other}\"\nupload = {{}}\n"
        )
    };
    for (text, message) in [
        (
            "[route.\"/{p...}\"]\nfiles = \"public\"\nupload = {}",
            "an `upload` route without a place to keep count of them",
        ),
        (
            "state = \"s\"\n[route.\"/{p...}\"]\nrespond = { status = 204 }\nupload = {}",
            "`upload` on a `respond` route",
        ),
        (
            "state = \"s\"\n[route.\"/{p...}\"]\nfiles = \"public\"\nupload = { quotas = \"1MiB\" }",
            "unknown key `quotas`",
        ),
        (
            "listen = \"http://0.0.0.0:1\"\nstate = \"s\"\n[route.\"/{p...}\"]\nfiles = \"public\"\nupload = {}",
            "`/{p...}` can be written by anybody who reaches 0.0.0.0:1",
        ),
        (&two("public"), "two `upload` routes for one folder"),
        (&two("public/in"), "two `upload` routes for one folder"),
    ] {
        let found = uploads(text).expect_err(text);
        assert!(found.iter().any(|found| found == message), "{text}: {found:?}");
    }
    assert!(uploads(&two("other")).is_ok());
}
