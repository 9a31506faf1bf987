//! What is to stay, as the resources say it.

use super::{Config, DestinationConfig, LayoutConfig};
use crate::{
    crd::{
        barman_cloud::RetentionPolicy,
        pgbackrest::{BackupType, FullRetention, Retention, WalRetention},
    },
    repository::BackupKind,
    retention::{BarmanPolicy, Fulls, PgBackRestPolicy, Policy, WalRule},
};

impl Config {
    /// Returns what is to stay in a destination: nothing that is said lets everything stay, and what
    /// its own resource and the `Cluster` say in different ways is both returned.
    pub fn retention_policies(&self, destination: &DestinationConfig) -> Vec<Policy> {
        let is_barman = matches!(destination.layout, LayoutConfig::Barman(_));
        let of_cluster = self.retention.filter(|_| is_barman);
        let of_cluster = of_cluster.map(|policy| Policy::Barman(policy.into()));
        let own = destination.retention_policy();
        let mut all: Vec<_> = own.into_iter().chain(of_cluster).collect();
        all.dedup();
        all
    }
}

impl DestinationConfig {
    /// Returns what its own resource says is to stay there; `None` is everything.
    pub fn retention_policy(&self) -> Option<Policy> {
        match &self.layout {
            LayoutConfig::Barman(barman) => {
                let policy = barman.retention.map(BarmanPolicy::from);
                policy.map(Policy::Barman)
            }
            LayoutConfig::PgBackRest(pgbackrest) => {
                let policy = PgBackRestPolicy::from(&pgbackrest.retention);
                (policy != PgBackRestPolicy::default()).then_some(Policy::PgBackRest(policy))
            }
        }
    }
}

impl From<RetentionPolicy> for BarmanPolicy {
    fn from(policy: RetentionPolicy) -> Self {
        // A window of more days than fit keeps everything, as does one of that many.
        Self::window(u32::try_from(policy.days()).unwrap_or(u32::MAX))
    }
}

impl From<&Retention> for PgBackRestPolicy {
    /// A number that pgBackRest does not take becomes 0, which is no policy to delete by.
    fn from(retention: &Retention) -> Self {
        let full = match retention.full {
            FullRetention::Everything => Fulls::Everything,
            FullRetention::Count(count) => Fulls::Count(number(count)),
            FullRetention::Days(days) => Fulls::Days(number(days)),
        };
        let wal = match &retention.wal {
            WalRetention::Everything => WalRule::Everything,
            WalRetention::WithFulls => WalRule::WithFulls,
            WalRetention::Backups(count, counted) => match extent(counted) {
                Some(extent) => WalRule::Backups(number(*count), extent),
                None => WalRule::Everything,
            },
        };
        Self {
            full,
            diff: retention.diff.map(number),
            wal,
            history: None,
        }
    }
}

fn number(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

/// Returns `None` for a type that is not known.
fn extent(counted: &BackupType) -> Option<BackupKind> {
    match counted {
        BackupType::Full => Some(BackupKind::Full),
        BackupType::Diff => Some(BackupKind::Differential),
        BackupType::Incr => Some(BackupKind::Incremental),
        BackupType::Other(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crd::pgbackrest;

    #[test]
    fn what_resources_say_is_a_policy() {
        let window: RetentionPolicy = "4w".parse().unwrap();
        let fulls = pgbackrest::RetentionPolicy {
            diff: Some(3),
            ..pgbackrest::RetentionPolicy::fulls(2)
        };
        let days = pgbackrest::RetentionPolicy::days(-1);

        assert_eq!(BarmanPolicy::from(window), BarmanPolicy::window(28));
        assert_eq!(
            PgBackRestPolicy::from(&fulls.effective()),
            PgBackRestPolicy {
                full: Fulls::Count(2),
                diff: Some(3),
                wal: WalRule::Backups(2, BackupKind::Full),
                history: None,
            }
        );
        let days = PgBackRestPolicy::from(&days.effective());
        assert!(Policy::PgBackRest(days).fault().is_some());
        let nothing = pgbackrest::RetentionPolicy::default();
        let nothing = PgBackRestPolicy::from(&nothing.effective());
        assert_eq!(nothing, PgBackRestPolicy::default());
    }
}
