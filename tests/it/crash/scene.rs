//! Two destinations, what was acknowledged, and what must hold at any time.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::process::ExitStatusExt as _,
    process::{Command, Output, Stdio},
};

use crate::support::{archived, wal, world::World};

/// What an attempt to archive came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Attempt {
    /// Somebody heard that the file is archived.
    Acknowledged,
    /// The process was killed before anybody heard anything.
    Killed,
}

/// A folder `up` that is always there, and a folder `shaky` that comes and goes.
pub(super) struct Scene {
    pub(super) world: World,
    contents: BTreeMap<String, Vec<u8>>,
    acknowledged: BTreeSet<String>,
}

impl Scene {
    pub(super) fn new() -> Self {
        let mut world = World::with_folders(&["up"]);
        fs::create_dir(world.path("shaky")).unwrap();
        // Encoded differently, so that both encodings are spooled and sent.
        let place = format!("destinationPath: file://{}", world.path("shaky").display());
        world.add_store("shaky", &[&place]);
        Self {
            world,
            contents: BTreeMap::new(),
            acknowledged: BTreeSet::new(),
        }
    }

    /// Writes a segment for PostgreSQL to archive and returns its `%p`.
    pub(super) fn write(&mut self, number: u64) -> String {
        let content = wal::segment(number, wal::SYSTEM_ID);
        self.contents.insert(wal::name(number), content);
        self.world.write_segment(number)
    }

    /// Notes that somebody heard that a segment is archived: PostgreSQL recycles it.
    pub(super) fn acknowledged(&mut self, number: u64) {
        self.acknowledged.insert(wal::name(number));
        // It was removed before if it was acknowledged twice.
        let _ = fs::remove_file(self.world.path("data/pg_wal").join(wal::name(number)));
    }

    pub(super) fn take_down(&self) {
        fs::rename(self.world.path("shaky"), self.world.path("away")).unwrap();
    }

    pub(super) fn bring_back(&self) {
        fs::rename(self.world.path("away"), self.world.path("shaky")).unwrap();
        self.world.end_pauses();
    }

    pub(super) fn is_down(&self) -> bool {
        self.world.path("away").exists()
    }

    /// Returns a `wal-archive` that waits for whoever answers, however busy the machine is.
    pub(super) fn one_shot(&self, path: &str) -> Command {
        let arguments = ["wal-archive", path, "--spool=../spool"];
        let mut command = self.world.command(&arguments);
        command.args(["--patience=1m", "--deadline=2m"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Says what a `wal-archive` of segment `number` came to, and notes it.
    #[track_caller]
    pub(super) fn ended(&mut self, number: u64, output: &Output) -> Attempt {
        match (output.status.code(), output.status.signal()) {
            (Some(0), None) => {
                self.acknowledged(number);
                Attempt::Acknowledged
            }
            (None, Some(9)) => Attempt::Killed,
            _ => panic!("{output:?}"),
        }
    }

    /// Checks that each acknowledged segment is whole wherever it was promised to be, and that
    /// nothing is torn.
    #[track_caller]
    pub(super) fn check(&self) {
        let up = self.held_by("up");
        let shaky = self.held_by(if self.is_down() { "away" } else { "shaky" });
        let debts = archived::debts(&self.world.path("spool"), "shaky");
        for (name, bytes) in &debts {
            let is_whole = bytes
                .as_ref()
                .is_none_or(|found| self.is_right(name, found));
            assert!(is_whole, "{name} is damaged in the spool");
        }
        for name in &self.acknowledged {
            assert!(up.contains(name), "{name} is not in `up`");
            let is_covered = shaky.contains(name) || debts.contains_key(name);
            assert!(is_covered, "`shaky` neither holds nor owes {name}");
        }
    }

    /// Checks what `status` says of the debts.
    #[track_caller]
    pub(super) fn check_status(&self) {
        let status = self.world.known();
        let debts = archived::debts(&self.world.path("spool"), "shaky");
        assert_eq!(status.destinations[1].owed, debts.len(), "{status:?}");
    }

    /// Brings everything back, archives further segments until nobody owes anything, and checks
    /// that both destinations hold all.
    #[track_caller]
    pub(super) fn converge(&mut self, next: u64) {
        const ENOUGH: u64 = 20;
        if self.is_down() {
            self.bring_back();
        }
        self.world.end_pauses();
        let is_complete = (next..next + ENOUGH).any(|number| {
            let path = self.write(number);
            let output = self.one_shot(&path).arg("--drain=30s").output().unwrap();
            assert_eq!(self.ended(number, &output), Attempt::Acknowledged);
            self.world.known().is_complete()
        });
        assert!(is_complete, "{:?}", self.world.known());
        assert_eq!(archived::debts(&self.world.path("spool"), "shaky").len(), 0);
        let (up, shaky) = (self.held_by("up"), self.held_by("shaky"));
        assert!(up.is_superset(&self.acknowledged), "{up:?}");
        assert!(shaky.is_superset(&self.acknowledged), "{shaky:?}");
    }

    /// Returns the names of the segments in a folder, each of which is whole.
    #[track_caller]
    fn held_by(&self, folder: &str) -> BTreeSet<String> {
        let files = archived::files(&self.world.path(folder).join("main/wals"));
        for (name, content) in &files {
            assert!(
                self.is_right(name, content),
                "{name} is damaged in `{folder}`"
            );
        }
        files.into_keys().collect()
    }

    fn is_right(&self, name: &str, content: &[u8]) -> bool {
        self.contents[name] == content
    }
}
