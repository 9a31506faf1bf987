use super::{SegmentName, SegmentSize};

/// Consecutive segments of one timeline, both ends included.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, serde::Serialize)]
pub struct SegmentRange {
    /// The first segment.
    pub first: SegmentName,
    /// The last segment, on the same timeline and not before the first.
    pub last: SegmentName,
}

impl SegmentRange {
    /// Returns the number of segments.
    pub fn count(&self, size: SegmentSize) -> u64 {
        (self.last.number(size) + 1).saturating_sub(self.first.number(size))
    }

    /// Returns whether `segment` is one of them.
    pub fn contains(&self, segment: SegmentName) -> bool {
        self.first.timeline() == segment.timeline() && (self.first..=self.last).contains(&segment)
    }

    /// Returns the segments, in order.
    pub fn segments(&self, size: SegmentSize) -> impl Iterator<Item = SegmentName> + use<> {
        let timeline = self.first.timeline();
        (self.first.number(size)..=self.last.number(size))
            .map(move |number| SegmentName::from_number(timeline, number, size))
    }
}

/// Joins sorted names into the longest possible ranges; duplicates count once.
///
/// Names that are not [valid](SegmentName::is_valid_for) for `size` must be left out before.
pub fn runs(
    names: impl IntoIterator<Item = SegmentName>,
    size: SegmentSize,
) -> impl Iterator<Item = SegmentRange> {
    let mut names = names.into_iter().peekable();
    std::iter::from_fn(move || {
        let first = names.next()?;
        let mut last = first;
        while let Some(name) = names.next_if(|name| *name == last || *name == last.next(size)) {
            last = name;
        }
        Some(SegmentRange { first, last })
    })
}

/// Returns the ranges that are missing between sorted names, for each timeline by itself.
///
/// What lies before the first and after the last segment of a timeline is not missing: the names
/// alone cannot tell where the archive of a timeline should begin and end.
pub fn gaps(
    names: impl IntoIterator<Item = SegmentName>,
    size: SegmentSize,
) -> impl Iterator<Item = SegmentRange> {
    let mut runs = runs(names, size).peekable();
    std::iter::from_fn(move || {
        loop {
            let before = runs.next()?.last;
            let after = runs.peek()?.first;
            if after.timeline() == before.timeline() && after > before {
                let last = after.previous(size)?;
                return Some(SegmentRange {
                    first: before.next(size),
                    last,
                });
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::{collection::btree_set, prelude::*};

    use super::{super::TimelineId, super::segment_name::strategy, *};

    fn names(list: &[&str]) -> Vec<SegmentName> {
        list.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn texts(ranges: impl Iterator<Item = SegmentRange>) -> Vec<String> {
        ranges
            .map(|range| format!("{}-{}", range.first, range.last))
            .collect()
    }

    #[test]
    fn gaps_are_found_across_the_4_gib_boundary() {
        let present = names(&["0000000100000000000000FD", "000000010000000100000002"]);

        assert_eq!(
            texts(gaps(present, SegmentSize::DEFAULT)),
            ["0000000100000000000000FE-000000010000000100000001"]
        );
    }

    #[test]
    fn timelines_are_looked_at_one_by_one() {
        let present = names(&[
            "000000010000000000000001",
            "000000010000000000000003",
            "000000020000000000000007",
            "000000020000000000000007",
            "000000020000000000000008",
            "000000030000000000000002",
        ]);

        assert_eq!(
            texts(gaps(present.clone(), SegmentSize::DEFAULT)),
            ["000000010000000000000002-000000010000000000000002"]
        );
        assert_eq!(texts(runs(present, SegmentSize::DEFAULT)).len(), 4);
    }

    #[test]
    fn nothing_is_missing_from_nothing_or_one() {
        assert_eq!(gaps([], SegmentSize::DEFAULT).count(), 0);
        assert_eq!(
            gaps(names(&["000000010000000000000005"]), SegmentSize::DEFAULT).count(),
            0
        );
    }

    proptest! {
        #[test]
        fn runs_and_gaps_together_are_everything_between_the_ends(
            numbers in btree_set(0..200_u64, 1..40),
            size in strategy::size(),
        ) {
            let segment = |number| SegmentName::from_number(TimelineId::FIRST, number, size);
            let present: Vec<_> = numbers.iter().copied().map(segment).collect();

            let expand = |ranges: Vec<SegmentRange>| -> BTreeSet<u64> {
                let segments = ranges.iter().flat_map(|range| range.segments(size));
                segments.map(|name| name.number(size)).collect()
            };
            let held = expand(runs(present.clone(), size).collect());
            let missing: Vec<_> = gaps(present, size).collect();

            prop_assert!(missing.iter().all(|range| range.contains(range.last)));
            let count: u64 = missing.iter().map(|range| range.count(size)).sum();
            let missing = expand(missing);
            prop_assert_eq!(count, missing.len() as u64);
            prop_assert_eq!(&held, &numbers);
            prop_assert!(held.is_disjoint(&missing));
            let all = *numbers.first().unwrap()..=*numbers.last().unwrap();
            prop_assert!(all.eq(held.union(&missing).copied()));
        }
    }
}
