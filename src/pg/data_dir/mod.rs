//! What a base backup takes of a data directory.

use std::collections::HashSet;

use super::{Fork, MajorVersion, Oid, RelationFile};

/// Whose choice of files to follow.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum RuleSet {
    /// What PostgreSQL's own base backup takes (`src/backend/backup/basebackup.c`).
    ///
    /// Everything that a restored server would throw away is left out, unlogged and temporary
    /// relations with it.
    PostgreSql,
    /// What `barman-cloud-backup` takes.
    ///
    /// It leaves `log` empty, and takes unlogged and temporary relations, `backup_label.old` and
    /// the like. Unlike here, files two levels below `log` are taken there, too.
    Barman,
    /// What pgBackRest takes.
    ///
    /// Nothing of `pg_wal` but its folders, no temporary and unlogged relations, and none of the
    /// files that the backup itself brings or that a restore writes.
    PgBackRest,
}

/// What kind of thing a name in a directory stands for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link to a directory, also to none that exists.
    DirectoryLink,
    /// A symbolic link to a file.
    FileLink,
    /// A socket, pipe or device.
    Special,
}

/// What to do with an entry of a directory.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Take {
    /// Read it; go into a directory.
    Whole,
    /// Take a directory, but nothing in it.
    Empty,
    /// Take a link as a link.
    Link,
    /// Read it when everything else was read: recovery must not begin from a younger state.
    Last,
    /// Leave it out.
    Nothing,
}

/// Decides what a base backup takes: pure rules over names, for whoever walks the files.
///
/// Tablespaces are read first, the data directory then, its `pg_control` at the very end. Read
/// each directory twice: the first time [`notice`](DirectoryRules::notice) the names, the second
/// time [`take`](DirectoryRules::take) the entries.
///
/// ```
/// use walcast::pg::{DataDirRules, EntryKind, MajorVersion, RuleSet, Take};
///
/// let rules = DataDirRules::new(RuleSet::PostgreSql, MajorVersion::V15);
/// let mut database = rules.data_directory("base/5");
/// for name in ["16384", "16384_init", "16390"] {
///     database.notice(name);
/// }
/// assert_eq!(database.take("16384", EntryKind::File), Take::Nothing);
/// assert_eq!(database.take("16384_init", EntryKind::File), Take::Whole);
/// assert_eq!(database.take("16390", EntryKind::File), Take::Whole);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DataDirRules {
    set: RuleSet,
    version: MajorVersion,
}

impl DataDirRules {
    /// Chooses the rules for a server of this version.
    pub const fn new(set: RuleSet, version: MajorVersion) -> Self {
        Self { set, version }
    }

    /// Returns the rules for a directory of the data directory; `path` is relative to it, with
    /// `/` between the parts, and empty for the data directory itself.
    pub fn data_directory(&self, path: &str) -> DirectoryRules {
        let place = match path {
            "" => Place::Root,
            "global" => Place::Global,
            "pg_wal" => Place::Wal,
            "pg_tblspc" => Place::Tablespaces,
            _ => Place::below("base", path),
        };
        DirectoryRules::new(*self, place)
    }

    /// Returns the rules for a directory of a tablespace; `path` is relative to the tablespace's
    /// location, and empty for the location itself.
    pub fn tablespace_directory(&self, path: &str) -> DirectoryRules {
        let place = match path {
            "" => Place::TablespaceRoot,
            _ => Place::below(&self.version.tablespace_directory(), path),
        };
        DirectoryRules::new(*self, place)
    }
}

/// The rules for the entries of one directory.
#[derive(Clone, Debug)]
pub struct DirectoryRules {
    rules: DataDirRules,
    place: Place,
    /// Unlogged relations, which have an init fork.
    unlogged: HashSet<Oid>,
}

/// What is special about a directory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    /// The data directory itself.
    Root,
    /// `global`.
    Global,
    /// `pg_wal`.
    Wal,
    /// `pg_tblspc`.
    Tablespaces,
    /// The location of a tablespace.
    TablespaceRoot,
    /// The directory of a database.
    Database,
    /// Any other.
    Other,
}

impl Place {
    /// Tells the directory of a database, whose parent is `parent` and whose name is its number.
    fn below(parent: &str, path: &str) -> Self {
        let name = path
            .strip_prefix(parent)
            .and_then(|rest| rest.strip_prefix('/'));
        match name.map(str::parse::<Oid>) {
            Some(Ok(_)) => Self::Database,
            _ => Self::Other,
        }
    }
}

impl DirectoryRules {
    fn new(rules: DataDirRules, place: Place) -> Self {
        Self {
            rules,
            place,
            unlogged: HashSet::new(),
        }
    }

    /// Notices a name of the directory, on which what is taken of others may depend.
    pub fn notice(&mut self, name: &str) {
        if self.place == Place::Database
            && let Some(file) = RelationFile::parse(name)
            && file.fork == Fork::Init
        {
            self.unlogged.insert(file.number);
        }
    }

    /// Returns what to do with an entry.
    pub fn take(&self, name: &str, kind: EntryKind) -> Take {
        if kind == EntryKind::Special {
            return Take::Nothing;
        }
        match self.rules.set {
            RuleSet::PostgreSql => self.take_as_postgresql(name, kind),
            RuleSet::Barman => self.take_as_barman(name, kind),
            RuleSet::PgBackRest => self.take_as_pgbackrest(name, kind),
        }
    }

    /// Returns the part of a relation that an entry is, whose pages have checksums if the cluster
    /// has them; `None` for other files.
    pub fn relation_file(&self, name: &str) -> Option<RelationFile> {
        let has_relations = matches!(self.place, Place::Global | Place::Database);
        RelationFile::parse(name).filter(|file| has_relations && !file.is_temporary())
    }

    fn take_as_postgresql(&self, name: &str, kind: EntryKind) -> Take {
        let is_left_out = POSTGRESQL_LEAVES_OUT.contains(&name)
            || LEFT_OUT_BY_BOTH.contains(&name)
            || name.starts_with(TEMPORARY_FILE)
            // While it is written, the number of the process follows.
            || name.starts_with(RELATION_CACHE)
            || self.is_of_no_use(name);
        if is_left_out {
            return Take::Nothing;
        }
        match (self.place, kind) {
            (Place::Global, EntryKind::File) if name == CONTROL_FILE => Take::Last,
            (Place::Root, EntryKind::Directory | EntryKind::DirectoryLink) if name == "pg_wal" => {
                Take::Whole
            }
            (Place::Wal, EntryKind::Directory) if KEPT_IN_WAL.contains(&name) => Take::Empty,
            (Place::Wal, _) => Take::Nothing,
            (Place::Tablespaces, EntryKind::DirectoryLink) => Take::Link,
            // An in-place tablespace is read like the others.
            (Place::Tablespaces, EntryKind::Directory) => Take::Empty,
            (Place::TablespaceRoot, EntryKind::Directory)
                if name != self.rules.version.tablespace_directory() =>
            {
                Take::Nothing
            }
            (_, EntryKind::Directory) if EMPTIED.contains(&name) => Take::Empty,
            (_, EntryKind::File | EntryKind::Directory) => Take::Whole,
            (_, EntryKind::DirectoryLink | EntryKind::FileLink | EntryKind::Special) => {
                Take::Nothing
            }
        }
    }

    fn take_as_barman(&self, name: &str, kind: EntryKind) -> Take {
        let is_left_out = BARMAN_LEAVES_OUT.contains(&name)
            || LEFT_OUT_BY_BOTH.contains(&name)
            || name.starts_with(TEMPORARY_FILE)
            || name == RELATION_CACHE;
        if is_left_out {
            return Take::Nothing;
        }
        match (self.place, kind) {
            (Place::Global, EntryKind::File) if name == CONTROL_FILE => Take::Last,
            (Place::Root, EntryKind::Directory) if BARMAN_EMPTIES_AT_ROOT.contains(&name) => {
                Take::Empty
            }
            (Place::TablespaceRoot, _) if !self.is_of_this_version(name) => Take::Nothing,
            (Place::Tablespaces, _) if name.parse::<Oid>().is_ok() => Take::Nothing,
            (_, EntryKind::Directory) if EMPTIED.contains(&name) => Take::Empty,
            (_, EntryKind::File | EntryKind::Directory) => Take::Whole,
            (_, EntryKind::FileLink) => Take::Link,
            (_, EntryKind::DirectoryLink | EntryKind::Special) => Take::Nothing,
        }
    }

    fn take_as_pgbackrest(&self, name: &str, kind: EntryKind) -> Take {
        let is_left_out = name.starts_with(TEMPORARY_FILE)
            || (self.place == Place::Root && PGBACKREST_LEAVES_OUT.contains(&name))
            || (matches!(self.place, Place::Database | Place::Global) && is_relation_cache(name))
            || self.is_of_no_use(name);
        if is_left_out {
            return Take::Nothing;
        }
        let is_file = matches!(kind, EntryKind::File | EntryKind::FileLink);
        match self.place {
            Place::Global if name == CONTROL_FILE => Take::Last,
            Place::Wal if is_file => Take::Nothing,
            Place::Wal if name == "archive_status" => Take::Empty,
            Place::Root if !is_file && EMPTIED.contains(&name) => Take::Empty,
            Place::Tablespaces if kind == EntryKind::DirectoryLink => Take::Link,
            _ => Take::Whole,
        }
    }

    /// Returns whether a file is of a relation that a restored server would empty or remove.
    fn is_of_no_use(&self, name: &str) -> bool {
        let file = RelationFile::parse(name).filter(|_| self.place == Place::Database);
        file.is_some_and(|file| {
            file.is_temporary() || (file.fork != Fork::Init && self.unlogged.contains(&file.number))
        })
    }

    /// Returns whether a directory of a tablespace is of the server's major version; others are
    /// left over from an upgrade.
    fn is_of_this_version(&self, name: &str) -> bool {
        name.starts_with(&format!("PG_{}_", self.rules.version))
    }
}

/// Returns whether a file is one of the caches that each server makes for itself; while it is
/// written, the number of the process follows.
fn is_relation_cache(name: &str) -> bool {
    let rest = name.strip_prefix(RELATION_CACHE);
    rest.is_some_and(|rest| {
        let number = rest.strip_prefix('.');
        rest.is_empty()
            || number.is_some_and(|number| {
                !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
            })
    })
}

const CONTROL_FILE: &str = "pg_control";
const TEMPORARY_FILE: &str = "pgsql_tmp";
const RELATION_CACHE: &str = "pg_internal.init";

/// Directories whose content means something to the running server alone.
const EMPTIED: &[&str] = &[
    "pg_dynshmem",
    "pg_notify",
    "pg_replslot",
    "pg_serial",
    "pg_snapshots",
    "pg_stat_tmp",
    "pg_subtrans",
];

/// What stays of `pg_wal`; `summaries` is there from PostgreSQL 17 on.
const KEPT_IN_WAL: &[&str] = &["archive_status", "summaries"];

const LEFT_OUT_BY_BOTH: &[&str] = &[
    "current_logfiles.tmp",
    "postgresql.auto.conf.tmp",
    "postmaster.opts",
    "postmaster.pid",
];

/// A label or manifest that lies there belongs to another backup.
const POSTGRESQL_LEAVES_OUT: &[&str] = &[
    ".DS_Store",
    "backup_label",
    "backup_manifest",
    "tablespace_map",
];

/// What the backup itself brings, or a restore writes, or the running server needs.
const PGBACKREST_LEAVES_OUT: &[&str] = &[
    "backup_label",
    "backup_label.old",
    "backup_manifest",
    "backup_manifest.tmp",
    "postgresql.auto.conf.tmp",
    "postmaster.opts",
    "postmaster.pid",
    "recovery.signal",
    "standby.signal",
    "tablespace_map",
];

const BARMAN_LEAVES_OUT: &[&str] = &["recovery.conf", "standby.signal"];
const BARMAN_EMPTIES_AT_ROOT: &[&str] = &["log", "pg_log", "pg_wal", "pg_xlog"];

#[cfg(test)]
mod tests;
