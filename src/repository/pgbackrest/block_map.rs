//! The map of a file that is stored in blocks.
//!
//! Blocks of one size are stored in super blocks, each compressed by itself; a later backup stores
//! only super blocks with what changed, and its map says of each block in which super block of
//! which backup it is. Block checksums are passed over: the digest of the whole file is in the
//! manifest.

use super::manifest::BlockMap;

/// Some blocks that follow each other in a file and in a super block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct BlockRun {
    pub place: SuperBlock,
    /// The first of them, counted within the super block.
    pub first: u64,
    pub count: u64,
}

/// Where a super block lies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct SuperBlock {
    /// The backup, by its place among the manifest's references.
    pub reference: usize,
    /// The bundle, or 0 for an object of its own.
    pub bundle: u64,
    /// In bytes.
    pub offset: u64,
    /// Size of what is stored, in bytes.
    pub stored_size: u64,
    /// Size of its blocks together, in bytes; the last block of a file may be short.
    pub size: u64,
}

/// What was said of a backup so far.
#[derive(Clone, Copy, Debug)]
struct Place {
    reference: usize,
    bundle: u64,
    offset: u64,
    stored_size: u64,
    size: u64,
    /// The next block of the super block.
    block: u64,
}

/// Why a map cannot be understood.
pub(super) type Fault = &'static str;

/// Reads a map: the runs in the order of the file.
pub(super) fn read_map(
    bytes: &[u8],
    of: BlockMap,
    references: usize,
) -> Result<Vec<BlockRun>, Fault> {
    let mut input = Input(bytes);
    if input.number()? & 1 != 0 {
        return Err("its map is of a later version");
    }
    if of.block_size == 0 {
        return Err("its blocks have no size");
    }
    let mut reading = Reading {
        input,
        of,
        references,
        places: Vec::new(),
        previous_size: None,
        runs: Vec::new(),
    };
    while !reading.visit()? {}
    if reading.input.0.is_empty() {
        Ok(reading.runs)
    } else {
        Err("its map goes on behind its end")
    }
}

/// A map that is being read.
struct Reading<'a> {
    input: Input<'a>,
    of: BlockMap,
    /// How many backups the manifest names.
    references: usize,
    /// Backups that were visited, in the order of the first visits.
    places: Vec<Place>,
    /// Stored size of the super block before, of whichever backup.
    previous_size: Option<u64>,
    runs: Vec<BlockRun>,
}

impl Reading<'_> {
    /// Reads what comes of one backup until another one's turn; true at the end of the map.
    fn visit(&mut self) -> Result<bool, Fault> {
        let head = self.input.number()?;
        let reference = usize::try_from(head >> 3).map_err(|_| TOO_LARGE)?;
        if reference >= self.references {
            return Err("its map names a backup that the manifest does not");
        }
        let (second, third) = (head & 2 != 0, head & 4 != 0);
        let known = self
            .places
            .iter()
            .position(|place| place.reference == reference);
        let (at, goes_on) = match known {
            None => {
                let bundle = self.input.number_if(second)?;
                let offset = self.input.number_if(third)?;
                self.places.push(Place {
                    reference,
                    bundle,
                    offset,
                    stored_size: 0,
                    size: self.of.block_size,
                    block: 0,
                });
                (self.places.len() - 1, true)
            }
            // The super block of the last visit goes on.
            Some(at) if second => {
                self.blocks(at, true)?;
                (at, !third)
            }
            Some(at) => {
                let gap = self.input.number_if(third)?;
                let place = &mut self.places[at];
                place.offset = sum(&[place.offset, place.stored_size, gap])?;
                place.stored_size = 0;
                (at, true)
            }
        };
        if goes_on {
            while !self.super_block(at)? {}
        }
        Ok(head & 1 != 0)
    }

    /// Reads a super block; true if it is the last one of the visit.
    fn super_block(&mut self, at: usize) -> Result<bool, Fault> {
        let head = self.input.number()?;
        let told = head >> 3;
        let stored_size = match self.previous_size {
            None => told,
            Some(before) => add_signed(before, told)?,
        };
        self.previous_size = Some(stored_size);
        let place = &mut self.places[at];
        place.offset = sum(&[place.offset, place.stored_size])?;
        place.stored_size = stored_size;
        place.block = 0;
        if head & 2 != 0 {
            let told = self.input.number()?;
            let whole = (told >> 1).checked_mul(self.of.block_size);
            let rest = self.input.number_if(told & 1 != 0)?;
            place.size = sum(&[whole.ok_or(TOO_LARGE)?, rest])?;
        }
        self.blocks(at, head & 4 != 0)?;
        Ok(head & 1 != 0)
    }

    /// Reads which blocks of the super block come next: all of them, if they are not counted.
    fn blocks(&mut self, at: usize, are_counted: bool) -> Result<(), Fault> {
        let place = &mut self.places[at];
        let count = if are_counted {
            let told = self.input.number()?;
            let passed = self.input.number_if(told & 1 != 0)?;
            place.block = sum(&[place.block, passed])?;
            sum(&[told >> 1, 1])?
        } else {
            place.size.div_ceil(self.of.block_size)
        };
        self.input.skip(count, self.of.checksum_size)?;
        self.runs.push(BlockRun {
            place: SuperBlock {
                reference: place.reference,
                bundle: place.bundle,
                offset: place.offset,
                stored_size: place.stored_size,
                size: place.size,
            },
            first: place.block,
            count,
        });
        place.block = sum(&[place.block, count])?;
        Ok(())
    }
}

const TOO_LARGE: Fault = "its map has a number that is too large";

fn sum(numbers: &[u64]) -> Result<u64, Fault> {
    let sum = numbers
        .iter()
        .try_fold(0_u64, |sum, one| sum.checked_add(*one));
    sum.ok_or(TOO_LARGE)
}

/// Adds a number in zigzag form.
fn add_signed(number: u64, zigzag: u64) -> Result<u64, Fault> {
    let distance = (zigzag >> 1) + (zigzag & 1);
    let sum = if zigzag & 1 == 0 {
        number.checked_add(distance)
    } else {
        number.checked_sub(distance)
    };
    sum.ok_or(TOO_LARGE)
}

/// What is left of a map.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    /// Reads a number: seven bits in a byte, the low ones first.
    fn number(&mut self) -> Result<u64, Fault> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or("its map is cut short")?;
            self.0 = rest;
            let bits = u64::from(byte & 0x7f);
            if bits.leading_zeros() < shift {
                return Err(TOO_LARGE);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(TOO_LARGE)
    }

    /// Reads a number if there is one, else 0.
    fn number_if(&mut self, is_there: bool) -> Result<u64, Fault> {
        if is_there { self.number() } else { Ok(0) }
    }

    /// Passes over the checksums of so many blocks.
    fn skip(&mut self, count: u64, size: usize) -> Result<(), Fault> {
        let len = usize::try_from(count)
            .ok()
            .and_then(|count| count.checked_mul(size));
        let rest = len.and_then(|len| self.0.get(len..));
        self.0 = rest.ok_or("its map is cut short")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OF: BlockMap = BlockMap {
        block_size: 8192,
        checksum_size: 2,
        map_size: 0,
    };

    fn run(reference: usize, offset: u64, stored_size: u64, first: u64, count: u64) -> BlockRun {
        BlockRun {
            place: SuperBlock {
                reference,
                bundle: 0,
                offset,
                stored_size,
                size: 2 * 8192,
            },
            first,
            count,
        }
    }

    #[test]
    fn blocks_of_two_backups_come_in_the_order_of_the_file() {
        let map = [
            0, // flags
            0, // reference 0, first seen, not the last
            (5 << 3) | 2,
            4, // 5 bytes, of two blocks, not the last
            1,
            1,
            2,
            2, // two checksums
            (2 << 3) | 1 | 4,
            0, // 5 + 1 bytes, the last; one block from its first
            3,
            3,
            (1 << 3) | 4,
            9, // reference 1, from byte 9
            (1 << 3) | 2 | 1,
            4, // 6 - 1 bytes, of two blocks
            4,
            4,
            5,
            5,
            2 | 4 | 1, // reference 0 continues its last super block, and ends the map
            0,
            6,
            6,
        ];

        let runs = read_map(&map, OF, 2).unwrap();

        assert_eq!(
            runs,
            [
                run(0, 0, 5, 0, 2),
                run(0, 5, 6, 0, 1),
                run(1, 9, 5, 0, 2),
                run(0, 5, 6, 1, 1),
            ]
        );
    }

    #[test]
    fn what_is_wrong_with_a_map_is_told() {
        for (map, fault) in [
            (&[][..], "its map is cut short"),
            (&[1], "its map is of a later version"),
            (
                &[0, 1 << 3],
                "its map names a backup that the manifest does not",
            ),
            (&[0, 1, 0x29, 1], "its map is cut short"),
            (&[0, 1, 0x29, 1, 1, 7], "its map goes on behind its end"),
            (
                &[
                    0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
                ],
                TOO_LARGE,
            ),
        ] {
            assert_eq!(read_map(map, OF, 1), Err(fault), "{map:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_read(bytes in proptest::collection::vec(0..=255_u8, 0..60)) {
            let _ = read_map(&bytes, OF, 3);
        }
    }
}
