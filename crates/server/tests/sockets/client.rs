//! A client of HTTP/1.1 that is stricter than any browser: what it reads it judges, and the connection is in its hands byte
//! by byte. Every wait has an end, so that a server that hangs is a test that fails.

use serde_json::Value;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;
use verdict_core::reason::{CATALOGUE, Entry};
use verdict_core::status::Status;

/// Longer than anything that a test waits for on purpose.
const PATIENCE: Duration = Duration::from_secs(20);

/// Fields that an answer has at most once.
const SINGLE: [&str; 14] = [
    "accept-ranges",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "date",
    "etag",
    "last-modified",
    "location",
    "request-id",
    "retry-after",
    "transfer-encoding",
    "verdict-reason",
];

/// A connection.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    /// What has come and has not been read.
    input: Vec<u8>,
}

/// The head of an answer.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    /// As they were sent, in their order.
    pub(crate) fields: Vec<(String, String)>,
}

/// An answer, judged: what every answer must be, it is.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) interim: Vec<Head>,
    pub(crate) head: Head,
    pub(crate) content: Vec<u8>,
}

/// Why there is no whole answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Broken {
    /// The connection ended before the first byte of one.
    Silent,
    /// It ended within one.
    Short,
    /// It was reset.
    Reset,
}

impl Client {
    pub(crate) fn to(address: SocketAddr) -> Client {
        Client::over(TcpStream::connect(address).expect("the server accepts"))
    }

    /// A client on a connection whose buffer for what comes is about as large as said, so that the server has to wait.
    pub(crate) fn with_small_buffer(address: SocketAddr, bytes: usize) -> Client {
        let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None);
        let socket = socket.expect("a socket");
        // Before connect(2), or the window that was announced stays.
        socket.set_recv_buffer_size(bytes).expect("a buffer");
        socket.connect(&address.into()).expect("the server accepts");
        Client::over(socket.into())
    }

    fn over(stream: TcpStream) -> Client {
        stream.set_nodelay(true).expect("TCP");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        Client { stream, input: Vec::new() }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("the server reads");
    }

    /// Sends so many bytes at a time, each as a segment of its own.
    pub(crate) fn send_in_pieces(&mut self, bytes: impl AsRef<[u8]>, size: usize) {
        for piece in bytes.as_ref().chunks(size) {
            // The server may have answered and ended its side; what it still takes is its affair.
            if self.stream.write_all(piece).is_err() {
                return;
            }
        }
    }

    /// Says that nothing more will be sent.
    pub(crate) fn finish(&mut self) {
        self.stream.shutdown(Shutdown::Write).expect("the connection stands");
    }

    /// Sends a request and reads its answer.
    pub(crate) fn ask(&mut self, request: impl AsRef<[u8]>) -> Answer {
        let request = request.as_ref();
        self.send(request);
        self.answer(if request.starts_with(b"HEAD ") { "HEAD" } else { "GET" })
    }

    /// Reads the answer to a request with that method.
    pub(crate) fn answer(&mut self, method: &str) -> Answer {
        self.try_answer(method).unwrap_or_else(|broken| panic!("no answer: {broken:?}"))
    }

    pub(crate) fn try_answer(&mut self, method: &str) -> Result<Answer, Broken> {
        let mut interim = Vec::new();
        let head = loop {
            let head = self.head()?;
            if head.status >= 200 {
                break head;
            }
            assert_eq!(head.get("content-length").or(head.get("transfer-encoding")), None, "{head:?}");
            interim.push(head);
        };
        let content = self.content(&head, method)?;
        let answer = Answer { interim, head, content };
        judge(&answer, method);
        Ok(answer)
    }

    /// Reads a head alone: its content is still to come.
    pub(crate) fn head(&mut self) -> Result<Head, Broken> {
        let end = loop {
            if let Some(end) = self.input.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(self.input.len() < 1 << 20, "a head without an end");
            match self.more()? {
                0 if self.input.is_empty() => return Err(Broken::Silent),
                0 => return Err(Broken::Short),
                _ => {}
            }
        };
        let bytes: Vec<u8> = self.input.drain(..end).collect();
        Ok(Head::parse(&bytes))
    }

    /// RFC 9112 §6.3.
    fn content(&mut self, head: &Head, method: &str) -> Result<Vec<u8>, Broken> {
        if method == "HEAD" || matches!(head.status, 204 | 304) {
            return Ok(Vec::new());
        }
        match (head.get("content-length"), head.get("transfer-encoding")) {
            (Some(_), Some(_)) => panic!("two lengths: {head:?}"),
            (Some(length), None) => self.take(length.parse().expect("a length")),
            (None, Some("chunked")) => self.chunks(),
            (None, Some(other)) => panic!("transfer coding {other}"),
            (None, None) => {
                assert_eq!(head.get("connection"), Some("close"), "no length, and yet it goes on: {head:?}");
                while self.more()? > 0 {}
                Ok(std::mem::take(&mut self.input))
            }
        }
    }

    fn chunks(&mut self) -> Result<Vec<u8>, Broken> {
        let mut content = Vec::new();
        loop {
            let end = loop {
                if let Some(end) = self.input.windows(2).position(|window| window == b"\r\n") {
                    break end;
                }
                if self.more()? == 0 {
                    return Err(Broken::Short);
                }
            };
            let line = self.take(end + 2)?;
            let size = std::str::from_utf8(&line[..end]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
            let size = size.unwrap_or_else(|| panic!("a chunk of size {}", line.escape_ascii()));
            content.extend_from_slice(&self.take(size)?);
            assert_eq!(self.take(2)?, b"\r\n");
            if size == 0 {
                return Ok(content);
            }
        }
    }

    /// Reads exactly so many bytes.
    pub(crate) fn take(&mut self, count: usize) -> Result<Vec<u8>, Broken> {
        while self.input.len() < count {
            if self.more()? == 0 {
                return Err(Broken::Short);
            }
        }
        let rest = self.input.split_off(count);
        Ok(std::mem::replace(&mut self.input, rest))
    }

    /// Reads what there is, at least a byte; 0 is the end.
    fn more(&mut self) -> Result<usize, Broken> {
        let mut buffer = [0; 16 << 10];
        match self.stream.read(&mut buffer) {
            Ok(n) => {
                self.input.extend_from_slice(&buffer[..n]);
                Ok(n)
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Err(Broken::Reset),
            Err(error) => panic!("the server is silent, with {} bytes sent of something: {error}", self.input.len()),
        }
    }

    /// Waits until the server ends the connection, which it does without another byte and without a reset.
    pub(crate) fn end(&mut self) {
        assert_eq!(self.input.escape_ascii().to_string(), "", "after the answer");
        assert_eq!(self.more(), Ok(0), "{}", self.input.escape_ascii());
    }

    /// Waits until the server ends the connection in whatever way; what came is thrown away.
    pub(crate) fn end_in_any_way(&mut self) {
        while let Ok(1..) = self.more() {
            self.input.clear();
        }
    }

    /// Whether the connection goes on: shown by another request that is answered.
    pub(crate) fn goes_on(&mut self) -> bool {
        assert_eq!(self.input.escape_ascii().to_string(), "", "after the answer");
        let sent = self.stream.write_all(b"OPTIONS * HTTP/1.1\r\nHost: goes.on\r\n\r\n");
        sent.is_ok() && self.try_answer("OPTIONS").is_ok_and(|answer| answer.status() == 204)
    }
}

impl Head {
    /// Strictly: RFC 9112 §4 and §5, and nothing that a recipient may put up with.
    fn parse(bytes: &[u8]) -> Head {
        let text = std::str::from_utf8(bytes).expect("heads are ASCII");
        assert!(text.is_ascii(), "{text}");
        let mut lines = text.strip_suffix("\r\n\r\n").expect("a whole head").split("\r\n");
        let line = lines.next().unwrap_or_default();
        let code = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.split_once(' ')).map(|(code, _)| code);
        let status: u16 = code.and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("status line {line:?}"));
        let entry = Status::from_wire(status).and_then(|status| status.entry());
        // RFC 9112 §4: the phrase may be empty, as for a code that is registered and unused.
        let phrase = entry.map(|entry| entry.phrase.split('(').next().unwrap_or_default().trim_end());
        assert_eq!(&line[13..], phrase.unwrap_or_default(), "{line:?}");
        let fields = lines.map(|line| {
            let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("field line {line:?}"));
            assert!(verdict_core::field::list::is_token(name.as_bytes()), "{line:?}");
            assert!(!value.chars().any(|c| c.is_control()) && value.trim() == value && !value.is_empty(), "{line:?}");
            (name.to_owned(), value.to_owned())
        });
        let head = Head { status, fields: fields.collect() };
        for name in SINGLE {
            assert!(head.all(name).count() < 2, "{name} twice: {head:?}");
        }
        head
    }

    /// The value of a field, by its name in whatever capitals; of several lines the first.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head.status
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.head.get(name)
    }

    /// The id of its reason, as `Verdict-Reason` or the problem says it; empty where neither is there.
    pub(crate) fn reason(&self) -> String {
        if let Some((id, _)) = self.get("verdict-reason").and_then(|value| value.split_once(';')) {
            return id.to_owned();
        }
        let kind = self.problem().and_then(|problem| problem["type"].as_str().map(str::to_owned));
        kind.and_then(|kind| kind.strip_prefix("urn:verdict:reason:").map(str::to_owned)).unwrap_or_default()
    }

    /// The problem document (RFC 9457), if that is what the content is.
    pub(crate) fn problem(&self) -> Option<Value> {
        (self.get("content-type") == Some("application/problem+json") && !self.content.is_empty())
            .then(|| serde_json::from_slice(&self.content).expect("JSON"))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.content).expect("UTF-8")
    }

    pub(crate) fn closes(&self) -> bool {
        self.get("connection") == Some("close")
    }

    /// The fields that are the same each time, names in small letters, in their order.
    pub(crate) fn lasting_fields(&self) -> Vec<(String, String)> {
        let fields = self.head.fields.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
        fields.filter(|(name, _)| !matches!(name.as_str(), "date" | "request-id" | "retry-after")).collect()
    }
}

/// What is true of every answer of this server.
fn judge(answer: &Answer, method: &str) {
    let head = &answer.head;
    let date = head.get("date").unwrap_or_else(|| panic!("no Date: {head:?}"));
    assert!(date.len() == 29 && date.ends_with(" GMT"), "{date}");
    let id = head.get("request-id").unwrap_or_else(|| panic!("no Request-Id: {head:?}"));
    assert!(id.len() == 36 && id.as_bytes()[14] == b'7', "{id}");

    // RFC 9110 §8.6 and §15.4.5.
    if matches!(head.status, 204 | 304) {
        for name in ["content-length", "content-type", "content-encoding", "transfer-encoding"] {
            assert_eq!(head.get(name), None, "{name}: {head:?}");
        }
    }
    // An upstream may answer what nobody has registered.
    let Some(registered) = Status::from_wire(head.status).and_then(|status| status.entry()) else { return };
    let in_parts = head.get("content-type").is_some_and(|value| value.starts_with("multipart/byteranges"));
    for required in registered.required.iter().filter(|_| !in_parts) {
        assert!(head.get(required.name()).is_some(), "{} lacks {}: {head:?}", head.status, required.name());
    }
    let reason = answer.reason();
    if !reason.is_empty() {
        judge_reason(answer, &reason);
    }
    // With `explain = "off"` a problem has no type and tells nothing.
    if let Some(problem) = answer.problem().filter(|problem| problem.get("type").is_some()) {
        assert_eq!(problem["status"], head.status);
        assert_eq!(problem["title"], registered.phrase);
        assert_eq!(problem["instance"], format!("urn:uuid:{id}"));
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{problem}");
        // What a route is configured to answer, or an upstream has answered, is nothing that a client can mend.
        let remedy = problem.get("remedy").and_then(|remedy| remedy.as_str()).unwrap_or("");
        assert!(remedy.len() > 5 || matches!(&reason[..], "configured-answer" | "upstream-answered"), "{problem}");
    }
    if method != "HEAD" && head.status >= 400 && head.get("content-security-policy").is_some() {
        assert_eq!(head.get("x-content-type-options"), Some("nosniff"), "{head:?}");
    }
}

fn judge_reason(answer: &Answer, reason: &str) {
    let entry: &Entry = CATALOGUE.iter().find(|entry| entry.id == reason).unwrap_or_else(|| panic!("reason {reason}"));
    if let Some(status) = entry.status {
        assert_eq!(status.code(), answer.status(), "{reason}");
    }
    if let Some(told) = answer.get("verdict-reason") {
        let section = entry.section.replace('§', "section ");
        assert_eq!(told, format!("{reason}; stage={}; section=\"{section}\"", entry.stage.name()));
    }
    if let Some(kind) = answer.problem().and_then(|problem| problem["type"].as_str().map(str::to_owned)) {
        assert_eq!(kind, format!("urn:verdict:reason:{reason}"));
    }
}
