//! An answer whose head has come: what still comes behind it, piece by piece, until the upstream's connection is free again.

use super::Proxy;
use super::forward::Feed;
use crate::config::Limits;
use crate::content::Content;
use crate::deadline::Deadline;
use crate::send::{Takes, give};
use crate::socket::Socket;
use crate::upstream::{Connection, Pending, Steps};
use std::future::{Future, pending};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use verdict_core::cause::Upstream;
use verdict_core::decide::process::Work;
use verdict_core::decide::{Outcome, Process};
use verdict_core::field::list::elements;
use verdict_core::reason::Reason;
use verdict_core::status::Status;
use verdict_core::{Facts, decide};
use verdict_wire::{Close, Extent, Name, put_chunk, put_last_chunk, trailers};

/// Content is gathered up to this size before it is sent on, as long as more of it is there already.
const GATHERED: usize = 64 << 10;

/// How a request fared on its way to the upstreams, for the log and for whoever asks why.
pub(crate) struct Journey {
    pub(crate) proxy: Rc<Proxy>,
    /// `None` where nobody keeps the times.
    began: Option<Instant>,
    /// The member that was asked last.
    pub(crate) member: Option<usize>,
    /// How often a member was asked, or was tried to be.
    pub(crate) attempts: u32,
    /// The connection was there already.
    pub(crate) reused: bool,
    /// The steps of the last connection that was made.
    pub(crate) steps: Steps,
    /// Until the head of an answer had come.
    pub(crate) first_byte: Option<Duration>,
    /// Until the end of it.
    pub(crate) total: Option<Duration>,
    /// How it failed.
    pub(crate) cause: Option<Upstream>,
}

/// A request on its way to an upstream, and its answer on the way back.
pub(crate) struct Relay {
    pub(super) proxy: Rc<Proxy>,
    /// There until it is free, or lost.
    pub(super) connection: Option<Box<Connection>>,
    /// It counts as under way until it is over.
    pub(super) pending: Option<Pending>,
    pub(super) feed: Feed,
    pub(super) deadline: Deadline,
    /// The tick by which all of it has to be over.
    pub(super) end: u32,
    pub(crate) journey: Journey,
    /// Bytes of content that were given out.
    pub(crate) bytes: u64,
    /// The client takes what is said behind the content.
    pub(super) tells_trailers: bool,
    /// What that was, where it is told.
    trailers: Vec<u8>,
}

/// What happens next.
enum Turn {
    /// Content of so many bytes.
    Piece(usize),
    End,
    Broken(Upstream),
    /// Some of the request was handed over; or what comes of it is not what it should be.
    Fed(bool),
}

/// How content is framed for the client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Framed {
    AsItIs,
    Chunked,
}

/// The content of the request, as far as it still comes.
pub(crate) type Unsent<'a, 'c> = Option<(&'a mut Content<'c>, &'a Limits)>;

impl Journey {
    /// `timed`: somebody is going to ask how long it took.
    fn begin(proxy: &Rc<Proxy>, timed: bool) -> Journey {
        Journey {
            proxy: proxy.clone(),
            began: timed.then(Instant::now),
            member: None,
            attempts: 0,
            reused: false,
            steps: Steps::default(),
            first_byte: None,
            total: None,
            cause: None,
        }
    }

    /// How long it has taken so far.
    pub(super) fn elapsed(&self) -> Option<Duration> {
        self.began.map(|began| began.elapsed())
    }

    /// How often, and how long each step took, in microseconds: those that were taken.
    pub(crate) fn times(&self) -> impl Iterator<Item = (&'static str, u128)> {
        let Steps { look_up, connect, tls } = self.steps;
        let step = |name, time: Duration| (!time.is_zero()).then_some((name, time.as_micros()));
        let all = [
            Some(("attempts", u128::from(self.attempts))),
            step("dns_us", look_up),
            step("connect_us", connect),
            step("tls_us", tls),
            self.first_byte.map(|time| ("first_byte_us", time.as_micros())),
            self.total.map(|time| ("total_us", time.as_micros())),
        ];
        all.into_iter().flatten()
    }

    /// What its failure is called, where the client may have been told something else: a head that had come already.
    pub(crate) fn failure(&self) -> Option<Reason> {
        let process = Process { work: Work::Forward, outcome: Outcome::Upstream(self.cause?) };
        Some(decide(&Facts { process, ..Facts::default() }).reason)
    }

    /// The member that was asked last, by its name.
    pub(crate) fn member_name(&self) -> Option<&str> {
        self.member.map(|member| self.proxy.pool.target(member).authority())
    }
}

impl Relay {
    pub(super) fn begin(proxy: &Rc<Proxy>, deadline: Deadline, feed: Feed, timed: bool) -> Relay {
        let end = deadline.after(proxy.config.timeout.total);
        let journey = Journey::begin(proxy, timed);
        Relay {
            proxy: proxy.clone(),
            connection: None,
            pending: None,
            feed,
            deadline,
            end,
            journey,
            bytes: 0,
            tells_trailers: false,
            trailers: Vec::new(),
        }
    }

    /// What the upstream answered.
    pub(crate) fn status(&self) -> Status {
        match &self.connection {
            Some(connection) => connection.receiver.response.status,
            None => unreachable!("it is asked before anything is taken"),
        }
    }

    /// Whether it changes to a protocol that was offered, if it changes to any: to another nobody may (RFC 9110 §7.8).
    pub(super) fn changes_to(&mut self, offered: Option<&[u8]>) -> bool {
        let receiver = &self.connection().receiver;
        if receiver.response.extent != Extent::Tunnel {
            return true;
        }
        let changed: Vec<_> =
            elements(receiver.response.all(Name::Upgrade).map(|line| line.of(receiver.message()))).collect();
        let is_offered = |protocol: &&[u8]| elements(offered).any(|offered| offered.eq_ignore_ascii_case(protocol));
        !changed.is_empty() && changed.iter().all(is_offered)
    }

    /// What was said behind the content, and is to be told.
    pub(crate) fn trailers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        trailers(&self.trailers)
    }

    /// The member that was asked last, where the route shows it to clients.
    pub(crate) fn name_to_show(&self) -> Option<&str> {
        self.journey.member_name().filter(|_| self.proxy.config.show_upstream)
    }

    /// The connection: it is there until the answer is over.
    pub(super) fn connection(&mut self) -> &mut Connection {
        match &mut self.connection {
            Some(connection) => connection,
            None => unreachable!("nothing is asked of it after its end"),
        }
    }

    /// Drops an answer whose content is to be replaced, and keeps what a client of its status needs.
    pub(crate) fn intercepted(&mut self) -> Vec<(&'static str, String)> {
        const NEEDED: [&str; 4] = ["Retry-After", "WWW-Authenticate", "Allow", "Content-Range"];
        let receiver = &self.connection().receiver;
        let (response, message) = (&receiver.response, receiver.message());
        let needed = response.end_to_end(message).filter_map(|line| {
            let name = line.name.of(message);
            let name = NEEDED.into_iter().find(|needed| needed.as_bytes().eq_ignore_ascii_case(name))?;
            Some((name, std::str::from_utf8(line.value.of(message)).ok()?.to_owned()))
        });
        let kept = needed.collect();
        // If it is all there, the connection is free.
        self.take_whole(&mut Vec::new());
        self.connection = None;
        kept
    }

    /// Drops an answer with content that nobody gets, and the connection that it comes on.
    pub(super) fn drop_content(&mut self) {
        self.feed.done = true;
        self.connection = None;
        self.finish();
    }

    /// Whether more of the request's content is to be handed over while the answer comes.
    pub(crate) fn feeds(&self) -> bool {
        !self.feed.done
    }

    /// Takes content that lies behind the head already, all of it, and ends; `false` if some of it is still to come.
    pub(super) fn take_whole(&mut self, out: &mut Vec<u8>) -> bool {
        if !self.feed.done {
            return false;
        }
        let Some(bytes) = self.connection().receiver.take_whole(out) else { return false };
        self.bytes += bytes as u64;
        self.finish();
        true
    }

    /// Appends the next piece of content, framed; `false` at the end, which is framed too. Errors: why the answer is broken off.
    pub(crate) async fn next(
        &mut self,
        mut unsent: Unsent<'_, '_>,
        framed: Framed,
        out: &mut Vec<u8>,
    ) -> Result<bool, Upstream> {
        loop {
            match self.turn(&mut unsent, framed, out).await {
                Some(Turn::Piece(bytes)) => {
                    self.bytes += bytes as u64;
                    return Ok(true);
                }
                Some(Turn::End) => {
                    if let (Some(connection), true) = (&mut self.connection, self.tells_trailers) {
                        self.trailers = connection.receiver.take_trailers();
                    }
                    if framed == Framed::Chunked {
                        put_last_chunk(out, self.trailers());
                    }
                    self.finish();
                    return Ok(false);
                }
                Some(Turn::Fed(true)) => {}
                Some(Turn::Fed(false)) => {
                    // The upstream hears of it by the end of its connection.
                    self.feed.done = true;
                    self.connection().sender.give_up();
                }
                Some(Turn::Broken(cause)) => return Err(self.broken(cause)),
                None => return Err(self.broken(Upstream::TotalSlow)),
            }
        }
    }

    /// One thing that happens in time.
    async fn turn(&mut self, unsent: &mut Unsent<'_, '_>, framed: Framed, out: &mut Vec<u8>) -> Option<Turn> {
        let Relay { connection, feed, deadline, end, proxy, .. } = self;
        let Some(connection) = connection else { return Some(Turn::End) };
        let Connection { stream, sender, receiver } = &mut **connection;
        let feeds = unsent.is_some() && !(feed.done && sender.is_sent());
        let feeding = async {
            match unsent {
                Some((content, limits)) => feed.step(stream, sender, content, limits).await.is_ok(),
                None => pending().await,
            }
        };
        let happens = async {
            tokio::select! {
                biased;
                piece = receiver.piece(stream) => match piece {
                    Ok(Some(piece)) => {
                        match framed {
                            Framed::Chunked => put_chunk(out, piece),
                            Framed::AsItIs => out.extend_from_slice(piece),
                        }
                        Turn::Piece(piece.len())
                    }
                    Ok(None) => Turn::End,
                    Err(cause) => Turn::Broken(cause),
                },
                fed = feeding, if feeds => Turn::Fed(fed),
            }
        };
        deadline.until(deadline.after(proxy.config.timeout.idle).min(*end), happens).await
    }

    fn broken(&mut self, cause: Upstream) -> Upstream {
        if let Some(member) = self.journey.member {
            // Who stalls until the route's patience is over has not worked either.
            let stalled = cause == Upstream::TotalSlow && self.deadline.now() < self.end;
            let charged = if stalled { Upstream::CutShort } else { cause };
            self.proxy.pool.failed(member, charged, self.deadline.now());
        }
        self.journey.cause = Some(cause);
        self.journey.total = self.journey.elapsed();
        self.connection = None;
        cause
    }

    /// The answer is over: its connection is for the next request, if it can be.
    fn finish(&mut self) {
        self.journey.total = self.journey.elapsed();
        self.pending = None;
        self.has_worked();
        if let Some(connection) = self.connection.take()
            && self.feed.done
            && connection.may_be_reused()
            && let Some(member) = self.journey.member
        {
            self.proxy.pool.put(member, connection, self.deadline.now());
        }
    }

    /// The member did what it should.
    pub(super) fn has_worked(&self) {
        if let Some(member) = self.journey.member {
            self.proxy.pool.worked(member);
        }
    }

    /// Sends what stands in `out` and all that comes, over HTTP/1.1. Errors: why the client did not get all of it.
    pub(crate) async fn send(
        &mut self,
        socket: &Socket,
        framed: Framed,
        mut unsent: Unsent<'_, '_>,
        pause: Duration,
        out: &mut Vec<u8>,
    ) -> Result<(), Close> {
        loop {
            let again = unsent.as_mut().map(|(content, limits)| (&mut **content, *limits));
            // What is there already goes with what stands there.
            let at_once = poll_once(self.next(again, framed, out));
            let came = match at_once {
                Some(came) => came,
                None => {
                    if !out.is_empty() {
                        let again = unsent.as_mut().map(|(content, limits)| (&mut **content, *limits));
                        self.write(socket, out, pause, again).await?;
                        out.clear();
                    }
                    let again = unsent.as_mut().map(|(content, limits)| (&mut **content, *limits));
                    tokio::select! {
                        biased;
                        came = self.next(again, framed, out) => came,
                        // Nobody waits for the rest.
                        () = socket.stream.over() => return Err(Close::PeerReset),
                    }
                }
            };
            match came {
                Ok(true) if out.len() < GATHERED => {}
                Ok(true) => {
                    let again = unsent.as_mut().map(|(content, limits)| (&mut **content, *limits));
                    self.write(socket, out, pause, again).await?;
                    out.clear();
                }
                Ok(false) => {
                    let sent = socket.write(out, pause).await;
                    out.clear();
                    return sent;
                }
                Err(_) => {
                    // The client sees an answer that breaks off, and not only a connection that does.
                    let _ = socket.write(out, pause).await;
                    out.clear();
                    return Err(Close::AnswerBroken);
                }
            }
        }
    }

    /// Writes to the client, and hands over what it sends meanwhile: who reads nothing before all is sent, and an upstream that reads
    /// nothing before its answer is taken, would wait for each other.
    async fn write(
        &mut self,
        socket: &Socket,
        out: &[u8],
        pause: Duration,
        unsent: Unsent<'_, '_>,
    ) -> Result<(), Close> {
        let mut writing = pin!(socket.write(out, pause));
        let (Some((content, limits)), Some(connection)) = (unsent, &mut self.connection) else { return writing.await };
        let Connection { stream, sender, .. } = &mut **connection;
        while !(self.feed.done && sender.is_sent()) {
            let fed = tokio::select! {
                biased;
                written = &mut writing => return written,
                fed = self.feed.step(stream, sender, content, limits) => fed,
            };
            if fed.is_err() {
                // The upstream hears of it by the end of its connection.
                self.feed.done = true;
                sender.give_up();
            }
        }
        writing.await
    }

    /// Gives all that comes to whoever takes it copied.
    pub(crate) async fn give(&mut self, mut unsent: Unsent<'_, '_>, to: &mut impl Takes) -> Result<(), Close> {
        let mut piece = Vec::new();
        loop {
            let again = unsent.as_mut().map(|(content, limits)| (&mut **content, *limits));
            let mut more = self.next(again, Framed::AsItIs, &mut piece).await;
            // What is there already goes with it: a frame for each small chunk would be many.
            while let (Ok(true), true) = (&more, piece.len() < GATHERED) {
                let again = unsent.as_mut().map(|(content, limits)| (&mut **content, *limits));
                let Some(came) = poll_once(self.next(again, Framed::AsItIs, &mut piece)) else { break };
                more = came;
            }
            give(&piece, to).await?;
            piece.clear();
            match more {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(_) => return Err(Close::AnswerBroken),
            }
        }
    }
}

/// The future's output, if it is there without waiting.
pub(super) fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
