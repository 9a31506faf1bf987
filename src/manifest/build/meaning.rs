//! What scalars and their tags mean.

use granit_parser::{ScalarStyle, Tag};

use super::Result;
use crate::manifest::{Kind, Span, SyntaxError, Value, scalar};

/// Returns what a scalar means.
pub(super) fn value(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Tag>,
    span: Span,
) -> Result<Value> {
    // The parser says `~` for a scalar that is not there.
    let text = if span.bytes().is_empty() { "" } else { text };
    let resolved = || {
        let message = "JSON has no number for infinity and no `nan`";
        scalar::resolve(text).ok_or_else(|| SyntaxError::new(span, message))
    };
    let wanted = match tag {
        None if style == ScalarStyle::Plain => return resolved(),
        None => return Ok(Value::String(text.to_owned())),
        Some(tag) if tag.core_suffix() == Some("str") || is_non_specific(tag) => {
            return Ok(Value::String(text.to_owned()));
        }
        Some(tag) => tag_kind(tag).ok_or_else(|| unknown_tag(tag, span))?,
    };
    let value = resolved()?;
    if value.kind() == wanted {
        Ok(value)
    } else {
        let message = format!("the tag says {wanted}, the value is {}", value.kind());
        Err(SyntaxError::new(span, message))
    }
}

fn is_non_specific(tag: &Tag) -> bool {
    tag.parts() == ("", "!") || tag.parts() == ("!", "")
}

fn tag_kind(tag: &Tag) -> Option<Kind> {
    match tag.core_suffix()? {
        "null" => Some(Kind::Null),
        "bool" => Some(Kind::Bool),
        "int" | "float" => Some(Kind::Number),
        _ => None,
    }
}

/// Refuses a tag that is not that of the collection.
pub(super) fn check_tag(tag: Option<&Tag>, expected: &str, span: Span) -> Result<()> {
    match tag {
        Some(tag) if tag.core_suffix() != Some(expected) && !is_non_specific(tag) => {
            Err(unknown_tag(tag, span))
        }
        _ => Ok(()),
    }
}

fn unknown_tag(tag: &Tag, span: Span) -> SyntaxError {
    let message = format!("tag `{}` means nothing here", tag.original());
    SyntaxError::new(span, message)
}
