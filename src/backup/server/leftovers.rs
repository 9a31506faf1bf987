//! What killed runs left in destinations, and its end.

use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::time::timeout;

use crate::{
    backup::{Event, Progress},
    destination::DestinationId,
    error::chain,
    fanout::Destination,
    pg::server::Server,
    repository::{self, UnfinishedBackup},
};

/// Removes what killed runs left.
pub(super) struct Leftovers<'a> {
    pub destinations: Vec<&'a Destination>,
    /// The name of this machine.
    pub host: &'a str,
    /// That of the server that is backed up next.
    pub data_directory: &'a str,
    /// By this machine's clock.
    pub now: Timestamp,
    pub progress: &'a Progress,
}

/// How long a destination may take; what is left then is found by the next run.
const PATIENCE: Duration = Duration::from_mins(1);

impl Leftovers<'_> {
    /// Removes what nobody works on any more, and says what that was. Nothing that fails here
    /// keeps a backup from being taken.
    pub(super) async fn remove(&self, server: &Server) -> Vec<(DestinationId, String)> {
        match server.lock_backups(async || self.remove_all().await).await {
            Ok(removed) => removed.unwrap_or_default(),
            Err(error) => {
                tracing::warn!("what killed runs left is not looked for: {}", chain(&error));
                Vec::new()
            }
        }
    }

    async fn remove_all(&self) -> Vec<(DestinationId, String)> {
        let removals = self.destinations.iter().map(|destination| async move {
            let mut removed = Vec::new();
            let problem = match timeout(PATIENCE, self.remove_from(destination, &mut removed)).await
            {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(chain(&error)),
                Err(_) => Some(format!("not done within {PATIENCE:?}")),
            };
            if let Some(problem) = problem {
                let destination = &destination.id;
                tracing::warn!(%destination, problem, "what killed runs left is still there");
            }
            removed
        });
        join_all(removals).await.concat()
    }

    async fn remove_from(
        &self,
        destination: &Destination,
        removed: &mut Vec<(DestinationId, String)>,
    ) -> repository::Result<()> {
        let repository = &destination.repository;
        for unfinished in repository.unfinished_backups().await? {
            let is_left = self.is_left(&unfinished);
            if is_left && repository.remove_unfinished(&unfinished).await? {
                let (destination, backup) = (destination.id.clone(), unfinished.id);
                removed.push((destination.clone(), backup.clone()));
                self.progress.tell(Event::Removed {
                    destination,
                    backup,
                });
            }
        }
        Ok(())
    }

    /// Returns whether nobody works on it any more. We hold the server's lock alone, so no other
    /// run backs up this server; copies, and backups of a standby, are not locked out by it.
    fn is_left(&self, unfinished: &UnfinishedBackup) -> bool {
        let is_this_server = unfinished.taker.host == self.host
            && unfinished.data_directory.as_deref() == Some(self.data_directory);
        (is_this_server && !unfinished.taker.is_copy) || unfinished.is_abandoned(self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::Taker;

    #[test]
    fn only_what_nobody_can_work_on_is_left_behind() {
        let progress = Progress::default();
        let here = Taker::of_backup();
        let at = |now| Leftovers {
            destinations: Vec::new(),
            host: &here.host,
            data_directory: "/data",
            now,
            progress: &progress,
        };
        let own = UnfinishedBackup {
            id: "20261125T010000".to_owned(),
            taker: here.clone(),
            data_directory: Some("/data".to_owned()),
            touched: Timestamp::UNIX_EPOCH,
        };
        let elsewhere = |taker: Taker, data: &str| UnfinishedBackup {
            taker,
            data_directory: Some(data.to_owned()),
            ..own.clone()
        };
        let other_host = Taker {
            host: format!("not-{}", here.host),
            ..here.clone()
        };
        let soon = at(Timestamp::UNIX_EPOCH);
        let late = at(Timestamp::UNIX_EPOCH + UnfinishedBackup::ABANDONED);

        assert!(soon.is_left(&own));
        for other in [
            elsewhere(other_host, "/data"),
            elsewhere(here.clone(), "/other"),
            elsewhere(Taker::of_copy(), "/data"),
        ] {
            assert!(!soon.is_left(&other), "{other:?}");
            assert!(late.is_left(&other), "{other:?}");
        }
    }
}
