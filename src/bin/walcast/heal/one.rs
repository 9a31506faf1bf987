//! `walcast heal --backup`: destinations get one base backup that another holds.

use std::sync::Arc;

use walcast::{
    backup::{BackupSettings, DestinationReport, Progress, copy_backup},
    error::chain,
    fanout::Destination,
    repository::BackupState,
    workers::Workers,
};

use super::Heal;
use crate::{
    backup::{destinations_as_json, destinations_as_text},
    output::{self, FAILED, Failure, Format},
    policy::check_known,
};

/// Copies one backup to those that lack it.
pub(super) async fn copy_one(heal: &Heal, backup: &str, format: Format) -> Result<u8, Failure> {
    let destinations = heal.site.config.load(&Workers::new()).await?.destinations;
    check_known("--to", &heal.to, &destinations)?;
    check_known("--from", heal.from.as_slice(), &destinations)?;
    let (holders, lacking, id) = find(backup, &destinations).await?;
    let is_wanted = |one: &&Destination| heal.to.is_empty() || heal.to.contains(&one.id);
    let to: Vec<Destination> = lacking.into_iter().filter(is_wanted).cloned().collect();
    let from = match &heal.from {
        None => holders.first(),
        Some(from) => holders.iter().find(|one| one.id == *from),
    };
    let Some(from) = from else {
        return Err(nobody_holds(backup));
    };
    if to.is_empty() {
        output::print(&format!("every destination holds backup {id}\n"));
        return Ok(0);
    }
    let settings = BackupSettings {
        memory: heal.limits.memory,
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
    name: &str,
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
            let is_named = one.id == name || one.name.as_deref() == Some(name);
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
                let text = format!("several backups are called {name}");
                return Err(Failure::new(text).with_hint(Some("Say the id instead.")));
            }
        }
    }
    let id = id.ok_or_else(|| nobody_holds(name))?;
    Ok((holders, lacking, id))
}

fn nobody_holds(backup: &str) -> Failure {
    let hint = "See what each destination holds with `walcast info`.";
    Failure::new(format!("no complete backup {backup} is there")).with_hint(Some(hint))
}
