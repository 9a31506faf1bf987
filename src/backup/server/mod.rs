//! Base backups of a running server.

mod leftovers;
mod names;
mod pages;
mod report;
mod source;
mod take;
#[cfg(test)]
mod tests;
mod throttle;

pub use self::{
    pages::BadPage,
    report::Report,
    source::SourceError,
    take::{BackupError, take_backup},
};
