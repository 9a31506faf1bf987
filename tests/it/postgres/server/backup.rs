use std::fs;

use jiff::{Timestamp, tz::Offset};
use tokio_postgres::{Client, Connection, NoTls, Socket, tls::NoTlsStream};
use walcast::pg::{
    BackupLabel, BackupMethod, BackupOrigin, Lsn, MajorVersion, SegmentName, SegmentSize,
    TablespaceMap, TimelineId,
    server::{ArchiveMode, Checkpoint, ServerError},
};

use super::{LABEL, Site, cluster, start};
use crate::support::postgres;

#[tokio::test]
async fn the_label_says_what_start_said() {
    let mut site = Site::primary("timezone = 'Pacific/Marquesas'\n").await;
    let place = site.server.cluster.make_folder("place");
    let create = "create tablespace elsewhere location";
    site.server.sql(&format!("{create} '{}'", place.display()));
    let before = now(&site.server);

    let started = site.start().await;
    site.server.sql("create table t (); drop table t");
    let stopped = site.session.stop_backup(false).await.unwrap();

    let label = BackupLabel::parse(&stopped.label).unwrap();
    assert_eq!(label.start, started.lsn);
    assert_eq!(label.start_timeline, started.timeline);
    assert_eq!(label.label, LABEL);
    assert_eq!(label.method, BackupMethod::Streamed);
    assert_ne!(label.origin, BackupOrigin::Standby);
    let map = TablespaceMap::parse(&stopped.tablespace_map, site.session.version()).unwrap();
    assert_eq!(map.links()[0].location, place.to_str().unwrap());
    assert!(stopped.lsn > started.lsn);
    assert_eq!(stopped.timeline, TimelineId::FIRST);
    let times = [before, started.at, stopped.at];
    assert!(times.is_sorted(), "{times:?}");
    let marquesas = Offset::from_seconds(-(9 * 60 + 30) * 60).unwrap();
    assert_eq!((started.offset, stopped.offset), (marquesas, marquesas));
}

#[tokio::test]
async fn a_cluster_without_tablespaces_has_no_map() {
    let mut site = Site::primary("").await;
    site.start().await;

    let stopped = site.session.stop_backup(false).await.unwrap();

    assert_eq!(stopped.tablespace_map, "");
}

#[tokio::test]
async fn one_session_takes_one_backup_after_the_other() {
    let mut site = Site::primary("").await;
    site.start().await;

    let again = site.session.start_backup("again", Checkpoint::Fast).await;
    let first = site.session.stop_backup(false).await;
    site.start().await;
    let second = site.session.stop_backup(false).await;

    let failed = matches!(
        again,
        Err(ServerError::Failed {
            action: "begin a backup",
            ..
        })
    );
    assert!(failed, "{again:?}");
    assert!(second.unwrap().lsn > first.unwrap().lsn);
}

#[tokio::test]
async fn the_end_waits_for_the_archive() {
    let (folder, cluster) = cluster("archive_mode = on\n");
    let archive = cluster.make_folder("archive");
    let command = format!("cp \"%p\" \"{}/%f\"", archive.display());
    cluster.configure(&format!("archive_command = '{command}'\n"));
    let mut site = Site::of(folder, start(&cluster).until_open()).await;
    site.start().await;

    let stopped = site.session.stop_backup(true).await.unwrap();

    let last = stopped.lsn.checked_sub(1).unwrap();
    let mebibyte = SegmentSize::new(1 << 20).unwrap();
    let segment = SegmentName::containing(last, stopped.timeline, mebibyte);
    assert!(archive.join(segment.to_string()).exists(), "{segment}");
}

#[tokio::test]
async fn a_server_that_does_not_archive_is_not_waited_for_and_the_backup_goes_on() {
    let mut site = Site::primary("archive_mode = off\n").await;
    site.start().await;

    let waited = site.session.stop_backup(true).await;
    let stopped = site.session.stop_backup(false).await;

    let expected = ServerError::NoArchive {
        is_in_recovery: false,
        archive_mode: ArchiveMode::Off,
    };
    assert_eq!(waited, Err(expected));
    assert!(stopped.is_ok(), "{stopped:?}");
}

#[tokio::test]
async fn a_primary_switches_segments_and_names_a_point() {
    let site = Site::primary("").await;
    site.server.sql("create table t ()");
    let before = site
        .session
        .create_restore_point("walcast_1")
        .await
        .unwrap();

    let end = site.session.switch_wal().await.unwrap();

    let current: Lsn = site
        .server
        .sql("select pg_current_wal_lsn()")
        .parse()
        .unwrap();
    assert!(before < end && before.is_some(), "{before:?} {end:?}");
    assert!(end.unwrap() <= current);
    let long = site.session.create_restore_point(&"x".repeat(64)).await;
    assert!(matches!(long, Err(ServerError::Failed { .. })), "{long:?}");
}

#[tokio::test]
async fn a_standby_takes_a_backup_and_writes_no_wal() {
    let mut site = Site::standby("archive_mode = on\n").await;

    let started = site.start().await;
    let waited = site.session.stop_backup(true).await;
    let stopped = site.session.stop_backup(false).await.unwrap();

    let expected = ServerError::NoArchive {
        is_in_recovery: true,
        archive_mode: ArchiveMode::On,
    };
    assert_eq!(waited, Err(expected));
    let label = BackupLabel::parse(&stopped.label).unwrap();
    assert_eq!(label.origin, BackupOrigin::Standby);
    assert_eq!(label.start, started.lsn);
    assert_eq!(label.start_timeline, started.timeline);
    assert!(stopped.lsn >= started.lsn);
    assert_eq!(stopped.timeline, TimelineId::FIRST);
    assert_eq!(site.session.switch_wal().await, Ok(None));
    assert_eq!(site.session.create_restore_point("a").await, Ok(None));
}

#[tokio::test]
async fn a_standby_that_is_promoted_has_no_backup() {
    let mut site = Site::standby("").await;
    site.start().await;
    site.server.sql("select pg_promote()");

    let stopped = site.session.stop_backup(false).await;

    assert_eq!(stopped, Err(ServerError::Promoted));
}

#[tokio::test]
async fn a_promoted_server_begins_on_its_new_timeline() {
    let mut site = Site::standby("").await;
    site.server.sql("select pg_promote()");

    let started = site.start().await;
    let stopped = site.session.stop_backup(false).await.unwrap();

    let label = BackupLabel::parse(&stopped.label).unwrap();
    assert_eq!(started.timeline.get(), 2);
    assert_eq!(label.start_timeline, started.timeline);
    assert_eq!(stopped.timeline, started.timeline);
}

#[tokio::test]
async fn no_time_out_of_the_role_ends_the_session_or_its_statements() {
    let (folder, cluster) = cluster("archive_mode = on\n");
    let gate = folder.path().join("gate");
    let wait = format!("until test -e \"{}\"; do sleep 0.05; done", gate.display());
    cluster.configure(&format!("archive_command = '{wait}'\n"));
    let mut site = Site::of(folder, start(&cluster).until_open()).await;
    site.server.sql(
        "create role impatient superuser login; \
         alter role impatient set statement_timeout = '2s'",
    );
    if !site.is_before(MajorVersion::V14) {
        let idle = "alter role impatient set idle_session_timeout = '2s'";
        site.server.sql(idle);
    }
    site.session = site.connect("impatient").await;
    site.start().await;

    if !site.is_before(MajorVersion::V14) {
        assert_eq!(until_another_is_ended(&site).await, "57P05");
    }
    let (stopped, ()) = tokio::join!(site.session.stop_backup(true), async {
        assert_eq!(until_another_is_interrupted(&site.server).await, "57014");
        fs::write(gate, "").unwrap();
    });

    assert!(stopped.is_ok(), "{stopped:?}");
}

/// Returns why a session that began later and does nothing ended.
async fn until_another_is_ended(site: &Site) -> String {
    let (_client, connection) = impatient(&site.server).await;
    let error = connection.await.unwrap_err();
    error.code().unwrap().code().to_owned()
}

/// Returns why a statement that began later ended.
async fn until_another_is_interrupted(server: &postgres::Server) -> String {
    let (client, connection) = impatient(server).await;
    let sleep = async { client.batch_execute("select pg_sleep(60)").await };
    let error = tokio::select! {
        slept = sleep => slept.unwrap_err(),
        ended = connection => panic!("{ended:?}"),
    };
    error.code().unwrap().code().to_owned()
}

async fn impatient(server: &postgres::Server) -> (Client, Connection<Socket, NoTlsStream>) {
    let sockets = server.cluster.sockets().display();
    let conninfo = format!("host='{sockets}' user=impatient dbname=postgres");
    tokio_postgres::connect(&conninfo, NoTls).await.unwrap()
}

fn now(server: &postgres::Server) -> Timestamp {
    let now = "select (extract(epoch from clock_timestamp()) * 1000000)::bigint";
    Timestamp::from_microsecond(server.sql(now).parse().unwrap()).unwrap()
}
