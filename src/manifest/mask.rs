//! Placeholders hidden from the YAML parser.
//!
//! `{a: ${B}}` and `a: ${B:=x: y}` are no YAML before they are replaced. So each placeholder is
//! covered by letters of the same length, which are text wherever they stand and move no position,
//! and uncovered in the values that the parser finds.

use std::{borrow::Cow, ops::Range};

use granit_parser::{Event, Parser, ScalarStyle};

use super::{Node, Position, Span, SyntaxError, build, documents, placeholders};

/// Reads a document with its placeholders covered; `None` if it has none.
///
/// It begins at byte `offset` of its file, which is the first of `line`.
pub(super) fn read(
    document: &str,
    offset: usize,
    line: usize,
) -> Option<Result<Node, SyntaxError>> {
    let masked = Masked::new(document)?;
    let mut parser = documents::parser(&masked.text);
    let is_begun = |event: &_| matches!(event, Ok((Event::DocumentStart(..), _)) | Err(_));
    let result = match parser.find(is_begun)? {
        Ok(_) => build::root(&mut parser, &masked.text, Some(&masked)),
        Err(error) => Err(error.into()),
    };
    let moved = |position: &mut Position| {
        position.offset += offset;
        position.line += line - 1;
    };
    Some(match result {
        Ok(mut root) => {
            root.move_by(&moved);
            Ok(root)
        }
        Err(mut error) => {
            moved(&mut error.position);
            Err(error)
        }
    })
}

/// A text with its placeholders covered.
pub(super) struct Masked<'t> {
    original: &'t str,
    text: String,
    /// Where the covered placeholders are, in order.
    masks: Vec<Range<usize>>,
    /// What each cover begins with, and nothing else in the text has.
    mark: String,
}

impl<'t> Masked<'t> {
    fn new(original: &'t str) -> Option<Self> {
        let masks: Vec<Range<usize>> = placeholders(original)
            .map(|placeholder| placeholder.range)
            .filter(|range| !original[range.clone()].contains(['\n', '\r']))
            .collect();
        if masks.is_empty() {
            return None;
        }
        let mark = mark(original)?;
        Some(Self {
            original,
            text: cover(original, &masks, &mark),
            masks,
            mark,
        })
    }

    /// Returns what a scalar says, with its placeholders; `None` if there are none.
    pub(super) fn unmask(&self, value: &str, style: ScalarStyle, span: Span) -> Option<String> {
        let masks = self.masks_in(span);
        if masks.is_empty() {
            return None;
        }
        let mut rest = value;
        let mut unmasked = String::with_capacity(value.len());
        for mask in masks {
            let Some(at) = rest.find(&self.mark) else {
                break;
            };
            unmasked += &rest[..at];
            unmasked += &unescaped(&self.original[mask.clone()], style);
            rest = rest.get(at + mask.len()..).unwrap_or_default();
        }
        unmasked += rest;
        Some(unmasked)
    }

    fn masks_in(&self, span: Span) -> &[Range<usize>] {
        let Range { start, end } = span.bytes();
        let first = self.masks.partition_point(|mask| mask.start < start);
        let last = self.masks.partition_point(|mask| mask.start < end);
        &self.masks[first.min(last)..last]
    }
}

/// Returns four letters that the text does not have in a row. They are four different ones, so
/// that no mark overlaps another.
///
/// A text that has all the marks was made for that; its placeholders stay as they are.
fn mark(text: &str) -> Option<String> {
    const LETTERS: &[u8; 11] = b"QzJwKvHqYxZ";
    let marks = (0..LETTERS.len()).flat_map(|first| {
        (1..LETTERS.len()).map(move |step| {
            let letter = |i: usize| LETTERS[(first + i * step) % LETTERS.len()];
            (0..4).map(|i| char::from(letter(i))).collect::<String>()
        })
    });
    marks.into_iter().find(|mark| !text.contains(mark.as_str()))
}

/// Covers each placeholder by the mark, which is as long as the shortest (`${A}`), and letters
/// that take as many bytes as what they cover.
fn cover(original: &str, masks: &[Range<usize>], mark: &str) -> String {
    let mut text = String::with_capacity(original.len());
    for mask in masks {
        text += &original[text.len()..mask.start];
        text += mark;
        let rest = &original[mask.start + mark.len()..mask.end];
        text.extend(rest.chars().map(|c| match c.len_utf8() {
            1 => 'o',
            2 => 'ö',
            3 => 'ら',
            _ => '𐀀',
        }));
    }
    text += &original[text.len()..];
    text
}

/// Returns what a placeholder says between quotes.
fn unescaped(placeholder: &str, style: ScalarStyle) -> Cow<'_, str> {
    let quote = match style {
        ScalarStyle::SingleQuoted => '\'',
        ScalarStyle::DoubleQuoted => '"',
        _ => return Cow::Borrowed(placeholder),
    };
    let text = format!("{quote}{placeholder}{quote}");
    let mut scalars = Parser::new_from_str(&text).filter_map(|event| match event {
        Ok((Event::Scalar(text, ..), _)) => Some(text.into_owned()),
        _ => None,
    });
    match (scalars.next(), scalars.next()) {
        (Some(said), None) => Cow::Owned(said),
        _ => Cow::Borrowed(placeholder),
    }
}
