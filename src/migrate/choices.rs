//! Where to, and what only a person can say.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use serde::{Serialize, Serializer};

/// Whose plugin is to archive and back up.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Target {
    /// The Barman Cloud plugin, from CloudNativePG's own backups or back from walcast.
    BarmanPlugin,
    /// Dalibo's pgBackRest plugin, from Barman's layout, from its own `Repository` of before the
    /// first release, or back from walcast.
    PgBackRest,
    /// walcast, with the stores there are.
    Walcast,
}

/// No such target.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("there is no target `{0}`: barman-plugin, pgbackrest or walcast")]
pub struct InvalidTarget(String);

impl Target {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::BarmanPlugin, Self::PgBackRest, Self::Walcast];

    /// Returns the name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::BarmanPlugin => "barman-plugin",
            Self::PgBackRest => "pgbackrest",
            Self::Walcast => "walcast",
        }
    }

    /// Returns what people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::BarmanPlugin => "the Barman Cloud plugin",
            Self::PgBackRest => "the pgBackRest plugin",
            Self::Walcast => "walcast",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Target {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        let found = all.find(|target| target.name() == text);
        found.ok_or_else(|| InvalidTarget(text.to_owned()))
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// The answers to what the manifests do not tell.
///
/// Maps are from the name of a resource to what is said of it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Choices {
    /// The `Cluster`s that move, by name; empty is all of them.
    pub clusters: Vec<String>,
    /// Leaves traps that [`lint`](crate::lint) could mend as they are.
    pub keep_traps: bool,
    /// The `ObjectStore` that a `Cluster` is to use, or is to go back to.
    pub stores: BTreeMap<String, String>,
    /// The folder that an external cluster was backed up to.
    pub server_names: BTreeMap<String, String>,
    /// The backup that a `Cluster` is restored from: server name and id, as `NAME/ID`.
    pub backups: BTreeMap<String, String>,
    /// The region of an `ObjectStore`.
    pub regions: BTreeMap<String, String>,
    /// The host of an `ObjectStore`, or host and port.
    pub endpoints: BTreeMap<String, String>,
    /// How pgBackRest gets the keys of an `ObjectStore` that has a role: `auto`, `web-id` or
    /// `pod-id`.
    pub key_types: BTreeMap<String, String>,
    /// `ObjectStore`s with a certificate authority of their own whose certificates pgBackRest may
    /// leave unchecked.
    pub unchecked: BTreeSet<String>,
    /// The storage class of pgBackRest's spool, which sending WAL in parallel needs.
    pub storage_class: Option<String>,
    /// When a repository without full backups is to get them. Default: on Sundays at one o'clock,
    /// at two for the second repository, and so on.
    pub full_schedule: Option<String>,
    /// Has the Barman Cloud plugin archive beside pgBackRest for a while.
    pub overlap: bool,
    /// Further destinations of a `Cluster` on walcast, as `ObjectStore/NAME`.
    pub also: BTreeMap<String, Vec<String>>,
}
