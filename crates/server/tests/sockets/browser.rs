//! A real browser: Chromium, driven by WebDriver (W3C) over HTTP.
//!
//! With `VERDICT_SCREENSHOTS=FOLDER` its pictures are left there.

use crate::is_there;
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take that the page does.
const PATIENCE: Duration = Duration::from_secs(30);
/// How WebDriver names an element (WebDriver §11).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one window.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// `None`: there is no browser here, or none that can be driven.
    pub(crate) fn start(width: u32, height: u32) -> Option<Browser> {
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
        let port = port.expect("it says its port");
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
        let begun = call(port, "POST", "/session", &wanted);
        let session = format!("/session/{}", begun["sessionId"].as_str().expect("a session"));
        Some(Browser { driver, port, session, _profile: profile })
    }

    fn post(&self, command: &str, content: &Value) -> Value {
        call(self.port, "POST", &format!("{}/{command}", self.session), content)
    }

    pub(crate) fn open(&self, url: &str) {
        self.post("url", &json!({ "url": url }));
    }

    /// Loads the page again, as by its button.
    pub(crate) fn reload(&self) {
        self.post("refresh", &json!({}));
    }

    /// What a script returns.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.post("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Waits until a script returns something that is true.
    #[track_caller]
    pub(crate) fn until(&self, script: &str) -> Value {
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
    pub(crate) fn type_into(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.post(&format!("element/{element}/clear"), &json!({}));
        self.press(selector, text);
    }

    pub(crate) fn press(&self, selector: &str, keys: &str) {
        let element = self.element(selector);
        self.post(&format!("element/{element}/value"), &json!({ "text": keys }));
    }

    pub(crate) fn click(&self, selector: &str) {
        let element = self.element(selector);
        self.post(&format!("element/{element}/click"), &json!({}));
    }

    /// What it found wrong: refused loads, errors of scripts.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let all = self.post("se/log", &json!({ "type": "browser" }));
        let lines = all.as_array().into_iter().flatten();
        let wrong = lines.filter(|line| line["level"] == "SEVERE");
        wrong.map(|line| line["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Leaves a picture, where somebody wants some.
    pub(crate) fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("VERDICT_SCREENSHOTS").map(PathBuf::from) else { return };
        let shot = call(self.port, "GET", &format!("{}/screenshot", self.session), &Value::Null);
        let mut decode =
            Command::new("base64").arg("-d").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it is there");
        let text = shot.as_str().expect("a picture").to_owned();
        let mut stdin = decode.stdin.take().expect("it is piped");
        let writing = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
        let picture = decode.wait_with_output().expect("it ends").stdout;
        writing.join().expect("no panic").expect("it reads");
        std::fs::write(folder.join(name), picture).expect("a file");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may be dropped because something is wrong with it.
        let _ = exchange(self.port, "DELETE", &self.session, "");
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// What the driver answers.
fn call(port: u16, method: &str, path: &str, content: &Value) -> Value {
    let content = if content.is_null() { String::new() } else { content.to_string() };
    let told = exchange(port, method, path, &content).expect("the driver answers");
    let told: Value = serde_json::from_slice(&told).expect("JSON");
    assert!(told["value"]["error"].is_null(), "{path}: {told}");
    told["value"].clone()
}

/// The content of an answer, which has a length; the driver keeps its connections.
fn exchange(port: u16, method: &str, path: &str, content: &str) -> io::Result<Vec<u8>> {
    let mut stream = BufReader::new(TcpStream::connect((Ipv4Addr::LOCALHOST, port))?);
    stream.get_ref().set_read_timeout(Some(2 * PATIENCE))?;
    let length = content.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {length}\r\n\r\n");
    stream.get_mut().write_all((head + content).as_bytes())?;
    let (mut length, mut line) = (0, String::new());
    while stream.read_line(&mut line)? > 2 {
        if let Some(("content-length", value)) = line.to_ascii_lowercase().split_once(':') {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        line.clear();
    }
    let mut told = vec![0; length];
    stream.read_exact(&mut told)?;
    Ok(told)
}
