//! The table of what is held against nginx, and how far Verdict must be ahead.

use crate::case::{BROWSED, Case, FIXED, LARGE, SMALL, UNCHANGED};
use crate::nginx::Form;
use crate::protocols::Protocol;

/// A line of CPU time per request.
pub(crate) struct Row {
    /// As `--rows` takes it.
    pub(crate) name: &'static str,
    /// As the table names it.
    pub(crate) title: &'static str,
    pub(crate) case: Case,
    /// Connections, each with one request under way.
    pub(crate) connections: u32,
    /// The forms of nginx; the one that costs it least is the one that counts.
    pub(crate) forms: &'static [Form],
    /// Whether both servers log each answer.
    pub(crate) log: bool,
    /// What is asked of nginx/Verdict; a row without is only shown.
    pub(crate) aim: Option<Aim>,
}

/// What is asked of a figure.
#[derive(Clone, Copy)]
pub(crate) struct Aim {
    /// What `--check` demands.
    pub(crate) gate: f64,
    /// What it should be.
    pub(crate) mark: f64,
}

const PLAIN: &[Form] = &[Form::Sendfile];
pub(crate) const SENDFILE: &[Form] = &[Form::Sendfile, Form::SendfileCached];
const EVERY: &[Form] = &[Form::Sendfile, Form::SendfileCached, Form::Read, Form::ReadCached];

pub(crate) const ROWS: [Row; 8] = [
    row(FIXED, PLAIN, 1.10, 1.20),
    row(SMALL, SENDFILE, 1.40, 1.70),
    Row {
        name: "1k-read",
        title: "1 KiB file, nginx without sendfile",
        ..row(SMALL, &[Form::Read, Form::ReadCached], 1.20, 1.42)
    },
    row(UNCHANGED, SENDFILE, 1.08, 1.15),
    row(BROWSED, EVERY, 1.20, 1.35),
    // Four downloads keep a core busy; sixty-four would only fill the memory of their sockets. Opening the file once
    // for 64 MiB costs nothing, so nginx has one form here: of two that are equal, noise would choose the lesser.
    Row { connections: 4, ..row(LARGE, &[Form::SendfileCached], 0.95, 1.00) },
    Row { log: true, ..shown("log", "fixed answer, access log on") },
    // Opening the connections counts too, for both servers.
    Row { connections: 10_000, ..shown("active", "fixed answer, 10,000 active connections") },
];

/// Other protocols, and what it takes to begin them.
pub(crate) const PROTOCOLS: [(Protocol, Row); 4] = [
    (
        Protocol::Http2 { streams: 32 },
        Row {
            name: "http2",
            title: "1 KiB file, HTTP/2, 8 connections of 32 streams",
            connections: 8,
            ..row(SMALL, SENDFILE, 3.0, 4.0)
        },
    ),
    (Protocol::Tls, Row { name: "tls", title: "fixed answer, TLS", ..row(FIXED, PLAIN, 1.0, 1.1) }),
    (
        Protocol::Handshake,
        Row {
            name: "handshake",
            title: "TLS 1.3 handshake and fixed answer",
            connections: 1,
            ..row(FIXED, PLAIN, 1.0, 1.1)
        },
    ),
    (
        Protocol::Resumed,
        Row { name: "resumed", title: "TLS 1.2 handshake, resumed", connections: 1, ..row(FIXED, PLAIN, 1.0, 1.1) },
    ),
];

impl Row {
    /// The connections that the servers must have room for, where it is more than they have by themselves.
    pub(crate) fn room(&self) -> Option<u32> {
        // Verdict takes 256 of one client; some are closing while others open.
        (self.connections > 200).then_some(self.connections + 64)
    }
}

/// The guards that both servers have.
pub(crate) const GUARDED: Row = Row {
    aim: None,
    ..row(
        Case {
            name: GUARDS,
            title: "1 KiB file behind a rate, a bound of requests at once and a field that is added",
            target: "/limited/1k.txt",
            ..SMALL
        },
        SENDFILE,
        0.0,
        0.0,
    )
};

/// The name of the row of guards on beside guards off.
pub(crate) const GUARDS: &str = "guards";
/// The name of the row of more clients than slots.
pub(crate) const OVERLOAD: &str = "overload";
/// What the time of a download that is let in must stay below, as a multiple of what it is without the others.
pub(crate) const OVERLOAD_GATE: f64 = 3.0;
/// Microseconds that every one must stay below who is told that there is no room.
pub(crate) const REFUSAL_GATE: f64 = 10_000.0;
/// The name of the row of memory per idle connection.
pub(crate) const IDLE: &str = "idle";
/// The bytes that an idle connection must stay below, and should.
pub(crate) const IDLE_AIM: Aim = Aim { gate: 2048.0, mark: 1024.0 };
/// The name of the row of two workers against one.
pub(crate) const WORKERS: &str = "workers";
/// The name of the row of what the recording of each decision costs.
pub(crate) const TRACING: &str = "tracing";
/// The name of the row of what keeping each answer costs, for whoever asks why.
pub(crate) const RECORDER: &str = "recorder";
/// The name of the row of answers' times at half of the greatest rate.
pub(crate) const HALF: &str = "half";
/// The name of the row of answers' times while a file is downloaded that is not in memory.
pub(crate) const COLD: &str = "cold";
/// Microseconds by which that download may raise the others' 99th percentile.
pub(crate) const COLD_GATE: f64 = 5000.0;

/// The name of the row of a document that is read, and what it may cost as a multiple of a fixed answer.
pub(crate) const DOCUMENT: &str = "document";
pub(crate) const DOCUMENT_GATE: f64 = 1.5;
/// The name of the row of documents that are written, what one of many may take as a part of a write that has an fsync of its
/// own, and what the 99th of a hundred may take in such writes.
pub(crate) const DURABLE: &str = "durable";
pub(crate) const DURABLE_GATE: f64 = 0.1;
pub(crate) const DURABLE_P99_GATE: f64 = 10.0;
/// The name of the row of pages of a large collection, and the microseconds that each of them must stay below.
pub(crate) const PAGE: &str = "page";
pub(crate) const PAGE_GATE: f64 = 5000.0;

/// The name of the row of a large file that is uploaded, and the MiB that the server's memory may rise by meanwhile.
pub(crate) const UPLOAD: &str = "upload";
pub(crate) const UPLOAD_GATE: f64 = 16.0;

/// CPU time per request as a reverse proxy: 1 KiB answers of an origin, kept alive on both sides.
pub(crate) const GATEWAY_ROW: Row = row(
    Case { name: GATEWAY, title: "reverse proxy, 1 KiB answers", target: "/gateway/1k", ..SMALL },
    PLAIN,
    1.20,
    1.35,
);
/// The name of the row of that, beside HAProxy too.
pub(crate) const GATEWAY: &str = "gateway";
/// The name of the row of a tunnel of messages.
pub(crate) const GATEWAY_WEBSOCKET: &str = "gateway-websocket";
/// The name of the row of a large body that is passed on, and the MiB that the server's memory may rise by meanwhile.
pub(crate) const GATEWAY_LARGE: &str = "gateway-large";
pub(crate) const GATEWAY_LARGE_GATE: f64 = 16.0;
/// The name of the row of answers' times at half load, and what they must stay below as a multiple of HAProxy's: two
/// measurements of the same are not told apart within a twentieth.
pub(crate) const GATEWAY_P99: &str = "gateway-p99";
pub(crate) const GATEWAY_P99_GATE: f64 = 1.05;

const fn row(case: Case, forms: &'static [Form], gate: f64, mark: f64) -> Row {
    Row { name: case.name, title: case.title, case, connections: 64, forms, log: false, aim: Some(Aim { gate, mark }) }
}

/// A row of the fixed answer that is only shown.
const fn shown(name: &'static str, title: &'static str) -> Row {
    Row { name, title, aim: None, ..row(FIXED, PLAIN, 0.0, 0.0) }
}

/// Every name that `--rows` takes.
pub(crate) fn names() -> Vec<&'static str> {
    let protocols = PROTOCOLS.iter().map(|(_, row)| row.name);
    ROWS.iter()
        .map(|row| row.name)
        .chain(protocols)
        .chain([GUARDS, IDLE, WORKERS, TRACING, RECORDER, HALF, COLD, OVERLOAD, DOCUMENT, DURABLE, PAGE, UPLOAD])
        .chain([GATEWAY, GATEWAY_WEBSOCKET, GATEWAY_LARGE, GATEWAY_P99])
        .collect()
}
