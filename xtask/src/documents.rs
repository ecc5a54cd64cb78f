//! What documents cost: reading one beside a fixed answer, writing them durably beside a loop that does so one by one, and a
//! page of a collection of a million.
//!
//! What is durable costs what the disk makes of it, so the loop is measured on the same disk in the same round, and the time of
//! one of its writes is the unit.

use crate::case::{Case, FIXED, Fields, SMALL};
use crate::client::Client;
use crate::closed_loop;
use crate::contest::cost;
use crate::failure::{Failure, While};
use crate::load::Load;
use crate::process::{Server, Setting, on_cores};
use crate::progress::Progress;
use crate::rows::{DOCUMENT, DOCUMENT_GATE, DURABLE, DURABLE_GATE, DURABLE_P99_GATE, PAGE, PAGE_GATE};
use crate::site::Site;
use crate::table::Also;
use crate::times::Times;
use crate::verdict::{self, Lines};
use crate::versus::Rounds;
use rusqlite::Connection;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// Connections, as in the rows against nginx.
const CONNECTIONS: u32 = 64;
/// Documents of the large collection, and of a page of it.
const MILLION: u32 = 1_000_000;
const PAGE_OF: usize = 50;
/// Pages that are asked for in a round.
const PAGES: u32 = 200;

const READ: Case =
    Case { name: DOCUMENT, title: "1 KiB document", target: "/notes/one", fields: Fields::Bare, ..SMALL };

/// By how much longer an fsync takes where it is slowed down: then as on a disk that has no memory of its own that outlasts a
/// power loss.
const LATER: Duration = Duration::from_millis(3);

/// The member of the documents that is indexed.
const INDEX: &str = "\"/group\"";

/// A server with a collection, whose state is in a folder that is given, with an index or without.
fn start(site: &Site, cores: &[usize], state: &Path, index: &str) -> Result<(Server, SocketAddr), Failure> {
    start_as(Command::new(verdict::binary()), site, cores, state, index)
}

fn start_as(
    command: Command,
    site: &Site,
    cores: &[usize],
    state: &Path,
    index: &str,
) -> Result<(Server, SocketAddr), Failure> {
    let keys = format!("state = {state:?}\n");
    let tables = &format!("[route.\"/notes/{{id}}\"]\ndocuments = {{ index = [{index}] }}\n");
    let setting = Setting { cores, room: None, log: false };
    verdict::start_as_with(command, site, setting, Lines { keys: &keys, tables })
}

/// A document of 1 KiB.
fn document(number: u32) -> String {
    let begin = format!("{{\"number\":{number},\"group\":{},\"text\":\"", number / 1000);
    format!("{begin}{}\"}}", "v".repeat(SMALL.content.unwrap_or_default() as usize - begin.len() - 2))
}

fn put(address: SocketAddr, id: &str, document: &str) -> Vec<u8> {
    let length = document.len();
    format!(
        "PUT /notes/{id} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nPrefer: return=minimal\r\n\
         Content-Length: {length}\r\n\r\n{document}"
    )
    .into_bytes()
}

/// A GET of a document beside one of a fixed answer.
pub(crate) fn read(
    site: &Site,
    [core, load_core]: [usize; 2],
    Rounds { rounds, seconds }: Rounds,
    told: Progress,
) -> Result<Also, Failure> {
    let (server, address) = start(site, &[core], &site.folder().join("state-read"), INDEX)?;
    written(address, &put(address, "one", &document(0))).while_trying("put a document")?;
    let proven = [FIXED.prove(address)?, READ.prove(address)?];
    let asked = |which: usize, seconds| {
        let load = Load { cores: &[load_core], connections: CONNECTIONS, seconds };
        cost(&server, || load.run(site, address, [FIXED, READ][which].target, &proven[which]))
    };
    let mut costs = [Vec::new(), Vec::new()];
    for which in 0..2 {
        asked(which, 1)?;
    }
    for round in 1..=rounds {
        told.round("a document beside a fixed answer", round, rounds);
        for (which, costs) in costs.iter_mut().enumerate() {
            let (cost, _) = asked(which, seconds)?;
            told.figure([FIXED, READ][which].title, format_args!("{cost:.2} µs of CPU time per request"));
            costs.push(cost);
        }
    }
    let [fixed, document] = &costs;
    let title = "GET of a 1 KiB document: CPU time per request".to_owned();
    Ok(Also::of_verdict(DOCUMENT, title, "µs", document, ("document/fixed answer", fixed)).below(DOCUMENT_GATE))
}

/// One PUT and its answer.
fn written(address: SocketAddr, request: &[u8]) -> io::Result<()> {
    let mut client = Client::connect(address)?;
    answered(&mut client, request)
}

fn answered(client: &mut Client, request: &[u8]) -> io::Result<()> {
    client.send(request)?;
    match client.receive()?.status {
        201 | 204 => Ok(()),
        status => Err(io::Error::new(ErrorKind::InvalidData, format!("a PUT got a {status}"))),
    }
}

/// Durable PUTs by as many connections as in the other rows, beside a plain loop over SQLite with one fsync for each. The disk
/// is to be the limit of both and not a core, so each has all cores, and the load shares them with the server.
///
/// Where an fsync takes little, that does not help: what HTTP costs is the limit then, and the answers of as many connections
/// come one after the other. So it is measured as well with an fsync that takes longer, for both.
pub(crate) fn durable(site: &Site, cores: [usize; 2], rounds: Rounds, told: Progress) -> Result<Vec<Also>, Failure> {
    let mut all = durable_with(Duration::ZERO, Command::new(verdict::binary()), site, cores, rounds, told)?;
    let object = site.folder().join("late_fsync.so");
    let source = verdict::workspace().join("xtask/src/late_fsync.c");
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&object).arg(source).status();
    if !compiled.is_ok_and(|status| status.success()) {
        eprintln!("durable: SKIPPED with a slower fsync: there is no C compiler (apt-get install gcc libc6-dev)");
        return Ok(all);
    }
    let mut command = Command::new(verdict::binary());
    command.env("LD_PRELOAD", object).env("LATER", LATER.as_nanos().to_string());
    all.extend(durable_with(LATER, command, site, cores, rounds, told)?);
    Ok(all)
}

fn durable_with(
    later: Duration,
    server: Command,
    site: &Site,
    cores: [usize; 2],
    Rounds { rounds, seconds }: Rounds,
    told: Progress,
) -> Result<Vec<Also>, Failure> {
    let state = site.folder().join(format!("state-durable-{}", later.as_millis()));
    // As the loop's table, it has no index but that of the ids.
    let (_server, address) = start_as(server, site, &cores, &state, "")?;
    let (mut each, mut puts, mut p99) = (Vec::new(), Vec::new(), Vec::new());
    let time = Duration::from_secs(seconds.into());
    crowd(address, &cores, |elapsed, _| elapsed < Duration::from_secs(1))?;
    for round in 1..=rounds {
        told.round("durable PUTs beside a loop", round, rounds);
        let alone = on_cores(&cores, || plain(site.folder(), time, later));
        let alone = alone.while_trying("write to a database of SQLite's")?;
        let times = crowd(address, &cores, |elapsed, _| elapsed < time)?;
        let together = time.as_secs_f64() * 1e6 / times.count() as f64;
        let slow = times.within(0.99);
        told.figure("a loop", format_args!("{alone:.0} µs each"));
        told.figure("verdict", format_args!("{together:.0} µs each, p99 {slow:.0} µs"));
        each.push(alone);
        puts.push(together);
        p99.push(slow);
    }
    let disk = if later.is_zero() { String::new() } else { format!(", each fsync {} ms longer", later.as_millis()) };
    let title = |what| format!("durable PUT of 1 KiB, {CONNECTIONS} connections{disk}: {what}");
    let share = Also::of_verdict(DURABLE, title("one every"), "µs", &puts, ("of a plain loop's, fsync each", &each));
    let late = Also::of_verdict(DURABLE, title("p99"), "µs", &p99, ("in writes of that loop", &each));
    Ok(vec![share.below(DURABLE_GATE), late.below(DURABLE_P99_GATE)])
}

/// Microseconds that a write takes where each is a transaction of its own, whose fsync takes so much longer.
fn plain(folder: &Path, time: Duration, later: Duration) -> io::Result<f64> {
    let folder = tempfile::tempdir_in(folder)?;
    let loops = || {
        let connection = Connection::open(folder.path().join("plain.db"))?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE document (id TEXT PRIMARY KEY, content BLOB) STRICT;",
        )?;
        let mut insert = connection.prepare("INSERT OR REPLACE INTO document (id, content) VALUES (?, ?)")?;
        let begun = Instant::now();
        let mut count = 0;
        while begun.elapsed() < time {
            insert.execute((format!("{count}"), document(count).as_bytes()))?;
            thread::sleep(later);
            count += 1;
        }
        Ok(begun.elapsed().as_secs_f64() * 1e6 / f64::from(count))
    };
    loops().map_err(|error: rusqlite::Error| io::Error::other(error))
}

/// PUTs one after the other on each connection, of a new document each, for as long as `more` says; how long each took.
fn crowd(address: SocketAddr, cores: &[usize], more: impl Fn(Duration, u32) -> bool + Send) -> Result<Times, Failure> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let from = NEXT.load(Relaxed);
    let next = move |elapsed, request: &mut Vec<u8>| {
        let number = NEXT.fetch_add(1, Relaxed);
        if more(elapsed, number - from) {
            request.extend(put(address, &format!("{number:08}"), &document(number)));
        }
    };
    closed_loop::run(address, cores, CONNECTIONS, next).while_trying(format_args!("put documents at {address}"))
}

/// Pages of a collection of a million documents, by a member that is indexed.
pub(crate) fn page(
    site: &Site,
    [core, load_core]: [usize; 2],
    Rounds { rounds, .. }: Rounds,
    told: Progress,
) -> Result<Also, Failure> {
    let (_server, address) = start(site, &[core], &site.folder().join("state-page"), INDEX)?;
    eprintln!("page: putting a million documents");
    crowd(address, &[load_core], |_, count| count < MILLION)?;
    let (mut p50, mut slowest) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        told.round("pages of a million", round, rounds);
        let asked = on_cores(&[load_core], || {
            let mut client = Client::connect(address)?;
            // Groups that are spread over all of them: a prime stride.
            (0..PAGES)
                .map(|page| one_page(&mut client, address, (round * PAGES + page) * 619 % (MILLION / 1000)))
                .collect()
        });
        let times: Vec<f64> = asked.while_trying("ask for pages")?;
        let times = Times::of(times);
        told.figure("page", format_args!("p50 {:.0} µs, the slowest {:.0} µs", times.within(0.5), times.within(1.0)));
        p50.push(times.within(0.5));
        slowest.push(times.within(1.0));
    }
    let title = format!("page of {PAGE_OF} of {MILLION} documents by an indexed filter: p50");
    Ok(Also::beside(PAGE, title, "µs", &p50, ("the slowest one", &slowest)).each_below(PAGE_GATE))
}

fn one_page(client: &mut Client, address: SocketAddr, group: u32) -> io::Result<f64> {
    let request = format!("GET /notes?group={group}&_limit={PAGE_OF} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let sent = Instant::now();
    client.send(request.as_bytes())?;
    let answer = client.receive()?;
    let took = sent.elapsed().as_secs_f64() * 1e6;
    let full = answer.content > PAGE_OF as u64 * SMALL.content.unwrap_or_default();
    match (answer.status, full) {
        (200, true) => Ok(took),
        (status, _) => {
            let said = format!("a page got a {status} with {} bytes", answer.content);
            Err(io::Error::new(ErrorKind::InvalidData, said))
        }
    }
}
