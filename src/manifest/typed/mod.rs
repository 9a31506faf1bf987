//! Typed resources that lose nothing.

mod patch;
#[cfg(test)]
mod tests;

use std::{collections::HashSet, fmt};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value as Json;

use self::patch::Patch;
use super::{DecodeError, Decoded, Fault, Node, Path, Reason, Span, Value, decode, emit};

/// A resource as a type, and beside it what the type has no place for.
///
/// Reading a document and writing it again gives the same document (nulls aside: to Kubernetes a
/// null is a field that is not there), also if it has fields of a newer version, placeholders in
/// place of numbers, or values that are wrong. Edit `value` freely; what was kept aside is put
/// back where it was:
///
/// - Items of a list are found again by their `name` if they have one of their own, else by their
///   index. An item that was kept aside itself goes back to its index.
/// - What the type has a value for now is the type's: a field that was a placeholder and was set
///   since stays as it was set.
/// - What stood in something that was removed since is removed with it.
/// - Fields that say `false`, zero or nothing are written again even if the type leaves them out.
///
/// ```
/// # use walcast::manifest::{documents, Typed};
/// #[derive(serde::Deserialize, serde::Serialize)]
/// struct Pool {
///     name: String,
///     #[serde(skip_serializing_if = "Option::is_none")]
///     size: Option<u32>,
/// }
///
/// let text = "name: main\nsize: ${SIZE}\nmode: fast\n";
/// let documents = documents(text);
/// let mut pool = Typed::<Pool>::decode(documents[0].root.as_ref().unwrap()).value.unwrap();
/// assert_eq!(pool.unknown().next().unwrap().path.to_string(), "mode");
/// pool.value.name = "other".to_owned();
/// assert_eq!(pool.to_yaml().unwrap(), "mode: fast\nname: other\nsize: ${SIZE}\n");
/// ```
#[derive(Clone, Debug)]
pub struct Typed<T> {
    /// The resource.
    pub value: T,
    aside: Vec<Aside>,
    patch: Patch,
}

/// A part of a document that is not in the typed value.
#[derive(Clone, PartialEq)]
pub struct Aside {
    /// The way to it in the document that was read.
    pub path: Path,
    /// Where it stands there: the key of an unknown field, the value of anything else.
    pub span: Span,
    /// Why it is not in the value.
    pub reason: Reason,
    /// What it is.
    pub json: Json,
}

impl<T: Serialize> Typed<T> {
    /// Makes a resource with nothing aside.
    pub fn new(value: T) -> Self {
        Self {
            value,
            aside: Vec::new(),
            patch: Patch::default(),
        }
    }

    /// Reads `node` as [`decode()`] does, and keeps what the type has no place for.
    pub fn decode(node: &Node) -> Decoded<Self>
    where
        T: DeserializeOwned,
    {
        let decode::Reading {
            decoded,
            aside,
            zeros,
            mut unquoted,
        } = decode::read::<T>(node);
        let Decoded {
            value,
            mut errors,
            unknown,
            held,
        } = decoded;
        for aside in &aside {
            aside.node.for_each_leaf(&aside.path, &mut |path, leaf| {
                if matches!(leaf.value, Value::Template(_)) {
                    unquoted.push(path.clone());
                }
            });
        }
        let aside: Vec<Aside> = aside.into_iter().map(Aside::from).collect();
        let value = value.and_then(|value| match serde_json::to_value(&value) {
            Ok(json) => {
                let patch = Patch::new(&aside, &zeros, &unquoted, &json);
                Some(Self {
                    value,
                    aside,
                    patch,
                })
            }
            Err(error) => {
                errors.push(unwritable(node, &error));
                None
            }
        });
        Decoded {
            value,
            errors,
            unknown,
            held,
        }
    }

    /// Returns the fields that the type does not know, in the order of the document.
    pub fn unknown(&self) -> impl Iterator<Item = &Aside> {
        self.aside(Reason::Unknown)
    }

    /// Returns the placeholders that stand for something that is not text.
    pub fn held(&self) -> impl Iterator<Item = &Aside> {
        self.aside(Reason::Held)
    }

    fn aside(&self, reason: Reason) -> impl Iterator<Item = &Aside> {
        self.aside
            .iter()
            .filter(move |aside| aside.reason == reason)
    }

    /// Converts it to JSON, with what was kept aside.
    ///
    /// # Errors
    /// What the type's `Serialize` says.
    pub fn to_json(&self) -> serde_json::Result<Json> {
        let json = serde_json::to_value(&self.value)?;
        Ok(self.patch.apply(json, &self.aside))
    }

    /// Writes it as YAML, as [`emit()`] does. Placeholders that had no quotes get none, unless
    /// they would not be the same without.
    ///
    /// # Errors
    /// What the type's `Serialize` says.
    pub fn to_yaml(&self) -> serde_json::Result<String> {
        let json = self.to_json()?;
        let mut unquoted = HashSet::new();
        self.patch.find_unquoted(&json, &mut unquoted);
        Ok(emit::emit_with(&json, &unquoted))
    }
}

fn unwritable(node: &Node, error: &serde_json::Error) -> DecodeError {
    DecodeError {
        path: Path::root(),
        span: node.span,
        fault: Fault::Refused(format!("it cannot be written again: {error}")),
    }
}

impl From<decode::Aside<'_>> for Aside {
    fn from(aside: decode::Aside<'_>) -> Self {
        let key = aside.key.filter(|_| aside.reason == Reason::Unknown);
        Self {
            path: aside.path,
            span: key.map_or(aside.node.span, |key| key.span),
            reason: aside.reason,
            json: aside.node.to_json(),
        }
    }
}

/// Prints no value: the manifest may be a Secret.
impl fmt::Debug for Aside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aside")
            .field("path", &self.path)
            .field("span", &self.span)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}
