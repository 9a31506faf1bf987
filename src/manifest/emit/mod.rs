//! JSON to YAML that every Kubernetes tool reads as the same JSON.
//!
//! The layout is that of kubectl: block style, two blanks, lists at the indent of their key.
//! Which text needs quotes is decided for all readers at once, YAML 1.1 and 1.2, so that `yes`,
//! `0640`, `1e3`, `2026-11-23` and `12:30` stay text everywhere.

#[cfg(test)]
mod tests;
mod text;

use std::collections::HashSet;

use serde_json::{Map, Number, Value as Json};

use self::text::Style;

/// Writes a value as one YAML document, without a `---` and with a line break at its end.
///
/// A resource begins with `apiVersion`, `kind`, `metadata`, `spec` and `status`; all other keys
/// come in the order of the map. Text of several lines is a literal block where that keeps it
/// as it is. Text with placeholders is quoted, so that it stays text when they are replaced.
///
/// ```
/// # use walcast::manifest::emit;
/// let value = serde_json::json!({"kind": "Secret", "data": {"on": "yes"}, "args": ["-c", "1e3"]});
/// let text = "kind: Secret\nargs:\n- -c\n- \"1e3\"\ndata:\n  \"on\": \"yes\"\n";
/// assert_eq!(emit(&value), text);
/// ```
pub fn emit(value: &Json) -> String {
    emit_with(value, &HashSet::new())
}

/// Writes a value; the texts of `unquoted` that have placeholders get no quotes if they need none.
pub(super) fn emit_with(value: &Json, unquoted: &HashSet<*const Json>) -> String {
    emit_in(value, Layout::default(), unquoted)
}

/// Writes a value as the text around it is laid out.
pub(super) fn emit_in(value: &Json, layout: Layout, unquoted: &HashSet<*const Json>) -> String {
    let mut emitter = Emitter {
        text: String::new(),
        layout,
        unquoted,
    };
    emitter.document(value);
    emitter.text
}

/// What people do in more than one way.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Layout {
    /// Blanks before the dashes of a list, counted from its key.
    pub(super) list_indent: usize,
    /// Whether `name` comes first in mappings.
    pub(super) is_name_first: bool,
}

/// Keys that come first in a resource.
const FIRST: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];
/// Longer keys are written with a `?`: parsers look no further than 1,024 characters for a `:`,
/// and some look only 128 far.
const MAX_SIMPLE_KEY: usize = 120;

struct Emitter<'u> {
    text: String,
    layout: Layout,
    unquoted: &'u HashSet<*const Json>,
}

impl Emitter<'_> {
    fn document(&mut self, value: &Json) {
        match value {
            Json::Object(map) if !map.is_empty() => {
                let first = FIRST.iter().filter_map(|key| map.get_key_value(*key));
                let rest = map.iter().filter(|(key, _)| !FIRST.contains(&key.as_str()));
                self.entries(first.chain(rest), 0);
            }
            Json::Array(items) if !items.is_empty() => self.items(items, 0),
            _ => self.scalar(value, 2),
        }
    }

    /// Writes a value after its key or its dash, in a collection at `indent`.
    fn value(&mut self, value: &Json, indent: usize) {
        match value {
            Json::Object(map) if !map.is_empty() => {
                self.text.push('\n');
                self.margin(indent + 2);
                self.map(map, indent + 2);
            }
            Json::Array(items) if !items.is_empty() => {
                let indent = indent + self.layout.list_indent;
                self.text.push('\n');
                self.margin(indent);
                self.items(items, indent);
            }
            _ => {
                self.text.push(' ');
                self.scalar(value, indent + 2);
            }
        }
    }

    /// Writes the entries of a mapping that is no resource.
    fn map(&mut self, map: &Map<String, Json>, indent: usize) {
        let name = map
            .get_key_value("name")
            .filter(|_| self.layout.is_name_first);
        let rest = map
            .iter()
            .filter(|(key, _)| name.is_none() || *key != "name");
        self.entries(name.into_iter().chain(rest), indent);
    }

    /// Writes entries, the first of them where the text ends.
    fn entries<'j>(
        &mut self,
        entries: impl IntoIterator<Item = (&'j String, &'j Json)>,
        indent: usize,
    ) {
        for (index, (key, value)) in entries.into_iter().enumerate() {
            if index > 0 {
                self.margin(indent);
            }
            let key = text::key(key);
            if key.len() > MAX_SIMPLE_KEY {
                self.text += "? ";
                self.text += &key;
                self.text.push('\n');
                self.margin(indent);
                self.text.push(':');
                // Under a `?`, a list without an indent of its own is not read by all.
                self.value(value, indent + 2);
            } else {
                self.text += &key;
                self.text.push(':');
                self.value(value, indent);
            }
        }
    }

    /// Writes items, the first of them where the text ends.
    fn items(&mut self, items: &[Json], indent: usize) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.margin(indent);
            }
            self.text += "- ";
            match item {
                Json::Object(map) if !map.is_empty() => self.map(map, indent + 2),
                Json::Array(items) if !items.is_empty() => self.items(items, indent + 2),
                _ => self.scalar(item, indent + 2),
            }
        }
    }

    /// Writes a value without parts; its further lines are indented by `indent`.
    fn scalar(&mut self, value: &Json, indent: usize) {
        match value {
            Json::Null => self.text += "null",
            Json::Bool(flag) => self.text += if *flag { "true" } else { "false" },
            Json::Number(number) => self.text += &number_text(number),
            Json::Array(_) => self.text += "[]",
            Json::Object(_) => self.text += "{}",
            Json::String(text) => {
                let is_unquoted = self.unquoted.contains(&std::ptr::from_ref(value));
                match text::style(text, is_unquoted) {
                    Style::Literal => return self.literal(text, indent),
                    Style::Flow(text) => self.text += &text,
                }
            }
        }
        self.text.push('\n');
    }

    fn literal(&mut self, text: &str, indent: usize) {
        let content = text.trim_end_matches('\n');
        self.text += match text.len() - content.len() {
            0 => "|-\n",
            1 => "|\n",
            _ => "|+\n",
        };
        for line in text.lines() {
            if !line.is_empty() {
                self.margin(indent);
            }
            self.text += line;
            self.text.push('\n');
        }
    }

    fn margin(&mut self, indent: usize) {
        self.text.extend(std::iter::repeat_n(' ', indent));
    }
}

/// Writes a number as YAML 1.1 and 1.2 have it: an exponent with a sign and after a dot.
fn number_text(number: &Number) -> String {
    let text = number.to_string();
    let Some((digits, exponent)) = text.split_once('e') else {
        return text;
    };
    let dot = if digits.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with(['-', '+']) {
        ""
    } else {
        "+"
    };
    format!("{digits}{dot}e{sign}{exponent}")
}
