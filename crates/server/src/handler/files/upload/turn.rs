//! One at a time: who changes a path holds it from the last look to the end, among all workers of the process. And what
//! was changed is told to the others, so that none of them goes on serving what it remembers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OwnedMutexGuard;

/// The paths of a folder that are being changed, and how often any was.
#[derive(Default)]
pub(crate) struct Turns {
    held: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    changes: AtomicU64,
}

/// A path's turn, until it is dropped.
pub(super) struct Turn {
    turns: Arc<Turns>,
    path: String,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// How often something was changed. What was looked up before the number changed may be old. Hot.
    #[inline]
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    pub(super) fn changed(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// Waits until nobody else changes the path.
    pub(super) async fn wait_for(self: &Arc<Self>, path: &str) -> Turn {
        let mutex = {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.entry(path.to_owned()).or_default().clone()
        };
        // Before the wait, so that who leaves while it lasts is forgotten too.
        let mut turn = Turn { turns: self.clone(), path: path.to_owned(), guard: None };
        turn.guard = Some(mutex.lock_owned().await);
        turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut held = self.turns.held.lock().unwrap_or_else(PoisonError::into_inner);
        self.guard = None;
        // Whoever waits has a copy, and takes it while the table is locked. One that has left while it waited may still have
        // its own at this moment: then the entry stays until the path's next turn is over.
        if held.get(&self.path).is_some_and(|mutex| Arc::strong_count(mutex) == 1) {
            held.remove(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_taken_one_after_the_other_and_leave_nothing() {
        let turns = Arc::new(Turns::default());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let first = turns.wait_for("a").await;
            let other = turns.wait_for("b").await;
            let (waiting, inside) = (turns.clone(), turns.clone());
            let second = tokio::spawn(async move {
                let turn = waiting.wait_for("a").await;
                inside.changed();
                drop(turn);
            });
            tokio::task::yield_now().await;
            assert_eq!(turns.changes(), 0, "it waits");
            drop((first, other));
            second.await.unwrap();
            assert_eq!(turns.changes(), 1);
        });
        assert!(turns.held.lock().unwrap().is_empty());
    }

    #[test]
    fn who_leaves_the_queue_lets_the_next_in() {
        let turns = Arc::new(Turns::default());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let first = turns.wait_for("a").await;
            let leaving = tokio::spawn({
                let turns = turns.clone();
                async move { drop(turns.wait_for("a").await) }
            });
            tokio::task::yield_now().await;
            leaving.abort();
            assert!(leaving.await.is_err());
            drop(first);
            drop(turns.wait_for("a").await);
        });
        assert!(turns.held.lock().unwrap().is_empty());
    }
}
