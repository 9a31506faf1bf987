//! A base backup on its way back: each tree from the first destination that has it sound.

mod error;
mod report;

use std::{fs::File, io, time::Duration};

use futures_util::{StreamExt, future::join, stream::BoxStream};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use self::report::Named;
pub use self::{
    error::RestoreError,
    report::{Complaint, Progress, RestoreReport, RestoredTree},
};
use super::{
    place::{PlaceError, Placement, Placer},
    target::RecoverySettings,
};
use crate::{
    destination::DestinationId,
    error::chain,
    pg::Oid,
    repository::{self, BackupReader, Tree, TreeEvent},
    workers::Workers,
};

/// Restores a base backup.
#[derive(Clone, Debug)]
pub struct BaseRestore {
    /// Where it goes.
    pub placement: Placement,
    /// What the restored server is told.
    pub settings: RecoverySettings,
    /// How often destinations that fail in a way that may pass are asked for a tree; at least 1.
    pub rounds: u32,
    /// Threads for the files.
    pub workers: Workers,
}

/// A copy of the backup.
pub type BackupCopy = (DestinationId, Box<dyn BackupReader>);

/// Why one copy of a tree did not do.
enum Failure {
    /// It is the copy's fault.
    Copy { reason: String, may_pass: bool },
    /// Another copy would fare no better.
    Place(PlaceError),
}

/// Some steps of a tree, and how it ended if it did.
#[derive(Default)]
struct Batch {
    events: Vec<TreeEvent>,
    end: Option<Result<(), Failure>>,
}

impl BaseRestore {
    const FIRST_PAUSE: Duration = Duration::from_secs(1);
    /// How long a destination may stand still.
    const STALL: Duration = Duration::from_mins(1);
    /// Batches whose files are made durable at the same time; one disk job is left to write.
    const SYNCS: usize = 3;

    /// Restores the backup of which `copies` are, the best one first.
    ///
    /// Nothing is changed before all that can be checked was. After an error the target has what
    /// an interrupted restore leaves: no server can start in it, and a delta completes it. The
    /// same holds after the future was dropped, once jobs that were running have ended.
    pub async fn run(
        &self,
        copies: Vec<BackupCopy>,
        progress: &(dyn Fn(Progress<'_>) + Send + Sync),
    ) -> Result<RestoreReport, RestoreError> {
        self.settings.check()?;
        let (one, first) = copies.first().ok_or(RestoreError::NoCopy)?;
        let identity = |reader: &dyn BackupReader| {
            let backup = reader.backup();
            (backup.system_id, backup.start, backup.stop)
        };
        let is_other = |copy: &&BackupCopy| identity(copy.1.as_ref()) != identity(first.as_ref());
        if let Some((other, _)) = copies.iter().find(is_other) {
            return Err(RestoreError::Different {
                one: one.clone(),
                other: other.clone(),
            });
        }
        let backup = first.backup().id.clone();
        let trees = first.trees();
        let placement = self.placement.clone();
        let mut placer = self.workers.disk(move || Placer::begin(placement)).await?;
        let mut run = Run {
            restore: self,
            progress,
            order: copies.iter().collect(),
            syncs: JoinSet::new(),
            complaints: Vec::new(),
        };

        let mut restored = Vec::new();
        for (tree, _) in trees {
            let (after, from) = run.tree(placer, tree).await?;
            placer = after;
            restored.push(RestoredTree {
                tablespace: tablespace(tree),
                from,
            });
        }
        run.synced(0).await?;
        progress(Progress::Finishing);
        let settings = self.settings.clone();
        Ok(RestoreReport {
            backup,
            trees: restored,
            placed: self.workers.disk(move || placer.finish(&settings)).await?,
            complaints: run.complaints,
        })
    }
}

/// A restore that is going on.
struct Run<'a> {
    restore: &'a BaseRestore,
    progress: &'a (dyn Fn(Progress<'_>) + Send + Sync),
    /// The copies, the best one first; one that failed goes to the end.
    order: Vec<&'a BackupCopy>,
    syncs: JoinSet<io::Result<()>>,
    complaints: Vec<Complaint>,
}

impl Run<'_> {
    /// Restores a tree from the first copy that is sound.
    async fn tree(
        &mut self,
        mut placer: Placer,
        tree: Tree,
    ) -> Result<(Placer, DestinationId), RestoreError> {
        let told_before = self.complaints.len();
        let mut pending = self.order.clone();
        let mut pause = BaseRestore::FIRST_PAUSE;
        for round in 1..=self.restore.rounds.max(1) {
            let mut again = Vec::new();
            for copy in pending {
                let (from, reader) = copy;
                (self.progress)(Progress::Tree { tree, from });
                let (after, result) = self.attempt(placer, tree, reader.as_ref()).await;
                placer = after;
                let (reason, may_pass) = match result {
                    Ok(()) => return Ok((placer, from.clone())),
                    Err(Failure::Place(error)) => return Err(error.into()),
                    Err(Failure::Copy { reason, may_pass }) => (reason, may_pass),
                };
                self.complain(copy, tree, reason);
                again.extend(may_pass.then_some(copy));
            }
            pending = again;
            if pending.is_empty() || round == self.restore.rounds {
                break;
            }
            sleep(pause).await;
            pause *= 2;
        }
        Err(RestoreError::Unsound {
            tree,
            complaints: self.complaints.split_off(told_before),
        })
    }

    fn complain(&mut self, copy: &BackupCopy, tree: Tree, reason: String) {
        let (destination, _) = copy;
        let complaint = Complaint {
            destination: destination.clone(),
            tablespace: tablespace(tree),
            reason,
        };
        tracing::warn!(%complaint, "a copy of the backup did not do");
        (self.progress)(Progress::Complaint(&complaint));
        self.complaints.push(complaint);
        // A stable sort: the others keep their order.
        self.order.sort_by_key(|(id, _)| id == destination);
    }

    /// Restores a tree from one copy; the next steps are read while those before are written.
    async fn attempt(
        &mut self,
        mut placer: Placer,
        tree: Tree,
        reader: &dyn BackupReader,
    ) -> (Placer, Result<(), Failure>) {
        let opened = timeout(BaseRestore::STALL, reader.read(tree)).await;
        let mut stream = match opened.map_err(|_| stands_still()) {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return (placer, Err(error.into())),
            Err(failure) => return (placer, Err(failure)),
        };
        let mut batch = Batch::read(&mut stream, tree).await;
        batch.events.insert(0, TreeEvent::Tree(tree));
        loop {
            let Batch { events, end } = batch;
            let is_whole = matches!(end, Some(Ok(())));
            let job = move || place(placer, events, is_whole);
            let write = self.restore.workers.disk(job);
            let (written, next) = if end.is_none() {
                let (written, next) = join(write, Batch::read(&mut stream, tree)).await;
                (written, Some(next))
            } else {
                (write.await, None)
            };
            let (after, files, result) = written;
            placer = after;
            if let Err(failure) = result {
                return (placer, Err(failure));
            }
            (self.progress)(Progress::Placed(placer.placed()));
            self.sync(files);
            if let Err(error) = self.synced(BaseRestore::SYNCS).await {
                return (placer, Err(Failure::Place(error)));
            }
            match next {
                Some(next) => batch = next,
                None => return (placer, end.unwrap_or(Ok(()))),
            }
        }
    }

    /// Makes files durable in the background.
    fn sync(&mut self, files: Vec<File>) {
        if files.is_empty() {
            return;
        }
        let workers = self.restore.workers.clone();
        let job = move || files.iter().try_for_each(File::sync_all);
        self.syncs.spawn(async move { workers.disk(job).await });
    }

    /// Waits until no more than `left` batches are not yet durable.
    async fn synced(&mut self, left: usize) -> Result<(), PlaceError> {
        while self.syncs.len() > left {
            let Some(joined) = self.syncs.join_next().await else {
                break;
            };
            let synced = joined.map_err(io::Error::other).flatten();
            synced.map_err(|source| PlaceError::Io {
                path: self.restore.placement.target.clone(),
                source,
            })?;
        }
        Ok(())
    }
}

impl Batch {
    const BYTES: usize = 1 << 20;
    /// Bounds the files that are open until they are durable.
    const EVENTS: usize = 128;

    async fn read(
        stream: &mut BoxStream<'static, repository::Result<TreeEvent>>,
        tree: Tree,
    ) -> Self {
        let mut batch = Self::default();
        let mut bytes = 0;
        while bytes < Self::BYTES && batch.events.len() < Self::EVENTS && batch.end.is_none() {
            match timeout(BaseRestore::STALL, stream.next()).await {
                Err(_) => batch.end = Some(Err(stands_still())),
                Ok(None) => batch.end = Some(Ok(())),
                Ok(Some(Err(error))) => batch.end = Some(Err(error.into())),
                // Whoever restores says that it begins.
                Ok(Some(Ok(TreeEvent::Tree(found)))) if found == tree => {}
                Ok(Some(Ok(TreeEvent::Tree(found)))) => {
                    batch.end = Some(Err(Failure::Copy {
                        reason: format!("the {} comes instead", Named(found)),
                        may_pass: false,
                    }));
                }
                Ok(Some(Ok(event))) => {
                    if let TreeEvent::Data(block) = &event {
                        bytes += block.len();
                    }
                    batch.events.push(event);
                }
            }
        }
        batch
    }
}

impl From<repository::Error> for Failure {
    fn from(error: repository::Error) -> Self {
        Self::Copy {
            reason: chain(&error),
            may_pass: error.class().is_retriable(),
        }
    }
}

impl From<PlaceError> for Failure {
    fn from(error: PlaceError) -> Self {
        if error.is_of_content() {
            Self::Copy {
                reason: chain(&error),
                may_pass: false,
            }
        } else {
            Self::Place(error)
        }
    }
}

/// Takes steps of a tree, and its end if it is whole. Blocking.
fn place(
    mut placer: Placer,
    events: Vec<TreeEvent>,
    is_whole: bool,
) -> (Placer, Vec<File>, Result<(), Failure>) {
    let taken = events.into_iter().try_for_each(|event| placer.take(event));
    let taken = match taken {
        Ok(()) if is_whole => placer.end_tree(),
        taken => taken,
    };
    let files = placer.take_unsynced();
    (placer, files, taken.map_err(Failure::from))
}

fn stands_still() -> Failure {
    Failure::Copy {
        reason: format!("nothing came for {:?}", BaseRestore::STALL),
        may_pass: true,
    }
}

fn tablespace(tree: Tree) -> Option<Oid> {
    match tree {
        Tree::Data => None,
        Tree::Tablespace(oid) => Some(oid),
    }
}

#[cfg(test)]
mod tests;
