mod bad_input;
mod barman;
mod pairs;
mod pgbackrest;
mod stories;
mod walcast;

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::*;
use crate::{inventory::Kind, manifest::documents};

fn inventory(text: &str) -> Inventory {
    let mut inventory = Inventory::default();
    inventory.add("apps/shop.yaml", text.to_owned());
    inventory
}

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Returns the manifests as they are after all steps.
fn after(inventory: &Inventory, plan: &Plan) -> Inventory {
    mend::with(inventory, &plan.files(plan.steps.len()))
}

/// Returns a resource as it is written.
fn resource(inventory: &Inventory, kind: Kind, name: &str) -> Json {
    let index = inventory.index();
    let found = index.named(kind, name).first();
    let found = found.unwrap_or_else(|| panic!("there is no {}/{name}", kind.name()));
    let documents = documents(&found.file.text);
    documents[found.document].root.as_ref().unwrap().to_json()
}

fn titles(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.title.as_str()).collect()
}

fn texts(remarks: &[Remark]) -> String {
    let line = |one: &Remark| format!("{}: {}\n", one.about, one.text);
    remarks.iter().map(line).collect()
}

/// A plan that was carried out leaves nothing to do but to look.
fn assert_arrived(inventory: &Inventory, target: Target, choices: &Choices) {
    let first = plan(inventory, target, choices);
    let second = plan(&after(inventory, &first), target, choices);
    let changed: Vec<_> = second.steps.iter().flat_map(|step| &step.changes).collect();
    assert!(changed.is_empty(), "{changed:#?}");
}

/// A cluster that CloudNativePG itself backs up, with comments.
const IN_TREE: &str = "\
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: shop
  namespace: databases
spec:
  instances: 3
  backup: # the old way
    target: primary
    retentionPolicy: 30d # a month
    barmanObjectStore:
      # the store in the cellar
      destinationPath: s3://backups/postgres
      endpointURL: https://s3.eu-central-1.amazonaws.com
      s3Credentials:
        accessKeyId: {name: keys, key: id}
        secretAccessKey: {name: keys, key: secret}
      wal:
        compression: gzip
        maxParallel: ${PARALLEL}
  storage:
    size: 1Gi
---
apiVersion: postgresql.cnpg.io/v1
kind: ScheduledBackup
metadata:
  name: nightly
  namespace: databases
spec:
  schedule: \"0 0 2 * * *\" # at two
  cluster:
    name: shop
";
