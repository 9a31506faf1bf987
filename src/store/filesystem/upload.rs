//! Uploads in parts: one file, each part at its offset, beside a file with its key.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, RwLock},
};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    FsStore,
    failure::{Attempt, Failure},
    publish::{create_file, publish, random_name},
    tree::Tree,
};
use crate::store::{
    Class, Key, Operation, Payload, Result, UnfinishedUpload, Upload, UploadOptions,
};

/// The hidden folder of uploads, each in a folder of its own.
const UPLOADS: &str = "uploads";
const KEY: &str = "key";
const CONTENT: &str = "content";

#[derive(Debug)]
pub(super) struct FsUpload {
    store: FsStore,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    key: Key,
    to: PathBuf,
    folder: PathBuf,
    content: File,
    options: UploadOptions,
    parts: Mutex<BTreeMap<u32, u64>>,
    /// Held for reading while a part is written, so that nothing is written behind completion.
    phase: RwLock<Phase>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Open,
    Completed,
    Gone,
}

impl FsUpload {
    /// Prepares an upload of `key` to the path `to`.
    pub(super) async fn begin(
        store: &FsStore,
        key: &Key,
        to: PathBuf,
        options: UploadOptions,
    ) -> Result<Self> {
        let tree = Arc::clone(&store.tree);
        let owned = key.clone();
        let begin = move || Shared::begin(&tree, owned, to, options);
        let shared = store.run(Operation::BeginUpload, Some(key), begin).await?;
        Ok(Self {
            store: store.clone(),
            shared: Arc::new(shared),
        })
    }

    async fn run(
        &self,
        operation: Operation,
        job: impl FnOnce(&Shared, &Tree) -> Attempt + Send + 'static,
    ) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let tree = Arc::clone(&self.store.tree);
        let key = Some(&self.shared.key);
        self.store
            .run(operation, key, move || job(&shared, &tree))
            .await
    }
}

#[async_trait]
impl Upload for FsUpload {
    async fn put_part(&self, index: u32, payload: Payload) -> Result<()> {
        let len = payload.len();
        self.run(Operation::PutPart, move |shared, _| {
            shared.check_part(index, len)
        })
        .await?;
        let start = u64::from(index).saturating_mul(self.shared.options.part_size);
        let mut blocks = self
            .store
            .blocks(&payload, Operation::PutPart, &self.shared.key);
        while let Some((offset, block)) = blocks.next().await? {
            self.run(Operation::PutPart, move |shared, _| {
                shared.write(start.saturating_add(offset), &block)
            })
            .await?;
        }
        let mut parts = self.shared.parts.lock().expect("no holder panics");
        parts.insert(index, len);
        Ok(())
    }

    async fn complete(&self, parts: u32) -> Result<()> {
        let complete = move |shared: &Shared, tree: &Tree| shared.complete(tree, parts);
        self.run(Operation::Complete, complete).await
    }

    async fn abort(&self) -> Result<()> {
        self.run(Operation::Abort, |shared, _| shared.abort()).await
    }
}

impl Shared {
    fn begin(tree: &Tree, key: Key, to: PathBuf, options: UploadOptions) -> Attempt<Self> {
        let name = format!("{UPLOADS}/{}", random_name());
        tree.create_hidden(&name)?;
        let folder = tree.hidden(&name);
        fs::write(folder.join(KEY), key.as_str())?;
        let content = create_file(&folder.join(CONTENT))?;
        Ok(Self {
            key,
            to,
            folder,
            content,
            options,
            parts: Mutex::default(),
            phase: RwLock::new(Phase::Open),
        })
    }

    fn check_part(&self, index: u32, len: u64) -> Attempt {
        if len <= self.options.part_size {
            return Ok(());
        }
        let reason = format!("part {index} has {len} bytes, more than the agreed part size");
        Err(Failure::new(Class::Invalid, reason))
    }

    fn write(&self, offset: u64, block: &[u8]) -> Attempt {
        let phase = self.phase.read().expect("no holder panics");
        match *phase {
            Phase::Open => Ok(self.content.write_all_at(block, offset)?),
            Phase::Completed | Phase::Gone => Err(gone()),
        }
    }

    fn complete(&self, tree: &Tree, parts: u32) -> Attempt {
        let mut phase = self.phase.write().expect("no holder panics");
        match *phase {
            Phase::Open => {}
            Phase::Completed => return Ok(()),
            Phase::Gone => return Err(gone()),
        }
        let len = self.check_parts(parts)?;
        if let Err(error) = self
            .content
            .set_len(len)
            .and_then(|()| self.content.sync_all())
        {
            // What the system still holds of the file after this cannot be trusted.
            *phase = Phase::Gone;
            remove(&self.folder)?;
            return Err(error.into());
        }
        let from = self.folder.join(CONTENT);
        publish(tree, &from, &self.to, self.options.put.mode)?;
        *phase = Phase::Completed;
        remove(&self.folder)
    }

    /// Returns the whole length if all parts are there and have the agreed sizes.
    fn check_parts(&self, parts: u32) -> Attempt<u64> {
        let written = self.parts.lock().expect("no holder panics");
        let mut total = 0;
        for index in 0..parts {
            let len = written.get(&index).copied();
            let is_last = index + 1 == parts;
            match len {
                Some(len) if is_last || len == self.options.part_size => total += len,
                Some(len) => {
                    let reason = format!("part {index} has only {len} bytes");
                    return Err(Failure::new(Class::Invalid, reason));
                }
                None => {
                    let reason = format!("part {index} is missing");
                    return Err(Failure::new(Class::Invalid, reason));
                }
            }
        }
        Ok(total)
    }

    fn abort(&self) -> Attempt {
        let mut phase = self.phase.write().expect("no holder panics");
        if let Phase::Open = *phase {
            *phase = Phase::Gone;
        }
        remove(&self.folder)
    }
}

fn gone() -> Failure {
    Failure::new(Class::Invalid, "the upload is over")
}

fn remove(folder: &Path) -> Attempt {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => Ok(removed?),
    }
}

/// Lists uploads below `prefix` that are not over, by key.
pub(super) fn unfinished(tree: &Tree, prefix: &str) -> Attempt<Vec<UnfinishedUpload>> {
    tree.check_root()?;
    let entries = match fs::read_dir(tree.hidden(UPLOADS)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut uploads = Vec::new();
    for entry in entries {
        uploads.extend(describe(&entry?).filter(|u| u.key.as_str().starts_with(prefix)));
    }
    uploads.sort_unstable_by(|a, b| (&a.key, &a.id).cmp(&(&b.key, &b.id)));
    Ok(uploads)
}

/// Reads what an upload is for; `None` if it ended meanwhile, or is not ours.
fn describe(entry: &fs::DirEntry) -> Option<UnfinishedUpload> {
    let path = entry.path().join(KEY);
    let key = Key::parse(fs::read_to_string(&path).ok()?).ok()?;
    let begun = fs::metadata(&path).ok()?.mtime();
    Some(UnfinishedUpload {
        key,
        id: entry.file_name().into_string().ok()?,
        begun: Timestamp::from_second(begun).ok(),
    })
}

/// Removes what the upload `id` left behind.
pub(super) fn abort_unfinished(tree: &Tree, id: &str) -> Attempt {
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Failure::new(Class::Invalid, "not an id of this store"));
    }
    tree.check_root()?;
    remove(&tree.hidden(UPLOADS).join(id))
}
