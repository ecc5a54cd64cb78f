//! What is said of an exchange: decisions with their reasons, heads without secrets, and whatever a server sent without the control
//! bytes that a terminal would obey.

use super::{PRIVATE, is_one_of};
use crate::screen;
use verdict_core::Status;
use verdict_core::client::{Decision, Next};
use verdict_core::explain::visible;
use verdict_core::reason::Retry;

/// A decision in words: what, why, and where it is written.
pub(super) fn told(decision: &Decision) -> String {
    let what = match decision.next {
        Next::Follow { method, content, credentials, permanent } => format!(
            "follow by {}{}{}{}",
            method.name(),
            if content { " with the same content" } else { "" },
            if credentials { "" } else { ", without credentials" },
            if permanent { ", for good" } else { "" },
        ),
        Next::Wait { seconds } => format!("wait {seconds} s and ask again"),
        Next::Append { at, .. } => format!("append from byte {at} on"),
        Next::GiveUp(Retry::AfterChange) => "stop: asking otherwise may help".to_owned(),
        Next::GiveUp(Retry::AfterWhile) => "stop: asking later may help".to_owned(),
        Next::GiveUp(_) => "stop".to_owned(),
        Next::Done => "done".to_owned(),
        Next::UseCopy => "use the copy".to_owned(),
        Next::Replace => "take the whole".to_owned(),
        Next::Complete => "done already".to_owned(),
        Next::StartAnew => "begin anew".to_owned(),
        Next::ReadOn | Next::SendContent | Next::Switch => "read on".to_owned(),
        Next::Authenticate => "ask with credentials".to_owned(),
        Next::SendLength => "ask with a length".to_owned(),
        Next::WithoutExpectation => "ask without an expectation".to_owned(),
        Next::AfterHandshake => "ask after the handshake".to_owned(),
        Next::OtherConnection => "ask over another connection".to_owned(),
    };
    format!("{what} ({}): {} {}", decision.why.id(), decision.why.sentence(), decision.section())
}

pub(super) fn status_line(status: Status) -> String {
    format!("{status} {}", status.reason_phrase()).trim_end().to_owned()
}

/// A head with a mark before each line, and its control bytes and secrets taken out.
pub(super) fn lines(mark: &str, head: &[u8]) {
    screen::tell(head_lines(mark, head).trim_end_matches('\n'));
}

pub(super) fn head_lines(mark: &str, head: &[u8]) -> String {
    let text = String::from_utf8_lossy(head);
    let mut out = String::new();
    for line in text.split("\r\n").take_while(|line| !line.is_empty()) {
        let shown = match line.split_once(':') {
            Some((name, _)) if is_one_of(name, &PRIVATE) => format!("{name}: …"),
            _ => visible(line),
        };
        out.push_str(&format!("{mark}{shown}\n"));
    }
    out
}

/// Text for a terminal: lines and tabs stay, and other control characters are shown as what they are.
pub(super) fn printable(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for c in String::from_utf8_lossy(bytes).chars() {
        match c {
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

pub(super) fn visible_lines(text: &str) -> String {
    text.lines().map(visible).collect::<Vec<_>>().join("\n")
}
