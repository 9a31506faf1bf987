use super::*;
use crate::{
    codec::cipher::Decryptor,
    pg::{MajorVersion, SystemId},
    repository::ClusterIdentity,
};

/// Written by pgBackRest 2.45: see the README beside them.
macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/pgbackrest/",
            $name
        ))
        .as_slice()
    };
}

const FIRST: ClusterIdentity = ClusterIdentity {
    system_id: SystemId::new(7_712_093_325_075_265_747),
    version: MajorVersion::V15,
};
const SECOND: ClusterIdentity = ClusterIdentity {
    system_id: SystemId::new(7_712_093_329_183_664_354),
    version: MajorVersion::V15,
};

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_new_stanza_is_written_as_the_tool_does() {
    let archive = ArchiveInfo::new("2.45", &FIRST, None);
    let backup = BackupInfo::new("2.45", &FIRST, None);

    assert_eq!(*archive.to_text(), text(fixture!("created.archive.info")));
    assert_eq!(*backup.to_text(), text(fixture!("created.backup.info")));
}

#[test]
fn an_upgraded_stanza_is_written_as_the_tool_does() {
    let mut archive = ArchiveInfo::parse(text(fixture!("created.archive.info"))).unwrap();
    archive.upgrade(&SECOND);
    assert_eq!(*archive.to_text(), text(fixture!("upgraded.archive.info")));

    let upgraded = BackupInfo::parse(text(fixture!("upgraded.backup.info"))).unwrap();
    let mut backup = BackupInfo::parse(text(fixture!("created.backup.info"))).unwrap();
    backup.upgrade(&SECOND);
    assert_eq!(backup.history(), upgraded.history());
    assert_eq!(upgraded.history().current().id, 2);
    assert_eq!(upgraded.history().current().archive_id().as_str(), "15-2");
    for (label, json) in upgraded.record.section("backup:current") {
        backup.record.set("backup:current", label, json);
    }
    assert_eq!(*backup.to_text(), text(fixture!("upgraded.backup.info")));
}

#[test]
fn backups_are_listed_with_what_the_tool_says_of_them() {
    let info = BackupInfo::parse(text(fixture!("upgraded.backup.info"))).unwrap();

    let backups: Vec<_> = info
        .backups()
        .map(|(label, entry)| (label, entry.unwrap()))
        .collect();

    let [(first, full), (second, diff), (third, incr)] = &backups[..] else {
        panic!("{backups:?}");
    };
    assert_eq!(*first, "20261125-130127F");
    assert_eq!(full.kind, crate::repository::BackupKind::Full);
    assert_eq!((&full.prior, full.references.len()), (&None, 0));
    assert_eq!(diff.prior.as_deref(), Some(*first));
    assert_eq!(diff.annotations["why"], "test");
    assert_eq!(
        (diff.size, diff.repository_size_delta),
        (23_000_566, 153_050)
    );
    assert_eq!(incr.references, [*first, *second]);
    assert_eq!(*third, "20261125-130127F_20261125-130138I");
    assert_eq!(incr.kind, crate::repository::BackupKind::Incremental);
    assert_eq!(
        incr.archive_start.unwrap().to_string(),
        "000000010000000000000006"
    );
    assert_eq!(
        incr.archive_stop.unwrap().to_string(),
        "000000010000000000000007"
    );
    assert_eq!(incr.lsn_start.unwrap().to_string(), "0/6000028");
    assert_eq!(
        (incr.began.as_second(), incr.ended.as_second()),
        (1_795_611_698, 1_795_611_700)
    );
    assert_eq!((incr.history_id, incr.has_page_errors), (1, Some(false)));
}

#[test]
fn an_encrypted_file_has_the_passphrase_of_what_belongs_to_it() {
    let passphrase = Passphrase::new(Secret::new("made-up-passphrase"));
    let mut decrypted = String::new();
    let mut decryptor = Decryptor::new(passphrase, fixture!("encrypted.archive.info"));
    std::io::Read::read_to_string(&mut decryptor, &mut decrypted).unwrap();

    let info = ArchiveInfo::parse(&decrypted).unwrap();

    let inner = info.passphrase().unwrap();
    assert_eq!(
        inner.reveal(),
        "8iBmvVa8bxYSTnhcCdYyYSbfN6BNLIvRcoaCjK1zs7YF68ScaLHEiIA4F+UrlFMn"
    );
    assert_eq!(*info.to_text(), decrypted);
    let again = ArchiveInfo::new("2.45", &FIRST, Some(inner.clone()));
    assert_eq!(again, info);
    assert!(!format!("{info:?}").contains(inner.reveal()));
}

#[test]
fn what_is_not_understood_is_kept() {
    let mut record = Ini::parse(text(fixture!("created.archive.info"))).unwrap();
    record.set("db", "zzz", "{\"new\":[1]}");
    record.set("future", "key", "true");

    let mut info = ArchiveInfo::parse(&record.to_text()).unwrap();
    assert_eq!(info.to_text(), record.to_text());
    info.upgrade(&SECOND);

    let read = ArchiveInfo::parse(&info.to_text()).unwrap();
    assert_eq!(read.record.get("db", "zzz"), Some("{\"new\":[1]}"));
    assert_eq!(read.record.get("future", "key"), Some("true"));
}

#[test]
fn what_is_missing_or_contradicts_itself_is_told() {
    let whole = || Ini::parse(text(fixture!("created.archive.info"))).unwrap();
    let error = |record: &Ini| {
        ArchiveInfo::parse(&record.to_text())
            .unwrap_err()
            .to_string()
    };

    assert_eq!(error(&Ini::new("2.45")), "it has no db-id in [db]");
    let mut other = whole();
    other.set("db", "db-system-id", "1");
    assert_eq!(error(&other), "its current cluster 1 is not in its history");
    let mut odd = whole();
    odd.set("db:history", "1", "{\"db-version\":\"15\"}");
    assert_eq!(error(&odd), "1 in [db:history] cannot be understood");
    let mut secret = whole();
    secret.set("cipher", "cipher-pass", "12345");
    assert_eq!(
        error(&secret),
        "cipher-pass in [cipher] cannot be understood"
    );
}

/// All samples of release 2.59.1, where they are at hand.
#[test]
fn samples_of_a_newer_release_are_written_back_as_they_were() {
    let Ok(folder) = std::fs::read_dir("/work/shared/samples/pgbackrest/info-files") else {
        return;
    };
    for entry in folder {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.contains(".header.") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let written = if name.contains("archive.info") {
            ArchiveInfo::parse(&text).unwrap().to_text()
        } else {
            let info = BackupInfo::parse(&text).unwrap();
            assert!(info.backups().all(|(_, entry)| entry.is_ok()), "{name}");
            info.to_text()
        };
        assert_eq!(*written, text, "{name}");
    }
}
