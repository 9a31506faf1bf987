//! The files that pgBackRest keeps its records in: sections of keys with JSON values, and a
//! checksum.
//!
//! Lines end in LF, nothing is trimmed. A key may have any character but a line break, also `=`:
//! the value begins behind the first `=` after which the line is JSON. Sections and keys are
//! written in the order of their bytes, with an empty line between sections; the last section is
//! `[backrest]` again, with the checksum alone.

mod checksum;
mod read;
mod write;

use std::{collections::BTreeMap, fmt};

use zeroize::Zeroizing;

pub(super) use self::{
    read::{ReadIni, read_ini},
    write::{IniWriter, JsonObject, json_string},
};
use crate::codec::Sha1;

/// The content of a record: sections, keys, and values as they stand in the file.
///
/// Values are wiped when dropped and not printed by `Debug`: some are secrets.
///
/// ```
/// use walcast::repository::pgbackrest::Ini;
///
/// let mut record = Ini::new("2.45");
/// record.set("db", "db-id", "1");
/// let text = record.to_text();
/// assert!(text.starts_with("[backrest]\nbackrest-format=5\nbackrest-version=\"2.45\"\n\n[db]\ndb-id=1\n"));
/// assert_eq!(Ini::parse(&text)?, record);
/// # Ok::<(), walcast::repository::pgbackrest::InvalidIni>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Ini {
    sections: BTreeMap<String, BTreeMap<String, Zeroizing<String>>>,
}

/// A text is not a record of pgBackRest's, or is damaged.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidIni {
    /// A line is neither a section nor a key with a value.
    #[error("line {0} is neither a section nor a key with a value")]
    Line(usize),
    /// A key comes twice.
    #[error("line {0} has a key that came before")]
    Twice(usize),
    /// There is no checksum: the text was cut, or is something else.
    #[error("it has no checksum")]
    NoChecksum,
    /// The checksum is not that of the text.
    #[error("its checksum is {found}, its content has {expected}")]
    Checksum {
        /// That of the content.
        expected: Sha1,
        /// What is written.
        found: String,
    },
    /// The format is another one.
    #[error("its format is {0}, only format {FORMAT} is known")]
    Format(String),
}

impl Ini {
    /// Begins a record that says it is from release `version`.
    pub fn new(version: &str) -> Self {
        let mut record = Self {
            sections: BTreeMap::new(),
        };
        record.set(BACKREST, "backrest-format", FORMAT);
        record.set(BACKREST, "backrest-version", json_string(version));
        record
    }

    /// Reads a record and checks its checksum and its format.
    pub fn parse(text: &str) -> Result<Self, InvalidIni> {
        let mut record = Self {
            sections: BTreeMap::new(),
        };
        let read = read_ini(text.as_bytes(), |line| {
            match record.set(line.section, line.key, line.value) {
                None => Ok(()),
                Some(_) => Err(InvalidIni::Twice(line.number)),
            }
        });
        match read {
            Ok(()) => Ok(record),
            Err(ReadIni::Invalid(error) | ReadIni::Value(error)) => Err(error),
            Err(ReadIni::Io(_)) => unreachable!("a slice can always be read"),
        }
    }

    /// Returns the text, with its checksum.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(Vec::with_capacity(self.len()));
        let mut writer = IniWriter::new(&mut *text);
        let written = self.sections.iter().try_for_each(|(section, keys)| {
            let mut keys = keys.iter();
            keys.try_for_each(|(key, value)| writer.pair(section, key, value))
        });
        let written = written.and_then(|()| writer.finish());
        written.expect("memory can be written");
        let text = String::from_utf8(std::mem::take(&mut *text));
        Zeroizing::new(text.expect("all of it was text"))
    }

    /// Returns a value, as JSON.
    pub fn get(&self, section: &str, key: &str) -> Option<&str> {
        let value = self.sections.get(section)?.get(key)?;
        Some(value)
    }

    /// Returns the keys and values of a section, in order.
    pub fn section(&self, section: &str) -> impl Iterator<Item = (&str, &str)> {
        let keys = self.sections.get(section).into_iter().flatten();
        keys.map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Sets a value, which must be JSON without a line break, and returns the one before.
    pub fn set(
        &mut self,
        section: &str,
        key: &str,
        value: impl Into<String>,
    ) -> Option<Zeroizing<String>> {
        let keys = self.sections.entry(section.to_owned()).or_default();
        keys.insert(key.to_owned(), Zeroizing::new(value.into()))
    }

    /// Removes a key and returns its value; with its last key goes a section.
    pub fn remove(&mut self, section: &str, key: &str) -> Option<Zeroizing<String>> {
        let keys = self.sections.get_mut(section)?;
        let value = keys.remove(key);
        if keys.is_empty() {
            self.sections.remove(section);
        }
        value
    }

    /// Returns the length of the text, so that no copy of a secret is left behind as it grows.
    fn len(&self) -> usize {
        let keys = self.sections.iter().map(|(section, keys)| {
            let lines = keys.iter().map(|(key, value)| key.len() + value.len() + 2);
            section.len() + 4 + lines.sum::<usize>()
        });
        keys.sum::<usize>() + 100
    }
}

impl fmt::Debug for Ini {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sections = self.sections.iter();
        let keys = sections.map(|(section, keys)| (section, keys.keys().collect::<Vec<_>>()));
        f.debug_map().entries(keys).finish()
    }
}

/// The format since release 1.0.
pub(super) const FORMAT: &str = "5";
pub(super) const BACKREST: &str = "backrest";
const CHECKSUM: &str = "backrest-checksum";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Facts of the tool's reader, by a record that another writer of ours made up.
    const ODD: &str = "[backrest]\nbackrest-checksum=\"CHECKSUM\"\nbackrest-format=5\n\
                       [target:file]\npg_data/a=b=[c]= d={\"size\":1}\npg_data/\"q\"=\"x=1\"";

    fn with_checksum(text: &str) -> String {
        match Ini::parse(text) {
            Err(InvalidIni::Checksum { expected, .. }) => {
                text.replace("CHECKSUM", &expected.to_string())
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn separators_and_the_place_of_the_checksum_are_found_as_the_tool_does() {
        let record = Ini::parse(&with_checksum(ODD)).unwrap();

        let files: Vec<_> = record.section("target:file").collect();
        assert_eq!(
            files,
            [
                ("pg_data/\"q\"", "\"x=1\""),
                ("pg_data/a=b=[c]= d", "{\"size\":1}")
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_told() {
        let whole = Ini::new("2.45").to_text();
        for (text, expected) in [
            ("", "it has no checksum"),
            (
                &whole[..whole.len() - 10],
                "line 6 is neither a section nor a key with a value",
            ),
            (&whole.replace("2.45", "2.46"), "its checksum is "),
            (
                &whole.replace('\n', "\r\n"),
                "line 1 is neither a section nor a key with a value",
            ),
            (
                "a=1\n",
                "line 1 is neither a section nor a key with a value",
            ),
            (
                "[a]\nb=[\n",
                "line 2 is neither a section nor a key with a value",
            ),
            ("[a]\nb=1\nb=2\n", "line 3 has a key that came before"),
            (
                &with_checksum(&ODD.replace("=5", "=6")),
                "its format is 6, only format 5 is known",
            ),
        ] {
            let found = Ini::parse(text).unwrap_err().to_string();
            assert!(found.starts_with(expected), "{found}");
        }
    }

    #[test]
    fn values_are_not_printed() {
        let mut record = Ini::new("2.45");
        record.set("cipher", "cipher-pass", "\"hush\"");

        let printed = format!("{record:?}");

        assert!(printed.contains("cipher-pass") && !printed.contains("hush"));
    }

    fn value() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<u64>().prop_map(|number| number.to_string()),
            any::<bool>().prop_map(|flag| flag.to_string()),
            "[^\\p{Cc}]{0,20}".prop_map(|text| json_string(&text)),
            ("[a-z-]{1,8}", any::<u32>()).prop_map(|(key, n)| format!("{{\"{key}\":[{n},true]}}")),
        ]
    }

    proptest! {
        #[test]
        fn a_record_is_read_as_it_was_written(
            entries in proptest::collection::vec(
                ("[a-z:]{1,12}", "[^\\p{Cc}\\[\"={}0-9][^\\p{Cc}\"{}]{0,20}", value()),
                0..20,
            ),
        ) {
            let mut record = Ini::new("2.45");
            for (section, key, value) in entries {
                record.set(&section, &key, value);
            }

            let text = record.to_text();

            let read = Ini::parse(&text).unwrap();
            prop_assert_eq!(&read, &record);
            prop_assert_eq!(read.to_text(), text);
        }

        #[test]
        fn any_text_is_refused_or_read(text in "(\\[[a-z]{0,3}\\]|[a-z=\\[\"]{0,6}=[0-9\"]{0,2}|\n){0,9}") {
            let _ = Ini::parse(&text);
        }
    }
}
