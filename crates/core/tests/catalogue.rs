//! Tidiness as a test: the tables are whole and agree with each other, with IANA and with the source that uses them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use verdict_core::path::{Question, Stage};
use verdict_core::reason::{CATALOGUE, Entry, Fault, RETIRED, Retry};
use verdict_core::status::{Class, REGISTRY};
use verdict_core::{Status, Verdict};

const CORE: &str = env!("CARGO_MANIFEST_DIR");

/// Reasons that are not told to anybody, so that there is nothing to advise.
const HIDDEN: [&str; 2] = ["hidden-from-stranger", "hidden-from-user"];

/// What the server could not do and nobody is to blame for: it was deleted on purpose, or others were faster.
const BLAMELESS: [&str; 4] = ["file-deleted", "document-deleted", "result-expired", "write-conflict"];

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every Rust file below a folder, in order.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The code of a file, without comments and without what comes after the first `#[cfg(test)]`: tests stand last in a file.
fn code(path: &Path) -> String {
    let text = read(path);
    let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap();
    let lines = code.lines().map(|line| line.split_once("//").map_or(line, |(before, _)| before));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The names that follow a prefix such as `Reason::`, without those of functions.
fn names_after<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let starts = code.match_indices(prefix).filter(|(at, _)| !code[..*at].ends_with(|c: char| c.is_alphanumeric()));
    let rest = starts.map(|(at, _)| &code[at + prefix.len()..]);
    let names = rest.map(|rest| &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())]);
    names.filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase())).collect()
}

/// Whether it is written as constants are: `NOT_FOUND`, and not `Tagged`.
fn is_constant(name: &str) -> bool {
    name.len() > 1 && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

#[test]
fn a_status_is_named_in_its_two_tables_only() {
    let crates = Path::new(CORE).parent().unwrap();
    let mut elsewhere = Vec::new();
    for folder in
        fs::read_dir(crates).unwrap().map(|entry| entry.unwrap().path().join("src")).filter(|src| src.is_dir())
    {
        for path in rust_files(&folder) {
            if ["core/src/status.rs", "core/src/reason.rs"].iter().any(|table| path.ends_with(table)) {
                continue;
            }
            let code = code(&path);
            let named = names_after(&code, "Status::").into_iter().filter(|name| is_constant(name));
            elsewhere.extend(named.map(|name| format!("{}: Status::{name}", path.display())));
        }
    }
    assert!(elsewhere.is_empty(), "decide by a reason of the catalogue instead:\n{}", elsewhere.join("\n"));
}

/// The code with everything inside `matches!(…)` taken out: what is compared there is not given.
fn without_comparisons(code: &str) -> String {
    let mut out = String::new();
    let mut rest = code;
    while let Some((before, after)) = rest.split_once("matches!(") {
        out.push_str(before);
        let mut depth = 1;
        let end = after.find(|c| {
            depth += match c {
                '(' => 1,
                ')' => -1,
                _ => 0,
            };
            depth == 0
        });
        rest = &after[end.expect("a closing parenthesis")..];
    }
    out + rest
}

/// Where each reason is given: in a stage, as the reason of a cause, or as an interim answer.
fn given() -> BTreeMap<String, Vec<String>> {
    let source = Path::new(CORE).join("src");
    let mut files = rust_files(&source.join("decide"));
    files.retain(|path| !path.ends_with("respond.rs"));
    files.extend(["decide.rs", "interim.rs", "cause.rs"].map(|name| source.join(name)));
    let mut given: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in files {
        let place = path.strip_prefix(&source).unwrap().display().to_string();
        let code = without_comparisons(&code(&path));
        let mut names = names_after(&code, "Reason::");
        // The table of causes: `Cause Question Reason,` on a line.
        if let Some((_, table)) = code.split_once("causes! {") {
            let rows = table.lines().filter_map(|line| line.trim().strip_suffix(','));
            names.extend(rows.filter_map(|row| row.split(' ').nth(2)));
        }
        for name in names {
            given.entry(name.to_owned()).or_default().push(place.clone());
        }
    }
    given
}

#[test]
fn each_reason_is_given_in_exactly_one_place() {
    let given = given();
    for (name, places) in &given {
        assert_eq!(places.len(), 1, "Reason::{name} is given in {places:?}");
    }
    let listed: BTreeSet<String> = CATALOGUE.iter().map(|entry| variant(entry)).collect();
    assert_eq!(given.into_keys().collect::<BTreeSet<_>>(), listed);
}

/// The name of the reason's variant.
fn variant(entry: &Entry) -> String {
    format!("{:?}", entry.reason).split('(').next().unwrap().to_owned()
}

#[test]
fn an_id_is_kebab_case_and_given_once() {
    let mut ids = BTreeSet::new();
    for entry in CATALOGUE {
        let id = entry.id;
        let words = id
            .split('-')
            .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
        assert!(words && id.starts_with(|c: char| c.is_ascii_lowercase()), "{id}");
        assert!(ids.insert(id), "{id} stands twice");
        assert!(!RETIRED.contains(&id), "{id} was given once for another cause");
        // An id is the name of its reason, so that whoever reads one finds the other.
        assert_eq!(id.replace('-', ""), variant(entry).to_lowercase());
    }
}

#[test]
fn each_reason_says_what_is_so_and_what_to_do() {
    for entry in CATALOGUE {
        let id = entry.id;
        assert!(is_sentence(entry.sentence), "{id}: {}", entry.sentence);
        assert!(entry.remedy.is_empty() || is_sentence(entry.remedy), "{id}: {}", entry.remedy);
        let refuses = entry.status.is_some_and(|status| status.class() >= Class::ClientError);
        assert_eq!(!entry.remedy.is_empty(), refuses && !HIDDEN.contains(&id), "{id}: {}", entry.remedy);
        assert_eq!(entry.retry != Retry::Unneeded, refuses, "{id}: {:?}", entry.retry);
        assert_eq!(entry.fault != Fault::Nobody, refuses && !BLAMELESS.contains(&id), "{id}: {:?}", entry.fault);
        let (series, section) = entry.section.split_once(" §").unwrap_or_else(|| panic!("{id}: {}", entry.section));
        let number = series.strip_prefix("RFC ").is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()));
        assert!(number || ["Fetch", "URL"].contains(&series), "{id}: {}", entry.section);
        assert!(section.split('.').all(|part| part.parse::<u8>().is_ok()), "{id}: {}", entry.section);
    }
}

/// It begins with a capital, a field or a placeholder, and ends in a period, with balanced quotation and braces.
fn is_sentence(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_uppercase() || c == '`');
    let braces = text.matches('{').count() == text.matches('}').count();
    begins && text.ends_with('.') && braces && text.trim() == text && !text.contains("  ")
}

#[test]
fn a_reason_stands_in_the_order_of_its_stage() {
    let decided =
        CATALOGUE.iter().filter(|entry| entry.status.is_some_and(|status| status.class() != Class::Informational));
    assert!(decided.is_sorted_by_key(|entry| entry.stage));
    assert!(CATALOGUE.is_sorted_by_key(|entry| entry.reason));
}

#[test]
fn the_registry_is_that_of_iana() {
    let file = include_str!("http-status-codes.csv");
    let lines: Vec<Vec<String>> = file.lines().skip(1).map(columns).collect();
    assert_eq!(lines.len(), REGISTRY.len());
    for (line, entry) in lines.iter().zip(REGISTRY) {
        let [code, description, reference] = line.as_slice() else { panic!("{line:?}") };
        assert_eq!(*code, entry.status.to_string());
        assert_eq!(description, entry.phrase);
        // `[RFC9110, Section 15.2.1]`, or `[RFC2518]` where IANA names no section.
        let ours = entry.section.replace("RFC ", "RFC").replace(" §", ", Section ");
        let theirs = reference.trim_matches(['[', ']']);
        assert!(ours == theirs || ours.starts_with(&format!("{theirs}, ")), "{code}: {ours}, {theirs}");
    }
}

/// The columns of a line of CSV; a column with a comma stands in quotation marks.
fn columns(line: &str) -> Vec<String> {
    let mut columns = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => columns.push(String::new()),
            c => columns.last_mut().unwrap().push(c),
        }
    }
    columns
}

#[test]
fn every_status_of_the_catalogue_is_registered() {
    for status in CATALOGUE.iter().filter_map(|entry| entry.status) {
        assert!(status.entry().is_some(), "{status}");
    }
}

#[test]
fn the_folder_lists_the_stages_in_the_order_of_decision() {
    let files = rust_files(&Path::new(CORE).join("src/decide"));
    let names: Vec<&str> = files.iter().map(|path| path.file_stem().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, Stage::ALL.map(Stage::name));
    assert!(Stage::ALL.is_sorted());
    assert!(Question::ALL.is_sorted_by_key(|question| question.stage()));
}

/// The lines of `walk`, each with its stage's call and its comment.
fn walk() -> Vec<(String, String)> {
    let source = read(&Path::new(CORE).join("src/decide.rs"));
    let body = source.split_once("\nfn walk(").unwrap().1.split_once("{\n").unwrap().1.split_once("\n}").unwrap().0;
    let lines = body.lines().map(|line| line.split_once("//").unwrap_or_else(|| panic!("no codes: {line}")));
    lines.map(|(call, codes)| (call.trim().to_owned(), codes.trim().to_owned())).collect()
}

#[test]
fn the_table_of_contents_calls_the_stages_in_order() {
    let calls = walk().into_iter().map(|(call, _)| call);
    let called = calls.map(|call| {
        let call = call.split_once(" = ").map_or(call.as_str(), |(_, call)| call);
        call.split_once('(').expect("a call").0.to_owned()
    });
    // Respond decides nothing: it is asked afterwards.
    assert!(called.eq(Stage::ALL[..7].iter().map(|stage| stage.name().to_owned())));
}

#[test]
fn the_table_of_contents_lists_the_codes_of_each_stage() {
    for (stage, (_, comment)) in Stage::ALL.into_iter().zip(walk()) {
        let (refusals, answers) = comment.split_once('·').unwrap_or((&comment, ""));
        let said = |codes: &str| codes.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let is_given = |class: fn(Class) -> bool| {
            let of_stage = CATALOGUE.iter().filter(|entry| entry.stage == stage).filter_map(|entry| entry.status);
            let given: BTreeSet<Status> = of_stage.filter(|status| class(status.class())).collect();
            given.into_iter().map(|status| status.to_string()).collect::<BTreeSet<_>>()
        };
        // Interim answers come before the decision, not from it.
        let final_answers = is_given(|class| class == Class::Successful || class == Class::Redirection);
        for (said, given) in
            [(said(refusals), is_given(|class| class >= Class::ClientError)), (said(answers), final_answers)]
        {
            assert_eq!(said.len(), given.len(), "{}: {said:?}, {given:?}", stage.name());
            assert_eq!(said.into_iter().collect::<BTreeSet<_>>(), given, "{}", stage.name());
        }
    }
}

#[test]
fn a_verdict_is_small() {
    assert!(Question::ALL.len() <= 64);
    assert!(size_of::<Verdict>() <= 32);
}
