//! A client for the tour: it sends what a stop says and reads what comes, with an end to every wait.

use super::certificate;
use super::stops::Stop;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use verdict_server::outgoing::Trust;

/// How long an answer may take, and how large it may be.
const PATIENCE: Duration = Duration::from_secs(10);
const LARGEST: usize = 1 << 20;

/// Where the tour is reached.
#[derive(Clone)]
pub(super) struct Reached {
    pub(super) plain: SocketAddr,
    /// By TLS, by the name [`certificate::NAME`].
    pub(super) secure: SocketAddr,
    /// The file of its certificate, and who believes that.
    pub(super) certificate: PathBuf,
    pub(super) trust: Trust,
}

/// An answer, as far as the tour looks at it.
#[derive(Clone, Default, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) fields: Vec<(String, String)>,
    pub(super) content: Vec<u8>,
}

/// What came of a stop.
pub(super) struct Visited {
    /// What was sent, byte for byte.
    pub(super) sent: Vec<u8>,
    /// What came: interim answers, then the answer.
    pub(super) answers: Vec<Answer>,
    pub(super) took: Duration,
    /// What is not as it has to be; empty where all is.
    pub(super) misses: Vec<String>,
}

impl Answer {
    /// The value of the first field of that name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The id of the reason that it tells.
    pub(super) fn reason(&self) -> Option<&str> {
        self.get("Verdict-Reason")?.split(';').next()
    }

    fn is_interim(&self) -> bool {
        (100..200).contains(&self.status) && self.status != 101
    }
}

impl Visited {
    /// By which it is asked why. An answer before the answer is told of with the answer.
    pub(super) fn id(&self) -> Option<&str> {
        self.answers.iter().rev().find_map(|answer| answer.get("Request-Id"))
    }

    /// The answer that the stop is about.
    pub(super) fn answer(&self, stop: &Stop) -> Option<&Answer> {
        if stop.interim { self.answers.iter().find(|answer| answer.status == stop.code) } else { self.answers.last() }
    }
}

/// Does what the stop says, and compares what came with what had to.
pub(super) fn visit(stop: &Stop, tour: &Reached) -> Visited {
    let began = Instant::now();
    let mut known = Known::default();
    for message in stop.before {
        if let Ok(answers) = exchange(connect(tour, stop), &known.message(message, stop), b"") {
            known.learn(answers.last());
        }
    }
    let sent = known.message(stop.message, stop);
    let then = known.fill(stop.then, stop).into_bytes();
    let mut misses = Vec::new();
    let answers = exchange(connect(tour, stop), &sent, &then).unwrap_or_else(|error| {
        misses.push(format!("no answer: {error}"));
        Vec::new()
    });
    let mut visited = Visited { sent, answers, took: began.elapsed(), misses };
    let wrong = match visited.answer(stop) {
        Some(answer) => compare(stop, answer, visited.answers.last()),
        None => vec![format!("no {} came", stop.code)],
    };
    visited.misses.extend(wrong);
    visited
}

fn compare(stop: &Stop, answer: &Answer, last: Option<&Answer>) -> Vec<String> {
    let mut misses = Vec::new();
    if answer.status != stop.code {
        misses.push(format!("{} came", answer.status));
    }
    // An interim answer has no reason of its own in its fields: that it came is what it says.
    if !stop.interim && answer.reason() != Some(stop.reason) {
        misses.push(format!("its reason is {}", answer.reason().unwrap_or("not told")));
    }
    if stop.interim && !last.is_some_and(|last| (200..300).contains(&last.status)) {
        misses.push("nothing good came behind it".to_owned());
    }
    let missing = stop.carries.iter().filter(|name| answer.get(name).is_none());
    misses.extend(missing.map(|name| format!("it lacks {name}")));
    misses
}

/// What messages are filled with.
#[derive(Default)]
struct Known {
    etag: String,
    location: String,
}

impl Known {
    fn learn(&mut self, answer: Option<&Answer>) {
        let Some(answer) = answer else { return };
        for (known, name) in [(&mut self.etag, "ETag"), (&mut self.location, "Location")] {
            if let Some(value) = answer.get(name) {
                value.clone_into(known);
            }
        }
    }

    fn fill(&self, text: &str, stop: &Stop) -> String {
        // Titles are unique in their collection.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let long = "a".repeat(9000);
        let then = if stop.then.is_empty() { 0 } else { self.unique(stop.then, now).len() };
        self.unique(text, now)
            .replace("{etag}", &self.etag)
            .replace("{location}", &self.location)
            .replace("{then}", &then.to_string())
            .replace("{long}", &long)
            .replace("{line}", &long[..200])
            .replace("{fields}", &format!("Cookie: {long}"))
    }

    fn unique(&self, text: &str, now: u128) -> String {
        text.replace("{unique}", &format!("{now:020}"))
    }

    /// The bytes of a message: with `Host`, the end of the connection, and the length of its content.
    fn message(&self, text: &str, stop: &Stop) -> Vec<u8> {
        let text = self.fill(text, stop);
        let Some((head, content)) = text.split_once("\n\n") else { return text.replace('\n', "\r\n").into_bytes() };
        let mut message = head.replace('\n', "\r\n");
        message += "\r\n";
        let lower = head.to_ascii_lowercase();
        if !lower.contains("\nhost:") {
            message += "Host: localhost\r\n";
        }
        if !lower.contains("\nconnection:") {
            message += "Connection: close\r\n";
        }
        let framed = ["\ncontent-length:", "\ntransfer-encoding:"].iter().any(|name| lower.contains(name));
        if !content.is_empty() && !framed {
            message += &format!("Content-Length: {}\r\n", content.len());
        }
        message += "\r\n";
        message += content;
        message.into_bytes()
    }
}

/// Something that carries the bytes of HTTP.
trait Carries: Read + Write {}
impl<T: Read + Write> Carries for T {}

fn connect(tour: &Reached, stop: &Stop) -> std::io::Result<Box<dyn Carries>> {
    let stream = TcpStream::connect_timeout(if stop.secure { &tour.secure } else { &tour.plain }, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(if stop.secure { Box::new(tour.trust.secure(stream, certificate::NAME)?) } else { Box::new(stream) })
}

/// Sends a message, and `then` once a 100 has come; reads until the answer is whole.
fn exchange(stream: std::io::Result<Box<dyn Carries>>, message: &[u8], then: &[u8]) -> std::io::Result<Vec<Answer>> {
    let mut stream = stream?;
    // Who is refused early may have more to send than is taken: what it is told is read all the same.
    let _ = stream.write_all(message);
    let mut bytes = Vec::new();
    let mut invited = then.is_empty();
    loop {
        let (answers, whole) = parse(&bytes, message.starts_with(b"HEAD "));
        if whole {
            return Ok(answers);
        }
        if !invited && answers.iter().any(|answer| answer.status == 100) {
            invited = true;
            stream.write_all(then)?;
        }
        let mut piece = [0; 8192];
        match stream.read(&mut piece) {
            Ok(0) => return if answers.is_empty() { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(answers) },
            Ok(n) if bytes.len() + n > LARGEST => return Err(ErrorKind::FileTooLarge.into()),
            Ok(n) => bytes.extend_from_slice(&piece[..n]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The answers that have come so far, and whether the last one is whole. Everything here has a length, or ends with its connection.
fn parse(bytes: &[u8], head_alone: bool) -> (Vec<Answer>, bool) {
    let mut answers = Vec::new();
    let mut rest = bytes;
    while let Some(end) = rest.windows(4).position(|four| four == b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&rest[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.get(9..12)).and_then(|code| code.parse().ok()).unwrap_or(0);
        let fields = lines.filter_map(|line| line.split_once(':'));
        let fields = fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
        let mut answer = Answer { status, fields, content: Vec::new() };
        rest = &rest[end + 4..];
        if answer.is_interim() {
            answers.push(answer);
            continue;
        }
        let none = head_alone || matches!(status, 101 | 204 | 304);
        let length = answer.get("Content-Length").and_then(|length| length.parse::<usize>().ok());
        let length = if none { Some(0) } else { length };
        let whole = length.is_some_and(|length| rest.len() >= length);
        answer.content = rest[..length.unwrap_or(rest.len()).min(rest.len())].to_vec();
        answers.push(answer);
        return (answers, whole);
    }
    (answers, false)
}
