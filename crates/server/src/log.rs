//! What is written of each answer, and of what goes wrong beside answers.
//!
//! Lines are gathered by each worker and written by one thread: a disk or a terminal that is slow makes lines be dropped,
//! and counted, never a request wait.

use crate::config;
use crate::handler::proxy::Journey;
use std::cell::{Cell, RefCell};
use std::fmt::{Arguments, Write as _};
use std::io::Write as _;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use verdict_core::explain::push_json;
use verdict_core::field::date::HttpDate;
use verdict_core::path::Verdict;
use verdict_core::reason::Reason;

/// A worker hands its lines on when it has so many bytes of them, or when a tick is over.
const BATCH: usize = 32 << 10;

/// How many batches may wait for the thread that writes.
const WAITING: usize = 64;

/// One answer, as it was given.
pub(crate) struct Line<'a> {
    /// Milliseconds since 1970.
    pub(crate) at: u64,
    pub(crate) client: IpAddr,
    /// Who that is, where the route wants to know.
    pub(crate) user: Option<&'a str>,
    /// As they were sent; what stands in their place if the head was never understood.
    pub(crate) method: &'a [u8],
    pub(crate) target: &'a [u8],
    pub(crate) host: &'a [u8],
    pub(crate) agent: &'a [u8],
    pub(crate) referer: &'a [u8],
    pub(crate) version: &'static str,
    pub(crate) verdict: Verdict,
    /// Why there was an answer before the answer.
    pub(crate) interim: Option<Reason>,
    /// The route's pattern.
    pub(crate) route: Option<&'a str>,
    /// Bytes of content that were sent.
    pub(crate) bytes: u64,
    pub(crate) id: &'a str,
    /// From the first byte of the head to its last; from there to the decision; from there to the last byte of the answer.
    pub(crate) head: Duration,
    pub(crate) decision: Duration,
    pub(crate) sending: Duration,
    /// The byte at which a malformed message is.
    pub(crate) at_byte: Option<usize>,
    /// Why the connection ends with this answer.
    pub(crate) close: Option<&'static str>,
    /// How it fared on its way to an upstream.
    pub(crate) journey: Option<&'a Journey>,
    /// The client has left, and got no status.
    pub(crate) gone: bool,
}

/// How many lines were dropped, of all workers.
#[derive(Clone, Default)]
pub(crate) struct Dropped(Arc<AtomicU64>);

impl Dropped {
    pub(crate) fn lines(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// The thread that writes; it ends when the last [`Log`] is gone.
pub(crate) struct Writer {
    sender: SyncSender<String>,
    thread: JoinHandle<()>,
    pub(crate) dropped: Dropped,
}

impl Writer {
    pub(crate) fn start() -> Writer {
        let (sender, receiver) = sync_channel(WAITING);
        let thread = thread::spawn(move || write(&receiver));
        Writer { sender, thread, dropped: Dropped::default() }
    }

    /// A worker's end of it.
    pub(crate) fn log(&self, form: config::Log) -> Log {
        Log {
            form: Cell::new(form),
            sender: self.sender.clone(),
            lines: RefCell::default(),
            dropped: Cell::new(0),
            dropped_by_all: self.dropped.clone(),
        }
    }

    /// Waits until everything is written that the workers, which are gone, handed on; two seconds at most.
    pub(crate) fn finish(self) {
        drop(self.sender);
        // A reader of standard output that does not read must not keep the process from ending.
        for _ in 0..200 {
            if self.thread.is_finished() {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

fn write(receiver: &Receiver<String>) {
    while let Ok(batch) = receiver.recv() {
        // Nobody is left to be told that standard output is closed.
        let _ = std::io::stdout().lock().write_all(batch.as_bytes());
    }
}

/// How many lines of what goes wrong beside answers are written in a second: whoever can cause them must not be able to
/// fill a disk, or have workers wait for it.
const OPERATIONS_A_SECOND: u64 = 10;

/// The second that lines are counted in, and how many there were in it.
static OPERATIONS: Mutex<(u64, u64)> = Mutex::new((0, 0));

/// Tells the operator on standard error what came of what they asked for.
pub(crate) fn tell(what: Arguments<'_>) {
    // Nobody is left to be told that standard error is closed.
    let _ = writeln!(std::io::stderr().lock(), "verdict: {what}");
}

/// Writes what goes wrong beside answers to standard error, at once.
pub(crate) fn operation(what: Arguments<'_>) {
    let second = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let left_out = {
        let mut counted = OPERATIONS.lock().unwrap_or_else(PoisonError::into_inner);
        let left_out = if counted.0 == second { 0 } else { counted.1.saturating_sub(OPERATIONS_A_SECOND) };
        *counted = if counted.0 == second { (second, counted.1 + 1) } else { (second, 1) };
        if counted.1 > OPERATIONS_A_SECOND {
            return;
        }
        left_out
    };
    let mut out = std::io::stderr().lock();
    if left_out > 0 {
        let _ = writeln!(out, "verdict: {left_out} more like these were left out");
    }
    let _ = writeln!(out, "verdict: {what}");
}

/// One worker's lines.
pub(crate) struct Log {
    form: Cell<config::Log>,
    sender: SyncSender<String>,
    lines: RefCell<String>,
    /// Since it was last told of.
    dropped: Cell<u64>,
    dropped_by_all: Dropped,
}

impl Log {
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.form.get() != config::Log::Off
    }

    /// Writes in another form from now on.
    pub(crate) fn set_form(&self, form: config::Log) {
        self.form.set(form);
    }

    /// Notes an answer.
    pub(crate) fn answer(&self, line: &Line<'_>) {
        let mut lines = self.lines.borrow_mut();
        if lines.capacity() == 0 {
            // Room for a batch and the line that ends it.
            lines.reserve(BATCH + 4096);
        }
        match self.form.get() {
            config::Log::Json => json(&mut lines, line),
            config::Log::Text => text(&mut lines, line),
            config::Log::Off => return,
        }
        if lines.len() >= BATCH {
            drop(lines);
            self.flush();
        }
    }

    /// Hands on what there is.
    pub(crate) fn flush(&self) {
        let mut lines = self.lines.borrow_mut();
        if lines.is_empty() {
            return;
        }
        let count = |lines: &str| memchr::memchr_iter(b'\n', lines.as_bytes()).count() as u64;
        match self.sender.try_send(std::mem::take(&mut lines)) {
            Ok(()) => self.tell_dropped(),
            Err(TrySendError::Full(lines) | TrySendError::Disconnected(lines)) => {
                let lines = count(&lines);
                self.dropped.set(self.dropped.get() + lines);
                self.dropped_by_all.0.fetch_add(lines, Relaxed);
            }
        }
    }

    fn tell_dropped(&self) {
        let dropped = self.dropped.take();
        if dropped > 0 {
            operation(format_args!("{dropped} lines of the log were dropped: its reader was too slow"));
        }
    }
}

/// What was dropped last is told of too.
impl Drop for Log {
    fn drop(&mut self) {
        self.flush();
        self.tell_dropped();
    }
}

/// `2026-11-22T11:40:18.123Z`
pub(crate) struct Time(pub(crate) u64);

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // An IMF-fixdate has the calendar's work done: `Sun, 06 Nov 1994 08:49:37 GMT`.
        let date = HttpDate::from_unix((self.0 / 1000) as i64).to_imf_fixdate();
        let text = std::str::from_utf8(&date).unwrap_or("Thu, 01 Jan 1970 00:00:00 GMT");
        const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
        let month = MONTHS.find(&text[8..11]).unwrap_or(0) / 3 + 1;
        write!(f, "{}-{month:02}-{}T{}.{:03}Z", &text[12..16], &text[5..7], &text[17..25], self.0 % 1000)
    }
}

fn json(out: &mut String, line: &Line<'_>) {
    let verdict = &line.verdict;
    let _ = write!(out, "{{\"time\":\"{}\",\"client\":\"{}\"", Time(line.at), line.client);
    let mut member = |name: &str, value: &[u8]| {
        if !value.is_empty() {
            let _ = write!(out, ",\"{name}\":");
            push_json(out, &String::from_utf8_lossy(value));
        }
    };
    member("user", line.user.unwrap_or_default().as_bytes());
    member("method", line.method);
    member("target", line.target);
    member("host", line.host);
    member("agent", line.agent);
    member("referer", line.referer);
    let _ = write!(out, ",\"version\":\"{}\"", line.version);
    if !line.gone {
        let (status, reason) = (verdict.status(), verdict.reason);
        let stage = reason.entry().stage.name();
        let _ = write!(out, ",\"status\":{status},\"reason\":\"{reason}\",\"stage\":\"{stage}\"");
    }
    if let Some(interim) = line.interim {
        let _ = write!(out, ",\"interim\":\"{interim}\"");
    }
    if let Some(route) = line.route {
        out.push_str(",\"route\":");
        push_json(out, route);
    }
    let _ = write!(out, ",\"bytes\":{},\"id\":", line.bytes);
    // Not always ours: a trusted proxy may have given it.
    push_json(out, line.id);
    let _ = write!(
        out,
        ",\"head_us\":{},\"decision_us\":{},\"sending_us\":{}",
        line.head.as_micros(),
        line.decision.as_micros(),
        line.sending.as_micros()
    );
    if let Some(at) = line.at_byte {
        let _ = write!(out, ",\"at_byte\":{at}");
    }
    if let Some(close) = line.close {
        let _ = write!(out, ",\"close\":\"{close}\"");
    }
    if let Some(journey) = line.journey {
        out.push_str(",\"upstream\":{");
        for (name, value) in journey.times() {
            let _ = write!(out, "\"{name}\":{value},");
        }
        if let Some(cause) = journey.failure() {
            let _ = write!(out, "\"cause\":\"{cause}\",");
        }
        out.push_str("\"member\":");
        push_json(out, journey.member_name().unwrap_or_default());
        out.push('}');
    }
    out.push_str("}\n");
}

fn text(out: &mut String, line: &Line<'_>) {
    let verdict = &line.verdict;
    let _ = write!(out, "{} {} ", Time(line.at), line.client);
    push_or_dash(out, line.method);
    out.push(' ');
    push_or_dash(out, line.target);
    match line.gone {
        true => out.push_str(" - - -"),
        false => {
            let _ = write!(out, " {} {} {}", verdict.status(), verdict.reason, verdict.reason.entry().stage.name());
        }
    }
    if let Some(interim) = line.interim {
        let _ = write!(out, " interim={interim}");
    }
    if let Some(route) = line.route {
        let _ = write!(out, " route={route}");
    }
    if let Some(user) = line.user {
        let _ = write!(out, " user={}", user.escape_default());
    }
    if let Some(at) = line.at_byte {
        let _ = write!(out, " at={at}");
    }
    if let Some(close) = line.close {
        let _ = write!(out, " close={close}");
    }
    if let Some(journey) = line.journey {
        if let Some(member) = journey.member_name() {
            let _ = write!(out, " upstream={member}");
        }
        if let Some(cause) = journey.failure() {
            let _ = write!(out, " cause={cause}");
        }
        for (name, value) in journey.times() {
            let _ = write!(out, " {name}={value}");
        }
    }
    let total = line.head + line.decision + line.sending;
    let _ = write!(
        out,
        " {}B {}us+{}us+{}us={}us ",
        line.bytes,
        line.head.as_micros(),
        line.decision.as_micros(),
        line.sending.as_micros(),
        total.as_micros(),
    );
    push_visible(out, line.id.as_bytes());
    out.push('\n');
}

/// A column is never empty.
fn push_or_dash(out: &mut String, bytes: &[u8]) {
    push_visible(out, if bytes.is_empty() { b"-" } else { bytes });
}

/// Bytes that came from outside, with everything escaped that is not visible ASCII: a line of the log stays one line.
fn push_visible(out: &mut String, bytes: &[u8]) {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| !matches!(byte, 0x21..=0x7e) || *byte == b'\\') {
        let (plain, others) = rest.split_at(at);
        out.push_str(std::str::from_utf8(plain).unwrap_or(""));
        match others[0] {
            b'\\' => out.push_str("\\\\"),
            byte => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
        rest = &others[1..];
    }
    out.push_str(std::str::from_utf8(rest).unwrap_or(""));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_rfc_3339() {
        assert_eq!(Time(784_111_777_042).to_string(), "1994-11-06T08:49:37.042Z");
    }

    #[test]
    fn what_came_from_outside_cannot_begin_a_line_of_its_own() {
        let mut out = String::new();
        push_visible(&mut out, b"/a\r\n127.0.0.1 \x1b[2J\\");
        assert_eq!(out, r"/a\x0d\x0a127.0.0.1\x20\x1b[2J\\");
    }

    #[test]
    fn an_id_that_a_proxy_gave_is_quoted() {
        let line = Line {
            at: 0,
            client: IpAddr::from([127, 0, 0, 1]),
            user: None,
            method: b"GET",
            target: b"/",
            host: b"a",
            agent: b"",
            referer: b"",
            version: "1.1",
            verdict: verdict_core::decide(&verdict_core::Facts::default()),
            interim: None,
            route: None,
            bytes: 0,
            id: r#"a",\"b"#,
            head: Duration::ZERO,
            decision: Duration::ZERO,
            sending: Duration::ZERO,
            at_byte: None,
            close: None,
            journey: None,
            gone: false,
        };
        let mut lines = String::new();
        json(&mut lines, &line);
        let read: serde_json::Value = serde_json::from_str(&lines).expect("it is JSON");
        assert_eq!(read["id"], line.id);
        lines.clear();
        text(&mut lines, &line);
        assert!(lines.ends_with(" a\",\\\\\"b\n"), "{lines}");
    }
}
