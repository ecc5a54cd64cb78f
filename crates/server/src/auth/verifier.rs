//! The threads on which passwords are hashed: a hash takes a core for tens of milliseconds, and no worker has that long.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread;

/// How many passwords may wait to be hashed: about a second's work of one thread.
const WAITING: usize = 64;

type Job = Box<dyn FnOnce() + Send>;

/// Threads and the queue before them. Started with the first job, so that a server without passwords has none, and so that each
/// runs as the user whom the server has become by then.
pub(crate) struct Verifier {
    threads: usize,
    waiting: usize,
    queue: Mutex<Option<SyncSender<Job>>>,
}

/// There is no room for one more job, or no thread for any.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Full;

impl Verifier {
    /// That of the process, whatever it serves: half of the cores, so that hashing leaves room for answering.
    pub(crate) fn shared() -> Arc<Verifier> {
        static SHARED: LazyLock<Arc<Verifier>> = LazyLock::new(|| {
            let cores = thread::available_parallelism().map_or(1, usize::from);
            Arc::new(Verifier::new((cores / 2).max(1), WAITING))
        });
        SHARED.clone()
    }

    /// So many threads, and so many jobs that may wait for them.
    pub(crate) fn new(threads: usize, waiting: usize) -> Verifier {
        Verifier { threads, waiting, queue: Mutex::new(None) }
    }

    /// Has a job done as soon as a thread is free. Never waits.
    pub(crate) fn submit(&self, job: impl FnOnce() + Send + 'static) -> Result<(), Full> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = match &*queue {
            Some(sender) => sender,
            None => queue.insert(start(self.threads, self.waiting)?),
        };
        match sender.try_send(Box::new(job)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(Full),
        }
    }
}

/// Fails if not a single thread can be had; they end with their sender.
fn start(threads: usize, waiting: usize) -> Result<SyncSender<Job>, Full> {
    let (sender, receiver) = sync_channel::<Job>(waiting);
    let receiver = Arc::new(Mutex::new(receiver));
    let started = (0..threads).filter(|i| {
        let receiver = receiver.clone();
        thread::Builder::new().name(format!("password-{i}")).spawn(move || work(&receiver)).is_ok()
    });
    if started.count() == 0 { Err(Full) } else { Ok(sender) }
}

fn work(receiver: &Mutex<Receiver<Job>>) {
    loop {
        let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        // Whoever waits for it learns that nobody will answer; the next one has nothing to do with that.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    #[test]
    fn one_job_too_many_is_refused_at_once() {
        let verifier = Verifier::new(1, 2);
        let (go, gone) = channel::<()>();
        let (begun, begins) = channel();
        let begin = move || {
            begun.send(()).unwrap();
            let _ = gone.recv_timeout(Duration::from_secs(60));
        };
        verifier.submit(begin).unwrap();
        begins.recv_timeout(Duration::from_secs(60)).unwrap();
        let (done, dones) = channel();
        for i in 0..2 {
            let done = done.clone();
            assert_eq!(verifier.submit(move || done.send(i).unwrap()), Ok(()));
        }
        assert_eq!(verifier.submit(|| panic!("it was refused")), Err(Full));
        drop(go);
        let in_turn: Vec<_> = (0..2).map(|_| dones.recv_timeout(Duration::from_secs(60)).unwrap()).collect();
        assert_eq!(in_turn, [0, 1]);
    }

    #[test]
    fn a_job_that_panics_takes_no_thread_with_it() {
        let verifier = Verifier::new(1, 8);
        verifier.submit(|| panic!("as a test")).unwrap();
        let (done, dones) = channel();
        verifier.submit(move || done.send(()).unwrap()).unwrap();
        dones.recv_timeout(Duration::from_secs(60)).unwrap();
    }
}
