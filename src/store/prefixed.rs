//! A store below a prefix of another.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures_util::{TryStreamExt, stream::BoxStream};

use super::{
    Capabilities, Class, Error, GetOptions, Key, Level, Object, ObjectMeta, Operation, Payload,
    PutOptions, Result, Store, UnfinishedUpload, Upload, UploadOptions,
};

/// Gives every key of a store the same prefix, and takes it away from what is listed.
///
/// Errors of the inner store name the whole key, as the storage product knows it.
#[derive(Debug)]
pub struct Prefixed {
    inner: Arc<dyn Store>,
    prefix: Arc<str>,
}

impl Prefixed {
    /// Puts `inner` below the folder `prefix`, glued to the keys with exactly one `/` whatever
    /// slashes surround it; an empty prefix is none.
    pub fn new(inner: Arc<dyn Store>, prefix: &str) -> Self {
        let prefix = match prefix.trim_matches('/') {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        Self {
            inner,
            prefix: prefix.into(),
        }
    }

    /// Returns the prefix: empty, or ending in `/`.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    fn outer_text(&self, text: &str) -> String {
        format!("{}{text}", self.prefix)
    }

    fn outer(&self, operation: Operation, key: &Key) -> Result<Key> {
        Key::parse(self.outer_text(key.as_str())).map_err(|error| {
            Error::new(Class::Invalid, operation, self, "the whole key is too long")
                .with_key(key)
                .with_source(error)
        })
    }
}

/// Takes the prefix from a listed key; `None` for one that the store should not have listed.
fn strip(prefix: &str, key: &Key) -> Option<Key> {
    let rest = key.as_str().strip_prefix(prefix)?;
    Key::parse(rest).ok()
}

fn strip_meta(prefix: &str, meta: ObjectMeta) -> Option<ObjectMeta> {
    let key = strip(prefix, &meta.key)?;
    Some(ObjectMeta { key, ..meta })
}

#[async_trait]
impl Store for Prefixed {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn put(&self, key: &Key, payload: Payload, options: PutOptions) -> Result<()> {
        let key = self.outer(Operation::Put, key)?;
        self.inner.put(&key, payload, options).await
    }

    async fn begin_upload(&self, key: &Key, options: UploadOptions) -> Result<Box<dyn Upload>> {
        let key = self.outer(Operation::BeginUpload, key)?;
        self.inner.begin_upload(&key, options).await
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Object> {
        let outer = self.outer(Operation::Get, key)?;
        let Object { meta, body } = self.inner.get(&outer, options).await?;
        let meta = ObjectMeta {
            key: key.clone(),
            ..meta
        };
        Ok(Object { meta, body })
    }

    async fn head(&self, key: &Key) -> Result<ObjectMeta> {
        let outer = self.outer(Operation::Head, key)?;
        let meta = self.inner.head(&outer).await?;
        Ok(ObjectMeta {
            key: key.clone(),
            ..meta
        })
    }

    fn list(
        &self,
        prefix: &str,
        start_after: Option<&str>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let start_after = start_after.map(|text| self.outer_text(text));
        let stripped = Arc::clone(&self.prefix);
        let listing = self
            .inner
            .list(&self.outer_text(prefix), start_after.as_deref())
            .try_filter_map(move |meta| {
                let meta = strip_meta(&stripped, meta);
                async move { Ok(meta) }
            });
        Box::pin(listing)
    }

    async fn list_level(&self, prefix: &str) -> Result<Level> {
        let level = self.inner.list_level(&self.outer_text(prefix)).await?;
        let objects = level.objects.into_iter();
        let prefixes = level.prefixes.iter();
        Ok(Level {
            objects: objects
                .filter_map(|meta| strip_meta(&self.prefix, meta))
                .collect(),
            prefixes: prefixes
                .filter_map(|text| text.strip_prefix(&*self.prefix))
                .map(str::to_owned)
                .collect(),
        })
    }

    async fn delete(&self, keys: &[Key]) -> Vec<Result<()>> {
        let outer = keys.iter().map(|key| self.outer(Operation::Delete, key));
        let outer = outer.collect::<Vec<_>>();
        let valid = outer.iter().flatten().cloned().collect::<Vec<_>>();
        let mut deleted = self.inner.delete(&valid).await.into_iter();
        let result = |key: Result<Key>| {
            key?;
            deleted.next().expect("a store answers for each key")
        };
        outer.into_iter().map(result).collect()
    }

    async fn unfinished_uploads(&self, prefix: &str) -> Result<Vec<UnfinishedUpload>> {
        let prefix = self.outer_text(prefix);
        let uploads = self.inner.unfinished_uploads(&prefix).await?;
        let strip_upload = |upload: UnfinishedUpload| {
            let key = strip(&self.prefix, &upload.key)?;
            Some(UnfinishedUpload { key, ..upload })
        };
        Ok(uploads.into_iter().filter_map(strip_upload).collect())
    }

    async fn abort_unfinished(&self, upload: &UnfinishedUpload) -> Result<()> {
        let key = self.outer(Operation::Abort, &upload.key)?;
        let upload = UnfinishedUpload {
            key,
            ..upload.clone()
        };
        self.inner.abort_unfinished(&upload).await
    }
}

impl fmt::Display for Prefixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.inner, self.prefix.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::store::{MemoryStore, StoreExt, conformance};

    #[tokio::test]
    async fn keeps_the_contract() {
        for prefix in ["a/b", ""] {
            let store = Prefixed::new(Arc::new(MemoryStore::new()), prefix);
            conformance::run(&store, "some/where/").await.unwrap();
        }
    }

    #[tokio::test]
    async fn one_slash_glues_whatever_slashes_there_are() {
        let key = Key::parse("c").unwrap();
        for prefix in ["a/b", "/a/b", "a/b/", "//a/b//"] {
            let memory = MemoryStore::new();
            let store = Prefixed::new(Arc::new(memory.clone()), prefix);
            store
                .put_bytes(&key, Bytes::new(), PutOptions::default())
                .await
                .unwrap();

            let keys = memory.contents().into_keys().collect::<Vec<_>>();
            assert_eq!(keys, [Key::parse("a/b/c").unwrap()], "{prefix}");
            assert_eq!(store.prefix(), "a/b/");
            assert_eq!(store.to_string(), "memory/a/b");
        }
    }

    #[tokio::test]
    async fn a_key_too_long_with_its_prefix_fails_alone() {
        let store = Prefixed::new(Arc::new(MemoryStore::new()), "prefix");
        let long = Key::parse("x".repeat(1020)).unwrap();
        let short = Key::parse("x").unwrap();

        let results = store.delete(&[short.clone(), long, short]).await;

        let classes = results
            .into_iter()
            .map(|result| result.map_err(|error| error.class()));
        let expected = [Ok(()), Err(Class::Invalid), Ok(())];
        assert_eq!(classes.collect::<Vec<_>>(), expected);
    }
}
