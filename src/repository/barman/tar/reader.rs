use std::{
    cell::Cell,
    io::{self, Read},
};

use bytes::Bytes;
use jiff::Timestamp;
use tar::{Archive, Entry, EntryType};

use super::{error::InvalidTar, time};
use crate::repository::{Attributes, TreeEvent, TreePath};

/// Reads an archive, which is not compressed, and hands on its members in their order.
///
/// The source is read to its end, so that what checks it can do so. Missing end marks are
/// accepted, as Barman's readers do.
///
/// # Errors
///
/// Those of the source and of `take`, unchanged, and
/// [`InvalidData`](io::ErrorKind::InvalidData) for an archive that is damaged or ends inside a
/// member, and for members that no base backup has: names that lead out of it, special files.
pub(in crate::repository::barman) fn read_tar(
    source: impl Read,
    mut take: impl FnMut(TreeEvent) -> io::Result<()>,
) -> io::Result<()> {
    let has_failed = Cell::new(false);
    let mut archive = Archive::new(Source {
        reader: source,
        has_failed: &has_failed,
    });
    let mut last = None;
    for entry in archive.entries()? {
        let damaged = |reason| damaged(last.clone(), reason, &has_failed);
        let mut entry = entry.map_err(damaged)?;
        if entry.header().entry_type().is_pax_global_extensions() {
            continue;
        }
        let member = Member::read(&mut entry)?;
        member.hand_on(&mut entry, &mut take)?;
        last = Some(member.name);
    }
    io::copy(&mut archive.into_inner(), &mut io::sink())?;
    Ok(())
}

/// Tells an error of the source from one of the archive's form.
fn damaged(last: Option<String>, error: io::Error, has_failed: &Cell<bool>) -> io::Error {
    if has_failed.get() {
        return error;
    }
    let reason = error.to_string();
    match last {
        None => InvalidTar::DamagedBeginning { reason }.into(),
        Some(member) => InvalidTar::Damaged { member, reason }.into(),
    }
}

/// Remembers whether reading has failed.
struct Source<'a, R> {
    reader: R,
    has_failed: &'a Cell<bool>,
}

impl<R: Read> Read for Source<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.reader.read(buf) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => {
                    self.has_failed.set(result.is_err());
                    return result;
                }
            }
        }
    }
}

/// What is known of a member before its content.
struct Member {
    name: String,
    kind: EntryType,
    path: TreePath,
    attributes: Attributes,
}

impl Member {
    fn read(entry: &mut Entry<'_, impl Read>) -> io::Result<Self> {
        let name = text(&entry.path_bytes())?;
        let refused = |problem: String| InvalidTar::member(&name, problem);
        let path = parse(&name, &name)?;
        let extensions = Extensions::read(entry, &name)?;
        let header = entry.header();
        let number = |value: io::Result<u64>| {
            let value = value.ok().and_then(|value| u32::try_from(value).ok());
            value.ok_or_else(|| refused("has no owner".to_owned()))
        };
        let known = |name: Option<&[u8]>| {
            let name = str::from_utf8(name?).ok()?;
            (!name.is_empty()).then(|| name.to_owned())
        };
        let modified = extensions.modified.or_else(|| {
            let seconds = header.mtime().ok()?;
            Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
        });
        let mode = header.mode().map_err(|error| refused(error.to_string()))?;
        let attributes = Attributes {
            mode: mode & 0o7777,
            uid: number(header.uid())?,
            gid: number(header.gid())?,
            user: extensions.user.or_else(|| known(header.username_bytes())),
            group: extensions.group.or_else(|| known(header.groupname_bytes())),
            modified: modified.ok_or_else(|| refused("has no time".to_owned()))?,
        };
        let kind = header.entry_type();
        Ok(Self {
            name,
            kind,
            path,
            attributes,
        })
    }

    fn hand_on(
        &self,
        entry: &mut Entry<'_, impl Read>,
        take: &mut impl FnMut(TreeEvent) -> io::Result<()>,
    ) -> io::Result<()> {
        let refused = |problem: &str| InvalidTar::member(&self.name, problem);
        let (path, attributes) = (self.path.clone(), self.attributes.clone());
        match self.kind {
            EntryType::Directory => take(TreeEvent::Directory(path, attributes)),
            _ if path.is_root() => Err(refused("is the tree's own directory, but no directory")),
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                take(TreeEvent::File(path, attributes, entry.size()))?;
                self.hand_on_content(entry, take)
            }
            EntryType::Symlink => {
                let target = self.target(entry)?;
                take(TreeEvent::Symlink(path, attributes, target))
            }
            EntryType::Link => {
                let target = parse(&self.name, &self.target(entry)?)?;
                take(TreeEvent::HardLink(path, attributes, target))
            }
            _ => Err(refused("is neither file nor directory nor link")),
        }
    }

    fn hand_on_content(
        &self,
        entry: &mut Entry<'_, impl Read>,
        take: &mut impl FnMut(TreeEvent) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut left = entry.size();
        while left > 0 {
            let most = TreeEvent::MAX_DATA;
            let len = usize::try_from(left).map_or(most, |left| left.min(most));
            let mut data = Vec::with_capacity(len);
            entry.by_ref().take(len as u64).read_to_end(&mut data)?;
            if data.len() < len {
                let member = self.name.clone();
                return Err(InvalidTar::Truncated { member }.into());
            }
            left -= len as u64;
            take(TreeEvent::Data(Bytes::from(data)))?;
        }
        take(TreeEvent::EndOfFile)
    }

    fn target(&self, entry: &Entry<'_, impl Read>) -> io::Result<String> {
        let target = entry.link_name_bytes().filter(|target| !target.is_empty());
        match target {
            Some(target) => text(&target),
            None => Err(InvalidTar::member(
                &self.name,
                "is a link that leads nowhere",
            )),
        }
    }
}

/// What an extended header says and the `tar` crate leaves to us.
#[derive(Default)]
struct Extensions {
    modified: Option<Timestamp>,
    user: Option<String>,
    group: Option<String>,
}

impl Extensions {
    fn read(entry: &mut Entry<'_, impl Read>, member: &str) -> io::Result<Self> {
        let mut found = Self::default();
        let Some(records) = entry.pax_extensions()? else {
            return Ok(found);
        };
        for record in records {
            let record =
                record.map_err(|error| InvalidTar::member(member, format!("has a {error}")))?;
            let value = record.value().ok();
            let owned = || value.filter(|value| !value.is_empty()).map(str::to_owned);
            match record.key_bytes() {
                b"mtime" => found.modified = value.and_then(time::parse),
                b"uname" => found.user = owned(),
                b"gname" => found.group = owned(),
                // The content of such a member is a table and the parts that are no holes.
                key if key.starts_with(b"GNU.sparse.") => {
                    return Err(InvalidTar::member(member, "is stored as a sparse file"));
                }
                _ => {}
            }
        }
        Ok(found)
    }
}

fn text(bytes: &[u8]) -> io::Result<String> {
    str::from_utf8(bytes).map(str::to_owned).map_err(|_| {
        let shown = String::from_utf8_lossy(bytes);
        InvalidTar::member(&shown, "has a name that is not UTF-8")
    })
}

fn parse(member: &str, path: &str) -> io::Result<TreePath> {
    TreePath::parse(path)
        .map_err(|invalid| InvalidTar::member(member, format!("is refused: {invalid}")))
}
