//! What the archiver knows: state, debts, the spool.

use std::fmt;

use super::{
    Source,
    exposition::{DESTINATION, Each, Exposition, Family, unix},
};
use crate::{
    fanout::{DestinationState, DestinationStatus, Status},
    repository::Format,
};

const BUILD: Family = Family::of(
    "walcast_build_info",
    "1; the version of walcast is a label.",
);
const TOLD: Family = Family::seconds("walcast_status_timestamp", "When the status was told.");
const RESIDENT: Family = Family::of(
    "walcast_resident_up",
    "Whether the resident told the status.",
);
const KNOWN: Family = Family::of(
    "walcast_status_known",
    "Whether the health of the destinations can be told.",
);
const LAST_ARCHIVED: Family = Family::seconds(
    "walcast_last_archived_timestamp",
    "When a file was last acknowledged to PostgreSQL.",
);
const SPOOL_FILES: Family = Family::of("walcast_spool_files", "Files that somebody owes.");
const SPOOL_BYTES: Family = Family::bytes("walcast_spool", "Size of the spool.");
const ABANDONED_FILES: Family = Family::of(
    "walcast_abandoned_files",
    "Files owed by a destination that is not configured any more.",
);
const ABANDONED_BYTES: Family = Family::bytes(
    "walcast_abandoned",
    "Size of what is owed by a destination that is not configured any more.",
);
const INFO: Family = Family::of(
    "walcast_destination_info",
    "1; the layout of the destination is a label.",
);
const STATE: Family = Family::of(
    "walcast_destination_state",
    "1 for the state that the destination is in, 0 for the others.",
);
const BREAKER: Family = Family::of(
    "walcast_breaker_open",
    "Whether the destination failed such that it is left alone, but for an attempt after each pause.",
);
const NEXT_ATTEMPT: Family = Family::seconds(
    "walcast_next_attempt_timestamp",
    "When the destination is asked again, if it is left alone.",
);
const FAILURES: Family = Family::of("walcast_failures", "Failures of the destination in a row.");
const COMPARING: Family = Family::of(
    "walcast_comparing",
    "Whether the destination is still to be compared with others, after a spool was lost.",
);
const OWED_FILES: Family = Family::of("walcast_owed_files", "Files that the destination owes.");
const OWED_BYTES: Family = Family::bytes(
    "walcast_owed",
    "Size of the files that the destination owes, as far as the spool holds them.",
);
const OWED_SINCE: Family = Family::seconds(
    "walcast_owed_since_timestamp",
    "Since when the destination owes something.",
);
const GAPS: Family = Family::of(
    "walcast_gap_files",
    "Owed files that the spool has no bytes of: only another destination has them.",
);
const CONFLICTS: Family = Family::of(
    "walcast_conflict_files",
    "Owed files under whose names the destination holds other content.",
);
const LAST_STORED: Family = Family::seconds(
    "walcast_last_stored_timestamp",
    "When the destination last took a file.",
);

const STATES: [DestinationState; 5] = [
    DestinationState::Healthy,
    DestinationState::Behind,
    DestinationState::Down,
    DestinationState::Refused,
    DestinationState::Conflict,
];

pub(super) fn encode(status: &Status, source: Source, to: &mut Exposition<'_>) -> fmt::Result {
    to.gauges(&BUILD, [([("version", env!("CARGO_PKG_VERSION"))], 1_u64)])?;
    to.gauge(&TOLD, Some(unix(status.at)))?;
    to.gauge(&RESIDENT, Some(u64::from(source == Source::Resident)))?;
    to.gauge(&KNOWN, Some(u64::from(source != Source::Unknown)))?;
    to.gauge(&LAST_ARCHIVED, status.last_archived_at.map(unix))?;
    spool(status, to)?;
    let named = status.destinations.iter();
    let of = Each(named.map(|one| (one.id.as_str(), one)).collect());
    of.gauges(to, &OWED_FILES, |one| Some(one.owed))?;
    of.gauges(to, &OWED_BYTES, |one| Some(one.owed_bytes))?;
    of.moments(to, &OWED_SINCE, |one| one.owed_since)?;
    of.gauges(to, &GAPS, |one| Some(one.gaps))?;
    of.gauges(to, &CONFLICTS, |one| Some(one.conflicts))?;
    let layouts = of.0.iter().map(|(id, one)| {
        let layout = ("layout", layout(one.format));
        ([(DESTINATION, *id), layout], 1_u64)
    });
    to.gauges(&INFO, layouts)?;
    if source == Source::Unknown {
        return Ok(());
    }
    health(&of, to)
}

fn spool(status: &Status, to: &mut Exposition<'_>) -> fmt::Result {
    let spool = &status.spool;
    to.gauge(&SPOOL_FILES, Some(spool.files))?;
    to.gauge(&SPOOL_BYTES, Some(spool.bytes))?;
    let abandoned = || spool.abandoned.iter().map(|debt| (debt, debt.id.as_str()));
    let files = abandoned().map(|(debt, id)| ([(DESTINATION, id)], debt.owed));
    to.gauges(&ABANDONED_FILES, files)?;
    let bytes = abandoned().map(|(debt, id)| ([(DESTINATION, id)], debt.owed_bytes));
    to.gauges(&ABANDONED_BYTES, bytes)
}

fn health(of: &Each<'_, DestinationStatus>, to: &mut Exposition<'_>) -> fmt::Result {
    let states = of.0.iter().flat_map(|(id, one)| {
        STATES.into_iter().map(|state| {
            let labels = [(DESTINATION, *id), ("state", name(state))];
            (labels, u64::from(one.state == state))
        })
    });
    to.gauges(&STATE, states)?;
    of.gauges(to, &BREAKER, |one| Some(u64::from(is_open(one))))?;
    of.moments(to, &NEXT_ATTEMPT, |one| one.next_attempt)?;
    of.gauges(to, &FAILURES, |one| Some(one.failures))?;
    of.gauges(to, &COMPARING, |one| Some(u64::from(one.comparing)))?;
    of.moments(to, &LAST_STORED, |one| one.last_stored_at)
}

/// A pause that is over has no end any more: the state tells until an attempt succeeds.
fn is_open(one: &DestinationStatus) -> bool {
    let has_failed = matches!(
        one.state,
        DestinationState::Down | DestinationState::Refused
    );
    has_failed || one.next_attempt.is_some()
}

fn name(state: DestinationState) -> &'static str {
    match state {
        DestinationState::Healthy => "healthy",
        DestinationState::Behind => "behind",
        DestinationState::Down => "down",
        DestinationState::Refused => "refused",
        DestinationState::Conflict => "conflict",
    }
}

fn layout(format: Format) -> &'static str {
    match format {
        Format::Barman => "barman",
        Format::PgBackRest => "pgbackrest",
    }
}
