//! Keys of objects.

use std::{borrow::Borrow, fmt, sync::Arc};

/// The key of an object: 1 to 1,024 bytes of UTF-8 without control characters, not beginning
/// with `/`. Cheap to clone; ordered by bytes.
///
/// Empty and dotted parts (`a//b`, `a/../b`) are keys like any other here: Barman writes the
/// former. A store on files refuses what would leave its folder.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Key(Arc<str>);

/// The text cannot be a key.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` cannot be a key: 1 to 1024 bytes, no leading `/`, no control characters")]
pub struct InvalidKey(String);

impl Key {
    const MAX_BYTES: usize = 1024;

    /// Checks `text`.
    pub fn parse(text: impl Into<Arc<str>>) -> Result<Self, InvalidKey> {
        let text = text.into();
        let valid = (1..=Self::MAX_BYTES).contains(&text.len())
            && !text.starts_with('/')
            && !text.chars().any(char::is_control);
        if valid {
            Ok(Self(text))
        } else {
            Err(InvalidKey(text.escape_default().to_string()))
        }
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_no_store_takes() {
        let long = "x".repeat(1025);
        for text in ["", "/a", "a\nb", "a\0", long.as_str()] {
            assert!(Key::parse(text).is_err(), "{text:?}");
        }
        for text in ["a", "a//b", "a b/ü+:%20", "a/../b", "a/"] {
            assert_eq!(
                Key::parse(text).map(|key| key.to_string()).as_deref(),
                Ok(text)
            );
        }
    }
}
