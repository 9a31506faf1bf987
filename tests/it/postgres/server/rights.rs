use walcast::pg::server::{Checkpoint, Grant, ServerError};

use super::Site;

const ROLE: &str = "create role \"back up\" login;";

#[tokio::test]
async fn all_that_a_role_lacks_is_named_at_once_and_is_all_that_it_needs() {
    let mut site = Site::primary("").await;
    site.server.sql(ROLE);
    let place = site.server.cluster.make_folder("place");
    let create = "create tablespace elsewhere location";
    site.server.sql(&format!("{create} '{}'", place.display()));
    let session = site.connect("'back up'").await;
    let expected = ServerError::Denied {
        role: "\"back up\"".to_owned(),
        database: "postgres".to_owned(),
        grants: Grant::of_backup(session.version()),
    };

    let error = session.check_grants().await.unwrap_err();

    assert_eq!(error, expected);
    let hint = error.hint().unwrap();
    let (_, statements) = hint.split_once("run: ").unwrap();
    site.server.sql(statements.trim_end_matches(';'));
    site.session = site.connect("'back up'").await;
    assert_eq!(site.session.check_grants().await, Ok(()));
    let facts = site.session.facts().await.unwrap();
    assert_eq!(facts.server.tablespaces.len(), 1);
    site.start().await;
    site.session.stop_backup(false).await.unwrap();
    assert!(site.session.switch_wal().await.unwrap().is_some());
    let point = site.session.create_restore_point("a").await;
    assert!(point.unwrap().is_some());
}

#[tokio::test]
async fn what_is_denied_names_what_it_needs() {
    let site = Site::primary("").await;
    site.server.sql(ROLE);
    let mut session = site.connect("'back up'").await;
    let [settings, sizes, start, stop, switch, point] = Grant::of_backup(session.version())[..]
    else {
        panic!("others are needed");
    };

    assert_eq!(lacks(session.facts().await), [settings]);
    site.server.sql("grant pg_read_all_settings to \"back up\"");
    assert_eq!(lacks(session.facts().await), [sizes]);
    let started = session.start_backup("a", Checkpoint::Fast).await;
    assert_eq!(lacks(started), [start, stop]);
    assert_eq!(lacks(session.switch_wal().await), [switch]);
    assert_eq!(lacks(session.create_restore_point("a").await), [point]);
}

#[tokio::test]
async fn a_superuser_lacks_nothing() {
    let site = Site::primary("").await;

    assert_eq!(site.session.check_grants().await, Ok(()));
}

fn lacks<T>(result: Result<T, ServerError>) -> Vec<Grant> {
    match result {
        Err(ServerError::Denied { grants, .. }) => grants,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it is not denied"),
    }
}
