//! `walcast heal --backup`: a destination gets a base backup that another holds.

use std::sync::Arc;

use clap::Args;
use walcast::{
    backup::{BackupSettings, DestinationReport, Progress, copy_backup},
    byte_size::ByteSize,
    error::chain,
    fanout::{Destination, DestinationId},
    repository::BackupState,
    workers::Workers,
};

use crate::{
    backup::{destinations_as_json, destinations_as_text},
    configuration::ConfigOptions,
    output::{self, FAILED, Failure, Format},
    policy::check_known,
};

#[derive(Args, Debug)]
pub(crate) struct Heal {
    #[command(flatten)]
    config: ConfigOptions,
    /// The backup, by its id or its name.
    #[arg(long, value_name = "BACKUP")]
    backup: String,
    /// The destination that it is read from. Default: the first that holds it.
    #[arg(long, value_name = "DEST")]
    from: Option<DestinationId>,
    /// A destination that gets it; may be given several times. Default: all that do not hold it.
    #[arg(long, value_name = "DEST")]
    to: Vec<DestinationId>,
    /// Memory for what is on its way.
    #[arg(long, value_name = "SIZE", default_value = "64MiB")]
    memory: ByteSize,
}

impl Heal {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let destinations = self.config.load(&Workers::new()).await?.destinations;
        check_known("--to", &self.to, &destinations)?;
        check_known("--from", self.from.as_slice(), &destinations)?;
        let (holders, lacking, id) = self.find(&destinations).await?;
        let is_wanted = |one: &&Destination| self.to.is_empty() || self.to.contains(&one.id);
        let to: Vec<Destination> = lacking.into_iter().filter(is_wanted).cloned().collect();
        let from = match &self.from {
            None => holders.first(),
            Some(from) => holders.iter().find(|one| one.id == *from),
        };
        let Some(from) = from else {
            return Err(nobody_holds(&self.backup));
        };
        if to.is_empty() {
            output::print(&format!("every destination holds backup {id}\n"));
            return Ok(0);
        }
        let settings = BackupSettings {
            memory: self.memory,
            ..BackupSettings::default()
        };
        let progress = Arc::new(Progress::default());
        let copied = copy_backup(&id, from, &to, &settings, &progress).await;
        let reports = copied.map_err(|error| Failure::of(&error).with_hint(Some(error.hint())))?;
        match format {
            Format::Json => output::print_json(&destinations_as_json(&reports)),
            Format::Text => output::print(&destinations_as_text(&reports)),
        }
        let is_healed = reports.iter().all(DestinationReport::is_complete);
        Ok(if is_healed { 0 } else { FAILED })
    }

    /// Returns who holds the backup, who lacks it, and its id.
    async fn find<'a>(
        &self,
        destinations: &'a [Destination],
    ) -> Result<(Vec<&'a Destination>, Vec<&'a Destination>, String), Failure> {
        let mut id: Option<String> = None;
        let (mut holders, mut lacking) = (Vec::new(), Vec::new());
        for destination in destinations {
            let backups = match destination.repository.backups().await {
                Ok(backups) => backups.found,
                Err(error) => {
                    tracing::warn!("{} is passed by: {}", destination.id, chain(&error));
                    continue;
                }
            };
            let is_it = |one: &&walcast::repository::StoredBackup| {
                let is_named = one.id == self.backup || one.name.as_ref() == Some(&self.backup);
                one.state == BackupState::Complete && is_named
            };
            let mut found = backups.iter().filter(is_it);
            match (found.next(), found.next()) {
                (None, _) => lacking.push(destination),
                (Some(one), None) if id.as_ref().is_none_or(|id| *id == one.id) => {
                    id = Some(one.id.clone());
                    holders.push(destination);
                }
                _ => {
                    let text = format!("several backups are called {}", self.backup);
                    return Err(Failure::new(text).with_hint(Some("Say the id instead.")));
                }
            }
        }
        let id = id.ok_or_else(|| nobody_holds(&self.backup))?;
        Ok((holders, lacking, id))
    }
}

fn nobody_holds(backup: &str) -> Failure {
    let hint = "See what each destination holds with `walcast info`.";
    Failure::new(format!("no complete backup {backup} is there")).with_hint(Some(hint))
}
