//! A record as text.

use std::{
    fmt::{self, Write as _},
    io::{self, Write},
};

use super::{BACKREST, CHECKSUM, checksum::Hasher};

/// Writes `text` as JSON, with the escapes that the tool knows: it has none for other characters.
pub(in crate::repository::pgbackrest) fn json_string(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            _ => json.push(character),
        }
    }
    json.push('"');
    json
}

/// A JSON object, whose members are added in the order of their keys, as the tool wants it.
pub(in crate::repository::pgbackrest) struct JsonObject(String);

impl JsonObject {
    pub(in crate::repository::pgbackrest) fn new() -> Self {
        Self("{".to_owned())
    }

    /// Adds a member whose value is JSON already.
    #[must_use]
    pub(in crate::repository::pgbackrest) fn raw(
        mut self,
        key: &str,
        value: impl fmt::Display,
    ) -> Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        write!(self.0, "\"{key}\":{value}").expect("a string takes all");
        self
    }

    #[must_use]
    pub(in crate::repository::pgbackrest) fn text(self, key: &str, text: &str) -> Self {
        self.raw(key, json_string(text))
    }

    pub(in crate::repository::pgbackrest) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// Writes a record, pair by pair: sections and keys in the order of their bytes.
pub(in crate::repository::pgbackrest) struct IniWriter<W> {
    out: W,
    hasher: Hasher,
}

impl<W: Write> IniWriter<W> {
    pub(in crate::repository::pgbackrest) fn new(out: W) -> Self {
        Self {
            out,
            hasher: Hasher::default(),
        }
    }

    pub(in crate::repository::pgbackrest) fn pair(
        &mut self,
        section: &str,
        key: &str,
        value: &str,
    ) -> io::Result<()> {
        if self.hasher.section.as_deref() != Some(section) {
            let line = if self.hasher.section.is_some() {
                "\n"
            } else {
                ""
            };
            writeln!(self.out, "{line}[{section}]")?;
        }
        self.hasher.add(section, key, value);
        for part in [key, "=", value, "\n"] {
            self.out.write_all(part.as_bytes())?;
        }
        Ok(())
    }

    /// Writes the checksum.
    pub(in crate::repository::pgbackrest) fn finish(mut self) -> io::Result<()> {
        let checksum = self.hasher.finish();
        writeln!(self.out, "\n[{BACKREST}]\n{CHECKSUM}=\"{checksum}\"")
    }
}
