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

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use async_trait::async_trait;
    use tokio::sync::Notify;

    use super::*;
    use crate::{
        repository::{BackupContents, BackupEncoder, BackupEncoding, BackupEnd, Result as Kept},
        store::Payload,
    };

    /// Notes what it is asked for; holds the parts of one object until it is told.
    #[derive(Debug, Default)]
    struct Recorder {
        said: Mutex<Vec<String>>,
        release: Notify,
    }

    impl Recorder {
        fn say(&self, text: String) {
            let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            said.push(text);
        }

        fn said(&self) -> Vec<String> {
            let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            said.clone()
        }
    }

    #[async_trait]
    impl BackupWriter for Recorder {
        fn id(&self) -> &'static str {
            "backup"
        }

        fn encoding(&self) -> BackupEncoding {
            unreachable!("nothing is encoded")
        }

        fn encoder(&self, _: usize) -> Box<dyn BackupEncoder> {
            unreachable!("nothing is encoded")
        }

        fn part_size(&self) -> u64 {
            1
        }

        async fn put_part(&self, object: &ObjectName, index: u32, _: Payload) -> Kept<()> {
            if object.as_str() == "slow" {
                self.release.notified().await;
            }
            self.say(format!("{object} {index}"));
            Ok(())
        }

        async fn complete(&self, object: &ObjectName, parts: u32) -> Kept<()> {
            self.say(format!("{object} of {parts}"));
            if object.as_str() == "last" {
                self.release.notify_one();
            }
            Ok(())
        }

        async fn discard(&self, object: &ObjectName) -> Kept<()> {
            self.say(format!("no {object}"));
            Ok(())
        }

        async fn finish(&self, _: &BackupEnd, _: &BackupContents) -> Kept<()> {
            unreachable!("it is not the lane's to finish")
        }

        async fn give_up(&self, _: &str) -> Kept<()> {
            unreachable!("it is not the lane's to give up")
        }
    }

    fn part(object: &str, index: u32) -> Step {
        let payload = Payload::new(vec![7]);
        Step::Part(ObjectName::of_test(object), index, payload)
    }

    #[tokio::test]
    async fn an_object_ends_behind_its_parts_and_holds_up_no_other() {
        let writer = Arc::new(Recorder::default());
        let (queue, steps) = mpsc::channel(16);
        for step in [
            part("slow", 0),
            Step::End(ObjectName::of_test("slow"), 1),
            part("a", 0),
            part("a", 1),
            Step::End(ObjectName::of_test("a"), 2),
            part("b", 0),
            Step::Discard(ObjectName::of_test("b")),
            Step::End(ObjectName::of_test("last"), 0),
        ] {
            queue.send(step).await.unwrap();
        }
        drop(queue);
        let lane = Lane {
            writer: Arc::clone(&writer) as Arc<dyn BackupWriter>,
            steps,
            parallel: 2,
            stall_limit: Duration::from_mins(1),
        };

        let bytes = lane.run().await;

        assert_eq!(bytes, Ok(4));
        let said = writer.said();
        let expected = [
            "a 0",
            "a 1",
            "a of 2",
            "b 0",
            "no b",
            "last of 0",
            "slow 0",
            "slow of 1",
        ];
        assert_eq!(said, expected);
    }
}
