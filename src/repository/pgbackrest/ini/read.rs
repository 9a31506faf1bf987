//! A record line by line.

use std::io::{self, BufRead};

use serde::de::IgnoredAny;
use zeroize::Zeroizing;

use super::{BACKREST, CHECKSUM, FORMAT, InvalidIni, checksum::Hasher};

/// A key with its value.
pub(in crate::repository::pgbackrest) struct Line<'a> {
    /// Its number, from 1.
    pub number: usize,
    pub section: &'a str,
    pub key: &'a str,
    /// JSON, as it stands in the file.
    pub value: &'a str,
}

/// Why a record was not read to its end.
pub(in crate::repository::pgbackrest) enum ReadIni<E> {
    Io(io::Error),
    Invalid(InvalidIni),
    /// Whoever took the lines did not want one.
    Value(E),
}

impl<E> From<InvalidIni> for ReadIni<E> {
    fn from(error: InvalidIni) -> Self {
        Self::Invalid(error)
    }
}

/// Reads a record line by line, and checks its checksum and its format at its end.
pub(in crate::repository::pgbackrest) fn read_ini<E>(
    mut text: impl BufRead,
    mut take: impl FnMut(Line<'_>) -> Result<(), E>,
) -> Result<(), ReadIni<E>> {
    let mut hasher = Hasher::default();
    let (mut checksum, mut format) = (None, None);
    let mut section: Option<String> = None;
    let mut bytes = Zeroizing::new(Vec::new());
    for number in 1.. {
        bytes.clear();
        if text.read_until(b'\n', &mut bytes).map_err(ReadIni::Io)? == 0 {
            break;
        }
        let line = str::from_utf8(&bytes).map_err(|_| InvalidIni::Line(number))?;
        let line = line.strip_suffix('\n').unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        if let Some(name) = section_name(line) {
            section = Some(name.to_owned());
            continue;
        }
        let section = section.as_deref().ok_or(InvalidIni::Line(number))?;
        let (key, value) = key_and_value(line).ok_or(InvalidIni::Line(number))?;
        match (section, key) {
            (BACKREST, CHECKSUM) => {
                checksum = Some(value.trim_matches('"').to_owned());
                continue;
            }
            (BACKREST, "backrest-format") => format = Some(value.to_owned()),
            _ => {}
        }
        hasher.add(section, key, value);
        take(Line {
            number,
            section,
            key,
            value,
        })
        .map_err(ReadIni::Value)?;
    }
    let found = checksum.ok_or(InvalidIni::NoChecksum)?;
    let expected = hasher.finish();
    if found != expected.to_string() {
        return Err(InvalidIni::Checksum { expected, found }.into());
    }
    match format.as_deref() {
        Some(FORMAT) => Ok(()),
        format => Err(InvalidIni::Format(format.unwrap_or("not said").to_owned()).into()),
    }
}

fn section_name(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.strip_suffix(']')
}

fn key_and_value(line: &str) -> Option<(&str, &str)> {
    let separators = line.match_indices('=');
    let mut pairs = separators.map(|(at, _)| (&line[..at], &line[at + 1..]));
    pairs.find(|(_, value)| serde_json::from_str::<IgnoredAny>(value).is_ok())
}
