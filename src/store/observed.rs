//! What a store is asked and how it answers.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream::BoxStream};
use tokio::time::Instant;
use tracing::debug;

use super::{
    Capabilities, Class, Counters, GetOptions, Key, Level, Object, ObjectMeta, Operation, Payload,
    PutOptions, Result, Store, UnfinishedUpload, Upload, UploadOptions,
};

/// Counts the requests to a store and reports each as a `tracing` event of level debug, with the
/// fields `store`, `operation`, `key`, `bytes`, `elapsed` and `class` (of an error).
///
/// The request for an object ends with its body, a listing with its last item, and either also
/// when it is dropped. Any other request that is dropped counts as an error of class
/// [`Cancelled`](Class::Cancelled).
#[derive(Debug)]
pub struct Observed {
    inner: Arc<dyn Store>,
    counters: Counters,
}

impl Observed {
    /// Observes `inner`.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self::with_counters(inner, Counters::default())
    }

    /// Observes `inner` with counters that other stores may share.
    pub fn with_counters(inner: Arc<dyn Store>, counters: Counters) -> Self {
        Self { inner, counters }
    }

    /// Returns the counters, which go on counting.
    pub fn counters(&self) -> Counters {
        self.counters.clone()
    }

    fn begin(&self, operation: Operation, subject: impl fmt::Display) -> Request {
        Request::begin(&self.inner, &self.counters, operation, subject)
    }
}

/// A request under way; reports itself when it ends or is dropped.
struct Request {
    store: Arc<dyn Store>,
    counters: Counters,
    operation: Operation,
    subject: String,
    begun: Instant,
    bytes: u64,
    outcome: Option<Class>,
}

impl Request {
    fn begin(
        store: &Arc<dyn Store>,
        counters: &Counters,
        operation: Operation,
        subject: impl fmt::Display,
    ) -> Self {
        counters.begin(operation);
        Self {
            store: Arc::clone(store),
            counters: counters.clone(),
            operation,
            subject: subject.to_string(),
            begun: Instant::now(),
            bytes: 0,
            outcome: Some(Class::Cancelled),
        }
    }

    /// Ends the request with `result`.
    fn end<T>(mut self, result: Result<T>) -> Result<T> {
        self.outcome = result.as_ref().err().map(super::Error::class);
        result
    }

    /// Ends the request, which sent `bytes` if it succeeded.
    fn end_sent(mut self, bytes: u64, result: Result<()>) -> Result<()> {
        if result.is_ok() {
            self.bytes = bytes;
            self.counters.sent(self.operation, bytes);
        }
        self.end(result)
    }

    fn received(&mut self, bytes: u64) {
        self.bytes += bytes;
        self.counters.received(self.operation, bytes);
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let elapsed = self.begun.elapsed();
        self.counters.end(self.operation, self.outcome, elapsed);
        debug!(
            store = %self.store,
            operation = %self.operation,
            key = self.subject,
            bytes = self.bytes,
            ?elapsed,
            class = self.outcome.map(tracing::field::display),
            "store request"
        );
    }
}

/// A stream that belongs to a request.
struct Watched<T> {
    stream: BoxStream<'static, Result<T>>,
    request: Option<Request>,
    len: fn(&T) -> usize,
}

impl<T> Watched<T> {
    fn new(
        stream: BoxStream<'static, Result<T>>,
        mut request: Request,
        len: fn(&T) -> usize,
    ) -> Self {
        // A reader that stops early has what it wanted.
        request.outcome = None;
        Self {
            stream,
            request: Some(request),
            len,
        }
    }

    fn watch(&mut self, item: Option<&Result<T>>) {
        match item {
            Some(Ok(item)) => {
                let len = (self.len)(item) as u64;
                if let Some(request) = &mut self.request {
                    request.received(len);
                }
            }
            Some(Err(error)) => {
                if let Some(mut request) = self.request.take() {
                    request.outcome = Some(error.class());
                }
            }
            None => self.request = None,
        }
    }
}

impl<T> Stream for Watched<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        let item = ready!(self.stream.poll_next_unpin(context));
        self.watch(item.as_ref());
        Poll::Ready(item)
    }
}

#[async_trait]
impl Store for Observed {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn put(&self, key: &Key, payload: Payload, options: PutOptions) -> Result<()> {
        let request = self.begin(Operation::Put, key);
        let len = payload.len();
        request.end_sent(len, self.inner.put(key, payload, options).await)
    }

    async fn begin_upload(&self, key: &Key, options: UploadOptions) -> Result<Box<dyn Upload>> {
        let request = self.begin(Operation::BeginUpload, key);
        let inner = request.end(self.inner.begin_upload(key, options).await)?;
        Ok(Box::new(ObservedUpload {
            inner,
            key: key.clone(),
            store: Arc::clone(&self.inner),
            counters: self.counters.clone(),
        }))
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Object> {
        let request = self.begin(Operation::Get, key);
        match self.inner.get(key, options).await {
            Ok(Object { meta, body }) => {
                let body = Watched::new(body, request, Bytes::len).boxed();
                Ok(Object { meta, body })
            }
            failed => request.end(failed),
        }
    }

    async fn head(&self, key: &Key) -> Result<ObjectMeta> {
        let request = self.begin(Operation::Head, key);
        request.end(self.inner.head(key).await)
    }

    fn list(
        &self,
        prefix: &str,
        start_after: Option<&str>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let request = self.begin(Operation::List, prefix);
        Watched::new(self.inner.list(prefix, start_after), request, |_| 0).boxed()
    }

    async fn list_level(&self, prefix: &str) -> Result<Level> {
        let request = self.begin(Operation::List, prefix);
        request.end(self.inner.list_level(prefix).await)
    }

    async fn delete(&self, keys: &[Key]) -> Vec<Result<()>> {
        let request = self.begin(Operation::Delete, Keys(keys));
        let results = self.inner.delete(keys).await;
        let failed = results.iter().find_map(|result| result.clone().err());
        request.end(failed.map_or(Ok(()), Err)).ok();
        results
    }

    async fn unfinished_uploads(&self, prefix: &str) -> Result<Vec<UnfinishedUpload>> {
        let request = self.begin(Operation::ListUploads, prefix);
        request.end(self.inner.unfinished_uploads(prefix).await)
    }

    async fn abort_unfinished(&self, upload: &UnfinishedUpload) -> Result<()> {
        let request = self.begin(Operation::Abort, &upload.key);
        request.end(self.inner.abort_unfinished(upload).await)
    }
}

/// The keys of one request: the first and how many more.
struct Keys<'a>(&'a [Key]);

impl fmt::Display for Keys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("no key"),
            [key] => key.fmt(f),
            [first, rest @ ..] => write!(f, "{first} and {} more", rest.len()),
        }
    }
}

impl fmt::Display for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[derive(Debug)]
struct ObservedUpload {
    inner: Box<dyn Upload>,
    key: Key,
    store: Arc<dyn Store>,
    counters: Counters,
}

impl ObservedUpload {
    fn begin(&self, operation: Operation) -> Request {
        Request::begin(&self.store, &self.counters, operation, &self.key)
    }
}

#[async_trait]
impl Upload for ObservedUpload {
    async fn put_part(&self, index: u32, payload: Payload) -> Result<()> {
        let request = self.begin(Operation::PutPart);
        let len = payload.len();
        request.end_sent(len, self.inner.put_part(index, payload).await)
    }

    async fn complete(&self, parts: u32) -> Result<()> {
        let request = self.begin(Operation::Complete);
        request.end(self.inner.complete(parts).await)
    }

    async fn abort(&self) -> Result<()> {
        let request = self.begin(Operation::Abort);
        request.end(self.inner.abort().await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Count, MemoryStore, StoreExt, conformance};

    #[tokio::test]
    async fn keeps_the_contract() {
        let store = Observed::new(Arc::new(MemoryStore::new()));
        conformance::run(&store, "some/where/").await.unwrap();
    }

    #[tokio::test]
    async fn requests_errors_and_bytes_are_counted() {
        let store = Observed::new(Arc::new(MemoryStore::new()));
        let counters = store.counters();
        let key = Key::parse("a").unwrap();

        for _ in 0..2 {
            let bytes = Bytes::from_static(b"four");
            store
                .put_bytes(&key, bytes, PutOptions::create())
                .await
                .ok();
        }
        store.get_bytes(&key, 10).await.unwrap();
        store.exists(&Key::parse("absent").unwrap()).await.unwrap();

        let count = |requests, errors, bytes_in, bytes_out| Count {
            requests,
            errors,
            bytes_in,
            bytes_out,
        };
        assert_eq!(counters.of(Operation::Put), count(2, 1, 0, 4));
        assert_eq!(counters.of(Operation::Get), count(1, 0, 4, 0));
        assert_eq!(counters.of(Operation::Head), count(1, 1, 0, 0));
        assert_eq!(counters.of(Operation::Delete), count(0, 0, 0, 0));
        assert_eq!(counters.total(), count(4, 2, 4, 4));
        let measured = counters.measured();
        let put = &measured[0];
        assert_eq!(put.errors, [(Class::Conflict, 1)]);
        assert_eq!(put.latency.count(), 2);
    }
}
