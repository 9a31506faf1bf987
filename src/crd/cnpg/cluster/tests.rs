use serde_json::{Value, json};

use super::*;
use crate::crd::{
    barman_cloud::{BarmanObjectStoreConfiguration, ObjectStore, S3Credentials},
    cnpg::{BARMAN_CLOUD, BackupTarget, BarmanCloudSource, PGBACKREST, PluginConfiguration},
    structural_schema,
};

#[test]
fn an_empty_text_is_no_choice_of_a_target() {
    let cluster = cluster(json!({ "backup": { "target": "" } }));

    assert_eq!(cluster.backup_target(), BackupTarget::PreferStandby);
}

#[test]
fn the_archiver_is_the_plugin_that_is_on_and_says_so() {
    let cluster = cluster(json!({ "plugins": [
        { "name": "off", "enabled": false, "isWALArchiver": true },
        { "name": "beside" },
        { "name": "archiver", "enabled": true, "isWALArchiver": true },
    ] }));

    let names = |plugin: &PluginConfiguration| plugin.name.clone();
    assert_eq!(cluster.wal_archiver().map(names), Some("archiver".into()));
    let archiving: Vec<String> = cluster.archiving_plugins().map(names).collect();
    assert_eq!(archiving, ["beside", "archiver"]);
}

#[test]
fn the_operator_archives_unless_a_plugin_is_the_archiver() {
    let backup = json!({ "barmanObjectStore": { "destinationPath": "s3://b/" } });
    let beside = |plugin: Value| json!({ "backup": backup.clone(), "plugins": [plugin] });

    let listed = beside(json!({ "name": BARMAN_CLOUD }));
    assert!(cluster(listed).archives_in_tree());
    let archiver = beside(json!({ "name": BARMAN_CLOUD, "isWALArchiver": true }));
    assert!(!cluster(archiver).archives_in_tree());
    assert!(!cluster(json!({})).archives_in_tree());
}

#[test]
fn the_last_entry_names_the_store_and_the_last_one_that_is_on_the_folder() {
    let entry = |store: &str, parameters: Value, enabled: bool| {
        let mut entry = json!({ "name": BARMAN_CLOUD, "enabled": enabled });
        entry["parameters"] = parameters;
        entry["parameters"]["barmanObjectName"] = store.into();
        entry
    };
    let named = |name: &str| json!({ "serverName": name });
    for (entries, store, server_name) in [
        (vec![entry("a", json!({}), true)], "a", "db"),
        (vec![entry("a", named("one"), true)], "a", "one"),
        (vec![entry("a", named("one"), false)], "a", "db"),
        (
            vec![
                entry("a", named("one"), true),
                entry("b", named("two"), true),
            ],
            "b",
            "two",
        ),
        (
            vec![
                entry("a", named("one"), true),
                entry("b", named("two"), false),
            ],
            "b",
            "one",
        ),
        (
            vec![entry("a", named("one"), true), entry("b", json!({}), true)],
            "b",
            "one",
        ),
    ] {
        let cluster = cluster(json!({ "plugins": entries }));

        let barman = cluster.barman_cloud().unwrap();
        assert_eq!(
            (barman.object_store, barman.server_name),
            (Some(store), server_name)
        );
    }
}

#[test]
fn the_server_name_is_the_operators_own_unless_the_plugin_is_used() {
    let backup = json!({ "barmanObjectStore": {
        "destinationPath": "s3://b/",
        "serverName": "in-tree",
    } });
    let plugin = |enabled: bool| {
        json!([{
            "name": BARMAN_CLOUD,
            "enabled": enabled,
            "parameters": { "serverName": "by-plugin" },
        }])
    };

    assert_eq!(cluster(json!({})).server_name(), "db");
    assert_eq!(
        cluster(json!({ "backup": backup })).server_name(),
        "in-tree"
    );
    for (enabled, name) in [(true, "by-plugin"), (false, "in-tree")] {
        let both = json!({ "backup": backup, "plugins": plugin(enabled) });
        assert_eq!(cluster(both).server_name(), name);
    }
}

#[test]
fn a_source_without_a_server_name_means_this_cluster_for_the_plugin_and_itself_in_tree() {
    let bootstrap = json!({ "recovery": { "source": "origin" } });
    let recovered_from = |source: Value| {
        cluster(json!({ "bootstrap": bootstrap.clone(), "externalClusters": [source] }))
    };

    let by_plugin = recovered_from(json!({
        "name": "origin",
        "plugin": { "name": BARMAN_CLOUD, "parameters": { "barmanObjectName": "a" } },
    }));
    let in_tree = recovered_from(json!({
        "name": "origin",
        "barmanObjectStore": { "destinationPath": "s3://b/" },
    }));
    let by_streaming = recovered_from(json!({ "name": "origin", "connectionParameters": {} }));
    let missing = recovered_from(json!({ "name": "other" }));

    assert_eq!(by_plugin.recovery_server_name(), Some("db"));
    assert_eq!(in_tree.recovery_server_name(), Some("origin"));
    assert_eq!(by_streaming.recovery_server_name(), None);
    assert_eq!(missing.recovery_source(), None);
}

#[test]
fn the_barman_cloud_plugin_reads_recovery_and_replica_sources_that_are_its_own() {
    let source = |name: &str, plugin: &str| {
        json!({ "name": name, "plugin": {
            "name": plugin,
            "parameters": { "barmanObjectName": name, "serverName": "" },
        } })
    };
    let spec = |plugin: &str| {
        json!({
            "bootstrap": { "recovery": { "source": "old" } },
            "replica": { "source": "far", "enabled": true },
            "externalClusters": [source("old", plugin), source("far", plugin)],
        })
    };

    let own = cluster(spec(BARMAN_CLOUD));
    let barman = own.barman_cloud().unwrap();
    let expected = |object_store| {
        Some(BarmanCloudSource {
            object_store: Some(object_store),
            server_name: "db",
        })
    };
    assert_eq!(barman.object_store, None);
    assert_eq!(barman.recovery, expected("old"));
    assert_eq!(barman.replica, expected("far"));
    assert_eq!(cluster(spec("other")).barman_cloud(), None);
}

#[test]
fn the_pgbackrest_plugin_reads_stanzas_of_the_cluster_and_of_its_sources() {
    let cluster = cluster(json!({
        "plugins": [{ "name": PGBACKREST, "parameters": {
            "stanzaRef": "db", "pluginConfigRef": "spool", "serverName": "ignored",
        } }],
        "bootstrap": { "recovery": { "source": "old" } },
        "externalClusters": [{ "name": "old", "plugin": {
            "name": PGBACKREST, "parameters": { "stanzaRef": "db-v1" },
        } }],
    }));

    let pgbackrest = cluster.pgbackrest().unwrap();
    assert_eq!(pgbackrest.stanza, Some("db"));
    assert_eq!(pgbackrest.plugin_config, Some("spool"));
    assert_eq!(pgbackrest.repository, None);
    assert_eq!(pgbackrest.recovery_stanza, Some("db-v1"));
    assert_eq!(pgbackrest.replica_stanza, None);
}

#[test]
fn retention_is_the_stores_with_the_plugin_and_the_clusters_with_the_operators_own_backups() {
    let credentials = S3Credentials::default();
    let mut store = ObjectStore::on_s3("a", "s3://b/", credentials);
    store.spec.retention_policy = Some("30d".to_owned());
    let plugin = json!([{ "name": BARMAN_CLOUD, "parameters": { "barmanObjectName": "a" } }]);
    let kept = |spec: Value| {
        let policy = cluster(spec).retention_policy([&store])?;
        Some(policy.unwrap().to_string())
    };

    let backup = json!({
        "retentionPolicy": "4w",
        "barmanObjectStore": { "destinationPath": "s3://b/" },
    });
    assert_eq!(kept(json!({ "backup": backup })), Some("4w".into()));
    let both = json!({ "backup": backup, "plugins": plugin });
    assert_eq!(kept(both), Some("30d".into()));
    let nowhere = json!({ "backup": { "retentionPolicy": "4w" } });
    assert_eq!(kept(nowhere), None);
    let unknown = json!([{ "name": BARMAN_CLOUD, "parameters": { "barmanObjectName": "z" } }]);
    assert_eq!(kept(json!({ "plugins": unknown })), None);
}

#[test]
fn a_store_of_another_namespace_says_nothing_about_retention() {
    let mut store = ObjectStore::on_s3("a", "s3://b/", S3Credentials::default());
    store.metadata.namespace = Some("elsewhere".to_owned());
    store.spec.retention_policy = Some("30d".to_owned());
    let mut cluster = cluster(json!({
        "plugins": [{ "name": BARMAN_CLOUD, "parameters": { "barmanObjectName": "a" } }],
    }));
    assert_eq!(cluster.retention_policy([&store]), None);

    cluster.metadata.namespace = Some("elsewhere".to_owned());
    assert!(cluster.retention_policy([&store]).is_some());
}

#[test]
fn a_cluster_is_a_replica_if_it_says_so_or_if_another_one_is_primary() {
    for (replica, expected) in [
        (json!({ "enabled": true }), true),
        (json!({ "enabled": false, "primary": "eu" }), false),
        (json!({ "enabled": true, "primary": "db" }), true),
        (json!({ "primary": "eu" }), true),
        (json!({ "primary": "db" }), false),
        (json!({ "self": "eu", "primary": "eu" }), false),
        (json!({ "self": "us", "primary": "db" }), true),
        (json!({ "self": "", "primary": "db" }), false),
        (json!({}), true),
    ] {
        let mut spec = json!({ "replica": replica.clone() });
        spec["replica"]["source"] = "eu".into();

        assert_eq!(cluster(spec).is_replica_cluster(), expected, "{replica}");
    }
    assert!(!cluster(json!({})).is_replica_cluster());
}

#[test]
fn annotations_count_only_with_the_value_that_the_operator_reads() {
    let annotated = |value: &str| {
        let mut cluster = cluster(json!({}));
        cluster.metadata.annotations = Some(
            [
                "cnpg.io/skipEmptyWalArchiveCheck",
                "cnpg.io/skipWalArchiving",
            ]
            .map(|key| (key.to_owned(), value.to_owned()))
            .into(),
        );
        (
            cluster.skips_empty_archive_check(),
            cluster.skips_archiving(),
        )
    };

    assert_eq!(annotated("enabled"), (true, true));
    assert_eq!(annotated("true"), (false, false));
}

#[test]
fn defaults_of_the_methods_are_those_of_the_schema() {
    let schema = structural_schema::<ClusterSpec>();
    let default = |path: &str| {
        let parts = path.split('.').fold(&schema, |schema, field| {
            let schema = schema.get("items").unwrap_or(schema);
            &schema["properties"][field]
        });
        parts["default"].clone()
    };
    let spec = ClusterSpec::default();
    let lease = PrimaryLeaseConfiguration::default();
    let role = RoleConfiguration::default();
    let slots = ReplicationSlotsConfiguration::default();
    let standbys = HighAvailabilitySlots::default();
    let snapshot = VolumeSnapshotConfiguration::default();

    for (path, value) in [
        ("instances", json!(spec.instances())),
        ("postgresUID", json!(spec.postgres_uid())),
        ("postgresGID", json!(spec.postgres_gid())),
        ("minSyncReplicas", json!(spec.min_sync_replicas())),
        ("maxSyncReplicas", json!(spec.max_sync_replicas())),
        (
            "enableSuperuserAccess",
            json!(spec.enable_superuser_access()),
        ),
        ("startDelay", json!(spec.start_delay())),
        ("stopDelay", json!(spec.stop_delay())),
        ("smartShutdownTimeout", json!(spec.smart_shutdown_timeout())),
        ("switchoverDelay", json!(spec.switchover_delay())),
        ("failoverDelay", json!(spec.failover_delay())),
        (
            "primaryUpdateStrategy",
            json!(spec.primary_update_strategy()),
        ),
        ("primaryUpdateMethod", json!(spec.primary_update_method())),
        ("enablePDB", json!(spec.enable_pdb())),
        ("logLevel", json!(spec.log_level())),
        (
            "primaryLease.leaseDurationSeconds",
            json!(lease.lease_duration_seconds()),
        ),
        (
            "primaryLease.renewDeadlineSeconds",
            json!(lease.renew_deadline_seconds()),
        ),
        (
            "primaryLease.retryPeriodSeconds",
            json!(lease.retry_period_seconds()),
        ),
        (
            "primaryLease.releasedLeaseDurationSeconds",
            json!(lease.released_lease_duration_seconds()),
        ),
        ("managed.roles.ensure", json!(role.ensure())),
        (
            "managed.roles.connectionLimit",
            json!(role.connection_limit()),
        ),
        ("managed.roles.inherit", json!(role.inherit())),
        (
            "replicationSlots.updateInterval",
            json!(slots.update_interval()),
        ),
        (
            "replicationSlots.highAvailability.enabled",
            json!(standbys.is_enabled()),
        ),
        (
            "replicationSlots.highAvailability.slotPrefix",
            json!(standbys.slot_prefix()),
        ),
        ("backup.volumeSnapshot.online", json!(snapshot.is_online())),
        (
            "backup.volumeSnapshot.snapshotOwnerReference",
            json!(snapshot.snapshot_owner_reference()),
        ),
        (
            "backup.target",
            json!(Cluster::new("db", spec.clone()).backup_target()),
        ),
    ] {
        assert_eq!(default(path), value, "{path}");
    }
    assert_eq!(
        default("replicationSlots"),
        json!({ "highAvailability": { "enabled": spec.has_high_availability_slots() } })
    );
}

#[test]
fn the_size_of_a_volume_is_its_own_or_the_templates() {
    let storage = |json: Value| serde_json::from_value::<StorageConfiguration>(json).unwrap();
    let template = json!({ "resources": { "requests": { "storage": "1Gi" } } });
    for (written, size) in [
        (json!({ "size": "2Gi" }), Some("2Gi")),
        (
            json!({ "size": "2Gi", "pvcTemplate": template }),
            Some("2Gi"),
        ),
        (json!({ "pvcTemplate": template }), Some("1Gi")),
        (json!({ "size": "", "pvcTemplate": template }), Some("1Gi")),
        (json!({}), None),
    ] {
        let storage = storage(written);
        assert_eq!(storage.effective_size().map(|size| size.0.as_str()), size);
    }
}

#[test]
fn a_status_tells_identity_and_timeline() {
    let status: ClusterStatus = serde_json::from_value(json!({
        "systemID": "7300000000000000001",
        "timelineID": 3,
        "conditions": [{
            "type": "ContinuousArchiving",
            "status": "True",
            "reason": "ContinuousArchivingSuccess",
            "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }],
    }))
    .unwrap();

    let system_id = status.system_id().unwrap().unwrap();
    assert_eq!(system_id.to_string(), "7300000000000000001");
    assert_eq!(status.timeline().unwrap().unwrap().get(), 3);
    assert_eq!(
        status.condition("ContinuousArchiving").unwrap().status,
        "True"
    );
    assert_eq!(status.condition("Ready"), None);
    assert!(ClusterStatus::default().timeline().is_none());
}

#[test]
fn in_tree_names_of_external_clusters_are_written_or_their_own() {
    let mut source = ExternalCluster {
        name: "origin".to_owned(),
        ..ExternalCluster::default()
    };
    assert_eq!(source.in_tree_server_name(), "origin");

    source.barman_object_store = Some(BarmanObjectStoreConfiguration {
        server_name: Some("db-v1".to_owned()),
        ..BarmanObjectStoreConfiguration::default()
    });
    assert_eq!(source.in_tree_server_name(), "db-v1");
}

fn cluster(spec: Value) -> Cluster {
    let spec = serde_json::from_value(spec).unwrap();
    Cluster::new("db", spec)
}
