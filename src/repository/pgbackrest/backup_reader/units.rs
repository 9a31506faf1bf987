//! In which pieces a backup is read.

use std::{collections::BTreeMap, ops::Range};

use jiff::Timestamp;

use super::member::{Encoded, Member};
use crate::{
    codec::Codec,
    repository::{
        Attributes, Error, Result, Tree, TreeEvent, TreePath,
        pgbackrest::{
            Manifest, ManifestFile,
            block_map::BlockRun,
            manifest::{BlockMap, InBundle, ManifestAttributes},
            owners::Owners,
        },
    },
    store::{InvalidKey, Key},
};

/// What is read in one go.
#[derive(Debug)]
pub(super) enum Unit {
    /// Nothing is stored of these.
    Events(Vec<TreeEvent>),
    /// Files that lie behind each other.
    Members {
        key: Key,
        range: Range<u64>,
        members: Vec<Member>,
    },
    /// A file in blocks, and where its map is.
    Blocks {
        member: Box<Member>,
        key: Key,
        map: (BlockMap, Range<u64>),
    },
}

/// Returns whether anything is stored of a file: nothing is of an empty one in a backup with
/// bundles.
pub(super) fn is_stored(file: &ManifestFile) -> bool {
    file.size > 0
}

/// Returns the object in which a file is, below the backup that holds it, and where it ends there.
pub(super) fn place_of(name: &str, file: &ManifestFile, codec: Option<Codec>) -> (String, u64) {
    if let Some(place) = file.bundle {
        let end = place.offset.saturating_add(file.stored_size);
        return (format!("bundle/{}", place.number), end);
    }
    let object = match (file.blocks, codec) {
        (Some(_), _) => format!("{name}.pgbi"),
        (None, Some(codec)) => format!("{name}.{}", codec.barman_extension()),
        (None, None) => name.to_owned(),
    };
    (object, file.stored_size)
}

/// Takes a backup to pieces.
pub(super) struct Units<'a> {
    pub manifest: &'a Manifest,
    /// Links to what was not there.
    pub dangling: &'a [(String, String)],
    pub owners: &'a Owners,
    /// What the keys of all backups begin with.
    pub prefix: &'a str,
    pub repository: &'a str,
}

/// Stored bytes of a unit: so many that requests are few, and units many.
const LARGE: u64 = 16 << 20;
/// Bytes of other backups' files that are read and dropped rather than begin another request.
const GAP: u64 = 128 << 10;
/// Comes last of PostgreSQL's files.
const CONTROL: &str = "pg_data/global/pg_control";

impl Units<'_> {
    /// Returns the pieces of a tree, in an order that restores it.
    pub(super) fn of(&self, tree: Tree) -> Result<Vec<Unit>> {
        let mut events = self.directories(tree)?;
        events.extend(self.links(tree)?);
        let mut last = Vec::new();
        let mut bundled: BTreeMap<(&str, u64), Vec<(InBundle, Member)>> = BTreeMap::new();
        let mut units = Vec::new();
        for (name, file) in &self.manifest.files {
            if !is_in(name, tree) {
                continue;
            }
            let member = self.member(name, file, tree)?;
            if file.size == 0 {
                events.push(member.begin());
                events.push(TreeEvent::EndOfFile);
            } else if let Some(map) = file.blocks {
                units.push(self.blocks(name, file, member, map)?);
            } else if name == CONTROL {
                last.push(self.single(name, file, member)?);
            } else if let Some(place) = file.bundle {
                let bundle = (self.manifest.holder(file), place.number);
                bundled.entry(bundle).or_default().push((place, member));
            } else {
                units.push(self.single(name, file, member)?);
            }
        }
        let mut all = vec![Unit::Events(events)];
        for ((holder, number), members) in bundled {
            let key = self.key(holder, &format!("bundle/{number}"))?;
            all.extend(runs(&key, members));
        }
        all.extend(units);
        all.extend(last);
        Ok(all)
    }

    /// Returns the directories of a tree, and those that are not told but have files.
    fn directories(&self, tree: Tree) -> Result<Vec<TreeEvent>> {
        let mut directories: BTreeMap<TreePath, Attributes> = BTreeMap::new();
        for (name, attributes) in &self.manifest.directories {
            if is_in(name, tree) {
                let attributes = self.attributes(attributes, self.manifest.began);
                directories.insert(self.path(name, tree)?, attributes);
            }
        }
        let root = self.attributes(&ManifestAttributes::default(), self.manifest.began);
        let root = Attributes {
            mode: 0o700,
            ..root
        };
        let root = directories
            .entry(TreePath::default())
            .or_insert(root)
            .clone();
        for (name, _) in &self.manifest.files {
            if !is_in(name, tree) {
                continue;
            }
            let mut parent = self.path(name, tree)?.parent();
            while let Some(path) = parent.filter(|path| !directories.contains_key(path)) {
                parent = path.parent();
                directories.insert(path, root.clone());
            }
        }
        let events = directories.into_iter();
        Ok(events
            .map(|(path, attributes)| TreeEvent::Directory(path, attributes))
            .collect())
    }

    /// Returns the links to what was not there; others came as what they lead to.
    fn links(&self, tree: Tree) -> Result<Vec<TreeEvent>> {
        let links = self.dangling.iter().filter(|(name, _)| is_in(name, tree));
        let event = |(name, target): &(String, String)| {
            let link = self.attributes(&ManifestAttributes::default(), self.manifest.began);
            let link = Attributes {
                mode: 0o777,
                ..link
            };
            Ok(TreeEvent::Symlink(
                self.path(name, tree)?,
                link,
                target.clone(),
            ))
        };
        links.map(event).collect()
    }

    fn member(&self, name: &str, file: &ManifestFile, tree: Tree) -> Result<Member> {
        let modified = Timestamp::from_second(file.modified);
        let modified = modified.map_err(|_| self.fault(name, "its time is out of range"))?;
        Ok(Member {
            name: name.to_owned(),
            path: self.path(name, tree)?,
            attributes: self.attributes(&file.attributes, modified),
            size: file.size,
            sha1: file.sha1,
            gap: 0,
            stored_size: file.stored_size,
            encoded: Encoded {
                codec: self.manifest.codec,
                passphrase: self.manifest.passphrase.clone(),
                is_raw: self.manifest.is_raw && (file.bundle.is_some() || file.blocks.is_some()),
            },
        })
    }

    /// Returns a file that is read by itself.
    fn single(&self, name: &str, file: &ManifestFile, member: Member) -> Result<Unit> {
        let holder = self.manifest.holder(file);
        let (object, _) = place_of(name, file, self.manifest.codec);
        let key = self.key(holder, &object)?;
        let start = file.bundle.map_or(0, |place| place.offset);
        let end = start.checked_add(file.stored_size);
        let end = end.ok_or_else(|| self.fault(name, "its place is out of range"))?;
        Ok(Unit::Members {
            key,
            range: start..end,
            members: vec![member],
        })
    }

    fn blocks(
        &self,
        name: &str,
        file: &ManifestFile,
        member: Member,
        map: BlockMap,
    ) -> Result<Unit> {
        let holder = self.manifest.holder(file);
        let (key, start) = match file.bundle {
            Some(place) => (
                self.key(holder, &format!("bundle/{}", place.number))?,
                place.offset,
            ),
            None => (self.key(holder, &format!("{name}.pgbi"))?, 0),
        };
        let end = start.checked_add(file.stored_size);
        let place = end.and_then(|end| Some(end.checked_sub(map.map_size)?..end));
        let place = place.filter(|place| place.start >= start);
        let place = place.ok_or_else(|| self.fault(name, "its map is out of range"))?;
        Ok(Unit::Blocks {
            member: Box::new(member),
            key,
            map: (map, place),
        })
    }

    fn key(&self, holder: &str, name: &str) -> Result<Key> {
        let key = Key::parse(format!("{}{holder}/{name}", self.prefix));
        key.map_err(Error::of_key(&self.repository))
    }

    fn path(&self, name: &str, tree: Tree) -> Result<TreePath> {
        let below = below(name, tree).unwrap_or_default();
        let path = if below.is_empty() { "." } else { below };
        TreePath::parse(path).map_err(|error| self.fault(name, &error.to_string()))
    }

    fn attributes(&self, of: &ManifestAttributes, modified: Timestamp) -> Attributes {
        Attributes {
            mode: of.mode,
            uid: self.owners.user(of.user.as_deref()),
            gid: self.owners.group(of.group.as_deref()),
            user: of.user.as_deref().map(str::to_owned),
            group: of.group.as_deref().map(str::to_owned),
            modified,
        }
    }

    /// What is wrong with the manifest.
    fn fault(&self, name: &str, reason: &str) -> Error {
        let label = &self.manifest.label;
        match self.key(label, "backup.manifest") {
            Ok(key) => Error::Damaged {
                repository: self.repository.to_owned(),
                key,
                reason: format!("`{name}`: {reason}"),
            },
            Err(error) => error,
        }
    }
}

/// Returns what follows the tree's own name; `None` if the name is of another tree.
fn below(name: &str, tree: Tree) -> Option<&str> {
    let below = match tree {
        Tree::Data => name.strip_prefix("pg_data")?,
        Tree::Tablespace(oid) => name
            .strip_prefix("pg_tblspc/")?
            .strip_prefix(&oid.to_string())?,
    };
    match below.strip_prefix('/') {
        Some(below) => Some(below),
        None if below.is_empty() => Some(""),
        None => None,
    }
}

/// Returns a name of the manifest that leads out of all of its trees, if there is one.
pub(super) fn astray(manifest: &Manifest) -> Option<&str> {
    let tablespaces = manifest.tablespaces.iter();
    let trees = tablespaces.map(|one| Tree::Tablespace(one.oid));
    let trees: Vec<Tree> = trees.chain([Tree::Data]).collect();
    let is_inside = |name: &&str| {
        trees.iter().any(|tree| {
            let below = below(name, *tree);
            below.is_some_and(|below| below.is_empty() || TreePath::parse(below).is_ok())
        })
    };
    let files = manifest.files.iter().map(|(name, _)| name.as_str());
    let directories = manifest.directories.iter().map(|(name, _)| name.as_str());
    // The one above the tablespaces is in none of them.
    let directories = directories.filter(|name| *name != "pg_tblspc");
    files.chain(directories).find(|name| !is_inside(name))
}

/// Returns whether a name of the manifest is in a tree.
pub(super) fn is_in(name: &str, tree: Tree) -> bool {
    below(name, tree).is_some()
}

/// Joins members of a bundle that lie near each other.
fn runs(key: &Key, mut members: Vec<(InBundle, Member)>) -> Vec<Unit> {
    members.sort_by_key(|(place, _)| place.offset);
    let mut units: Vec<Unit> = Vec::new();
    for (place, mut member) in members {
        let end = place.offset.saturating_add(member.stored_size);
        if let Some(Unit::Members { range, members, .. }) = units.last_mut()
            && place.offset >= range.end
            && place.offset - range.end <= GAP
            && range.end - range.start < LARGE
        {
            member.gap = place.offset - range.end;
            range.end = end;
            members.push(member);
        } else {
            units.push(Unit::Members {
                key: key.clone(),
                range: place.offset..end,
                members: vec![member],
            });
        }
    }
    units
}

/// Returns where the super blocks of a file lie, in the order in which they are needed; those that
/// lie behind each other are one piece, and one that is needed again at once is there once.
pub(super) fn pieces(
    runs: &[BlockRun],
    manifest: &Manifest,
    prefix: &str,
    name: &str,
) -> Result<Vec<(Key, Range<u64>)>, InvalidKey> {
    let mut pieces: Vec<(Key, Range<u64>)> = Vec::new();
    let mut before = None;
    for run in runs {
        let place = run.place;
        if before == Some(place) {
            continue;
        }
        before = Some(place);
        let holder = &manifest.references[place.reference];
        let key = match place.bundle {
            0 => format!("{prefix}{holder}/{name}.pgbi"),
            number => format!("{prefix}{holder}/bundle/{number}"),
        };
        let end = place.offset.saturating_add(place.stored_size);
        match pieces.last_mut() {
            Some((last, range)) if last.as_str() == key && range.end == place.offset => {
                range.end = end;
            }
            _ => pieces.push((Key::parse(key)?, place.offset..end)),
        }
    }
    Ok(pieces)
}
