//! What is changed in requests before they are signed, and read from answers.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use aws_runtime::auth::PayloadSigningOverride;
use aws_sdk_s3::{
    config::http::HttpRequest,
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{
            BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
        },
    },
    error::BoxError,
};
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use jiff::SignedDuration;
use md5::Digest as _;

use super::error::http_date;
use crate::{clock::Clock, codec::Sha256};

/// Signs a body with a hash that is known, so that N destinations hash it once.
#[derive(Debug)]
pub(super) struct SignPayload(pub(super) Sha256);

#[dyn_dispatch_hint]
impl Intercept for SignPayload {
    fn name(&self) -> &'static str {
        "SignPayload"
    }

    fn modify_before_signing(
        &self,
        _context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let hash = PayloadSigningOverride::Precomputed(self.0.to_string());
        config.interceptor_state().store_put(hash);
        Ok(())
    }
}

/// Adds `Content-MD5`, which older services demand of a `DeleteObjects`; for those that refuse
/// checksum headers, takes off the ones that the SDK adds to this call whatever its settings.
pub(super) fn digest_body(request: &mut HttpRequest, checksums: bool) {
    let digest = md5::Md5::digest(request.body().bytes().unwrap_or_default());
    let headers = request.headers_mut();
    headers.insert("content-md5", BASE64.encode(digest));
    if !checksums {
        headers.remove("x-amz-checksum-crc32");
        headers.remove("x-amz-sdk-checksum-algorithm");
    }
}

/// Returns `hash` as the value of a checksum header.
pub(super) fn checksum_value(hash: Sha256) -> String {
    BASE64.encode(hash.as_bytes())
}

/// Takes `x-id` off: the SDK adds it for logs, Google refuses it.
#[derive(Debug)]
pub(super) struct DropOperationId;

#[dyn_dispatch_hint]
impl Intercept for DropOperationId {
    fn name(&self) -> &'static str {
        "DropOperationId"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        if let Some(uri) = without_operation_id(request.uri()) {
            request.set_uri(uri)?;
        }
        Ok(())
    }
}

fn without_operation_id(uri: &str) -> Option<String> {
    let (path, query) = uri.split_once('?')?;
    let mut kept = query.split('&').filter(|pair| !pair.starts_with("x-id="));
    let mut changed = path.to_owned();
    if let Some(first) = kept.next() {
        changed.push('?');
        changed.push_str(first);
        for pair in kept {
            changed.push('&');
            changed.push_str(pair);
        }
    }
    Some(changed)
}

/// How far the service's clock is from this machine's, by the `Date` of its answers.
#[derive(Debug)]
pub(super) struct Skew {
    clock: Arc<dyn Clock>,
    /// The service's time minus ours, in seconds; [`Self::UNKNOWN`] before the first answer.
    seconds: AtomicI64,
    warned: AtomicBool,
}

impl Skew {
    const UNKNOWN: i64 = i64::MIN;
    const TOLERATED: i64 = 60;

    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            seconds: AtomicI64::new(Self::UNKNOWN),
            warned: AtomicBool::new(false),
        }
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Returns what the last answer told.
    pub(super) fn measured(&self) -> Option<SignedDuration> {
        match self.seconds.load(Ordering::Relaxed) {
            Self::UNKNOWN => None,
            seconds => Some(SignedDuration::from_secs(seconds)),
        }
    }

    fn observe(&self, date: &str) {
        let Some(date) = http_date(date) else { return };
        let seconds = date.as_second() - self.clock.now().as_second();
        self.seconds.store(seconds, Ordering::Relaxed);
        if seconds.abs() > Self::TOLERATED && !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                seconds,
                "the clock of the S3 service differs from this machine's"
            );
        }
    }
}

/// Reads the clock of every answer.
#[derive(Debug)]
pub(super) struct ReadClock(pub(super) Arc<Skew>);

#[dyn_dispatch_hint]
impl Intercept for ReadClock {
    fn name(&self) -> &'static str {
        "ReadClock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(date) = context.response().headers().get("date") {
            self.0.observe(date);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::TokioClock;

    #[test]
    fn only_the_operation_id_leaves_the_query() {
        for (uri, expected) in [
            ("http://h/b/k?x-id=PutObject", "http://h/b/k"),
            (
                "http://h/b/k?partNumber=1&x-id=UploadPart&uploadId=u",
                "http://h/b/k?partNumber=1&uploadId=u",
            ),
            (
                "http://h/b?list-type=2&prefix=x-id%3D",
                "http://h/b?list-type=2&prefix=x-id%3D",
            ),
        ] {
            assert_eq!(without_operation_id(uri).as_deref(), Some(expected));
        }
        assert_eq!(without_operation_id("http://h/b/k"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn skew_is_the_services_time_minus_ours() {
        let now = "2026-11-23T10:00:00Z".parse().unwrap();
        let skew = Skew::new(Arc::new(TokioClock::starting_at(now)));
        assert_eq!(skew.measured(), None);

        skew.observe("Mon, 23 Nov 2026 09:59:00 GMT");
        assert_eq!(skew.measured(), Some(SignedDuration::from_secs(-60)));
        assert!(!skew.warned.load(Ordering::Relaxed));

        skew.observe("Mon, 23 Nov 2026 10:02:00 GMT");
        assert_eq!(skew.measured(), Some(SignedDuration::from_secs(120)));
        assert!(skew.warned.load(Ordering::Relaxed));
    }
}
