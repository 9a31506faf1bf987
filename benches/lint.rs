//! How fast are 1,000 documents linted?
//!
//! They are 125 systems of 8 documents: clusters with plugins, stores, stanzas, schedules and
//! Secrets, some with traps and some without, each in a folder and a namespace of its own.

#![allow(missing_docs, reason = "criterion's macros write a function")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use walcast::{
    inventory::Inventory,
    lint::{Settings, lint},
};

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = run
}
criterion_main!(benches);

const SYSTEMS: usize = 125;

fn run(criterion: &mut Criterion) {
    let now = "2026-11-25T16:00:00Z".parse().expect("it is a time");
    let settings = Settings::new(now);
    let texts: Vec<String> = (0..SYSTEMS).map(system).collect();
    let bytes: usize = texts.iter().map(String::len).sum();
    let mut group = criterion.benchmark_group("1000 documents");
    group.throughput(Throughput::Bytes(bytes as u64));

    group.bench_function("read and lint", |bencher| {
        bencher.iter(|| {
            let inventory = inventory(&texts);
            let report = lint(&inventory, &settings);
            assert_eq!(report.resources, 8 * SYSTEMS);
            black_box(report)
        });
    });
    let inventory = inventory(&texts);
    group.bench_function("lint", |bencher| {
        bencher.iter(|| black_box(lint(&inventory, &settings)));
    });
    group.finish();
}

fn inventory(texts: &[String]) -> Inventory {
    let mut inventory = Inventory::default();
    for (number, text) in texts.iter().enumerate() {
        inventory.add(format!("apps/{number}/database.yaml"), text.clone());
    }
    inventory
}

/// Returns eight documents; every third system has a schedule of five fields.
#[expect(clippy::too_many_lines, reason = "it is one text")]
fn system(number: usize) -> String {
    let schedule = if number.is_multiple_of(3) {
        "0 3 * * *"
    } else {
        "0 0 3 * * *"
    };
    let namespace = format!("app-{number}");
    format!(
        "apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: main
  namespace: {namespace}
spec:
  instances: 3
  imageName: ghcr.io/cloudnative-pg/postgresql:17.5
  storage:
    size: 20Gi
    storageClass: fast
  postgresql:
    parameters:
      max_connections: \"200\"
      shared_buffers: 256MB
  plugins:
  - name: barman-cloud.cloudnative-pg.io
    isWALArchiver: true
    parameters:
      barmanObjectName: offsite
      serverName: main-v2
  bootstrap:
    recovery:
      source: origin
  externalClusters:
  - name: origin
    plugin:
      name: barman-cloud.cloudnative-pg.io
      parameters:
        barmanObjectName: offsite
        serverName: main
---
apiVersion: barmancloud.cnpg.io/v1
kind: ObjectStore
metadata:
  name: offsite
  namespace: {namespace}
spec:
  retentionPolicy: 30d
  configuration:
    destinationPath: s3://backups-{number}/postgres
    endpointURL: https://s3.example.org
    s3Credentials:
      accessKeyId: {{name: keys, key: id}}
      secretAccessKey: {{name: keys, key: secret}}
    wal: {{compression: zstd, maxParallel: 4}}
---
apiVersion: v1
kind: Secret
metadata: {{name: keys, namespace: {namespace}}}
stringData: {{id: {number}, secret: s}}
---
apiVersion: postgresql.cnpg.io/v1
kind: ScheduledBackup
metadata: {{name: nightly, namespace: {namespace}}}
spec:
  schedule: \"{schedule}\"
  backupOwnerReference: self
  cluster: {{name: main}}
  method: plugin
  pluginConfiguration: {{name: barman-cloud.cloudnative-pg.io}}
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {{name: other, namespace: {namespace}}}
spec:
  instances: 2
  storage: {{size: 5Gi}}
  backup: {{target: primary}}
  plugins:
  - name: pgbackrest.dalibo.com
    isWALArchiver: true
    parameters: {{stanzaRef: other}}
---
apiVersion: pgbackrest.dalibo.com/v1
kind: Stanza
metadata: {{name: other, namespace: {namespace}}}
spec:
  stanzaConfiguration:
    name: other
    s3Repositories:
    - bucket: near-{number}
      endpoint: s3.example.org
      region: a
      repoPath: /other
      verifyTLS: true
      retentionPolicy: {{full: 7}}
    - bucket: far-{number}
      endpoint: s3.example.net
      region: b
      repoPath: /other
      verifyTLS: true
      retentionPolicy: {{full: 7}}
---
apiVersion: postgresql.cnpg.io/v1
kind: ScheduledBackup
metadata: {{name: other, namespace: {namespace}}}
spec:
  schedule: \"{schedule}\"
  cluster: {{name: other}}
  method: plugin
  pluginConfiguration: {{name: pgbackrest.dalibo.com, parameters: {{backupType: full}}}}
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {{name: other, namespace: {namespace}}}
spec:
  cluster: {{name: other}}
  pgbouncer: {{poolMode: session}}
"
    )
}
