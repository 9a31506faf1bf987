//! A store in memory.

use std::{
    collections::BTreeMap,
    fmt,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream, stream::BoxStream};
use jiff::Timestamp;

use super::{
    Capabilities, Class, ETag, Error, GetOptions, Key, Level, Object, ObjectMeta, Operation,
    Payload, PutMode, PutOptions, Result, Store, Tags, UnfinishedUpload, Upload, UploadOptions,
};
use crate::clock::{Clock, SystemClock};

/// A [`Store`] in memory, for examples, tests and simulations; clones share the content.
///
/// It does everything that the contract knows and keeps its own copy of what is put, as a server
/// would, so that no memory budget stays taken.
#[derive(Clone)]
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<Key, Stored>,
    uploads: BTreeMap<u64, Pending>,
    last_id: u64,
}

#[derive(Clone)]
struct Stored {
    bytes: Bytes,
    modified: Timestamp,
    etag: ETag,
    tags: Tags,
}

struct Pending {
    key: Key,
    begun: Timestamp,
    parts: BTreeMap<u32, Bytes>,
}

impl MemoryStore {
    /// Bytes per block of a body: small enough that readers see several.
    const BLOCK: usize = 256 * 1024;

    /// Creates an empty store on the machine's clock.
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// Creates an empty store on `clock`.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            state: Arc::default(),
        }
    }

    /// Returns everything stored now.
    pub fn contents(&self) -> BTreeMap<Key, Bytes> {
        let state = self.state();
        let objects = state.objects.iter();
        objects
            .map(|(key, stored)| (key.clone(), stored.bytes.clone()))
            .collect()
    }

    /// Returns the tags of the object under `key`, if there is one.
    pub fn tags(&self, key: &Key) -> Option<Tags> {
        let state = self.state();
        state.objects.get(key).map(|stored| stored.tags.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the lock panics")
    }

    fn error(&self, class: Class, operation: Operation, reason: &str) -> Error {
        Error::new(class, operation, self, reason)
    }

    fn find(&self, operation: Operation, key: &Key) -> Result<Stored> {
        let found = self.state().objects.get(key).cloned();
        found.ok_or_else(|| {
            self.error(Class::Missing, operation, "no such object")
                .with_key(key)
        })
    }

    fn insert(
        &self,
        state: &mut State,
        operation: Operation,
        key: &Key,
        bytes: Bytes,
        options: &PutOptions,
    ) -> Result<()> {
        if options.mode == PutMode::Create && state.objects.contains_key(key) {
            let error = self.error(Class::Conflict, operation, "the key exists already");
            return Err(error.with_key(key));
        }
        state.last_id += 1;
        let stored = Stored {
            bytes,
            modified: self.clock.now(),
            etag: ETag::new(format!("\"{}\"", state.last_id)),
            tags: options.tags.clone(),
        };
        state.objects.insert(key.clone(), stored);
        Ok(())
    }

    /// Returns the first object under `prefix` at or after `from`.
    fn first(&self, prefix: &str, from: Bound<&str>) -> Option<ObjectMeta> {
        let from = match from {
            Bound::Included(text) | Bound::Excluded(text) if text >= prefix => from,
            _ => Bound::Included(prefix),
        };
        let state = self.state();
        let mut rest = state.objects.range::<str, _>((from, Bound::Unbounded));
        let (key, stored) = rest.next()?;
        let is_inside = key.as_str().starts_with(prefix);
        is_inside.then(|| stored.meta(key.clone()))
    }
}

impl Stored {
    fn meta(&self, key: Key) -> ObjectMeta {
        ObjectMeta {
            key,
            size: self.bytes.len() as u64,
            modified: self.modified,
            etag: Some(self.etag.clone()),
        }
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            create_if_absent: true,
            ordered_list: true,
            tags: true,
            min_part_size: 1,
            max_parts: 10_000,
        }
    }

    async fn put(&self, key: &Key, payload: Payload, options: PutOptions) -> Result<()> {
        let bytes = self.copy(Operation::Put, key, &payload).await?;
        self.insert(&mut self.state(), Operation::Put, key, bytes, &options)
    }

    async fn begin_upload(&self, key: &Key, options: UploadOptions) -> Result<Box<dyn Upload>> {
        let mut state = self.state();
        state.last_id += 1;
        let id = state.last_id;
        let pending = Pending {
            key: key.clone(),
            begun: self.clock.now(),
            parts: BTreeMap::new(),
        };
        state.uploads.insert(id, pending);
        Ok(Box::new(MemoryUpload {
            store: self.clone(),
            id,
            key: key.clone(),
            options,
            completed: Mutex::new(false),
        }))
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Object> {
        let stored = self.find(Operation::Get, key)?;
        let error = |class, reason| self.error(class, Operation::Get, reason).with_key(key);
        if options.if_match.as_ref().is_some_and(|e| *e != stored.etag) {
            return Err(error(Class::Conflict, "the object has changed"));
        }
        let meta = stored.meta(key.clone());
        let wanted = options
            .resolve(meta.size)
            .ok_or_else(|| error(Class::Invalid, "no bytes in that range"))?;
        let mut rest = stored.bytes.slice(index(wanted.start)..index(wanted.end));
        let blocks = std::iter::from_fn(move || {
            let len = rest.len().min(Self::BLOCK);
            (len > 0).then(|| Ok(rest.split_to(len)))
        });
        let body = stream::iter(blocks).boxed();
        Ok(Object { meta, body })
    }

    async fn head(&self, key: &Key) -> Result<ObjectMeta> {
        let stored = self.find(Operation::Head, key)?;
        Ok(stored.meta(key.clone()))
    }

    fn list(
        &self,
        prefix: &str,
        start_after: Option<&str>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let store = self.clone();
        let prefix = prefix.to_owned();
        let mut after = start_after.map(str::to_owned);
        let objects = std::iter::from_fn(move || {
            let from = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let meta = store.first(&prefix, from)?;
            after = Some(meta.key.to_string());
            Some(Ok(meta))
        });
        stream::iter(objects).boxed()
    }

    async fn list_level(&self, prefix: &str) -> Result<Level> {
        let mut level = Level::default();
        let mut from = Bound::Unbounded;
        while let Some(meta) = self.first(prefix, from.as_ref().map(String::as_str)) {
            let key = meta.key.as_str();
            if let Some(slash) = key[prefix.len()..].find('/') {
                let folder = &key[..prefix.len() + slash];
                // `0` is the character after `/`: the first key behind the folder.
                from = Bound::Included(format!("{folder}0"));
                level.prefixes.push(format!("{folder}/"));
            } else {
                from = Bound::Excluded(key.to_owned());
                level.objects.push(meta);
            }
        }
        Ok(level)
    }

    async fn delete(&self, keys: &[Key]) -> Vec<Result<()>> {
        let mut state = self.state();
        for key in keys {
            state.objects.remove(key);
        }
        vec![Ok(()); keys.len()]
    }

    async fn unfinished_uploads(&self, prefix: &str) -> Result<Vec<UnfinishedUpload>> {
        let state = self.state();
        let uploads = state.uploads.iter();
        Ok(uploads
            .filter(|(_, pending)| pending.key.as_str().starts_with(prefix))
            .map(|(id, pending)| UnfinishedUpload {
                key: pending.key.clone(),
                id: id.to_string(),
                begun: Some(pending.begun),
            })
            .collect())
    }

    async fn abort_unfinished(&self, upload: &UnfinishedUpload) -> Result<()> {
        let id = upload.id.parse::<u64>().map_err(|error| {
            self.error(Class::Invalid, Operation::Abort, "not an id of this store")
                .with_key(&upload.key)
                .with_source(error)
        })?;
        self.state().uploads.remove(&id);
        Ok(())
    }
}

impl MemoryStore {
    async fn copy(&self, operation: Operation, key: &Key, payload: &Payload) -> Result<Bytes> {
        let bytes = payload.read(0..payload.len()).await.map_err(|error| {
            self.error(Class::Invalid, operation, "the payload cannot be read")
                .with_key(key)
                .with_source(error)
        })?;
        Ok(Bytes::copy_from_slice(&bytes))
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory")
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("objects", &self.state().objects.len())
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct MemoryUpload {
    store: MemoryStore,
    id: u64,
    key: Key,
    options: UploadOptions,
    completed: Mutex<bool>,
}

impl MemoryUpload {
    fn error(&self, operation: Operation, reason: &str) -> Error {
        let error = self.store.error(Class::Invalid, operation, reason);
        error.with_key(&self.key)
    }

    /// Joins the parts, after checking what a server would check.
    fn join(&self, pending: &Pending, parts: u32) -> Result<Bytes> {
        let mut whole = BytesMut::new();
        for index in 0..parts {
            let part = pending.parts.get(&index).ok_or_else(|| {
                self.error(Operation::Complete, &format!("part {index} is missing"))
            })?;
            let len = part.len() as u64;
            let is_last = index + 1 == parts;
            if len > self.options.part_size || (!is_last && len != self.options.part_size) {
                let reason = format!("part {index} has {len} bytes");
                return Err(self.error(Operation::Complete, &reason));
            }
            whole.extend_from_slice(part);
        }
        Ok(whole.freeze())
    }
}

#[async_trait]
impl Upload for MemoryUpload {
    async fn put_part(&self, index: u32, payload: Payload) -> Result<()> {
        let copying = self.store.copy(Operation::PutPart, &self.key, &payload);
        let bytes = copying.await?;
        let mut state = self.store.state();
        let pending = state
            .uploads
            .get_mut(&self.id)
            .ok_or_else(|| self.error(Operation::PutPart, "no such upload"))?;
        pending.parts.insert(index, bytes);
        Ok(())
    }

    async fn complete(&self, parts: u32) -> Result<()> {
        let mut state = self.store.state();
        let mut completed = self.completed.lock().expect("no holder panics");
        if *completed {
            return Ok(());
        }
        let pending = state
            .uploads
            .get(&self.id)
            .ok_or_else(|| self.error(Operation::Complete, "no such upload"))?;
        let bytes = self.join(pending, parts)?;
        let (store, key) = (&self.store, &self.key);
        store.insert(
            &mut state,
            Operation::Complete,
            key,
            bytes,
            &self.options.put,
        )?;
        state.uploads.remove(&self.id);
        *completed = true;
        Ok(())
    }

    async fn abort(&self) -> Result<()> {
        self.store.state().uploads.remove(&self.id);
        Ok(())
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).expect("an offset into bytes in memory")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::TokioClock,
        store::{StoreExt, conformance},
    };

    #[tokio::test]
    async fn keeps_the_contract() {
        conformance::run(&MemoryStore::new(), "some/where/")
            .await
            .unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn objects_have_the_clock_s_time_and_their_tags() {
        let epoch = Timestamp::from_second(1_795_000_000).unwrap();
        let store = MemoryStore::with_clock(Arc::new(TokioClock::starting_at(epoch)));
        let key = Key::parse("a").unwrap();
        let tags = Tags::from_iter([("kind".to_owned(), "wal".to_owned())]);
        let options = PutOptions::create().with_tags(tags.clone());

        tokio::time::advance(std::time::Duration::from_secs(5)).await;
        store
            .put_bytes(&key, Bytes::from_static(b"x"), options)
            .await
            .unwrap();

        let modified = store.head(&key).await.unwrap().modified;
        assert_eq!(modified.as_second(), epoch.as_second() + 5);
        assert_eq!(store.tags(&key), Some(tags));
        assert_eq!(store.contents()[&key], "x");
    }

    #[tokio::test]
    async fn parts_must_have_the_agreed_size() {
        let store = MemoryStore::new();
        let key = Key::parse("a").unwrap();
        let options = UploadOptions {
            part_size: 2,
            put: PutOptions::default(),
        };
        let upload = store.begin_upload(&key, options).await.unwrap();
        for index in 0..2 {
            let part = Payload::new(Bytes::from_static(b"x"));
            upload.put_part(index, part).await.unwrap();
        }

        let error = upload.complete(2).await.unwrap_err();
        assert_eq!(error.class(), Class::Invalid);
        upload.complete(1).await.unwrap();
    }
}
