//! Placeholders of a document, replaced in its tree: positions stay what they are in the file.

use super::{SubstituteError, Variables, substitute};
use crate::manifest::{
    Document, Mapping, Node, Path, Span, SyntaxError, Value, documents, scalar, trail::Trail,
};

/// The label or annotation of a resource whose placeholders are text.
const SWITCH: &str = "kustomize.toolkit.fluxcd.io/substitute";

/// Placeholders that are still there, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unreplaced {
    /// The way to the value that has them; for a key to its value.
    pub path: Path,
    /// Where the value or the key stands.
    pub span: Span,
    /// What keeps them from being replaced.
    pub error: SubstituteError,
}

/// Reads the documents of a file as [`documents()`] does, and replaces their placeholders if
/// there are variables, even if there are none in them.
pub fn load(text: &str, variables: Option<&Variables>) -> Vec<Document> {
    let mut documents = documents(text);
    if let Some(variables) = variables {
        for document in &mut documents {
            document.substitute(variables);
        }
    }
    documents
}

impl Document {
    /// Replaces the placeholders; those that cannot be replaced are left and listed in
    /// [`unreplaced`](Self::unreplaced).
    ///
    /// A value without quotes is read anew, so that `${N}` can become a number, a list (`[a, b]`)
    /// or text in quotes; what is then no YAML breaks the document. A resource with the label or
    /// annotation `kustomize.toolkit.fluxcd.io/substitute: disabled` stays as it is, and so does
    /// such an item of a `List`.
    pub fn substitute(&mut self, variables: &Variables) {
        let Ok(root) = &mut self.root else {
            return;
        };
        let mut substitution = Substitution {
            variables,
            unreplaced: Vec::new(),
        };
        let result = substitution.resource(root);
        self.unreplaced = substitution.unreplaced;
        if let Err(error) = result {
            self.root = Err(error);
        }
    }
}

struct Substitution<'v> {
    variables: &'v Variables,
    unreplaced: Vec<Unreplaced>,
}

impl Substitution<'_> {
    fn resource(&mut self, root: &mut Node) -> Result<(), SyntaxError> {
        if !is_list(root) {
            return self.unless_switched_off(root, Trail::Root);
        }
        let Value::Mapping(mapping) = &mut root.value else {
            return Ok(());
        };
        for entry in mapping.entries_mut() {
            let key = Trail::Key(&Trail::Root, &entry.key.name);
            match &mut entry.value.value {
                Value::Sequence(items) if entry.key.name == "items" => {
                    for (index, item) in items.iter_mut().enumerate() {
                        self.unless_switched_off(item, Trail::Index(&key, index))?;
                    }
                }
                _ => self.node(&mut entry.value, key)?,
            }
        }
        Ok(())
    }

    fn unless_switched_off(&mut self, node: &mut Node, at: Trail<'_>) -> Result<(), SyntaxError> {
        if is_switched_off(node) {
            return Ok(());
        }
        self.node(node, at)
    }

    fn node(&mut self, node: &mut Node, at: Trail<'_>) -> Result<(), SyntaxError> {
        match &mut node.value {
            Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) => {}
            Value::String(text) => {
                if let Some((new, _)) = self.text(text, node.span, at) {
                    *text = new;
                }
            }
            Value::Template(text) => {
                if let Some((new, is_complete)) = self.text(text, node.span, at) {
                    node.value = if is_complete {
                        plain(&new, node.span)?
                    } else {
                        Value::Template(new)
                    };
                }
            }
            Value::Sequence(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.node(item, Trail::Index(&at, index))?;
                }
            }
            Value::Mapping(mapping) => self.mapping(mapping, at)?,
        }
        Ok(())
    }

    fn mapping(&mut self, mapping: &mut Mapping, at: Trail<'_>) -> Result<(), SyntaxError> {
        let mut is_renamed = false;
        for entry in mapping.entries_mut() {
            let key = &mut entry.key;
            if let Some((name, _)) = self.text(&key.name, key.span, Trail::Key(&at, &key.name)) {
                is_renamed |= name != key.name;
                key.name = name;
            }
            self.node(&mut entry.value, Trail::Key(&at, &entry.key.name))?;
        }
        if is_renamed {
            mapping.check_keys()
        } else {
            Ok(())
        }
    }

    /// Returns the new text, and whether nothing is left to replace in it.
    fn text(&mut self, text: &str, span: Span, at: Trail<'_>) -> Option<(String, bool)> {
        if !text.contains("${") && !text.contains("$$") {
            return None;
        }
        match substitute(text, self.variables) {
            Ok(new) if new.unset.is_empty() => Some((new.text, true)),
            Ok(new) => {
                self.report(span, at, SubstituteError::Unset(new.unset));
                Some((new.text, false))
            }
            Err(error) => {
                self.report(span, at, error);
                None
            }
        }
    }

    fn report(&mut self, span: Span, at: Trail<'_>, error: SubstituteError) {
        let path = at.path();
        self.unreplaced.push(Unreplaced { path, span, error });
    }
}

fn is_list(node: &Node) -> bool {
    let is = |key, text| node.field(key).and_then(Node::as_str) == Some(text);
    is("kind", "List") && is("apiVersion", "v1")
}

fn is_switched_off(node: &Node) -> bool {
    let metadata = node.field("metadata");
    ["labels", "annotations"].iter().any(|group| {
        let switch = metadata.and_then(|metadata| metadata.field(group)?.field(SWITCH));
        switch.and_then(Node::as_str) == Some("disabled")
    })
}

/// Reads what is without quotes after a `key:`.
fn plain(text: &str, span: Span) -> Result<Value, SyntaxError> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_./+-".contains(c);
    if text.chars().all(is_word) || text.contains('\n') {
        let value = scalar::resolve(text).filter(|_| !text.contains('\n'));
        return Ok(value.unwrap_or_else(|| Value::String(text.to_owned())));
    }
    let failure = |message: &str| {
        let message = format!("what stands for the placeholder is no YAML: {message}");
        SyntaxError::new(span, message)
    };
    let mut documents = documents(&format!("k: {text}\n")).into_iter();
    let root = match documents.next().map(|document| document.root) {
        Some(Ok(root)) if documents.next().is_none() => root,
        Some(Err(error)) => return Err(failure(&error.message)),
        _ => return Err(failure("it is more than a value")),
    };
    let Value::Mapping(mapping) = root.value else {
        return Err(failure("it is more than a value"));
    };
    let mut entries = mapping.into_entries().into_iter();
    match (entries.next(), entries.next()) {
        (Some(entry), None) => {
            let mut node = entry.value;
            stand_at(&mut node, span);
            Ok(node.value)
        }
        _ => Err(failure("it is more than a value")),
    }
}

/// What stands for a placeholder stands where that stood, and is not replaced again.
fn stand_at(node: &mut Node, span: Span) {
    node.span = span;
    match &mut node.value {
        Value::Template(text) => node.value = Value::String(std::mem::take(text)),
        Value::Sequence(items) => items.iter_mut().for_each(|item| stand_at(item, span)),
        Value::Mapping(mapping) => {
            for entry in mapping.entries_mut() {
                entry.key.span = span;
                stand_at(&mut entry.value, span);
            }
        }
        _ => {}
    }
}
