//! What pgBackRest keeps in a repository.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::open_enum::open_enum;

/// What is kept in one repository; looked at after each backup to it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RetentionPolicy {
    /// How many full backups are kept, or for how many days. Default: all, for ever.
    #[schemars(range(min = 1, max = 9_999_999))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full: Option<i32>,
    /// Whether `full` counts backups or days. Default: `count`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_type: Option<FullType>,
    /// How many full and differential backups are kept. Default: each as long as its full one.
    #[schemars(range(min = 1, max = 9_999_999))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<i32>,
    /// For how many backups all WAL since is kept; older backups keep what they need to be
    /// consistent. Default: for those that `full` or `diff` keeps.
    #[schemars(range(min = 1, max = 9_999_999))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<i32>,
    /// Which backups `archive` counts: of this type and of those it may depend on. Default: `full`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive_type: Option<BackupType>,
    /// For how many days manifests of gone backups are kept. No release of the plugin passes it on.
    #[schemars(range(min = 0, max = 9_999_999))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<i32>,
}

impl RetentionPolicy {
    /// Keeps so many full backups and what depends on them.
    pub fn fulls(count: i32) -> Self {
        Self {
            full: Some(count),
            full_type: Some(FullType::Count),
            ..Self::default()
        }
    }

    /// Keeps what is needed to go back so many days.
    pub fn days(days: i32) -> Self {
        Self {
            full: Some(days),
            full_type: Some(FullType::Time),
            ..Self::default()
        }
    }

    /// Returns what pgBackRest makes of it.
    ///
    /// ```
    /// # use walcast::crd::pgbackrest::{BackupType, FullRetention, RetentionPolicy, WalRetention};
    /// let retention = RetentionPolicy::fulls(2).effective();
    /// assert_eq!(retention.full, FullRetention::Count(2));
    /// assert_eq!(retention.wal, WalRetention::Backups(2, BackupType::Full));
    /// ```
    pub fn effective(&self) -> Retention {
        let full = match (self.full, &self.full_type) {
            (None, _) => FullRetention::Everything,
            (Some(days), Some(FullType::Time)) => FullRetention::Days(days),
            (Some(count), _) => FullRetention::Count(count),
        };
        Retention {
            full,
            diff: self.diff,
            wal: self.wal(full),
        }
    }

    fn wal(&self, full: FullRetention) -> WalRetention {
        let counted = self.archive_type.clone().unwrap_or(BackupType::Full);
        let count = match (self.archive, &counted, full) {
            (Some(count), ..) | (None, BackupType::Full, FullRetention::Count(count)) => {
                Some(count)
            }
            (None, BackupType::Full, FullRetention::Days(_)) => return WalRetention::WithFulls,
            (None, BackupType::Diff, _) => self.diff,
            (None, BackupType::Full | BackupType::Incr | BackupType::Other(_), _) => None,
        };
        count.map_or(WalRetention::Everything, |count| {
            WalRetention::Backups(count, counted)
        })
    }
}

/// What pgBackRest keeps in a repository once its defaults are in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Retention {
    /// Which full backups stay, with what depends on them.
    pub full: FullRetention,
    /// How many full and differential backups stay; `None` is each as long as its full one.
    pub diff: Option<i32>,
    /// Which WAL stays.
    pub wal: WalRetention,
}

/// Which full backups stay.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FullRetention {
    /// All of them; pgBackRest warns of it with each command.
    Everything,
    /// The newest so many.
    Count(i32),
    /// All that are younger than so many days, and the newest of the older ones.
    Days(i32),
}

/// Which WAL stays, beside what each backup needs to be consistent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum WalRetention {
    /// All of it.
    Everything,
    /// All since the oldest full backup that stays.
    WithFulls,
    /// All since the oldest of the newest so many backups of this type (and of those it may depend
    /// on).
    Backups(i32, BackupType),
}

open_enum! {
    /// What [`RetentionPolicy::full`] counts.
    pub enum FullType {
        /// Backups.
        Count = "count",
        /// Days.
        Time = "time",
    }
}

open_enum! {
    /// How much of the cluster a backup has.
    pub enum BackupType {
        /// All of it.
        Full = "full",
        /// What changed since the last full backup.
        Diff = "diff",
        /// What changed since the last backup.
        Incr = "incr",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wal_stays_as_long_as_the_backups_that_count() {
        let fulls = RetentionPolicy::fulls(3);
        let days = RetentionPolicy::days(30);
        let diffs = RetentionPolicy {
            diff: Some(7),
            archive_type: Some(BackupType::Diff),
            ..RetentionPolicy::fulls(3)
        };
        let fewer = RetentionPolicy {
            archive: Some(1),
            ..RetentionPolicy::fulls(3)
        };
        let incrs = RetentionPolicy {
            archive_type: Some(BackupType::Incr),
            ..RetentionPolicy::fulls(3)
        };

        let wal = |policy: &RetentionPolicy| policy.effective().wal;
        assert_eq!(wal(&fulls), WalRetention::Backups(3, BackupType::Full));
        assert_eq!(wal(&days), WalRetention::WithFulls);
        assert_eq!(wal(&diffs), WalRetention::Backups(7, BackupType::Diff));
        assert_eq!(wal(&fewer), WalRetention::Backups(1, BackupType::Full));
        assert_eq!(wal(&incrs), WalRetention::Everything);
    }

    #[test]
    fn nothing_is_removed_without_a_number_of_fulls() {
        let typed = RetentionPolicy {
            full_type: Some(FullType::Time),
            ..RetentionPolicy::default()
        };

        for policy in [RetentionPolicy::default(), typed] {
            let retention = policy.effective();
            assert_eq!(retention.full, FullRetention::Everything);
            assert_eq!(retention.wal, WalRetention::Everything);
        }
        let days = RetentionPolicy::days(30).effective().full;
        assert_eq!(days, FullRetention::Days(30));
    }
}
