//! A connection on which requests follow each other, and what is read of their answers.

use crate::PATIENCE;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

pub(crate) struct Client {
    stream: TcpStream,
    input: Vec<u8>,
    at: usize,
}

#[derive(Debug)]
pub(crate) struct Answer {
    /// The statuses of what came before.
    pub(crate) interim: Vec<u16>,
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) content: Vec<u8>,
}

impl Answer {
    /// By its name in small letters.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// As `Verdict-Reason` says; empty where it is not there.
    pub(crate) fn reason(&self) -> &str {
        self.get("verdict-reason").map_or("", |value| value.split(';').next().unwrap_or_default())
    }

    pub(crate) fn media_type(&self) -> Option<&str> {
        self.get("content-type").map(|value| value.split(';').next().unwrap_or_default().trim_end())
    }
}

impl Client {
    pub(crate) fn to(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).expect("the server accepts");
        stream.set_nodelay(true).expect("TCP");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        Client { stream, input: Vec::new(), at: 0 }
    }

    /// Sends it all, which the buffers of the connection hold, and says that nothing follows.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        // A server that has refused something reads no further.
        let _ = self.stream.write_all(bytes).and_then(|()| self.stream.shutdown(Shutdown::Write));
    }

    /// The answer to a request with that method; none if the connection ended before it did.
    pub(crate) fn answer(&mut self, method: &str) -> Option<Answer> {
        let mut interim = Vec::new();
        loop {
            let (status, fields) = self.head()?;
            let mut answer = Answer { interim, status, fields, content: Vec::new() };
            if (100..200).contains(&status) && status != 101 {
                interim = answer.interim;
                interim.push(status);
                continue;
            }
            answer.content = self.content(&answer, method)?;
            return Some(answer);
        }
    }

    fn head(&mut self) -> Option<(u16, Vec<(String, String)>)> {
        let mut looked = 0;
        let end = loop {
            let from = self.at + looked;
            if let Some(end) = self.input[from..].windows(4).position(|four| four == b"\r\n\r\n") {
                break from + end;
            }
            looked = (self.input.len() - self.at).saturating_sub(3);
            self.more()?;
        };
        let text = std::str::from_utf8(&self.input[self.at..end]).expect("heads are ASCII");
        let mut lines = text.split("\r\n");
        let line = lines.next().unwrap_or_default();
        let status = line.get(9..12).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("{line:?}"));
        let fields = lines.map(|line| {
            let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("{line:?}"));
            (name.to_ascii_lowercase(), value.to_owned())
        });
        let fields = fields.collect();
        self.at = end + 4;
        Some((status, fields))
    }

    /// RFC 9112 §6.3.
    fn content(&mut self, answer: &Answer, method: &str) -> Option<Vec<u8>> {
        let tunnel = method == "CONNECT" && (200..300).contains(&answer.status);
        if method == "HEAD" || tunnel || matches!(answer.status, 101 | 204 | 304) {
            return Some(Vec::new());
        }
        if answer.get("transfer-encoding").is_some() {
            let mut content = Vec::new();
            loop {
                let line = self.line()?;
                let size = usize::from_str_radix(&line, 16).unwrap_or_else(|_| panic!("a chunk of size {line:?}"));
                if size == 0 {
                    while !self.line()?.is_empty() {}
                    return Some(content);
                }
                content.extend(self.take(size)?);
                self.take(2)?;
            }
        }
        match answer.get("content-length") {
            Some(length) => self.take(length.parse().expect("a length")),
            None => {
                while self.more().is_some() {}
                self.take(self.input.len() - self.at)
            }
        }
    }

    fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.input[self.at..].windows(2).position(|two| two == b"\r\n") {
                let line = self.take(end + 2)?;
                return Some(String::from_utf8(line[..end].to_vec()).expect("ASCII"));
            }
            self.more()?;
        }
    }

    fn take(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.input.len() - self.at < count {
            self.more()?;
        }
        self.at += count;
        Some(self.input[self.at - count..self.at].to_vec())
    }

    /// Reads what there is, at least a byte; none at the end.
    fn more(&mut self) -> Option<()> {
        self.input.drain(..self.at);
        self.at = 0;
        let from = self.input.len();
        self.input.resize(from + (16 << 10), 0);
        let read = self.stream.read(&mut self.input[from..]);
        self.input.truncate(from + read.as_ref().map_or(0, |count| *count));
        match read {
            Ok(0) => None,
            Ok(_) => Some(()),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => None,
            Err(error) => panic!("the server is silent: {error}"),
        }
    }
}
