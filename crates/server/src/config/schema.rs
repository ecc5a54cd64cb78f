//! The form of a config as a JSON Schema (2020-12): for editors, which complete keys and underline what is wrong while it is
//! typed, and for programs that write configs.
//!
//! Rule: what the parser has a table of (units, defaults, statuses, fields) is asked of that table. The keys stand here a
//! second time, with the words that an editor shows; tests hold both lists of keys, and what each takes, against each other.

mod auth;
mod form;
mod jobs;
mod load;
mod proxy;

use super::fields::{DECIDED, FRAMING, OURS};
use super::read::Zero;
use super::units::{DURATION, Form, RATE, SIZE};
use super::{Files, LARGEST_PAGE, Limits, Upload};
use crate::json::Json;
use form::{described, integer, not_empty, of_type, one_of, one_or_list, quantity, table, text};
use std::path::PathBuf;
use std::time::Duration;
use verdict_core::cause::Elsewhere;
use verdict_core::status::{Entry, REGISTRY};

/// The schema of a config as this version takes it; JSON, with a line break at its end.
///
/// It is as exact as a schema can be: whatever the parser takes is valid, and what is valid and refused all the same is wrong
/// about something that a schema does not see, such as a folder that is missing or two patterns that match the same request.
pub fn schema() -> String {
    let keys = vec![
        (
            "listen",
            described(
                "Where to listen: `http://` or `https://`, an IP address or localhost, and a port; or a list of them. Port 0 is one that is \
                 free.",
                one_or_list(form::address(), 1).with("default", Json::list(["http://127.0.0.1:8080"])),
            ),
        ),
        ("workers", described("How many threads answer requests; one for each core unless set.", integer(1, 1024))),
        (
            "log",
            described(
                "In which form requests are logged, on standard output; errors of the server itself always are, on \
                 standard error.",
                one_of(["json", "text", "off"]).with("default", "text"),
            ),
        ),
        (
            "explain",
            described(
                "How much an answer says of why it was given: its status only, a problem document (RFC 9457) with each \
                 refusal, or the field `Verdict-Reason` on every answer as well.",
                one_of(["off", "problem", "header"]).with("default", "problem"),
            ),
        ),
        (
            "drain",
            described(
                "How long requests in flight may go on after the signal to stop.",
                quantity(&DURATION, Zero::Taken).with("default", "10s"),
            ),
        ),
        (
            "watch",
            described(
                "Whether a change of this file, or of one that it names, is taken over while the server runs.",
                of_type("boolean").with("default", false),
            ),
        ),
        ("console", console()),
        (
            "state",
            described(
                "The folder of what the server keeps, and of the console's socket, `console.sock`; made where it is missing. \
                 Without it and without `console` there is no console.",
                not_empty(),
            ),
        ),
        ("user", described("The user of /etc/passwd to become once the listeners are bound.", text(r"[^\x00:/]+"))),
        (
            "trusted-proxies",
            described(
                "The networks of those whose word about a request counts, as in `10.0.0.0/8`: their `Request-Id` is taken \
                 over, and who the client is by their `Forwarded` or `X-Forwarded-For`.",
                one_or_list(form::network(), 0),
            ),
        ),
        ("tls", tls()),
        (
            "h2c-upgrade",
            described(
                "Whether a request on an `http://` address may change the connection to HTTP/2 by `Upgrade: h2c`: 101.",
                of_type("boolean").with("default", false),
            ),
        ),
        ("limits", limits()),
        ("auth", auth::guards()),
        ("route", routes()),
    ];
    let schema = table(keys)
        .with("required", Json::list(["route"]))
        .preceded_by("$defs", Json::empty().with("route", route()))
        .preceded_by("title", concat!("A config of Verdict ", env!("CARGO_PKG_VERSION")))
        .preceded_by("$schema", "https://json-schema.org/draft/2020-12/schema");
    format!("{schema:#}\n")
}

fn console() -> Json {
    let keys = vec![
        ("listen", described("Where, as in `127.0.0.1:8081`.", form::socket_address())),
        (
            "token",
            described("What its clients have to know, to be sent as `Authorization: Bearer`.", form::token68(16)),
        ),
        (
            "answers",
            described(
                "How many answers each worker keeps for `verdict why` and `verdict tail`, 512 bytes each; 0 is none. It is taken \
                 when the server starts.",
                form::integer(0, 1 << 20).with("default", 16_384_u64),
            ),
        ),
    ];
    let together = Json::object([("listen", Json::list(["token"])), ("token", Json::list(["listen"]))]);
    described(
        "An address for the console beside its socket, `console.sock` in `state`, which is `./state` unless set; and how much \
         it can tell.",
        table(keys).with("dependentRequired", together).with("minProperties", 1),
    )
}

// What `[limits]` and a route's `limits` have in common.
const BODY_IDLE: &str = "The longest pause within a request's content. Beyond: 408.";
const SEND_IDLE: &str = "The longest time that a client takes nothing of its answer, before it is cut.";
const MIN_RATE: &str = "Bytes of content a second, on average; `0B/s` is no minimum. Below: 408.";
const BODY_OF_ROUTE: &str =
    "The most content that a request may have; of `documents` no more than 1MiB unless set here. Beyond: 413.";
const BODY: &str = "The most content that a request may have. Beyond: 413.";

fn tls() -> Json {
    let file = |words: &str| described(words, not_empty());
    let certificate = || file("A certificate in PEM, and behind it those that lead to who signed it.");
    let key = || file("Its private key in PEM, without a password.");
    let pair = table(vec![("certificate", certificate()), ("key", key())]);
    let list =
        of_type("array").with("items", pair.with("required", Json::list(["certificate", "key"]))).with("minItems", 1);
    let keys = vec![
        ("certificate", certificate()),
        ("key", key()),
        ("certificates", described("Several, each for the names that it has; the first is also for any other.", list)),
        (
            "redirect-http",
            described(
                "Whether what comes to an `http://` address is redirected to `https://` for good: 308.",
                of_type("boolean").with("default", false),
            ),
        ),
    ];
    let one = Json::empty().with("required", Json::list(["certificate", "key"]));
    let one = one.with("properties", Json::empty().with("certificates", false));
    let several = Json::empty().with("required", Json::list(["certificates"]));
    let several = several.with("properties", Json::empty().with("certificate", false).with("key", false));
    described("What the `https://` addresses need.", table(keys)).with("oneOf", Json::List(vec![one, several]))
}

fn limits() -> Json {
    let default = Limits::default();
    let time = |words: &str, default: Duration| {
        let default = DURATION.write(default.as_millis() as u64);
        described(words, quantity(&DURATION, Zero::Refused).with("default", default))
    };
    let size = |words: &str, zero: Zero, default: u64| {
        described(words, quantity(&SIZE, zero).with("default", SIZE.write(default)))
    };
    let count = |words: &str, default: u64| described(words, integer(1, u64::from(u32::MAX)).with("default", default));
    described(
        "Times, bytes and counts beyond which a request is refused.",
        table(vec![
            ("head", time("From the first byte of a request's head to its last. Beyond: 408.", default.head)),
            ("body-idle", time(BODY_IDLE, default.body_idle)),
            ("send-idle", time(SEND_IDLE, default.send_idle)),
            ("idle", time("The longest pause between requests on one connection, before it is closed.", default.idle)),
            ("connections", count("Connections of all clients together. Beyond: 503.", default.connections)),
            ("per-client", count("Connections of one client. Beyond: 503.", default.per_client)),
            ("requests", count("Requests in flight at once. Beyond: 503.", default.requests)),
            (
                "min-rate",
                described(MIN_RATE, quantity(&RATE, Zero::Taken).with("default", RATE.write(default.min_rate))),
            ),
            ("body", size(BODY, Zero::Taken, default.body)),
            ("target", size("The longest request target; at most 16MiB. Beyond: 414.", Zero::Refused, default.target)),
            ("fields", size("The largest header section; at most 16MiB. Beyond: 431.", Zero::Refused, default.fields)),
        ]),
    )
}

fn routes() -> Json {
    let route = || Json::empty().with("$ref", "#/$defs/route");
    // A folder has many paths.
    let one_path = route().with("properties", Json::empty().with("files", false));
    let by_pattern = Json::empty().with(r"\}$", route()).with(r"[^}]$", one_path);
    described(
        "The routes by pattern: `[host]/path`, where `{name}` is one segment and `{name...}`, last, the rest, which may be \
         empty. The most specific pattern that matches wins, wherever it stands.",
        of_type("object").with("minProperties", 1),
    )
    .with("propertyNames", form::pattern())
    .with("patternProperties", by_pattern)
    .with("additionalProperties", false)
}

fn route() -> Json {
    let pages = REGISTRY.iter().map(|entry| entry.status.code()).filter(|code| (400..600).contains(code));
    let page_names = one_of(pages.map(|code| code.to_string()));
    let keys = vec![
        ("documents", documents()),
        ("files", files()),
        ("jobs", jobs::jobs()),
        ("proxy", proxy::proxy()),
        ("redirect", redirect()),
        ("respond", respond()),
        ("upload", upload()),
        ("timeout", proxy::timeout()),
        ("limits", route_limits()),
        ("cors", load::cors()),
        ("rate", load::rate()),
        ("concurrency", load::concurrency()),
        ("maintenance", load::maintenance()),
        (
            "headers",
            described(
                "Fields of every answer, errors too: names and values.",
                form::fields([DECIDED, FRAMING, OURS].concat()),
            ),
        ),
        (
            "pages",
            described(
                "What browsers get instead of the generated page: a status from 400 to 599, and a file of text of at most \
                 1MiB.",
                of_type("object").with("propertyNames", page_names).with("additionalProperties", not_empty()),
            ),
        ),
        (
            "hints",
            described(
                "What a page will need: `Link` values of a 103 that goes before the answer.",
                one_or_list(form::link(), 0),
            ),
        ),
        (
            "hints-to",
            described(
                "Who gets the 103: HTTP/2 and browsers that are navigating, or every client of HTTP/1.1 and later.",
                one_of(["navigations", "all"]).with("default", "navigations"),
            ),
        ),
    ];
    let keys = keys.into_iter().chain(auth::of_route()).collect();
    let kinds = ["documents", "files", "jobs", "proxy", "redirect", "respond"]
        .map(|kind| Json::empty().with("required", Json::list([kind])));
    described(
        "What answers, and what holds for it. One of `documents`, `files`, `jobs`, `proxy`, `redirect`, `respond`.",
        table(keys),
    )
    .with("oneOf", Json::List(kinds.into()))
    .with("dependentRequired", Json::empty().with("upload", Json::list(["files"])))
    .with(
        "dependentSchemas",
        auth::dependent().with("hints-to", either(["hints", "proxy"])).with("timeout", either(["jobs", "proxy"])),
    )
}

/// A table that has one of these keys.
fn either(keys: [&str; 2]) -> Json {
    let has = keys.map(|key| Json::empty().with("required", Json::list([key])));
    Json::empty().with("anyOf", Json::List(has.into()))
}

fn files() -> Json {
    let default = Files::new(PathBuf::new());
    let flag = |words: &str, default: bool| described(words, of_type("boolean").with("default", default));
    let options = table(vec![
        ("root", described("The folder, relative to the config's.", not_empty())),
        (
            "index",
            described(
                "The file names that stand for a folder, tried in this order.",
                one_or_list(form::file_name(), 0).with("default", Json::list(default.index.iter().map(String::as_str))),
            ),
        ),
        ("listing", flag("Whether a folder without one of them is listed; 404 unless it is.", default.listing)),
        ("dotfiles", flag("Whether names that begin with a dot are served; 404 unless they are.", default.dotfiles)),
        (
            "precompressed",
            flag(
                "Whether `x.br`, `x.zst` and `x.gz` are served for `x` to clients that accept the coding.",
                default.precompressed,
            ),
        ),
        ("cache", cache()),
        (
            "fallback",
            described(
                "The file of the folder that is served where there is none, for applications that route by themselves.",
                form::path_below(),
            ),
        ),
    ]);
    described(
        "A folder: 200, 206, 304, 404, 416. Its path, or a table with options.",
        Json::empty().with("anyOf", Json::List(vec![not_empty(), options.with("required", Json::list(["root"]))])),
    )
}

fn upload() -> Json {
    let default = Upload::default();
    let flag = |words: &str, default: bool| described(words, of_type("boolean").with("default", default));
    let keys = vec![
        ("quota", described("Bytes of all files that were uploaded. Beyond: 507.", quantity(&SIZE, Zero::Refused))),
        (
            "types",
            described(
                "The media types that a file may have, as it is sent and by its name, such as `image/*`. Of another: 415.",
                one_or_list(form::media_range(), 1),
            ),
        ),
        ("delete", flag("Whether files can be deleted; 405 unless they can.", default.delete)),
        (
            "keep-deleted",
            described(
                "For how long a deleted file is 410, before it is 404.",
                quantity(&DURATION, Zero::Taken).with("default", "1d"),
            ),
        ),
        (
            "create-folders",
            flag("Whether the folders above a new file are made; 409 unless they are.", default.create_folders),
        ),
    ];
    described("Beside `files`: PUT creates and replaces files, DELETE deletes them. Needs `state`.", table(keys))
}

fn documents() -> Json {
    let pointers = |words: &str| described(words, one_or_list(text("(/[^/~]*(~[01][^/~]*)*)+"), 0));
    let keys = vec![
        (
            "schema",
            described(
                "A file with the JSON Schema (draft 2020-12) that each document must be by; else 422.",
                not_empty(),
            ),
        ),
        ("unique", pointers("Members, as JSON Pointers, of which no two documents have the same value; else 409.")),
        ("index", pointers("Members, as JSON Pointers, that the collection can be asked and sorted by.")),
        (
            "version",
            described(
                "The member that says which version a client has: one that is not current is 409.",
                text("/[^/]+"),
            ),
        ),
        (
            "if-match",
            described(
                "Whether a document may be changed without a condition; `required`: 428 without one.",
                one_of(["optional", "required"]).with("default", "optional"),
            ),
        ),
        (
            "keep-deleted",
            described(
                "For how long a deleted document is 410, before it is 404.",
                quantity(&DURATION, Zero::Taken).with("default", "1d"),
            ),
        ),
        ("quota", described("Bytes of all documents together. Beyond: 507.", quantity(&SIZE, Zero::Refused))),
        (
            "page",
            described(
                "Documents of a page, unless the request has `_limit`.",
                of_type("integer")
                    .with("minimum", 1u64)
                    .with("maximum", u64::from(LARGEST_PAGE))
                    .with("default", 50u64),
            ),
        ),
    ];
    described("A collection of JSON documents, kept in `state`. The pattern ends in the name of their id.", table(keys))
}

fn redirect() -> Json {
    let codes = REGISTRY.iter().map(|entry| entry.status.code()).filter(|code| Elsewhere::of_code(*code).is_some());
    let options = table(vec![
        ("to", described("A path or a URL; it may use the pattern's names. The query is kept.", form::target())),
        (
            "status",
            described(
                "301 or 308 for good, 302 or 307 for now; 307 and 308 keep the method; 303 to see the result of a POST with \
                 GET.",
                one_of(codes.map(u64::from)).with("default", u64::from(Elsewhere::ForNow.status().code())),
            ),
        ),
        ("cache", cache()),
    ]);
    described(
        "Somewhere else, for every method. A path or a URL for 307, or a table with options.",
        Json::empty().with("anyOf", Json::List(vec![form::target(), options.with("required", Json::list(["to"]))])),
    )
}

fn cache() -> Json {
    described("For how long caches may keep the answer: `Cache-Control: max-age`.", quantity(&DURATION, Zero::Taken))
}

fn respond() -> Json {
    let finals: Vec<&Entry> = REGISTRY.iter().filter(|entry| entry.status.code() >= 200).collect();
    let required = |name: &str| {
        let requiring = finals.iter().filter(|entry| entry.required.iter().any(|field| field.name() == name));
        requiring.map(|entry| u64::from(entry.status.code())).collect::<Vec<_>>()
    };
    // Refused, but for the statuses that require them.
    let refused = [FRAMING, OURS, &["Content-Type", "Content-Encoding"]].concat();
    let (sometimes, never): (Vec<&str>, Vec<&str>) = refused.into_iter().partition(|name| !required(name).is_empty());
    let keys = vec![
        (
            "status",
            described("A registered final status.", one_of(finals.iter().map(|entry| u64::from(entry.status.code())))),
        ),
        ("body", described("The content; none where the status forbids it.", of_type("string"))),
        (
            "type",
            described("The content's media type.", form::media_type().with("default", "text/plain; charset=utf-8")),
        ),
        (
            "headers",
            described("Fields of the answer; those that its status requires must be given.", form::fields(never)),
        ),
    ];
    let mut rules = Vec::new();
    for entry in &finals {
        for field in entry.required {
            rules.push(when_status([u64::from(entry.status.code())], having(field.name())));
        }
    }
    for name in sometimes {
        let other =
            finals.iter().map(|entry| u64::from(entry.status.code())).filter(|code| !required(name).contains(code));
        rules.push(when_status(other, lacking(name)));
    }
    let empty = finals.iter().filter(|entry| entry.status.forbids_content()).map(|entry| entry.status.code().into());
    rules.push(when_status(empty, Json::empty().with("properties", Json::empty().with("body", false))));
    described("Always the same answer.", table(keys))
        .with("required", Json::list(["status"]))
        .with("dependentRequired", Json::empty().with("type", Json::list(["body"])))
        .with("allOf", Json::List(rules))
}

/// What else holds where the status is one of these.
fn when_status(codes: impl IntoIterator<Item = u64>, then: Json) -> Json {
    let status = Json::empty().with("properties", Json::empty().with("status", one_of(codes)));
    Json::empty().with("if", status.with("required", Json::list(["status"]))).with("then", then)
}

/// There is a field of this name, in whatever case.
fn having(name: &str) -> Json {
    let headers = Json::empty().with("not", Json::empty().with("propertyNames", unnamed(name)));
    let headers = Json::empty().with("headers", described(&format!("With `{name}`."), headers));
    Json::empty().with("required", Json::list(["headers"])).with("properties", headers)
}

/// There is no field of this name.
fn lacking(name: &str) -> Json {
    let headers = Json::empty().with("propertyNames", unnamed(name));
    Json::empty().with("properties", Json::empty().with("headers", headers))
}

fn unnamed(name: &str) -> Json {
    Json::empty().with("not", Json::empty().with("pattern", format!("^{}$", form::any_case(name))))
}

fn route_limits() -> Json {
    let time = |words: &str| described(words, quantity(&DURATION, Zero::Refused));
    let size = |words: &str, form: &Form, zero: Zero| described(words, quantity(form, zero));
    described(
        "Limits of this route over those of the server.",
        table(vec![
            ("body-idle", time(BODY_IDLE)),
            ("send-idle", time(SEND_IDLE)),
            ("min-rate", size(MIN_RATE, &RATE, Zero::Taken)),
            ("body", size(BODY_OF_ROUTE, &SIZE, Zero::Taken)),
            ("target", size("The longest request target; at most the server's. Beyond: 414.", &SIZE, Zero::Refused)),
            ("fields", size("The largest header section; at most the server's. Beyond: 431.", &SIZE, Zero::Refused)),
            (
                "length",
                described("`required`: content without `Content-Length` is refused with 411.", one_of(["required"])),
            ),
            (
                "types",
                described(
                    "The media types that content may have, as in `application/json` or `image/*`; any unless set. Others: \
                     415.",
                    one_or_list(form::media_range(), 1),
                ),
            ),
        ]),
    )
}
