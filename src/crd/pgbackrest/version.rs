//! Releases of the plugin.

use std::{fmt, str::FromStr};

/// A release of the plugin, as its image is tagged: `v0.0.1a`, `v0.0.1b`, `v0.0.1`, `v0.0.2`.
///
/// ```
/// # use walcast::crd::pgbackrest::PluginVersion;
/// let early: PluginVersion = "v0.0.1b".parse()?;
/// assert!(early < "0.0.1".parse()?);
/// assert_eq!(early.to_string(), "v0.0.1b");
/// # Ok::<(), walcast::crd::pgbackrest::InvalidPluginVersion>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PluginVersion {
    major: u32,
    minor: u32,
    patch: u32,
    stage: Stage,
}

/// How far a release is; a letter comes before the release without one.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
enum Stage {
    Early(char),
    Final,
}

/// The text is not a release of the plugin.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not a release of the plugin such as v0.0.1b or v0.0.3")]
pub struct InvalidPluginVersion(String);

impl PluginVersion {
    /// The release whose definitions have no defaults any more: what is not written is off.
    pub const V0_0_3: Self = Self {
        major: 0,
        minor: 0,
        patch: 3,
        stage: Stage::Final,
    };
}

impl FromStr for PluginVersion {
    type Err = InvalidPluginVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidPluginVersion(text.to_owned());
        let numbers = text.strip_prefix('v').unwrap_or(text);
        let (numbers, stage) = match numbers.strip_suffix(|c: char| c.is_ascii_lowercase()) {
            Some(rest) => (
                rest,
                Stage::Early(text.chars().next_back().ok_or_else(invalid)?),
            ),
            None => (numbers, Stage::Final),
        };
        let number = |part: &str| part.parse().map_err(|_| invalid());
        let parts: Vec<u32> = numbers.split('.').map(number).collect::<Result<_, _>>()?;
        let [major, minor, patch] = parts[..] else {
            return Err(invalid());
        };
        Ok(Self {
            major,
            minor,
            patch,
            stage,
        })
    }
}

impl fmt::Display for PluginVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            major,
            minor,
            patch,
            stage,
        } = self;
        write!(f, "v{major}.{minor}.{patch}")?;
        match stage {
            Stage::Early(letter) => write!(f, "{letter}"),
            Stage::Final => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_ordered_as_they_were_made() {
        let releases = ["v0.0.1a", "v0.0.1b", "v0.0.1", "v0.0.2", "v0.0.3", "v0.1.0"];
        let parsed = releases.map(|text| text.parse::<PluginVersion>().unwrap());

        assert!(parsed.is_sorted_by(|a, b| a < b));
        assert_eq!(parsed.map(|version| version.to_string()), releases);
        assert_eq!(parsed[4], PluginVersion::V0_0_3);
    }

    #[test]
    fn other_tags_are_no_releases() {
        for text in [
            "", "latest", "v", "v0.0", "v0.0.1.2", "v0.0.x", "v0.0.1ab", "0..1",
        ] {
            assert!(text.parse::<PluginVersion>().is_err(), "{text}");
        }
    }
}
