//! Upstreams by script, on real sockets: what they do, and what it is called.

mod faults;
mod secure;

use super::{Answer, Asked, Target, Times, ask};
use socket2::SockRef;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use verdict_core::cause::Upstream;

/// More than any of this takes on a busy machine.
const PATIENT: Times =
    Times { connect: Duration::from_secs(20), first_byte: Duration::from_secs(20), total: Duration::from_secs(30) };

const GET: Asked<'static> = Asked { method: "GET", fields: &[], content: b"" };

/// What an upstream does next.
#[derive(Clone, Copy)]
enum Step {
    /// Reads a request's head, and content of a length.
    Hear,
    Say(&'static [u8]),
    /// Says it so many times, or until nobody listens.
    Repeat(&'static [u8], usize),
    Pause(Duration),
    /// Ends its side, and waits for the other's end.
    End,
    /// Ends the connection with RST.
    Reset,
    /// Keeps the connection, silently, until the other side is gone.
    Hold,
}

/// An upstream that takes one connection, and does that; what it heard.
fn upstream(steps: &'static [Step]) -> (SocketAddr, JoinHandle<Vec<u8>>) {
    serve(move |socket| play(socket, steps))
}

fn serve<T: Send + 'static>(serve: impl FnOnce(TcpStream) -> T + Send + 'static) -> (SocketAddr, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (address, thread::spawn(move || serve(listener.accept().unwrap().0)))
}

fn play(mut socket: TcpStream, steps: &[Step]) -> Vec<u8> {
    let mut heard = Vec::new();
    for step in steps {
        match *step {
            Step::Hear => heard = hear(&mut socket),
            Step::Say(bytes) => socket.write_all(bytes).unwrap(),
            Step::Repeat(bytes, times) => {
                let _ = (0..times).try_for_each(|_| socket.write_all(bytes));
            }
            Step::Pause(time) => thread::sleep(time),
            Step::End => {
                // The other side may have gone first.
                let _ = socket.shutdown(std::net::Shutdown::Write);
                let _ = socket.read_to_end(&mut Vec::new());
            }
            Step::Hold => drop(socket.read_to_end(&mut Vec::new())),
            Step::Reset => SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap(),
        }
    }
    heard
}

/// A request with its content.
fn hear(stream: &mut impl Read) -> Vec<u8> {
    let (mut heard, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let head = heard.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4);
        if let Some(head) = head {
            let text = String::from_utf8_lossy(&heard[..head]).into_owned();
            let length = text.lines().find_map(|line| line.strip_prefix("Content-Length: "));
            if heard.len() >= head + length.map_or(0, |length| length.parse().unwrap()) {
                return heard;
            }
        }
        match stream.read(&mut piece).unwrap() {
            0 => return heard,
            n => heard.extend_from_slice(&piece[..n]),
        }
    }
}

/// Asks, on a runtime of its own.
fn asked(target: &Target, request: Asked<'_>, times: &Times, most: u64) -> Result<Answer, Upstream> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(ask(target, request, times, most))
}

fn target(address: SocketAddr, path: &str) -> Target {
    Target::parse(&format!("http://{address}{path}")).unwrap()
}

fn content(answer: &Answer) -> (u16, &[u8]) {
    (answer.status, &answer.content)
}

#[test]
fn a_request_is_written_anew_and_its_answer_read_to_the_end() {
    const STEPS: &[Step] = &[
        Step::Hear,
        Step::Say(
            b"HTTP/1.1 201 Made\r\nX-A: caf\xe9\r\nConnection: x-b, close\r\nX-B: 1\r\nX-a:\t2 \r\nKeep-Alive: x\r\n\
              Transfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n",
        ),
        Step::Pause(Duration::from_millis(20)),
        Step::Say(b"2\r\nde\r\n0\r\nT: x\r\n\r\n"),
        Step::End,
    ];
    let (address, heard) = upstream(STEPS);
    let fields = [
        ("Accept", "*/*"),
        ("connection", "keep-alive"),
        ("Transfer-Encoding", "chunked"),
        ("Content-Length", "99"),
        ("HOST", "evil"),
        ("Expect", "100-continue"),
        ("TE", "trailers"),
        ("Upgrade", "h2c"),
        ("X-Empty", ""),
    ];
    let request = Asked { method: "POST", fields: &fields, content: b"hello" };
    let answer = asked(&target(address, "/a?b"), request, &PATIENT, 5).unwrap();
    assert_eq!(content(&answer), (201, &b"abcde"[..]));
    assert_eq!(answer.fields, [("X-A".to_owned(), b"caf\xe9".to_vec()), ("X-a".to_owned(), b"2".to_vec())]);
    let expected = format!(
        "POST /a?b HTTP/1.1\r\nHost: {address}\r\nAccept: */*\r\nX-Empty: \r\nContent-Length: 5\r\n\
         Connection: close\r\n\r\nhello"
    );
    assert_eq!(String::from_utf8(heard.join().unwrap()).unwrap(), expected);
}

#[test]
fn what_could_be_taken_for_something_else_is_not_sent() {
    let (address, heard) = upstream(&[]);
    let target = target(address, "/");
    for request in [
        Asked { method: "GET /x HTTP/1.1\r\nX:", ..GET },
        Asked { method: "", ..GET },
        Asked { fields: &[("X", "a\r\nY: b")], ..GET },
        Asked { fields: &[("X", "a\nb")], ..GET },
        Asked { fields: &[("X", "\0")], ..GET },
        Asked { fields: &[("X: y\r\nZ", "a")], ..GET },
        Asked { fields: &[("", "a")], ..GET },
    ] {
        assert!(request.refused(&target).is_some(), "{request:?}");
        assert_eq!(asked(&target, request, &PATIENT, 0), Err(Upstream::NotHttp), "{request:?}");
    }
    assert_eq!(GET.refused(&target), None);
    drop(TcpStream::connect(address).unwrap());
    assert!(heard.join().unwrap().is_empty());
}

#[test]
fn an_answer_that_comes_before_the_request_is_sent_is_taken() {
    let content = vec![b'x'; 32 << 20];
    let request = Asked { method: "PUT", fields: &[], content: &content };
    let (address, _) = upstream(&[Step::Say(b"HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno"), Step::Hold]);
    let answer = asked(&target(address, "/"), request, &PATIENT, 2).unwrap();
    assert_eq!(self::content(&answer), (413, &b"no"[..]));
}

#[test]
fn a_large_answer_and_a_large_request_do_not_wait_for_each_other() {
    const LARGE: usize = 16 << 20;
    let (address, heard) = serve(|mut socket| {
        // All of the answer before any of the request.
        write!(socket, "HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n").unwrap();
        socket.write_all(&vec![b'y'; LARGE - 1]).unwrap();
        let heard = hear(&mut socket).len();
        socket.write_all(b"z").unwrap();
        heard
    });
    let content = vec![b'x'; LARGE];
    let request = Asked { method: "PUT", fields: &[], content: &content };
    let answer = asked(&target(address, "/"), request, &PATIENT, LARGE as u64).unwrap();
    assert_eq!((answer.content.len(), answer.content.last()), (LARGE, Some(&b'z')));
    assert!(heard.join().unwrap() > LARGE);
}

#[test]
fn each_address_of_a_name_is_tried() {
    // `localhost` may be `::1` first, where nobody listens.
    let (address, _) = upstream(&[Step::Hear, Step::Say(b"HTTP/1.1 204 \r\n\r\n"), Step::End]);
    let target = Target::parse(&format!("http://localhost:{}/", address.port())).unwrap();
    assert_eq!(asked(&target, GET, &PATIENT, 0).map(|answer| answer.status), Ok(204));
}
