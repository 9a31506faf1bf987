//! Uploads in parts whose requests are repeated.

use async_trait::async_trait;

use super::Patience;
use crate::store::{Payload, Result, Upload};

#[derive(Debug)]
pub(super) struct RetriedUpload {
    pub(super) inner: Box<dyn Upload>,
    pub(super) patience: Patience,
}

#[async_trait]
impl Upload for RetriedUpload {
    async fn put_part(&self, index: u32, payload: Payload) -> Result<()> {
        self.patience
            .run(|| self.inner.put_part(index, payload.clone()))
            .await
    }

    async fn complete(&self, parts: u32) -> Result<()> {
        self.patience.run(|| self.inner.complete(parts)).await
    }

    async fn abort(&self) -> Result<()> {
        self.patience.run(|| self.inner.abort()).await
    }
}
