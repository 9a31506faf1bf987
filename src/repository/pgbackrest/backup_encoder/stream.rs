use std::io::{self, Write};

use sha1::Digest as _;

use super::{Streamed, object_name, seal::Sealer, whole::sealer};
use crate::{
    codec::{Sha1, StreamEncoder},
    repository::{ObjectName, ObjectSink, pgbackrest::file_plan::FilePlan},
};

/// A large file on its way into an object of its own.
pub(super) struct Stream {
    object: ObjectName,
    read: u64,
    sha1: sha1::Sha1,
    encoder: StreamEncoder,
    sealer: Sealer,
}

impl Stream {
    /// Begins the file `name`, compressed on up to so many threads.
    pub(super) fn begin(plan: &FilePlan, name: &str, threads: usize) -> io::Result<Self> {
        Ok(Self {
            object: object_name(name, plan.encoding.codec()),
            read: 0,
            sha1: sha1::Sha1::new(),
            encoder: StreamEncoder::new(plan.encoding, threads)?,
            sealer: sealer(plan, name, false),
        })
    }

    pub(super) fn object(&self) -> &ObjectName {
        &self.object
    }

    pub(super) fn write(&mut self, bytes: &[u8], sink: &mut dyn ObjectSink) -> io::Result<()> {
        self.read += bytes.len() as u64;
        self.sha1.update(bytes);
        let object = Object(&self.object, sink);
        self.encoder
            .write(bytes, &mut Sealing(&mut self.sealer, object))
    }

    /// Writes the rest; whether the object is wanted is for the caller to say.
    pub(super) fn finish(mut self, sink: &mut dyn ObjectSink) -> io::Result<Streamed> {
        let object = Object(&self.object, &mut *sink);
        self.encoder
            .finish(&mut Sealing(&mut self.sealer, object))?;
        let sealed = self.sealer.finish(&mut Object(&self.object, sink))?;
        Ok(Streamed {
            read: self.read,
            sha1: Sha1::from_bytes(self.sha1.finalize().into()),
            sealed,
        })
    }
}

/// Seals what is written into an object.
struct Sealing<'a>(&'a mut Sealer, Object<'a>);

impl Write for Sealing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes, &mut self.1)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One object of the sink.
struct Object<'a>(&'a ObjectName, &'a mut dyn ObjectSink);

impl Write for Object<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.write(self.0, bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
