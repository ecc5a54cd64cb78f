//! The console's page in a real browser.
//!
//! With `VERDICT_SCREENSHOTS=FOLDER` it leaves there what the README shows.

use crate::browser::Browser;
use crate::site::{Plan, Site};
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

const TOKEN: &str = "correct-horse-battery";

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
    let opened = "document.querySelector('#answer-title').textContent === '502 Bad Gateway upstream-refused'";
    browser.until(opened);
    // Loaded again it is still open, and nobody is asked for the token again.
    browser.reload();
    browser.until(opened);
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
