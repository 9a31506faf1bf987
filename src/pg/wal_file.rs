use std::{cmp::Ordering, fmt, str::FromStr};

use super::{SegmentName, TimelineId, upper_hex};

/// A text is not the name of a WAL file.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{name}` is not the name of a WAL file")]
pub struct InvalidWalName {
    name: String,
}

impl InvalidWalName {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
        }
    }

    /// Tells the user what to do.
    pub fn hint(&self) -> &'static str {
        "Pass the bare file name as PostgreSQL writes it (`%f` in archive_command): 24 upper-case \
         hexadecimal digits, with `.partial` or `.<8 digits>.backup` behind them, or 8 digits and \
         `.history`."
    }
}

/// The name of a file that PostgreSQL archives.
///
/// # Order
///
/// Archive order: by timeline; a timeline's history file first, then by segment; for one segment
/// the complete file, the partial one, then backup labels by offset. A sorted listing therefore
/// never shows WAL of a timeline before the file that explains where the timeline comes from.
/// PostgreSQL's archiver goes one step further and sends *all* history files before anything else.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum WalFileName {
    /// A complete segment: `000000010000000000000001`.
    Segment(SegmentName),
    /// The unfinished last segment of a timeline that a promotion ended: `….partial`.
    Partial(SegmentName),
    /// The label of a base backup that began in this segment: `….00000028.backup`.
    BackupLabel {
        /// The segment in which the backup began.
        segment: SegmentName,
        /// Where in the segment it began, in bytes.
        offset: u32,
    },
    /// Where a timeline branched off: `00000002.history`.
    History(TimelineId),
}

impl WalFileName {
    /// Reads a base name (no directory, no compression suffix), upper-case digits only.
    pub fn parse(name: &str) -> Result<Self, InvalidWalName> {
        Self::from_parts(name).ok_or_else(|| InvalidWalName::new(name))
    }

    /// Returns the timeline.
    pub fn timeline(self) -> TimelineId {
        match self {
            Self::History(timeline) => timeline,
            Self::Segment(segment) | Self::Partial(segment) | Self::BackupLabel { segment, .. } => {
                segment.timeline()
            }
        }
    }

    /// Returns the segment that the file is or belongs to; history files have none.
    pub fn segment(self) -> Option<SegmentName> {
        match self {
            Self::History(_) => None,
            Self::Segment(segment) | Self::Partial(segment) | Self::BackupLabel { segment, .. } => {
                Some(segment)
            }
        }
    }

    /// Returns whether this is a complete segment.
    pub fn is_segment(self) -> bool {
        matches!(self, Self::Segment(_))
    }

    fn from_parts(name: &str) -> Option<Self> {
        let Some((digits, suffix)) = name.split_once('.') else {
            return SegmentName::parse(name).ok().map(Self::Segment);
        };
        match suffix {
            "history" => digits.parse().ok().map(Self::History),
            "partial" => digits.parse().ok().map(Self::Partial),
            _ => Some(Self::BackupLabel {
                segment: digits.parse().ok()?,
                offset: upper_hex(suffix.strip_suffix(".backup")?, 8)?,
            }),
        }
    }

    fn archive_order(self) -> (TimelineId, Option<SegmentName>, u8, u32) {
        let (kind, offset) = match self {
            Self::History(_) | Self::Segment(_) => (0, 0),
            Self::Partial(_) => (1, 0),
            Self::BackupLabel { offset, .. } => (2, offset),
        };
        (self.timeline(), self.segment(), kind, offset)
    }
}

impl From<SegmentName> for WalFileName {
    fn from(segment: SegmentName) -> Self {
        Self::Segment(segment)
    }
}

impl Ord for WalFileName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.archive_order().cmp(&other.archive_order())
    }
}

impl PartialOrd for WalFileName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for WalFileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Segment(segment) => segment.fmt(f),
            Self::Partial(segment) => write!(f, "{segment}.partial"),
            Self::BackupLabel { segment, offset } => write!(f, "{segment}.{offset:08X}.backup"),
            Self::History(timeline) => write!(f, "{timeline}.history"),
        }
    }
}

impl FromStr for WalFileName {
    type Err = InvalidWalName;

    fn from_str(text: &str) -> Result<Self, InvalidWalName> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::segment_name::strategy, *};

    fn file() -> impl Strategy<Value = WalFileName> {
        prop_oneof![
            strategy::name().prop_map(WalFileName::Segment),
            strategy::name().prop_map(WalFileName::Partial),
            (strategy::name(), any::<u32>())
                .prop_map(|(segment, offset)| WalFileName::BackupLabel { segment, offset }),
            strategy::timeline().prop_map(WalFileName::History),
        ]
    }

    #[test]
    fn each_kind_of_name_is_recognised() {
        let segment = SegmentName::parse("000000010000000000000006").unwrap();

        for (text, file) in [
            ("000000010000000000000006", WalFileName::Segment(segment)),
            (
                "000000010000000000000006.partial",
                WalFileName::Partial(segment),
            ),
            (
                "000000010000000000000006.00000028.backup",
                WalFileName::BackupLabel {
                    segment,
                    offset: 0x28,
                },
            ),
            ("00000001.history", WalFileName::History(TimelineId::FIRST)),
        ] {
            assert_eq!(WalFileName::parse(text), Ok(file));
            assert_eq!(file.to_string(), text);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            ".",
            "history",
            ".history",
            "00000000.history",
            "00000002.History",
            "00000002.history.gz",
            "0000000a.history",
            "pg_wal/000000010000000000000006",
            "000000010000000000000006.gz",
            "000000010000000000000006.backup",
            "000000010000000000000006.28.backup",
            "000000010000000000000006.00000028.backup.partial",
            "000000010000000000000006.partial.partial",
            "000000010000000000000006\n",
        ] {
            let error = WalFileName::parse(text).unwrap_err();
            assert_eq!(error, InvalidWalName::new(text));
            assert!(error.hint().ends_with('.'));
        }
    }

    #[test]
    fn archive_order_puts_history_first_and_keeps_a_segment_together() {
        let expected = [
            "000000010000000000000006",
            "000000010000000000000006.partial",
            "000000010000000000000006.00000028.backup",
            "000000010000000000000006.00000128.backup",
            "000000010000000000000007",
            "00000002.history",
            "000000020000000000000005",
        ];

        let mut files = expected.map(|text| WalFileName::parse(text).unwrap());
        files.reverse();
        files.sort();

        assert_eq!(files.map(|file| file.to_string()), expected);
    }

    proptest! {
        #[test]
        fn text_form_round_trips_also_in_json(file in file()) {
            let json = serde_json::to_string(&file).unwrap();

            prop_assert_eq!(file.to_string().parse(), Ok(file));
            prop_assert_eq!(serde_json::from_str::<WalFileName>(&json).unwrap(), file);
        }

        #[test]
        fn order_agrees_with_equality(a in file(), b in file()) {
            prop_assert_eq!(a.cmp(&b) == Ordering::Equal, a == b);
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        }

        #[test]
        fn any_text_is_refused_or_is_its_own_display(text in "[0-9A-Fa-f.]{0,40}|.*") {
            if let Ok(file) = WalFileName::parse(&text) {
                prop_assert_eq!(file.to_string(), text);
            }
        }
    }
}
