//! What backups are called.

use jiff::{Timestamp, civil::DateTime, tz::Offset};

use crate::repository::BackupKind;

/// Returns the label of a backup that began at `began`: local time, as the tool has it. That of a
/// backup of changes begins with that of its full backup.
pub(super) fn label(
    kind: BackupKind,
    full: Option<&str>,
    began: Timestamp,
    offset: Offset,
) -> String {
    let at = offset.to_datetime(began).strftime("%Y%m%d-%H%M%S");
    match (kind, full) {
        (BackupKind::Differential, Some(full)) => format!("{full}_{at}D"),
        (BackupKind::Incremental, Some(full)) => format!("{full}_{at}I"),
        _ => format!("{at}F"),
    }
}

/// Returns the label of the full backup to which a label leads.
pub(super) fn full_of(label: &str) -> &str {
    label.split_once('_').map_or(label, |(full, _)| full)
}

/// Returns whether a text is the label of a full backup.
pub(super) fn is_full(text: &str) -> bool {
    let at = text.strip_suffix('F');
    let time = at.map(|at| DateTime::strptime("%Y%m%d-%H%M%S", at));
    time.is_some_and(|time| time.is_ok()) && text.len() == FULL
}

/// Length of the label of a full backup.
const FULL: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_in_local_time_and_lead_to_their_full_backup() {
        let began = Timestamp::from_second(1_795_350_913).unwrap();
        let offset = Offset::constant(2);

        let full = label(BackupKind::Full, None, began, offset);

        assert_eq!(full, "20261122-143513F");
        assert!(is_full(&full));
        for (kind, expected) in [
            (
                BackupKind::Differential,
                "20261122-143513F_20261122-143513D",
            ),
            (BackupKind::Incremental, "20261122-143513F_20261122-143513I"),
        ] {
            let one = label(kind, Some(&full), began, offset);
            assert_eq!(one, expected);
            assert_eq!(full_of(&one), full);
            assert!(!is_full(&one));
        }
        for text in [
            "",
            "F",
            "20261322-143513F",
            "20261122-143513",
            "20261122T143513F",
        ] {
            assert!(!is_full(text), "{text}");
        }
    }
}
