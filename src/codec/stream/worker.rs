use std::{
    io,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{Builder, JoinHandle},
};

use super::{
    SPARE,
    frame::{Block, Compressed, Compressor},
};

/// A thread that compresses blocks in the order in which it gets them.
pub(super) struct Worker {
    /// `None` once it shall end.
    blocks: Option<SyncSender<Block>>,
    results: Receiver<(io::Result<Compressed>, Block)>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub(super) fn start(mut compressor: Box<dyn Compressor>) -> io::Result<Self> {
        // Both hold all that a worker can have at once, so neither side waits to send.
        let (blocks, to_do) = sync_channel::<Block>(SPARE + 1);
        let (done, results) = sync_channel(SPARE + 1);
        let work = move || {
            for block in to_do {
                if done.send((compressor.compress(&block), block)).is_err() {
                    break;
                }
            }
        };
        let thread = Builder::new()
            .name("walcast-compress".to_owned())
            .spawn(work)?;
        Ok(Self {
            blocks: Some(blocks),
            results,
            thread: Some(thread),
        })
    }

    /// Gives it a block.
    pub(super) fn submit(&mut self, block: Block) {
        // If it has ended by a panic, `receive` tells.
        let _ = self.blocks.as_ref().map(|blocks| blocks.send(block));
    }

    /// Waits for the result of the oldest block that it has, and returns the block with it.
    pub(super) fn receive(&mut self) -> (io::Result<Compressed>, Block) {
        self.results
            .recv()
            .expect("it answers each block, unless it panicked")
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.blocks = None;
        if let Some(thread) = self.thread.take() {
            // A panic of its own was printed, and has reached `receive`.
            drop(thread.join());
        }
    }
}
