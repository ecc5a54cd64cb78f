//! A plain HTTP/1.1 client: one connection, kept alive, answers with `Content-Length` only.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than any answer takes, even from a server that valgrind runs.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection.
pub(crate) struct Client(BufReader<TcpStream>);

/// An answer; its content is counted and dropped.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The head as it came, the empty line included.
    pub(crate) head: String,
    /// The bytes of content.
    pub(crate) content: u64,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Client> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Client(BufReader::new(stream)))
    }

    /// Sends a whole request.
    pub(crate) fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(request)
    }

    /// Receives the next answer to a GET.
    pub(crate) fn receive(&mut self) -> io::Result<Answer> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.0.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let status = head.get(9..12).and_then(|code| code.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
        let mut answer = Answer { status, head, content: 0 };
        // RFC 9112 §6.3: a 304 has no content, whatever its fields say.
        if status != 304 {
            answer.content = answer.field("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        }
        self.skip(answer.content)?;
        Ok(answer)
    }

    /// Receives an answer whose length is known.
    pub(crate) fn skip(&mut self, length: u64) -> io::Result<()> {
        match io::copy(&mut (&mut self.0).take(length), &mut io::sink())? {
            copied if copied == length => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl Answer {
    /// The value of a field, by its name in whatever case.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_whatever_its_case() {
        let head = "HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 12:36:26 GMT\r\nETag:\"a:b\" \r\n\r\n".to_owned();
        let answer = Answer { status: 200, head, content: 0 };
        for (name, value) in [("etag", Some("\"a:b\"")), ("date", Some("Sun, 22 Nov 2026 12:36:26 GMT")), ("age", None)]
        {
            assert_eq!(answer.field(name), value, "{name}");
        }
    }
}
