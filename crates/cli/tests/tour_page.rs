//! The tour in a real browser: its page makes each status happen, and its site shows what a browser does with an answer then.
//!
//! With `VERDICT_SCREENSHOTS=FOLDER` it leaves there what the README shows.

#[path = "../../server/tests/sockets/browser.rs"]
mod browser;
mod running;

use browser::Browser;
use running::Lines;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Whether a program is there; if not, says on which package the test depends.
fn is_there(program: &str, package: &str) -> bool {
    let there = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !there {
        // Past the capture of libtest, so that it is seen.
        let _ = writeln!(std::io::stderr(), "skipped: needs {program} (apt-get install {package})");
    }
    there
}

/// The tour, up.
struct Tour {
    child: Child,
    /// `http://127.0.0.1:PORT`
    site: String,
    /// The link to its page, with the token in it.
    page: String,
    _folder: TempDir,
}

impl Tour {
    fn start() -> Tour {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_verdict"));
        command.arg("tour").env("TMPDIR", folder.path()).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the command starts");
        let said = Lines::of(child.stderr.take().expect("it is piped"));
        let first = said.until("the tour is on ");
        let site =
            first.split_once("the tour is on ").and_then(|(_, rest)| rest.split_once(';')).expect("an address").0;
        let link = said.until("in a browser: ");
        let page = link.split_once("in a browser: ").expect("a link").1;
        said.until("Ctrl-C");
        Tour { child, site: site.to_owned(), page: page.to_owned(), _folder: folder }
    }

    /// Where the console is, and its token.
    fn console(&self) -> (&str, &str) {
        let (address, rest) = self.page["http://".len()..].split_once("/#token=").expect("a token");
        (address, rest.split_once('&').expect("a part").0)
    }

    /// Status and content of what the console answers.
    fn ask(&self, method: &str, target: &str, content: &str) -> (u16, Value) {
        let (address, token) = self.console();
        let mut stream = TcpStream::connect(address).expect("it listens");
        let length = content.len();
        write!(
            stream,
            "{method} {target} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
             Accept: application/json\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{content}"
        )
        .expect("it is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, told) = answer.split_once("\r\n\r\n").expect("a head");
        (head[9..12].parse().expect("a status"), serde_json::from_str(told).expect("JSON"))
    }

    /// Method and status of each answer about a target, in order.
    fn answers(&self, target: &str) -> Vec<(String, u64)> {
        let (status, told) = self.ask("GET", "/answers?limit=1000", "");
        assert_eq!(status, 200, "{told}");
        let all = told["answers"].as_array().expect("a list").iter();
        let wanted = all.filter(|given| given["target"] == target);
        let told = |given: &Value| (given["method"].as_str().expect("a method").to_owned(), given["status"].as_u64());
        wanted.map(told).map(|(method, status)| (method, status.expect("a status"))).collect()
    }
}

impl Drop for Tour {
    fn drop(&mut self) {
        running::signal(self.child.id(), "TERM");
        let _ = self.child.wait();
    }
}

fn method_and_status(method: &str, status: u64) -> (String, u64) {
    (method.to_owned(), status)
}

#[test]
fn each_button_makes_its_status_happen_and_opens_the_answer() {
    let Some(browser) = Browser::start(1250, 1000) else { return };
    let tour = Tour::start();
    browser.open(&tour.page);
    browser.until("document.querySelectorAll('#stops button').length >= 45");
    assert_eq!(browser.run("return location.hash"), "#tour");
    browser.picture("console-tour.png");

    let lit = "return [...document.querySelectorAll('.way > li.lit')].map((stage) => stage.dataset.stage)";
    let end = "return document.querySelector('.way > li.end').dataset.stage";
    for (code, title, all, last, words) in [
        (
            412,
            "412 Precondition Failed if-match-failed",
            json!(["arrive", "authorize", "find", "negotiate", "precondition", "respond"]),
            "precondition",
            "If-Match: \"v7\" against current",
        ),
        (
            502,
            "502 Bad Gateway upstream-not-http",
            json!(["arrive", "authorize", "find", "negotiate", "process", "respond"]),
            "process",
            "did the upstream answer?",
        ),
        (
            103,
            "200 OK served",
            json!(["arrive", "authorize", "find", "negotiate", "process", "range", "respond"]),
            "process",
            "103 Early Hints",
        ),
    ] {
        browser.click(&format!("#stops button[data-code='{code}']"));
        browser.until(&format!("document.querySelector('#answer-title').textContent === '{title}'"));
        assert_eq!((browser.run(lit), browser.run(end)), (all, json!(last)), "{code}");
        let told = browser.run("return document.querySelector('#told').innerText");
        assert!(told.as_str().is_some_and(|told| told.contains(words)), "{code}: {told}");
        // Loaded again it is still there, and the way back is.
        browser.reload();
        browser.until(&format!("document.querySelector('#answer-title').textContent === '{title}'"));
        browser.click("#back-to-tour");
        browser.until("!document.querySelector('#tour').hidden");
    }

    // All of them, one after the other, as the buttons do it.
    let (status, told) = tour.ask("GET", "/tour", "");
    assert_eq!(status, 200);
    for stop in told["stops"].as_array().expect("a list") {
        let code = &stop["code"];
        let (status, visited) = tour.ask("POST", &format!("/tour/{code}"), "{}");
        assert_eq!((status, &visited["misses"]), (200, &json!([])), "{code}");
        let id = visited["id"].as_str().unwrap_or_else(|| panic!("{code} has no id"));
        let (status, why) = tour.ask("GET", &format!("/answers/{id}"), "");
        assert_eq!(status, 200, "{code}: {why}");
        let statuses = [&why["answer"]["status"], &why["explanation"]["interim"]["status"]];
        assert!(statuses.contains(&code), "{code}: {why:#}");
    }
    for (method, target, content, status) in [
        ("POST", "/tour/299", "{}", 404),
        ("POST", "/tour/x", "{}", 404),
        ("POST", "/tour/0412", "{}", 404),
        ("POST", "/tour/+41", "{}", 404),
        ("POST", "/tour/412", "", 400),
        ("POST", "/tour/412", "{\"a\":1}", 422),
        ("GET", "/tour/412", "", 405),
        ("POST", "/tour", "{}", 405),
    ] {
        assert_eq!(tour.ask(method, target, content).0, status, "{method} {target} {content}");
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_phone_has_room_for_the_tour() {
    let Some(browser) = Browser::start(500, 900) else { return };
    let tour = Tour::start();
    browser.open(&tour.page);
    browser.until("document.querySelectorAll('#stops button').length >= 45");
    let overflow = browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth");
    assert_eq!(overflow, 0);
    browser.picture("console-tour-phone.png");
    browser.press("#stops button[data-code='404']", "\u{e007}");
    browser.until("document.querySelector('#answer-title').textContent.startsWith('404')");
    assert_eq!(browser.run("return document.activeElement.id"), "answer-title");
}

#[test]
fn a_browser_reads_what_came_of_a_form_and_does_not_submit_it_again() {
    let Some(browser) = Browser::start(900, 700) else { return };
    let tour = Tour::start();
    browser.open(&format!("{}/", tour.site));
    browser.type_into("[name=title]", "Only once");
    browser.click("form button");
    browser.until("location.pathname.startsWith('/notes/') && document.body.innerText.includes('Only once')");
    browser.picture("browser-303.png");
    for _ in 0..2 {
        browser.reload();
        browser.until("document.body?.innerText.includes('Only once')");
    }
    assert_eq!(tour.answers("/notes"), [method_and_status("POST", 303)]);
    let note = browser.run("return location.pathname");
    let reads = tour.answers(note.as_str().expect("a path"));
    assert!(reads.len() >= 2 && reads.iter().all(|(method, _)| method == "GET"), "{reads:?}");
}

#[test]
fn a_browser_remembers_what_has_moved_for_good() {
    let Some(browser) = Browser::start(900, 700) else { return };
    let tour = Tour::start();
    for _ in 0..3 {
        browser.open("about:blank");
        browser.open(&format!("{}/index.html", tour.site));
        browser.until("document.querySelector('h1')?.textContent === 'The tour'");
        assert_eq!(browser.run("return location.pathname"), "/");
    }
    assert_eq!(tour.answers("/index.html"), [method_and_status("GET", 301)]);
    // What has moved for now is asked for each time.
    for _ in 0..2 {
        browser.open("about:blank");
        browser.open(&format!("{}/today", tour.site));
        browser.until("document.body?.innerText.includes('Hello.')");
    }
    assert_eq!(tour.answers("/today"), vec![method_and_status("GET", 302); 2]);
}

#[test]
fn a_browser_uses_its_copy_of_what_has_not_changed() {
    let Some(browser) = Browser::start(900, 700) else { return };
    let tour = Tour::start();
    browser.open(&format!("{}/hello.txt", tour.site));
    for _ in 0..2 {
        browser.until("document.body?.innerText.includes('Hello.')");
        browser.reload();
    }
    browser.until("document.body?.innerText.includes('Hello.')");
    let answers = ["GET", "GET", "GET"].into_iter().zip([200, 304, 304]);
    assert_eq!(
        tour.answers("/hello.txt"),
        answers.map(|(method, status)| method_and_status(method, status)).collect::<Vec<_>>()
    );
}
