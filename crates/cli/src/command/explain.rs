//! `verdict explain`: how a request would be answered, and why: by the server that runs, where one does, and else by the config
//! and what it names.

mod running;
pub(super) mod text;

use super::Failure;
use super::source::{Loaded, Source};
use crate::screen::{self, Screen};
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use verdict_core::explain::visible;
use verdict_server::config::Config;
use verdict_server::explain::DryRun;
use verdict_server::explain::shown::Shown;

/// Say how a request would be answered, and why
///
/// The request is put together as it would be sent, and goes through the functions that answer live ones: in the server that runs
/// by the config, so that what is said is about its state as it is now, or, where none runs, over the files as they are. Nothing is
/// counted, held or changed. Of work that changes something, what can come of it is listed.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The method
    #[arg(value_name = "METHOD", required_unless_present = "raw")]
    method: Option<String>,
    /// The target: a path with its query, `*`, or a URL
    #[arg(value_name = "TARGET", required_unless_present = "raw")]
    target: Option<String>,
    /// A field line, sent as it stands
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    fields: Vec<String>,
    /// The content; `@FILE` is what is in a file, as it is there, and `@-` what comes from standard input
    #[arg(short, long, value_name = "DATA", allow_hyphen_values = true)]
    data: Option<String>,
    /// The host that is asked for [default: where the site listens]
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// The address that it is sent from
    #[arg(long, value_name = "ADDR", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    from: IpAddr,
    /// A file with the message byte by byte, or `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["method", "target", "fields", "data", "host"])]
    raw: Option<PathBuf>,
    /// Show every question, those too that nothing stood in the way of
    #[arg(short, long)]
    all: bool,
    /// Explain by the config and what it names, although a server runs
    #[arg(long)]
    offline: bool,
    /// Write JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: Source,
}

const EXAMPLES: &str = "\
Examples:
  verdict explain GET /                               by verdict.toml
  verdict explain GET /a.txt -H 'If-None-Match: \"x\"'  with a field
  verdict explain PUT /notes/7 -d '{}' -c other.toml  with content, by another config
  verdict explain PUT /notes/7 -d @note.json          with that of a file
  verdict explain GET / --offline                     as if no server ran
  verdict explain GET /missing --dir site             as `verdict serve site` would answer
  printf 'GET / HTTP/1.1\\n\\n' | verdict explain --raw -  a message that is malformed";

/// The largest message, or content of one, that is read from a file: 64 MiB.
const LARGEST: u64 = 64 << 20;

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let Loaded { config, name, text } = args.source.load()?;
    let message = match &args.raw {
        Some(file) => read(file)?,
        None => {
            let listen = config.listen.first().map(|listen| listen.address.to_string());
            args.message(&listen.unwrap_or_else(|| "localhost".to_owned()), args.content()?)
        }
    };
    if message.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
        return Err(Failure::Usage("there is no message: nothing would be answered".to_owned()));
    }
    let has_console = config.console.is_some();
    let told = match &config.console {
        Some(console) if !args.offline => running::ask_for(console, &message, args.from, &name, &text)?,
        _ => None,
    };
    let (explanation, by) = match told {
        Some(explanation) => (explanation, "told by the server that runs, as it is now"),
        None if args.offline => (dry_run(config, &name, text, &message, args.from)?, ""),
        None => (
            dry_run(config, &name, text, &message, args.from)?,
            "no server answers: told by the config and what it names",
        ),
    };
    let shown = match args.json {
        true => format!("{}\n", explanation.json()),
        false => {
            let shown = text::explanation(&explanation, args.all, &Screen::stdout());
            if has_console && !by.is_empty() { format!("{shown}\n{by}\n") } else { shown }
        }
    };
    screen::say(&shown)
}

/// How it would be answered by a server that was started now.
fn dry_run(config: Config, name: &str, text: String, message: &[u8], from: IpAddr) -> Result<Shown, Failure> {
    if let Some(user) = config.user.as_ref().filter(|_| rustix::process::geteuid().is_root()) {
        screen::tell(&format!("explained as root; the server runs as `{}`, which may read less", visible(user)));
    }
    let site = DryRun::new(config, &visible(name), text).map_err(|error| Failure::Wrong(error.to_string()))?;
    Ok(Shown::of(&site.explain(message, from)))
}

/// What is in a file, or, of `-`, what comes from standard input.
fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    // One byte more than is taken shows that there is more.
    let (shown, read) = match file.to_str() {
        Some("-") => ("standard input".to_owned(), std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes)),
        _ => {
            let read = std::fs::File::open(file).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
            (format!("`{}`", visible(&file.display().to_string())), read)
        }
    };
    match read {
        Err(error) => Err(Failure::Wrong(format!("{shown} cannot be read: {error}"))),
        Ok(_) if bytes.len() as u64 > LARGEST => Err(Failure::Wrong(format!(
            "{shown} has more than {} MiB, and no more is explained: a head with the `Content-Length` is enough to see \
             what becomes of large content",
            LARGEST >> 20
        ))),
        Ok(_) => Ok(bytes),
    }
}

impl Args {
    /// The message as a client would send it. What was given is sent as it was given: whether it is right is the question.
    fn message(&self, listen: &str, content: Option<Vec<u8>>) -> Vec<u8> {
        let method = self.method.as_deref().unwrap_or_default();
        let target = self.target.as_deref().unwrap_or_default();
        let mut head = format!("{method} {target} HTTP/1.1\r\n");
        if let Some(host) = &self.host {
            head.push_str(&format!("Host: {host}\r\n"));
        } else if !self.gives("host") {
            head.push_str(&format!("Host: {}\r\n", authority(target).unwrap_or(listen)));
        }
        for line in &self.fields {
            head.push_str(line);
            head.push_str("\r\n");
        }
        if let Some(content) = &content
            && !self.gives("content-length")
            && !self.gives("transfer-encoding")
        {
            head.push_str(&format!("Content-Length: {}\r\n", content.len()));
        }
        head.push_str("\r\n");
        let mut message = head.into_bytes();
        message.extend(content.unwrap_or_default());
        message
    }

    /// The content: what was given, or what is in the file that it names.
    fn content(&self) -> Result<Option<Vec<u8>>, Failure> {
        let Some(data) = &self.data else { return Ok(None) };
        match data.strip_prefix('@') {
            Some(file) => read(Path::new(file)).map(Some),
            None => Ok(Some(data.clone().into_bytes())),
        }
    }

    /// Whether one of the field lines has this name.
    fn gives(&self, name: &str) -> bool {
        let mut names = self.fields.iter().filter_map(|line| line.split(':').next());
        names.any(|given| given.trim().eq_ignore_ascii_case(name))
    }
}

/// The authority of a target in absolute form (RFC 9112 §3.2.2).
fn authority(target: &str) -> Option<&str> {
    let (_, rest) = target.split_once("://")?;
    rest.split(['/', '?', '#']).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn message(arguments: &[&str]) -> String {
        let line = Line::try_parse_from([&["explain"], arguments].concat()).unwrap_or_else(|error| panic!("{error}"));
        let content = line.args.content().unwrap_or_else(|_| panic!("no content: {arguments:?}"));
        String::from_utf8(line.args.message("127.0.0.1:8080", content)).expect("UTF-8")
    }

    #[test]
    fn a_message_is_put_together_as_a_client_sends_it() {
        let cases: &[(&[&str], &str)] = &[
            (&["GET", "/"], "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"),
            (&["GET", "/", "--host", "a"], "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            (&["GET", "/", "-H", "hOst: b"], "GET / HTTP/1.1\r\nhOst: b\r\n\r\n"),
            (&["GET", "http://c:1/x?y"], "GET http://c:1/x?y HTTP/1.1\r\nHost: c:1\r\n\r\n"),
            (&["PUT", "/", "-d", "é"], "PUT / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Length: 2\r\n\r\né"),
            (&["PUT", "/", "-d", "-1"], "PUT / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Length: 2\r\n\r\n-1"),
            (
                &["PUT", "/", "-d", "0\r\n\r\n", "-H", "Transfer-Encoding: chunked"],
                "PUT / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            ),
        ];
        for (arguments, expected) in cases {
            assert_eq!(message(arguments), *expected, "{arguments:?}");
        }
    }

    #[test]
    fn what_is_malformed_is_sent_as_it_was_given() {
        assert!(message(&["GE T", "/a b", "-H", "Foo : x"]).starts_with("GE T /a b HTTP/1.1\r\n"));
        assert!(message(&["GET", "/", "-H", "Foo : x"]).contains("\r\nFoo : x\r\n"));
    }
}
