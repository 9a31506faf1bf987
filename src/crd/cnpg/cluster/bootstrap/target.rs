//! How far a restored cluster replays WAL.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pg::{InvalidLsn, Lsn, TimelineId};

/// How far a restored cluster replays WAL: to at most one of the targets.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryTarget {
    /// The backup to begin with: Barman's id (`20260101T000000`) or pgBackRest's label. Default:
    /// the last one before the target.
    #[serde(rename = "backupID", skip_serializing_if = "Option::is_none")]
    pub backup_id: Option<String>,
    /// The timeline: a number or `latest`. Default: `latest`.
    #[serde(rename = "targetTLI", skip_serializing_if = "Option::is_none")]
    pub target_tli: Option<String>,
    /// A time, as RFC 3339 or PostgreSQL writes it; in UTC if it names no zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_time: Option<String>,
    /// A position in the WAL.
    #[serde(rename = "targetLSN", skip_serializing_if = "Option::is_none")]
    pub target_lsn: Option<String>,
    /// A transaction.
    #[serde(rename = "targetXID", skip_serializing_if = "Option::is_none")]
    pub target_xid: Option<String>,
    /// A name that `pg_create_restore_point` gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_name: Option<String>,
    /// The first point at which data is consistent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_immediate: Option<bool>,
    /// Whether replay ends just before the target, not just after it. Default: `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclusive: Option<bool>,
}

impl RecoveryTarget {
    /// Returns the position in the WAL.
    pub fn target_lsn(&self) -> Option<Result<Lsn, InvalidLsn>> {
        self.target_lsn.as_deref().map(str::parse)
    }

    /// Returns the timeline. Default: the latest.
    ///
    /// ```
    /// # use walcast::crd::cnpg::{RecoveryTarget, TargetTimeline};
    /// let mut target = RecoveryTarget::default();
    /// assert_eq!(target.target_timeline()?, TargetTimeline::Latest);
    ///
    /// target.target_tli = Some("12".to_owned());
    /// assert_eq!(target.target_timeline()?.to_string(), "12");
    /// # Ok::<(), walcast::crd::cnpg::InvalidTargetTimeline>(())
    /// ```
    pub fn target_timeline(&self) -> Result<TargetTimeline, InvalidTargetTimeline> {
        match self.target_tli.as_deref() {
            None | Some("") => Ok(TargetTimeline::Latest),
            Some(text) => text.parse(),
        }
    }
}

/// The timeline to which WAL is replayed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TargetTimeline {
    /// The last one that is in the archive.
    Latest,
    /// This one.
    Id(TimelineId),
}

/// The text is not a timeline to replay to.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not a timeline to recover to, which is `latest` or a decimal number from 1")]
pub struct InvalidTargetTimeline(String);

impl FromStr for TargetTimeline {
    type Err = InvalidTargetTimeline;

    fn from_str(text: &str) -> Result<Self, InvalidTargetTimeline> {
        if text == "latest" {
            return Ok(Self::Latest);
        }
        let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| is_decimal);
        number
            .and_then(|number| TimelineId::new(number).ok())
            .map(Self::Id)
            .ok_or_else(|| InvalidTargetTimeline(text.to_owned()))
    }
}

impl fmt::Display for TargetTimeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::Id(id) => id.get().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_timeline_is_latest_or_a_positive_decimal_number() {
        for text in ["latest", "1", "10", "4294967295"] {
            let target: TargetTimeline = text.parse().unwrap();
            assert_eq!(target.to_string(), text);
        }
        for text in ["", "0", "-1", "+1", "A", "Latest", "4294967296", "current"] {
            assert!(text.parse::<TargetTimeline>().is_err(), "{text}");
        }
    }
}
