//! `verdict serve`: serves a folder, without a config.

use super::Failure;
use crate::start;
use std::io::{ErrorKind, IsTerminal};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use verdict_core::explain::visible;
use verdict_server::config::{Config, Listen, Scheme};
use verdict_server::{StartError, inherited_addresses};

/// Serve a folder
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The folder
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// Where to listen: an IP address or localhost, with or without a port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1")]
    listen: Address,
    /// The port; 8080 or the next free one unless given
    #[arg(short, long, value_name = "N")]
    port: Option<u16>,
}

const EXAMPLES: &str = "\
Examples:
  verdict serve                        this folder, for this machine alone
  verdict serve site -p 9000           another one, on another port
  verdict serve site --listen 0.0.0.0  for everybody who can reach this machine";

/// The ports that are tried where none is given.
const PORTS: std::ops::RangeInclusive<u16> = 8080..=8099;

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let shown = visible(&args.folder.display().to_string());
    look_into(&args.folder, &shown)?;
    let port = match (args.port, args.listen.port) {
        (Some(port), Some(other)) if port != other => {
            return Err(Failure::Usage(format!(
                "`--listen` says port {other} and `--port` says {port}: give one of them"
            )));
        }
        (Some(port), _) | (None, Some(port)) => port,
        // Whoever takes over from an old process goes on where that listened.
        (None, None) => match inherited_addresses().iter().find(|address| address.ip() == args.listen.host) {
            Some(address) => address.port(),
            None => free_port(args.listen.host)?,
        },
    };
    let address = SocketAddr::new(args.listen.host, port);
    let config = Config::serve(&args.folder, vec![Listen { scheme: Scheme::Http, address }])?;
    start::start(config, None, |addresses| {
        let mut sentence = format!("serving {shown} on {}", addresses.join(", "));
        if std::io::stderr().is_terminal() {
            sentence.push_str("\nCtrl-C stops it; `verdict code 404` tells what a status means.");
        }
        sentence
    })
}

/// Whether the folder can be read, before anything listens.
fn look_into(folder: &Path, shown: &str) -> Result<(), Failure> {
    let Err(error) = std::fs::read_dir(folder) else { return Ok(()) };
    Err(Failure::Wrong(match error.kind() {
        ErrorKind::NotFound => format!("there is no folder `{shown}`: name one that exists"),
        ErrorKind::NotADirectory => format!("`{shown}` is not a folder: name the one that it is in"),
        ErrorKind::PermissionDenied => {
            format!("the folder `{shown}` may not be read by this user: let the user read it")
        }
        _ => format!("the folder `{shown}` cannot be read: {error}"),
    }))
}

/// The first port of [`PORTS`] that nobody listens on.
fn free_port(host: IpAddr) -> Result<u16, Failure> {
    for port in PORTS {
        let address = SocketAddr::new(host, port);
        match TcpListener::bind(address) {
            Ok(_) => return Ok(port),
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => return Err(Failure::Wrong(StartError::bind(address, error).to_string())),
        }
    }
    let (first, last) = (PORTS.start(), PORTS.end());
    Err(Failure::Wrong(format!("every port from {first} to {last} is taken on {host}: name another with `--port`")))
}

/// An IP address, and a port where one is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Address {
    host: IpAddr,
    port: Option<u16>,
}

/// Takes `0.0.0.0`, `0.0.0.0:80`, `::1`, `[::1]:80`, `localhost`, `localhost:80`, and each as a URL.
impl FromStr for Address {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Address, &'static str> {
        let text = text.strip_prefix("http://").map_or(text, |text| text.strip_suffix('/').unwrap_or(text));
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Address { host: address.ip(), port: Some(address.port()) });
        }
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        if let Ok(host) = bare.parse() {
            return Ok(Address { host, port: None });
        }
        const FORM: &str = "it is neither an IP address nor localhost, as in 0.0.0.0, [::1]:8080 or localhost:8080";
        let port = match text.strip_prefix("localhost").ok_or(FORM)? {
            "" => None,
            port => Some(port.strip_prefix(':').and_then(|port| port.parse().ok()).ok_or(FORM)?),
        };
        Ok(Address { host: IpAddr::V4(Ipv4Addr::LOCALHOST), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_perhaps_a_port() {
        let cases = [
            ("0.0.0.0", "0.0.0.0", None),
            ("0.0.0.0:80", "0.0.0.0", Some(80)),
            ("::1", "::1", None),
            ("[::1]", "::1", None),
            ("[::1]:80", "::1", Some(80)),
            ("localhost", "127.0.0.1", None),
            ("localhost:3000", "127.0.0.1", Some(3000)),
            ("http://127.0.0.1:8080/", "127.0.0.1", Some(8080)),
        ];
        for (text, host, port) in cases {
            assert_eq!(text.parse(), Ok(Address { host: host.parse().expect("an address"), port }), "{text}");
        }
    }

    #[test]
    fn anything_else_is_not_an_address() {
        for text in
            ["", "example.com", "localhost:", "localhost:http", "localhosts", "127.0.0.1:", "127.0.0.1:65536", "8080"]
        {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
