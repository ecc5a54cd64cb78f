//! Who is woken when something happens to jobs: those who do the jobs of a queue, and those who wait for one of them.
//!
//! Rule: whoever is to be woken looks after it has begun to listen, so nothing is missed in between. What another process does
//! rings no bell here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Whoever waits for a job has a place among the requests that `limits.requests` counts, so there are at most so many of them.
const MOST_WAITERS: usize = 256;

#[derive(Default)]
pub(crate) struct Bell {
    /// By the pattern of the route.
    queues: Mutex<HashMap<String, Arc<Notify>>>,
    jobs: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    /// By the job's id, for as long as somebody listens, with how many do.
    jobs: HashMap<String, (Arc<Notify>, usize)>,
    /// How many of them are clients.
    clients: usize,
}

/// Somebody who listens to a job.
pub(crate) struct Listener<'a> {
    bell: &'a Bell,
    id: String,
    notify: Arc<Notify>,
    client: bool,
}

impl Bell {
    /// What tells of new jobs in a queue, to one listener at a time. The writer rings it.
    pub(crate) fn of_queue(&self, route: &str) -> Arc<Notify> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        queues.entry(route.to_owned()).or_default().clone()
    }

    /// For whoever does the job.
    pub(crate) fn listen(&self, id: &str) -> Listener<'_> {
        self.listener(&mut self.heard(), id, false)
    }

    /// For a client that waits for it; `None` if as many do as may.
    pub(crate) fn wait(&self, id: &str) -> Option<Listener<'_>> {
        let mut heard = self.heard();
        (heard.clients < MOST_WAITERS).then(|| self.listener(&mut heard, id, true))
    }

    fn listener(&self, heard: &mut Heard, id: &str, client: bool) -> Listener<'_> {
        let (notify, listeners) = heard.jobs.entry(id.to_owned()).or_default();
        *listeners += 1;
        heard.clients += usize::from(client);
        Listener { bell: self, id: id.to_owned(), notify: notify.clone(), client }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A job has finished, or was cancelled.
    pub(crate) fn ended(&self, id: &str) {
        if let Some((job, _)) = self.heard().jobs.get(id) {
            job.notify_waiters();
        }
    }
}

impl Listener<'_> {
    /// That the job has ended since this was called, whenever it is awaited.
    pub(crate) fn ended(&self) -> Notified<'_> {
        self.notify.notified()
    }
}

impl Drop for Listener<'_> {
    fn drop(&mut self) {
        let mut heard = self.bell.heard();
        heard.clients -= usize::from(self.client);
        if let Some((_, listeners)) = heard.jobs.get_mut(&self.id) {
            *listeners -= 1;
            if *listeners == 0 {
                heard.jobs.remove(&self.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    /// What one look at a future gives.
    fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn whoever_listens_hears_of_the_job_and_of_no_other() {
        let bell = Bell::default();
        let (one, other) = (bell.listen("one"), bell.listen("other"));
        let (mut heard, mut unheard) = (Box::pin(one.ended()), Box::pin(other.ended()));
        bell.ended("one");
        assert!(poll(heard.as_mut()).is_ready(), "although it was not awaited yet");
        assert!(poll(unheard.as_mut()).is_pending());
    }

    #[test]
    fn nothing_is_kept_of_jobs_that_nobody_listens_to() {
        let bell = Bell::default();
        let (one, again) = (bell.listen("one"), bell.listen("one"));
        drop(one);
        let mut heard = Box::pin(again.ended());
        bell.ended("one");
        assert!(poll(heard.as_mut()).is_ready());
        drop(heard);
        drop(again);
        assert!(bell.heard().jobs.is_empty());
    }

    #[test]
    fn so_many_clients_wait_and_no_more() {
        let bell = Bell::default();
        let mut waiting: Vec<_> = (0..MOST_WAITERS).map(|_| bell.wait("one").expect("there is room")).collect();
        assert!(bell.wait("other").is_none());
        let _worker = bell.listen("other");
        waiting.pop();
        assert!(bell.wait("other").is_some());
        drop(waiting);
        assert_eq!(bell.heard().clients, 0);
    }
}
