//! Bodies that are read a block at a time.

use std::{fs::File, ops::Range, os::unix::fs::FileExt, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt, stream, stream::BoxStream};

use super::FsStore;
use crate::store::{Key, Operation, Result};

/// Bytes per block: enough that the hop to a thread does not show.
const BLOCK: u64 = 512 * 1024;

/// Streams the bytes of `rest`. No thread is held between blocks.
pub(super) fn body(
    store: &FsStore,
    key: &Key,
    file: File,
    rest: Range<u64>,
) -> BoxStream<'static, Result<Bytes>> {
    let reader = Reader {
        store: store.clone(),
        key: key.clone(),
        file: Arc::new(file),
        rest,
    };
    stream::try_unfold(reader, Reader::next).boxed()
}

struct Reader {
    store: FsStore,
    key: Key,
    file: Arc<File>,
    rest: Range<u64>,
}

impl Reader {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let file = Arc::clone(&self.file);
        let start = self.rest.start;
        let len = (self.rest.end - start).min(BLOCK);
        let read = move || {
            let mut block = vec![0; usize::try_from(len).expect("a block fits into memory")];
            file.read_exact_at(&mut block, start)?;
            Ok(Bytes::from(block))
        };
        let block = self.store.run(Operation::Get, Some(&self.key), read);
        let block = block.await?;
        self.rest.start += len;
        Ok(Some((block, self)))
    }
}
