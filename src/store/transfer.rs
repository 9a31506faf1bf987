//! An object from one store to another, or within one, as it is.

use bytes::BytesMut;
use futures_util::TryStreamExt;

use super::{
    Class, Error, GetOptions, Key, Operation, Payload, Result, Store, Upload, UploadOptions,
};
use crate::workers::Workers;

/// Copies the object under `key` of `from` to `target` of `to`, byte by byte, and returns its size.
/// At most two parts of `part_size` bytes are in memory. `pass` is asked before each part.
///
/// # Errors
///
/// Those of both stores; [`Class::Transient`] if fewer bytes came than were announced. Then
/// `target` is as it was, and parts are removed.
pub async fn transfer(
    from: &dyn Store,
    key: &Key,
    to: &dyn Store,
    target: &Key,
    options: &UploadOptions,
    workers: &Workers,
) -> Result<u64> {
    let object = from.get(key, GetOptions::default()).await?;
    let size = object.meta.size;
    let mut parts = Parts {
        body: object.body,
        rest: BytesMut::new(),
        part_size: usize::try_from(options.part_size).unwrap_or(usize::MAX),
        left: size,
    };
    let cut = |left: u64| {
        let reason = format!("the object ended {left} bytes early");
        Error::new(Class::Transient, Operation::Get, &from, reason).with_key(key)
    };
    if size < options.part_size {
        let part = parts.next(workers).await?;
        if parts.left > 0 {
            return Err(cut(parts.left));
        }
        to.put(
            target,
            part.unwrap_or_else(|| Payload::new("")),
            options.put.clone(),
        )
        .await?;
        return Ok(size);
    }
    let upload = to.begin_upload(target, options.clone()).await?;
    let sent = async {
        let mut index = 0;
        while let Some(part) = parts.next(workers).await? {
            upload.put_part(index, part).await?;
            index += 1;
        }
        if parts.left > 0 {
            return Err(cut(parts.left));
        }
        upload.complete(index).await
    };
    if let Err(error) = sent.await {
        abort(&*upload).await;
        return Err(error);
    }
    Ok(size)
}

/// What is left over is found by whoever looks for unfinished uploads.
async fn abort(upload: &dyn Upload) {
    if let Err(error) = upload.abort().await {
        tracing::warn!(%error, "an upload was not removed");
    }
}

/// A body, cut into parts.
struct Parts<B> {
    body: B,
    rest: BytesMut,
    part_size: usize,
    /// How much of the announced size has not come.
    left: u64,
}

impl<B: futures_util::Stream<Item = Result<bytes::Bytes>> + Unpin> Parts<B> {
    /// Returns the next part; all but the last have the same size. Hashed by a worker.
    async fn next(&mut self, workers: &Workers) -> Result<Option<Payload>> {
        while self.rest.len() < self.part_size {
            let Some(block) = self.body.try_next().await? else {
                break;
            };
            self.left = self.left.saturating_sub(block.len() as u64);
            self.rest.extend_from_slice(&block);
        }
        if self.rest.is_empty() {
            return Ok(None);
        }
        let part = self.rest.split_to(self.part_size.min(self.rest.len()));
        let part = part.freeze();
        Ok(Some(workers.cpu(move || Payload::new(part)).await))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::{
        MemoryStore, PutOptions, StoreExt,
        fault::{Fault, FaultPlan, FaultStore},
    };

    fn options() -> UploadOptions {
        UploadOptions {
            part_size: 1000,
            put: PutOptions::default(),
        }
    }

    fn content(len: usize) -> Vec<u8> {
        (0..=250).cycle().take(len).collect()
    }

    #[tokio::test]
    async fn objects_of_any_size_come_over() {
        let (from, to) = (MemoryStore::new(), MemoryStore::new());
        let workers = Workers::inline();
        for len in [0, 1, 999, 1000, 1001, 2000, 5003] {
            let key = Key::parse(format!("a/{len}")).unwrap();
            let target = Key::parse(format!("b/{len}")).unwrap();
            let put = from.put_bytes(&key, content(len).into(), PutOptions::default());
            put.await.unwrap();

            let size = transfer(&from, &key, &to, &target, &options(), &workers).await;

            assert_eq!(size.unwrap(), len as u64);
            assert_eq!(to.get_bytes(&target, 10_000).await.unwrap(), content(len));
        }
    }

    #[tokio::test]
    async fn what_breaks_off_leaves_nothing() {
        let inner = MemoryStore::new();
        let key = Key::parse("a").unwrap();
        let put = inner.put_bytes(&key, content(5000).into(), PutOptions::default());
        put.await.unwrap();
        let workers = Workers::inline();
        for fault in [
            Fault::TruncatedBody { at: 2500 },
            Fault::ResetBody { at: 3000 },
        ] {
            let plan = FaultPlan::new();
            plan.set(fault.clone());
            let from = FaultStore::new(Arc::new(inner.clone()), plan);
            let to = MemoryStore::new();

            let copied = transfer(&from, &key, &to, &key, &options(), &workers).await;

            assert!(copied.is_err(), "{fault:?}");
            assert!(to.list_all("").await.unwrap().is_empty());
            assert!(to.unfinished_uploads("").await.unwrap().is_empty());
        }
    }
}
