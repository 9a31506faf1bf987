mod year;

use std::collections::BTreeSet;

use super::{HealPlan, HealRequest, Scope, Step, StepContent, Unavailable};
use crate::{
    audit::{
        Expectations, Observation, Problem,
        test_data::{
            ago, backup, branch, catalog, id, judge, moment, observation, range, segment, timeline,
        },
    },
    catalog::Catalog,
    destination::DestinationId,
    pg::{SegmentRange, SystemId},
    retention::{BarmanPolicy, Policy},
};

fn healthy() -> Catalog {
    catalog(
        &[range(1, 10, 50)],
        vec![backup("first", 30, 10, 11), backup("second", 6, 30, 31)],
    )
}

fn empty() -> Catalog {
    catalog(&[], Vec::new())
}

struct Case<'a> {
    observations: &'a [Observation],
    policies: &'a [Vec<Policy>],
    scope: Scope,
    corrupt: bool,
    to: Option<&'a [DestinationId]>,
    from: Option<&'a DestinationId>,
}

impl<'a> Case<'a> {
    fn new(observations: &'a [Observation]) -> Self {
        Self {
            observations,
            policies: &[],
            scope: Scope::Everything,
            corrupt: false,
            to: None,
            from: None,
        }
    }

    fn plan(&self) -> HealPlan {
        let audit = judge(self.observations, &Expectations::default());
        let request = HealRequest {
            observations: self.observations,
            audit: &audit,
            policies: self.policies,
            scope: self.scope,
            corrupt: self.corrupt,
            to: self.to,
            from: self.from,
            moment: moment(),
        };
        request.plan()
    }
}

fn wal(from: &[&str], to: &[&str], ranges: &[SegmentRange]) -> Step {
    let segments = ranges
        .iter()
        .map(|one| one.count(super::super::audit::test_data::SIZE));
    Step {
        to: to.iter().map(|name| id(name)).collect(),
        content: StepContent::Wal {
            from: from.iter().map(|name| id(name)).collect(),
            ranges: ranges.to_vec(),
            segments: segments.sum(),
            replaces: false,
        },
    }
}

fn copy(from: &str, to: &[&str], name: &str) -> Step {
    Step {
        to: to.iter().map(|name| id(name)).collect(),
        content: StepContent::Backup {
            from: vec![(id(from), name.to_owned())],
            bytes: 1000,
        },
    }
}

#[test]
fn those_who_hold_everything_get_nothing() {
    let all = [observation("a", healthy()), observation("b", healthy())];

    let plan = Case::new(&all).plan();

    assert_eq!(plan.steps, []);
    assert_eq!(plan.unavailable, []);
    assert_eq!(plan.cluster, Some(SystemId::new(7)));
}

#[test]
fn an_empty_destination_gets_the_newest_backup_first() {
    let all = [observation("a", healthy()), observation("b", empty())];

    let plan = Case::new(&all).plan();

    assert_eq!(
        plan.steps,
        [
            wal(&["a"], &["b"], &[range(1, 30, 50)]),
            copy("a", &["b"], "second"),
            wal(&["a"], &["b"], &[range(1, 10, 29)]),
            copy("a", &["b"], "first"),
        ]
    );
}

#[test]
fn what_several_lack_is_read_once() {
    let all = [
        observation("a", healthy()),
        observation("b", empty()),
        observation("c", empty()),
    ];

    let plan = Case::new(&all).plan();

    assert_eq!(plan.steps.len(), 4);
    assert_eq!(plan.steps[1], copy("a", &["b", "c"], "second"));
}

#[test]
fn nobody_gets_what_its_retention_would_remove_again() {
    let all = [observation("a", healthy()), observation("b", empty())];
    let policies = [
        Vec::new(),
        vec![Policy::Barman(BarmanPolicy::redundancy(1))],
    ];
    let case = Case {
        policies: &policies,
        ..Case::new(&all)
    };

    let plan = case.plan();

    let expected = [
        wal(&["a"], &["b"], &[range(1, 30, 50)]),
        copy("a", &["b"], "second"),
    ];
    assert_eq!(plan.steps, expected);
}

#[test]
fn wal_that_leads_from_a_backup_is_filled_in() {
    let mut holey = healthy();
    holey.archives[0].segments = vec![range(1, 10, 19), range(1, 25, 40), range(1, 45, 48)];
    let all = [observation("a", healthy()), observation("b", holey)];

    let plan = Case::new(&all).plan();

    let missing = [range(1, 20, 24), range(1, 41, 44), range(1, 49, 50)];
    assert_eq!(plan.steps, [wal(&["a"], &["b"], &missing)]);
}

#[test]
fn wal_before_the_oldest_backup_is_not_copied() {
    let young = catalog(&[range(1, 30, 50)], vec![backup("second", 6, 30, 31)]);
    let policies = vec![Policy::Barman(BarmanPolicy::redundancy(1))];
    let all = [observation("a", healthy()), observation("b", young)];
    let policies = [Vec::new(), policies];
    let case = Case {
        policies: &policies,
        ..Case::new(&all)
    };

    assert_eq!(case.plan().steps, []);
}

#[test]
fn holes_come_from_whoever_has_them() {
    let with = |segments: &[SegmentRange]| {
        let mut held = healthy();
        held.archives[0].segments = segments.to_vec();
        held
    };
    let all = [
        observation("a", with(&[range(1, 10, 19), range(1, 30, 50)])),
        observation("b", with(&[range(1, 10, 24), range(1, 30, 50)])),
        observation("c", with(&[range(1, 10, 19), range(1, 23, 50)])),
    ];

    let plan = Case::new(&all).plan();

    let of = |to: &str| -> BTreeSet<String> {
        let steps = plan.steps.iter().filter(|step| step.to.contains(&id(to)));
        let ranges = steps.flat_map(|step| match &step.content {
            StepContent::Wal { from, ranges, .. } => ranges
                .iter()
                .map(|one| format!("{} {}-{}", from[0], one.first, one.last))
                .collect(),
            _ => Vec::new(),
        });
        ranges.collect()
    };
    let told = |from: &str, range: SegmentRange| format!("{from} {}-{}", range.first, range.last);
    assert_eq!(of("b"), [told("c", range(1, 25, 29))].into());
    assert_eq!(of("c"), [told("b", range(1, 20, 22))].into());
    let of_a = of("a");
    assert_eq!(of_a.len(), 2, "{of_a:?}");
}

#[test]
fn what_nobody_has_is_told() {
    let mut holey = healthy();
    holey.archives[0].segments = vec![range(1, 10, 19), range(1, 22, 50)];
    let all = [observation("a", holey.clone()), observation("b", holey)];

    let plan = Case::new(&all).plan();

    let lacking = |name: &str| Unavailable {
        destination: id(name),
        ranges: vec![range(1, 20, 21)],
        segments: 2,
    };
    assert_eq!(plan.unavailable, [lacking("a"), lacking("b")]);
    assert_eq!(plan.steps, []);
}

#[test]
fn histories_come_before_the_wal_of_their_timelines() {
    let mut held = healthy();
    held.archives[0].segments = vec![range(1, 10, 50), range(2, 48, 60)];
    branch(&mut held, 2, 1, 48);
    let all = [observation("a", held), observation("b", healthy())];

    let plan = Case::new(&all).plan();

    let histories = Step {
        to: vec![id("b")],
        content: StepContent::Histories {
            from: vec![id("a")],
            timelines: vec![timeline(2)],
        },
    };
    assert_eq!(
        plan.steps,
        [histories, wal(&["a"], &["b"], &[range(2, 48, 60)])]
    );
}

#[test]
fn the_scope_and_the_ends_can_be_chosen() {
    let all = [
        observation("a", healthy()),
        observation("b", empty()),
        observation("c", healthy()),
    ];
    let newest = Case {
        scope: Scope::Newest,
        ..Case::new(&all)
    };
    assert_eq!(newest.plan().steps.len(), 2);
    let only_c = id("c");
    let from = Case {
        from: Some(&only_c),
        ..Case::new(&all)
    };
    assert_eq!(from.plan().steps[1], copy("c", &["b"], "second"));
    let to = Case {
        to: Some(std::slice::from_ref(&only_c)),
        ..Case::new(&all)
    };
    assert_eq!(to.plan().steps, []);
    let wal = Case {
        scope: Scope::Wal,
        ..Case::new(&all)
    };
    let is_backup = |step: &Step| matches!(step.content, StepContent::Backup { .. });
    assert!(!wal.plan().steps.iter().any(is_backup));
}

#[test]
fn another_cluster_and_the_unreadable_are_left_out() {
    let mut other = healthy();
    for backup in &mut other.backups {
        backup.stored.system_id = Some(SystemId::new(8));
    }
    let mut dead = observation("c", empty());
    dead.catalog = Err("no answer".to_owned());
    let all = [observation("a", healthy()), observation("b", other), dead];

    let plan = Case::new(&all).plan();

    assert_eq!(plan.steps, []);
    let ids: Vec<_> = plan.left_out.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["b", "c"]);
}

#[test]
fn damaged_wal_is_replaced_from_where_it_is_sound_and_only_when_asked() {
    let mut all = [
        observation("a", healthy()),
        observation("b", healthy()),
        observation("c", healthy()),
    ];
    let size = crate::audit::test_data::SIZE;
    let name = segment(1, 20).to_string();
    for damaged in &mut all[..2] {
        let problem = Problem::Damaged("cut".to_owned());
        let proofs = &mut damaged.remembered.proofs;
        proofs.add_oddity(&name, problem, ago(1), size);
    }
    assert_eq!(Case::new(&all).plan().steps, []);

    let case = Case {
        corrupt: true,
        ..Case::new(&all)
    };
    let plan = case.plan();

    let step = Step {
        to: vec![id("a"), id("b")],
        content: StepContent::Wal {
            from: vec![id("c")],
            ranges: vec![range(1, 20, 20)],
            segments: 1,
            replaces: true,
        },
    };
    assert_eq!(plan.steps, [step]);
}
