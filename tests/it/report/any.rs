//! Any audit.

use jiff::Timestamp;
use proptest::{collection::vec, option, prelude::*};
use walcast::{
    audit::{
        Audit, AuditedBackup, DestinationAudit, Fact, Finding, Hole, Lag, Level, Newest,
        ProofStatus,
    },
    destination::DestinationId,
    drill::DrillRecord,
    pg::{Lsn, SegmentName, SegmentRange, SegmentSize, TimelineId},
    repository::{BackupKind, Format},
    restore::plan::Window,
};

/// Texts with everything that has a meaning in HTML.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,12}",
        ".{0,12}",
        "[<>&\"'`/=! \\-\\]a-z\\n]{0,24}",
        "(</?(script|style|svg|p|title)>|<!--|-->|&#?[a-z0-9]{1,4};|]]>){0,3}",
    ]
}

fn id() -> impl Strategy<Value = DestinationId> {
    text().prop_map(|text| {
        let named: String = format!("d{text}")
            .chars()
            .filter(|c| *c != '/' && !c.is_control())
            .collect();
        named.parse().unwrap()
    })
}

/// Times of a few years, and sometimes any.
fn time() -> impl Strategy<Value = Timestamp> {
    let all = Timestamp::MIN.as_second()..Timestamp::MAX.as_second();
    prop_oneof![9 => 1_700_000_000_i64..1_800_000_000, 1 => all]
        .prop_map(|second| Timestamp::from_second(second).unwrap())
}

fn position() -> impl Strategy<Value = Lsn> {
    prop_oneof![any::<u64>(), 0..1_u64 << 40].prop_map(Lsn::new)
}

fn timeline() -> impl Strategy<Value = TimelineId> {
    prop_oneof![1..4_u32, 1..u32::MAX].prop_map(|number| TimelineId::new(number).unwrap())
}

fn hole() -> impl Strategy<Value = Hole> {
    (timeline(), 0..1_u64 << 30, 0..1000_u64).prop_map(|(timeline, first, more)| {
        let size = SegmentSize::default();
        let segment = |number| SegmentName::from_number(timeline, number, size);
        let range = SegmentRange {
            first: segment(first),
            last: segment(first + more),
        };
        Hole {
            range,
            segments: range.count(size),
            from: range.first.start_lsn(size),
            to: range.last.next(size).start_lsn(size),
        }
    })
}

prop_compose! {
    fn window()(
        destination in id(), timeline in timeline(), backup in text(), from in position(),
        since in option::of(time()), to in position(), until in option::of(time()),
    ) -> Window {
        Window { destination, timeline, backup, from, since, to, until }
    }
}

prop_compose! {
    fn backup()(
        id in text(), name in option::of(text()),
        kind in prop_oneof![Just(BackupKind::Full), Just(BackupKind::Differential), Just(BackupKind::Incremental)],
        began in option::of(time()), ended in option::of(time()),
        timeline in option::of(timeline()), stop in option::of(position()),
        stored_size in any::<u64>(), is_restorable in any::<bool>(), problem in option::of(text()),
        proved in option::of(time()),
    ) -> AuditedBackup {
        AuditedBackup {
            id, name, kind, began, ended, timeline, stop, stored_size, is_restorable, problem,
            reaches: None, proved,
        }
    }
}

prop_compose! {
    fn drill()(
        at in time(), backup in text(), failure in option::of(text()), milliseconds in any::<u64>(),
        size in any::<u64>(), timeline in option::of(timeline()), reached in option::of(position()),
        last_commit in option::of(time()), databases in vec(text(), 0..3), answer in option::of(text()),
        machine in text(),
    ) -> DrillRecord {
        DrillRecord {
            at, backup, failure, restore_ms: milliseconds, recovery_ms: milliseconds,
            check_ms: milliseconds / 3, files: size, bytes: size, timeline, reached, last_commit,
            databases, answer, machine,
        }
    }
}

prop_compose! {
    fn lag()(best in id(), segments in 0..3_u64, bytes in any::<u64>(), seconds in any::<i64>()) -> Lag {
        Lag { best, segments, bytes, seconds }
    }
}

prop_compose! {
    fn newest()(timeline in timeline(), position in position(), at in option::of(time())) -> Newest {
        Newest { timeline, position, at }
    }
}

prop_compose! {
    fn proof()(newest in option::of(time()), everything_since in option::of(time()), due in any::<u64>()) -> ProofStatus {
        ProofStatus { newest, everything_since, due }
    }
}

fn fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        text().prop_map(|error| Fact::Unreadable { error }),
        Just(Fact::NoBackup),
        Just(Fact::NothingRestorable),
        (text(), text()).prop_map(|(backup, problem)| Fact::Objects { backup, problem }),
        hole().prop_map(|hole| Fact::Hole {
            range: hole.range,
            segments: hole.segments
        }),
        option::of(time()).prop_map(|newest| Fact::WalTooOld { newest }),
        vec(text(), 0..2).prop_map(|examples| Fact::Foreign {
            objects: 1,
            bytes: 2,
            examples
        }),
    ]
}

prop_compose! {
    fn destination()(
        id in id(), location in text(), is_readable in prop::bool::weighted(0.8),
        format in prop_oneof![Just(Format::Barman), Just(Format::PgBackRest)],
        windows in vec(window(), 0..6), holes in vec(hole(), 0..6), newest in option::of(newest()),
        lag in option::of(lag()), backups in vec(backup(), 0..40), policies in vec(text(), 0..3),
        sizes in any::<(u64, u64, u64)>(), proof in proof(), drill in option::of(drill()),
    )(
        leaving in prop::sample::subsequence((0..backups.len()).collect::<Vec<_>>(), 0..=backups.len()),
        base in Just(DestinationAudit {
            id, format, location, severity: None, is_readable, windows, holes, newest, lag, backups,
            last_failed_backup: None, policies, next_removed: Vec::new(), wal_bytes: sizes.0, backup_bytes: sizes.1,
            segments: sizes.2, newest_wal: None, proof, drill,
        }),
    ) -> DestinationAudit {
        let next_removed = leaving.iter().map(|place| base.backups[*place].id.clone()).collect();
        DestinationAudit { next_removed, ..base }
    }
}

prop_compose! {
    /// Any audit, also one that contradicts itself.
    pub(super) fn audit()(
        at in time(), destinations in vec((destination(), vec(fact(), 0..5)), 0..6),
        level in prop_oneof![Just(Level::Listing), Just(Level::Metadata), Just(Level::Digests), Just(Level::All)],
    ) -> Audit {
        let mut findings = Vec::new();
        let destinations = destinations.into_iter().map(|(mut one, facts)| {
            one.severity = facts.iter().map(Fact::severity).max();
            findings.extend(facts.into_iter().map(|fact| Finding {
                destination: one.id.clone(),
                severity: fact.severity(),
                message: fact.to_string(),
                hint: fact.hint(),
                fact,
            }));
            one
        });
        let destinations = destinations.collect();
        Audit { at, level, destinations, findings }
    }
}
