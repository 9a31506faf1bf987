//! Generated content.

/// Returns `len` bytes that compress about as well as dense WAL: records of a fixed beginning, a
/// counter, random payload and padding. The same for the same length.
pub(crate) fn wal_like(len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(42);
    let noise: Vec<u8> = (0..1 << 16).map(|_| random.u8(..)).collect();
    let mut content = Vec::with_capacity(len + 256);
    let mut counter = 0_u64;
    while content.len() < len {
        counter += 1;
        content.extend_from_slice(b"\x10\xD1\x06\0heap insert into relation 1663/5/16384 ");
        content.extend_from_slice(&counter.to_le_bytes());
        let start = random.usize(..noise.len() - 100);
        content.extend_from_slice(&noise[start..start + random.usize(10..100)]);
        content.resize(content.len() + random.usize(..60), 0);
    }
    content.truncate(len);
    content
}
