//! A store of one's own, held to walcast's contract.
//!
//! Anything that keeps bytes under keys can be a destination: implement [`Store`], then let the
//! conformance suite say what is left to do.
//!
//! ```sh
//! cargo run --example custom_store --features test-util
//! ```
#![expect(clippy::print_stdout, reason = "an example talks")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use futures_util::{StreamExt, stream, stream::BoxStream};
use jiff::Timestamp;
use walcast::store::{
    Capabilities, Class, ETag, Error, GetOptions, Key, Level, Object, ObjectMeta, Operation,
    Payload, PutMode, PutOptions, Result, Store, UnfinishedUpload, Upload, UploadOptions,
    conformance,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), conformance::Failure> {
    let drawer = Drawer::default();
    for check in conformance::CHECKS {
        check.run(&drawer, "conformance/").await?;
        println!("ok  {}", check.claim().text);
    }
    Ok(())
}

/// Keeps payloads in a map; one of yours sends them somewhere.
#[derive(Clone, Debug, Default)]
struct Drawer(Arc<Mutex<BTreeMap<Key, Payload>>>);

#[async_trait]
impl Store for Drawer {
    // What a store cannot do is said here, and then not asked of it.
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            create_if_absent: true,
            ordered_list: true,
            tags: false,
            min_part_size: 1,
            max_parts: 1000,
        }
    }

    async fn put(&self, key: &Key, payload: Payload, options: PutOptions) -> Result<()> {
        let mut objects = self.0.lock().expect("no holder panics");
        if options.mode == PutMode::Create && objects.contains_key(key) {
            return Err(self.fail(Class::Conflict, Operation::Put, key));
        }
        objects.insert(key.clone(), payload);
        Ok(())
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Object> {
        let fail = |class| self.fail(class, Operation::Get, key);
        let payload = self.find(key, Operation::Get)?;
        let meta = meta(key, &payload);
        if options.if_match.is_some() && options.if_match != meta.etag {
            return Err(fail(Class::Conflict));
        }
        let wanted = options.resolve(meta.size);
        let bytes = payload.read(wanted.ok_or_else(|| fail(Class::Invalid))?);
        let bytes = bytes.await.map_err(|_| fail(Class::Transient))?;
        let body = stream::iter([Ok(bytes)]).boxed();
        Ok(Object { meta, body })
    }

    async fn head(&self, key: &Key) -> Result<ObjectMeta> {
        Ok(meta(key, &self.find(key, Operation::Head)?))
    }

    fn list(&self, prefix: &str, after: Option<&str>) -> BoxStream<'static, Result<ObjectMeta>> {
        let mut listed = self.below(prefix);
        listed.retain(|meta| after.is_none_or(|after| meta.key.as_str() > after));
        stream::iter(listed.into_iter().map(Ok)).boxed()
    }

    async fn list_level(&self, prefix: &str) -> Result<Level> {
        let mut objects = Vec::new();
        let mut prefixes = BTreeSet::new();
        for meta in self.below(prefix) {
            match meta.key.as_str()[prefix.len()..].split_once('/') {
                Some((folder, _)) => drop(prefixes.insert(format!("{prefix}{folder}/"))),
                None => objects.push(meta),
            }
        }
        let prefixes = prefixes.into_iter().collect();
        Ok(Level { objects, prefixes })
    }

    async fn delete(&self, keys: &[Key]) -> Vec<Result<()>> {
        let mut objects = self.0.lock().expect("no holder panics");
        objects.retain(|key, _| !keys.contains(key));
        vec![Ok(()); keys.len()]
    }

    async fn begin_upload(&self, key: &Key, options: UploadOptions) -> Result<Box<dyn Upload>> {
        Ok(Box::new(DrawerUpload {
            drawer: self.clone(),
            key: key.clone(),
            options: options.put,
            parts: Mutex::default(),
            is_complete: Mutex::default(),
        }))
    }

    // Nothing of a dropped upload stays here, so there is nothing to list.
    async fn unfinished_uploads(&self, _prefix: &str) -> Result<Vec<UnfinishedUpload>> {
        let (class, operation) = (Class::Invalid, Operation::ListUploads);
        Err(Error::new(class, operation, self, "uploads are not listed"))
    }

    async fn abort_unfinished(&self, _upload: &UnfinishedUpload) -> Result<()> {
        Ok(())
    }
}

impl Drawer {
    fn find(&self, key: &Key, operation: Operation) -> Result<Payload> {
        let objects = self.0.lock().expect("no holder panics");
        let found = objects.get(key).cloned();
        found.ok_or_else(|| self.fail(Class::Missing, operation, key))
    }

    fn below(&self, prefix: &str) -> Vec<ObjectMeta> {
        let objects = self.0.lock().expect("no holder panics");
        let below = objects
            .iter()
            .filter(|(key, _)| key.as_str().starts_with(prefix));
        below.map(|(key, payload)| meta(key, payload)).collect()
    }

    // Callers decide by the class of an error alone, so it has to be right.
    fn fail(&self, class: Class, operation: Operation, key: &Key) -> Error {
        Error::new(class, operation, self, class.to_string()).with_key(key)
    }
}

fn meta(key: &Key, payload: &Payload) -> ObjectMeta {
    ObjectMeta {
        key: key.clone(),
        size: payload.len(),
        modified: Timestamp::UNIX_EPOCH,
        etag: Some(ETag::new(payload.sha256().to_string())),
    }
}

impl fmt::Display for Drawer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("drawer")
    }
}

#[derive(Debug)]
struct DrawerUpload {
    drawer: Drawer,
    key: Key,
    options: PutOptions,
    parts: Mutex<BTreeMap<u32, Payload>>,
    is_complete: Mutex<bool>,
}

#[async_trait]
impl Upload for DrawerUpload {
    async fn put_part(&self, index: u32, payload: Payload) -> Result<()> {
        let mut parts = self.parts.lock().expect("no holder panics");
        parts.insert(index, payload);
        Ok(())
    }

    async fn complete(&self, parts: u32) -> Result<()> {
        if *self.is_complete.lock().expect("no holder panics") {
            return Ok(());
        }
        let fail = |class| self.drawer.fail(class, Operation::Complete, &self.key);
        let mut whole = Vec::new();
        for index in 0..parts {
            let part = self.part(index).ok_or_else(|| fail(Class::Invalid))?;
            let bytes = part.read(0..part.len()).await;
            whole.extend_from_slice(&bytes.map_err(|_| fail(Class::Transient))?);
        }
        let put = self
            .drawer
            .put(&self.key, Payload::new(whole), self.options.clone());
        put.await?;
        *self.is_complete.lock().expect("no holder panics") = true;
        Ok(())
    }

    async fn abort(&self) -> Result<()> {
        self.parts.lock().expect("no holder panics").clear();
        Ok(())
    }
}

impl DrawerUpload {
    fn part(&self, index: u32) -> Option<Payload> {
        let parts = self.parts.lock().expect("no holder panics");
        parts.get(&index).cloned()
    }
}
