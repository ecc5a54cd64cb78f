//! The console's page in a real browser: Chromium, driven by WebDriver (W3C) over HTTP.
//!
//! With `VERDICT_SCREENSHOTS=FOLDER` it leaves there what the README shows.

use crate::others::{is_there, reqwest_of};
use crate::site::{Plan, Site};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const TOKEN: &str = "correct-horse-battery";
/// How long anything may take that the page does.
const PATIENCE: Duration = Duration::from_secs(30);
/// How WebDriver names an element (WebDriver §11).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one window.
struct Browser {
    driver: Child,
    client: reqwest::blocking::Client,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// `None`: there is no browser here, or none that can be driven.
    fn start(width: u32, height: u32) -> Option<Browser> {
        if !is_there("chromium", "chromium") || !is_there("chromedriver", "chromium-driver") {
            return None;
        }
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it is there");
        let said = BufReader::new(driver.stdout.take().expect("it is piped"));
        // `ChromeDriver was started successfully on port 43210.`
        let port = said
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.rsplit_once("successfully on port ")?.1.trim_end_matches('.').parse::<u16>().ok());
        let profile = tempfile::tempdir().expect("a folder");
        let client = reqwest_of(|client| client.timeout(PATIENCE));
        let base = format!("http://127.0.0.1:{}/session", port.expect("it says its port"));
        let arguments = [
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-background-networking".to_owned(),
            "--force-color-profile=srgb".to_owned(),
            format!("--window-size={width},{height}"),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let begun = call(&client, &base, Some(&wanted));
        let session = format!("{base}/{}", begun["sessionId"].as_str().expect("a session"));
        Some(Browser { driver, client, session, _profile: profile })
    }

    fn post(&self, command: &str, content: &Value) -> Value {
        call(&self.client, &format!("{}/{command}", self.session), Some(content))
    }

    fn open(&self, url: &str) {
        self.post("url", &json!({ "url": url }));
    }

    /// What a script returns.
    fn run(&self, script: &str) -> Value {
        self.post("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Waits until a script returns something that is true.
    #[track_caller]
    fn until(&self, script: &str) -> Value {
        let began = Instant::now();
        loop {
            let found = self.run(&format!("return ({script})"));
            if !matches!(found, Value::Null | Value::Bool(false)) {
                return found;
            }
            assert!(began.elapsed() < PATIENCE, "{script}: {}", self.run("return document.body.innerText"));
            sleep(Duration::from_millis(50));
        }
    }

    fn element(&self, selector: &str) -> String {
        let found = self.post("element", &json!({ "using": "css selector", "value": selector }));
        found[ELEMENT].as_str().unwrap_or_else(|| panic!("{selector}: {found}")).to_owned()
    }

    /// Types, as a person does; `\u{e007}` is Enter (WebDriver §17.4.2).
    fn type_into(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.post(&format!("element/{element}/clear"), &json!({}));
        self.press(selector, text);
    }

    fn press(&self, selector: &str, keys: &str) {
        let element = self.element(selector);
        self.post(&format!("element/{element}/value"), &json!({ "text": keys }));
    }

    fn click(&self, selector: &str) {
        let element = self.element(selector);
        self.post(&format!("element/{element}/click"), &json!({}));
    }

    /// What it found wrong: refused loads, errors of scripts.
    fn complaints(&self) -> Vec<String> {
        let all = self.post("se/log", &json!({ "type": "browser" }));
        let lines = all.as_array().into_iter().flatten();
        let wrong = lines.filter(|line| line["level"] == "SEVERE");
        wrong.map(|line| line["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Leaves a picture, where somebody wants some.
    fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("VERDICT_SCREENSHOTS").map(PathBuf::from) else { return };
        let shot = self.client.get(format!("{}/screenshot", self.session)).send().expect("an answer");
        let shot: Value = serde_json::from_str(&shot.text().expect("text")).expect("JSON");
        let mut decode =
            Command::new("base64").arg("-d").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it is there");
        let text = shot["value"].as_str().expect("a picture").to_owned();
        let mut stdin = decode.stdin.take().expect("it is piped");
        let writing = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
        let picture = decode.wait_with_output().expect("it ends").stdout;
        writing.join().expect("no panic").expect("it reads");
        std::fs::write(folder.join(name), picture).expect("a file");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.client.delete(&self.session).send();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn call(client: &reqwest::blocking::Client, url: &str, content: Option<&Value>) -> Value {
    let request = match content {
        Some(content) => client.post(url).header("Content-Type", "application/json").body(content.to_string()),
        None => client.get(url),
    };
    let told = request.send().expect("the driver answers").text().expect("text");
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert!(told["value"]["error"].is_null(), "{url}: {told}");
    told["value"].clone()
}

/// A site, and where its console listens.
fn site() -> (Site, SocketAddr) {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let console = free.local_addr().expect("an address");
    let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port").local_addr().expect("an address");
    drop(free);
    let site = Plan::new()
        .top(&format!("console = {{ listen = \"{console}\", token = \"{TOKEN}\" }}"))
        .file("a.txt", "0123456789")
        .route("/{path...}", "files = \"public\"")
        .route("/app/{path...}", &format!("proxy = [\"http://{gone}\"]"))
        .start();
    (site, console)
}

#[test]
fn a_browser_shows_answers_as_they_are_given_and_why() {
    let Some(browser) = Browser::start(1250, 1000) else { return };
    let (site, console) = site();
    browser.open(&format!("http://{console}/"));
    // Who does not know the token sees nothing; who types it does.
    browser.until("!document.querySelector('#token').hidden");
    assert_eq!(browser.run("return document.querySelector('#rows').children.length"), 0);
    browser.type_into("#token input", "not-the-token-at-all\u{e007}");
    browser.until("document.querySelector('#state').textContent === 'That is not the token'");
    browser.type_into("#token input", &format!("{TOKEN}\u{e007}"));
    browser.until("document.querySelector('#state').textContent === 'Live'");
    // That nobody knew the token is the console's, and no answer of the server's.
    assert_eq!(browser.run("return document.querySelector('#rows').children.length"), 0);

    // Markup that somebody sends is text.
    assert_eq!(site.ask("GET /a.txt HTTP/1.1\r\nHost: a\r\nIf-Match: \"<i>v7</i>\"\r\n\r\n").status(), 412);
    assert_eq!(site.ask("GET /app/x HTTP/1.1\r\nHost: a\r\n\r\n").status(), 502);
    assert_eq!(site.ask("GET /a.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=2-4\r\n\r\n").status(), 206);
    browser.until("document.querySelectorAll('#rows tr').length === 3");
    let rows = browser.run("return [...document.querySelectorAll('#rows tr')].map((row) => row.cells[1].textContent)");
    assert_eq!(rows, json!(["206 part-served", "502 upstream-refused", "412 if-match-failed"]));
    browser.picture("console-answers.png");

    // Opened by the keyboard, as by a click.
    browser.press("#rows tr:last-child button", "\u{e007}");
    browser.until("document.querySelector('#answer-title').textContent === '412 Precondition Failed if-match-failed'");
    assert_eq!(browser.run("return document.activeElement.id"), "answer-title");
    let lit = "return [...document.querySelectorAll('.way > li.lit')].map((stage) => stage.dataset.stage)";
    let end = "return document.querySelector('.way > li.end').dataset.stage";
    assert_eq!(browser.run(lit), json!(["arrive", "authorize", "find", "negotiate", "precondition", "respond"]));
    assert_eq!(browser.run(end), "precondition");
    let told = browser.run("return document.querySelector('#told').innerText");
    let told = told.as_str().expect("text");
    assert!(told.contains("If-Match: \"<i>v7</i>\" against current") && told.contains("What to do: Fetch"), "{told}");
    assert!(told.contains("/{path...} files, test.toml:"), "{told}");
    assert_eq!(browser.run("return document.querySelectorAll('#told i').length"), 0);
    let asked = "document.querySelectorAll('.steps tbody tr:not([hidden])').length";
    let some = browser.run(&format!("return {asked}")).as_u64().expect("a number");
    browser.click("#told h3 button");
    assert!(browser.run(&format!("return {asked}")).as_u64().is_some_and(|all| all > some + 10));
    browser.click("#told h3 button");
    browser.picture("console-answer.png");

    browser.open(&format!("http://{console}/#answers?status=5xx"));
    browser.until("document.querySelectorAll('#rows tr').length === 1");
    browser.click("#rows button");
    browser.until("document.querySelector('#answer-title').textContent === '502 Bad Gateway upstream-refused'");
    assert_eq!(browser.run(end), "process");
    let told = browser.run("return document.querySelector('#told').innerText");
    assert!(told.as_str().is_some_and(|told| told.contains(": upstream-refused")), "{told}");

    // A dry run, by the form.
    browser.open(&format!("http://{console}/#dry-run"));
    browser.until("!document.querySelector('#dry-run').hidden");
    browser.type_into("#dry-run [name=target]", "/none");
    browser.click("#dry-run button");
    browser.until("document.querySelector('#dry h3')?.textContent === '404 Not Found nothing-there'");
    assert_eq!(browser.run("return document.querySelector('#dry .way > li.end').dataset.stage"), "find");
    browser.open(&format!("http://{console}/#reference"));
    browser.until("document.querySelectorAll('#codes details').length > 60");
    browser.type_into("#find", "if-match-failed");
    let shown =
        "[...document.querySelectorAll('#codes details:not([hidden]) summary')].map((line) => line.textContent)";
    assert_eq!(browser.until(shown), json!(["412 Precondition Failed"]));
    browser.open(&format!("http://{console}/#counts"));
    browser.until("document.querySelectorAll('#reason-counts tr').length === 3");
    // The wrong token was refused, and that is all.
    let complaints = browser.complaints();
    assert!(complaints.iter().all(|said| said.contains("401 (Unauthorized)")), "{complaints:?}");
}

#[test]
fn a_phone_has_room_for_the_page_and_a_link_may_bring_the_token() {
    let Some(browser) = Browser::start(500, 900) else { return };
    let (site, console) = site();
    let answer = site.ask("GET /a.txt HTTP/1.1\r\nHost: a\r\nIf-Match: \"v7\"\r\n\r\n");
    let id = answer.get("request-id").expect("an id");
    browser.open(&format!("http://{console}/#token={TOKEN}&answer/{id}"));
    browser.until("document.querySelector('#answer-title').textContent.startsWith('412')");
    assert_eq!(browser.run("return location.hash"), format!("#answer/{id}"));
    for part in ["answers", "counts", "dry-run", "reference", &format!("answer/{id}")] {
        browser.run(&format!("location.hash = '{part}'"));
        browser.until("document.querySelector('main > section:not([hidden])') !== null");
        let overflow =
            browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth");
        assert_eq!(overflow, 0, "{part}");
    }
    // Each control has a name that a screen reader says.
    let nameless = "return [...document.querySelectorAll('input, button, textarea, a')].filter((control) => \
                    !(control.textContent.trim() || control.labels?.length || control.getAttribute('aria-label'))).length";
    assert_eq!(browser.run(nameless), 0);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
