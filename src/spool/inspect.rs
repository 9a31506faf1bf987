//! Looking into a spool that belongs to another process.

use std::{path::PathBuf, sync::Arc};

use super::{Spool, SpoolError, SpoolSettings};
use crate::{
    destination::DestinationId,
    disk::{Disk, ReadOnly},
    workers::Workers,
};

impl Spool {
    /// Reads the spool in `root` as it is now, without the lock and without changing anything.
    ///
    /// What is read is not followed: later changes are not seen, and nothing can be recorded.
    /// An entry that is settled while it is read is passed by. A folder that is not there is an
    /// error.
    pub async fn inspect(
        disk: Arc<dyn Disk>,
        root: impl Into<PathBuf>,
        destinations: Vec<DestinationId>,
        workers: Workers,
    ) -> Result<Self, SpoolError> {
        let disk = Arc::new(ReadOnly::new(disk));
        let settings = SpoolSettings::default();
        let spool = Self::new(disk, root.into(), destinations, settings, workers);
        let look = |inner: &super::Inner| match inner.disk.stat(&inner.root) {
            Ok(_) => inner.load(),
            Err(error) => Err(inner.io("opening", error)),
        };
        spool.blocking(look).await?;
        Ok(spool)
    }
}
