//! A manifest from its text.

use std::{
    collections::{BTreeMap, HashMap},
    io::BufRead,
    sync::Arc,
};

use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    Manifest, ManifestAttributes, ManifestCluster, ManifestDatabase, ManifestFile, ManifestLink,
    file::{AttributesValue, FileValue, OwnerValue},
};
use crate::{
    codec::{Codec, cipher::Passphrase},
    pg::{Lsn, Oid, SegmentName, SystemId, Tablespace},
    repository::{
        BackupKind,
        pgbackrest::ini::{BACKREST, InvalidIni, ReadIni, read_ini},
    },
    secret::Secret,
};

/// A text is not a manifest, or is damaged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidManifest {
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// It is no record at all.
    #[error(transparent)]
    Ini(#[from] InvalidIni),
    /// A value is missing.
    #[error("it has no {key} in [{section}]")]
    Missing {
        /// The section.
        section: &'static str,
        /// The key.
        key: &'static str,
    },
    /// A value is not what it should be.
    #[error("`{key}` in [{section}] cannot be understood")]
    Value {
        /// The section.
        section: String,
        /// The key.
        key: String,
    },
}

/// What is known before the end.
#[derive(Default)]
struct Draft {
    writer: Option<String>,
    backup: BTreeMap<String, String>,
    cluster: BTreeMap<String, String>,
    options: BTreeMap<String, String>,
    links: BTreeMap<String, (String, AttributesDraft)>,
    link_defaults: AttributesDraft,
    databases: BTreeMap<String, ManifestDatabase>,
    extension: BTreeMap<String, String>,
    targets: Vec<(String, TargetValue)>,
    passphrase: Option<Passphrase>,
    annotations: BTreeMap<String, String>,
    files: Vec<(String, FileDraft)>,
    directories: Vec<(String, AttributesDraft)>,
    file_defaults: AttributesDraft,
    directory_defaults: AttributesDraft,
    names: HashMap<String, Arc<str>>,
}

/// Attributes before the defaults are known, which come last.
#[derive(Clone, Default)]
struct AttributesDraft {
    mode: Option<u32>,
    user: OwnerDraft,
    group: OwnerDraft,
}

/// A name before the default is known.
#[derive(Clone, Default)]
enum OwnerDraft {
    /// That of the defaults.
    #[default]
    Default,
    Name(Arc<str>),
    /// Nobody knows it.
    Unknown,
}

struct FileDraft {
    file: ManifestFile,
    attributes: AttributesDraft,
}

#[derive(Deserialize)]
struct TargetValue {
    path: String,
    file: Option<String>,
    #[serde(rename = "tablespace-id")]
    tablespace_id: Option<String>,
    #[serde(rename = "tablespace-name")]
    tablespace_name: Option<String>,
}

/// The value of a link.
#[derive(Deserialize)]
struct LinkValue {
    destination: String,
}

impl Manifest {
    /// Reads it, and checks its checksum.
    ///
    /// # Errors
    ///
    /// Those of the reader, unchanged, and what is wrong with the text.
    pub fn read(text: impl BufRead) -> Result<Self, InvalidManifest> {
        let mut draft = Draft::default();
        match read_ini(text, |line| draft.add(line.section, line.key, line.value)) {
            Ok(()) => draft.finish(),
            Err(ReadIni::Io(error)) => Err(error.into()),
            Err(ReadIni::Invalid(error)) => Err(error.into()),
            Err(ReadIni::Value(error)) => Err(error),
        }
    }
}

impl Draft {
    fn add(&mut self, section: &str, key: &str, value: &str) -> Result<(), InvalidManifest> {
        let fault = || InvalidManifest::Value {
            section: section.to_owned(),
            key: key.to_owned(),
        };
        match section {
            "target:file" => {
                let value: FileValue = parsed(value).ok_or_else(fault)?;
                let attributes = self
                    .attributes(
                        value.mode.as_deref(),
                        value.user.as_ref(),
                        value.group.as_ref(),
                    )
                    .ok_or_else(fault)?;
                let reference = value.reference.as_deref().map(|label| self.name(label));
                let file = value.file(ManifestAttributes::default(), reference);
                self.files
                    .push((key.to_owned(), FileDraft { file, attributes }));
            }
            "target:path" => {
                let attributes = self.attributes_of(value).ok_or_else(fault)?;
                self.directories.push((key.to_owned(), attributes));
            }
            "target:link" => {
                let attributes = self.attributes_of(value).ok_or_else(fault)?;
                let link: LinkValue = parsed(value).ok_or_else(fault)?;
                let link = (link.destination, attributes);
                self.links.insert(key.to_owned(), link);
            }
            "target:file:default" | "target:path:default" | "target:link:default" => {
                // A value without a name around it.
                let object = format!("{{\"{key}\":{value}}}");
                let one = self.attributes_of(&object).ok_or_else(fault)?;
                let defaults = match section {
                    "target:file:default" => &mut self.file_defaults,
                    "target:link:default" => &mut self.link_defaults,
                    _ => &mut self.directory_defaults,
                };
                *defaults = one.or(defaults);
            }
            BACKREST if key == "backrest-version" => self.writer = parsed(value),
            "db" => {
                let database = parsed(value).ok_or_else(fault)?;
                self.databases.insert(key.to_owned(), database);
            }
            EXTENSION => drop(self.extension.insert(key.to_owned(), value.to_owned())),
            "backup" => drop(self.backup.insert(key.to_owned(), value.to_owned())),
            "backup:db" => drop(self.cluster.insert(key.to_owned(), value.to_owned())),
            "backup:option" => drop(self.options.insert(key.to_owned(), value.to_owned())),
            "backup:target" => {
                let target = parsed(value).ok_or_else(fault)?;
                self.targets.push((key.to_owned(), target));
            }
            "cipher" if key == "cipher-pass" => {
                let secret: String = parsed(value).ok_or_else(fault)?;
                self.passphrase = Some(Passphrase::new(Secret::new(secret)));
            }
            "metadata" if key == "annotation" => {
                self.annotations = parsed(value).ok_or_else(fault)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn attributes_of(&mut self, value: &str) -> Option<AttributesDraft> {
        let value: AttributesValue = parsed(value)?;
        self.attributes(
            value.mode.as_deref(),
            value.user.as_ref(),
            value.group.as_ref(),
        )
    }

    fn attributes(
        &mut self,
        mode: Option<&str>,
        user: Option<&OwnerValue>,
        group: Option<&OwnerValue>,
    ) -> Option<AttributesDraft> {
        let mode = match mode {
            None => None,
            Some(octal) => Some(u32::from_str_radix(octal, 8).ok()?),
        };
        let mut owner = |value: Option<&OwnerValue>| match value {
            None => OwnerDraft::Default,
            Some(OwnerValue::Name(name)) => OwnerDraft::Name(self.name(name)),
            Some(OwnerValue::Unknown(_)) => OwnerDraft::Unknown,
        };
        Some(AttributesDraft {
            mode,
            user: owner(user),
            group: owner(group),
        })
    }

    /// Returns the one copy of a name that most files share.
    fn name(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        let known: Arc<str> = Arc::from(name);
        self.names.insert(name.to_owned(), Arc::clone(&known));
        known
    }

    fn finish(self) -> Result<Manifest, InvalidManifest> {
        let label: String = required(&self.backup, BACKUP, "backup-label")?;
        let list: Option<String> = optional(&self.backup, BACKUP, "backup-reference")?;
        let mut references: Vec<String> = match list {
            Some(list) => list.split(',').map(str::to_owned).collect(),
            // Releases before 2.42 have no list.
            None => self.names_of_references(),
        };
        if references.last() != Some(&label) {
            references.push(label.clone());
        }
        let time = |key| {
            let seconds: i64 = required(&self.backup, BACKUP, key)?;
            Timestamp::from_second(seconds).map_err(|_| value_fault(BACKUP, key))
        };
        let (data_directory, tablespaces) = self.targets()?;
        let links = self.file_links();
        let (file_defaults, directory_defaults) = (self.file_defaults, self.directory_defaults);
        let mut files: Vec<_> = self
            .files
            .into_iter()
            .map(
                |(
                    name,
                    FileDraft {
                        mut file,
                        attributes,
                    },
                )| {
                    file.attributes = attributes.or(&file_defaults).finish(0o600);
                    (name, file)
                },
            )
            .collect();
        let mut directories: Vec<_> = self
            .directories
            .into_iter()
            .map(|(name, draft)| (name, draft.or(&directory_defaults).finish(0o700)))
            .collect();
        files.sort_by(|one, other| one.0.cmp(&other.0));
        directories.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(Manifest {
            kind: required::<BackupKind>(&self.backup, BACKUP, "backup-type")?,
            prior: optional(&self.backup, BACKUP, "backup-prior")?,
            references,
            began: time("backup-timestamp-start")?,
            copy_began: time(if self.backup.contains_key(COPY_START) {
                COPY_START
            } else {
                "backup-timestamp-start"
            })?,
            ended: time("backup-timestamp-stop")?,
            archive_start: from_text::<SegmentName>(&self.backup, "backup-archive-start")?,
            archive_stop: from_text::<SegmentName>(&self.backup, "backup-archive-stop")?,
            lsn_start: from_text::<Lsn>(&self.backup, "backup-lsn-start")?,
            lsn_stop: from_text::<Lsn>(&self.backup, "backup-lsn-stop")?,
            is_in_blocks: optional(&self.backup, BACKUP, "backup-block-incr")?.unwrap_or(false),
            is_bundled: optional(&self.backup, BACKUP, "backup-bundle")?.unwrap_or(false),
            is_raw: optional(&self.backup, BACKUP, "backup-bundle-raw")?.unwrap_or(false),
            codec: codec(&self.options)?,
            cluster: cluster(&self.cluster)?,
            writer: self.writer.unwrap_or_default(),
            options: self.options,
            links,
            databases: self.databases,
            extension: self.extension,
            label,
            data_directory,
            tablespaces,
            passphrase: self.passphrase,
            annotations: self.annotations,
            directories,
            files,
        })
    }

    fn names_of_references(&self) -> Vec<String> {
        let references = self
            .files
            .iter()
            .filter_map(|(_, one)| one.file.reference.as_deref());
        let mut references: Vec<String> = references.map(str::to_owned).collect();
        references.sort();
        references.dedup();
        references
    }

    /// Returns the links that are not those of tablespaces.
    fn file_links(&self) -> Vec<(String, ManifestLink)> {
        let links = self
            .links
            .iter()
            .filter_map(|(name, (destination, draft))| {
                let mut targets = self.targets.iter();
                let (_, target) = targets.find(|(target, _)| target == name)?;
                let attributes = draft.clone().or(&self.link_defaults).finish(0o777);
                let link = ManifestLink {
                    destination: destination.clone(),
                    path: target.path.clone(),
                    file: target.file.clone(),
                    attributes,
                };
                Some((name.clone(), link))
            });
        links.collect()
    }

    /// Returns the data directory and the tablespaces.
    fn targets(&self) -> Result<(String, Vec<Tablespace>), InvalidManifest> {
        let mut data_directory = None;
        let mut tablespaces = Vec::new();
        for (name, target) in &self.targets {
            if name == "pg_data" {
                data_directory = Some(target.path.clone());
            }
            let Some(id) = &target.tablespace_id else {
                continue;
            };
            let oid = id.parse().ok().and_then(Oid::new);
            tablespaces.push(Tablespace {
                name: target.tablespace_name.clone().unwrap_or_default(),
                oid: oid.ok_or_else(|| value_fault("backup:target", name))?,
                location: target.path.clone(),
            });
        }
        let missing = InvalidManifest::Missing {
            section: "backup:target",
            key: "pg_data",
        };
        Ok((data_directory.ok_or(missing)?, tablespaces))
    }
}

impl AttributesDraft {
    /// Takes what is not told from `defaults`.
    fn or(self, defaults: &Self) -> Self {
        Self {
            mode: self.mode.or(defaults.mode),
            user: self.user.or(&defaults.user),
            group: self.group.or(&defaults.group),
        }
    }

    fn finish(self, mode: u32) -> ManifestAttributes {
        ManifestAttributes {
            mode: self.mode.unwrap_or(mode),
            user: self.user.name(),
            group: self.group.name(),
        }
    }
}

impl OwnerDraft {
    fn or(self, default: &Self) -> Self {
        match self {
            Self::Default => default.clone(),
            told => told,
        }
    }

    fn name(self) -> Option<Arc<str>> {
        match self {
            Self::Name(name) => Some(name),
            Self::Default | Self::Unknown => None,
        }
    }
}

const BACKUP: &str = "backup";
const COPY_START: &str = "backup-timestamp-copy-start";
const OPTION: &str = "backup:option";
/// Where walcast keeps what the layout has no place for.
pub(super) const EXTENSION: &str = "walcast";
const CLUSTER: &str = "backup:db";

fn cluster(values: &BTreeMap<String, String>) -> Result<ManifestCluster, InvalidManifest> {
    Ok(ManifestCluster {
        history_id: required(values, CLUSTER, "db-id")?,
        system_id: SystemId::new(required(values, CLUSTER, "db-system-id")?),
        version: required(values, CLUSTER, "db-version")?,
        catalog_version: required(values, CLUSTER, "db-catalog-version")?,
        control_version: optional(values, CLUSTER, "db-control-version")?.unwrap_or_default(),
    })
}

/// Old releases say only whether files are compressed.
fn codec(options: &BTreeMap<String, String>) -> Result<Option<Codec>, InvalidManifest> {
    let name: Option<String> = optional(options, OPTION, "option-compress-type")?;
    let Some(name) = name else {
        let is_compressed = optional(options, OPTION, "option-compress")?.unwrap_or(false);
        return Ok(is_compressed.then_some(Codec::Gzip));
    };
    if name == "none" {
        return Ok(None);
    }
    let known = Codec::ALL.into_iter();
    let mut known = known.filter(|codec| codec.pgbackrest_name() == Some(&*name));
    let codec = known.next();
    codec
        .map(Some)
        .ok_or_else(|| value_fault(OPTION, "option-compress-type"))
}

fn parsed<T: DeserializeOwned>(json: &str) -> Option<T> {
    serde_json::from_str(json).ok()
}

fn value_fault(section: &str, key: &str) -> InvalidManifest {
    InvalidManifest::Value {
        section: section.to_owned(),
        key: key.to_owned(),
    }
}

fn optional<T: DeserializeOwned>(
    values: &BTreeMap<String, String>,
    section: &'static str,
    key: &'static str,
) -> Result<Option<T>, InvalidManifest> {
    let value = values.get(key).map(|json| parsed(json));
    value
        .map(|value| value.ok_or_else(|| value_fault(section, key)))
        .transpose()
}

fn required<T: DeserializeOwned>(
    values: &BTreeMap<String, String>,
    section: &'static str,
    key: &'static str,
) -> Result<T, InvalidManifest> {
    optional(values, section, key)?.ok_or(InvalidManifest::Missing { section, key })
}

fn from_text<T: std::str::FromStr>(
    values: &BTreeMap<String, String>,
    key: &'static str,
) -> Result<Option<T>, InvalidManifest> {
    let text = values.get(key).map_or(Ok(None), |json| {
        parsed::<Option<String>>(json).ok_or_else(|| value_fault(BACKUP, key))
    })?;
    let value = text.map(|text| text.parse());
    value.transpose().map_err(|_| value_fault(BACKUP, key))
}
