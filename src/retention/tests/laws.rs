//! What holds for every plan.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{prelude::*, strategy::ValueTree};

use super::{super::*, samples::*};
use crate::{repository::Catalog, restore::plan::Window};

fn gone(plan: &Plan) -> BTreeSet<String> {
    plan.removed
        .iter()
        .map(|backup| backup.id.clone())
        .collect()
}

fn wal_gone(plan: &Plan, catalog: &Catalog) -> BTreeMap<String, Segments> {
    let steps = plan.steps.iter().filter_map(|step| match step {
        Step::Wal(selection) => {
            let segments = Segments::of(&selection.segments, catalog.segment_size);
            Some((selection.archive.clone(), segments))
        }
        Step::Backups(_) | Step::Records(_) => None,
    });
    steps.collect()
}

fn sound(catalog: &Catalog) -> BTreeSet<String> {
    let chains = Chains::new(catalog);
    let places = (0..chains.len()).filter(|place| chains.is_sound(*place));
    places
        .map(|place| chains.backup(place).stored.id.clone())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn what_is_kept_and_what_is_removed_are_everything(
        (format, policy, _) in policies(),
        events in events(30),
    ) {
        let held = replay(format, &events);

        let plan = plan(format, &policy, &held);

        let kept: BTreeSet<_> = plan.kept.iter().map(|backup| backup.id.clone()).collect();
        let all: BTreeSet<_> = held.0.backups.iter().map(|one| one.stored.id.clone()).collect();
        let gone = gone(&plan);
        prop_assert!(kept.is_disjoint(&gone));
        prop_assert_eq!(kept.union(&gone).cloned().collect::<BTreeSet<_>>(), all);
        prop_assert!(plan.kept.iter().all(|backup| !backup.reasons.is_empty()));
        let removed = plan.steps.iter().filter_map(|step| match step {
            Step::Backups(ids) => Some(ids),
            Step::Wal(_) | Step::Records(_) => None,
        });
        prop_assert_eq!(removed.flatten().cloned().collect::<BTreeSet<_>>(), gone);
    }

    #[test]
    fn what_is_kept_can_be_restored_as_before(
        (format, policy, _) in policies(),
        events in events(30),
    ) {
        let held = replay(format, &events);
        let before = sound(&held.0);

        let plan = plan(format, &policy, &held);

        let after = sound(&held.0.after(&plan));
        let kept: BTreeSet<_> = plan.kept.iter().map(|backup| backup.id.clone()).collect();
        prop_assert_eq!(&after, &before.intersection(&kept).cloned().collect());
        prop_assert!(before.is_empty() || !after.is_empty());
    }

    #[test]
    fn when_a_plan_is_done_nothing_is_left_to_do(
        (format, policy, _) in policies(),
        events in events(30),
    ) {
        let held = replay(format, &events);
        let first = plan(format, &policy, &held);

        let after = held.0.after(&first);
        let second = plan(format, &policy, &(after, held.1));

        prop_assert!(second.is_empty(), "{:?} after {:?}", second.steps, first.steps);
    }

    #[test]
    fn a_laxer_policy_never_removes_more(
        (format, policy, laxer) in policies(),
        events in events(30),
    ) {
        let held = replay(format, &events);
        let (strict, lax) = (plan(format, &policy, &held), plan(format, &laxer, &held));

        prop_assert!(gone(&lax).is_subset(&gone(&strict)));
        if matches!(policy, Policy::Generations(_)) {
            // The days of WAL may begin at a backup that the stricter one does not keep, and then
            // they begin later.
            return Ok(());
        }
        let all = wal_gone(&strict, &held.0);
        for (archive, segments) in wal_gone(&lax, &held.0) {
            let known = all.get(&archive).cloned().unwrap_or_default();
            prop_assert!(segments.without(&known).is_empty(), "{archive}");
        }
    }

    #[test]
    fn what_leads_to_the_newest_moment_still_does(
        (format, policy, _) in policies(),
        events in events(30),
    ) {
        let held = replay(format, &events);

        let plan = plan(format, &policy, &held);

        // The last window is that of the newest backups, which no policy lets go.
        let newest = |windows: &[Window]| windows.iter().map(|window| window.to).max();
        prop_assert_eq!(newest(&plan.before), newest(&plan.after));
    }
}

#[test]
fn samples_are_not_all_refused() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut refused, mut empty, mut stricter) = (0, 0, 0);
    for _ in 0..500 {
        let strategy = (policies(), events(30));
        let tree = strategy.new_tree(&mut runner).unwrap();
        let ((format, policy, _), events) = tree.current();
        let held = replay(format, &events);
        let plan = plan(format, &policy, &held);
        refused += u32::from(plan.refusals.iter().any(Refusal::is_total));
        empty += u32::from(plan.is_empty());
        stricter += u32::from(!plan.refusals.is_empty());
    }
    assert!(
        refused < 150 && empty < 300 && stricter > 20,
        "{refused} {empty} {stricter}"
    );
}
