//! What tests of archives are made of.

use crate::repository::{Attributes, TreePath};

pub(in crate::repository::barman) fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

pub(in crate::repository::barman) fn attributes(mode: u32) -> Attributes {
    Attributes {
        mode,
        uid: 101,
        gid: 104,
        user: Some("postgres".to_owned()),
        group: Some("postgres".to_owned()),
        modified: "2026-11-22T12:48:05.5Z".parse().unwrap(),
    }
}
