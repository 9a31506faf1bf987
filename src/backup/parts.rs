//! Encoded bytes, cut into equal parts that all destinations of one encoding share.

use std::io;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::{
    repository::{ObjectName, ObjectSink},
    store::Payload,
};

/// A step of an object on its way to a destination.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// The next part of an object.
    Part(ObjectName, u32, Payload),
    /// The object is whole with this many parts.
    End(ObjectName, u32),
    /// The object, whatever of it came, is not needed.
    Discard(ObjectName),
}

/// A fixed number of buffers, which come back when nobody needs their content any more: they
/// bound the memory, and make the reader wait for the slowest destination.
#[derive(Debug)]
pub(super) struct Buffers {
    free: mpsc::Receiver<Vec<u8>>,
    back: mpsc::Sender<Vec<u8>>,
    size: usize,
    /// Buffers that were not allocated yet.
    fresh: usize,
}

impl Buffers {
    /// Creates at least two buffers of `size` bytes, allocated when they are needed.
    pub(super) fn new(count: usize, size: usize) -> Self {
        let count = count.max(2);
        let (back, free) = mpsc::channel(count);
        Self {
            free,
            back,
            size,
            fresh: count,
        }
    }

    /// Returns the most steps that can wait for a destination: each buffer in a part of its own,
    /// and each part the last of its object.
    pub(super) fn steps(&self) -> usize {
        2 * self.back.max_capacity() + 2
    }

    /// Returns an empty buffer: one that came back, else one more. Waits for nothing.
    #[cfg(feature = "postgres")]
    pub(super) fn take_or_make(&mut self) -> Vec<u8> {
        let back = self.free.try_recv();
        back.unwrap_or_else(|_| Vec::with_capacity(self.size))
    }

    /// Waits for an empty buffer. Blocking.
    fn take(&mut self) -> Vec<u8> {
        if let Ok(buffer) = self.free.try_recv() {
            return buffer;
        }
        if self.fresh > 0 {
            self.fresh -= 1;
            return Vec::with_capacity(self.size);
        }
        let buffer = self.free.blocking_recv();
        buffer.expect("a sender is kept here")
    }

    /// Returns the content as [`Bytes`] that give the buffer back with their last clone.
    pub(super) fn lend(&self, buffer: Vec<u8>) -> Bytes {
        let back = self.back.clone();
        Bytes::from_owner(Lent { buffer, back })
    }
}

struct Lent {
    buffer: Vec<u8>,
    back: mpsc::Sender<Vec<u8>>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        // There is room for as many as may wait; nobody waits when the pass is over.
        let _ = self.back.try_send(buffer);
    }
}

/// Cuts what an encoder writes, and hands each part to every destination that is still there.
#[derive(Debug)]
pub(super) struct Cutter {
    buffers: Buffers,
    lanes: Vec<mpsc::Sender<Step>>,
    object: Option<Object>,
}

#[derive(Debug)]
struct Object {
    name: ObjectName,
    parts: u32,
    buffer: Vec<u8>,
}

impl Cutter {
    pub(super) fn new(buffers: Buffers, lanes: Vec<mpsc::Sender<Step>>) -> Self {
        Self {
            buffers,
            lanes,
            object: None,
        }
    }

    /// Hands the open part over.
    fn cut(&mut self) -> io::Result<()> {
        let Some(object) = &mut self.object else {
            return Ok(());
        };
        let buffer = std::mem::take(&mut object.buffer);
        let payload = Payload::new(self.buffers.lend(buffer));
        let step = Step::Part(object.name.clone(), object.parts, payload);
        object.parts += 1;
        self.send(&step)
    }

    fn send(&mut self, step: &Step) -> io::Result<()> {
        self.lanes
            .retain(|lane| lane.blocking_send(step.clone()).is_ok());
        if self.lanes.is_empty() {
            Err(io::Error::new(
                io::ErrorKind::BrokenPipe,
                "no destination is left",
            ))
        } else {
            Ok(())
        }
    }
}

impl ObjectSink for Cutter {
    fn write(&mut self, name: &ObjectName, mut bytes: &[u8]) -> io::Result<()> {
        if self
            .object
            .as_ref()
            .is_none_or(|object| object.name != *name)
        {
            self.object = Some(Object {
                name: name.clone(),
                parts: 0,
                buffer: Vec::new(),
            });
        }
        while !bytes.is_empty() {
            let size = self.buffers.size;
            let Some(object) = &mut self.object else {
                break;
            };
            if object.buffer.capacity() == 0 {
                object.buffer = self.buffers.take();
            }
            let taken = bytes.len().min(size - object.buffer.len());
            object.buffer.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if object.buffer.len() == size {
                self.cut()?;
            }
        }
        Ok(())
    }

    fn end(&mut self, name: &ObjectName) -> io::Result<()> {
        let is_open = |object: &Object| !object.buffer.is_empty() || object.parts == 0;
        if self.object.as_ref().is_some_and(is_open) {
            self.cut()?;
        }
        let parts = self.object.take().map_or(0, |object| object.parts);
        self.send(&Step::End(name.clone(), parts))
    }

    fn discard(&mut self, name: &ObjectName) -> io::Result<()> {
        let Some(object) = self.object.take() else {
            return Ok(());
        };
        // The buffer comes back as if it had been sent.
        drop(self.buffers.lend(object.buffer));
        match object.parts {
            0 => Ok(()),
            _ => self.send(&Step::Discard(name.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_equal_and_shared_and_buffers_come_back() {
        let (one, mut first) = mpsc::channel(8);
        let (other, mut second) = mpsc::channel(8);
        let mut cutter = Cutter::new(Buffers::new(2, 4), vec![one, other]);
        let name = ObjectName::of_test("a");

        cutter.write(&name, b"abcdef").unwrap();
        let parts = [first.try_recv().unwrap(), second.try_recv().unwrap()];
        let [Step::Part(_, 0, mine), Step::Part(_, 0, yours)] = &parts else {
            panic!("{parts:?}");
        };
        assert_eq!(mine.in_memory().unwrap(), "abcd");
        assert_eq!(
            mine.in_memory().unwrap().as_ptr(),
            yours.in_memory().unwrap().as_ptr()
        );
        drop(parts);
        // Without the first buffer this would wait for ever.
        cutter.write(&name, b"gh123").unwrap();
        cutter.end(&name).unwrap();

        drop(second);
        let steps: Vec<Step> = std::iter::from_fn(|| first.try_recv().ok()).collect();
        let [Step::Part(_, 1, _), Step::Part(_, 2, last), Step::End(_, 3)] = &steps[..] else {
            panic!("{steps:?}");
        };
        assert_eq!(last.in_memory().unwrap(), "123");
    }

    #[test]
    fn nothing_is_encoded_for_nobody() {
        let (lane, gone) = mpsc::channel(8);
        drop(gone);
        let mut cutter = Cutter::new(Buffers::new(2, 4), vec![lane]);

        let error = cutter
            .write(&ObjectName::of_test("a"), b"abcd")
            .unwrap_err();

        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
