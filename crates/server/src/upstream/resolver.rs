//! Looking names up, on threads of its own: the system's look-up waits, for as long as it likes, and a name server that is silent
//! must not keep anybody from a disk, or from another name.
//!
//! Rule: a name is looked up by one thread at a time in the whole process, whoever asks for it, and by no more threads than
//! [`MOST`].

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use tokio::sync::oneshot;
use verdict_core::cause::Upstream;

/// How many names are looked up at once.
const MOST: usize = 64;

/// What came of a look-up.
type Found = Result<Arc<[SocketAddr]>, Upstream>;

/// A name and a port.
type Key = (Box<str>, u16);

/// The names that are looked up now, each with those who wait for it.
static ASKED: Mutex<BTreeMap<Key, Vec<oneshot::Sender<Found>>>> = Mutex::new(BTreeMap::new());

/// The addresses of a name, in the order in which the system prefers them; at least one.
///
/// Errors: it is unknown, or it could not be looked up.
pub(super) async fn look_up(name: &str, port: u16) -> Found {
    let (answer, answered) = oneshot::channel();
    {
        let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
        let busy = asked.len() >= MOST;
        let key = (Box::from(name), port);
        match asked.get_mut(&key) {
            Some(waiting) => {
                // Who has given up waits no longer.
                waiting.retain(|waiting| !waiting.is_closed());
                waiting.push(answer);
            }
            None if busy => return Err(Upstream::LookUp),
            None => {
                let begun = thread::Builder::new().name("look-up".to_owned()).spawn({
                    let key = key.clone();
                    move || tell(&key)
                });
                if begun.is_err() {
                    return Err(Upstream::LookUp);
                }
                asked.insert(key, vec![answer]);
            }
        }
    }
    answered.await.unwrap_or(Err(Upstream::LookUp))
}

/// Looks a name up, and tells all who wait for it.
fn tell(key: &Key) {
    let (name, port) = key;
    let found = match (&**name, *port).to_socket_addrs() {
        Ok(found) => {
            let all: Arc<[SocketAddr]> = found.collect();
            if all.is_empty() { Err(Upstream::NameUnknown) } else { Ok(all) }
        }
        Err(error) => Err(unfound(&error)),
    };
    let waiting = ASKED.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    for waiting in waiting.into_iter().flatten() {
        // Who has given up is not told.
        let _ = waiting.send(found.clone());
    }
}

/// What `getaddrinfo` said, of which the standard library keeps the words alone: EAI_NONAME and EAI_NODATA as glibc and musl
/// call them. Whatever else it says, the name may exist.
fn unfound(error: &io::Error) -> Upstream {
    const UNKNOWN: [&str; 3] =
        ["Name or service not known", "No address associated with hostname", "Name does not resolve"];
    let said = error.to_string();
    if UNKNOWN.iter().any(|words| said.ends_with(words)) { Upstream::NameUnknown } else { Upstream::LookUp }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn many_who_ask_for_one_name_are_told_the_same() {
        let all: Vec<_> = (0..100).map(|_| tokio::spawn(look_up("localhost", 80))).collect();
        for one in all {
            let found = one.await.unwrap().unwrap();
            assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 80), "{found:?}");
        }
        assert!(!ASKED.lock().unwrap().contains_key(&("localhost".into(), 80)));
    }
}
