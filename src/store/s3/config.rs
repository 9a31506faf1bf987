//! What a destination on S3 is made of.

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use super::{QuirkOverrides, endpoint::Endpoint};
use crate::{byte_size::ByteSize, secret::Secret};

/// One bucket and how to reach it.
///
/// ```
/// use walcast::{secret::Secret, store::s3::{Credentials, S3Config, S3Store}};
///
/// let credentials = Credentials::Static {
///     access_key_id: "key".into(),
///     secret_access_key: Secret::new("secret"),
///     session_token: None,
/// };
/// let mut config = S3Config::new("backups", credentials);
/// config.endpoint = Some("s3.eu-central-003.backblazeb2.com".into());
/// let store = S3Store::connect(config)?;
/// assert_eq!(store.region(), "eu-central-003");
/// # Ok::<(), walcast::store::s3::InvalidS3Config>(())
/// ```
#[derive(Clone, Debug)]
pub struct S3Config {
    /// Name of the bucket, which must exist.
    pub bucket: String,
    /// Address of the service, `https://` if it has no scheme; `None` for AWS. A bucket in front
    /// of the host name is taken off.
    pub endpoint: Option<String>,
    /// Region to sign for. Default: from the endpoint where it is part of the name, else
    /// `us-east-1`.
    pub region: Option<String>,
    /// Where the bucket's name goes in the address.
    pub addressing: Addressing,
    /// Who asks.
    pub credentials: Credentials,
    /// Certificates (PEM, one or more) to trust instead of the system's, for this bucket only.
    pub ca_bundle: Option<Vec<u8>>,
    /// Encryption that the service is asked for. Default: the bucket's.
    pub encryption: Option<ServerSideEncryption>,
    /// Storage class that the service is asked for. Default: the bucket's.
    pub storage_class: Option<String>,
    /// What is known better than by the host name.
    pub quirks: QuirkOverrides,
    /// Content of this size and more is sent in parts. At most 5 GiB; default 64 MiB.
    pub multipart_threshold: ByteSize,
    /// Size of a part, at least 5 MiB; default 8 MiB. Doubled until an object has at most 1,000.
    pub part_size: ByteSize,
}

impl S3Config {
    /// Describes `bucket` on AWS in `us-east-1`, with defaults for the rest.
    pub fn new(bucket: impl Into<String>, credentials: Credentials) -> Self {
        Self {
            bucket: bucket.into(),
            endpoint: None,
            region: None,
            addressing: Addressing::Auto,
            credentials,
            ca_bundle: None,
            encryption: None,
            storage_class: None,
            quirks: QuirkOverrides::default(),
            multipart_threshold: ByteSize::mib(64),
            part_size: ByteSize::mib(8),
        }
    }

    pub(super) fn check(&self) -> Result<Option<Endpoint>, InvalidS3Config> {
        if self.bucket.is_empty() || self.bucket.contains(['/', '?', '#']) {
            return Err(InvalidS3Config::Bucket(self.bucket.clone()));
        }
        if let Some(bundle) = &self.ca_bundle {
            check_bundle(bundle)?;
        }
        self.endpoint
            .as_deref()
            .map(|text| Endpoint::parse(text, &self.bucket))
            .transpose()
    }
}

/// Who asks.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credentials {
    /// Keys that do not change.
    Static {
        /// The public half.
        access_key_id: String,
        /// The secret half.
        secret_access_key: Secret,
        /// Sent along with temporary keys; an empty one is not sent.
        session_token: Option<Secret>,
    },
    /// Environment, profile, web identity, container and instance metadata, as the AWS command
    /// line looks for them.
    #[cfg(feature = "aws-chain")]
    #[cfg_attr(docsrs, doc(cfg(feature = "aws-chain")))]
    ProviderChain,
}

/// Where the bucket's name goes in the address.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Addressing {
    /// In the path if an endpoint is given, except where the service prefers the host name.
    #[default]
    Auto,
    /// `https://host/bucket/key`
    Path,
    /// `https://bucket.host/key`
    Virtual,
}

/// Encryption that the service does with keys of its own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ServerSideEncryption {
    /// `AES256`
    S3,
    /// `aws:kms`
    Kms {
        /// The key; `None` for the account's default one.
        key_id: Option<String>,
    },
}

/// The configuration cannot work, whatever the service says.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidS3Config {
    /// The bucket's name is empty or has characters that no service takes.
    #[error("`{0}` cannot be the name of a bucket")]
    Bucket(String),
    /// The endpoint is not an `http` or `https` address.
    #[error("`{0}` cannot be an endpoint")]
    Endpoint(String),
    /// The trusted certificates cannot be read.
    #[error("the CA bundle is unusable: {0}")]
    CaBundle(String),
}

impl InvalidS3Config {
    /// Returns what to do, as a full sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Bucket(_) => "Give the bucket's bare name, without scheme, host or path.",
            Self::Endpoint(_) => {
                "Give the endpoint as `https://host` or `https://host:port`, without a path."
            }
            Self::CaBundle(_) => "Give the CA certificates as PEM, as in `BEGIN CERTIFICATE`.",
        }
    }
}

/// The HTTP client panics on certificates that it cannot read, so they are read here first.
fn check_bundle(bundle: &[u8]) -> Result<(), InvalidS3Config> {
    let invalid = |error: &dyn std::fmt::Display| InvalidS3Config::CaBundle(error.to_string());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bundle) {
        let certificate = certificate.map_err(|error| invalid(&error))?;
        roots.add(certificate).map_err(|error| invalid(&error))?;
    }
    if roots.is_empty() {
        return Err(invalid(&"it has no certificate"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> S3Config {
        let credentials = Credentials::Static {
            access_key_id: "AKIA".into(),
            secret_access_key: Secret::new("very-secret"),
            session_token: Some(Secret::new("very-secret-token")),
        };
        S3Config::new("bucket", credentials)
    }

    #[test]
    fn debug_shows_no_secret() {
        let text = format!("{:?}", config());

        assert!(text.contains("AKIA"), "{text}");
        assert!(!text.contains("very-secret"), "{text}");
    }

    #[test]
    fn refuses_names_that_are_no_bucket() {
        for name in ["", "a/b", "s3://bucket"] {
            let mut config = config();
            config.bucket = name.into();
            assert_eq!(
                config.check().unwrap_err(),
                InvalidS3Config::Bucket(name.into())
            );
        }
    }

    #[test]
    fn refuses_a_bundle_that_the_http_client_would_panic_on() {
        let garbage = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for bundle in [b"".as_slice(), b"no PEM", garbage] {
            let mut config = config();
            config.ca_bundle = Some(bundle.to_vec());
            assert!(matches!(
                config.check().unwrap_err(),
                InvalidS3Config::CaBundle(_)
            ));
        }
    }
}
