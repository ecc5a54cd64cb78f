//! What a client must do with an answer, done for real: `verdict get`, asked to say why it takes each step.

use super::site::Tour;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One duty.
pub(super) struct Duty {
    /// The status that it begins with.
    pub(super) code: u16,
    pub(super) duty: &'static str,
    runs: &'static [Run],
    /// How long the file is in the end, where there is one.
    size: Option<u64>,
}

/// One run of `verdict get`. `{file}` stands for a file of the duty's own, `{unique}` for what nobody has said before.
struct Run {
    target: &'static str,
    arguments: &'static [&'static str],
    /// Whether it gets what it wants.
    succeeds: bool,
    /// What it says on its way.
    says: &'static [&'static str],
}

/// What came of a duty.
pub(super) struct Done {
    pub(super) took: Duration,
    /// What is not as it has to be; empty where all is.
    pub(super) misses: Vec<String>,
}

const fn run(target: &'static str, arguments: &'static [&'static str], says: &'static [&'static str]) -> Run {
    Run { target, arguments, succeeds: true, says }
}

pub(super) const DUTIES: &[Duty] = &[
    Duty {
        // First of all: the route is closed for a moment only.
        code: 503,
        duty: "waits until the route is open again, as it is told",
        runs: &[run("/soon", &["-v"], &["and ask again (told-when)", "done (succeeded)"])],
        size: None,
    },
    Duty {
        code: 206,
        duty: "continues a download that broke off, since it is still the same version",
        runs: &[
            Run { succeeds: false, ..run("/breaking", &["-o", "{file}"], &["--resume"]) },
            run("/breaking", &["-v", "-o", "{file}", "--resume"], &["append from byte 40000 on (part-fits)"]),
        ],
        size: Some(100_000),
    },
    Duty {
        code: 301,
        duty: "goes to where a page has moved, and remembers that",
        runs: &[run("/index.html", &["-v"], &["follow by GET, for good (moved)", "from now on it is at"])],
        size: None,
    },
    Duty {
        code: 303,
        duty: "reads by GET what came of a POST",
        runs: &[run(
            "/notes",
            &["-v", "-H", "Content-Type: application/x-www-form-urlencoded", "-d", "title={unique}"],
            &["follow by GET (see-other)", "> GET /notes/"],
        )],
        size: None,
    },
    Duty {
        code: 304,
        duty: "uses its own copy",
        runs: &[
            run("/hello.txt", &["-o", "{file}", "--resume"], &[]),
            run("/hello.txt", &["-v", "-o", "{file}", "--resume"], &["use the copy (unchanged)"]),
        ],
        size: Some(7),
    },
    Duty {
        code: 307,
        duty: "sends the same POST with the same content elsewhere",
        runs: &[run(
            "/api/v1/orders",
            &["-v", "-d", "{}"],
            &["follow by POST with the same content (moved)", "The application heard: POST /api/v2/orders"],
        )],
        size: None,
    },
    Duty {
        code: 429,
        duty: "comes again when it may",
        runs: &[
            run("/patient", &[], &[]),
            run("/patient", &["-v"], &["wait 1 s and ask again (told-when)", "done (succeeded)"]),
        ],
        size: None,
    },
];

/// Does it, and compares what was said with what had to be.
pub(super) fn perform(duty: &Duty, tour: &Tour) -> Done {
    let began = Instant::now();
    let file = tour.scratch().join(format!("duty-{}", duty.code));
    let mut misses = Vec::new();
    for step in duty.runs {
        let url = format!("http://{}{}", tour.at.plain, step.target);
        match get(&url, step.arguments, &file) {
            Ok((succeeds, said)) => {
                if succeeds != step.succeeds {
                    misses.push(format!("{} {}", step.target, if succeeds { "did not fail" } else { "failed" }));
                }
                let unsaid = step.says.iter().filter(|words| !said.contains(**words));
                misses.extend(unsaid.map(|words| format!("it did not say `{words}`")));
            }
            Err(error) => misses.push(format!("`verdict get` did not run: {error}")),
        }
    }
    let size = std::fs::metadata(&file).map_or(0, |found| found.len());
    if let Some(wanted) = duty.size.filter(|wanted| *wanted != size) {
        misses.push(format!("the file has {size} bytes and not {wanted}"));
    }
    Done { took: began.elapsed(), misses }
}

/// Runs this program's own `get`: whether it succeeded, and all that it said.
fn get(url: &str, arguments: &[&str], file: &Path) -> std::io::Result<(bool, String)> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("get").arg(url).stdin(Stdio::null());
    for argument in arguments {
        command.arg(argument.replace("{file}", &file.display().to_string()).replace("{unique}", &now.to_string()));
    }
    let ran = command.output()?;
    Ok((ran.status.success(), String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned()))
}
