//! Amazon S3, and everything that speaks its protocol.
//!
//! What services do differently is data ([`S3Quirks`]), chosen by the endpoint's host name and
//! overridden in the configuration. Only what every service takes is sent: bodies of known
//! length, signed with a hash that is computed once for all destinations, without chunked
//! encoding and, except to AWS, without checksum headers.
//!
//! Nothing is retried here: [`Class`](super::Class) tells whether trying again may help, and a
//! wrapper does. After an answer was lost, a repeated create may meet the object that the first
//! attempt wrote and report a conflict; the caller compares.

mod bucket;
#[cfg(feature = "aws-chain")]
mod chain;
mod client;
mod config;
mod delete;
mod endpoint;
mod error;
mod list;
mod put;
mod quirks;
mod read;
mod refusal;
mod sign;
mod upload;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use jiff::SignedDuration;

use self::{
    bucket::{Bucket, MIN_PART},
    put::Body,
    upload::S3Upload,
};
pub use self::{
    config::{Addressing, Credentials, InvalidS3Config, S3Config, ServerSideEncryption},
    quirks::{ListApi, QuirkOverrides, S3Quirks, Support},
};
use super::{
    Capabilities, GetOptions, Key, Level, Object, ObjectMeta, Operation, Payload, PutOptions,
    Result, Store, UnfinishedUpload, Upload, UploadOptions,
};
use crate::{
    clock::{Clock, SystemClock},
    workers::Workers,
};

/// A bucket; cheap to clone.
#[derive(Clone, Debug)]
pub struct S3Store {
    bucket: Arc<Bucket>,
    workers: Workers,
}

impl S3Store {
    /// Prepares to talk to a bucket, with a pool of connections of its own; sends nothing.
    pub fn connect(config: S3Config) -> Result<Self, InvalidS3Config> {
        Self::connect_with(config, Arc::new(SystemClock), Workers::new())
    }

    /// As [`connect`](Self::connect), with the clock that dates of answers are compared with, and
    /// the workers that hash parts.
    pub fn connect_with(
        config: S3Config,
        clock: Arc<dyn Clock>,
        workers: Workers,
    ) -> Result<Self, InvalidS3Config> {
        let bucket = Arc::new(Bucket::connect(config, clock)?);
        Ok(Self { bucket, workers })
    }

    /// Returns the region that requests are signed for.
    pub fn region(&self) -> &str {
        &self.bucket.region
    }

    /// Returns what is assumed about the service.
    pub fn quirks(&self) -> &S3Quirks {
        &self.bucket.quirks
    }

    /// Returns the service's time minus this machine's, by its last answer; whole seconds.
    pub fn clock_skew(&self) -> Option<SignedDuration> {
        self.bucket.skew.measured()
    }

    fn in_one_request(&self, payload: &Payload) -> bool {
        let limit = match payload.in_memory() {
            Some(_) => self.bucket.multipart_threshold,
            None => self.bucket.part_size.min(self.bucket.multipart_threshold),
        };
        payload.len() < limit
    }
}

#[async_trait]
impl Store for S3Store {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            create_if_absent: self.bucket.create.is_proved(),
            // The zonal buckets of AWS list in no order.
            ordered_list: !self.bucket.name.ends_with("--x-s3"),
            tags: self.bucket.quirks.tags,
            min_part_size: MIN_PART,
            max_parts: self.bucket.quirks.max_parts,
        }
    }

    async fn put(&self, key: &Key, payload: Payload, options: PutOptions) -> Result<()> {
        if !self.in_one_request(&payload) {
            return upload::put_in_parts(&self.bucket, &self.workers, key, &payload, &options)
                .await;
        }
        let fail = |failure| self.bucket.error(Operation::Put, Some(key), failure);
        let bytes = payload.read(0..payload.len()).await;
        let bytes = bytes.map_err(|error| fail(upload::unreadable(&error)))?;
        let sha256 = payload.sha256();
        let body = Body { bytes, sha256 };
        self.bucket.put(key, &body, &options).await.map_err(fail)
    }

    async fn begin_upload(&self, key: &Key, options: UploadOptions) -> Result<Box<dyn Upload>> {
        let upload = S3Upload::begin(&self.bucket, key, &options.put).await?;
        Ok(Box::new(upload))
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Object> {
        read::get(&self.bucket, key, options).await
    }

    async fn head(&self, key: &Key) -> Result<ObjectMeta> {
        self.bucket
            .head(key)
            .await
            .map_err(|failure| self.bucket.error(Operation::Head, Some(key), failure))
    }

    fn list(
        &self,
        prefix: &str,
        start_after: Option<&str>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        list::list(Arc::clone(&self.bucket), prefix, start_after)
    }

    async fn list_level(&self, prefix: &str) -> Result<Level> {
        list::list_level(Arc::clone(&self.bucket), prefix).await
    }

    async fn delete(&self, keys: &[Key]) -> Vec<Result<()>> {
        self.bucket.delete(keys).await
    }

    async fn unfinished_uploads(&self, prefix: &str) -> Result<Vec<UnfinishedUpload>> {
        self.bucket
            .unfinished(prefix)
            .await
            .map_err(|failure| self.bucket.error(Operation::ListUploads, None, failure))
    }

    async fn abort_unfinished(&self, upload: &UnfinishedUpload) -> Result<()> {
        self.bucket.abort(&upload.key, &upload.id).await
    }
}

impl fmt::Display for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bucket.fmt(f)
    }
}
