//! One destination's part of a pass.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use super::parts::Step;
use crate::{
    error::chain,
    repository::{self, BackupWriter, ObjectName},
    store::Payload,
};

/// Sends what comes to one destination.
#[derive(Debug)]
pub(super) struct Lane {
    pub writer: Arc<dyn BackupWriter>,
    pub steps: mpsc::Receiver<Step>,
    /// Parts that are sent at the same time.
    pub parallel: usize,
    /// How long one step may take before the pass goes on without this destination.
    pub stall_limit: Duration,
}

impl Lane {
    /// Sends everything, and returns how many bytes that were. An error says why the destination
    /// left the pass; nothing holds the memory of its parts then.
    pub(super) async fn run(mut self) -> Result<u64, String> {
        let mut running = FuturesUnordered::new();
        let mut bytes = 0;
        loop {
            tokio::select! {
                biased;
                Some(sent) = running.next(), if !running.is_empty() => sent?,
                step = self.steps.recv(), if running.len() < self.parallel => match step {
                    Some(Step::Part(object, index, payload)) => {
                        bytes += payload.len();
                        running.push(put(&*self.writer, self.stall_limit, object, index, payload));
                    }
                    Some(Step::End(object, parts)) => {
                        while let Some(sent) = running.next().await {
                            sent?;
                        }
                        complete(&*self.writer, self.stall_limit, &object, parts).await?;
                    }
                    None => break,
                },
            }
        }
        while let Some(sent) = running.next().await {
            sent?;
        }
        Ok(bytes)
    }
}

/// Sends a part, again and again while the store may still come round.
async fn put(
    writer: &dyn BackupWriter,
    limit: Duration,
    object: ObjectName,
    index: u32,
    payload: Payload,
) -> Result<(), String> {
    let put = || writer.put_part(&object, index, payload.clone());
    within(limit, retry(put)).await
}

async fn complete(
    writer: &dyn BackupWriter,
    limit: Duration,
    object: &ObjectName,
    parts: u32,
) -> Result<(), String> {
    within(limit, retry(|| writer.complete(object, parts))).await
}

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

async fn retry<F: Future<Output = repository::Result<()>>>(
    mut step: impl FnMut() -> F,
) -> repository::Result<()> {
    let mut pause = FIRST_PAUSE;
    loop {
        match step().await {
            Err(error) if error.class().is_retriable() => {
                let jittered = pause.mul_f64(0.5 + fastrand::f64() / 2.0);
                sleep(error.retry_after().unwrap_or(jittered)).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            result => return result,
        }
    }
}

async fn within(
    limit: Duration,
    step: impl Future<Output = repository::Result<()>>,
) -> Result<(), String> {
    match timeout(limit, step).await {
        Ok(result) => result.map_err(|error| chain(&error)),
        Err(_) => Err(format!(
            "no answer within {limit:?}: the pass goes on without it"
        )),
    }
}
