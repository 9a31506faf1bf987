//! The documents of a file.

use std::fmt;

use granit_parser::{Event, Parser, StrInput, options};

use super::{Node, Position, Span, Unreplaced, build, mask};

/// One document of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its place among the documents of the file, from 0.
    pub index: usize,
    /// The line it begins in, from 1: that of its `---` if it has one.
    pub line: usize,
    /// Its content; null if it is empty.
    pub root: Result<Node, SyntaxError>,
    /// The placeholders that [`substitute`](Self::substitute) could not replace; none before.
    pub unreplaced: Vec<Unreplaced>,
}

/// A document that cannot be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{position}: {message}")]
pub struct SyntaxError {
    /// Where.
    pub position: Position,
    /// What is wrong, without any text of the document but keys and names of tags and anchors.
    pub message: String,
}

impl SyntaxError {
    pub(super) fn new(span: Span, message: impl Into<String>) -> Self {
        Self {
            position: span.start,
            message: message.into(),
        }
    }

    /// A key is there twice, first in line `first`.
    pub(super) fn twice(name: &str, span: Span, first: usize) -> Self {
        let message = format!("key `{name}` is there already, in line {first}");
        Self::new(span, message)
    }
}

impl From<granit_parser::ScanError> for SyntaxError {
    fn from(error: granit_parser::ScanError) -> Self {
        Self {
            position: (*error.marker()).into(),
            message: error.kind().to_string(),
        }
    }
}

/// The documents of a text, read one after the other: only one of them is in memory at a time.
///
/// [`documents()`] says how they are read, and reads them all.
pub struct Documents<'t> {
    text: &'t str,
    parser: Parser<'t, StrInput<'t>>,
    read: usize,
    is_over: bool,
}

impl<'t> Documents<'t> {
    /// Begins to read a text.
    pub fn new(text: &'t str) -> Self {
        Self {
            text,
            parser: parser(text),
            read: 0,
            is_over: false,
        }
    }

    /// Reads a document with an error once more, this time with its placeholders hidden from the
    /// parser. Its start is not known if the error is in its first line.
    fn with_placeholders(
        &self,
        start: Option<Position>,
        error: SyntaxError,
    ) -> Result<Node, SyntaxError> {
        let Position { offset, line, .. } = start.unwrap_or(error.position);
        let start = document_start(self.text, offset);
        let first_line = line - self.text[start..offset].matches('\n').count();
        let text = &self.text[start..];
        let document = &text[..document_end(text)];
        match mask::read(document, start, first_line) {
            Some(Ok(root)) => Ok(root),
            Some(Err(other)) if other.position > error.position => Err(other),
            Some(Err(_)) | None => Err(error),
        }
    }
}

impl Iterator for Documents<'_> {
    type Item = Document;

    fn next(&mut self) -> Option<Document> {
        if self.is_over {
            return None;
        }
        let (line, start, mut root) = loop {
            match self.parser.next()? {
                Ok((Event::DocumentStart(..), span)) => {
                    let root = build::root(&mut self.parser, self.text, None);
                    break (span.start.line(), Some(span.start.into()), root);
                }
                Ok(_) => {}
                Err(error) => break (error.marker().line(), None, Err(error.into())),
            }
        };
        if let Err(error) = root {
            self.is_over = !matches!(self.parser.proceed_next_document(), Ok(true));
            root = self.with_placeholders(start, error);
        }
        let index = self.read;
        self.read += 1;
        Some(Document {
            index,
            line,
            root,
            unreplaced: Vec::new(),
        })
    }
}

impl fmt::Debug for Documents<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Documents")
            .field("read", &self.read)
            .finish_non_exhaustive()
    }
}

/// Returns the parser as it is used everywhere.
pub(super) fn parser(text: &str) -> Parser<'_, StrInput<'_>> {
    let options = options! { emit_comments: false };
    Parser::new_from_str_with_options(text, options)
}

/// Returns where the document begins that has the byte at `offset`: with the last marker of a
/// start, or after the last marker of an end.
fn document_start(text: &str, offset: usize) -> usize {
    let line_start = |end: usize| text[..end].rfind('\n').map_or(0, |at| at + 1);
    let mut start = line_start(offset);
    while start > 0 && !is_marker(&text[start..], "---") {
        let previous = line_start(start - 1);
        if is_marker(&text[previous..], "...") {
            break;
        }
        start = previous;
    }
    start
}

/// Returns where the first document of a text ends: before the next marker of one.
fn document_end(text: &str) -> usize {
    let mut end = 0;
    loop {
        end = match text[end..].find('\n') {
            Some(at) => end + at + 1,
            None => return text.len(),
        };
        let rest = &text[end..];
        if is_marker(rest, "---") || is_marker(rest, "...") {
            return end;
        }
    }
}

fn is_marker(text: &str, marker: &str) -> bool {
    let rest = text.strip_prefix(marker);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// Reads the documents of a file, each by itself: one that is broken does not hide those after it.
///
/// Scalars without quotes are read as go-yaml 2 does (`yes`, `on` and `y` are booleans, `0640` is
/// octal, dates are text). A key that occurs twice, a key that is a list, a mapping or null, an
/// unknown tag, `.inf` and `.nan` make a document broken, and so do more than 100 levels, more
/// than 4 million values and keys, and aliases that expand to more than about 4 MiB. Merge keys
/// (`<<`) are resolved.
///
/// What is no YAML because of its placeholders is read as if they were text: `{a: ${B}}` and
/// `a: ${B:=x: y}`. Where they are text to YAML, YAML decides what belongs to them.
///
/// ```
/// # use walcast::manifest::{documents, Path};
/// let documents = documents("a: 1\n---\nb: [x, yes]\n");
/// let root = documents[1].root.as_ref().unwrap();
/// assert_eq!(root.to_json().to_string(), r#"{"b":["x",true]}"#);
/// let span = root.at(&Path::root().key("b").index(1)).unwrap();
/// assert_eq!((span.start.line, span.start.column), (3, 8));
/// ```
pub fn documents(text: &str) -> Vec<Document> {
    Documents::new(text).collect()
}
