//! `cargo xtask fuzz`: searches for bytes for which what holds for any bytes does not.
//!
//! libFuzzer needs to be told which branches an input takes. That is an LLVM pass, which stable rustc can be asked for; only
//! the sanitizers, which find errors of memory, want nightly, and there is next to no `unsafe` here for them to look at.

use crate::arguments::Arguments;
use crate::failure::{Failure, While};
use crate::machine;
use crate::verdict::workspace;
use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf, absolute};
use std::process::{Command, ExitCode};
use std::time::Duration;

const HELP: &str = "\
Usage: cargo xtask fuzz [TARGET]... [OPTIONS]

Runs fuzz targets, all of them unless some are named: body, config, document, field, head, pattern, target. Each begins
with fuzz/corpus/TARGET and with what earlier runs found, which stays in target/fuzz/found/TARGET. Exit 1 when an input was
found for which a property does not hold; it is in fuzz/artifacts/TARGET.

Options:
  --seconds N   for each target; 5 unless set
  --minutes N   the same, in minutes
  --input FILE  run the one target that is named on this input, and search for none

It needs a C++ compiler (Debian: apt-get install g++). Any toolchain will do, stable too.
";

/// A binary of the package in `fuzz/`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Target {
    name: &'static str,
    /// Bytes of the longest input that is made.
    longest: u32,
}

const TARGETS: [Target; 8] = [
    Target { name: "body", longest: 1024 },
    Target { name: "config", longest: 4096 },
    Target { name: "document", longest: 1024 },
    Target { name: "field", longest: 2048 },
    Target { name: "head", longest: 2048 },
    Target { name: "pattern", longest: 1024 },
    Target { name: "response", longest: 2048 },
    Target { name: "target", longest: 512 },
];

/// What cargo-fuzz asks for too: counters of edges, and the operands of comparisons.
const FLAGS: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    "-Ccodegen-units=1",
];

/// An input that takes longer hangs. It is time on the wall: a busy machine has kept one waiting for half a minute.
const PATIENCE: Duration = Duration::from_secs(120);
/// A process with more is a finding.
const MEMORY_MIB: u32 = 1024;

struct Options {
    targets: Vec<Target>,
    seconds: u64,
    input: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let Some(options) = options(arguments)? else {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    };
    let built = Built::new()?;
    if let Some(input) = &options.input {
        let [target] = options.targets[..] else {
            return Err(Failure::Usage("`--input` wants the name of one target".to_owned()));
        };
        return built.reproduce(target, input);
    }
    println!("| target | runs | runs/s | edges reached | finding |\n|---|---:|---:|---:|---|");
    let mut found = Vec::new();
    for target in options.targets {
        eprintln!("{}: searching for {} s", target.name, options.seconds);
        let told = built.search(target, options.seconds)?;
        println!("{}", told.row(target, options.seconds));
        found.extend(told.finding.map(|finding| (target, finding)));
    }
    for (target, finding) in &found {
        let Finding { input, said } = finding;
        eprintln!("\n{}: {said}\n  cargo xtask fuzz {} --input {input}", target.name, target.name);
    }
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `None` where help was asked for.
fn options(mut arguments: Arguments) -> Result<Option<Options>, Failure> {
    let mut options = Options { targets: Vec::new(), seconds: 5, input: None };
    while let Some(word) = arguments.next() {
        match word.as_str() {
            "--seconds" => options.seconds = positive(arguments.value(&word, "a number of seconds")?)?,
            "--minutes" => {
                let minutes = positive(arguments.value(&word, "a number of minutes")?)?;
                options.seconds = minutes.saturating_mul(60);
            }
            "--input" => options.input = Some(arguments.value(&word, "a file")?),
            "--help" | "-h" => return Ok(None),
            name if !name.starts_with('-') => options.targets.push(target(name)?),
            other => return Err(Arguments::unknown(other)),
        }
    }
    if options.targets.is_empty() {
        options.targets = TARGETS.to_vec();
    }
    Ok(Some(options))
}

/// libFuzzer takes no time at all for no limit.
fn positive(number: u64) -> Result<u64, Failure> {
    if number > 0 { Ok(number) } else { Err(Failure::Usage("a target is run for one second at least".to_owned())) }
}

fn target(name: &str) -> Result<Target, Failure> {
    let names = TARGETS.map(|target| target.name).join(", ");
    let known = TARGETS.into_iter().find(|target| target.name == name);
    known.ok_or_else(|| Failure::Usage(format!("there is no target `{name}`; the targets are {names}")))
}

/// The targets, built.
struct Built {
    /// What is made here: binaries, inputs that were found, what the last runs said.
    folder: PathBuf,
    binaries: PathBuf,
}

impl Built {
    fn new() -> Result<Built, Failure> {
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from);
        // cargo is run in another folder.
        let folder = absolute(target.join("fuzz")).while_trying("find this folder")?;
        let rustc = env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from);
        let version = machine::told(&rustc, "-vV")?;
        let Some(host) = version.lines().find_map(|line| line.strip_prefix("host: ")) else {
            return Err(Failure::Wrong(format!("{} does not say what it compiles for", rustc.display())));
        };
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // With a target named, the flags are not those of build scripts and macros, which have no fuzzer to report to.
        cargo
            .args(["build", "--locked", "--release", "--bins", "--quiet", "--target", host, "--target-dir"])
            .arg(&folder);
        cargo.env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}")).current_dir(workspace().join("fuzz"));
        let status = cargo.status().while_trying("run cargo")?;
        if !status.success() {
            return Err(Failure::Wrong("the fuzz targets do not build".to_owned()));
        }
        Ok(Built { binaries: folder.join(host).join("release"), folder })
    }

    /// Runs a target for so many seconds.
    fn search(&self, target: Target, seconds: u64) -> Result<Told, Failure> {
        let name = target.name;
        let found = self.folder.join("found").join(name);
        let artifacts = workspace().join("fuzz/artifacts").join(name);
        let log = self.folder.join("log").join(name);
        for folder in [&found, &artifacts, &self.folder.join("log")] {
            fs::create_dir_all(folder).while_trying(format_args!("make {}", folder.display()))?;
        }
        let to_log = || File::create(&log).while_trying(format_args!("write {}", log.display()));
        let mut fuzzer = Command::new(self.binaries.join(name));
        fuzzer
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-max_len={}", target.longest))
            .arg(format!("-timeout={}", PATIENCE.as_secs()))
            .arg(format!("-rss_limit_mb={MEMORY_MIB}"))
            .arg("-print_final_stats=1")
            .arg(format!("-artifact_prefix={}/", artifacts.display()));
        let dictionary = workspace().join("fuzz/dictionaries").join(name);
        if dictionary.is_file() {
            fuzzer.arg(format!("-dict={}", dictionary.display()));
        }
        // What is new is written to the first folder.
        fuzzer.arg(&found).arg(workspace().join("fuzz/corpus").join(name));
        let status = fuzzer.stderr(to_log()?).status().while_trying(format_args!("run {name}"))?;
        let said = fs::read(&log).while_trying(format_args!("read {}", log.display()))?;
        let told = Told::of(&String::from_utf8_lossy(&said));
        if !status.success() && told.finding.is_none() {
            return Err(Failure::Wrong(format!("{name} ended with {status} and found nothing; see {}", log.display())));
        }
        Ok(told)
    }

    /// Runs a target on one input, whose panic is shown as it comes.
    fn reproduce(&self, target: Target, input: &Path) -> Result<ExitCode, Failure> {
        // What is no file would be searched for inputs, or searched with.
        if !input.is_file() {
            return Err(Failure::Wrong(format!("{} is not a file", input.display())));
        }
        let mut fuzzer = Command::new(self.binaries.join(target.name));
        fuzzer.arg(format!("-timeout={}", PATIENCE.as_secs())).arg(format!("-rss_limit_mb={MEMORY_MIB}")).arg(input);
        let status = fuzzer.status().while_trying(format_args!("run {}", target.name))?;
        Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// What libFuzzer said of a run.
#[derive(Default, PartialEq, Eq, Debug)]
struct Told {
    runs: u64,
    /// Edges of the control flow graph that inputs reached, and all that there are, dependencies included.
    reached: u64,
    edges: u64,
    finding: Option<Finding>,
}

/// An input for which a property does not hold.
#[derive(PartialEq, Eq, Debug)]
struct Finding {
    /// Its file.
    input: String,
    /// What the panic said, or what libFuzzer did of an input that took too long or too much.
    said: String,
}

impl Told {
    fn of(log: &str) -> Told {
        let number = |text: &str| text.trim().split(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
        let mut told = Told::default();
        let (mut said, mut input) = (None, None);
        let mut lines = log.lines();
        while let Some(line) = lines.next() {
            if let Some((_, counters)) = line.split_once("INFO: Loaded ").and_then(|(_, rest)| rest.split_once('(')) {
                told.edges = told.edges.max(number(counters).unwrap_or(0));
            } else if let Some((_, reached)) = line.split_once(" cov: ") {
                told.reached = number(reached).unwrap_or(told.reached);
            } else if let Some(runs) = line.strip_prefix("stat::number_of_executed_units:") {
                told.runs = number(runs).unwrap_or(0);
            } else if line.starts_with("thread '") && line.contains("panicked at") {
                said = said.or_else(|| lines.next().map(str::to_owned));
            } else if let Some((_, sentence)) = line.split_once(" ERROR: libFuzzer: ") {
                said = said.or_else(|| Some(sentence.to_owned()));
            } else if let Some((_, file)) = line.split_once("Test unit written to ") {
                input = input.or_else(|| Some(file.trim().to_owned()));
            }
        }
        told.finding = input.map(|input| Finding { input, said: said.unwrap_or_default() });
        told
    }

    fn row(&self, target: Target, seconds: u64) -> String {
        let finding = self.finding.as_ref().map_or("none", |finding| &finding.said);
        let Told { runs, reached, edges, .. } = self;
        format!("| {} | {runs} | {} | {reached} of {edges} | {finding} |", target.name, runs / seconds.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: &str = "\
INFO: Running with entropic power schedule (0xFF, 100).
INFO: Loaded 1 modules   (2478 inline 8-bit counters): 2478 [0x560f1a4f88f8, 0x560f1a4f92a6),
INFO: Loaded 1 PC tables (2478 PCs): 2478 [0x560f1a4f92a8,0x560f1a502d88),
#933	INITED cov: 729 ft: 2703 corp: 793/36Kb exec/s: 0 rss: 28Mb
#317000	DONE   cov: 731 ft: 2800 corp: 801/37Kb lim: 537 exec/s: 63400 rss: 29Mb
Done 317000 runs in 6 second(s)
stat::number_of_executed_units: 317000
";

    const LOUD: &str = "\
#2	INITED cov: 12 ft: 13 corp: 1/1b exec/s: 0 rss: 26Mb

thread '<unnamed>' (812) panicked at fuzz_targets/../properties/field.rs:254:5:
Basic\\'
stack backtrace:
==812== ERROR: libFuzzer: deadly signal
artifact_prefix='/w/fuzz/artifacts/field/'; Test unit written to /w/fuzz/artifacts/field/crash-bb58
stat::number_of_executed_units: 4885
";

    const SLOW: &str = "\
==9== ERROR: libFuzzer: timeout after 10 seconds
artifact_prefix='/w/'; Test unit written to /w/timeout-1
";

    #[test]
    fn what_the_fuzzer_says_is_read() {
        let finding = |input: &str, said: &str| Some(Finding { input: input.to_owned(), said: said.to_owned() });
        for (log, told) in [
            (QUIET, Told { runs: 317_000, reached: 731, edges: 2478, finding: None }),
            (
                LOUD,
                Told {
                    runs: 4885,
                    reached: 12,
                    edges: 0,
                    finding: finding("/w/fuzz/artifacts/field/crash-bb58", "Basic\\'"),
                },
            ),
            (SLOW, Told { finding: finding("/w/timeout-1", "timeout after 10 seconds"), ..Told::default() }),
        ] {
            assert_eq!(Told::of(log), told);
        }
    }

    #[test]
    fn the_targets_are_those_of_the_package() {
        let manifest = fs::read_to_string(workspace().join("fuzz/Cargo.toml")).unwrap();
        let mut names: Vec<_> =
            manifest.lines().filter_map(|line| line.strip_prefix("path = \"fuzz_targets/")).collect();
        names.sort_unstable();
        assert_eq!(names, TARGETS.map(|target| format!("{}.rs\"", target.name)));
        for Target { name, .. } in TARGETS {
            let corpus = workspace().join("fuzz/corpus").join(name);
            assert!(fs::read_dir(&corpus).unwrap().next().is_some(), "{} is empty", corpus.display());
        }
    }
}
