//! What stands for a placeholder.

use std::borrow::Cow;

use super::{
    Variables, glob,
    lex::{Case, Extent, Matches, Operation, Piece, Placeholder, Side, Word},
};

/// Returns what stands for the placeholder; without one, the names that have no value are added
/// to `unset`.
pub(super) fn value<'v>(
    placeholder: &Placeholder<'_>,
    variables: &'v Variables,
    unset: &mut Vec<String>,
) -> Option<Cow<'v, str>> {
    let name = placeholder.name;
    let value = variables.get(name);
    if let Operation::Default(default) = &placeholder.operation {
        return match value {
            Some(value) if !value.is_empty() => Some(Cow::Borrowed(value)),
            _ => word(default, variables, unset).map(Cow::Owned),
        };
    }
    let Some(value) = value else {
        unset.push(name.to_owned());
        return None;
    };
    let mut word = |pieces| word(pieces, variables, unset);
    Some(match &placeholder.operation {
        Operation::Value | Operation::Default(_) => Cow::Borrowed(value),
        Operation::Length => Cow::Owned(value.len().to_string()),
        Operation::Case { to, extent } => Cow::Owned(cased(value, *to, *extent)),
        Operation::Substring { offset, length } => {
            let offset = word(offset)?;
            let length = match length {
                Some(length) => Some(word(length)?),
                None => None,
            };
            Cow::Borrowed(substring(value, &offset, length.as_deref()))
        }
        Operation::Trim {
            from,
            extent,
            pattern,
        } => Cow::Borrowed(trimmed(value, *from, *extent, &word(pattern)?)),
        Operation::Replace { what, pattern, by } => {
            Cow::Owned(replaced(value, *what, &word(pattern)?, &word(by)?))
        }
    })
}

fn word(pieces: &Word<'_>, variables: &Variables, unset: &mut Vec<String>) -> Option<String> {
    let mut text = Some(String::new());
    for piece in pieces {
        let piece = match piece {
            Piece::Text(text) => Some(Cow::Borrowed(text.as_ref())),
            Piece::Placeholder(placeholder) => value(placeholder, variables, unset),
        };
        text = text.zip(piece).map(|(text, piece)| text + &piece);
    }
    text
}

fn cased(value: &str, to: Case, extent: Extent) -> String {
    let (head, tail) = match extent {
        Extent::Twice => (value, ""),
        Extent::Once => value.split_at(value.chars().next().map_or(0, char::len_utf8)),
    };
    let head = match to {
        Case::Upper => head.to_uppercase(),
        Case::Lower => head.to_lowercase(),
    };
    head + tail
}

/// Counts in bytes, as Flux does, and takes whole characters. What is no number changes nothing;
/// negative ones count from the end.
fn substring<'v>(value: &'v str, offset: &str, length: Option<&str>) -> &'v str {
    let size = i64::try_from(value.len()).unwrap_or(i64::MAX);
    let Ok(offset) = offset.parse::<i64>() else {
        return value;
    };
    let start = if offset < 0 {
        size.saturating_add(offset).max(0)
    } else {
        offset
    };
    let end = match length.map(str::parse::<i64>) {
        None => size,
        Some(Err(_)) => return value,
        Some(Ok(length)) if length < 0 => size.saturating_add(length),
        Some(Ok(length)) => start.saturating_add(length),
    };
    let index = |at: i64| {
        let at = usize::try_from(at.clamp(0, size)).unwrap_or(value.len());
        value.floor_char_boundary(at)
    };
    value.get(index(start)..index(end)).unwrap_or_default()
}

/// Takes a match off one end. A match of nothing does not count, so that the shortest match of
/// `*` is one character: that is how Flux has it.
fn trimmed<'v>(value: &'v str, from: Side, extent: Extent, pattern: &str) -> &'v str {
    let cuts = value.char_indices().map(|(index, _)| index);
    let mut cuts: Vec<usize> = cuts.chain([value.len()]).collect();
    // The shortest match first.
    if from == Side::End {
        cuts.reverse();
    }
    if extent == Extent::Twice {
        cuts[1..].reverse();
    }
    for cut in &cuts[1..] {
        let (start, end) = value.split_at(*cut);
        let (matched, rest) = match from {
            Side::Start => (start, end),
            Side::End => (end, start),
        };
        if glob::matches(pattern, matched) {
            return rest;
        }
    }
    value
}

/// Replaces text. Flux leaves a value as it is if nothing is to replace a start or an end.
fn replaced(value: &str, what: Matches, pattern: &str, by: &str) -> String {
    match what {
        Matches::First => value.replacen(pattern, by, 1),
        Matches::All => value.replace(pattern, by),
        Matches::AtStart | Matches::AtEnd if by.is_empty() => value.to_owned(),
        Matches::AtStart => match value.strip_prefix(pattern) {
            Some(rest) => by.to_owned() + rest,
            None => value.to_owned(),
        },
        Matches::AtEnd => match value.strip_suffix(pattern) {
            Some(rest) => rest.to_owned() + by,
            None => value.to_owned(),
        },
    }
}
