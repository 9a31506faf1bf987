use jiff::tz::Offset;
use walcast::pg::{
    MajorVersion, SegmentSize, Tablespace,
    server::{ArchiveMode, Facts},
};

use super::Site;

#[tokio::test]
async fn facts_are_what_psql_and_the_files_say() {
    let site = Site::primary("timezone = 'Asia/Kathmandu'\narchive_mode = always\n").await;
    let place = site.server.cluster.make_folder("fast disk");
    let psql = |query: &str| site.server.sql(query);
    let create = "create tablespace \"Fast Disk\" location";
    psql(&format!("{create} '{}'", place.display()));

    let Facts {
        server,
        is_in_recovery,
        archive_mode,
        offset,
    } = site.session.facts().await.unwrap();

    let data = site.server.cluster.data();
    let in_data = |name: &str| data.join(name).to_str().unwrap().to_owned();
    let system_id = psql("select system_identifier from pg_control_system()");
    assert_eq!(server.system_id.to_string(), system_id);
    assert_eq!(server.version.to_string(), psql("show server_version_num"));
    assert_eq!(server.segment_size, SegmentSize::new(1 << 20).unwrap());
    assert_eq!(server.data_directory, data.to_str().unwrap());
    assert_eq!(server.config_file, Some(in_data("postgresql.conf")));
    assert_eq!(server.hba_file, Some(in_data("pg_hba.conf")));
    assert_eq!(server.ident_file, Some(in_data("pg_ident.conf")));
    assert_eq!(server.included_files, [in_data("more.conf")]);
    let oid = psql("select oid from pg_tablespace where spcname = 'Fast Disk'");
    let tablespace = Tablespace {
        name: "Fast Disk".to_owned(),
        oid: oid.parse().unwrap(),
        location: place.to_str().unwrap().to_owned(),
    };
    assert_eq!(server.tablespaces, [tablespace]);
    assert_eq!(
        on_or_off(server.data_checksums),
        psql("show data_checksums")
    );
    let summarize = server.summarize_wal.map(on_or_off).unwrap_or_default();
    let current = psql("select current_setting('summarize_wal', true)");
    assert_eq!(summarize, current);
    let sum = psql("select sum(pg_tablespace_size(oid)) from pg_tablespace");
    assert_eq!(server.cluster_size.to_string(), sum);
    assert!(!is_in_recovery);
    assert_eq!(archive_mode, ArchiveMode::Always);
    assert_eq!(offset, Offset::from_seconds((5 * 60 + 45) * 60).unwrap());
}

#[tokio::test]
async fn a_tablespace_in_place_is_part_of_the_data_directory() {
    let site = Site::primary("").await;
    site.server.sql(
        "set allow_in_place_tablespaces = on; \
         create tablespace here location ''",
    );

    let facts = site.session.facts().await.unwrap();

    assert_eq!(facts.server.tablespaces, []);
}

#[tokio::test]
async fn a_standby_tells_that_it_is_one() {
    let site = Site::standby("archive_mode = on\n").await;

    let facts = site.session.facts().await.unwrap();

    assert!(facts.is_in_recovery);
    assert!(!facts.archives());
    assert_eq!(
        facts.server.summarize_wal.is_none(),
        site.is_before(MajorVersion::V17)
    );
}

fn on_or_off(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}
