//! A file of a backup from what is stored of it. Blocking.

use std::io::{self, Cursor, Read};

use bytes::Bytes;
use flate2::read::ZlibDecoder;

use crate::{
    codec::{
        Codec, ContentHasher, Decoder, Sha1,
        cipher::{Decryptor, Passphrase},
    },
    repository::{
        Attributes, TreeEvent, TreePath,
        download::Blocks,
        pgbackrest::{block_map::BlockRun, manifest::BlockMap},
    },
};

/// A file, and how it is stored.
#[derive(Debug)]
pub(super) struct Member {
    /// As the manifest calls it.
    pub name: String,
    pub path: TreePath,
    pub attributes: Attributes,
    /// In bytes.
    pub size: u64,
    pub sha1: Option<Sha1>,
    /// Bytes before it that are of no interest.
    pub gap: u64,
    /// In bytes.
    pub stored_size: u64,
    pub encoded: Encoded,
}

/// How bytes are stored.
#[derive(Clone, Debug)]
pub(super) struct Encoded {
    pub codec: Option<Codec>,
    pub passphrase: Option<Passphrase>,
    /// Whether what tells the format is missing.
    pub is_raw: bool,
}

/// What comes.
pub(super) enum Contents {
    /// Files behind each other.
    Members(Vec<Member>),
    /// The super blocks of one file.
    Blocks(Box<Member>, BlockMap, Vec<BlockRun>),
}

type Emit<'a> = &'a mut dyn FnMut(TreeEvent) -> io::Result<()>;

impl Member {
    /// Returns the step with which it begins.
    pub(super) fn begin(&self) -> TreeEvent {
        let (path, attributes) = (self.path.clone(), self.attributes.clone());
        TreeEvent::File(path, attributes, self.size)
    }

    fn fault(&self, reason: impl std::fmt::Display) -> io::Error {
        io::Error::other(format!("`{}`: {reason}", self.name))
    }
}

/// Decodes what comes, and emits its steps.
pub(super) fn decode(mut input: Blocks, contents: Contents, emit: Emit<'_>) -> io::Result<()> {
    match contents {
        Contents::Members(members) => {
            for member in members {
                io::copy(&mut (&mut input).take(member.gap), &mut io::sink())?;
                let mut stored = (&mut input).take(member.stored_size);
                let mut output = Output::begin(&member, emit)?;
                let mut reader = decoded(&mut stored, &member.encoded, member.size)
                    .map_err(|error| member.fault(error))?;
                output.copy(&mut reader)?;
                output.end()?;
                drop(reader);
                // A decoder need not read to the end.
                io::copy(&mut stored, &mut io::sink())?;
            }
            Ok(())
        }
        Contents::Blocks(member, of, runs) => {
            let mut output = Output::begin(&member, emit)?;
            let mut current = None;
            let mut content = Vec::new();
            for run in runs {
                if current != Some(run.place) {
                    content.clear();
                    let mut stored = (&mut input).take(run.place.stored_size);
                    let mut reader = decoded(&mut stored, &member.encoded, run.place.size)
                        .map_err(|error| member.fault(error))?;
                    reader
                        .read_to_end(&mut content)
                        .map_err(|error| member.fault(error))?;
                    drop(reader);
                    io::copy(&mut stored, &mut io::sink())?;
                    current = Some(run.place);
                }
                output
                    .copy(&mut blocks_of(&content, of, run).ok_or_else(|| {
                        member.fault("its map names blocks that are not there")
                    })?)?;
            }
            output.end()
        }
    }
}

/// Returns blocks of a super block; the last one of a file may be short.
fn blocks_of(content: &[u8], of: BlockMap, run: BlockRun) -> Option<&[u8]> {
    let start = usize::try_from(run.first.checked_mul(of.block_size)?).ok()?;
    let len = usize::try_from(run.count.checked_mul(of.block_size)?).ok()?;
    let end = start.checked_add(len)?.min(content.len());
    let is_there = end.saturating_sub(start) as u64 > (run.count - 1).saturating_mul(of.block_size);
    content.get(start..end).filter(|_| is_there)
}

/// A file on its way out.
struct Output<'a> {
    member: &'a Member,
    emit: Emit<'a>,
    hasher: ContentHasher,
    left: u64,
}

impl<'a> Output<'a> {
    fn begin(member: &'a Member, emit: Emit<'a>) -> io::Result<Self> {
        emit(member.begin())?;
        Ok(Self {
            member,
            emit,
            hasher: ContentHasher::default(),
            left: member.size,
        })
    }

    fn copy(&mut self, reader: &mut dyn Read) -> io::Result<()> {
        loop {
            let mut block = Vec::with_capacity(TreeEvent::MAX_DATA);
            let mut some = (&mut *reader).take(TreeEvent::MAX_DATA as u64);
            let read = some.read_to_end(&mut block);
            read.map_err(|error| self.member.fault(error))?;
            if block.is_empty() {
                return Ok(());
            }
            let left = self.left.checked_sub(block.len() as u64);
            self.left = left.ok_or_else(|| self.member.fault("it is longer than it should be"))?;
            self.hasher.update(&block);
            (self.emit)(TreeEvent::Data(Bytes::from(block)))?;
        }
    }

    fn end(self) -> io::Result<()> {
        if self.left > 0 {
            let left = self.left;
            return Err(self.member.fault(format!("it is {left} bytes short")));
        }
        let found = self.hasher.finish().sha1;
        match self.member.sha1 {
            Some(expected) if found != expected => Err(self
                .member
                .fault(format!("its SHA-1 is {found} instead of {expected}"))),
            _ => (self.emit)(TreeEvent::EndOfFile),
        }
    }
}

/// Decrypts, if that is needed.
pub(super) fn decrypted<'a>(
    input: impl Read + 'a,
    passphrase: Option<Passphrase>,
    is_raw: bool,
) -> Box<dyn Read + 'a> {
    match passphrase {
        None => Box::new(input),
        Some(passphrase) if is_raw => {
            let whole = Cursor::new(MAGIC).chain(input);
            Box::new(Decryptor::new(passphrase, whole))
        }
        Some(passphrase) => Box::new(Decryptor::new(passphrase, input)),
    }
}

/// What raw content lacks.
const MAGIC: &[u8] = b"Salted__";

/// Decrypts and decompresses, up to so many bytes.
fn decoded<'a>(
    input: impl Read + 'a,
    encoded: &Encoded,
    limit: u64,
) -> io::Result<Box<dyn Read + 'a>> {
    let plain = decrypted(input, encoded.passphrase.clone(), encoded.is_raw);
    Ok(match encoded.codec {
        Some(Codec::Gzip) if encoded.is_raw => Box::new(ZlibDecoder::new(plain)),
        codec => Box::new(Decoder::new(codec, plain, limit).map_err(io::Error::other)?),
    })
}
