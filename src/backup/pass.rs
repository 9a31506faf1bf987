//! One read of the server's files for all destinations.

use std::{io, sync::Arc, time::Duration};

use tokio::{sync::mpsc, task::JoinSet};

use super::{
    BackupSettings, Event, Progress,
    lane::Lane,
    parts::{Buffers, Cutter, Step},
};
use crate::{
    destination::DestinationId,
    fanout::Destination,
    repository::{BackupEncoder, BackupEncoding, BackupEnd, BackupWriter, TreeEvent},
};

/// What is fed to an encoder.
#[derive(Clone, Debug)]
enum Feed {
    Event(TreeEvent),
    End(Box<BackupEnd>),
}

/// How many steps wait for an encoder; each is at most 256 KiB.
const AHEAD: usize = 16;

/// More buffers make nothing faster.
const MOST_BUFFERS: usize = 1024;

/// A destination that takes part.
#[derive(Debug)]
pub(super) struct Participant {
    /// Its place among the destinations.
    pub index: usize,
    pub id: DestinationId,
    pub writer: Arc<dyn BackupWriter>,
    pub encoding: BackupEncoding,
    pub parallel: usize,
}

/// Copies on their way.
#[derive(Debug)]
pub(super) struct Pass {
    feeds: Vec<mpsc::Sender<Feed>>,
    encoders: JoinSet<io::Result<()>>,
    lanes: JoinSet<(usize, Result<u64, String>)>,
}

/// What became of each destination, by its index: the bytes that were sent, or why it left.
pub(super) type Results = Vec<(usize, Result<u64, String>)>;

impl Pass {
    /// Starts an encoder for each distinct encoding and a lane for each destination.
    pub(super) fn start(
        participants: &[Participant],
        destinations: &[Destination],
        settings: &BackupSettings,
        progress: &Arc<Progress>,
    ) -> Self {
        let mut groups: Vec<(&BackupEncoding, Vec<&Participant>)> = Vec::new();
        for one in participants {
            match groups
                .iter_mut()
                .find(|(encoding, _)| **encoding == one.encoding)
            {
                Some((_, group)) => group.push(one),
                None => groups.push((&one.encoding, vec![one])),
            }
        }
        let mut pass = Self {
            feeds: Vec::new(),
            encoders: JoinSet::new(),
            lanes: JoinSet::new(),
        };
        let memory = settings.memory.bytes() / groups.len().max(1) as u64;
        for (_, group) in groups {
            let first = group[0];
            let part_size = first.writer.part_size();
            let count = usize::try_from(memory / part_size.max(1)).unwrap_or(MOST_BUFFERS);
            let size = usize::try_from(part_size).unwrap_or(usize::MAX);
            let buffers = Buffers::new(count.min(MOST_BUFFERS), size);
            let steps = buffers.steps();
            let queues = group
                .into_iter()
                .map(|one| pass.lane(one, steps, settings.stall_limit, progress));
            let cutter = Cutter::new(buffers, queues.collect());
            let destination = &destinations[first.index];
            let encoder = destination.repository.backup_encoder(settings.threads);
            pass.encoder(encoder, cutter);
        }
        pass
    }

    fn lane(
        &mut self,
        one: &Participant,
        steps: usize,
        stall_limit: Duration,
        progress: &Arc<Progress>,
    ) -> mpsc::Sender<Step> {
        let (queue, steps) = mpsc::channel(steps);
        let lane = Lane {
            writer: Arc::clone(&one.writer),
            steps,
            parallel: one.parallel,
            stall_limit,
        };
        let (index, destination, progress) = (one.index, one.id.clone(), Arc::clone(progress));
        self.lanes.spawn(async move {
            let result = lane.run().await;
            if let Err(reason) = &result {
                let reason = reason.clone();
                progress.tell(Event::Left {
                    destination,
                    reason,
                });
            }
            (index, result)
        });
        queue
    }

    fn encoder(&mut self, mut encoder: Box<dyn BackupEncoder>, mut cutter: Cutter) {
        let (feed, mut coming) = mpsc::channel(AHEAD);
        self.feeds.push(feed);
        self.encoders.spawn_blocking(move || {
            while let Some(next) = coming.blocking_recv() {
                match next {
                    Feed::Event(event) => encoder.take(&event, &mut cutter)?,
                    Feed::End(end) => return encoder.finish(&end, &mut cutter),
                }
            }
            // Without an end the objects stay as they are: whoever dropped us knows why.
            Ok(())
        });
    }

    /// Returns what hands steps to the encoders from a blocking thread.
    #[cfg(feature = "postgres")]
    pub(super) fn feeder(&self) -> Feeder {
        Feeder(self.feeds.clone())
    }

    /// Hands a step to the encoders; false if nobody takes it any more.
    pub(super) async fn feed(&mut self, event: TreeEvent) -> bool {
        for feed in &self.feeds {
            // An encoder that is gone has told its lanes by going.
            let _ = feed.send(Feed::Event(event.clone())).await;
        }
        self.feeds.iter().any(|feed| !feed.is_closed())
    }

    /// Tells the encoders the end, and waits until every destination has everything or left.
    pub(super) async fn finish(mut self, end: &BackupEnd) -> Results {
        for feed in self.feeds.drain(..) {
            // An encoder that is gone has told its lanes by going.
            let _ = feed.send(Feed::End(Box::new(end.clone()))).await;
        }
        let mut failure = None;
        while let Some(ended) = self.encoders.join_next().await {
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => {}
                Ok(Err(error)) => failure = Some(error.to_string()),
                Err(error) => failure = Some(error.to_string()),
            }
        }
        let mut results = self.lanes.join_all().await;
        if let Some(reason) = failure {
            for (_, result) in &mut results {
                *result = Err(reason.clone());
            }
        }
        results
    }
}

/// Hands steps to encoders from a blocking thread.
#[cfg(feature = "postgres")]
#[derive(Debug)]
pub(super) struct Feeder(Vec<mpsc::Sender<Feed>>);

#[cfg(feature = "postgres")]
impl Feeder {
    /// Waits until all encoders have room; false if nobody takes anything any more. An encoder
    /// whose destinations all left is passed by.
    pub(super) fn feed(&mut self, event: &TreeEvent) -> bool {
        self.0
            .retain(|feed| feed.blocking_send(Feed::Event(event.clone())).is_ok());
        !self.0.is_empty()
    }
}
