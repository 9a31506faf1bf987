//! A file of the archive from a destination, checked and encoded anew.

use std::{io, time::Duration};

use futures_util::TryStreamExt;
use tokio::time::timeout;

use super::{
    encode::{Encoder, Prepared},
    source::check_fetched,
};
use crate::{
    codec::Encoding,
    error::chain,
    pg::{SegmentHeader, SystemId},
    repository::{ClusterIdentity, Repository, StoredWal},
};

/// How long a destination may take for one block.
pub(super) const READ_PATIENCE: Duration = Duration::from_mins(1);

/// What is read, and what it must be.
#[derive(Clone, Debug)]
pub(super) struct Download<'a> {
    pub repository: &'a dyn Repository,
    pub stored: &'a StoredWal,
    /// The most bytes that it can have.
    pub limit: u64,
    /// Whether a segment is looked into.
    pub verify: bool,
    /// Of which cluster it must be then, where that is known.
    pub cluster: Option<SystemId>,
    pub encodings: Vec<Encoding>,
}

impl Download<'_> {
    /// Reads it to its end before anything is made of it.
    pub(super) async fn run(
        self,
        encoder: &Encoder,
    ) -> Result<(Prepared, Option<ClusterIdentity>), String> {
        let text = |error: io::Error| chain(&error);
        let landing = encoder.landing(self.limit, &self.encodings).await;
        let mut landing = landing.map_err(text)?;
        let body = self.repository.read_wal(self.stored, self.limit).await;
        let mut body = body.map_err(|error| chain(&error))?;
        let (mut head, mut len) = (Vec::new(), 0_u64);
        loop {
            let block = timeout(READ_PATIENCE, body.try_next()).await;
            let block = block.map_err(|_| "no answer".to_owned())?;
            let Some(block) = block.map_err(|error| chain(&error))? else {
                break;
            };
            len += block.len() as u64;
            let wanted = SegmentHeader::LEN.saturating_sub(head.len());
            head.extend_from_slice(&block[..wanted.min(block.len())]);
            landing = encoder.land(landing, block).await.map_err(text)?;
        }
        let identity = if self.verify {
            check_fetched(self.stored.name, &head, len, self.cluster)?
        } else {
            None
        };
        let prepared = encoder.take_off(self.stored.name, landing, self.encodings);
        Ok((prepared.await.map_err(text)?, identity))
    }
}
