//! Applications behind the gateway: one that answers whatever it is asked for, and one that answers badly.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

/// Where one listens that serves each connection so.
pub(crate) fn start(answer: fn(&str) -> Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream, answer));
        }
    });
    address
}

/// Ends with whatever the other side does unexpectedly.
fn serve(mut stream: TcpStream, answer: fn(&str) -> Vec<u8>) -> Option<()> {
    let mut input = Vec::new();
    loop {
        let end = until(&mut stream, &mut input, b"\r\n\r\n")?;
        let head = String::from_utf8(input.drain(..end).collect()).ok()?;
        let field = |name: &str| {
            let lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next()
        };
        if field("expect").is_some() {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
        }
        if field("transfer-encoding").is_some() {
            let end = until(&mut stream, &mut input, b"0\r\n\r\n")?;
            input.drain(..end);
        } else if let Some(length) = field("content-length") {
            let length: usize = length.parse().ok()?;
            while input.len() < length {
                more(&mut stream, &mut input)?;
            }
            input.drain(..length);
        }
        let answer = answer(head.lines().next()?);
        stream.write_all(&answer).ok()?;
        if answer.is_empty() || answer.starts_with(b"?") {
            return None;
        }
    }
}

fn until(stream: &mut TcpStream, input: &mut Vec<u8>, end: &[u8]) -> Option<usize> {
    loop {
        if let Some(at) = input.windows(end.len()).position(|window| window == end) {
            return Some(at + end.len());
        }
        more(stream, input)?;
    }
}

fn more(stream: &mut TcpStream, input: &mut Vec<u8>) -> Option<()> {
    let mut piece = [0; 4096];
    let count = stream.read(&mut piece).ok().filter(|count| *count > 0)?;
    input.extend_from_slice(&piece[..count]);
    Some(())
}

/// What the path's last segment asks for: a status, with none of the fields that it should have, and content of its own kind.
pub(crate) fn anything(line: &str) -> Vec<u8> {
    let path = line.split(' ').nth(1).unwrap_or_default();
    let wanted = path.split('?').next().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    let status: u16 = wanted.parse().ok().filter(|status| (200..600).contains(status)).unwrap_or(200);
    let content = match status {
        204 | 205 | 304 => return format!("HTTP/1.1 {status} \r\n\r\n").into_bytes(),
        400..500 => ("application/problem+json", r#"{"type":"about:blank"}"#),
        500..600 => ("image/png", "no picture"),
        _ => ("application/octet-stream", "anything"),
    };
    let (kind, text) = content;
    let length = text.len();
    let text = if line.starts_with("HEAD ") { "" } else { text };
    format!("HTTP/1.1 {status} \r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{text}").into_bytes()
}

/// By the path, in one way or another.
pub(crate) fn badly(line: &str) -> Vec<u8> {
    let path = line.split(' ').nth(1).unwrap_or_default();
    let answer = match path.rsplit('/').next().unwrap_or_default() {
        "hangs-up" => "",
        "short" => "?",
        "framing" => "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "switches" => "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n",
        _ => "SSH-2.0-OpenSSH_9.9\r\n",
    };
    answer.as_bytes().to_vec()
}
