mod changes;
mod files;
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
