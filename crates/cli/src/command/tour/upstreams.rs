//! The applications behind the tour's gateway, in threads of this process: one that works, and others that each fail in one way.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// Where they are reached.
pub(super) struct Upstreams {
    /// Answers 200, accepts websockets, and throws where `/broken` is asked.
    pub(super) fine: String,
    /// Has a bug: 500.
    pub(super) broken: String,
    /// Answers what is not HTTP.
    pub(super) garbage: String,
    /// Says nothing.
    pub(super) slow: String,
    /// Breaks a download off, and knows how to go on with it.
    pub(super) breaking: String,
}

/// The longest head that is read, and the longest time that a client may take.
const LONGEST: usize = 64 << 10;
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn start() -> io::Result<Upstreams> {
    Ok(Upstreams {
        fine: serve(fine)?,
        broken: serve(broken)?,
        garbage: serve(garbage)?,
        slow: serve(slow)?,
        breaking: serve(breaking)?,
    })
}

/// Listens on a free port, and serves each connection on a thread of its own, for as long as the process lives.
fn serve(answer: fn(TcpStream) -> io::Result<()>) -> io::Result<String> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let address = listener.local_addr()?;
    thread::Builder::new().name("application".to_owned()).spawn(move || {
        for stream in listener.incoming().flatten() {
            let bounded =
                stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
            if bounded.is_ok() {
                // Whoever leaves is not waited for; and where no thread can be had, the connection ends.
                let _ = thread::Builder::new().spawn(move || answer(stream));
            }
        }
    })?;
    Ok(format!("http://{address}"))
}

/// The next request: its head, and its content read away; `None` at the end.
fn hear(stream: &mut TcpStream) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        match stream.read(&mut piece)? {
            0 => return Ok(None),
            n => bytes.extend_from_slice(&piece[..n]),
        }
        if bytes.len() > LONGEST {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = field(&head, "content-length").and_then(|length| length.parse::<u64>().ok()).unwrap_or(0);
    let come = (bytes.len() - end) as u64;
    io::copy(&mut stream.take(length.saturating_sub(come)), &mut io::sink())?;
    Ok(Some(head))
}

fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

fn fine(mut stream: TcpStream) -> io::Result<()> {
    while let Some(head) = hear(&mut stream)? {
        if field(&head, "upgrade").is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket")) {
            stream
                .write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")?;
            // It says back what it hears.
            io::copy(&mut stream.try_clone()?, &mut stream)?;
            return Ok(());
        }
        let line = head.lines().next().unwrap_or_default();
        let content =
            if line.starts_with("HEAD ") { String::new() } else { format!("The application heard: {line}\n") };
        let length = content.len();
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{content}")?;
    }
    Ok(())
}

fn broken(mut stream: TcpStream) -> io::Result<()> {
    while hear(&mut stream)?.is_some() {
        let content = "Unhandled exception: division by zero\n";
        let length = content.len();
        write!(
            stream,
            "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{content}"
        )?;
    }
    Ok(())
}

fn garbage(mut stream: TcpStream) -> io::Result<()> {
    if hear(&mut stream)?.is_some() {
        stream.write_all(b"SSH-2.0-OpenSSH_9.9\r\n")?;
    }
    Ok(())
}

fn slow(mut stream: TcpStream) -> io::Result<()> {
    hear(&mut stream)?;
    // Until whoever asked has left.
    io::copy(&mut stream, &mut io::sink()).map(|_| ())
}

fn breaking(mut stream: TcpStream) -> io::Result<()> {
    const LENGTH: usize = 100_000;
    const BROKEN: usize = 40_000;
    let Some(head) = hear(&mut stream)? else { return Ok(()) };
    let content: Vec<u8> = (0..LENGTH).map(|i| b'a' + (i % 26) as u8).collect();
    let tagged = "ETag: \"v1\"\r\nAccept-Ranges: bytes\r\nConnection: close\r\n";
    let from = field(&head, "range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    match from.filter(|from| *from < LENGTH && field(&head, "if-range") == Some("\"v1\"")) {
        Some(from) => {
            let (left, last) = (LENGTH - from, LENGTH - 1);
            write!(
                stream,
                "HTTP/1.1 206 Partial Content\r\n{tagged}Content-Range: bytes {from}-{last}/{LENGTH}\r\nContent-Length: {left}\r\n\r\n"
            )?;
            stream.write_all(&content[from..])
        }
        None => {
            write!(stream, "HTTP/1.1 200 OK\r\n{tagged}Content-Length: {LENGTH}\r\n\r\n")?;
            stream.write_all(&content[..BROKEN])
        }
    }
}
