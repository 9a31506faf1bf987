//! The tar archives of a base backup: written as Barman writes them, read from any program.
//!
//! Barman writes POSIX pax: each member has one extended header with its exact time, and what else
//! its ustar header cannot hold. The root directory is `./`, what is in it `./NAME`, directories
//! `NAME/`, and everything below `dir/NAME`. The one member without an extended header is
//! `backup_label`. Seen in archives of `barman-cloud-backup` 3.17 to 3.20.

mod error;
mod header;
mod reader;
mod time;
mod writer;

pub(in crate::repository::barman) use self::{reader::read_tar, writer::TarWriter};

/// Bytes; headers and contents begin at multiples of it.
const BLOCK: usize = 512;

#[cfg(test)]
pub(in crate::repository::barman) mod test_data;
#[cfg(test)]
mod tests;
