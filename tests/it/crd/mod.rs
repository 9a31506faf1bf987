//! The typed resources against those of the products: their definitions and their documents.

mod agreement;
mod differences;
mod facts;
mod instance;
mod round_trip;

use std::path::{Path, PathBuf};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use walcast::{
    crd::{
        CustomResourceDefinition, CustomResourceExt,
        barman_cloud::ObjectStore,
        cnpg::{Backup, Cluster, Database, Pooler, ScheduledBackup},
        pgbackrest::{PluginConfig, Repository, Stanza},
    },
    manifest::{Node, Typed, documents},
};

/// A kind of resource.
struct Kind {
    /// What its fixtures are called.
    name: &'static str,
    definition: fn() -> CustomResourceDefinition,
    /// Reads a document as the type and writes it again.
    round_trip: fn(Value) -> serde_json::Result<Value>,
    /// Reads a document as the type, with what it has no place for, and writes it again.
    kept: fn(&Node) -> Option<Value>,
}

const KINDS: &[Kind] = &[
    Kind::of::<Backup>("backup"),
    Kind::of::<Cluster>("cluster"),
    Kind::of::<Database>("database"),
    Kind::of::<ObjectStore>("objectstore"),
    Kind::of::<PluginConfig>("pluginconfig"),
    Kind::of::<Pooler>("pooler"),
    Kind::of::<Repository>("repository"),
    Kind::of::<ScheduledBackup>("scheduledbackup"),
    Kind::of::<Stanza>("stanza"),
];

impl Kind {
    const fn of<R>(name: &'static str) -> Self
    where
        R: CustomResourceExt + DeserializeOwned + Serialize,
    {
        Self {
            name,
            definition: R::crd,
            round_trip: round_trip::<R>,
            kept: kept::<R>,
        }
    }
}

fn round_trip<R: DeserializeOwned + Serialize>(json: Value) -> serde_json::Result<Value> {
    serde_json::to_value(serde_json::from_value::<R>(json)?)
}

fn kept<R: DeserializeOwned + Serialize>(node: &Node) -> Option<Value> {
    Typed::<R>::decode(node).value?.to_json().ok()
}

fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/crd")
        .join(folder)
}

/// Returns a folder of the collection of upstream's files, which is beside some checkouts.
fn shared(folder: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let candidates = root.ancestors().map(|above| above.join("shared"));
    let shared = candidates
        .into_iter()
        .find(|path| path.join("crds").is_dir())?;
    Some(shared.join(folder))
}

/// Returns the only document of a file; `None` if it is not YAML before its placeholders are filled.
fn document(path: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    let documents: Vec<_> = documents(&text).into_iter().map(|one| one.root).collect();
    let [root] = <[_; 1]>::try_from(documents).expect("a file has one document");
    root.ok().map(|root| root.to_json())
}
