//! WAL segments from a fixed seed, made like those of PostgreSQL 15 under pgbench.
//!
//! Page headers are right, so that verification stays on. Records have the layout of real ones
//! (`src/include/access/xlogrecord.h`) and the values that compressors see there: counters that
//! grow slowly, random block numbers and checksums, blanks in tuples; three eighths of the bytes are
//! full-page images. Measured ratios of a segment: lz4 2.7, zstd -3 4.2, gzip -6 3.9. Real ones
//! have 2.0 to 6.6, 2.9 to 11 and 3.0 to 9.6.

/// Size of a segment in bytes, PostgreSQL's default.
pub(crate) const SEGMENT: usize = 16 << 20;
/// The cluster that all segments belong to.
const SYSTEM_ID: u64 = 7_300_000_000_000_000_001;
const PAGE: usize = 8192;
const LONG_HEADER: usize = 40;
const SHORT_HEADER: usize = 24;

/// Returns the name of segment `number` on timeline 1.
pub(crate) fn name(number: u64) -> String {
    let per_log = (1 << 32) / SEGMENT as u64;
    format!("00000001{:08X}{:08X}", number / per_log, number % per_log)
}

/// Returns the content of segment `number`; another one for each number.
pub(crate) fn segment(number: u64) -> Vec<u8> {
    let mut records = Records::new(number);
    let mut content = Vec::with_capacity(SEGMENT);
    while content.len() < SEGMENT {
        let page_end = content.len() + PAGE;
        page_header(&mut content, number);
        records.fill(&mut content, page_end);
    }
    content
}

/// Returns the first bytes of segment `number`: with them, any segment becomes that one.
pub(crate) fn header(number: u64) -> Vec<u8> {
    let mut content = Vec::with_capacity(LONG_HEADER);
    page_header(&mut content, number);
    content
}

/// Appends `XLogPageHeaderData`, on the first page the long one.
fn page_header(content: &mut Vec<u8>, number: u64) {
    let offset = content.len();
    let is_first = offset == 0;
    content.extend_from_slice(&0xD110_u16.to_le_bytes());
    content.extend_from_slice(&if is_first { 2_u16 } else { 1 }.to_le_bytes());
    content.extend_from_slice(&1_u32.to_le_bytes());
    content.extend_from_slice(&(number * SEGMENT as u64 + offset as u64).to_le_bytes());
    content.resize(offset + SHORT_HEADER, 0);
    if is_first {
        content.extend_from_slice(&SYSTEM_ID.to_le_bytes());
        content.extend_from_slice(&0x0100_0000_u32.to_le_bytes());
        content.extend_from_slice(&8192_u32.to_le_bytes());
        assert_eq!(content.len(), LONG_HEADER);
    }
}

/// An endless stream of records, cut into pages.
struct Records {
    rng: fastrand::Rng,
    buffer: Vec<u8>,
    taken: usize,
    xid: u32,
    position: u64,
}

impl Records {
    fn new(number: u64) -> Self {
        Self {
            rng: fastrand::Rng::with_seed(number),
            buffer: Vec::new(),
            taken: 0,
            xid: 1000 + u32::try_from(number).unwrap_or(0) * 40_000,
            position: number * SEGMENT as u64,
        }
    }

    /// Fills `content` up to `end` bytes.
    fn fill(&mut self, content: &mut Vec<u8>, end: usize) {
        while content.len() < end {
            if self.taken == self.buffer.len() {
                self.transaction();
            }
            let count = (end - content.len()).min(self.buffer.len() - self.taken);
            content.extend_from_slice(&self.buffer[self.taken..self.taken + count]);
            self.taken += count;
        }
    }

    /// What one transaction of pgbench's standard script writes.
    fn transaction(&mut self) {
        self.buffer.clear();
        self.taken = 0;
        self.xid += 1;
        if self.rng.u8(..) < 7 {
            self.page_image();
        }
        for (relation, blocks) in [(16_393, 32_787), (16_390, 60), (16_396, 8)] {
            self.update(relation, blocks);
        }
        self.insert();
        self.commit();
    }

    /// A record of `len` bytes after its header (`XLogRecord`).
    fn header(&mut self, len: u32, manager: u8, info: u8) {
        let previous = self.position;
        self.position += u64::from(len) + 24;
        self.buffer.extend_from_slice(&(len + 24).to_le_bytes());
        self.buffer.extend_from_slice(&self.xid.to_le_bytes());
        self.buffer.extend_from_slice(&previous.to_le_bytes());
        self.buffer.extend_from_slice(&[info, manager, 0, 0]);
        let checksum = self.rng.u32(..);
        self.buffer.extend_from_slice(&checksum.to_le_bytes());
    }

    /// A reference to one block of a table.
    fn block(&mut self, relation: u32, blocks: u32, flags: u8, len: u16) {
        self.buffer.extend_from_slice(&[0, flags]);
        self.buffer.extend_from_slice(&len.to_le_bytes());
        for part in [1663, 16_384, relation, self.rng.u32(..blocks)] {
            self.buffer.extend_from_slice(&part.to_le_bytes());
        }
    }

    /// A heap-only update: the new balance, and where the tuple is.
    fn update(&mut self, relation: u32, blocks: u32) {
        self.header(20 + 2 + 14 + 18, 10, 0x40);
        self.block(relation, blocks, 0x20, 18);
        let (old, new) = (self.rng.u16(1..60), self.rng.u16(60..90));
        self.buffer.extend_from_slice(&[255, 14]);
        self.buffer.extend_from_slice(&self.xid.to_le_bytes());
        self.buffer.extend_from_slice(&old.to_le_bytes());
        self.buffer.extend_from_slice(&[0, 0x60, 0, 0, 0, 0]);
        self.buffer.extend_from_slice(&new.to_le_bytes());
        let balance = self.rng.i32(-5_000..5_000);
        self.buffer
            .extend_from_slice(&[0x20, 0, 4, 0x80, 2, 0x28, 0x18, 0]);
        self.buffer.extend_from_slice(&balance.to_le_bytes());
        self.buffer.extend_from_slice(&[0; 6]);
    }

    /// A row of the history.
    fn insert(&mut self) {
        self.header(20 + 2 + 3 + 55, 10, 0);
        self.block(16_399, 900, 0x20, 55);
        self.buffer.extend_from_slice(&[255, 3]);
        self.buffer
            .extend_from_slice(&self.rng.u16(1..140).to_le_bytes());
        self.buffer.extend_from_slice(&[0, 6, 0, 2, 8, 0x18]);
        self.tuple(22);
        self.buffer.extend_from_slice(&[b' '; 28]);
    }

    fn commit(&mut self) {
        self.header(2 + 8, 1, 0);
        self.buffer.extend_from_slice(&[255, 8]);
        let time = 848_000_000_000_000 + self.position * 37;
        self.buffer.extend_from_slice(&time.to_le_bytes());
    }

    /// A full page of `pgbench_accounts`.
    fn page_image(&mut self) {
        const TUPLES: u8 = 61;
        self.header(25 + 8168, 10, 0x40);
        self.block(16_393, 32_787, 0x10, 0);
        self.buffer.extend_from_slice(&[0xE8, 0x1F, 0x0C, 1, 5]);
        self.buffer.extend_from_slice(&self.position.to_le_bytes());
        for item in 0..TUPLES {
            let pointer = (8192 - 128 * (u32::from(item) + 1)) | 0xC2_0000;
            self.buffer.extend_from_slice(&pointer.to_le_bytes());
        }
        for item in 0..TUPLES {
            self.buffer
                .extend_from_slice(&self.xid.wrapping_sub(self.rng.u32(..9999)).to_le_bytes());
            self.buffer.extend_from_slice(&[0; 8]);
            self.buffer.extend_from_slice(&[item, 0, 4, 0, 2, 9, 24, 0]);
            self.tuple(12);
            self.buffer.extend_from_slice(&[b' '; 96]);
        }
    }

    /// Columns with numbers of a few thousand.
    fn tuple(&mut self, len: usize) {
        for _ in 0..len / 4 {
            let number = self.rng.u32(..1_000_000) >> self.rng.u32(..8);
            self.buffer.extend_from_slice(&number.to_le_bytes());
        }
        self.buffer.resize(self.buffer.len() + len % 4, 0);
    }
}
