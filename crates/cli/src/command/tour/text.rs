//! The tour for people: the table of a check, the transcript of one stop, and the guide for who stays.

use super::certificate;
use super::client::{Answer, Reached, Visited};
use super::duties::{Done, Duty};
use super::site::Tour;
use super::stops::{STOPS, Stop};
use crate::command::console::style;
use crate::command::explain::text::explanation;
use crate::screen::{Screen, Style, wrap};
use std::fmt::Write;
use std::thread::sleep;
use std::time::{Duration, Instant};
use verdict_core::explain::visible;
use verdict_core::status::Status;
use verdict_server::console::{Why, ask};
use verdict_server::json::Json;

/// How much of content is shown, and how long a line of a head may be.
const SHOWN: usize = 600;
const LINE: usize = 160;

/// How long it may take until an answer that was given is kept.
const KEPT: Duration = Duration::from_secs(2);

fn phrase(code: u16) -> &'static str {
    Status::from_wire(code).map(Status::phrase).unwrap_or_default()
}

/// A line for each stop, and below it its circumstance, or what is wrong; then what a client did with some of them.
pub(super) fn table(visited: &[(&Stop, Visited)], done: &[(&Duty, Done)], missed: usize, screen: &Screen) -> String {
    let mut out = String::new();
    for (stop, visited) in visited {
        let line = String::from_utf8_lossy(&visited.sent);
        let line = line.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1");
        let row = format!("{:<26}{:<34}{}", stop.reason, cut(line, 31), stop.carries.join(", "));
        push_row(&mut out, stop.code, row.trim_end(), stop.circumstance, &visited.misses, screen);
    }
    let _ = writeln!(out, "\n{}", screen.paint(Style::Strong, "What a client does then"));
    for (duty, done) in done {
        push_row(&mut out, duty.code, duty.duty, "", &done.misses, screen);
    }
    let took: f64 = visited
        .iter()
        .map(|(_, visited)| visited.took)
        .chain(done.iter().map(|(_, done)| done.took))
        .sum::<Duration>()
        .as_secs_f64();
    let count = visited.len() + done.len();
    let _ = match missed {
        0 => writeln!(out, "\nall {count} are as they have to be, in {took:.1} s"),
        missed => writeln!(out, "\n{missed} of {count} are not as they have to be"),
    };
    out
}

/// `✓ 412  row`, and below it a line or two.
fn push_row(out: &mut String, code: u16, row: &str, below: &str, misses: &[String], screen: &Screen) {
    let good = misses.is_empty();
    let mark = if good { screen.paint(Style::Green, "✓") } else { screen.paint(Style::Red, "✗") };
    let _ = writeln!(out, "{mark} {}  {row}", screen.paint(style(code), &code.to_string()));
    let (paint, below) = if good { (Style::Faint, below.to_owned()) } else { (Style::Red, misses.join("; ")) };
    for line in wrap(&below, screen.width.saturating_sub(7)).iter().filter(|line| !line.is_empty()) {
        let _ = writeln!(out, "       {}", screen.paint(paint, line));
    }
}

/// A duty for programs.
pub(super) fn data_of_duty(duty: &Duty, done: &Done) -> Json {
    Json::object([
        ("code", Json::Number(duty.code.into())),
        ("duty", duty.duty.into()),
        ("microseconds", Json::Number(done.took.as_micros() as u64)),
        ("misses", Json::list(done.misses.iter().map(String::as_str))),
    ])
}

/// A stop for programs.
pub(super) fn data(stop: &Stop, visited: &Visited) -> Json {
    let answer = visited.answer(stop);
    let came = answer.map_or(Json::Null, |answer| Json::Number(answer.status.into()));
    Json::object([
        ("code", Json::Number(stop.code.into())),
        ("circumstance", stop.circumstance.into()),
        ("sent", String::from_utf8_lossy(&visited.sent).into_owned().into()),
        ("came", came),
        ("reason", stop.reason.into()),
        ("carries", Json::list(stop.carries.iter().copied())),
        ("microseconds", Json::Number(visited.took.as_micros() as u64)),
        ("misses", Json::list(visited.misses.iter().map(String::as_str))),
    ])
}

/// One stop: why there is such a status, what was sent, what came, and the way to it.
pub(super) fn transcript(stop: &Stop, visited: &Visited, tour: &Tour, screen: &Screen) -> String {
    let mut out = String::new();
    let title = format!("{} {}", stop.code, phrase(stop.code));
    let _ = writeln!(out, "{}", screen.paint(style(stop.code), &title));
    for line in wrap(&format!("{}.", stop.circumstance), screen.width) {
        let _ = writeln!(out, "{line}");
    }
    let _ = writeln!(out, "\n{}", screen.paint(Style::Faint, &format!("$ {}", curl(stop, &tour.at))));
    push_message(&mut out, "> ", &visited.sent, screen);
    if !stop.then.is_empty() {
        let _ = writeln!(out, "{}", screen.paint(Style::Faint, "> … and its content, once 100 has come"));
    }
    out.push('\n');
    for answer in &visited.answers {
        push_answer(&mut out, answer, screen);
    }
    for miss in &visited.misses {
        let _ = writeln!(out, "{}", screen.paint(Style::Red, &format!("it is not as it has to be: {miss}")));
    }
    if let Some(why) = visited.id().and_then(|id| why_of(id, tour)) {
        let _ = writeln!(
            out,
            "{}\n{}",
            screen.paint(Style::Strong, "and why"),
            explanation(&why.explanation, false, screen)
        );
    }
    out
}

/// What the recorder keeps of that very answer: a moment after it was sent.
fn why_of(id: &str, tour: &Tour) -> Option<Why> {
    let began = Instant::now();
    loop {
        let told = ask(&tour.console(), "GET", &format!("/answers/{id}"), None).ok()?;
        if told.is_good() || began.elapsed() > KEPT {
            return Why::parse(&told.content);
        }
        sleep(Duration::from_millis(5));
    }
}

fn push_message(out: &mut String, mark: &str, bytes: &[u8], screen: &Screen) {
    let text = String::from_utf8_lossy(bytes);
    for line in text.split("\r\n").flat_map(|line| line.split('\n')).filter(|line| !line.is_empty()) {
        let _ = writeln!(out, "{}", screen.paint(Style::Faint, &format!("{mark}{}", visible(&cut(line, LINE)))));
    }
}

fn push_answer(out: &mut String, answer: &Answer, screen: &Screen) {
    let line = format!("HTTP/1.1 {} {}", answer.status, phrase(answer.status));
    let _ = writeln!(out, "< {}", screen.paint(style(answer.status), &line));
    for (name, value) in &answer.fields {
        let _ = writeln!(out, "< {name}: {}", visible(&cut(value, LINE)));
    }
    out.push('\n');
    let content = String::from_utf8_lossy(&answer.content);
    if !content.is_empty() {
        for line in cut(&content, SHOWN).lines() {
            let _ = writeln!(out, "{}", visible(line));
        }
        out.push('\n');
    }
}

/// At most so many characters, with a sign that there are more.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// The stop's line for a shell.
pub(super) fn curl(stop: &Stop, tour: &Reached) -> String {
    let Reached { plain, secure, certificate, .. } = tour;
    stop.curl
        .replace("{url}", &format!("http://{plain}"))
        .replace("{secure}", &format!("https://{}:{}", certificate::NAME, secure.port()))
        .replace("{certificate}", &certificate.display().to_string())
        .replace("{address}", &plain.to_string())
}

/// What somebody is told who stays.
pub(super) fn guide(tour: &Tour) -> String {
    let mut out = format!("the tour is on http://{}; each of these makes a status happen:\n\n", tour.at.plain);
    for stop in STOPS {
        let _ =
            writeln!(out, "{} {}: {}\n    {}", stop.code, phrase(stop.code), stop.circumstance, curl(stop, &tour.at));
    }
    let folder = visible(&tour.scratch().display().to_string());
    let _ = write!(
        out,
        "\nwith a button for each, and why, in a browser: {}\n\
         why an answer is as it is: verdict why ID --state {folder}/state\n\
         the answers as they are given: verdict tail --state {folder}/state\n\
         its config: {folder}/tour.toml\n\
         Ctrl-C ends the tour, and nothing of it is left.",
        tour.page
    );
    out
}
