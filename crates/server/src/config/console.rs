//! `console` and `state`: where who runs the server is answered. A config with neither has no console, and makes no folder.
//!
//! Rule: the token is kept as its hash alone, and where the text of a config is shown, it is not.

use super::listen::Listen;
use super::place::Place;
use super::read::{Entry, Reader};
use super::{Kind, Route};
use crate::console::Tour;
use crate::named::canonical;
use ring::digest::{SHA256, digest};
use std::fmt;
use std::net::SocketAddr;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use verdict_core::field::authorization::Credentials;

/// The console: always a socket in the folder `state`, which only its owner may use; and an address, if one is set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Console {
    /// The Unix socket: `console.sock` in `state`, which is `./state` unless set; absolute.
    pub socket: PathBuf,
    /// `console`: an address, and what who comes there has to know.
    pub tcp: Option<Tcp>,
    /// `answers`: how many answers each worker keeps for `verdict why` and `verdict tail`, 512 bytes each; 0: none.
    pub answers: usize,
    /// What a program that shows a server lets the page's visitors make happen; no file has it.
    pub tour: Option<Tour>,
}

/// `console`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tcp {
    /// `listen`: an address and a port, which is not 0.
    pub listen: SocketAddr,
    /// `token`.
    pub token: Token,
}

/// What a client of the console has to know: its SHA-256.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; 32]);

/// How many answers are kept unless the config says so, and at most: half a gigabyte.
const ANSWERS: usize = 16_384;
const MOST_ANSWERS: usize = 1 << 20;

const EXAMPLE: &str = "{ listen = \"127.0.0.1:8081\", token = \"…\" }";

/// The fewest characters of a token.
const SHORTEST: usize = 16;

/// The name of the socket in `state`.
const SOCKET: &str = "console.sock";

/// The most bytes of a socket's path: what `sun_path` of unix(7) has room for, with the NUL at its end.
const LONGEST: usize = 107;

impl Console {
    /// That of a server whose state is in this folder.
    pub fn of_state(state: &Path) -> Console {
        Console { socket: state.join(SOCKET), tcp: None, answers: ANSWERS, tour: None }
    }
}

impl Token {
    fn new(token: &[u8]) -> Token {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, token).as_ref());
        Token(hash)
    }

    /// Whether that is the token, in a time that says nothing of it.
    pub(crate) fn is(&self, sent: &[u8]) -> bool {
        let differing = self.0.iter().zip(Token::new(sent).0).fold(0, |differing, (a, b)| differing | (a ^ b));
        differing == 0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// Reads both keys. `listen`: where the server itself listens.
pub(super) fn read(
    reader: &mut Reader<'_>,
    state: Option<Entry<'_, '_>>,
    console: Option<Entry<'_, '_>>,
    listen: &[Listen],
) -> Option<Console> {
    let named = state.as_ref().or(console.as_ref())?.clone();
    let folder = match &state {
        Some(entry) => folder(reader, entry),
        None => std::path::absolute(reader.folder.join("state")).ok(),
    };
    let (tcp, answers) = console.map_or((None, None), |entry| table(reader, &entry, listen));
    let socket = folder?.join(SOCKET);
    let length = socket.as_os_str().as_bytes().len();
    if length > LONGEST {
        let error = reader.findings.error(
            named.span(),
            format!("the console's socket would have a path of {length} bytes, and the system takes {LONGEST}"),
        );
        error.help("set `state` to a folder with a shorter path");
        return None;
    }
    Some(Console { socket, tcp, answers: answers.unwrap_or(ANSWERS), tour: None })
}

fn folder(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<PathBuf> {
    let text = reader.string(entry, "a folder's path", "./state")?;
    let Some(path) = std::path::absolute(reader.folder.join(text)).ok().filter(|_| !text.is_empty()) else {
        let error = reader.findings.error(entry.span(), "an empty path names no folder");
        error.help("write it as in `state = \"./state\"`");
        return None;
    };
    if path.metadata().is_ok_and(|found| !found.is_dir()) {
        let error = reader.findings.error(entry.span(), format!("`{}` is not a folder", text.escape_debug()));
        error.help("name a folder; one that is not there is created");
        return None;
    }
    Some(path)
}

/// A folder that lies in `state` would be served by no look-up.
pub(super) fn within_state(reader: &mut Reader<'_>, state: Option<&Path>, routes: &[Route], spans: &[Range<usize>]) {
    let Some(state) = state.map(canonical) else { return };
    for (route, span) in routes.iter().zip(spans) {
        if let Kind::Files(files) = &route.kind
            && canonical(&files.root).starts_with(&state)
        {
            let message = format!("`{}` lies in the folder `state`", files.root.display().to_string().escape_debug());
            let error = reader.findings.error(span.clone(), message);
            error.label("nothing there is ever served").help("set `state` to a folder of its own");
        }
    }
}

fn table(reader: &mut Reader<'_>, entry: &Entry<'_, '_>, server: &[Listen]) -> (Option<Tcp>, Option<usize>) {
    let Some(mut table) = reader.table(entry, Place::Console, EXAMPLE) else { return (None, None) };
    let given = ["listen", "token"].map(|key| (key, table.take(key)));
    let answers = table.take("answers");
    table.finish(reader);
    // The socket's console can be told how much to keep too.
    let by_socket = answers.is_some() && given.iter().all(|(_, value)| value.is_none());
    let tcp = if by_socket { None } else { tcp(reader, entry, given, server) };
    (tcp, answers.and_then(|entry| self::answers(reader, &entry)))
}

fn answers(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<usize> {
    let number = reader.integer(entry, 0..MOST_ANSWERS as u64, &ANSWERS.to_string())?;
    usize::try_from(number).ok()
}

fn tcp(
    reader: &mut Reader<'_>,
    entry: &Entry<'_, '_>,
    given: [(&str, Option<Entry<'_, '_>>); 2],
    server: &[Listen],
) -> Option<Tcp> {
    for (key, _) in given.iter().filter(|(_, value)| value.is_none()) {
        let error = reader.findings.error(entry.key_span.clone(), format!("`console` needs `{key}`"));
        error.help(match *key {
            "token" => "set `token`, at least 16 characters that nobody can guess: an address is open to every user of a \
                        machine",
            _ => "set `listen`, as in `listen = \"127.0.0.1:8081\"`; or, for the socket alone, set `state` and no `console`",
        });
    }
    let [(_, listen), (_, token)] = given;
    let listen = listen.and_then(|entry| address(reader, &entry, server));
    let token = token.and_then(|entry| self::token(reader, &entry));
    Some(Tcp { listen: listen?, token: token? })
}

fn address(reader: &mut Reader<'_>, entry: &Entry<'_, '_>, server: &[Listen]) -> Option<SocketAddr> {
    const EXAMPLE: &str = "127.0.0.1:8081";
    let text = reader.string(entry, "an IP address and a port", EXAMPLE)?;
    let example = format!("write it as in `listen = \"{EXAMPLE}\"`");
    let Ok(address) = text.parse::<SocketAddr>() else {
        let message = format!("`{}` is not an IP address and a port", text.escape_debug());
        reader.findings.error(entry.span(), message).help(example);
        return None;
    };
    if address.port() == 0 {
        let error = reader.findings.error(entry.span(), "the console has to be found, so its port cannot be any");
        error.help(example);
        return None;
    }
    if server.iter().any(|listen| listen.address == address) {
        let error = reader.findings.error(entry.span(), format!("{address} is listened on twice"));
        error.label("the server itself listens here").help("give the console a port of its own");
        return None;
    }
    if !address.ip().is_loopback() {
        let warning = reader.findings.warning(entry.span(), "the console's token crosses the network unencrypted");
        warning.help("listen on 127.0.0.1, and come there through a tunnel, as that of `ssh -L`");
    }
    Some(address)
}

fn token(reader: &mut Reader<'_>, entry: &Entry<'_, '_>) -> Option<Token> {
    // Nothing is said of its text, and no example of one is given that somebody might copy.
    let text = reader.string(entry, "a text", "…")?;
    if text.chars().count() < SHORTEST {
        let error = reader.findings.error(entry.span(), format!("the token has fewer than {SHORTEST} characters"));
        error.help("make one as in `head -c 24 /dev/urandom | base64`");
        return None;
    }
    // RFC 6750 §2.1: what cannot be sent could not be known by anybody.
    let line = [b"Bearer ", text.as_bytes()].concat();
    if Credentials::parse(&line).and_then(|credentials| credentials.token68().map(<[u8]>::len)) != Some(text.len()) {
        let error = reader.findings.error(entry.span(), "the token has characters that `Authorization` cannot carry");
        error.help("use letters, digits and `-._~+/`, and `=` at the end");
        return None;
    }
    Some(Token::new(text.as_bytes()))
}

/// The text of a config with a star for each byte of a token: for whoever is shown it. It is found by what stands before it, so
/// that it is found in a text that is not TOML too.
pub(super) fn without_token(text: &str) -> String {
    let mut out = text.to_owned();
    let mut from = 0;
    while let Some(found) = text[from..].find("token") {
        let name = from + found;
        from = name + "token".len();
        let begins = !text[..name].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-'));
        if let Some(value) = value_after(text, from).filter(|_| begins) {
            from = value.end;
            out.replace_range(value.clone(), &"*".repeat(value.len()));
        }
    }
    out
}

/// The value of a key that ends at `at`, without its quotation marks; to the end of the line, or of several in three marks.
fn value_after(text: &str, at: usize) -> Option<Range<usize>> {
    let blank = |c: char| c == ' ' || c == '\t';
    let rest = text[at..].trim_start_matches(['"', '\'']).trim_start_matches(blank);
    let rest = rest.strip_prefix('=')?.trim_start_matches(blank);
    let start = text.len() - rest.len();
    let mark = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|mark| rest.starts_with(mark));
    let inside = start + mark.map_or(0, str::len);
    let end = match mark {
        Some(mark) if mark.len() == 3 => text[inside..].find(mark).map_or(text.len(), |end| inside + end),
        _ => {
            let line = text[inside..].find('\n').map_or(text.len(), |end| inside + end);
            let closed = mark.and_then(|mark| text[inside..line].find(mark));
            closed.map_or(line, |end| inside + end)
        }
    };
    Some(inside..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Severity};

    const TOKEN: &str = "correct-horse-battery";
    const ROUTE: &str = "[route.\"/x\"]\nrespond = { status = 204 }\n";

    fn parse(text: &str) -> Result<Config, crate::config::Report> {
        Config::parse(&format!("{text}\n{ROUTE}"), "verdict.toml", "/srv".as_ref())
    }

    #[test]
    fn a_console_is_made_where_one_of_its_keys_is_set() {
        let tcp = || Some(Tcp { listen: ([127, 0, 0, 1], 8081).into(), token: Token::new(TOKEN.as_bytes()) });
        let console = format!("console = {{ listen = \"127.0.0.1:8081\", token = \"{TOKEN}\" }}");
        let cases = [
            ("".to_owned(), None),
            ("state = \"./s\"".to_owned(), Some(("/srv/./s/console.sock", None))),
            ("state = \"/var/lib/v\"".to_owned(), Some(("/var/lib/v/console.sock", None))),
            (format!("console = {{ answers = {ANSWERS} }}"), Some(("/srv/state/console.sock", None))),
            (console.clone(), Some(("/srv/state/console.sock", tcp()))),
            (format!("{console}\nstate = \"/s\""), Some(("/s/console.sock", tcp()))),
        ];
        for (text, want) in cases {
            let found = parse(&text).unwrap().console;
            assert_eq!(
                found,
                want.map(|(socket, tcp)| Console { socket: socket.into(), tcp, answers: ANSWERS, tour: None }),
                "{text}"
            );
        }
        let console = console.replace(" }", ", answers = 0 }");
        assert_eq!(parse(&console).unwrap().console.map(|console| (console.tcp, console.answers)), Some((tcp(), 0)));
    }

    #[test]
    fn what_a_console_cannot_be_is_refused() {
        let long = format!("state = \"/{}\"", "a".repeat(95));
        let cases = [
            ("console = true", "`console` takes a table, not a boolean"),
            ("console = { token = \"T\" }", "`console` needs `listen`"),
            ("console = { listen = \"127.0.0.1:8081\" }", "`console` needs `token`"),
            ("console = { listen = \"0.0.0.0:8081\" }", "`console` needs `token`"),
            (
                "console = { listen = \"localhost:8081\", token = \"T\" }",
                "`localhost:8081` is not an IP address and a port",
            ),
            ("console = { listen = \"127.0.0.1\", token = \"T\" }", "`127.0.0.1` is not an IP address and a port"),
            (
                "console = { listen = \"127.0.0.1:0\", token = \"T\" }",
                "the console has to be found, so its port cannot be any",
            ),
            ("console = { listen = \"127.0.0.1:8080\", token = \"T\" }", "127.0.0.1:8080 is listened on twice"),
            (
                "console = { listen = \"127.0.0.1:8081\", token = \"fifteen-letters\" }",
                "the token has fewer than 16 characters",
            ),
            (
                "console = { listen = \"127.0.0.1:8081\", token = \"with a space in it\" }",
                "the token has characters that `Authorization` cannot carry",
            ),
            (
                "console = { listen = \"127.0.0.1:8081\", token = 1234567890123456 }",
                "`token` takes a text, not an integer",
            ),
            ("console = { listen = \"127.0.0.1:8081\", token = \"T\", page = true }", "unknown key `page`"),
            ("console = { answers = 1048577 }", "`answers` is from 0 to 1048576, not 1048577"),
            ("console = { answers = \"many\" }", "`answers` takes an integer, not a string"),
            ("state = \"\"", "an empty path names no folder"),
            ("state = \"/dev/null\"", "`/dev/null` is not a folder"),
            ("state = 7", "`state` takes a folder's path, not an integer"),
            (&long, "the console's socket would have a path of 109 bytes, and the system takes 107"),
        ];
        for (text, want) in cases {
            let report = parse(&text.replace("\"T\"", &format!("\"{TOKEN}\""))).map(|_| ()).unwrap_err();
            let found = &report.diagnostics()[0];
            let errors = report.diagnostics().iter().filter(|found| found.severity == Severity::Error).count();
            assert_eq!((found.message.as_str(), errors), (want, 1), "{text}");
            assert!(found.span.is_some() && found.help.is_some(), "{text}");
        }
    }

    #[test]
    fn a_folder_that_lies_in_state_is_refused() {
        let above = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(above.path().join("state/public")).unwrap();
        std::fs::create_dir(above.path().join("states")).unwrap();
        std::os::unix::fs::symlink("state/public", above.path().join("link")).unwrap();
        for (state, root, within) in [
            ("state", "state/public", true),
            ("state", "state", true),
            ("./state/../state", "link", true),
            (".", "states", true),
            ("state", ".", false),
            ("state", "states", false),
            ("none/yet", ".", false),
        ] {
            let text = format!("state = \"{state}\"\n[route.\"/{{path...}}\"]\nfiles = \"{root}\"\n");
            let found = Config::parse(&text, "verdict.toml", above.path());
            let found = found.err().map(|report| report.diagnostics()[0].message.clone());
            let message = format!("`{}` lies in the folder `state`", above.path().join(root).display());
            assert_eq!(found, within.then_some(message), "{state} {root}");
        }
    }

    #[test]
    fn a_token_on_a_network_is_warned_of() {
        let warnings =
            |at: &str| parse(&format!("console = {{ listen = \"{at}:8081\", token = \"{TOKEN}\" }}")).unwrap().warnings;
        assert!(warnings("127.0.0.1").is_empty() && warnings("[::1]").is_empty());
        assert!(warnings("0.0.0.0").to_string().contains("unencrypted"));
    }

    #[test]
    fn a_token_is_the_same_or_it_is_not() {
        let token = Token::new(TOKEN.as_bytes());
        assert!(token.is(TOKEN.as_bytes()));
        for other in ["", "correct-horse-batterx", "correct-horse-batter", "correct-horse-batteryy"] {
            assert!(!token.is(other.as_bytes()), "{other}");
        }
        assert_eq!(format!("{token:?}"), "Token");
    }

    #[test]
    fn no_report_and_no_config_shows_the_token() {
        let texts = [
            format!("console = {{ listen = \"127.0.0.1:8081\", token = \"{TOKEN}\", page = true }}"),
            format!("console = {{ listen = \"x\", token='{TOKEN}' }}"),
            format!("console = {{ listen = \"127.0.0.1:8081\", token = \"{TOKEN} \" }}"),
            format!("console = {{ listen = \"127.0.0.1:8081\", \"token\" = \"{TOKEN}"),
            format!("console = {{ listen = \"127.0.0.1:8081\", token = {TOKEN} }}"),
            format!("console.listen = 1\nconsole.token = \"\"\"\n{TOKEN} \"\"\"\n"),
        ];
        for text in &texts {
            let report = parse(text).map(|_| ()).unwrap_err();
            for shown in [report.to_string(), report.render(true), format!("{report:?}")] {
                assert!(!shown.contains(TOKEN), "{shown}");
            }
        }
        let taken = parse(&format!("console = {{ listen = \"0.0.0.0:8081\", token = \"{TOKEN}\" }}")).unwrap();
        assert!(!format!("{taken:?} {}", taken.warnings).contains(TOKEN));
    }

    #[test]
    fn only_a_token_is_covered_and_spans_stay_right() {
        let cases = [
            ("tokens = \"a.txt\"", "tokens = \"a.txt\""),
            ("my-token = \"a\"", "my-token = \"a\""),
            ("token = \"a\" # b", "token = \"*\" # b"),
            ("token=é\nb", "token=**\nb"),
            ("# the token is secret", "# the token is secret"),
            ("token =", "token ="),
        ];
        for (text, want) in cases {
            assert_eq!(without_token(text), want);
        }
    }
}
