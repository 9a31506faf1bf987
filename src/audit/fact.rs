//! What an audit finds.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{
    destination::DestinationId,
    pg::{SegmentName, SegmentRange, SystemId, TimelineId},
    retention::Refusal,
};

/// How bad something is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Notice,
    /// A restore is possible, but not all that should be.
    Warning,
    /// The destination cannot restore what it is there for.
    Critical,
}

/// Something that an audit found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// The destination.
    pub destination: DestinationId,
    /// How bad it is.
    pub severity: Severity,
    /// What it is.
    #[serde(flatten)]
    pub fact: Fact,
    /// As a sentence.
    pub message: String,
    /// What to do, as a sentence.
    pub hint: &'static str,
}

impl Finding {
    pub(super) fn new(destination: &DestinationId, fact: Fact) -> Self {
        Self {
            destination: destination.clone(),
            severity: fact.severity(),
            message: fact.to_string(),
            hint: fact.hint(),
            fact,
        }
    }
}

/// What is the case.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fact {
    /// It could not be read.
    Unreadable {
        /// Why not.
        error: String,
    },
    /// No complete backup is there.
    NoBackup,
    /// Complete backups are there, and none of them can be restored.
    NothingRestorable,
    /// A complete backup cannot be restored.
    NotRestorable {
        /// The backup.
        backup: String,
        /// The first segment that it lacks; `None` if it is something else.
        segment: Option<SegmentName>,
        /// Whether it is the newest complete one.
        is_newest: bool,
    },
    /// A backup's objects are not as its record says.
    Objects {
        /// The backup.
        backup: String,
        /// What is wrong.
        problem: String,
    },
    /// Segments are missing, so that no backup leads to the newest WAL.
    CutOff {
        /// What is missing.
        #[serde(flatten)]
        range: SegmentRange,
        /// How many that are.
        segments: u64,
    },
    /// Segments are missing; what follows can be restored from a later backup alone.
    Hole {
        /// What is missing.
        #[serde(flatten)]
        range: SegmentRange,
        /// How many that are.
        segments: u64,
    },
    /// The history of a timeline is missing, without which recovery does not find it.
    NoHistory {
        /// The timeline.
        timeline: TimelineId,
        /// Whether it is the newest one.
        is_newest: bool,
    },
    /// It has less WAL than another destination, for longer than is tolerated.
    Behind {
        /// The other one.
        best: DestinationId,
        /// How many segments that are.
        segments: u64,
        /// For how long, in seconds.
        seconds: i64,
    },
    /// Another destination holds a newer backup.
    OlderBackup {
        /// The other one.
        best: DestinationId,
        /// What it calls the backup.
        backup: String,
    },
    /// The newest WAL is older than it may be.
    WalTooOld {
        /// When it was stored; `None` if there is none.
        newest: Option<Timestamp>,
    },
    /// The newest backup that can be restored is older than it may be.
    BackupTooOld {
        /// When it ended; `None` if there is none.
        newest: Option<Timestamp>,
    },
    /// It holds another cluster than the destinations before it.
    OtherCluster {
        /// What it holds.
        found: SystemId,
        /// What the others hold.
        expected: SystemId,
    },
    /// The record of a backup cannot be understood.
    DamagedRecord {
        /// The backup.
        backup: String,
        /// What is wrong.
        problem: String,
    },
    /// The last backup failed.
    Failed {
        /// The backup.
        backup: String,
        /// Why, where that is recorded.
        reason: Option<String>,
    },
    /// Somebody takes a backup, or was stopped.
    Unfinished {
        /// The backup.
        backup: String,
        /// When something was last heard of it.
        since: Option<Timestamp>,
        /// Whether that is so long ago that nobody works on it.
        is_abandoned: bool,
    },
    /// Objects are there that are not the layout's.
    Foreign {
        /// How many.
        objects: u64,
        /// Their size.
        bytes: u64,
        /// The first of them.
        examples: Vec<String>,
    },
    /// Uploads were begun and did not end: they cost as objects do, and no listing shows them.
    Uploads {
        /// How many.
        count: u64,
        /// When the oldest was begun, where known.
        oldest: Option<Timestamp>,
        /// Whether that is so long ago that nobody works on it.
        are_abandoned: bool,
    },
    /// Retention does less than its policy says.
    Retention(Refusal),
    /// A policy wants a backup for each of these, and they are taken less often.
    TooSeldom {
        /// What the policy counts: hours, days, …
        wanted: &'static str,
        /// The usual time between two backups, in seconds.
        every: i64,
    },
    /// The newest backup is older than the time for which the policy keeps backups.
    OlderThanPolicy {
        /// When it ended.
        newest: Timestamp,
        /// The policy.
        policy: String,
    },
    /// Something was not read again within the time in which everything is to be.
    NotProved {
        /// When the oldest of it was last read; `None` if never.
        since: Option<Timestamp>,
        /// How many segments and backups are due.
        due: u64,
    },
    /// Nothing was restored for practice within the time in which it is to be.
    NoDrill {
        /// When that was last done; `None` if never.
        last: Option<Timestamp>,
    },
    /// The last restore for practice failed.
    DrillFailed {
        /// When that was.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// The content of something is damaged.
    Corrupt {
        /// The segment, file or backup.
        what: String,
        /// What is wrong.
        problem: String,
    },
    /// Destinations hold different content under one name.
    Conflict {
        /// The file.
        name: String,
        /// Who holds something else.
        other: DestinationId,
    },
}

impl Fact {
    /// Returns how bad it is.
    pub fn severity(&self) -> Severity {
        match self {
            Self::Unreadable { .. }
            | Self::NoBackup
            | Self::NothingRestorable
            | Self::CutOff { .. }
            | Self::WalTooOld { .. }
            | Self::BackupTooOld { .. }
            | Self::OtherCluster { .. }
            | Self::DrillFailed { .. }
            | Self::Corrupt { .. }
            | Self::Conflict { .. }
            | Self::NoHistory {
                is_newest: true, ..
            }
            | Self::NotRestorable {
                is_newest: true, ..
            } => Severity::Critical,
            Self::Retention(refusal) => match refusal {
                Refusal::Wal { .. } | Refusal::InProgress { .. } => Severity::Notice,
                _ => Severity::Warning,
            },
            Self::Foreign { .. }
            | Self::Unfinished {
                is_abandoned: false,
                ..
            }
            | Self::Uploads {
                are_abandoned: false,
                ..
            } => Severity::Notice,
            Self::NotRestorable { .. }
            | Self::Objects { .. }
            | Self::Hole { .. }
            | Self::NoHistory { .. }
            | Self::Behind { .. }
            | Self::OlderBackup { .. }
            | Self::DamagedRecord { .. }
            | Self::Failed { .. }
            | Self::Unfinished { .. }
            | Self::Uploads { .. }
            | Self::TooSeldom { .. }
            | Self::OlderThanPolicy { .. }
            | Self::NotProved { .. }
            | Self::NoDrill { .. } => Severity::Warning,
        }
    }

    /// Returns what to do, as a full sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "Make it readable: until then nobody knows what it holds.",
            Self::NoBackup | Self::NothingRestorable => {
                "Copy a backup there with `walcast heal`, or take one with `walcast backup`."
            }
            Self::NotRestorable { .. }
            | Self::CutOff { .. }
            | Self::Hole { .. }
            | Self::NoHistory { .. }
            | Self::OlderBackup { .. }
            | Self::Objects { .. }
            | Self::DamagedRecord { .. } => {
                "See with `walcast heal --dry-run` what other destinations have of it."
            }
            Self::Behind { .. } => {
                "See `walcast status`: what is owed comes by itself; `walcast heal` brings the rest."
            }
            Self::WalTooOld { .. } => {
                "See whether PostgreSQL archives: `select * from pg_stat_archiver`; a quiet server \
                 archives nothing unless archive_timeout is set."
            }
            Self::BackupTooOld { .. } | Self::OlderThanPolicy { .. } | Self::Failed { .. } => {
                "See why no backup came: the schedule, its suspension, the last failed backup."
            }
            Self::OtherCluster { .. } => "Give each cluster a place of its own.",
            Self::Unfinished { .. } => {
                "Nothing needs to be done: the next `walcast backup` on that machine removes what \
                 a killed one left, any other one after 72 hours."
            }
            Self::Foreign { .. } => {
                "Nothing touches them; keep other things out of a repository's place."
            }
            Self::Uploads { .. } => {
                "Have the bucket abort incomplete uploads after a few days by a lifecycle rule."
            }
            Self::Retention(refusal) => refusal.hint(),
            Self::TooSeldom { .. } => "Take backups more often, or ask for fewer generations.",
            Self::NotProved { .. } => {
                "Run `walcast audit --level digests` more often, or with a larger budget."
            }
            Self::NoDrill { .. } => "Run `walcast drill`.",
            Self::DrillFailed { .. } => {
                "Read the drill's log: this destination could not be restored."
            }
            Self::Corrupt { .. } => {
                "Have it replaced from a destination that holds it sound: `walcast heal --corrupt`."
            }
            Self::Conflict { .. } => {
                "Two servers may have archived to one place: find out which one is right, and keep \
                 both until then."
            }
        }
    }
}

impl fmt::Display for Fact {
    #[expect(clippy::too_many_lines, reason = "each fact has its words")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { error } => write!(f, "it cannot be read: {error}"),
            Self::NoBackup => f.write_str("no complete backup is there: nothing can be restored"),
            Self::NothingRestorable => f.write_str("none of its backups can be restored"),
            Self::NotRestorable {
                backup,
                segment,
                is_newest,
            } => {
                let newest = if *is_newest { "the newest, " } else { "" };
                match segment {
                    Some(segment) => {
                        write!(
                            f,
                            "backup {backup}, {newest}cannot be restored: {segment} is missing"
                        )
                    }
                    None => {
                        write!(
                            f,
                            "backup {backup}, {newest}cannot be restored: objects are missing"
                        )
                    }
                }
            }
            Self::Objects { backup, problem } => write!(f, "backup {backup}: {problem}"),
            Self::CutOff { range, segments } => write!(
                f,
                "no backup leads to the newest WAL: {} missing",
                Missing(*range, *segments)
            ),
            Self::Hole { range, segments } => write!(f, "{} missing", Missing(*range, *segments)),
            Self::NoHistory { timeline, .. } => {
                write!(f, "the history of timeline {timeline} is missing")
            }
            Self::Behind {
                best,
                segments,
                seconds,
            } => write!(
                f,
                "{segments} segments behind {best}, for {}",
                Span(*seconds)
            ),
            Self::OlderBackup { best, backup } => {
                write!(f, "{best} holds a newer backup, {backup}")
            }
            Self::WalTooOld { newest: None } => f.write_str("no WAL is there"),
            Self::WalTooOld {
                newest: Some(newest),
            } => write!(f, "no WAL came since {}", Second(*newest)),
            Self::BackupTooOld { newest: None } => f.write_str("no backup can be restored"),
            Self::BackupTooOld {
                newest: Some(newest),
            } => write!(f, "no backup came since {}", Second(*newest)),
            Self::OtherCluster { found, expected } => {
                write!(f, "it holds cluster {found}, others hold {expected}")
            }
            Self::DamagedRecord { backup, problem } => {
                write!(f, "the record of backup {backup} is damaged: {problem}")
            }
            Self::Failed { backup, reason } => {
                write!(f, "the last backup, {backup}, failed")?;
                match reason {
                    Some(reason) => write!(f, ": {reason}"),
                    None => Ok(()),
                }
            }
            Self::Unfinished {
                backup,
                since,
                is_abandoned,
            } => {
                let what = if *is_abandoned { "was left" } else { "is" };
                write!(f, "backup {backup} {what} unfinished")?;
                match since {
                    Some(since) => write!(f, " since {}", Second(*since)),
                    None => Ok(()),
                }
            }
            Self::Foreign {
                objects,
                bytes,
                examples,
            } => {
                write!(f, "{objects} objects of {bytes} bytes are foreign")?;
                match examples.first() {
                    Some(first) => write!(f, ", such as {first}"),
                    None => Ok(()),
                }
            }
            Self::Uploads { count, oldest, .. } => {
                write!(f, "{count} uploads did not end")?;
                match oldest {
                    Some(oldest) => write!(f, ", the oldest since {}", Second(*oldest)),
                    None => Ok(()),
                }
            }
            Self::Retention(refusal) => write!(f, "retention: {refusal}"),
            Self::TooSeldom { wanted, every } => write!(
                f,
                "the policy counts {wanted}, and backups come every {}",
                Span(*every)
            ),
            Self::OlderThanPolicy { newest, policy } => write!(
                f,
                "the newest backup is of {}, longer ago than `{policy}` keeps backups",
                Second(*newest)
            ),
            Self::NotProved { since: None, due } => {
                write!(f, "{due} segments and backups were never read again")
            }
            Self::NotProved {
                since: Some(since),
                due,
            } => write!(
                f,
                "{due} segments and backups were not read again since {}",
                Second(*since)
            ),
            Self::NoDrill { last: None } => f.write_str("it was never restored for practice"),
            Self::NoDrill { last: Some(last) } => {
                write!(f, "it was last restored for practice at {}", Second(*last))
            }
            Self::DrillFailed { at, reason } => {
                write!(
                    f,
                    "the restore for practice at {} failed: {reason}",
                    Second(*at)
                )
            }
            Self::Corrupt { what, problem } => write!(f, "{what} is damaged: {problem}"),
            Self::Conflict { name, other } => {
                write!(f, "{name} has other content than in {other}")
            }
        }
    }
}

/// Segments that are missing.
struct Missing(SegmentRange, u64);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(range, segments) = self;
        if *segments == 1 {
            write!(f, "segment {} is", range.first)
        } else {
            write!(
                f,
                "{segments} segments, {} to {}, are",
                range.first, range.last
            )
        }
    }
}

/// A time in whole seconds.
pub(super) struct Second(pub(super) Timestamp);

impl fmt::Display for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let second = Timestamp::from_second(self.0.as_second()).unwrap_or(self.0);
        second.fmt(f)
    }
}

/// A number of seconds as a person says it.
struct Span(i64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = SignedDuration::from_secs(self.0);
        write!(f, "{span:#}")
    }
}
