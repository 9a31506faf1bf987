//! One bucket: its client, its settings, and what was learned about its service.

use std::{
    error::Error as StdError,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    time::Duration,
};

use aws_sdk_s3::{
    Client,
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
use tokio::time::timeout;

use super::{
    super::{Class, Error, Key, Operation},
    InvalidS3Config, S3Config, S3Quirks, ServerSideEncryption, Support, client,
    endpoint::Endpoint,
    error::Failure,
    quirks::region_of_host,
    refusal,
    sign::{DropOperationId, ReadClock, Skew},
};
use crate::clock::Clock;

/// A bucket; shared by a store, its listings and its uploads.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) client: Client,
    pub(super) name: String,
    pub(super) region: String,
    pub(super) quirks: S3Quirks,
    pub(super) encryption: Option<ServerSideEncryption>,
    pub(super) storage_class: Option<String>,
    pub(super) multipart_threshold: u64,
    pub(super) part_size: u64,
    pub(super) skew: Arc<Skew>,
    /// Whether `PutObject` obeys `If-None-Match`.
    pub(super) create: Learned,
    /// Whether `CompleteMultipartUpload` does.
    pub(super) create_on_complete: Learned,
    pub(super) batch_delete: AtomicBool,
    /// An answer proved that the bucket exists, so that a bare 404 is about a key.
    exists: AtomicBool,
    title: String,
}

impl Bucket {
    pub(super) fn connect(
        config: S3Config,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, InvalidS3Config> {
        let endpoint = config.check()?;
        let host = endpoint.as_ref().map(Endpoint::host);
        let quirks = config.quirks.apply(S3Quirks::for_host(host.as_deref()));
        let region = region(config.region.clone(), host.as_deref());
        let skew = Arc::new(Skew::new(clock));
        let reader = ReadClock(Arc::clone(&skew));
        let client = client::build(
            &config,
            endpoint.as_ref(),
            &region,
            quirks.addressing,
            |builder| builder.interceptor(DropOperationId).interceptor(reader),
        );
        Ok(Self {
            client,
            title: title(&config.bucket, endpoint.as_ref(), &region),
            name: config.bucket,
            region,
            encryption: config.encryption,
            storage_class: config.storage_class,
            multipart_threshold: config.multipart_threshold.bytes().min(MAX_PUT),
            part_size: config.part_size.bytes().max(MIN_PART),
            skew,
            create: Learned::new(quirks.create_if_absent),
            create_on_complete: Learned::new(quirks.create_on_complete),
            batch_delete: AtomicBool::new(quirks.batch_delete),
            exists: AtomicBool::new(false),
            quirks,
        })
    }

    /// Waits for an answer to a request with a body of `bytes`, no longer than a slow line needs.
    pub(super) async fn call<T, E>(
        &self,
        bytes: u64,
        request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        let patience = patience(bytes);
        let Ok(answer) = timeout(patience, Box::pin(request)).await else {
            let reason = format!("no answer within {} s", patience.as_secs());
            return Err(Failure::new(Class::Transient, reason));
        };
        let answer = answer.map_err(|error| Failure::of(&error, self.skew.clock().now()));
        self.learn_existence(&answer);
        answer
    }

    /// Says what a bare 404 means, which does not tell a missing key from a missing bucket.
    pub(super) async fn explain_missing(&self, failure: Failure) -> Failure {
        if failure.class != Class::Missing || self.exists.load(Ordering::Relaxed) {
            return failure;
        }
        let request = self.client.head_bucket().bucket(&self.name).send();
        match self.call(0, request).await {
            Err(missing) if missing.class == Class::Missing => self.no_such_bucket(),
            // It can be neither proved nor refuted: the answer about the key stands.
            Err(denied) if denied.class == Class::Denied => failure,
            Err(other) => other,
            Ok(_) => failure,
        }
    }

    /// Makes an error of this store.
    pub(super) fn error(&self, operation: Operation, key: Option<&Key>, failure: Failure) -> Error {
        failure.into_error(operation, self, key)
    }

    fn no_such_bucket(&self) -> Failure {
        let reason = format!("there is no bucket `{}`", self.name);
        let refusal::Meaning { class, hint } = refusal::meaning(404, "NoSuchBucket", "");
        let failure = Failure::new(class, reason);
        hint.into_iter().fold(failure, Failure::with_hint)
    }

    fn learn_existence<T>(&self, answer: &Result<T, Failure>) {
        match answer {
            Ok(_) => self.exists.store(true, Ordering::Relaxed),
            Err(failure) if failure.code == "NoSuchKey" => {
                self.exists.store(true, Ordering::Relaxed);
            }
            Err(failure) if failure.code == "NoSuchBucket" => {
                self.exists.store(false, Ordering::Relaxed);
            }
            Err(_) => {}
        }
    }
}

fn region(configured: Option<String>, host: Option<&str>) -> String {
    let configured = configured.filter(|region| !region.is_empty());
    let known = || host.and_then(region_of_host).map(str::to_owned);
    configured
        .or_else(known)
        .unwrap_or_else(|| "us-east-1".to_owned())
}

fn title(bucket: &str, endpoint: Option<&Endpoint>, region: &str) -> String {
    match endpoint {
        Some(endpoint) => format!("s3://{bucket} at {}", endpoint.authority()),
        None => format!("s3://{bucket} in {region}"),
    }
}

/// Returns how long to wait for an answer to a request with a body of `bytes`.
fn patience(bytes: u64) -> Duration {
    FIRST_BYTE + Duration::from_secs(bytes / SLOWEST)
}

/// Time for the first byte of an answer, beside the time to send the body.
const FIRST_BYTE: Duration = Duration::from_secs(30);
/// Bytes per second of the slowest line that is not given up.
const SLOWEST: u64 = 256 << 10;
/// Most bytes of one `PutObject`.
const MAX_PUT: u64 = 5 << 30;
/// Fewest bytes of a part that is not the last.
pub(super) const MIN_PART: u64 = 5 << 20;

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title)
    }
}

/// Whether the service obeys a header: what the quirks say, until an answer tells better.
#[derive(Debug)]
pub(super) struct Learned(AtomicU8);

impl Learned {
    fn new(support: Support) -> Self {
        Self(AtomicU8::new(support as u8))
    }

    pub(super) fn learn(&self, support: Support) {
        self.0.store(support as u8, Ordering::Relaxed);
    }

    /// Returns whether something may rest on it.
    pub(super) fn is_proved(&self) -> bool {
        self.0.load(Ordering::Relaxed) == Support::Yes as u8
    }

    /// Returns whether to send it.
    pub(super) fn may_be_sent(&self) -> bool {
        self.0.load(Ordering::Relaxed) != Support::No as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_grows_with_the_body() {
        assert_eq!(patience(0), Duration::from_secs(30));
        assert_eq!(patience(16 << 20), Duration::from_secs(94));
    }

    #[test]
    fn configured_region_wins_over_the_hosts() {
        let host = Some("s3.us-west-004.backblazeb2.com");

        assert_eq!(region(Some("here".into()), host), "here");
        assert_eq!(region(Some(String::new()), host), "us-west-004");
        assert_eq!(region(None, Some("minio.example")), "us-east-1");
    }
}
