//! Who else of walcast backs up this server.

use super::{Server, ServerError, Statement};

impl Server {
    /// Takes the lock of base backups, which several sessions hold together and the server frees
    /// when the session ends. `alone` is done in between if no other session holds it then; it is
    /// not done if that cannot be told.
    ///
    /// Counts within the database that the session is connected to.
    pub async fn lock_backups<T>(
        &self,
        alone: impl AsyncFnOnce() -> T,
    ) -> Result<Option<T>, ServerError> {
        let try_alone = Statement {
            action: "ask whether it is backed up already",
            sql: "SELECT pg_try_advisory_lock($1) AS is_alone",
            grants: &[],
        };
        let share = Statement {
            action: "say that it is backed up",
            sql: "SELECT pg_advisory_lock_shared($1)::text",
            grants: &[],
        };
        let release = Statement {
            action: "let others say that they back it up",
            sql: "SELECT pg_advisory_unlock($1)",
            grants: &[],
        };
        let key = [(&LOCK as _, tokio_postgres::types::Type::INT8)];
        let is_alone = super::value(&self.row(&try_alone, &key).await?, "is_alone")?;
        let done = if is_alone { Some(alone().await) } else { None };
        self.row(&share, &key).await?;
        if is_alone {
            self.row(&release, &key).await?;
        }
        Ok(done)
    }
}

/// `walcast` in ASCII.
const LOCK: i64 = 0x77_616c_6361_7374;
