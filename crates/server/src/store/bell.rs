//! Who is woken when something happens to jobs: those who do the jobs of a queue, and those who wait for one of them.
//!
//! Rule: whoever is to be woken looks after it has begun to listen, so nothing is missed in between. What another process does
//! rings no bell here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

#[derive(Default)]
pub(crate) struct Bell {
    /// By the pattern of the route.
    queues: Mutex<HashMap<String, Arc<Notify>>>,
    /// By the job's id, for as long as somebody listens.
    jobs: Mutex<HashMap<String, Arc<Notify>>>,
}

/// Somebody who listens to a job.
pub(crate) struct Listener<'a> {
    bell: &'a Bell,
    id: String,
    notify: Arc<Notify>,
}

impl Bell {
    /// What tells of new jobs in a queue, to one listener at a time. The writer rings it.
    pub(crate) fn of_queue(&self, route: &str) -> Arc<Notify> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        queues.entry(route.to_owned()).or_default().clone()
    }

    pub(crate) fn listen(&self, id: &str) -> Listener<'_> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        Listener { bell: self, id: id.to_owned(), notify: jobs.entry(id.to_owned()).or_default().clone() }
    }

    /// A job has finished, or was cancelled.
    pub(crate) fn ended(&self, id: &str) {
        if let Some(job) = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).get(id) {
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
        let mut jobs = self.bell.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        // The map's own and this one.
        if Arc::strong_count(&self.notify) <= 2 {
            jobs.remove(&self.id);
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
        assert!(bell.jobs.lock().expect("no panic").is_empty());
    }
}
