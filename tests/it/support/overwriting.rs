//! A store that cannot refuse to replace an object.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use walcast::store::{
    Capabilities, GetOptions, Key, Level, Object, ObjectMeta, Payload, PutMode, PutOptions, Result,
    Store, UnfinishedUpload, Upload, UploadOptions,
};

/// Wraps a store and overwrites whatever it is asked to create.
#[derive(Debug)]
pub(crate) struct Overwriting {
    pub(crate) inner: Arc<dyn Store>,
    /// Whether it says so.
    pub(crate) admits_it: bool,
}

impl fmt::Display for Overwriting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl Store for Overwriting {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            create_if_absent: !self.admits_it,
            ..self.inner.capabilities()
        }
    }

    async fn put(&self, key: &Key, payload: Payload, mut options: PutOptions) -> Result<()> {
        options.mode = PutMode::Overwrite;
        self.inner.put(key, payload, options).await
    }

    async fn begin_upload(&self, key: &Key, mut options: UploadOptions) -> Result<Box<dyn Upload>> {
        options.put.mode = PutMode::Overwrite;
        self.inner.begin_upload(key, options).await
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Object> {
        self.inner.get(key, options).await
    }

    async fn head(&self, key: &Key) -> Result<ObjectMeta> {
        self.inner.head(key).await
    }

    fn list(&self, prefix: &str, after: Option<&str>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix, after)
    }

    async fn list_level(&self, prefix: &str) -> Result<Level> {
        self.inner.list_level(prefix).await
    }

    async fn delete(&self, keys: &[Key]) -> Vec<Result<()>> {
        self.inner.delete(keys).await
    }

    async fn unfinished_uploads(&self, prefix: &str) -> Result<Vec<UnfinishedUpload>> {
        self.inner.unfinished_uploads(prefix).await
    }

    async fn abort_unfinished(&self, upload: &UnfinishedUpload) -> Result<()> {
        self.inner.abort_unfinished(upload).await
    }
}
