//! Upstream applications for the gateway's tests, in threads of this process: what they get and what they answer is the test's
//! to say, byte for byte.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What an upstream was asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// The head, with the empty line that ends it.
    pub(crate) head: String,
    pub(crate) content: Vec<u8>,
}

impl Asked {
    pub(crate) fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }

    /// The values of the lines of that name.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }
}

/// An upstream that listens; its connections are served by threads.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    ended: bool,
    count: u64,
    streams: HashMap<u64, TcpStream>,
}

impl Upstream {
    /// Serves each connection with a function, which ends it by returning.
    pub(crate) fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Upstream {
        Upstream::start_at("127.0.0.1:0".parse().expect("an address"), serve)
    }

    pub(crate) fn start_at(address: SocketAddr, serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Upstream {
        let listener = listen(address);
        let address = listener.local_addr().expect("its address");
        let open = Arc::new(Mutex::new(Open::default()));
        let (serve, shared) = (Arc::new(serve), open.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let number = {
                    let mut open = shared.lock().expect("no panic");
                    if open.ended {
                        return;
                    }
                    open.count += 1;
                    let number = open.count;
                    open.streams.insert(number, stream.try_clone().expect("a descriptor"));
                    number
                };
                let (serve, shared) = (serve.clone(), shared.clone());
                thread::spawn(move || {
                    serve(stream);
                    shared.lock().expect("no panic").streams.remove(&number);
                });
            }
        });
        Upstream { address, open }
    }

    /// Answers one request after the other.
    pub(crate) fn answering(answer: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static) -> Upstream {
        Upstream::start(move |stream| answer_all(stream, &answer))
    }

    pub(crate) fn answering_at(
        address: SocketAddr,
        answer: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static,
    ) -> Upstream {
        Upstream::start_at(address, move |stream| answer_all(stream, &answer))
    }

    /// How many connections it has accepted.
    pub(crate) fn connections(&self) -> u64 {
        self.open.lock().expect("no panic").count
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Goes at once, with RST on each connection, as a process does that is killed with data unread. Nothing listens afterwards.
    pub(crate) fn kill(&self) {
        let mut open = self.open.lock().expect("no panic");
        open.ended = true;
        for stream in open.streams.values() {
            let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
            let _ = stream.shutdown(Shutdown::Both);
        }
        drop(open);
        // The accepting thread is to see it, and to close its socket.
        let _ = TcpStream::connect(self.address);
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A socket that listens, on an address that another may just have left.
fn listen(address: SocketAddr) -> TcpListener {
    loop {
        match TcpListener::bind(address) {
            Ok(listener) => return listener,
            Err(error) if address.port() != 0 && error.kind() == std::io::ErrorKind::AddrInUse => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

fn answer_all(mut stream: TcpStream, answer: &impl Fn(&Asked) -> Vec<u8>) {
    let mut input = Vec::new();
    while let Some(asked) = hear(&mut stream, &mut input) {
        if stream.write_all(&answer(&asked)).is_err() {
            return;
        }
    }
}

/// The next request, whole; `None` at the end.
pub(crate) fn hear(stream: &mut impl Read, input: &mut Vec<u8>) -> Option<Asked> {
    let head = hear_head(stream, input)?;
    let length: Option<usize> = Asked { head: head.clone(), content: Vec::new() }
        .all("content-length")
        .first()
        .and_then(|length| length.parse().ok());
    let mut asked = Asked { head, content: Vec::new() };
    if let Some(length) = length {
        fill(stream, input, length)?;
        asked.content = input.drain(..length).collect();
    } else if !asked.all("transfer-encoding").is_empty() {
        loop {
            let line = loop {
                if let Some(end) = input.windows(2).position(|two| two == b"\r\n") {
                    break input.drain(..end + 2).collect::<Vec<_>>();
                }
                more(stream, input)?;
            };
            let size = usize::from_str_radix(std::str::from_utf8(&line[..line.len() - 2]).ok()?, 16).ok()?;
            fill(stream, input, size + 2)?;
            asked.content.extend(input.drain(..size));
            input.drain(..2);
            if size == 0 {
                break;
            }
        }
    }
    Some(asked)
}

/// The next head, with the empty line that ends it; what follows stays in `input`.
pub(crate) fn hear_head(stream: &mut impl Read, input: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(end) = input.windows(4).position(|four| four == b"\r\n\r\n") {
            return Some(String::from_utf8_lossy(&input.drain(..end + 4).collect::<Vec<_>>()).into_owned());
        }
        more(stream, input)?;
    }
}

fn fill(stream: &mut impl Read, input: &mut Vec<u8>, length: usize) -> Option<()> {
    while input.len() < length {
        more(stream, input)?;
    }
    Some(())
}

fn more(stream: &mut impl Read, input: &mut Vec<u8>) -> Option<()> {
    let mut piece = [0; 16 << 10];
    match stream.read(&mut piece) {
        Ok(0) | Err(_) => None,
        Ok(n) => {
            input.extend_from_slice(&piece[..n]);
            Some(())
        }
    }
}

/// An answer with content.
pub(crate) fn ok(content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", content.len()).into_bytes();
    answer.extend_from_slice(content);
    answer
}
