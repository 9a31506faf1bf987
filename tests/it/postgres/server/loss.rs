use futures_util::FutureExt as _;
use rustix::process::{Pid, Signal, kill_process};
use walcast::pg::server::{Server, ServerError};

use super::{Site, cluster, start, until};

#[tokio::test]
async fn a_session_that_is_terminated_during_a_backup_is_noticed() {
    let mut site = Site::primary("").await;
    site.start().await;
    assert!(site.session.lost().now_or_never().is_none());

    site.server.sql(TERMINATE);
    let lost = site.session.lost().await;
    let stopped = site.session.stop_backup(false).await;

    let reason = "terminating connection due to administrator command".to_owned();
    assert_eq!(lost, ServerError::Lost { reason });
    assert_eq!(stopped, Err(lost));
}

#[tokio::test]
async fn a_session_that_is_terminated_while_it_waits_is_noticed() {
    let (folder, cluster) = cluster("archive_mode = on\narchive_command = 'false'\n");
    let mut site = Site::of(folder, start(&cluster).until_open()).await;
    site.start().await;
    let terminate = format!("{TERMINATE} and wait_event = 'BackupWaitWalArchive'");

    let (stopped, ()) = tokio::join!(
        site.session.stop_backup(true),
        until(&site.server, &terminate, "t"),
    );

    assert!(
        matches!(stopped, Err(ServerError::Lost { .. })),
        "{stopped:?}"
    );
}

#[tokio::test]
async fn a_server_that_crashes_is_noticed() {
    let mut site = Site::primary("").await;
    site.start().await;

    site.server.crash();
    let lost = site.session.lost().await;

    assert!(matches!(lost, ServerError::Lost { .. }), "{lost:?}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_any_more_is_noticed() {
    let site = Site::primary("").await;
    let pid = site.server.sql(&format!("select pid {FROM_SESSIONS}"));
    let pid = Pid::from_raw(pid.parse().unwrap()).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    tokio::time::pause();
    let asked = tokio::time::Instant::now();

    let lost = site.session.lost().await;

    kill_process(pid, Signal::CONT).unwrap();
    let reason = "no answer within 30s".to_owned();
    assert_eq!(lost, ServerError::Lost { reason });
    let elapsed = asked.elapsed().as_secs();
    assert_eq!(elapsed, 2 * Server::HEARTBEAT.as_secs());
}

#[tokio::test]
async fn a_server_that_answers_is_not_taken_for_lost() {
    let site = Site::primary("").await;
    let greeted = site
        .server
        .sql(&format!("select state_change {FROM_SESSIONS}"));
    let answered = format!("select state_change > '{greeted}' {FROM_SESSIONS}");
    tokio::time::pause();

    let mut lost = Box::pin(site.session.lost());
    let heartbeat = tokio::time::timeout(Server::HEARTBEAT, &mut lost).await;
    tokio::time::resume();

    assert!(heartbeat.is_err(), "{heartbeat:?}");
    tokio::select! {
        lost = lost => panic!("{lost}"),
        () = until(&site.server, &answered, "t") => {}
    }
}

#[tokio::test]
async fn a_session_that_is_dropped_ends() {
    let site = Site::primary("").await;
    let sessions = format!("select count(*) {FROM_SESSIONS}");
    assert_eq!(site.server.sql(&sessions), "1");

    drop(site.session);

    until(&site.server, &sessions, "0").await;
}

const FROM_SESSIONS: &str = "from pg_stat_activity where application_name = 'walcast'";
const TERMINATE: &str = "select pg_terminate_backend(pid) from pg_stat_activity \
                         where application_name = 'walcast'";
