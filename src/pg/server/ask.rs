//! What is asked of a server that was restored.

use jiff::Timestamp;
use tokio_postgres::SimpleQueryMessage;

use super::{
    Server, ServerError, Statement,
    answer::{parsed, value},
    error::reason,
};
use crate::pg::{Lsn, TimelineId};

/// How far a server recovered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reached {
    /// The timeline on which it is now.
    pub timeline: TimelineId,
    /// The end of the last record that it replayed; `None` if it replayed none.
    pub replayed: Option<Lsn>,
    /// When the last transaction that it replayed was committed, by the clock of the server that
    /// did it; `None` if it replayed none.
    pub last_commit: Option<Timestamp>,
}

impl Server {
    /// Returns how far a server recovered that has.
    ///
    /// # Errors
    ///
    /// [`ServerError`] if the role may not ask, or the session is lost.
    pub async fn reached(&self) -> Result<Reached, ServerError> {
        let statement = Statement {
            action: "ask how far the server recovered",
            sql: "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline, \
                  pg_last_wal_replay_lsn()::text AS replayed, \
                  (extract(epoch FROM pg_last_xact_replay_timestamp()) * 1000)::bigint AS commit",
            grants: &[],
        };
        let row = self.row(&statement, &[]).await?;
        let replayed: Option<&str> = value(&row, "replayed")?;
        let commit: Option<i64> = value(&row, "commit")?;
        Ok(Reached {
            timeline: parsed(&row, "timeline")?,
            replayed: replayed.and_then(|text| text.parse().ok()),
            last_commit: commit.and_then(|at| Timestamp::from_millisecond(at).ok()),
        })
    }

    /// Returns the databases that take connections, in the order of their names.
    ///
    /// # Errors
    ///
    /// [`ServerError`] if the session is lost.
    pub async fn databases(&self) -> Result<Vec<String>, ServerError> {
        let statement = Statement {
            action: "ask for the databases",
            sql: "SELECT datname::text AS name FROM pg_database WHERE datallowconn ORDER BY 1",
            grants: &[],
        };
        let rows = self.rows(&statement, &[]).await?;
        rows.iter().map(|row| value(row, "name")).collect()
    }

    /// Runs statements of a user, and returns the rows of all of them, their values parted by tabs.
    ///
    /// # Errors
    ///
    /// [`ServerError`] if one fails.
    pub async fn ask(&self, sql: &str) -> Result<Vec<String>, ServerError> {
        let failed = |error: tokio_postgres::Error| ServerError::Failed {
            action: "run the statement",
            reason: reason(&error),
            hint: None,
        };
        // What this session asks by itself must not be misled by the user's objects.
        let reset = self.session.simple("RESET search_path").await;
        reset.map_err(failed)?;
        let messages = self.session.simple(sql).await.map_err(failed)?;
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let text = rows.map(|row| {
            let values = (0..row.len()).map(|place| row.get(place).unwrap_or("NULL"));
            values.collect::<Vec<_>>().join("\t")
        });
        Ok(text.collect())
    }
}
