//! Requests by many connections, each of which sends the next when the last has been answered, by one thread: a thread for
//! each would spend more on being woken than the server on the answers, and have it wake them one by one.

use crate::process::on_cores;
use crate::times::Times;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Longer than any answer takes.
const PATIENCE: Timespec = Timespec { tv_sec: 30, tv_nsec: 0 };

/// A connection, and when it sent what it waits for.
struct Connection {
    stream: TcpStream,
    sent: Instant,
    /// Of the answer, what has come.
    came: Vec<u8>,
}

/// Sends what `next` writes into the buffer until it writes nothing; how long each answer took. An answer is a 201 or a 204
/// without content, as writes have that want nothing returned.
pub(crate) fn run(
    address: SocketAddr,
    cores: &[usize],
    connections: u32,
    next: impl FnMut(Duration, &mut Vec<u8>) + Send,
) -> io::Result<Times> {
    on_cores(cores, || turns(address, connections, next))
}

fn turns(address: SocketAddr, connections: u32, mut next: impl FnMut(Duration, &mut Vec<u8>)) -> io::Result<Times> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let begun = Instant::now();
    let (mut times, mut request, mut waiting) = (Vec::new(), Vec::new(), 0);
    let mut all = Vec::new();
    for place in 0..u64::from(connections) {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        epoll::add(&epoll, &stream, epoll::EventData::new_u64(place), epoll::EventFlags::IN)?;
        all.push(Connection { stream, sent: begun, came: Vec::new() });
    }
    for connection in &mut all {
        waiting += u32::from(connection.ask(&mut request, begun, &mut next)?);
    }
    let mut events = Vec::with_capacity(all.len());
    while waiting > 0 {
        events.clear();
        if epoll::wait(&epoll, spare_capacity(&mut events), Some(&PATIENCE))? == 0 {
            return Err(io::Error::new(ErrorKind::TimedOut, "no answer comes"));
        }
        for event in &events {
            let connection = &mut all[event.data.u64() as usize];
            if connection.is_answered()? {
                times.push(connection.sent.elapsed().as_secs_f64() * 1e6);
                waiting -= u32::from(!connection.ask(&mut request, begun, &mut next)?);
            }
        }
    }
    Ok(Times::of(times))
}

impl Connection {
    /// Sends the next request, if there is one.
    fn ask(
        &mut self,
        request: &mut Vec<u8>,
        begun: Instant,
        next: &mut impl FnMut(Duration, &mut Vec<u8>),
    ) -> io::Result<bool> {
        request.clear();
        self.sent = Instant::now();
        next(self.sent - begun, request);
        // It has no request under way, so there is room for a small one.
        self.stream.write_all(request)?;
        Ok(!request.is_empty())
    }

    /// Receives what is there, and says whether that was the end of an answer.
    fn is_answered(&mut self) -> io::Result<bool> {
        let mut part = [0; 4096];
        let read = self.stream.read(&mut part)?;
        self.came.extend_from_slice(&part[..read]);
        if read > 0 && !self.came.ends_with(b"\r\n\r\n") {
            return Ok(false);
        }
        if ![&b"HTTP/1.1 201"[..], b"HTTP/1.1 204"].iter().any(|line| self.came.starts_with(line)) {
            let said = String::from_utf8_lossy(&self.came).into_owned();
            return Err(io::Error::new(ErrorKind::InvalidData, format!("a write was answered with {said:?}")));
        }
        self.came.clear();
        Ok(true)
    }
}
