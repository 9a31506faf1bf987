//! `walcast migrate`, as people run it.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

const SHOP: &str = "apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: shop
  namespace: databases
spec:
  instances: 1
  backup:
    retentionPolicy: 30d # a month
    barmanObjectStore:
      destinationPath: s3://backups/
      s3Credentials:
        inheritFromIAMRole: true
  storage:
    size: 1Gi
";

fn migrate(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_walcast"));
    command.arg("migrate").args(arguments);
    command.current_dir(folder).env_clear().output().unwrap()
}

fn with_shop() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("apps")).unwrap();
    fs::write(folder.path().join("apps/shop.yaml"), SHOP).unwrap();
    folder
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn without_more_the_plan_is_printed_and_nothing_is_written() {
    let folder = with_shop();

    let output = migrate(folder.path(), &["--to=barman-plugin", "apps"]);
    let json = migrate(
        folder.path(),
        &["--to=barman-plugin", "--output=json", "apps"],
    );

    assert_eq!(output.status.code(), Some(0));
    let page = text(&output.stdout);
    assert!(
        page.starts_with("To the Barman Cloud plugin in 4 steps for Cluster/shop.\n"),
        "{page}"
    );
    assert!(page.contains("   adds apps/objectstore-shop.yaml: ObjectStore/shop\n"));
    let plan: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(plan["target"], "barman-plugin");
    assert_eq!(plan["steps"].as_array().unwrap().len(), 4);
    assert_eq!(
        fs::read_to_string(folder.path().join("apps/shop.yaml")).unwrap(),
        SHOP
    );
    assert_eq!(fs::read_dir(folder.path().join("apps")).unwrap().count(), 1);
}

#[test]
fn a_patch_makes_of_the_old_files_what_write_makes() {
    let patched = with_shop();
    let written = with_shop();

    let patch = migrate(patched.path(), &["--to=barman-plugin", "--patch", "apps"]);
    fs::write(patched.path().join("move.patch"), &patch.stdout).unwrap();
    let mut git = Command::new("git");
    let applied = git
        .args(["apply", "-p0", "move.patch"])
        .current_dir(patched.path());
    let applied = applied.output().unwrap();
    let write = migrate(written.path(), &["--to=barman-plugin", "--write", "apps"]);

    assert!(applied.status.success(), "{}", text(&applied.stderr));
    assert_eq!(write.status.code(), Some(0));
    for file in ["apps/shop.yaml", "apps/objectstore-shop.yaml"] {
        let of = |folder: &tempfile::TempDir| fs::read_to_string(folder.path().join(file)).unwrap();
        assert_eq!(of(&patched), of(&written));
    }
    let shop = fs::read_to_string(written.path().join("apps/shop.yaml")).unwrap();
    assert!(shop.contains("# a month\n") && !shop.contains("barmanObjectStore"));
    let again = migrate(written.path(), &["--to=barman-plugin", "--patch", "apps"]);
    assert_eq!(text(&again.stdout), "");
}

#[test]
fn a_folder_takes_what_changes_and_is_not_written_over() {
    let folder = with_shop();
    fs::write(folder.path().join("apps/other.yaml"), "kind: Other\n").unwrap();
    let arguments = ["--to=barman-plugin", "--output-dir=out", "apps"];

    let first = migrate(folder.path(), &arguments);
    let second = migrate(folder.path(), &arguments);

    assert_eq!(first.status.code(), Some(0), "{}", text(&first.stderr));
    assert_eq!(fs::read_dir(folder.path().join("out")).unwrap().count(), 2);
    assert_eq!(
        fs::read_to_string(folder.path().join("apps/shop.yaml")).unwrap(),
        SHOP
    );
    assert_eq!(second.status.code(), Some(2));
    assert!(text(&second.stderr).contains("is there already"));
}

#[test]
fn the_first_steps_can_be_taken_alone() {
    let folder = with_shop();

    let output = migrate(
        folder.path(),
        &["--to=barman-plugin", "--write", "--through=2", "apps"],
    );

    assert_eq!(
        text(&output.stdout),
        "apps/objectstore-shop.yaml: ObjectStore/shop\n"
    );
    assert_eq!(
        fs::read_to_string(folder.path().join("apps/shop.yaml")).unwrap(),
        SHOP
    );
}

#[test]
fn nothing_is_written_while_a_question_is_open() {
    let folder = with_shop();
    let arguments = ["--to=pgbackrest", "--write", "apps"];

    let asked = migrate(folder.path(), &arguments);
    let answers = ["--region=shop=eu-1", "--key-type=shop=web-id"];
    let answered = migrate(folder.path(), &[&arguments[..], &answers].concat());

    assert_eq!(asked.status.code(), Some(1));
    assert!(
        text(&asked.stdout).contains("  --region shop=REGION\n"),
        "{}",
        text(&asked.stdout)
    );
    assert!(text(&asked.stderr).contains("nothing was written"));
    assert_eq!(
        answered.status.code(),
        Some(0),
        "{}",
        text(&answered.stdout)
    );
    let stanza = fs::read_to_string(folder.path().join("apps/stanza-shop.yaml")).unwrap();
    assert!(
        stanza.contains("      endpoint: s3.eu-1.amazonaws.com\n"),
        "{stanza}"
    );
}

#[test]
fn what_cannot_be_read_ends_with_2() {
    let folder = with_shop();

    let nothing = migrate(folder.path(), &["--to=walcast", "none.yaml"]);
    let target = migrate(folder.path(), &["--to=else", "apps"]);
    let format = migrate(folder.path(), &["--to=walcast", "--output=sarif", "apps"]);

    assert_eq!(nothing.status.code(), Some(2));
    assert_eq!(target.status.code(), Some(2));
    assert!(text(&target.stderr).contains("barman-plugin, pgbackrest or walcast"));
    assert_eq!(format.status.code(), Some(2));
}
