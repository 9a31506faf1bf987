use proptest::prelude::*;

use super::*;

macro_rules! sample {
    ($name:literal) => {
        include_str!(concat!(
            "../../../../tests/fixtures/barman/backup-info/",
            $name,
            ".backup.info"
        ))
    };
}

/// What the tools of 3.17.0, 3.19.1 and 3.20.1 left in a store.
const SAMPLES: &[(&str, &str)] = &[
    ("plain", sample!("plain")),
    ("failed", sample!("failed")),
    ("started", sample!("started")),
    ("timeline2-lz4", sample!("timeline2-lz4")),
    ("from-standby", sample!("from-standby")),
    ("gzip-3.17.0", sample!("gzip-3.17.0")),
    ("zstd-3.20.1", sample!("zstd-3.20.1")),
];

fn parse(name: &str) -> BackupInfo {
    let (_, text) = SAMPLES.iter().find(|(sample, _)| *sample == name).unwrap();
    BackupInfo::parse(text).unwrap()
}

#[test]
fn what_the_tools_wrote_is_read_and_written_back() {
    for (name, text) in SAMPLES {
        let info = BackupInfo::parse(text).unwrap();
        assert_eq!(info.to_string(), *text, "{name}");
        assert_eq!(info.others, BTreeMap::new());
    }
}

#[test]
fn a_complete_backup_tells_everything() {
    let info = parse("plain");

    assert_eq!(info.status(), &BackupStatus::Done);
    assert_eq!(info.backup_name.as_deref(), Some("backup-20261122125001"));
    assert_eq!(
        info.begin_wal.unwrap().to_string(),
        "000000010000000000000002"
    );
    assert_eq!(info.end_xlog.unwrap().to_string(), "0/2000100");
    let end = info.end_time.unwrap().at();
    assert_eq!(end.to_string(), "2026-11-22T12:48:09.835375Z");
    assert_eq!(info.version, Some(150_020));
    assert_eq!(info.segment_size(), SegmentSize::DEFAULT);
    assert_eq!(info.server_name.as_deref(), Some(BackupInfo::SERVER_NAME));
    let label = info.backup_label.unwrap();
    let label = crate::pg::BackupLabel::parse(&label).unwrap();
    assert_eq!(label.start, info.begin_xlog.unwrap());
    let tablespaces = info.tablespaces.unwrap();
    assert_eq!(tablespaces.len(), 2);
    assert_eq!(tablespaces[1].name, "ts two");
    assert_eq!(tablespaces[1].oid.get(), 16385);
    assert_eq!(
        tablespaces[1].location,
        "/var/lib/postgresql/tablespaces/ts two"
    );
}

#[test]
fn an_unfinished_and_a_failed_backup_have_no_end() {
    for (name, status) in [
        ("started", BackupStatus::Started),
        ("failed", BackupStatus::Failed),
    ] {
        let info = parse(name);
        assert_eq!(info.status(), &status);
        assert_eq!(
            (info.end_time, info.end_xlog, info.backup_label),
            (None, None, None)
        );
    }
    assert_eq!(parse("started").backup_name, None);
    let error = parse("failed").error.unwrap();
    assert!(
        error.starts_with("failure uploading data (Connection lost"),
        "{error}"
    );
}

#[test]
fn fields_of_later_versions_and_comments_are_kept() {
    let text = "#by walcast\n# two\nbackup_label=None\nbegin_zeal=[1, 2]\nzone=A=B\n";

    let info = BackupInfo::parse(text).unwrap();

    assert_eq!(info.comments, ["by walcast", " two"]);
    let written = info.to_string();
    assert!(written.starts_with("#by walcast\n# two\nbackup_label=None\nbegin_offset=None\n"));
    assert!(written.contains("\nbegin_xlog=None\nbegin_zeal=[1, 2]\nchildren_backup_ids=None\n"));
    assert!(written.ends_with("\nxlog_segment_size=None\nzone=A=B\n"));
    assert_eq!(BackupInfo::parse(&written), Ok(info));
}

#[test]
fn what_barman_reads_is_read() {
    let text = "\r\n  status = DONE \r\n version=1\r\nversion=150020\n\
                tablespaces=[['a', '16384', '/a']]\nend_time=2026-11-22T12:48:09Z";

    let info = BackupInfo::parse(text).unwrap();

    assert_eq!(info.status(), &BackupStatus::Done);
    assert_eq!(info.version, Some(150_020));
    let tablespaces = info.tablespaces.as_ref().unwrap();
    assert_eq!(tablespaces[0].oid.get(), 16384);
    assert_eq!(
        BackupInfo::parse("").unwrap().status(),
        &BackupStatus::Empty
    );
    let unknown = BackupInfo::parse("status=PAUSED").unwrap();
    assert_eq!(unknown.status(), &BackupStatus::Other("PAUSED".to_owned()));
    assert!(unknown.to_string().contains("status=PAUSED\n"));
}

#[test]
fn text_with_line_breaks_stays_in_its_line() {
    let info = BackupInfo {
        error: Some("first\nstatus=DONE".to_owned()),
        comments: vec!["a\nb".to_owned()],
        backup_label: Some("a\n'b'\n".to_owned()),
        ..BackupInfo::default()
    };

    let read = BackupInfo::parse(&info.to_string()).unwrap();

    assert_eq!(read.error.as_deref(), Some("first status=DONE"));
    assert_eq!(read.comments, ["a b"]);
    assert_eq!(read.backup_label, info.backup_label);
    assert_eq!(read.status, None);
}

#[test]
fn errors_tell_the_line_and_the_field() {
    for (text, problem) in [
        ("status", "line 1 of backup.info: there is no `=`"),
        (
            "status=DONE\n\nversion=1.5",
            "line 3 of backup.info: version is `1.5`: invalid digit found in string",
        ),
        (
            "timeline=0",
            "line 1 of backup.info: timeline is `0`: `00000000` is not a timeline, which is 8 \
             upper-case hexadecimal digits other than 00000000",
        ),
        (
            "begin_xlog=2000028",
            "line 1 of backup.info: begin_xlog is `2000028`: `2000028` is not a WAL position such \
             as 0/3000028",
        ),
        (
            "backup_label=START",
            "line 1 of backup.info: backup_label is `START`: a literal was expected at byte 0 of \
             the literal",
        ),
        (
            "backup_label=1",
            "line 1 of backup.info: backup_label is `1`: it is no text",
        ),
        (
            "tablespaces=[('a', 0, '/a')]",
            "line 1 of backup.info: tablespaces is `[('a', 0, '/a')]`: it is no list whose items \
             are name, number and path of a tablespace",
        ),
        (
            "included_files=[1]",
            "line 1 of backup.info: included_files is `[1]`: it is no list whose items are text",
        ),
        (
            "xlog_segment_size=1000",
            "line 1 of backup.info: xlog_segment_size is `1000`: 1000 bytes is not a WAL segment \
             size, which is a power of two from 1 MiB to 1 GiB",
        ),
    ] {
        let error = BackupInfo::parse(text).unwrap_err();
        assert_eq!(error.to_string(), problem);
        assert!(error.hint().ends_with('.') && error.line() > 0);
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "((status|error|copy_stats|zone|#)[ =][a-z0-9'\\[\\]=]{0,9}\n){0,5}|[^\r\n]*") {
        if let Ok(info) = BackupInfo::parse(&text) {
            prop_assert_eq!(BackupInfo::parse(&info.to_string()), Ok(info));
        }
    }
}
