//! Files that came whole, on their way into bundles or objects.

use std::io;

use super::{
    FileEncoder, Known, misuse,
    whole::{Encoded, Whole, encode},
};
use crate::repository::{
    BackupEnd, ObjectSink,
    pgbackrest::{ManifestAttributes, ManifestFile},
};

impl FileEncoder {
    pub(super) fn submit(&mut self, known: Known, content: Vec<u8>) -> io::Result<()> {
        let is_bundled = self.plan.bundles.is_some();
        if is_bundled && content.is_empty() {
            // Nothing is stored of it.
            self.contents.files.push((known.name, known.file));
            return Ok(());
        }
        self.pool.submit(Whole {
            name: known.name.clone(),
            content,
            known: known.candidate.as_ref().and_then(|prior| prior.sha1),
            is_bundled,
        })?;
        self.in_pool.push_back(known);
        Ok(())
    }

    /// Stores what comes from the pool until it has no more than so many files.
    pub(super) fn settle(&mut self, left: usize, sink: &mut dyn ObjectSink) -> io::Result<()> {
        while self.in_pool.len() > left {
            let Some(known) = self.in_pool.pop_front() else {
                break;
            };
            let encoded = self.pool.receive()?;
            self.store(known, encoded, sink)?;
        }
        Ok(())
    }

    pub(super) fn store(
        &mut self,
        known: Known,
        encoded: Encoded,
        sink: &mut dyn ObjectSink,
    ) -> io::Result<()> {
        let mut buffer = encoded.buffer;
        buffer.clear();
        self.spare.push(buffer);
        let Some(stored) = encoded.stored else {
            let prior = known.candidate.clone();
            let prior = prior.ok_or_else(|| misuse("only what is known is the same"))?;
            self.refer(known, prior);
            return Ok(());
        };
        let mut file = ManifestFile {
            sha1: encoded.sha1,
            stored_size: stored.bytes.len() as u64,
            stored_sha1: stored.sha1,
            ..known.file
        };
        if self.plan.bundles.is_some() {
            file.bundle = Some(self.bundle.add(&stored.bytes, file.size, sink)?);
        } else {
            let object = self.object(&known.name);
            sink.write(&object, &stored.bytes)?;
            sink.end(&object)?;
        }
        self.contents.files.push((known.name, file));
        Ok(())
    }

    /// Stores a text that the server gave at the end: always an object of its own.
    pub(super) fn text(
        &mut self,
        name: &str,
        text: &str,
        end: &BackupEnd,
        sink: &mut dyn ObjectSink,
    ) -> io::Result<()> {
        let root = self.contents.root();
        let encoded = encode(
            &self.plan,
            Whole {
                name: name.to_owned(),
                content: text.as_bytes().to_vec(),
                known: None,
                is_bundled: false,
            },
        )?;
        let Some(stored) = encoded.stored else {
            return Ok(());
        };
        let object = self.object(name);
        sink.write(&object, &stored.bytes)?;
        sink.end(&object)?;
        let file = ManifestFile {
            size: text.len() as u64,
            stored_size: stored.bytes.len() as u64,
            modified: end.ended.as_second(),
            sha1: encoded.sha1,
            stored_sha1: stored.sha1,
            reference: None,
            bundle: None,
            blocks: None,
            pages: None,
            attributes: ManifestAttributes {
                mode: root.mode & 0o640,
                ..root
            },
        };
        self.contents.files.push((name.to_owned(), file));
        Ok(())
    }
}
