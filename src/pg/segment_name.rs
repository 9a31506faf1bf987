use std::{fmt, str::FromStr};

use super::{InvalidWalName, Lsn, SegmentSize, TimelineId, upper_hex};

/// The name of a WAL segment: timeline and position in 24 upper-case hexadecimal digits.
///
/// The digits are the timeline, the upper 32 bits of the position, and the number of the segment
/// within these 4 GiB. What the last part means depends on the segment size, which the name does
/// not tell; methods that need it take it. Ordered by timeline, then position.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SegmentName {
    timeline: TimelineId,
    log_id: u32,
    part: u32,
}

impl SegmentName {
    /// Reads a name of exactly 24 upper-case hexadecimal digits.
    pub fn parse(name: &str) -> Result<Self, InvalidWalName> {
        Self::from_digits(name).ok_or_else(|| InvalidWalName::new(name))
    }

    /// Returns the segment with the running number `number` (from the cluster's beginning).
    ///
    /// A number beyond the 16 EiB that WAL can address is taken as the last one.
    pub fn from_number(timeline: TimelineId, number: u64, size: SegmentSize) -> Self {
        let per_log_id = u64::from(size.per_log_id());
        let (log_id, part) = match u32::try_from(number / per_log_id) {
            Ok(log_id) => (log_id, number % per_log_id),
            Err(_) => (u32::MAX, per_log_id - 1),
        };
        let part = u32::try_from(part).expect("a remainder is below its 32-bit divisor");
        Self {
            timeline,
            log_id,
            part,
        }
    }

    /// Returns the segment that contains the byte at `lsn`.
    pub fn containing(lsn: Lsn, timeline: TimelineId, size: SegmentSize) -> Self {
        Self::from_number(timeline, lsn.get() / size.bytes(), size)
    }

    /// Returns the timeline.
    pub const fn timeline(self) -> TimelineId {
        self.timeline
    }

    /// Returns the first 16 digits, after which both archive layouts name their directories.
    pub fn directory(self) -> String {
        format!("{}{:08X}", self.timeline, self.log_id)
    }

    /// Returns the number of the [directory](Self::directory) on the timeline: the upper 32 bits of
    /// the position.
    pub const fn folder(self) -> u32 {
        self.log_id
    }

    /// Returns the first name that a directory with this number can hold, on the same timeline.
    #[must_use]
    pub const fn first_of_folder(self, folder: u32) -> Self {
        Self {
            timeline: self.timeline,
            log_id: folder,
            part: 0,
        }
    }

    /// Returns whether a cluster with segments of this size can have a segment of this name.
    pub const fn is_valid_for(self, size: SegmentSize) -> bool {
        self.part < size.per_log_id()
    }

    /// Returns the running number of the segment, counted from the cluster's beginning.
    ///
    /// Means nothing for a name that is not [valid](Self::is_valid_for) for `size`.
    pub fn number(self, size: SegmentSize) -> u64 {
        u64::from(self.log_id) * u64::from(size.per_log_id()) + u64::from(self.part)
    }

    /// Returns the position of the segment's first byte.
    pub fn start_lsn(self, size: SegmentSize) -> Lsn {
        Lsn::new(self.number(size).saturating_mul(size.bytes()))
    }

    /// Returns the following segment on the same timeline; the very last one follows itself.
    #[must_use]
    pub fn next(self, size: SegmentSize) -> Self {
        Self::from_number(self.timeline, self.number(size).saturating_add(1), size)
    }

    /// Returns the preceding segment on the same timeline; `None` for the first possible one.
    pub fn previous(self, size: SegmentSize) -> Option<Self> {
        let number = self.number(size).checked_sub(1)?;
        Some(Self::from_number(self.timeline, number, size))
    }

    /// Returns the segment of the same position on another timeline.
    #[must_use]
    pub const fn on(self, timeline: TimelineId) -> Self {
        Self { timeline, ..self }
    }

    fn from_digits(name: &str) -> Option<Self> {
        Some(Self {
            timeline: name.get(..8)?.parse().ok()?,
            log_id: upper_hex(name.get(8..16)?, 8)?,
            part: upper_hex(name.get(16..)?, 8)?,
        })
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:08X}{:08X}", self.timeline, self.log_id, self.part)
    }
}

impl FromStr for SegmentName {
    type Err = InvalidWalName;

    fn from_str(text: &str) -> Result<Self, InvalidWalName> {
        Self::parse(text)
    }
}

#[cfg(test)]
pub(super) mod strategy {
    use proptest::{prelude::*, sample::select};

    use super::*;

    pub(crate) fn size() -> impl Strategy<Value = SegmentSize> {
        select(SegmentSize::ALL.as_slice())
    }

    pub(crate) fn timeline() -> impl Strategy<Value = TimelineId> {
        (1..=u32::MAX).prop_map(|number| TimelineId::new(number).unwrap())
    }

    pub(crate) fn name() -> impl Strategy<Value = SegmentName> {
        (timeline(), any::<u32>(), any::<u32>()).prop_map(|(timeline, log_id, part)| SegmentName {
            timeline,
            log_id,
            part,
        })
    }

    pub(crate) fn sized_name() -> impl Strategy<Value = (SegmentName, SegmentSize)> {
        (timeline(), any::<u64>(), size()).prop_map(|(timeline, lsn, size)| {
            (SegmentName::containing(Lsn::new(lsn), timeline, size), size)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIB_16: SegmentSize = SegmentSize::DEFAULT;

    fn name(text: &str) -> SegmentName {
        SegmentName::parse(text).unwrap()
    }

    #[test]
    fn parts_of_a_name_are_where_postgresql_puts_them() {
        let segment = name("000000020000001C000000FF");

        assert_eq!(segment.timeline().get(), 2);
        assert_eq!(segment.directory(), "000000020000001C");
        assert_eq!(segment.start_lsn(MIB_16).to_string(), "1C/FF000000");
        assert_eq!(segment.next(MIB_16), name("000000020000001D00000000"));
        assert_eq!(
            segment.previous(MIB_16),
            Some(name("000000020000001C000000FE"))
        );
        assert_eq!(
            segment.on(TimelineId::FIRST),
            name("000000010000001C000000FF")
        );
    }

    #[test]
    fn a_name_is_valid_for_sizes_that_leave_room_for_its_number() {
        let gib = SegmentSize::new(1 << 30).unwrap();

        assert!(name("000000010000000000000003").is_valid_for(gib));
        assert!(!name("000000010000000000000004").is_valid_for(gib));
        assert!(name("0000000100000000000000FF").is_valid_for(MIB_16));
        assert!(!name("000000010000000000000100").is_valid_for(MIB_16));
    }

    #[test]
    fn ends_of_the_address_space_do_not_wrap() {
        let last = name("00000001FFFFFFFF000000FF");

        assert_eq!(last.next(MIB_16), last);
        assert_eq!(name("000000010000000000000000").previous(MIB_16), None);
        assert_eq!(
            name("00000001FFFFFFFFFFFFFFFF").start_lsn(MIB_16),
            Lsn::new(u64::MAX)
        );
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "00000001000000000000000",
            "0000000100000000000000010",
            "00000001000000000000000a",
            "000000000000000000000001",
            "00000001000000000000001G",
            "0000000100000000+0000001",
            "000000010000000000000001.partial",
            "0000000é000000000000001",
        ] {
            assert!(SegmentName::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_form_round_trips(segment in strategy::name()) {
            prop_assert_eq!(segment.to_string().parse(), Ok(segment));
            prop_assert!(segment.to_string().starts_with(&segment.directory()));
        }

        #[test]
        fn next_and_previous_are_inverse((segment, size) in strategy::sized_name()) {
            let next = segment.next(size);
            prop_assume!(next != segment);

            prop_assert!(segment.is_valid_for(size) && next.is_valid_for(size));
            prop_assert!(next > segment);
            prop_assert_eq!(next.previous(size), Some(segment));
            prop_assert_eq!(next.number(size), segment.number(size) + 1);
        }

        #[test]
        fn number_and_position_lead_back_to_the_name((segment, size) in strategy::sized_name()) {
            let timeline = segment.timeline();
            let start = segment.start_lsn(size);
            let end = start.checked_add(size.bytes() - 1).unwrap();

            prop_assert_eq!(SegmentName::from_number(timeline, segment.number(size), size), segment);
            prop_assert_eq!(SegmentName::containing(start, timeline, size), segment);
            prop_assert_eq!(SegmentName::containing(end, timeline, size), segment);
        }

        #[test]
        fn order_is_that_of_the_text(a in strategy::name(), b in strategy::name()) {
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }
    }
}
