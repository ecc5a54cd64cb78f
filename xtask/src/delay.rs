//! How long answers take, at a rate that neither server is at its end with: at half of the greatest, and beside a
//! download that comes from the disk.

use crate::case::{Case, FIXED, Proven, SMALL, request};
use crate::cold::{self, Cold};
use crate::contest::Pair;
use crate::failure::Failure;
use crate::load::Load;
use crate::nginx::Form;
use crate::open_loop::{Download, OpenLoop};
use crate::progress::Progress;
use crate::rows::{COLD, COLD_GATE, HALF};
use crate::table::Also;
use crate::times::caution;
use crate::versus::Rounds;
use std::net::SocketAddr;

const CONNECTIONS: usize = 64;
/// Small requests a second beside the download: few, so that their times tell of the disk and not of the processor.
const BESIDE: f64 = 2000.0;

/// Who answers.
struct Answering {
    name: &'static str,
    address: SocketAddr,
    proven: Proven,
}

/// nginx as distributions ship it, and Verdict.
fn both(pair: &Pair<'_>, case: &Case) -> Result<[Answering; 2], Failure> {
    let answering = |name, address| Ok(Answering { name, address, proven: case.prove(address)? });
    Ok([answering("nginx", pair.nginx.address(Form::Sendfile))?, answering("verdict", pair.verdict.1)?])
}

/// 99th and 99.9th percentile of the fixed answer at half of the rate that the slower one of both can keep.
pub(crate) fn half(pair: &Pair<'_>, core: usize, rounds: Rounds, told: Progress) -> Result<Vec<Also>, Failure> {
    let Rounds { rounds, seconds } = rounds;
    let both = both(pair, &FIXED)?;
    let mut greatest = f64::INFINITY;
    for Answering { name, address, proven } in &both {
        let load = Load { cores: &[core], connections: CONNECTIONS as u32, seconds };
        let rate = load.run(pair.site, *address, FIXED.target, proven)? / f64::from(seconds);
        told.figure(name, format_args!("{rate:.0} answers a second at most"));
        greatest = greatest.min(rate);
    }
    let rate = greatest / 2.0;
    let load = OpenLoop { core, connections: CONNECTIONS, rate, seconds };
    // Of nginx, then of Verdict, a value for each round.
    let mut disturbed = false;
    let mut p99 = [Vec::new(), Vec::new()];
    let mut p999 = [Vec::new(), Vec::new()];
    for round in 1..=rounds {
        told.round("half load", round, rounds);
        for (which, Answering { name, address, proven }) in both.iter().enumerate() {
            let measured = load.run(*address, proven, None)?;
            disturbed |= measured.warn(name);
            let (within99, within999) = (measured.times.within(0.99), measured.times.within(0.999));
            told.figure(name, format_args!("p99 {within99:.0} µs, p99.9 {within999:.0} µs"));
            p99[which].push(within99);
            p999[which].push(within999);
        }
    }
    let said = caution(disturbed);
    let title = |part| format!("fixed answer at half load, {rate:.0} requests a second, {part}{said}");
    Ok(vec![Also::of_both(HALF, title("p99"), "µs", &p99), Also::of_both(HALF, title("p99.9"), "µs", &p999)])
}

/// 99th percentile of a small file that is in memory, alone and while one client downloads a large one that is not. Nothing
/// where the disk has no room for it.
pub(crate) fn cold(pair: &Pair<'_>, core: usize, rounds: Rounds, told: Progress) -> Result<Vec<Also>, Failure> {
    let Rounds { rounds, seconds } = rounds;
    let Some(file) = Cold::write(pair.site)? else { return Ok(Vec::new()) };
    let both = both(pair, &SMALL)?;
    let load = OpenLoop { core, connections: CONNECTIONS, rate: BESIDE, seconds };
    // Of nginx, then of Verdict, a value for each round.
    let mut disturbed = false;
    let mut alone = [Vec::new(), Vec::new()];
    let mut beside = [Vec::new(), Vec::new()];
    for round in 1..=rounds {
        told.round("beside a cold download", round, rounds);
        for (which, Answering { name, address, proven }) in both.iter().enumerate() {
            let measured = load.run(*address, proven, None)?;
            disturbed |= measured.warn(name);
            let quiet = measured.times.within(0.99);
            file.cool()?;
            let request = request(*address, &format!("/{}", cold::NAME), &[]);
            let measured = load.run(*address, proven, Some(&Download { request, length: cold::LENGTH }))?;
            disturbed |= measured.warn(name);
            let (loud, came) = (measured.times.within(0.99), measured.downloaded >> 20);
            told.figure(name, format_args!("p99 {quiet:.0} µs alone, {loud:.0} µs beside {came} MiB"));
            alone[which].push(quiet);
            beside[which].push(loud);
        }
    }
    let title = format!("1 KiB file, {BESIDE:.0} requests a second, p99{}", caution(disturbed));
    let loud = format!("{title}, beside a cold download of 4 GiB");
    let loud = Also::of_rise(COLD, loud, "µs", &beside, &alone[1], COLD_GATE);
    Ok(vec![Also::of_both(COLD, title, "µs", &alone), loud])
}
