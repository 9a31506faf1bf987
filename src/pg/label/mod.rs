use std::fmt;

use super::{Lsn, SegmentName, SegmentSize, TimelineId, WalFileName};

/// A text is not a backup label or a backup history file.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("line {line} of the backup label: {problem}")]
pub struct InvalidLabel {
    line: usize,
    problem: String,
}

impl InvalidLabel {
    /// Returns the number of the line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }
}

/// What `backup_label` says: where recovery of a base backup begins.
///
/// The text form is PostgreSQL's (`build_backup_content` in `xlogbackup.c`, before version 15
/// `do_pg_start_backup` in `xlog.c`), byte for byte.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BackupLabel {
    /// Where the backup began: the redo position of its checkpoint.
    pub start: Lsn,
    /// The segment that contains `start`.
    pub start_segment: SegmentName,
    /// Where the record of the backup's checkpoint is.
    pub checkpoint: Lsn,
    /// How the backup was begun.
    pub method: BackupMethod,
    /// What the server was.
    pub origin: BackupOrigin,
    /// When the backup began, in the server's `log_timezone` and with its abbreviation, which
    /// alone does not tell the offset.
    pub start_time: String,
    /// The label that was given at the start; lines may break in it.
    pub label: String,
    /// The timeline on which the backup began.
    pub start_timeline: TimelineId,
    /// What an incremental backup (PostgreSQL 17 and later) is based on. Recovery refuses to start
    /// from it.
    pub incremental_from: Option<IncrementalFrom>,
}

/// How a base backup was begun.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum BackupMethod {
    /// Non-exclusively, or by the replication protocol.
    Streamed,
    /// Exclusively, which PostgreSQL 13 and 14 still know.
    Exclusive,
}

/// What a server was when a base backup of it began.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum BackupOrigin {
    /// A primary.
    Primary,
    /// A primary, in the word of PostgreSQL 13.
    Master,
    /// A standby.
    Standby,
}

/// What an incremental backup is based on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IncrementalFrom {
    /// Where the earlier backup began.
    pub lsn: Lsn,
    /// The timeline on which it began.
    pub timeline: TimelineId,
}

impl BackupLabel {
    /// The file's name in the data directory.
    pub const FILE_NAME: &'static str = "backup_label";

    /// Reads the content of `backup_label`.
    ///
    /// Lines that later versions may add at the end are passed over.
    pub fn parse(text: &str) -> Result<Self, InvalidLabel> {
        let mut lines = Lines::new(text);
        let start = lines.field("START WAL LOCATION", position)?;
        let mut label = Self::read(&mut lines, start)?;
        label.incremental_from = IncrementalFrom::read(&mut lines)?;
        Ok(label)
    }

    /// Reads what a label and a history file have in common, from the second position on.
    fn read(
        lines: &mut Lines<'_>,
        (start, start_segment): (Lsn, SegmentName),
    ) -> Result<Self, InvalidLabel> {
        let label = Self {
            start,
            start_segment,
            checkpoint: lines.field("CHECKPOINT LOCATION", lsn)?,
            method: lines.field("BACKUP METHOD", BackupMethod::from_word)?,
            origin: lines.field("BACKUP FROM", BackupOrigin::from_word)?,
            start_time: lines.text("START TIME")?,
            label: lines.text_before("LABEL", "START TIMELINE")?,
            start_timeline: lines.field("START TIMELINE", timeline)?,
            incremental_from: None,
        };
        if label.start_timeline != start_segment.timeline() {
            let timeline = label.start_timeline.get();
            return Err(lines.error(format!(
                "timeline {timeline} is not that of the segment {start_segment}"
            )));
        }
        Ok(label)
    }

    fn write_common(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let timeline = self.start_timeline.get();
        writeln!(f, "CHECKPOINT LOCATION: {}", self.checkpoint)?;
        writeln!(f, "BACKUP METHOD: {}", self.method.word())?;
        writeln!(f, "BACKUP FROM: {}", self.origin.word())?;
        writeln!(f, "START TIME: {}", self.start_time)?;
        writeln!(f, "LABEL: {}", self.label)?;
        writeln!(f, "START TIMELINE: {timeline}")
    }

    fn write_incremental(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(from) = self.incremental_from else {
            return Ok(());
        };
        writeln!(f, "INCREMENTAL FROM LSN: {}", from.lsn)?;
        writeln!(f, "INCREMENTAL FROM TLI: {}", from.timeline.get())
    }
}

impl fmt::Display for BackupLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, segment) = (self.start, self.start_segment);
        writeln!(f, "START WAL LOCATION: {start} (file {segment})")?;
        self.write_common(f)?;
        self.write_incremental(f)
    }
}

/// What a backup history file says: the label of a backup, and where it ended.
///
/// PostgreSQL writes it into `pg_wal` when a backup of a primary ends, and archives it; its name
/// ends in `.backup`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BackupHistory {
    /// How the backup began.
    pub label: BackupLabel,
    /// Where the backup ended: recovery is consistent from here on.
    pub stop: Lsn,
    /// The segment that contains `stop`.
    pub stop_segment: SegmentName,
    /// When it ended, written like [`BackupLabel::start_time`].
    pub stop_time: String,
    /// The timeline on which it ended.
    pub stop_timeline: TimelineId,
}

impl BackupHistory {
    /// Reads the content of a backup history file.
    pub fn parse(content: &str) -> Result<Self, InvalidLabel> {
        let mut lines = Lines::new(content);
        let start = lines.field("START WAL LOCATION", position)?;
        let (stop, stop_segment) = lines.field("STOP WAL LOCATION", position)?;
        let label = BackupLabel::read(&mut lines, start)?;
        let mut history = Self {
            label,
            stop,
            stop_segment,
            stop_time: lines.text("STOP TIME")?,
            stop_timeline: lines.field("STOP TIMELINE", timeline)?,
        };
        history.label.incremental_from = IncrementalFrom::read(&mut lines)?;
        Ok(history)
    }

    /// Returns the name under which it is archived.
    pub fn file_name(&self, size: SegmentSize) -> WalFileName {
        let offset = self.label.start.get() % size.bytes();
        WalFileName::BackupLabel {
            segment: self.label.start_segment.on(self.stop_timeline),
            offset: u32::try_from(offset).expect("a segment has at most 1 GiB"),
        }
    }
}

impl fmt::Display for BackupHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, start_segment) = (self.label.start, self.label.start_segment);
        let (stop, stop_segment) = (self.stop, self.stop_segment);
        writeln!(f, "START WAL LOCATION: {start} (file {start_segment})")?;
        writeln!(f, "STOP WAL LOCATION: {stop} (file {stop_segment})")?;
        self.label.write_common(f)?;
        writeln!(f, "STOP TIME: {}", self.stop_time)?;
        writeln!(f, "STOP TIMELINE: {}", self.stop_timeline.get())?;
        self.label.write_incremental(f)
    }
}

impl BackupMethod {
    const fn word(self) -> &'static str {
        match self {
            Self::Streamed => "streamed",
            Self::Exclusive => "pg_start_backup",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        let all = [Self::Streamed, Self::Exclusive];
        all.into_iter().find(|method| method.word() == word)
    }
}

impl BackupOrigin {
    /// Returns whether it is a standby, of which a backup has no history file.
    pub const fn is_standby(self) -> bool {
        matches!(self, Self::Standby)
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Master => "master",
            Self::Standby => "standby",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        let all = [Self::Primary, Self::Master, Self::Standby];
        all.into_iter().find(|origin| origin.word() == word)
    }
}

impl IncrementalFrom {
    fn read(lines: &mut Lines<'_>) -> Result<Option<Self>, InvalidLabel> {
        if !lines.rest.starts_with("INCREMENTAL FROM LSN: ") {
            return Ok(None);
        }
        Ok(Some(Self {
            lsn: lines.field("INCREMENTAL FROM LSN", lsn)?,
            timeline: lines.field("INCREMENTAL FROM TLI", timeline)?,
        }))
    }
}

/// The lines that are not yet read.
struct Lines<'a> {
    rest: &'a str,
    /// The number of the line that was read last.
    number: usize,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            number: 0,
        }
    }

    /// Reads the line `name: value`.
    fn field<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, InvalidLabel> {
        let value = self.begin(name)?;
        let (value, rest) = value.split_once('\n').ok_or_else(|| self.cut())?;
        self.rest = rest;
        read(value).ok_or_else(|| self.error(format!("{name} cannot be `{value}`")))
    }

    fn text(&mut self, name: &str) -> Result<String, InvalidLabel> {
        self.field(name, |value| Some(value.to_owned()))
    }

    /// Reads a text in which lines may break, up to the last line that begins with `next`.
    fn text_before(&mut self, name: &str, next: &str) -> Result<String, InvalidLabel> {
        let value = self.begin(name)?;
        let end = value
            .rfind(&format!("\n{next}: "))
            .ok_or_else(|| self.cut())?;
        let (value, rest) = value.split_at(end);
        self.rest = &rest[1..];
        self.number += value.matches('\n').count();
        Ok(value.to_owned())
    }

    /// Steps to the next line and returns everything behind the name with which it begins.
    fn begin(&mut self, name: &str) -> Result<&'a str, InvalidLabel> {
        self.number += 1;
        self.rest
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix(": "))
            .ok_or_else(|| self.error(format!("{name} was expected")))
    }

    fn cut(&self) -> InvalidLabel {
        self.error("the text ends here".to_owned())
    }

    fn error(&self, problem: String) -> InvalidLabel {
        let line = self.number;
        InvalidLabel { line, problem }
    }
}

/// Reads `0/2000028 (file 000000010000000000000002)`.
fn position(text: &str) -> Option<(Lsn, SegmentName)> {
    let (lsn, file) = text.split_once(" (file ")?;
    let segment = SegmentName::parse(file.strip_suffix(')')?).ok()?;
    Some((lsn.parse().ok()?, segment))
}

fn lsn(text: &str) -> Option<Lsn> {
    text.parse().ok()
}

fn timeline(text: &str) -> Option<TimelineId> {
    let number: u32 = text.parse().ok()?;
    TimelineId::new(number).ok()
}

#[cfg(test)]
mod tests;
