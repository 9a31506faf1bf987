//! Where restores for practice are remembered: beside the backups.

use crate::repository::{NoteName, Repository, Result};

use super::DrillRecord;

/// What the notes' names begin with.
const DRILLS: &str = "drills/";

/// Returns what the last restore for practice of a repository showed, if there was one. A note that
/// cannot be understood is passed by.
///
/// # Errors
///
/// Those of the store.
pub async fn last_drill(repository: &dyn Repository) -> Result<Option<DrillRecord>> {
    let notes = repository.notes(DRILLS, 5).await?;
    let mut records = notes.iter().rev();
    Ok(records.find_map(|(_, note)| serde_json::from_slice(note).ok()))
}

/// Writes down beside the backups what a restore for practice showed.
///
/// # Errors
///
/// Those of the store.
pub async fn remember_drill(repository: &dyn Repository, record: &DrillRecord) -> Result<()> {
    let stamp = record.at.strftime("%Y%m%dT%H%M%SZ");
    let name = NoteName::parse(&format!("{DRILLS}{stamp}.json"));
    let name = name.expect("digits and letters name a note");
    let content = serde_json::to_vec_pretty(record).expect("a record has only JSON's types");
    repository.put_note(&name, content.into()).await
}
