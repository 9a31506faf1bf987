use serde_json::json;

use super::*;
use crate::crd::{
    cnpg::{BARMAN_CLOUD, PGBACKREST},
    pgbackrest::BackupType,
};

#[test]
fn backups_by_pgbackrest_are_made_on_the_primary_and_others_where_the_cluster_says() {
    let by = |plugin: &str| Backup::for_plugin("now", "db", plugin).spec.target;

    assert_eq!(by(PGBACKREST), Some(BackupTarget::Primary));
    assert_eq!(by(BARMAN_CLOUD), None);
}

#[test]
fn backups_by_pgbackrest_are_incremental_unless_they_say_otherwise() {
    let plugin = BackupPluginConfiguration::pgbackrest(1);
    assert_eq!(plugin.effective_backup_type(), BackupType::Incr);

    let plugin = plugin.backup_type(BackupType::Diff);
    assert_eq!(plugin.get("backupType"), Some("diff"));
    assert_eq!(plugin.effective_backup_type(), BackupType::Diff);
}

#[test]
fn a_backup_is_done_when_it_is_there_or_has_failed() {
    let mut backup = Backup::new("now", BackupSpec::new("db"));
    assert!(!backup.is_done());
    for (phase, done) in [
        ("pending", false),
        ("started", false),
        ("running", false),
        ("finalizing", false),
        ("walArchivingFailing", false),
        ("invalid backup definition", false),
        ("completed", true),
        ("failed", true),
    ] {
        let phase = BackupPhase::from(phase);
        assert!(phase.is_known());
        backup.status = Some(BackupStatus {
            phase: Some(phase),
            ..BackupStatus::default()
        });
        assert_eq!(backup.is_done(), done);
    }
}

#[test]
fn positions_and_segments_of_a_status_are_read_from_their_text() {
    let status: BackupStatus = serde_json::from_value(json!({
        "beginWal": "000000010000000000000003",
        "endWal": "later",
        "beginLSN": "0/3000028",
        "endLSN": "",
    }))
    .unwrap();

    assert_eq!(
        status.begin_wal().unwrap().unwrap().to_string(),
        "000000010000000000000003"
    );
    assert!(status.end_wal().unwrap().is_err());
    assert_eq!(
        status.begin_lsn().unwrap().unwrap().to_string(),
        "0/3000028"
    );
    assert!(status.end_lsn().unwrap().is_err());
    assert_eq!(BackupStatus::default().begin_lsn(), None);
}

#[test]
fn a_status_keeps_what_the_operator_writes() {
    let written = json!({
        "phase": "completed",
        "method": "plugin",
        "backupId": "20260101T000000",
        "startedAt": "2026-01-01T00:00:00Z",
        "instanceID": { "podName": "db-1", "ContainerID": "containerd://1", "sessionID": "2" },
        "backupLabelFile": "U1RBUlQgV0FM",
        "pluginMetadata": { "version": "0.14.0" },
        "snapshotBackupStatus": { "elements": [{ "name": "db-1-data", "type": "PG_DATA" }] },
    });

    let status: BackupStatus = serde_json::from_value(written.clone()).unwrap();

    let label = status.backup_label_file.as_ref().unwrap();
    assert_eq!(label.0, b"START WAL");
    assert_eq!(serde_json::to_value(&status).unwrap(), written);
}
