//! A store in a folder.
//!
//! A key is a path below the root, so a key cannot also be a folder of another (`a` beside
//! `a/b`): the second is refused as [`Class::Invalid`]. Objects are written to a hidden file below
//! `.walcast`, synced, given their name in one step, and the folders are synced as well: what is
//! reported as stored survives a power cut. After a failed sync the hidden file is removed and the
//! put fails; nothing is tried again on the same file, for the system may have dropped its pages.
//!
//! Symbolic links are never followed. Folders without objects are invisible, and removed with
//! their last object. Tags are not kept.

mod failure;
mod publish;
mod read;
mod tree;
mod upload;
mod walk;

use std::{
    collections::HashSet,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream, stream::BoxStream};

use self::{
    failure::{Attempt, Failure},
    publish::TempFile,
    tree::{Tree, meta, sync_folder},
    upload::FsUpload,
    walk::Walk,
};
use super::{
    Capabilities, Class, Error, GetOptions, Key, Level, Object, ObjectMeta, Operation, Payload,
    PutOptions, Result, Store, UnfinishedUpload, Upload, UploadOptions,
};
use crate::workers::Workers;

/// A [`Store`] in a folder of a POSIX file system; cheap to clone.
///
/// Several processes may use the same folder. Creating without replacing is atomic on local file
/// systems and on NFS; where a file system can do neither of the two ways it fails.
#[derive(Clone, Debug)]
pub struct FsStore {
    tree: Arc<Tree>,
    workers: Workers,
    swept: Arc<AtomicBool>,
}

impl FsStore {
    /// Keys per job of a deletion, objects per job of a listing.
    const BATCH: usize = 256;
    /// Bytes per write of a payload that is not in memory.
    const BLOCK: u64 = 1 << 20;

    /// Opens the existing folder `root`; [`Class::Denied`] if it is not there.
    ///
    /// Choose a folder *below* a mount point: it is gone when its volume is not mounted, and
    /// nothing is written to the volume underneath. If it goes away later, every operation fails
    /// as denied, instead of calling objects missing, until it is back.
    pub async fn open(root: impl Into<PathBuf>, workers: Workers) -> Result<Self> {
        let root = root.into();
        let name = Name(&root).to_string();
        let opened = workers.disk(move || Tree::open(root)).await;
        let tree = opened.map_err(|failure| explain(failure, Operation::Head, &name, None))?;
        Ok(Self::with_tree(tree, workers))
    }

    /// Takes `root` without a look at it: as [`open`](Self::open), but while the folder is not
    /// there it is the operations that fail as denied.
    pub fn new(root: impl Into<PathBuf>, workers: Workers) -> Self {
        Self::with_tree(Tree::new(root.into()), workers)
    }

    fn with_tree(tree: Tree, workers: Workers) -> Self {
        Self {
            tree: Arc::new(tree),
            workers,
            swept: Arc::default(),
        }
    }

    /// Returns the folder.
    pub fn root(&self) -> &Path {
        self.tree.root()
    }

    /// Runs a blocking job and says what its failure was about.
    async fn run<T: Send + 'static>(
        &self,
        operation: Operation,
        key: Option<&Key>,
        job: impl FnOnce() -> Attempt<T> + Send + 'static,
    ) -> Result<T> {
        let done = self.workers.disk(job).await;
        done.map_err(|failure| explain(failure, operation, self, key))
    }

    /// Runs a job with the path of `key`, whose absence is explained.
    async fn look<T: Send + 'static>(
        &self,
        operation: Operation,
        key: &Key,
        job: impl FnOnce(&Tree, &Path) -> Attempt<T> + Send + 'static,
    ) -> Result<T> {
        let tree = Arc::clone(&self.tree);
        let path = self.path(operation, key)?;
        let job = move || job(&tree, &path).map_err(|failure| tree.explain(failure));
        self.run(operation, Some(key), job).await
    }

    fn path(&self, operation: Operation, key: &Key) -> Result<PathBuf> {
        let path = self.tree.path(key);
        path.map_err(|failure| explain(failure, operation, self, Some(key)))
    }

    fn blocks<'a>(&self, payload: &'a Payload, operation: Operation, key: &Key) -> Blocks<'a> {
        Blocks {
            store: self.clone(),
            operation,
            key: key.clone(),
            payload,
            offset: 0,
        }
    }

    async fn create_temp(&self, key: &Key) -> Result<TempFile> {
        let tree = Arc::clone(&self.tree);
        let is_first = !self.swept.swap(true, Ordering::Relaxed);
        let create = move || {
            let temp = TempFile::create(&tree)?;
            if is_first {
                temp.sweep();
            }
            Ok(temp)
        };
        self.run(Operation::Put, Some(key), create).await
    }
}

/// The content of a payload, a block at a time.
struct Blocks<'a> {
    store: FsStore,
    operation: Operation,
    key: Key,
    payload: &'a Payload,
    offset: u64,
}

impl Blocks<'_> {
    /// Returns the next block and its offset.
    async fn next(&mut self) -> Result<Option<(u64, Bytes)>> {
        let (start, len) = (self.offset, self.payload.len());
        if start == len {
            return Ok(None);
        }
        self.offset = match self.payload.in_memory() {
            Some(_) => len,
            None => len.min(start + FsStore::BLOCK),
        };
        let read = self.payload.read(start..self.offset).await;
        let block = read.map_err(|error| {
            let reason = "the payload cannot be read";
            Error::new(Class::Invalid, self.operation, &self.store, reason)
                .with_key(&self.key)
                .with_source(error)
        })?;
        Ok(Some((start, block)))
    }
}

#[async_trait]
impl Store for FsStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            create_if_absent: true,
            ordered_list: true,
            tags: false,
            min_part_size: 1,
            max_parts: u32::MAX,
        }
    }

    async fn put(&self, key: &Key, payload: Payload, options: PutOptions) -> Result<()> {
        let path = self.path(Operation::Put, key)?;
        let mut temp = self.create_temp(key).await?;
        let mut blocks = self.blocks(&payload, Operation::Put, key);
        while let Some((offset, block)) = blocks.next().await? {
            let write = move || temp.write_at(&block, offset).map(|()| temp);
            temp = self.run(Operation::Put, Some(key), write).await?;
        }
        let tree = Arc::clone(&self.tree);
        // Lives as long as this future: a put that was given up must not replace a later one.
        let waiting = Arc::new(());
        let waiter = Arc::downgrade(&waiting);
        let publish = move || temp.publish(&tree, &path, options.mode, &waiter);
        self.run(Operation::Put, Some(key), publish).await
    }

    async fn begin_upload(&self, key: &Key, options: UploadOptions) -> Result<Box<dyn Upload>> {
        let path = self.path(Operation::BeginUpload, key)?;
        let upload = FsUpload::begin(self, key, path, options).await?;
        Ok(Box::new(upload))
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Object> {
        let open = |tree: &Tree, path: &Path| tree.open_file(path);
        let (file, metadata) = self.look(Operation::Get, key, open).await?;
        let meta = meta(key.clone(), &metadata);
        let error = |class, reason| Error::new(class, Operation::Get, self, reason).with_key(key);
        if options.if_match.is_some() && options.if_match != meta.etag {
            return Err(error(Class::Conflict, "the object has changed"));
        }
        let wanted = options
            .resolve(meta.size)
            .ok_or_else(|| error(Class::Invalid, "no bytes in that range"))?;
        let body = read::body(self, key, file, wanted);
        Ok(Object { meta, body })
    }

    async fn head(&self, key: &Key) -> Result<ObjectMeta> {
        let inspect = |tree: &Tree, path: &Path| tree.inspect(path);
        let metadata = self.look(Operation::Head, key, inspect).await?;
        Ok(meta(key.clone(), &metadata))
    }

    fn list(
        &self,
        prefix: &str,
        start_after: Option<&str>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let walk = Walk::new(Arc::clone(&self.tree), prefix, start_after);
        let workers = self.workers.clone();
        let store = self.clone();
        stream::unfold((walk, workers), |(mut walk, workers)| async move {
            let next = move || (walk.next_batch(Self::BATCH), walk);
            let (batch, walk) = workers.disk(next).await;
            (!batch.is_empty()).then(|| (stream::iter(batch), (walk, workers)))
        })
        .flatten()
        .map(move |item| item.map_err(|f| explain(f, Operation::List, &store, None)))
        .boxed()
    }

    async fn list_level(&self, prefix: &str) -> Result<Level> {
        let tree = Arc::clone(&self.tree);
        let prefix = prefix.to_owned();
        let level = move || walk::level(&tree, &prefix);
        self.run(Operation::List, None, level).await
    }

    async fn delete(&self, keys: &[Key]) -> Vec<Result<()>> {
        let mut results = Vec::with_capacity(keys.len());
        for batch in keys.chunks(Self::BATCH) {
            let tree = Arc::clone(&self.tree);
            let owned = batch.to_vec();
            let deleted = self.workers.disk(move || delete(&tree, &owned)).await;
            let named = deleted.into_iter().zip(batch).map(|(result, key)| {
                result.map_err(|f| explain(f, Operation::Delete, self, Some(key)))
            });
            results.extend(named);
        }
        results
    }

    async fn unfinished_uploads(&self, prefix: &str) -> Result<Vec<UnfinishedUpload>> {
        let tree = Arc::clone(&self.tree);
        let prefix = prefix.to_owned();
        let list = move || upload::unfinished(&tree, &prefix);
        self.run(Operation::ListUploads, None, list).await
    }

    async fn abort_unfinished(&self, upload: &UnfinishedUpload) -> Result<()> {
        let tree = Arc::clone(&self.tree);
        let id = upload.id.clone();
        let abort = move || upload::abort_unfinished(&tree, &id);
        self.run(Operation::Abort, Some(&upload.key), abort).await
    }
}

/// Deletes `keys`, then syncs each folder that changed once.
fn delete(tree: &Tree, keys: &[Key]) -> Vec<Attempt> {
    let removed = keys.iter().map(|key| remove(tree, key));
    let removed = removed.collect::<Vec<_>>();
    let changed = removed.iter().flatten().flatten().collect::<HashSet<_>>();
    let is_unsynced = |folder: &Path| {
        let error = sync_folder(folder).err();
        error.is_some_and(|error| error.kind() != io::ErrorKind::NotFound)
    };
    let unsynced = changed.into_iter().filter(|folder| is_unsynced(folder));
    let unsynced = unsynced.cloned().collect::<HashSet<_>>();
    let result = |removed: Attempt<Option<PathBuf>>| match removed? {
        Some(folder) if unsynced.contains(&folder) => {
            let reason = "the deletion could not be synced";
            Err(Failure::new(Class::Transient, reason))
        }
        _ => Ok(()),
    };
    removed.into_iter().map(result).collect()
}

/// Removes one object and the folders that it leaves empty; returns the folder that changed.
fn remove(tree: &Tree, key: &Key) -> Attempt<Option<PathBuf>> {
    tree.check_root()?;
    let path = tree.path(key)?;
    let links = tree.check_links(&path);
    match links.and_then(|()| Ok(fs::remove_file(&path)?)) {
        Ok(()) => Ok(Some(tree.remove_empty_folders_to(&path))),
        Err(failure) if failure.is_absence() || path.is_dir() => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn explain(
    failure: Failure,
    operation: Operation,
    store: &impl fmt::Display,
    key: Option<&Key>,
) -> Error {
    let mut error = Error::new(failure.class, operation, store, failure.reason);
    if let Some(key) = key {
        error = error.with_key(key);
    }
    if let Some(hint) = failure.hint {
        error = error.with_hint(hint);
    }
    match failure.source {
        Some(source) => error.with_source(source),
        None => error,
    }
}

/// The name of a store in messages.
struct Name<'a>(&'a Path);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "file://{}", self.0.display())
    }
}

impl fmt::Display for FsStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Name(self.root()).fmt(f)
    }
}

#[cfg(test)]
mod tests;
