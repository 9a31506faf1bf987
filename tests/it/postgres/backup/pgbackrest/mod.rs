//! One primary whose backups go to repositories in pgBackRest's layout, beside one in Barman's, and
//! the real pgBackRest works on the same repositories.

mod moving;
mod ours;
mod theirs;

use std::{
    env,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    postgres::site::{PATIENCE, archiving},
    support::{
        pgbackrest::PgBackRest,
        postgres::{Cluster, Programs, Server, own},
        s3::{Options, S3Server},
        world::World,
    },
};

/// How a repository is written.
#[derive(Clone, Copy, Debug)]
struct Kind {
    compression: &'static str,
    bundles: &'static str,
    passphrase: Option<&'static str>,
    place: Place,
}

/// Where a repository is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    /// For us; for the tool it is the folder in which the bucket is.
    Bucket,
    Folder,
}

impl Kind {
    const fn new(
        compression: &'static str,
        bundles: &'static str,
        passphrase: Option<&'static str>,
        place: Place,
    ) -> Self {
        Self {
            compression,
            bundles,
            passphrase,
            place,
        }
    }

    /// Returns the name of its stanza's resource, and of its folder.
    fn name(&self) -> String {
        let secret = self.passphrase.map_or("plain", |_| "secret");
        let bundles = if self.bundles == "y" {
            "bundled"
        } else {
            "single"
        };
        let place = match self.place {
            Place::Bucket => "bucket",
            Place::Folder => "folder",
        };
        format!("{}-{secret}-{bundles}-{place}", self.compression)
    }

    /// Returns the name of its destination.
    fn destination(&self) -> String {
        format!("{}-1", self.name())
    }
}

/// Two that differ in everything.
const TWO: [Kind; 2] = [
    Kind::new("gz", "n", None, Place::Folder),
    Kind::new("zst", "y", Some("made-up"), Place::Bucket),
];

/// Returns every kind with `WALCAST_MATRIX=all`, else some in which each property is.
fn matrix() -> Vec<Kind> {
    let mut all = Vec::new();
    for compression in ["none", "gz", "lz4", "zst", "bz2"] {
        for bundles in ["n", "y"] {
            for place in [Place::Bucket, Place::Folder] {
                all.push(Kind::new(compression, bundles, None, place));
                all.push(Kind::new(compression, bundles, Some("made-up"), place));
            }
        }
    }
    match env::var("WALCAST_MATRIX").as_deref() {
        Ok("all") => all,
        Ok(other) => panic!("WALCAST_MATRIX is `{other}`, not `all`"),
        Err(_) => vec![
            TWO[0],
            TWO[1],
            Kind::new("lz4", "y", None, Place::Folder),
            Kind::new("none", "n", Some("made-up"), Place::Bucket),
        ],
    }
}

/// A primary that archives to a stanza of each kind.
struct Stanzas {
    // Stopped first: it still archives.
    primary: Server,
    s3: S3Server,
    world: World,
    kinds: Vec<Kind>,
    /// Whether the folder in Barman's layout is a destination.
    has_barman: bool,
}

impl Stanzas {
    /// Each in a stanza of its own, beside the folder `barman`.
    fn new(kinds: &[Kind]) -> Self {
        Self::run_by(&Programs::usual(), kinds)
    }

    fn run_by(programs: &Programs, kinds: &[Kind]) -> Self {
        let mut world = World::new();
        let s3 = S3Server::start_in(&world.path("s3"), Options::default());
        world.add_folder("barman");
        for kind in kinds {
            let document = stanza(kind, &world, &s3);
            world.add_document(&document);
        }
        world.add_document(&secret(&s3));
        let cluster = Cluster::init_by(programs, &world.path("primary"));
        cluster.configure(&archiving(&world, "spool", &[PATIENCE]));
        let data = cluster.data().display().to_string();
        if !kinds.is_empty() {
            let created = world.run(&["stanza-create", "--pgdata", &data]);
            created.assert_ended(0, "");
        }
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
        Self {
            primary,
            s3,
            world,
            kinds: kinds.to_vec(),
            has_barman: true,
        }
    }

    /// Returns where a repository is on this machine.
    fn folder(&self, kind: &Kind) -> PathBuf {
        let bucket = self.world.path("s3").join(&self.s3.options().bucket);
        match kind.place {
            Place::Bucket => bucket.join(kind.name()),
            Place::Folder => self.world.path(kind.name()),
        }
    }

    /// Returns the tool, which sees the bucket as the folder that it is.
    fn tool(&self, kind: &Kind) -> PgBackRest {
        let cluster = &self.primary.cluster;
        PgBackRest::on_folder(&self.folder(kind))
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

    /// Backs up to all destinations in one pass.
    #[track_caller]
    fn back_up(&self, arguments: &[&str]) {
        let dsn = self.primary.cluster.conninfo();
        let command = ["backup", "--fast-checkpoint", "--dsn", &dsn];
        let ran = self.world.run(&[&command[..], arguments].concat());
        ran.assert_ended(0, "");
    }

    /// Returns the link to the newest backup of a repository in a folder.
    fn latest(&self, kind: &Kind) -> PathBuf {
        self.folder(kind).join("backup/main/latest")
    }

    /// Has the tool back up to each repository.
    #[track_caller]
    fn back_up_by_tool(&self, arguments: &[&str]) {
        for kind in &self.kinds {
            self.tool(kind).succeed(&[arguments, &["backup"]].concat());
            if kind.place == Place::Bucket {
                // The server of the bucket cannot list what is a link in its folder.
                std::fs::remove_file(self.latest(kind)).unwrap();
            }
        }
    }

    /// Returns what `info` says of a destination.
    #[track_caller]
    fn described(&self, destination: &str) -> Value {
        let ran = self.world.run(&["info", "--output=json"]);
        let info: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
        let destinations = info["destinations"].as_array().unwrap();
        let one = destinations.iter().find(|one| one["id"] == destination);
        one.unwrap().clone()
    }

    /// Returns the backups in a destination, as `info` has them.
    #[track_caller]
    fn listed(&self, destination: &str) -> Vec<Value> {
        let described = self.described(destination);
        described["backups"].as_array().unwrap().clone()
    }

    /// Returns the options that leave one destination.
    fn only(&self, destination: &str) -> Vec<String> {
        let all = self.kinds.iter().map(Kind::destination);
        let all = all.chain(self.has_barman.then(|| "barman".to_owned()));
        let others = all.filter(|one| one != destination);
        others.map(|other| format!("--without={other}")).collect()
    }

    /// Restores with what one destination has, starts the server, and checks its rows.
    #[track_caller]
    fn check_restored(&self, destination: &str, backup: Option<&str>, expected: &str) {
        let name = format!("{destination}-{}", backup.unwrap_or("latest"));
        let place = self.world.path(name);
        let target = place.join("data").display().to_string();
        let space = format!("--tablespace=space={}", place.join("space").display());
        let mut arguments = vec!["restore", "--target-dir", &target, &space];
        let only = self.only(destination);
        arguments.extend(only.iter().map(String::as_str));
        arguments.extend(backup.iter().flat_map(|label| ["--backup", label]));
        self.world.run(&arguments).assert_ended(0, "");
        self.check_server(&place, expected);
    }

    /// Restores the newest backup of a repository by the tool, WAL included, and checks the rows.
    #[track_caller]
    fn check_restored_by_tool(&self, kind: &Kind, expected: &str) {
        let tool = self.tool(kind);
        let place = self.world.path(format!("{}-by-tool", kind.name()));
        let data = place.join("data");
        std::fs::create_dir_all(place.join("space")).unwrap();
        std::fs::create_dir_all(&data).unwrap();
        tool.succeed(&[
            &format!("--pg1-path={}", data.display()),
            &format!("--tablespace-map=space={}", place.join("space").display()),
            &format!("--recovery-option=restore_command={}", tool.fetching(&data)),
            "restore",
        ]);
        own(&place);
        self.check_server(&place, expected);
    }

    #[track_caller]
    fn check_server(&self, place: &Path, expected: &str) {
        let cluster = Cluster::of(place).run_by(self.primary.cluster.programs());
        cluster.configure("archive_mode = off\n");
        let server = cluster.start(&self.world.command(&[])).until_open();
        assert_eq!(content(&server), expected, "{}", place.display());
        server.amcheck();
    }
}

fn secret(s3: &S3Server) -> String {
    let options = s3.options();
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: keys}}\n\
         stringData: {{id: {}, secret: {}, pass: made-up}}\n",
        options.access_key, options.secret_key
    )
}

fn stanza(kind: &Kind, world: &World, s3: &S3Server) -> String {
    let cipher = match kind.passphrase {
        None => "",
        Some(_) => "      cipherConfig: {encryptionPass: {name: keys, key: pass}}\n",
    };
    format!(
        "apiVersion: pgbackrest.dalibo.com/v1\nkind: Stanza\nmetadata: {{name: {name}}}\nspec:\n  \
         stanzaConfiguration:\n    name: main\n{compression}    \
         customEnvVar: {{PGBACKREST_REPO1_BUNDLE: {bundles:?}{none}}}\n    \
         s3Repositories:\n    - bucket: {bucket}\n      endpoint: {endpoint}\n      region: here\n      \
         repoPath: /{name}\n      uriStyle: path\n      verifyTLS: true\n      secretRef:\n        \
         accessKeyId: {{name: keys, key: id}}\n        \
         secretAccessKey: {{name: keys, key: secret}}\n{cipher}",
        name = kind.name(),
        compression = match kind.compression {
            "none" => String::new(),
            codec => format!("    compressConfig: {{type: {codec}}}\n"),
        },
        none = match kind.compression {
            "none" => ", PGBACKREST_COMPRESS_TYPE: none",
            _ => "",
        },
        bundles = kind.bundles,
        bucket = s3.options().bucket,
        endpoint = match kind.place {
            Place::Bucket => s3.endpoint(),
            Place::Folder => {
                std::fs::create_dir(world.path(kind.name())).unwrap();
                format!("file://{}", world.path("").display())
            }
        },
    )
}

fn content(server: &Server) -> String {
    server.sql(
        "select (select concat(count(*), '/', sum(hashtext(text)::bigint)) from t), \
         (select concat(count(*), '/', sum(i)) from in_space)",
    )
}
