//! wrk, which makes the load.

use crate::case::Proven;
use crate::failure::{Failure, While};
use crate::machine;
use crate::process::on_cores;
use crate::site::Site;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

/// Says exactly what wrk counted; it has no part in the requests.
const REPORT: &str = r#"done = function(summary)
  local e = summary.errors
  local errors = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format("counted %.0f %.0f %.0f\n", summary.requests, summary.bytes, errors))
end
"#;

/// A kind of load.
#[derive(Clone, Copy)]
pub(crate) struct Load<'a> {
    /// The cores that it is made on, a thread for each.
    pub(crate) cores: &'a [usize],
    /// Connections, each with one request under way.
    pub(crate) connections: u32,
    /// How long.
    pub(crate) seconds: u32,
}

impl Load<'_> {
    /// Puts the load on a server, and returns how many answers it gave, parts of them included.
    pub(crate) fn run(&self, site: &Site, address: SocketAddr, target: &str, proven: &Proven) -> Result<f64, Failure> {
        let script = site.write("report.lua", REPORT)?;
        let mut wrk = Command::new(machine::program("wrk")?);
        wrk.arg(format!("--threads={}", self.cores.len())).arg(format!("--connections={}", self.connections));
        wrk.arg(format!("--duration={}s", self.seconds)).arg("--timeout=30s").arg("--script").arg(script);
        for (name, value) in &proven.fields {
            wrk.arg("--header").arg(format!("{name}: {value}"));
        }
        wrk.arg(format!("http://{address}{target}"));
        wrk.stdin(Stdio::null());
        let output = on_cores(self.cores, || wrk.output()).while_trying("run wrk")?;
        let said = String::from_utf8_lossy(&output.stdout);
        match counted(&said) {
            Some([requests, bytes, 0]) => self.answers(requests, bytes, proven.answer),
            _ => Err(Failure::Wrong(format!(
                "wrk had errors on http://{address}{target}:\n{said}{}",
                String::from_utf8_lossy(&output.stderr)
            ))),
        }
    }

    /// From the bytes, so that large answers that were under way at the end count by their part. Both counts agree
    /// otherwise, or the answers were not what the case wants.
    fn answers(&self, requests: u64, bytes: u64, answer: u64) -> Result<f64, Failure> {
        let answers = bytes as f64 / answer as f64;
        if (answers - requests as f64).abs() > f64::from(self.connections) {
            return Err(Failure::Wrong(format!(
                "wrk counted {requests} answers, and {bytes} bytes where each has {answer}: they are not all alike"
            )));
        }
        Ok(answers)
    }
}

fn counted(said: &str) -> Option<[u64; 3]> {
    let line = said.lines().find_map(|line| line.strip_prefix("counted "))?;
    let numbers: Result<Vec<u64>, _> = line.split(' ').map(str::parse).collect();
    numbers.ok()?.try_into().ok()
}
