//! Where recovery ends, and how PostgreSQL is told.
//!
//! PostgreSQL 13 to 18 take the same settings (`src/backend/utils/misc/guc_tables.c`, until 15
//! `guc.c`). At most one of the five that name a target may have a value, wherever it was given,
//! and an empty one resets whatever was there before it; so the empty ones come first.

use std::fmt;

use jiff::{Timestamp, tz::TimeZone};

use crate::pg::{Lsn, TimelineId};

/// Where recovery ends.
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RecoveryTarget {
    /// At the end of the archive.
    #[default]
    Latest,
    /// At the last transaction that was committed by then.
    Time(Timestamp),
    /// At a position.
    Lsn(Lsn),
    /// At a restore point, made by `pg_create_restore_point`.
    Name(String),
    /// At the end of a transaction.
    Xid(u64),
    /// As soon as the server is consistent.
    Immediate,
}

/// Which way recovery takes where the history branches off.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum TargetTimeline {
    /// To the newest timeline in the archive.
    #[default]
    Latest,
    /// It stays on the timeline on which the backup was taken.
    Current,
    /// To this timeline.
    Number(TimelineId),
}

/// What the server does when it reaches its target.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum TargetAction {
    /// It waits, to be looked at.
    #[default]
    Pause,
    /// It begins a timeline of its own and takes writes.
    Promote,
    /// It shuts down, to be started with another target.
    Shutdown,
}

/// What the restored server is to be.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Purpose {
    /// A server of its own, once it has recovered.
    #[default]
    Recover,
    /// A standby, which goes on to follow.
    Standby,
}

/// What the restored server is told about its recovery.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecoverySettings {
    /// The command that fetches a file of the archive, with `%f` and `%p`.
    pub restore_command: String,
    /// Where recovery ends.
    pub target: RecoveryTarget,
    /// Whether what is exactly at the target is part of it.
    pub inclusive: bool,
    /// Which timeline it follows.
    pub timeline: TargetTimeline,
    /// What happens at the target.
    pub action: TargetAction,
    /// What the server is to be.
    pub purpose: Purpose,
}

/// A setting of recovery is none that PostgreSQL can read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{setting} {problem}")]
pub struct InvalidRecoverySettings {
    setting: &'static str,
    problem: &'static str,
}

impl RecoverySettings {
    /// The file that has the settings, in the data directory.
    pub const FILE_NAME: &'static str = "postgresql.auto.conf";
    /// The files that make PostgreSQL recover from the archive, in the data directory.
    pub const SIGNAL_FILES: [&'static str; 2] = ["recovery.signal", "standby.signal"];
    /// Most bytes of a restore point's name (`MAXFNAMELEN` less one).
    const MAX_NAME: usize = 63;

    /// Creates settings that recover everything there is.
    pub fn new(restore_command: impl Into<String>) -> Self {
        Self {
            restore_command: restore_command.into(),
            target: RecoveryTarget::default(),
            inclusive: true,
            timeline: TargetTimeline::default(),
            action: TargetAction::default(),
            purpose: Purpose::default(),
        }
    }

    /// Returns the file that must be there, empty; the other one of
    /// [`SIGNAL_FILES`](Self::SIGNAL_FILES) must not.
    pub fn signal_file(&self) -> &'static str {
        let [recover, standby] = Self::SIGNAL_FILES;
        match self.purpose {
            Purpose::Recover => recover,
            Purpose::Standby => standby,
        }
    }

    /// Checks what PostgreSQL would refuse, or misread, when it starts.
    ///
    /// # Errors
    ///
    /// For a value with a control character, an empty command, and a restore point's name that is
    /// empty or longer than 63 bytes.
    pub fn check(&self) -> Result<(), InvalidRecoverySettings> {
        let invalid = |setting, problem| Err(InvalidRecoverySettings { setting, problem });
        if self.restore_command.trim().is_empty() {
            return invalid("restore_command", "is empty");
        }
        if self.restore_command.contains(char::is_control) {
            return invalid("restore_command", "has a control character");
        }
        match &self.target {
            RecoveryTarget::Name(name) if !(1..=Self::MAX_NAME).contains(&name.len()) => {
                invalid("recovery_target_name", "has not 1 to 63 bytes")
            }
            RecoveryTarget::Name(name) if name.contains(char::is_control) => {
                invalid("recovery_target_name", "has a control character")
            }
            _ => Ok(()),
        }
    }

    /// Returns the content of `postgresql.auto.conf` with these settings in place of those that an
    /// earlier recovery left there. All other lines stay as they are.
    ///
    /// # Errors
    ///
    /// Those of [`check`](Self::check).
    pub fn apply(&self, auto_conf: &[u8]) -> Result<Vec<u8>, InvalidRecoverySettings> {
        self.check()?;
        let lines = auto_conf.split_inclusive(|byte| *byte == b'\n');
        let kept = lines.filter(|line| !is_of_recovery(line));
        let mut text = kept.collect::<Vec<_>>().concat();
        if !text.is_empty() && !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        text.extend_from_slice(self.to_string().as_bytes());
        Ok(text)
    }

    fn target_setting(&self) -> Option<(&'static str, String)> {
        Some(match &self.target {
            RecoveryTarget::Latest => return None,
            RecoveryTarget::Immediate => ("recovery_target", "immediate".to_owned()),
            RecoveryTarget::Lsn(lsn) => ("recovery_target_lsn", lsn.to_string()),
            RecoveryTarget::Name(name) => ("recovery_target_name", name.clone()),
            RecoveryTarget::Time(time) => ("recovery_target_time", postgresql_time(*time)),
            RecoveryTarget::Xid(xid) => ("recovery_target_xid", xid.to_string()),
        })
    }
}

/// Writes the settings as lines of `postgresql.auto.conf`.
impl fmt::Display for RecoverySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inclusive = if self.inclusive { "on" } else { "off" };
        let target = self.target_setting();
        writeln!(f, "{COMMENT}")?;
        write_setting(f, "restore_command", &self.restore_command)?;
        write_setting(f, "recovery_target_timeline", &self.timeline.to_string())?;
        write_setting(f, "recovery_target_inclusive", inclusive)?;
        write_setting(f, "recovery_target_action", &self.action.to_string())?;
        for name in TARGETS {
            if target.as_ref().is_none_or(|(set, _)| *set != name) {
                write_setting(f, name, "")?;
            }
        }
        match target {
            Some((name, value)) => write_setting(f, name, &value),
            None => Ok(()),
        }
    }
}

impl fmt::Display for RecoveryTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("the end of the archive"),
            Self::Time(time) => write!(f, "time {time}"),
            Self::Lsn(lsn) => write!(f, "position {lsn}"),
            Self::Name(name) => write!(f, "restore point `{name}`"),
            Self::Xid(xid) => write!(f, "transaction {xid}"),
            Self::Immediate => f.write_str("the end of the backup"),
        }
    }
}

/// Writes the value of `recovery_target_timeline`.
impl fmt::Display for TargetTimeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::Current => f.write_str("current"),
            Self::Number(timeline) => timeline.get().fmt(f),
        }
    }
}

/// Writes the value of `recovery_target_action`.
impl fmt::Display for TargetAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pause => "pause",
            Self::Promote => "promote",
            Self::Shutdown => "shutdown",
        })
    }
}

/// What stands before the settings.
const COMMENT: &str = "# Written by walcast when it restored this data directory.";

/// The settings of which at most one may have a value.
const TARGETS: [&str; 5] = [
    "recovery_target",
    "recovery_target_lsn",
    "recovery_target_name",
    "recovery_target_time",
    "recovery_target_xid",
];

/// Quotes a value as `ALTER SYSTEM` does.
fn write_setting(f: &mut fmt::Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    let quoted = value.replace('\\', r"\\").replace('\'', "''");
    writeln!(f, "{name} = '{quoted}'")
}

/// Returns whether a line is a setting of a recovery, or this program's comment on one. No value
/// of a setting goes beyond its line.
fn is_of_recovery(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    let length = line.iter().take_while(|byte| is_of_name(byte)).count();
    let name = line[..length].to_ascii_lowercase();
    name == b"restore_command" || name.starts_with(b"recovery_target") || line == COMMENT.as_bytes()
}

/// Writes a time so that neither `DateStyle` nor `TimeZone` changes its meaning. PostgreSQL counts
/// microseconds.
fn postgresql_time(time: Timestamp) -> String {
    let utc = time.to_zoned(TimeZone::UTC);
    utc.strftime("%Y-%m-%d %H:%M:%S%.6f+00").to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn settings(target: RecoveryTarget) -> RecoverySettings {
        RecoverySettings {
            target,
            ..RecoverySettings::new("walcast wal-restore %f %p")
        }
    }

    fn applied(target: RecoveryTarget, auto_conf: &str) -> String {
        let text = settings(target).apply(auto_conf.as_bytes()).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn the_one_target_comes_after_the_others_were_reset() {
        let time = "2026-11-22T12:00:00.1234567Z".parse().unwrap();

        assert_eq!(
            settings(RecoveryTarget::Time(time)).to_string(),
            "# Written by walcast when it restored this data directory.\n\
             restore_command = 'walcast wal-restore %f %p'\n\
             recovery_target_timeline = 'latest'\n\
             recovery_target_inclusive = 'on'\n\
             recovery_target_action = 'pause'\n\
             recovery_target = ''\n\
             recovery_target_lsn = ''\n\
             recovery_target_name = ''\n\
             recovery_target_xid = ''\n\
             recovery_target_time = '2026-11-22 12:00:00.123456+00'\n"
        );
    }

    #[test]
    fn each_target_has_its_setting() {
        for (target, line) in [
            (RecoveryTarget::Immediate, "recovery_target = 'immediate'"),
            (
                RecoveryTarget::Lsn(Lsn::new(0x16_B374_D848)),
                "recovery_target_lsn = '16/B374D848'",
            ),
            (
                RecoveryTarget::Name(r"it's \here".into()),
                r"recovery_target_name = 'it''s \\here'",
            ),
            (
                RecoveryTarget::Xid(1 << 33),
                "recovery_target_xid = '8589934592'",
            ),
            (RecoveryTarget::Latest, "recovery_target_xid = ''"),
        ] {
            let text = settings(target).to_string();
            assert_eq!(text.lines().last(), Some(line));
        }
    }

    #[test]
    fn timeline_action_and_purpose_are_told() {
        let settings = RecoverySettings {
            timeline: TargetTimeline::Number(TimelineId::new(0x1A).unwrap()),
            action: TargetAction::Promote,
            inclusive: false,
            purpose: Purpose::Standby,
            ..settings(RecoveryTarget::Latest)
        };

        let text = settings.to_string();
        assert!(text.contains("recovery_target_timeline = '26'\n"));
        assert!(text.contains("recovery_target_action = 'promote'\n"));
        assert!(text.contains("recovery_target_inclusive = 'off'\n"));
        assert_eq!(settings.signal_file(), "standby.signal");
    }

    #[test]
    fn what_an_earlier_recovery_left_is_gone_and_the_rest_stays() {
        let before = "# Do not edit this file manually!\n\
                      work_mem = '64MB'\n\
                      restore_command = 'cp /old/%f %p'\n\
                      \tRecovery_Target_Time='2020-01-01'\r\n\
                      primary_conninfo = 'host=a'";

        let once = applied(RecoveryTarget::Immediate, before);
        assert!(once.starts_with(
            "# Do not edit this file manually!\n\
             work_mem = '64MB'\n\
             primary_conninfo = 'host=a'\n# Written"
        ));
        assert_eq!(applied(RecoveryTarget::Immediate, &once), once);
    }

    #[test]
    fn bytes_that_are_no_utf_8_stay_as_they_are() {
        let text = settings(RecoveryTarget::Latest)
            .apply(b"cluster_name = '\xE9'\n")
            .unwrap();

        assert!(text.starts_with(b"cluster_name = '\xE9'\n#"));
    }

    #[test]
    fn values_that_postgresql_would_misread_are_refused() {
        for command in ["", "  ", "a\nb", "a\0"] {
            assert!(RecoverySettings::new(command).check().is_err());
        }
        let long = "n".repeat(64);
        for name in ["", "a\nb", &long] {
            let settings = settings(RecoveryTarget::Name(name.to_owned()));
            assert!(settings.apply(b"").is_err(), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn a_second_restore_leaves_nothing_of_the_first(
            lines in prop::collection::vec("[ -~]{0,30}", 0..8),
            name in "[ -~]{1,40}",
        ) {
            let before = lines.join("\n");
            let first = applied(RecoveryTarget::Name(name), &before);
            let second = applied(RecoveryTarget::Latest, &first);

            prop_assert_eq!(second, applied(RecoveryTarget::Latest, &before));
        }
    }
}
