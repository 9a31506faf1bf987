use std::{fmt, str::FromStr};

/// A text is not a supported major version.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not a supported major version of PostgreSQL (13 to 18)")]
pub struct InvalidVersion(String);

/// A major version of PostgreSQL whose files are understood.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum MajorVersion {
    /// PostgreSQL 13.
    V13,
    /// PostgreSQL 14.
    V14,
    /// PostgreSQL 15.
    V15,
    /// PostgreSQL 16.
    V16,
    /// PostgreSQL 17.
    V17,
    /// PostgreSQL 18.
    V18,
}

impl MajorVersion {
    /// Every supported version, oldest first.
    pub const ALL: [Self; 6] = [
        Self::V13,
        Self::V14,
        Self::V15,
        Self::V16,
        Self::V17,
        Self::V18,
    ];

    /// Returns the number, such as 15.
    pub const fn number(self) -> u32 {
        match self {
            Self::V13 => 13,
            Self::V14 => 14,
            Self::V15 => 15,
            Self::V16 => 16,
            Self::V17 => 17,
            Self::V18 => 18,
        }
    }

    /// Returns the number with which each of its WAL pages begins.
    pub const fn wal_magic(self) -> u16 {
        match self {
            Self::V13 => 0xD106,
            Self::V14 => 0xD10D,
            Self::V15 => 0xD110,
            Self::V16 => 0xD113,
            Self::V17 => 0xD116,
            Self::V18 => 0xD118,
        }
    }

    /// Returns the version of its `pg_control`; several major versions share one.
    pub const fn control_version(self) -> u32 {
        match self {
            Self::V13 | Self::V14 | Self::V15 | Self::V16 => 1300,
            Self::V17 => 1700,
            Self::V18 => 1800,
        }
    }

    /// Returns the version of its system catalogue (of releases, not of betas).
    pub const fn catalog_version(self) -> u32 {
        match self {
            Self::V13 => 202_007_201,
            Self::V14 => 202_107_181,
            Self::V15 => 202_209_061,
            Self::V16 => 202_307_071,
            Self::V17 => 202_406_281,
            Self::V18 => 202_506_291,
        }
    }

    /// Returns the name of its directory in each tablespace: `PG_15_202209061`.
    pub fn tablespace_directory(self) -> String {
        format!("PG_{self}_{}", self.catalog_version())
    }

    /// Finds the version by the setting `server_version_num`, such as 150020 for 15.20.
    pub fn from_server_version(number: u32) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|version| version.number() == number / 10_000)
    }

    /// Finds the version by the first number of a WAL page.
    pub fn from_wal_magic(magic: u16) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|version| version.wal_magic() == magic)
    }

    /// Finds the version by the two version numbers of `pg_control`.
    pub fn from_control(control_version: u32, catalog_version: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|version| {
            (version.control_version(), version.catalog_version())
                == (control_version, catalog_version)
        })
    }
}

impl fmt::Display for MajorVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

impl FromStr for MajorVersion {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        Self::ALL
            .into_iter()
            .find(|version| version.to_string() == text)
            .ok_or_else(|| InvalidVersion(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_is_found_by_its_numbers_and_its_text() {
        for version in MajorVersion::ALL {
            let control = (version.control_version(), version.catalog_version());

            assert_eq!(
                MajorVersion::from_server_version(version.number() * 10_000 + 7),
                Some(version)
            );
            assert_eq!(
                MajorVersion::from_wal_magic(version.wal_magic()),
                Some(version)
            );
            assert_eq!(
                MajorVersion::from_control(control.0, control.1),
                Some(version)
            );
            assert_eq!(version.to_string().parse(), Ok(version));
        }
        assert_eq!(MajorVersion::V15.tablespace_directory(), "PG_15_202209061");
    }

    #[test]
    fn versions_are_ordered_by_age() {
        assert!(MajorVersion::ALL.is_sorted_by_key(|version| version.number()));
        assert!(MajorVersion::ALL.is_sorted());
    }

    #[test]
    fn unknown_numbers_are_refused() {
        assert_eq!(MajorVersion::from_server_version(120_022), None);
        assert_eq!(MajorVersion::from_server_version(190_000), None);
        assert_eq!(MajorVersion::from_wal_magic(0xD101), None);
        assert_eq!(MajorVersion::from_control(1300, 202_406_281), None);
        for text in ["", "12", "19", "15.3", "015", "15 "] {
            assert!(text.parse::<MajorVersion>().is_err(), "{text}");
        }
    }
}
