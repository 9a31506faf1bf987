use std::io::Write;

use fastrand::Rng;

use crate::{
    codec::{ContentHasher, Encoder, Encoding},
    pg::{MajorVersion, SystemId, WalFileName},
    repository::{ClusterIdentity, WalFile},
    store::Payload,
};

/// The cluster whose files the checks put.
pub const IDENTITY: ClusterIdentity = ClusterIdentity {
    system_id: SystemId::new(7_300_000_000_000_000_001),
    version: MajorVersion::V15,
};

/// Bytes from a seed, of which codecs save about a half.
#[derive(Clone, Debug)]
pub(super) struct Sample(Vec<u8>);

impl Sample {
    pub(super) fn new(seed: u64, len: usize) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut bytes = vec![0; len];
        for pair in bytes.chunks_mut(256) {
            let half = pair.len().div_ceil(2);
            rng.fill(&mut pair[..half]);
        }
        // No codec's files begin so.
        bytes[0] = 0x10;
        Self(bytes)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn len(&self) -> u64 {
        self.0.len() as u64
    }

    pub(super) fn encoded(&self, name: &str, encoding: Encoding) -> WalFile {
        let name = WalFileName::parse(name).expect("the names in the checks are valid");
        let mut encoder =
            Encoder::new(encoding, Vec::new()).expect("a repository's encoding works");
        encoder.write_all(&self.0).expect("memory can be written");
        let bytes = encoder.finish().expect("memory can be written");
        let mut hasher = ContentHasher::default();
        hasher.update(&self.0);
        WalFile {
            name,
            content: hasher.finish(),
            identity: name.segment().map(|_| IDENTITY),
            encoding,
            payload: Payload::new(bytes),
        }
    }
}
