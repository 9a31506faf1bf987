use super::*;
use crate::repository::{PageErrors, pgbackrest::Ini};

/// A manifest with one file, without what may be missing.
fn record() -> Ini {
    let mut record = Ini::new("2.45");
    for (section, key, value) in [
        ("backup", "backup-label", "\"20261122-123541F\""),
        ("backup", "backup-timestamp-start", "1795350941"),
        ("backup", "backup-timestamp-stop", "1795350942"),
        ("backup", "backup-type", "\"full\""),
        ("backup:db", "db-catalog-version", "202209061"),
        ("backup:db", "db-id", "1"),
        ("backup:db", "db-system-id", "7710973446098259833"),
        ("backup:db", "db-version", "\"15\""),
        (
            "backup:target",
            "pg_data",
            "{\"path\":\"/data\",\"type\":\"path\"}",
        ),
        (
            "target:file",
            "pg_data/a=b",
            "{\"size\":0,\"timestamp\":1795350910}",
        ),
        ("target:path", "pg_data", "{}"),
    ] {
        record.set(section, key, value);
    }
    record
}

fn read(record: &Ini) -> Result<Manifest, InvalidManifest> {
    Manifest::read(record.to_text().as_bytes())
}

#[test]
fn what_is_missing_is_what_old_releases_meant() {
    let mut record = record();
    record.set("backup:option", "option-compress", "true");
    record.set(
        "target:file",
        "pg_data/base",
        "{\"checksum\":\"587b596f04f7db9c2cad3d6b87dd2b3a05de4f35\",\
         \"reference\":\"20261121-000000F\",\"size\":3,\"timestamp\":1}",
    );

    let manifest = read(&record).unwrap();

    assert_eq!(manifest.codec, Some(Codec::Gzip));
    assert_eq!(
        manifest.references,
        ["20261121-000000F", "20261122-123541F"]
    );
    assert!(!manifest.is_raw && manifest.archive_start.is_none());
    let [(_, empty), (name, file)] = &manifest.files[..] else {
        panic!("{manifest:?}");
    };
    assert_eq!(
        (manifest.holder(empty), empty.sha1),
        ("20261122-123541F", None)
    );
    assert_eq!(
        (name.as_str(), manifest.holder(file)),
        ("pg_data/base", "20261121-000000F")
    );
    assert_eq!((file.size, file.stored_size), (3, 3));
}

#[test]
fn defaults_count_for_all_that_say_nothing_else() {
    let mut record = record();
    for (section, key, value) in [
        (
            "target:file",
            "pg_data/b",
            "{\"mode\":\"0644\",\"size\":0,\"timestamp\":1,\"user\":false}",
        ),
        ("target:file:default", "group", "\"postgres\""),
        ("target:file:default", "mode", "\"0640\""),
        ("target:file:default", "user", "\"postgres\""),
        ("target:path:default", "group", "false"),
        ("target:path:default", "mode", "\"0750\""),
        ("target:path:default", "user", "\"postgres\""),
    ] {
        record.set(section, key, value);
    }

    let manifest = read(&record).unwrap();

    let attributes = |mode, user: Option<&str>, group: Option<&str>| ManifestAttributes {
        mode,
        user: user.map(Arc::from),
        group: group.map(Arc::from),
    };
    let files: Vec<_> = manifest
        .files
        .iter()
        .map(|(_, file)| &file.attributes)
        .collect();
    assert_eq!(
        files,
        [
            &attributes(0o640, Some("postgres"), Some("postgres")),
            &attributes(0o644, None, Some("postgres")),
        ]
    );
    let expected = attributes(0o750, Some("postgres"), None);
    assert_eq!(manifest.directories, [("pg_data".to_owned(), expected)]);
}

#[test]
fn pages_that_are_wrong_are_told_one_by_one_or_as_ranges() {
    let mut record = record();
    let value =
        "{\"checksum-page\":false,\"checksum-page-error\":[[3,4],8],\"size\":0,\"timestamp\":1}";
    record.set("target:file", "pg_data/a=b", value);

    let manifest = read(&record).unwrap();

    let expected = PageErrors(vec![(3, 4), (8, 8)]);
    assert_eq!(manifest.files[0].1.pages, Some(Err(expected)));
}

#[test]
fn what_is_wrong_is_told_by_its_place() {
    let with = |section: &str, key: &str, value: &str| {
        let mut record = record();
        record.set(section, key, value);
        read(&record).unwrap_err().to_string()
    };
    for (section, key, value) in [
        ("backup", "backup-label", "1"),
        ("backup", "backup-type", "\"half\""),
        ("backup", "backup-lsn-start", "\"x\""),
        ("backup:option", "option-compress-type", "\"xz\""),
        ("target:file", "pg_data/f", "{\"size\":-1,\"timestamp\":1}"),
        ("target:path", "pg_data/d", "{\"mode\":\"0899\"}"),
    ] {
        let expected = format!("`{key}` in [{section}] cannot be understood");
        assert_eq!(with(section, key, value), expected);
    }
    let text = record().to_text().replace("pg_data/a", "pg_data/c");
    let error = Manifest::read(text.as_bytes()).unwrap_err().to_string();
    assert!(error.starts_with("its checksum is "), "{error}");
    let error = Manifest::read(&b"\xff"[..]).unwrap_err().to_string();
    assert_eq!(error, "line 1 is neither a section nor a key with a value");
    let mut bare = Ini::new("2.45");
    bare.set("backup", "backup-type", "\"full\"");
    let error = read(&bare).unwrap_err().to_string();
    assert_eq!(error, "it has no backup-label in [backup]");
}

/// Manifests of the tool that it may read again: of our own fixtures, and of all samples where
/// they are.
fn manifests() -> Vec<(String, String)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [
        root.join("tests/fixtures/pgbackrest/manifests"),
        root.join("../shared/samples/pgbackrest/manifests"),
    ];
    let files = folders
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok());
    let files = files.flatten().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            (
                path.display().to_string(),
                std::fs::read_to_string(path).unwrap(),
            )
        })
        .collect()
}

#[test]
fn what_the_tool_wrote_is_written_as_it_was() {
    let manifests = manifests();
    assert!(manifests.len() >= 3);
    for (path, text) in manifests {
        // What may be stored in blocks, and is not, is not kept.
        if text.contains("backup-block-incr") {
            continue;
        }
        let manifest = Manifest::read(text.as_bytes()).unwrap();

        let mut written = Vec::new();
        manifest.write(&mut written).unwrap();

        let written = String::from_utf8(written).unwrap();
        let mut lines = text.lines().zip(written.lines());
        let other = lines.find(|(expected, written)| expected != written);
        assert_eq!(other, None, "{path}");
        assert_eq!(written.len(), text.len(), "{path}");
    }
}
