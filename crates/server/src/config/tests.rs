mod accepted;
mod auth;
mod documents;
mod guards;
mod jobs;
mod proxy;
mod refused;
mod schema;
mod syntax;
mod tls;
mod uploads;

use std::path::Path;

/// A test vector of bcrypt's, and that of FIPS 180-4 for `abc`.
const USERS: &str = "ann:$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW:editor,admin\n";
const TOKENS: &str = "robot:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad:notes:read\n";
const KEYS: &str = r#"{"keys":[{"kty":"oct","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}]}"#;

/// A folder with the files that the configs below name.
fn fixture() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::create_dir_all(path.join("public/sub")).unwrap();
    for file in ["public/index.html", "public/sub/index.html", "404.html"] {
        std::fs::write(path.join(file), "<p>").unwrap();
    }
    let secrets = [
        ("users.htpasswd", USERS),
        ("tokens.txt", TOKENS),
        ("jwks.json", KEYS),
        ("plain.htpasswd", "# staff\nann:open sesame\n"),
    ];
    for (file, content) in secrets {
        std::fs::write(path.join(file), content).unwrap();
    }
    std::fs::write(path.join("latin.html"), b"<p>\xE9").unwrap();
    std::fs::File::create(path.join("large.html")).and_then(|file| file.set_len((1 << 20) + 1)).unwrap();
    folder
}

/// Parses a config; one that is accepted is valid by the schema too.
fn parse(text: &str, folder: &Path) -> Result<super::Config, super::Report> {
    let parsed = super::Config::parse(text, "verdict.toml", folder);
    if parsed.is_ok() {
        assert_eq!(schema::valid(text), Some(true), "{text}\n{}", schema::errors(text));
    }
    parsed
}

const WHOLE: &str = r##"
listen = ["http://127.0.0.1:8080"]
drain = "10s"
[limits]
head = "10s"
body = "16MiB"
[route."a.example/{path...}"]
files = { root = "public", cache = "1h", fallback = "/index.html" }
pages = { 404 = "404.html" }
headers = { "X-Frame-Options" = "DENY" }
hints = ["</app.css>; rel=preload; as=style"]
[route."/old/{path...}"]
redirect = { to = "/{path}?a#b", status = 308 }
[route."/closed/{x}"]
respond = { status = 410, body = "closed é \u00e9" }
"##;

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_damaged_config_is_reported_and_nothing_worse(
        damage in proptest::collection::vec((0..WHOLE.len(), 0..6_usize, "[\"{}\\[\\]=.,/\\\\é\u{9b}\n\ta0%#-]{0,3}"), 1..4),
    ) {
        let folder = fixture();
        let mut text = WHOLE.to_owned();
        for (at, removed, put) in damage {
            let (mut from, mut to) = (at.min(text.len()), (at + removed).min(text.len()));
            while !text.is_char_boundary(from) {
                from -= 1;
            }
            while !text.is_char_boundary(to) {
                to += 1;
            }
            text.replace_range(from..to, &put);
        }
        if let Err(report) = parse(&text, folder.path()) {
            proptest::prop_assert!(report.has_errors());
            for found in report.diagnostics() {
                proptest::prop_assert!(found.span.clone().is_none_or(|span| text.get(span).is_some()), "{:?}", found);
            }
            proptest::prop_assert!(!report.render(true).is_empty());
        }
    }
}

#[test]
fn the_whole_config_is_accepted_undamaged() {
    let folder = fixture();
    assert!(parse(WHOLE, folder.path()).is_ok());
}
