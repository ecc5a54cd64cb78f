//! HTTP/2 and TLS: requests by h2load, and handshakes by openssl, against nginx.

use crate::contest::cost;
use crate::failure::{Failure, While};
use crate::machine;
use crate::nginx::{Form, Nginx};
use crate::process::{Server, Setting, on_cores};
use crate::progress::Progress;
use crate::rows::{Row, SENDFILE};
use crate::site::Site;
use crate::table::Line;
use crate::verdict;
use crate::versus::Rounds;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What is spoken in a row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP/2 in the clear, with prior knowledge, so many streams of each connection.
    Http2 { streams: u32 },
    /// HTTP/1.1 within TLS.
    Tls,
    /// A handshake of TLS 1.3 and one request, a connection after the other.
    Handshake,
    /// The same of TLS 1.2 without a request, resumed by a ticket: openssl takes those of 1.3 only after it has read something.
    Resumed,
}

/// A certificate for loopback and its key, in PEM.
#[derive(Clone)]
pub(crate) struct Certificate {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// Both servers, with addresses for either protocol.
pub(crate) struct Secure {
    nginx: Nginx,
    forms: Vec<(Form, Addresses)>,
    verdict: (Server, Addresses),
}

/// Where a server speaks what.
#[derive(Clone, Copy)]
pub(crate) struct Addresses {
    pub(crate) http2: SocketAddr,
    pub(crate) tls: SocketAddr,
}

impl Secure {
    pub(crate) fn start(site: &Site, setting: Setting<'_>) -> Result<Secure, Failure> {
        let issued = issue(site.folder())?;
        let (nginx, forms) = Nginx::start_secure(site, setting, &issued, SENDFILE)?;
        Ok(Secure { nginx, forms, verdict: verdict::start_secure(site, setting, &issued)? })
    }

    /// CPU time per request or handshake, in rounds.
    pub(crate) fn measure(
        &self,
        (protocol, row): &(Protocol, Row),
        load_core: usize,
        Rounds { rounds, seconds }: Rounds,
        told: Progress,
    ) -> Result<Line, Failure> {
        let forms = self.forms.iter().filter(|(form, _)| row.forms.contains(form));
        let forms = forms.map(|(form, addresses)| (format!("nginx, {form:?}"), &self.nginx.server, *addresses));
        let verdict = ("verdict".to_owned(), &self.verdict.0, self.verdict.1);
        let all: Vec<_> = forms.chain([verdict]).collect();
        let mut costs = vec![Vec::new(); all.len()];
        let load = |addresses, seconds| protocol.load(addresses, row.case.target, row.connections, load_core, seconds);
        for (_, _, addresses) in &all {
            load(*addresses, 1)?;
        }
        for round in 1..=rounds {
            told.round(row.title, round, rounds);
            for ((name, server, addresses), costs) in all.iter().zip(&mut costs) {
                let (cost, _) = cost(server, || load(*addresses, seconds))?;
                told.figure(name, format_args!("{cost:.2} µs of CPU time each"));
                costs.push(cost);
            }
        }
        let verdict = costs.pop().unwrap_or_default();
        Ok(Line::of_requests(row, row.forms.iter().copied().zip(costs).collect(), verdict))
    }
}

impl Protocol {
    /// Puts the load on a server, and returns how many answers or handshakes there were.
    fn load(
        self,
        addresses: Addresses,
        target: &str,
        connections: u32,
        core: usize,
        seconds: u32,
    ) -> Result<f64, Failure> {
        let Addresses { http2, tls } = addresses;
        match self {
            Protocol::Http2 { streams } => {
                let streams = format!("--max-concurrent-streams={streams}");
                requests(&[&streams], &format!("http://{http2}{target}"), connections, core, seconds)
            }
            Protocol::Tls => requests(&["--h1"], &format!("https://{tls}{target}"), connections, core, seconds),
            Protocol::Handshake => handshakes(&["-new", "-tls1_3", "-www", target], tls, core, seconds),
            Protocol::Resumed => handshakes(&["-reuse", "-tls1_2"], tls, core, seconds),
        }
    }
}

/// Requests that h2load had answered, all of them well.
fn requests(options: &[&str], url: &str, connections: u32, core: usize, seconds: u32) -> Result<f64, Failure> {
    let mut h2load = Command::new(machine::program("h2load")?);
    h2load.arg(format!("--clients={connections}")).arg("--threads=1").arg(format!("--duration={seconds}"));
    let said = said(h2load.args(options).arg(url), core)?;
    let wrong = || Failure::Wrong(format!("h2load had errors on {url}:\n{said}"));
    // requests: 88544 total, 88800 started, 88544 done, 88544 succeeded, 0 failed, 0 errored, 0 timeout
    let counted = said.lines().find_map(|line| line.strip_prefix("requests: ")).ok_or_else(wrong)?;
    let numbers: Vec<u64> = counted.split(", ").filter_map(|part| part.split(' ').next()?.parse().ok()).collect();
    match numbers[..] {
        [total, _, _, succeeded, 0, 0, 0] if total > 0 && total == succeeded => Ok(succeeded as f64),
        _ => Err(wrong()),
    }
}

/// Handshakes that openssl made, one after the other.
fn handshakes(options: &[&str], address: SocketAddr, core: usize, seconds: u32) -> Result<f64, Failure> {
    let mut openssl = Command::new(machine::program("openssl")?);
    openssl.arg("s_time").arg("-connect").arg(address.to_string()).arg("-time").arg(seconds.to_string());
    let said = said(openssl.args(options), core)?;
    // 1824 connections in 3 real seconds, 190 bytes read per connection
    let line = said.lines().rfind(|line| line.contains(" real seconds"));
    let counted = line.and_then(|line| line.split(' ').next()?.parse::<u32>().ok()).filter(|counted| *counted > 0);
    counted.map(f64::from).ok_or_else(|| Failure::Wrong(format!("openssl made no connections to {address}:\n{said}")))
}

fn said(command: &mut Command, core: usize) -> Result<String, Failure> {
    command.stdin(Stdio::null());
    let program = command.get_program().to_string_lossy().into_owned();
    let output = on_cores(&[core], || command.output()).while_trying(format_args!("run {program}"))?;
    Ok(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// P-256, which costs either server least.
fn issue(folder: &Path) -> Result<Certificate, Failure> {
    let issued = Certificate { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") };
    let mut openssl = Command::new(machine::program("openssl")?);
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
    openssl.args(["-subj", "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1"]);
    openssl.arg("-keyout").arg(&issued.key).arg("-out").arg(&issued.certificate);
    let output = openssl.stdin(Stdio::null()).output().while_trying("run openssl")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::Wrong(format!("openssl issues no certificate:\n{said}")));
    }
    Ok(issued)
}
