//! Bodies and listings that are not what the store keeps.

use std::{cmp::Reverse, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use jiff::SignedDuration;
use tokio::time::sleep;

use super::Fault;
use crate::store::{Error, ObjectMeta, Result};

type Body = BoxStream<'static, Result<Bytes>>;
type Listing = BoxStream<'static, Result<ObjectMeta>>;

/// Applies `fault` to a body of `len` bytes; `error` is what breaks it.
pub(super) fn damage(body: Body, len: u64, fault: &Fault, error: Error) -> Body {
    match *fault {
        Fault::ResetBody { at } => cut(body, modulo(at, len))
            .chain(stream::iter([Err(error)]))
            .boxed(),
        Fault::TruncatedBody { at } => cut(body, modulo(at, len)),
        Fault::FlippedBit { at } => flip(body, modulo(at, len)),
        Fault::SlowBody { block, pause } => slow(body, block.max(1), pause),
        _ => body,
    }
}

/// Applies `fault` to a listing.
pub(super) fn distort(listing: Listing, fault: &Fault) -> Listing {
    match *fault {
        Fault::IncompleteList { items } => listing.take(items).boxed(),
        Fault::StaleList { missing } => stale(listing, missing),
        Fault::ShiftedClock(by) => listing.map_ok(move |meta| shift(meta, by)).boxed(),
        _ => listing,
    }
}

/// Shifts the time at which an object was written.
pub(super) fn shift(meta: ObjectMeta, by: SignedDuration) -> ObjectMeta {
    let modified = meta.modified.saturating_add(by).unwrap_or(meta.modified);
    ObjectMeta { modified, ..meta }
}

fn modulo(at: u64, len: u64) -> u64 {
    at.checked_rem(len).unwrap_or_default()
}

fn cut(body: Body, at: u64) -> Body {
    stream::try_unfold((body, at), |(mut body, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let Some(mut block) = body.try_next().await? else {
            return Ok(None);
        };
        block.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        let left = left - block.len() as u64;
        Ok(Some((block, (body, left))))
    })
    .boxed()
}

fn flip(body: Body, at: u64) -> Body {
    let mut offset = 0;
    body.map_ok(move |block| {
        let start = offset;
        offset += block.len() as u64;
        if !(start..offset).contains(&at) {
            return block;
        }
        let mut block = BytesMut::from(&*block);
        let index = usize::try_from(at - start).expect("an offset into a block");
        block[index] ^= 1;
        block.freeze()
    })
    .boxed()
}

fn slow(body: Body, size: usize, pause: Duration) -> Body {
    let split = move |mut block: Bytes| {
        let blocks = std::iter::from_fn(move || {
            let len = block.len().min(size);
            (len > 0).then(|| Ok::<_, Error>(block.split_to(len)))
        });
        stream::iter(blocks)
    };
    body.map_ok(split)
        .try_flatten()
        .then(move |block| async move {
            sleep(pause).await;
            block
        })
        .boxed()
}

fn stale(listing: Listing, missing: usize) -> Listing {
    let older = async move {
        let mut metas = listing.try_collect::<Vec<_>>().await?;
        let mut newest = metas.clone();
        newest.sort_by_key(|meta| Reverse((meta.modified, meta.key.clone())));
        newest.truncate(missing);
        metas.retain(|meta| !newest.contains(meta));
        Ok(stream::iter(metas.into_iter().map(Ok)))
    };
    stream::once(older).try_flatten().boxed()
}
