use std::{fmt, ops::RangeInclusive};

use super::{Codec, CodecError};

/// How a file is stored: as it is, or compressed with a codec at a level.
///
/// Two encodings are equal exactly if they produce the same bytes, so that each distinct one needs
/// to be computed once. Levels that mean the same are therefore stored as one: gzip's −1 is 6,
/// zstd's 0 is 3, and LZ4, whose only compressor here is the fast one, has no level.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Encoding(Option<(Codec, Option<i32>)>);

impl Encoding {
    /// Not compressed.
    pub const PLAIN: Self = Self(None);

    /// Chooses a codec and a level; `None` is the codec's default.
    ///
    /// | codec | levels | default | why |
    /// | --- | --- | --- | --- |
    /// | gzip | −1 to 9 | 6 | what both tools use |
    /// | bzip2 | 1 to 9 | 9 | pgBackRest's; the level is the block size and hardly changes speed |
    /// | xz | 0 to 9 | 3 | Barman's; higher ones cost much time and memory (9: 674 MiB) |
    /// | zstd | −22 to 22 | 3 | pgBackRest's and zstd's; smaller and faster than gzip 6 |
    /// | lz4 | −5 to 16, ignored | – | the fast compressor; range of both tools |
    /// | snappy | none | – | the format has no levels |
    ///
    /// # Errors
    ///
    /// [`CodecError::Unavailable`] and [`CodecError::Level`].
    pub fn new(codec: Codec, level: Option<i32>) -> Result<Self, CodecError> {
        codec.require()?;
        if let Some(level) = level
            && !levels(codec).contains(&level)
        {
            let levels = levels(codec);
            return Err(CodecError::Level {
                codec,
                level,
                levels,
            });
        }
        Ok(Self(Some((codec, effective_level(codec, level)))))
    }

    /// Returns the codec; `None` if the file is stored as it is.
    pub fn codec(self) -> Option<Codec> {
        self.0.map(|(codec, _)| codec)
    }

    /// Returns the level; `None` if there is none to choose.
    pub fn level(self) -> Option<i32> {
        self.0.and_then(|(_, level)| level)
    }
}

impl fmt::Display for Encoding {
    /// Writes `plain`, `snappy` or `gzip:6`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("plain"),
            Some((codec, None)) => write!(f, "{codec}"),
            Some((codec, Some(level))) => write!(f, "{codec}:{level}"),
        }
    }
}

/// The levels that may be asked for; an empty range if there are none.
const fn levels(codec: Codec) -> RangeInclusive<i32> {
    match codec {
        Codec::Gzip => -1..=9,
        Codec::Bzip2 => 1..=9,
        Codec::Xz => 0..=9,
        Codec::Zstd => -22..=22,
        Codec::Lz4 => -5..=16,
        #[expect(clippy::reversed_empty_ranges, reason = "it contains no level")]
        Codec::Snappy => 0..=-1,
    }
}

fn effective_level(codec: Codec, level: Option<i32>) -> Option<i32> {
    match (codec, level) {
        (Codec::Gzip, None | Some(-1)) => Some(6),
        (Codec::Bzip2, None) => Some(9),
        (Codec::Xz, None) | (Codec::Zstd, None | Some(0)) => Some(3),
        (Codec::Lz4 | Codec::Snappy, _) => None,
        (Codec::Gzip | Codec::Bzip2 | Codec::Xz | Codec::Zstd, Some(level)) => Some(level),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gzip(level: Option<i32>) -> Encoding {
        Encoding::new(Codec::Gzip, level).unwrap()
    }

    #[test]
    fn levels_that_mean_the_same_are_one_encoding() {
        assert_eq!(gzip(None), gzip(Some(6)));
        assert_eq!(gzip(Some(-1)), gzip(Some(6)));
        assert_ne!(gzip(Some(1)), gzip(Some(6)));
        assert_eq!(gzip(None).level(), Some(6));
        assert_eq!(gzip(None).codec(), Some(Codec::Gzip));
        assert_eq!(Encoding::PLAIN.codec(), None);
        assert_eq!(
            effective_level(Codec::Zstd, Some(0)),
            effective_level(Codec::Zstd, None)
        );
        assert_eq!(
            effective_level(Codec::Lz4, Some(9)),
            effective_level(Codec::Lz4, None)
        );
    }

    #[test]
    fn text_form_names_codec_and_level() {
        assert_eq!(Encoding::PLAIN.to_string(), "plain");
        assert_eq!(gzip(Some(1)).to_string(), "gzip:1");
        assert_eq!(Encoding(Some((Codec::Lz4, None))).to_string(), "lz4");
    }

    #[test]
    fn levels_out_of_range_are_refused() {
        let error = Encoding::new(Codec::Gzip, Some(10)).unwrap_err();

        assert_eq!(error.to_string(), "gzip has no level 10");
        assert_eq!(
            error.hint(),
            "Choose a level from -1 to 9, or none for the default."
        );
        assert!(levels(Codec::Snappy).is_empty());
    }

    #[test]
    fn codecs_are_available_exactly_as_the_features_say() {
        for codec in Codec::ALL {
            let encoding = Encoding::new(codec, None);
            if codec.is_available() {
                assert_eq!(encoding.unwrap().codec(), Some(codec));
            } else {
                assert_eq!(encoding, Err(CodecError::Unavailable { codec }));
            }
        }
    }
}
