//! From a repository of a `Stanza` to a destination.

use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    path::{Path as FilePath, PathBuf},
};

use super::Resolver;
use crate::{
    byte_size::{ByteSize, InvalidByteSize},
    config::{
        Credentials, DestinationConfig, LayoutConfig, Location, PgBackRestConfig, S3Location,
        decoding, destination_path::DestinationPath,
    },
    crd::{
        barman_cloud::Encryption,
        pgbackrest::{
            CompressConfiguration, Compression, RepositoryRef, S3Repository, StanzaConfiguration,
        },
    },
    manifest::Path,
    repository::pgbackrest::Bundles,
    secret::Secret,
};

/// What the plugin calls pgBackRest's variables.
const VARIABLE: &str = "PGBACKREST_";

impl Resolver<'_> {
    /// Returns a destination for each repository, or for the one with this number.
    pub(in crate::config) fn repositories(
        &mut self,
        only: Option<NonZeroU32>,
    ) -> Vec<DestinationConfig> {
        self.check_name();
        let root = Path::root().key("spec").key(match self.resource.kind {
            "Repository" => "repoConfiguration",
            _ => "stanzaConfiguration",
        });
        let Some(stanza) = decoding::stanza(self.resource, &mut self.formal) else {
            return Vec::new();
        };
        let configuration = stanza.spec.stanza_configuration;
        let repositories = configuration.repositories();
        let wanted = only.map(|number| usize::try_from(number.get()).unwrap_or(usize::MAX));
        if let Some(number) = wanted.filter(|&number| number > repositories.len()) {
            let count = repositories.len();
            let message = format!("there is no repository {number}, only {count}");
            self.semantic.push(self.resource.error(root, message));
            return Vec::new();
        }
        if repositories.is_empty() {
            let problem = self.resource.error(root, "the stanza has no repository");
            self.semantic
                .push(problem.hint("Add one to `s3Repositories`."));
            return Vec::new();
        }
        let max_parallel = self.process_max(&root, &configuration);
        let mut destinations = Vec::new();
        for numbered in repositories.iter() {
            if wanted.is_some_and(|wanted| wanted != numbered.number) {
                continue;
            }
            match numbered.repository {
                RepositoryRef::S3(s3) => {
                    let list = root.clone().key("s3Repositories");
                    self.base = list.index(numbered.number - 1);
                    let variables = Variables::of(&configuration, numbered.number);
                    self.check_variables(&root, &variables);
                    if let Some((location, layout)) =
                        self.repository(&configuration, s3, &variables)
                    {
                        destinations.push(DestinationConfig {
                            id: format!("{}-{}", self.resource.name, numbered.number),
                            location,
                            layout,
                            encryption: variables
                                .has("S3_KMS_KEY_ID")
                                .then_some(Encryption::AwsKms),
                            data_encryption: variables
                                .has("S3_KMS_KEY_ID")
                                .then_some(Encryption::AwsKms),
                            immediate_checkpoint: configuration.start_fast.unwrap_or(false),
                            max_parallel,
                            jobs: max_parallel,
                            tags: variables.tags(),
                            history_tags: None,
                        });
                    }
                }
                RepositoryRef::Azure(_) => {
                    let path = root.clone().key("azureRepositories");
                    let message = "azureRepositories is not supported yet";
                    let problem = self.resource.error(path, message);
                    self.semantic.push(problem.hint(
                        "Use a repository in S3, or list the other destinations in the \
                         Cluster's plugin entry.",
                    ));
                }
            }
        }
        destinations
    }

    fn repository(
        &mut self,
        stanza: &StanzaConfiguration,
        s3: &S3Repository,
        variables: &Variables<'_>,
    ) -> Option<(Location, LayoutConfig)> {
        let location = match DestinationPath::parse(&s3.endpoint) {
            Ok(DestinationPath::File { path }) => self.folder(s3, &path),
            _ => self.bucket(s3, variables).map(Location::S3),
        };
        let cipher_pass = self.cipher_pass(s3);
        let layout = PgBackRestConfig {
            number: variables.number,
            stanza: stanza.name.clone(),
            compression: variables.compression(stanza),
            level: stanza.compress_config.as_ref().and_then(level),
            cipher_pass,
            lock_path: variables.lock_path(),
            bundles: self.bundles(variables),
            by_checksum: stanza.delta.unwrap_or(false),
            retention: RepositoryRef::S3(s3).retention(),
        };
        Some((location?, LayoutConfig::PgBackRest(layout)))
    }

    /// Returns the folder of a repository whose endpoint is one of this machine.
    fn folder(&mut self, s3: &S3Repository, path: &FilePath) -> Option<Location> {
        let inner = self.repo_path(&s3.repo_path)?;
        Some(Location::File {
            path: path.join(inner),
        })
    }

    /// Returns which files are stored together: small ones, unless that is switched off. Every
    /// release of the tool since 2.39 reads them.
    fn bundles(&mut self, variables: &Variables<'_>) -> Option<Bundles> {
        let default = Bundles::default();
        let mut size = |option: &str, default: u64| match variables.get(option) {
            None => default,
            Some(text) => text.parse().map_or_else(
                |error: InvalidByteSize| {
                    let name = format!("{}{option}", variables.prefix);
                    let path = Path::root().key("spec").key("stanzaConfiguration");
                    let path = path.key("customEnvVar").key(&name);
                    let problem = self.resource.error(path, format!("{name}: {error}"));
                    self.semantic.push(problem);
                    default
                },
                ByteSize::bytes,
            ),
        };
        let bundles = Bundles {
            file: size("BUNDLE_LIMIT", default.file),
            bundle: size("BUNDLE_SIZE", default.bundle),
        };
        (variables.get("BUNDLE") != Some("n")).then_some(bundles)
    }

    fn bucket(&mut self, s3: &S3Repository, variables: &Variables<'_>) -> Option<S3Location> {
        self.check_address(&s3.endpoint);
        let prefix = self.repo_path(&s3.repo_path);
        if s3.verify_tls == Some(false) {
            let hint = "Give the store a certificate that the system trusts, or remove the field.";
            let problem = self.warning(&["verifyTLS"], "walcast checks certificates all the same");
            self.semantic.push(problem.hint(hint));
        }
        let credentials = self.repository_keys(s3);
        Some(S3Location {
            bucket: s3.bucket.clone(),
            prefix: prefix?,
            endpoint: Some(s3.endpoint.clone()),
            endpoint_ca: None,
            region: Some(s3.region.clone()),
            uri_style: Some(s3.uri_style()),
            kms_key_id: variables.get("S3_KMS_KEY_ID").map(ToOwned::to_owned),
            credentials: credentials?,
        })
    }

    fn check_address(&mut self, endpoint: &str) {
        let (scheme, rest) = endpoint.split_once("://").unwrap_or(("https", endpoint));
        let host = rest.strip_suffix('/').unwrap_or(rest);
        let is_address = matches!(scheme, "http" | "https")
            && !host.is_empty()
            && !host.contains(['/', '@', '?', '#'])
            && !host.contains(char::is_whitespace);
        if !is_address {
            let problem = self.error(&["endpoint"], "endpoint is not the address of a store");
            let hint = "Write a host, perhaps with a port, and no path: `s3.example.com:9000`.";
            self.semantic.push(problem.hint(hint));
        }
    }

    /// Returns the folder without its slash, as the store takes it.
    fn repo_path(&mut self, path: &str) -> Option<String> {
        let inner = path.strip_prefix('/').filter(|_| !path.contains("//"));
        if inner.is_none() {
            let message = format!("`{path}` is not the path of a repository");
            let problem = self.error(&["repoPath"], message);
            self.semantic
                .push(problem.hint("Begin it with one slash: `/backups/main`."));
        }
        inner.map(|inner| inner.trim_end_matches('/').to_owned())
    }

    /// Both keys, or the role of the machine.
    fn repository_keys(&mut self, s3: &S3Repository) -> Option<Credentials> {
        let Some(keys) = &s3.secret_ref else {
            return Some(Credentials::Chain);
        };
        let (id, secret) = (&keys.access_key_id, &keys.secret_access_key);
        let (Some(id), Some(secret)) = (id, secret) else {
            let field = if id.is_none() {
                "accessKeyId"
            } else {
                "secretAccessKey"
            };
            let problem = self.error(&["secretRef"], format!("{field} is missing"));
            self.semantic
                .push(problem.hint("Name both keys, or leave `secretRef` out to use a role."));
            return None;
        };
        let id = self.secret(&["secretRef", "accessKeyId"], Some(id));
        let secret = self.secret(&["secretRef", "secretAccessKey"], Some(secret));
        Some(Credentials::Keys {
            access_key_id: id?,
            secret_access_key: secret?,
            session_token: None,
        })
    }

    /// Returns the pass phrase; `None` where nothing is encrypted, and after a problem.
    fn cipher_pass(&mut self, s3: &S3Repository) -> Option<Secret> {
        s3.cipher_config.as_ref()?;
        let Some(pass) = s3.cipher_pass() else {
            let problem = self.error(&["cipherConfig"], "encryptionPass is missing");
            self.semantic
                .push(problem.hint("Name the Secret with the pass phrase."));
            return None;
        };
        self.secret(&["cipherConfig", "encryptionPass"], Some(pass))
    }

    fn process_max(&mut self, root: &Path, stanza: &StanzaConfiguration) -> Option<u32> {
        let wanted = stanza.process_max?;
        let valid = u32::try_from(wanted).ok().filter(|n| (1..=999).contains(n));
        if valid.is_none() {
            let path = root.clone().key("processMax");
            let message = format!("processMax is {wanted}, which is not from 1 to 999");
            self.semantic.push(self.resource.error(path, message));
        }
        valid
    }

    /// Variables of this repository that walcast has no use for are not passed by in silence.
    fn check_variables(&mut self, root: &Path, variables: &Variables<'_>) {
        let path = root.clone().key("customEnvVar");
        for name in variables.unused() {
            let message = format!("{name} is ignored by walcast");
            let path = path.clone().key(name);
            self.semantic.push(self.resource.warning(path, message));
        }
    }
}

/// `customEnvVar` as far as it concerns one repository.
struct Variables<'a> {
    all: Option<&'a BTreeMap<String, String>>,
    prefix: String,
    /// Of the repository.
    number: u32,
}

impl<'a> Variables<'a> {
    /// Those that are used.
    const USED: [&'static str; 6] = [
        "BUNDLE",
        "BUNDLE_LIMIT",
        "BUNDLE_SIZE",
        "S3_KMS_KEY_ID",
        "S3_KEY_TYPE",
        "STORAGE_TAG",
    ];

    fn of(stanza: &'a StanzaConfiguration, number: usize) -> Self {
        Self {
            all: stanza.custom_env_var.as_ref(),
            prefix: format!("{VARIABLE}REPO{number}_"),
            number: u32::try_from(number).unwrap_or(u32::MAX),
        }
    }

    fn get(&self, option: &str) -> Option<&'a str> {
        let value = self.all?.get(&format!("{}{option}", self.prefix))?;
        Some(value)
    }

    fn has(&self, option: &str) -> bool {
        self.get(option).is_some()
    }

    fn unused(&self) -> impl Iterator<Item = &'a String> {
        let names = self.all.into_iter().flat_map(BTreeMap::keys);
        names.filter(|name| {
            let option = name.strip_prefix(&self.prefix);
            option.is_some_and(|option| !Self::USED.contains(&option))
        })
    }

    /// Returns the tags of objects, which pgBackRest separates by colons.
    fn tags(&self) -> Vec<(String, String)> {
        let pairs = self.get("STORAGE_TAG").unwrap_or_default().split(':');
        pairs
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }

    /// The tool's own default is taken where nothing else is said.
    fn lock_path(&self) -> PathBuf {
        let path = self.all.and_then(|all| all.get("PGBACKREST_LOCK_PATH"));
        path.map_or("/tmp/pgbackrest", String::as_str).into()
    }

    /// That nothing is compressed can be said only here.
    fn compression(&self, stanza: &StanzaConfiguration) -> Option<Compression> {
        let none = self.all.and_then(|all| all.get("PGBACKREST_COMPRESS_TYPE"));
        let is_none = stanza.compress_config.is_none() && none.is_some_and(|text| text == "none");
        (!is_none).then(|| stanza.compression())
    }
}

/// The plugin takes 0 for not written.
fn level(configuration: &CompressConfiguration) -> Option<i64> {
    configuration.level.filter(|&level| level != 0)
}
