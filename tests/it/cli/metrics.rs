//! Metrics, from the resident and from `status`.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use rustix::process::Signal;

use super::World;
use crate::support::{
    s3::{Op, Rule, S3Server},
    world::Resident,
};

/// Starts the resident with metrics at any port, and returns where.
fn serve(world: &World) -> (Resident, SocketAddr) {
    let mut command = world.serve_command(&["--patience=500ms", "--metrics=0"]);
    let mut resident = Resident::spawn(&mut command);
    let line = resident.line_with("metrics at http://").unwrap();
    let (_, rest) = line.split_once("http://").unwrap();
    let (address, _) = rest.split_once('/').unwrap();
    let address = address.parse().unwrap();
    resident.wait_until_it_says("socket");
    (resident, address)
}

/// Returns head and body of the answer to a request without a body.
fn ask(address: SocketAddr, line: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{line} HTTP/1.1\r\nHost: walcast\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn scrape(address: SocketAddr) -> String {
    let (head, body) = ask(address, "GET /metrics");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    let kind = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n";
    assert!(head.contains(kind), "{head}");
    body
}

#[track_caller]
fn assert_has(text: &str, sample: &str) {
    assert!(text.lines().any(|line| line == sample), "{sample}\n{text}");
}

#[test]
fn the_resident_tells_its_metrics_to_whoever_asks() {
    let world = World::with_folders(&["a", "b"]);
    fs::remove_dir(world.path("b")).unwrap();
    let (resident, address) = serve(&world);
    assert_eq!(address.ip().to_string(), "127.0.0.1");
    assert_eq!(world.archive(1, &[]).code, Some(0));

    let text = scrape(address);

    for sample in [
        "walcast_resident_up 1",
        "walcast_status_known 1",
        "walcast_spool_files 1",
        "walcast_owed_files{destination=\"a\"} 0",
        "walcast_owed_files{destination=\"b\"} 1",
        "walcast_destination_state{destination=\"a\",state=\"healthy\"} 1",
        "walcast_destination_state{destination=\"b\",state=\"healthy\"} 0",
        "walcast_destination_state{destination=\"b\",state=\"refused\"} 1",
        "walcast_requests_total{destination=\"a\",operation=\"put\"} 1",
        "walcast_request_errors_total{destination=\"a\",operation=\"put\",class=\"denied\"} 0",
        "walcast_request_duration_seconds_count{destination=\"a\",operation=\"put\"} 1",
    ] {
        assert_has(&text, sample);
    }
    assert!(text.ends_with("\n# EOF\n"));
    assert_eq!(resident.stop(), Some(0));
}

#[test]
fn what_is_not_there_is_not_found_and_nothing_is_taken() {
    let world = World::with_folders(&["a"]);
    let (resident, address) = serve(&world);

    let (elsewhere, _) = ask(address, "GET /");
    let (posted, _) = ask(address, "POST /metrics");
    let (looked, body) = ask(address, "HEAD /metrics");

    assert!(elsewhere.starts_with("HTTP/1.1 404 "), "{elsewhere}");
    assert!(posted.starts_with("HTTP/1.1 405 "), "{posted}");
    assert!(posted.contains("allow: GET, HEAD"), "{posted}");
    assert!(looked.starts_with("HTTP/1.1 200 "), "{looked}");
    assert_eq!(body, "");
    assert_eq!(resident.stop(), Some(0));
}

#[test]
fn clients_that_say_nothing_keep_neither_files_nor_metrics_nor_the_process() {
    let world = World::with_folders(&["a"]);
    let (resident, address) = serve(&world);
    let silent: Vec<TcpStream> = (0..8)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();

    world.archive(1, &[]).assert_silent_success();
    // Answered once one of the others was cut off for its silence.
    let text = scrape(address);

    assert_has(&text, "walcast_owed_files{destination=\"a\"} 0");
    drop(silent);
    let _silent = TcpStream::connect(address).unwrap();
    assert_eq!(resident.stop(), Some(0));
}

#[test]
fn an_address_that_is_taken_is_said() {
    let world = World::with_folders(&["a"]);
    let (_resident, address) = serve(&world);
    let other = World::with_folders(&["a"]);
    let argument = format!("--metrics={address}");

    let ran = other.run(&["serve", "--spool", "../spool", &argument]);

    ran.assert_ended(1, &format!("listening for metrics at {address}: "));
    ran.assert_ended(1, "choose another port for --metrics");
    let ran = other.run(&["serve", "--spool", "../spool", "--metrics=localhost"]);
    ran.assert_ended(2, "a port of this machine alone");
}

#[test]
fn status_asks_the_resident_for_its_metrics() {
    let world = World::with_folders(&["a", "b"]);
    fs::remove_dir(world.path("b")).unwrap();
    let resident = world.serve();
    assert_eq!(world.archive(1, &[]).code, Some(0));

    let ran = world.status(&["--output=openmetrics"]);

    // A job that writes a file would drop it otherwise, just when it matters.
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    for sample in [
        "walcast_resident_up 1",
        "walcast_owed_files{destination=\"b\"} 1",
        "walcast_requests_total{destination=\"a\",operation=\"put\"} 1",
    ] {
        assert_has(&ran.stdout, sample);
    }
    assert_eq!(resident.stop(), Some(0));
}

#[test]
fn status_tells_metrics_by_the_spool() {
    let world = World::with_folders(&["a", "b"]);
    world.archive(1, &[]).assert_silent_success();

    let ran = world.status(&["--output=openmetrics"]);

    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    for sample in [
        "walcast_resident_up 0",
        "walcast_status_known 1",
        "walcast_destination_state{destination=\"b\",state=\"healthy\"} 1",
    ] {
        assert_has(&ran.stdout, sample);
    }
    assert!(!ran.stdout.contains("walcast_requests_total"), "{ran:?}");
}

#[test]
fn health_that_is_not_known_has_no_samples() {
    let world = World::with_folders(&["a"]);
    world.archive(1, &[]).assert_silent_success();
    fs::remove_file(world.path("spool/state.json")).unwrap();

    let ran = world.status(&["--output=openmetrics"]);

    assert_eq!(ran.code, Some(0));
    assert_has(&ran.stdout, "walcast_status_known 0");
    assert_has(&ran.stdout, "walcast_owed_files{destination=\"a\"} 0");
    assert!(!ran.stdout.contains("walcast_destination_state"), "{ran:?}");
}

#[test]
fn a_resident_that_hangs_is_not_known() {
    let world = World::with_folders(&["a"]);
    let resident = world.serve();
    world.archive(1, &[]).assert_silent_success();
    resident.signal(Signal::STOP);

    let ran = world.status(&["--output=openmetrics"]);

    assert_eq!(ran.code, Some(0));
    assert_has(&ran.stdout, "walcast_status_known 0");
    resident.signal(Signal::CONT);
    assert_eq!(resident.stop(), Some(0));
}

#[test]
fn metrics_are_of_status_and_printed_once() {
    let world = World::with_folders(&["a"]);

    let none = world.status(&["--output=openmetrics"]);
    let watched = world.status(&["--output=openmetrics", "--watch"]);
    let info = world.run(&["info", "--output=openmetrics"]);
    let lint = world.run(&["lint", ".", "--output=openmetrics"]);

    none.assert_ended(2, "the first archived file creates the spool");
    assert_eq!(none.stdout, "");
    watched.assert_ended(2, "metrics are printed once, without --watch");
    info.assert_ended(
        1,
        "only `walcast status` and `walcast audit` have this output",
    );
    lint.assert_ended(
        2,
        "only `walcast status` and `walcast audit` have this output",
    );
}

#[test]
fn errors_of_a_bucket_are_told_by_class_without_its_keys_and_answers() {
    let mut world = World::with_folders(&["a"]);
    let server = S3Server::start();
    world.add_bucket("b", &server);
    let denied = Rule::error(403, "AccessDenied").on([Op::Put]);
    server.faults().add(denied);
    let (resident, address) = serve(&world);
    assert_eq!(world.archive(1, &[]).code, Some(0));

    let text = scrape(address);

    let denied =
        "walcast_request_errors_total{destination=\"b\",operation=\"put\",class=\"denied\"} ";
    let count = text.lines().find_map(|line| line.strip_prefix(denied));
    assert_ne!(count.unwrap(), "0", "{text}");
    let options = server.options();
    for hidden in [
        options.access_key.as_str(),
        options.secret_key.as_str(),
        options.bucket.as_str(),
        "AccessDenied",
    ] {
        assert!(!text.contains(hidden), "{hidden}");
    }
    assert_eq!(resident.stop(), Some(0));
}

#[test]
fn the_examples_for_monitoring_have_no_traps() {
    let world = World::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/monitoring");

    let ran = world.run(&["lint", folder, "--deny", "warnings"]);

    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("in 1 resources of 1 files"), "{ran:?}");
}
