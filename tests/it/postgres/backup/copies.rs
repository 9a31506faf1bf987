//! A destination gets a backup that another one holds.

use super::{
    archives, assert_states, backup, base_in_bucket, base_in_folder, killed::killed_at, listed,
    restored, rows, site,
};
use crate::support::{
    s3::{Action, Rule},
    world::block_on,
};

#[test]
fn no_copy_that_is_listed_as_complete_lacks_anything_wherever_it_is_killed() {
    let site = site();
    block_on(site.s3.faults().refuse(true));
    backup(&site, &["--name=nightly"]).assert_ended(3, "");
    block_on(site.s3.faults().refuse(false));
    site.archive(1);
    site.until_one_shots_complete();

    let mut kills = 0;
    let about = Rule::new(Action::Hang).about("base");
    let heal = || site.world.command(&["heal", "--backup=nightly"]);
    while let Some(true) = killed_at(&site, &about, kills, heal()) {
        kills += 1;
        let [bucket, _] = listed(&site);
        let is_complete = bucket.iter().any(|one| one["state"] == "complete");
        assert!(!is_complete, "after {kills}: {bucket:?}");
    }

    assert!(kills > 8, "{kills}");
    assert_states(&site, &["complete"], &["complete"]);
    let [bucket, _] = listed(&site);
    let id = bucket[0]["id"].as_str().unwrap();
    let [copy, original] =
        [base_in_bucket(&site), base_in_folder(&site)].map(|base| archives(&base, id).len());
    assert_eq!(copy, original);
    let server = restored(&site, "restored", &["--without=folder"]);
    assert_eq!(rows(&server), rows(&site.primary));
    server.amcheck();
}
