use std::io;

use super::super::{file_plan::Bundles, manifest::InBundle};
use crate::repository::{ObjectName, ObjectSink};

/// Files that become one object, one behind the other, in memory until it is full.
pub(super) struct Bundle {
    limits: Option<Bundles>,
    /// Its number, from 1; that of the next one while it is empty.
    number: u64,
    bytes: Vec<u8>,
    /// Sum of the sizes of its files before they were encoded.
    size: u64,
}

impl Bundle {
    pub(super) fn new(limits: Option<Bundles>) -> Self {
        Self {
            limits,
            number: 1,
            bytes: Vec::new(),
            size: 0,
        }
    }

    /// Adds the stored bytes of a file of `size` bytes, and returns where they are.
    pub(super) fn add(
        &mut self,
        stored: &[u8],
        size: u64,
        sink: &mut dyn ObjectSink,
    ) -> io::Result<InBundle> {
        let place = InBundle {
            number: self.number,
            offset: self.bytes.len() as u64,
        };
        self.bytes.extend_from_slice(stored);
        self.size += size;
        if self.limits.is_some_and(|limits| self.size >= limits.bundle) {
            self.close(sink)?;
        }
        Ok(place)
    }

    /// Writes it, if there is anything in it.
    pub(super) fn close(&mut self, sink: &mut dyn ObjectSink) -> io::Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        let name = ObjectName::new(format!("bundle/{}", self.number));
        sink.write(&name, &self.bytes)?;
        sink.end(&name)?;
        self.bytes.clear();
        self.size = 0;
        self.number += 1;
        Ok(())
    }
}
