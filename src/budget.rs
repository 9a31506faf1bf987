//! A budget of bytes that bounds memory whatever the number of destinations.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::byte_size::ByteSize;

/// A shared number of bytes that may be held in memory at once; cheap to clone.
///
/// Whoever waits for the budget holds none of it, so it cannot deadlock. Accounted in KiB.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    semaphore: Arc<Semaphore>,
    total_kib: u32,
    waiting: AtomicUsize,
    contended: Notify,
}

/// Bytes taken from a [`Budget`], given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    permit: OwnedSemaphorePermit,
}

impl Budget {
    /// Creates a budget of `total`, at least 64 KiB and at most 4 TiB.
    pub fn new(total: ByteSize) -> Self {
        let total_kib = kib(total.bytes()).clamp(64, Semaphore::MAX_PERMITS as u64);
        let total_kib = u32::try_from(total_kib).unwrap_or(u32::MAX);
        Self(Arc::new(Inner {
            semaphore: Arc::new(Semaphore::new(total_kib as usize)),
            total_kib,
            waiting: AtomicUsize::new(0),
            contended: Notify::new(),
        }))
    }

    /// Returns whether `bytes` fit into the whole budget at once.
    pub fn fits(&self, bytes: u64) -> bool {
        kib(bytes) <= u64::from(self.0.total_kib)
    }

    /// Waits until `bytes` are free and takes them; more than the whole budget takes all of it.
    pub async fn acquire(&self, bytes: u64) -> Reservation {
        if let Some(reservation) = self.try_acquire(bytes) {
            return reservation;
        }
        let _waiting = Waiting::start(&self.0);
        let permits = self.permits(bytes);
        let permit = Arc::clone(&self.0.semaphore)
            .acquire_many_owned(permits)
            .await
            .expect("the semaphore is never closed");
        Reservation { permit }
    }

    /// Takes `bytes` if they are free now and nobody waits for them.
    pub fn try_acquire(&self, bytes: u64) -> Option<Reservation> {
        let permits = self.permits(bytes);
        let permit = Arc::clone(&self.0.semaphore)
            .try_acquire_many_owned(permits)
            .ok()?;
        Some(Reservation { permit })
    }

    /// Completes as soon as somebody waits for the budget.
    pub async fn contended(&self) {
        loop {
            let notified = self.0.contended.notified();
            if self.0.waiting.load(Ordering::SeqCst) > 0 {
                return;
            }
            notified.await;
        }
    }

    /// Returns the bytes that are taken now, in whole KiB.
    pub fn in_use(&self) -> u64 {
        let free = self.0.semaphore.available_permits() as u64;
        (u64::from(self.0.total_kib) - free.min(u64::from(self.0.total_kib))) * 1024
    }

    fn permits(&self, bytes: u64) -> u32 {
        u32::try_from(kib(bytes))
            .unwrap_or(u32::MAX)
            .min(self.0.total_kib)
    }
}

impl Reservation {
    /// Gives back all but `bytes`, once the real size is known.
    pub fn shrink_to(&mut self, bytes: u64) {
        let keep = usize::try_from(kib(bytes)).unwrap_or(usize::MAX);
        let surplus = self.permit.num_permits().saturating_sub(keep);
        drop(self.permit.split(surplus));
    }

    /// Takes `bytes` out of the reservation, or all of it if that is less.
    #[must_use]
    pub fn split_off(&mut self, bytes: u64) -> Self {
        let wanted = usize::try_from(kib(bytes)).unwrap_or(usize::MAX);
        let part = wanted.min(self.permit.num_permits());
        let permit = self
            .permit
            .split(part)
            .expect("no more is taken than there is");
        Self { permit }
    }

    /// Returns `buffer` as [`Bytes`] that give the reservation back with their last clone.
    pub fn attach(self, buffer: Vec<u8>) -> Bytes {
        Bytes::from_owner(Accounted {
            buffer,
            _reservation: self,
        })
    }
}

struct Accounted {
    buffer: Vec<u8>,
    _reservation: Reservation,
}

impl AsRef<[u8]> for Accounted {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

/// Counts one waiter, also when its future is dropped.
struct Waiting<'a>(&'a Inner);

impl<'a> Waiting<'a> {
    fn start(inner: &'a Inner) -> Self {
        inner.waiting.fetch_add(1, Ordering::SeqCst);
        inner.contended.notify_waiters();
        Self(inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

fn kib(bytes: u64) -> u64 {
    bytes.div_ceil(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_return_with_the_last_clone() {
        let budget = Budget::new(ByteSize::mib(1));
        let mut reservation = budget.acquire(1 << 20).await;
        assert!(budget.try_acquire(1).is_none());

        reservation.shrink_to(1024);
        assert_eq!(budget.in_use(), 1024);
        let bytes = reservation.attach(vec![0; 1024]);
        let clone = bytes.clone();
        drop(bytes);
        assert_eq!(budget.in_use(), 1024);
        drop(clone);
        assert_eq!(budget.in_use(), 0);
    }

    #[tokio::test]
    async fn a_waiter_makes_the_budget_contended() {
        let budget = Budget::new(ByteSize::mib(1));
        let held = budget.acquire(1 << 20).await;
        let mut waiter = Box::pin(budget.acquire(1));
        tokio::select! {
            biased;
            _ = &mut waiter => panic!("nothing is free"),
            () = budget.contended() => {}
        }

        drop(held);
        waiter.await;
    }

    #[test]
    fn more_than_everything_takes_everything() {
        let budget = Budget::new(ByteSize::mib(1));
        assert!(!budget.fits(2 << 20));
        assert!(budget.try_acquire(2 << 20).is_some());
    }
}
