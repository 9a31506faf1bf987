//! Bodies that are resumed where they broke.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt, stream, stream::BoxStream};

use super::Attempts;
use crate::store::{Class, Error, GetOptions, Object, ObjectMeta, Operation, Result, Store};

/// Wraps the body of `object`, which was opened with `options`.
pub(super) fn resume(
    store: Arc<dyn Store>,
    attempts: Attempts,
    object: Object,
    options: &GetOptions,
) -> Object {
    let Object { meta, body } = object;
    let Some(rest) = options.resolve(meta.size) else {
        return Object { meta, body };
    };
    let body = Body {
        store,
        attempts,
        meta: meta.clone(),
        rest,
        blocks: body,
    };
    let body = stream::try_unfold(body, Body::next).boxed();
    Object { meta, body }
}

struct Body {
    store: Arc<dyn Store>,
    attempts: Attempts,
    meta: ObjectMeta,
    /// What was not read yet.
    rest: Range<u64>,
    blocks: BoxStream<'static, Result<Bytes>>,
}

impl Body {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>> {
        loop {
            let error = match self.blocks.next().await {
                Some(Ok(block)) if block.is_empty() => continue,
                Some(Ok(block)) => {
                    self.advance(block.len() as u64)?;
                    return Ok(Some((block, self)));
                }
                None if self.rest.is_empty() => return Ok(None),
                None => self.error(Class::Transient, "the body ended early"),
                // Whatever failed behind the last byte, nothing is missing.
                Some(Err(error)) if self.rest.is_empty() && error.class().is_retriable() => {
                    return Ok(None);
                }
                Some(Err(error)) => error,
            };
            self.reopen(error).await?;
        }
    }

    fn advance(&mut self, bytes: u64) -> Result<()> {
        if bytes > self.rest.end - self.rest.start {
            return Err(self.error(Class::Invalid, "the body is longer than announced"));
        }
        self.rest.start += bytes;
        self.attempts.restart();
        Ok(())
    }

    /// Opens what is left after `error`, until it works or patience ends.
    async fn reopen(&mut self, mut error: Error) -> Result<()> {
        loop {
            self.attempts.pause(error).await?;
            let options =
                GetOptions::range(self.rest.clone()).with_if_match(self.meta.etag.clone());
            match self.store.get(&self.meta.key, options).await {
                Ok(object) if self.is_same(&object.meta) => {
                    self.blocks = object.body;
                    return Ok(());
                }
                Ok(_) => return Err(self.error(Class::Conflict, "the object changed meanwhile")),
                Err(next) => error = next,
            }
        }
    }

    /// Compares more than the ETag, which not every store has.
    fn is_same(&self, meta: &ObjectMeta) -> bool {
        (meta.size, &meta.etag) == (self.meta.size, &self.meta.etag)
            && (meta.etag.is_some() || meta.modified == self.meta.modified)
    }

    fn error(&self, class: Class, reason: &str) -> Error {
        Error::new(class, Operation::Get, &self.store, reason).with_key(&self.meta.key)
    }
}
