//! What is asked: rows of what a route understands, put together at random, mostly as somebody would and at times in no way at all.

use crate::client::Answer;
use crate::dice::Dice;
use crate::rows::{LONG, PASSED, ROWS, Row};
use crate::site::TOKENS;
use std::collections::HashMap;

/// A message, and by what it has to be judged.
pub(crate) struct Asking {
    pub(crate) method: &'static str,
    /// The route's; none where no route has to match.
    pub(crate) pattern: Option<&'static str>,
    /// The path of OpenAPI, where that is not the pattern's.
    pub(crate) path: Option<&'static str>,
    target: String,
    pub(crate) message: Vec<u8>,
}

/// What earlier answers have told.
#[derive(Default)]
pub(crate) struct Memory {
    tags: HashMap<String, String>,
    /// Targets that were made below a route's own.
    made: HashMap<&'static str, Vec<String>>,
}

/// As many are remembered of each route.
const MOST: usize = 16;

impl Memory {
    pub(crate) fn learn(&mut self, asking: &Asking, answer: &Answer) {
        let target = answer.get("location").unwrap_or(&asking.target);
        if let Some(tag) = answer.get("etag").filter(|_| answer.status < 300) {
            // Each target once is enough, and of those that are made there is no end.
            if self.tags.len() > 500 {
                self.tags.clear();
            }
            self.tags.insert(target.to_owned(), tag.to_owned());
        }
        let Some(row) = ROWS.iter().find(|row| row.pattern == asking.pattern && row.makes) else { return };
        if let (201 | 202 | 303, Some(location), Some(pattern)) = (answer.status, answer.get("location"), row.pattern) {
            let made = self.made.entry(pattern).or_default();
            if made.len() == MOST {
                made.remove(0);
            }
            made.push(location.to_owned());
        }
    }

    /// A target: `{PATTERN}` is one that was made there.
    fn target(&self, dice: &mut Dice, wanted: &str) -> String {
        let Some((pattern, rest)) = wanted.strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
            return wanted.to_owned();
        };
        let made = self.made.get(pattern).filter(|made| !made.is_empty());
        made.map_or_else(|| format!("{pattern}/none"), |made| dice.of(made).clone()) + rest
    }
}

/// Methods that may be tried anywhere.
const METHODS: [&str; 12] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW", "get", "GET"];

/// Fields that may stand anywhere.
const FIELDS: [&str; 38] = [
    "Early-Data: 1",
    "If-Match: *",
    "If-Match: \"x\"",
    "If-Match: {tag}",
    "If-Match: x",
    "If-None-Match: *",
    "If-None-Match: {tag}",
    "If-None-Match: W/\"x\", \"y\"",
    "If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT",
    "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT",
    "If-Modified-Since: yesterday",
    "If-Unmodified-Since: Wed, 01 Jan 2020 00:00:00 GMT",
    "If-Unmodified-Since: Fri, 01 Jan 2100 00:00:00 GMT",
    "If-Range: {tag}",
    "If-Range: \"x\"",
    "Range: bytes=0-1",
    "Range: bytes=0-1",
    "Range: bytes=-5",
    "Range: bytes=0-1,10-11",
    "Range: bytes=5000-",
    "Range: bytes=-0",
    "Range: lines=1-2",
    "Range: bytes=9-1",
    "Accept: text/html",
    "Accept: application/json",
    "Accept: image/png",
    "Accept-Encoding: br, gzip",
    "Accept-Encoding: identity;q=0",
    "Origin: https://a.example",
    "Access-Control-Request-Method: PUT",
    "Sec-Fetch-Mode: navigate",
    "Sec-Fetch-Site: cross-site",
    "Request-Id: abc",
    "Authorization: Bearer {token}",
    "Max-Forwards: 0",
    "TE: trailers",
    "Via: 1.1 somebody",
    "X-Forwarded-For: 192.0.2.1",
];

/// Fields that end a connection, or break the message: for the last of one.
const BREAKING: [&str; 22] = [
    "Connection: close",
    "Connection: host",
    "Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
    "Connection: upgrade\r\nUpgrade: websocket",
    "Connection: upgrade\r\nUpgrade: other",
    "Content-Length: 0",
    "Content-Length: 5",
    "Content-Length: 5",
    "Content-Length: 5000",
    "Content-Length: x",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: gzip",
    "Expect: 100-continue",
    "Expect: more",
    "Expect: more",
    "Expect: more",
    "Host: again",
    "A : b",
    "A b",
    " folded: x",
    "Content-Length: 5000\r\nExpect: 100-continue",
    "Via: 1.1 verdict, 1.1 verdict",
];

const BROKEN: [&str; 6] = ["", "12345", "5\r\nabcde\r\n0\r\n\r\n", "5\r\nabcd", "z\r\n", "0\r\nA b\r\n\r\n"];

impl Asking {
    /// So many for one connection, of which each but the last leaves it standing, unless it is refused.
    pub(crate) fn batch(dice: &mut Dice, memory: &Memory, count: usize) -> Vec<Asking> {
        let breaks = dice.percent(70);
        (1..=count).map(|nth| Asking::new(dice, memory, nth == count && breaks)).collect()
    }

    fn new(dice: &mut Dice, memory: &Memory, breaks: bool) -> Asking {
        let ends = breaks && dice.percent(30);
        let row = row(dice, ends);
        let methods = if dice.percent(80) { row.methods } else { &METHODS };
        let method = *dice.of(methods);
        let wanted = wanted(dice, row);
        let target = memory.target(dice, &wanted);
        let of_pattern = row.pattern.and_then(|pattern| pattern.split('/').next()).filter(|host| !host.is_empty());
        let host = of_pattern.unwrap_or("b.test");
        let mut lines = Vec::new();
        for _ in 0..dice.below(4) {
            let from: &[&str] = if dice.percent(50) { row.fields } else { &FIELDS };
            let line = dice.of(from).replace("{token}", TOKENS[dice.below(2)].1);
            lines.push(line.replace("{tag}", memory.tags.get(&target).map_or("\"none\"", String::as_str)));
        }
        // What is said twice is another matter than what is said.
        lines.sort_by(|a, b| a.split(':').next().cmp(&b.split(':').next()));
        lines.dedup_by(|a, b| a.split(':').next() == b.split(':').next());
        let mut content = String::new();
        if breaks {
            lines.extend((0..dice.below(3)).map(|_| (*dice.of(&BREAKING)).to_owned()));
            content.push_str(dice.of::<&str>(&BROKEN));
        } else if dice.percent(if matches!(method, "POST" | "PUT" | "PATCH") { 90 } else { 5 }) {
            let (kind, text) = *dice.of(row.contents);
            lines.push(format!("Content-Type: {kind}"));
            if dice.percent(80) {
                lines.push(format!("Content-Length: {}", text.len()));
                content.push_str(text);
            } else {
                let more = if text.is_empty() { String::new() } else { format!("{:x}\r\n{text}\r\n", text.len()) };
                lines.push("Transfer-Encoding: chunked".to_owned());
                content = more + "0\r\n\r\n";
            }
        }
        let version = if breaks { *dice.of(&["1.1", "1.1", "1.1", "1.0", "2.0"]) } else { "1.1" };
        let before = format!("{method} {target} HTTP/{version}\r\nHost: {host}\r\n");
        let mut message = before.clone().into_bytes();
        for line in lines {
            message.extend_from_slice(line.as_bytes());
            message.extend_from_slice(b"\r\n");
        }
        message.extend_from_slice(b"\r\n");
        message.extend_from_slice(content.as_bytes());
        // At times a byte is another one, though what is asked for stays.
        if breaks && dice.percent(30) {
            let at = before.len() + dice.below(message.len() - before.len());
            message[at] = dice.below(256) as u8;
        }
        Asking { method, pattern: row.pattern, path: row.path, target, message }
    }
}

fn row(dice: &mut Dice, ends: bool) -> &'static Row {
    let rows = || ROWS.iter().filter(|row| row.ends == ends);
    let mut left = dice.below(rows().map(|row| row.weight).sum());
    let found = rows().find(|row| {
        let is_it = left < row.weight;
        left = left.saturating_sub(row.weight);
        is_it
    });
    found.expect("the weights are those of the rows")
}

fn wanted(dice: &mut Dice, row: &Row) -> String {
    let passed = *dice.of(PASSED);
    dice.of(row.targets).replace("{passed}", passed).replace("{long}", &format!("/{}", &LONG[..300]))
}
