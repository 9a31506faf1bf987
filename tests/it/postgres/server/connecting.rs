use std::fs;

use tokio::net::TcpListener;
use walcast::pg::server::{ConnectOptions, Server, ServerError};

use super::{cluster, options, start};

#[tokio::test]
async fn a_password_lets_the_role_in_and_another_does_not() {
    // PostgreSQL 13 would choose MD5.
    let (_folder, cluster) = cluster("password_encryption = 'scram-sha-256'\n");
    let rules = cluster.data().join("pg_hba.conf");
    let trusted = fs::read_to_string(&rules).unwrap();
    let rule = "local all keeper scram-sha-256\nlocal all nobody reject\n";
    fs::write(&rules, format!("{rule}{trusted}")).unwrap();
    let server = start(&cluster).until_open();
    server.sql("create role keeper login password 'right'; create role nobody login");
    let keeper = options(&server, "keeper");

    let right = Server::connect(&keeper.clone().or_password("right")).await;
    let wrong = Server::connect(&keeper.clone().or_password("hunter2")).await;
    let missing = Server::connect(&keeper).await;
    let rejected = Server::connect(&options(&server, "nobody")).await;
    let elsewhere = Server::connect(&options(&server, "postgres").or_database("nowhere")).await;

    right.unwrap().close().await;
    let wrong = wrong.unwrap_err();
    assert!(
        !format!("{wrong:?} {wrong}").contains("hunter2"),
        "{wrong:?}"
    );
    for (error, reason) in [
        (wrong, "password authentication failed for user \"keeper\""),
        (missing.unwrap_err(), "password missing"),
        (rejected.unwrap_err(), "pg_hba.conf"),
    ] {
        let refused = matches!(error, ServerError::Refused { .. });
        assert!(refused && error.to_string().contains(reason), "{error:?}");
    }
    let elsewhere = elsewhere.unwrap_err().to_string();
    assert!(
        elsewhere.contains("\"nowhere\" does not exist"),
        "{elsewhere}"
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    for (place, reason) in [
        (format!("127.0.0.1:{port}"), "Connection refused"),
        (format!("{}:5432", folder.path().display()), "No such file"),
    ] {
        let (host, port) = place.rsplit_once(':').unwrap();
        let conninfo = format!("host='{host}' port={port} user=a password=hunter2");

        let error = connect(&conninfo).await;

        assert!(
            matches!(error, ServerError::Unreachable { .. }),
            "{error:?}"
        );
        let expected = format!("cannot connect to {place}: {reason}");
        assert!(error.to_string().starts_with(&expected), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::time::pause();

    let error = connect(&format!("host=127.0.0.1 port={port} user=a")).await;

    assert!(error.to_string().ends_with("no answer in time"), "{error}");
}

async fn connect(conninfo: &str) -> ServerError {
    let options = ConnectOptions::parse(conninfo).unwrap();
    Server::connect(&options).await.unwrap_err()
}
