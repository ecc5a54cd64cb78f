//! What the figures were measured on, and with.

use crate::failure::{Failure, While};
use crate::verdict;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where a program is. The failure says how to get it.
pub(crate) fn program(name: &str) -> Result<PathBuf, Failure> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian has servers in /usr/sbin, which is not in everybody's PATH.
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(name)).find(|path| path.is_file()).ok_or_else(|| {
        let package = match name {
            "nginx" => "nginx-light",
            "h2load" => "nghttp2-client",
            _ => name,
        };
        Failure::Wrong(format!("{name} is missing; on Debian and Ubuntu: apt-get install {package}"))
    })
}

/// What a program says to one argument, on whichever stream.
pub(crate) fn said(name: &str, argument: &str) -> Result<String, Failure> {
    told(&program(name)?, argument)
}

/// The same of a program whose path is known.
pub(crate) fn told(program: &Path, argument: &str) -> Result<String, Failure> {
    // Not the exit code: `wrk -v` has that of a usage error.
    let output = Command::new(program).arg(argument).output();
    let output = output.while_trying(format_args!("run {}", program.display()))?;
    Ok(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// The machine and the versions of what is measured, by name.
pub(crate) fn describe(cores: (usize, usize)) -> Result<Vec<(&'static str, String)>, Failure> {
    let first = |text: String| text.lines().next().unwrap_or_default().trim().to_owned();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").while_trying("read the kernel's version")?;
    let processor = fs::read_to_string("/proc/cpuinfo").while_trying("read the processor's name")?;
    let model = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let wrk = first(said("wrk", "-v")?);
    let wrk = wrk.split_once(" [").map_or(wrk.as_str(), |(version, _)| version);
    let haproxy = said("haproxy", "-v").map_or_else(|_| "not there".to_owned(), first);
    let haproxy = haproxy.trim_start_matches("HAProxy version ").split(" - ").next().unwrap_or_default().to_owned();
    Ok(vec![
        ("date", first(said("date", "-uI")?)),
        ("verdict", first(told(&verdict::binary(), "--version")?)),
        ("nginx", first(said("nginx", "-v")?).trim_start_matches("nginx version: ").to_owned()),
        ("haproxy", haproxy),
        ("wrk", wrk.to_owned()),
        ("kernel", format!("Linux {}", kernel.trim())),
        ("processor", model.map_or("unknown", |(_, model)| model).to_owned()),
        ("cores", format!("server on {}, load on {}", cores.0, cores.1)),
    ])
}
