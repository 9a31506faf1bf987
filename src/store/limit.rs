//! A bound on the requests that a store has to serve at once.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures_util::{StreamExt, stream, stream::BoxStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    Capabilities, GetOptions, Key, Level, Object, ObjectMeta, Payload, PutOptions, Result, Store,
    UnfinishedUpload, Upload, UploadOptions,
};

/// Lets at most a fixed number of requests run at the same time; the others wait, first come
/// first served.
///
/// A request for an object runs until its body is read or dropped: whoever reads one body while
/// waiting for another request needs a limit of two. A listing counts while it fetches, not while
/// its items are looked at; it may have one page more under way than the limit.
#[derive(Debug)]
pub struct Limit {
    inner: Arc<dyn Store>,
    requests: Requests,
}

impl Limit {
    /// Bounds `inner` to `requests` at once, at least one.
    pub fn new(inner: Arc<dyn Store>, requests: usize) -> Self {
        let requests = requests.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            inner,
            requests: Requests(Arc::new(Semaphore::new(requests))),
        }
    }

    /// Returns how many more requests could begin now.
    pub fn available(&self) -> usize {
        self.requests.0.available_permits()
    }
}

#[derive(Clone, Debug)]
struct Requests(Arc<Semaphore>);

impl Requests {
    async fn begin(&self) -> OwnedSemaphorePermit {
        let semaphore = Arc::clone(&self.0);
        let permit = semaphore.acquire_owned().await;
        permit.expect("the semaphore is never closed")
    }
}

#[async_trait]
impl Store for Limit {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn put(&self, key: &Key, payload: Payload, options: PutOptions) -> Result<()> {
        let _request = self.requests.begin().await;
        self.inner.put(key, payload, options).await
    }

    async fn begin_upload(&self, key: &Key, options: UploadOptions) -> Result<Box<dyn Upload>> {
        let _request = self.requests.begin().await;
        let inner = self.inner.begin_upload(key, options).await?;
        let requests = self.requests.clone();
        Ok(Box::new(LimitedUpload { inner, requests }))
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Object> {
        let request = self.requests.begin().await;
        let Object { meta, body } = self.inner.get(key, options).await?;
        let body = stream::unfold((body, request), |(mut body, request)| async move {
            let block = body.next().await?;
            Some((block, (body, request)))
        });
        Ok(Object {
            meta,
            body: body.boxed(),
        })
    }

    async fn head(&self, key: &Key) -> Result<ObjectMeta> {
        let _request = self.requests.begin().await;
        self.inner.head(key).await
    }

    fn list(
        &self,
        prefix: &str,
        start_after: Option<&str>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        const PAGE: usize = 1000;
        let pages = self.inner.list(prefix, start_after).ready_chunks(PAGE);
        let requests = self.requests.clone();
        stream::unfold((pages, requests), |(mut pages, requests)| async move {
            let request = requests.begin().await;
            let page = pages.next().await?;
            drop(request);
            Some((stream::iter(page), (pages, requests)))
        })
        .flatten()
        .boxed()
    }

    async fn list_level(&self, prefix: &str) -> Result<Level> {
        let _request = self.requests.begin().await;
        self.inner.list_level(prefix).await
    }

    async fn delete(&self, keys: &[Key]) -> Vec<Result<()>> {
        let _request = self.requests.begin().await;
        self.inner.delete(keys).await
    }

    async fn unfinished_uploads(&self, prefix: &str) -> Result<Vec<UnfinishedUpload>> {
        let _request = self.requests.begin().await;
        self.inner.unfinished_uploads(prefix).await
    }

    async fn abort_unfinished(&self, upload: &UnfinishedUpload) -> Result<()> {
        let _request = self.requests.begin().await;
        self.inner.abort_unfinished(upload).await
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[derive(Debug)]
struct LimitedUpload {
    inner: Box<dyn Upload>,
    requests: Requests,
}

#[async_trait]
impl Upload for LimitedUpload {
    async fn put_part(&self, index: u32, payload: Payload) -> Result<()> {
        let _request = self.requests.begin().await;
        self.inner.put_part(index, payload).await
    }

    async fn complete(&self, parts: u32) -> Result<()> {
        let _request = self.requests.begin().await;
        self.inner.complete(parts).await
    }

    async fn abort(&self) -> Result<()> {
        let _request = self.requests.begin().await;
        self.inner.abort().await
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::{FutureExt, TryStreamExt};

    use super::*;
    use crate::store::{MemoryStore, StoreExt, conformance};

    #[tokio::test]
    async fn keeps_the_contract() {
        let store = Limit::new(Arc::new(MemoryStore::new()), 1);
        conformance::run(&store, "some/where/").await.unwrap();
    }

    #[tokio::test]
    async fn a_request_lasts_until_its_body_is_read_or_dropped() {
        let store = with_one_object().await;
        let key = Key::parse("a").unwrap();

        let object = store.get(&key, GetOptions::default()).await.unwrap();
        assert!(store.head(&key).now_or_never().is_none());
        drop(object);
        store.head(&key).now_or_never().unwrap().unwrap();

        let object = store.get(&key, GetOptions::default()).await.unwrap();
        let mut body = object.body;
        while body.try_next().await.unwrap().is_some() {}
        assert_eq!(store.available(), 1);
    }

    #[tokio::test]
    async fn a_listing_does_not_block_work_on_its_items() {
        let store = with_one_object().await;
        let mut listing = store.list("", None);

        let meta = listing.try_next().await.unwrap().unwrap();

        store.get_bytes(&meta.key, 1).await.unwrap();
        assert_eq!(listing.try_next().await.unwrap(), None);
    }

    async fn with_one_object() -> Limit {
        let store = Limit::new(Arc::new(MemoryStore::new()), 1);
        let key = Key::parse("a").unwrap();
        let bytes = Bytes::from_static(b"x");
        store
            .put_bytes(&key, bytes, PutOptions::default())
            .await
            .unwrap();
        store
    }
}
