use std::io::{self, Write};

use tar::EntryType;

use super::{
    BLOCK,
    header::{Member, label_header},
};
use crate::repository::{Attributes, TreeEvent, TreePath};

/// Writes one archive.
///
/// Where to is said each time, because it may be another place each time.
///
/// # Errors
///
/// Those of the writer, and [`InvalidInput`](io::ErrorKind::InvalidInput) for events that are out
/// of order, for a file with more or less data than announced, and for what no archive can hold.
#[derive(Debug, Default)]
pub(in crate::repository::barman) struct TarWriter {
    /// Bytes written so far, modulo [`RECORD`].
    position: usize,
    has_members: bool,
    file: Option<OpenFile>,
}

/// A file whose content is being written.
#[derive(Debug)]
struct OpenFile {
    name: String,
    /// Bytes that are missing.
    left: u64,
}

impl TarWriter {
    /// Writes a member, or a part of one.
    pub(in crate::repository::barman) fn write(
        &mut self,
        event: &TreeEvent,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        match event {
            TreeEvent::Tree(_) => Err(misuse("a tree begins inside an archive".to_owned())),
            TreeEvent::Directory(path, attributes) => {
                self.member(EntryType::Directory, path, attributes, 0, "", out)
            }
            TreeEvent::File(path, attributes, size) => {
                self.member(EntryType::Regular, path, attributes, *size, "", out)
            }
            TreeEvent::Data(bytes) => self.data(bytes, out),
            TreeEvent::EndOfFile => self.end_of_file(out),
            TreeEvent::Pages(_) => Ok(()),
            TreeEvent::Unread(..) | TreeEvent::DirectoryLink(..) => {
                Err(misuse("an archive has no such member".to_owned()))
            }
            TreeEvent::Symlink(path, attributes, target) => {
                if target.is_empty() || target.contains('\0') {
                    return Err(misuse(format!("the link {path} leads nowhere")));
                }
                self.member(EntryType::Symlink, path, attributes, 0, target, out)
            }
            TreeEvent::HardLink(path, attributes, target) => {
                let target = file_name(target)?;
                self.member(EntryType::Link, path, attributes, 0, &target, out)
            }
        }
    }

    /// Writes the member `backup_label`, of the data directory's group.
    pub(in crate::repository::barman) fn label(
        &mut self,
        label: &str,
        gid: u32,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        self.check_no_file()?;
        let header = label_header(label.len() as u64, gid);
        self.has_members = true;
        self.put(header.as_bytes(), out)?;
        self.put(label.as_bytes(), out)?;
        self.pad(BLOCK, out)
    }

    /// Writes the end.
    pub(in crate::repository::barman) fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.check_no_file()?;
        self.put(&[0; 2 * BLOCK], out)?;
        self.pad(RECORD, out)
    }

    /// Returns whether anything is in it.
    pub(in crate::repository::barman) fn has_members(&self) -> bool {
        self.has_members
    }

    fn member(
        &mut self,
        kind: EntryType,
        path: &TreePath,
        attributes: &Attributes,
        size: u64,
        target: &str,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        self.check_no_file()?;
        let name = match kind {
            EntryType::Directory => directory_name(path),
            _ => file_name(path)?,
        };
        let member = Member {
            kind,
            name: &name,
            attributes,
            size,
            target,
        };
        self.has_members = true;
        self.put(&member.headers(), out)?;
        self.file = (kind == EntryType::Regular).then_some(OpenFile { name, left: size });
        Ok(())
    }

    fn data(&mut self, bytes: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let Some(file) = &mut self.file else {
            return Err(misuse("there is data of no file".to_owned()));
        };
        let Some(left) = file.left.checked_sub(bytes.len() as u64) else {
            let name = &file.name;
            return Err(misuse(format!("{name} has more data than announced")));
        };
        file.left = left;
        self.put(bytes, out)
    }

    fn end_of_file(&mut self, out: &mut dyn Write) -> io::Result<()> {
        match self.file.take() {
            None => Err(misuse("a file ends that did not begin".to_owned())),
            Some(OpenFile { left: 0, .. }) => self.pad(BLOCK, out),
            Some(OpenFile { name, left }) => Err(misuse(format!(
                "{name} has {left} bytes less than announced"
            ))),
        }
    }

    fn check_no_file(&self) -> io::Result<()> {
        match &self.file {
            None => Ok(()),
            Some(OpenFile { name, .. }) => Err(misuse(format!("{name} has not ended"))),
        }
    }

    /// Writes zeros up to the next multiple of `unit`, which divides [`RECORD`].
    fn pad(&mut self, unit: usize, out: &mut dyn Write) -> io::Result<()> {
        let missing = self.position.next_multiple_of(unit) - self.position;
        self.put(&[0; RECORD][..missing], out)
    }

    fn put(&mut self, bytes: &[u8], out: &mut dyn Write) -> io::Result<()> {
        out.write_all(bytes)?;
        self.position = (self.position + bytes.len()) % RECORD;
        Ok(())
    }
}

fn directory_name(path: &TreePath) -> String {
    if path.is_root() {
        "./".to_owned()
    } else {
        format!("{path}/")
    }
}

fn file_name(path: &TreePath) -> io::Result<String> {
    let text = path.as_str();
    if path.is_root() {
        Err(misuse("a tree's own directory is a file".to_owned()))
    } else if text.contains('/') {
        Ok(text.to_owned())
    } else {
        Ok(format!("./{text}"))
    }
}

fn misuse(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, problem)
}

/// Bytes; archives are as long as a multiple of it.
const RECORD: usize = 20 * BLOCK;
