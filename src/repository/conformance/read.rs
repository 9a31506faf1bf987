use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};

use super::{Checked, Sample, World, check, check_class};
use crate::{
    pg::WalFileName,
    repository::StoredWal,
    store::{Class, PutOptions, StoreExt},
};

const SEGMENT: &str = "000000010000000A000000FF";

pub(super) async fn each_kind_of_file_comes_back(world: &World) -> Checked {
    for (seed, (name, len)) in [
        ("000000010000000A000000FF", 100_000),
        ("000000010000000A000000FF.partial", 70_000),
        ("000000010000000A000000FF.00000028.backup", 340),
        ("00000002.history", 1),
    ]
    .into_iter()
    .enumerate()
    {
        let sample = Sample::new(seed as u64, len);
        let wal = world.wal(name, &sample);
        let stored = world.put_new(&wal).await?;
        world.check_content(&stored, &sample).await?;
        // A layout may keep texts as they are.
        let is_text = !matches!(wal.name, WalFileName::Segment(_) | WalFileName::Partial(_));
        let is_expected = stored.codec == wal.encoding.codec();
        check(is_expected || (is_text && stored.codec.is_none()), || {
            format!("{name}: {:?}", stored.codec)
        })?;
        check(
            stored.sha1.is_none_or(|sha1| sha1 == wal.content.sha1),
            || format!("{name} has the recorded digest {:?}", stored.sha1),
        )?;
        let size = world.store.head(&stored.key).await?.size;
        check(stored.stored_size == size, || {
            format!("{name} has {} instead of {size} bytes", stored.stored_size)
        })?;
    }
    Ok(())
}

pub(super) async fn large_files_come_in_blocks(world: &World) -> Checked {
    const LARGEST_BLOCK: usize = 256 << 10;
    let sample = Sample::new(1, 1_200_000);
    let stored = world.put_new(&world.wal(SEGMENT, &sample)).await?;

    let stream = world.repository.read_wal(&stored, sample.len()).await?;
    let blocks: Vec<Bytes> = stream.try_collect().await?;

    let largest = blocks.iter().map(Bytes::len).max().unwrap_or_default();
    check(largest <= LARGEST_BLOCK, || {
        format!("a block had {largest} bytes")
    })?;
    check(blocks.concat() == sample.bytes(), || {
        "other bytes came back".to_owned()
    })
}

pub(super) async fn limit_is_obeyed(world: &World) -> Checked {
    let sample = Sample::new(1, 300_000);
    let stored = world.put_new(&world.wal(SEGMENT, &sample)).await?;
    world.check_content(&stored, &sample).await?;

    for limit in [0, 1, sample.len() - 1] {
        let mut stream = world.repository.read_wal(&stored, limit).await?;
        let mut returned = 0;
        let end = loop {
            match stream.next().await.transpose() {
                Ok(Some(block)) => returned += block.len() as u64,
                end => break end,
            }
        };
        check_class(
            end,
            Class::Invalid,
            &format!("reading with the limit {limit}"),
        )?;
        check(returned <= limit, || {
            format!("{returned} bytes were returned for {limit}")
        })?;
    }
    Ok(())
}

pub(super) async fn cut_object_is_noticed(world: &World) -> Checked {
    let sample = Sample::new(1, 300_000);
    let stored = world.put_new(&world.wal(SEGMENT, &sample)).await?;
    let whole = world.raw(&stored).await?;

    for len in [0, 1, whole.len() / 2 + 1, whole.len() - 1] {
        world.replace_raw(&stored, whole.slice(..len)).await?;
        if can_be_verified(&stored) {
            let read = world.read(&stored, sample.len()).await;
            check_class(
                read,
                Class::Invalid,
                &format!("reading {len} of {} bytes", whole.len()),
            )?;
        }
    }
    Ok(())
}

pub(super) async fn spoilt_object_is_noticed(world: &World) -> Checked {
    let sample = Sample::new(1, 300_000);
    let stored = world.put_new(&world.wal(SEGMENT, &sample)).await?;
    let mut bytes = world.raw(&stored).await?.to_vec();
    bytes[..4].fill(0);

    world.replace_raw(&stored, bytes.into()).await?;

    if can_be_verified(&stored) {
        let read = world.read(&stored, sample.len()).await;
        check_class(read, Class::Invalid, "reading it")?;
    }
    Ok(())
}

pub(super) async fn removed_object_is_missing(world: &World) -> Checked {
    let sample = Sample::new(1, 1000);
    let stored = world.put_new(&world.wal(SEGMENT, &sample)).await?;

    world.store.delete_one(&stored.key).await?;

    check_class(
        world.read(&stored, sample.len()).await,
        Class::Missing,
        "reading it",
    )?;
    let found = world.repository.find_wal(stored.name).await?.len();
    check(found == 0, || format!("it was found {found} times"))
}

pub(super) async fn dropped_stream_does_no_harm(world: &World) -> Checked {
    let sample = Sample::new(1, 1_200_000);
    let stored = world.put_new(&world.wal(SEGMENT, &sample)).await?;

    let mut stream = world.repository.read_wal(&stored, sample.len()).await?;
    let first = stream.try_next().await?;
    drop(stream);

    check(first.is_some_and(|block| !block.is_empty()), || {
        "no block came".to_owned()
    })?;
    world.check_content(&stored, &sample).await
}

/// Whether a part of the object can be told from the whole.
fn can_be_verified(stored: &StoredWal) -> bool {
    stored.codec.is_some() || stored.sha1.is_some()
}

impl World {
    pub(super) async fn raw(&self, wal: &StoredWal) -> Checked<Bytes> {
        Ok(self.store.get_bytes(&wal.key, wal.stored_size).await?)
    }

    pub(super) async fn replace_raw(&self, wal: &StoredWal, bytes: Bytes) -> Checked {
        Ok(self
            .store
            .put_bytes(&wal.key, bytes, PutOptions::default())
            .await?)
    }
}
