//! What the guards of a route cost: a file behind all of them beside the same file behind none, and behind those that nginx
//! has too beside nginx.
//!
//! nginx hashes a password with each request, and has no tokens: against it stand a rate per client, a bound of what is under
//! way and a field that the config adds. Its rate tells the client nothing; Verdict's says in two fields what is left.

use crate::case::{Case, Fields, Proven, SMALL};
use crate::contest::{Pair, cost};
use crate::failure::{Failure, While};
use crate::load::Load;
use crate::nginx::{self, Nginx};
use crate::process::Setting;
use crate::progress::Progress;
use crate::rows::{GUARDED, GUARDS};
use crate::site::{MAX_AGE, Site};
use crate::table::{Also, Line};
use crate::verdict::{self, Lines};
use crate::versus::Rounds;
use std::io::Write;
use std::process::{Command, Stdio};

/// As in the rows against nginx.
const CONNECTIONS: u32 = 64;

const TOKEN: &str = "the-token-of-a-benchmark";
const PASSWORD: &str = "the-password-of-a-benchmark";

const BEARER: Case = Case {
    name: GUARDS,
    title: "a token",
    target: "/guarded/1k.txt",
    fields: Fields::Given(&[("Origin", "https://app.example"), ("Authorization", "Bearer the-token-of-a-benchmark")]),
    ..SMALL
};
const BASIC: Case = Case {
    title: "a password that is remembered",
    fields: Fields::Given(&[
        ("Origin", "https://app.example"),
        // ann:the-password-of-a-benchmark
        ("Authorization", "Basic YW5uOnRoZS1wYXNzd29yZC1vZi1hLWJlbmNobWFyaw=="),
    ]),
    ..BEARER
};

/// The guards that nginx has too, against it; then all of them against none.
pub(crate) fn measure(
    site: &Site,
    [core, load_core]: [usize; 2],
    rounds: Rounds,
    told: Progress,
) -> Result<(Line, Vec<Also>), Failure> {
    let setting = Setting { cores: &[core], room: None, log: false };
    let load = Load { cores: &[load_core], connections: CONNECTIONS, seconds: rounds.seconds };
    let routes = routes(site)?;
    let servers = Pair {
        site,
        nginx: start_nginx(site, setting)?,
        verdict: verdict::start_with(site, setting, Lines { keys: "", tables: &routes })?,
    };
    let line = servers.measure(&GUARDED, load, rounds.rounds, told)?;
    Ok((line, on_beside_off(&servers, load, rounds, told)?))
}

fn on_beside_off(
    servers: &Pair<'_>,
    load: Load<'_>,
    Rounds { rounds, seconds }: Rounds,
    told: Progress,
) -> Result<Vec<Also>, Failure> {
    let (server, address) = &servers.verdict;
    let cases = [SMALL, BEARER, BASIC];
    let proven = cases.iter().map(|case| case.prove(*address)).collect::<Result<Vec<Proven>, Failure>>()?;
    let asked = |which: usize, seconds| {
        let load = Load { seconds, ..load };
        cost(server, || load.run(servers.site, *address, cases[which].target, &proven[which]))
    };
    let mut costs = [Vec::new(), Vec::new(), Vec::new()];
    for which in 0..cases.len() {
        asked(which, 1)?;
    }
    for round in 1..=rounds {
        told.round("guards on beside guards off", round, rounds);
        for (which, name) in ["no guards", BEARER.title, BASIC.title].into_iter().enumerate() {
            let (cost, _) = asked(which, seconds)?;
            told.figure(name, format_args!("{cost:.2} µs of CPU time per request"));
            costs[which].push(cost);
        }
    }
    let [off, bearer, basic] = &costs;
    let line = |case: Case, on| {
        let title = format!("1 KiB file behind auth ({}), allow, rate, cors and concurrency", case.title);
        Also::of_verdict(GUARDS, title, "µs", on, ("on/off", off))
    };
    Ok(vec![line(BEARER, bearer), line(BASIC, basic)])
}

/// The rate is the greatest that can be written, and nobody reaches it.
fn routes(site: &Site) -> Result<String, Failure> {
    let users = site.write("users", &hashed(&["hash-password", "--user", "ann", "--role", "reader"], PASSWORD)?)?;
    let tokens = site.write("tokens", &hashed(&["hash-token", "ci", "--scope", "read", "--stdin"], TOKEN)?)?;
    let files = site.files();
    Ok(format!(
        "[auth.bench]\n\
         basic = {users:?}\n\
         tokens = {tokens:?}\n\
         [route.\"/guarded/{{path...}}\"]\n\
         files = {{ root = {files:?}, cache = \"{MAX_AGE}s\" }}\n\
         auth = \"bench\"\n\
         allow = [\"role:reader\", \"scope:read\"]\n\
         rate = \"1000000/s per client\"\n\
         cors = {{ origins = [\"https://app.example\"] }}\n\
         concurrency = {{ max = 1000 }}\n\
         [route.\"/limited/{{path...}}\"]\n\
         files = {{ root = {files:?}, cache = \"{MAX_AGE}s\" }}\n\
         rate = \"1000000/s per client\"\n\
         concurrency = {{ max = 1000 }}\n\
         headers = {{ \"Referrer-Policy\" = \"no-referrer\" }}\n"
    ))
}

/// nginx with the same limits. A file, because its `return` answers before any limit is asked.
fn start_nginx(site: &Site, setting: Setting<'_>) -> Result<Nginx, Failure> {
    let http = "  limit_req_zone $binary_remote_addr zone=rate:1m rate=1000000r/s;\n\
                \x20 limit_conn_zone $binary_remote_addr zone=slots:1m;\n";
    let folder = format!("{}/", site.files().display());
    let server = format!(
        "    location /limited/ {{\n\
         \x20     alias {folder:?};\n\
         \x20     limit_req zone=rate burst=1000000 nodelay;\n\
         \x20     limit_conn slots 1000;\n\
         \x20     add_header Cache-Control max-age={MAX_AGE};\n\
         \x20     add_header Referrer-Policy no-referrer;\n\
         \x20   }}\n"
    );
    Nginx::start_with(site, setting, nginx::Lines { http, server: &server })
}

/// What a command of Verdict's says of a secret.
fn hashed(arguments: &[&str], secret: &str) -> Result<String, Failure> {
    let binary = verdict::binary();
    let hashed = || {
        let mut verdict = Command::new(&binary);
        let mut child = verdict.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(secret.as_bytes())?;
        }
        child.wait_with_output()
    };
    let output = hashed().while_trying(format_args!("run {} {}", binary.display(), arguments[0]))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(Failure::Wrong(format!("verdict {} fails: {}", arguments[0], output.status))),
    }
}
