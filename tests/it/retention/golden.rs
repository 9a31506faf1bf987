//! pgBackRest's own answers, see tests/fixtures/pgbackrest/expire.

use std::{collections::BTreeSet, fs, path::PathBuf, sync::Arc};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use walcast::{
    crd::pgbackrest::{BackupType, FullType, RetentionPolicy},
    destination::DestinationId,
    pg::SegmentName,
    repository::{
        Catalog, Format, Repository,
        pgbackrest::{PgBackRestRepository, PgBackRestSettings},
    },
    retention::{Moment, PgBackRestPolicy, Plan, Policy, RetentionRequest, Step},
    store::{Key, MemoryStore, PutOptions, Store, StoreExt},
    workers::Workers,
};

/// Soon after the newest backup.
const NOW: i64 = 1_795_348_200;

fn read(name: &str) -> String {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/pgbackrest/expire"
    );
    fs::read_to_string(PathBuf::from(folder).join(name)).unwrap()
}

/// The repository of the samples, with empty objects where only names matter.
async fn catalog() -> Catalog {
    let store = Arc::new(MemoryStore::new());
    let put = async |key: String, content: String| {
        let key = Key::parse(key).unwrap();
        let content = Bytes::from(content);
        store
            .put_bytes(&key, content, PutOptions::create())
            .await
            .unwrap();
    };
    put("archive/main/archive.info".to_owned(), read("archive.info")).await;
    put("backup/main/backup.info".to_owned(), read("backup.info")).await;
    for wal in read("wal.txt").lines() {
        put(format!("archive/main/{wal}"), String::new()).await;
    }
    for manifest in read("history.txt").lines() {
        let label = manifest.strip_suffix(".manifest.gz").unwrap();
        put(
            format!("backup/main/backup.history/2026/{manifest}"),
            String::new(),
        )
        .await;
        put(
            format!("backup/main/{label}/backup.manifest"),
            String::new(),
        )
        .await;
    }
    let settings = PgBackRestSettings::new("", "main");
    let store: Arc<dyn Store> = store;
    let repository = PgBackRestRepository::new(store, settings, Workers::inline());
    let mut catalog = repository.catalog(None).await.unwrap();
    catalog.archives[0].newest = None;
    catalog
}

/// Reads the options in the first line of a log, with the tool's defaults.
fn policy(log: &str) -> PgBackRestPolicy {
    let mut options = RetentionPolicy::default();
    let mut history = None;
    let line = log.lines().next().unwrap();
    for option in line
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("--repo1-retention-"))
    {
        let (name, value) = option.split_once('=').unwrap();
        let number = value.parse().ok();
        match name {
            "full" => options.full = number,
            "full-type" => options.full_type = Some(FullType::Time),
            "diff" => options.diff = number,
            "archive" => options.archive = number,
            "archive-type" => {
                options.archive_type = Some(match value {
                    "diff" => BackupType::Diff,
                    "incr" => BackupType::Incr,
                    _ => BackupType::Full,
                });
            }
            "history" => history = number.map(i32::unsigned_abs),
            other => panic!("{other}"),
        }
    }
    PgBackRestPolicy {
        history,
        ..PgBackRestPolicy::from(&options.effective())
    }
}

/// What goes: backups, segments, manifests of gone backups.
type Gone = (BTreeSet<String>, BTreeSet<SegmentName>, BTreeSet<String>);

/// Reads what a log says.
fn told(log: &str, catalog: &Catalog) -> Gone {
    let (mut backups, mut segments, mut manifests) = Gone::default();
    let held = catalog.archives[0].segments.iter();
    let held: Vec<_> = held
        .flat_map(|range| range.segments(catalog.segment_size))
        .collect();
    for line in log.lines() {
        let after = |text: &str| line.split_once(text).map(|(_, rest)| rest.to_owned());
        backups.extend(after("remove expired backup 2").map(|rest| format!("2{rest}")));
        let manifest = after("remove expired backup history manifest ");
        manifests.extend(manifest.map(|name| name.replace(".manifest.gz", "")));
        if let Some(range) = after("remove archive, start = ") {
            let (first, last) = range.split_once(", stop = ").unwrap();
            let range = first.parse().unwrap()..=last.parse().unwrap();
            segments.extend(held.iter().filter(|name| range.contains(*name)));
        }
    }
    (backups, segments, manifests)
}

fn planned(plan: &Plan, catalog: &Catalog) -> Gone {
    let (mut backups, mut segments, mut manifests) = Gone::default();
    for step in &plan.steps {
        match step {
            Step::Backups(ids) => backups.extend(ids.iter().cloned()),
            Step::Wal(selection) => {
                let ranges = selection.segments.iter();
                segments.extend(ranges.flat_map(|range| range.segments(catalog.segment_size)));
            }
            Step::Records(ids) => manifests.extend(ids.iter().cloned()),
        }
    }
    (backups, segments, manifests)
}

#[tokio::test]
async fn plans_are_those_of_pgbackrest() {
    let now = Timestamp::from_second(NOW).unwrap();
    let mut seen = 0;
    for name in [
        "full-1",
        "full-2",
        "full-2-archive-1",
        "full-3",
        "full-3-archivetype-diff-archive-1",
        "full-3-archivetype-incr-archive-2",
        "full-3-diff-1",
        "full-3-diff-2",
        "full-3-diff-2-archivetype-diff",
        "full-3-diff-3",
        "full-4-not-met",
        "full-99-archive-1",
        "time-1",
        "time-1-archive-1",
        "time-1-not-met",
        "time-2",
        "then-full-1-history-0",
    ] {
        let log = read(&format!("{name}.log"));
        let mut catalog = catalog().await;
        if name.starts_with("time-") && name != "time-1-not-met" {
            let ago = |days: i64| Some(now - SignedDuration::from_hours(days * 24));
            catalog.backups[0].stored.ended = ago(3);
            catalog.backups[3].stored.ended = ago(2);
        }
        if name.starts_with("then-") {
            catalog.backups.drain(4..6);
            // The newest full set was removed, too, before this ran.
            let newest = catalog
                .backups
                .iter()
                .position(|one| one.stored.id == "20261122-114844F");
            catalog.backups.truncate(newest.unwrap());
        }
        let request = RetentionRequest {
            destination: DestinationId::parse("here").unwrap(),
            format: Format::PgBackRest,
            policies: &[Policy::PgBackRest(policy(&log))],
            moment: Moment {
                now,
                zone: TimeZone::UTC,
            },
        };

        let plan = request.plan(&catalog);

        assert_eq!(plan.refusals, [], "{name}");
        assert_eq!(planned(&plan, &catalog), told(&log, &catalog), "{name}");
        seen += 1;
    }
    assert_eq!(seen, 17);
}
