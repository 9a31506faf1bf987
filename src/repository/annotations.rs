//! What whoever asked for a base backup writes beside it.

use std::collections::BTreeMap;

/// Keys and values that whoever asked for a base backup writes beside it, ordered by key.
///
/// ```
/// use walcast::repository::Annotations;
///
/// let mut annotations = Annotations::default();
/// annotations.insert("team", "payments")?;
/// assert_eq!(annotations.iter().next(), Some(("team", "payments")));
/// # Ok::<(), walcast::repository::InvalidAnnotation>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Serialize)]
#[serde(transparent)]
pub struct Annotations(BTreeMap<String, String>);

/// A key or a value cannot be an annotation's.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidAnnotation {
    /// The key is empty, long, or has a character that it must not have.
    #[error("`{0}` cannot be the key of an annotation: use letters, digits and `._-/`, at most 63")]
    Key(String),
    /// The value is long, begins or ends with a blank, or has more than one line.
    #[error(
        "the value of annotation `{0}` must be one line of at most 1024 bytes, without blanks around it"
    )]
    Value(String),
}

impl Annotations {
    const LONGEST_KEY: usize = 63;
    const LONGEST_VALUE: usize = 1024;

    /// Adds one, in place of the one with this key.
    ///
    /// # Errors
    ///
    /// If a layout could not keep it.
    pub fn insert(&mut self, key: &str, value: &str) -> Result<(), InvalidAnnotation> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
        if key.is_empty() || key.len() > Self::LONGEST_KEY || !key.chars().all(fits) {
            return Err(InvalidAnnotation::Key(key.to_owned()));
        }
        let is_line = value.trim() == value && !value.contains(char::is_control);
        if value.len() > Self::LONGEST_VALUE || !is_line {
            return Err(InvalidAnnotation::Value(key.to_owned()));
        }
        self.0.insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    /// Takes those that are in a repository already, whatever they are.
    pub(super) fn stored(annotations: BTreeMap<String, String>) -> Self {
        Self(annotations)
    }

    /// Returns keys and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_layout_could_not_keep_is_refused() {
        let mut annotations = Annotations::default();
        for key in ["", "a b", "a=b", "ä", &"k".repeat(64)] {
            let refused = annotations.insert(key, "v");
            assert_eq!(refused, Err(InvalidAnnotation::Key(key.to_owned())));
        }
        for value in [" v", "v\t", "a\nb", "a\u{7}b", &"v".repeat(1025)] {
            let refused = annotations.insert("k", value);
            assert_eq!(refused, Err(InvalidAnnotation::Value("k".to_owned())));
        }
        assert!(annotations.is_empty());
    }

    #[test]
    fn the_last_value_of_a_key_counts() {
        let mut annotations = Annotations::default();
        for (key, value) in [("b", "1"), ("a", ""), ("b", "2 = zwei")] {
            annotations.insert(key, value).unwrap();
        }

        let all: Vec<_> = annotations.iter().collect();

        assert_eq!(all, [("a", ""), ("b", "2 = zwei")]);
    }
}
