//! `cargo xtask instructions`: what a request costs in user-space instructions, which no load on the machine changes.
//!
//! Each case is run twice under callgrind, with few batches of requests and with many; the difference of the totals divided
//! by the difference of the requests leaves out starting, ending and the first requests.

use crate::arguments::Arguments;
use crate::case::{BROWSED, Case, FIXED, MISSING, SMALL, UNCHANGED};
use crate::client::Client;
use crate::failure::{Failure, While};
use crate::gateway;
use crate::machine;
use crate::process::Setting;
use crate::rows::{GATEWAY, GATEWAY_ROW};
use crate::site::Site;
use crate::verdict;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs, io};

const HELP: &str = "\
Usage: cargo xtask instructions [OPTIONS]

Counts the user-space instructions of a request by `valgrind --tool=callgrind`, under 64 connections, and compares them with
xtask/instructions.toml: exit 1 when a case differs by more than 3 %, dearer or cheaper. `--write` accepts what was counted.

Options:
  --cases a,b        only these: fixed, 1k, 304, browser, gateway, 404
  --check            for CI: where there is no valgrind that can count, or another compiler than was written, say so and
                     exit 0
  --write            write xtask/instructions.toml
  --tracing          instead, count what it costs to record each question and its answer, against a build that does not
  --profiles FOLDER  keep callgrind's output of each case there, for callgrind_annotate and kcachegrind
  --no-build         count target/release/verdict as it is

It needs valgrind (Debian: apt-get install valgrind); the variable VALGRIND names another one than that in PATH. Before 3.24
valgrind does not know openat2, without which a name is looked up the long way: then the 404, which is looked up each time,
is left out.
";

const CASES: [Case; 6] = [FIXED, SMALL, UNCHANGED, BROWSED, GATEWAY_ROW.case, MISSING];
/// Connections, each with one request in a batch. With fewer, waiting for the next batch weighs more, and varies.
const CONNECTIONS: usize = 64;
/// Batches of the two runs of a case.
const FEW: u64 = 20;
const MANY: u64 = 120;
/// By how much a case may differ from what was written, as a part of it.
const TOLERANCE: f64 = 0.03;
/// The first valgrind under which names are looked up as they are without it.
const KNOWS_OPENAT2: (u32, u32) = (3, 24);

struct Options {
    cases: Vec<Case>,
    check: bool,
    write: bool,
    tracing: bool,
    profiles: Option<PathBuf>,
    build: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let Some(mut options) = options(arguments)? else {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    };
    let valgrind = match able(&mut options.cases) {
        Err(failure) if options.check => {
            eprintln!("instructions: SKIPPED, nothing was counted: {failure}");
            return Ok(ExitCode::SUCCESS);
        }
        able => able?,
    };
    let written = Written::read()?;
    let compiler = compiler()?;
    if options.check && written.compiler != compiler {
        eprintln!("instructions: SKIPPED, `{}` was written and this is `{compiler}`", written.compiler);
        return Ok(ExitCode::SUCCESS);
    }
    if options.build {
        verdict::build()?;
    }
    if options.build && options.tracing {
        verdict::build_untraced()?;
    }
    if let Some(folder) = &options.profiles {
        fs::create_dir_all(folder).while_trying(format_args!("make {}", folder.display()))?;
    }
    let site = Site::new()?;
    let counting = Counting { site: &site, valgrind, profiles: options.profiles.as_deref() };
    if options.tracing {
        return tracing(&counting, &options.cases);
    }
    compare(&counting, &options, &Written { compiler, ..written })
}

/// What `rustc --version` says.
fn compiler() -> Result<String, Failure> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    Ok(machine::told(Path::new(&rustc), "--version")?.trim().to_owned())
}

/// Holds each case against what was written.
fn compare(counting: &Counting<'_>, options: &Options, written: &Written) -> Result<ExitCode, Failure> {
    let mut counted = Vec::new();
    let mut changes = Vec::new();
    println!("| case | instructions | written | change |\n|---|---:|---:|---:|");
    for case in &options.cases {
        let count = counting.count(case, &verdict::binary())?;
        let before = written.of(case.name);
        let change = before.map(|before| count / before - 1.0);
        let shown = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
        println!(
            "| {} | {count:.0} | {} | {} |",
            case.title,
            shown(before.map(|before| format!("{before:.0}"))),
            shown(change.map(|change| format!("{:+.1} %", change * 100.0)))
        );
        counted.push((case.name, count));
        changes.push((case.title, change));
    }
    if options.write {
        written.write(&counted)?;
        return Ok(ExitCode::SUCCESS);
    }
    let complaints: Vec<String> = changes.iter().filter_map(|(title, change)| complaint(title, *change)).collect();
    complaints.iter().for_each(|complaint| eprintln!("{complaint}"));
    Ok(if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is wrong with a change since it was written. A gain that is not written could be lost again without a word.
fn complaint(title: &str, change: Option<f64>) -> Option<String> {
    match change {
        None => Some(format!("{title}: was never written; `cargo xtask instructions --write` does")),
        Some(change) if change > TOLERANCE => {
            Some(format!("{title}: has become dearer; `cargo xtask instructions --write` accepts that"))
        }
        Some(change) if change < -TOLERANCE => {
            Some(format!("{title}: has become cheaper; `cargo xtask instructions --write` keeps it so"))
        }
        Some(_) => None,
    }
}

/// What it costs to record each question and its answer.
fn tracing(counting: &Counting<'_>, cases: &[Case]) -> Result<ExitCode, Failure> {
    println!("| case | not recorded | recorded | instructions of recording | of the request's in user space |");
    println!("|---|---:|---:|---:|---:|");
    for case in cases {
        let without = counting.count(case, &verdict::untraced())?;
        let with = counting.count(case, &verdict::binary())?;
        let more = with - without;
        println!("| {} | {without:.0} | {with:.0} | {more:.0} | {:.1} % |", case.title, more / with * 100.0);
    }
    println!("\nThe kernel's part of a request is not counted here: `cargo xtask bench --rows tracing` has the whole.");
    Ok(ExitCode::SUCCESS)
}

/// A valgrind that can count; the cases that it cannot are taken out.
fn able(cases: &mut Vec<Case>) -> Result<PathBuf, Failure> {
    let (path, version) = valgrind()?;
    if version < KNOWS_OPENAT2 {
        leave_out_look_ups(cases)?;
    }
    Ok(path)
}

/// The valgrind to use, and its version.
fn valgrind() -> Result<(PathBuf, (u32, u32)), Failure> {
    let path = env::var_os("VALGRIND").map_or_else(|| machine::program("valgrind"), |path| Ok(path.into()))?;
    let version = machine::told(&path, "--version")?;
    match version_of(&version) {
        Some(version) => Ok((path, version)),
        None => Err(Failure::Wrong(format!(
            "{} says it is `{}`, which is no version of valgrind. VALGRIND can name another program",
            path.display(),
            version.lines().next().unwrap_or_default()
        ))),
    }
}

/// Other cases look a name up once a second at most, which is lost among the requests between.
fn leave_out_look_ups(cases: &mut Vec<Case>) -> Result<(), Failure> {
    let said = format!("{}: not counted, because valgrind before 3.24 does not know openat2", MISSING.title);
    let asked = cases.len();
    cases.retain(|case| case.name != MISSING.name);
    if cases.is_empty() {
        return Err(Failure::Wrong(said));
    }
    if cases.len() < asked {
        eprintln!("{said}");
    }
    Ok(())
}

/// Of `valgrind-3.24.0`.
fn version_of(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.trim().strip_prefix("valgrind-")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// `None` where help was asked for.
fn options(mut arguments: Arguments) -> Result<Option<Options>, Failure> {
    let mut options =
        Options { cases: Vec::new(), check: false, write: false, tracing: false, profiles: None, build: true };
    while let Some(flag) = arguments.next() {
        match flag.as_str() {
            "--cases" => options.cases.extend(cases(&arguments.value::<String>(&flag, "names of cases")?)?),
            "--check" => options.check = true,
            "--write" => options.write = true,
            "--tracing" => options.tracing = true,
            "--profiles" => options.profiles = Some(arguments.value(&flag, "a folder")?),
            "--no-build" => options.build = false,
            "--help" | "-h" => return Ok(None),
            other => return Err(Arguments::unknown(other)),
        }
    }
    if options.cases.is_empty() {
        options.cases = CASES.to_vec();
    }
    Ok(Some(options))
}

fn cases(text: &str) -> Result<Vec<Case>, Failure> {
    let known = |name: &str| {
        let case = CASES.into_iter().find(|case| case.name == name);
        let names = CASES.map(|case| case.name).join(", ");
        case.ok_or_else(|| Failure::Usage(format!("there is no case `{name}`; the cases are {names}")))
    };
    text.split(',').map(known).collect()
}

/// What counting needs.
struct Counting<'a> {
    site: &'a Site,
    valgrind: PathBuf,
    profiles: Option<&'a Path>,
}

impl Counting<'_> {
    /// Instructions of one request to a build of the server.
    fn count(&self, case: &Case, binary: &Path) -> Result<f64, Failure> {
        eprintln!("{}: counting", case.title);
        let out = self.profiles.unwrap_or(self.site.folder()).join(format!("callgrind.out.{}", case.name));
        let quiet = |room| Setting { cores: &[], room, log: false };
        // What is counted of the gateway is the gateway alone: the origin runs beside it as it is.
        let origin = match case.name {
            GATEWAY => Some(gateway::small(self.site, quiet(Some(4096)))?),
            _ => None,
        };
        let tables = origin.as_ref().map(|(_, address)| gateway::route_to(*address)).unwrap_or_default();
        let total = |batches| {
            let mut command = Command::new(&self.valgrind);
            command.args(["-q", "--tool=callgrind"]).arg(format!("--callgrind-out-file={}", out.display()));
            command.arg(binary);
            let (mut server, address) = verdict::start_for_counting(command, self.site, quiet(None), &tables)?;
            let asked = case.prove(address).and_then(|proven| {
                let done = batch(address, &proven.request, batches, proven.answer);
                done.while_trying(format_args!("get {}", case.target))
            });
            asked.map_err(|failure| server.explain(failure))?;
            server.stop()?;
            total(&out)
        };
        // The longer run is the second, whose profile stays.
        let (few, many) = (total(FEW)?, total(MANY)?);
        Ok((many - few) as f64 / ((MANY - FEW) * CONNECTIONS as u64) as f64)
    }
}

/// Batches of one request on each connection; a batch begins when the last one has all its answers.
fn batch(address: SocketAddr, request: &[u8], batches: u64, answer: u64) -> io::Result<()> {
    let mut clients = (0..CONNECTIONS).map(|_| Client::connect(address)).collect::<io::Result<Vec<Client>>>()?;
    for _ in 0..batches {
        for client in &mut clients {
            client.send(request)?;
        }
        for client in &mut clients {
            client.skip(answer)?;
        }
    }
    Ok(())
}

/// All instructions that callgrind counted.
fn total(out: &Path) -> Result<i64, Failure> {
    let profile = fs::read(out).while_trying(format_args!("read {}", out.display()))?;
    let profile = String::from_utf8_lossy(&profile);
    let total = profile.lines().find_map(|line| line.strip_prefix("totals: ")?.trim().parse().ok());
    total.ok_or_else(|| Failure::Wrong(format!("callgrind wrote no total in {}", out.display())))
}

/// `instructions.toml`: a line `"case" = instructions` for each.
struct Written {
    /// The compiler whose instructions they are, as `rustc --version` says.
    compiler: String,
    counts: Vec<(String, f64)>,
}

impl Written {
    const ABOUT: &str = "\
# User-space instructions of a request, counted by `cargo xtask instructions --write` on x86-64. They depend on the compiler,
# the C library and the processor's vector instructions too: after a change of one of those, write them again.
";

    fn path() -> PathBuf {
        verdict::workspace().join("xtask/instructions.toml")
    }

    /// Nothing where there is no file.
    fn read() -> Result<Written, Failure> {
        let path = Written::path();
        match fs::read_to_string(&path) {
            Ok(text) => Written::parse(&text)
                .ok_or_else(|| Failure::Wrong(format!("{} has a line that is no number of a case", path.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Written { compiler: String::new(), counts: Vec::new() })
            }
            Err(error) => Err(error).while_trying(format_args!("read {}", path.display())),
        }
    }

    fn parse(text: &str) -> Option<Written> {
        let mut written = Written { compiler: String::new(), counts: Vec::new() };
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (name, value) = line.split_once('=')?;
            match (name.trim().trim_matches('"'), value.trim()) {
                ("compiler", value) => written.compiler = value.trim_matches('"').to_owned(),
                (name, value) => written.counts.push((name.to_owned(), value.parse().ok()?)),
            }
        }
        Some(written)
    }

    fn of(&self, case: &str) -> Option<f64> {
        self.counts.iter().find(|(name, _)| name == case).map(|(_, count)| *count)
    }

    /// Writes what was counted, and of the other cases what was written before.
    fn write(&self, counted: &[(&str, f64)]) -> Result<(), Failure> {
        let mut text = format!("{}compiler = \"{}\"\n", Written::ABOUT, self.compiler);
        for case in CASES {
            let now = counted.iter().find(|(name, _)| *name == case.name).map(|(_, count)| *count);
            if let Some(count) = now.or(self.of(case.name)) {
                let _ = writeln!(text, "\"{}\" = {count:.0}", case.name);
            }
        }
        let path = Written::path();
        fs::write(&path, text).while_trying(format_args!("write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let text = format!("{}compiler = \"rustc 1.95.0\"\n\"fixed\" = 2345\n\"1k\" = 3456\n", Written::ABOUT);
        let written = Written::parse(&text).expect("it is well formed");
        assert_eq!(written.compiler, "rustc 1.95.0");
        assert_eq!(["fixed", "1k", "304"].map(|case| written.of(case)), [Some(2345.0), Some(3456.0), None]);
    }

    #[test]
    fn a_change_beyond_the_tolerance_is_told_of_in_both_directions() {
        let cases = [(None, Some("never")), (Some(0.029), None), (Some(-0.029), None), (Some(0.0), None)];
        let beyond = [(Some(0.031), Some("dearer")), (Some(-0.031), Some("cheaper"))];
        for (change, word) in cases.into_iter().chain(beyond) {
            let said = complaint("304", change);
            assert_eq!(said.is_some(), word.is_some(), "{change:?}");
            assert!(said.unwrap_or_default().contains(word.unwrap_or_default()), "{change:?}");
        }
    }

    #[test]
    fn a_version_is_compared_by_its_numbers() {
        let cases = [
            ("valgrind-3.19.0\n", Some((3, 19))),
            ("valgrind-3.24.0\n", Some((3, 24))),
            ("valgrind-3.25.0.GIT", Some((3, 25))),
            ("sh: not found", None),
        ];
        for (said, version) in cases {
            assert_eq!(version_of(said), version, "{said}");
        }
    }

    #[test]
    fn a_case_that_cannot_be_counted_is_no_success() {
        let mut cases = CASES.to_vec();
        assert!(leave_out_look_ups(&mut cases).is_ok());
        assert_eq!(cases.len(), CASES.len() - 1);
        assert!(leave_out_look_ups(&mut vec![MISSING]).is_err());
    }

    #[test]
    fn a_line_that_is_no_number_of_a_case_is_refused() {
        for text in ["fixed", "fixed = many", "fixed = "] {
            assert!(Written::parse(text).is_none(), "{text}");
        }
    }
}
