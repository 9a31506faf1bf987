//! `walcast lint`, as people and pipelines run it.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

const NIGHTLY: &str = "apiVersion: postgresql.cnpg.io/v1
kind: ScheduledBackup
metadata:
  name: nightly
spec:
  schedule: \"0 3 * * *\" # at three
  cluster:
    name: main
";

fn lint(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_walcast"));
    command.arg("lint").args(arguments);
    command.current_dir(folder).env_clear().output().unwrap()
}

fn with_nightly() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("nightly.yaml"), NIGHTLY).unwrap();
    folder
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn an_error_ends_with_1_and_is_shown_where_it_is() {
    let folder = with_nightly();

    let output = lint(folder.path(), &["."]);

    assert_eq!(output.status.code(), Some(1));
    let page = text(&output.stdout);
    assert!(page.starts_with(
        "./nightly.yaml:6:13: error[T02 five-field-schedule]: it fires 24 times a day"
    ));
    assert!(
        page.contains("\n6 |   schedule: \"0 3 * * *\" # at three\n  |             ^^^^^^^^^^^\n")
    );
    assert!(
        page.ends_with(
            "1 error, 0 warnings, 0 notes in 1 resources of 1 files; --fix can mend 1\n"
        )
    );
}

#[test]
fn warnings_end_with_1_only_when_they_are_denied() {
    let folder = with_nightly();
    let config = folder.path().join(".walcast-lint.yaml");
    fs::write(config, "rules: {T02: warning}\n").unwrap();

    let accepted = lint(folder.path(), &["nightly.yaml"]);
    let denied = lint(folder.path(), &["nightly.yaml", "--deny", "warnings"]);

    assert_eq!(accepted.status.code(), Some(0));
    assert_eq!(denied.status.code(), Some(1));
}

#[test]
fn what_cannot_be_told_ends_with_2() {
    let folder = with_nightly();
    fs::create_dir(folder.path().join("empty")).unwrap();
    fs::write(folder.path().join("config.yaml"), "rules: {T02: loud}\n").unwrap();

    let cases: [(&[&str], &str); 4] = [
        (&["none.yaml"], "none.yaml: No such file"),
        (&["empty"], "there are no manifests"),
        (
            &[".", "--config=config.yaml"],
            "config.yaml:1:14: expected off",
        ),
        (&["--explain=T99"], "there is no rule `T99`"),
    ];
    for (arguments, said) in cases {
        let output = lint(folder.path(), arguments);

        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let errors = text(&output.stderr);
        assert!(errors.contains(said), "{errors}");
    }
}

#[test]
fn a_fix_is_shown_as_a_patch_and_written_when_asked() {
    let folder = with_nightly();
    let path = folder.path().join("nightly.yaml");

    let shown = lint(folder.path(), &["nightly.yaml", "--fix"]);
    let untouched = fs::read_to_string(&path).unwrap();
    let mended = lint(folder.path(), &["nightly.yaml", "--fix", "--write"]);

    let expected = "--- nightly.yaml\n+++ nightly.yaml\n@@ -3,6 +3,6 @@\n metadata:\n   name: nightly\n \
                 spec:\n-  schedule: \"0 3 * * *\" # at three\n+  schedule: \"0 0 3 * * *\" # at three\n   \
                 cluster:\n     name: main\n";
    assert_eq!(
        (text(&shown.stdout), shown.status.code()),
        (expected, Some(1))
    );
    assert_eq!(untouched, NIGHTLY);
    assert_eq!(mended.status.code(), Some(0));
    let fixed = NIGHTLY.replace("0 3 * * *", "0 0 3 * * *");
    assert_eq!(fs::read_to_string(&path).unwrap(), fixed);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn standard_input_is_read_and_not_written() {
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_walcast"));
        command.args(["lint", "-"]).args(arguments).env_clear();
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(NIGHTLY.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    };

    let read = run(&["--output=json"]);
    let write = run(&["--fix", "--write"]);

    let report: serde_json::Value = serde_json::from_slice(&read.stdout).unwrap();
    assert_eq!(report["findings"][0]["file"], "<stdin>");
    assert_eq!(write.status.code(), Some(2));
    assert!(text(&write.stderr).contains("standard input cannot be written"));
}

#[test]
fn formats_of_reports_are_for_reports_alone() {
    let folder = with_nightly();

    let sarif = lint(folder.path(), &["--output=sarif", "."]);
    let github = lint(folder.path(), &["--output=github", "."]);
    let mut other = Command::new(env!("CARGO_BIN_EXE_walcast"));
    let other = other.args(["crds", "--output=sarif"]).output().unwrap();

    let log: serde_json::Value = serde_json::from_slice(&sarif.stdout).unwrap();
    assert_eq!(log["runs"][0]["results"][0]["ruleId"], "T02");
    assert!(text(&github.stdout).starts_with("::error file=./nightly.yaml,line=6,"));
    assert_eq!(other.status.code(), Some(1));
    assert!(text(&other.stderr).contains("only `walcast lint` has this output"));
}

#[test]
fn rules_are_listed_and_explained() {
    let folder = tempfile::tempdir().unwrap();

    let list = lint(folder.path(), &["--list"]);
    let explained = lint(folder.path(), &["--explain", "five-field-schedule"]);

    let lines = text(&list.stdout).lines().count();
    assert_eq!(lines, walcast::lint::rules::all().count());
    assert!(text(&explained.stdout).starts_with("T02 five-field-schedule (error)\n"));
}
