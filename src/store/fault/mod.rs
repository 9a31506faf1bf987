//! A store that fails as real ones do, on demand.
//!
//! All waiting is in tokio's time, so that tests which pause it are instant.
//!
//! ```
//! use std::sync::Arc;
//! use walcast::store::{Class, Key, MemoryStore, Operation, Store};
//! use walcast::store::fault::{Fault, FaultPlan, FaultStore};
//!
//! # async fn test() -> Result<(), Box<dyn std::error::Error>> {
//! let plan = FaultPlan::new();
//! let store = FaultStore::new(Arc::new(MemoryStore::new()), plan.clone());
//! plan.script(Operation::Head, |key| key.starts_with("wal/"), 1, Fault::status(503));
//!
//! let key = Key::parse("wal/000000010000000000000001")?;
//! let class = |error: walcast::store::Error| error.class();
//! assert_eq!(store.head(&key).await.map_err(class), Err(Class::Throttled));
//! assert_eq!(store.head(&key).await.map_err(class), Err(Class::Missing));
//! assert_eq!(plan.injected(), 1);
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test()).unwrap();
//! ```

mod body;
mod kind;
mod plan;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures_util::{
    FutureExt, StreamExt, TryFutureExt, TryStreamExt,
    future::{BoxFuture, ok, pending},
    stream,
    stream::BoxStream,
};
use tokio::time::sleep;

use self::plan::LatePut;
pub use self::{kind::Fault, plan::FaultPlan};
use super::{
    Capabilities, GetOptions, Key, Level, Object, ObjectMeta, Operation, Payload, PutOptions,
    Result, Store, StoreExt, UnfinishedUpload, Upload, UploadOptions,
};

/// Passes requests on to a store, except for those that a [`FaultPlan`] hits.
#[derive(Clone, Debug)]
pub struct FaultStore {
    inner: Arc<dyn Store>,
    plan: FaultPlan,
}

impl FaultStore {
    /// Lets `plan` hit the requests to `inner`.
    pub fn new(inner: Arc<dyn Store>, plan: FaultPlan) -> Self {
        Self { inner, plan }
    }

    /// Returns the plan, to switch faults on and off.
    pub fn plan(&self) -> &FaultPlan {
        &self.plan
    }

    /// Performs a request as `fault` wants it. Damage to an answer is left to the caller.
    async fn perform<'a, T>(
        &self,
        fault: Option<&Fault>,
        operation: Operation,
        key: Option<&Key>,
        request: impl Fn() -> BoxFuture<'a, Result<T>> + Send,
    ) -> Result<T> {
        let Some(fault) = fault else {
            return request().await;
        };
        let error = || fault.error(operation, self, key);
        match *fault {
            Fault::Hang => pending().await,
            Fault::Delay(pause) => {
                sleep(pause).await;
                request().await
            }
            Fault::ConnectTimeout(pause) => {
                sleep(pause).await;
                Err(error())
            }
            Fault::ReadTimeout(pause) => {
                request().await.ok();
                sleep(pause).await;
                Err(error())
            }
            Fault::LostAnswer | Fault::OrphanUpload => {
                request().await?;
                Err(error())
            }
            Fault::Twice => {
                request().await.ok();
                request().await
            }
            Fault::Status { .. }
            | Fault::Late
            | Fault::ExpiredCredentials
            | Fault::RefusedClock
            | Fault::NoSpace
            | Fault::IoError
            | Fault::FailedSync => Err(error()),
            Fault::ResetBody { .. }
            | Fault::SlowBody { .. }
            | Fault::TruncatedBody { .. }
            | Fault::FlippedBit { .. }
            | Fault::StaleList { .. }
            | Fault::IncompleteList { .. }
            | Fault::ShiftedClock(_) => request().await,
        }
    }

    /// Performs a request about `key`, hit or not.
    async fn hit<'a, T>(
        &self,
        operation: Operation,
        key: &Key,
        request: impl Fn() -> BoxFuture<'a, Result<T>> + Send,
    ) -> Result<T> {
        let fault = self.plan.draw(operation, key.as_str());
        let fault = fault.as_ref();
        self.perform(fault, operation, Some(key), request).await
    }

    async fn open_list(self, prefix: String, after: Option<String>) -> Result<List> {
        let fault = self.plan.draw(Operation::List, &prefix);
        let list = || ok(self.inner.list(&prefix, after.as_deref())).boxed();
        let list = self
            .perform(fault.as_ref(), Operation::List, None, list)
            .await?;
        Ok(match &fault {
            Some(fault) => body::distort(list, fault),
            None => list,
        })
    }

    /// Aborts, unless the upload is to stay behind.
    async fn hit_abort<'a>(
        &self,
        key: &Key,
        abort: impl Fn() -> BoxFuture<'a, Result<()>> + Send,
    ) -> Result<()> {
        match self.plan.draw(Operation::Abort, key.as_str()) {
            Some(Fault::OrphanUpload) => Ok(()),
            fault => {
                let fault = fault.as_ref();
                self.perform(fault, Operation::Abort, Some(key), abort)
                    .await
            }
        }
    }
}

type List = BoxStream<'static, Result<ObjectMeta>>;

#[async_trait]
impl Store for FaultStore {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn put(&self, key: &Key, payload: Payload, options: PutOptions) -> Result<()> {
        let fault = self.plan.draw(Operation::Put, key.as_str());
        if fault == Some(Fault::Late) {
            self.plan.delay(LatePut {
                store: Arc::clone(&self.inner),
                key: key.clone(),
                payload: payload.clone(),
                options: options.clone(),
            });
        }
        let put = || self.inner.put(key, payload.clone(), options.clone());
        self.perform(fault.as_ref(), Operation::Put, Some(key), put)
            .await
    }

    async fn begin_upload(&self, key: &Key, options: UploadOptions) -> Result<Box<dyn Upload>> {
        let begin = || self.inner.begin_upload(key, options.clone());
        Ok(Box::new(FaultUpload {
            inner: self.hit(Operation::BeginUpload, key, begin).await?,
            store: self.clone(),
            key: key.clone(),
        }))
    }

    async fn get(&self, key: &Key, options: GetOptions) -> Result<Object> {
        let fault = self.plan.draw(Operation::Get, key.as_str());
        let get = || self.inner.get(key, options.clone());
        let object = self
            .perform(fault.as_ref(), Operation::Get, Some(key), get)
            .await?;
        let Some(fault) = fault else {
            return Ok(object);
        };
        let wanted = options.resolve(object.meta.size).unwrap_or_default();
        let error = fault.error(Operation::Get, self, Some(key));
        Ok(Object {
            meta: shifted(object.meta, &fault),
            body: body::damage(object.body, wanted.end - wanted.start, &fault, error),
        })
    }

    async fn head(&self, key: &Key) -> Result<ObjectMeta> {
        let fault = self.plan.draw(Operation::Head, key.as_str());
        let head = || self.inner.head(key);
        let meta = self
            .perform(fault.as_ref(), Operation::Head, Some(key), head)
            .await?;
        Ok(match &fault {
            Some(fault) => shifted(meta, fault),
            None => meta,
        })
    }

    fn list(
        &self,
        prefix: &str,
        start_after: Option<&str>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let after = start_after.map(str::to_owned);
        let list = self.clone().open_list(prefix.to_owned(), after);
        Box::pin(list.try_flatten_stream())
    }

    /// Passes on a level with the objects that a hit listing would have; its prefixes stay.
    async fn list_level(&self, prefix: &str) -> Result<Level> {
        let fault = self.plan.draw(Operation::List, prefix);
        let list = || self.inner.list_level(prefix);
        let mut level = self
            .perform(fault.as_ref(), Operation::List, None, list)
            .await?;
        if let Some(fault) = &fault {
            let objects = stream::iter(level.objects.into_iter().map(Ok)).boxed();
            level.objects = body::distort(objects, fault).try_collect().await?;
        }
        Ok(level)
    }

    async fn delete(&self, keys: &[Key]) -> Vec<Result<()>> {
        let draw = |key: &Key| self.plan.draw(Operation::Delete, key.as_str());
        let faults = keys.iter().map(draw).collect::<Vec<_>>();
        if faults.iter().all(Option::is_none) {
            return self.inner.delete(keys).await;
        }
        let mut results = Vec::with_capacity(keys.len());
        for (key, fault) in keys.iter().zip(&faults) {
            let delete = || self.inner.delete_one(key);
            let fault = fault.as_ref();
            results.push(
                self.perform(fault, Operation::Delete, Some(key), delete)
                    .await,
            );
        }
        results
    }

    async fn unfinished_uploads(&self, prefix: &str) -> Result<Vec<UnfinishedUpload>> {
        let fault = self.plan.draw(Operation::ListUploads, prefix);
        let list = || self.inner.unfinished_uploads(prefix);
        self.perform(fault.as_ref(), Operation::ListUploads, None, list)
            .await
    }

    async fn abort_unfinished(&self, upload: &UnfinishedUpload) -> Result<()> {
        let abort = || self.inner.abort_unfinished(upload);
        self.hit_abort(&upload.key, abort).await
    }
}

fn shifted(meta: ObjectMeta, fault: &Fault) -> ObjectMeta {
    match *fault {
        Fault::ShiftedClock(by) => body::shift(meta, by),
        _ => meta,
    }
}

impl fmt::Display for FaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[derive(Debug)]
struct FaultUpload {
    inner: Box<dyn Upload>,
    store: FaultStore,
    key: Key,
}

#[async_trait]
impl Upload for FaultUpload {
    async fn put_part(&self, index: u32, payload: Payload) -> Result<()> {
        let put = || self.inner.put_part(index, payload.clone());
        self.store.hit(Operation::PutPart, &self.key, put).await
    }

    async fn complete(&self, parts: u32) -> Result<()> {
        let complete = || self.inner.complete(parts);
        self.store
            .hit(Operation::Complete, &self.key, complete)
            .await
    }

    async fn abort(&self) -> Result<()> {
        self.store.hit_abort(&self.key, || self.inner.abort()).await
    }
}

#[cfg(test)]
mod tests;
