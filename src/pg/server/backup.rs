use jiff::{Timestamp, tz::Offset};
use tokio_postgres::types::Type;

use super::{
    ArchiveMode, Grant, Server, ServerError, Statement,
    answer::{offset, parsed, time, timeline, value},
    grant::{RESTORE_POINT, SWITCH_WAL},
    session::Parameter,
};
use crate::pg::{Lsn, MajorVersion, TimelineId};

/// How fast the checkpoint with which a backup begins is written.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Checkpoint {
    /// At once, with all the load on the disks that this means.
    Fast,
    /// As slowly as one that PostgreSQL makes by itself; minutes pass.
    #[default]
    Spread,
}

/// A backup has begun.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Started {
    /// Where recovery begins.
    pub lsn: Lsn,
    /// The timeline.
    pub timeline: TimelineId,
    /// When it was asked for, by the server's clock.
    pub at: Timestamp,
    /// The server's time zone then.
    pub offset: Offset,
}

/// A backup has ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stopped {
    /// Where a recovered server is consistent at the earliest.
    pub lsn: Lsn,
    /// The timeline of that position.
    pub timeline: TimelineId,
    /// When PostgreSQL had ended it, by the server's clock: not before `lsn` was written, and after
    /// the archive was waited for.
    pub at: Timestamp,
    /// The server's time zone then.
    pub offset: Offset,
    /// The content of `backup_label`.
    pub label: String,
    /// The content of `tablespace_map`; empty if there is none.
    pub tablespace_map: String,
}

impl Server {
    /// Begins a backup, which is this session's until [`stop_backup`](Self::stop_backup).
    ///
    /// Returns after a checkpoint. Not cancel safe: when the future is dropped, the backup may
    /// begin all the same, so drop the server as well.
    ///
    /// # Errors
    ///
    /// [`ServerError::Denied`] without the rights to begin and to end one;
    /// [`ServerError::Failed`] if the server writes too little WAL for one.
    pub async fn start_backup(
        &mut self,
        label: &str,
        checkpoint: Checkpoint,
    ) -> Result<Started, ServerError> {
        let start = Statement {
            action: "begin a backup",
            sql: &start(self.version),
            grants: Grant::of_session(self.version),
        };
        let fast = checkpoint == Checkpoint::Fast;
        let parameters: [Parameter<'_>; 2] = [(&label, Type::TEXT), (&fast, Type::BOOL)];
        let row = self.row(&start, &parameters).await?;
        self.began_in_recovery = value(&row, "is_in_recovery")?;
        // The checkpoint of the statement above may be the first on a new timeline.
        let read = Statement {
            action: "read the timeline",
            sql: "SELECT timeline_id AS timeline FROM pg_control_checkpoint()",
            grants: &[],
        };
        Ok(Started {
            lsn: parsed(&row, "lsn")?,
            timeline: timeline(&self.row(&read, &[]).await?)?,
            at: time(&row)?,
            offset: offset(&row)?,
        })
    }

    /// Ends the backup, and with `wait_for_archive` returns only after all of its WAL is archived,
    /// as long as that takes.
    ///
    /// Not cancel safe: when the future is dropped, the backup ends all the same and its label is
    /// lost.
    ///
    /// # Errors
    ///
    /// [`ServerError::NoArchive`] if there is nothing to wait for: the backup goes on, and may be
    /// ended without waiting. [`ServerError::Promoted`] and [`ServerError::Lost`] if the backup is
    /// worth nothing.
    pub async fn stop_backup(&mut self, wait_for_archive: bool) -> Result<Stopped, ServerError> {
        if wait_for_archive {
            self.check_archiving().await?;
        }
        let stop = Statement {
            action: "end the backup",
            sql: &stop(self.version),
            grants: Grant::of_session(self.version),
        };
        let row = match self.row(&stop, &[(&wait_for_archive, Type::BOOL)]).await {
            // PostgreSQL's own words depend on its language.
            Err(ServerError::Failed { .. })
                if self.began_in_recovery && !self.is_in_recovery().await? =>
            {
                return Err(ServerError::Promoted);
            }
            result => result?,
        };
        Ok(Stopped {
            lsn: parsed(&row, "lsn")?,
            timeline: timeline(&row)?,
            at: time(&row)?,
            offset: offset(&row)?,
            label: value(&row, "label")?,
            tablespace_map: value::<Option<String>>(&row, "tablespace_map")?.unwrap_or_default(),
        })
    }

    async fn check_archiving(&self) -> Result<(), ServerError> {
        let statement = Statement {
            action: "ask whether the server archives",
            sql: "SELECT pg_is_in_recovery() AS is_in_recovery,
                         current_setting('archive_mode') AS archive_mode",
            grants: &[],
        };
        let row = self.row(&statement, &[]).await?;
        let is_in_recovery = value(&row, "is_in_recovery")?;
        let archive_mode = ArchiveMode::read(&row)?;
        if archive_mode.is_active(is_in_recovery) {
            return Ok(());
        }
        Err(ServerError::NoArchive {
            is_in_recovery,
            archive_mode,
        })
    }

    /// Has a primary go on with the next segment, so that the last one is archived; returns where
    /// that one ends. `None` on a standby, which does not write WAL.
    pub async fn switch_wal(&self) -> Result<Option<Lsn>, ServerError> {
        let statement = Statement {
            action: "switch to the next WAL segment",
            sql: "SELECT pg_switch_wal()::text AS lsn WHERE NOT pg_is_in_recovery()",
            grants: &[SWITCH_WAL],
        };
        let rows = self.rows(&statement, &[]).await?;
        rows.first().map(|row| parsed(row, "lsn")).transpose()
    }

    /// Has a primary give a position of its WAL a name that recovery can aim at; returns the
    /// position. `None` on a standby, which does not write WAL.
    ///
    /// # Errors
    ///
    /// [`ServerError::Failed`] if `name` has more than 63 bytes.
    pub async fn create_restore_point(&self, name: &str) -> Result<Option<Lsn>, ServerError> {
        let statement = Statement {
            action: "create a restore point",
            sql: "SELECT pg_create_restore_point($1)::text AS lsn WHERE NOT pg_is_in_recovery()",
            grants: &[RESTORE_POINT],
        };
        let rows = self.rows(&statement, &[(&name, Type::TEXT)]).await?;
        rows.first().map(|row| parsed(row, "lsn")).transpose()
    }
}

/// Returns the statement that begins a backup: label, and whether the checkpoint is fast.
fn start(version: MajorVersion) -> String {
    let start = if version >= MajorVersion::V15 {
        "pg_backup_start($1, $2)"
    } else {
        "pg_start_backup($1, $2, false)"
    };
    format!(
        "SELECT {start}::text AS lsn,
                pg_is_in_recovery() AS is_in_recovery,
                (extract(epoch FROM now()) * 1000000)::int8 AS at,
                extract(timezone FROM now())::int4 AS utc_offset"
    )
}

/// Returns the statement that ends a backup: whether to wait for the archive.
///
/// What a function in `FROM` returns is complete before anything is selected from it, so the clock
/// and the control file are read after.
fn stop(version: MajorVersion) -> String {
    let stop = if version >= MajorVersion::V15 {
        "pg_backup_stop($1)"
    } else {
        "pg_stop_backup(false, $1)"
    };
    format!(
        "SELECT stopped.lsn::text AS lsn,
                stopped.labelfile AS label,
                stopped.spcmapfile AS tablespace_map,
                (SELECT CASE WHEN pg_is_in_recovery() THEN recovery.min_recovery_end_timeline
                             ELSE point.timeline_id
                        END
                   FROM pg_control_recovery() AS recovery, pg_control_checkpoint() AS point)
                AS timeline,
                (extract(epoch FROM clock_timestamp()) * 1000000)::int8 AS at,
                extract(timezone FROM clock_timestamp())::int4 AS utc_offset
           FROM {stop} AS stopped"
    )
}
