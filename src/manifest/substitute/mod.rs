//! Placeholders (`${NAME}`) and what stands for them, by the rules of Flux.
//!
//! Flux replaces placeholders in the text of a resource after kustomize has built it (post-build
//! substitution). Facts: fluxcd/pkg, packages `envsubst` and `kustomize`, August 2026; its
//! documentation of `spec.postBuild`.
//!
//! | form | what stands for it |
//! | --- | --- |
//! | `${v}` | the value |
//! | `${v-d}` `${v:-d}` `${v=d}` `${v:=d}` | the value, or `d` if it is empty or unset |
//! | `${#v}` | its length in bytes |
//! | `${v^}` `${v^^}` `${v,}` `${v,,}` | the first letter or all letters in upper or lower case |
//! | `${v:n}` `${v:n:l}` | from byte `n` on, at most `l` bytes; negative ones count from the end |
//! | `${v#p}` `${v##p}` `${v%p}` `${v%%p}` | without the shortest or longest match of a pattern at the start or the end |
//! | `${v/p/r}` `${v//p/r}` `${v/#p/r}` `${v/%p/r}` | with `r` for the first `p`, for all, at the start or the end |
//! | `$$` | `$`, and so `$${v}` is the text `${v}` |
//!
//! Operands and defaults may have placeholders in them, defaults may be quoted for YAML
//! (`${v:='0 * * * *'}`), and `$v` without braces is text. A placeholder whose variable is unset
//! and that has no default is empty for Flux unless it is strict; here it is left as it is and
//! reported, never silently empty.
//!
//! What differs: Flux writes the resource anew before it replaces, so that quotes are lost and
//! `"${N}"` becomes a number. Here what is in quotes stays text. `${v:?…}`, `${v:+…}` and names
//! that no variable can have are refused, where Flux takes them for something else.

mod apply;
mod document;
mod glob;
mod lex;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt};

use self::lex::Part;
pub use self::{
    document::{Unreplaced, load},
    lex::{Malformed, Placeholder, placeholders},
};

/// Values by name.
///
/// `Debug` prints the names alone: values may be secrets.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Variables(BTreeMap<String, String>);

/// The text is not the name of a variable.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not a name of letters, digits and `_` that begins with no digit")]
pub struct InvalidName(pub String);

impl Variables {
    /// Returns no variables; placeholders with defaults are replaced all the same.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a variable, whatever it was. Line breaks are taken out of the value, as Flux does.
    ///
    /// # Errors
    /// If no placeholder can have the name.
    pub fn set(&mut self, name: impl Into<String>, value: &str) -> Result<(), InvalidName> {
        let name = name.into();
        if !is_name(&name) {
            return Err(InvalidName(name));
        }
        self.0.insert(name, value.replace('\n', ""));
        Ok(())
    }

    /// Returns the value; empty if it is set to nothing, `None` if it is not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A text in which placeholders were replaced.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Substituted {
    /// The text; the placeholders without a value are still there.
    pub text: String,
    /// The names that have no value, each once, in alphabetical order.
    pub unset: Vec<String>,
}

impl Substituted {
    /// Returns the text if nothing is left to replace in it.
    ///
    /// # Errors
    /// [`SubstituteError::Unset`] with all names.
    pub fn complete(self) -> Result<String, SubstituteError> {
        if self.unset.is_empty() {
            Ok(self.text)
        } else {
            Err(SubstituteError::Unset(self.unset))
        }
    }
}

/// Placeholders that cannot be replaced.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SubstituteError {
    /// It is none, or none that is supported.
    #[error("{problem} (at byte {offset})")]
    Malformed {
        /// Bytes of the text before its `$`.
        offset: usize,
        /// What is wrong with it.
        problem: Malformed,
    },
    /// Variables without a value whose placeholders have no default.
    #[error("no value for {}", Names(.0))]
    Unset(Vec<String>),
}

struct Names<'a>(&'a [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, name) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}`{name}`")?;
        }
        Ok(())
    }
}

/// Replaces the placeholders of a text.
///
/// ```
/// # use walcast::manifest::{substitute, Variables};
/// let mut variables = Variables::new();
/// variables.set("HOST", "s3.example.org").unwrap();
/// let text = "https://${HOST}:${PORT:=9000}/${BUCKET}";
/// let substituted = substitute(text, &variables).unwrap();
/// assert_eq!(substituted.text, "https://s3.example.org:9000/${BUCKET}");
/// assert_eq!(substituted.complete().unwrap_err().to_string(), "no value for `BUCKET`");
/// ```
///
/// # Errors
/// [`SubstituteError::Malformed`] for the first `${` that begins no placeholder: Flux refuses the
/// whole text then.
pub fn substitute(text: &str, variables: &Variables) -> Result<Substituted, SubstituteError> {
    let mut substituted = String::with_capacity(text.len());
    let mut unset = Vec::new();
    let result = lex::parts(text, |part| match part {
        Part::Text(text) => substituted += text,
        Part::Placeholder(placeholder) => match apply::value(&placeholder, variables, &mut unset) {
            Some(value) => substituted += &value,
            None => substituted += &text[placeholder.range],
        },
    });
    result.map_err(|(offset, problem)| SubstituteError::Malformed { offset, problem })?;
    unset.sort_unstable();
    unset.dedup();
    Ok(Substituted {
        text: substituted,
        unset,
    })
}
