//! The way of recovery through timelines, and which segments of it are held.

use crate::{
    pg::{Lsn, SegmentName, SegmentRange, SegmentSize, TimelineHistory, TimelineId},
    restore::TargetTimeline,
};

/// The way of recovery through timelines.
#[derive(Clone, Debug)]
pub(super) struct Route {
    history: TimelineHistory,
    size: SegmentSize,
}

/// The segments of one timeline on the way, by number; the last one excluded.
#[derive(Clone, Copy, Debug)]
struct Section {
    timeline: TimelineId,
    first: u64,
    end: u64,
}

/// Segments by number: disjoint, ascending, both ends included.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Spans(Vec<(u64, u64)>);

impl Route {
    /// Finds the way that PostgreSQL takes from a backup on timeline `from`; `None` if the history
    /// of the timeline that it should end on is not known.
    pub(super) fn of<'a>(
        target: TargetTimeline,
        from: TimelineId,
        histories: &(impl Iterator<Item = &'a TimelineHistory> + Clone),
        size: SegmentSize,
    ) -> Option<Self> {
        let known = |timeline| {
            histories
                .clone()
                .find(|one| one.timeline() == timeline)
                .cloned()
        };
        let own = || known(from).unwrap_or_else(|| TimelineHistory::root(from));
        let history = match target {
            TargetTimeline::Current => own(),
            TargetTimeline::Number(timeline) if timeline == from => own(),
            TargetTimeline::Number(TimelineId::FIRST) => TimelineHistory::root(TimelineId::FIRST),
            TargetTimeline::Number(timeline) => known(timeline)?,
            // PostgreSQL asks for one history after the other until there is none.
            TargetTimeline::Latest => (from.get()..u32::MAX)
                .map_while(|last| TimelineId::new(last + 1).ok().and_then(known))
                .last()
                .unwrap_or_else(own),
        };
        Some(Self { history, size })
    }

    /// Returns the timeline on which it ends.
    pub(super) fn timeline(&self) -> TimelineId {
        self.history.timeline()
    }

    /// Returns whether a backup that stopped there is on it.
    pub(super) fn descends_from(&self, timeline: TimelineId, stop: Lsn) -> bool {
        self.history.descends_from(timeline, stop)
    }

    /// Returns which of its segments `ranges` have.
    pub(super) fn held<'a>(&self, ranges: impl IntoIterator<Item = &'a SegmentRange>) -> Spans {
        let sections = self.sections();
        let mut spans = Vec::new();
        for range in ranges {
            let (first, last) = (range.first.number(self.size), range.last.number(self.size));
            let timeline = range.first.timeline();
            for section in sections
                .iter()
                .filter(|section| section.timeline == timeline)
            {
                let (first, end) = (first.max(section.first), section.end.min(last + 1));
                spans.extend((first < end).then(|| (first, end - 1)));
            }
        }
        Spans::new(spans)
    }

    /// Returns the names of its segments with these numbers.
    pub(super) fn names(&self, spans: &Spans) -> Vec<SegmentRange> {
        let sections = self.sections();
        let mut ranges = Vec::new();
        for (first, last) in &spans.0 {
            for section in &sections {
                let (first, end) = (section.first.max(*first), section.end.min(last + 1));
                let name = |number| SegmentName::from_number(section.timeline, number, self.size);
                ranges.extend((first < end).then(|| SegmentRange {
                    first: name(first),
                    last: name(end - 1),
                }));
            }
        }
        ranges
    }

    /// The segment in which a timeline branched off is the new one's, which copied it.
    fn sections(&self) -> Vec<Section> {
        let mut first = 0;
        let mut sections = Vec::new();
        for entry in self.history.ancestors() {
            let end = entry.switch_point.get() / self.size.bytes();
            let timeline = entry.timeline;
            sections.push(Section {
                timeline,
                first,
                end,
            });
            first = end;
        }
        sections.push(Section {
            timeline: self.timeline(),
            first,
            end: u64::MAX,
        });
        sections
    }
}

impl Spans {
    fn new(mut spans: Vec<(u64, u64)>) -> Self {
        spans.sort_unstable();
        let mut joined: Vec<(u64, u64)> = Vec::new();
        for (first, last) in spans {
            match joined.last_mut() {
                Some((_, end)) if first <= *end + 1 => *end = last.max(*end),
                _ => joined.push((first, last)),
            }
        }
        Self(joined)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn last(&self) -> Option<u64> {
        self.0.last().map(|(_, last)| *last)
    }

    pub(super) fn count(&self) -> u64 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// Returns those from `first` to `last`.
    pub(super) fn within(&self, first: u64, last: u64) -> Self {
        let cut = self
            .0
            .iter()
            .map(|(from, to)| (*from.max(&first), *to.min(&last)));
        Self(cut.filter(|(from, to)| from <= to).collect())
    }

    /// Returns those from `first` to `last` that are not among them.
    pub(super) fn missing(&self, first: u64, last: u64) -> Self {
        let mut missing = Vec::new();
        let mut next = first;
        for (from, to) in self.within(first, last).0 {
            if next < from {
                missing.push((next, from - 1));
            }
            next = to + 1;
        }
        if next <= last {
            missing.push((next, last));
        }
        Self(missing)
    }

    /// Returns the last one that can be reached from `first` without a gap.
    pub(super) fn reach(&self, first: u64) -> Option<u64> {
        let span = self
            .0
            .iter()
            .find(|(from, to)| (from..=to).contains(&&first));
        span.map(|(_, last)| *last)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn numbers(spans: &Spans) -> BTreeSet<u64> {
        spans
            .0
            .iter()
            .flat_map(|(first, last)| *first..=*last)
            .collect()
    }

    proptest! {
        #[test]
        fn what_is_within_and_what_is_missing_are_everything(
            spans in vec((0..60_u64, 0..10_u64), 0..8),
            first in 0..70_u64,
            len in 0..70_u64,
        ) {
            let last = first + len;
            let spans = Spans::new(spans.into_iter().map(|(at, len)| (at, at + len)).collect());
            let (within, missing) = (spans.within(first, last), spans.missing(first, last));

            prop_assert_eq!(within.count() + missing.count(), len + 1);
            prop_assert!(numbers(&within).is_disjoint(&numbers(&missing)));
            prop_assert!(numbers(&within).is_subset(&numbers(&spans)));
            let reach = spans.reach(first);
            prop_assert!(reach.is_none_or(|last| spans.missing(first, last).is_empty()));
            prop_assert_eq!(reach.is_none(), !numbers(&spans).contains(&first));
        }
    }
}
