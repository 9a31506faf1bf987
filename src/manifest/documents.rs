//! The documents of a file.

use granit_parser::{Event, Parser, options};

use super::{Node, Position, Span, build};

/// One document of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its place among the documents of the file, from 0.
    pub index: usize,
    /// The line it begins in, from 1: that of its `---` if it has one.
    pub line: usize,
    /// Its content; null if it is empty.
    pub root: Result<Node, SyntaxError>,
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
}

impl From<granit_parser::ScanError> for SyntaxError {
    fn from(error: granit_parser::ScanError) -> Self {
        Self {
            position: (*error.marker()).into(),
            message: error.kind().to_string(),
        }
    }
}

/// Reads the documents of a file, each by itself: one that is broken does not hide those after it.
///
/// Scalars without quotes are read as go-yaml 2 does (`yes`, `on` and `y` are booleans, `0640` is
/// octal, dates are text). A key that occurs twice, a key that is a list, a mapping or null, an
/// unknown tag, `.inf` and `.nan` make a document broken, and so do more than 100 levels and
/// aliases that expand to more than about 4 MiB. Merge keys (`<<`) are resolved.
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
    let options = options! { emit_comments: false };
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut documents = Vec::new();
    while let Some(event) = parser.next() {
        let (line, root) = match event {
            Ok((Event::DocumentStart(..), span)) => {
                (span.start.line(), build::root(&mut parser, text))
            }
            Ok(_) => continue,
            Err(error) => (error.marker().line(), Err(error.into())),
        };
        let broken = root.is_err();
        documents.push(Document {
            index: documents.len(),
            line,
            root,
        });
        if broken && !matches!(parser.proceed_next_document(), Ok(true)) {
            break;
        }
    }
    documents
}
