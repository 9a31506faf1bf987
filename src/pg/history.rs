use std::fmt;

use super::{Lsn, TimelineId};

/// A text is not the content of a history file.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("line {line} of the history of timeline {timeline}: {problem}")]
pub struct InvalidHistory {
    timeline: TimelineId,
    line: usize,
    problem: String,
}

impl InvalidHistory {
    /// Returns the number of the bad line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Tells the user what to do.
    pub fn hint(&self) -> &'static str {
        "The file is damaged or was edited; take the copy of it from another archive or from a \
         server's pg_wal."
    }
}

/// One ancestor of a timeline.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HistoryEntry {
    /// The ancestor.
    pub timeline: TimelineId,
    /// Where the next timeline branched off from it.
    pub switch_point: Lsn,
    /// Why, in PostgreSQL's words; may be empty.
    pub reason: String,
}

/// The ancestors of a timeline, as its `.history` file tells them.
///
/// The format is PostgreSQL's (`src/backend/access/transam/timeline.c`): one ancestor per line,
/// oldest first; timeline in decimal, position and reason separated by white space; lines may be
/// empty or begin with `#`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TimelineHistory {
    timeline: TimelineId,
    ancestors: Vec<HistoryEntry>,
}

impl TimelineHistory {
    /// Returns the history of a timeline without ancestors; the first one has no history file.
    pub fn root(timeline: TimelineId) -> Self {
        Self {
            timeline,
            ancestors: Vec::new(),
        }
    }

    /// Reads the content of the history file of `timeline`.
    ///
    /// As PostgreSQL does, it demands that timelines ascend and stay below `timeline`.
    pub fn parse(timeline: TimelineId, text: &str) -> Result<Self, InvalidHistory> {
        let mut history = Self::root(timeline);
        for (index, line) in text.lines().enumerate() {
            let line = line.trim_start();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            history.push_line(line).map_err(|problem| InvalidHistory {
                timeline,
                line: index + 1,
                problem,
            })?;
        }
        Ok(history)
    }

    /// Returns the timeline whose history this is.
    pub fn timeline(&self) -> TimelineId {
        self.timeline
    }

    /// Returns the ancestors, oldest first.
    pub fn ancestors(&self) -> &[HistoryEntry] {
        &self.ancestors
    }

    /// Returns the timeline from which this one branched off.
    pub fn parent(&self) -> Option<TimelineId> {
        self.ancestors.last().map(|entry| entry.timeline)
    }

    /// Returns where this history left the ancestor `timeline`.
    pub fn switch_point(&self, timeline: TimelineId) -> Option<Lsn> {
        self.ancestors
            .iter()
            .find(|entry| entry.timeline == timeline)
            .map(|entry| entry.switch_point)
    }

    /// Returns whether a server that was at `lsn` on `timeline` can follow this history.
    ///
    /// True on the timeline itself, and on an ancestor up to where this history left it.
    pub fn descends_from(&self, timeline: TimelineId, lsn: Lsn) -> bool {
        timeline == self.timeline
            || self
                .switch_point(timeline)
                .is_some_and(|switch_point| lsn <= switch_point)
    }

    /// Returns the timeline on which this history wrote the byte at `lsn`.
    pub fn timeline_of(&self, lsn: Lsn) -> TimelineId {
        self.ancestors
            .iter()
            .find(|entry| lsn < entry.switch_point)
            .map_or(self.timeline, |entry| entry.timeline)
    }

    fn push_line(&mut self, line: &str) -> Result<(), String> {
        let (timeline, rest) = split_word(line);
        let (switch_point, reason) = split_word(rest);
        let entry = HistoryEntry {
            timeline: decimal_timeline(timeline)?,
            switch_point: switch_point
                .parse()
                .map_err(|_| format!("`{switch_point}` is not a WAL position"))?,
            reason: reason.trim_end().to_owned(),
        };
        self.check_order(entry.timeline)?;
        self.ancestors.push(entry);
        Ok(())
    }

    fn check_order(&self, timeline: TimelineId) -> Result<(), String> {
        let (next, own) = (timeline.get(), self.timeline.get());
        if next >= own {
            return Err(format!("ancestor {next} is not below timeline {own}"));
        }
        match self.parent() {
            Some(last) if last >= timeline => {
                Err(format!("ancestor {next} does not follow {}", last.get()))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for TimelineHistory {
    /// Writes the file as PostgreSQL does: an empty line between entries.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, entry) in self.ancestors.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            let HistoryEntry {
                timeline,
                switch_point,
                reason,
            } = entry;
            writeln!(f, "{separator}{}\t{switch_point}\t{reason}", timeline.get())?;
        }
        Ok(())
    }
}

fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_once(char::is_whitespace).unwrap_or((text, ""))
}

fn decimal_timeline(text: &str) -> Result<TimelineId, String> {
    text.parse()
        .ok()
        .filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|number| TimelineId::new(number).ok())
        .ok_or_else(|| format!("`{text}` is not the number of a timeline"))
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn timeline(number: u32) -> TimelineId {
        TimelineId::new(number).unwrap()
    }

    fn history(number: u32, text: &str) -> Result<TimelineHistory, InvalidHistory> {
        TimelineHistory::parse(timeline(number), text)
    }

    const THREE: &str = "1\t0/18000ED8\tno recovery target specified\n\
                         \n2\t0/1A000000\tbefore 2026-11-22 12:00:00+00\n";

    #[test]
    fn what_postgresql_wrote_is_read_and_written_back() {
        let three = history(4, THREE).unwrap();

        assert_eq!(three.to_string(), THREE);
        assert_eq!(three.parent(), Some(timeline(2)));
        assert_eq!(three.ancestors()[0].reason, "no recovery target specified");
        assert_eq!(three.switch_point(timeline(1)), Some(Lsn::new(0x1800_0ED8)));
        assert_eq!(three.switch_point(timeline(3)), None);
    }

    #[test]
    fn the_history_of_a_real_second_promotion_round_trips() {
        let text = include_str!("../../tests/fixtures/pg/15-promoted/00000003.history");
        let three = history(3, text).unwrap();

        assert_eq!(three.switch_point(timeline(2)), Some(Lsn::new(0x0151_68F0)));
        assert_eq!(three.to_string(), text);
    }

    #[test]
    fn comments_empty_lines_and_missing_reasons_are_accepted() {
        let text = "# edited\n\n  1  0/100 \r\n3\t1/0\n  # end";
        let parsed = history(5, text).unwrap();

        assert_eq!(parsed.to_string(), "1\t0/100\t\n\n3\t1/0\t\n");
    }

    #[test]
    fn a_timeline_without_ancestors_descends_from_itself_only() {
        let root = TimelineHistory::root(TimelineId::FIRST);

        assert_eq!(root.to_string(), "");
        assert!(root.descends_from(TimelineId::FIRST, Lsn::new(u64::MAX)));
        assert!(!root.descends_from(timeline(2), Lsn::INVALID));
    }

    #[test]
    fn an_ancestor_counts_up_to_its_switch_point() {
        let three = history(4, THREE).unwrap();
        let switch_point = three.switch_point(timeline(2)).unwrap();
        let beyond = switch_point.checked_add(1).unwrap();

        assert!(three.descends_from(timeline(2), switch_point));
        assert!(!three.descends_from(timeline(2), beyond));
        assert!(three.descends_from(timeline(4), beyond));
        assert!(!three.descends_from(timeline(3), Lsn::INVALID));
        assert_eq!(three.timeline_of(Lsn::new(1)), timeline(1));
        assert_eq!(three.timeline_of(switch_point), timeline(4));
    }

    #[test]
    fn errors_tell_the_line_and_the_problem() {
        for (text, line, problem) in [
            ("x\t0/1\t", 1, "`x` is not the number of a timeline"),
            ("+1\t0/1\t", 1, "`+1` is not the number of a timeline"),
            ("0\t0/1\t", 1, "`0` is not the number of a timeline"),
            ("#\n1\n", 2, "`` is not a WAL position"),
            ("1\tzero\n", 1, "`zero` is not a WAL position"),
            ("1\t0/1\t\n\n1\t0/2\t", 3, "ancestor 1 does not follow 1"),
            ("9\t0/1\t", 1, "ancestor 9 is not below timeline 9"),
        ] {
            let error = history(9, text).unwrap_err();
            assert_eq!((error.line(), error.problem.as_str()), (line, problem));
            assert_eq!(
                error.to_string(),
                format!("line {line} of the history of timeline 00000009: {problem}")
            );
        }
    }

    proptest! {
        #[test]
        fn text_form_round_trips(entries in vec((any::<u64>(), "[a-z]?[a-z ]{0,20}[a-z]"), 0..8)) {
            let ancestors = (1..).zip(entries).map(|(number, (lsn, reason))| HistoryEntry {
                timeline: timeline(number),
                switch_point: Lsn::new(lsn),
                reason: reason.trim().to_owned(),
            });
            let known = TimelineHistory { timeline: timeline(99), ancestors: ancestors.collect() };

            prop_assert_eq!(history(99, &known.to_string()), Ok(known));
        }

        #[test]
        fn any_text_is_read_or_refused(text: String) {
            if let Ok(known) = history(9, &text) {
                prop_assert_eq!(history(9, &known.to_string()), Ok(known));
            }
        }
    }
}
