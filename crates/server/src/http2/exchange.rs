//! One request and its answer on a stream. What can be answered at once is, in the connection's own turn; the rest has a task.

use super::pace::Owed;
use super::request;
use super::response::{Translated, translate};
use super::sending::Sending;
use super::wire::Wire;
use crate::answer::Rest;
use crate::buffers::Buffers;
use crate::client::{Answered, Arriving, Heard};
use crate::clock::Reading;
use crate::content::Content;
use crate::send::{give, in_pieces};
use crate::site::Site;
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::Request;
use std::cell::RefCell;
use std::future::poll_fn;
use std::iter;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::spawn_local;
use verdict_core::cause::Malformed;
use verdict_wire::{Close, Fault, Progress, Version};

/// How long a client has to read an answer that came before its content was wanted.
const LINGER: Duration = Duration::from_secs(2);

/// The stream of a request that was not asked for in HTTP/2.
const UPGRADED: u32 = 1;

/// One request on its way.
struct Exchange {
    wire: Rc<Wire>,
    site: Rc<Site>,
    buffers: Box<Buffers>,
    content: RecvStream,
    respond: RefCell<SendResponse<Bytes>>,
}

/// What of an answer is still to be sent on its stream.
struct Unsent {
    stream: SendStream<Bytes>,
    content: Bytes,
}

/// Answers a request, or has a task do it.
pub(super) fn begin(wire: &Rc<Wire>, request: Request<RecvStream>, respond: SendResponse<Bytes>) {
    let worker = &wire.worker;
    wire.quiet.set(worker.deadlines.now());
    let began = worker.log.is_on().then(Reading::now);
    let site = worker.site();
    let (parts, content) = request.into_parts();
    let mut buffers = worker.take_buffers();
    let read = request::put(&parts, !content.is_end_stream(), &mut buffers.input)
        .and_then(|()| buffers.head.parse(&buffers.input, &site.wire));
    buffers.head.version = Version::Http2;
    let client = wire.client();
    let heard = began.map(|began| [began, Reading::now()]);
    let answered = match read {
        Ok(Progress::Complete) => client.answer_at_once(&site, &mut buffers, heard),
        // A head that was made here has an end.
        Ok(Progress::Partial) => {
            let fault = Fault { cause: Malformed::HeadCutShort, at: buffers.input.len() };
            Some(client.refuse(&site, &mut buffers, fault, false, heard))
        }
        Err(fault) => Some(client.refuse(&site, &mut buffers, fault, false, heard)),
    };
    if client.crowded.is_some() {
        wire.tell_to_end();
    }
    let exchange = Exchange { wire: wire.clone(), site, buffers, content, respond: RefCell::new(respond) };
    match answered {
        Some(answered) => exchange.deliver_at_once(answered),
        None => exchange.spawn(async move |exchange| exchange.answer(heard).await),
    }
}

impl Exchange {
    /// Has a task do what has to be waited for.
    fn spawn<F: Future<Output = ()> + 'static>(self, work: impl FnOnce(Exchange) -> F + 'static) {
        let wire = self.wire.clone();
        wire.open.set(wire.open.get() + 1);
        let open = Open(wire);
        spawn_local(async move {
            work(self).await;
            drop(open);
        });
    }

    /// Waits for what it takes to answer, unless the client takes the request back.
    async fn answer(mut self, heard: Option<Heard>) {
        let wire = self.wire.clone();
        let client = wire.client();
        let answered = {
            let respond = &self.respond;
            let arriving = Arriving::In(&mut self.content, respond);
            tokio::select! {
                answered = client.answer(&self.site, &mut self.buffers, arriving, true, heard) => Some(answered),
                _ = poll_fn(|context| respond.borrow_mut().poll_reset(context)) => None,
            }
        };
        let Some(answered) = answered else { return self.end() };
        match self.send_head(answered) {
            None => self.end(),
            Some((answered, unsent)) => self.send_rest(answered, unsent).await,
        }
    }

    fn deliver_at_once(mut self, answered: Answered) {
        match self.send_head(answered) {
            None => self.end(),
            Some((answered, unsent)) => {
                self.spawn(async move |exchange| exchange.send_rest(answered, unsent).await);
            }
        }
    }

    /// Sends the head, and content that is there and that the client has room for; what there is beyond is left.
    fn send_head(&mut self, mut answered: Answered) -> Option<(Answered, Unsent)> {
        if self.respond.get_mut().stream_id().as_u32() == UPGRADED {
            answered.answer.interim = answered.answer.interim.or(self.wire.interim);
        }
        let answer = Bytes::copy_from_slice(&self.buffers.out);
        self.buffers.out.clear();
        let nothing_follows = matches!(answered.answer.rest, Rest::Nothing);
        let Some(Translated { interim, head, content }) = translate(answer) else {
            unreachable!("answers are written as HTTP/1.1 writes them")
        };
        // What cannot be sent is so because the stream is over, which the last of these tells.
        for head in interim {
            let _ = self.respond.get_mut().send_informational(head);
        }
        let ends = nothing_follows && content.is_empty();
        let sent = self.respond.get_mut().send_response(head, ends);
        let Ok(mut stream) = sent else {
            answered.answer.bytes = 0;
            self.note(&answered, Some(Close::PeerReset));
            return None;
        };
        if !ends {
            stream.reserve_capacity(content.len());
            if !nothing_follows || stream.capacity() < content.len() {
                // It may stand still for long.
                self.buffers.out = Vec::new();
                return Some((answered, Unsent { stream, content }));
            }
            let _ = stream.send_data(content, true);
        }
        self.note(&answered, None);
        None
    }

    async fn send_rest(mut self, mut answered: Answered, mut unsent: Unsent) {
        let wire = self.wire.clone();
        let owed = Owed::by(self.site.limits(answered.answer.route));
        let mut sending = Sending::new(&wire, &mut unsent.stream, owed);
        let feeds = matches!(&answered.answer.rest, Rest::Relay(relay, _) if relay.feeds());
        let (stream, deadlines) = (&mut self.content, &wire.worker.deadlines);
        let mut rest = feeds.then(|| Content::of_stream(&self.buffers.head, stream, &self.respond, deadlines.enroll()));
        let rest = rest.as_mut().map(|content| (content, self.site.limits(answered.answer.route)));
        let sent = async {
            give(&unsent.content, &mut sending).await?;
            in_pieces(&mut answered.answer.rest, rest, &wire.worker.reactor, &mut sending).await?;
            match &answered.answer.rest {
                Rest::Relay(relay, _) => sending.end(relay.trailers()),
                _ => sending.end(iter::empty()),
            }
        };
        let sent = sent.await;
        if let Rest::Relay(relay, _) = &answered.answer.rest {
            answered.answer.bytes = relay.bytes;
        }
        if let Err(close) = sent {
            answered.answer.bytes = sending.bytes.min(answered.answer.bytes);
            unsent.stream.send_reset(match close {
                Close::AnswerBroken => Reason::INTERNAL_ERROR,
                _ => Reason::CANCEL,
            });
        }
        self.note(&answered, sent.err());
        self.end();
    }

    fn note(&self, answered: &Answered, close: Option<Close>) {
        answered.count(&self.site);
        self.wire.client().keep(&self.site, &self.buffers, answered, close);
        if answered.times.is_some() {
            self.wire.client().log(&self.site, &self.buffers, answered, self.buffers.unused(), close);
        }
    }

    /// Gives back what it had. Content that nobody wanted is still on its way then.
    fn end(self) {
        let Exchange { wire, mut buffers, content, respond, .. } = self;
        buffers.clear();
        wire.worker.give_back(buffers);
        wire.quiet.set(wire.worker.deadlines.now());
        if !content.is_end_stream() {
            spawn_local(read_away(content, respond.into_inner(), wire));
        }
    }
}

/// A request that has a task, counted.
struct Open(Rc<Wire>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get() - 1);
        self.0.quiet.set(self.0.worker.deadlines.now());
    }
}

/// Reads away content that the answer did not need, as far as the client was given room for it: that much is short enough.
/// Who has more to send stops there and finds the answer. After a while RST_STREAM(NO_ERROR) stops it (RFC 9113 §8.1), which
/// `h2` sends for content that nobody holds any more. At once, it would be read before the answer by some, who then do not
/// look at that: curl 7.88 does not.
async fn read_away(mut content: RecvStream, respond: SendResponse<Bytes>, wire: Rc<Wire>) {
    let deadline = wire.worker.deadlines.enroll();
    let due = deadline.after(LINGER);
    while let Some(Some(Ok(_))) = deadline.until(due, poll_fn(|context| content.poll_data(context))).await {}
    drop(respond);
}
