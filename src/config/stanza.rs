//! From a repository of a stanza to one in pgBackRest's layout.

use super::{
    BuildCause, BuildErrors, Config, DestinationConfig, LayoutConfig, Location, PgBackRestConfig,
    build::{all_or_errors, unknown},
};
use crate::{
    codec::{Codec, Encoding, cipher::Passphrase},
    crd::pgbackrest::Compression,
    destination::DestinationId,
    repository::pgbackrest::{PgBackRestRepository, PgBackRestSettings},
    store::Counters,
    workers::Workers,
};

impl Config {
    /// Makes the repositories in pgBackRest's layout alone, by their names: for what is done with
    /// stanzas. Nothing is sent.
    ///
    /// # Errors
    /// As for [`build`](Self::build).
    pub fn stanzas(
        &self,
        workers: &Workers,
    ) -> Result<Vec<(DestinationId, PgBackRestRepository)>, BuildErrors> {
        let built = self
            .destinations
            .iter()
            .filter_map(|one| match &one.layout {
                LayoutConfig::Barman(_) => None,
                LayoutConfig::PgBackRest(stanza) => {
                    let id = DestinationId::parse(&one.id).map_err(BuildCause::from);
                    // Nobody looks at what a single command asked.
                    let uncounted = Counters::default();
                    let named =
                        id.and_then(|id| Ok((id, one.stanza(stanza, &uncounted, workers)?)));
                    Some((one, named))
                }
            });
        all_or_errors(built)
    }
}

impl DestinationConfig {
    pub(super) fn stanza(
        &self,
        stanza: &PgBackRestConfig,
        requests: &Counters,
        workers: &Workers,
    ) -> Result<PgBackRestRepository, BuildCause> {
        let (store, path) = self.store(requests, workers)?;
        let settings = PgBackRestSettings::new(path, &stanza.stanza);
        let mut settings = settings.with_wal_encoding(stanza_encoding(stanza)?)?;
        settings.number = stanza.number;
        settings.passphrase = stanza.cipher_pass.clone().map(Passphrase::new);
        settings.tags = self.tags.iter().cloned().collect();
        settings.lock_folder = Some(stanza.lock_path.clone());
        settings.bundles = stanza.bundles;
        settings.by_checksum = stanza.by_checksum;
        if let Location::File { path } = &self.location {
            settings.local_folder = Some(path.clone());
        }
        Ok(PgBackRestRepository::new(store, settings, workers.clone()))
    }
}

fn stanza_encoding(stanza: &PgBackRestConfig) -> Result<Encoding, BuildCause> {
    let codec = match &stanza.compression {
        None => return Ok(Encoding::PLAIN),
        Some(Compression::Bz2) => Codec::Bzip2,
        Some(Compression::Gz) => Codec::Gzip,
        Some(Compression::Lz4) => Codec::Lz4,
        Some(Compression::Zst) => Codec::Zstd,
        Some(Compression::Other(value)) => return Err(unknown("compressConfig.type", value)),
    };
    // No codec has a level that does not fit.
    let level = stanza
        .level
        .map(|level| i32::try_from(level).unwrap_or(i32::MAX));
    Ok(Encoding::new(codec, level)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Options, load};

    const STANZA: &str = "
apiVersion: pgbackrest.dalibo.com/v1
kind: Stanza
metadata: {name: stanza}
spec:
  stanzaConfiguration:
    name: main
    processMax: 4
    compressConfig: {type: zst, level: 5}
    s3Repositories:
    - bucket: backups
      endpoint: http://localhost:9000
      region: here
      repoPath: /repo
      uriStyle: path
      verifyTLS: true
      secretRef:
        accessKeyId: {name: keys, key: id}
        secretAccessKey: {name: keys, key: secret}
      cipherConfig: {encryptionPass: {name: keys, key: pass}}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {id: key, secret: hush, pass: made-up}
";

    fn config(text: &str) -> Config {
        let files = [("stanza.yaml".into(), text.to_owned())];
        load(&files, Options::default()).unwrap().config
    }

    #[test]
    fn a_repository_of_a_stanza_is_built_without_a_look_at_it() {
        let built = config(STANZA).build(&Workers::inline());
        let encrypted = built.unwrap().remove(0);

        let zstd = Encoding::new(Codec::Zstd, Some(5)).unwrap();
        assert_eq!((encrypted.id.as_str(), encrypted.parallel), ("stanza-1", 4));
        assert_eq!(encrypted.repository.wal_encoding(), zstd);
        assert!(encrypted.repository.encrypts_wal());
        let text = encrypted.repository.to_string();
        assert_eq!(text, "pgbackrest:s3://backups at localhost:9000/repo/main");
    }

    #[test]
    fn a_level_that_the_codec_lacks_is_refused() {
        let config = config(&STANZA.replace("level: 5", "level: 50"));

        let BuildErrors(errors) = config.build(&Workers::inline()).unwrap_err();

        assert!(matches!(errors[0].cause, BuildCause::Codec(_)));
    }
}
