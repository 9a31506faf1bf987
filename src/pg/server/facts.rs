use std::fmt;

use jiff::tz::Offset;
use tokio_postgres::Row;

use super::{
    Server, ServerError, Statement,
    answer::{checked, offset, value},
    grant::{SETTINGS, SIZES},
};
use crate::pg::{BackedUpServer, Database, Oid, SegmentSize, SystemId, Tablespace};

/// What a server says of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Facts {
    /// What a base backup records.
    pub server: BackedUpServer,
    /// Whether it is a standby, or recovers.
    pub is_in_recovery: bool,
    /// Setting `archive_mode`.
    pub archive_mode: ArchiveMode,
    /// Its time zone now.
    pub offset: Offset,
}

/// When a server archives.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ArchiveMode {
    /// Never.
    Off,
    /// As a primary.
    On,
    /// As a primary and as a standby.
    Always,
}

impl Facts {
    /// Returns whether the server archives, so that the end of a backup can wait for it.
    pub fn archives(&self) -> bool {
        self.archive_mode.is_active(self.is_in_recovery)
    }
}

impl ArchiveMode {
    /// Returns whether a primary, or a standby, archives.
    pub(super) fn is_active(self, is_in_recovery: bool) -> bool {
        match self {
            Self::Off => false,
            Self::On => !is_in_recovery,
            Self::Always => true,
        }
    }

    /// Reads the column `archive_mode`.
    pub(super) fn read(row: &Row) -> Result<Self, ServerError> {
        match value(row, "archive_mode")? {
            "off" => Ok(Self::Off),
            "on" => Ok(Self::On),
            "always" => Ok(Self::Always),
            other => Err(ServerError::Answer {
                problem: format!("archive_mode: {other}"),
            }),
        }
    }
}

/// The word in the setting.
impl fmt::Display for ArchiveMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::On => "on",
            Self::Always => "always",
        })
    }
}

impl Server {
    /// Returns what the server says of itself.
    ///
    /// Tablespaces in place (`allow_in_place_tablespaces`) are part of the data directory and not
    /// listed. PostgreSQL looks at every file to tell the size of its tablespaces.
    ///
    /// # Errors
    ///
    /// [`ServerError::Denied`] without `pg_read_all_settings` and `pg_read_all_stats`.
    pub async fn facts(&self) -> Result<Facts, ServerError> {
        let settings = Statement {
            action: "read the settings",
            sql: READ_SETTINGS,
            grants: &[SETTINGS],
        };
        let tablespaces = Statement {
            action: "read where tablespaces are",
            sql: READ_TABLESPACES,
            grants: &[],
        };
        let size = Statement {
            action: "read the size of tablespaces",
            sql: READ_SIZE,
            grants: &[SIZES],
        };
        let databases = Statement {
            action: "read which databases there are",
            sql: READ_DATABASES,
            grants: &[],
        };
        let (row, tablespaces, databases, size) = tokio::try_join!(
            biased;
            self.row(&settings, &[]),
            self.rows(&tablespaces, &[]),
            self.rows(&databases, &[]),
            self.row(&size, &[]),
        )?;
        let server = BackedUpServer {
            system_id: SystemId::new(value::<i64>(&row, "system_id")?.cast_unsigned()),
            version: number(&row, "version")?,
            segment_size: checked(
                "segment_size",
                SegmentSize::new(number(&row, "segment_size")?.into()),
            )?,
            data_directory: value(&row, "data_directory")?,
            config_file: value(&row, "config_file")?,
            hba_file: value(&row, "hba_file")?,
            ident_file: value(&row, "ident_file")?,
            included_files: value(&row, "included_files")?,
            tablespaces: tablespaces
                .iter()
                .map(tablespace)
                .collect::<Result<_, _>>()?,
            databases: databases.iter().map(database).collect::<Result<_, _>>()?,
            data_checksums: value(&row, "data_checksums")?,
            summarize_wal: value(&row, "summarize_wal")?,
            cluster_size: checked("size", u64::try_from(value::<i64>(&size, "size")?))?,
        };
        Ok(Facts {
            server,
            is_in_recovery: value(&row, "is_in_recovery")?,
            archive_mode: ArchiveMode::read(&row)?,
            offset: offset(&row)?,
        })
    }
}

fn number(row: &Row, column: &str) -> Result<u32, ServerError> {
    checked(column, u32::try_from(value::<i32>(row, column)?))
}

fn tablespace(row: &Row) -> Result<Tablespace, ServerError> {
    let oid = Oid::new(value(row, "oid")?);
    Ok(Tablespace {
        name: value(row, "name")?,
        oid: checked("oid", oid.ok_or("0"))?,
        location: value(row, "location")?,
    })
}

fn database(row: &Row) -> Result<Database, ServerError> {
    let oid = Oid::new(value(row, "oid")?);
    Ok(Database {
        name: value(row, "name")?,
        oid: checked("oid", oid.ok_or("0"))?,
    })
}

const READ_SETTINGS: &str = "
    SELECT control.system_identifier AS system_id,
           current_setting('server_version_num')::int4 AS version,
           init.bytes_per_wal_segment AS segment_size,
           current_setting('data_directory') AS data_directory,
           nullif(current_setting('config_file'), '') AS config_file,
           nullif(current_setting('hba_file'), '') AS hba_file,
           nullif(current_setting('ident_file'), '') AS ident_file,
           ARRAY(SELECT DISTINCT sourcefile COLLATE \"C\"
                   FROM pg_settings
                  WHERE sourcefile <> current_setting('config_file')
                  ORDER BY 1) AS included_files,
           current_setting('data_checksums')::bool AS data_checksums,
           current_setting('summarize_wal', true)::bool AS summarize_wal,
           pg_is_in_recovery() AS is_in_recovery,
           current_setting('archive_mode') AS archive_mode,
           extract(timezone FROM now())::int4 AS utc_offset
      FROM pg_control_system() AS control, pg_control_init() AS init";

// The two that are there always have no location; one in place has a relative one.
const READ_TABLESPACES: &str = "
    SELECT oid, spcname::text AS name, pg_tablespace_location(oid) AS location
      FROM pg_tablespace
     WHERE pg_tablespace_location(oid) LIKE '/%'
     ORDER BY oid";

const READ_DATABASES: &str =
    "SELECT oid, datname::text AS name FROM pg_database ORDER BY datname COLLATE \"C\"";

const READ_SIZE: &str = "SELECT sum(pg_tablespace_size(oid))::int8 AS size FROM pg_tablespace";
