//! Passing a request on: a member is chosen and asked, and another one where that is safe and worth it.
//!
//! Rules: a request that may have been acted upon is sent again only where that means the same (RFC 9110 §9.2.2), with the same
//! content, to a member that has not been asked, and for at most a fifth of all requests. One that was sent on a connection
//! which turns out to be closed goes once more to the same member for nothing.

use super::relay::Relay;
use super::{Proxy, request};
use crate::config::{Balance, Limits};
use crate::content::Content;
use crate::moment::Moment;
use crate::reactor::Reactor;
use crate::request::Request;
use crate::site::{Common, Site};
use crate::upstream::{Connection, MOST_INTERIM, Sender, Steps, Stream, Tried, Waits};
use std::future::poll_fn;
use std::net::IpAddr;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;
use verdict_core::cause::Upstream;
use verdict_core::decide::Outcome;
use verdict_core::interim::{self, Interim};
use verdict_wire::{Extent, LAST_CHUNK, Name, Requested, Response, Sent, Version, put_chunk};

/// Content of a request that is kept so that it can be sent again.
const REPLAYED: usize = 64 << 10;

/// An answer whose content is not longer is waited for before anything of it is passed on: if it breaks off, another member may
/// be asked.
const GATHERED: u64 = 16 << 10;

/// For how long it is waited for.
const GATHERING: Duration = Duration::from_secs(1);

/// A request on its way.
pub(crate) struct Forward<'f, 'r> {
    pub(crate) site: &'f Site,
    pub(crate) proxy: &'f Rc<Proxy>,
    pub(crate) request: &'f Request<'r>,
    pub(crate) moment: Moment<'f>,
    pub(crate) reactor: &'f Rc<Reactor>,
    pub(crate) common: &'f Common,
    pub(crate) limits: &'f Limits,
    pub(crate) content: &'f mut Content<'r>,
    /// What the client was told before.
    pub(crate) interim: Option<Interim>,
}

/// Why there is no answer to pass on.
pub(crate) enum Unforwarded {
    /// The upstreams failed.
    Failed(Upstream),
    /// The client's content did not come as it should.
    Content(Outcome),
    /// The client has left.
    Left,
}

/// How far the content of a request has been handed over. It outlives the wait in which it is.
#[derive(Default)]
pub(super) struct Feed {
    /// There is none.
    nothing: bool,
    /// All of it is in the sender's buffer, or nobody wants more.
    pub(super) done: bool,
    chunked: bool,
    /// The client waits for 100, and so does who feeds.
    waits: bool,
    /// What was taken from the client so far, while it is little.
    kept: Option<Vec<u8>>,
    /// How much of that this member got.
    replayed: usize,
}

/// What came of waiting.
enum Event {
    Head(Result<(), Upstream>),
    Fed(Result<(), Outcome>),
    Left,
}

/// Why one attempt failed.
enum Attempted {
    /// `sent`: the member may have acted upon it.
    Failed {
        cause: Upstream,
        sent: bool,
    },
    Over(Unforwarded),
}

impl Forward<'_, '_> {
    /// Asks until there is an answer, or no sense in asking again. How it went is the relay's to tell in either case.
    pub(crate) async fn forward(&mut self) -> (Box<Relay>, Result<(), Unforwarded>) {
        let Some(deadlines) = self.moment.deadlines else { unreachable!("a dry run asks nobody") };
        let feed = Feed::of(self.request, self.content);
        let mut relay = Box::new(Relay::begin(self.proxy, deadlines.enroll(), feed, self.moment.timed));
        let asked = self.ask(&mut relay).await;
        if let Err(why) = &asked {
            // Nobody waits for what still comes.
            (relay.connection, relay.pending) = (None, None);
            if let Unforwarded::Failed(cause) = why {
                relay.journey.cause = Some(*cause);
            }
        }
        (relay, asked)
    }

    async fn ask(&mut self, relay: &mut Relay) -> Result<(), Unforwarded> {
        if request::is_looped(self.request) {
            return Err(Unforwarded::Failed(Upstream::Loop));
        }
        let pool = &self.proxy.pool;
        pool.count();
        let mut tried = Tried::default();
        let mut failed = None;
        let mut fresh = false;
        let mut member = self.choose(tried, relay);
        loop {
            let Some(asked) = member else { return Err(Unforwarded::Failed(failed.unwrap_or(Upstream::NoMember))) };
            relay.journey.attempts += 1;
            relay.journey.member = Some(asked);
            let (cause, sent) = match self.attempt(asked, fresh, relay).await {
                // Whether it has worked is known when its answer is over.
                Ok(()) => return Ok(()),
                Err(Attempted::Over(over)) => return Err(over),
                Err(Attempted::Failed { cause, sent }) => (cause, sent),
            };
            // What takes one member too long would take the next as long, and all of them their time.
            let slow = cause == Upstream::FirstByteSlow;
            let repeats = !sent || self.request.head.method.is_idempotent() && relay.feed.can_repeat() && !slow;
            // The other side had closed it when it was taken.
            let stale = relay.journey.reused && cause == Upstream::Reset && !fresh;
            if !stale {
                pool.failed(asked, cause, relay.deadline.after(Duration::ZERO));
                tried.add(asked);
            }
            fresh = stale;
            failed = Some(cause);
            let over = cause == Upstream::TotalSlow || relay.deadline.is_over();
            member = match (repeats && !over, stale) {
                (false, _) => None,
                (true, true) => Some(asked),
                (true, false) => self.choose(tried, relay).filter(|_| pool.may_retry()),
            };
            relay.feed.begin_again();
        }
    }

    fn choose(&self, tried: Tried, relay: &Relay) -> Option<usize> {
        let now = relay.deadline.after(Duration::ZERO);
        let pool = &self.proxy.pool;
        match &self.proxy.config.balance {
            Balance::Least => pool.least(self.moment.random.next(), tried, now),
            Balance::Hash(field) => match self.request.by_name(field) {
                Some(value) => pool.hashed(value, tried, now),
                None => match self.request.client.to_canonical() {
                    IpAddr::V4(address) => pool.hashed(&address.octets(), tried, now),
                    IpAddr::V6(address) => pool.hashed(&address.octets(), tried, now),
                },
            },
        }
    }

    /// Asks one member once. `fresh`: over a connection that nobody has used.
    async fn attempt(&mut self, member: usize, fresh: bool, relay: &mut Relay) -> Result<(), Attempted> {
        let pool = &self.proxy.pool;
        // It has what the last attempt held until here.
        relay.connection = None;
        relay.pending = Some(pool.enter(member));
        let repeatable = self.request.head.method.is_idempotent();
        let kept = if fresh { None } else { pool.take(member, !repeatable) };
        relay.journey.reused = kept.is_some();
        relay.journey.steps = Steps::default();
        let connection = match kept {
            Some(connection) => connection,
            None => Box::pin(self.connect(member, relay)).await?,
        };
        let connection = relay.connection.insert(connection);
        let offered = request::offered(&self.proxy.config, self.request);
        let requested = Requested { method: self.request.head.method, upgrade: offered.is_some() };
        let authority = pool.target(member).authority();
        let out = connection.begin(requested);
        let offered = offered.as_deref();
        if request::write(self.site, &self.proxy.config, self.request, authority, relay.feed.waits, offered, out)
            .is_err()
        {
            debug_assert!(false, "what the wire took cannot be written");
            // No member is to blame.
            return Err(Attempted::Over(Unforwarded::Failed(Upstream::NotHttp)));
        }
        relay.tells_trailers = request::takes_trailers(self.request);
        match self.exchange(relay).await {
            Ok(()) if !relay.changes_to(offered) => Err(Attempted::Failed { cause: Upstream::Framing, sent: true }),
            Ok(()) => {
                relay.journey.first_byte = relay.journey.elapsed();
                Ok(())
            }
            Err(Unforwarded::Failed(cause)) => Err(Attempted::Failed { cause, sent: true }),
            Err(over) => Err(Attempted::Over(over)),
        }
    }

    async fn connect(&self, member: usize, relay: &mut Relay) -> Result<Box<Connection>, Attempted> {
        let waits = Waits::Worker(self.reactor.clone());
        let time = self.proxy.config.timeout.connect;
        let Relay { deadline, end, journey, .. } = relay;
        tokio::select! {
            biased;
            connected = self.proxy.pool.connect(member, &waits, deadline, time, *end, &mut journey.steps) => match connected {
                Ok(connection) => Ok(Box::new(connection)),
                Err(cause) => Err(Attempted::Failed { cause, sent: false }),
            },
            () = self.moment.left() => Err(Attempted::Over(Unforwarded::Left)),
        }
    }

    /// Sends the request and reads until the head of the answer has come; the client is told what it may be before that.
    async fn exchange(&mut self, relay: &mut Relay) -> Result<(), Unforwarded> {
        let patience = self.proxy.config.timeout.first_byte;
        let Relay { connection, deadline, feed, end, .. } = relay;
        let Some(connection) = connection else { unreachable!("it was put there") };
        let Connection { stream, sender, receiver } = &mut **connection;
        let end = *end;
        let mut due = deadline.after(patience).min(end);
        let mut interims = 0;
        // Nearly always the kernel takes all of it, and there is nothing to wait for but the answer.
        sender.flush_at_once(stream).await;
        loop {
            let fed = feed.done && sender.is_sent();
            let event = if fed {
                let left = self.moment.left;
                let answered = poll_fn(|context| {
                    if let Poll::Ready(head) = receiver.poll_head(stream, context) {
                        return Poll::Ready(Event::Head(head));
                    }
                    // Who still sends is noticed by what does not come.
                    left.map_or(Poll::Pending, |client| client.poll_over(context)).map(|()| Event::Left)
                });
                deadline.until(due, answered).await
            } else {
                // While it is the client that is waited for, its own limits hold.
                let until = if feed.waits || !sender.is_sent() { due } else { end };
                Box::pin(deadline.until(until, async {
                    tokio::select! {
                        biased;
                        stepped = feed.step(stream, sender, self.content, self.limits) => Event::Fed(stepped),
                        head = receiver.head(stream) => Event::Head(head),
                    }
                }))
                .await
            };
            match event {
                Some(Event::Fed(Ok(()))) => due = deadline.after(patience).min(end),
                Some(Event::Fed(Err(outcome))) => return Err(Unforwarded::Content(outcome)),
                Some(Event::Left) => return Err(Unforwarded::Left),
                Some(Event::Head(Err(cause))) => return Err(Unforwarded::Failed(cause)),
                Some(Event::Head(Ok(()))) if receiver.response.is_interim() => {
                    interims += 1;
                    if interims > MOST_INTERIM {
                        return Err(Unforwarded::Failed(Upstream::HeadTooLarge));
                    }
                    let passed = Box::pin(self.pass_on(&receiver.response, receiver.message(), feed));
                    passed.await.map_err(Unforwarded::Content)?;
                }
                Some(Event::Head(Ok(()))) => break,
                None if deadline.now() >= end => return Err(Unforwarded::Failed(Upstream::TotalSlow)),
                None => return Err(Unforwarded::Failed(Upstream::FirstByteSlow)),
            }
        }
        if let Extent::Length(length) = receiver.response.extent
            && length <= GATHERED
            && feed.done
            && receiver.unread().len() < length as usize
        {
            let idle = deadline.after(self.proxy.config.timeout.idle).min(end);
            let moment = deadline.after(GATHERING).min(idle);
            let gathered = Box::pin(deadline.until(moment, async {
                tokio::select! {
                    biased;
                    gathered = receiver.gather(stream, length as usize) => gathered.map_err(Unforwarded::Failed),
                    () = self.moment.left() => Err(Unforwarded::Left),
                }
            }));
            match gathered.await {
                Some(gathered) => gathered?,
                None if idle <= deadline.now() => return Err(Unforwarded::Failed(Upstream::TotalSlow)),
                // What takes longer is passed on as it comes.
                None => {}
            }
        }
        Ok(())
    }

    /// Tells the client what it may be told of an interim answer: 100 if it waits for that, and hints as far as the route lets
    /// them through (RFC 9110 §15.2).
    async fn pass_on(&mut self, response: &Response, message: &[u8], feed: &mut Feed) -> Result<(), Outcome> {
        let version = self.request.head.version;
        let knows_interim = version != Version::Http10;
        match response.status.code() {
            100 if feed.waits => {
                feed.waits = false;
                if let Some(invitation) = interim::invite(knows_interim, true, false) {
                    self.content.tell(invitation, &[], self.limits).await?;
                    self.interim = Some(invitation);
                }
            }
            103 => {
                let wants = self.request.navigates() || version == Version::Http2;
                let links: Vec<_> = response.all(Name::Link).map(|link| ("Link", link.of(message))).collect();
                if let (Some(hint), [_, ..]) =
                    (interim::pass_hint(knows_interim, wants, self.common.hints_to_all), &links[..])
                {
                    self.content.tell(hint, &links, self.limits).await?;
                    self.interim = Some(hint);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Feed {
    fn of(request: &Request<'_>, content: &Content<'_>) -> Feed {
        let sent = request::sent(request);
        Feed {
            nothing: sent == Sent::Nothing,
            done: sent == Sent::Nothing,
            chunked: sent == Sent::Chunked,
            waits: sent != Sent::Nothing && content.waits(),
            // Only what may be repeated is kept for it.
            kept: (sent != Sent::Nothing && request.head.method.is_idempotent()).then(Vec::new),
            replayed: 0,
        }
    }

    /// Whether all that was taken from the client can be sent to another member.
    fn can_repeat(&self) -> bool {
        self.nothing || self.kept.is_some()
    }

    /// For another member.
    fn begin_again(&mut self) {
        self.replayed = 0;
        self.done = self.nothing;
    }

    /// One step: what stands in the sender's buffer is sent, or a piece of content is put there.
    pub(super) async fn step(
        &mut self,
        stream: &Stream,
        sender: &mut Sender,
        content: &mut Content<'_>,
        limits: &Limits,
    ) -> Result<(), Outcome> {
        if sender.is_sent() {
            // Most requests have none.
            return Box::pin(self.take(sender, content, limits)).await;
        }
        sender.flush(stream).await;
        if sender.is_deaf() {
            // What it has to say to that is on its way.
            self.done = true;
        }
        Ok(())
    }

    /// Puts a piece of content into the sender's buffer.
    async fn take(&mut self, sender: &mut Sender, content: &mut Content<'_>, limits: &Limits) -> Result<(), Outcome> {
        if self.waits {
            // Who does not wait for 100 any longer sends without (RFC 9110 §10.1.1).
            content.came().await?;
            self.waits = false;
        }
        let out = sender.buffer();
        if let Some(kept) = &self.kept
            && self.replayed < kept.len()
        {
            put(self.chunked, &kept[self.replayed..], out);
            self.replayed = kept.len();
            return Ok(());
        }
        match content.next(limits).await? {
            Some(piece) => {
                put(self.chunked, piece, out);
                if let Some(kept) = &mut self.kept {
                    if kept.len() + piece.len() <= REPLAYED {
                        kept.extend_from_slice(piece);
                        self.replayed = kept.len();
                    } else {
                        self.kept = None;
                    }
                }
            }
            None => {
                if self.chunked {
                    out.extend_from_slice(LAST_CHUNK);
                }
                self.done = true;
            }
        }
        Ok(())
    }
}

fn put(chunked: bool, piece: &[u8], out: &mut Vec<u8>) {
    if chunked {
        put_chunk(out, piece);
    } else {
        out.extend_from_slice(piece);
    }
}
