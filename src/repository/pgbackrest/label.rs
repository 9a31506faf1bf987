//! What base backups are called.

use jiff::{Timestamp, tz::Offset};

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

/// Returns whether a name is the label of a full backup.
pub(super) fn is_full(name: &str) -> bool {
    is_moment(name, &['F'])
}

/// Returns whether a name is the label of a base backup: `YYYYMMDD-HHMMSSF`, and for one that
/// depends on others `_YYYYMMDD-HHMMSSD` or `I` behind it.
pub(super) fn is_label(name: &str) -> bool {
    match name.split_once('_') {
        None => is_moment(name, &['F']),
        Some((full, own)) => is_moment(full, &['F']) && is_moment(own, &['D', 'I']),
    }
}

fn is_moment(text: &str, kinds: &[char]) -> bool {
    let Some(digits) = text.strip_suffix(kinds) else {
        return false;
    };
    let is_number = |part: &str, len| part.len() == len && part.bytes().all(|b| b.is_ascii_digit());
    let parts = digits.split_once('-');
    parts.is_some_and(|(date, time)| is_number(date, 8) && is_number(time, 6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_told_from_other_names() {
        for label in ["20261122-114823F", "20261122-114823F_20261122-114826D"] {
            assert!(is_label(label), "{label}");
        }
        assert!(is_label("20261122-114823F_20261122-114828I"));
        for other in [
            "",
            "latest",
            "backup.history",
            "20261122-114823",
            "20261122-114823D",
            "2026112-2114823F",
            "20261122-114823F_20261122-114826F",
            "20261122-114823F_",
            "20261122-114823F.tmp",
        ] {
            assert!(!is_label(other), "{other}");
        }
    }

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
        for text in ["", "F", "20261122-143513", "20261122T143513F"] {
            assert!(!is_full(text), "{text}");
        }
    }
}
