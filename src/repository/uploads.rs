//! The objects of a base backup on their way into a store.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use futures_util::TryStreamExt;
use jiff::Timestamp;
use tokio::sync::OnceCell;

use super::{Error, ObjectName, Result};
use crate::store::{
    Class, Key, Payload, PutOptions, Store, Tags, UnfinishedUpload, Upload, UploadOptions,
};

/// The objects of one base backup: begun, complete, or given up.
pub(super) struct Uploads {
    pub store: Arc<dyn Store>,
    /// As errors call it.
    pub repository: String,
    /// What the keys of all objects begin with.
    pub prefix: String,
    /// In bytes.
    pub part_size: u64,
    pub tags: Tags,
    objects: Mutex<BTreeMap<ObjectName, Arc<Object>>>,
}

/// An object on its way.
#[derive(Debug, Default)]
struct Object {
    upload: OnceCell<Box<dyn Upload>>,
    /// The only part, as long as there is no other: such an object is put as it is.
    single: Mutex<Option<Payload>>,
    /// The last part so far, and its size in bytes.
    last: Mutex<(u32, u64)>,
    /// Size of the whole, in bytes, once it is.
    size: OnceLock<u64>,
}

impl Uploads {
    /// Creates it without objects.
    pub(super) fn new(
        store: Arc<dyn Store>,
        repository: String,
        prefix: String,
        part_size: u64,
        tags: Tags,
    ) -> Self {
        Self {
            store,
            repository,
            prefix,
            part_size,
            tags,
            objects: Mutex::default(),
        }
    }

    pub(super) async fn put_part(
        &self,
        name: &ObjectName,
        index: u32,
        payload: Payload,
    ) -> Result<()> {
        let object = Arc::clone(self.lock().entry(name.clone()).or_default());
        let part = (index, payload.len());
        if index == 0 && payload.len() < self.part_size {
            *lock(&object.single) = Some(payload);
        } else {
            let upload = self.upload(name, &object).await?;
            upload.put_part(index, payload).await?;
        }
        let mut last = lock(&object.last);
        *last = part.max(*last);
        Ok(())
    }

    pub(super) async fn complete(&self, name: &ObjectName, parts: u32) -> Result<()> {
        let object = Arc::clone(self.lock().entry(name.clone()).or_default());
        let single = lock(&object.single).clone();
        if let Some(payload) = single {
            let key = self.key(name)?;
            self.store.put(&key, payload, self.options()).await?;
            *lock(&object.single) = None;
        } else if object.size.get().is_none() {
            let upload = self.upload(name, &object).await?;
            upload.complete(parts).await?;
        }
        let (index, len) = *lock(&object.last);
        let _ = object.size.set(u64::from(index) * self.part_size + len);
        Ok(())
    }

    /// Removes the parts of an object that is not complete.
    pub(super) async fn discard(&self, name: &ObjectName) -> Result<()> {
        let object = self.lock().get(name).cloned();
        if let Some(upload) = object.as_ref().and_then(|object| object.upload.get()) {
            upload.abort().await?;
        }
        self.lock().remove(name);
        Ok(())
    }

    /// Aborts what is not complete, and returns the keys of everything.
    pub(super) async fn abort(&self) -> Result<Vec<Key>> {
        let objects = std::mem::take(&mut *self.lock());
        let mut keys = Vec::new();
        for (name, object) in objects {
            if let Some(upload) = object.upload.get() {
                upload.abort().await?;
            }
            keys.push(self.key(&name)?);
        }
        Ok(keys)
    }

    /// Checks that every object is there and has the size that was sent.
    pub(super) async fn check(&self) -> Result<()> {
        let mut expected: HashMap<Key, Option<u64>> = {
            let objects = self.lock();
            let sizes = objects.iter();
            let sizes =
                sizes.map(|(name, object)| Ok((self.key(name)?, object.size.get().copied())));
            sizes.collect::<Result<_>>()?
        };
        let mut listed = self.store.list(&self.prefix, None);
        while let Some(found) = listed.try_next().await? {
            match expected.remove(&found.key) {
                Some(size) if size != Some(found.size) => {
                    let reason = format!("it has {} bytes, not what was sent", found.size);
                    return Err(self.damaged(found.key, reason));
                }
                _ => {}
            }
        }
        match expected.into_keys().min() {
            Some(key) => Err(self.damaged(key, "it was sent, and is not there".to_owned())),
            None => Ok(()),
        }
    }

    pub(super) fn key(&self, name: &ObjectName) -> Result<Key> {
        Key::parse(format!("{}{name}", self.prefix)).map_err(Error::of_key(&self.repository))
    }

    async fn upload<'a>(&self, name: &ObjectName, object: &'a Object) -> Result<&'a dyn Upload> {
        let begin = || async {
            let options = UploadOptions {
                part_size: self.part_size,
                put: self.options(),
            };
            let key = self.key(name)?;
            Ok::<_, Error>(self.store.begin_upload(&key, options).await?)
        };
        let upload = object.upload.get_or_try_init(begin).await?;
        Ok(&**upload)
    }

    fn options(&self) -> PutOptions {
        PutOptions::default().with_tags(self.tags.clone())
    }

    fn damaged(&self, key: Key, reason: String) -> Error {
        Error::Damaged {
            repository: self.repository.clone(),
            key,
            reason,
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ObjectName, Arc<Object>>> {
        lock(&self.objects)
    }
}

impl fmt::Debug for Uploads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uploads")
            .field("repository", &self.repository)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns uploads that did not end; none where the store cannot tell.
pub(super) async fn uploads_below(
    store: &dyn Store,
    folder: &str,
) -> Result<Vec<UnfinishedUpload>> {
    match store.unfinished_uploads(folder).await {
        Err(error) if error.class() == Class::Invalid => Ok(Vec::new()),
        uploads => Ok(uploads?),
    }
}

/// Returns when something was last written below a folder, or begun.
pub(super) async fn last_touched(store: &dyn Store, folder: &str) -> Result<Timestamp> {
    let mut objects = store.list(folder, None);
    let mut touched = Timestamp::MIN;
    while let Some(object) = objects.try_next().await? {
        touched = touched.max(object.modified);
    }
    let uploads = uploads_below(store, folder).await?;
    let begun = uploads.iter().filter_map(|upload| upload.begun);
    Ok(begun.fold(touched, Timestamp::max))
}

/// Aborts uploads that did not end, also those whose begin was never answered.
pub(super) async fn abort_below(store: &dyn Store, folder: &str) -> Result<()> {
    for upload in uploads_below(store, folder).await? {
        store.abort_unfinished(&upload).await?;
    }
    Ok(())
}

/// Deletes everything below `folder`, the object `last` when all others are gone.
pub(super) async fn delete_below(store: &dyn Store, folder: &str, last: &str) -> Result<()> {
    let objects: Vec<_> = store.list(folder, None).try_collect().await?;
    let keys = objects.into_iter().map(|object| object.key);
    let is_last = |key: &Key| key.as_str().strip_prefix(folder) == Some(last);
    let (last, others): (Vec<_>, Vec<_>) = keys.partition(is_last);
    delete_all(store, &others).await?;
    delete_all(store, &last).await
}

/// Deletes objects; the first one that could not be is the error.
pub(super) async fn delete_all(store: &dyn Store, keys: &[Key]) -> Result<()> {
    let deleted = store.delete(keys).await;
    let all: std::result::Result<Vec<()>, _> = deleted.into_iter().collect();
    Ok(all.map(drop)?)
}
