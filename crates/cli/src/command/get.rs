//! `verdict get`: asks a server as a client should, and says why each next step is taken.
//!
//! What comes next is never decided here: `verdict_core::client` does, and this does it.

mod exchange;
mod place;
mod progress;
mod words;

use super::Failure;
use crate::screen;
use exchange::{Came, Exchange, Lost, Request};
use place::{Origin, Part, Place};
use progress::{Progress, size};
use std::collections::HashSet;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use verdict_core::Method;
use verdict_core::client::{Content, Credentials, Decision, Facts, Kept, Limits, Location, Next, Url, Validator, next};
use verdict_core::explain::visible;
use verdict_core::field::content_range::ContentRange;
use verdict_core::field::date::HttpDate;
use verdict_core::field::entity_tag::EntityTag;
use verdict_core::field::media_type::MediaType;
use verdict_core::field::retry_after::RetryAfter;
use verdict_server::outgoing::Trust;
use words::{head_lines, lines, printable, status_line, told, visible_lines};

/// Ask a server, and do what its answer wants done next
///
/// Redirects are followed with the method and the content that their status wants, `Retry-After` is waited out, and what breaks off
/// is continued with --resume: only if it is still the same version. Credentials are sent to no other origin. With -v each step says
/// why, and where that is written.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The URL: http or https
    #[arg(value_name = "URL")]
    url: String,
    /// The file that the content goes to [default: standard output]; it is there whole or not at all
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Go on with what is in FILE.part, or ask whether FILE is still the current version
    #[arg(long, requires = "output", conflicts_with_all = ["data", "head", "method"])]
    resume: bool,
    /// A field line
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    fields: Vec<String>,
    /// The method [default: GET, or POST with -d]
    #[arg(short = 'X', long, value_name = "METHOD", conflicts_with = "head")]
    method: Option<String>,
    /// The content; `@FILE` is what is in a file, and `@-` what comes from standard input
    #[arg(short, long, value_name = "DATA", allow_hyphen_values = true, conflicts_with = "head")]
    data: Option<String>,
    /// Ask for the head alone, and show it
    #[arg(short = 'I', long)]
    head: bool,
    /// Show requests, answers, and why what is done next
    #[arg(short, long)]
    verbose: bool,
    /// How often the same request is sent again
    #[arg(long, value_name = "N", default_value_t = 3)]
    retries: u32,
    /// How many redirects are followed
    #[arg(long, value_name = "N", default_value_t = 10)]
    max_redirects: u32,
    /// The longest wait before a request is sent again, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    max_wait: u64,
    /// How long a connection, a head and a silence within content may last, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// A PEM file of the authorities to believe, in place of the system's
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  verdict get http://127.0.0.1:8080/                      show what is there
  verdict get -v http://127.0.0.1:8080/old                and each step to it, with its reason
  verdict get https://a.example/big.iso -o big.iso        into a file
  verdict get https://a.example/big.iso -o big.iso --resume  go on where that broke off
  verdict get http://127.0.0.1:8080/notes -d @note.json -H 'Content-Type: application/json'";

/// The most content that a request has: 64 MiB.
const LARGEST: u64 = 64 << 20;
/// Of a problem, as much is read as a server has any use for.
const LARGEST_PROBLEM: usize = 64 << 10;
/// What belongs to the origin that was asked.
const PRIVATE: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];
/// What describes the content, and goes with it.
const OF_CONTENT: [&str; 6] =
    ["content-type", "content-encoding", "content-language", "content-location", "content-length", "digest"];

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let url = Url::parse(&args.url).map_err(|error| Failure::Usage(format!("the URL cannot be asked: {error}")))?;
    let trust = match &args.cacert {
        None => None,
        Some(file) => Some(Trust::read(file).map_err(|why| Failure::Wrong(visible(&why)))?),
    };
    let fields = args.fields.iter().map(|line| field(line)).collect::<Result<Vec<_>, _>>()?;
    if args.resume && fields.iter().any(|(name, _)| is_one_of(name, &["range", "if-range", "if-none-match"])) {
        return Err(Failure::Usage("with `--resume` the range and the conditions are not to be given".to_owned()));
    }
    let content = content(args.data.as_deref())?;
    let method = match (&args.method, args.head, &content) {
        (Some(method), ..) => method.clone(),
        (None, true, _) => "HEAD".to_owned(),
        (None, false, Some(_)) => "POST".to_owned(),
        (None, false, None) => "GET".to_owned(),
    };
    let mut job = Job {
        args,
        trust,
        start: url.to_string(),
        asked: HashSet::from([(method.clone(), url.to_string())]),
        request: Request { method, url, fields, content },
        place: args.output.as_deref().map(Place::new),
        part: None,
        kept: None,
        copy: None,
        redirects: 0,
        retries: 0,
    };
    let done = job.prepare().and_then(|()| job.go());
    if let (Some(place), Some(part)) = (&job.place, job.part.take()) {
        place.tidy(part);
    }
    done
}

/// One thing to be had, over as many requests as it takes.
struct Job<'a> {
    args: &'a Args,
    trust: Option<Trust>,
    /// The URL that was asked for first.
    start: String,
    /// Methods and URLs that were asked.
    asked: HashSet<(String, String)>,
    request: Request,
    place: Option<Place>,
    part: Option<Part>,
    /// Where what is in the part is from, while it may be continued.
    kept: Option<Origin>,
    /// What a finished file is, while it is asked whether it is still current.
    copy: Option<Origin>,
    redirects: u32,
    retries: u32,
}

impl Job<'_> {
    /// Looks at what is there already.
    fn prepare(&mut self) -> Result<(), Failure> {
        let Some(place) = self.place.as_ref().filter(|_| self.request.method != "HEAD") else { return Ok(()) };
        let part = place.open().map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => Failure::Wrong(format!("{} is being downloaded already", self.file())),
            _ => Failure::Wrong(format!("{} cannot be written: {error}", self.file())),
        })?;
        if self.args.resume {
            match part.size {
                0 => self.copy = place.finished(&self.start),
                _ => self.kept = place.part_origin(&self.start).filter(|origin| origin.validator().is_some()),
            }
            if part.size > 0 && self.kept.is_none() {
                self.say("of which version the part is, is not known: it is begun anew");
            }
        }
        self.part = Some(part);
        Ok(())
    }

    fn go(&mut self) -> Result<(), Failure> {
        loop {
            let mut exchange = self.ask().map_err(|lost| self.lost(&lost))?;
            let (decision, to) = self.decide(&exchange);
            self.say(&told(&decision));
            match decision.next {
                Next::Follow { method, content, credentials, permanent } => {
                    let Some(to) = to else { return Err(self.refused(&mut exchange, &decision)) };
                    if permanent && self.redirects == 0 {
                        self.say(&format!("from now on it is at {to}"));
                    }
                    self.follow(to, method, content, credentials);
                }
                Next::Wait { seconds } => {
                    screen::tell(&format!("{}: asked again in {seconds} s", status_line(exchange.response.status)));
                    self.retries += 1;
                    std::thread::sleep(Duration::from_secs(seconds));
                }
                Next::StartAnew => self.kept = None,
                Next::Authenticate
                | Next::SendLength
                | Next::WithoutExpectation
                | Next::AfterHandshake
                | Next::OtherConnection => self.retries += 1,
                Next::UseCopy => {
                    screen::tell(&format!("{} is unchanged", self.file()));
                    return Ok(());
                }
                Next::Done | Next::Replace => return self.whole(&mut exchange),
                Next::Append { complete: Some(complete), .. } => {
                    self.append(&mut exchange, Some(complete))?;
                    return self.finish(Origin { length: Some(complete), ..self.kept.clone().unwrap_or_default() });
                }
                // Whether that was the end is not said: who asks for more than there is, is told (RFC 9110 §15.5.17).
                Next::Append { complete: None, .. } if self.retries < self.args.retries => {
                    self.append(&mut exchange, None)?;
                    self.retries += 1;
                }
                Next::Append { complete: None, .. } => return Err(self.lost(&Lost::Cut)),
                Next::Complete => return self.finish(self.kept.clone().unwrap_or_default()),
                // The first three are no final answers, and another protocol is never offered.
                Next::ReadOn | Next::SendContent | Next::Switch | Next::GiveUp(_) => {
                    return Err(self.refused(&mut exchange, &decision));
                }
            }
        }
    }

    /// Sends the request as it is now, and reads the head of its answer.
    fn ask(&self) -> Result<Exchange, Lost> {
        let mut request = self.request.clone();
        let mut add = |name: &str, value: String| {
            if !request.fields.iter().any(|(given, _)| given.eq_ignore_ascii_case(name)) {
                request.fields.push((name.to_owned(), value));
            }
        };
        add("User-Agent", concat!("verdict/", env!("CARGO_PKG_VERSION")).to_owned());
        // RFC 9457: a refusal can say what to do about it.
        add("Accept", "application/problem+json, */*;q=0.9".to_owned());
        // RFC 9110 §12.5.3: what comes is written as it comes, so no coding is asked for.
        add("Accept-Encoding", "identity".to_owned());
        if let Some(kept) = self.facts_kept() {
            add("Range", format!("bytes={}-", kept.size));
            add("If-Range", validator(kept.validator));
        } else if let Some(copy) = &self.copy {
            match (&copy.etag, copy.modified) {
                (Some(etag), _) => add("If-None-Match", etag.clone()),
                (None, Some(modified)) => add("If-Modified-Since", modified.to_string()),
                (None, None) => {}
            }
        }
        let trust = || self.trust.clone().map_or_else(|| Ok(Trust::of_the_system()), Ok);
        Exchange::begin(&request, &trust, Duration::from_secs(self.args.timeout), |came| match came {
            Came::Request(head) if self.args.verbose => lines("> ", head),
            Came::Head(response, message) if self.args.verbose => {
                lines("< ", &message[..response.len]);
                if response.is_interim() {
                    let method = Method::from_token(self.request.method.as_bytes());
                    self.say(&told(&next(&Facts::new(method, response.status))));
                }
            }
            Came::Request(_) | Came::Head(..) => {}
        })
    }

    fn facts_kept(&self) -> Option<Kept<'_>> {
        let (origin, part) = (self.kept.as_ref()?, self.part.as_ref()?);
        Some(Kept { size: part.size, complete: origin.length, validator: origin.validator()? })
    }

    /// What comes next, and where a redirect leads.
    fn decide(&self, exchange: &Exchange) -> (Decision, Option<Url>) {
        let now = now();
        let at = |url: &str| self.request.url.join(url).ok();
        let to = exchange.value("location").and_then(|value| std::str::from_utf8(value).ok()).and_then(at);
        let is_given = |names: &[&str]| self.request.fields.iter().any(|(name, _)| is_one_of(name, names));
        let facts = Facts {
            content: if self.request.content.is_some() { Content::Repeatable } else { Content::Nothing },
            conditional: self.copy.is_some() || is_given(&["if-none-match", "if-modified-since"]),
            credentials: if is_given(&["authorization"]) { Credentials::Sent } else { Credentials::Absent },
            kept: self.facts_kept(),
            location: to
                .as_ref()
                .map(|to| Location { other_origin: to.origin() != self.request.url.origin(), seen: false }),
            retry_after: exchange.value("retry-after").and_then(|value| RetryAfter::parse(value, now)),
            content_range: exchange.value("content-range").and_then(ContentRange::parse),
            tag: exchange.value("etag").and_then(EntityTag::parse),
            modified: exchange.value("last-modified").and_then(|value| HttpDate::parse(value, now)),
            now,
            redirects: self.redirects,
            retries: self.retries,
            limits: Limits { redirects: self.args.max_redirects, retries: self.args.retries, wait: self.args.max_wait },
            ..Facts::new(Method::from_token(self.request.method.as_bytes()), exchange.response.status)
        };
        let decision = next(&facts);
        // Whether it was asked before depends on the method that it would be asked with.
        if let (Next::Follow { method, .. }, Some(to)) = (decision.next, &to)
            && self.asked.contains(&(self.named(method), to.to_string()))
        {
            let location = facts.location.map(|location| Location { seen: true, ..location });
            return (next(&Facts { location, ..facts }), None);
        }
        (decision, to)
    }

    /// The token of a method that a redirect wants: another one, or the same, which has perhaps no name here.
    fn named(&self, method: Method) -> String {
        match Method::from_token(self.request.method.as_bytes()) == method {
            true => self.request.method.clone(),
            false => method.name().to_owned(),
        }
    }

    fn follow(&mut self, to: Url, method: Method, content: bool, credentials: bool) {
        self.request.method = self.named(method);
        if !content {
            self.request.content = None;
            self.request.fields.retain(|(name, _)| !is_one_of(name, &OF_CONTENT));
        }
        if !credentials {
            self.request.fields.retain(|(name, _)| !is_one_of(name, &PRIVATE));
        }
        self.asked.insert((self.request.method.clone(), to.to_string()));
        self.request.url = to;
        self.redirects += 1;
    }

    /// The content from its first byte.
    fn whole(&mut self, exchange: &mut Exchange) -> Result<(), Failure> {
        if self.args.head {
            return screen::say(&head_lines("", exchange.head()));
        }
        if self.request.method == "HEAD" || exchange.response.status.forbids_content() {
            self.say("there is no content");
            return Ok(());
        }
        let (Some(place), Some(part)) = (&self.place, &mut self.part) else { return self.show(exchange) };
        let origin = origin_of(exchange, &self.start);
        let begun = place.begin(part, &origin);
        begun.map_err(|error| Failure::Wrong(format!("{} cannot be written: {error}", self.file())))?;
        self.receive(exchange, &origin)?;
        self.finish(origin)
    }

    /// The rest of what is there, or some of it.
    fn append(&mut self, exchange: &mut Exchange, complete: Option<u64>) -> Result<(), Failure> {
        let origin = Origin { length: complete, ..self.kept.clone().unwrap_or_default() };
        self.receive(exchange, &origin)
    }

    fn receive(&mut self, exchange: &mut Exchange, origin: &Origin) -> Result<(), Failure> {
        let file = self.file();
        let Some(part) = &mut self.part else { return Ok(()) };
        let mut progress = Progress::new(part.size, origin.length);
        let most = origin.length.unwrap_or(u64::MAX);
        let received = exchange.content(|bytes| {
            if part.size.saturating_add(bytes.len() as u64) > most {
                return Err(io::Error::other("more came than the whole has"));
            }
            part.append(bytes)?;
            progress.at(part.size);
            Ok(())
        });
        drop(progress);
        let size = part.size;
        match received {
            Err(lost) => Err(self.lost(&lost)),
            Ok(Err(error)) => Err(Failure::Wrong(format!("{file} cannot be written: {error}"))),
            Ok(Ok(())) if origin.length.is_some_and(|length| length != size) => Err(self.lost(&Lost::Cut)),
            Ok(Ok(())) => Ok(()),
        }
    }

    fn finish(&mut self, origin: Origin) -> Result<(), Failure> {
        let file = self.file();
        let (Some(place), Some(part)) = (&self.place, self.part.take()) else { return Ok(()) };
        let bytes = part.size;
        place
            .finish(part, &origin, self.args.resume)
            .map_err(|error| Failure::Wrong(format!("{file} cannot be finished: {error}")))?;
        screen::tell(&format!("{file}: {}", size(bytes)));
        Ok(())
    }

    /// Writes the content to standard output; its control bytes do nothing to a terminal.
    fn show(&self, exchange: &mut Exchange) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        let is_terminal = stdout.is_terminal();
        let shown = exchange.content(|bytes| match is_terminal {
            true => stdout.write_all(printable(bytes).as_bytes()),
            false => stdout.write_all(bytes),
        });
        match shown {
            Err(lost) => Err(Failure::Wrong(lost.to_string())),
            Ok(shown) => shown.and_then(|()| stdout.flush()).map_err(Failure::Output),
        }
    }

    /// Why there is nothing, or not all of it; and what is left of it.
    fn lost(&self, lost: &Lost) -> Failure {
        let mut words = format!("{}: {lost}", visible(&self.request.url.to_string()));
        let is_kept = |place: &Place| place.part_origin(&self.start).is_some_and(|origin| origin.validator().is_some());
        match (&self.place, &self.part) {
            (Some(place), Some(part)) if part.size > 0 && is_kept(place) => {
                words.push_str(&format!("\n{} of it are kept: go on with `--resume`", size(part.size)));
            }
            _ => {}
        }
        Failure::Wrong(visible_lines(&words))
    }

    /// The final answer is none that was asked for: its own words where it has some for programs, and else its content.
    fn refused(&self, exchange: &mut Exchange, decision: &Decision) -> Failure {
        let mut words = status_line(exchange.response.status);
        let type_of = exchange.value("content-type").and_then(MediaType::parse);
        let is_problem = type_of.is_some_and(|found| found.is("application/problem+json"));
        let problem = if is_problem { problem(exchange) } else { None };
        if let Some(problem) = &problem {
            words.push_str(&format!(": {problem}"));
        } else {
            words.push_str(&format!(": {}", decision.why.sentence()));
            if !is_problem && self.place.is_none() && self.args.head {
                let _ = screen::say(&head_lines("", exchange.head()));
            } else if !is_problem && self.place.is_none() {
                // That it cannot be shown is not what went wrong.
                let _ = self.show(exchange);
            }
        }
        Failure::Wrong(words)
    }

    fn say(&self, words: &str) {
        if self.args.verbose {
            screen::tell(&format!("* {}", visible(words)));
        }
    }

    fn file(&self) -> String {
        visible(&self.args.output.as_deref().unwrap_or(Path::new("-")).display().to_string())
    }
}

/// `detail` and `remedy` of a problem, or its `title` (RFC 9457 §3.1).
fn problem(exchange: &mut Exchange) -> Option<String> {
    let mut bytes = Vec::new();
    let read = exchange.content(|piece| {
        bytes.extend_from_slice(piece);
        if bytes.len() > LARGEST_PROBLEM { Err(()) } else { Ok(()) }
    });
    let Ok(Ok(())) = read else { return None };
    let problem: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    let text = |name: &str| problem.get(name).and_then(serde_json::Value::as_str).map(visible);
    let said = text("detail").or_else(|| text("title"))?;
    Some(match text("remedy") {
        Some(remedy) => format!("{said}\n{remedy}"),
        None => said,
    })
}

/// Of which version the content is.
fn origin_of(exchange: &Exchange, url: &str) -> Origin {
    let now = now();
    let date = |name| exchange.value(name).and_then(|value| HttpDate::parse(value, now));
    let etag = exchange.value("etag").filter(|value| EntityTag::parse(value).is_some());
    Origin {
        url: url.to_owned(),
        etag: etag.and_then(|etag| std::str::from_utf8(etag).ok()).map(str::to_owned),
        // RFC 9110 §8.8.2.2: within the second that it names it can change again.
        modified: date("last-modified").filter(|modified| date("date").is_some_and(|date| date > *modified)),
        length: exchange.remaining(),
    }
}

fn validator(validator: Validator<'_>) -> String {
    match validator {
        Validator::Tag(tag) => tag.to_string(),
        Validator::Date(date) => date.to_string(),
    }
}

fn now() -> HttpDate {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    HttpDate::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// A field line that was given, as name and value. Its value may be a secret, and is not repeated.
fn field(line: &str) -> Result<(String, String), Failure> {
    let Some((name, value)) = line.split_once(':') else {
        return Err(Failure::Usage("a field is given as `Name: value`".to_owned()));
    };
    if is_one_of(name, &["host", "content-length", "transfer-encoding", "connection", "expect", "te", "upgrade"]) {
        return Err(Failure::Usage(format!("`{}` is not to be given: it says how the request is sent", visible(name))));
    }
    Ok((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()))
}

/// The content that was given, or what is in the file that it names.
fn content(data: Option<&str>) -> Result<Option<Vec<u8>>, Failure> {
    let Some(data) = data else { return Ok(None) };
    let Some(file) = data.strip_prefix('@') else { return Ok(Some(data.as_bytes().to_vec())) };
    let mut bytes = Vec::new();
    // One byte more than is taken shows that there is more.
    let read = match file {
        "-" => io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes),
        file => std::fs::File::open(file).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)),
    };
    match read {
        Err(error) => Err(Failure::Wrong(format!("`{}` cannot be read: {error}", visible(file)))),
        Ok(_) if bytes.len() as u64 > LARGEST => {
            Err(Failure::Wrong(format!("`{}` has more than {}", visible(file), size(LARGEST))))
        }
        Ok(_) => Ok(Some(bytes)),
    }
}
