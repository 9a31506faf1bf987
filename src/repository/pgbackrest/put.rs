use std::io::Read;

use super::{PgBackRestRepository, check_codec, keys::has_digest, stanza::Stanza};
use crate::{
    codec::{Decoder, cipher::Salt},
    repository::{Error, PutOutcome, Result, StoredWal, WalFile, content::same_content},
    store::{self, Class, GetOptions, Key, Object, Operation, Payload, PutOptions},
};

impl PgBackRestRepository {
    /// Puts a file unless it is there.
    pub(super) async fn put(&self, wal: &WalFile) -> Result<PutOutcome> {
        self.check_not_stopped().await?;
        let stanza = self.stanza_of(wal.identity.as_ref()).await?;
        if has_digest(wal.name) {
            self.put_segment(&stanza, wal).await
        } else {
            self.put_text(&stanza, wal).await
        }
    }

    /// Stops while the tool was told to: by a file in its folder of locks.
    pub(super) async fn check_not_stopped(&self) -> Result<()> {
        let Some(folder) = &self.settings.lock_folder else {
            return Ok(());
        };
        let names = [format!("{}.stop", self.settings.stanza), "all.stop".into()];
        let paths = names.map(|name| folder.join(name));
        let found = self
            .workers
            .disk(move || paths.into_iter().find(|path| path.exists()));
        match found.await {
            None => Ok(()),
            Some(path) => Err(Error::Refused {
                repository: self.to_string(),
                reason: format!("the stanza was stopped, by {}", path.display()),
            }),
        }
    }

    /// A look at what is there comes first, whatever is expected: other content would not be in
    /// the way of the store, as it has another name, and the tool takes no stanza with both.
    async fn put_segment(&self, stanza: &Stanza, wal: &WalFile) -> Result<PutOutcome> {
        let codec = wal.encoding.codec();
        check_codec(codec).map_err(|source| Error::Codec {
            repository: self.to_string(),
            source,
        })?;
        let sha1 = Some(wal.content.sha1);
        let mut found = self.lister(stanza).written().find(wal.name).await?;
        if let Some(other) = found.iter().position(|stored| stored.sha1 != sha1) {
            return Ok(PutOutcome::Conflict(found.swap_remove(other)));
        }
        if !found.is_empty() {
            return Ok(PutOutcome::Present);
        }
        let key = self.key(stanza, wal)?;
        let payload = self.encrypted(stanza, wal, &key, &wal.payload).await?;
        match self.store.put(&key, payload, self.options()).await {
            Ok(()) => Ok(PutOutcome::Stored),
            // The name tells the content.
            Err(error) if error.class() == Class::Conflict => Ok(PutOutcome::Present),
            Err(error) => Err(error.into()),
        }
    }

    /// The names of these files do not tell their content, so that they must be read.
    async fn put_text(&self, stanza: &Stanza, wal: &WalFile) -> Result<PutOutcome> {
        let key = self.key(stanza, wal)?;
        if !self.store.capabilities().create_if_absent
            && let Some(object) = self.open(&key).await?
        {
            return self.compare(stanza, wal, object).await;
        }
        let plain = self.decoded(wal, &key).await?;
        let payload = self.encrypted(stanza, wal, &key, &plain).await?;
        match self.store.put(&key, payload, self.options()).await {
            Ok(()) => Ok(PutOutcome::Stored),
            Err(error) if error.class() == Class::Conflict => match self.open(&key).await? {
                Some(object) => self.compare(stanza, wal, object).await,
                // It is gone again: the next attempt may succeed.
                None => Err(error.with_class(Class::Transient).into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    async fn compare(&self, stanza: &Stanza, wal: &WalFile, object: Object) -> Result<PutOutcome> {
        let stored = StoredWal {
            name: wal.name,
            key: object.meta.key.clone(),
            codec: None,
            stored_size: object.meta.size,
            modified: object.meta.modified,
            sha1: None,
        };
        // One more byte shows that there is more.
        let limit = wal.content.len.saturating_add(1);
        let stream = self.decode(object, None, stanza.passphrase.clone(), limit);
        if same_content(stream, &wal.content, &self.workers).await? {
            return Ok(PutOutcome::Present);
        }
        Ok(PutOutcome::Conflict(stored))
    }

    async fn open(&self, key: &Key) -> Result<Option<Object>> {
        match self.store.get(key, GetOptions::default()).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.class() == Class::Missing => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns a small file as it was before it was compressed for others.
    async fn decoded(&self, wal: &WalFile, key: &Key) -> Result<Payload> {
        if wal.encoding.codec().is_none() {
            return Ok(wal.payload.clone());
        }
        let (codec, reader, len) = (wal.encoding.codec(), wal.payload.reader(), wal.content.len);
        let job = move || -> std::io::Result<Payload> {
            let mut content = Vec::new();
            Decoder::new(codec, reader, len)?.read_to_end(&mut content)?;
            Ok(Payload::new(content))
        };
        let decoded = self.workers.cpu(job).await;
        decoded.map_err(|error| self.not_put(key, &error))
    }

    async fn encrypted(
        &self,
        stanza: &Stanza,
        wal: &WalFile,
        key: &Key,
        payload: &Payload,
    ) -> Result<Payload> {
        let Some(passphrase) = &stanza.passphrase else {
            return Ok(payload.clone());
        };
        let name = wal.name.to_string();
        let salt = Salt::of(passphrase, &[name.as_bytes(), wal.content.sha1.as_bytes()]);
        let encrypted = payload.encrypted(passphrase, salt, &self.workers).await;
        encrypted.map_err(|error| self.not_put(key, &error))
    }

    /// What is to be sent could not be read.
    fn not_put(&self, key: &Key, error: &std::io::Error) -> Error {
        let reason = error.to_string();
        let error = store::Error::new(Class::Transient, Operation::Put, &self.store, reason);
        error.with_key(key).into()
    }

    fn key(&self, stanza: &Stanza, wal: &WalFile) -> Result<Key> {
        let id = stanza.current.archive_id();
        let key = self
            .keys
            .key(&id, wal.name, wal.content.sha1, wal.encoding.codec());
        key.map_err(Error::of_key(self))
    }

    fn options(&self) -> PutOptions {
        PutOptions::create().with_tags(self.settings.tags.clone())
    }
}
