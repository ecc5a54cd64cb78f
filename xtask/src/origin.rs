//! The origin behind the gateways for what is more than a small answer: it echoes messages, gives a large body, takes one.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Bytes of the large body, in either direction.
pub(crate) const LENGTH: u64 = 1 << 30;
const PART: usize = 1 << 18;

/// RFC 6455 §1.3: the key of the example, and what answers it.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Bytes of a message.
pub(crate) const MESSAGE: usize = 16 << 10;
/// RFC 6455 §5.2: a whole binary message, its length in the two bytes that follow.
const HEAD: [u8; 4] = [0x82, 126, (MESSAGE >> 8) as u8, MESSAGE as u8];
/// A message as a client sends it: the bit that says so, then a mask, which is zero.
const MASKED: [u8; 8] = [HEAD[0], HEAD[1] | 0x80, HEAD[2], HEAD[3], 0, 0, 0, 0];

/// A message as a client sends it.
pub(crate) fn asked() -> Vec<u8> {
    [&MASKED[..], &[b'v'; MESSAGE]].concat()
}

/// The same as a server sends it.
pub(crate) fn echoed() -> Vec<u8> {
    [&HEAD[..], &[b'v'; MESSAGE]].concat()
}

/// A running origin; it takes no more connections when dropped.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    over: Arc<AtomicBool>,
}

impl Origin {
    /// Starts it on the cores of this thread.
    pub(crate) fn start() -> io::Result<Origin> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (address, over) = (listener.local_addr()?, Arc::new(AtomicBool::new(false)));
        let ends = Arc::clone(&over);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                // A connection that a gateway gives up is no failure; what is missing then is seen by the client.
                thread::spawn(move || drop(serve(stream)));
            }
        });
        Ok(Origin { address, over })
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes it, so that it sees that.
        let _ = TcpStream::connect(self.address);
    }
}

/// Answers one request after the other.
fn serve(stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut writer, mut reader) = (stream.try_clone()?, BufReader::with_capacity(PART, stream));
    while let Some(head) = head(&mut reader)? {
        let wants = |line: &str| head.lines().any(|sent| sent.eq_ignore_ascii_case(line));
        if wants("upgrade: websocket") {
            let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
            writer.write_all(format!("{answer}Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n").as_bytes())?;
            return echo(&mut reader, &mut writer);
        }
        if head.starts_with("PUT ") {
            if wants("expect: 100-continue") {
                writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            if !wants(&format!("content-length: {LENGTH}")) {
                return Err(ErrorKind::InvalidData.into());
            }
            take(&mut reader, LENGTH)?;
            writer.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
            continue;
        }
        writer.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n").as_bytes())?;
        let part = vec![b'v'; PART];
        for _ in 0..LENGTH / PART as u64 {
            writer.write_all(&part)?;
        }
    }
    Ok(())
}

/// A head, the empty line included; `None` where the connection ends instead.
pub(crate) fn head(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return if head.is_empty() { Ok(None) } else { Err(ErrorKind::UnexpectedEof.into()) };
        }
    }
    Ok(Some(head))
}

/// Reads so many bytes and drops them.
pub(crate) fn take(reader: &mut impl Read, length: u64) -> io::Result<()> {
    match io::copy(&mut reader.take(length), &mut io::sink())? {
        taken if taken == length => Ok(()),
        _ => Err(ErrorKind::UnexpectedEof.into()),
    }
}

/// Sends each message back as it came, until there is no more.
fn echo(reader: &mut impl Read, writer: &mut impl Write) -> io::Result<()> {
    let (mut message, answer) = (asked(), echoed());
    loop {
        reader.read_exact(&mut message)?;
        if message[..MASKED.len()] != MASKED {
            return Err(ErrorKind::InvalidData.into());
        }
        writer.write_all(&answer)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_with_its_empty_line_or_not_at_all() {
        let cases: [(&str, Option<Option<&str>>); 3] = [
            ("GET / HTTP/1.1\r\nA: b\r\n\r\nmore", Some(Some("GET / HTTP/1.1\r\nA: b\r\n\r\n"))),
            ("", Some(None)),
            ("GET / HTTP/1.1\r\nA:", None),
        ];
        for (sent, wanted) in cases {
            let found = head(&mut sent.as_bytes()).ok();
            assert_eq!(found.as_ref().map(Option::as_deref), wanted, "{sent:?}");
        }
    }

    #[test]
    fn a_message_comes_back_whole_and_unmasked() {
        let mut back = Vec::new();
        let ended = echo(&mut [asked(), asked()].concat().as_slice(), &mut back);
        assert!(ended.is_err(), "it ends with the connection");
        assert_eq!(back, [echoed(), echoed()].concat());
        let mut bare = Vec::new();
        assert!(echo(&mut [echoed(), echoed()].concat().as_slice(), &mut bare).is_err() && bare.is_empty());
    }
}
