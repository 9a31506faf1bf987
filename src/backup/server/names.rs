//! Names of users and groups, each looked up once.

use std::{collections::HashMap, fs};

/// The names that `/etc/passwd` and `/etc/group` know.
#[derive(Debug)]
pub(super) struct Names {
    users: HashMap<u32, String>,
    groups: HashMap<u32, String>,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            users: read("/etc/passwd"),
            groups: read("/etc/group"),
        }
    }
}

impl Names {
    pub(super) fn user(&self, uid: u32) -> Option<String> {
        self.users.get(&uid).cloned()
    }

    pub(super) fn group(&self, gid: u32) -> Option<String> {
        self.groups.get(&gid).cloned()
    }
}

/// Reads a file of lines `name:password:number:…`; without one, there are no names.
fn read(path: &str) -> HashMap<u32, String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let entry = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let number = fields.nth(1)?.parse().ok()?;
        Some((number, name.to_owned()))
    };
    // The first line of a number counts.
    text.lines().rev().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_known_by_name() {
        let names = Names::default();

        assert_eq!(names.user(0).as_deref(), Some("root"));
        assert_eq!(names.group(0).as_deref(), Some("root"));
        assert_eq!(names.user(u32::MAX), None);
    }
}
