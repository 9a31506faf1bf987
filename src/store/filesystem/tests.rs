use std::{
    ffi::OsStr,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt, fs::symlink},
};

use futures_util::TryStreamExt;
use tempfile::TempDir;

use super::*;
use crate::{
    budget::Budget,
    byte_size::ByteSize,
    codec::Sha256,
    store::{PutMode, StoreExt, conformance},
};

#[tokio::test]
async fn keeps_the_contract() {
    for workers in [Workers::new(), Workers::inline()] {
        let folder = tempfile::tempdir().unwrap();
        let store = FsStore::open(folder.path(), workers).await.unwrap();
        conformance::run(&store, "some/where/").await.unwrap();
        conformance::run(&store, "").await.unwrap();
    }
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_never_created() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent");

    let error = FsStore::open(&absent, Workers::inline()).await.unwrap_err();

    assert_eq!(error.class(), Class::Denied);
    assert!(error.hint().is_some());
    assert!(!absent.exists());
}

#[tokio::test]
async fn a_folder_that_comes_later_is_taken_up() {
    let mut world = World::new().await;
    fs::remove_dir(&world.root).unwrap();
    world.store = FsStore::new(&world.root, Workers::inline());

    world.assert_all_denied().await;
    assert!(!world.root.exists());
    fs::create_dir(&world.root).unwrap();
    world.put("a").await.unwrap();
    assert_eq!(world.list().await, ["a"]);

    fs::rename(&world.root, world.outer.path().join("volume")).unwrap();
    fs::create_dir(&world.root).unwrap();
    world.assert_all_denied().await;
}

#[tokio::test]
async fn nothing_is_missing_from_a_folder_that_vanished() {
    let world = World::new().await;
    world.put("a/b").await.unwrap();
    fs::rename(&world.root, world.outer.path().join("moved")).unwrap();

    world.assert_all_denied().await;

    assert!(!world.root.exists());
    fs::rename(world.outer.path().join("moved"), &world.root).unwrap();
    world.put("c").await.unwrap();
    assert_eq!(world.list().await, ["a/b", "c"]);
}

#[tokio::test]
async fn the_folder_below_an_unmounted_volume_stays_empty() {
    let world = World::new().await;
    world.put("a/b").await.unwrap();
    fs::rename(&world.root, world.outer.path().join("volume")).unwrap();
    fs::create_dir(&world.root).unwrap();

    world.assert_all_denied().await;

    assert_eq!(names(&world.root), [""; 0]);
}

#[tokio::test]
async fn a_volume_that_comes_back_as_another_device_is_taken_up() {
    let world = World::new().await;
    world.put("a/b").await.unwrap();
    fs::rename(&world.root, world.outer.path().join("old")).unwrap();
    fs::create_dir_all(world.root.join(tree::HIDDEN)).unwrap();

    world.put("c").await.unwrap();

    assert_eq!(world.list().await, ["c"]);
}

#[tokio::test]
async fn keys_that_are_no_paths_are_refused() {
    let world = World::new().await;
    let long = "x".repeat(256);
    let reserved = [".walcast/tmp/a", "lost+found/a"];
    let unsafe_keys = ["a//b", "a/", "./a", "a/../b", "..", long.as_str()];
    for text in unsafe_keys.into_iter().chain(reserved) {
        assert_eq!(world.put(text).await, Err(Class::Invalid), "{text}");
        let get = world.store.get(&key(text), GetOptions::default()).await;
        assert_eq!(get.unwrap_err().class(), Class::Invalid, "{text}");
        let delete = world.store.delete_one(&key(text)).await;
        assert_eq!(delete.unwrap_err().class(), Class::Invalid, "{text}");
    }
}

#[tokio::test]
async fn an_object_cannot_be_a_folder_too() {
    let world = World::new().await;
    world.put("file").await.unwrap();
    world.put("folder/a").await.unwrap();

    for mode in [PutMode::Create, PutMode::Overwrite] {
        for text in ["file/a", "file/a/b", "folder"] {
            let put = world.put_as(text, mode).await;
            assert_eq!(put, Err(Class::Invalid), "{text}");
        }
    }
    for text in ["file/a", "file/a/b", "folder"] {
        assert!(!world.store.exists(&key(text)).await.unwrap());
        world.store.delete_one(&key(text)).await.unwrap();
    }
    assert_eq!(world.list().await, ["file", "folder/a"]);
    assert_eq!(world.hidden_files(), 0);
}

#[tokio::test]
async fn what_is_not_an_object_is_passed_by() {
    let world = World::new().await;
    world.put("a").await.unwrap();
    let path = |name: &str| world.root.join(name);
    fs::write(world.root.join(OsStr::from_bytes(b"\xff")), "x").unwrap();
    fs::write(path("line\nbreak"), "x").unwrap();
    fs::create_dir_all(path("empty/inside")).unwrap();
    fs::create_dir(path("lost+found")).unwrap();
    fs::write(path("lost+found/x"), "x").unwrap();
    symlink(path("a"), path("link")).unwrap();
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        path("pipe"),
        rustix::fs::Mode::from_raw_mode(0o600),
    )
    .unwrap();

    assert_eq!(world.list().await, ["a"]);
    let level = world.store.list_level("").await.unwrap();
    assert_eq!((level.objects.len(), level.prefixes.len()), (1, 0));
    for name in ["pipe", "empty", "empty/inside"] {
        let get = world.store.get(&key(name), GetOptions::default()).await;
        assert_eq!(get.unwrap_err().class(), Class::Missing, "{name}");
    }
}

#[tokio::test]
async fn links_out_of_the_folder_are_not_followed() {
    let world = World::new().await;
    let outside = world.outer.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "x").unwrap();
    symlink(&outside, world.root.join("link")).unwrap();

    let secret = key("link/secret");
    assert_eq!(world.put("link/new").await, Err(Class::Invalid));
    let get = world.store.get(&secret, GetOptions::default()).await;
    assert_eq!(get.unwrap_err().class(), Class::Invalid);
    let delete = world.store.delete_one(&secret).await;
    assert_eq!(delete.unwrap_err().class(), Class::Invalid);
    for prefix in ["", "link", "link/", "link/s"] {
        let listed = world.store.list_all(prefix).await.unwrap();
        assert!(listed.is_empty(), "{prefix}");
    }

    assert_eq!(names(&outside), ["secret"]);
}

#[tokio::test]
async fn objects_are_readable_by_owner_and_group_only() {
    let world = World::new().await;
    world.put("a/b").await.unwrap();
    let mode = |name| {
        let metadata = fs::metadata(world.root.join(name)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    // The process's mask may take more away, never add.
    assert_eq!(mode("a/b") & !0o640, 0);
    assert_eq!(mode("a") & !0o750, 0);
}

#[tokio::test]
async fn failed_and_dropped_puts_leave_nothing_behind() {
    let world = World::new().await;
    world.put("a").await.unwrap();
    assert_eq!(
        world.put_as("a", PutMode::Create).await,
        Err(Class::Conflict)
    );

    let payload = Payload::new(vec![7; 1 << 20]);
    let key = key("b");
    for polls in 0..6 {
        let options = PutOptions::create();
        let mut put = world.store.put(&key, payload.clone(), options);
        for _ in 0..polls {
            if futures_util::poll!(&mut put).is_ready() {
                break;
            }
        }
    }

    // The workers have one queue: what was dropped is over when later jobs are.
    let exists = world.store.exists(&key).await.unwrap();
    let expected = if exists { vec!["a", "b"] } else { vec!["a"] };
    assert_eq!(world.list().await, expected);
    assert_eq!(world.hidden_files(), 0);
}

#[tokio::test]
async fn a_payload_in_a_file_is_copied_block_by_block() {
    let world = World::new().await;
    let mut content = vec![0; 3 * 1024 * 1024 + 7];
    fastrand::Rng::with_seed(1).fill(&mut content);
    let path = world.outer.path().join("source");
    fs::write(&path, &content).unwrap();
    let budget = Budget::new(ByteSize::mib(1));
    let payload = Payload::file(
        fs::File::open(&path).unwrap(),
        content.len() as u64,
        Sha256::of(&content),
        budget.clone(),
        Workers::inline(),
    );

    let options = PutOptions::create();
    world.store.put(&key("a"), payload, options).await.unwrap();

    let bytes = world.store.get_bytes(&key("a"), 4 << 20).await.unwrap();
    assert!(bytes == content);
    assert_eq!(budget.in_use(), 0);
}

#[tokio::test]
async fn a_file_that_shrinks_while_it_is_read_is_an_error() {
    let world = World::new().await;
    fs::write(world.root.join("a"), vec![0; 2 << 20]).unwrap();
    let object = world.store.get(&key("a"), GetOptions::default()).await;

    let file = fs::File::options().write(true).open(world.root.join("a"));
    file.unwrap().set_len(600_000).unwrap();

    let read = object.unwrap().body.try_collect::<Vec<_>>().await;
    assert_eq!(read.unwrap_err().class(), Class::Transient);
}

#[tokio::test]
async fn deleting_removes_the_folders_that_become_empty() {
    let world = World::new().await;
    for name in ["a/b/c/1", "a/b/c/2", "a/x"] {
        world.put(name).await.unwrap();
    }

    world.store.delete_one(&key("a/b/c/1")).await.unwrap();
    assert!(world.root.join("a/b/c").is_dir());
    world.store.delete_one(&key("a/b/c/2")).await.unwrap();
    assert_eq!(names(&world.root.join("a")), ["x"]);
    world.store.delete_one(&key("a/x")).await.unwrap();
    assert_eq!(names(&world.root), [tree::HIDDEN]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn puts_survive_the_removal_of_their_folder() {
    let world = World::with_workers(Workers::new()).await;
    let churn = async |name: &str| {
        for _ in 0..100 {
            world.put(name).await?;
            world.store.delete_one(&key(name)).await.unwrap();
        }
        Ok::<_, Class>(())
    };

    let churned = tokio::join!(
        churn("a/b/1"),
        churn("a/b/2"),
        churn("a/3"),
        churn("a/b/c/4")
    );

    assert_eq!(churned, (Ok(()), Ok(()), Ok(()), Ok(())));
    assert_eq!(names(&world.root), [tree::HIDDEN]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_creators_one_wins() {
    let world = World::with_workers(Workers::new()).await;
    let create = || world.put_as("a/b", PutMode::Create);

    let results = futures_util::future::join_all((0..8).map(|_| create())).await;

    let won = results.iter().filter(|result| result.is_ok()).count();
    let lost = results.iter().filter(|r| **r == Err(Class::Conflict));
    assert_eq!((won, lost.count()), (1, 7));
}

#[tokio::test]
async fn an_upload_outlives_its_process_until_it_is_aborted() {
    let world = World::new().await;
    let upload = world.begin_upload("a/b").await;
    upload.put_part(0, Payload::new("x")).await.unwrap();

    let other = FsStore::open(&world.root, Workers::inline()).await.unwrap();
    let found = other.unfinished_uploads("a/").await.unwrap();
    assert_eq!(found.len(), 1);
    assert!(found[0].begun.is_some());
    other.abort_unfinished(&found[0]).await.unwrap();

    let completed = upload.complete(1).await.unwrap_err();
    assert_eq!(completed.class(), Class::Invalid);
    assert!(!other.exists(&key("a/b")).await.unwrap());
}

#[tokio::test]
async fn parts_are_not_written_behind_completion() {
    let world = World::new().await;
    let upload = world.begin_upload("a").await;
    upload.put_part(0, Payload::new("x")).await.unwrap();
    upload.complete(1).await.unwrap();

    let late = upload.put_part(0, Payload::new("y")).await.unwrap_err();
    upload.abort().await.unwrap();

    assert_eq!(late.class(), Class::Invalid);
    let bytes = world.store.get_bytes(&key("a"), 1).await.unwrap();
    assert_eq!(bytes, "x");
}

#[tokio::test]
async fn ids_of_uploads_are_no_paths() {
    let world = World::new().await;
    world.put("a").await.unwrap();
    for id in ["", "..", "../..", "/", "0/../.."] {
        let upload = UnfinishedUpload {
            key: key("a"),
            id: id.to_owned(),
            begun: None,
        };
        let error = world.store.abort_unfinished(&upload).await.unwrap_err();
        assert_eq!(error.class(), Class::Invalid, "{id}");
    }
    assert_eq!(world.list().await, ["a"]);
}

#[tokio::test]
async fn errors_name_the_store_the_key_and_the_cause() {
    let world = World::new().await;
    world.put("file").await.unwrap();
    let options = PutOptions::default();
    let key = key("file/a");

    let put = world.store.put_bytes(&key, Bytes::new(), options).await;

    let error = put.unwrap_err();

    let root = world.root.display();
    let expected = format!("put file/a in file://{root}: a folder of the key is an object");
    assert_eq!(error.to_string(), expected);
    assert!(std::error::Error::source(&error).is_some());
}

/// A store in a folder that a test may move.
struct World {
    outer: TempDir,
    root: PathBuf,
    store: FsStore,
}

impl World {
    async fn new() -> Self {
        Self::with_workers(Workers::inline()).await
    }

    async fn with_workers(workers: Workers) -> Self {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("root");
        fs::create_dir(&root).unwrap();
        let store = FsStore::open(&root, workers).await.unwrap();
        Self { outer, root, store }
    }

    async fn put(&self, text: &str) -> Result<(), Class> {
        self.put_as(text, PutMode::Overwrite).await
    }

    async fn put_as(&self, text: &str, mode: PutMode) -> Result<(), Class> {
        let options = PutOptions {
            mode,
            ..PutOptions::default()
        };
        let bytes = Bytes::from_static(b"x");
        let put = self.store.put_bytes(&key(text), bytes, options).await;
        put.map_err(|error| error.class())
    }

    async fn list(&self) -> Vec<String> {
        let metas = self.store.list_all("").await.unwrap();
        metas.iter().map(|meta| meta.key.to_string()).collect()
    }

    async fn begin_upload(&self, text: &str) -> Box<dyn Upload> {
        let options = UploadOptions {
            part_size: 1,
            put: PutOptions::default(),
        };
        self.store.begin_upload(&key(text), options).await.unwrap()
    }

    async fn assert_all_denied(&self) {
        let (store, key) = (&self.store, key("a/b"));
        let upload = UploadOptions {
            part_size: 1,
            put: PutOptions::default(),
        };
        let errors = [
            store.get(&key, GetOptions::default()).await.err(),
            store.head(&key).await.err(),
            store.list_all("").await.err(),
            store.list_all("a/").await.err(),
            store.list_level("").await.err(),
            store.delete_one(&key).await.err(),
            store.begin_upload(&key, upload).await.err(),
            store.unfinished_uploads("").await.err(),
        ];
        assert_eq!(self.put("a/b").await, Err(Class::Denied));
        for (index, error) in errors.into_iter().enumerate() {
            let error = error.unwrap_or_else(|| panic!("operation {index} succeeded"));
            assert_eq!(error.class(), Class::Denied, "{error}");
            assert!(error.hint().is_some(), "{error}");
        }
    }

    /// Counts the files that are neither objects nor begun uploads.
    fn hidden_files(&self) -> usize {
        names(&self.root.join(tree::HIDDEN).join(publish::TEMPORARY)).len()
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names = names.collect::<Vec<_>>();
    names.sort_unstable();
    names
}

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}
