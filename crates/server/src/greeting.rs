//! A connection of an `https://` address before its first request: the handshake, or a request that forgot it.

use crate::admission::Admission;
use crate::client::{Client, Went};
use crate::clock::Reading;
use crate::connection::{Begun, connection};
use crate::http2::{self, First};
use crate::reactor::{Source, Way};
use crate::socket::Socket;
use crate::stream::Stream;
use crate::tls::{Session, looks_plain};
use crate::worker::Worker;
use rustix::net::{RecvFlags, recv};
use std::future::poll_fn;
use std::io;
use std::net::TcpStream;
use std::rc::Rc;
use verdict_core::cause::Malformed;
use verdict_wire::Fault;

/// Greets a client that has begun to speak, and serves it then. The handshake has the time of a head.
pub(crate) async fn greet(socket: Source<TcpStream>, admission: Admission, worker: Rc<Worker>) {
    let deadline = worker.deadlines.enroll();
    let site = worker.site();
    let client =
        Client { worker: &worker, address: admission.address, crowded: admission.crowded, served: None, stream: None };
    let due = deadline.after(client.head_time(&site));
    let first = match deadline.until(due, first_byte(&socket)).await {
        Some(Ok(Some(first))) => first,
        _ => return,
    };
    if looks_plain(first) {
        let stream = Stream::plain(socket);
        if let Some(begun) = refuse_plain(&stream, &client).await {
            connection(stream, admission, worker, begun).await;
        }
        return;
    }
    // What was accepted for an address that is not listened on any longer.
    let Some(secure) = &site.opened.secure else { return };
    let Some(Ok(session)) = deadline.until(due, Session::greet(secure, &socket)).await else { return };
    drop(site);
    let http2 = session.is_http2();
    let stream = Stream::within(socket, session);
    if http2 {
        let socket = Socket::new(stream, deadline);
        http2::connection(socket, admission, worker, First::default()).await;
    } else {
        drop(deadline);
        let begun = Begun { buffers: worker.take_buffers(), went: Went::Done };
        connection(stream, admission, worker, begun).await;
    }
}

/// The first byte that comes, left where it is; `None` at the end.
async fn first_byte(socket: &Source<TcpStream>) -> io::Result<Option<u8>> {
    let mut first = [0];
    let (_, n) = socket.io(Way::Read, |socket| Ok(recv(socket, &mut first, RecvFlags::PEEK)?)).await?;
    Ok((n > 0).then_some(first[0]))
}

/// Answers a plain request in plain words: 400 (RFC 9110 §15.5.1).
async fn refuse_plain(stream: &Stream, client: &Client<'_>) -> Option<Begun> {
    let worker = client.worker;
    let began = worker.is_timed().then(Reading::now);
    let mut buffers = worker.take_buffers();
    // The first bytes are there.
    if poll_fn(|context| stream.poll_read(context, &mut buffers.input)).await.is_err() {
        buffers.clear();
        worker.give_back(buffers);
        return None;
    }
    let fault = Fault { cause: Malformed::PlainHttpOnTls, at: 0 };
    let heard = began.map(|began| [began, Reading::now()]);
    let answered = client.refuse(&worker.site(), &mut buffers, fault, false, heard);
    Some(Begun { buffers, went: Went::Answered(Box::new(answered)) })
}
