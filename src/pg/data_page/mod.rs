use super::{Lsn, array_at};

/// A page of a relation's file, of the usual 8 KiB, from a little-endian server.
///
/// The header is PostgreSQL's `PageHeaderData` (`src/include/storage/bufpage.h`), the checksum
/// that of `src/include/storage/checksum_impl.h`: 32 interleaved sums after FNV-1a over the page,
/// in which the number of the block is mixed, so that a page in another's place is noticed.
#[derive(Clone, Copy, Debug)]
pub struct DataPage<'a>(&'a [u8; DataPage::SIZE]);

/// What the checksum of a page tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PageVerdict {
    /// The checksum is right.
    Valid,
    /// The page has only zeros: the relation was extended, and nothing was written there yet.
    New,
    /// The checksum is wrong, and the page says that it was changed after the backup began.
    ///
    /// A page that is written while it is read looks like this; recovery writes it anew from the
    /// WAL of the backup. A position beyond the backup's end is no such page, but damage.
    Newer {
        /// The last change, in the page's own words.
        lsn: Lsn,
    },
    /// The checksum is wrong.
    ///
    /// Read the page once more before believing it: the server may just have been writing it.
    Invalid {
        /// The checksum of the content.
        expected: u16,
        /// The one in the page.
        found: u16,
    },
}

impl<'a> DataPage<'a> {
    /// Number of bytes of a page.
    pub const SIZE: usize = 8192;

    /// Takes the bytes of a page.
    pub const fn new(bytes: &'a [u8; DataPage::SIZE]) -> Self {
        Self(bytes)
    }

    /// Returns the position behind the WAL record that changed the page last.
    pub fn lsn(self) -> Lsn {
        let half = |offset| u64::from(u32::from_le_bytes(array_at(self.0, offset)));
        Lsn::new(half(0) << 32 | half(4))
    }

    /// Returns the checksum that is written in the page.
    pub fn stored_checksum(self) -> u16 {
        u16::from_le_bytes(array_at(self.0, CHECKSUM))
    }

    /// Returns whether it was never initialised. Such a page has no checksum and only zeros.
    pub fn is_new(self) -> bool {
        u16::from_le_bytes(array_at(self.0, UPPER)) == 0
    }

    /// Computes the checksum of the content, as page number `block` of its fork; never 0.
    pub fn checksum(self, block: u32) -> u16 {
        let (rows, _) = self.0.as_chunks::<ROW>();
        let mut first = rows[0];
        first[CHECKSUM..CHECKSUM + 2].fill(0);

        let mut sums = BASE_OFFSETS;
        add_row(&mut sums, &first);
        for row in &rows[1..] {
            add_row(&mut sums, row);
        }
        for _ in 0..2 {
            add_row(&mut sums, &[0; ROW]);
        }
        let sum = sums.into_iter().fold(block, |all, sum| all ^ sum);
        u16::try_from(sum % 0xFFFF + 1).expect("the remainder is below 0xFFFF")
    }

    /// Checks the page with the number `block` of its fork, read by a backup that began at
    /// `start`, of a cluster with data checksums.
    pub fn verify(self, block: u32, start: Lsn) -> PageVerdict {
        if self.is_new() && self.0.iter().all(|byte| *byte == 0) {
            return PageVerdict::New;
        }
        let (expected, found) = (self.checksum(block), self.stored_checksum());
        if expected == found && !self.is_new() {
            return PageVerdict::Valid;
        }
        match self.lsn() {
            lsn if lsn >= start => PageVerdict::Newer { lsn },
            _ => PageVerdict::Invalid { expected, found },
        }
    }
}

/// Mixes one number into each sum.
fn add_row(sums: &mut [u32; SUMS], row: &[u8; ROW]) {
    let (words, _) = row.as_chunks::<4>();
    for (sum, word) in sums.iter_mut().zip(words) {
        let mixed = *sum ^ u32::from_le_bytes(*word);
        *sum = mixed.wrapping_mul(FNV_PRIME) ^ (mixed >> 17);
    }
}

/// Where the header has the checksum, as 16 bits.
const CHECKSUM: usize = 8;
/// Where the header has the end of the free space, as 16 bits; 0 before initialisation.
const UPPER: usize = 14;

const SUMS: usize = 32;
const ROW: usize = 4 * SUMS;
const FNV_PRIME: u32 = 16_777_619;

/// Where each sum begins.
#[expect(
    clippy::unreadable_literal,
    reason = "random numbers read no better in groups"
)]
const BASE_OFFSETS: [u32; SUMS] = [
    0x5B1F36E9, 0xB8525960, 0x02AB50AA, 0x1DE66D2A, 0x79FF467A, 0x9BB9F8A3, 0x217E7CD2, 0x83E13D2C,
    0xF8D4474F, 0xE39EB970, 0x42C6AE16, 0x993216FA, 0x7B093B5D, 0x98DAFF3C, 0xF718902A, 0x0B1C9CDB,
    0xE58F764B, 0x187636BC, 0x5D7B3BB1, 0xE73DE7DE, 0x92BEC979, 0xCCA6C0B2, 0x304A0979, 0x85AA43D4,
    0x783125BB, 0x6CA8EAA2, 0xE407EAC6, 0x4B5CFC3E, 0x9FBF8C76, 0x15CA20BE, 0xF2CA9FD3, 0x959BD756,
];

#[cfg(test)]
mod tests;
