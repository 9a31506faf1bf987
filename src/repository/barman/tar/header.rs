use std::fmt::Write;

use tar::{EntryType, Header};

use super::{BLOCK, time};
use crate::repository::Attributes;

/// What the headers of a member say.
#[derive(Debug)]
pub(super) struct Member<'a> {
    pub kind: EntryType,
    pub name: &'a str,
    pub attributes: &'a Attributes,
    /// Length of the content, in bytes.
    pub size: u64,
    /// Where a link leads; empty for what is no link.
    pub target: &'a str,
}

impl Member<'_> {
    /// Returns the extended header and the header.
    pub(super) fn headers(&self) -> Vec<u8> {
        let mut records = Records::default();
        let header = self.header(&mut records);
        let mut bytes = records.header().as_bytes().to_vec();
        bytes.extend_from_slice(records.0.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        bytes.extend_from_slice(header.as_bytes());
        bytes
    }

    /// Returns the header, and adds what it cannot hold to the records, in Barman's order.
    fn header(&self, records: &mut Records) -> Header {
        let attributes = self.attributes;
        let mut header = Header::new_ustar();
        header.set_entry_type(self.kind);
        header.set_mode(attributes.mode & PERMISSIONS);
        let old = header.as_old_mut();
        records.text("path", self.name, &mut old.name);
        records.text("linkpath", self.target, &mut old.linkname);
        let ustar = header
            .as_ustar_mut()
            .expect("it was made as a header of this form");
        let user = attributes.user.as_deref().unwrap_or_default();
        let group = attributes.group.as_deref().unwrap_or_default();
        // The last byte of these two is their end.
        records.text("uname", user, &mut ustar.uname[..31]);
        records.text("gname", group, &mut ustar.gname[..31]);
        header.set_uid(records.number("uid", attributes.uid.into(), LARGEST_ID));
        header.set_gid(records.number("gid", attributes.gid.into(), LARGEST_ID));
        header.set_size(records.number("size", self.size, LARGEST_NUMBER));
        let modified = attributes.modified;
        records.push("mtime", &time::format(modified));
        let seconds = u64::try_from(time::rounded(modified)).unwrap_or_default();
        header.set_mtime(if seconds > LARGEST_NUMBER { 0 } else { seconds });
        seal(&mut header);
        header
    }
}

/// Returns the header of a `backup_label`, which has no extended one.
pub(super) fn label_header(size: u64, gid: u32) -> Header {
    let mut header = Header::new_ustar();
    header.as_old_mut().name[..LABEL.len()].copy_from_slice(LABEL);
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(gid.into());
    header.set_size(size);
    header.set_mtime(0);
    seal(&mut header);
    header
}

/// Writes the checksum as Barman does: six digits, the end, a blank.
fn seal(header: &mut Header) {
    header.set_cksum();
    let sum = header.cksum().expect("it was written the moment before");
    let text = format!("{sum:06o}\0 ");
    header.as_old_mut().cksum.copy_from_slice(text.as_bytes());
}

/// The records of an extended header.
#[derive(Debug, Default)]
struct Records(String);

impl Records {
    /// Adds a record; its length counts its own digits.
    fn push(&mut self, key: &str, value: &str) {
        let rest = key.len() + value.len() + " =\n".len();
        let mut len = rest;
        while len != rest + digits(len) {
            len = rest + digits(len);
        }
        writeln!(self.0, "{len} {key}={value}").expect("a String takes everything");
    }

    /// Fills a field of the header with what it can hold.
    fn text(&mut self, key: &str, value: &str, field: &mut [u8]) {
        if !value.is_ascii() || value.len() > field.len() {
            self.push(key, value);
        }
        for (byte, c) in field.iter_mut().zip(value.chars()) {
            *byte = u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(b'?');
        }
    }

    /// Returns what a field of the header holds.
    fn number(&mut self, key: &str, value: u64, largest: u64) -> u64 {
        if value <= largest {
            return value;
        }
        self.push(key, &value.to_string());
        0
    }

    fn header(&self) -> Header {
        let mut header = Header::new_ustar();
        header.as_old_mut().name[..EXTENDED.len()].copy_from_slice(EXTENDED);
        header.set_entry_type(EntryType::XHeader);
        header.set_mode(0);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(self.0.len() as u64);
        header.set_mtime(0);
        seal(&mut header);
        header
    }
}

fn digits(number: usize) -> usize {
    number.to_string().len()
}

const EXTENDED: &[u8] = b"././@PaxHeader";
const LABEL: &[u8] = b"backup_label";
const PERMISSIONS: u32 = 0o7777;
/// Seven octal digits.
const LARGEST_ID: u64 = 0o777_7777;
/// Eleven octal digits.
const LARGEST_NUMBER: u64 = 0o777_7777_7777;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_records_length_counts_its_own_digits() {
        for (len, text) in [(1, "6 k=v\n"), (4, "9 k=vvvv\n"), (5, "11 k=vvvvv\n")] {
            let mut records = Records::default();

            records.push("k", &"v".repeat(len));

            assert_eq!(records.0, text);
        }
    }
}
