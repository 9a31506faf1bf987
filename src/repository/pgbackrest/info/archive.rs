use zeroize::Zeroizing;

use super::{History, InvalidInfo, passphrase, set_passphrase};
use crate::{
    codec::cipher::Passphrase,
    repository::{ClusterIdentity, pgbackrest::ini::Ini},
};

/// What `archive.info` says. Keys that are not understood are kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ArchiveInfo {
    pub(super) record: Ini,
    history: History,
    passphrase: Option<Passphrase>,
}

impl ArchiveInfo {
    /// Describes a new stanza, in the name of pgBackRest's release `writer`. The WAL is encrypted
    /// with `passphrase`.
    pub fn new(writer: &str, identity: &ClusterIdentity, passphrase: Option<Passphrase>) -> Self {
        let mut record = Ini::new(writer);
        let history = History::of(identity);
        history.write_to_archive(&mut record);
        set_passphrase(&mut record, passphrase.as_ref());
        Self {
            record,
            history,
            passphrase,
        }
    }

    /// Reads it.
    pub fn parse(text: &str) -> Result<Self, InvalidInfo> {
        let record = Ini::parse(text)?;
        Ok(Self {
            history: History::read(&record)?,
            passphrase: passphrase(&record)?,
            record,
        })
    }

    /// Returns the text.
    pub fn to_text(&self) -> Zeroizing<String> {
        self.record.to_text()
    }

    /// Returns the clusters.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Returns what the WAL is encrypted with.
    pub fn passphrase(&self) -> Option<&Passphrase> {
        self.passphrase.as_ref()
    }

    /// Makes the stanza one of another cluster.
    pub fn upgrade(&mut self, identity: &ClusterIdentity) {
        self.history.push(identity);
        self.history.write_to_archive(&mut self.record);
    }
}
