//! Counts of what a store is asked: requests, errors by class, bytes, and how long it took.

use std::{
    array,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{Class, Operation};

/// Counts of requests, per [`Operation`]; clones share them. A few kilobytes, whatever happens.
#[derive(Clone, Debug, Default)]
pub struct Counters(Arc<[Cell; Operation::ALL.len()]>);

#[derive(Debug, Default)]
struct Cell {
    requests: AtomicU64,
    errors: [AtomicU64; Class::ALL.len()],
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    latency: [AtomicU64; Latency::BUCKETS],
    nanoseconds: AtomicU64,
}

/// Counts of one operation.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Count {
    /// Requests begun.
    pub requests: u64,
    /// Requests that failed or were cancelled.
    pub errors: u64,
    /// Bytes of content received from the store.
    pub bytes_in: u64,
    /// Bytes of content sent to the store, by requests that succeeded.
    pub bytes_out: u64,
}

/// How long the requests of one operation took that ended, whatever their outcome.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Latency {
    /// How many took at most as long as the bound of the same index, and longer than the bound
    /// before it; the last one has no bound.
    pub buckets: [u64; Self::BUCKETS],
    /// How long they took together.
    pub sum: Duration,
}

/// All that was measured of one operation.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Measured {
    /// The operation.
    pub operation: Operation,
    /// Its counts.
    pub count: Count,
    /// Errors of the classes that occurred.
    pub errors: Vec<(Class, u64)>,
    /// How long its requests took.
    pub latency: Latency,
}

impl Latency {
    /// From an answer of the page cache to a segment over a slow line.
    pub const BOUNDS: [Duration; 14] = [
        Duration::from_millis(1),
        Duration::from_millis(5),
        Duration::from_millis(10),
        Duration::from_millis(25),
        Duration::from_millis(50),
        Duration::from_millis(100),
        Duration::from_millis(250),
        Duration::from_millis(500),
        Duration::from_secs(1),
        Duration::from_millis(2_500),
        Duration::from_secs(5),
        Duration::from_secs(10),
        Duration::from_secs(30),
        Duration::from_mins(1),
    ];
    const BUCKETS: usize = Self::BOUNDS.len() + 1;

    /// Returns how many requests ended.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    fn bucket(elapsed: Duration) -> usize {
        Self::BOUNDS.partition_point(|&bound| bound < elapsed)
    }
}

impl Counters {
    /// Returns the counts of `operation` so far.
    pub fn of(&self, operation: Operation) -> Count {
        self.cell(operation).count()
    }

    /// Returns the sums over all operations.
    pub fn total(&self) -> Count {
        self.0.iter().map(Cell::count).fold(Count::default(), add)
    }

    /// Returns all that was measured of the operations that were asked for.
    pub fn measured(&self) -> Vec<Measured> {
        let operations = Operation::ALL.into_iter();
        let measured = operations.map(|operation| self.cell(operation).measured(operation));
        measured.filter(|one| one.count.requests > 0).collect()
    }

    pub(super) fn begin(&self, operation: Operation) {
        add_to(&self.cell(operation).requests, 1);
    }

    pub(super) fn sent(&self, operation: Operation, bytes: u64) {
        add_to(&self.cell(operation).bytes_out, bytes);
    }

    pub(super) fn received(&self, operation: Operation, bytes: u64) {
        add_to(&self.cell(operation).bytes_in, bytes);
    }

    /// Counts a request that ended, with an error of a class or without one.
    pub(super) fn end(&self, operation: Operation, error: Option<Class>, elapsed: Duration) {
        let cell = self.cell(operation);
        if let Some(class) = error {
            add_to(&cell.errors[class as usize], 1);
        }
        add_to(&cell.latency[Latency::bucket(elapsed)], 1);
        let nanoseconds = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        add_to(&cell.nanoseconds, nanoseconds);
    }

    fn cell(&self, operation: Operation) -> &Cell {
        &self.0[operation as usize]
    }
}

impl Cell {
    fn count(&self) -> Count {
        Count {
            requests: self.requests.load(Ordering::Relaxed),
            errors: self.errors.iter().map(load).sum(),
            bytes_in: load(&self.bytes_in),
            bytes_out: load(&self.bytes_out),
        }
    }

    fn measured(&self, operation: Operation) -> Measured {
        let errors = Class::ALL.into_iter().zip(self.errors.iter().map(load));
        Measured {
            operation,
            count: self.count(),
            errors: errors.filter(|&(_, count)| count > 0).collect(),
            latency: Latency {
                buckets: array::from_fn(|index| load(&self.latency[index])),
                sum: Duration::from_nanos(load(&self.nanoseconds)),
            },
        }
    }
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn add_to(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Ordering::Relaxed);
}

fn add(a: Count, b: Count) -> Count {
    Count {
        requests: a.requests + b.requests,
        errors: a.errors + b.errors,
        bytes_in: a.bytes_in + b.bytes_in,
        bytes_out: a.bytes_out + b.bytes_out,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_operations_and_classes_are_in_the_order_of_their_numbers() {
        for (index, operation) in Operation::ALL.into_iter().enumerate() {
            assert_eq!(operation as usize, index, "{operation}");
        }
        for (index, class) in Class::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, index, "{class}");
        }
    }

    #[test]
    fn errors_are_counted_by_class_and_only_what_was_asked_is_told() {
        let counters = Counters::default();
        for error in [None, Some(Class::Throttled), Some(Class::Throttled)] {
            counters.begin(Operation::Put);
            counters.end(Operation::Put, error, Duration::from_millis(3));
        }
        counters.begin(Operation::ListUploads);

        let measured = counters.measured();

        let operations: Vec<_> = measured.iter().map(|one| one.operation).collect();
        assert_eq!(operations, [Operation::Put, Operation::ListUploads]);
        assert_eq!(measured[0].errors, [(Class::Throttled, 2)]);
        assert_eq!(
            (measured[0].count.requests, measured[0].count.errors),
            (3, 2)
        );
        assert_eq!(measured[0].latency.count(), 3);
        assert_eq!(measured[0].latency.sum, Duration::from_millis(9));
        assert_eq!(measured[1].latency, Latency::default());
    }

    #[test]
    fn a_bound_belongs_to_its_bucket_and_the_last_bucket_has_none() {
        let counters = Counters::default();
        let counted = |elapsed| {
            let before = counters.cell(Operation::Get).measured(Operation::Get);
            counters.end(Operation::Get, None, elapsed);
            let after = counters.cell(Operation::Get).measured(Operation::Get);
            let mut pairs = before
                .latency
                .buckets
                .into_iter()
                .zip(after.latency.buckets);
            pairs.position(|(before, after)| before != after)
        };

        assert_eq!(counted(Duration::ZERO), Some(0));
        assert_eq!(counted(Duration::from_millis(1)), Some(0));
        assert_eq!(counted(Duration::from_nanos(1_000_001)), Some(1));
        assert_eq!(counted(Duration::from_mins(1)), Some(13));
        assert_eq!(counted(Duration::from_hours(30)), Some(14));
    }

    #[test]
    fn bounds_ascend() {
        assert!(Latency::BOUNDS.is_sorted_by(|a, b| a < b));
    }
}
