//! A standby, made by a restore, is backed up itself.

use super::{
    assert_states, backup, backup_command, backup_of, restore, restored, rows, site, started,
};
use crate::{
    postgres::Site,
    support::{
        postgres::{Server, until},
        s3::{Action, Op, Rule},
        world::Ran,
    },
};

/// Makes a standby that follows the archive of the primary.
fn standby(site: &Site) -> Server {
    backup(site, &["--name=of-primary"]).assert_ended(0, "");
    site.archive(1);
    site.until_one_shots_complete();
    restore(site, "standby", &["--standby"]).assert_ended(0, "");
    started(site, "standby").until_standby()
}

/// Waits until the standby has what the primary has.
#[track_caller]
fn until_it_follows(site: &Site, standby: &Server) {
    let expected = rows(&site.primary);
    let look = || (rows(standby) == expected).then_some(());
    until("the standby's replay", look, || standby.cluster.log());
}

#[test]
fn a_backup_of_a_standby_leads_to_what_the_primary_wrote_later() {
    let site = site();
    let standby = standby(&site);
    site.archive(1);
    site.until_one_shots_complete();
    until_it_follows(&site, &standby);

    backup_of(&site, &standby, &["--name=of-standby"]).assert_ended(0, "");

    site.archive(1);
    site.until_one_shots_complete();
    for other in ["bucket", "folder"] {
        let arguments = ["--backup=of-standby", "--without", other];
        let server = restored(&site, &format!("without-{other}"), &arguments);
        assert_eq!(rows(&server), rows(&site.primary), "without {other}");
        server.amcheck();
    }
}

#[test]
fn a_standby_that_is_promoted_in_the_middle_has_no_backup() {
    let site = site();
    let standby = standby(&site);
    let faults = site.s3.faults();
    faults.add(Rule::new(Action::Hang).on([Op::Put]).about("base"));
    let child = backup_command(&site, &standby, &[]).spawn().unwrap();
    let hangs = || faults.has_hung().then_some(());
    until("the backup's begin", hangs, || standby.cluster.log());

    standby.sql("select pg_promote()");
    faults.clear();

    let ran: Ran = child.wait_with_output().unwrap().into();
    ran.assert_ended(1, "promoted");
    let states = ["complete", "failed"];
    assert_states(&site, &states, &states);
}
