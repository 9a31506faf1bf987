//! Looking into a spool that belongs to another process.

use std::{io, path::PathBuf, sync::Arc};

use super::{
    Inner, Spool, SpoolError, SpoolSettings,
    files::{FORMAT_FILE, SMALL_FILE, check_format},
};
use crate::{
    destination::DestinationId,
    disk::{self, Disk, ReadOnly},
    pg::WalFileName,
    workers::Workers,
};

impl Spool {
    /// Reads the spool in `root` as it is now, without the lock and without changing anything.
    ///
    /// What is read is not followed: later changes are not seen, and nothing can be recorded.
    /// An entry that is settled while it is read is passed by.
    pub async fn inspect(
        disk: Arc<dyn Disk>,
        root: impl Into<PathBuf>,
        destinations: Vec<DestinationId>,
        workers: Workers,
    ) -> Result<Self, SpoolError> {
        let disk = Arc::new(ReadOnly::new(disk));
        let settings = SpoolSettings::default();
        let spool = Self::new(disk, root.into(), destinations, settings, workers);
        spool.blocking(Inner::look).await?;
        Ok(spool)
    }
}

impl Inner {
    fn look(&self) -> Result<(), SpoolError> {
        let format = self.root.join(FORMAT_FILE);
        let content = disk::read(&*self.disk, &format, SMALL_FILE)
            .map_err(|error| self.io("reading format.json", error))?;
        check_format(&format, &content)?;
        self.look_at_queue()
            .map_err(|error| self.io("reading the queue", error))
    }

    fn look_at_queue(&self) -> io::Result<()> {
        let queue = self.root.join("queue");
        for timeline in present(self.disk.read_dir(&queue))?.unwrap_or_default() {
            let folder = queue.join(timeline);
            for text in present(self.disk.read_dir(&folder))?.unwrap_or_default() {
                let Ok(name) = text.parse::<WalFileName>() else {
                    continue;
                };
                let entry = present(self.read_entry(name, &folder.join(text)))?;
                if let Some(entry) = entry.filter(|entry| !entry.owed.is_empty()) {
                    self.lock_queue().insert(entry);
                }
            }
        }
        Ok(())
    }
}

/// The owner of the spool may have removed it in the meantime.
fn present<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
