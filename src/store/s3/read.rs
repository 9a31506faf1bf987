//! Reading objects.

use std::{ops::Range, sync::Arc};

use aws_sdk_s3::{
    operation::{get_object::GetObjectOutput, head_object::HeadObjectOutput},
    primitives::{ByteStream, DateTime},
};
use bytes::Bytes;
use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use jiff::Timestamp;

use super::{
    super::{Class, ETag, GetOptions, Key, Object, ObjectMeta, Operation, Result},
    bucket::Bucket,
    error::{Failure, root_cause},
};

/// Opens an object.
pub(super) async fn get(bucket: &Arc<Bucket>, key: &Key, options: GetOptions) -> Result<Object> {
    let fail = |failure| bucket.error(Operation::Get, Some(key), failure);
    let GetOptions { range, if_match } = options;
    if range.as_ref().is_some_and(Range::is_empty) {
        // HTTP cannot ask for it.
        return Err(fail(Failure::new(Class::Invalid, "the range has no bytes")));
    }
    let request = bucket
        .client
        .get_object()
        .bucket(&bucket.name)
        .key(key.as_str())
        .set_range(range.as_ref().map(range_header))
        .set_if_match(if_match.as_ref().map(|etag| etag.as_str().to_owned()))
        .send();
    match bucket.call(0, request).await {
        Ok(output) => object(bucket, key, range, output).map_err(fail),
        Err(failure) => Err(fail(bucket.explain_missing(failure).await)),
    }
}

impl Bucket {
    /// Returns what is known of an object.
    pub(super) async fn head(&self, key: &Key) -> Result<ObjectMeta, Failure> {
        let request = self
            .client
            .head_object()
            .bucket(&self.name)
            .key(key.as_str())
            .send();
        match self.call(0, request).await {
            Ok(output) => head_meta(key, &output),
            Err(failure) => Err(self.explain_missing(failure).await),
        }
    }
}

fn object(
    bucket: &Arc<Bucket>,
    key: &Key,
    range: Option<Range<u64>>,
    output: GetObjectOutput,
) -> Result<Object, Failure> {
    let size = whole_size(range, &output)?;
    let meta = ObjectMeta {
        key: key.clone(),
        size,
        modified: timestamp(output.last_modified()),
        etag: output.e_tag().map(ETag::new),
    };
    Ok(Object {
        meta,
        body: body(Arc::clone(bucket), key.clone(), output.body),
    })
}

/// Returns the object's size, and checks that the answer is the range that was asked for.
fn whole_size(range: Option<Range<u64>>, output: &GetObjectOutput) -> Result<u64, Failure> {
    let length = told_size(output.content_length())?;
    let Some(range) = range else {
        return Ok(length);
    };
    let whole = output
        .content_range()
        .and_then(|text| text.strip_prefix("bytes "))
        .and_then(|text| text.split_once('/'))
        .filter(|(part, _)| part.starts_with(&format!("{}-", range.start)))
        .and_then(|(_, whole)| whole.parse().ok());
    match whole {
        Some(whole) => Ok(whole),
        None if range.start == 0 && length <= range.end => Ok(length),
        None => Err(Failure::new(
            Class::Invalid,
            "the service ignored the range that was asked for",
        )),
    }
}

fn body(bucket: Arc<Bucket>, key: Key, body: ByteStream) -> BoxStream<'static, Result<Bytes>> {
    stream::try_unfold(body, move |mut body| {
        let (bucket, key) = (Arc::clone(&bucket), key.clone());
        async move {
            let block = body.try_next().await.map_err(|error| {
                let reason = format!("the body broke off: {}", root_cause(&error));
                let failure = Failure::new(Class::Transient, reason);
                bucket.error(Operation::Get, Some(&key), failure)
            })?;
            Ok(block.map(|block| (block, body)))
        }
    })
    .boxed()
}

fn head_meta(key: &Key, output: &HeadObjectOutput) -> Result<ObjectMeta, Failure> {
    Ok(ObjectMeta {
        key: key.clone(),
        size: told_size(output.content_length())?,
        modified: timestamp(output.last_modified()),
        etag: output.e_tag().map(ETag::new),
    })
}

/// Reads a size that an answer must tell.
pub(super) fn told_size(length: Option<i64>) -> Result<u64, Failure> {
    let length = length.and_then(|length| length.try_into().ok());
    length.ok_or_else(|| Failure::new(Class::Invalid, "the answer does not tell the size"))
}

/// Returns `range` as the value of the header, whose end is inclusive.
fn range_header(range: &Range<u64>) -> String {
    format!("bytes={}-{}", range.start, range.end - 1)
}

/// Converts a time; 1970 where a service tells none.
pub(super) fn timestamp(time: Option<&DateTime>) -> Timestamp {
    time.and_then(|time| Timestamp::new(time.secs(), time.subsec_nanos().cast_signed()).ok())
        .unwrap_or(Timestamp::UNIX_EPOCH)
}
