//! How a text is written.

use std::fmt::Write;

use crate::manifest::{Value, placeholders, scalar};

/// The form of a text.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Style {
    /// A literal block (`|`).
    Literal,
    /// On one line, as it is here.
    Flow(String),
}

/// Returns the form of a value.
pub(super) fn style(text: &str, is_unquoted: bool) -> Style {
    if is_literal(text) {
        return Style::Literal;
    }
    let has_placeholder = placeholders(text).next().is_some();
    let is_plain = if has_placeholder {
        is_unquoted && has_plain_syntax(text)
    } else {
        is_plain(text)
    };
    Style::Flow(if is_plain {
        text.to_owned()
    } else {
        quoted(text)
    })
}

/// Returns a key as it is written.
pub(super) fn key(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// Returns whether a literal block holds the text and shows what is in it.
fn is_literal(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with(['\n', ' ', '\t'])
        && text.lines().all(|line| !line.ends_with([' ', '\t']))
        && text.chars().all(|c| c == '\n' || c == '\t' || is_shown(c))
}

/// Returns whether the text without quotes is that text to every reader.
fn is_plain(text: &str) -> bool {
    has_plain_syntax(text)
        && matches!(scalar::resolve(text), Some(Value::String(_)))
        && !is_word(text)
        && !is_like_a_number(text)
}

/// Returns whether the text without quotes is one scalar, whatever that means.
fn has_plain_syntax(text: &str) -> bool {
    let mut chars = text.chars();
    let begins_well = match chars.next() {
        Some('-') => chars
            .next()
            .is_some_and(|c| c.is_alphanumeric() || c == '-'),
        Some(first) => first.is_alphanumeric() || "_/.$(+".contains(first),
        None => false,
    };
    begins_well
        && !text.starts_with("---")
        && !text.starts_with("...")
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || (' '..='~').contains(&c))
}

/// Returns whether some YAML knows the word as a flag, null or a number that is none.
fn is_word(text: &str) -> bool {
    let words = [
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", ".nan", ".inf", "+.inf",
        "-.inf",
    ];
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Returns whether some YAML may read it as a number or a time.
fn is_like_a_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let lower = unsigned.to_ascii_lowercase();
    unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && (["0x", "0o", "0b"]
            .iter()
            .any(|radix| lower.starts_with(radix))
            || lower
                .chars()
                .all(|c| c.is_ascii_digit() || "_.,:+-etz ".contains(c)))
}

/// Returns the text in quotes: single ones where that saves escapes.
fn quoted(text: &str) -> String {
    let is_clearer_single = text.contains(['"', '\\']);
    if is_clearer_single && text.chars().all(is_shown) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted += "\\\"",
            '\\' => quoted += "\\\\",
            '\n' => quoted += "\\n",
            '\t' => quoted += "\\t",
            '\r' => quoted += "\\r",
            _ if is_shown(c) => quoted.push(c),
            _ => escape(c, &mut quoted),
        }
    }
    quoted.push('"');
    quoted
}

fn escape(c: char, text: &mut String) {
    let code = u32::from(c);
    let written = match code {
        0..=0xFF => write!(text, "\\x{code:02X}"),
        0x100..=0xFFFF => write!(text, "\\u{code:04X}"),
        _ => write!(text, "\\U{code:08X}"),
    };
    written.expect("a String takes everything");
}

/// Returns whether every reader takes the character as it is: no control, no line break of YAML
/// 1.1, no mark of the byte order, nothing that Unicode will never assign.
fn is_shown(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}'
        )
}
