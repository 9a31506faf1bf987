use std::{fmt::Write as _, io};

use tokio_postgres::error::{DbError, Severity, SqlState};

use super::{ArchiveMode, Grant};

/// A server cannot be asked, or does not do what it is asked. No text in it holds a password.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// A connection string cannot be used.
    #[error("the connection string cannot be used: {reason}")]
    Options {
        /// Why.
        reason: String,
    },
    /// No host answers, or the one that does takes no connections now.
    #[error("cannot connect to {server}: {reason}")]
    Unreachable {
        /// The hosts and their ports.
        server: String,
        /// Why.
        reason: String,
    },
    /// The server does not let the role in.
    #[error("{server} refuses the role: {reason}")]
    Refused {
        /// The hosts and their ports.
        server: String,
        /// Why.
        reason: String,
    },
    /// The server's version is not known.
    #[error("PostgreSQL {version} is not supported (13 to 18)")]
    Version {
        /// The version, such as `12.22`.
        version: String,
    },
    /// The role lacks rights.
    #[error("the role {role} lacks {}", listed(grants))]
    Denied {
        /// The role, quoted as in SQL.
        role: String,
        /// The database in which functions must be granted, quoted as in SQL.
        database: String,
        /// What it lacks.
        grants: Vec<Grant>,
    },
    /// The session has ended, or does not answer. A backup that it had begun is given up.
    #[error("the session with PostgreSQL is lost: {reason}")]
    Lost {
        /// Why.
        reason: String,
    },
    /// The standby was promoted during the backup, which cannot be restored.
    #[error("the standby was promoted during the backup")]
    Promoted,
    /// The server does not archive, so there is nothing to wait for. The backup goes on.
    #[error(
        "{} with `archive_mode = {archive_mode}` does not archive: its WAL cannot be waited for",
        kind(*is_in_recovery)
    )]
    NoArchive {
        /// Whether it is a standby.
        is_in_recovery: bool,
        /// Its setting.
        archive_mode: ArchiveMode,
    },
    /// PostgreSQL says that it cannot do it.
    #[error("cannot {action}: {reason}")]
    Failed {
        /// What it should have done.
        action: &'static str,
        /// What it says.
        reason: String,
        /// What it says what to do.
        hint: Option<String>,
    },
    /// PostgreSQL says what cannot be understood.
    #[error("an answer of PostgreSQL is not understood: {problem}")]
    Answer {
        /// What is wrong with it.
        problem: String,
    },
}

impl ServerError {
    /// Returns what to do, as a full sentence.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Options { .. } => {
                "Write it as libpq has it, such as `host=/run/postgresql user=postgres`."
            }
            Self::Unreachable { .. } => {
                "Look whether the server runs and takes connections, and whether host and port, or \
                 the folder of the socket, are right."
            }
            Self::Refused { .. } => {
                "Look at the role, its password and the server's `pg_hba.conf`; by the socket, \
                 `peer` wants the process to run as the system user of that name."
            }
            Self::Version { .. } => "Use a version of walcast that knows this PostgreSQL.",
            Self::Denied {
                role,
                database,
                grants,
            } => return Some(statements(role, database, grants)),
            Self::Lost { .. } | Self::Promoted => {
                "Begin another backup; one that was begun cannot be completed."
            }
            Self::NoArchive { .. } => {
                "Do not wait, and see to it that the WAL is archived elsewhere; or set \
                 `archive_mode`, on a standby to `always`, and restart the server."
            }
            Self::Failed { hint, .. } => return hint.clone(),
            Self::Answer { .. } => {
                "Connect to the server itself, not to a pooler or something that resembles it."
            }
        };
        Some(hint.to_owned())
    }
}

fn kind(is_in_recovery: bool) -> &'static str {
    if is_in_recovery {
        "a standby"
    } else {
        "a server"
    }
}

fn listed(grants: &[Grant]) -> String {
    let grants = grants.iter().map(ToString::to_string);
    grants.collect::<Vec<_>>().join(", ")
}

fn statements(role: &str, database: &str, grants: &[Grant]) -> String {
    let mut text = format!("As a superuser in the database {database}, run:");
    for grant in grants {
        // Writing to a string cannot fail.
        let _ = write!(text, " GRANT {grant} TO {role};");
    }
    text
}

/// Returns what the server, or the network, says.
pub(super) fn reason(error: &tokio_postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        let detail = said.detail().map(|detail| format!(" ({detail})"));
        return format!("{}{}", said.message(), detail.unwrap_or_default());
    }
    match std::error::Error::source(error) {
        Some(cause) => cause.to_string(),
        None => error.to_string(),
    }
}

/// Returns whether the server answered and did not let the role in.
pub(super) fn is_refusal(error: &tokio_postgres::Error) -> bool {
    if let Some(code) = error.code() {
        // Class 28 is "invalid authorization specification".
        return code.code().starts_with("28") || is_denial(error);
    }
    // What is neither the network's nor the server's: a missing password, an unknown method.
    let cause = std::error::Error::source(error);
    cause.is_some_and(|cause| !cause.is::<io::Error>())
}

/// Returns whether the role lacks a right.
pub(super) fn is_denial(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE)
}

/// Returns whether the session ends with it.
pub(super) fn is_fatal(error: &tokio_postgres::Error) -> bool {
    let severity = error.as_db_error().and_then(DbError::parsed_severity);
    matches!(severity, Some(Severity::Fatal | Severity::Panic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_rights_come_with_the_statements_that_give_them() {
        let error = ServerError::Denied {
            role: "\"back up\"".to_owned(),
            database: "postgres".to_owned(),
            grants: vec![
                Grant::Role("pg_read_all_stats"),
                Grant::Execute("pg_switch_wal()"),
            ],
        };

        assert_eq!(
            error.to_string(),
            "the role \"back up\" lacks pg_read_all_stats, EXECUTE ON FUNCTION pg_switch_wal()"
        );
        assert_eq!(
            error.hint().unwrap(),
            "As a superuser in the database postgres, run: GRANT pg_read_all_stats TO \"back up\"; \
             GRANT EXECUTE ON FUNCTION pg_switch_wal() TO \"back up\";"
        );
    }

    #[test]
    fn a_server_that_does_not_archive_is_named_as_what_it_is() {
        let error = |is_in_recovery| ServerError::NoArchive {
            is_in_recovery,
            archive_mode: ArchiveMode::On,
        };

        let standby = "a standby with `archive_mode = on` does not archive";
        assert!(error(true).to_string().starts_with(standby));
        assert!(error(false).to_string().starts_with("a server with"));
    }
}
