//! Files that fit into memory, each encoded as a whole, on threads of their own.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{Builder, JoinHandle},
};

use flate2::{Compression, write::ZlibEncoder};

use super::{super::file_plan::FilePlan, seal::Sealer};
use crate::codec::{Codec, Encoder, Sha1, cipher::Salt};

/// A file to be encoded.
pub(super) struct Whole {
    /// As the manifest calls it.
    pub name: String,
    pub content: Vec<u8>,
    /// The digest with which nothing needs to be stored.
    pub known: Option<Sha1>,
    /// Whether it is stored beside others.
    pub is_bundled: bool,
}

/// What became of a file.
pub(super) struct Encoded {
    /// Digest of the content; none if there is no content.
    pub sha1: Option<Sha1>,
    /// What is to be stored; `None` if it is known.
    pub stored: Option<Stored>,
    /// The buffer of the content, to be used again.
    pub buffer: Vec<u8>,
}

/// What is to be stored of a file.
pub(super) struct Stored {
    pub bytes: Vec<u8>,
    /// Digest of `bytes`, if they are not the content.
    pub sha1: Option<Sha1>,
}

/// Encodes files at the same time, and gives them back in their order.
pub(super) struct Pool {
    plan: Arc<FilePlan>,
    threads: usize,
    workers: Vec<Worker>,
    /// Which worker is next, to get a file and to give one back.
    next: (usize, usize),
}

struct Worker {
    /// `None` once it shall end.
    files: Option<Sender<Whole>>,
    encoded: Receiver<io::Result<Encoded>>,
    thread: Option<JoinHandle<()>>,
}

impl Pool {
    /// Creates it; threads start when there are files for them.
    pub(super) fn new(plan: Arc<FilePlan>, threads: usize) -> Self {
        Self {
            plan,
            threads: threads.max(1),
            workers: Vec::new(),
            next: (0, 0),
        }
    }

    /// Returns with how many files all threads have something to do.
    pub(super) fn capacity(&self) -> usize {
        2 * self.threads
    }

    pub(super) fn submit(&mut self, file: Whole) -> io::Result<()> {
        let (turn, _) = self.next;
        if turn == self.workers.len() {
            self.workers.push(Worker::start(Arc::clone(&self.plan))?);
        }
        let files = self.workers[turn].files.as_ref();
        // If it has ended by a panic, `receive` tells.
        let _ = files.map(|files| files.send(file));
        self.next.0 = (turn + 1) % self.threads;
        Ok(())
    }

    /// Waits for the oldest file that was submitted and not received.
    pub(super) fn receive(&mut self) -> io::Result<Encoded> {
        let (_, turn) = self.next;
        self.next.1 = (turn + 1) % self.threads;
        let encoded = self.workers[turn].encoded.recv();
        encoded.map_err(|_| io::Error::other("a thread that compresses has ended"))?
    }
}

impl Worker {
    fn start(plan: Arc<FilePlan>) -> io::Result<Self> {
        let (files, to_do) = channel::<Whole>();
        let (done, encoded) = channel();
        let work = move || {
            for file in to_do {
                if done.send(encode(&plan, file)).is_err() {
                    break;
                }
            }
        };
        let thread = Builder::new()
            .name("walcast-files".to_owned())
            .spawn(work)?;
        Ok(Self {
            files: Some(files),
            encoded,
            thread: Some(thread),
        })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.files = None;
        if let Some(thread) = self.thread.take() {
            // A panic of its own was printed, and has reached `receive`.
            drop(thread.join());
        }
    }
}

/// Encodes one file.
pub(super) fn encode(plan: &FilePlan, file: Whole) -> io::Result<Encoded> {
    let Whole {
        name,
        content,
        known,
        is_bundled,
    } = file;
    let sha1 = (!content.is_empty()).then(|| Sha1::of(&content));
    let stored = if known.is_some() && known == sha1 {
        None
    } else {
        Some(store(plan, &name, &content, is_bundled && plan.is_raw)?)
    };
    Ok(Encoded {
        sha1,
        stored,
        buffer: content,
    })
}

fn store(plan: &FilePlan, name: &str, content: &[u8], is_raw: bool) -> io::Result<Stored> {
    let compressed = compress(plan, content, is_raw)?;
    let mut bytes = Vec::with_capacity(compressed.as_ref().map_or(content.len(), Vec::len) + 32);
    let mut seal = sealer(plan, name, is_raw);
    seal.write(compressed.as_deref().unwrap_or(content), &mut bytes)?;
    let output = seal.finish(&mut bytes)?;
    Ok(Stored {
        bytes,
        sha1: output.sha1,
    })
}

/// Returns what encrypts the file `name` of a backup.
pub(super) fn sealer(plan: &FilePlan, name: &str, is_raw: bool) -> Sealer {
    let cipher = plan.cipher.as_ref().map(|cipher| {
        let salt = [cipher.label.as_bytes(), name.as_bytes()];
        (&cipher.passphrase, Salt::of(&cipher.passphrase, &salt))
    });
    Sealer::new(cipher, plan.encoding.codec().is_some(), is_raw)
}

/// Compresses a content; `None` if it is stored as it is.
fn compress(plan: &FilePlan, content: &[u8], is_raw: bool) -> io::Result<Option<Vec<u8>>> {
    let encoding = plan.encoding;
    let out = Vec::with_capacity(content.len() / 4 + 64);
    match encoding.codec() {
        None => Ok(None),
        Some(Codec::Gzip) if is_raw => {
            let level = encoding.level().unwrap_or_default().unsigned_abs();
            let mut encoder = ZlibEncoder::new(out, Compression::new(level));
            encoder.write_all(content)?;
            encoder.finish().map(Some)
        }
        Some(_) => {
            let mut encoder = Encoder::new(encoding, out)?;
            encoder.write_all(content)?;
            encoder.finish().map(Some)
        }
    }
}
