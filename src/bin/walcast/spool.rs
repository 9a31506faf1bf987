//! Where debts are remembered.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use walcast::{
    byte_size::ByteSize,
    config::Parameters,
    disk::LocalDisk,
    fanout::Destination,
    spool::{LockError, Spool, SpoolError, SpoolSettings},
    workers::Workers,
};

use crate::output::Failure;

/// The folder of one cluster's debts.
#[derive(Args, Clone, Debug)]
pub(crate) struct SpoolOptions {
    /// The folder for what destinations owe, and for the health of the destinations. One for each
    /// cluster; created if it is missing.
    #[arg(long = "spool", value_name = "DIR", env = "WALCAST_SPOOL")]
    pub(crate) root: PathBuf,
}

/// How much is remembered.
#[derive(Args, Clone, Debug)]
pub(crate) struct SpoolLimits {
    /// Most bytes of WAL in the spool. Default: what the Cluster's plugin entry says, else 4GiB.
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    spool_limit: Option<ByteSize>,
}

impl SpoolOptions {
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Opens the spool, whose lock the caller holds.
    pub(crate) async fn open(
        &self,
        settings: SpoolSettings,
        destinations: &[Destination],
        workers: &Workers,
    ) -> Result<Spool, Failure> {
        let ids = destinations.iter().map(|one| one.id.clone()).collect();
        let disk = Arc::new(LocalDisk);
        let spool = Spool::open(disk, &self.root, ids, settings, workers.clone()).await;
        spool.map_err(|error| failed(&error))
    }

    /// Looks into a spool without its lock.
    pub(crate) async fn inspect(
        &self,
        destinations: &[Destination],
        workers: &Workers,
    ) -> Result<Spool, SpoolError> {
        let ids = destinations.iter().map(|one| one.id.clone()).collect();
        Spool::inspect(Arc::new(LocalDisk), &self.root, ids, workers.clone()).await
    }
}

impl SpoolLimits {
    pub(crate) fn settings(&self, said: &Parameters) -> SpoolSettings {
        let default = SpoolSettings::default();
        let limit = self.spool_limit.or(said.spool_limit);
        SpoolSettings {
            max_bytes: limit.unwrap_or(default.max_bytes),
            ..default
        }
    }
}

pub(crate) fn failed(error: &SpoolError) -> Failure {
    Failure::of(error).with_hint(Some(error.hint()))
}

/// The lock of the spool cannot be had.
pub(crate) fn locked(error: &LockError) -> Failure {
    let hint = match error {
        LockError::InUse(_) => {
            "Give each cluster a spool of its own; if it is this cluster's, look for a `walcast` \
             that hangs."
        }
        LockError::Io { .. } => "Let the user that runs walcast create and write the folder.",
    };
    Failure::of(error).with_hint(Some(hint))
}
