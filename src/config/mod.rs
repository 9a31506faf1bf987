//! Resources and secrets to destinations: the one bridge between manifests and engines.
//!
//! walcast has no configuration language. It reads the `ObjectStore`s and Secrets that a cluster
//! runs with, and takes the server name from a `Cluster`. Each `ObjectStore` is a destination.
//! [`load`] is a pure function of texts (and of what its [`SecretSource`] says), and reports all
//! problems at once.
//!
//! What differs from the Barman Cloud plugin, on purpose: `destinationPath` may be `file:///…`,
//! `serverName` may stand in the resource (with a warning), and one line break at the end of a
//! secret value is taken off (with a warning): nobody means it.

#[cfg(feature = "s3")]
mod build;
mod decoding;
mod destination_path;
mod placeholder;
mod places;
mod problem;
mod resolve;
mod resource;
mod secrets;
mod server_name;
mod strict;
mod suggest;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

#[cfg(feature = "s3")]
#[cfg_attr(docsrs, doc(cfg(feature = "s3")))]
pub use self::build::{BuildCause, BuildError, BuildErrors};
pub use self::{
    problem::{Place, Problem, Problems, Severity},
    secrets::{DirectorySecrets, DocumentSecrets, SecretError, SecretRef, SecretSource},
};
use self::{
    resource::{File, Resource, Resources},
    secrets::Chain,
};
use crate::{
    crd::barman_cloud::{Encryption, ObjectStore, RetentionPolicy, WalCompression},
    manifest::documents,
    secret::Secret,
};

/// A text to load and the name that problems call it by.
pub type SourceFile = (PathBuf, String);

/// What [`load`] needs beside the files.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Options<'a> {
    /// Asked for Secrets that the files do not have.
    pub secrets: Option<&'a dyn SecretSource>,
    /// The server name; wins over that of a `Cluster` in the files.
    pub server_name: Option<&'a str>,
}

impl<'a> Options<'a> {
    /// Has `source` asked for Secrets that the files do not have.
    #[must_use]
    pub fn secrets(self, source: &'a dyn SecretSource) -> Self {
        Self {
            secrets: Some(source),
            ..self
        }
    }

    /// Sets the server name, whatever a `Cluster` in the files says.
    #[must_use]
    pub fn server_name(self, name: &'a str) -> Self {
        Self {
            server_name: Some(name),
            ..self
        }
    }
}

/// A configuration and what was odd about its files.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What is odd, in the order of the files.
    pub warnings: Vec<Problem>,
    /// The resources that walcast has no use for.
    pub ignored: Vec<IgnoredResource>,
}

/// A resource that walcast has no use for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IgnoredResource {
    /// The file.
    pub file: PathBuf,
    /// The document in the file, from 0.
    pub document: usize,
    /// Kind and name: `Deployment/web`.
    pub resource: String,
}

/// One cluster's destinations.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    /// The name of the cluster's folder in each destination that has no other; `None` if neither
    /// the options nor a `Cluster` say so.
    pub server_name: Option<String>,
    /// At least one, in the order of the files; names and places are unique.
    pub destinations: Vec<DestinationConfig>,
}

/// A place for the cluster's backups, in Barman's layout.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DestinationConfig {
    /// The name of the `ObjectStore`: lower-case letters, digits, `-` and `.`.
    pub id: String,
    /// Where it is.
    pub location: Location,
    /// The name of the cluster's folder there: its own, else [`Config::server_name`].
    pub server_name: Option<String>,
    /// The codec of WAL; `None` stores it as it is.
    pub wal_compression: Option<WalCompression>,
    /// What the store encrypts WAL with; `None` leaves it to the bucket.
    pub wal_encryption: Option<Encryption>,
    /// WAL files that are sent or fetched at a time, at least 1; `None` is Barman's 1.
    pub max_parallel: Option<u32>,
    /// Tags of objects, by key.
    pub tags: Vec<(String, String)>,
    /// Tags of timeline history files in place of `tags`; `None` uses those.
    pub history_tags: Option<Vec<(String, String)>>,
    /// For how long backups are kept; `None` is for ever.
    pub retention: Option<RetentionPolicy>,
}

/// Where a destination is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Location {
    /// A part of a bucket.
    S3(S3Location),
    /// A folder of a mounted file system.
    File {
        /// Its path, absolute.
        path: PathBuf,
    },
}

/// A part of a bucket.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct S3Location {
    /// The bucket.
    pub bucket: String,
    /// What all keys begin with: empty, or without a leading slash, perhaps with one at its end.
    /// It is joined to the rest by one slash, none if it ends in one.
    pub prefix: String,
    /// The store's address with `http://` or `https://`; `None` is Amazon's.
    pub endpoint: Option<String>,
    /// Certificates (PEM) that the endpoint's certificate is checked against.
    pub endpoint_ca: Option<Secret>,
    /// The region, if a Secret says it.
    pub region: Option<String>,
    /// Who walcast is there.
    pub credentials: Credentials,
}

/// Who walcast is to a store in S3.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Credentials {
    /// The holder of keys.
    Keys {
        /// The access key's id.
        access_key_id: Secret,
        /// The secret that belongs to it.
        secret_access_key: Secret,
        /// The token of temporary keys.
        session_token: Option<Secret>,
    },
    /// Whoever the AWS provider chain says (`inheritFromIAMRole`).
    Chain,
}

/// Makes a configuration of all documents of all files.
///
/// ```
/// # use walcast::config::{self, Location, Options};
/// let text = "
/// apiVersion: barmancloud.cnpg.io/v1
/// kind: ObjectStore
/// metadata: {name: local}
/// spec:
///   configuration:
///     destinationPath: file:///var/lib/walcast
/// ";
/// let files = [("store.yaml".into(), text.to_owned())];
/// let loaded = config::load(&files, Options::default().server_name("main")).unwrap();
/// let destination = &loaded.config.destinations[0];
/// assert_eq!((destination.id.as_str(), &destination.server_name), ("local", &Some("main".into())));
/// assert_eq!(destination.location, Location::File { path: "/var/lib/walcast".into() });
/// ```
///
/// # Errors
/// All problems, warnings among them, if one of them is an error.
pub fn load(files: &[SourceFile], options: Options<'_>) -> Result<Loaded, Problems> {
    let read = |(path, text): &'_ SourceFile| File {
        path: path.clone(),
        documents: documents(text),
    };
    let files: Vec<File> = files.iter().map(read).collect();
    let mut problems = Vec::new();
    let resources = resource::collect(&files, &mut problems);
    let config = configure(&resources, options, &mut problems);
    sort(&mut problems, &files);
    if problems.iter().any(Problem::is_error) {
        return Err(Problems(problems));
    }
    Ok(Loaded {
        config,
        warnings: problems,
        ignored: resources.ignored,
    })
}

fn configure(
    resources: &Resources<'_>,
    options: Options<'_>,
    problems: &mut Vec<Problem>,
) -> Config {
    let stores = &resources.stores;
    if stores.is_empty() {
        problems.push(no_store());
    }
    let server_name = server_name::choose(options.server_name, resources, problems);
    let documents = secret_documents(&resources.secrets, problems);
    let mut secrets = Chain(vec![&documents]);
    secrets.0.extend(options.secrets);
    Config {
        destinations: resolve_all(stores, server_name.as_deref(), &secrets, problems),
        server_name,
    }
}

fn resolve_all(
    stores: &[Resource<'_>],
    server_name: Option<&str>,
    secrets: &dyn SecretSource,
    problems: &mut Vec<Problem>,
) -> Vec<DestinationConfig> {
    let mut destinations = Vec::new();
    for store in stores {
        let mut own = resolve::Resolver::new(store, secrets);
        let destination = own.destination(server_name);
        problems.extend(own.into_problems());
        destinations.extend(destination.map(|destination| (store, destination)));
    }
    places::check_names(stores, problems);
    places::check(&destinations, problems);
    destinations.into_iter().map(|(_, d)| d).collect()
}

fn secret_documents(resources: &[Resource<'_>], problems: &mut Vec<Problem>) -> DocumentSecrets {
    let mut secrets = DocumentSecrets::default();
    for resource in resources {
        let known = problems.len();
        let secret = decoding::secret(resource, problems);
        let Some(secret) = secret.filter(|_| problems.len() == known) else {
            secrets.add_unusable(resource.name);
            continue;
        };
        if !secrets.add(secret) {
            let problem = resource.error(resource::NAME, "there is another Secret of this name");
            problems.push(problem.hint("Remove one of them."));
        }
    }
    secrets
}

fn no_store() -> Problem {
    let message = "the files have no ObjectStore, so there is nowhere to archive to";
    Problem::error(Place::default(), message).hint(format!(
        "Name a file with a resource of kind `{}` and apiVersion `{}`.",
        ObjectStore::KIND,
        ObjectStore::API_VERSION
    ))
}

fn sort(problems: &mut [Problem], files: &[File]) {
    problems.sort_by_key(|problem| {
        let place = &problem.place;
        let file = files
            .iter()
            .position(|file| Some(&file.path) == place.file.as_ref());
        (file.unwrap_or(files.len()), place.position, place.document)
    });
}
