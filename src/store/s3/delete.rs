//! Deleting objects.

use std::{collections::HashMap, sync::atomic::Ordering};

use aws_sdk_s3::{
    operation::delete_objects::DeleteObjectsOutput,
    types::{Delete, ObjectIdentifier},
};
use futures_util::{StreamExt as _, stream};

use super::{
    super::{Class, Key, Operation, Result},
    bucket::Bucket,
    error::Failure,
    sign::digest_body,
};

impl Bucket {
    /// Deletes `keys`; one result per key, in their order.
    pub(super) async fn delete(&self, keys: &[Key]) -> Vec<Result<()>> {
        let mut results = Vec::with_capacity(keys.len());
        for batch in keys.chunks(MAX_BATCH) {
            results.extend(self.delete_batch(batch).await);
        }
        results
    }

    async fn delete_batch(&self, keys: &[Key]) -> Vec<Result<()>> {
        if keys.len() == 1 || !self.batch_delete.load(Ordering::Relaxed) {
            return self.delete_singly(keys).await;
        }
        match self.delete_objects(keys).await {
            Ok(output) => self.results(keys, &output),
            // Missing `Content-MD5`, unknown headers, no such call at all: many words for it.
            Err(failure) if failure.class == Class::Invalid => {
                let results = self.delete_singly(keys).await;
                if results.iter().all(Result::is_ok) {
                    self.batch_delete.store(false, Ordering::Relaxed);
                }
                results
            }
            Err(failure) => {
                let error = |key| Err(self.error(Operation::Delete, Some(key), failure.clone()));
                keys.iter().map(error).collect()
            }
        }
    }

    async fn delete_objects(&self, keys: &[Key]) -> Result<DeleteObjectsOutput, Failure> {
        let identifiers = keys.iter().map(|key| {
            let identifier = ObjectIdentifier::builder().key(key.as_str());
            identifier.build().expect("the key is set")
        });
        let delete = Delete::builder()
            .set_objects(Some(identifiers.collect()))
            .quiet(true)
            .build()
            .expect("the objects are set");
        let checksums = self.quirks.checksums;
        let request = self
            .client
            .delete_objects()
            .bucket(&self.name)
            .delete(delete)
            .customize()
            .mutate_request(move |request| digest_body(request, checksums))
            .send();
        self.call(0, request).await
    }

    /// Reads the errors of an answer; a key without one is deleted.
    fn results(&self, keys: &[Key], output: &DeleteObjectsOutput) -> Vec<Result<()>> {
        let failures: HashMap<_, _> = output
            .errors()
            .iter()
            .map(|error| (error.key(), Failure::of_key(error.code(), error.message())))
            .filter(|(_, failure)| failure.class != Class::Missing)
            .collect();
        let result = |key: &Key| match failures.get(&Some(key.as_str())) {
            Some(failure) => Err(self.error(Operation::Delete, Some(key), failure.clone())),
            None => Ok(()),
        };
        keys.iter().map(result).collect()
    }

    async fn delete_singly(&self, keys: &[Key]) -> Vec<Result<()>> {
        let deletions: Vec<_> = keys.iter().map(|key| self.delete_object(key)).collect();
        stream::iter(deletions)
            .buffered(CONCURRENCY)
            .collect()
            .await
    }

    async fn delete_object(&self, key: &Key) -> Result<()> {
        let request = self
            .client
            .delete_object()
            .bucket(&self.name)
            .key(key.as_str())
            .send();
        match self.call(0, request).await {
            Ok(_) => Ok(()),
            Err(failure) => match self.explain_missing(failure).await {
                missing if missing.class == Class::Missing => Ok(()),
                failure => Err(self.error(Operation::Delete, Some(key), failure)),
            },
        }
    }
}

/// Most keys of one `DeleteObjects`.
const MAX_BATCH: usize = 1000;
/// Single deletes that run at the same time.
const CONCURRENCY: usize = 4;
