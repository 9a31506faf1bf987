//! Conveniences over every store.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;

use super::{
    Class, Error, GetOptions, Key, Object, ObjectMeta, Operation, Payload, PutOptions, Result,
    Store,
};

/// What can be said shorter of any [`Store`]. Small objects only: everything is held in memory.
#[async_trait]
pub trait StoreExt: Store {
    /// Reads a whole object of at most `limit` bytes; [`Class::Invalid`] if it is larger, and
    /// [`Class::Transient`] if the store returned less than it announced.
    async fn get_bytes(&self, key: &Key, limit: u64) -> Result<Bytes> {
        let object = self.get(key, GetOptions::default()).await?;
        let error = |class, reason| Error::new(class, Operation::Get, &self, reason).with_key(key);
        let size = object.meta.size;
        if size > limit {
            let reason = format!("{size} bytes are more than the expected {limit}");
            return Err(error(Class::Invalid, reason));
        }
        let bytes = collect(object).await?;
        if bytes.len() as u64 == size {
            return Ok(bytes);
        }
        let reason = format!("{} of {size} bytes were returned", bytes.len());
        Err(error(Class::Transient, reason))
    }

    /// Stores `bytes`, hashing them on the calling thread.
    async fn put_bytes(&self, key: &Key, bytes: Bytes, options: PutOptions) -> Result<()> {
        self.put(key, Payload::new(bytes), options).await
    }

    /// Returns whether there is an object under `key`.
    async fn exists(&self, key: &Key) -> Result<bool> {
        match self.head(key).await {
            Ok(_) => Ok(true),
            Err(error) if error.class() == Class::Missing => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes one key; a missing one is a success.
    async fn delete_one(&self, key: &Key) -> Result<()> {
        let results = self.delete(std::slice::from_ref(key)).await;
        results.into_iter().collect()
    }

    /// Lists everything below `prefix` into memory.
    async fn list_all(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        self.list(prefix, None).try_collect().await
    }
}

impl<S: Store + ?Sized> StoreExt for S {}

/// Reads a body to its end, without more than the announced size plus one block.
async fn collect(mut object: Object) -> Result<Bytes> {
    let Some(first) = object.body.try_next().await? else {
        return Ok(Bytes::new());
    };
    if first.len() as u64 >= object.meta.size {
        return Ok(first);
    }
    let mut bytes = BytesMut::from(&*first);
    while let Some(block) = object.body.try_next().await? {
        bytes.extend_from_slice(&block);
        if bytes.len() as u64 > object.meta.size {
            break;
        }
    }
    Ok(bytes.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;

    #[tokio::test]
    async fn get_bytes_refuses_more_than_the_limit() {
        let store = MemoryStore::new();
        let key = Key::parse("a").unwrap();
        let content = Bytes::from(vec![7; 600_000]);
        store
            .put_bytes(&key, content.clone(), PutOptions::create())
            .await
            .unwrap();

        let error = store.get_bytes(&key, 599_999).await.unwrap_err();
        assert_eq!(error.class(), Class::Invalid);
        assert_eq!(
            error.to_string(),
            "get a in memory: 600000 bytes are more than the expected 599999"
        );
        assert_eq!(store.get_bytes(&key, 600_000).await.unwrap(), content);
    }

    #[tokio::test]
    async fn exists_and_delete_one_take_absence_for_an_answer() {
        let store = MemoryStore::new();
        let key = Key::parse("a").unwrap();
        assert!(!store.exists(&key).await.unwrap());
        store.delete_one(&key).await.unwrap();

        store
            .put_bytes(&key, Bytes::new(), PutOptions::default())
            .await
            .unwrap();

        assert!(store.exists(&key).await.unwrap());
        assert_eq!(store.list_all("").await.unwrap().len(), 1);
        store.delete_one(&key).await.unwrap();
        assert!(!store.exists(&key).await.unwrap());
    }
}
