//! Who is let in: connections and requests are counted, and each gives its place back when it ends.

use crate::client_address::network;
use crate::config::Limits;
use std::cell::Cell;
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use verdict_core::cause::Crowded;

/// Connections of one client that are let in beyond its limit, to be told that there is no room.
const TOLD: u64 = 64;

/// What the workers of one server share, none of it touched by a request that need not wait.
pub(crate) struct Shared {
    /// Connections that are let in beyond the limit, to be told that there is no room.
    told: u64,
    connections: AtomicU64,
    /// Requests that wait for something, and answers that do.
    requests: AtomicU64,
    clients: Mutex<HashMap<IpAddr, u64>>,
}

/// The connections of one worker.
#[derive(Default)]
pub(crate) struct Connections {
    open: Cell<u64>,
    ended: Notify,
}

/// A connection's place among all; given back when it ends.
pub(crate) struct Admission {
    shared: Arc<Shared>,
    siblings: Rc<Connections>,
    /// Where the client is.
    pub(crate) address: IpAddr,
    /// Why there is no room for it but to be told so.
    pub(crate) crowded: Option<Crowded>,
}

impl Shared {
    /// `told`: how many connections are let in beyond the limit, to be told that there is no room.
    pub(crate) fn new(told: u64) -> Shared {
        Shared { told, connections: AtomicU64::new(0), requests: AtomicU64::new(0), clients: Mutex::default() }
    }

    /// How many connections there are.
    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// How many requests wait for something, or their answers.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Whether there is not even room to tell a client that there is none.
    pub(crate) fn is_full(&self, limits: &Limits) -> bool {
        self.connections.load(Ordering::Relaxed) >= limits.connections.saturating_add(self.told)
    }

    /// Counts a connection in. `None`: its client has had every refusal that one client gets. A proxy that is trusted is many
    /// clients.
    pub(crate) fn admit(
        self: &Arc<Self>,
        address: IpAddr,
        siblings: &Rc<Connections>,
        limits: &Limits,
        trusted: bool,
    ) -> Option<Admission> {
        let connections = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let of_client = {
            let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
            let count = clients.entry(network(address)).or_default();
            *count += 1;
            *count
        };
        siblings.open.set(siblings.open.get() + 1);
        let most = if trusted { u64::MAX } else { limits.per_client };
        let crowded = if connections > limits.connections {
            Some(Crowded::Server)
        } else if of_client > most {
            Some(Crowded::Client)
        } else {
            None
        };
        let admission = Admission { shared: self.clone(), siblings: siblings.clone(), address, crowded };
        (of_client <= most.saturating_add(TOLD)).then_some(admission)
    }

    /// A place for a request that has to wait, or whose answer has to; `None` if there are as many as allowed.
    pub(crate) fn enter(self: &Arc<Self>, limits: &Limits) -> Option<InFlight> {
        let place = InFlight(self.clone());
        let requests = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        (requests <= limits.requests).then_some(place)
    }
}

impl Connections {
    /// How many there are.
    pub(crate) fn open(&self) -> u64 {
        self.open.get()
    }

    /// Waits until one ends.
    pub(crate) async fn one_ends(&self) {
        self.ended.notified().await;
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.shared.connections.fetch_sub(1, Ordering::Relaxed);
        let client = network(self.address);
        {
            let mut clients = self.shared.clients.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(count) = clients.get_mut(&client) {
                *count -= 1;
                if *count == 0 {
                    clients.remove(&client);
                }
            }
        }
        self.siblings.open.set(self.siblings.open.get() - 1);
        self.siblings.ended.notify_waiters();
    }
}

/// A request's place among all; given back when its answer is sent.
pub(crate) struct InFlight(Arc<Shared>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}
