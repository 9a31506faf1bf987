use std::fmt;

/// A number is not a size of WAL segments.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0} bytes is not a WAL segment size, which is a power of two from 1 MiB to 1 GiB")]
pub struct InvalidSegmentSize(u64);

/// The size of a cluster's WAL segments (`wal_segment_size`), fixed by `initdb`.
///
/// A power of two from 1 MiB to 1 GiB. Serialises as the number of bytes.
#[derive(
    Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Deserialize, serde::Serialize,
)]
#[serde(try_from = "u64", into = "u64")]
pub struct SegmentSize {
    log2: u8,
}

impl SegmentSize {
    /// The size that `initdb` chooses: 16 MiB.
    pub const DEFAULT: Self = Self { log2: 24 };

    /// Every possible size, smallest first.
    pub const ALL: [Self; 11] = {
        let mut all = [Self { log2: 20 }; 11];
        let mut step = 1;
        while step < all.len() {
            all[step].log2 = all[step - 1].log2 + 1;
            step += 1;
        }
        all
    };

    /// Checks a number of bytes.
    pub fn new(bytes: u64) -> Result<Self, InvalidSegmentSize> {
        Self::ALL
            .into_iter()
            .find(|size| size.bytes() == bytes)
            .ok_or(InvalidSegmentSize(bytes))
    }

    /// Returns the number of bytes.
    pub const fn bytes(self) -> u64 {
        1 << self.log2
    }

    /// Returns how many segments the lower half of a WAL position can tell apart (4 to 4096).
    ///
    /// A segment's name has its position in two halves of 8 digits; the second one is always
    /// below this number.
    pub const fn per_log_id(self) -> u32 {
        1 << (32 - self.log2)
    }
}

impl Default for SegmentSize {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for SegmentSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MiB", self.bytes() >> 20)
    }
}

impl TryFrom<u64> for SegmentSize {
    type Error = InvalidSegmentSize;

    fn try_from(bytes: u64) -> Result<Self, InvalidSegmentSize> {
        Self::new(bytes)
    }
}

impl From<SegmentSize> for u64 {
    fn from(size: SegmentSize) -> Self {
        size.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_sizes_are_powers_of_two_from_1_mib_to_1_gib() {
        let bytes = SegmentSize::ALL.map(SegmentSize::bytes);

        assert_eq!(bytes.first(), Some(&(1 << 20)));
        assert_eq!(bytes.last(), Some(&(1 << 30)));
        assert!(bytes.windows(2).all(|pair| pair[1] == 2 * pair[0]));
        for size in SegmentSize::ALL {
            assert_eq!(SegmentSize::new(size.bytes()), Ok(size));
            assert_eq!(u64::from(size.per_log_id()) * size.bytes(), 1 << 32);
        }
    }

    #[test]
    fn other_sizes_are_refused() {
        for bytes in [0, 1, 1 << 19, (1 << 24) - 1, 3 << 20, 1 << 31, u64::MAX] {
            assert_eq!(SegmentSize::new(bytes), Err(InvalidSegmentSize(bytes)));
        }
    }
}
