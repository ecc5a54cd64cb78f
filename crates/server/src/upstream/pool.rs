//! The members of a route, as one worker sees them: which is asked next, what connections to them there are, and how they have
//! been lately.
//!
//! Rule: what a member did is remembered by who saw it, and shared with nobody: a worker that has not met a failure meets it
//! once. Whatever is ejected for what it did, one member is left; only health checks can leave none.

use super::connect;
use super::connection::Connection;
use super::members::{Member, Members};
use super::socket::{Address, Socket, Waits};
use super::stream::Stream;
use super::target::{Host, Target};
use crate::deadline::{Deadline, NEVER, ticks};
use std::cell::{Cell, RefCell};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::spawn_local;
use verdict_core::cause::Upstream;

/// Connections that are kept to one member while nobody needs them, and for how long.
const MOST_IDLE: usize = 128;
const IDLE: Duration = Duration::from_secs(50);

/// For how long the addresses of a name are used before it is looked up again. The system does not tell their TTL.
const ADDRESSES: Duration = Duration::from_secs(10);

/// For how long a member is not asked after a failure; each further one doubles it.
const EJECTED: Duration = Duration::from_secs(1);
const EJECTED_MOST: Duration = Duration::from_secs(30);

/// Failures in a row after which a member that can be reached is not asked for a while. One that cannot be is not at once.
const FAILURES: u32 = 3;

/// Retries are a fifth of the requests in the long run, and at most so many at once.
const RETRY_EACH: u32 = 5;
const RETRIES: u32 = 100;

/// The members.
pub(crate) struct Pool {
    seats: Vec<Seat>,
    /// In fifths of a retry.
    budget: Cell<u32>,
}

/// One member.
struct Seat {
    member: Arc<Member>,
    idle: RefCell<Vec<Idle>>,
    /// Requests under way.
    pending: Cell<u32>,
    /// Failures since it last worked.
    failures: Cell<u32>,
    /// The tick until which it is not asked.
    ejected: Cell<u32>,
    addresses: Known,
}

/// The addresses of a name, and the tick until which they are used without a look.
type Known = Rc<RefCell<Option<(Rc<[Address]>, u32)>>>;

struct Idle {
    connection: Box<Connection>,
    since: u32,
}

/// How long the steps to a connection took.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Steps {
    pub(crate) look_up: Duration,
    pub(crate) connect: Duration,
    pub(crate) tls: Duration,
}

/// A set of members by number.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Tried(u64);

impl Tried {
    pub(crate) fn add(&mut self, member: usize) {
        self.0 |= 1 << (member as u64 & 63);
    }

    fn has(self, member: usize) -> bool {
        self.0 & 1 << (member as u64 & 63) != 0
    }
}

/// A request that is under way to a member, counted.
pub(crate) struct Pending {
    pool: Rc<Pool>,
    member: usize,
}

impl Drop for Pending {
    fn drop(&mut self) {
        let pending = &self.pool.seats[self.member].pending;
        pending.set(pending.get() - 1);
    }
}

impl Pool {
    /// The most members that one route has.
    pub(crate) const MOST: usize = 64;

    pub(crate) fn new(members: &Members) -> Pool {
        let seat = |member: &Arc<Member>| Seat {
            member: member.clone(),
            idle: RefCell::default(),
            pending: Cell::new(0),
            failures: Cell::new(0),
            ejected: Cell::new(0),
            addresses: Known::default(),
        };
        Pool { seats: members.all().iter().map(seat).collect(), budget: Cell::new(RETRIES * RETRY_EACH) }
    }

    pub(crate) fn target(&self, member: usize) -> &Target {
        &self.seats[member].member.target
    }

    /// The member to ask: of two that `random` draws, the one with less to do. `None` if all that work were tried.
    pub(crate) fn least(&self, random: u64, tried: Tried, now: u32) -> Option<usize> {
        if let [_] = self.seats[..] {
            return (self.works(0) && !tried.has(0)).then_some(0);
        }
        let fit = || (0..self.seats.len()).filter(|member| self.is_fit(*member, tried, now));
        let count = fit().count() as u64;
        if count == 0 {
            return self.least_ejected(tried);
        }
        let first = (random >> 32) % count;
        // Another one, if there is one.
        let second = (first + 1 + (random & 0xffff_ffff) % count.saturating_sub(1).max(1)) % count;
        let drawn = |rank: u64| fit().nth(rank as usize).map(|member| (self.seats[member].pending.get(), member));
        let (first, second) = (drawn(first)?, drawn(second)?);
        Some(if second.0 < first.0 { second.1 } else { first.1 })
    }

    /// The member for this key, which is the same for as long as it works: the one that has drawn the highest number for it, so
    /// that where one is missing only its keys go elsewhere (rendezvous hashing).
    pub(crate) fn hashed(&self, key: &[u8], tried: Tried, now: u32) -> Option<usize> {
        let number = |member: usize| {
            // Its keys are always the same.
            let mut hasher = DefaultHasher::new();
            (key, self.target(member).to_string()).hash(&mut hasher);
            hasher.finish()
        };
        let fit = (0..self.seats.len()).filter(|member| self.is_fit(*member, tried, now));
        fit.max_by_key(|member| number(*member)).or_else(|| self.least_ejected(tried))
    }

    /// A member that works as far as anybody checks, although it failed lately: any is better than none.
    fn least_ejected(&self, tried: Tried) -> Option<usize> {
        let works = (0..self.seats.len()).filter(|member| self.works(*member) && !tried.has(*member));
        works.min_by_key(|member| self.seats[*member].ejected.get())
    }

    fn is_fit(&self, member: usize, tried: Tried, now: u32) -> bool {
        !tried.has(member) && self.works(member) && self.seats[member].ejected.get() <= now
    }

    /// What health checks say, where there are any.
    fn works(&self, member: usize) -> bool {
        self.seats[member].member.works()
    }

    /// Whether health checks have left nobody to ask.
    pub(crate) fn has_nobody(&self) -> bool {
        (0..self.seats.len()).all(|member| !self.works(member))
    }

    /// Counts a request that begins.
    pub(crate) fn enter(self: &Rc<Self>, member: usize) -> Pending {
        let pending = &self.seats[member].pending;
        pending.set(pending.get() + 1);
        Pending { pool: self.clone(), member }
    }

    /// A new request, for a fifth of which there may be a retry.
    pub(crate) fn count(&self) {
        self.budget.set((self.budget.get() + 1).min(RETRIES * RETRY_EACH));
    }

    /// Whether one more retry is within the budget.
    pub(crate) fn may_retry(&self) -> bool {
        let left = self.budget.get().checked_sub(RETRY_EACH);
        self.budget.set(left.unwrap_or(self.budget.get()));
        left.is_some()
    }

    /// The member did what it should.
    pub(crate) fn worked(&self, member: usize) {
        let seat = &self.seats[member];
        seat.failures.set(0);
        seat.ejected.set(0);
    }

    /// It did not.
    pub(crate) fn failed(&self, member: usize, cause: Upstream, now: u32) {
        use Upstream::*;
        let seat = &self.seats[member];
        let failures = seat.failures.get() + 1;
        let unreachable =
            matches!(cause, NameUnknown | LookUp | Refused | Unreachable | ConnectSlow | TlsSlow | Certificate | Tls);
        // What is too large, or loops, is the request's doing as much as the member's; and nobody is slow for want of ports.
        if matches!(cause, Loop | PoolBusy | ContentTooLarge | NoMember | TotalSlow) {
            return;
        }
        seat.failures.set(failures);
        if unreachable || failures >= FAILURES {
            let beyond = if unreachable { failures - 1 } else { failures - FAILURES };
            let time = EJECTED.saturating_mul(1 << beyond.min(10)).min(EJECTED_MOST);
            seat.ejected.set(now.saturating_add(ticks(time)).min(NEVER - 1));
        }
        if unreachable && cause != LookUp {
            // It may be elsewhere by now.
            seat.addresses.take();
        }
    }

    /// A connection that is there and that nothing has happened on. What may not be sent twice is worth a look at each: the kernel
    /// may know what it has not told.
    pub(crate) fn take(&self, member: usize, look: bool) -> Option<Box<Connection>> {
        let mut idle = self.seats[member].idle.borrow_mut();
        while let Some(Idle { connection, .. }) = idle.pop() {
            let over = connection.stream.has_stirred() || look && connection.stream.has_something();
            if !over {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps a connection for the next request.
    pub(crate) fn put(&self, member: usize, mut connection: Box<Connection>, now: u32) {
        let mut idle = self.seats[member].idle.borrow_mut();
        connection.forget();
        // What stirred until here was the answer. Whatever stands behind it is no answer to anybody (RFC 9112 §6.3), and on a
        // connection that is kept it would be taken for one.
        let over = connection.stream.has_stirred() && connection.stream.is_over();
        if idle.len() < MOST_IDLE && !over && connection.stream.is_quiet() {
            idle.push(Idle { connection, since: now });
        }
    }

    /// Closes connections that nobody has needed for a while, and those that the other side has closed.
    pub(crate) fn sweep(&self, now: u32) {
        for seat in &self.seats {
            let mut idle = seat.idle.borrow_mut();
            idle.retain(|idle| idle.since.saturating_add(ticks(IDLE)) > now && !idle.connection.stream.has_stirred());
            let kept = idle.len().next_power_of_two();
            idle.shrink_to(kept);
        }
    }

    /// Connects to a member. All of it is to be done by `end`, and each of finding it, reaching it and TLS within `time`.
    pub(crate) async fn connect(
        &self,
        member: usize,
        waits: &Waits,
        deadline: &Deadline,
        time: Duration,
        end: u32,
        steps: &mut Steps,
    ) -> Result<Connection, Upstream> {
        let target = self.target(member);
        let began = Instant::now();
        let addresses = self.addresses(member, deadline, deadline.after(time).min(end)).await?;
        if let Host::Name(_) = target.host() {
            steps.look_up = began.elapsed();
        }
        let began = Instant::now();
        let mut reached = Err(Upstream::NameUnknown);
        for (i, address) in addresses.iter().enumerate() {
            // What one does not use is for those after it, so that one that is silent leaves time for the others.
            let left = time.saturating_sub(began.elapsed()) / (addresses.len() - i) as u32;
            let due = deadline.after(left).min(end);
            reached = deadline.until(due, Socket::connect(address, waits)).await.unwrap_or(Err(Upstream::ConnectSlow));
            if reached.is_ok() {
                break;
            }
        }
        steps.connect = began.elapsed();
        let socket = reached?;
        if !target.is_secure() {
            return Ok(Connection::new(Stream::plain(socket)));
        }
        let began = Instant::now();
        let due = deadline.after(time).min(end);
        let stream = deadline.until(due, connect::secured(socket, target)).await.unwrap_or(Err(Upstream::TlsSlow));
        steps.tls = began.elapsed();
        stream.map(Connection::new)
    }

    async fn addresses(&self, member: usize, deadline: &Deadline, due: u32) -> Result<Rc<[Address]>, Upstream> {
        let seat = &self.seats[member];
        let now = deadline.after(Duration::ZERO);
        let known = seat.addresses.borrow().clone();
        if let Some((known, until)) = known {
            if until <= now {
                // Nobody waits for a name server while there are addresses; what it says is for those who come next.
                seat.addresses.replace(Some((known.clone(), deadline.after(ADDRESSES))));
                let (seat, member, until) = (seat.addresses.clone(), seat.member.clone(), deadline.after(ADDRESSES));
                spawn_local(async move {
                    if let Ok(found) = connect::addresses(&member.target).await {
                        seat.replace(Some((found.into(), until)));
                    }
                });
            }
            return Ok(known);
        }
        let found =
            deadline.until(due, connect::addresses(&seat.member.target)).await.unwrap_or(Err(Upstream::LookUp))?;
        let found: Rc<[Address]> = found.into();
        seat.addresses.replace(Some((found.clone(), deadline.after(ADDRESSES))));
        Ok(found)
    }
}
