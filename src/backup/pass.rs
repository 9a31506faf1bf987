//! One read of the server's files for all destinations.

use std::{collections::HashMap, io, sync::Arc, time::Duration};

#[cfg(feature = "postgres")]
use jiff::Timestamp;
use tokio::{sync::mpsc, task::JoinSet};

use super::{
    BackupSettings, Event, Progress,
    lane::Lane,
    parts::{Buffers, Cutter, Step},
};
#[cfg(feature = "postgres")]
use crate::repository::{FileFilter, Tree, TreePath};
use crate::{
    destination::DestinationId,
    repository::{
        BackupContents, BackupEncoder, BackupEncoding, BackupEnd, BackupWriter, TreeEvent,
    },
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
pub(super) struct Pass {
    feeds: Vec<mpsc::Sender<Feed>>,
    #[cfg(feature = "postgres")]
    filters: Vec<Option<Arc<dyn FileFilter>>>,
    /// Each with the index of the destinations that it encodes for.
    encoders: JoinSet<(Vec<usize>, io::Result<Option<BackupContents>>)>,
    lanes: JoinSet<(usize, Result<u64, String>)>,
}

/// What became of each destination, by its index.
pub(super) type Results = Vec<(usize, Result<Sent, String>)>;

/// What a destination got.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// In bytes.
    pub bytes: u64,
    /// What the encoder knows of it.
    pub contents: BackupContents,
}

impl Pass {
    /// Starts an encoder for each distinct encoding and a lane for each destination.
    pub(super) fn start(
        participants: &[Participant],
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
            #[cfg(feature = "postgres")]
            filters: Vec::new(),
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
            let encoder = first.writer.encoder(settings.threads);
            let members = group.iter().map(|one| one.index).collect();
            let queues = group
                .into_iter()
                .map(|one| pass.lane(one, steps, settings.stall_limit, progress));
            let cutter = Cutter::new(buffers, queues.collect());
            pass.encoder(members, encoder, cutter);
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

    fn encoder(
        &mut self,
        members: Vec<usize>,
        mut encoder: Box<dyn BackupEncoder>,
        mut cutter: Cutter,
    ) {
        let (feed, mut coming) = mpsc::channel(AHEAD);
        self.feeds.push(feed);
        #[cfg(feature = "postgres")]
        self.filters.push(encoder.filter());
        let mut encode = move || {
            while let Some(next) = coming.blocking_recv() {
                match next {
                    Feed::Event(event) => encoder.take(&event, &mut cutter)?,
                    Feed::End(end) => return encoder.finish(&end, &mut cutter).map(Some),
                }
            }
            // Without an end the objects stay as they are: whoever dropped us knows why.
            Ok(None)
        };
        self.encoders.spawn_blocking(move || (members, encode()));
    }

    /// Returns what all encoders together need of the files.
    #[cfg(feature = "postgres")]
    pub(super) fn wishes(&self) -> Wishes {
        Wishes(self.filters.clone())
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
        let mut made: HashMap<usize, Result<BackupContents, String>> = HashMap::new();
        let mut failure = None;
        while let Some(ended) = self.encoders.join_next().await {
            let (members, encoded) = match ended {
                Ok(ended) => ended,
                Err(error) => {
                    failure = Some(error.to_string());
                    continue;
                }
            };
            let contents = match encoded {
                Ok(Some(contents)) => Ok(contents),
                Ok(None) => Err("the files ended too early".to_owned()),
                Err(error) => Err(error.to_string()),
            };
            made.extend(members.into_iter().map(|index| (index, contents.clone())));
        }
        let lanes = self.lanes.join_all().await.into_iter();
        let mut sent = |index: usize, bytes: u64| match made.remove(&index) {
            Some(contents) => contents.map(|contents| Sent { bytes, contents }),
            None => Err(failure.clone().unwrap_or_default()),
        };
        // Why a lane left comes first: an encoder without lanes ends because of that.
        lanes
            .map(|(index, bytes)| (index, bytes.and_then(|bytes| sent(index, bytes))))
            .collect()
    }
}

/// What all encoders of a pass together need of the files.
#[cfg(feature = "postgres")]
#[derive(Default)]
pub(super) struct Wishes(Vec<Option<Arc<dyn FileFilter>>>);

#[cfg(feature = "postgres")]
impl Wishes {
    #[cfg(test)]
    pub(super) fn of_test(filter: Arc<dyn FileFilter>) -> Self {
        Self(vec![Some(filter)])
    }

    /// Looks at a file before any is read.
    pub(super) fn notice(&self, tree: Tree, path: &TreePath, size: u64, modified: Timestamp) {
        for filter in self.0.iter().flatten() {
            filter.notice(tree, path, size, modified);
        }
    }

    /// Returns whether anybody compares files with what he has.
    pub(super) fn compare(&self) -> bool {
        self.0.iter().any(Option::is_some)
    }

    /// Returns whether anybody needs the content of a file.
    pub(super) fn wants(
        &self,
        tree: Tree,
        path: &TreePath,
        size: u64,
        modified: Timestamp,
    ) -> bool {
        self.0.is_empty()
            || self.0.iter().any(|filter| {
                let filter = filter.as_ref();
                filter.is_none_or(|filter| filter.wants(tree, path, size, modified))
            })
    }

    /// Returns whether anybody wants what is behind symbolic links.
    pub(super) fn follow_links(&self) -> bool {
        self.0.iter().flatten().any(|filter| filter.follows_links())
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
