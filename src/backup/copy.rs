//! A finished base backup from one destination to others.

use std::sync::Arc;

use futures_util::TryStreamExt;

use super::{
    BackupSettings, DestinationReport, Event, Progress,
    begun::{Begun, reasons},
    pass::Results,
};
use crate::{
    destination::DestinationId,
    error::chain,
    fanout::Destination,
    repository::{self, BackupReader, Taker, Tree, TreeEvent},
};

/// A base backup cannot be copied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// It cannot be read.
    #[error("reading backup {backup} from {from}: {source}")]
    Read {
        /// The backup.
        backup: String,
        /// Where it was read.
        from: DestinationId,
        /// Why not.
        source: repository::Error,
    },
    /// It is not complete there.
    #[error("backup {backup} in {from} is not complete, or its record lacks something")]
    Incomplete {
        /// The backup.
        backup: String,
        /// Where it was looked for.
        from: DestinationId,
    },
    /// No destination takes it.
    #[error("no destination takes it{}", reasons(.0))]
    Refused(Vec<(DestinationId, String)>),
}

impl CopyError {
    /// Returns what to do, as a full sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Read { .. } => "Copy it from another destination that holds it.",
            Self::Incomplete { .. } | Self::Refused(_) => {
                "See what each destination holds with `walcast info`."
            }
        }
    }
}

/// Copies the complete base backup `id` of `from` to all of `to`, reading it once.
///
/// It goes through its files, so that destinations may want it encoded otherwise. What it is
/// called stays the same. A destination in which the copy fails is as it was before.
///
/// # Errors
///
/// If it cannot be read to its end; then no destination has it.
pub async fn copy_backup(
    id: &str,
    from: &Destination,
    to: &[Destination],
    settings: &BackupSettings,
    progress: &Arc<Progress>,
) -> Result<Vec<DestinationReport>, CopyError> {
    let unreadable = |source| CopyError::Read {
        backup: id.to_owned(),
        from: from.id.clone(),
        source,
    };
    let reader = from.repository.open_backup(id).await.map_err(unreadable)?;
    let Some((start, end)) = reader.origin().cloned() else {
        return Err(CopyError::Incomplete {
            backup: id.to_owned(),
            from: from.id.clone(),
        });
    };
    let taker = Taker::of_copy();
    let begun = Begun::begin(to, Vec::new(), start, &taker, settings, progress).await;
    if begun.is_nowhere() {
        return Err(CopyError::Refused(begun.refusals()));
    }
    let mut pass = begun.start_pass();
    progress.expect(reader.trees().iter().map(|(_, size)| size).sum());
    let results: Result<Results, repository::Error> = async {
        for (tree, _) in reader.trees() {
            feed(&*reader, tree, &mut pass, progress).await?;
        }
        progress.tell(Event::AllRead(progress.done()));
        Ok(pass.finish(&end).await)
    }
    .await;
    match results {
        Ok(results) => Ok(begun.conclude(results, &end).await),
        Err(error) => {
            begun.undo(&chain(&error)).await;
            Err(unreadable(error))
        }
    }
}

/// Reads a tree into the pass. Labels are written anew at the end.
async fn feed(
    reader: &dyn BackupReader,
    tree: Tree,
    pass: &mut super::pass::Pass,
    progress: &Progress,
) -> repository::Result<()> {
    let mut events = reader.read(tree).await?;
    let mut is_label = false;
    while let Some(event) = events.try_next().await? {
        if let TreeEvent::File(path, ..) = &event {
            is_label = tree == Tree::Data && LABELS.contains(&path.as_str());
        }
        match &event {
            TreeEvent::Data(bytes) => progress.read(bytes.len() as u64),
            TreeEvent::EndOfFile => progress.file(),
            _ => {}
        }
        let is_skipped = is_label
            && matches!(
                event,
                TreeEvent::File(..) | TreeEvent::Data(_) | TreeEvent::EndOfFile
            );
        if !is_skipped && !pass.feed(event).await {
            break;
        }
    }
    Ok(())
}

const LABELS: [&str; 2] = ["backup_label", "tablespace_map"];
