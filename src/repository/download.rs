//! Bytes of objects on their way to a decoder on a thread of its own.

use std::{
    io::{self, Read},
    ops::Range,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures_util::TryStreamExt;
use tokio::{sync::mpsc, time::sleep};

use super::{Error, Result};
use crate::store::{Class, ETag, GetOptions, Key, Store};

/// Blocks that wait for the decoder.
const BLOCKS_AHEAD: usize = 16;
/// How often an interrupted download is taken up again without a byte in between.
const ATTEMPTS: u32 = 5;

/// Downloads objects of a repository.
#[derive(Clone, Debug)]
pub(super) struct Downloads {
    pub store: Arc<dyn Store>,
    /// As errors call it.
    pub repository: String,
}

/// Creates a way for bytes to a decoder.
fn blocks() -> (mpsc::Sender<Bytes>, Blocks) {
    let (sender, received) = mpsc::channel(BLOCKS_AHEAD);
    let blocks = Blocks {
        received,
        block: Bytes::new(),
    };
    (sender, blocks)
}

impl Downloads {
    /// Has `job` decode pieces of objects on a thread of its own while they come, one behind the
    /// other. An error of it is one of the object `key`.
    pub(super) async fn decode<T: Send + 'static>(
        &self,
        key: &Key,
        pieces: Vec<(Key, Range<u64>)>,
        job: impl FnOnce(Blocks) -> io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (sender, input) = blocks();
        #[expect(
            clippy::disallowed_methods,
            reason = "it waits for the network as long as the restore lasts"
        )]
        let decoding = tokio::task::spawn_blocking(move || job(input));
        let sent = async {
            for (key, range) in pieces {
                self.send(&key, range, &sender).await?;
            }
            Ok::<_, Error>(())
        }
        .await;
        drop(sender);
        let decoded = decoding.await;
        sent?;
        match decoded {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.damaged(key, &error.to_string())),
            Err(panicked) => Err(self.damaged(key, &panicked.to_string())),
        }
    }

    /// Sends bytes of an object that is part of a backup, and takes an interrupted download up again where it ended. An end
    /// without an error also comes when nobody takes them any more.
    async fn send(&self, key: &Key, range: Range<u64>, blocks: &mpsc::Sender<Bytes>) -> Result<()> {
        let (mut position, mut etag, mut failures) = (range.start, None, 0);
        while position < range.end {
            let before = position;
            let ended = self
                .attempt(key, &mut position, range.end, &mut etag, blocks)
                .await;
            if position > before {
                failures = 0;
            }
            match ended {
                Ok(true) => return Ok(()),
                Ok(false) if position >= range.end => {}
                Err(error) if error.class() == Class::Missing => {
                    return Err(self.damaged(key, "it was removed"));
                }
                Err(error) if !error.class().is_retriable() || failures == ATTEMPTS => {
                    return Err(error);
                }
                Ok(false) if failures == ATTEMPTS => {
                    return Err(self.damaged(key, &format!("it ends at byte {position}")));
                }
                Ok(false) | Err(_) => {
                    failures += 1;
                    sleep(Duration::from_millis(200) * 2_u32.pow(failures)).await;
                }
            }
        }
        Ok(())
    }

    /// Says what is wrong with an object.
    pub(super) fn damaged(&self, key: &Key, reason: &str) -> Error {
        Error::Damaged {
            repository: self.repository.clone(),
            key: key.clone(),
            reason: reason.to_owned(),
        }
    }

    /// Sends what one request brings; true if nobody takes it any more.
    async fn attempt(
        &self,
        key: &Key,
        position: &mut u64,
        end: u64,
        etag: &mut Option<ETag>,
        blocks: &mpsc::Sender<Bytes>,
    ) -> Result<bool> {
        let options = GetOptions::range(*position..end).with_if_match(etag.clone());
        let mut object = self.store.get(key, options).await?;
        *etag = object.meta.etag.take();
        while let Some(bytes) = object.body.try_next().await? {
            *position += bytes.len() as u64;
            if blocks.send(bytes).await.is_err() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Reads what a channel brings, on a blocking thread.
pub(super) struct Blocks {
    received: mpsc::Receiver<Bytes>,
    block: Bytes,
}

impl Read for Blocks {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.block.is_empty() {
            match self.received.blocking_recv() {
                Some(block) => self.block = block,
                None => return Ok(0),
            }
        }
        let taken = self.block.split_to(self.block.len().min(buf.len()));
        buf[..taken.len()].copy_from_slice(&taken);
        Ok(taken.len())
    }
}
