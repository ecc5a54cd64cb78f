//! The schema against the parser: it is the second place where the form of a config stands, so each is held against the
//! other. Every config of the tests beside this one goes through [`valid`] as well.

use super::super::Config;
use super::super::schema::schema;
use super::fixture;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::LazyLock;
use toml::de::{DeTable, DeValue};

static SCHEMA: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(&schema()).expect("it is JSON"));

static VALIDATOR: LazyLock<jsonschema::Validator> =
    LazyLock::new(|| jsonschema::draft202012::new(&SCHEMA).unwrap_or_else(|error| panic!("{error}")));

/// Whether a config is valid; `None` if it is not TOML.
pub(super) fn valid(text: &str) -> Option<bool> {
    let (document, faults) = DeTable::parse_recoverable(text);
    faults.is_empty().then(|| VALIDATOR.is_valid(&object(document.get_ref())))
}

/// What is wrong with a config by the schema, for the message of a test that fails.
pub(super) fn errors(text: &str) -> String {
    let (document, _) = DeTable::parse_recoverable(text);
    VALIDATOR
        .iter_errors(&object(document.get_ref()))
        .map(|error| format!("{}: {error}\n", error.instance_path()))
        .collect()
}

fn object(table: &DeTable<'_>) -> Value {
    table.iter().map(|(key, value)| (key.get_ref().to_string(), value_of(value.get_ref()))).collect()
}

fn value_of(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => json!(text),
        DeValue::Integer(number) => json!(i64::from_str_radix(number.as_str(), number.radix()).ok()),
        DeValue::Float(number) => json!(number.as_str().parse::<f64>().ok()),
        DeValue::Boolean(value) => json!(value),
        DeValue::Datetime(time) => json!(time.to_string()),
        DeValue::Array(values) => values.iter().map(|value| value_of(value.get_ref())).collect(),
        DeValue::Table(table) => object(table),
    }
}

#[test]
fn the_schema_is_one_of_2020_12() {
    assert!(jsonschema::draft202012::meta::is_valid(&SCHEMA));
    assert!(schema().ends_with("}\n"));
}

#[test]
fn every_example_is_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut examples = 0;
    for file in folder.read_dir().expect("examples/") {
        let path = file.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text = std::fs::read_to_string(&path).expect("UTF-8");
            assert_eq!(valid(&text), Some(true), "{}\n{}", path.display(), errors(&text));
            examples += 1;
        }
    }
    assert!(examples >= 4);
}

/// A table of the config: a config with an unknown key in it, and where the schema has the keys that it takes.
const TABLES: &[(&str, &str)] = &[
    ("KEY = 1", "/properties"),
    ("console = { listen = \"127.0.0.1:1\", token = \"0123456789abcdef\", KEY = 1 }", "/properties/console/properties"),
    ("[limits]\nKEY = 1", "/properties/limits/properties"),
    ("listen = \"https://[::1]:0\"\n[tls]\nKEY = 1\ncertificates = 1", "/properties/tls/properties"),
    (
        "listen = \"https://[::1]:0\"\n[tls]\ncertificates = [{ KEY = 1, certificate = 1, key = 1 }]",
        "/properties/tls/properties/certificates/items/properties",
    ),
    ("[auth.staff]\nbasic = \"users.htpasswd\"\nKEY = 1", "/properties/auth/additionalProperties/properties"),
    (
        "[auth.staff]\njwt = { keys = \"jwks.json\", issuer = \"i\", audience = \"a\", KEY = 1 }",
        "/properties/auth/additionalProperties/properties/jwt/properties",
    ),
    (
        "[auth.a]\nbasic = \"users.htpasswd\"\n\
         [route.\"/{p...}\"]\nfiles = \"public\"\nauth = \"a\"\nallow = { read = [], write = [], KEY = 1 }",
        "/$defs/route/properties/allow/anyOf/1/properties",
    ),
    ("[route.\"/{p...}\"]\nfiles = \"public\"\nKEY = 1", "/$defs/route/properties"),
    ("[route.\"/{p...}\"]\nfiles = \"public\"\nlimits = { KEY = 1 }", "/$defs/route/properties/limits/properties"),
    ("[route.\"/{p...}\"]\nfiles = { root = \"public\", KEY = 1 }", "/$defs/route/properties/files/anyOf/1/properties"),
    ("state = \"state\"\n[route.\"/x/{id}\"]\ndocuments = { KEY = 1 }", "/$defs/route/properties/documents/properties"),
    (
        "state = \"state\"\n[route.\"/{p...}\"]\nfiles = \"public\"\nupload = { KEY = 1 }",
        "/$defs/route/properties/upload/properties",
    ),
    (
        "state = \"state\"\n[route.\"/x\"]\njobs = { to = \"http://[::1]:1/\", KEY = 1 }",
        "/$defs/route/properties/jobs/properties",
    ),
    (
        "state = \"state\"\n[route.\"/x\"]\njobs = { to = \"http://[::1]:1/\" }\ntimeout = { KEY = 1 }",
        "/$defs/route/properties/timeout/properties",
    ),
    (
        "[route.\"/x\"]\nproxy = { to = \"http://[::1]:1/\", KEY = 1 }",
        "/$defs/route/properties/proxy/anyOf/2/properties",
    ),
    (
        "[route.\"/x\"]\nproxy = { to = \"http://[::1]:1/\", health = { path = \"/\", KEY = 1 } }",
        "/$defs/route/properties/proxy/anyOf/2/properties/health/anyOf/1/properties",
    ),
    ("[route.\"/{p...}\"]\nredirect = { to = \"/\", KEY = 1 }", "/$defs/route/properties/redirect/anyOf/1/properties"),
    ("[route.\"/{p...}\"]\nrespond = { status = 200, KEY = 1 }", "/$defs/route/properties/respond/properties"),
    (
        "[route.\"/{p...}\"]\nfiles = \"public\"\nrate = { rate = \"1/s\", KEY = 1 }",
        "/$defs/route/properties/rate/anyOf/1/properties",
    ),
    (
        "[route.\"/{p...}\"]\nfiles = \"public\"\nconcurrency = { max = 1, KEY = 1 }",
        "/$defs/route/properties/concurrency/properties",
    ),
    (
        "[route.\"/{p...}\"]\nfiles = \"public\"\nmaintenance = { until = 2100-01-01T00:00:00Z, KEY = 1 }",
        "/$defs/route/properties/maintenance/anyOf/1/properties",
    ),
    (
        "[route.\"/{p...}\"]\nfiles = \"public\"\ncors = { origins = \"*\", KEY = 1 }",
        "/$defs/route/properties/cors/properties",
    ),
];

#[test]
fn the_schema_has_the_keys_that_the_parser_has() {
    const UNKNOWN: &str = "nobody-knows-this-key";
    let folder = fixture();
    for (text, at) in TABLES {
        let report = Config::parse(&text.replace("KEY", UNKNOWN), "verdict.toml", folder.path()).unwrap_err();
        let found = &report.diagnostics()[0];
        assert_eq!(found.message, format!("unknown key `{UNKNOWN}`"));
        // "the keys in `files` are `root`, `index`, …": those that the parser has asked for.
        let (_, listed) = found.help.as_deref().and_then(|help| help.split_once(" are ")).expect("a list of keys");
        let mut parsers: Vec<&str> = listed.split(", ").map(|key| key.trim_matches('`')).collect();
        let keys = SCHEMA.pointer(at).and_then(Value::as_object).unwrap_or_else(|| panic!("{at}"));
        let mut schemas: Vec<&str> = keys.keys().map(String::as_str).collect();
        parsers.sort_unstable();
        schemas.sort_unstable();
        assert_eq!(schemas, parsers, "{at}");
    }
}

#[test]
fn every_table_takes_no_other_keys_and_every_key_is_described() {
    fn walk(schema: &Value, at: &str, tables: &mut usize) {
        if let Some(keys) = schema.get("properties").and_then(Value::as_object).filter(|_| schema.get("type").is_some())
        {
            *tables += 1;
            assert_eq!(schema["additionalProperties"], json!(false), "{at}");
            for (key, form) in keys {
                let described = form["description"].as_str().is_some_and(|words| words.ends_with('.'));
                assert!(described, "{at}: {key}");
            }
        }
        let members = schema.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value));
        let items = schema.as_array().into_iter().flatten().enumerate().map(|(i, value)| (i.to_string(), value));
        for (name, value) in members.chain(items) {
            walk(value, &format!("{at}/{name}"), tables);
        }
    }
    let mut tables = 0;
    walk(&SCHEMA, "", &mut tables);
    assert_eq!(tables, TABLES.len());
}

#[test]
fn what_is_wrong_in_form_is_refused_by_both() {
    const TOP: &str = "[route.\"/\"]\nrespond = { status = 204 }\n";
    let at_the_top = [
        "listen = []",
        "listen = \"127.0.0.1:8080\"",
        "listen = \"http://127.0.0.256\"",
        "listen = \"http://127.0.0.1:65536\"",
        "listen = \"http://127.0.0.1:+80\"",
        "listen = [\"http://localhost:80/x\"]",
        "listen = \"http://example.com\"",
        "workers = 0",
        "workers = 1025",
        "workers = \"2\"",
        "log = \"xml\"",
        "explain = true",
        "drain = \"1.5s\"",
        "drain = \"10 s\"",
        "drain = \"10S\"",
        "user = \"a:b\"",
        "trusted-proxies = \"localhost\"",
        "trusted-proxies = [\"10.0.0.0/\"]",
        "state = \"\"",
        "console = {}",
        "console = { listen = \"127.0.0.1\", token = \"0123456789abcdef\" }",
        "console = { listen = \"127.0.0.1:8081\", token = \"0123456789abcde\" }",
        "limits = { head = \"0s\" }",
        "limits = { body = \"16mib\" }",
        "limits = { min-rate = \"500B\" }",
        "limits = { requests = 4294967296 }",
        "limits = { length = \"required\" }",
        "[auth.none]\nbasic = \"users.htpasswd\"",
        "[auth.\"a b\"]\nbasic = \"users.htpasswd\"",
        "[auth.a]",
        "[auth.a]\nbasic = \"\"",
        "[auth.a]\njwt = { keys = \"jwks.json\", issuer = \"i\" }",
        "[auth.a]\njwt = { keys = \"jwks.json\", issuer = \"\", audience = \"a\" }",
        "[auth.a]\njwt = { keys = \"jwks.json\", issuer = \"i\", audience = [] }",
    ];
    let in_a_route = [
        "",
        "files = \"public\"\nredirect = \"/\"",
        "proxy = []",
        "proxy = 3000",
        "proxy = [\"127.0.0.1:3000\"]",
        "proxy = [\"http://127.0.0.1:3000/app\"]",
        "proxy = \"http://u:p@127.0.0.1:3000\"",
        "proxy = \"unix:run/app.sock\"",
        "proxy = {}",
        "proxy = { to = [] }",
        "proxy = { to = \"http://a/\", balance = \"random\" }",
        "proxy = { to = \"http://a/\", balance = \"hash:\" }",
        "proxy = { to = \"http://a/\", health = true }",
        "proxy = { to = \"http://a/\", health = \"healthz\" }",
        "proxy = { to = \"http://a/\", health = {} }",
        "proxy = { to = \"http://a/\", health = { path = \"/\", every = \"0s\" } }",
        "proxy = { to = \"http://a/\", health = { path = \"/\", status = 101 } }",
        "proxy = { to = \"http://a/\", host = \"a b\" }",
        "proxy = { to = \"http://a/\", strip = \"r\" }",
        "proxy = { to = \"http://a/\", strip = \"/{p}\" }",
        "proxy = { to = \"http://a/\", intercept = [302] }",
        "proxy = { to = \"http://a/\", intercept = \"502\" }",
        "proxy = { to = \"http://a/\", upgrade = \"a b\" }",
        "proxy = { to = \"http://a/\", upgrade = \"a/\" }",
        "proxy = { to = \"http://a/\", upgrade = true }",
        "proxy = { to = \"http://a/\", show-upstream = \"yes\" }",
        "proxy = { to = \"https://a/\", authorities = \"\" }",
        "proxy = \"http://a/\"\ntimeout = { idle = \"0s\" }",
        "respond = { status = 204 }\ntimeout = { idle = \"1s\" }",
        "files = { listing = true }",
        "files = { root = \"public\", index = [\"a/b\"] }",
        "files = { root = \"public\", index = \"..\" }",
        "files = { root = \"public\", fallback = \"index.html\" }",
        "files = { root = \"public\", fallback = \"/./index.html\" }",
        "files = { root = \"public\", cache = 3600 }",
        "redirect = {}",
        "redirect = \"new\"",
        "redirect = \"//evil.example\"",
        "redirect = \"https://user@new.example/\"",
        "redirect = \"https://{p}/\"",
        "redirect = \"/%zz\"",
        "redirect = { to = \"/\", status = 304 }",
        "respond = {}",
        "respond = { status = 103 }",
        "respond = { status = 299 }",
        "respond = { status = 401 }",
        "respond = { status = 405, headers = { X = \"GET\" } }",
        "respond = { status = 204, body = \"x\" }",
        "respond = { status = 200, type = \"text/html\" }",
        "respond = { status = 200, body = \"x\", type = \"html\" }",
        "respond = { status = 200, headers = { upgrade = \"x\" } }",
        "respond = { status = 200, headers = { content-type = \"x/y\" } }",
        "respond = { status = 200, headers = { X = \" a\" } }",
        "respond = { status = 200, headers = { \"X Y\" = \"a\" } }",
        "files = \"public\"\nheaders = { eTag = \"x\" }",
        "files = \"public\"\npages = { 200 = \"404.html\" }",
        "files = \"public\"\npages = { 4xx = \"404.html\" }",
        "files = \"public\"\nhints = \"/app.css\"",
        "files = \"public\"\nhints-to = \"all\"",
        "files = \"public\"\nauth = \"\"",
        "files = \"public\"\nallow = \"*\"",
        "files = \"public\"\nauth = \"none\"\nallow = \"*\"",
        "files = \"public\"\nhide = true",
        "files = \"public\"\nauth = \"a\"\nallow = { read = \"*\" }",
        "files = \"public\"\nauth = \"a\"\nallow = [\"role:\"]",
        "files = \"public\"\nlimits = { requests = 5 }",
        "files = \"public\"\nlimits = { length = true }",
    ];
    let patterns = [
        "docs",
        "/a//b",
        "//",
        "/{a...}/b",
        "/{}",
        "/{1}",
        "/a{b}",
        "/a*",
        "/.",
        "/a/../b",
        "/%2e",
        "/%2F",
        "/%0A",
        "/%7f",
        "/%4",
        "/a?b",
        "/a#b",
        "/a\\\\b",
        "a:80/",
        "*.a.*/",
        "a..b/",
        "[::g]/",
    ];
    let texts = at_the_top.map(|text| format!("{text}\n{TOP}")).into_iter();
    let texts = texts.chain(in_a_route.map(|text| format!("[route.\"/r/{{p...}}\"]\n{text}\n")));
    let texts = texts.chain(patterns.map(|pattern| format!("[route.\"{pattern}\"]\nrespond = {{ status = 204 }}\n")));
    let folder = fixture();
    for text in
        texts.chain(["[route.\"/one\"]\nfiles = \"public\"\n".to_owned(), "route = {}\n".to_owned(), String::new()])
    {
        assert!(Config::parse(&text, "verdict.toml", folder.path()).is_err(), "{text}");
        assert_eq!(valid(&text), Some(false), "{text}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_pattern_that_is_taken_is_valid(pattern in "[a*.\\[]{0,3}(/([{}.a%2eF*:é\\[]{1,8}|\\{a\\}|[bc.é]|%[0-9A-Fa-f]{2}))*(/|/\\{p\\.\\.\\.\\})?") {
        if crate::route::Pattern::parse(&pattern).is_ok() {
            let config = json!({ "route": { pattern: { "respond": { "status": 204 } } } });
            proptest::prop_assert!(VALIDATOR.is_valid(&config), "{}", config);
        }
    }
}
