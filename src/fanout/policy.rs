//! When PostgreSQL may hear "archived": a pure decision.

use std::{collections::BTreeSet, num::NonZeroUsize, str::FromStr, time::Duration};

use super::DestinationId;

/// What must hold before a file counts as archived.
///
/// All destinations are waited for while they answer. One that is late owes the file: that is
/// written to the spool first, and made good later.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Policy {
    /// How many destinations must hold a file.
    pub min_copies: MinCopies,
    /// Destinations that must hold it in any case.
    pub required: BTreeSet<DestinationId>,
    /// How long a destination is waited for beyond what the policy needs.
    pub patience: Duration,
    /// How long is waited for what the policy does need, before the file is refused.
    pub deadline: Duration,
    /// What happens when the spool has no room for more bytes.
    pub at_limit: AtLimit,
}

/// How many destinations must hold a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MinCopies {
    /// At least this many.
    AtLeast(NonZeroUsize),
    /// Each destination: nothing is ever owed.
    All,
}

/// What happens when the spool is at its limit and a destination would owe one more file.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum AtLimit {
    /// The debt is recorded without the bytes, to be filled from a destination that holds them.
    #[default]
    BackFill,
    /// The file is refused: PostgreSQL keeps it and asks again.
    Refuse,
}

impl Default for Policy {
    /// One copy, no required destination, 10 s patience, 60 s deadline, back-fill at the limit.
    fn default() -> Self {
        Self {
            min_copies: MinCopies::AtLeast(NonZeroUsize::MIN),
            required: BTreeSet::new(),
            patience: Duration::from_secs(10),
            deadline: Duration::from_mins(1),
            at_limit: AtLimit::default(),
        }
    }
}

/// The text is not a number of copies.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is neither a number from 1 on nor `all`")]
pub struct InvalidMinCopies(String);

impl FromStr for MinCopies {
    type Err = InvalidMinCopies;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self::All),
            _ => match text.parse() {
                Ok(count) => Ok(Self::AtLeast(count)),
                Err(_) => Err(InvalidMinCopies(text.to_owned())),
            },
        }
    }
}

/// The text does not say what happens at the limit.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is neither `back-fill` nor `refuse`")]
pub struct InvalidAtLimit(String);

impl FromStr for AtLimit {
    type Err = InvalidAtLimit;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "back-fill" => Ok(Self::BackFill),
            "refuse" => Ok(Self::Refuse),
            _ => Err(InvalidAtLimit(text.to_owned())),
        }
    }
}

/// One destination's part of the situation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Lane {
    pub required: bool,
    pub progress: Progress,
}

/// How far a destination is with a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Progress {
    /// It holds the file.
    Stored,
    /// It is sending, and is waited for.
    Sending,
    /// It is sending, but is behind with others: it is waited for only if the policy needs it.
    Behind,
    /// It will not hold the file for now.
    Given,
}

/// Room in the spool for one more debt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Room {
    /// Bytes fit.
    Bytes,
    /// Only a record without bytes is allowed.
    RecordOnly,
}

/// Everything that a decision depends on.
#[derive(Clone, Debug)]
pub(super) struct Situation<'a> {
    pub lanes: &'a [Lane],
    pub room: Room,
    /// Since the file was offered to the destinations.
    pub waited: Duration,
    /// How long it took until the policy was satisfied; `None` while it is not.
    pub satisfied_after: Option<Duration>,
    /// PostgreSQL has so much more to archive that waiting would slow it down.
    pub pressed: bool,
}

/// What to do about a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Decision {
    /// Look again when a destination reports, at the latest after this long.
    Wait(Duration),
    /// Every destination holds it.
    Acknowledge,
    /// Record that those without it owe it, with the bytes, then acknowledge.
    Owe,
    /// Record that those without it owe it, without the bytes, then acknowledge.
    OweRecord,
    /// The policy cannot be satisfied now.
    Refuse(Refusal),
}

/// Why a file is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    /// Too few destinations took it.
    TooFewCopies,
    /// A required destination did not take it.
    RequiredMissing,
    /// A destination misses it and the spool is full.
    SpoolFull,
}

impl Policy {
    /// Under pressure a late destination is given this many times what the policy took.
    const PRESSED_FACTOR: u32 = 3;
    /// Under pressure a late destination is given at least this.
    const PRESSED_FLOOR: Duration = Duration::from_millis(100);

    /// Returns whether `lanes` hold enough copies.
    pub(super) fn is_satisfied(&self, lanes: &[Lane]) -> bool {
        self.missing(lanes).is_none()
    }

    /// Decides on one file.
    pub(super) fn decide(&self, situation: &Situation<'_>) -> Decision {
        let lanes = situation.lanes;
        if lanes.iter().all(|lane| lane.progress == Progress::Stored) {
            return Decision::Acknowledge;
        }
        if let Some(refusal) = self.missing(lanes) {
            return self.wait_for_copies(situation, refusal);
        }
        let limit = self.patience_for(situation);
        let expected = lanes.iter().any(|lane| lane.progress == Progress::Sending);
        match limit.checked_sub(situation.waited) {
            Some(left) if expected && !left.is_zero() => Decision::Wait(left),
            _ => self.owe(situation.room),
        }
    }

    /// Returns whether `lanes` would hold enough copies if all that are sending succeed.
    pub(super) fn could_be_satisfied(&self, lanes: &[Lane]) -> bool {
        let hoped = |lane: &Lane| match lane.progress {
            Progress::Sending | Progress::Behind => Lane {
                progress: Progress::Stored,
                ..*lane
            },
            Progress::Stored | Progress::Given => *lane,
        };
        self.is_satisfied(&lanes.iter().map(hoped).collect::<Vec<_>>())
    }

    fn wait_for_copies(&self, situation: &Situation<'_>, refusal: Refusal) -> Decision {
        let hope = self.could_be_satisfied(situation.lanes);
        match self.deadline.checked_sub(situation.waited) {
            Some(left) if hope && !left.is_zero() => Decision::Wait(left),
            _ => Decision::Refuse(refusal),
        }
    }

    fn missing(&self, lanes: &[Lane]) -> Option<Refusal> {
        let stored = lanes
            .iter()
            .filter(|lane| lane.progress == Progress::Stored)
            .count();
        let wanted = match self.min_copies {
            MinCopies::AtLeast(count) => count.get(),
            MinCopies::All => lanes.len(),
        };
        let required = |lane: &Lane| lane.required && lane.progress != Progress::Stored;
        if lanes.iter().any(required) {
            return Some(Refusal::RequiredMissing);
        }
        (stored < wanted).then_some(Refusal::TooFewCopies)
    }

    fn patience_for(&self, situation: &Situation<'_>) -> Duration {
        match situation.satisfied_after {
            Some(took) if situation.pressed => {
                let given = took.saturating_mul(Self::PRESSED_FACTOR);
                given.max(Self::PRESSED_FLOOR).min(self.patience)
            }
            _ => self.patience,
        }
    }

    fn owe(&self, room: Room) -> Decision {
        match (room, self.at_limit) {
            (Room::Bytes, _) => Decision::Owe,
            (Room::RecordOnly, AtLimit::BackFill) => Decision::OweRecord,
            (Room::RecordOnly, AtLimit::Refuse) => Decision::Refuse(Refusal::SpoolFull),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn lanes(progress: &[Progress]) -> Vec<Lane> {
        progress
            .iter()
            .map(|&progress| Lane {
                required: false,
                progress,
            })
            .collect()
    }

    fn situation(lanes: &[Lane], waited: Duration) -> Situation<'_> {
        let satisfied_after = Some(Duration::ZERO);
        Situation {
            lanes,
            room: Room::Bytes,
            waited,
            satisfied_after,
            pressed: false,
        }
    }

    fn at_least(count: usize) -> Policy {
        let min_copies = MinCopies::AtLeast(NonZeroUsize::new(count).unwrap());
        Policy {
            min_copies,
            ..Policy::default()
        }
    }

    #[test]
    fn all_stored_is_acknowledged() {
        let lanes = lanes(&[Progress::Stored; 3]);
        assert_eq!(
            at_least(1).decide(&situation(&lanes, SECOND)),
            Decision::Acknowledge
        );
    }

    #[test]
    fn a_destination_that_answers_is_waited_for_until_patience_ends() {
        let lanes = lanes(&[Progress::Stored, Progress::Sending]);
        let policy = at_least(1);
        assert_eq!(
            policy.decide(&situation(&lanes, 4 * SECOND)),
            Decision::Wait(6 * SECOND)
        );
        assert_eq!(
            policy.decide(&situation(&lanes, 10 * SECOND)),
            Decision::Owe
        );
    }

    #[test]
    fn one_that_is_behind_or_has_given_up_is_not_waited_for() {
        for progress in [Progress::Behind, Progress::Given] {
            let lanes = lanes(&[Progress::Stored, progress]);
            assert_eq!(
                at_least(1).decide(&situation(&lanes, Duration::ZERO)),
                Decision::Owe
            );
        }
    }

    #[test]
    fn under_pressure_a_late_one_gets_a_multiple_of_what_the_policy_took() {
        let lanes = lanes(&[Progress::Stored, Progress::Sending]);
        let mut situation = situation(&lanes, SECOND);
        situation.pressed = true;
        situation.satisfied_after = Some(SECOND);
        assert_eq!(at_least(1).decide(&situation), Decision::Wait(2 * SECOND));
        situation.waited = 3 * SECOND;
        assert_eq!(at_least(1).decide(&situation), Decision::Owe);
    }

    #[test]
    fn what_the_policy_needs_is_waited_for_until_the_deadline() {
        let behind = lanes(&[Progress::Stored, Progress::Behind]);
        let policy = at_least(2);
        assert_eq!(
            policy.decide(&situation(&behind, 20 * SECOND)),
            Decision::Wait(40 * SECOND)
        );
        let refused = Decision::Refuse(Refusal::TooFewCopies);
        assert_eq!(policy.decide(&situation(&behind, 60 * SECOND)), refused);
        let given = lanes(&[Progress::Stored, Progress::Given]);
        assert_eq!(policy.decide(&situation(&given, Duration::ZERO)), refused);
    }

    #[test]
    fn a_required_destination_cannot_owe() {
        let mut lanes = lanes(&[Progress::Stored, Progress::Given]);
        lanes[1].required = true;
        let refused = Decision::Refuse(Refusal::RequiredMissing);
        assert_eq!(at_least(1).decide(&situation(&lanes, SECOND)), refused);
    }

    #[test]
    fn strict_mode_owes_nothing() {
        let lanes = lanes(&[Progress::Stored, Progress::Given]);
        let policy = Policy {
            min_copies: MinCopies::All,
            ..Policy::default()
        };
        let refused = Decision::Refuse(Refusal::TooFewCopies);
        assert_eq!(policy.decide(&situation(&lanes, SECOND)), refused);
    }

    #[test]
    fn at_the_limit_the_record_is_kept_or_the_file_refused() {
        let lanes = lanes(&[Progress::Stored, Progress::Given]);
        let mut situation = situation(&lanes, SECOND);
        situation.room = Room::RecordOnly;
        assert_eq!(at_least(1).decide(&situation), Decision::OweRecord);
        let policy = Policy {
            at_limit: AtLimit::Refuse,
            ..Policy::default()
        };
        assert_eq!(
            policy.decide(&situation),
            Decision::Refuse(Refusal::SpoolFull)
        );
    }

    fn any_lane() -> impl Strategy<Value = Lane> {
        let progress = prop::sample::select(vec![
            Progress::Stored,
            Progress::Sending,
            Progress::Behind,
            Progress::Given,
        ]);
        (any::<bool>(), progress).prop_map(|(required, progress)| Lane { required, progress })
    }

    proptest! {
        #[test]
        fn nothing_is_acknowledged_that_the_policy_does_not_cover(
            lanes in prop::collection::vec(any_lane(), 1..6),
            copies in 1_usize..6,
            waited in 0_u64..100,
            pressed: bool,
            full: bool,
        ) {
            let policy = at_least(copies);
            let room = if full { Room::RecordOnly } else { Room::Bytes };
            let waited = Duration::from_secs(waited);
            let satisfied_after = policy.is_satisfied(&lanes).then_some(Duration::ZERO);
            let situation = Situation { lanes: &lanes, room, waited, satisfied_after, pressed };

            let decision = policy.decide(&situation);

            let stored = lanes.iter().filter(|lane| lane.progress == Progress::Stored).count();
            let required = lanes.iter().all(|l| !l.required || l.progress == Progress::Stored);
            if matches!(decision, Decision::Acknowledge) {
                prop_assert_eq!(stored, lanes.len());
            }
            if matches!(decision, Decision::Owe | Decision::OweRecord) {
                prop_assert!(stored >= copies && required && stored >= 1);
            }
            if let Decision::Wait(left) = decision {
                prop_assert!(!left.is_zero() && waited + left <= policy.deadline);
            }
        }
    }
}
