//! Numbers of users and groups, of which a manifest has the names.

use std::{collections::HashMap, fs};

/// The numbers that `/etc/passwd` and `/etc/group` know; for other names, those of this process.
#[derive(Clone, Debug)]
pub(super) struct Owners {
    users: HashMap<String, u32>,
    groups: HashMap<String, u32>,
    uid: u32,
    gid: u32,
}

impl Owners {
    /// Reads them. Blocking.
    pub(super) fn read() -> Self {
        Self {
            users: numbers("/etc/passwd"),
            groups: numbers("/etc/group"),
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
        }
    }

    pub(super) fn user(&self, name: Option<&str>) -> u32 {
        let known = name.and_then(|name| self.users.get(name));
        known.copied().unwrap_or(self.uid)
    }

    pub(super) fn group(&self, name: Option<&str>) -> u32 {
        let known = name.and_then(|name| self.groups.get(name));
        known.copied().unwrap_or(self.gid)
    }
}

/// Reads a file of lines `name:password:number:…`; without one, there are no names.
fn numbers(path: &str) -> HashMap<String, u32> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let entry = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let number = fields.nth(1)?.parse().ok()?;
        Some((name.to_owned(), number))
    };
    // The first line of a name counts.
    text.lines().rev().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_not_known_are_ours() {
        let owners = Owners::read();

        assert_eq!(
            (owners.user(Some("root")), owners.group(Some("root"))),
            (0, 0)
        );
        for name in [None, Some("no:such")] {
            let ours = (owners.user(name), owners.group(name));
            assert_eq!(ours, (owners.uid, owners.gid));
        }
    }
}
