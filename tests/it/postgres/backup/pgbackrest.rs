//! The real pgBackRest backs up a server whose WAL we archive in its layout, and its backups are
//! restored.

use std::path::Path;

use serde_json::Value;

use crate::{
    postgres::site::{PATIENCE, archiving},
    support::{
        pgbackrest::PgBackRest,
        postgres::{Cluster, Server, own},
        s3::{Options, S3Server},
        world::{Ran, World},
    },
};

/// How a repository is written.
struct Kind {
    name: &'static str,
    compression: &'static str,
    bundles: &'static str,
    passphrase: Option<&'static str>,
}

const KINDS: [Kind; 2] = [
    Kind {
        name: "plain",
        compression: "gz",
        bundles: "n",
        passphrase: None,
    },
    Kind {
        name: "secret",
        compression: "zst",
        bundles: "y",
        passphrase: Some("made-up"),
    },
];

/// A primary that archives to a stanza of each kind.
struct Stanzas {
    // Stopped first: it still archives.
    primary: Server,
    s3: S3Server,
    world: World,
}

impl Stanzas {
    fn new() -> Self {
        let mut world = World::new();
        let s3 = S3Server::start_in(&world.path("s3"), Options::default());
        for kind in &KINDS {
            world.add_document(&stanza(kind, &s3));
        }
        let options = s3.options();
        world.add_document(&format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: keys}}\n\
             stringData: {{id: {}, secret: {}, pass: made-up}}\n",
            options.access_key, options.secret_key
        ));
        let cluster = Cluster::init(&world.path("primary"));
        cluster.configure(&archiving(&world, "spool", &[PATIENCE]));
        let data = cluster.data().display().to_string();
        let created: Ran = world.run(&["stanza-create", "--pgdata", &data]);
        created.assert_ended(0, "");
        let primary = cluster.start(&world.command(&[])).until_open();
        let space = world.path("space");
        std::fs::create_dir(&space).unwrap();
        own(&space);
        // Nobody needs them, and every backup would read them.
        primary.sql(
            "update pg_database set datistemplate = false; drop database template0; \
             drop database template1",
        );
        primary.sql(&format!(
            "create tablespace space location '{}'; create table in_space (i int) tablespace space",
            space.display()
        ));
        Self { primary, s3, world }
    }

    /// Returns the tool, which sees the bucket as the folder that it is.
    fn tool(&self, kind: &Kind) -> PgBackRest {
        let bucket = self.world.path("s3").join(&self.s3.options().bucket);
        let cluster = &self.primary.cluster;
        PgBackRest::on_folder(&bucket.join(kind.name))
            .with_passphrase(kind.passphrase)
            .with("COMPRESS_TYPE", kind.compression)
            .with("REPO1_BUNDLE", kind.bundles)
            .with("PG1_PATH", cluster.data().to_str().unwrap())
            .with("PG1_SOCKET_PATH", cluster.sockets().to_str().unwrap())
            .with("PG1_USER", "postgres")
            .with("ARCHIVE_CHECK", "n")
            .with("START_FAST", "y")
    }

    /// Writes rows everywhere, and fills segments.
    fn work(&self, number: u32) {
        self.primary.sql(&format!(
            "insert into in_space select generate_series(1, {number} * 1000)"
        ));
        self.primary.fill_segments(1);
    }

    /// Returns what is in a destination, as `info` has it.
    fn listed(&self, destination: &str) -> Vec<Value> {
        let ran = self.world.run(&["info", "--output=json"]);
        let info: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
        let destinations = info["destinations"].as_array().unwrap();
        let one = destinations.iter().find(|one| one["id"] == destination);
        one.unwrap()["backups"].as_array().unwrap().clone()
    }
}

fn stanza(kind: &Kind, s3: &S3Server) -> String {
    let cipher = match kind.passphrase {
        None => "",
        Some(_) => "      cipherConfig: {encryptionPass: {name: keys, key: pass}}\n",
    };
    format!(
        "apiVersion: pgbackrest.dalibo.com/v1\nkind: Stanza\nmetadata: {{name: {name}}}\nspec:\n  \
         stanzaConfiguration:\n    name: main\n    compressConfig: {{type: {compression}}}\n    \
         s3Repositories:\n    - bucket: {bucket}\n      endpoint: {endpoint}\n      region: here\n      \
         repoPath: /{name}\n      uriStyle: path\n      verifyTLS: true\n      secretRef:\n        \
         accessKeyId: {{name: keys, key: id}}\n        \
         secretAccessKey: {{name: keys, key: secret}}\n{cipher}",
        name = kind.name,
        compression = kind.compression,
        bucket = s3.options().bucket,
        endpoint = s3.endpoint(),
    )
}

fn content(server: &Server) -> String {
    server.sql(
        "select (select concat(count(*), '/', sum(hashtext(text)::bigint)) from t), \
         (select concat(count(*), '/', sum(i)) from in_space)",
    )
}

#[test]
fn what_pgbackrest_backed_up_is_restored() {
    let stanzas = Stanzas::new();
    let mut number = 0;
    for kind in ["full", "diff", "incr"] {
        number += 1;
        stanzas.work(number);
        for repository in &KINDS {
            let tool = stanzas.tool(repository);
            tool.succeed(&[&format!("--type={kind}"), "backup"]);
        }
    }
    stanzas.work(number + 1);
    stanzas.primary.until_archived();
    let expected = content(&stanzas.primary);

    for (index, kind) in KINDS.iter().enumerate() {
        let backups = stanzas.listed(&format!("{}-1", kind.name));
        assert_eq!(backups.len(), 3, "{backups:?}");
        let other = format!("{}-1", KINDS[1 - index].name);
        for backup in &backups {
            let label = backup["id"].as_str().unwrap();
            assert!(backup["recoverable_to"].is_string(), "{backup}");
            let place = stanzas.world.path(format!("{}-{label}", kind.name));
            restore(&stanzas, &place, &["--backup", label, "--without", &other]);
            let cluster = Cluster::of(&place);
            cluster.configure("archive_mode = off\n");
            let server = cluster.start(&stanzas.world.command(&[])).until_open();
            assert_eq!(content(&server), expected, "{} {label}", kind.name);
            server.amcheck();
        }
    }
}

fn restore(stanzas: &Stanzas, place: &Path, arguments: &[&str]) {
    let target = place.join("data").display().to_string();
    let space = format!("--tablespace=space={}", place.join("space").display());
    let command = ["restore", "--target-dir", &target, &space];
    let ran = stanzas.world.run(&[&command[..], arguments].concat());
    ran.assert_ended(0, "");
}
