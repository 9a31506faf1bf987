//! Documents that are to say something else.

use serde_json::Value as Json;

use super::{Edit, EditError, aliases::keep_aliases, comments, edit, towards::Writer};
use crate::manifest::{Document, Node, Path, Segment, documents};

/// What a value of a document is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The document of the file, from 0.
    pub document: usize,
    /// The way to the value: the root, or an item of a `List`.
    pub path: Path,
    /// What it is to be, with the placeholders as they are written.
    pub wanted: Json,
}

/// A text that says what was wanted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rewritten {
    /// The text.
    pub text: String,
    /// Whether comments and layout are where they were. If not, the documents that were changed
    /// are written anew, each with its comments before it.
    pub is_minimal: bool,
}

/// Makes the documents of a text say what is wanted, by the smallest changes that do.
///
/// What is not changed keeps its bytes, comments stay, and new parts are laid out as lists are
/// elsewhere in the text. Placeholders that have no quotes somewhere get none in new parts either.
/// What an alias would lose with its anchor is written in its place. The result is read again:
/// every document says what it is to say, and nothing else does.
///
/// ```
/// # use walcast::manifest::{Change, Path, rewrite};
/// let text = "size: 1 # small\nlist:\n  - name: a # first\n";
/// let wanted = serde_json::json!({"size": 1, "list": [{"name": "a", "kept": true}]});
/// let change = Change { document: 0, path: Path::root(), wanted };
/// let rewritten = rewrite(text, &[change]).unwrap();
/// assert_eq!(rewritten.text, "size: 1 # small\nlist:\n  - name: a # first\n    kept: true\n");
/// ```
///
/// # Errors
/// [`EditError`] if even a document that is written anew would not do.
pub fn rewrite(source: &str, changes: &[Change]) -> Result<Rewritten, EditError> {
    let before = documents(source);
    if let Some(text) = minimal(source, &before, changes) {
        let is_minimal = true;
        return Ok(Rewritten { text, is_minimal });
    }
    let text = anew(source, &before, changes)?;
    Ok(Rewritten {
        text,
        is_minimal: false,
    })
}

fn minimal(source: &str, before: &[Document], changes: &[Change]) -> Option<String> {
    let mut writer = Writer::new(source, before);
    for change in changes {
        let root = before.get(change.document)?.root.as_ref().ok()?;
        writer.value(root.get(&change.path)?, &change.wanted)?;
    }
    let mut edits = writer.into_edits();
    for document in before {
        if let Ok(root) = &document.root {
            keep_aliases(source, root, &mut edits);
        }
    }
    let text = edit(source, &edits).ok()?;
    says(&text, before, changes).then_some(text)
}

/// Returns whether the documents say what they did, but for the changes.
fn says(text: &str, before: &[Document], changes: &[Change]) -> bool {
    let after = documents(text);
    before.len() == after.len()
        && before.iter().zip(&after).all(|(before, after)| {
            let Ok(root) = &before.root else {
                return after.root.is_err();
            };
            let wanted = changed(root, before.index, changes);
            after
                .root
                .as_ref()
                .is_ok_and(|root| root.to_json() == wanted)
        })
}

/// Returns what a document is to say.
fn changed(root: &Node, document: usize, changes: &[Change]) -> Json {
    let mut wanted = root.to_json();
    for change in changes.iter().filter(|one| one.document == document) {
        if let Some(place) = at(&mut wanted, &change.path) {
            place.clone_from(&change.wanted);
        }
    }
    wanted
}

fn at<'j>(json: &'j mut Json, path: &Path) -> Option<&'j mut Json> {
    path.segments()
        .iter()
        .try_fold(json, |json, segment| match segment {
            Segment::Key(key) => json.get_mut(key),
            Segment::Index(index) => json.get_mut(index),
        })
}

/// Writes the changed documents anew, each below its comments.
fn anew(source: &str, before: &[Document], changes: &[Change]) -> Result<String, EditError> {
    let writer = Writer::new(source, before);
    let mut edits = Vec::new();
    for document in before {
        let Ok(root) = &document.root else {
            continue;
        };
        if !changes.iter().any(|one| one.document == document.index) {
            continue;
        }
        let bytes = root.span.bytes();
        let old = source.get(bytes.clone()).unwrap_or_default();
        let end = bytes.start + old.trim_end().len();
        let mut new = String::new();
        for comment in comments::comments(old) {
            new.push_str(&comment);
            new.push('\n');
        }
        new += writer
            .emit(&changed(root, document.index, changes))
            .trim_end();
        edits.push(Edit::replace(bytes.start..end, new));
    }
    edit(source, &edits)
}

/// Writes a value as one document that is laid out as another text is, with the placeholders that
/// have no quotes there.
pub fn emit_like(source: &str, value: &Json) -> String {
    Writer::new(source, &documents(source)).emit(value)
}
