use std::{
    fs,
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use tempfile::TempDir;

use super::*;
use crate::{
    pg::Lsn,
    repository::{BackupEnd, BackupStart, Error, StoredBackup, Tablespace},
    restore::{place::Delta, test_data::*},
    store::{self, Class, Operation},
};

/// A copy in memory.
#[derive(Debug)]
struct MemoryCopy {
    backup: StoredBackup,
    tablespaces: Vec<Tablespace>,
    data: Vec<TreeEvent>,
    fault: Fault,
    reads: AtomicUsize,
}

/// How a copy fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fault {
    None,
    /// Every stream breaks in the middle of the data directory.
    Breaks(Class),
    /// So does only the first one.
    BreaksOnce(Class),
    /// A stream stands still there.
    StandsStill,
    /// It cannot even be opened.
    Closed(Class),
}

fn error(class: Class) -> Error {
    store::Error::new(class, Operation::Get, &"memory", "as told").into()
}

#[async_trait]
impl BackupReader for MemoryCopy {
    fn backup(&self) -> &StoredBackup {
        &self.backup
    }

    fn tablespaces(&self) -> &[Tablespace] {
        &self.tablespaces
    }

    fn origin(&self) -> Option<&(BackupStart, BackupEnd)> {
        None
    }

    fn trees(&self) -> Vec<(Tree, u64)> {
        vec![(Tree::Tablespace(oid()), 10), (Tree::Data, 100)]
    }

    async fn read(
        &self,
        tree: Tree,
    ) -> repository::Result<BoxStream<'static, repository::Result<TreeEvent>>> {
        let Tree::Data = tree else {
            return Ok(stream::iter(tablespace_files().into_iter().map(Ok)).boxed());
        };
        let reads = self.reads.fetch_add(1, Ordering::Relaxed);
        let whole = stream::iter(self.data.clone().into_iter().map(Ok));
        let half = stream::iter(self.data.clone().into_iter().map(Ok)).take(self.data.len() / 2);
        match self.fault {
            Fault::Breaks(class) => Ok(half.chain(stream::iter([Err(error(class))])).boxed()),
            Fault::BreaksOnce(class) if reads == 0 => {
                Ok(half.chain(stream::iter([Err(error(class))])).boxed())
            }
            Fault::StandsStill => Ok(half.chain(stream::pending()).boxed()),
            Fault::Closed(class) => Err(error(class)),
            Fault::None | Fault::BreaksOnce(_) => Ok(whole.boxed()),
        }
    }
}

/// A place, and what was told on the way there.
struct World {
    folder: TempDir,
    told: Mutex<Vec<String>>,
}

impl World {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            told: Mutex::default(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn copy(&self, id: &str, fault: Fault, extra: Vec<TreeEvent>) -> BackupCopy {
        let copy = MemoryCopy {
            backup: backup(),
            tablespaces: tablespaces(&self.path("fast")),
            data: data_directory(extra),
            fault,
            reads: AtomicUsize::new(0),
        };
        (DestinationId::parse(id).unwrap(), Box::new(copy))
    }

    fn restore(&self) -> BaseRestore {
        let tablespaces = tablespaces(&self.path("fast"));
        BaseRestore {
            placement: Placement::new(self.path("data"), &backup(), &tablespaces),
            settings: RecoverySettings::new("walcast wal-restore %f %p"),
            rounds: 3,
            workers: Workers::inline(),
        }
    }

    async fn run(&self, copies: Vec<BackupCopy>) -> Result<RestoreReport, RestoreError> {
        self.restore().run(copies, &|step| self.tell(step)).await
    }

    fn tell(&self, step: Progress<'_>) {
        let text = match step {
            Progress::Tree { tree, from } => format!("{} from {from}", Named(tree)),
            Progress::Complaint(complaint) => complaint.to_string(),
            Progress::Finishing => "finishing".to_owned(),
            Progress::Placed(_) => return,
        };
        self.told.lock().unwrap().push(text);
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.told.lock().unwrap())
    }

    fn has_data_directory(&self) -> bool {
        self.path("data/global/pg_control").exists() && self.path("data/recovery.signal").exists()
    }
}

fn from(report: &RestoreReport) -> Vec<String> {
    report
        .trees
        .iter()
        .map(|tree| tree.from.to_string())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_sound_copy_is_read_tree_by_tree() {
    let world = World::new();

    let copies = vec![
        world.copy("here", Fault::None, Vec::new()),
        world.copy("there", Fault::Closed(Class::Denied), Vec::new()),
    ];
    let report = world.run(copies).await.unwrap();

    assert!(world.has_data_directory());
    assert_eq!(from(&report), ["here", "here"]);
    assert_eq!(report.complaints, []);
    assert_eq!(report.placed.files, 8);
    assert_eq!(
        world.told(),
        [
            "tablespace 16385 from here",
            "data directory from here",
            "finishing"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn whatever_is_wrong_with_one_copy_the_next_is_taken() {
    for (fault, extra) in [
        (Fault::Breaks(Class::Transient), Vec::new()),
        (Fault::Breaks(Class::Invalid), Vec::new()),
        (Fault::Closed(Class::Missing), Vec::new()),
        (Fault::Closed(Class::Denied), Vec::new()),
        (Fault::StandsStill, Vec::new()),
        (Fault::None, vec![symlink("evil", "/etc")]),
        (Fault::None, vec![TreeEvent::Data(Bytes::from_static(b"x"))]),
        (Fault::None, vec![TreeEvent::Tree(Tree::Tablespace(oid()))]),
    ] {
        let world = World::new();
        let extra = [file("base/5/only-here", b"x"), extra].concat();

        let copies = vec![
            world.copy("here", fault, extra.clone()),
            world.copy("there", Fault::None, Vec::new()),
        ];
        let report = world.run(copies).await.unwrap();

        assert!(world.has_data_directory(), "{fault:?} {extra:?}");
        assert_eq!(from(&report), ["here", "there"]);
        assert_eq!(report.complaints.len(), 1);
        assert_eq!(report.placed.files, 8);
        assert!(!world.path("data/base/5/only-here").exists());
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_whose_fault_passes_is_asked_again() {
    let world = World::new();

    let copies = vec![world.copy("here", Fault::BreaksOnce(Class::Transient), Vec::new())];
    let report = world.run(copies).await.unwrap();

    assert_eq!(from(&report), ["here", "here"]);
    assert_eq!(report.placed.files, 8);
    assert_eq!(
        world.told(),
        [
            "tablespace 16385 from here",
            "data directory from here",
            "here: data directory: get in memory: as told",
            "data directory from here",
            "finishing",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_sound_copy_all_complaints_are_told_and_no_server_can_start() {
    let world = World::new();

    let copies = vec![
        world.copy("here", Fault::Breaks(Class::Transient), Vec::new()),
        world.copy("there", Fault::Closed(Class::Invalid), Vec::new()),
    ];
    let error = world.run(copies).await.unwrap_err();

    assert!(!world.has_data_directory());
    let RestoreError::Unsound { tree, complaints } = &error else {
        panic!("{error}");
    };
    assert_eq!((*tree, complaints.len()), (Tree::Data, 4));
    assert!(
        error
            .to_string()
            .contains("; there: get in memory: as told")
    );

    let mut restore = world.restore();
    restore.placement.delta = Delta::Keep;
    let copies = vec![world.copy("here", Fault::None, Vec::new())];
    let report = restore.run(copies, &|_| {}).await.unwrap();
    assert!(world.has_data_directory() && report.placed.kept > 0);
}

#[tokio::test(start_paused = true)]
async fn bad_settings_and_other_backups_change_nothing() {
    let world = World::new();
    let sound = || world.copy("here", Fault::None, Vec::new());

    let error = world.run(Vec::new()).await.unwrap_err();
    assert!(matches!(error, RestoreError::NoCopy));

    let mut restore = world.restore();
    restore.settings.restore_command.clear();
    let error = restore.run(vec![sound()], &|_| {}).await.unwrap_err();
    assert!(matches!(error, RestoreError::Settings(_)));

    let other = MemoryCopy {
        backup: StoredBackup {
            start: Some(Lsn::new(1)),
            ..backup()
        },
        tablespaces: Vec::new(),
        data: Vec::new(),
        fault: Fault::None,
        reads: AtomicUsize::new(0),
    };
    let other = (DestinationId::parse("there").unwrap(), Box::new(other) as _);
    let error = world.run(vec![sound(), other]).await.unwrap_err();
    assert!(matches!(error, RestoreError::Different { .. }));

    assert_eq!(fs::read_dir(world.folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn large_files_come_through_on_real_threads() {
    let world = World::new();
    let content: Vec<u8> = (0..5_u32 << 20).map(|at| at.to_le_bytes()[1]).collect();
    let blocks = content
        .chunks(TreeEvent::MAX_DATA)
        .map(Bytes::copy_from_slice);
    let large = [TreeEvent::File(
        path("base/5/large"),
        attributes(0o600),
        5 << 20,
    )]
    .into_iter()
    .chain(blocks.map(TreeEvent::Data))
    .chain([TreeEvent::EndOfFile]);
    let mut extra: Vec<_> = large.collect();
    for number in 0..500 {
        extra.extend(file(&format!("base/5/{}", 20_000 + number), b"small"));
    }
    let mut restore = world.restore();
    restore.workers = Workers::new();

    let copies = vec![world.copy("here", Fault::None, extra)];
    let report = restore.run(copies, &|_| {}).await.unwrap();

    assert_eq!(fs::read(world.path("data/base/5/large")).unwrap(), content);
    assert_eq!(report.placed.files, 509);
}
