use super::{Oid, SegmentSize, SystemId};

/// What a base backup records of its server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BackedUpServer {
    /// The cluster.
    pub system_id: SystemId,
    /// Its version, such as 150020 for 15.20.
    pub version: u32,
    /// Size of its WAL segments.
    pub segment_size: SegmentSize,
    /// Its data directory.
    pub data_directory: String,
    /// Setting `config_file`.
    pub config_file: Option<String>,
    /// Setting `hba_file`.
    pub hba_file: Option<String>,
    /// Setting `ident_file`.
    pub ident_file: Option<String>,
    /// Other files that settings come from.
    pub included_files: Vec<String>,
    /// Tablespaces with a location of their own.
    pub tablespaces: Vec<Tablespace>,
    /// Databases, by their names.
    pub databases: Vec<Database>,
    /// Whether pages have checksums.
    pub data_checksums: bool,
    /// Setting `summarize_wal`, from PostgreSQL 17 on.
    pub summarize_wal: Option<bool>,
    /// Size of all tablespaces, in bytes, by the server's account.
    pub cluster_size: u64,
}

/// A tablespace outside the data directory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tablespace {
    /// Its name.
    pub name: String,
    /// The link's name in `pg_tblspc`.
    pub oid: Oid,
    /// Where it is.
    pub location: String,
}

/// A database.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// The name of its folder.
    pub oid: Oid,
}

impl BackedUpServer {
    /// Returns the largest number of the databases that `initdb` made: that of `template0`.
    pub fn last_system_database(&self) -> u32 {
        let template = self.databases.iter().find(|one| one.name == "template0");
        template.map_or(0, |template| template.oid.get())
    }
}
