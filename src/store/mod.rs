//! Bytes under keys: what a destination's storage must be able to do.
//!
//! [`Store`] is the seam between walcast and a storage product. It has few methods, all of them
//! safe to repeat; conveniences are in [`StoreExt`], and cross-cutting behaviour (retries, limits,
//! prefixes, observation) is a store that wraps a store. What products do differently is data:
//! [`Capabilities`].
//!
//! Errors carry a [`Class`]; callers decide by class alone.
//!
//! Implement the trait for a storage of your own, and run [`conformance`] against it (feature
//! `test-util`).

mod compose;
#[cfg(any(test, feature = "test-util"))]
#[cfg_attr(docsrs, doc(cfg(feature = "test-util")))]
pub mod conformance;
mod counters;
mod error;
mod ext;
#[cfg(any(test, feature = "test-util"))]
#[cfg_attr(docsrs, doc(cfg(feature = "test-util")))]
pub mod fault;
mod filesystem;
mod key;
mod limit;
mod memory;
mod observed;
mod payload;
mod prefixed;
mod retry;
#[cfg(feature = "s3")]
#[cfg_attr(docsrs, doc(cfg(feature = "s3")))]
pub mod s3;
mod transfer;

use std::{fmt, ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use jiff::Timestamp;

pub use self::{
    compose::{Composed, Composition, compose},
    counters::{Count, Counters, Latency, Measured},
    error::{Class, Error, Operation, Result},
    ext::StoreExt,
    filesystem::FsStore,
    key::{InvalidKey, Key},
    limit::Limit,
    memory::MemoryStore,
    observed::Observed,
    payload::Payload,
    prefixed::Prefixed,
    retry::{Retry, RetryPolicy},
    transfer::transfer,
};

/// A place that keeps bytes under keys.
///
/// # Contract
/// - A key is visible complete or not at all: a reader never sees half of an object, and an
///   operation that fails leaves the key as it was, or complete if only the answer was lost.
/// - Every operation may be repeated with the same arguments.
/// - After a successful `put`, `complete` or `delete`, `get` and `head` see it. A listing may lag
///   behind.
/// - Dropping a future cancels the operation; the key is then as after a failure.
#[async_trait]
pub trait Store: fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// Returns what this store can do.
    fn capabilities(&self) -> Capabilities;

    /// Stores `payload` under `key`, whatever its size.
    ///
    /// With [`PutMode::Create`] an existing object is left alone and the error has
    /// [`Class::Conflict`], on stores with [`Capabilities::create_if_absent`]; on others it is
    /// replaced. After a retry the existing object may be the one that this call wrote.
    async fn put(&self, key: &Key, payload: Payload, options: PutOptions) -> Result<()>;

    /// Begins an upload in parts, for content whose length is not known.
    ///
    /// Nothing is visible under `key` before [`Upload::complete`].
    async fn begin_upload(&self, key: &Key, options: UploadOptions) -> Result<Box<dyn Upload>>;

    /// Opens the object under `key`. [`Class::Missing`] if there is none.
    async fn get(&self, key: &Key, options: GetOptions) -> Result<Object>;

    /// Returns what is known of the object under `key`. [`Class::Missing`] if there is none.
    async fn head(&self, key: &Key) -> Result<ObjectMeta>;

    /// Lists the objects whose keys begin with `prefix` (any text, not only whole folders; empty
    /// for all) and come after `start_after`, in ascending byte order of the keys where
    /// [`Capabilities::ordered_list`].
    ///
    /// The stream ends at the first error. A prefix without objects is an empty stream.
    fn list(
        &self,
        prefix: &str,
        start_after: Option<&str>,
    ) -> BoxStream<'static, Result<ObjectMeta>>;

    /// Lists one level below `prefix`: objects whose keys have no further `/` after it, and the
    /// prefixes (ending in `/`) of the others.
    async fn list_level(&self, prefix: &str) -> Result<Level>;

    /// Deletes `keys`, in batches where the store can; one result per key, in their order.
    /// A missing key is a success.
    async fn delete(&self, keys: &[Key]) -> Vec<Result<()>>;

    /// Lists uploads below `prefix` that were begun and neither completed nor aborted.
    /// [`Class::Invalid`] if the store cannot list them.
    async fn unfinished_uploads(&self, prefix: &str) -> Result<Vec<UnfinishedUpload>>;

    /// Removes what an unfinished upload left behind. One that is gone is a success.
    async fn abort_unfinished(&self, upload: &UnfinishedUpload) -> Result<()>;
}

/// An upload in parts, begun by [`Store::begin_upload`].
///
/// Dropping it without [`complete`](Self::complete) leaves an unfinished upload behind, to be
/// listed and removed later; call [`abort`](Self::abort).
#[async_trait]
pub trait Upload: fmt::Debug + Send + Sync {
    /// Stores part `index`, counted from 0. Parts may come in any order, concurrently and again.
    /// All but the last have exactly the agreed [`UploadOptions::part_size`].
    async fn put_part(&self, index: u32, payload: Payload) -> Result<()>;

    /// Makes the `parts` parts visible under the key. May be repeated after an error.
    async fn complete(&self, parts: u32) -> Result<()>;

    /// Removes the parts. May be repeated.
    async fn abort(&self) -> Result<()>;
}

/// What a store can do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Capabilities {
    /// [`PutMode::Create`] is atomic and is obeyed.
    pub create_if_absent: bool,
    /// Listings are in byte order of the keys.
    pub ordered_list: bool,
    /// Objects can have tags.
    pub tags: bool,
    /// Smallest size of a part that is not the last, in bytes.
    pub min_part_size: u64,
    /// Most parts of one upload.
    pub max_parts: u32,
}

/// Whether an existing object is replaced.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum PutMode {
    /// Only a new key is written.
    Create,
    /// What is there is replaced.
    #[default]
    Overwrite,
}

/// Key-value pairs that a store keeps with an object, in the order given; cheap to clone.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tags(Arc<[(String, String)]>);

impl Tags {
    /// Returns the pairs.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(String, String)> for Tags {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// How to put.
#[derive(Clone, Debug, Default)]
pub struct PutOptions {
    /// Whether an existing object is replaced.
    pub mode: PutMode,
    /// Tags of the object; ignored by a store that has none.
    pub tags: Tags,
}

impl PutOptions {
    /// Options for a key that must be new.
    pub fn create() -> Self {
        Self {
            mode: PutMode::Create,
            ..Self::default()
        }
    }

    /// Adds tags.
    #[must_use]
    pub fn with_tags(mut self, tags: Tags) -> Self {
        self.tags = tags;
        self
    }
}

/// How to upload in parts.
#[derive(Clone, Debug)]
pub struct UploadOptions {
    /// Size of each part but the last, in bytes.
    pub part_size: u64,
    /// As for [`PutOptions`].
    pub put: PutOptions,
}

/// How to get.
#[derive(Clone, Debug, Default)]
pub struct GetOptions {
    /// Only these bytes; an end beyond the object's is cut. An empty range, and one that begins
    /// at or beyond the object's end, has no bytes to return and is [`Class::Invalid`].
    pub range: Option<Range<u64>>,
    /// Fail with [`Class::Conflict`] if the object has another ETag by now. A store whose product
    /// ignores the condition compares by itself.
    pub if_match: Option<ETag>,
}

impl GetOptions {
    /// Options for the bytes of `range`.
    pub fn range(range: Range<u64>) -> Self {
        Self {
            range: Some(range),
            if_match: None,
        }
    }

    /// Adds the content that is expected.
    #[must_use]
    pub fn with_if_match(mut self, etag: Option<ETag>) -> Self {
        self.if_match = etag;
        self
    }

    /// Returns the bytes wanted of an object of `size` bytes, or `None` if there are none.
    pub fn resolve(&self, size: u64) -> Option<Range<u64>> {
        let Some(range) = &self.range else {
            return Some(0..size);
        };
        let end = range.end.min(size);
        (range.start < end).then_some(range.start..end)
    }
}

/// A store's name for one content of one key. Opaque: nothing can be told from it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ETag(String);

impl ETag {
    /// Wraps the store's text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the store's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is known of an object without reading it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ObjectMeta {
    /// Its key.
    pub key: Key,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written, by the store's clock; often in whole seconds.
    pub modified: Timestamp,
    /// The name of this content, where the store has one.
    pub etag: Option<ETag>,
}

/// An opened object.
pub struct Object {
    /// What is known of it; `size` is that of the whole object, also for a range.
    pub meta: ObjectMeta,
    /// Its bytes, or those of the range. An error ends the stream.
    pub body: BoxStream<'static, Result<Bytes>>,
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object")
            .field("meta", &self.meta)
            .finish_non_exhaustive()
    }
}

/// One level of a listing, each part in byte order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Level {
    /// Objects directly below the prefix.
    pub objects: Vec<ObjectMeta>,
    /// Prefixes one level down, each ending in `/`.
    pub prefixes: Vec<String>,
}

/// An upload that was begun and neither completed nor aborted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnfinishedUpload {
    /// The key it was for.
    pub key: Key,
    /// The store's name for it.
    pub id: String,
    /// When it was begun, where the store tells.
    pub begun: Option<Timestamp>,
}
