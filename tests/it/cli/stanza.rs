//! `stanza-create` and `stanza-upgrade`, and what is archived where they were run.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::World;
use crate::support::{
    pgbackrest::SYSTEM_ID,
    s3::{Options, S3Server},
    wal,
};

/// A data directory, and a stanza in two encrypted repositories of one bucket.
fn world() -> (World, S3Server) {
    let mut world = World::new();
    place_control(&world, "15");
    let server = S3Server::start_in(&world.path("s3"), Options::default());
    let options = server.options();
    let repository = |path| {
        format!(
            "    - bucket: {}\n      endpoint: {}\n      region: here\n      repoPath: /{path}\n      \
             uriStyle: path\n      verifyTLS: true\n      secretRef:\n        \
             accessKeyId: {{name: keys, key: id}}\n        \
             secretAccessKey: {{name: keys, key: secret}}\n      \
             cipherConfig: {{encryptionPass: {{name: keys, key: pass}}}}\n",
            options.bucket,
            server.endpoint()
        )
    };
    world.add_document(&format!(
        "apiVersion: pgbackrest.dalibo.com/v1\nkind: Stanza\nmetadata: {{name: stanza}}\nspec:\n  \
         stanzaConfiguration:\n    name: main\n    compressConfig: {{type: lz4}}\n    \
         s3Repositories:\n{}{}",
        repository("one"),
        repository("two")
    ));
    world.add_document(&format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: keys}}\n\
         stringData: {{id: {}, secret: {}, pass: made-up}}\n",
        options.access_key, options.secret_key
    ));
    (world, server)
}

fn place_control(world: &World, version: &str) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pg");
    let mut control = fs::read(fixtures.join(version).join("pg_control")).unwrap();
    control.resize(8192, 0);
    let folder = world.path("data/global");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("pg_control"), control).unwrap();
}

/// Writes a segment of the cluster and returns its `%p`.
fn place_segment(world: &World, number: u64) -> String {
    let path = format!("pg_wal/{}", wal::name(number));
    let content = wal::segment(number, SYSTEM_ID);
    fs::write(world.path("data").join(&path), content).unwrap();
    path
}

/// Returns the object with a segment.
fn object(world: &World, repository: &str, number: u64) -> PathBuf {
    let name = wal::name(number);
    let folder = format!("s3/backups/{repository}/archive/main/15-1/{}", &name[..16]);
    let entries = fs::read_dir(world.path(folder)).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    let found = paths.find(|path| path.to_str().unwrap().contains(&name));
    found.unwrap()
}

#[test]
fn what_is_archived_after_the_stanza_was_created_comes_back() {
    let (world, _server) = world();
    let path = place_segment(&world, 5);
    let refused = world.archive_path(&path, &[]);
    refused.assert_ended(1, "there is no stanza");

    let created = world.run(&["stanza-create", "--pgdata", "."]);
    assert_eq!(
        (
            created.code,
            created.stdout.as_str(),
            created.stderr.as_str()
        ),
        (Some(0), "stanza-1: created\nstanza-2: created\n", "")
    );
    world.end_pauses();
    world.archive_path(&path, &[]).assert_silent_success();

    // One passphrase: what was encrypted once went to both.
    let [one, two] = ["one", "two"].map(|name| fs::read(object(&world, name, 5)).unwrap());
    assert!(one.starts_with(b"Salted__") && one == two);
    world.restore(5, &[]).assert_silent_success();
    let restored = fs::read(world.path("data/pg_wal/RECOVERYXLOG")).unwrap();
    assert!(restored == wal::segment(5, SYSTEM_ID));
}

#[test]
fn another_cluster_needs_an_upgrade() {
    let (world, _server) = world();
    let create = ["stanza-create", "--pgdata", ".", "--output=json"];
    assert_eq!(world.run(&create).code, Some(0));
    let again = world.run(&create);
    assert_eq!(
        again.stdout,
        "[{\"destination\":\"stanza-1\",\"stanza\":\"unchanged\"},\
         {\"destination\":\"stanza-2\",\"stanza\":\"unchanged\"}]\n"
    );

    place_control(&world, "17");
    let other = world.run(&["stanza-create", "--pgdata", "."]);
    let upgraded = world.run(&["stanza-upgrade", "--pgdata", "."]);

    assert_eq!(other.code, Some(1));
    assert!(
        other.stdout.contains("hint: Upgrade the stanza"),
        "{other:?}"
    );
    assert_eq!(
        (upgraded.code, upgraded.stdout.as_str()),
        (Some(0), "stanza-1: upgraded\nstanza-2: upgraded\n")
    );
}

#[test]
fn destinations_of_barman_s_layout_need_no_stanza() {
    let world = World::with_folders(&["a"]);

    let ran = world.run(&["stanza-create", "--pgdata", "."]);

    ran.assert_ended(1, "no destination is in pgBackRest's layout");
}
