//! More clients than slots: how long those take that are let in, and how soon the others know that they are not.
//!
//! What a request costs here is time and not the processor's, as in an application that waits for something: a slot is held
//! until the client has the file, over a network of its own that takes a tenth of a second for it or two ([`STEP_TIME`]). The
//! server's core has room left, and that is the point: what is measured is who is let in and who is told, not how fast a full
//! core is.

use crate::case::{Case, SMALL, request};
use crate::crowd::{Arrivals, Crowd, Met, STEP};
use crate::failure::{Failure, While};
use crate::process::Setting;
use crate::progress::Progress;
use crate::rows::{OVERLOAD, OVERLOAD_GATE, REFUSAL_GATE};
use crate::site::{Site, fill};
use crate::table::Also;
use crate::times::{self, caution};
use crate::verdict::{self, Lines};
use crate::versus::Rounds;
use std::time::Duration;

/// Requests that the route lets in at once. No other waits.
const SLOTS: usize = 64;
/// Connections that push.
const CONNECTIONS: usize = 1000;
/// Requests a second of all of them together: thirty times what the slots can take, and no more than the load has time for.
const RATE: f64 = 10_000.0;
/// The steps of a download. With eighteen the file is 1.125 MiB: of more than one Verdict holds the end back until the client
/// has acknowledged what is before it, and the slot with it, so that no buffer of a socket stands in for the client.
const STEPS: u32 = 18;
const LENGTH: u64 = STEP * STEPS as u64;
/// How long a step takes in the quickest network, and in the slowest: a file 90 ms and 270 ms, of a server that takes no time,
/// which is 105 and 35 Mbit/s. In networks four times as quick the slots alone move 1.6 GB a second through the loopback, which
/// fills both cores with copying: what is measured then is the kernel's queue.
const STEP_TIME: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(15)];
const FILE: &str = "slots.bin";

/// The case whose answer says that the file is there.
const DOWNLOAD: Case =
    Case { name: OVERLOAD, title: "1.125 MiB file", target: "/slots/slots.bin", content: Some(LENGTH), ..SMALL };

/// A figure of each round, unloaded and loaded.
type Both = [Vec<f64>; 2];

/// Downloads by as many clients as there are slots, then by a thousand that push, in rounds.
pub(crate) fn measure(
    site: &Site,
    [core, load_core]: [usize; 2],
    Rounds { rounds, seconds }: Rounds,
    told: Progress,
) -> Result<Vec<Also>, Failure> {
    let path = site.files().join(FILE);
    fill(&path, LENGTH).while_trying(format_args!("write {}", path.display()))?;
    let setting = Setting { cores: &[core], room: Some(CONNECTIONS as u32 + 64), log: false };
    let files = site.files();
    let route = format!(
        "[route.\"/slots/{{path...}}\"]\n\
         files = {files:?}\n\
         concurrency = {{ max = {SLOTS}, queue = 0 }}\n"
    );
    let lines = Lines { keys: "explain = \"header\"\n", tables: &route };
    let (server, address) = verdict::start_with(site, setting, lines)?;
    DOWNLOAD.prove(address)?;
    let request = request(address, DOWNLOAD.target, &[]);
    let crowd = |connections, arrivals, seconds| {
        let load = Crowd { core: load_core, server: core, connections, arrivals, step: STEP_TIME, seconds };
        let before = server.waited()?;
        let met = load.run(address, &request, LENGTH)?;
        // Its core is its own where this is little: it is woken often, and a few microseconds each time are always there.
        let waited = server.waited()?.saturating_sub(before).as_secs_f64() / f64::from(seconds.max(1));
        told.figure(
            "verdict",
            format_args!("ready to run and without its core for {:.1} % of the time", waited * 100.0),
        );
        Ok(met)
    };
    let unloaded = |seconds| crowd(SLOTS, Arrivals::AfterAnswers(STEP_TIME[0] * STEPS), seconds);
    let loaded = |seconds| crowd(CONNECTIONS, Arrivals::Even(RATE), seconds);
    unloaded(1)?;
    loaded(1)?;
    let mut figures = Figures::default();
    for round in 1..=rounds {
        told.round("overload", round, rounds);
        figures.add(0, unloaded(seconds)?, told)?;
        figures.add(1, loaded(seconds)?, told)?;
    }
    Ok(figures.lines())
}

#[derive(Default)]
struct Figures {
    p50: Both,
    p99: Both,
    /// 99th percentile until the first byte of a download.
    begun: Both,
    busy: Both,
    /// Of the 503s of each round under load.
    refusals: [Vec<f64>; 3],
    /// Refusals that were left out, of how many.
    stalled: [usize; 2],
    disturbed: bool,
}

impl Figures {
    fn add(&mut self, which: usize, met: Met, told: Progress) -> Result<(), Failure> {
        let name = ["unloaded", "loaded"][which];
        self.disturbed |= times::warn(name, met.kept_off);
        let Met { downloads, begun, refusals, stalled, busy, .. } = met;
        if (refusals.count() > 0) != (which == 1) {
            return Err(Failure::Wrong(format!("{name}, {} requests got a 503", refusals.count())));
        }
        let milliseconds = |part| downloads.within(part) / 1e3;
        let refused = [0.5, 0.99, 1.0].map(|part| refusals.within(part));
        told.figure(
            name,
            format_args!(
                "{} downloads, p50 {:.1} ms, p99 {:.1} ms, of the first byte {:.0} µs; the load is busy for {:.0} % of the time",
                downloads.count(),
                milliseconds(0.5),
                milliseconds(0.99),
                begun.within(0.99),
                busy * 100.0,
            ),
        );
        self.p50[which].push(milliseconds(0.5));
        self.p99[which].push(milliseconds(0.99));
        self.begun[which].push(begun.within(0.99));
        self.busy[which].push(busy * 100.0);
        if which == 1 {
            let [p50, p99, last] = refused;
            let count = refusals.count();
            self.stalled = [self.stalled[0] + stalled, self.stalled[1] + stalled + count];
            told.figure("503", format_args!("{count} and {stalled} with a core away, p50 {p50:.0} µs, p99 {p99:.0} µs, the last one {last:.0} µs"));
            self.refusals.iter_mut().zip(refused).for_each(|(figures, figure)| figures.push(figure));
        }
        Ok(())
    }

    fn lines(&self) -> Vec<Also> {
        let said = caution(self.disturbed);
        let download = |what| {
            let [least, most] = STEP_TIME.map(|step| (step * STEPS).as_millis());
            format!(
                "download of {least} to {most} ms, {SLOTS} slots, {CONNECTIONS} connections that ask {RATE:.0} times a second{said}: {what}"
            )
        };
        let over = |title, unit, [unloaded, loaded]: &Both| {
            Also::of_verdict(OVERLOAD, title, unit, loaded, ("loaded/unloaded", unloaded))
        };
        let [p50, p99, greatest] = &self.refusals;
        let [stalled, refused] = self.stalled;
        let refusal =
            |what| format!("503 for who finds no slot, but {stalled} of {refused} while a core was away{said}: {what}");
        vec![
            over(download("p50"), "ms", &self.p50),
            over(download("p99"), "ms", &self.p99).below(OVERLOAD_GATE),
            over(download("p99 of the first byte"), "µs", &self.begun),
            Also::beside(OVERLOAD, refusal("p50"), "µs", p50, ("p99", p99)),
            Also::beside(OVERLOAD, refusal("p99"), "µs", p99, ("the last one", greatest)).each_below(REFUSAL_GATE),
            over("busy part of the load's core meanwhile".to_owned(), "%", &self.busy),
        ]
    }
}
