//! A large file that is uploaded: what the server holds of it in memory meanwhile.

use crate::client::Client;
use crate::failure::{Failure, While};
use crate::process::{Setting, on_cores};
use crate::progress::Progress;
use crate::rows::{UPLOAD, UPLOAD_GATE};
use crate::site::Site;
use crate::table::Also;
use crate::verdict::{self, Lines};
use rustix::fs::statvfs;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Instant;

const LENGTH: u64 = 2 << 30;
const PART: usize = 1 << 20;
/// How often the memory is looked at: after so many parts.
const LOOK: u64 = 32;
/// The room that the disk must have.
const ROOM: u64 = 3 << 30;

/// A PUT of 2 GiB; what the server's memory rises by while it lasts.
pub(crate) fn measure(
    site: &Site,
    [core, load_core]: [usize; 2],
    rounds: u32,
    told: Progress,
) -> Result<Option<Also>, Failure> {
    let folder = site.folder().join("uploads");
    std::fs::create_dir_all(&folder).while_trying(format_args!("make {}", folder.display()))?;
    let disk = statvfs(&folder).map_err(io::Error::from);
    let disk = disk.while_trying(format_args!("ask for the room of {}", folder.display()))?;
    if disk.f_bavail * disk.f_frsize < ROOM {
        eprintln!("upload: left out, because {} has less than 3 GiB of room", folder.display());
        return Ok(None);
    }
    let keys = format!("state = {:?}\n", site.folder().join("state-upload"));
    let tables = format!(
        "[route.\"/up/{{path...}}\"]\n\
         files = {folder:?}\n\
         upload = {{ quota = \"3GiB\" }}\n\
         limits = {{ body = \"3GiB\" }}\n"
    );
    let setting = Setting { cores: &[core], room: None, log: false };
    let (server, address) = verdict::start_with(site, setting, Lines { keys: &keys, tables: &tables })?;
    let (mut peaks, mut rises) = (Vec::new(), Vec::new());
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    for round in 1..=rounds {
        told.round("an upload of 2 GiB", round, rounds);
        let before = server.memory()?;
        let begun = Instant::now();
        let mut peak = before;
        let look = || {
            peak = peak.max(server.memory().map_err(|failure| io::Error::other(failure.to_string()))?);
            Ok(())
        };
        on_cores(&[load_core], || send(address, look)).while_trying(format_args!("put a file at {address}"))?;
        let rate = mib(LENGTH) / begun.elapsed().as_secs_f64();
        told.figure(
            "verdict",
            format_args!("{rate:.0} MiB/s, {:.1} MiB before, {:.1} MiB at most", mib(before), mib(peak)),
        );
        peaks.push(mib(peak));
        rises.push(mib(peak.saturating_sub(before)));
    }
    let title = "memory of the process while 2 GiB are uploaded".to_owned();
    Ok(Some(Also::beside(UPLOAD, title, "MiB", &peaks, ("more than before", &rises)).each_below(UPLOAD_GATE)))
}

fn send(address: SocketAddr, mut look: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    let mut client = Client::connect(address)?;
    let head = format!("PUT /up/large.bin HTTP/1.1\r\nHost: {address}\r\nContent-Length: {LENGTH}\r\n\r\n");
    client.send(head.as_bytes())?;
    let part = vec![b'v'; PART];
    for sent in 0..LENGTH / PART as u64 {
        client.send(&part)?;
        if sent % LOOK == 0 {
            look()?;
        }
    }
    match client.receive()?.status {
        201 | 204 => Ok(()),
        status => Err(io::Error::new(ErrorKind::InvalidData, format!("a PUT of a file got a {status}"))),
    }
}
