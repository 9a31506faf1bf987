//! Where the values of Secrets come from.

use std::{
    collections::BTreeSet,
    fmt, fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{crd, secret::Secret};

/// A value that a resource refers to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SecretRef<'a> {
    /// The namespace of the resource that refers to it, if it says so.
    pub namespace: Option<&'a str>,
    /// The Secret's name.
    pub name: &'a str,
    /// The key of the value.
    pub key: &'a str,
}

/// Something that knows values of Secrets.
pub trait SecretSource: fmt::Debug + Send + Sync {
    /// Returns the value, as it is stored. May read files.
    ///
    /// # Errors
    /// [`SecretError::NoSecret`] lets the next source be asked, anything else does not.
    fn value(&self, wanted: SecretRef<'_>) -> Result<Secret, SecretError>;
}

/// A value of a Secret cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The source has no such Secret.
    #[error("secret `{0}` is not there")]
    NoSecret(String),
    /// The Secret is a document with problems of its own.
    #[error("secret `{0}` cannot be used")]
    Unusable(String),
    /// The Secret has no such key.
    #[error("secret `{name}` has no key `{key}`")]
    NoKey {
        /// The Secret's name.
        name: String,
        /// The key.
        key: String,
        /// The keys it has.
        known: Vec<String>,
    },
    /// The value under `data` is not base64.
    #[error("secret `{name}`: the value of `{key}` is not base64")]
    InvalidBase64 {
        /// The Secret's name.
        name: String,
        /// The key.
        key: String,
    },
    /// The value is not UTF-8.
    #[error("secret `{name}`: the value of `{key}` is not text")]
    NotText {
        /// The Secret's name.
        name: String,
        /// The key.
        key: String,
    },
    /// The file is larger than a Secret can be, 1 MiB.
    #[error("secret `{name}`: the value of `{key}` is larger than 1 MiB")]
    TooLarge {
        /// The Secret's name.
        name: String,
        /// The key.
        key: String,
    },
    /// The file with the value cannot be read.
    #[error("secret `{name}`: the value of `{key}` cannot be read")]
    Unreadable {
        /// The Secret's name.
        name: String,
        /// The key.
        key: String,
        /// Why.
        source: io::Error,
    },
}

impl SecretError {
    /// Returns what to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NoSecret(name) => {
                format!(
                    "Add the Secret `{name}` to the files, or its values to the folder of secrets."
                )
            }
            Self::Unusable(_) => "Mend its document first.".to_owned(),
            Self::NoKey { known, .. } if known.is_empty() => "It has no keys at all.".to_owned(),
            Self::NoKey { known, .. } => format!("It has {}.", known.join(", ")),
            Self::InvalidBase64 { .. } => {
                "Put plain text under `stringData`; `data` takes base64.".to_owned()
            }
            Self::NotText { .. } => "Check which file the value was made from.".to_owned(),
            Self::TooLarge { .. } => "Check that the file is the one that was meant.".to_owned(),
            Self::Unreadable { .. } => {
                "Let the user that walcast runs as read the file.".to_owned()
            }
        }
    }
}

/// Secrets that are documents of the files.
#[derive(Clone, Debug, Default)]
pub struct DocumentSecrets {
    secrets: Vec<crd::core::Secret>,
    unusable: Vec<String>,
}

impl DocumentSecrets {
    /// Adds a Secret; `false` if one of that name and namespace is there already.
    #[must_use]
    pub fn add(&mut self, secret: crd::core::Secret) -> bool {
        let metadata = &secret.metadata;
        let name = metadata.name.as_deref().unwrap_or_default();
        let is_new = self.find(metadata.namespace.as_deref(), name).is_none();
        if is_new {
            self.secrets.push(secret);
        }
        is_new
    }

    /// Remembers the name of a Secret that has problems: no other source is asked for it.
    pub fn add_unusable(&mut self, name: impl Into<String>) {
        self.unusable.push(name.into());
    }

    /// A namespace that is not said is whichever the files are applied to.
    fn find(&self, namespace: Option<&str>, name: &str) -> Option<&crd::core::Secret> {
        self.secrets.iter().find(|secret| {
            let theirs = secret.metadata.namespace.as_deref();
            let same = namespace.is_none() || theirs.is_none() || namespace == theirs;
            same && secret.metadata.name.as_deref() == Some(name)
        })
    }
}

impl SecretSource for DocumentSecrets {
    fn value(&self, wanted: SecretRef<'_>) -> Result<Secret, SecretError> {
        if self.unusable.iter().any(|name| name == wanted.name) {
            return Err(SecretError::Unusable(wanted.name.to_owned()));
        }
        let secret = self
            .find(wanted.namespace, wanted.name)
            .ok_or_else(|| SecretError::NoSecret(wanted.name.to_owned()))?;
        if let Some(plain) = secret.string_data.get(wanted.key) {
            return Ok(plain.0.clone());
        }
        let Some(encoded) = secret.data.get(wanted.key) else {
            let keys: BTreeSet<&String> = secret
                .string_data
                .keys()
                .chain(secret.data.keys())
                .collect();
            let keys = keys.into_iter().map(|key| format!("`{key}`"));
            return Err(no_key(wanted, keys.collect()));
        };
        decode(wanted, encoded.0.reveal())
    }
}

/// Go's decoder passes line breaks by, and so must this: long values are folded.
fn decode(wanted: SecretRef<'_>, encoded: &str) -> Result<Secret, SecretError> {
    let name = || wanted.name.to_owned();
    let key = || wanted.key.to_owned();
    let encoded = Secret::new(encoded.replace(['\r', '\n'], ""));
    let bytes = STANDARD
        .decode(encoded.reveal())
        .map_err(|_| SecretError::InvalidBase64 {
            name: name(),
            key: key(),
        })?;
    String::from_utf8(bytes)
        .map(Secret::new)
        .map_err(|_| SecretError::NotText {
            name: name(),
            key: key(),
        })
}

fn no_key(wanted: SecretRef<'_>, known: Vec<String>) -> SecretError {
    SecretError::NoKey {
        name: wanted.name.to_owned(),
        key: wanted.key.to_owned(),
        known,
    }
}

/// Secrets in a folder: the value of key `KEY` of Secret `NAME` is the file `NAME/KEY`, as a
/// Kubernetes volume has it. Reads files when asked.
#[derive(Clone, Debug)]
pub struct DirectorySecrets {
    root: PathBuf,
}

impl DirectorySecrets {
    /// What the API server lets into a Secret.
    const MAX_BYTES: u64 = 1 << 20;

    /// Takes `root` as the folder; it is not looked at yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn read(path: &Path, wanted: SecretRef<'_>) -> Result<Secret, SecretError> {
        let name = wanted.name.to_owned();
        let key = wanted.key.to_owned();
        let mut bytes = Vec::new();
        let read = fs::File::open(path)
            .and_then(|file| file.take(Self::MAX_BYTES + 1).read_to_end(&mut bytes));
        match read {
            Err(source) => Err(SecretError::Unreadable { name, key, source }),
            Ok(length) if length as u64 > Self::MAX_BYTES => {
                Err(SecretError::TooLarge { name, key })
            }
            Ok(_) => String::from_utf8(bytes)
                .map(Secret::new)
                .map_err(|_| SecretError::NotText { name, key }),
        }
    }
}

impl SecretSource for DirectorySecrets {
    fn value(&self, wanted: SecretRef<'_>) -> Result<Secret, SecretError> {
        let folder = self.root.join(wanted.name);
        if !is_file_name(wanted.name) || !folder.is_dir() {
            return Err(SecretError::NoSecret(wanted.name.to_owned()));
        }
        let path = folder.join(wanted.key);
        if !is_file_name(wanted.key) || !path.exists() {
            return Err(no_key(wanted, file_names(&folder)));
        }
        Self::read(&path, wanted)
    }
}

/// Returns whether `name` stays inside the folder it is looked up in.
fn is_file_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !name.is_empty() && name != "." && name != ".." && name.chars().all(allowed)
}

/// Returns the names of the files in `folder`, without those that a volume hides (`..data`).
fn file_names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with(".."))
        .map(|name| format!("`{name}`"))
        .collect();
    names.sort_unstable();
    names
}

/// Asks several sources in turn, until one has the Secret.
#[derive(Clone, Debug, Default)]
pub struct SecretSources<'a>(pub Vec<&'a dyn SecretSource>);

impl SecretSource for SecretSources<'_> {
    fn value(&self, wanted: SecretRef<'_>) -> Result<Secret, SecretError> {
        for source in &self.0 {
            match source.value(wanted) {
                Err(SecretError::NoSecret(_)) => {}
                found => return found,
            }
        }
        Err(SecretError::NoSecret(wanted.name.to_owned()))
    }
}
