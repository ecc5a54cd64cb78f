//! `verdict why`: why a request was answered as it was, from what the server keeps of its last answers.

use super::Failure;
use super::console::{self, Console};
use super::explain::text;
use crate::screen::{self, Screen, Style};
use std::fmt::Write;
use verdict_core::explain::visible;
use verdict_server::console::{Given, Why};

/// Say why a request was answered as it was
///
/// The server that runs keeps its last answers, each with the way to it: which questions were asked, how they were answered, and by
/// what. The id is in `Request-Id` of each answer, in the log, and in what a refusal says of itself.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The request's id
    #[arg(value_name = "ID")]
    id: String,
    /// Show every question, those too that nothing stood in the way of
    #[arg(short, long)]
    all: bool,
    /// Write JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    console: Console,
}

const EXAMPLES: &str = "\
Examples:
  curl -sI http://127.0.0.1:8080/a | grep -i request-id   the id of an answer
  verdict why 0190163d-8694-739b-aea5-966c26f8ad91        why it was given
  verdict tail --status 4xx                               the ids of what is refused";

/// What a problem document writes before an id.
const URNS: [&str; 2] = ["urn:uuid:", "urn:verdict:request:"];

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let id = URNS.iter().find_map(|urn| args.id.strip_prefix(urn)).unwrap_or(&args.id);
    let target = format!("/answers/{}", console::encoded(id));
    let answer = console::get(&args.console.find()?, &target)?;
    if args.json {
        return screen::say(&answer.content);
    }
    let why = Why::parse(&answer.content).ok_or_else(console::other_version)?;
    let screen = Screen::stdout();
    let mut out = given(&why.answer, &screen);
    if why.reloaded {
        out.push_str("The server goes by another config by now, so that less can be said of what it went by then.\n");
    }
    out.push('\n');
    out.push_str(&text::explanation(&why.explanation, args.all, &screen));
    screen::say(&out)
}

/// `2026-11-22T11:40:18.123Z  PUT /notes/7  from 127.0.0.1`, and what is known beside it.
fn given(given: &Given, screen: &Screen) -> String {
    let mut out = String::new();
    let asked = format!("{} {}", visible(&given.method), visible(&given.target));
    let _ =
        write!(out, "{}  HTTP/{} from {}", screen.paint(Style::Strong, &asked), given.version, visible(&given.client));
    if let Some(user) = &given.user {
        let _ = write!(out, ", {}", visible(user));
    }
    let _ = writeln!(out, ", {}", given.time);
    let mut more = Vec::new();
    if let (Some(head), Some(decision), Some(sending)) = (given.head_us, given.decision_us, given.sending_us) {
        more.push(format!("head {}, decision {}, sending {}", took(head), took(decision), took(sending)));
    }
    more.extend(given.member.as_ref().map(|member| format!("asked of {}", visible(member))));
    more.extend(given.close.as_ref().map(|close| format!("the connection ended: {close}")));
    if given.status.is_none() {
        more.push("the client had left and got no answer".to_owned());
    }
    if given.cut {
        more.push("of its head only a part was kept".to_owned());
    }
    if !more.is_empty() {
        let _ = writeln!(out, "{}", screen.paint(Style::Faint, &more.join("; ")));
    }
    out
}

/// Microseconds, as people say them.
fn took(microseconds: u32) -> String {
    match microseconds {
        0..1_000 => format!("{microseconds} µs"),
        1_000..1_000_000 => format!("{:.1} ms", f64::from(microseconds) / 1_000.0),
        _ => format!("{:.1} s", f64::from(microseconds) / 1_000_000.0),
    }
}
