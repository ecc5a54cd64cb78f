//! Collections of documents, and what they need of the rest of a config.

use super::super::*;
use super::{fixture, parse};

fn documents(text: &str) -> Result<Config, Vec<String>> {
    let folder = fixture();
    std::fs::write(folder.path().join("note.json"), "{\"type\":\"object\"}").unwrap();
    std::fs::write(folder.path().join("wrong.json"), "{\"type\":\"note\"}").unwrap();
    let report = |report: Report| report.diagnostics().iter().map(|found| found.message.clone()).collect();
    parse(text, folder.path()).map_err(report)
}

#[test]
fn a_collection_is_a_route_of_its_own_that_shares_what_its_documents_have() {
    let options = "schema = \"note.json\", unique = \"/a\", index = [\"/b\", \"/c/0\"], version = \"/rev\", \
                   if-match = \"required\", keep-deleted = \"30d\", quota = \"1GiB\", page = 20";
    let text = format!(
        "state = \"s\"\n[route.\"a.example/notes/{{id}}\"]\ndocuments = {{ {options} }}\nlimits = {{ body = \"1KiB\" }}\n"
    );
    let config = documents(&text).unwrap();
    let [of_document, of_collection] = &config.routes[..] else { panic!("{:?}", config.routes) };
    assert_eq!(
        (of_document.pattern.as_str(), of_collection.pattern.as_str()),
        ("a.example/notes/{id}", "a.example/notes")
    );
    assert_eq!((of_document.limits.body, of_collection.limits.body), (1024, 1024));
    let (Kind::Document(one), Kind::Collection(other)) = (&of_document.kind, &of_collection.kind) else {
        panic!("{config:?}")
    };
    assert!(Arc::ptr_eq(one, other));
    let shown =
        |pointers: &[crate::document::pointer::Pointer]| pointers.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        (shown(&one.unique), shown(&one.index)),
        (vec!["/a".to_owned()], vec!["/b".to_owned(), "/c/0".to_owned()])
    );
    assert!(one.schema.is_some() && one.version.is_some() && one.if_match_required);
    assert_eq!((one.keep_deleted, one.quota, one.page), (Duration::from_secs(30 * 86_400), Some(1 << 30), 20));
    let plain = documents("state = \"s\"\n[route.\"/{id}\"]\ndocuments = {}\n").unwrap();
    let Kind::Collection(plain) = &plain.routes[1].kind else { panic!("{plain:?}") };
    assert_eq!((plain.collection.as_str(), plain.keep_deleted, plain.page), ("/", Duration::from_secs(86_400), 50));
}

#[test]
fn what_documents_cannot_be_is_refused_with_a_sentence() {
    for (text, message) in [
        ("[route.\"/n/{id}\"]\ndocuments = {}", "a `documents` route without a place to keep them"),
        (
            "state = \"s\"\n[route.\"/n/{id...}\"]\ndocuments = {}",
            "a `documents` route needs a pattern whose last part is a name",
        ),
        (
            "state = \"s\"\n[route.\"/n\"]\ndocuments = {}",
            "a `documents` route needs a pattern whose last part is a name",
        ),
        (
            "state = \"s\"\n[route.\"/{user}/n/{id}\"]\ndocuments = {}",
            "a `documents` route has one name, that of the id",
        ),
        (
            "state = \"s\"\n[route.\"/n/{id}\"]\ndocuments = {}\n[route.\"/n\"]\nfiles = \"public\"",
            "`/n` and `/n` match the same requests",
        ),
        (
            "state = \"s\"\n[route.\"/n/{id}\"]\ndocuments = { unique = [\"a\"] }",
            "`a` is not a JSON Pointer: a JSON Pointer begins with `/`, or is empty for the whole document",
        ),
        ("state = \"s\"\n[route.\"/n/{id}\"]\ndocuments = { index = [\"/a\", \"/a\"] }", "`/a` is there twice"),
        ("state = \"s\"\n[route.\"/n/{id}\"]\ndocuments = { index = \"\" }", "an empty pointer is the whole document"),
        (
            "state = \"s\"\n[route.\"/n/{id}\"]\ndocuments = { version = \"/a/b\" }",
            "`/a/b` names no member of a document",
        ),
        (
            "state = \"s\"\n[route.\"/n/{id}\"]\ndocuments = { schema = \"none.json\" }",
            "`none.json` cannot be read: No such file or directory (os error 2)",
        ),
        ("state = \"s\"\n[route.\"/n/{id}\"]\ndocuments = { page = 0 }", "`page` is from 1 to 1000, not 0"),
        (
            "listen = \"http://0.0.0.0:1\"\nstate = \"s\"\n[route.\"/n/{id}\"]\ndocuments = {}",
            "`/n/{id}` can be written by anybody who reaches 0.0.0.0:1",
        ),
    ] {
        let found = documents(text).expect_err(text);
        assert!(found.iter().any(|found| found == message), "{text}: {found:?}");
    }
    let found = documents("state = \"s\"\n[route.\"/n/{id}\"]\ndocuments = { schema = \"wrong.json\" }")
        .expect_err("no schema");
    assert!(found[0].starts_with("`wrong.json` is not a JSON Schema that can be used: "), "{found:?}");
    let open = "listen = \"http://0.0.0.0:1\"\nstate = \"s\"\n[route.\"/n/{id}\"]\ndocuments = {}\nauth = \"none\"\n";
    assert!(documents(open).is_ok(), "it is open on purpose");
}
