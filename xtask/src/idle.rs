//! What a connection costs in memory that has had its answer and is kept alive.

use crate::case::SMALL;
use crate::client::Client;
use crate::failure::{Failure, While};
use crate::nginx::{Form, Nginx};
use crate::process::{Server, Setting};
use crate::site::Site;
use crate::table::Line;
use crate::verdict;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

/// Longer than either server keeps the buffers of a connection that has become idle.
const SETTLED: Duration = Duration::from_secs(4);
/// Room for one connection more or less.
const ROOM: u32 = 64;

/// Measures both servers: the difference between one with `connections` idle ones and one that has room for few and has
/// served one, so that what is set aside in advance for each connection counts.
pub(crate) fn measure(site: &Site, cores: &[usize], connections: u32) -> Result<Line, Failure> {
    eprintln!("idle connection: {connections} connections to each server");
    let setting = |room| Setting { cores, room: Some(room), log: false };
    let nginx = |room, count| {
        let nginx = Nginx::start(site, setting(room))?;
        held(&nginx.server, nginx.address(Form::Sendfile), count)
    };
    let verdict = |room, count| {
        let (server, address) = verdict::start(site, setting(room), 1)?;
        held(&server, address, count)
    };
    let room = connections + ROOM;
    let nginx = per_connection(nginx(ROOM, 1)?, nginx(room, connections)?, connections);
    let verdict = per_connection(verdict(ROOM, 1)?, verdict(room, connections)?, connections);
    Ok(Line::of_connections(connections, nginx, verdict))
}

/// The server's memory while it holds as many idle connections.
fn held(server: &Server, address: SocketAddr, connections: u32) -> Result<u64, Failure> {
    let request = SMALL.prove(address)?.request;
    let mut clients = Vec::new();
    for _ in 0..connections {
        let answered = Client::connect(address).and_then(|mut client| {
            client.send(&request)?;
            Ok((client.receive()?.status, client))
        });
        let (status, client) =
            answered.while_trying(format_args!("open connection {} to {address}", clients.len() + 1))?;
        if status != SMALL.status {
            return Err(Failure::Wrong(format!("connection {} to {address} got a {status}", clients.len() + 1)));
        }
        clients.push(client);
    }
    thread::sleep(SETTLED);
    server.memory()
}

fn per_connection(before: u64, after: u64, connections: u32) -> f64 {
    (after as f64 - before as f64) / f64::from(connections)
}
