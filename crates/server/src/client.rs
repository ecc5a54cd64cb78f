//! One client's requests, as far as they are answered without waiting: nearly all of them.

use crate::admission::InFlight;
use crate::answer::Rest;
use crate::buffers::Buffers;
use crate::clock::Reading;
use crate::content::Content;
use crate::disk::Wait;
use crate::id::Id;
use crate::log::Line;
use crate::moment::Moment;
use crate::recorder::Noted;
use crate::request::{Request, client_of, given_id};
use crate::serve::{Answer, refuse_malformed, refuse_panicked, serve};
use crate::site::Site;
use crate::socket::Socket;
use crate::stream::{AtOnce, Stream};
use crate::tls::Names;
use crate::worker::Worker;
use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use std::borrow::Cow;
use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use verdict_core::cause::Crowded;
use verdict_core::method::Method;
use verdict_wire::{Close, Fault, Framing, Head, Name, Progress, Version};

/// Content that was not asked for is read away up to this size, so that the connection can go on.
pub(crate) const DRAINED: u64 = 64 << 10;

/// How long a connection that there is no room for may take to say what it wants.
pub(crate) const CROWDED_HEAD: Duration = Duration::from_secs(2);

/// Answers are gathered up to this size before they are sent, when requests come in a row without waiting for them.
const GATHERED: usize = 64 << 10;

/// How many requests of one connection are answered before others have their turn.
const TURN: usize = 64;

/// Who asks on a connection.
#[derive(Clone, Copy)]
pub(crate) struct Client<'w> {
    pub(crate) worker: &'w Worker,
    pub(crate) address: IpAddr,
    /// Why there is no room for it.
    pub(crate) crowded: Option<Crowded>,
    /// Whom the connection's certificate speaks for; `None` without TLS.
    pub(crate) served: Option<&'w Names>,
    /// Where it can be seen whether the client is still there; `None` where nobody waits, or the protocol tells of it.
    pub(crate) stream: Option<&'w Stream>,
}

/// How far requests came without waiting for anything.
pub(crate) enum Went {
    /// All that came is answered.
    Done,
    /// There is more, after others have had their turn.
    Turn,
    /// More of a head or of content has to come, or something from the disk.
    Waiting,
    /// All that came is answered, and the connection is over.
    Over,
    /// What was decided cannot be sent at once.
    Answered(Box<Answered>),
}

/// A request and its answer, whose head is written and not yet sent.
pub(crate) struct Answered {
    pub(crate) answer: Answer,
    /// Where the message was malformed.
    pub(crate) fault: Option<Fault>,
    /// Whether its head could be read.
    pub(crate) understood: bool,
    pub(crate) id: Id,
    pub(crate) times: Option<Times>,
    /// Its place among those that `limits.requests` counts, held until the answer is sent.
    in_flight: Option<InFlight>,
}

/// Where the content of a request comes from.
pub(crate) enum Arriving<'a> {
    /// The connection, which HTTP/1.1 has to itself.
    On(&'a Socket),
    /// A stream of HTTP/2, and who answers it.
    In(&'a mut RecvStream, &'a RefCell<SendResponse<Bytes>>),
}

/// When a request's head began to come, and when all of it had.
pub(crate) type Heard = [Reading; 2];

/// When things happened, for the log.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    /// Milliseconds since 1970.
    at: u64,
    heard: Heard,
    decided: Reading,
    /// When the last byte of the answer was handed over, where that is not when it is noted.
    sent: Option<Reading>,
}

impl Answered {
    /// Counts the answer, as far as it was sent. Hot.
    #[inline]
    pub(crate) fn count(&self, site: &Site) {
        let Answer { verdict, route, interim, bytes, .. } = &self.answer;
        site.tally.answered(*route, verdict.reason, interim.map(|interim| interim.reason()), *bytes);
    }
}

impl Answered {
    /// It is no request any longer, and takes no place among them.
    pub(crate) fn leave(&mut self) {
        self.in_flight = None;
    }
}

impl Times {
    /// Of the head, the decision and the sending, which ends now if it did not before.
    fn taken(&self) -> [Duration; 3] {
        let [began, read] = self.heard;
        let sent = self.sent.unwrap_or_else(Reading::now);
        [read.since(began), self.decided.since(read), sent.since(self.decided)]
    }

    /// The answer is sent, and something else is waited for before it is noted.
    pub(crate) fn sent(&mut self) {
        self.sent = Some(Reading::now());
    }
}

impl<'w> Client<'w> {
    /// Answers what has come, as far as nothing has to be waited for: nearly always all of it.
    pub(crate) fn at_once(&self, socket: &impl AtOnce, buffers: &mut Buffers) -> Went {
        let worker = self.worker;
        // A reload is seen by the next request.
        let site = worker.site();
        let mut answers = 0;
        loop {
            let began = worker.log.is_on().then(Reading::now);
            if buffers.head.parse(&buffers.input[buffers.start..], &site.wire) != Ok(Progress::Complete)
                || buffers.head.framing != Framing::None
                || buffers.head.upgrade
            {
                return Went::Waiting;
            }
            let heard = began.map(|began| [began, Reading::now()]);
            let Some(answered) = self.answer_at_once(&site, buffers, heard) else { return Went::Waiting };
            answers += 1;
            let more_came = buffers.unused().len() > buffers.head.len;
            let gathers = more_came && answers < TURN && buffers.out.len() < GATHERED;
            let keep = answered.answer.keep;
            let plain = matches!(answered.answer.rest, Rest::Nothing) && (keep || !more_came);
            if !plain || !gathers && !socket.write_at_once(&mut buffers.out) {
                return Went::Answered(Box::new(answered));
            }
            answered.count(&site);
            let close = (!keep).then(|| self.why_not_kept(&buffers.head));
            self.keep(&site, buffers, &answered, close);
            if answered.times.is_some() {
                self.log(&site, buffers, &answered, buffers.unused(), close);
            }
            buffers.consume(buffers.head.len);
            if close.is_some() {
                return Went::Over;
            }
            if !more_came {
                return Went::Done;
            }
            if answers >= TURN {
                return Went::Turn;
            }
        }
    }

    /// Has the request answered without waiting; `None` if that cannot be, and then nothing has happened.
    pub(crate) fn answer_at_once(&self, site: &Site, buffers: &mut Buffers, heard: Option<Heard>) -> Option<Answered> {
        let Buffers { input, start, head, out } = buffers;
        let mark = out.len();
        let request = self.request(site, head, &input[*start..], true, false);
        let work = serve(site, &request, Moment::of(self.worker), Wait::No, None, out);
        let answer = match catch_unwind(AssertUnwindSafe(|| poll_once(work))) {
            Ok(Some(answer)) => answer,
            Ok(None) => {
                out.truncate(mark);
                return None;
            }
            // The panic's message and place are on standard error already.
            Err(_) => {
                out.truncate(mark);
                refuse_panicked(site, &request, Moment::of(self.worker), out)
            }
        };
        let in_flight = match answer.rest {
            Rest::Nothing => None,
            // Who has no place for it is told so.
            _ => match self.worker.enter() {
                Some(place) => Some(place),
                None => {
                    out.truncate(mark);
                    return None;
                }
            },
        };
        Some(self.answered(answer, request.id, in_flight, heard))
    }

    /// Has the request answered, waiting for what it takes.
    pub(crate) async fn answer(
        &self,
        site: &Site,
        buffers: &mut Buffers,
        arriving: Arriving<'_>,
        whole: bool,
        heard: Option<Heard>,
    ) -> Answered {
        let Buffers { input, start, head, out } = buffers;
        let mark = out.len();
        let in_flight = self.worker.enter();
        let request = self.request(site, head, &input[*start..], whole, in_flight.is_none());
        let moment = Moment { left: self.stream, ..Moment::of(self.worker) };
        let content = match arriving {
            Arriving::On(socket) => Content::of_message(head, request.bytes, socket),
            Arriving::In(stream, respond) => Content::of_stream(head, stream, respond, self.worker.deadlines.enroll()),
        };
        let answer = {
            // It is large: it is polled where it is made.
            let work = pin!(serve(site, &request, moment, Wait::Yes, Some(Box::new(content)), out));
            unpanicked(work).await
        };
        let answer = match answer {
            Some(answer) => answer,
            None => {
                out.truncate(mark);
                refuse_panicked(site, &request, Moment::of(self.worker), out)
            }
        };
        self.answered(answer, request.id, in_flight, heard)
    }

    /// Answers a message that is malformed, in its head or in what has come of its content.
    pub(crate) fn refuse(
        &self,
        site: &Site,
        buffers: &mut Buffers,
        fault: Fault,
        understood: bool,
        heard: Option<Heard>,
    ) -> Answered {
        let worker = self.worker;
        worker.clock.tick();
        let id = worker.random.id(worker.clock.milliseconds());
        let bytes = &buffers.input[buffers.start..];
        let moment = Moment::of(worker);
        let answer = refuse_malformed(site, fault, bytes, self.head_time(site), &id, moment, &mut buffers.out);
        let answered = self.answered(answer, id, None, heard);
        Answered { fault: Some(fault), understood, ..answered }
    }

    fn answered(&self, answer: Answer, id: Id, in_flight: Option<InFlight>, heard: Option<Heard>) -> Answered {
        let at = self.worker.clock.milliseconds();
        let times = heard.map(|heard| Times { at, heard, decided: Reading::now(), sent: None });
        Answered { answer, fault: None, understood: true, id, times, in_flight }
    }

    #[inline]
    fn request<'a>(&self, site: &Site, head: &'a Head, bytes: &'a [u8], whole: bool, full: bool) -> Request<'a>
    where
        'w: 'a,
    {
        let worker = self.worker;
        worker.clock.tick();
        let raw_path = std::str::from_utf8(head.path(bytes)).unwrap_or("");
        Request {
            head,
            bytes,
            path: Request::decoded(head, raw_path),
            raw_path,
            persists: head.persistent
                && self.crowded.is_none()
                && !worker.is_draining()
                // What follows a CONNECT may be meant for the tunnel that it does not get.
                && head.method != Method::Connect,
            drainable: whole || is_drainable(head, bytes.len()),
            client: client_of(&site.opened.config.trusted_proxies, self.address, head, bytes),
            peer: self.address,
            id: worker.random.id(worker.clock.milliseconds()),
            now: worker.clock.http_date(),
            crowded: self.crowded,
            served: self.served,
            full,
        }
    }

    /// How long a head may take.
    pub(crate) fn head_time(&self, site: &Site) -> Duration {
        if self.crowded.is_some() { CROWDED_HEAD } else { site.limits(None).head }
    }

    pub(crate) fn why_not_kept(&self, head: &Head) -> Close {
        if self.crowded.is_some() {
            Close::Overloaded
        } else if self.worker.is_draining() {
            Close::Draining
        } else if head.persistent {
            Close::ContentUnread
        } else if head.version == Version::Http10 {
            Close::Http10
        } else {
            Close::ClientAsked
        }
    }

    /// Keeps an answer for whoever asks why; the buffers' unused bytes begin with its request's head. Hot.
    #[inline]
    pub(crate) fn keep(&self, site: &Site, buffers: &Buffers, answered: &Answered, close: Option<Close>) {
        let recorder = &self.worker.recorder;
        if !recorder.is_on() {
            return;
        }
        let Answered { answer, fault, id, .. } = answered;
        let bytes = buffers.unused();
        let head = answered.understood.then_some(&buffers.head);
        let trusted = &site.opened.config.trusted_proxies;
        let on_sight = if head.is_none() { on_sight(bytes) } else { Default::default() };
        let raw = head.map_or(on_sight.1, |head| head.target.of(bytes));
        let target = (raw.first() != Some(&b'/')).then(|| without_userinfo(raw));
        let given = head
            .filter(|_| !trusted.is_empty() && fault.is_none())
            .and_then(|head| given_id(trusted, self.address, head, bytes));
        recorder.keep(&Noted {
            at: self.worker.clock.milliseconds(),
            id: given.map_or(&id.0[..], str::as_bytes),
            client: head.map_or(self.address, |head| client_of(trusted, self.address, head, bytes)),
            verdict: answer.verdict,
            told: answer.told,
            interim: answer.interim.map(|interim| interim.reason()),
            route: answer.route,
            config: site.opened.number,
            bytes: answer.bytes,
            times: answered.times.map(|times| times.taken()),
            at_byte: fault.map(|fault| fault.at),
            close,
            gone: answer.gone,
            head: head.map(|head| (head, bytes)).ok_or(on_sight),
            target: target.as_deref(),
            found: answer.found.as_deref(),
            passed: answer.passed.as_deref(),
            remark: answer.remark.as_deref(),
            journey: answer.journey(),
        });
    }

    /// Notes an answer; `bytes` begin with its request's head.
    #[cold]
    pub(crate) fn log(&self, site: &Site, buffers: &Buffers, answered: &Answered, bytes: &[u8], close: Option<Close>) {
        let Some(times) = answered.times.filter(|_| self.worker.log.is_on()) else { return };
        let head = answered.understood.then_some(&buffers.head);
        let (method, target) = on_sight(bytes);
        let target = without_userinfo(head.map_or(target, |head| head.target.of(bytes)));
        let trusted = &site.opened.config.trusted_proxies;
        let value = |name| head.and_then(|head| head.value(name, bytes)).unwrap_or(b"");
        let took = times.taken();
        self.worker.log.answer(&Line {
            at: times.at,
            client: head.map_or(self.address, |head| client_of(trusted, self.address, head, bytes)),
            user: answered.answer.passed.as_ref().and_then(|passed| passed.user()),
            method: head.map_or(method, |head| head.method_token.of(bytes)),
            target: &target,
            host: value(Name::Host),
            agent: value(Name::UserAgent),
            referer: value(Name::Referer),
            version: match head.map(|head| head.version) {
                Some(Version::Http10) => "1.0",
                Some(Version::Http11) | None => "1.1",
                Some(Version::Http2) => "2",
            },
            verdict: answered.answer.verdict,
            interim: answered.answer.interim.map(|interim| interim.reason()),
            route: answered.answer.route.map(|i| site.opened.config.routes[i].pattern.as_str()),
            bytes: answered.answer.bytes,
            id: head
                // A message that is malformed has no id that is believed.
                .filter(|_| answered.fault.is_none())
                .and_then(|head| given_id(trusted, self.address, head, bytes))
                .unwrap_or(answered.id.as_str()),
            head: took[0],
            decision: took[1],
            sending: took[2],
            at_byte: answered.fault.map(|fault| fault.at),
            close: close.map(Close::id),
            journey: answered.answer.journey(),
            gone: answered.answer.gone,
        });
    }
}

/// A target without what stands before the `@` of its authority: it may be a password (RFC 9110 §4.2.4).
fn without_userinfo(target: &[u8]) -> Cow<'_, [u8]> {
    let authority = target.windows(2).position(|two| two == b"//").map_or(0, |at| at + 2);
    let end = target[authority..].iter().position(|byte| matches!(byte, b'/' | b'?' | b'#'));
    let end = end.map_or(target.len(), |end| authority + end);
    match target[authority..end].iter().rposition(|byte| *byte == b'@') {
        // The path of an origin-form is no authority.
        Some(at) if target.first() != Some(&b'/') => {
            Cow::Owned([&target[..authority], b"(hidden)", &target[authority + at..]].concat())
        }
        _ => Cow::Borrowed(target),
    }
}

/// Method and target of a head that is malformed somewhere, for the log alone: what stands where they should.
fn on_sight(bytes: &[u8]) -> (&[u8], &[u8]) {
    const MOST: usize = 1 << 10;
    let start = bytes.trim_ascii_start();
    let line = start[..start.len().min(MOST)].split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let mut words = line.splitn(3, |byte| *byte == b' ');
    (words.next().unwrap_or_default(), words.next().unwrap_or_default())
}

/// Whether what remains of the content can be read away cheaply, so that the answer may promise that the connection goes on.
pub(crate) fn is_drainable(head: &Head, come: usize) -> bool {
    match head.framing {
        Framing::None => true,
        // Who waits for 100 before sending is not to be waited for: whether the content comes at all is unknown (RFC 9110
        // §10.1.1).
        _ if head.expects_continue => false,
        Framing::Length(length) => length - (come - head.len) as u64 <= DRAINED,
        // It may be of any length: nearly always it is short, and if not, more of it is read away than of a declared one.
        Framing::Chunked => true,
    }
}

/// The future's output, if it is there without waiting.
fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// The future's output, or `None` if it panics: a bug in one request is no reason to end another.
async fn unpanicked<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|context| {
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(Poll::Ready(output)) => Poll::Ready(Some(output)),
            Ok(Poll::Pending) => Poll::Pending,
            // The panic's message and place are on standard error already.
            Err(_) => Poll::Ready(None),
        }
    })
    .await
}
