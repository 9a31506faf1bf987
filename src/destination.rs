//! The name of a destination.

use std::{fmt, str::FromStr, sync::Arc};

/// The name of a destination: 1 to 200 bytes without `/` or control characters, not `.` or `..`.
///
/// It names files in the spool and lines in reports. Cheap to clone.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct DestinationId(Arc<str>);

/// The text cannot name a destination.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` cannot name a destination: 1 to 200 bytes without `/` or control characters")]
pub struct InvalidDestinationId(String);

impl DestinationId {
    const MAX_BYTES: usize = 200;

    /// Checks `text`.
    pub fn parse(text: &str) -> Result<Self, InvalidDestinationId> {
        let valid = (1..=Self::MAX_BYTES).contains(&text.len())
            && text != "."
            && text != ".."
            && !text.chars().any(|c| c == '/' || c.is_control());
        valid
            .then(|| Self(text.into()))
            .ok_or_else(|| InvalidDestinationId(text.escape_default().to_string()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DestinationId {
    type Err = InvalidDestinationId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for DestinationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for DestinationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl serde::Serialize for DestinationId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for DestinationId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
