//! Sets of segments as intervals.

use crate::pg::{SegmentName, SegmentRange, SegmentSize, TimelineId};

/// Segments in the order of their names, as disjoint ascending intervals.
///
/// The names of all timelines are on one line: an interval may reach over timelines, as "all from
/// this name on" does.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Segments(Vec<(u128, u128)>);

/// Where a segment is among all, for segments of one size.
fn position(name: SegmentName, size: SegmentSize) -> u128 {
    (u128::from(name.timeline().get()) << 64) | u128::from(name.number(size))
}

impl Segments {
    /// Everything.
    pub(crate) fn all() -> Self {
        Self(vec![(0, u128::MAX)])
    }

    /// Those of ranges.
    pub(crate) fn of(ranges: &[SegmentRange], size: SegmentSize) -> Self {
        let ends = |range: &SegmentRange| {
            let first = position(range.first, size);
            (first, position(range.last, size) + 1)
        };
        Self::new(ranges.iter().map(ends).collect())
    }

    /// Everything from `first` on.
    pub(crate) fn from(first: SegmentName, size: SegmentSize) -> Self {
        Self(vec![(position(first, size), u128::MAX)])
    }

    /// Everything before `end`.
    pub(crate) fn before(end: SegmentName, size: SegmentSize) -> Self {
        Self::new(vec![(0, position(end, size))])
    }

    /// All of a timeline.
    pub(crate) fn on(timeline: TimelineId) -> Self {
        let first = u128::from(timeline.get()) << 64;
        Self(vec![(first, first + (1 << 64))])
    }

    /// Those between two names, both ends included.
    pub(crate) fn between(first: SegmentName, last: SegmentName, size: SegmentSize) -> Self {
        Self::new(vec![(position(first, size), position(last, size) + 1)])
    }

    /// Those of many sets.
    pub(crate) fn union(sets: impl IntoIterator<Item = Self>) -> Self {
        Self::new(sets.into_iter().flat_map(|set| set.0).collect())
    }

    fn new(mut intervals: Vec<(u128, u128)>) -> Self {
        intervals.retain(|(first, end)| first < end);
        intervals.sort_unstable();
        let mut joined: Vec<(u128, u128)> = Vec::with_capacity(intervals.len());
        for (first, end) in intervals {
            match joined.last_mut() {
                Some((_, known)) if first <= *known => *known = end.max(*known),
                _ => joined.push((first, end)),
            }
        }
        Self(joined)
    }

    /// Returns those that are in the other set, too.
    pub(crate) fn and(&self, other: &Self) -> Self {
        let (mut common, mut others) = (Vec::new(), other.0.iter().peekable());
        for (first, end) in &self.0 {
            while let Some((other_first, other_end)) = others.peek() {
                let both = (*first.max(other_first), *end.min(other_end));
                if both.0 < both.1 {
                    common.push(both);
                }
                if other_end > end {
                    break;
                }
                others.next();
            }
        }
        Self(common)
    }

    /// Returns those that are not in the other set.
    pub(crate) fn without(&self, other: &Self) -> Self {
        self.and(&other.complement())
    }

    fn complement(&self) -> Self {
        let mut rest = Vec::with_capacity(self.0.len() + 1);
        let mut next = 0;
        for (first, end) in &self.0 {
            rest.push((next, *first));
            next = *end;
        }
        rest.push((next, u128::MAX));
        Self::new(rest)
    }

    /// Returns whether a segment is among them.
    pub(crate) fn contains(&self, name: SegmentName, size: SegmentSize) -> bool {
        let position = position(name, size);
        let after = self.0.partition_point(|(_, end)| *end <= position);
        self.0
            .get(after)
            .is_some_and(|(first, _)| *first <= position)
    }

    /// Returns whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns how many there are, if they are bounded.
    pub(crate) fn count(&self) -> u64 {
        let all = self.0.iter().map(|(first, end)| end - first).sum::<u128>();
        u64::try_from(all).unwrap_or(u64::MAX)
    }

    /// Returns them as ranges; no interval may reach over timelines.
    pub(crate) fn ranges(&self, size: SegmentSize) -> Vec<SegmentRange> {
        let name = |position: u128| {
            let timeline = u32::try_from(position >> 64).ok();
            let timeline = timeline.and_then(|number| TimelineId::new(number).ok());
            let number = u64::try_from(position & u128::from(u64::MAX)).ok();
            let (timeline, number) = timeline.zip(number)?;
            Some(SegmentName::from_number(timeline, number, size))
        };
        let ranges = self.0.iter().filter_map(|(first, end)| {
            let (first, last) = (name(*first)?, name(end - 1)?);
            Some(SegmentRange { first, last })
        });
        ranges.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::{collection::vec, prelude::*};

    use super::*;

    const SIZE: SegmentSize = SegmentSize::DEFAULT;

    fn name(timeline: u32, number: u64) -> SegmentName {
        SegmentName::from_number(TimelineId::new(timeline).unwrap(), number, SIZE)
    }

    fn ranges() -> impl Strategy<Value = Vec<SegmentRange>> {
        let range = (1..3_u32, 0..40_u64, 0..8_u64);
        let range = range.prop_map(|(timeline, first, len)| SegmentRange {
            first: name(timeline, first),
            last: name(timeline, first + len),
        });
        vec(range, 0..8)
    }

    fn names(set: &Segments) -> BTreeSet<SegmentName> {
        let ranges = set.ranges(SIZE);
        ranges
            .iter()
            .flat_map(|range| range.segments(SIZE))
            .collect()
    }

    #[test]
    fn intervals_reach_over_timelines() {
        let present = [(1, 5), (1, 6), (2, 6), (3, 2)].map(|(timeline, number)| {
            let name = name(timeline, number);
            SegmentRange {
                first: name,
                last: name,
            }
        });
        let present = Segments::of(&present, SIZE);

        let after = present.and(&Segments::from(name(1, 6), SIZE));
        let before = present.and(&Segments::before(name(2, 6), SIZE));
        let second = present.and(&Segments::on(TimelineId::new(2).unwrap()));

        assert_eq!((present.count(), after.count(), before.count()), (4, 3, 2));
        assert_eq!(names(&second), BTreeSet::from([name(2, 6)]));
        assert!(after.contains(name(3, 2), SIZE) && !after.contains(name(1, 5), SIZE));
    }

    proptest! {
        #[test]
        fn sets_of_intervals_are_sets(one in ranges(), other in ranges()) {
            let (one, other) = (Segments::of(&one, SIZE), Segments::of(&other, SIZE));
            let (ones, others) = (names(&one), names(&other));

            let both: BTreeSet<_> = ones.intersection(&others).copied().collect();
            prop_assert_eq!(names(&one.and(&other)), both);
            let rest: BTreeSet<_> = ones.difference(&others).copied().collect();
            prop_assert_eq!(names(&one.without(&other)), rest);
            let all: BTreeSet<_> = ones.union(&others).copied().collect();
            let union = Segments::union([one.clone(), other.clone()]);
            prop_assert_eq!(union.count(), all.len() as u64);
            prop_assert_eq!(names(&union), all);
            for name in &ones {
                prop_assert!(one.contains(*name, SIZE));
                prop_assert_eq!(other.contains(*name, SIZE), others.contains(name));
            }
            prop_assert_eq!(one.is_empty(), ones.is_empty());
        }
    }
}
