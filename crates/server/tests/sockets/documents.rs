//! `documents`: what is kept is what was sent, each status by its circumstance, and no update is lost.

use crate::certificates::issue;
use crate::others::reqwest_of;
use crate::site::{Plan, Site};
use reqwest::blocking::{Client, Response};
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};

const SCHEMA: &str =
    r#"{"type":"object","required":["title"],"properties":{"title":{"type":"string","maxLength":20}}}"#;

fn plan() -> Plan {
    let plan = Plan::new()
        .top("state = \"state\"")
        .limits("body = \"4KiB\"")
        .route(
            "/notes/{id}",
            "documents = { schema = \"note.schema.json\", unique = [\"/title\"], index = [\"/priority\", \"/status\"], quota = \"8KiB\" }",
        )
        .route("/strict/{id}", "documents = { if-match = \"required\" }")
        .route("/versions/{id}", "documents = { version = \"/rev\" }")
        .route("/forgotten/{id}", "documents = { keep-deleted = \"0s\" }")
        .route("/listed/{id}", "documents = {}\ncors = { origins = [\"https://a.example\"], credentials = true }")
        .route("/shared/{id}", "documents = {}\ncors = { origins = [\"*\"] }");
    std::fs::write(plan.public().join("../note.schema.json"), SCHEMA).expect("a schema");
    plan
}

/// A client of one protocol, and the site that it asks.
struct Asking {
    client: Client,
    site: Site,
    scheme: &'static str,
}

impl Asking {
    /// One for each protocol.
    fn all() -> [Asking; 3] {
        let issued = issue(&["127.0.0.1"]);
        let insecure = |client: reqwest::blocking::ClientBuilder| client.danger_accept_invalid_certs(true);
        [
            Asking { client: reqwest_of(|client| client.http1_only()), site: plan().start(), scheme: "http" },
            Asking {
                client: reqwest_of(|client| client.http2_prior_knowledge()),
                site: plan().start(),
                scheme: "http",
            },
            Asking { client: reqwest_of(insecure), site: plan().secure(&[issued]).start(), scheme: "https" },
        ]
    }

    fn ask(&self, method: &str, target: &str, fields: &[(&str, &str)], content: &str) -> Response {
        let url = format!("{}://{}{target}", self.scheme, self.site.address);
        let mut request = self.client.request(method.parse().expect("a method"), url);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        if !content.is_empty() {
            request = request.body(content.to_owned());
        }
        request.send().expect("an answer")
    }

    fn put(&self, target: &str, content: &str) -> Response {
        self.ask("PUT", target, JSON, content)
    }
}

const JSON: &[(&str, &str)] = &[("Content-Type", "application/json")];
const FORM: &[(&str, &str)] = &[("Content-Type", "application/x-www-form-urlencoded")];
const MERGE: &[(&str, &str)] = &[("Content-Type", "application/merge-patch+json")];
const PATCH: &[(&str, &str)] = &[("Content-Type", "application/json-patch+json")];

fn field<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

fn json(answer: Response) -> Value {
    serde_json::from_slice(&answer.bytes().expect("its content")).expect("JSON")
}

fn reason(answer: &Response) -> &str {
    field(answer, "verdict-reason").split(';').next().unwrap_or_default()
}

/// What is done, one after the other: method, target, fields, content; and the status, its reason, and fields of the answer.
type Step = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
    u16,
    &'static str,
    &'static [(&'static str, &'static str)],
);

#[rustfmt::skip]
const STEPS: &[Step] = &[
    ("GET", "/notes/one", &[], "", 404, "nothing-there", &[]),
    ("DELETE", "/notes/one", &[], "", 404, "nothing-there", &[]),
    ("PATCH", "/notes/one", MERGE, "{}", 404, "nothing-there", &[]),
    ("PUT", "/notes/one", &[("Content-Type", "application/json"), ("If-Match", "*")], "{\"title\":\"one\"}", 412, "if-match-failed", &[]),
    ("PUT", "/notes/one", JSON, "{\"title\": \"one\",  \"priority\": 1.50}", 201, "created", &[("Location", "/notes/one"), ("ETag", "")]),
    ("GET", "/notes/one", &[], "", 200, "served", &[("ETag", ""), ("Content-Type", "application/json")]),
    ("HEAD", "/notes/one", &[], "", 200, "served", &[("ETag", ""), ("Content-Length", "35")]),
    ("GET", "/notes/one", &[("If-None-Match", "*")], "", 304, "tag-unchanged", &[("ETag", "")]),
    ("GET", "/notes/one", &[("Accept", "text/html")], "", 406, "not-acceptable", &[]),
    ("PUT", "/notes/one", &[("Content-Type", "application/json"), ("If-None-Match", "*")], "{\"title\":\"one\"}", 412, "if-none-match-failed", &[("ETag", "")]),
    ("PUT", "/notes/one", &[("Content-Type", "application/json"), ("If-Match", "\"0\"")], "{\"title\":\"one\"}", 412, "if-match-failed", &[("ETag", "")]),
    ("PUT", "/notes/one", JSON, "{\"title\":\"one\",\"priority\":2}", 200, "updated", &[("ETag", "")]),
    ("PUT", "/notes/one", &[("Content-Type", "application/json"), ("Prefer", "return=minimal")], "{\"title\":\"one\",\"priority\":3}", 204, "replaced", &[("ETag", ""), ("Preference-Applied", "return=minimal")]),
    ("PATCH", "/notes/one", MERGE, "{\"status\":\"open\"}", 200, "updated", &[("ETag", "")]),
    ("PATCH", "/notes/one", PATCH, "[{\"op\":\"test\",\"path\":\"/status\",\"value\":\"closed\"}]", 409, "patch-test-failed", &[]),
    ("PATCH", "/notes/one", PATCH, "[{\"op\":\"remove\",\"path\":\"/nothing\"}]", 422, "patch-not-applicable", &[]),
    ("PATCH", "/notes/one", MERGE, "{\"title\":5}", 422, "schema-violated", &[]),
    ("PATCH", "/notes/one", JSON, "{}", 415, "media-type-not-taken", &[("Accept-Patch", "application/merge-patch+json, application/json-patch+json")]),
    ("PUT", "/notes/two", JSON, "{\"title\":\"one\"}", 409, "unique-member-taken", &[]),
    ("PUT", "/notes/two", JSON, "{\"title\":\"longer than twenty characters\"}", 422, "schema-violated", &[]),
    ("PUT", "/notes/two", JSON, "{\"title\":", 400, "json-malformed", &[]),
    ("PUT", "/notes/two", JSON, "{\"title\":\"a\",\"title\":\"b\"}", 400, "json-key-repeated", &[]),
    ("PUT", "/notes/two", JSON, "{\"title\":\"a\",\"n\":9007199254740993}", 400, "json-integer-too-large", &[]),
    ("PUT", "/notes/two", &[("Content-Type", "text/plain")], "title", 415, "media-type-not-taken", &[("Accept-Post", "application/json")]),
    ("PUT", "/notes/two", &[("Content-Type", "application/json"), ("Content-Encoding", "gzip")], "{}", 415, "coding-not-taken", &[("Accept-Encoding", "identity")]),
    ("PUT", "/notes/a%2Fb", JSON, "{\"title\":\"slash\"}", 404, "encoded-slash", &[]),
    ("POST", "/notes/one", JSON, "{\"title\":\"post\"}", 405, "method-not-taken", &[("Allow", "GET, HEAD, PUT, DELETE, OPTIONS, PATCH")]),
    ("PUT", "/notes", JSON, "{\"title\":\"put\"}", 405, "method-not-taken", &[("Allow", "GET, HEAD, POST, OPTIONS")]),
    ("OPTIONS", "/notes", &[], "", 204, "options-answered", &[("Accept-Post", "application/json, application/x-www-form-urlencoded")]),
    ("OPTIONS", "/notes/one", &[], "", 204, "options-answered", &[("Accept-Patch", "application/merge-patch+json, application/json-patch+json")]),
    ("POST", "/notes", JSON, "{\"title\":\"posted\",\"priority\":7}", 201, "created", &[("Location", ""), ("ETag", "")]),
    ("POST", "/notes", FORM, "title=a+form&priority=9", 303, "form-taken", &[("Location", "")]),
    ("POST", "/notes", FORM, "priority=9", 422, "schema-violated", &[]),
    ("POST", "/notes", FORM, "title=a+form", 409, "unique-member-taken", &[]),
    ("POST", "/notes", FORM, "title=%zz", 400, "form-malformed", &[]),
    ("POST", "/notes", &[("Content-Type", "multipart/form-data; boundary=x")], "--x--", 415, "media-type-not-taken", &[("Accept-Post", "application/json, application/x-www-form-urlencoded")]),
    ("PUT", "/notes/form", FORM, "title=put", 415, "media-type-not-taken", &[("Accept-Post", "application/json")]),
    ("GET", "/notes?priority.gte=5&_sort=-priority", &[], "", 200, "served", &[("ETag", "")]),
    ("GET", "/notes?_limit=1", &[], "", 200, "served", &[("Link", "")]),
    ("GET", "/notes?colour=red", &[], "", 400, "filter-not-indexed", &[]),
    ("GET", "/notes?_limit=many", &[], "", 400, "filter-not-indexed", &[]),
    ("DELETE", "/notes/one", &[("If-Match", "\"0\"")], "", 412, "if-match-failed", &[("ETag", "")]),
    ("DELETE", "/notes/one", &[], "", 204, "deleted", &[]),
    ("GET", "/notes/one", &[], "", 410, "document-deleted", &[]),
    ("DELETE", "/notes/one", &[], "", 410, "document-deleted", &[]),
    ("PUT", "/notes/one", JSON, "{\"title\":\"one\"}", 201, "created", &[("ETag", "")]),
    ("PUT", "/forgotten/one", JSON, "1", 201, "created", &[]),
    ("DELETE", "/forgotten/one", &[], "", 204, "deleted", &[]),
    ("GET", "/forgotten/one", &[], "", 404, "nothing-there", &[]),
    ("PUT", "/strict/one", JSON, "{}", 428, "condition-missing", &[]),
    ("PUT", "/strict/one", &[("Content-Type", "application/json"), ("If-None-Match", "*")], "{}", 201, "created", &[("ETag", "")]),
    ("PUT", "/strict/one", JSON, "{}", 428, "condition-missing", &[("ETag", "")]),
    ("DELETE", "/strict/one", &[], "", 428, "condition-missing", &[("ETag", "")]),
    ("PUT", "/strict/one", &[("Content-Type", "application/json"), ("If-Match", "*")], "[]", 200, "updated", &[("ETag", "")]),
    ("POST", "/strict", JSON, "{}", 201, "created", &[]),
    ("PUT", "/versions/one", JSON, "{\"rev\":8}", 201, "created", &[("Location", "/versions/one")]),
    ("PUT", "/versions/one", JSON, "{\"rev\":1,\"a\":1}", 200, "updated", &[]),
    ("PUT", "/versions/one", JSON, "{\"rev\":1,\"a\":2}", 409, "version-stale", &[]),
    ("PUT", "/versions/one", JSON, "{\"rev\":2,\"a\":2}", 200, "updated", &[]),
];

#[test]
fn each_status_is_given_by_its_circumstance_over_each_protocol() {
    for asking in Asking::all() {
        for (method, target, fields, content, status, told, carries) in STEPS {
            let answer = asking.ask(method, target, fields, content);
            let shown = format!("{} {method} {target} {content}: {answer:?}", asking.scheme);
            assert_eq!((answer.status().as_u16(), reason(&answer)), (*status, *told), "{shown}");
            for (name, value) in *carries {
                let carried = field(&answer, name);
                assert!(if value.is_empty() { !carried.is_empty() } else { carried == *value }, "{name}: {shown}");
            }
        }
    }
}

#[test]
fn what_is_kept_is_what_was_sent_byte_for_byte_and_a_put_gives_its_tag() {
    for asking in Asking::all() {
        for (id, content) in
            [("a", " {\"title\" : \"a\",\n\"n\":1.50e0, \"s\":\"\\u00e9\\/\"}\n"), ("ü x", "{\"title\":\"\u{1f600}\"}")]
        {
            let target = format!("/notes/{}", id.replace('ü', "%C3%BC").replace(' ', "%20"));
            let put = asking.put(&target, content);
            assert_eq!(put.status(), 201, "{put:?}");
            let got = asking.ask("GET", field(&put, "location"), &[], "");
            assert_eq!(field(&got, "etag"), field(&put, "etag"));
            assert_eq!(got.bytes().expect("its content"), content.as_bytes());
        }
        // What was sent is not what is kept: there is no tag for it (RFC 9110 §9.3.4).
        let put = asking.put("/versions/x", "{\"rev\":1, \"a\":1.0}");
        let again = asking.put("/versions/x", "{\"rev\":1, \"a\":2.0}");
        assert_eq!((put.status().as_u16(), again.status().as_u16()), (201, 200));
        assert_eq!((field(&put, "etag"), field(&again, "etag")), ("", ""));
        assert_eq!(again.text().expect("its content"), "{\"rev\":2,\"a\":2.0}");
    }
}

#[test]
fn a_form_leads_to_its_document_and_its_key_does_so_once() {
    for asking in Asking::all() {
        let fields = [FORM[0], ("Idempotency-Key", "\"form\"")];
        let taken = asking.ask("POST", "/notes", &fields, "title=%C3%A9&tag=a&tag=b");
        assert_eq!((taken.status().as_u16(), field(&taken, "etag")), (303, ""), "{taken:?}");
        assert_eq!(taken.headers().get_all("location").iter().count(), 1, "{taken:?}");
        assert!(!taken.headers().contains_key("cache-control"), "{taken:?}");
        let location = field(&taken, "location").to_owned();
        let again = asking.ask("POST", "/notes", &fields, "title=%C3%A9&tag=a&tag=b");
        assert_eq!((again.status().as_u16(), field(&again, "location")), (303, &*location), "{again:?}");
        let got = asking.ask("GET", &location, &[], "");
        assert_eq!(got.text().expect("its content"), "{\"title\":\"é\",\"tag\":[\"a\",\"b\"]}");
    }
}

/// What says where a request comes from, and whether it may change something on a route without `cors`, on one that lists
/// `https://a.example`, and on one that lists any origin.
type Origin = (&'static [(&'static str, &'static str)], [bool; 3]);

#[rustfmt::skip]
const SITES: &[Origin] = &[
    (&[], [true, true, true]),
    (&[("Sec-Fetch-Site", "same-origin"), ("Origin", "https://elsewhere.example")], [true, true, true]),
    (&[("Sec-Fetch-Site", "none")], [true, true, true]),
    (&[("Sec-Fetch-Site", "same-site")], [false, false, false]),
    (&[("Sec-Fetch-Site", "cross-site")], [false, false, false]),
    (&[("Sec-Fetch-Site", "cross-site"), ("Origin", "https://a.example")], [false, true, true]),
    (&[("Sec-Fetch-Site", "cross-site"), ("Origin", "https://b.example")], [false, false, true]),
    (&[("Origin", "https://a.example")], [false, true, true]),
    (&[("Origin", "https://a.example.evil")], [false, false, true]),
    (&[("Origin", "null")], [false, false, true]),
    (&[("Origin", "OWN")], [true, true, true]),
];

#[test]
fn a_page_of_another_site_changes_nothing_unless_its_origin_is_listed() {
    for asking in Asking::all() {
        let own = format!("{}://{}", asking.scheme, asking.site.address);
        for (said, may) in SITES {
            for (route, may) in ["/versions", "/listed", "/shared"].into_iter().zip(*may) {
                let said: Vec<_> =
                    said.iter().map(|(name, value)| (*name, if *value == "OWN" { &*own } else { value })).collect();
                let with = |content_type: &[(&'static str, &'static str)]| [content_type, &said[..]].concat();
                // Of a form, a browser does not ask where any origin may.
                let from_here = said.iter().all(|(_, value)| ["same-origin", "none", &*own].contains(value))
                    || said.contains(&("Sec-Fetch-Site", "same-origin"));
                let form = may && (route != "/shared" || from_here);
                for (method, target, fields, content, may, done) in [
                    ("PUT", format!("{route}/x"), with(JSON), "{\"rev\":1}", may, [200, 201, 409]),
                    ("POST", route.to_owned(), with(JSON), "{}", may, [201; 3]),
                    ("POST", route.to_owned(), with(FORM), "a=1", form, [303; 3]),
                    ("POST", route.to_owned(), with(&[("Content-Type", "text/plain")]), "{}", form, [415; 3]),
                    ("PATCH", format!("{route}/none"), with(MERGE), "{}", may, [404; 3]),
                    ("DELETE", format!("{route}/none"), with(&[]), "", may, [404; 3]),
                ] {
                    let answer = asking.ask(method, &target, &fields, content);
                    let shown = format!("{} {method} {target} {fields:?}: {answer:?}", asking.scheme);
                    match may {
                        true => assert!(done.contains(&answer.status().as_u16()), "{shown}"),
                        false => {
                            assert_eq!((answer.status().as_u16(), reason(&answer)), (403, "cross-site-form"), "{shown}")
                        }
                    }
                }
                assert_eq!(asking.ask("GET", route, &with(&[]), "").status(), 200, "reading changes nothing");
            }
        }
    }
}

/// A refusal says where, what and how to mend it, for programs.
#[test]
fn a_refusal_of_content_says_where_and_what() {
    let [asking, ..] = Asking::all();
    let holder = asking.put("/notes/holder", "{\"title\":\"taken\"}");
    assert_eq!(holder.status(), 201);
    let problem = |target: &str, content: &str| -> Value {
        let fields = [("Content-Type", "application/json"), ("Accept", "application/json")];
        json(asking.ask("PUT", target, &fields, content))
    };
    let malformed = problem("/notes/x", "{\"title\":\n  \"a\",,}");
    assert_eq!((&malformed["line"], &malformed["column"]), (&2.into(), &7.into()), "{malformed}");
    let broken = problem("/notes/x", "{\"title\":7}");
    assert_eq!(broken["errors"][0]["pointer"], "/title", "{broken}");
    assert_eq!(broken["errors"][0]["rule"], "/properties/title/type", "{broken}");
    let taken = problem("/notes/x", "{\"title\":\"taken\"}");
    assert_eq!((&taken["pointer"], &taken["holder"]), (&"/title".into(), &"/notes/holder".into()), "{taken}");
    let large = format!("{{\"title\":\"x\",\"more\":\"{}\"}}", "x".repeat(4000));
    assert_eq!(asking.put("/notes/x", &large).status(), 201);
    assert_eq!(asking.put("/notes/y", &large.replace("\"x\"", "\"y\"")).status(), 201);
    let burst = problem("/notes/z", &large.replace("\"x\"", "\"z\""));
    assert_eq!((&burst["status"], &burst["limit"]), (&507.into(), &8192.into()), "{burst}");
    assert!(burst["used"].as_u64().is_some_and(|used| (8000..=8192).contains(&used)), "{burst}");
    assert_eq!(asking.ask("GET", "/notes/z", &[], "").status(), 404, "nothing of it remains");
}

#[test]
fn pages_lead_through_the_whole_collection_in_order() {
    for asking in Asking::all() {
        for i in 0..25 {
            let answer = asking.put(
                &format!("/notes/n{i}"),
                &format!("{{\"title\":\"n{i}\",\"priority\":{},\"status\":\"{}\"}}", i % 5, ["open", "done"][i % 2]),
            );
            assert_eq!(answer.status(), 201);
        }
        for (query, expected) in
            [("", 25), ("status=open&", 13), ("priority.gt=2&", 10), ("priority.ne=2&status=done&", 10)]
        {
            let (mut seen, mut target) = (Vec::new(), format!("/notes?{query}_limit=4&_sort=-priority"));
            let tag = loop {
                let answer = asking.ask("GET", &target, &[], "");
                assert_eq!(answer.status(), 200, "{target}");
                let tag = field(&answer, "etag").to_owned();
                let link = field(&answer, "link").to_owned();
                let page: Value = json(answer);
                for entry in page["documents"].as_array().expect("a list") {
                    assert_eq!(entry["href"], format!("/notes/{}", entry["id"].as_str().expect("an id")));
                    seen.push((entry["document"]["priority"].as_u64().expect("a number"), entry["id"].to_string()));
                }
                match link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")) {
                    Some(next) => target = next.to_owned(),
                    None => break tag,
                }
            };
            assert_eq!(seen.len(), expected, "{query}");
            assert!(seen.is_sorted_by(|a, b| a.0 >= b.0), "{query}: {seen:?}");
            let unchanged = asking.ask("GET", &target, &[("If-None-Match", &tag)], "");
            assert_eq!(unchanged.status(), 304, "a page has a tag");
        }
        // A page of another length is another representation: so it is when the config says how long one is.
        let tag = |limit: u32| field(&asking.ask("GET", &format!("/notes?_limit={limit}"), &[], ""), "etag").to_owned();
        assert_ne!(tag(4), tag(5));
    }
}

#[test]
fn a_post_with_a_key_is_done_once() {
    for asking in Asking::all() {
        let fields = [("Content-Type", "application/json"), ("Idempotency-Key", "\"a-key\"")];
        let first = asking.ask("POST", "/notes", &fields, "{\"title\":\"once\"}");
        let again = asking.ask("POST", "/notes", &fields, "{\"title\":\"once\"}");
        assert_eq!((first.status().as_u16(), again.status().as_u16()), (201, 201), "{again:?}");
        for name in ["location", "etag"] {
            assert_eq!(field(&first, name), field(&again, name));
        }
        let other = asking.ask("POST", "/notes", &fields, "{\"title\":\"other\"}");
        assert_eq!((other.status().as_u16(), reason(&other)), (422, "idempotency-key-reused"));
        let page: Value = json(asking.ask("GET", "/notes", &[], ""));
        assert_eq!(page["documents"].as_array().map(Vec::len), Some(1), "{page}");
    }
}

/// Exactly one winner for each revision; the others are told, and nothing that was acknowledged is lost.
#[test]
fn no_update_is_lost_by_sixty_four_that_write_at_once() {
    let site = plan().top("workers = 2").start();
    let url = format!("http://{}/strict/counter", site.address);
    let client = reqwest_of(|client| client.http1_only());
    let put = |tag: Option<&str>, content: String| {
        let request = client.put(&url).header("Content-Type", "application/json").body(content);
        let request = match tag {
            Some(tag) => request.header("If-Match", tag),
            None => request.header("If-None-Match", "*"),
        };
        request.send().expect("an answer")
    };
    assert_eq!(put(None, "0".to_owned()).status(), 201);
    let (won, lost) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                for _ in 0..8 {
                    let current = client.get(&url).send().expect("an answer");
                    let tag = field(&current, "etag").to_owned();
                    let count: u64 = current.text().expect("its content").parse().expect("a number");
                    let answer = put(Some(&tag), (count + 1).to_string());
                    match (answer.status().as_u16(), reason(&answer)) {
                        (200, "updated") => won.fetch_add(1, Ordering::Relaxed),
                        (412, "if-match-failed" | "matched-too-late") => lost.fetch_add(1, Ordering::Relaxed),
                        other => panic!("{other:?}"),
                    };
                }
            });
        }
    });
    let count: usize =
        client.get(&url).send().expect("an answer").text().expect("its content").parse().expect("a number");
    assert_eq!(count, won.load(Ordering::Relaxed), "each winner is one more");
    assert_eq!(count + lost.load(Ordering::Relaxed), 512);
}

#[test]
fn what_was_acknowledged_is_there_after_a_restart() {
    let mut site = plan().start();
    let put = site.ask("PUT /notes/kept HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"title\":\"kept\"}");
    assert_eq!(put.status(), 201);
    site.restart();
    let got = site.get("/notes/kept");
    assert_eq!((got.status(), got.text(), got.get("etag")), (200, "{\"title\":\"kept\"}", put.get("etag")));
}
