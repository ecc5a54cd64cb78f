//! Clients that other people wrote.

use std::io::Write;
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::time::Duration;

/// One request, as each of them can send it.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) url: &'a str,
    /// Field lines, each ending in CRLF; without `Host` and lengths.
    pub(crate) fields: &'a str,
    /// How many bytes of content there are.
    pub(crate) content: usize,
}

/// What they read: the status and the reason's id.
pub(crate) type Read = (u16, String);

impl<'a> Request<'a> {
    fn fields(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.fields.split_terminator("\r\n").map(|line| line.split_once(": ").expect("a field line"))
    }
}

/// Whether a program is there; if not, says on which package the test depends.
pub(crate) fn is_there(program: &str, package: &str) -> bool {
    let there = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !there {
        // Past the capture of libtest, so that it is seen.
        let _ = writeln!(std::io::stderr(), "skipped: needs {program} (apt-get install {package})");
    }
    there
}

/// The `reqwest` of this process.
pub(crate) fn reqwest_client() -> reqwest::blocking::Client {
    reqwest_of(|client| client)
}

/// One with other settings.
pub(crate) fn reqwest_of(
    settings: impl FnOnce(reqwest::blocking::ClientBuilder) -> reqwest::blocking::ClientBuilder,
) -> reqwest::blocking::Client {
    // Another test may have done it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::blocking::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    let client = settings(client);
    client.timeout(Duration::from_secs(20)).build().expect("a client")
}

pub(crate) fn reqwest(client: &reqwest::blocking::Client, asked: Request<'_>) -> Result<Read, String> {
    let method = reqwest::Method::from_str(asked.method).expect("a method");
    let mut request = client.request(method, asked.url);
    for (name, value) in asked.fields() {
        request = request.header(name, value);
    }
    if asked.content > 0 {
        request = request.body(vec![b'x'; asked.content]);
    }
    let answer = request.send().map_err(|error| format!("{error:?}"))?;
    let reason = answer.headers().get("verdict-reason").and_then(|value| value.to_str().ok()).unwrap_or("");
    let read = (answer.status().as_u16(), id(reason));
    answer.bytes().map_err(|error| format!("content: {error:?}"))?;
    Ok(read)
}

/// `curl`, as it stands.
pub(crate) fn curl(asked: Request<'_>) -> Result<Read, String> {
    curl_with(&["--http1.1"], asked)
}

/// The same, with other options.
pub(crate) fn curl_with(options: &[&str], asked: Request<'_>) -> Result<Read, String> {
    let mut command = Command::new("curl");
    command.args(options);
    command.args(["--silent", "--show-error", "--path-as-is", "--max-time", "20", "--noproxy", "*"]);
    command.args(["--output", "/dev/null", "--write-out", "%{http_code} %header{verdict-reason}"]);
    match asked.method {
        "HEAD" => command.arg("--head"),
        method => command.args(["--request", method]),
    };
    for (name, value) in asked.fields() {
        command.args(["--header", &format!("{name}: {value}")]);
    }
    if asked.content > 0 {
        // curl would wait a second for 100 otherwise; a test that is about that sends `Expect` itself.
        command.args(["--header", "Expect:", "--data-binary", "@-"]);
    }
    command.arg(asked.url).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("curl starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    // It may have seen enough before it has read all.
    let _ = stdin.write_all(&vec![b'x'; asked.content]);
    drop(stdin);
    let ended = child.wait_with_output().expect("curl ends");
    if !ended.status.success() {
        return Err(String::from_utf8_lossy(&ended.stderr).trim().to_owned());
    }
    let told = String::from_utf8_lossy(&ended.stdout).into_owned();
    let (code, reason) = told.split_once(' ').expect("both were asked for");
    Ok((code.parse().expect("a code"), id(reason)))
}

/// The id in a value of `Verdict-Reason`.
fn id(value: &str) -> String {
    value.split(';').next().unwrap_or("").to_owned()
}
