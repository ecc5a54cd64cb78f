//! The other side of the console's socket, for commands on the same machine.

use crate::config;
use crate::json::Json;
use std::fmt;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long an answer may take: taking a config anew reads whatever it names.
const PATIENCE: Duration = Duration::from_secs(60);

/// More than that is not read of an answer.
const LONGEST: u64 = 4 << 20;

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Of a refusal, what is wrong, as text; or JSON.
    pub content: String,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Unanswered {
    /// Nobody listens on the socket.
    NoServer(PathBuf),
    /// The socket is another user's.
    NotAllowed(PathBuf),
    /// What came is no answer.
    Broken(io::Error),
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unanswered::NoServer(socket) => {
                write!(f, "no server answers on {}: start it with `verdict run`", socket.display())
            }
            Unanswered::NotAllowed(socket) => write!(
                f,
                "{} is for the user who runs the server alone: ask as that user, or as root",
                socket.display()
            ),
            Unanswered::Broken(error) => write!(f, "the server gave no whole answer: {error}"),
        }
    }
}

impl std::error::Error for Unanswered {}

impl Answer {
    /// Whether the request was granted.
    pub fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A member of the content that is true or false.
    pub fn says(&self, member: &str) -> Option<bool> {
        serde_json::from_str::<serde_json::Value>(&self.content).ok()?.get(member)?.as_bool()
    }

    fn parse(bytes: &[u8]) -> Option<Answer> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (head, content) = text.split_once("\r\n\r\n")?;
        let status: u16 = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "))?;
        (length.parse() == Ok(content.len())).then(|| Answer { status, content: content.to_owned() })
    }
}

/// Sends a request to the server that runs with this console, and waits for its answer. A change has content.
///
/// Errors: nobody is there, or the socket is not this user's.
pub fn ask(
    console: &config::Console,
    method: &str,
    target: &str,
    content: Option<&Json>,
) -> Result<Answer, Unanswered> {
    let content = content.map(Json::to_string);
    let mut request = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nAccept: text/plain\r\n");
    if let Some(content) = &content {
        request += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n", content.len());
    }
    request += "\r\n";
    request += content.as_deref().unwrap_or("");
    let mut stream = connect(&console.socket)?;
    let mut answer = Vec::new();
    let exchanged = stream.write_all(request.as_bytes()).and_then(|()| stream.take(LONGEST).read_to_end(&mut answer));
    exchanged.map_err(Unanswered::Broken)?;
    Answer::parse(&answer).ok_or_else(|| Unanswered::Broken(io::ErrorKind::UnexpectedEof.into()))
}

fn connect(socket: &Path) -> Result<UnixStream, Unanswered> {
    let connected = UnixStream::connect(socket).and_then(|stream| {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    });
    connected.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Unanswered::NoServer(socket.to_owned()),
        io::ErrorKind::PermissionDenied => Unanswered::NotAllowed(socket.to_owned()),
        _ => Unanswered::Broken(error),
    })
}
