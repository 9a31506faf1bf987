//! What the program says about its configuration and its arguments.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
};

use super::{Ran, World};
use crate::support::s3::{Action, Answer, Rule, S3Server};

#[test]
fn problems_are_printed_with_their_place() {
    let mut world = World::new();
    world.add_document(
        "apiVersion: barmancloud.cnpg.io/v1
kind: ObjectStore
metadata: {name: a}
spec:
  configuration:
    destinationPath: s3//bucket
    wal: {compression: lzma, maxParalel: 2}
",
    );

    let ran = world.archive(1, &[]);

    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    insta::assert_snapshot!(world.redacted(&ran.stderr), @r"
    /world/stores.yaml:7:22: error: destinationPath has no scheme
      in document 1, ObjectStore/a, spec.configuration.destinationPath
      help: Write it as `s3://BUCKET/PREFIX` or `file:///ABSOLUTE/FOLDER`.

    /world/stores.yaml:8:24: error: unknown value `lzma`, expected one of `bzip2`, `gzip`, `lz4`, `snappy`, `xz`, `zstd`
      in document 1, ObjectStore/a, spec.configuration.wal.compression

    /world/stores.yaml:8:30: error: unknown field `maxParalel`
      in document 1, ObjectStore/a, spec.configuration.wal.maxParalel
      help: Did you mean `maxParallel`?

    the configuration has 3 errors
    ");
    assert_eq!(world.status(&[]).code, Some(2));
}

#[test]
fn a_destination_without_a_server_name_is_refused() {
    let world = World::with_folders(&["a"]);
    let path = world.write_segment(1);
    let mut command = world.command(&["wal-archive", &path, "--spool=../spool"]);

    let ran = Ran::from(command.env_remove("WALCAST_SERVER_NAME").output().unwrap());

    assert_eq!(ran.code, Some(1));
    insta::assert_snapshot!(world.redacted(&ran.stderr), @r"
    error: destination `a`: the name of the server is not known
      help: Say the server name, or add the file with the Cluster.
    ");
}

#[test]
fn warnings_are_log_records_and_unused_resources_are_quiet() {
    let mut world = World::with_folders(&["a"]);
    world.add_document("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n");
    world.add_document(
        "apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: main}
spec:
  plugins:
    - name: barman-cloud.cloudnative-pg.io
      parameters: {barmanObjectName: elsewhere}
",
    );

    let ran = world.archive(1, &[]);

    assert_eq!(ran.code, Some(0));
    assert!(ran.stderr.contains("WARN"), "{ran:?}");
    assert!(
        ran.stderr
            .contains("ObjectStore `elsewhere` is not in the files"),
        "{ran:?}"
    );
    assert!(!ran.stderr.contains("ConfigMap"), "{ran:?}");
    let ran = world.archive(2, &["--log=debug"]);
    assert!(ran.stderr.contains("ConfigMap/c is not used"), "{ran:?}");
    world.archive(3, &["--log=error"]).assert_silent_success();
}

const PLACEHOLDERS: &str = "apiVersion: barmancloud.cnpg.io/v1
kind: ObjectStore
metadata: {name: b}
spec:
  configuration:
    destinationPath: file://${FOLDER}/${SUB:=b}
    wal: {maxParallel: ${PARALLEL}, compression: lz4}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: scripts}
data: {run.sh: 'echo ${arguments[@]} ${NOBODY}'}
";

#[test]
fn placeholders_are_replaced_from_the_command_line_and_the_environment() {
    let mut world = World::with_folders(&["a"]);
    world.add_document(PLACEHOLDERS);
    fs::create_dir(world.path("b")).unwrap();
    fs::create_dir(world.path("c")).unwrap();
    let root = world.path("").display().to_string();
    let folder = format!("--set=FOLDER={root}");

    world
        .archive(1, &[&folder, "--set=PARALLEL=2"])
        .assert_silent_success();

    assert!(world.holds("a", 1) && world.holds("b", 1));
    let path = world.write_segment(2);
    let mut command = world.command(&["wal-archive", &path, "--spool=../spool"]);
    command.args(["--env-subst", "--set=SUB=c"]).envs([
        ("FOLDER", root.as_str()),
        ("PARALLEL", "1"),
        ("SUB", "b"),
    ]);
    Ran::from(command.output().unwrap()).assert_silent_success();
    assert!(world.holds("c", 2) && !world.holds("b", 2));
}

#[test]
fn placeholders_without_a_value_are_named() {
    let mut world = World::with_folders(&["a"]);
    world.add_document(PLACEHOLDERS);

    let unasked = world.archive(1, &[]);
    let unset = world.archive(1, &["--env-subst", "--set=FOLDER=/x"]);

    unasked.assert_ended(1, "`${FOLDER}` was not replaced by its value");
    assert_eq!(unset.code, Some(1));
    insta::assert_snapshot!(world.redacted(&unset.stderr), @r"
    /world/stores.yaml:17:24: error: no value for `PARALLEL`
      in document 2, ObjectStore/b, spec.configuration.wal.maxParallel
      help: Set it, or give it a default: `${NAME:=…}`.

    the configuration has 1 error
    ");
    for wrong in ["--set=FOLDER", "--set=1=x"] {
        assert_eq!(world.archive(1, &[wrong]).code, Some(2), "{wrong}");
    }
}

#[test]
fn a_file_that_is_not_utf_8_is_refused() {
    let world = World::with_folders(&["a"]);
    fs::write(world.path("stores.yaml"), b"kind: x\nname: \xff\n").unwrap();

    let ran = world.archive(1, &[]);

    assert_eq!(ran.code, Some(1));
    insta::assert_snapshot!(world.redacted(&ran.stderr), @r"
    error: reading /world/stores.yaml: line 2 is not UTF-8, at byte 14 of the file
    hint: Save the file as UTF-8, or check that it is the right file.
    ");
}

#[test]
fn the_configuration_may_come_from_standard_input() {
    let world = World::with_folders(&["a"]);
    let path = world.write_segment(1);
    let mut command = Command::new(env!("CARGO_BIN_EXE_walcast"));
    command
        .args([
            "wal-archive",
            "-f",
            "-",
            "--server-name=main",
            "--spool=../spool",
            &path,
        ])
        .current_dir(world.path("data"))
        .env_clear()
        .stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();

    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(&fs::read(world.path("stores.yaml")).unwrap())
        .unwrap();
    drop(stdin);

    assert!(child.wait().unwrap().success());
    assert!(world.holds("a", 1));
}

#[test]
fn an_unusable_certificate_is_an_error_at_the_start() {
    let mut world = World::with_folders(&["a"]);
    world.add_document(
        "apiVersion: barmancloud.cnpg.io/v1
kind: ObjectStore
metadata: {name: b}
spec:
  configuration:
    destinationPath: s3://bucket/
    endpointURL: https://localhost:1
    endpointCA: {name: tls, key: ca.crt}
    s3Credentials:
      inheritFromIAMRole: true
---
apiVersion: v1
kind: Secret
metadata: {name: tls}
stringData: {ca.crt: no certificate}
",
    );

    let ran = world.archive(1, &[]);

    ran.assert_ended(1, "destination `b`: the CA bundle is unusable");
    assert!(!world.holds("a", 1));
}

#[test]
fn secrets_come_from_the_environment_last() {
    let mut world = World::new();
    let server = S3Server::start();
    let options = server.options().clone();
    let keys = "s3Credentials: {accessKeyId: {name: fra-keys, key: id}, \
                secretAccessKey: {name: fra-keys, key: secret}}";
    let place = format!("destinationPath: s3://{}/pg", options.bucket);
    let endpoint = format!("endpointURL: {}", server.endpoint());
    world.add_store("b", &[&place, &endpoint, keys]);
    let segment = world.write_segment(1);
    let mut command = world.command(&["wal-archive", &segment, "--spool", "../spool"]);
    command
        .env("WALCAST_SECRET_FRA_KEYS_ID", &options.access_key)
        .env("WALCAST_SECRET_FRA_KEYS_SECRET", &options.secret_key);

    let with: Ran = command.output().unwrap().into();
    let without = world.archive(2, &[]);

    with.assert_silent_success();
    without.assert_ended(1, "secret `fra-keys` is not there");
}

#[test]
fn secrets_come_from_a_folder_too_and_are_never_printed() {
    let server = S3Server::start();
    let mut world = World::with_folders(&["a"]);
    let place = format!("{}/pg", server.options().bucket);
    world.add_document(&format!(
        "apiVersion: barmancloud.cnpg.io/v1
kind: ObjectStore
metadata: {{name: b}}
spec:
  configuration:
    destinationPath: s3://{place}
    endpointURL: {}
    s3Credentials:
      accessKeyId: {{name: keys, key: id}}
      secretAccessKey: {{name: keys, key: secret}}
",
        server.endpoint()
    ));
    let (id, secret) = (&server.options().access_key, &server.options().secret_key);
    fs::create_dir_all(world.path("secrets/keys")).unwrap();
    fs::write(world.path("secrets/keys/id"), id).unwrap();
    fs::write(world.path("secrets/keys/secret"), secret).unwrap();
    let answer = Answer::error(403, "SignatureDoesNotMatch");

    let good = world.archive(1, &["--secrets=../secrets", "--log=trace"]);
    server.faults().add(Rule::new(Action::Answer(answer)));
    let bad = world.archive(2, &["--secrets=../secrets", "--log=trace"]);
    let status = world.status(&["--secrets=../secrets", "--output=json", "--log=trace"]);
    let missing = world.archive(3, &[]);

    assert_eq!(good.code, Some(0), "{good:?}");
    bad.assert_ended(0, "b owes 000000010000000000000002");
    assert_eq!(status.code, Some(1));
    missing.assert_ended(1, "keys");
    for ran in [good, bad, status, missing] {
        assert!(!ran.stdout.contains(secret.as_str()), "{ran:?}");
        assert!(!ran.stderr.contains(secret.as_str()), "{ran:?}");
    }
    let spooled = fs::read_to_string(world.path("spool/state.json")).unwrap();
    assert!(!spooled.contains(secret.as_str()));
}

#[test]
fn errors_are_log_records_where_those_are_json() {
    let world = World::with_folders(&["a"]);

    let ran = world.archive_path("nonsense", &["--log-format=json"]);

    assert_eq!(ran.code, Some(1));
    let record: serde_json::Value = serde_json::from_str(ran.stderr.trim()).unwrap();
    assert_eq!(record["level"], "ERROR");
    assert_eq!(
        record["message"],
        "`nonsense` is not the name of a WAL file"
    );
    assert!(record["hint"].is_string(), "{record}");
}

#[test]
fn arguments_that_are_not_understood_are_never_fatal_for_the_archiver() {
    let world = World::with_folders(&["a"]);

    for arguments in [
        &["wal-archive"][..],
        &["wal-archive", "--patience=soon", "x", "--spool=s"],
        &["serve", "--min-copies=0", "--spool=s"],
        &["nonsense"],
    ] {
        assert_eq!(world.run(arguments).code, Some(2), "{arguments:?}");
    }
    assert_eq!(world.run(&["--help"]).code, Some(0));
    assert_eq!(world.run(&["--version"]).code, Some(0));
}
