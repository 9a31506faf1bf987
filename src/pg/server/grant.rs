use std::fmt;

use crate::pg::MajorVersion;

/// What a role needs that is no superuser.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Grant {
    /// A predefined role.
    Role(&'static str),
    /// Execution of a function; it is granted in each database by itself.
    Execute(&'static str),
}

impl Grant {
    /// Returns all that a base backup needs.
    pub fn of_backup(version: MajorVersion) -> Vec<Self> {
        let [start, stop] = *Self::of_session(version);
        vec![SETTINGS, SIZES, start, stop, SWITCH_WAL, RESTORE_POINT]
    }

    /// Returns what begin and end of a backup need.
    pub(super) fn of_session(version: MajorVersion) -> &'static [Self; 2] {
        if version >= MajorVersion::V15 {
            &[
                Self::Execute("pg_backup_start(text, boolean)"),
                Self::Execute("pg_backup_stop(boolean)"),
            ]
        } else {
            &[
                Self::Execute("pg_start_backup(text, boolean, boolean)"),
                Self::Execute("pg_stop_backup(boolean, boolean)"),
            ]
        }
    }

    /// Returns the name of the role or the function.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Role(name) | Self::Execute(name) => name,
        }
    }
}

/// What reading settings needs.
pub(super) const SETTINGS: Grant = Grant::Role("pg_read_all_settings");
/// What measuring tablespaces needs.
pub(super) const SIZES: Grant = Grant::Role("pg_read_all_stats");
/// What switching to the next segment needs.
pub(super) const SWITCH_WAL: Grant = Grant::Execute("pg_switch_wal()");
/// What naming a point of the WAL needs.
pub(super) const RESTORE_POINT: Grant = Grant::Execute("pg_create_restore_point(text)");

/// The form of the statement `GRANT`, between that word and `TO`.
impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(name) => f.write_str(name),
            Self::Execute(function) => write!(f, "EXECUTE ON FUNCTION {function}"),
        }
    }
}
