use std::{fmt, str::FromStr};

use jiff::civil::DateTime;

/// A text is not the id of a backup.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not the id of a backup, such as 20261122T124808")]
pub struct InvalidBackupId(String);

/// The id of a base backup in Barman's layout: the second in which it began, `YYYYMMDDTHHMMSS`.
///
/// By the clock and in the time zone of the machine that took it, so it tells the order of backups
/// only roughly. The digits need not be a date: the tools look at their number alone, and order
/// backups by their ids.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct BackupId {
    date: u32,
    time: u32,
}

impl BackupId {
    /// Returns the id of a backup that begins at `began`.
    pub fn at(began: DateTime) -> Self {
        let digits = |parts: [i16; 3]| {
            let parts = parts.map(|part| u32::from(part.unsigned_abs()));
            (parts[0] * 100 + parts[1]) * 100 + parts[2]
        };
        let (date, time) = (began.date(), began.time());
        Self {
            date: digits([date.year(), date.month().into(), date.day().into()]),
            time: digits([
                time.hour().into(),
                time.minute().into(),
                time.second().into(),
            ]),
        }
    }
}

impl fmt::Display for BackupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08}T{:06}", self.date, self.time)
    }
}

impl FromStr for BackupId {
    type Err = InvalidBackupId;

    fn from_str(text: &str) -> Result<Self, InvalidBackupId> {
        let number = |text: &str, digits| {
            let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| is_number)
        };
        text.split_once('T')
            .and_then(|(date, time)| {
                let (date, time) = (number(date, 8)?, number(time, 6)?);
                Some(Self { date, time })
            })
            .ok_or_else(|| InvalidBackupId(text.to_owned()))
    }
}

/// A text cannot be the name of a new backup.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a backup cannot be called `{0}`")]
pub struct InvalidBackupName(String);

impl InvalidBackupName {
    /// Tells the user what to do.
    pub fn hint(&self) -> &'static str {
        "Choose a name of one line that is neither empty nor like an id, and none of the words \
         with which the tools pick a backup: latest, last, oldest, first, last-failed, \
         latest-full, last-full, auto."
    }
}

/// Checks that Barman's tools can tell a backup by this name.
///
/// Names need not be unique, but the tools refuse one that two backups have.
pub fn check_backup_name(name: &str) -> Result<(), InvalidBackupName> {
    let is_kept = name == name.trim() && !name.contains(['\n', '\r']);
    let is_free = !RESERVED.contains(&name) && name.parse::<BackupId>().is_err();
    if is_kept && is_free && !name.is_empty() {
        Ok(())
    } else {
        Err(InvalidBackupName(name.escape_debug().to_string()))
    }
}

/// Words that stand for a backup on a command line, and the text that means "none" in a file.
const RESERVED: &[&str] = &[
    "None",
    "auto",
    "first",
    "last",
    "last-failed",
    "last-full",
    "latest",
    "latest-full",
    "oldest",
];

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_tells_when_a_backup_began() {
        let id = BackupId::at(date(2026, 11, 2).at(2, 8, 9, 999_999_999));

        assert_eq!(id.to_string(), "20261102T020809");
    }

    #[test]
    fn other_texts_are_no_ids() {
        for text in [
            "",
            "20261122T12480",
            "20261122T1248080",
            "2026112T124808",
            "20261122t124808",
            "20261122 124808",
            "+0261122T124808",
            "20261122T12480\u{661}",
            "20261122T124808 ",
            "20261122-124808F",
        ] {
            assert!(text.parse::<BackupId>().is_err(), "{text}");
        }
        assert!("99999999T999999".parse::<BackupId>().is_ok());
    }

    #[test]
    fn names_that_mean_something_else_are_refused() {
        for name in ["backup-20261122125001", "nightly", "Latest", "ü 1"] {
            assert_eq!(check_backup_name(name), Ok(()));
        }
        for name in [
            "",
            " a",
            "a\n",
            "a\nb",
            "latest",
            "auto",
            "None",
            "20261122T124808",
        ] {
            let error = check_backup_name(name).unwrap_err();
            assert!(error.hint().ends_with('.'));
        }
    }

    proptest! {
        #[test]
        fn text_form_round_trips_and_keeps_the_order(a in "[0-9]{8}T[0-9]{6}", b in "[0-9]{8}T[0-9]{6}") {
            let ids = [&a, &b].map(|text| text.parse::<BackupId>().unwrap());

            prop_assert_eq!(&ids[0].to_string(), &a);
            prop_assert_eq!(ids[0].cmp(&ids[1]), a.cmp(&b));
        }
    }
}
