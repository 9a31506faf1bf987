//! From a configuration to destinations that the engines take.

use std::{fmt, sync::Arc, time::Duration};

use super::{
    ArchiveCodec, BarmanConfig, Config, Credentials, DestinationConfig, LayoutConfig, Location,
    S3Location,
};
use crate::{
    codec::{Codec, CodecError, Encoding},
    crd::{
        barman_cloud::{DataCompression, Encryption, WalCompression},
        pgbackrest::UriStyle,
    },
    destination::{DestinationId, InvalidDestinationId},
    fanout::Destination,
    repository::{
        Repository,
        barman::{ArchiveEncoding, ArchiveLimits, BarmanRepository, BarmanSettings},
    },
    store::{
        Composition, Counters, FsStore, Observed, RetryPolicy, Store, compose,
        s3::{self, Addressing, InvalidS3Config, S3Config, S3Store, ServerSideEncryption},
    },
    workers::Workers,
};

/// A destination cannot be made of its configuration.
#[derive(Debug, thiserror::Error)]
#[error("destination `{destination}`: {cause}")]
pub struct BuildError {
    /// The destination.
    pub destination: String,
    /// What is wrong.
    pub cause: BuildCause,
}

/// Why a destination cannot be made of its configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildCause {
    /// Its name is too long for one.
    #[error(transparent)]
    Id(#[from] InvalidDestinationId),
    /// Nothing says what the cluster's folder is called.
    #[error("the name of the server is not known")]
    NoServerName,
    /// The bucket cannot be talked to.
    #[error(transparent)]
    S3(#[from] InvalidS3Config),
    /// The codec is not in this build.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A value that this version of walcast does not know; [`load`](super::load) lets none through.
    #[error("{field} `{value}` is unknown")]
    UnknownValue {
        /// What it is the value of.
        field: &'static str,
        /// What is there.
        value: String,
    },
    /// The AWS provider chain is not in this build.
    #[error("this build of walcast cannot ask AWS for credentials")]
    NoProviderChain,
}

/// Everything that keeps destinations from being made; at least one.
#[derive(Debug)]
pub struct BuildErrors(pub Vec<BuildError>);

impl BuildError {
    /// Returns what to do, as a full sentence.
    pub fn hint(&self) -> String {
        match &self.cause {
            BuildCause::Id(_) => "Give the ObjectStore a shorter name.".into(),
            BuildCause::NoServerName => {
                "Say the server name, or add the file with the Cluster.".into()
            }
            BuildCause::S3(error) => error.hint().into(),
            BuildCause::Codec(error) => error.hint(),
            BuildCause::UnknownValue { .. } => "Use one that this version knows.".into(),
            BuildCause::NoProviderChain => {
                "Give keys in `s3Credentials`, or build walcast with the feature `aws-chain`."
                    .into()
            }
        }
    }
}

impl fmt::Display for BuildErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}error: {error}\n  help: {}", error.hint())?;
        }
        Ok(())
    }
}

impl std::error::Error for BuildErrors {}

impl Config {
    /// Makes the destinations, in their order; nothing is sent and no folder is looked at.
    ///
    /// A store that cannot be reached, or a folder that is not there, is no error here: that
    /// destination alone fails when it is used.
    ///
    /// # Errors
    /// Everything that can be known to be wrong without asking anybody.
    pub fn build(&self, workers: &Workers) -> Result<Vec<Destination>, BuildErrors> {
        let codec = self.parameters.data_compression;
        let built = self
            .destinations
            .iter()
            .map(|one| (one, one.build(codec, workers)));
        all_or_errors(built)
    }
}

pub(super) fn all_or_errors<'a, T>(
    built: impl Iterator<Item = (&'a DestinationConfig, Result<T, BuildCause>)>,
) -> Result<Vec<T>, BuildErrors> {
    let mut all = Vec::new();
    let mut errors = Vec::new();
    for (config, result) in built {
        match result {
            Ok(one) => all.push(one),
            Err(cause) => errors.push(BuildError {
                destination: config.id.clone(),
                cause,
            }),
        }
    }
    if errors.is_empty() {
        Ok(all)
    } else {
        Err(BuildErrors(errors))
    }
}

impl DestinationConfig {
    fn build(
        &self,
        wanted: Option<ArchiveCodec>,
        workers: &Workers,
    ) -> Result<Destination, BuildCause> {
        let id = DestinationId::parse(&self.id)?;
        let requests = Counters::default();
        let repository: Arc<dyn Repository> = match &self.layout {
            LayoutConfig::Barman(barman) => {
                Arc::new(self.barman(barman, wanted, &requests, workers)?)
            }
            LayoutConfig::PgBackRest(stanza) => Arc::new(self.stanza(stanza, &requests, workers)?),
        };
        let parallel = usize::try_from(self.max_parallel.unwrap_or(1)).unwrap_or(usize::MAX);
        let jobs = usize::try_from(self.jobs.unwrap_or(2)).unwrap_or(usize::MAX);
        Ok(Destination::new(id, repository)
            .with_parallel(parallel)
            .with_jobs(jobs)
            .with_requests(requests))
    }

    fn barman(
        &self,
        barman: &BarmanConfig,
        wanted: Option<ArchiveCodec>,
        requests: &Counters,
        workers: &Workers,
    ) -> Result<BarmanRepository, BuildCause> {
        let server_name = barman.server_name.clone();
        let server_name = server_name.ok_or(BuildCause::NoServerName)?;
        let (store, prefix) = self.store(requests, workers)?;
        let settings = BarmanSettings {
            wal_encoding: encoding(barman.wal_compression.as_ref())?,
            archives: archives(match wanted {
                Some(ArchiveCodec(codec)) => codec,
                None => archive_codec(barman.data_compression.as_ref())?,
            })?,
            tags: self.tags.iter().cloned().collect(),
            history_tags: self.history_tags.iter().flatten().cloned().collect(),
            ..BarmanSettings::new(prefix, server_name)
        };
        let repository = BarmanRepository::new(store, settings, workers.clone());
        Ok(match &self.location {
            Location::S3(s3) if self.encryption != self.data_encryption => {
                let store = bucket(s3, self.data_encryption.as_ref(), requests, workers)?;
                repository.with_store_of_backups(store)
            }
            _ => repository,
        })
    }

    /// Returns the store, whose requests are counted, and what all keys in it begin with.
    pub(super) fn store(
        &self,
        requests: &Counters,
        workers: &Workers,
    ) -> Result<(Arc<dyn Store>, &str), BuildCause> {
        match &self.location {
            Location::File { path } => Ok((folder(path, requests), "")),
            Location::S3(s3) => {
                let store = bucket(s3, self.encryption.as_ref(), requests, workers)?;
                Ok((store, &s3.prefix))
            }
        }
    }
}

/// Makes a store that asks for this encryption.
fn bucket(
    s3: &S3Location,
    encryption: Option<&Encryption>,
    requests: &Counters,
    workers: &Workers,
) -> Result<Arc<dyn Store>, BuildCause> {
    let mut config = S3Config::new(&s3.bucket, credentials(&s3.credentials)?);
    config.endpoint.clone_from(&s3.endpoint);
    config.region.clone_from(&s3.region);
    config.encryption = encryption
        .map(|encryption| server_side_encryption(encryption, s3))
        .transpose()?;
    config.addressing = match &s3.uri_style {
        None => Addressing::Auto,
        Some(UriStyle::Host) => Addressing::Virtual,
        Some(UriStyle::Path) => Addressing::Path,
        Some(UriStyle::Other(value)) => return Err(unknown("uriStyle", value)),
    };
    let ca = s3.endpoint_ca.as_ref();
    config.ca_bundle = ca.map(|ca| ca.reveal().as_bytes().to_vec());
    let clock = Arc::new(crate::clock::SystemClock);
    let store = S3Store::connect_with(config, clock, workers.clone())?;
    let composition = Composition {
        retry: SHORT,
        counters: requests.clone(),
        ..Composition::default()
    };
    Ok(compose(Arc::new(store), composition).store)
}

fn server_side_encryption(
    encryption: &Encryption,
    s3: &S3Location,
) -> Result<ServerSideEncryption, BuildCause> {
    let key_id = s3.kms_key_id.clone();
    match encryption {
        Encryption::Aes256 => Ok(ServerSideEncryption::S3),
        Encryption::AwsKms => Ok(ServerSideEncryption::Kms { key_id }),
        Encryption::Other(value) => Err(unknown("encryption", value)),
    }
}

/// The engines repeat with long pauses themselves; only a hiccup is smoothed here.
const SHORT: RetryPolicy = RetryPolicy {
    attempts: 2,
    first_pause: Duration::from_millis(200),
    max_pause: Duration::from_secs(1),
    total: Duration::from_secs(2),
};

/// A folder has workers of its own: jobs on a dead network file system must not hold up others.
fn folder(path: &std::path::Path, requests: &Counters) -> Arc<dyn Store> {
    let store = FsStore::new(path, Workers::new());
    Arc::new(Observed::with_counters(Arc::new(store), requests.clone()))
}

fn encoding(compression: Option<&WalCompression>) -> Result<Encoding, BuildCause> {
    let codec = match compression {
        None => return Ok(Encoding::PLAIN),
        Some(WalCompression::Bzip2) => Codec::Bzip2,
        Some(WalCompression::Gzip) => Codec::Gzip,
        Some(WalCompression::Lz4) => Codec::Lz4,
        Some(WalCompression::Snappy) => Codec::Snappy,
        Some(WalCompression::Xz) => Codec::Xz,
        Some(WalCompression::Zstd) => Codec::Zstd,
        Some(WalCompression::Other(value)) => return Err(unknown("compression", value)),
    };
    Ok(Encoding::new(codec, None)?)
}

fn archive_codec(compression: Option<&DataCompression>) -> Result<Option<Codec>, BuildCause> {
    Ok(Some(match compression {
        None => return Ok(None),
        Some(DataCompression::Bzip2) => Codec::Bzip2,
        Some(DataCompression::Gzip) => Codec::Gzip,
        Some(DataCompression::Lz4) => Codec::Lz4,
        Some(DataCompression::Snappy) => Codec::Snappy,
        Some(DataCompression::Other(value)) => return Err(unknown("compression", value)),
    }))
}

fn archives(codec: Option<Codec>) -> Result<ArchiveEncoding, BuildCause> {
    let Some(codec) = codec else {
        return Ok(ArchiveEncoding::default());
    };
    let encoding = Encoding::new(codec, None)?;
    Ok(ArchiveEncoding::new(encoding, ArchiveLimits::default())?)
}

pub(super) fn unknown(field: &'static str, value: &str) -> BuildCause {
    let value = value.to_owned();
    BuildCause::UnknownValue { field, value }
}

fn credentials(credentials: &Credentials) -> Result<s3::Credentials, BuildCause> {
    match credentials {
        Credentials::Keys {
            access_key_id,
            secret_access_key,
            session_token,
        } => Ok(s3::Credentials::Static {
            access_key_id: access_key_id.reveal().to_owned(),
            secret_access_key: secret_access_key.clone(),
            session_token: session_token.clone(),
        }),
        Credentials::Chain => provider_chain(),
    }
}

#[cfg(feature = "aws-chain")]
#[expect(clippy::unnecessary_wraps, reason = "builds without the chain fail")]
fn provider_chain() -> Result<s3::Credentials, BuildCause> {
    Ok(s3::Credentials::ProviderChain)
}

#[cfg(not(feature = "aws-chain"))]
fn provider_chain() -> Result<s3::Credentials, BuildCause> {
    Err(BuildCause::NoProviderChain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Options, load};

    const BUCKET: &str = "
apiVersion: barmancloud.cnpg.io/v1
kind: ObjectStore
metadata: {name: bucket}
spec:
  configuration:
    destinationPath: s3://backups/pg
    endpointURL: http://localhost:9000
    s3Credentials:
      accessKeyId: {name: keys, key: id}
      secretAccessKey: {name: keys, key: secret}
    wal: {maxParallel: 3}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {id: key, secret: hush}
";
    const FOLDER: &str = "
apiVersion: barmancloud.cnpg.io/v1
kind: ObjectStore
metadata: {name: folder}
spec:
  configuration:
    destinationPath: file:///no/such/folder
    wal: {compression: gzip}
";

    fn config(text: &str) -> Config {
        let files = [("stores.yaml".into(), text.to_owned())];
        let options = Options::default().server_name("main");
        load(&files, options).unwrap().config
    }

    fn built(text: &str) -> Destination {
        config(text).build(&Workers::inline()).unwrap().remove(0)
    }

    #[test]
    fn a_bucket_is_built_without_a_look_at_it() {
        let bucket = built(BUCKET);

        assert_eq!(bucket.id.as_str(), "bucket");
        assert_eq!(bucket.parallel, 3);
        assert_eq!(bucket.repository.wal_encoding(), Encoding::PLAIN);
        let text = bucket.repository.to_string();
        assert_eq!(text, "barman:s3://backups at localhost:9000/pg/main");
    }

    #[test]
    fn a_folder_is_built_without_a_look_at_it() {
        let folder = built(FOLDER);

        let gzip = Encoding::new(Codec::Gzip, None).unwrap();
        assert_eq!(folder.parallel, 1);
        assert_eq!(folder.repository.wal_encoding(), gzip);
        let text = folder.repository.to_string();
        assert_eq!(text, "barman:file:///no/such/folder/main");
    }

    #[test]
    fn all_that_is_wrong_is_reported() {
        let mut config = config(BUCKET);
        let mut endless = config.destinations[0].clone();
        endless.id = "x".repeat(201);
        let LayoutConfig::Barman(barman) = &mut config.destinations[0].layout else {
            panic!("an ObjectStore is in Barman's layout");
        };
        barman.server_name = None;
        config.destinations.push(endless);

        let BuildErrors(errors) = config.build(&Workers::inline()).unwrap_err();

        assert!(matches!(errors[0].cause, BuildCause::NoServerName));
        assert!(matches!(errors[1].cause, BuildCause::Id(_)));
    }
}
