//! Writing an object in parts.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use aws_sdk_s3::{
    primitives::ByteStream,
    types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{
    super::{
        Class, Key, Operation, Payload, PutMode, PutOptions, Result, UnfinishedUpload, Upload,
    },
    bucket::Bucket,
    error::Failure,
    put::{Body, conditionally},
    read::timestamp,
    sign::{SignPayload, checksum_value},
};
use crate::{codec::Sha256, workers::Workers};

/// A multipart upload.
#[derive(Debug)]
pub(super) struct S3Upload {
    bucket: Arc<Bucket>,
    key: Key,
    id: String,
    mode: PutMode,
    parts: Mutex<BTreeMap<u32, Part>>,
    /// `complete` was asked for, so that a missing upload may mean that it worked.
    asked: AtomicBool,
    completed: AtomicBool,
}

#[derive(Clone, Debug)]
struct Part {
    size: u64,
    completed: CompletedPart,
}

impl S3Upload {
    pub(super) async fn begin(
        bucket: &Arc<Bucket>,
        key: &Key,
        options: &PutOptions,
    ) -> Result<Self> {
        let fail = |failure| bucket.error(Operation::BeginUpload, Some(key), failure);
        let checksum = bucket.quirks.checksums.then_some(ChecksumAlgorithm::Sha256);
        let request = bucket
            .client
            .create_multipart_upload()
            .bucket(&bucket.name)
            .key(key.as_str())
            .set_checksum_algorithm(checksum)
            .set_tagging(bucket.tagging(&options.tags))
            .set_server_side_encryption(bucket.aws_encryption())
            .set_ssekms_key_id(bucket.kms_key())
            .set_storage_class(bucket.aws_storage_class())
            .send();
        let output = bucket.call(0, request).await.map_err(fail)?;
        let id = output.upload_id.ok_or_else(|| {
            fail(Failure::new(
                Class::Invalid,
                "the service gave no upload id",
            ))
        })?;
        Ok(Self {
            bucket: Arc::clone(bucket),
            key: key.clone(),
            id,
            mode: options.mode,
            parts: Mutex::default(),
            asked: AtomicBool::new(false),
            completed: AtomicBool::new(false),
        })
    }

    async fn send_part(&self, index: u32, body: Body) -> Result<(), Failure> {
        let bucket = &*self.bucket;
        let number = i32::try_from(index.saturating_add(1)).unwrap_or(i32::MAX);
        let checksum = bucket.quirks.checksums.then(|| checksum_value(body.sha256));
        let size = body.bytes.len() as u64;
        let request = bucket
            .client
            .upload_part()
            .bucket(&bucket.name)
            .key(self.key.as_str())
            .upload_id(&self.id)
            .part_number(number)
            .set_checksum_sha256(checksum.clone())
            .body(ByteStream::from(body.bytes))
            .customize()
            .interceptor(SignPayload(body.sha256));
        let output = bucket.call(size, request.send()).await?;
        let completed = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(output.e_tag)
            .set_checksum_sha256(checksum)
            .build();
        self.lock().insert(index, Part { size, completed });
        Ok(())
    }

    async fn ask_to_complete(&self, parts: Vec<CompletedPart>) -> Result<(), Failure> {
        let bucket = &*self.bucket;
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(parts))
            .build();
        conditionally(&bucket.create_on_complete, self.mode, |condition| {
            let request = bucket
                .client
                .complete_multipart_upload()
                .bucket(&bucket.name)
                .key(self.key.as_str())
                .upload_id(&self.id)
                .multipart_upload(parts.clone())
                .set_if_none_match(condition)
                .send();
            bucket.call(0, request)
        })
        .await?;
        Ok(())
    }

    /// Where the last request cannot say that the key must be new, asks before it.
    async fn check_absence(&self) -> Result<(), Failure> {
        let bucket = &*self.bucket;
        let is_left_to_us = self.mode == PutMode::Create
            && bucket.create.may_be_sent()
            && !bucket.create_on_complete.is_proved();
        if !is_left_to_us || self.asked.load(Ordering::Relaxed) {
            return Ok(());
        }
        match bucket.head(&self.key).await {
            Ok(_) => Err(Failure::new(Class::Conflict, "the key exists already")),
            Err(failure) if failure.class == Class::Missing => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// After a lost answer the upload is gone and the object is there.
    async fn was_completed(&self, size: u64) -> bool {
        let head = self.bucket.head(&self.key).await;
        head.is_ok_and(|meta| meta.size == size)
    }

    /// Returns the first `count` parts and their total size.
    fn chosen(&self, count: u32) -> Result<(Vec<CompletedPart>, u64), Failure> {
        let parts = self.lock();
        let mut chosen = Vec::with_capacity(parts.len());
        let mut size = 0;
        for index in 0..count {
            let part = parts.get(&index).ok_or_else(|| {
                Failure::new(Class::Invalid, format!("part {index} was not stored"))
            })?;
            size += part.size;
            chosen.push(part.completed.clone());
        }
        Ok((chosen, size))
    }

    async fn try_complete(&self, count: u32) -> Result<(), Failure> {
        let (parts, size) = self.chosen(count)?;
        self.check_absence().await?;
        let asked_before = self.asked.swap(true, Ordering::Relaxed);
        match self.ask_to_complete(parts).await {
            Err(failure) if failure.code == "NoSuchUpload" && asked_before => {
                if self.was_completed(size).await {
                    Ok(())
                } else {
                    Err(failure)
                }
            }
            answer => answer,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u32, Part>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, operation: Operation, failure: Failure) -> super::super::Error {
        self.bucket.error(operation, Some(&self.key), failure)
    }
}

#[async_trait]
impl Upload for S3Upload {
    async fn put_part(&self, index: u32, payload: Payload) -> Result<()> {
        let fail = |failure| self.fail(Operation::PutPart, failure);
        let bytes = payload.read(0..payload.len()).await;
        let bytes = bytes.map_err(|error| fail(unreadable(&error)))?;
        let sha256 = payload.sha256();
        self.send_part(index, Body { bytes, sha256 })
            .await
            .map_err(fail)
    }

    async fn complete(&self, parts: u32) -> Result<()> {
        if self.completed.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.try_complete(parts)
            .await
            .map_err(|failure| self.fail(Operation::Complete, failure))?;
        self.completed.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn abort(&self) -> Result<()> {
        self.bucket.abort(&self.key, &self.id).await
    }
}

impl Bucket {
    /// Removes the parts of an upload; one that is gone is a success.
    pub(super) async fn abort(&self, key: &Key, id: &str) -> Result<()> {
        let request = self
            .client
            .abort_multipart_upload()
            .bucket(&self.name)
            .key(key.as_str())
            .upload_id(id)
            .send();
        match self.call(0, request).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.class == Class::Missing => Ok(()),
            Err(failure) => Err(self.error(Operation::Abort, Some(key), failure)),
        }
    }

    /// Lists the uploads below `prefix`.
    pub(super) async fn unfinished(&self, prefix: &str) -> Result<Vec<UnfinishedUpload>, Failure> {
        let mut found = Vec::new();
        let mut marker = (None, None);
        loop {
            let request = self
                .client
                .list_multipart_uploads()
                .bucket(&self.name)
                .prefix(prefix)
                .set_key_marker(marker.0.clone())
                .set_upload_id_marker(marker.1.clone())
                .send();
            let page = self.call(0, request).await?;
            found.extend(page.uploads().iter().filter_map(unfinished));
            let next = (page.next_key_marker, page.next_upload_id_marker);
            if page.is_truncated != Some(true) || next == marker || next.0.is_none() {
                return Ok(found);
            }
            marker = next;
        }
    }
}

fn unfinished(upload: &aws_sdk_s3::types::MultipartUpload) -> Option<UnfinishedUpload> {
    Some(UnfinishedUpload {
        key: Key::parse(upload.key()?).ok()?,
        id: upload.upload_id()?.to_owned(),
        begun: upload.initiated().map(|time| timestamp(Some(time))),
    })
}

/// Puts a payload in equal parts, and leaves nothing behind if that fails.
pub(super) async fn put_in_parts(
    bucket: &Arc<Bucket>,
    workers: &Workers,
    key: &Key,
    payload: &Payload,
    options: &PutOptions,
) -> Result<()> {
    let upload = S3Upload::begin(bucket, key, options).await?;
    let sent = async {
        let parts = send_parts(&upload, workers, payload).await?;
        upload.complete(parts).await
    };
    let result = sent.await;
    if result.is_err()
        && let Err(error) = upload.abort().await
    {
        tracing::warn!(%error, "an upload that failed left parts behind");
    }
    result
}

async fn send_parts(upload: &S3Upload, workers: &Workers, payload: &Payload) -> Result<u32> {
    let bucket = &upload.bucket;
    let most = MAX_PARTS.min(bucket.quirks.max_parts.into());
    let ranges = ranges(payload.len(), bucket.part_size, most);
    let count = ranges.len();
    stream::iter(ranges.into_iter().zip(0..))
        .map(|(range, index)| async move {
            let body = part(workers, payload, range).await;
            let sent = match body {
                Ok(body) => upload.send_part(index, body).await,
                Err(error) => Err(unreadable(&error)),
            };
            sent.map_err(|failure| upload.fail(Operation::PutPart, failure))
        })
        .buffer_unordered(bucket.quirks.upload_concurrency)
        .try_collect::<()>()
        .await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

async fn part(workers: &Workers, payload: &Payload, range: Range<u64>) -> std::io::Result<Body> {
    let bytes = payload.read(range).await?;
    let hashed = bytes.clone();
    let sha256 = workers.cpu(move || Sha256::of(&hashed)).await;
    Ok(Body { bytes, sha256 })
}

pub(super) fn unreadable(error: &std::io::Error) -> Failure {
    Failure::new(
        Class::Invalid,
        format!("the content cannot be read: {error}"),
    )
}

/// Cuts `len` bytes into parts of one size, `part_size` doubled until there are at most `most`.
fn ranges(len: u64, mut part_size: u64, most: u64) -> Vec<Range<u64>> {
    while len.div_ceil(part_size) > most.max(1) {
        part_size *= 2;
    }
    (0..len.div_ceil(part_size))
        .map(|index| index * part_size..len.min((index + 1) * part_size))
        .collect()
}

/// Most parts that every service takes.
const MAX_PARTS: u64 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_equal_but_the_last_and_few() {
        for (len, part_size, count, size) in [
            (1, 8, 1, 1),
            (16, 8, 2, 8),
            (17, 8, 3, 8),
            (8000, 8, 1000, 8),
            (8001, 8, 501, 16),
        ] {
            let ranges = ranges(len, part_size, 1000);

            assert_eq!(ranges.len(), count, "{len}");
            assert_eq!(ranges[0], 0..size, "{len}");
            assert_eq!(ranges.last().unwrap().end, len);
        }
    }
}
