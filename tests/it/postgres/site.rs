//! A primary, a folder and a bucket.

use std::{collections::BTreeMap, path::PathBuf};

use walcast::fanout::Status;

use crate::support::{
    archived,
    postgres::{Cluster, Programs, Server, until},
    s3::{Options, S3Server},
    world::{Resident, World},
};

/// A primary that archives to the destinations `bucket` and `folder`, through one spool.
pub(super) struct Site {
    // Stopped first: it still archives.
    pub(super) primary: Server,
    pub(super) s3: S3Server,
    pub(super) world: World,
    /// The number of the first segment that is archived.
    first: u64,
}

/// As short as it can be where nobody is slow.
pub(super) const PATIENCE: &str = "--patience=2s";

impl Site {
    /// With these arguments of `wal-archive`.
    pub(super) fn new(arguments: &[&str]) -> Self {
        Self::run_by(&Programs::usual(), arguments)
    }

    /// As [`new`](Self::new), with a server of the version that these programs are of.
    pub(super) fn run_by(programs: &Programs, arguments: &[&str]) -> Self {
        let mut world = World::new();
        let s3 = S3Server::start_in(&world.path("s3"), Options::default());
        let data = ["data: {compression: lz4}"];
        world.add_bucket_at("bucket", &s3.endpoint(), s3.options(), &data);
        world.add_folder("folder");
        let cluster = Cluster::init_by(programs, &world.path("primary"));
        cluster.configure(&archiving(&world, "spool", arguments));
        let primary = cluster.start(&world.command(&[])).until_open();
        let name = primary.sql("select pg_walfile_name(pg_current_wal_lsn())");
        Self {
            primary,
            s3,
            world,
            first: number(&name),
        }
    }

    /// Starts the resident.
    pub(super) fn serve(&self, arguments: &[&str]) -> Resident {
        let spool = self.world.path("spool");
        let spool = format!("--spool={}", spool.display());
        let mut command = self.world.command(&["serve", &spool]);
        let mut resident = Resident::spawn(command.args(arguments));
        resident.wait_until_it_says("socket");
        resident
    }

    /// Fills segments and waits until they are archived; returns the name of the last.
    #[track_caller]
    pub(super) fn archive(&self, count: usize) -> String {
        self.primary.fill_segments(count);
        self.primary.until_archived()
    }

    /// Archives further segments until one-shots have made good what they owed.
    #[track_caller]
    pub(super) fn until_one_shots_complete(&self) {
        let look = || {
            self.world.end_pauses();
            self.archive(1);
            self.world.known().is_complete().then_some(())
        };
        until("completion", look, || format!("{:?}", self.world.known()));
    }

    /// Waits until nobody owes anything.
    #[track_caller]
    pub(super) fn until_complete(&self) {
        let look = || self.world.known().is_complete().then_some(());
        until("completion", look, || format!("{:?}", self.world.known()));
    }

    /// Returns what `status` knows of the bucket, which is the first destination.
    pub(super) fn known(&self) -> Status {
        self.world.known()
    }

    pub(super) fn in_folder(&self) -> BTreeMap<String, Vec<u8>> {
        archived::files(&self.world.path("folder/main/wals"))
    }

    pub(super) fn in_bucket(&self) -> BTreeMap<String, Vec<u8>> {
        archived::files(&self.path_of_bucket().join("main/wals"))
    }

    fn path_of_bucket(&self) -> PathBuf {
        let bucket = &self.s3.options().bucket;
        self.world.path("s3").join(bucket).join("pg")
    }

    /// Checks that all segments of timeline 1 up to `last` are there.
    #[track_caller]
    pub(super) fn assert_unbroken(&self, files: &BTreeMap<String, Vec<u8>>, last: &str) {
        let segments = files
            .keys()
            .filter(|name| name.len() == 24 && name.as_str() <= last);
        let found: Vec<u64> = segments.map(|name| number(name)).collect();
        let expected: Vec<u64> = (self.first..=number(last)).collect();
        assert_eq!(found, expected, "of {:?}", files.keys());
    }

    /// Checks that both destinations hold every segment up to `last`, byte for byte the same.
    #[track_caller]
    pub(super) fn assert_same_up_to(&self, last: &str) {
        let (folder, bucket) = (self.in_folder(), self.in_bucket());
        self.assert_unbroken(&folder, last);
        let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&folder), names(&bucket));
        assert!(folder == bucket, "the content differs");
    }
}

/// Returns the settings of a server that archives through `spool`.
pub(super) fn archiving(world: &World, spool: &str, arguments: &[&str]) -> String {
    format!(
        "archive_mode = on\narchive_command = '\"{}\" wal-archive \"%p\" --spool={} {}'\n",
        env!("CARGO_BIN_EXE_walcast"),
        world.path(spool).display(),
        arguments.join(" "),
    )
}

/// Returns a segment's number, where segments have 1 MiB.
fn number(name: &str) -> u64 {
    let part = |range| u64::from_str_radix(&name[range], 16).unwrap();
    part(8..16) * 4096 + part(16..24)
}
