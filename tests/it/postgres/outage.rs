//! The bucket is away for a while, and so is the resident.

use super::{Site, site::PATIENCE};
use crate::support::world::block_on;

#[test]
fn one_shots_make_an_outage_good_and_archiving_never_fails() {
    let site = Site::new(&[PATIENCE]);
    site.archive(4);
    assert!(site.known().is_complete());

    block_on(site.s3.faults().refuse(true));
    let last = site.archive(6);

    let bucket = &site.known().destinations[0];
    assert!(bucket.owed >= 6, "{bucket:?}");
    assert!(site.in_folder().contains_key(&last));
    block_on(site.s3.faults().refuse(false));
    site.until_one_shots_complete();
    let last = site.archive(2);
    site.assert_same_up_to(&last);
    assert_eq!(site.primary.failed_count(), 0);
}

#[test]
fn archiving_goes_on_with_and_without_the_resident() {
    let site = Site::new(&[PATIENCE]);
    let resident = site.serve(&[PATIENCE]);
    site.archive(4);

    block_on(site.s3.faults().refuse(true));
    site.archive(4);
    resident.kill();
    let last = site.archive(4);

    assert!(site.in_folder().contains_key(&last));
    let owed = site.known().destinations[0].owed;
    assert!(owed >= 8, "{owed}");
    let resident = site.serve(&[PATIENCE]);
    site.archive(2);
    block_on(site.s3.faults().refuse(false));
    let last = site.archive(2);
    site.until_complete();
    site.assert_same_up_to(&last);
    assert_eq!(site.primary.failed_count(), 0);
    assert_eq!(resident.stop(), Some(0));
    // Nobody but the one-shots is left.
    let last = site.archive(2);
    site.assert_same_up_to(&last);
}
