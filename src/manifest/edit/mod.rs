//! Small changes of a manifest's text that leave everything else as it is.
//!
//! A manifest that is written anew from its values loses comments, order and quotes. Here a change
//! is an [`Edit`]: bytes that make room for others. The constructors know how YAML is laid out, and
//! return nothing where they would have to guess (what an alias stands for, a block that begins
//! with a placeholder). [`edit()`] makes several of them at once, and refuses a result that reads
//! worse than the text did or that lacks one of its comments.

mod aliases;
mod comments;
mod entry;
mod rewrite;
mod style;
#[cfg(test)]
mod tests;
mod towards;

use std::ops::Range;

pub use self::rewrite::{Change, Rewritten, emit_like, rewrite};
use super::{Key, Node, SyntaxError, Value, documents, emit};

/// A change of a text: the bytes that are replaced, and by what.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Edit {
    start: usize,
    end: usize,
    text: String,
}

impl Edit {
    /// Replaces `bytes`.
    pub fn replace(bytes: Range<usize>, text: impl Into<String>) -> Self {
        Self {
            start: bytes.start,
            end: bytes.end,
            text: text.into(),
        }
    }

    /// Gives a scalar another text, in quotes if it has some. `None` if it is an alias, has
    /// placeholders, or goes over several lines.
    pub fn scalar(source: &str, node: &Node, text: &str) -> Option<Self> {
        let old = body(source, node)?;
        let is_quoted = old != node.span.bytes();
        if is_quoted && !text.contains(['"', '\'', '\\', '\n']) {
            return Some(Self::replace(old, text));
        }
        Some(Self::replace(node.span.bytes(), flow_scalar(text)))
    }

    /// Gives a key another name.
    pub fn key(source: &str, key: &Key, name: &str) -> Option<Self> {
        (key.span.slice(source) == Some(&key.name)).then(|| {
            let bytes = key.span.bytes();
            Self::replace(bytes, name)
        })
    }

    /// Adds entries to a mapping, after the one with the key `after` if that is possible.
    ///
    /// `entries` is YAML in block style; in a mapping in braces one line has place. `None` if the
    /// mapping stands elsewhere (it is an alias) or its layout is unusual.
    pub fn add(source: &str, mapping: &Node, after: &str, entries: &str) -> Option<Self> {
        entry::add(source, mapping, after, entries)
    }

    /// Adds entries to a mapping, before all others; else as [`add`](Self::add).
    pub fn add_first(source: &str, mapping: &Node, entries: &str) -> Option<Self> {
        entry::add_first(source, mapping, entries)
    }

    /// Removes an entry of a mapping that has others; comments in it stay as lines of their own.
    ///
    /// `None` if it is the only one, or its layout is unusual.
    pub fn remove(source: &str, mapping: &Node, key: &str) -> Option<Self> {
        entry::remove(source, mapping, key)
    }

    /// Returns which bytes are replaced; none if text is only inserted.
    pub fn bytes(&self) -> Range<usize> {
        self.start..self.end
    }

    /// Returns what stands there afterwards.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Changes that cannot be made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// Two of them change the same bytes.
    #[error("two changes meet at byte {0}")]
    Overlap(usize),
    /// One of them is for another text.
    #[error("a change ends at byte {0}, which is not in the text")]
    OutOfText(usize),
    /// What comes out is no YAML, or has other documents.
    #[error("the result would not be YAML")]
    Breaks(#[source] SyntaxError),
    /// The number of documents is another one.
    #[error("the result would have {after} documents instead of {before}")]
    Documents {
        /// How many there are.
        before: usize,
        /// How many there would be.
        after: usize,
    },
    /// A comment would be gone.
    #[error("a comment would be lost")]
    Comment,
}

/// Makes changes of a text, each of which is for the text as it is before all of them.
///
/// Equal ones are made once.
///
/// ```
/// # use walcast::manifest::{Edit, documents, edit};
/// let text = "a: 1 # one\nb: \"x\" # two\n";
/// let document = documents(text).remove(0);
/// let root = document.root.unwrap();
/// let edits = [
///     Edit::scalar(text, root.field("b").unwrap(), "y").unwrap(),
///     Edit::add(text, &root, "a", "c: 3").unwrap(),
/// ];
/// assert_eq!(edit(text, &edits).unwrap(), "a: 1 # one\nc: 3\nb: \"y\" # two\n");
/// ```
///
/// # Errors
/// [`EditError`] if they are not for this text or not for each other, if a document that can be
/// read could not be read afterwards, or if a comment would be lost.
pub fn edit(source: &str, edits: &[Edit]) -> Result<String, EditError> {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_unstable();
    edits.dedup();
    let mut edited = String::with_capacity(source.len() + 64);
    let mut at = 0;
    for edit in edits {
        if edit.start < at {
            return Err(EditError::Overlap(edit.start));
        }
        let kept = source.get(at..edit.start);
        let kept = kept.filter(|_| source.is_char_boundary(edit.end) && edit.start <= edit.end);
        edited += kept.ok_or(EditError::OutOfText(edit.end))?;
        edited += &edit.text;
        at = edit.end;
    }
    edited += &source[at..];
    check(source, &edited)?;
    Ok(edited)
}

fn check(source: &str, edited: &str) -> Result<(), EditError> {
    let (before, after) = (documents(source), documents(edited));
    if before.len() != after.len() {
        let (before, after) = (before.len(), after.len());
        return Err(EditError::Documents { before, after });
    }
    for (before, after) in before.iter().zip(after) {
        match after.root {
            Err(error) if before.root.is_ok() => return Err(EditError::Breaks(error)),
            Ok(_) | Err(_) => {}
        }
    }
    if comments::are_kept(source, edited) {
        Ok(())
    } else {
        Err(EditError::Comment)
    }
}

/// Returns where the text of a scalar stands, without its quotes; `None` if it does not stand there
/// as it is.
fn body(source: &str, node: &Node) -> Option<Range<usize>> {
    let text = match &node.value {
        Value::String(text) => Some(text.as_str()),
        Value::Null
        | Value::Bool(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Template(_)
        | Value::Sequence(_)
        | Value::Mapping(_) => None,
    };
    let bytes = node.span.bytes();
    let slice = source.get(bytes.clone())?;
    if slice.starts_with('*') || slice.contains(['\n', '$']) {
        return None;
    }
    let Some(text) = text else {
        let is_scalar = matches!(
            node.value,
            Value::Bool(_) | Value::Integer(_) | Value::Float(_)
        );
        return is_scalar.then_some(bytes);
    };
    if slice == text {
        return Some(bytes);
    }
    ['"', '\''].into_iter().find_map(|quote| {
        let inner = slice.strip_prefix(quote)?.strip_suffix(quote)?;
        (inner == text).then_some(bytes.start + 1..bytes.end - 1)
    })
}

/// Returns a text as a scalar on one line, in quotes if it needs them.
fn flow_scalar(text: &str) -> String {
    let json = serde_json::Value::String(text.to_owned());
    if text.contains('\n') {
        return json.to_string();
    }
    emit(&json).trim_end().to_owned()
}
