use super::{MajorVersion, Oid};

/// A text is not a tablespace map.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("entry {entry} of the tablespace map: {problem}")]
pub struct InvalidTablespaceMap {
    entry: usize,
    problem: &'static str,
}

/// What `tablespace_map` says: where the links in `pg_tblspc` lead.
///
/// PostgreSQL writes the links anew when it recovers a base backup that has this file, and then
/// renames it. In-place tablespaces (PostgreSQL 15 and later), which are directories and no links,
/// are not in it.
///
/// One line per tablespace; in a path, a backslash precedes each line feed, carriage return and,
/// from PostgreSQL 14 on, backslash (`do_pg_backup_start` and `read_tablespace_map` in `xlog.c`).
/// So the text depends on the version, and a path that ends in a backslash is spoilt by 13.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TablespaceMap(Vec<TablespaceLink>);

/// One tablespace.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TablespaceLink {
    /// The link's name in `pg_tblspc`.
    pub oid: Oid,
    /// Where the link leads.
    pub location: String,
}

impl TablespaceMap {
    /// The file's name in the data directory.
    pub const FILE_NAME: &'static str = "tablespace_map";

    /// Reads the content of `tablespace_map` of a server of this version.
    pub fn parse(text: &str, version: MajorVersion) -> Result<Self, InvalidTablespaceMap> {
        let mut links = Vec::new();
        let mut entry = String::new();
        let mut characters = text.chars().peekable();
        let error = |links: &[_], problem| InvalidTablespaceMap {
            entry: links.len() + 1,
            problem,
        };
        while let Some(character) = characters.next() {
            match character {
                '\\' => match characters.next_if(|next| is_escaped(*next, version)) {
                    Some(escaped) => entry.push(escaped),
                    None if version == MajorVersion::V13 => entry.push('\\'),
                    // A backslash before anything else is dropped.
                    None => {}
                },
                // A line feed behind a carriage return ends nothing.
                '\n' | '\r' if entry.is_empty() => {}
                '\n' | '\r' => {
                    let tablespace = TablespaceLink::parse(&entry)
                        .ok_or_else(|| error(&links, "it is no number with a path"))?;
                    links.push(tablespace);
                    entry.clear();
                }
                other => entry.push(other),
            }
        }
        if entry.is_empty() {
            Ok(Self(links))
        } else {
            Err(error(&links, "it has no end"))
        }
    }

    /// Returns the content of `tablespace_map` for a server of this version.
    pub fn to_text(&self, version: MajorVersion) -> String {
        let mut text = String::new();
        for link in &self.0 {
            text.push_str(&link.oid.to_string());
            text.push(' ');
            for character in link.location.chars() {
                if is_escaped(character, version) {
                    text.push('\\');
                }
                text.push(character);
            }
            text.push('\n');
        }
        text
    }

    /// Returns the tablespaces, in the order of the file.
    pub fn links(&self) -> &[TablespaceLink] {
        &self.0
    }
}

impl TablespaceLink {
    fn parse(line: &str) -> Option<Self> {
        // A path may begin with blanks.
        let (oid, location) = line.split_once(' ')?;
        Some(Self {
            oid: oid.parse().ok()?,
            location: Some(location).filter(|path| !path.is_empty())?.to_owned(),
        })
    }
}

impl FromIterator<TablespaceLink> for TablespaceMap {
    fn from_iter<I: IntoIterator<Item = TablespaceLink>>(links: I) -> Self {
        Self(links.into_iter().collect())
    }
}

/// Tells whether a backslash precedes the character in the file.
fn is_escaped(character: char, version: MajorVersion) -> bool {
    match character {
        '\n' | '\r' => true,
        '\\' => version > MajorVersion::V13,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;

    fn link(oid: u32, location: &str) -> TablespaceLink {
        TablespaceLink {
            oid: Oid::new(oid).unwrap(),
            location: location.to_owned(),
        }
    }

    #[test]
    fn what_postgresql_wrote_is_read_and_written_back() {
        for (text, version) in [
            (
                include_str!("../../tests/fixtures/pg/13/tablespace_map"),
                MajorVersion::V13,
            ),
            (
                include_str!("../../tests/fixtures/pg/15/tablespace_map"),
                MajorVersion::V15,
            ),
            (
                include_str!("../../tests/fixtures/pg/18/tablespace_map"),
                MajorVersion::V18,
            ),
        ] {
            let map = TablespaceMap::parse(text, version).unwrap();

            let locations = ["back\\slash", " blank"];
            let locations = locations.map(|name| format!("/tmp/bk/run/ts{version}/{name}"));
            assert_eq!(
                map.links(),
                [link(16384, &locations[0]), link(16385, &locations[1])]
            );
            assert_eq!(map.to_text(version), text);
        }
    }

    #[test]
    fn special_characters_of_a_path_are_escaped_as_the_version_does() {
        let map: TablespaceMap = [link(16384, " a\\b\n\rc")].into_iter().collect();

        for (version, text) in [
            (MajorVersion::V13, "16384  a\\b\\\n\\\rc\n"),
            (MajorVersion::V14, "16384  a\\\\b\\\n\\\rc\n"),
        ] {
            assert_eq!(map.to_text(version), text);
            assert_eq!(TablespaceMap::parse(text, version), Ok(map.clone()));
        }
    }

    #[test]
    fn carriage_returns_empty_lines_and_needless_backslashes_are_accepted() {
        let map = TablespaceMap::parse("16384 /a\r\n\n16385 \\/b\n", MajorVersion::V14).unwrap();

        assert_eq!(map.links(), [link(16384, "/a"), link(16385, "/b")]);
        let empty = TablespaceMap::parse("", MajorVersion::V14);
        assert_eq!(empty, Ok(TablespaceMap::default()));
    }

    #[test]
    fn errors_tell_the_entry_and_the_problem() {
        for (text, problem) in [
            (
                "16384 /a\n16385",
                "entry 2 of the tablespace map: it has no end",
            ),
            (
                "16384 /a\\\n",
                "entry 1 of the tablespace map: it has no end",
            ),
            (
                "16384\n",
                "entry 1 of the tablespace map: it is no number with a path",
            ),
            (
                "16384 \n",
                "entry 1 of the tablespace map: it is no number with a path",
            ),
            (
                "/a 16384\n",
                "entry 1 of the tablespace map: it is no number with a path",
            ),
            (
                " 16384 /a\n",
                "entry 1 of the tablespace map: it is no number with a path",
            ),
        ] {
            let error = TablespaceMap::parse(text, MajorVersion::V16).unwrap_err();
            assert_eq!(error.to_string(), problem);
        }
    }

    fn any_version() -> impl Strategy<Value = MajorVersion> {
        select(&MajorVersion::ALL[..])
    }

    proptest! {
        #[test]
        fn text_form_round_trips(
            links in vec((1..=u32::MAX, "(?s).{1,20}[a-z]"), 0..5), version in any_version(),
        ) {
            let map: TablespaceMap = links
                .iter()
                // A backslash before a line break is what 13 cannot write.
                .map(|(oid, path)| link(*oid, &path.replace(['\n', '\r'], "/\n")))
                .collect();

            prop_assert_eq!(TablespaceMap::parse(&map.to_text(version), version), Ok(map));
        }

        #[test]
        fn any_text_is_read_or_refused(text: String, version in any_version()) {
            if let Ok(map) = TablespaceMap::parse(&text, version) {
                let again = TablespaceMap::parse(&map.to_text(version), version);
                prop_assert_eq!(again.is_ok(), true);
            }
        }
    }
}
