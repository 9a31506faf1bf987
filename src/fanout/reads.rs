//! Reads that are under way: who reads ahead waits for the memory that they give back.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, Notify};

use crate::budget::Reservation;

/// Reads that are under way.
///
/// A read takes memory for the worst case and gives most of it back at its end. A file that is to
/// be sent ahead waits for that, one at a time and without a place in the budget's queue: whoever
/// is asked for a file goes first.
#[derive(Debug, Default)]
pub(super) struct Reads {
    turn: Mutex<()>,
    running: AtomicUsize,
    ended: Notify,
}

impl Reads {
    /// Counts a read until the guard drops.
    pub(super) fn begin(&self) -> Running<'_> {
        self.running.fetch_add(1, Ordering::SeqCst);
        Running(self)
    }

    /// Takes memory as soon as `try_reserve` has it; `None` if it has none and no read is under
    /// way that could give some back.
    pub(super) async fn begin_ahead(
        &self,
        try_reserve: impl Fn() -> Option<Reservation>,
    ) -> Option<(Reservation, Running<'_>)> {
        let _turn = self.turn.lock().await;
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            // Registered before looking, so that no end is missed.
            ended.as_mut().enable();
            let is_last = self.running.load(Ordering::SeqCst) == 0;
            if let Some(reservation) = try_reserve() {
                return Some((reservation, self.begin()));
            }
            if is_last {
                return None;
            }
            ended.await;
        }
    }
}

/// A read that is under way.
#[derive(Debug)]
pub(super) struct Running<'a>(&'a Reads);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
        self.0.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{budget::Budget, byte_size::ByteSize};

    #[tokio::test]
    async fn memory_that_a_read_gives_back_is_taken_by_the_next() {
        let (reads, budget) = (Reads::default(), Budget::new(ByteSize::mib(1)));
        let held = budget.try_acquire(1 << 20).unwrap();
        let running = reads.begin();
        let mut next = Box::pin(reads.begin_ahead(|| budget.try_acquire(1)));
        tokio::select! {
            biased;
            _ = &mut next => panic!("nothing is free"),
            () = std::future::ready(()) => {}
        }

        drop(held);
        drop(running);

        assert!(next.await.is_some());
    }

    #[tokio::test]
    async fn nobody_waits_for_memory_that_no_read_gives_back() {
        let (reads, budget) = (Reads::default(), Budget::new(ByteSize::mib(1)));
        let _held = budget.try_acquire(1 << 20).unwrap();

        assert!(reads.begin_ahead(|| budget.try_acquire(1)).await.is_none());
    }
}
