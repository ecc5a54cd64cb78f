//! Whatever is asked of a server, its answer is one that `verdict openapi` and `verdict routes` have for that path and method, with
//! the fields, the type and the reason that they promise.
//!
//! Requests are made of parts that matter to somebody, put together at random from fixed seeds, and sent over connections that are
//! kept. Most are framed as they should be and follow each other; the last of a connection may be broken in any way. 20,000 are
//! tried, with `VERDICT_LONG=1` 200,000, and `VERDICT_REQUESTS` says another number: a million takes two minutes.

#[path = "../running/mod.rs"]
mod running;

mod asked;
mod client;
mod dice;
mod listed;
mod rows;
mod site;
mod upstream;

use asked::{Asking, Memory};
use client::Client;
use dice::Dice;
use listed::Contract;
use site::Site;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

/// As many as a kept connection may be asked, and fewer than fill the buffers of a socket.
const AT_ONCE: usize = 12;

/// Each asks over connections of its own.
const CLIENTS: u64 = 4;

fn requests() -> u64 {
    if let Some(count) = std::env::var("VERDICT_REQUESTS").ok().and_then(|count| count.parse().ok()) {
        return count;
    }
    if std::env::var_os("VERDICT_LONG").is_some_and(|value| value == "1") { 200_000 } else { 20_000 }
}

/// What came of them.
#[derive(Default)]
struct Seen {
    /// How often each reason was given, by status.
    given: BTreeMap<(u16, String), u64>,
    /// What breaks the contract, with the first request that showed it.
    broken: BTreeMap<String, String>,
}

impl Seen {
    fn add(mut self, other: Seen) -> Seen {
        for (key, count) in other.given {
            *self.given.entry(key).or_default() += count;
        }
        self.broken.extend(other.broken);
        self
    }

    fn holds(&self) {
        let told: Vec<_> = self.broken.iter().map(|(why, how)| format!("{why}\n{how}\n")).collect();
        assert!(told.is_empty(), "{} things:\n{}", told.len(), told.join("\n"));
    }
}

/// Sends so many requests, and judges each answer.
fn ask_all(address: SocketAddr, contract: &Contract, seed: u64, count: u64) -> Seen {
    let (mut dice, mut memory, mut seen) = (Dice::new(seed), Memory::default(), Seen::default());
    let mut answered = 0;
    while answered < count {
        let batch = Asking::batch(&mut dice, &memory, AT_ONCE);
        let mut client = Client::to(address);
        let messages: Vec<&[u8]> = batch.iter().map(|asking| &*asking.message).collect();
        client.send(&messages.concat());
        for asking in &batch {
            // One that is refused may end the connection, and what came behind it is asked by nobody.
            let Some(answer) = client.answer(asking.method) else { break };
            if let Err(why) = contract.judge(asking, &answer) {
                let how = || format!("{}\n{answer:#?}", asking.message.escape_ascii());
                seen.broken.entry(why).or_insert_with(how);
            }
            memory.learn(asking, &answer);
            *seen.given.entry((answer.status, answer.reason().to_owned())).or_default() += 1;
            answered += 1;
        }
    }
    seen
}

#[test]
fn no_answer_is_outside_what_is_described() {
    let site = Site::start(site::EVERY_KIND, "header");
    let contract = Contract::of(site.folder());
    let (count, begun) = (requests(), Instant::now());
    let address = site.address();
    let ask = |seed| ask_all(address, &contract, seed, count / CLIENTS);
    let seen = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|seed| {
                scope.spawn({
                    let ask = &ask;
                    move || ask(seed)
                })
            })
            .collect();
        let seen = clients.into_iter().map(|client| client.join().expect("it asks to the end"));
        seen.fold(Seen::default(), Seen::add)
    });
    println!("{count} in {:.1} s\n{:#?}", begun.elapsed().as_secs_f32(), seen.given);
    seen.holds();
    // What is compared is a good part of what there is.
    let statuses: BTreeSet<u16> = seen.given.keys().map(|(status, _)| *status).collect();
    let missed: Vec<_> = CERTAIN.iter().filter(|status| !statuses.contains(status)).collect();
    assert!(missed.is_empty(), "{missed:?} of {statuses:?}");
}

/// What any twenty thousand of them bring about.
const CERTAIN: [u16; 33] = [
    200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 410, 411, 412, 413, 414, 415, 416,
    417, 422, 426, 428, 429, 431, 501, 502, 503, 505,
];

/// Where nothing is told of why, problems are described as having no type.
#[test]
fn nor_where_no_reason_is_told() {
    let site = Site::start(site::EVERY_KIND, "off");
    let contract = Contract::of(site.folder());
    let seen = ask_all(site.address(), &contract, 7, 4_000);
    seen.holds();
    assert!(seen.given.keys().all(|(_, reason)| reason.is_empty()), "{:?}", seen.given);
}

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(60);
