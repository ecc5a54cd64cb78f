//! The limiter against a bucket of tokens, and what a flood of keys does to it. `VERDICT_LONG=1` sends ten million keys, and in
//! a release build measures what a decision takes.

use super::*;
use crate::config::{Per, Rate};
use proptest::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

const SECOND: u64 = 1_000_000_000;

/// Some time after 1970.
const NOW: u64 = 1_800_000_000 * SECOND;

/// `count` requests in `window` seconds, `burst` at once.
fn rate(count: u32, window: u64, burst: u32) -> Rate {
    Rate { count, window: Duration::from_secs(window), per: Per::Client, burst }
}

fn limiter(count: u32, window: u64, burst: u32) -> Limiter {
    Limiter::of_size(&rate(count, window, burst), 64 << 10)
}

fn client(number: u32) -> Key<'static> {
    Key::Client(IpAddr::from(number.to_be_bytes()))
}

#[test]
fn a_burst_is_let_in_and_then_one_at_a_time() {
    // 60 in a minute, 3 at once. When, in milliseconds; let in, remaining, reset, retry.
    let cases = [
        (0, true, 2, 1, 0),
        (0, true, 1, 2, 0),
        (0, true, 0, 3, 0),
        (0, false, 0, 3, 1),
        (1, false, 0, 3, 1),
        (990, false, 0, 3, 1),
        (1000, true, 0, 3, 0),
        (1500, false, 0, 3, 1),
        (3500, true, 1, 2, 0),
        (3500, true, 0, 3, 0),
        (60_000, true, 2, 1, 0),
    ];
    let limiter = limiter(60, 60, 3);
    for (at, allowed, remaining, reset_seconds, retry_after_seconds) in cases {
        let want = Decision { allowed, limit: 3, remaining, reset_seconds, retry_after_seconds };
        let now = NOW + at * 1_000_000;
        assert_eq!(limiter.peek(client(1), now), want, "at {at} ms, asked");
        assert_eq!(limiter.ask(client(1), now), want, "at {at} ms");
    }
}

#[test]
fn what_is_told_is_what_the_draft_says() {
    // Requests, window, burst; the policy; the fields of the first answer and of the first refusal.
    let cases = [
        (100, 60, 100, "\"default\";q=100;w=60", "\"default\";r=99;t=1", "\"default\";r=0;t=60", "1"),
        (2, 86_400, 1, "\"default\";q=1;w=43200", "\"default\";r=0;t=43200", "\"default\";r=0;t=43200", "43200"),
        (10, 1, 5, "\"default\";q=5;w=1", "\"default\";r=4;t=1", "\"default\";r=0;t=1", "1"),
        (1, 60, 3, "\"default\";q=3;w=180", "\"default\";r=2;t=60", "\"default\";r=0;t=180", "60"),
    ];
    for (count, window, burst, policy, first, last, retry) in cases {
        let limiter = limiter(count, window, burst);
        let told = || {
            let (decision, mut fields) = (limiter.ask(client(1), NOW), Fields::new());
            limiter.add_fields(&decision, &mut fields);
            fields.into_iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>()
        };
        let fields = |now: &str| vec![format!("RateLimit: {now}"), format!("RateLimit-Policy: {policy}")];
        assert_eq!(told(), fields(first), "{count}/{window}");
        for _ in 1..burst {
            told();
        }
        let mut refused = fields(last);
        refused.push(format!("Retry-After: {retry}"));
        assert_eq!(told(), refused, "{count}/{window}");
    }
}

#[test]
fn keys_are_told_apart_by_what_they_are() {
    let same: [(Key<'_>, Key<'_>); 3] = [
        (Key::Client(ip("192.0.2.1")), Key::Client(ip("::ffff:192.0.2.1"))),
        (Key::Client(ip("2001:db8::1")), Key::Client(ip("2001:db8::ffff:0:0:2"))),
        (Key::User("ada"), Key::User("ada")),
    ];
    let other: [(Key<'_>, Key<'_>); 6] = [
        (Key::Client(ip("192.0.2.1")), Key::Client(ip("192.0.2.2"))),
        (Key::Client(ip("2001:db8::1")), Key::Client(ip("2001:db8:0:1::1"))),
        (Key::Client(ip("0.0.0.1")), Key::Client(ip("::"))),
        (Key::User("ada"), Key::User("Ada")),
        (Key::User("ada"), Key::Field(b"ada")),
        (Key::Client(ip("192.0.2.1")), Key::Field(b"192.0.2.1")),
    ];
    for (pairs, is_same) in [(&same[..], true), (&other[..], false)] {
        for (one, another) in pairs {
            let limiter = limiter(1, 60, 1);
            assert!(limiter.ask(*one, NOW).allowed);
            assert_eq!(limiter.ask(*another, NOW).allowed, !is_same, "{one:?} {another:?}");
        }
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn the_clocks_of_two_workers_may_differ_a_little() {
    let limiter = limiter(1000, 60, 2);
    assert!(limiter.ask(client(1), NOW).allowed && limiter.ask(client(1), NOW).allowed);
    for behind in [1, 1_000_000, SECOND / 2, SECOND] {
        let decision = limiter.ask(client(1), NOW - behind);
        assert!(!decision.allowed && decision.retry_after_seconds == 1, "{behind} ns behind: {decision:?}");
    }
    assert!(limiter.ask(client(1), NOW - 3600 * SECOND).allowed, "time has gone back: all is forgotten");
    assert!(limiter.ask(client(1), NOW + 3600 * SECOND).allowed);
}

#[test]
fn a_key_that_was_used_long_ago_is_as_one_that_never_was() {
    let limiter = limiter(1000, 1, 5);
    // 2^32 requests later, times begin anew: about 50 days.
    let turn = (SECOND / 1000) << 32;
    for (i, later) in [0, 1, 60, 86_400, 40 * 86_400, 60 * 86_400, 20 * 365 * 86_400].into_iter().enumerate() {
        assert!(limiter.ask(client(i as u32), NOW).allowed);
        assert_eq!(limiter.ask(client(i as u32), NOW + (later + 10) * SECOND).remaining, 4, "{later} s later");
        assert_eq!(limiter.ask(client(i as u32), NOW + turn + (later + 100) * SECOND).remaining, 4, "{later} s later");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    /// A bucket of `burst` tokens into which `count` fall in `window` seconds, and from which each request that is let in takes
    /// one. The limiter rounds to 1/256 of one.
    #[test]
    fn it_decides_as_a_bucket_of_tokens_does(
        count in 1..2000u32,
        window in prop::sample::select(vec![1u64, 60, 3600, 86_400]),
        burst in 1..50u32,
        // Pauses, as parts of the time in which a token falls.
        pauses in prop::collection::vec((0..3u8, 0.0..3.0f64), 1..200),
    ) {
        const ROUNDED: f64 = 2.0 / 256.0;
        let limiter = limiter(count, window, burst);
        let interval = window as f64 * SECOND as f64 / f64::from(count);
        let (mut now, mut tokens) = (NOW, f64::from(burst));
        for (kind, part) in pauses {
            let pause = if kind == 0 { 0 } else { (part * interval) as u64 };
            now += pause;
            tokens = (tokens + pause as f64 / interval).min(f64::from(burst));
            let decision = limiter.ask(client(1), now);
            if tokens >= 1.0 + ROUNDED {
                prop_assert!(decision.allowed, "{} tokens", tokens);
            } else if tokens < 1.0 - ROUNDED {
                prop_assert!(!decision.allowed, "{} tokens", tokens);
            }
            tokens -= f64::from(u8::from(decision.allowed));
            let remaining = decision.remaining as f64;
            prop_assert!((remaining - ROUNDED..remaining + 1.0 + ROUNDED).contains(&tokens), "{} {:?}", tokens, decision);
            let full = (f64::from(burst) - tokens) * interval / SECOND as f64;
            let told = decision.reset_seconds as f64;
            let second = 1.0 + ROUNDED * interval / SECOND as f64;
            prop_assert!(told >= full - second && told <= full + second, "full in {}: {:?}", full, decision);
        }
    }

    #[test]
    fn whoever_waits_as_long_as_they_are_told_is_let_in(
        count in 1..5000u32,
        window in prop::sample::select(vec![1u64, 60, 3600, 86_400]),
        burst in 1..100u32,
        start in 0..SECOND * 3600,
    ) {
        let (limiter, start) = (limiter(count, window, burst), NOW + start);
        let refused = (0..=burst).map(|_| limiter.ask(client(1), start)).find(|decision| !decision.allowed);
        // Some time may go by only between calls, and none does here.
        let refused = refused.ok_or_else(|| TestCaseError::fail("one more than the burst was let in"))?;
        prop_assert!(refused.retry_after_seconds >= 1);
        let told = start + refused.retry_after_seconds * SECOND;
        prop_assert!(limiter.peek(client(1), told).allowed);
        let rounded = SECOND + window * SECOND / u64::from(count) / REQUEST + 1;
        if told > start + rounded {
            prop_assert!(!limiter.peek(client(1), told - rounded).allowed, "it need not have waited so long");
        }
        let full = limiter.peek(client(1), start + refused.reset_seconds * SECOND);
        prop_assert_eq!(full.remaining, u64::from(burst) - 1, "all but the one that asks");
    }
}

#[test]
fn many_workers_let_in_no_more_than_one() {
    let limiter = limiter(1000, 3600, 1000);
    let allowed = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..1000 {
                    allowed.fetch_add(u64::from(limiter.ask(client(1), NOW).allowed), Relaxed);
                }
            });
        }
    });
    assert_eq!(allowed.load(Relaxed), 1000);
}

/// One key is at its limit while a hundred times as many keys as there is room for come once each.
#[test]
fn a_flood_of_keys_does_not_make_the_server_forget_who_is_at_the_limit() {
    let (keys, limiter) = ((64 << 10) / 8, limiter(600, 60, 10));
    while limiter.ask(Key::User("greedy"), NOW).allowed {}
    let mut refused = 0;
    for key in 0..keys * 100 {
        refused += u64::from(!limiter.ask(client(key), NOW).allowed);
    }
    assert!(!limiter.peek(Key::User("greedy"), NOW).allowed);
    // Keys of which nothing is known are let in, but for those that are taken for another: 8 in 16 million.
    assert!(refused <= 10, "{refused}");
    assert!(limiter.ask(Key::User("new"), NOW).allowed);
}

#[test]
fn a_place_is_used_again_when_its_key_has_made_up_for_its_requests() {
    let (keys, limiter) = ((64 << 10) / 8, limiter(1, 1, 2));
    for second in 0..20 {
        let now = NOW + second * 10 * SECOND;
        for key in 0..keys / 4 {
            let key = client(second as u32 * keys + key);
            assert_eq!(limiter.ask(key, now).remaining, 1);
            assert_eq!(limiter.peek(key, now).remaining, 0, "it has just been counted");
        }
    }
}

#[test]
fn limiters_share_what_memory_there_is() {
    for among in [0, 1, 3, 1000, usize::MAX] {
        let limiter = Limiter::new(&rate(1, 60, 1), among);
        assert!(limiter.table.size() <= (MEMORY / among.max(1)).max(1024), "{among}");
        assert!(limiter.ask(client(1), NOW).allowed && !limiter.ask(client(1), NOW).allowed);
    }
}

/// With `VERDICT_LONG=1`, and `--release` for the time, which is that of the processor: what else runs does not count, but for
/// the caches that it takes. In a process of its own, because the memory is the process's.
#[test]
fn ten_million_keys_fit_into_64_mib_and_a_decision_takes_less_than_200_ns() {
    const ALONE: &str = "VERDICT_RATE_ALONE";
    if std::env::var_os("VERDICT_LONG").is_none_or(|long| long != "1") {
        return;
    }
    if std::env::var_os(ALONE).is_some() {
        return ten_million_keys();
    }
    let name = "rate::tests::ten_million_keys_fit_into_64_mib_and_a_decision_takes_less_than_200_ns";
    let mut test = std::process::Command::new(std::env::current_exe().unwrap());
    let run = test.args([name, "--exact", "--nocapture"]).env(ALONE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && said.contains("a decision: "), "{said}{}", String::from_utf8_lossy(&run.stderr));
    print!("{said}");
}

fn ten_million_keys() {
    const KEYS: u32 = 10_000_000;
    let before = resident();
    let limiter = Limiter::new(&rate(100, 60, 100), 1);
    let start = processor_time();
    let allowed = (0..KEYS).filter(|key| limiter.ask(client(*key), NOW + u64::from(*key) * 100).allowed).count();
    let flood = (processor_time() - start) / KEYS;
    let taken = resident() - before;
    let start = processor_time();
    let refused = (0..KEYS).filter(|_| !limiter.ask(client(7), NOW).allowed).count();
    let one = (processor_time() - start) / KEYS;
    println!("a decision: {flood:?} in a flood, {one:?} for one key; {} KiB", taken >> 10);
    assert!(allowed > KEYS as usize - 100 && refused >= KEYS as usize - 100, "{allowed} {refused}");
    assert!(taken < 64 << 20, "{taken} bytes");
    assert!(cfg!(debug_assertions) || flood.max(one) < Duration::from_nanos(200));
}

/// Bytes of memory that the process has.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

/// What this thread has had of the processor.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
