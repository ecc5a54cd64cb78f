//! The server that runs is asked, through its console.

use crate::command::Failure;
use crate::screen;
use std::net::IpAddr;
use verdict_core::explain::visible;
use verdict_server::config::Console;
use verdict_server::console::{Explained, LARGEST_MESSAGE, Unanswered, ask, order};
use verdict_server::explain::shown::Shown;

/// How the server would answer; `None` where nobody can be asked. `name` and `text` are the config that was read.
pub(super) fn ask_for(
    console: &Console,
    message: &[u8],
    from: IpAddr,
    name: &str,
    text: &str,
) -> Result<Option<Shown>, Failure> {
    if message.len() > LARGEST_MESSAGE {
        screen::tell("explained without the server, which takes no message as large as this for that");
        return Ok(None);
    }
    let answer = match ask(console, "POST", "/explain", Some(&order(message, from, text))) {
        Ok(answer) => answer,
        Err(Unanswered::NoServer(_)) => return Ok(None),
        Err(not_allowed @ Unanswered::NotAllowed(_)) => {
            screen::tell(&format!("explained without the server: {not_allowed}"));
            return Ok(None);
        }
        Err(broken @ Unanswered::Broken(_)) => return Err(Failure::Wrong(broken.to_string())),
    };
    let told = || answer.content.trim_end().lines().map(visible).collect::<Vec<_>>().join("\n");
    if !answer.is_good() {
        return Err(Failure::Wrong(format!("the server does not explain it: {}", told())));
    }
    let Some(Explained { explanation, differs }) = Explained::parse(&answer.content) else {
        return Err(Failure::Wrong(
            "the server is of another version, and what it says is not understood: add `--offline`".to_owned(),
        ));
    };
    if differs {
        screen::tell(&format!(
            "{} is not what the server goes by; explained is what it goes by, and with `--offline` what is in the file",
            visible(name)
        ));
    }
    Ok(Some(explanation))
}
