//! Documents against a model of them in memory: whatever is asked, in whatever order, the answers are the same.
//!
//! The model knows what HTTP says of a collection, and nothing of a store. A revision is only compared: each change has one that
//! was never seen before, and until the next change it is the same wherever it is told. `VERDICT_LONG=1` asks 200,000 times.

use crate::client::{Answer, Client};
use crate::site::{Plan, Site};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;

/// Where the random requests begin, so that a failure can be had again.
const SEED: u64 = 0x5EED_0DD5;

fn requests() -> usize {
    if std::env::var_os("VERDICT_LONG").is_some_and(|long| long == "1") { 200_000 } else { 3000 }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// What is at an id.
#[derive(Clone, PartialEq, Debug)]
enum There {
    Deleted,
    Document { content: Vec<u8>, tag: String },
}

#[derive(Default)]
struct Model {
    there: BTreeMap<String, There>,
    /// Every tag that was ever given, the oldest first.
    tags: Vec<String>,
}

/// A request, and what of it the model looks at.
#[derive(Clone, Debug)]
struct Asked {
    method: &'static str,
    /// `None`: the collection.
    id: Option<String>,
    content_type: &'static str,
    content: String,
    if_match: Option<String>,
    if_none_match: Option<String>,
    minimal: bool,
}

const IDS: [&str; 5] = ["a", "b", "c", "d", "e"];
const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";

/// What a document is put as: some have the same `k`, which is unique; one is no object, and one no JSON.
const DOCUMENTS: [&str; 9] = [
    "{\"k\":0}",
    "{\"k\":1,\"x\":\"one\"}",
    " {\"k\" : 1}\n",
    "{\"k\":2,\"x\":{\"y\":[1,2.50]}}",
    "{\"x\":null}",
    "{}",
    "[]",
    "7",
    "{\"k\":",
];
const PATCHES: [&str; 7] = [
    "{}",
    "{\"x\":1}",
    "{\"k\":1}",
    "{\"k\":2,\"x\":null}",
    "{\"k\":null}",
    "{\"x\":{\"y\":{\"z\":true}}}",
    "{\"k\":1",
];

impl Model {
    fn tag(&self, id: &str) -> Option<&str> {
        match self.there.get(id) {
            Some(There::Document { tag, .. }) => Some(tag),
            _ => None,
        }
    }

    fn holds(&self, id: &str, name: &str) -> bool {
        let listed = |tags: &str, current: &str| tags == "*" || tags.split(", ").any(|tag| tag == current);
        let tag = self.tag(id);
        match name {
            "*" => tag.is_some(),
            tags => tag.is_some_and(|tag| listed(tags, tag)),
        }
    }

    /// The status, of what has one before anything is done (RFC 9110 §13.2.2).
    fn refusal(&self, asked: &Asked, id: &str) -> Option<u16> {
        let reads = matches!(asked.method, "GET" | "HEAD");
        let wrong_type = match asked.method {
            "PUT" => asked.content_type != JSON,
            "PATCH" => asked.content_type != MERGE,
            _ => false,
        };
        let matched = asked.if_match.as_deref().is_none_or(|tags| self.holds(id, tags));
        let differs = asked.if_none_match.as_deref().is_none_or(|tags| !self.holds(id, tags));
        match self.there.get(id) {
            None if asked.method != "PUT" => Some(404),
            Some(There::Deleted) if asked.method != "PUT" => Some(410),
            _ if wrong_type => Some(415),
            _ if !matched => Some(412),
            _ if !differs => Some(if reads { 304 } else { 412 }),
            _ => None,
        }
    }

    /// The document that is to be, or why it is not.
    fn becomes(&self, asked: &Asked, id: Option<&str>) -> Result<Value, u16> {
        let sent: Value = serde_json::from_str(&asked.content).map_err(|_| 400_u16)?;
        let document = match (asked.method, id.and_then(|id| self.there.get(id))) {
            ("PATCH", Some(There::Document { content, .. })) => {
                merge(serde_json::from_slice(content).expect("JSON"), &sent)
            }
            _ => sent,
        };
        let key = |value: &Value| value.get("k").cloned();
        let taken = self.there.iter().any(|(other, there)| match there {
            There::Document { content, .. } if Some(&**other) != id => {
                let held = key(&serde_json::from_slice(content).expect("JSON"));
                held.is_some() && held == key(&document)
            }
            _ => false,
        });
        if taken { Err(409) } else { Ok(document) }
    }

    fn judge(&mut self, asked: &Asked, answer: &Answer) {
        let shown = || format!("{asked:?}\n{answer:#?}\n{:#?}", self.there);
        let Some(id) = asked.id.clone() else { return self.judge_collection(asked, answer) };
        let known = self.there.get(&id).cloned();
        let expected = match (self.refusal(asked, &id), asked.method) {
            (Some(status), _) => Err(status),
            (None, "GET" | "HEAD" | "DELETE") => Ok(Value::Null),
            (None, _) => self.becomes(asked, Some(&id)),
        };
        let document = match expected {
            Err(status) => {
                assert_eq!(answer.status(), status, "{}", shown());
                if let (304 | 412, Some(There::Document { tag, .. })) = (status, &known) {
                    assert_eq!(answer.get("etag"), Some(&**tag), "{}", shown());
                }
                return;
            }
            Ok(document) => document,
        };
        match (asked.method, known) {
            ("GET" | "HEAD", Some(There::Document { content, tag })) => {
                assert_eq!((answer.status(), answer.get("etag")), (200, Some(&*tag)), "{}", shown());
                let length = content.len().to_string();
                assert_eq!(answer.get("content-length"), Some(&*length), "{}", shown());
                let content = if asked.method == "GET" { content } else { Vec::new() };
                assert_eq!(answer.content, content, "{}", shown());
            }
            ("DELETE", _) => {
                assert_eq!(answer.status(), 204, "{}", shown());
                self.there.insert(id, There::Deleted);
            }
            (method, known) => {
                let created = !matches!(known, Some(There::Document { .. }));
                let status = match (created, asked.minimal) {
                    (true, _) => 201,
                    (false, true) => 204,
                    (false, false) => 200,
                };
                assert_eq!(answer.status(), status, "{}", shown());
                if status == 200 {
                    let told: Value = serde_json::from_slice(&answer.content).expect("JSON");
                    assert_eq!(told, document, "{}", shown());
                }
                // What a patch leaves is written as it was, which the answer knows; another kind of writing is as good.
                let content = match (method, status) {
                    ("PUT", _) => asked.content.clone().into_bytes(),
                    (_, 200) => answer.content.clone(),
                    _ => Vec::new(),
                };
                self.keep(id, content, answer);
            }
        }
    }

    fn judge_collection(&mut self, asked: &Asked, answer: &Answer) {
        let shown = || format!("{asked:?}\n{answer:#?}\n{:#?}", self.there);
        if asked.method == "POST" {
            if asked.content_type != JSON {
                assert_eq!(answer.status(), 415, "{}", shown());
                return;
            }
            match self.becomes(asked, None) {
                Err(status) => assert_eq!(answer.status(), status, "{}", shown()),
                Ok(_) => {
                    assert_eq!(answer.status(), 201, "{}", shown());
                    let location = answer.get("location").and_then(|location| location.strip_prefix("/notes/"));
                    let id = location.expect("where it is").to_owned();
                    assert!(!self.there.contains_key(&id), "{}", shown());
                    self.keep(id, asked.content.clone().into_bytes(), answer);
                }
            }
            return;
        }
        assert_eq!(answer.status(), 200, "{}", shown());
        if asked.method == "HEAD" {
            return;
        }
        let page: Value = serde_json::from_slice(&answer.content).expect("JSON");
        let told: BTreeMap<&str, &Value> = page["documents"].as_array().expect("a list").iter().map(entry).collect();
        let parse = |(id, there): (&'_ String, &'_ There)| match there {
            There::Document { content, .. } => {
                Some((id.clone(), serde_json::from_slice::<Value>(content).expect("JSON")))
            }
            There::Deleted => None,
        };
        let kept: BTreeMap<String, Value> = self.there.iter().filter_map(parse).collect();
        let kept: BTreeMap<&str, &Value> = kept.iter().map(|(id, value)| (&**id, value)).collect();
        assert_eq!(told, kept, "{}", shown());
    }

    fn keep(&mut self, id: String, content: Vec<u8>, answer: &Answer) {
        let tag = answer.get("etag").expect("a tag").to_owned();
        assert!(!self.tags.contains(&tag), "{tag} is given again: {answer:#?}");
        self.tags.push(tag.clone());
        self.there.insert(id, There::Document { content, tag });
    }

    fn invent(&self, random: &mut Random) -> Asked {
        let known: Vec<&str> = IDS.into_iter().chain(self.there.keys().map(String::as_str)).collect();
        let unknown = format!("n{}", random.below(1000));
        let live = self.there.values().filter(|there| **there != There::Deleted).count();
        let methods: &[&str] = match live {
            0..12 => &["GET", "GET", "HEAD", "PUT", "PUT", "PUT", "PATCH", "PATCH", "DELETE", "POST", "LIST"],
            _ => &["GET", "PUT", "PATCH", "DELETE", "DELETE"],
        };
        let id = match random.below(8) {
            0 => &unknown,
            1 | 2 => *random.of(&known),
            _ => *random.of(&IDS),
        };
        let (method, id) = match *random.of(methods) {
            "LIST" => (*random.of(&["GET", "HEAD"]), None),
            "POST" => ("POST", None),
            other => (other, Some(id.to_owned())),
        };
        let (content_type, content) = match method {
            "PUT" | "POST" => (JSON, *random.of(&DOCUMENTS)),
            "PATCH" => (MERGE, *random.of(&PATCHES)),
            _ => ("", ""),
        };
        let content_type = match content_type.is_empty() || random.below(40) > 0 {
            true => content_type,
            false => "text/plain",
        };
        let mut tags = || {
            let current = id.as_deref().and_then(|id| self.tag(id)).unwrap_or("\"none\"").to_owned();
            let other = if self.tags.is_empty() { "\"0\"" } else { random.of(&self.tags) };
            match random.below(10) {
                0 => Some("*".to_owned()),
                1 | 2 => Some(current),
                3 => Some(other.to_owned()),
                4 => Some(format!("{other}, {current}")),
                _ => None,
            }
        };
        let (if_match, if_none_match) = match id {
            // A page's tag is not the model's.
            None => (None, None),
            Some(_) => (tags(), tags()),
        };
        // Of what a patch made, only the answer knows how it is written.
        let minimal = method == "PUT" && random.below(3) == 0;
        Asked { method, id, content_type, content: content.to_owned(), if_match, if_none_match, minimal }
    }
}

fn entry(entry: &Value) -> (&str, &Value) {
    (entry["id"].as_str().expect("an id"), &entry["document"])
}

/// RFC 7396 §2
fn merge(target: Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else { return patch.clone() };
    let mut target = match target {
        Value::Object(target) => target,
        _ => Map::new(),
    };
    for (name, value) in patch {
        match value {
            Value::Null => drop(target.remove(name)),
            value => {
                let before = target.remove(name).unwrap_or(Value::Null);
                target.insert(name.clone(), merge(before, value));
            }
        }
    }
    Value::Object(target)
}

impl Asked {
    fn message(&self) -> String {
        let target = self.id.as_ref().map_or("/notes?_limit=1000".to_owned(), |id| format!("/notes/{id}"));
        let target = if self.method == "POST" { "/notes" } else { &target };
        let mut message = format!("{} {target} HTTP/1.1\r\nHost: site.test\r\n", self.method);
        let mut field = |name, value: &str| message += &format!("{name}: {value}\r\n");
        if let Some(tags) = &self.if_match {
            field("If-Match", tags);
        }
        if let Some(tags) = &self.if_none_match {
            field("If-None-Match", tags);
        }
        if self.minimal {
            field("Prefer", "return=minimal");
        }
        if !self.content_type.is_empty() {
            field("Content-Type", self.content_type);
            field("Content-Length", &self.content.len().to_string());
        }
        format!("{message}\r\n{}", self.content)
    }
}

fn site() -> Site {
    let plan =
        Plan::new().top("state = \"state\"\nworkers = 2").route("/notes/{id}", "documents = { unique = [\"/k\"] }");
    plan.route("/counts/{id}", "documents = {}").start()
}

#[test]
fn whatever_is_asked_the_answers_are_those_of_a_model() {
    let site = site();
    // The worker that a connection is at makes no difference.
    let mut clients: Vec<Client> = (0..5).map(|_| site.client()).collect();
    let (mut random, mut model) = (Random(SEED), Model::default());
    let mut seen: BTreeMap<(&str, u16), usize> = BTreeMap::new();
    for i in 0..requests() {
        let asked = model.invent(&mut random);
        let client = random.below(clients.len());
        let answer = clients[client].ask(asked.message());
        *seen.entry((asked.method, answer.status())).or_default() += 1;
        if answer.closes() {
            clients[client] = site.client();
        }
        let judged = std::panic::AssertUnwindSafe(|| model.judge(&asked, &answer));
        if let Err(wrong) = std::panic::catch_unwind(judged) {
            eprintln!("request {i} from the seed {SEED:#x}");
            std::panic::resume_unwind(wrong);
        }
    }
    for (method, statuses) in [
        ("GET", &[200, 304, 404, 410, 412][..]),
        ("PUT", &[200, 201, 204, 400, 409, 412, 415]),
        ("PATCH", &[200, 400, 404, 409, 410, 412, 415]),
        ("DELETE", &[204, 404, 410, 412]),
        ("POST", &[201, 400, 409]),
    ] {
        for status in statuses {
            assert!(seen.contains_key(&(method, *status)), "{method} is never {status}: {seen:?}");
        }
    }
}

const WRITERS: u64 = 64;
const WINS: u64 = 2;

#[test]
fn of_many_that_change_one_revision_exactly_one_does() {
    let site = site();
    let put = |client: &mut Client, n: u64, condition: &str| {
        let content = json!({ "n": n }).to_string();
        let length = content.len();
        client.ask(format!(
            "PUT /counts/one HTTP/1.1\r\nHost: site.test\r\nContent-Type: application/json\r\n{condition}\r\n\
             Content-Length: {length}\r\n\r\n{content}"
        ))
    };
    let count = |answer: &Answer| serde_json::from_slice::<Value>(&answer.content).expect("JSON")["n"].as_u64();
    assert_eq!(put(&mut site.client(), 0, "If-None-Match: *").status(), 201);
    let beaten: Mutex<HashSet<String>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                let mut client = site.client();
                let mut wins = 0;
                while wins < WINS {
                    let current = client.ask("GET /counts/one HTTP/1.1\r\nHost: site.test\r\n\r\n");
                    let tag = current.get("etag").expect("a tag").to_owned();
                    let n = count(&current).expect("a number");
                    let answer = put(&mut client, n + 1, &format!("If-Match: {tag}"));
                    match answer.status() {
                        200 => {
                            assert!(beaten.lock().expect("no panic").insert(tag), "two changed one revision");
                            wins += 1;
                        }
                        status => assert_eq!(status, 412, "{answer:?}"),
                    }
                }
            });
        }
    });
    assert_eq!(count(&site.get("/counts/one")), Some(WRITERS * WINS), "no change is lost");
    assert_eq!(beaten.into_inner().expect("no panic").len() as u64, WRITERS * WINS);
}
