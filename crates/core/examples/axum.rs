//! Deciding inside an `axum` handler: one note that is read and changed, with conditions, by the same decision that the server has.
//!
//! ```text
//! cargo run -p verdict-core --example axum
//! curl -i http://127.0.0.1:3000/note
//! curl -i -X PUT http://127.0.0.1:3000/note -H 'If-Match: "v7"' -d 'mine'     # 412, and why
//! curl -i -X PUT http://127.0.0.1:3000/note -d 'mine'                         # 428, and what to send
//! curl -i -X PUT http://127.0.0.1:3000/note -H 'If-Match: "v1"' -d 'mine'     # 204
//! ```

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method as HttpMethod, Response, StatusCode, header};
use axum::routing::any;
use std::sync::{Arc, Mutex, PoisonError};
use verdict_core::cause::Done;
use verdict_core::decide::{Find, Outcome, Precondition, Process, process::Work};
use verdict_core::explain::{Evidence, Problem};
use verdict_core::field::entity_tag::{Current, EntityTag, if_match, if_none_match};
use verdict_core::method::MethodSet;
use verdict_core::{Facts, Method, decide};

/// What there is: a text, and how often it was changed.
struct Note {
    text: String,
    version: u32,
}

type Shared = Arc<Mutex<Note>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let note = Shared::new(Mutex::new(Note { text: "Hello.".to_owned(), version: 1 }));
    let app =
        Router::new().route("/note", any(move |method, fields, content| answer(note.clone(), method, fields, content)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}/note", listener.local_addr()?);
    axum::serve(listener, app).await
}

async fn answer(note: Shared, method: HttpMethod, fields: HeaderMap, content: String) -> Response<Body> {
    let taken = MethodSet::of(&[Method::Get, Method::Head, Method::Put]);
    let method = Method::from_token(method.as_str().as_bytes());
    // From the look at the version to the change nobody else changes it.
    let mut note = note.lock().unwrap_or_else(PoisonError::into_inner);
    let tag = format!("v{}", note.version);
    let current = Current::Tagged(EntityTag { weak: false, opaque: tag.as_bytes() });
    let lines = |name| fields.get_all(name).iter().map(|value| value.as_bytes()).collect::<Vec<_>>();

    let facts = Facts {
        find: Find {
            method_unknown: method == Method::Other,
            method_not_taken: !taken.contains(method),
            ..Find::default()
        },
        precondition: Precondition {
            method,
            demanded: method == Method::Put,
            if_match: fields
                .contains_key(header::IF_MATCH)
                .then(|| if_match(lines(header::IF_MATCH).into_iter(), current)),
            if_none_match: fields
                .contains_key(header::IF_NONE_MATCH)
                .then(|| if_none_match(lines(header::IF_NONE_MATCH).into_iter(), current)),
            ..Precondition::default()
        },
        process: match method {
            Method::Put => Process { work: Work::Write, outcome: Outcome::Done(Done::Replaced) },
            _ => Process::default(),
        },
        ..Facts::default()
    };
    let verdict = decide(&facts);
    let status = StatusCode::from_u16(verdict.status().code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = Response::builder().status(status);
    let body = match status.as_u16() {
        204 => {
            (note.text, note.version) = (content, note.version + 1);
            answer = answer.header(header::ETAG, format!("\"v{}\"", note.version));
            Body::empty()
        }
        200 => {
            answer = answer.header(header::ETAG, format!("\"{tag}\""));
            Body::from(note.text.clone())
        }
        304 => {
            answer = answer.header(header::ETAG, format!("\"{tag}\""));
            Body::empty()
        }
        // Why, and what to do about it.
        code => {
            let current = format!("\"{tag}\"");
            let asked = fields.get(header::IF_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let evidence = Evidence(&[("if-match", &asked), ("etag", &current)]);
            if code == 405 {
                answer = answer.header(header::ALLOW, taken.to_string());
            }
            answer = answer.header(header::CONTENT_TYPE, "application/problem+json");
            Body::from(Problem { reason: verdict.reason, evidence, instance: "example", members: &[] }.json())
        }
    };
    // Every part of it was made here.
    answer.body(body).unwrap_or_default()
}
