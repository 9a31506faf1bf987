//! Info files at rest: encrypted, and with a copy for when the first one is damaged.

use std::io::{Read, Write};

use zeroize::Zeroizing;

use super::{InvalidInfo, InvalidIni, PgBackRestRepository};
use crate::{
    codec::cipher::{Decryptor, Encryptor, Passphrase, Salt, is_encrypted},
    repository::{Error, Result},
    store::{Class, Key, Payload, PutMode, PutOptions, StoreExt},
};

impl PgBackRestRepository {
    /// Reads an info file, or its copy if it is missing or cannot be used; `None` if both are
    /// missing.
    ///
    /// # Errors
    ///
    /// Those of the store. [`Error::NotSetUp`] if neither can be used.
    pub(super) async fn load<T>(
        &self,
        key: &Key,
        parse: impl Fn(&str) -> Result<T, InvalidInfo>,
    ) -> Result<Option<T>> {
        let copy = self.copy_of(key)?;
        let fault = match self.load_one(key, &parse).await? {
            Some(Ok(info)) => return Ok(Some(info)),
            Some(Err(fault)) => Some(fault),
            None => None,
        };
        match (self.load_one(&copy, &parse).await?, fault) {
            (Some(Ok(info)), fault) => {
                if let Some(fault) = fault {
                    tracing::warn!(%key, reason = %fault, "its copy was read instead");
                }
                Ok(Some(info))
            }
            (_, Some(fault)) => Err(self.unusable(key, &fault)),
            (Some(Err(fault)), None) => Err(self.unusable(&copy, &fault)),
            (None, None) => Ok(None),
        }
    }

    /// Writes whichever of an info file and its copy is missing.
    pub(super) async fn mend_copy(&self, key: &Key, text: &str) -> Result<()> {
        for key in [key, &self.copy_of(key)?] {
            if !self.store.exists(key).await? {
                self.write(key, text, PutMode::Create).await?;
            }
        }
        Ok(())
    }

    /// Writes an info file, then its copy.
    pub(super) async fn save(&self, key: &Key, text: &str, mode: PutMode) -> Result<()> {
        self.write(key, text, mode).await?;
        let copy = self.copy_of(key)?;
        self.write(&copy, text, PutMode::Overwrite).await
    }

    async fn write(&self, key: &Key, text: &str, mode: PutMode) -> Result<()> {
        let bytes = match &self.settings.passphrase {
            None => text.as_bytes().to_vec(),
            Some(passphrase) => encrypted(passphrase, text.as_bytes()),
        };
        let tags = self.settings.tags.clone();
        let options = PutOptions { mode, tags };
        self.store.put(key, Payload::new(bytes), options).await?;
        Ok(())
    }

    async fn load_one<T>(
        &self,
        key: &Key,
        parse: impl Fn(&str) -> Result<T, InvalidInfo>,
    ) -> Result<Option<Result<T, Fault>>> {
        let bytes = match self.store.get_bytes(key, LARGEST).await {
            Ok(bytes) => bytes,
            Err(error) if error.class() == Class::Missing => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let text = decrypted(self.settings.passphrase.as_ref(), &bytes);
        Ok(Some(
            text.and_then(|text| parse(&text).map_err(Fault::Invalid)),
        ))
    }

    fn copy_of(&self, key: &Key) -> Result<Key> {
        Key::parse(format!("{key}.copy")).map_err(Error::of_key(self))
    }

    fn unusable(&self, key: &Key, fault: &Fault) -> Error {
        Error::NotSetUp {
            repository: self.to_string(),
            key: key.clone(),
            reason: fault.to_string(),
            hint: fault.hint(),
        }
    }
}

/// Why an info file cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
enum Fault {
    #[error("it is encrypted, and no passphrase is configured")]
    NoPassphrase,
    #[error("it is not encrypted, but a passphrase is configured")]
    NotEncrypted,
    #[error("it cannot be decrypted: the passphrase is another one, or the file is damaged")]
    Undecipherable,
    #[error("it is not text")]
    NotText,
    #[error(transparent)]
    Invalid(InvalidInfo),
}

impl Fault {
    fn hint(&self) -> &'static str {
        match self {
            Self::NoPassphrase => "Configure the passphrase with which the repository was made.",
            Self::NotEncrypted => {
                "Take the passphrase out of the configuration, or use another path: a repository \
                 cannot be encrypted later."
            }
            Self::Undecipherable => {
                "Configure the passphrase with which the repository was made; if it is the right \
                 one, put an earlier version of the file back."
            }
            Self::Invalid(InvalidInfo::Ini(InvalidIni::Format(_))) => {
                "Use a release of walcast that knows this format."
            }
            Self::NotText | Self::Invalid(_) => {
                "Put an earlier version of the file, or of its copy, back."
            }
        }
    }
}

/// The salt is a function of the text, so that a file and its copy are the same.
pub(super) fn encrypted(passphrase: &Passphrase, text: &[u8]) -> Vec<u8> {
    let salt = Salt::of(passphrase, &[text]);
    let encrypt = || {
        let mut encryptor = Encryptor::new(passphrase, salt, Vec::new())?;
        encryptor.write_all(text)?;
        encryptor.finish()
    };
    encrypt().expect("memory can be written")
}

fn decrypted(passphrase: Option<&Passphrase>, bytes: &[u8]) -> Result<Zeroizing<String>, Fault> {
    let mut content = Zeroizing::new(Vec::with_capacity(bytes.len()));
    match (passphrase, is_encrypted(bytes)) {
        (None, true) => return Err(Fault::NoPassphrase),
        (Some(_), false) => return Err(Fault::NotEncrypted),
        (None, false) => content.extend_from_slice(bytes),
        (Some(passphrase), true) => {
            let mut decryptor = Decryptor::new(passphrase.clone(), bytes);
            let read = decryptor.read_to_end(&mut content);
            // With another passphrase the padding is right once in a while.
            if read.is_err() || !content.starts_with(b"[") {
                return Err(Fault::Undecipherable);
            }
        }
    }
    match std::str::from_utf8(&content) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) if passphrase.is_some() => Err(Fault::Undecipherable),
        Err(_) => Err(Fault::NotText),
    }
}

/// Bytes; an entry of a base backup takes about one KiB.
const LARGEST: u64 = 64 << 20;
