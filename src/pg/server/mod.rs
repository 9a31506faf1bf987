//! A running server, asked by SQL: what a base backup records of it, and the backup's begin and
//! end.
//!
//! PostgreSQL ties a backup to the session that began it: when the session ends, so does the
//! backup. So a [`Server`] is one session, kept from begin to end, and whoever copies files
//! meanwhile listens to [`Server::lost`]. It has to be the server's own session: a pooler that
//! shares sessions between clients does not do.
//!
//! Versions 13 to 18, by a socket or by TCP without TLS. The role need not be a superuser; see
//! [`Server::check_grants`].
//!
//! ```no_run
//! use walcast::pg::server::{Checkpoint, ConnectOptions, Server};
//!
//! # async fn backup() -> Result<(), walcast::pg::server::ServerError> {
//! let options = ConnectOptions::parse("host=/run/postgresql user=backup")?;
//! let mut server = Server::connect(&options).await?;
//! server.check_grants().await?;
//! let facts = server.facts().await?;
//!
//! let started = server.start_backup("nightly", Checkpoint::Spread).await?;
//! tokio::select! {
//!     lost = server.lost() => return Err(lost),
//!     () = copy(&facts.server.data_directory) => {}
//! }
//! let stopped = server.stop_backup(facts.archives()).await?;
//!
//! println!("{} to {}", started.lsn, stopped.lsn);
//! server.close().await;
//! # Ok(())
//! # }
//! # async fn copy(_: &str) {}
//! ```

mod answer;
mod ask;
mod backup;
mod error;
mod facts;
mod grant;
mod lock;
mod options;
mod session;

use std::time::Duration;

use tokio_postgres::{Row, types::Type};

use self::{
    answer::{checked, value},
    error::{is_denial, is_fatal, reason},
    session::{Parameter, Session},
};
pub use self::{
    ask::Reached,
    backup::{Checkpoint, Started, Stopped},
    error::ServerError,
    facts::{ArchiveMode, Facts},
    grant::Grant,
    options::ConnectOptions,
};
use crate::pg::MajorVersion;

/// A session with a server.
///
/// Dropping it ends the session, and gives up a backup that was begun.
#[derive(Debug)]
pub struct Server {
    session: Session,
    version: MajorVersion,
    /// The role, quoted as in SQL.
    role: String,
    /// The database, quoted as in SQL.
    database: String,
    /// Whether the server was a standby when the backup began.
    began_in_recovery: bool,
}

/// A statement, and what is said when it fails.
struct Statement<'a> {
    /// Completes "cannot".
    action: &'static str,
    sql: &'a str,
    /// What a role needs for it.
    grants: &'a [Grant],
}

impl Server {
    /// How often [`lost`](Self::lost) asks whether the server is there, and how long the answer may
    /// take.
    pub const HEARTBEAT: Duration = Duration::from_secs(30);

    /// Begins a session, which no time-out of the server's ends.
    pub async fn connect(options: &ConnectOptions) -> Result<Self, ServerError> {
        let session = Session::open(options).await?;
        let greet = Statement {
            action: "begin a session",
            sql: GREET,
            grants: &[],
        };
        let row = match session.rows(greet.sql, &[]).await {
            Ok(rows) => only(&greet, rows)?,
            Err(error) => return Err(failed(&session, &greet, &error).await),
        };
        let number = checked("number", u32::try_from(value::<i32>(&row, "number")?))?;
        let Some(version) = MajorVersion::from_server_version(number) else {
            let version = value(&row, "version")?;
            return Err(ServerError::Version { version });
        };
        Ok(Self {
            session,
            version,
            role: value(&row, "role")?,
            database: value(&row, "database")?,
            began_in_recovery: false,
        })
    }

    /// Ends the session.
    pub async fn close(self) {
        self.session.close().await;
    }

    /// Returns the server's version.
    pub fn version(&self) -> MajorVersion {
        self.version
    }

    /// Checks that the role has every right that a base backup needs
    /// ([`Grant::of_backup`]), so that none is found missing half-way.
    ///
    /// # Errors
    ///
    /// [`ServerError::Denied`] with all that it lacks.
    pub async fn check_grants(&self) -> Result<(), ServerError> {
        let (roles, functions): (Vec<Grant>, Vec<Grant>) = Grant::of_backup(self.version)
            .into_iter()
            .partition(|grant| matches!(grant, Grant::Role(_)));
        let names = |grants: &[Grant]| grants.iter().map(|grant| grant.name()).collect::<Vec<_>>();
        // Before version 15 a member that does not inherit counts.
        let membership = if self.version >= MajorVersion::V15 {
            "USAGE"
        } else {
            "MEMBER"
        };
        let statement = Statement {
            action: "read the rights of the role",
            sql: MISSING,
            grants: &[],
        };
        let parameters: [Parameter<'_>; 3] = [
            (&names(&roles), Type::TEXT_ARRAY),
            (&names(&functions), Type::TEXT_ARRAY),
            (&membership, Type::TEXT),
        ];
        let rows = self.rows(&statement, &parameters).await?;
        let missing: Vec<&str> = rows
            .iter()
            .map(|row| value(row, "name"))
            .collect::<Result<_, _>>()?;
        let mut grants = [roles, functions].concat();
        grants.retain(|grant| missing.contains(&grant.name()));
        if grants.is_empty() {
            return Ok(());
        }
        Err(self.denied(grants))
    }

    /// Returns whether the server is a standby, or recovers.
    pub async fn is_in_recovery(&self) -> Result<bool, ServerError> {
        let statement = Statement {
            action: "ask whether the server is a standby",
            sql: "SELECT pg_is_in_recovery() AS is_in_recovery",
            grants: &[],
        };
        value(&self.row(&statement, &[]).await?, "is_in_recovery")
    }

    /// Returns when the session is lost: at once if the server ends it, and within twice the
    /// [`HEARTBEAT`](Self::HEARTBEAT) if the server does not answer any more. Cancel safe.
    ///
    /// A backup that was begun is given up then. To be awaited while nothing else is asked: a long
    /// answer would look like none.
    pub async fn lost(&self) -> ServerError {
        let reason = tokio::select! {
            reason = self.session.ended() => reason,
            reason = self.silent() => reason,
        };
        ServerError::Lost { reason }
    }

    async fn silent(&self) -> String {
        loop {
            tokio::time::sleep(Self::HEARTBEAT).await;
            match tokio::time::timeout(Self::HEARTBEAT, self.session.ping()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) if error.is_closed() => return self.session.ended().await,
                Ok(Err(error)) => return reason(&error),
                Err(_) => return format!("no answer within {:?}", Self::HEARTBEAT),
            }
        }
    }

    /// Runs a statement that returns one row.
    async fn row(
        &self,
        statement: &Statement<'_>,
        parameters: &[Parameter<'_>],
    ) -> Result<Row, ServerError> {
        only(statement, self.rows(statement, parameters).await?)
    }

    async fn rows(
        &self,
        statement: &Statement<'_>,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, ServerError> {
        match self.session.rows(statement.sql, parameters).await {
            Ok(rows) => Ok(rows),
            Err(error) if is_denial(&error) && !statement.grants.is_empty() => {
                Err(self.denied(statement.grants.to_vec()))
            }
            Err(error) => Err(failed(&self.session, statement, &error).await),
        }
    }

    fn denied(&self, grants: Vec<Grant>) -> ServerError {
        ServerError::Denied {
            role: self.role.clone(),
            database: self.database.clone(),
            grants,
        }
    }
}

fn only(statement: &Statement<'_>, mut rows: Vec<Row>) -> Result<Row, ServerError> {
    match (rows.pop(), rows.len()) {
        (Some(row), 0) => Ok(row),
        (_, others) => Err(ServerError::Answer {
            problem: format!("to {}: {others} rows too many or none", statement.action),
        }),
    }
}

/// Says why a statement failed, be it because the session has ended.
async fn failed(
    session: &Session,
    statement: &Statement<'_>,
    error: &tokio_postgres::Error,
) -> ServerError {
    if error.is_closed() {
        let reason = session.ended().await;
        return ServerError::Lost { reason };
    }
    let reason = reason(error);
    if is_fatal(error) {
        return ServerError::Lost { reason };
    }
    match error.as_db_error() {
        Some(said) => ServerError::Failed {
            action: statement.action,
            reason,
            hint: said.hint().map(str::to_owned),
        },
        None => ServerError::Answer { problem: reason },
    }
}

/// Frees the session from what would end it or its statements, and asks who is there. Which
/// time-outs there are depends on the version.
const GREET: &str = "
    SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS number,
           pg_catalog.current_setting('server_version') AS version,
           pg_catalog.quote_ident(current_user) AS role,
           pg_catalog.quote_ident(pg_catalog.current_database()) AS database,
           (SELECT pg_catalog.count(pg_catalog.set_config(name, '0', false))
              FROM pg_catalog.pg_settings
             WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_session_timeout',
                            'idle_in_transaction_session_timeout', 'transaction_timeout')),
           pg_catalog.set_config('search_path', 'pg_catalog', false)";

/// Which of the roles ($1) and functions ($2) the role may not use.
const MISSING: &str = "
    SELECT name FROM unnest($1) AS name WHERE NOT pg_has_role(name, $3)
     UNION ALL
    SELECT name FROM unnest($2) AS name WHERE NOT has_function_privilege(name, 'EXECUTE')";
