//! A store that costs nothing.

use std::{
    fmt,
    future::pending,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use futures_util::{StreamExt, stream, stream::BoxStream};
use walcast::store::{
    Capabilities, Class, Error, GetOptions, Key, Level, Object, ObjectMeta, Operation, Payload,
    PutOptions, Result, Store, UnfinishedUpload, Upload, UploadOptions,
};

/// Takes everything at once and forgets it, or never answers. Listings are empty.
#[derive(Debug)]
pub(crate) struct Sink {
    answers: bool,
    taken: AtomicUsize,
}

impl Sink {
    /// A store that takes everything.
    pub(crate) fn new() -> Self {
        Self {
            answers: true,
            taken: AtomicUsize::new(0),
        }
    }

    /// A store behind a dead connection.
    pub(crate) fn dead() -> Self {
        Self {
            answers: false,
            ..Self::new()
        }
    }

    /// Returns how many objects were put.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    async fn answer(&self) {
        if !self.answers {
            pending::<()>().await;
        }
    }

    fn error(&self, class: Class, operation: Operation) -> Error {
        Error::new(class, operation, self, "nothing is kept")
    }
}

#[async_trait]
impl Store for Sink {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            create_if_absent: true,
            ordered_list: true,
            tags: true,
            min_part_size: 1,
            max_parts: 10_000,
        }
    }

    async fn put(&self, _: &Key, _: Payload, _: PutOptions) -> Result<()> {
        self.answer().await;
        self.taken.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn begin_upload(&self, _: &Key, _: UploadOptions) -> Result<Box<dyn Upload>> {
        Err(self.error(Class::Invalid, Operation::BeginUpload))
    }

    async fn get(&self, _: &Key, _: GetOptions) -> Result<Object> {
        self.answer().await;
        Err(self.error(Class::Missing, Operation::Get))
    }

    async fn head(&self, _: &Key) -> Result<ObjectMeta> {
        self.answer().await;
        Err(self.error(Class::Missing, Operation::Head))
    }

    fn list(&self, _: &str, _: Option<&str>) -> BoxStream<'static, Result<ObjectMeta>> {
        if self.answers {
            stream::empty().boxed()
        } else {
            stream::pending().boxed()
        }
    }

    async fn list_level(&self, _: &str) -> Result<Level> {
        self.answer().await;
        Ok(Level::default())
    }

    async fn delete(&self, keys: &[Key]) -> Vec<Result<()>> {
        self.answer().await;
        vec![Ok(()); keys.len()]
    }

    async fn unfinished_uploads(&self, _: &str) -> Result<Vec<UnfinishedUpload>> {
        self.answer().await;
        Ok(Vec::new())
    }

    async fn abort_unfinished(&self, _: &UnfinishedUpload) -> Result<()> {
        self.answer().await;
        Ok(())
    }
}

impl fmt::Display for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sink")
    }
}
