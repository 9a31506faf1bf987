use schemars::JsonSchema;
use serde_json::{Value, json};

use super::*;
use crate::crd::structural_schema;

#[test]
fn defaults_of_the_methods_are_those_of_the_schemas() {
    let schedule = ScheduledBackupSpec::new("db", "@daily");
    let pooler = PoolerSpec::new("db", PgBouncerSpec::default());
    let database = DatabaseSpec::new("db", "shop", "owner");

    check::<BackupSpec>(&[("method", json!(BackupSpec::new("db").method()))]);
    check::<ScheduledBackupSpec>(&[
        ("method", json!(schedule.method())),
        (
            "backupOwnerReference",
            json!(schedule.backup_owner_reference()),
        ),
        (
            "onlineConfiguration.waitForArchive",
            json!(OnlineConfiguration::default().wait_for_archive()),
        ),
    ]);
    check::<PoolerSpec>(&[
        ("type", json!(pooler.r#type())),
        ("instances", json!(pooler.instances())),
        ("pgbouncer.poolMode", json!(pooler.pgbouncer.pool_mode())),
        ("pgbouncer.paused", json!(pooler.pgbouncer.is_paused())),
    ]);
    check::<DatabaseSpec>(&[
        ("ensure", json!(database.ensure())),
        (
            "databaseReclaimPolicy",
            json!(database.database_reclaim_policy()),
        ),
    ]);
    let plugin = PluginConfiguration::new("any");
    check::<PluginConfiguration>(&[
        ("enabled", json!(plugin.is_enabled())),
        ("isWALArchiver", json!(plugin.is_wal_archiver())),
    ]);
}

#[test]
fn resources_that_were_only_named_write_no_defaults() {
    let schedule = ScheduledBackup::for_plugin("nightly", "db", PGBACKREST, "0 0 3 * * *");
    let pooler = Pooler::new("pool", PoolerSpec::new("db", PgBouncerSpec::default()));
    let cluster = Cluster::new("db", ClusterSpec::default());

    let spec = |resource: Value| resource["spec"].clone();
    assert_eq!(
        spec(serde_json::to_value(schedule).unwrap()),
        json!({
            "cluster": { "name": "db" },
            "schedule": "0 0 3 * * *",
            "method": "plugin",
            "pluginConfiguration": { "name": "pgbackrest.dalibo.com" },
            "target": "primary",
        })
    );
    assert_eq!(
        spec(serde_json::to_value(pooler).unwrap()),
        json!({ "cluster": { "name": "db" }, "pgbouncer": {} })
    );
    assert_eq!(spec(serde_json::to_value(cluster).unwrap()), json!({}));
}

#[test]
fn values_of_newer_versions_are_kept() {
    let written = json!({
        "cluster": { "name": "db" },
        "method": "telepathy",
        "target": "${TARGET}",
    });

    let spec: BackupSpec = serde_json::from_value(written.clone()).unwrap();

    assert_eq!(spec.method(), BackupMethod::Other("telepathy".to_owned()));
    assert_eq!(serde_json::to_value(spec).unwrap(), written);
}

fn check<T: JsonSchema>(expected: &[(&str, Value)]) {
    let schema = structural_schema::<T>();
    for (path, value) in expected {
        let parts = path.split('.');
        let field = parts.fold(&schema, |schema, field| &schema["properties"][field]);
        assert_eq!(field["default"], *value, "{path}");
    }
}
