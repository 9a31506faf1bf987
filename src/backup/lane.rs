//! One destination's part of a pass.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use super::parts::Step;
use crate::{
    error::chain,
    repository::{self, BackupWriter, ObjectName},
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
    pub(super) async fn run(self) -> Result<u64, String> {
        let Self {
            writer,
            mut steps,
            parallel,
            stall_limit,
        } = self;
        let mut running = FuturesUnordered::new();
        let mut objects = Objects::default();
        let mut bytes = 0;
        loop {
            let step = tokio::select! {
                biased;
                Some(done) = running.next(), if !running.is_empty() => {
                    let done: Result<Done, String> = done;
                    objects.done(done?)
                }
                step = steps.recv(), if running.len() < parallel => match step {
                    Some(Step::Part(object, index, payload)) => {
                        objects.begin_part(&object);
                        bytes += payload.len();
                        Some(Step::Part(object, index, payload))
                    }
                    Some(Step::End(object, parts)) => objects.end(object, Last::End(parts)),
                    Some(Step::Discard(object)) => objects.end(object, Last::Discard),
                    None => break,
                },
            };
            if let Some(step) = step {
                running.push(send(&*writer, stall_limit, step));
            }
        }
        while let Some(done) = running.next().await {
            if let Some(step) = objects.done(done?) {
                running.push(send(&*writer, stall_limit, step));
            }
        }
        Ok(bytes)
    }
}

/// What ends an object once all of its parts are there.
#[derive(Clone, Copy, Debug)]
enum Last {
    End(u32),
    Discard,
}

/// What was sent.
#[derive(Debug)]
enum Done {
    Part(ObjectName),
    Object,
}

/// Objects on their way: the parts that are under way, and what follows them.
#[derive(Debug, Default)]
struct Objects(HashMap<ObjectName, (usize, Option<Last>)>);

impl Objects {
    fn begin_part(&mut self, object: &ObjectName) {
        let (parts, _) = self.0.entry(object.clone()).or_default();
        *parts += 1;
    }

    /// Notes how an object ends, and returns the step if it can be made now.
    fn end(&mut self, object: ObjectName, last: Last) -> Option<Step> {
        self.0.entry(object.clone()).or_default().1 = Some(last);
        self.last_of(object)
    }

    /// Notes what was sent, and returns the step that can be made now.
    fn done(&mut self, done: Done) -> Option<Step> {
        let Done::Part(object) = done else {
            return None;
        };
        if let Some((parts, _)) = self.0.get_mut(&object) {
            *parts -= 1;
        }
        self.last_of(object)
    }

    fn last_of(&mut self, object: ObjectName) -> Option<Step> {
        let &(0, Some(last)) = self.0.get(&object)? else {
            return None;
        };
        self.0.remove(&object);
        Some(match last {
            Last::End(parts) => Step::End(object, parts),
            Last::Discard => Step::Discard(object),
        })
    }
}

/// Makes a step, again and again while the store may still come round.
async fn send(writer: &dyn BackupWriter, limit: Duration, step: Step) -> Result<Done, String> {
    match step {
        Step::Part(object, index, payload) => {
            let put = || writer.put_part(&object, index, payload.clone());
            within(limit, retry(put)).await?;
            Ok(Done::Part(object))
        }
        Step::End(object, parts) => {
            within(limit, retry(|| writer.complete(&object, parts))).await?;
            Ok(Done::Object)
        }
        Step::Discard(object) => {
            within(limit, retry(|| writer.discard(&object))).await?;
            Ok(Done::Object)
        }
    }
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
