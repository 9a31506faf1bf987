//! Resources and secrets to destinations: the one bridge between manifests and engines.
//!
//! walcast has no configuration language. It reads the resources and Secrets that a cluster runs
//! with: each `ObjectStore` and each repository of a `Stanza` is a destination. A `Cluster` says
//! by the [parameters](PARAMETERS) of its plugin entry [`PLUGIN`] which of them are its own, and
//! when a file counts as archived; without such an entry it is all that the files have. [`load`]
//! is a pure function of texts (and of what its [`SecretSource`] says), and reports all problems
//! at once.
//!
//! What differs from the Barman Cloud plugin, on purpose: `destinationPath` may be `file:///…`,
//! `serverName` may stand in the resource (with a warning), and one line break at the end of a
//! secret value is taken off (with a warning): nobody means it.

#[cfg(feature = "s3")]
mod build;
mod decoding;
mod destination_path;
mod parameters;
mod places;
mod problem;
mod reference;
mod resolve;
mod resource;
mod retention;
mod secrets;
mod selection;
mod server_name;
#[cfg(feature = "s3")]
mod stanza;
#[cfg(test)]
mod tests;
mod variable_secrets;

use std::path::PathBuf;

#[cfg(feature = "s3")]
#[cfg_attr(docsrs, doc(cfg(feature = "s3")))]
pub use self::build::{BuildCause, BuildError, BuildErrors};
pub use self::{
    parameters::{ArchiveCodec, PARAMETERS, PLUGIN, Parameter, Parameters, parameters_table},
    problem::{Place, Problem, Problems, Severity},
    reference::{InvalidReference, Reference, ReferenceKind},
    secrets::{
        DirectorySecrets, DocumentSecrets, SecretError, SecretRef, SecretSource, SecretSources,
    },
    variable_secrets::VariableSecrets,
};
use self::{
    resource::{File, Resource, Resources},
    selection::Candidate,
};
use crate::{
    crd::{
        barman_cloud::{DataCompression, Encryption, ObjectStore, RetentionPolicy, WalCompression},
        pgbackrest::{Compression, Retention, UriStyle},
    },
    manifest::{self, Variables},
    repository::pgbackrest::Bundles,
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
    /// What replaces the placeholders (`${NAME}`) of the files, by the rules of Flux; `None`
    /// leaves them, which is an error where walcast needs the value.
    pub variables: Option<&'a Variables>,
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

    /// Has the placeholders of the files replaced.
    #[must_use]
    pub fn variables(self, variables: &'a Variables) -> Self {
        Self {
            variables: Some(variables),
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
    /// At least one, in the order of the cluster's list, else of the files; names and places are
    /// unique.
    pub destinations: Vec<DestinationConfig>,
    /// What the cluster's plugin entry says besides.
    pub parameters: Parameters,
    /// For how long the `Cluster` itself wants backups in Barman's layout kept
    /// (`spec.backup.retentionPolicy`). Its operator does not apply it to what a plugin writes.
    pub retention: Option<RetentionPolicy>,
}

/// A place for the cluster's backups.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DestinationConfig {
    /// The name of the `ObjectStore`, or that of the `Stanza` with `-` and the number of the
    /// repository: lower-case letters, digits, `-` and `.`.
    pub id: String,
    /// Where it is.
    pub location: Location,
    /// How backups lie there.
    pub layout: LayoutConfig,
    /// What the store encrypts WAL with; `None` leaves it to the bucket.
    pub encryption: Option<Encryption>,
    /// What the store encrypts base backups with; `None` leaves it to the bucket.
    pub data_encryption: Option<Encryption>,
    /// Whether a base backup wants its first checkpoint at once.
    pub immediate_checkpoint: bool,
    /// WAL files that are sent or fetched at a time, at least 1; `None` is both products' 1.
    pub max_parallel: Option<u32>,
    /// Parts of a base backup that are sent at a time, at least 1; `None` is Barman's 2.
    pub jobs: Option<u32>,
    /// Tags of objects, by key.
    pub tags: Vec<(String, String)>,
    /// Tags of timeline history files in place of `tags`; `None` uses those.
    pub history_tags: Option<Vec<(String, String)>>,
}

/// How backups lie in a destination.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LayoutConfig {
    /// As Barman Cloud lays them.
    Barman(BarmanConfig),
    /// As pgBackRest lays them.
    PgBackRest(PgBackRestConfig),
}

/// Settings of Barman Cloud's layout.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BarmanConfig {
    /// The name of the cluster's folder: its own, else [`Config::server_name`].
    pub server_name: Option<String>,
    /// The codec of WAL; `None` stores it as it is.
    pub wal_compression: Option<WalCompression>,
    /// The codec of base backups; `None` stores their archives as they are.
    pub data_compression: Option<DataCompression>,
    /// For how long backups are kept; `None` is for ever.
    pub retention: Option<RetentionPolicy>,
}

/// Settings of pgBackRest's layout.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PgBackRestConfig {
    /// The number of the repository, from 1.
    pub number: u32,
    /// The stanza's name.
    pub stanza: String,
    /// The codec of everything; `None` stores it as it is.
    pub compression: Option<Compression>,
    /// The codec's level; `None` is pgBackRest's for the codec.
    pub level: Option<i64>,
    /// What the repository is encrypted with; `None` is not at all.
    pub cipher_pass: Option<Secret>,
    /// The folder of pgBackRest's locks, in which `pgbackrest stop` leaves its files.
    pub lock_path: PathBuf,
    /// Which files of a base backup are stored together; `None` stores each by itself.
    pub bundles: Option<Bundles>,
    /// Whether base backups of changes compare all files by checksum.
    pub by_checksum: bool,
    /// What is kept.
    pub retention: Retention,
}

/// Where a destination is.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one for each destination"
)]
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
    /// The region, if the resource or a Secret says it.
    pub region: Option<String>,
    /// Where the bucket's name stands in addresses; `None` is where the store likes it.
    pub uri_style: Option<UriStyle>,
    /// The key of AWS KMS to encrypt with; `None` is the bucket's.
    pub kms_key_id: Option<String>,
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
/// assert_eq!(destination.id, "local");
/// assert_eq!(destination.location, Location::File { path: "/var/lib/walcast".into() });
/// ```
///
/// # Errors
/// All problems, warnings among them, if one of them is an error.
pub fn load(files: &[SourceFile], options: Options<'_>) -> Result<Loaded, Problems> {
    let read = |(path, text): &'_ SourceFile| File {
        path: path.clone(),
        documents: manifest::load(text, options.variables),
    };
    let files: Vec<File> = files.iter().map(read).collect();
    let mut problems = Vec::new();
    let is_substituted = options.variables.is_some();
    let resources = resource::collect(&files, is_substituted, &mut problems);
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
    if resources.stores.is_empty() && resources.stanzas.is_empty() {
        problems.push(no_store());
    }
    let chosen = selection::parameters(resources, problems);
    let candidates = selection::candidates(resources, chosen.as_ref(), problems);
    let parameters = chosen.as_ref().map(|chosen| chosen.parameters.clone());
    let parameters = parameters.unwrap_or_default();
    let given = options.server_name.or(parameters.server_name.as_deref());
    let server_name = server_name::choose(given, resources, problems);
    let documents = secret_documents(&resources.secrets, problems);
    let mut secrets = SecretSources(vec![&documents]);
    secrets.0.extend(options.secrets);
    let destinations = resolve_all(&candidates, server_name.as_deref(), &secrets, problems);
    if let Some(chosen) = &chosen {
        problems.extend(chosen.unknown_required(&destinations));
    }
    Config {
        server_name,
        destinations,
        parameters,
        retention: selection::retention(resources, chosen.as_ref()),
    }
}

fn resolve_all(
    candidates: &[Candidate<'_>],
    server_name: Option<&str>,
    secrets: &dyn SecretSource,
    problems: &mut Vec<Problem>,
) -> Vec<DestinationConfig> {
    let mut destinations = Vec::new();
    for &candidate in candidates {
        let resource = candidate.resource();
        let mut own = resolve::Resolver::new(resource, secrets);
        let resolved = match candidate {
            Candidate::Store(_) => own.destination(server_name).into_iter().collect(),
            Candidate::Stanza(_, number) => own.repositories(number),
        };
        problems.extend(own.into_problems());
        destinations.extend(resolved.into_iter().map(|one| (resource, one)));
    }
    places::check_names(candidates, problems);
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
