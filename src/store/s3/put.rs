//! Writing an object in one request.

use aws_sdk_s3::{
    primitives::ByteStream,
    types::{ServerSideEncryption as AwsEncryption, StorageClass},
};
use bytes::Bytes;

use super::{
    super::{Class, Key, PutMode, PutOptions, Tags},
    ServerSideEncryption, Support,
    bucket::{Bucket, Learned},
    error::Failure,
    sign::{SignPayload, checksum_value},
};
use crate::codec::Sha256;

/// Bytes and their hash.
#[derive(Clone, Debug)]
pub(super) struct Body {
    pub(super) bytes: Bytes,
    pub(super) sha256: Sha256,
}

impl Bucket {
    /// Puts `body`, with the condition that the mode asks for where the service may know it.
    pub(super) async fn put(
        &self,
        key: &Key,
        body: &Body,
        options: &PutOptions,
    ) -> Result<(), Failure> {
        conditionally(&self.create, options.mode, |condition| {
            self.put_object(key, body, options, condition)
        })
        .await
    }

    async fn put_object(
        &self,
        key: &Key,
        body: &Body,
        options: &PutOptions,
        condition: Option<String>,
    ) -> Result<(), Failure> {
        let checksum = self.quirks.checksums.then(|| checksum_value(body.sha256));
        let request = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(key.as_str())
            .body(ByteStream::from(body.bytes.clone()))
            .set_if_none_match(condition)
            .set_checksum_sha256(checksum)
            .set_tagging(self.tagging(&options.tags))
            .set_server_side_encryption(self.aws_encryption())
            .set_ssekms_key_id(self.kms_key())
            .set_storage_class(self.aws_storage_class())
            .customize()
            .interceptor(SignPayload(body.sha256));
        self.call(body.bytes.len() as u64, request.send()).await?;
        Ok(())
    }

    /// Returns the value of `x-amz-tagging`, unless there is nothing to say or nobody to listen.
    pub(super) fn tagging(&self, tags: &Tags) -> Option<String> {
        if tags.is_empty() || !self.quirks.tags {
            return None;
        }
        let pairs: Vec<String> = tags
            .iter()
            .map(|(key, value)| format!("{}={}", percent_encoded(key), percent_encoded(value)))
            .collect();
        Some(pairs.join("&"))
    }

    pub(super) fn aws_encryption(&self) -> Option<AwsEncryption> {
        self.encryption.as_ref().map(|encryption| match encryption {
            ServerSideEncryption::S3 => AwsEncryption::Aes256,
            ServerSideEncryption::Kms { .. } => AwsEncryption::AwsKms,
        })
    }

    pub(super) fn kms_key(&self) -> Option<String> {
        match self.encryption.as_ref()? {
            ServerSideEncryption::Kms { key_id } => key_id.clone(),
            ServerSideEncryption::S3 => None,
        }
    }

    pub(super) fn aws_storage_class(&self) -> Option<StorageClass> {
        self.storage_class.as_deref().map(StorageClass::from)
    }
}

/// Sends a request with `If-None-Match: *` if `mode` asks for it. A service that refuses the
/// header gets the request without it, from then on at once.
pub(super) async fn conditionally<T, F>(
    support: &Learned,
    mode: PutMode,
    send: impl Fn(Option<String>) -> F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    if mode == PutMode::Overwrite || !support.may_be_sent() {
        return send(None).await;
    }
    let answer = send(Some("*".to_owned())).await;
    match answer {
        Err(failure) if failure.class == Class::Conflict => {
            support.learn(Support::Yes);
            Err(failure)
        }
        Err(failure) if failure.is_about_a_lack() => {
            let plain = send(None).await?;
            // Proved now: the header was all that was wrong.
            support.learn(Support::No);
            Ok(plain)
        }
        answer => answer,
    }
}

fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a string takes any text");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_encoded_as_a_query() {
        assert_eq!(percent_encoded("a b/ü&="), "a%20b%2F%C3%BC%26%3D");
        assert_eq!(percent_encoded("A-z_0.~"), "A-z_0.~");
    }
}
