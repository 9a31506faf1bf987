//! The threads for work that would block an async one.
//!
//! Files, compression and hashing run here, behind two semaphores: as many CPU-bound jobs as
//! there are cores, and a few disk-bound ones. A job's permit is taken before it is queued, so
//! waiting costs a task and not a thread.

use std::{panic::resume_unwind, sync::Arc, thread::available_parallelism};

use tokio::sync::Semaphore;

/// Runs blocking jobs; cheap to clone.
#[derive(Clone, Debug)]
pub struct Workers(Arc<Mode>);

#[derive(Debug)]
enum Mode {
    Pool { cpu: Semaphore, disk: Semaphore },
    Inline,
}

impl Workers {
    /// Jobs that touch a disk at the same time, per [`Workers`].
    const DISK_JOBS: usize = 4;

    /// Creates workers for the machine: one CPU job per core.
    pub fn new() -> Self {
        Self::with_cpu_jobs(available_parallelism().map_or(2, usize::from))
    }

    /// Creates workers that run at most `cpu_jobs` (at least one) CPU-bound jobs at once.
    pub fn with_cpu_jobs(cpu_jobs: usize) -> Self {
        Self(Arc::new(Mode::Pool {
            cpu: Semaphore::new(cpu_jobs.max(1)),
            disk: Semaphore::new(Self::DISK_JOBS),
        }))
    }

    /// Creates workers that run each job on the calling thread, for deterministic tests.
    pub fn inline() -> Self {
        Self(Arc::new(Mode::Inline))
    }

    /// Runs a job that mostly computes.
    pub async fn cpu<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        match &*self.0 {
            Mode::Pool { cpu, .. } => run(cpu, job).await,
            Mode::Inline => job(),
        }
    }

    /// Runs a job that mostly reads or writes files.
    pub async fn disk<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        match &*self.0 {
            Mode::Pool { disk, .. } => run(disk, job).await,
            Mode::Inline => job(),
        }
    }
}

impl Default for Workers {
    fn default() -> Self {
        Self::new()
    }
}

async fn run<T: Send + 'static>(
    semaphore: &Semaphore,
    job: impl FnOnce() -> T + Send + 'static,
) -> T {
    let _permit = semaphore
        .acquire()
        .await
        .expect("the semaphore is never closed");
    #[expect(clippy::disallowed_methods, reason = "the one place that may")]
    match tokio::task::spawn_blocking(job).await {
        Ok(value) => value,
        Err(error) => resume_unwind(error.into_panic()),
    }
}
