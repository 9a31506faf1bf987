//! `walcast stanza-create` and `stanza-upgrade`: what pgBackRest's layout needs before the first
//! file of a cluster.

use std::{fs, path::PathBuf};

use clap::Args;
use serde_json::json;
use walcast::{
    destination::DestinationId,
    error::chain,
    pg::{ControlData, server::Server},
    repository::{
        self, ClusterIdentity,
        pgbackrest::{PgBackRestRepository, StanzaChange, StanzaSecrets},
    },
    workers::Workers,
};

use crate::{
    configuration::ConfigOptions,
    output::{self, FAILED, Failure, Format},
    server::ServerOptions,
};

#[derive(Args, Debug)]
pub(crate) struct Stanza {
    #[command(flatten)]
    config: ConfigOptions,
    #[command(flatten)]
    server: ServerOptions,
    /// Looks at the files of a server that need not run, instead of asking one that does.
    #[arg(long, value_name = "DIR", conflicts_with = "dsn")]
    pgdata: Option<PathBuf>,
}

/// What is done with the stanzas.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Action {
    Create,
    Upgrade,
}

impl Stanza {
    pub(crate) async fn run(self, action: Action, format: Format) -> Result<u8, Failure> {
        let workers = Workers::new();
        let stanzas = self.config.load_stanzas(&workers).await?;
        if stanzas.is_empty() {
            let hint = "Name a file with a Stanza; other destinations need no such step.";
            let failure = Failure::new("no destination is in pgBackRest's layout");
            return Err(failure.with_hint(Some(hint)));
        }
        let identity = self.identity(&workers).await?;
        let mut results = Vec::new();
        let mut secrets: Vec<(&PgBackRestRepository, StanzaSecrets)> = Vec::new();
        for (id, repository) in &stanzas {
            let result = match action {
                Action::Upgrade => repository.upgrade_stanza(&identity).await,
                Action::Create => {
                    // Where the passphrase is the same, segments need to be encrypted once.
                    let known = secrets.iter();
                    let known = known.map(|(other, secrets)| (other.passphrase(), secrets));
                    let mut same = known.filter(|(pass, _)| *pass == repository.passphrase());
                    let own = match same.next() {
                        Some((_, same)) => same.clone(),
                        None => StanzaSecrets::random().map_err(|error| Failure::of(&error))?,
                    };
                    let created = repository.create_stanza(&identity, &own).await;
                    secrets.push((repository, own));
                    created
                }
            };
            results.push((id, result));
        }
        match format {
            Format::Json => output::print_json(&results.iter().map(as_json).collect::<Vec<_>>()),
            Format::Text => output::print(&results.iter().map(as_text).collect::<String>()),
        }
        let has_failed = results.iter().any(|(_, result)| result.is_err());
        Ok(if has_failed { FAILED } else { 0 })
    }

    async fn identity(&self, workers: &Workers) -> Result<ClusterIdentity, Failure> {
        let Some(folder) = &self.pgdata else {
            let options = self.server.connect_options()?;
            let failure = |error: walcast::pg::server::ServerError| {
                Failure::of(&error).with_hint(error.hint())
            };
            let server = Server::connect(&options).await.map_err(failure)?;
            let facts = server.facts().await.map_err(failure)?;
            return Ok(ClusterIdentity {
                system_id: facts.server.system_id,
                version: server.version(),
            });
        };
        let path = folder.join("global/pg_control");
        let file = path.clone();
        let bytes = workers.disk(move || fs::read(file)).await;
        let bytes =
            bytes.map_err(|error| Failure::new(format!("reading {}: {error}", path.display())))?;
        let control = ControlData::parse(&bytes);
        let control = control.map_err(|error| {
            Failure::new(format!("{}: {error}", path.display())).with_hint(Some(error.hint()))
        })?;
        Ok(ClusterIdentity {
            system_id: control.system_id,
            version: control.version,
        })
    }
}

type Changed<'a> = (&'a DestinationId, repository::Result<StanzaChange>);

fn as_text((id, result): &Changed<'_>) -> String {
    match result {
        Ok(change) => format!("{id}: {}\n", said(*change)),
        Err(error) => {
            let hint = error.hint().map(|hint| format!("  hint: {hint}\n"));
            format!(
                "{id}: failed: {}\n{}",
                chain(error),
                hint.unwrap_or_default()
            )
        }
    }
}

fn as_json((id, result): &Changed<'_>) -> serde_json::Value {
    match result {
        Ok(change) => json!({ "destination": id, "stanza": said(*change) }),
        Err(error) => json!({
            "destination": id,
            "stanza": "failed",
            "error": chain(error),
            "hint": error.hint(),
        }),
    }
}

fn said(change: StanzaChange) -> &'static str {
    match change {
        StanzaChange::Created => "created",
        StanzaChange::Upgraded => "upgraded",
        StanzaChange::None => "unchanged",
    }
}
