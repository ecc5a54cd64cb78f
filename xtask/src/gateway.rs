//! Verdict as a reverse proxy, against nginx and beside HAProxy: what a request costs, how long answers take, a tunnel of
//! messages, and the memory while a large body is passed on. The origins and the load share a core.

use crate::case::Case;
use crate::contest::cost;
use crate::failure::{Failure, While};
use crate::load::Load;
use crate::machine;
use crate::nginx::{self, Form, Nginx};
use crate::open_loop::OpenLoop;
use crate::origin::{self, KEY, LENGTH, MESSAGE, Origin, asked, echoed};
use crate::process::{Server, Setting, free_address, on_cores};
use crate::progress::Progress;
use crate::rows::{
    GATEWAY, GATEWAY_LARGE, GATEWAY_LARGE_GATE, GATEWAY_P99, GATEWAY_P99_GATE, GATEWAY_ROW, GATEWAY_WEBSOCKET,
};
use crate::site::{SMALL, Site};
use crate::table::{Also, Line};
use crate::times::{Times, caution};
use crate::verdict;
use crate::versus::Rounds;
use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// Connections that are tunnels.
const TUNNELS: usize = 8;
/// Where nginx adds to a request only what its documentation has it add.
const USUAL_TARGET: &str = "/gateway/usual/1k";
/// Bytes of a large body between two looks at the memory.
const LOOK: u64 = 16 << 20;
const PART: usize = 1 << 20;
/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// The gateways, all on one core, before the same origins. Only one of them is under load at a time.
pub(crate) struct Gateways<'a> {
    site: &'a Site,
    load_core: usize,
    gateways: Vec<Gateway>,
    /// The origin of small answers, which is Verdict, and of everything else.
    _origins: (Server, Origin),
}

struct Gateway {
    name: &'static str,
    server: Server,
    address: SocketAddr,
}

/// The place of each in the list; HAProxy may be missing.
const NGINX: usize = 0;
const VERDICT: usize = 1;
const HAPROXY: usize = 2;

/// What nginx's documentation has it add to a request.
const USUAL: &str = "proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; \
                     proxy_set_header X-Forwarded-Proto $scheme;";

/// What Verdict adds besides: `Via`, which a gateway owes (RFC 9110 §7.6.3), `Forwarded` (RFC 7239), the host that was asked
/// for, and an id, which the client is told too.
const SAME: &str = "proxy_set_header Via \"1.1 nginx\"; \
                    proxy_set_header Forwarded \"for=$remote_addr;proto=$scheme;host=\\\"$http_host\\\"\"; \
                    proxy_set_header X-Forwarded-Host $http_host; \
                    proxy_set_header Request-Id $request_id; add_header Request-Id $request_id;";

impl<'a> Gateways<'a> {
    pub(crate) fn start(site: &'a Site, [core, load_core]: [usize; 2]) -> Result<Gateways<'a>, Failure> {
        let setting = Setting { cores: &[core], room: None, log: false };
        let (small, small_address) = small(site, Setting { cores: &[load_core], room: Some(ROOM), log: false })?;
        let origin = on_cores(&[load_core], Origin::start).while_trying("start an origin")?;
        let origins = [small_address, origin.address];
        let mut gateways = vec![through_nginx(site, setting, origins)?, through_verdict(site, setting, origins)?];
        match machine::program("haproxy") {
            Ok(_) => gateways.push(through_haproxy(site, setting, small_address)?),
            Err(missing) => eprintln!("gateway: HAProxy is left out: {missing}"),
        }
        Ok(Gateways { site, load_core, gateways, _origins: (small, origin) })
    }

    /// CPU time per request, in rounds: nginx, which adds what Verdict adds, and beside it nginx with fewer fields, and HAProxy.
    pub(crate) fn requests(&self, rounds: Rounds, told: Progress) -> Result<(Line, Vec<Also>), Failure> {
        let row = &GATEWAY_ROW;
        let usual = Case { target: USUAL_TARGET, ..row.case };
        let nginx = &self.gateways[NGINX];
        let mut all: Vec<_> = self.gateways.iter().map(|gateway| (gateway.name, gateway, row.case)).collect();
        all.push(("nginx with fewer fields", nginx, usual));
        let asked = |gateway: &Gateway, case: Case, seconds| {
            let proven = case.prove(gateway.address)?;
            let load = Load { cores: &[self.load_core], connections: row.connections, seconds };
            let asked = || load.run(self.site, gateway.address, case.target, &proven);
            Ok::<_, Failure>(cost(&gateway.server, asked)?.0)
        };
        for (_, gateway, case) in &all {
            asked(gateway, *case, 1)?;
        }
        let mut costs = vec![Vec::new(); all.len()];
        for round in 1..=rounds.rounds {
            told.round(row.title, round, rounds.rounds);
            for ((name, gateway, case), costs) in all.iter().zip(&mut costs) {
                let cost = asked(gateway, *case, rounds.seconds)?;
                told.figure(name, format_args!("{cost:.2} µs of CPU time per request"));
                costs.push(cost);
            }
        }
        let usual = costs.pop().unwrap_or_default();
        let title = |what| format!("{}, {what}", row.title);
        let of_both = [usual, costs[VERDICT].clone()];
        let mut also = vec![Also::of_both(GATEWAY, title("nginx with fewer fields".to_owned()), "µs", &of_both)];
        also.extend(costs.get(HAPROXY).map(|haproxy| {
            let title = title(format!("HAProxy takes {:.2} µs", median(haproxy)));
            Also::of_verdict(GATEWAY, title, "µs", &costs[VERDICT], ("Verdict/HAProxy", haproxy))
        }));
        let nginx = vec![(Form::Sendfile, costs[NGINX].clone())];
        Ok((Line::of_requests(row, nginx, costs[VERDICT].clone()), also))
    }

    /// 99th percentile at half of the rate that the slower one of Verdict and HAProxy can keep.
    pub(crate) fn p99(&self, Rounds { rounds, seconds }: Rounds, told: Progress) -> Result<Option<Also>, Failure> {
        let (case, connections) = (GATEWAY_ROW.case, GATEWAY_ROW.connections);
        let Some(both) = self.gateways.get(VERDICT..=HAPROXY) else {
            eprintln!("{GATEWAY_P99}: left out, because it is held against HAProxy");
            return Ok(None);
        };
        let mut greatest = f64::INFINITY;
        for gateway in both {
            let load = Load { cores: &[self.load_core], connections, seconds };
            let answers = load.run(self.site, gateway.address, case.target, &case.prove(gateway.address)?)?;
            let rate = answers / f64::from(seconds);
            told.figure(gateway.name, format_args!("{rate:.0} answers a second at most"));
            greatest = greatest.min(rate);
        }
        let rate = greatest / 2.0;
        let load = OpenLoop { core: self.load_core, connections: connections as usize, rate, seconds };
        let (mut disturbed, mut p99) = (false, [Vec::new(), Vec::new()]);
        for round in 1..=rounds {
            told.round("reverse proxy at half load", round, rounds);
            for (gateway, p99) in both.iter().zip(&mut p99) {
                let measured = load.run(gateway.address, &case.prove(gateway.address)?, None)?;
                disturbed |= measured.warn(gateway.name);
                let within = measured.times.within(0.99);
                told.figure(gateway.name, format_args!("p99 {within:.0} µs"));
                p99.push(within);
            }
        }
        let [verdict, haproxy] = &p99;
        let title = format!(
            "reverse proxy at half load, {rate:.0} requests a second, p99, HAProxy takes {:.0} µs{}",
            median(haproxy),
            caution(disturbed)
        );
        let line = Also::of_verdict(GATEWAY_P99, title, "µs", verdict, ("Verdict/HAProxy", haproxy));
        Ok(Some(line.below(GATEWAY_P99_GATE)))
    }

    /// Messages through tunnels, echoed, nginx beside it: CPU time per MiB, and bytes a second, of both directions.
    pub(crate) fn websocket(&self, Rounds { rounds, seconds }: Rounds, told: Progress) -> Result<[Also; 2], Failure> {
        let (mut costs, mut rates) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
        for round in 1..=rounds {
            told.round("messages through tunnels", round, rounds);
            for (which, gateway) in self.gateways[..=VERDICT].iter().enumerate() {
                let echoed = || {
                    let mib = on_cores(&[self.load_core], || echo(gateway.address, seconds));
                    mib.while_trying(format_args!("have messages echoed through {}", gateway.name))
                };
                let (cost, mib) = cost(&gateway.server, echoed)?;
                let rate = mib / f64::from(seconds);
                told.figure(gateway.name, format_args!("{cost:.0} µs of CPU time per MiB, {rate:.0} MiB/s"));
                costs[which].push(cost);
                rates[which].push(rate);
            }
        }
        let title = |what| format!("{TUNNELS} websockets, messages of {} KiB both ways, {what}", MESSAGE >> 10);
        Ok([
            Also::of_both(GATEWAY_WEBSOCKET, title("CPU time per MiB"), "µs", &costs),
            Also::of_both(GATEWAY_WEBSOCKET, title("bytes a second"), "MiB/s", &rates),
        ])
    }

    /// What Verdict's memory rises by while a large body goes through it, in either direction.
    pub(crate) fn large(&self, rounds: u32, told: Progress) -> Result<[Also; 2], Failure> {
        let Gateway { name, server, address } = &self.gateways[VERDICT];
        let (mut peaks, mut rises) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
        for round in 1..=rounds {
            told.round("a body of 1 GiB passed on", round, rounds);
            for (which, pass) in [receive, send].into_iter().enumerate() {
                let before = server.memory()?;
                let (mut peak, begun) = (before, Instant::now());
                let mut look = || {
                    peak = peak.max(server.memory().map_err(|failure| io::Error::other(failure.to_string()))?);
                    Ok(())
                };
                on_cores(&[self.load_core], || pass(*address, &mut look))
                    .while_trying(format_args!("pass a large body through {address}"))?;
                let rate = mib(LENGTH) / begun.elapsed().as_secs_f64();
                told.figure(
                    name,
                    format_args!("{rate:.0} MiB/s, {:.1} MiB before, {:.1} MiB at most", mib(before), mib(peak)),
                );
                peaks[which].push(mib(peak));
                rises[which].push(mib(peak.saturating_sub(before)));
            }
        }
        let line = |which: usize, way| {
            let title = format!("memory of the process while 1 GiB is passed on {way}");
            let line = Also::beside(GATEWAY_LARGE, title, "MiB", &peaks[which], ("more than before", &rises[which]));
            line.each_below(GATEWAY_LARGE_GATE)
        };
        Ok([line(0, "to the client"), line(1, "to the origin")])
    }
}

/// Connections that the origin has room for: those of every gateway that are kept, and more.
const ROOM: u32 = 4096;

/// The origin of small answers, on the load's core.
pub(crate) fn small(site: &Site, setting: Setting<'_>) -> Result<(Server, SocketAddr), Failure> {
    let (target, body) = (GATEWAY_ROW.case.target, "v".repeat(SMALL as usize));
    let tables = format!("[route.\"{target}\"]\nrespond = {{ status = 200, body = \"{body}\" }}\n");
    verdict::start_with(site, setting, verdict::Lines { keys: "", tables: &tables })
}

/// The route of Verdict to the origin of small answers.
pub(crate) fn route_to(small: SocketAddr) -> String {
    format!("[route.\"/gateway/{{path...}}\"]\nproxy = [\"http://{small}\"]\n")
}

fn through_verdict(site: &Site, setting: Setting<'_>, [small, origin]: [SocketAddr; 2]) -> Result<Gateway, Failure> {
    let tables = route_to(small)
        + &format!(
            "[route.\"/origin/{{path...}}\"]\n\
         proxy = [\"http://{origin}\"]\n\
         limits = {{ body = \"2GiB\" }}\n"
        );
    let (server, address) = verdict::start_with(site, setting, verdict::Lines { keys: "", tables: &tables })?;
    Ok(Gateway { name: "verdict", server, address })
}

fn through_nginx(site: &Site, setting: Setting<'_>, [small, origin]: [SocketAddr; 2]) -> Result<Gateway, Failure> {
    // A header that a location sets itself takes away those of its server.
    let told = USUAL;
    let http = format!("  upstream small {{ server {small}; keepalive 128; keepalive_requests 1000000000; }}\n");
    let server = format!(
        "    location /gateway/ {{\n\
         \x20     proxy_pass http://small; proxy_http_version 1.1; proxy_set_header Connection \"\"; {told} {SAME}\n\
         \x20   }}\n\
         \x20   location /gateway/usual/ {{\n\
         \x20     proxy_pass http://small/gateway/; proxy_http_version 1.1; proxy_set_header Connection \"\"; {told}\n\
         \x20   }}\n\
         \x20   location /origin/ {{\n\
         \x20     proxy_pass http://{origin}; proxy_http_version 1.1; {told}\n\
         \x20     proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;\n\
         \x20   }}\n"
    );
    let nginx = Nginx::start_with(site, setting, nginx::Lines { http: &http, server: &server })?;
    let address = nginx.address(Form::Sendfile);
    Ok(Gateway { name: "nginx", server: nginx.server, address })
}

fn through_haproxy(site: &Site, setting: Setting<'_>, small: SocketAddr) -> Result<Gateway, Failure> {
    let address = free_address()?;
    let config = site.write("haproxy.cfg", &haproxy(address, small))?;
    let mut command = Command::new(machine::program("haproxy")?);
    command.arg("-db").arg("-f").arg(config);
    let server = Server::start("haproxy", &mut command, setting.cores, address, site.folder())?;
    Ok(Gateway { name: "haproxy", server, address })
}

fn haproxy(address: SocketAddr, origin: SocketAddr) -> String {
    format!(
        "global\n\
         \x20 nbthread 1\n\
         \x20 maxconn 4000\n\
         defaults\n\
         \x20 mode http\n\
         \x20 timeout client 75s\n\
         \x20 timeout server 75s\n\
         \x20 timeout connect 5s\n\
         \x20 option forwardfor\n\
         \x20 http-reuse always\n\
         frontend gateway\n\
         \x20 bind {address} backlog 4096\n\
         \x20 http-request set-header X-Forwarded-Proto http\n\
         \x20 default_backend origin\n\
         backend origin\n\
         \x20 server small {origin} pool-max-conn 128\n"
    )
}

/// Has messages echoed, one under way on each connection; returns the MiB that came and went.
fn echo(address: SocketAddr, seconds: u32) -> io::Result<f64> {
    let tunnels = (0..TUNNELS).map(|_| tunnel(address)).collect::<io::Result<Vec<_>>>()?;
    let until = Instant::now() + Duration::from_secs(u64::from(seconds));
    let messages = thread::scope(|scope| {
        let all: Vec<_> = tunnels.into_iter().map(|stream| scope.spawn(move || messages(stream, until))).collect();
        let panicked = |_| Err(io::Error::other("a thread panicked"));
        all.into_iter().map(|one| one.join().unwrap_or_else(panicked)).sum::<io::Result<u64>>()
    })?;
    Ok(mib(messages * (asked().len() + echoed().len()) as u64))
}

fn messages(mut stream: BufReader<TcpStream>, until: Instant) -> io::Result<u64> {
    let (sent, wanted) = (asked(), echoed());
    let mut came = vec![0; wanted.len()];
    let mut messages = 0;
    while Instant::now() < until {
        stream.get_mut().write_all(&sent)?;
        stream.read_exact(&mut came)?;
        if came != wanted {
            return Err(io::Error::new(ErrorKind::InvalidData, "a message came back changed"));
        }
        messages += 1;
    }
    Ok(messages)
}

fn tunnel(address: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    let fields =
        format!("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}");
    let mut stream = connect(address)?;
    stream.get_mut().write_all(&request("GET", address, &fields))?;
    expect(&mut stream, "101")?;
    Ok(stream)
}

/// Receives the large body.
fn receive(address: SocketAddr, look: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
    let mut stream = connect(address)?;
    stream.get_mut().write_all(&request("GET", address, "Accept: */*"))?;
    expect(&mut stream, "200")?;
    for _ in 0..LENGTH / LOOK {
        origin::take(&mut stream, LOOK)?;
        look()?;
    }
    Ok(())
}

/// Sends the large body.
fn send(address: SocketAddr, look: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
    let mut stream = connect(address)?;
    stream.get_mut().write_all(&request("PUT", address, &format!("Content-Length: {LENGTH}")))?;
    let part = vec![b'v'; PART];
    for sent in 1..=LENGTH / PART as u64 {
        stream.get_mut().write_all(&part)?;
        if sent % (LOOK / PART as u64) == 0 {
            look()?;
        }
    }
    expect(&mut stream, "204")
}

fn connect(address: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(BufReader::with_capacity(PART, stream))
}

fn request(method: &str, address: SocketAddr, fields: &str) -> Vec<u8> {
    format!("{method} /origin/large HTTP/1.1\r\nHost: {address}\r\n{fields}\r\n\r\n").into_bytes()
}

/// Reads a head, which must have this status.
fn expect(stream: &mut BufReader<TcpStream>, status: &str) -> io::Result<()> {
    let head = origin::head(stream)?.unwrap_or_default();
    match head.split(' ').nth(1) {
        Some(found) if found == status => Ok(()),
        _ => Err(io::Error::new(ErrorKind::InvalidData, format!("{status} was to come, and came: {head}"))),
    }
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn median(of: &[f64]) -> f64 {
    Times::of(of.to_vec()).within(0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_a_large_body_go_both_ways() {
        let origin = Origin::start().expect("an origin");
        assert!(echo(origin.address, 1).expect("an echo") > 0.0);
        let mut looks = 0;
        let mut look = || {
            looks += 1;
            Ok(())
        };
        receive(origin.address, &mut look).expect("a body");
        send(origin.address, &mut look).expect("a body that is taken");
        assert_eq!(looks, 2 * LENGTH / LOOK);
    }

    #[test]
    fn haproxy_has_one_thread_and_keeps_connections_to_the_origin() {
        let [at, origin] = [1, 2].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let config = haproxy(at, origin);
        for line in ["nbthread 1", "http-reuse always", "option forwardfor", "bind 127.0.0.1:1 backlog 4096"] {
            assert!(config.lines().any(|found| found.trim() == line), "{line}\n{config}");
        }
    }
}
