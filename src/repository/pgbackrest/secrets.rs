use std::{fmt, io};

use base64::{Engine, engine::general_purpose::STANDARD};
use rustix::rand::{GetRandomFlags, getrandom};
use zeroize::Zeroizing;

use crate::{codec::cipher::Passphrase, secret::Secret};

/// The passphrases that a new stanza gets beside that of its repository, if that has one.
///
/// Stanzas that are created with the same ones share the encrypted form of each segment, so that
/// it is made once for all of them. Whoever can open one of these repositories can read the others
/// then: do so only where their own passphrases are the same as well.
#[derive(Clone)]
pub struct StanzaSecrets {
    pub(super) wal: Passphrase,
    pub(super) manifests: Passphrase,
}

impl StanzaSecrets {
    /// Draws new ones.
    ///
    /// # Errors
    ///
    /// The system has no random numbers.
    pub fn random() -> io::Result<Self> {
        Ok(Self {
            wal: random()?,
            manifests: random()?,
        })
    }
}

impl fmt::Debug for StanzaSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StanzaSecrets").finish_non_exhaustive()
    }
}

/// As the tool draws them: 48 random bytes, as text.
fn random() -> io::Result<Passphrase> {
    let mut bytes = Zeroizing::new([0; 48]);
    let mut filled = 0;
    while filled < bytes.len() {
        filled += getrandom(&mut bytes[filled..], GetRandomFlags::empty())?;
    }
    Ok(Passphrase::new(Secret::new(STANDARD.encode(*bytes))))
}
