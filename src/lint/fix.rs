//! Fixes, made.

use std::path::{Path, PathBuf};

use super::{Finding, Report};
use crate::{
    inventory::{File, Inventory},
    manifest::{Edit, edit},
};

/// A file whose findings were mended as far as that is safe.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Fixed {
    /// The file.
    pub file: PathBuf,
    /// Its new text, which reads as YAML wherever the old one did and has all its comments.
    pub text: String,
    /// How many findings were mended.
    pub mended: usize,
}

/// Makes the fixes of a report, file by file; files without any are not returned.
///
/// A fix that meets another one is left for the next time, and so is one that would break the
/// file.
pub fn fix(inventory: &Inventory, report: &Report) -> Vec<Fixed> {
    let files = inventory.files().iter();
    files.filter_map(|file| fix_file(file, report)).collect()
}

fn fix_file(file: &File, report: &Report) -> Option<Fixed> {
    let mut edits: Vec<Edit> = Vec::new();
    let mut text = None;
    let mut mended = 0;
    for finding in of_file(report, &file.name) {
        let Some(fix) = &finding.fix else {
            continue;
        };
        let more = [edits.as_slice(), fix.edits.as_slice()].concat();
        if let Ok(edited) = edit(&file.text, &more) {
            text = Some(edited);
            edits = more;
            mended += 1;
        }
    }
    Some(Fixed {
        file: file.name.clone(),
        text: text?,
        mended,
    })
}

fn of_file<'r>(report: &'r Report, file: &'r Path) -> impl Iterator<Item = &'r Finding> {
    let findings = report.findings.iter();
    findings.filter(move |finding| finding.file == file)
}
