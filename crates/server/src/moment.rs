//! What an answer takes from the time that it is given at: a worker has it for its connections, a dry run for itself.

use crate::clock::Clock;
use crate::deadline::Deadlines;
use crate::id::Random;
use crate::reactor::Reactor;
use crate::stream::Stream;
use crate::worker::Worker;
use std::future::pending;
use std::rc::Rc;

/// The clock and the random bits of whoever answers.
#[derive(Clone, Copy)]
pub(crate) struct Moment<'a> {
    pub(crate) clock: &'a Clock,
    pub(crate) random: &'a Random,
    /// What bounds waiting; a dry run has none, since it waits for nobody and holds nothing.
    pub(crate) deadlines: Option<&'a Rc<Deadlines>>,
    /// What waits for the kernel; a dry run has none.
    pub(crate) reactor: Option<&'a Rc<Reactor>>,
    /// The connection of a client that may leave while it waits.
    pub(crate) left: Option<&'a Stream>,
    /// Somebody keeps how long things take.
    pub(crate) timed: bool,
    /// The answer is kept for whoever asks why.
    pub(crate) recorded: bool,
}

impl<'a> Moment<'a> {
    pub(crate) fn of(worker: &'a Worker) -> Moment<'a> {
        Moment {
            clock: &worker.clock,
            random: &worker.random,
            deadlines: Some(&worker.deadlines),
            reactor: Some(&worker.reactor),
            left: None,
            timed: worker.log.is_on(),
            recorded: worker.recorder.is_on(),
        }
    }

    /// Waits until the client is gone, or has ended its side, which is the same to see. One that reads still is owed a word.
    pub(crate) async fn left(&self) {
        match self.left {
            Some(stream) => stream.over().await,
            None => pending().await,
        }
    }
}
