//! The two scenarios in which pgBackRest 2.59 failed, with real processes.

use std::{collections::BTreeMap, time::Instant};

use super::Site;
use crate::support::{
    archived,
    postgres::until,
    s3::{Action, Rule},
    world::block_on,
};

const SEGMENTS: usize = 40;
const PATIENCE: &str = "--patience=1s";

#[test]
fn one_of_two_destinations_dead_while_40_segments_arrive_one_by_one() {
    let site = Site::new(&[PATIENCE, "--drain=100ms"]);
    site.archive(1);
    site.s3.faults().add(Rule::new(Action::Hang));
    let started = Instant::now();

    let last = site.archive(SEGMENTS);

    site.assert_isolated(&last);
    // Who drains what is owed asks once a minute.
    let bucket = &site.known().destinations[0];
    let minutes = started.elapsed().as_secs() / 60;
    assert!(u64::from(bucket.failures) <= 1 + minutes, "{bucket:?}");
    assert_eq!(site.debts_by_reason()["no answer in time"], 1);
    site.s3.faults().clear();
    site.until_one_shots_complete();
    site.assert_same_up_to(&last);
    assert_eq!(site.primary.failed_count(), 0);
}

#[test]
fn one_of_two_destinations_dead_while_40_segments_reach_the_resident() {
    const SENT_AHEAD: usize = 4;
    let site = Site::new(&[PATIENCE]);
    let resident = site.serve(&[PATIENCE]);
    site.archive(1);
    site.s3.faults().add(Rule::new(Action::Hang));

    let last = site.archive(SEGMENTS);

    site.assert_isolated(&last);
    // One was being sent and waited for; the lane's queue had taken no more than these.
    let queue = SENT_AHEAD + 2;
    let late = site.debts_by_reason()["no answer in time"];
    assert!(late <= 1 + queue, "{:?}", site.debts_by_reason());
    site.s3.faults().clear();
    site.until_complete();
    site.assert_same_up_to(&last);
    assert_eq!(site.primary.failed_count(), 0);
    assert_eq!(resident.stop(), Some(0));
}

#[test]
fn debt_limit_reached_and_back_filled() {
    let site = Site::new(&[PATIENCE, "--spool-limit=2MiB", "--at-limit=back-fill"]);
    block_on(site.s3.faults().refuse(true));

    let last = site.archive(SEGMENTS);

    site.assert_isolated(&last);
    let status = site.known();
    assert!(status.destinations[0].gaps >= SEGMENTS - 2, "{status:?}");
    assert!(status.spool.bytes <= 2 << 20, "{status:?}");
    block_on(site.s3.faults().refuse(false));
    site.until_one_shots_complete();
    site.assert_same_up_to(&last);
    assert_eq!(site.primary.failed_count(), 0);
}

#[test]
fn debt_limit_reached_and_refused() {
    let site = Site::new(&[PATIENCE, "--spool-limit=2MiB", "--at-limit=refuse"]);
    site.archive(1);
    block_on(site.s3.faults().refuse(true));

    site.primary.fill_segments(SEGMENTS);
    let look = || (site.primary.failed_count() > 0).then_some(());
    until("a refusal", look, || format!("{:?}", site.known()));

    let last = site
        .primary
        .sql("select last_archived_wal from pg_stat_archiver");
    site.assert_unbroken(&site.in_folder(), &last);
    let status = site.known();
    assert!(
        status.destinations[0].gaps == 0 && status.spool.bytes <= 2 << 20,
        "{status:?}"
    );
    block_on(site.s3.faults().refuse(false));
    site.until_one_shots_complete();
    let last = site.archive(1);
    site.assert_same_up_to(&last);
}

impl Site {
    /// Checks that the folder has everything and PostgreSQL noticed nothing.
    #[track_caller]
    fn assert_isolated(&self, last: &str) {
        self.assert_unbroken(&self.in_folder(), last);
        assert_eq!(self.primary.failed_count(), 0);
        let bucket = &self.known().destinations[0];
        assert!(bucket.owed >= SEGMENTS, "{bucket:?}");
    }

    /// Counts the debts of the bucket by what was the matter.
    fn debts_by_reason(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::from([("no answer in time".to_owned(), 0)]);
        for reason in archived::reasons(&self.world.path("spool"), "bucket") {
            *counts.entry(reason).or_default() += 1;
        }
        counts
    }
}
