//! Other protocols through the gateway: websockets, by a client and a server that others wrote, and any other.

use crate::others::is_there;
use crate::site::{Plan, Site};
use crate::upstream::{Upstream, hear_head, ok};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};
use tungstenite::{Message, WebSocket, accept, client};

/// Says back what it hears, message by message.
fn echo() -> Upstream {
    Upstream::start(|stream| {
        stream.set_nodelay(true).unwrap();
        let Ok(mut socket) = accept(stream) else { return };
        while let Ok(message) = socket.read() {
            if (message.is_text() || message.is_binary()) && socket.send(message).is_err() {
                return;
            }
        }
    })
}

fn gateway(member: &Upstream, lines: &str) -> Site {
    let route = format!("proxy = [{:?}]\n{lines}", member.url());
    Plan::new().limits("per-client = 5000\nconnections = 5000").route("/{path...}", &route).start()
}

fn connect(site: &Site) -> WebSocket<TcpStream> {
    let address = site.addresses()[0];
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let (socket, answer) = client(format!("ws://{address}/chat"), stream).expect("it is accepted");
    assert_eq!(answer.status(), 101);
    socket
}

#[test]
fn a_thousand_websockets_are_there_at_once() {
    let member = echo();
    let site = gateway(&member, "");
    let mut sockets: Vec<_> = (0..1000).map(|_| connect(&site)).collect();
    for round in 0..3 {
        for (i, socket) in sockets.iter_mut().enumerate() {
            socket.send(Message::text(format!("{round} {i}"))).unwrap();
        }
        for (i, socket) in sockets.iter_mut().enumerate() {
            assert_eq!(socket.read().unwrap().into_text().unwrap(), format!("{round} {i}").as_str());
        }
    }
    // They are no requests that wait: there is room for those.
    assert_eq!(member.connections(), 1000);
    for mut socket in sockets {
        socket.close(None).unwrap();
        while socket.read().is_ok() {}
    }
}

#[test]
fn much_goes_through_one_websocket_unchanged() {
    const MESSAGE: usize = 256 << 10;
    let total: usize = if std::env::var_os("VERDICT_LONG").is_some() { 1 << 30 } else { 64 << 20 };
    let member = echo();
    let site = gateway(&member, "");
    let mut socket = connect(&site);
    let message = |i: usize| {
        let mut message = vec![(i % 251) as u8; MESSAGE];
        message[..8].copy_from_slice(&(i as u64).to_be_bytes());
        message
    };
    for i in 0..total / MESSAGE {
        socket.send(Message::binary(message(i))).unwrap();
        assert!(socket.read().unwrap().into_data() == message(i), "{i}");
    }
}

/// Speaks for another protocol: a head that accepts, and what the function does after.
fn speaking(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Upstream {
    Upstream::start(move |mut stream| {
        let Some(head) = hear_head(&mut stream, &mut Vec::new()) else { return };
        assert!(head.contains("\r\nUpgrade: chat\r\n") && head.contains("\r\nConnection: upgrade\r\n"), "{head}");
        stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\n").unwrap();
        serve(stream);
    })
}

const CHAT: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: chat\r\n\r\n";

fn chat(site: &Site, first: &str) -> crate::client::Client {
    let mut client = site.client();
    client.send(format!("{CHAT}{first}"));
    let head = client.head().unwrap();
    assert_eq!((head.status, head.get("upgrade"), head.get("connection")), (101, Some("chat"), Some("upgrade")));
    client
}

#[test]
fn each_side_of_a_tunnel_ends_by_itself() {
    // Reads to the end, and answers then.
    let member = speaking(|mut stream| {
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).unwrap();
        stream.write_all(&heard).unwrap();
    });
    let site = gateway(&member, "");
    let mut client = chat(&site, "with the head, ");
    client.send("and after");
    client.finish();
    assert_eq!(client.take(24).unwrap(), b"with the head, and after");
    client.end();

    // Ends first, and reads on.
    let member = speaking(|mut stream| {
        stream.write_all(b"bye").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "still here");
    });
    let site = gateway(&member, "");
    let mut client = chat(&site, "");
    assert_eq!(client.take(3).unwrap(), b"bye");
    assert_eq!(client.stream.read(&mut [0; 1]).unwrap(), 0);
    client.send("still here");
}

#[test]
fn a_tunnel_in_which_nothing_moves_is_closed() {
    let member = speaking(|mut stream| drop(stream.read(&mut [0; 1])));
    let site = gateway(&member, "timeout = { idle = \"500ms\" }");
    let mut client = chat(&site, "");
    let begun = Instant::now();
    client.end_in_any_way();
    assert!(begun.elapsed() >= Duration::from_millis(400) && begun.elapsed() < Duration::from_secs(10));

    // What moves in one direction alone keeps it open.
    let member = speaking(|mut stream| {
        for _ in 0..8 {
            thread::sleep(Duration::from_millis(200));
            stream.write_all(b".").unwrap();
        }
    });
    let site = gateway(&member, "timeout = { idle = \"500ms\" }");
    let mut client = chat(&site, "");
    assert_eq!(client.take(8).unwrap(), b"........");
}

#[test]
fn an_upstream_that_does_not_switch_has_answered() {
    let member = Upstream::answering(|asked| {
        assert_eq!(asked.all("upgrade"), ["chat"]);
        b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nno\n".to_vec()
    });
    let site = gateway(&member, "");
    let mut client = site.client();
    for _ in 0..2 {
        let answer = client.ask(CHAT);
        assert_eq!((answer.status(), answer.text()), (426, "no\n"));
    }
}

/// A page that speaks through the gateway, and tells what it heard.
const PAGE: &str = "<!doctype html><title>echo</title><script>
const socket = new WebSocket(`ws://${location.host}/chat`);
const tell = (said) => fetch(`/told?${encodeURIComponent(said)}`);
socket.onopen = () => { socket.send('from a browser'); socket.send(new Uint8Array(100000)); };
let heard = '';
socket.onmessage = (message) => {
  if (typeof message.data === 'string') heard = message.data;
  else tell(`${heard}, and ${message.data.size} bytes`);
};
socket.onerror = () => tell('an error');
</script>";

#[test]
fn a_browser_is_a_client() {
    if !is_there("chromium", "chromium") {
        return;
    }
    let (tell, told) = channel();
    let (speaks, hears) = (
        echo(),
        Upstream::answering(move |asked| {
            let _ = tell.send(asked.head.lines().next().unwrap_or_default().to_owned());
            ok("")
        }),
    );
    let site = Plan::new()
        .file("page.html", PAGE)
        .route("/{path...}", "files = \"public\"")
        .route("/chat", &format!("proxy = {{ to = [{:?}], upgrade = \"websocket\" }}", speaks.url()))
        .route("/told", &format!("proxy = [{:?}]", hears.url()))
        .start();
    let home = tempfile::tempdir().unwrap();
    let mut browser = Command::new("chromium")
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .args(["--disable-background-networking", "--remote-debugging-port=0"])
        .arg(format!("--user-data-dir={}", home.path().display()))
        .arg(site.url("/page.html"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let said = told.recv_timeout(Duration::from_secs(60));
    let _ = browser.kill();
    let _ = browser.wait();
    assert_eq!(said.as_deref(), Ok("GET /told?from%20a%20browser%2C%20and%20100000%20bytes HTTP/1.1"));
}
