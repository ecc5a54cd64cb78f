//! `cargo xtask docs`: writes what `docs/` says of the decision, or says whether that is stale.

use crate::arguments::Arguments;
use crate::failure::{Failure, While};
use crate::verdict::workspace;
use std::fs;
use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask docs [--check]

Writes docs/STATUS.md and docs/DECISION.svg from verdict-core's tables and from every case of the decision.

Options:
  --check  write nothing; exit 1 if a document is not what would be written
";

/// Runs the command.
pub(crate) fn run(mut arguments: Arguments) -> Result<ExitCode, Failure> {
    let mut check = false;
    while let Some(word) = arguments.next() {
        match word.as_str() {
            "--check" => check = true,
            "--help" | "-h" => {
                print!("{HELP}");
                return Ok(ExitCode::SUCCESS);
            }
            other => return Err(Arguments::unknown(other)),
        }
    }
    if check { stale() } else { write() }
}

fn write() -> Result<ExitCode, Failure> {
    let folder = workspace().join("docs");
    fs::create_dir_all(&folder).while_trying(format!("make {}", folder.display()))?;
    for (name, right) in verdict_docs::documents() {
        let path = folder.join(name);
        let same = fs::read_to_string(&path).is_ok_and(|written| written == right);
        if !same {
            fs::write(&path, right).while_trying(format!("write {}", path.display()))?;
        }
        println!("docs/{name} {}", if same { "is up to date" } else { "is written" });
    }
    Ok(ExitCode::SUCCESS)
}

fn stale() -> Result<ExitCode, Failure> {
    let folder = workspace().join("docs");
    let is_stale = |(name, right): &(&str, String)| !fs::read_to_string(folder.join(name)).is_ok_and(|is| is == *right);
    let stale: Vec<String> = verdict_docs::documents()
        .iter()
        .filter(|document| is_stale(document))
        .map(|(name, _)| format!("docs/{name}"))
        .collect();
    match stale[..] {
        [] => Ok(ExitCode::SUCCESS),
        [ref one] => Err(Failure::Wrong(format!("{one} is stale: run `cargo xtask docs`"))),
        _ => Err(Failure::Wrong(format!("{} are stale: run `cargo xtask docs`", stale.join(" and ")))),
    }
}
