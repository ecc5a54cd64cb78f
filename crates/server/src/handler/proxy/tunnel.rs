//! Another protocol between a client and an upstream (RFC 9110 §7.8): bytes both ways, each side ended by itself, until nothing
//! has moved for the route's idle time.

use super::Relay;
use super::relay::poll_once;
use crate::deadline::{NEVER, ticks};
use crate::socket::{Next, Socket};
use crate::upstream::Connection;
use crate::worker::Worker;
use std::cell::Cell;
use std::pin::pin;

/// What is read at once of a client that sends much.
const ROOM: usize = 64 << 10;

impl Relay {
    /// Passes on what comes, until both sides have ended. `first`: what the client has sent already. Returns how many bytes the
    /// client got.
    pub(crate) async fn tunnel(&mut self, socket: &Socket, worker: &Worker, first: Vec<u8>) -> u64 {
        let idle = ticks(self.proxy.config.timeout.idle);
        let Relay { connection, deadline, .. } = self;
        let Some(connection) = connection else { return 0 };
        let Connection { stream, sender, receiver } = &mut **connection;
        socket.begin_tunnel();
        let moved = Cell::new(deadline.now());
        let there = async {
            sender.buffer().extend_from_slice(&first);
            drop(first);
            loop {
                sender.flush(stream).await;
                sender.buffer().shrink_to(0);
                moved.set(deadline.now());
                if sender.is_deaf() {
                    return;
                }
                let Next::Bytes(mut buffers) = socket.next(NEVER - 1, worker).await else { break };
                let out = sender.buffer();
                out.extend_from_slice(&buffers.input);
                let filled = buffers.input.len() == buffers.input.capacity();
                buffers.clear();
                worker.give_back(buffers);
                if filled {
                    // There may be much more: what is there of it goes with this.
                    out.reserve(ROOM);
                    let _ = poll_once(socket.read(out, NEVER - 1));
                }
            }
            stream.finish();
        };
        let sent = Cell::new(0);
        let back = async {
            while let Ok(Some(bytes)) = receiver.raw(stream).await {
                let length = bytes.len() as u64;
                if socket.write(bytes, self.proxy.config.timeout.idle).await.is_err() {
                    // What it still sends is nobody's.
                    return;
                }
                sent.set(sent.get() + length);
                moved.set(deadline.now());
            }
            socket.finish();
        };
        let mut both = pin!(async { tokio::join!(there, back) });
        while deadline.until(moved.get().saturating_add(idle).min(NEVER - 1), both.as_mut()).await.is_none() {
            if deadline.is_over() || moved.get().saturating_add(idle) <= deadline.now() {
                break;
            }
        }
        self.journey.total = self.journey.elapsed();
        sent.get()
    }
}
