mod trouble;

use std::{collections::BTreeMap, io, sync::Arc};

use bytes::Bytes;
use futures_util::TryStreamExt;
use jiff::{SignedDuration, Timestamp, tz::Offset};

use super::*;
use crate::{
    codec::{Codec, Encoding, Sha1},
    pg::{BackedUpServer, Lsn, MajorVersion, SegmentSize, SystemId, TimelineId},
    repository::{
        Annotations, Attributes, BackupReader as _, ClusterIdentity, FileFilter as _, ObjectSink,
        PageErrors, Tree, TreeEvent, TreePath,
        pgbackrest::{Bundles, Manifest, PgBackRestSettings, StanzaSecrets},
    },
    secret::Secret,
    store::{MemoryStore, Store as _},
    workers::Workers,
};

const IDENTITY: ClusterIdentity = ClusterIdentity {
    system_id: SystemId::new(7),
    version: MajorVersion::V15,
};

fn passphrase() -> Passphrase {
    Passphrase::new(Secret::new("hush"))
}

fn settings() -> PgBackRestSettings {
    let mut settings = PgBackRestSettings::new("repo", "main")
        .with_wal_encoding(Encoding::new(Codec::Gzip, None).unwrap())
        .unwrap();
    settings.passphrase = Some(passphrase());
    settings
}

async fn repository(settings: PgBackRestSettings) -> (PgBackRestRepository, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::new());
    let open = Arc::clone(&store) as _;
    let repository = PgBackRestRepository::new(open, settings, Workers::inline());
    let secrets = StanzaSecrets::random().unwrap();
    repository.create_stanza(&IDENTITY, &secrets).await.unwrap();
    (repository, store)
}

fn time(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_795_350_000 + seconds)
}

fn start(kind: BackupKind, seconds: i64) -> BackupStart {
    BackupStart {
        id: None,
        kind,
        by_checksum: false,
        name: None,
        annotations: Annotations::default(),
        server: BackedUpServer {
            system_id: IDENTITY.system_id,
            version: 150_008,
            segment_size: SegmentSize::DEFAULT,
            data_directory: "/data".to_owned(),
            config_file: None,
            hba_file: None,
            ident_file: None,
            included_files: Vec::new(),
            tablespaces: Vec::new(),
            databases: Vec::new(),
            data_checksums: true,
            summarize_wal: None,
            cluster_size: 0,
        },
        began: time(seconds),
        offset: Offset::UTC,
        timeline: TimelineId::FIRST,
        start: Lsn::new(0x200_0028),
    }
}

fn end(seconds: i64) -> BackupEnd {
    BackupEnd {
        ended: time(seconds + 1),
        offset: Offset::UTC,
        timeline: TimelineId::FIRST,
        stop: Lsn::new(0x300_0000),
        label: "label\n".to_owned(),
        tablespace_map: String::new(),
        notes: Vec::new(),
        wal_was_found: true,
    }
}

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

fn attributes(modified: i64) -> Attributes {
    Attributes {
        mode: 0o600,
        uid: 26,
        gid: 26,
        user: Some("postgres".to_owned()),
        group: None,
        modified: time(modified),
    }
}

/// A file: name, content, and when it was changed.
type File<'a> = (&'a str, &'a [u8], i64);

/// The steps through a data directory with these files.
fn events(files: &[File<'_>]) -> Vec<TreeEvent> {
    let root = Attributes {
        mode: 0o700,
        ..attributes(0)
    };
    let mut events = vec![
        TreeEvent::Tree(Tree::Data),
        TreeEvent::Directory(TreePath::default(), root.clone()),
        TreeEvent::Directory(path("base"), root.clone()),
        TreeEvent::Directory(path("base/5"), root.clone()),
        TreeEvent::Directory(path("global"), root),
    ];
    let control: File<'_> = ("global/pg_control", &[7; 8192], 0);
    for (name, content, modified) in files.iter().chain([&control]) {
        let size = content.len() as u64;
        events.push(TreeEvent::File(path(name), attributes(*modified), size));
        let blocks = content.chunks(TreeEvent::MAX_DATA);
        events.extend(blocks.map(|block| TreeEvent::Data(Bytes::copy_from_slice(block))));
        events.push(TreeEvent::EndOfFile);
    }
    events
}

#[derive(Default)]
struct Objects {
    whole: Vec<(ObjectName, Vec<u8>)>,
    discarded: Vec<ObjectName>,
}

impl ObjectSink for Objects {
    fn write(&mut self, name: &ObjectName, bytes: &[u8]) -> io::Result<()> {
        match self.whole.last_mut() {
            Some((open, content)) if open == name => content.extend_from_slice(bytes),
            _ => self.whole.push((name.clone(), bytes.to_vec())),
        }
        Ok(())
    }

    fn end(&mut self, _: &ObjectName) -> io::Result<()> {
        Ok(())
    }

    fn discard(&mut self, name: &ObjectName) -> io::Result<()> {
        self.discarded.push(self.whole.pop().unwrap().0);
        assert_eq!(self.discarded.last(), Some(name));
        Ok(())
    }
}

fn encode(writer: &dyn BackupWriter, events: &[TreeEvent]) -> (Objects, BackupContents) {
    let mut objects = Objects::default();
    let mut encoder = writer.encoder(2);
    for event in events {
        encoder.take(event, &mut objects).unwrap();
    }
    let contents = encoder.finish(&end(0), &mut objects).unwrap();
    (objects, contents)
}

async fn begin(repository: &PgBackRestRepository) -> PgBackRestBackupWriter {
    let start = start(BackupKind::Full, 0);
    repository.begin(&start, &Taker::of_backup()).await.unwrap()
}

/// Takes a backup, and returns its label and what was stored.
async fn back_up(
    repository: &PgBackRestRepository,
    start: &BackupStart,
    events: &[TreeEvent],
) -> (String, Objects) {
    let writer = repository.begin(start, &Taker::of_backup()).await.unwrap();
    let (objects, contents) = encode(&writer, events);
    for (name, content) in &objects.whole {
        let parts = content.chunks(usize::try_from(PART).unwrap());
        for (index, part) in (0..).zip(parts.clone()) {
            let payload = Payload::new(part.to_vec());
            writer.put_part(name, index, payload).await.unwrap();
        }
        let count = u32::try_from(parts.len()).unwrap();
        writer.complete(name, count).await.unwrap();
    }
    let seconds = start.began.as_second() - time(0).as_second();
    writer.finish(&end(seconds), &contents).await.unwrap();
    (writer.label.clone(), objects)
}

async fn manifest(repository: &PgBackRestRepository, label: &str) -> Manifest {
    let info = repository.load_backup_info().await.unwrap();
    let manifest = repository.load_manifest(label, info.passphrase()).await;
    manifest.unwrap()
}

/// Returns in which backup each file is.
async fn holders(repository: &PgBackRestRepository, label: &str) -> BTreeMap<String, String> {
    let manifest = manifest(repository, label).await;
    let files = manifest.files.iter();
    files
        .map(|(name, file)| {
            let name = name.strip_prefix("pg_data/").unwrap();
            (name.to_owned(), manifest.holder(file).to_owned())
        })
        .collect()
}

async fn contents(repository: &PgBackRestRepository, label: &str) -> BTreeMap<String, Sha1> {
    let reader = repository.open_base_backup(label).await.unwrap();
    let events: Vec<_> = reader
        .read(Tree::Data)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    let mut files = BTreeMap::new();
    let mut file = (String::new(), Vec::new());
    for event in events {
        match event {
            TreeEvent::File(path, ..) => file = (path.to_string(), Vec::new()),
            TreeEvent::Data(bytes) => file.1.extend_from_slice(&bytes),
            TreeEvent::EndOfFile => {
                files.insert(std::mem::take(&mut file.0), Sha1::of(&file.1));
            }
            _ => {}
        }
    }
    files
}

fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut rng = fastrand::Rng::with_seed(seed);
    std::iter::repeat_with(|| rng.u8(..)).take(len).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_changes_holds_what_changed_and_refers_to_the_rest() {
    let large = noise(1, 3 << 20);
    let other = noise(2, 3 << 20);
    for bundles in [None, Some(Bundles::default())] {
        let (repository, _) = repository(PgBackRestSettings {
            bundles,
            ..settings()
        })
        .await;
        let before: [File<'_>; 6] = [
            ("base/5/same", b"same", 10),
            ("base/5/touched", b"touched", 10),
            ("base/5/changed", b"before", 10),
            ("base/5/empty", b"", 10),
            ("base/5/large", &large, 10),
            ("base/5/large_changed", &large, 10),
        ];
        let (full, _) = back_up(&repository, &start(BackupKind::Full, 100), &events(&before)).await;
        let after: [File<'_>; 7] = [
            ("base/5/same", b"same", 10),
            ("base/5/touched", b"touched", 200),
            ("base/5/changed", b"after!", 200),
            ("base/5/empty", b"", 10),
            ("base/5/new", b"new", 200),
            ("base/5/large", &large, 200),
            ("base/5/large_changed", &other, 200),
        ];

        let (incr, objects) = back_up(
            &repository,
            &start(BackupKind::Incremental, 300),
            &events(&after),
        )
        .await;

        assert!(incr.starts_with(&format!("{full}_")) && incr.ends_with('I'));
        let found = holders(&repository, &incr).await;
        for name in ["base/5/same", "base/5/touched", "base/5/large"] {
            assert_eq!(found[name], full, "{name}");
        }
        for name in [
            "base/5/changed",
            "base/5/new",
            "base/5/empty",
            "base/5/large_changed",
            "global/pg_control",
            "backup_label",
        ] {
            assert_eq!(found[name], incr, "{name}");
        }
        let discarded: Vec<_> = objects.discarded.iter().map(ObjectName::as_str).collect();
        assert_eq!(discarded, ["pg_data/base/5/large.gz"]);
        let restored = contents(&repository, &incr).await;
        for (name, content, _) in after {
            assert_eq!(restored[name], Sha1::of(content), "{name}");
        }
        // A differential one goes back to the full, whatever came since.
        let kind = BackupKind::Differential;
        let (diff, _) = back_up(&repository, &start(kind, 400), &events(&after)).await;
        assert_eq!(holders(&repository, &diff).await["base/5/new"], diff);
        // References lead to the backup that holds the bytes.
        let kind = BackupKind::Incremental;
        let (next, _) = back_up(&repository, &start(kind, 500), &events(&after)).await;
        let found = holders(&repository, &next).await;
        assert_eq!(
            (&found["base/5/same"], &found["base/5/new"]),
            (&full, &diff)
        );
        let manifest = manifest(&repository, &next).await;
        assert_eq!(manifest.references, [full, diff.clone(), next.clone()]);
        assert_eq!(manifest.prior, Some(diff));
        contents(&repository, &next).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_wanted_need_not_be_read_unless_times_are_odd() {
    let (repository, _) = repository(settings()).await;
    let files: [File<'_>; 2] = [("base/5/a", b"a", 10), ("base/5/b", b"b", 10)];
    back_up(&repository, &start(BackupKind::Full, 100), &events(&files)).await;
    let begin = async |by_checksum: bool, seconds: i64| {
        let start = BackupStart {
            by_checksum,
            ..start(BackupKind::Incremental, seconds)
        };
        repository.begin(&start, &Taker::of_backup()).await.unwrap()
    };
    let wants = |plan: &FilePlan, modified: i64| {
        plan.wants(Tree::Data, &path("base/5/a"), 1, time(modified))
    };

    let plan = Arc::clone(&begin(false, 200).await.plan);
    assert!(!wants(&plan, 10));
    assert!(wants(&plan, 11));
    assert!(plan.wants(Tree::Data, &path("base/5/a"), 2, time(10)));
    assert!(plan.wants(Tree::Data, &path("global/pg_control"), 8192, time(0)));
    plan.notice(Tree::Data, &path("base/5/b"), 1, time(12));
    assert!(!wants(&plan, 10));
    // Another content of the same time: times tell nothing.
    plan.notice(Tree::Data, &path("base/5/b"), 2, time(10));
    assert!(wants(&plan, 10));

    let plan = Arc::clone(&begin(true, 201).await.plan);
    assert!(wants(&plan, 10));

    let mut other_timeline = start(BackupKind::Incremental, 202);
    other_timeline.timeline = TimelineId::new(2).unwrap();
    let writer = repository.begin(&other_timeline, &Taker::of_backup()).await;
    assert!(wants(&writer.unwrap().plan, 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_changes_without_one_before_is_a_full_one() {
    let (repository, store) = repository(settings()).await;
    let kind = BackupKind::Incremental;
    let files: [File<'_>; 1] = [("base/5/a", b"a", 10)];

    let (first, _) = back_up(&repository, &start(kind, 100), &events(&files)).await;

    assert!(first.ends_with('F'));
    for name in ["backup.manifest", "backup.manifest.copy"] {
        let key = repository.backup_key(&first, name).unwrap();
        assert!(store.delete(&[key]).await[0].is_ok());
    }
    let writer = repository
        .begin(&start(kind, 200), &Taker::of_backup())
        .await;
    assert!(writer.unwrap().label.ends_with('F'));
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_with_the_same_secrets_share_every_byte() {
    let secrets = StanzaSecrets::random().unwrap();
    let mut writers = Vec::new();
    for (passphrase, bundles) in [
        (Some(passphrase()), Some(Bundles::default())),
        (Some(passphrase()), Some(Bundles::default())),
        (Some(passphrase()), None),
        (None, Some(Bundles::default())),
    ] {
        let repository = PgBackRestRepository::new(
            Arc::new(MemoryStore::new()),
            PgBackRestSettings {
                passphrase,
                bundles,
                ..settings()
            },
            Workers::inline(),
        );
        repository.create_stanza(&IDENTITY, &secrets).await.unwrap();
        writers.push(begin(&repository).await);
    }

    let encodings: Vec<_> = writers.iter().map(BackupWriter::encoding).collect();

    assert_eq!(encodings[0], encodings[1]);
    assert_ne!(encodings[0], encodings[2]);
    assert_ne!(encodings[0], encodings[3]);
    let files = events(&[("base/5/a", b"a", 10)]);
    let stored = |writer| encode(writer, &files).0.whole;
    assert_eq!(stored(&writers[0]), stored(&writers[1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn unlogged_relations_are_left_out_and_links_are_followed() {
    let (repository, _) = repository(settings()).await;
    let mut all = events(&[
        ("base/5/16385_init", b"", 10),
        ("base/5/16385", b"unlogged", 10),
        ("base/5/16386", b"logged", 10),
        ("base/5/t3_16387", b"temporary", 10),
        ("backup_label.old", b"old", 10),
    ]);
    let at = all.len() - 3;
    let conf = path("extra.conf");
    let elsewhere = path("elsewhere");
    let more = [
        TreeEvent::Symlink(conf.clone(), attributes(5), "/etc/extra.conf".to_owned()),
        TreeEvent::File(conf, attributes(10), 1),
        TreeEvent::Data(Bytes::from_static(b"x")),
        TreeEvent::EndOfFile,
        TreeEvent::Symlink(path("nowhere"), attributes(5), "/gone".to_owned()),
        TreeEvent::DirectoryLink(elsewhere.clone(), attributes(5), "/mnt/dir".to_owned()),
        TreeEvent::Directory(elsewhere.clone(), attributes(5)),
        TreeEvent::File(elsewhere.join("f").unwrap(), attributes(10), 0),
        TreeEvent::EndOfFile,
    ];
    all.splice(at..at, more);

    let (label, _) = back_up(&repository, &start(BackupKind::Full, 0), &all).await;

    let manifest = manifest(&repository, &label).await;
    let names: Vec<_> = manifest.files.iter().map(|(name, _)| &name[8..]).collect();
    let expected = [
        "backup_label",
        "base/5/16385_init",
        "base/5/16386",
        "elsewhere/f",
        "extra.conf",
        "global/pg_control",
    ];
    assert_eq!(names, expected);
    let links: Vec<_> = manifest
        .links
        .iter()
        .map(|(name, link)| (&name[8..], &*link.path, link.file.as_deref()))
        .collect();
    let expected = [
        ("elsewhere", "/mnt/dir", None),
        ("extra.conf", "/etc", Some("extra.conf")),
    ];
    assert_eq!(links, expected);
    let reader = repository.open_base_backup(&label).await.unwrap();
    let read: Vec<_> = reader
        .read(Tree::Data)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    let links: Vec<_> = read
        .iter()
        .filter_map(|event| match event {
            TreeEvent::Symlink(path, _, target) => Some((path.as_str(), target.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(links, [("nowhere", "/gone")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_pages_are_told_in_the_manifest_and_the_list() {
    let (repository, _) = repository(settings()).await;
    let mut all = events(&[
        ("base/5/16386", &[1; 16384], 10),
        ("base/5/16387", &[2; 8192], 10),
    ]);
    let ends: Vec<usize> = (0..all.len())
        .filter(|index| all[*index] == TreeEvent::EndOfFile)
        .collect();
    let errors = PageErrors(vec![(1, 1), (131_072, 131_074)]);
    all.insert(ends[1], TreeEvent::Pages(Ok(())));
    all.insert(ends[0], TreeEvent::Pages(Err(errors.clone())));

    let (label, _) = back_up(&repository, &start(BackupKind::Full, 0), &all).await;

    let manifest = manifest(&repository, &label).await;
    let pages = |name: &str| {
        let mut files = manifest.files.iter();
        files
            .find(|(one, _)| one.ends_with(name))
            .unwrap()
            .1
            .pages
            .clone()
    };
    assert_eq!(pages("16386"), Some(Err(errors)));
    assert_eq!((pages("16387"), pages("pg_control")), (Some(Ok(())), None));
    assert_eq!(manifest.options["option-checksum-page"], "true");
    let (_, entry) = repository.backup_entries().await.unwrap().remove(0);
    assert_eq!(entry.unwrap().has_page_errors, Some(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_out_of_order_are_refused() {
    let (repository, _) = repository(settings()).await;
    let writer = begin(&repository).await;
    let whole = events(&[("base/5/a", b"a", 10)]);
    let without = |index: usize| {
        let mut events = whole.clone();
        events.remove(index);
        events
    };
    let link = TreeEvent::HardLink(path("base/5/b"), attributes(0), path("base/5/a"));
    let mut dangling = whole.clone();
    dangling.insert(8, link);
    let mut unread = whole.clone();
    unread.insert(8, TreeEvent::Unread(path("base/5/b"), attributes(0), 1));

    for (events, expected) in [
        (without(0), "no tree has begun"),
        (without(6), "a file is longer or shorter than announced"),
        (without(7), "a file has not ended"),
        (without(5), "data of no file came"),
        (dangling, "a second name of a file came without its content"),
        (unread, "a file that is wanted comes without its content"),
        (
            whole[..8].to_vec(),
            "the data directory did not come, or has no pg_control",
        ),
    ] {
        let mut objects = Objects::default();
        let mut encoder = writer.encoder(1);
        let taken = events
            .iter()
            .try_for_each(|event| encoder.take(event, &mut objects));
        let error = taken.and_then(|()| encoder.finish(&end(0), &mut objects).map(drop));
        assert_eq!(error.unwrap_err().to_string(), expected);
    }
}
