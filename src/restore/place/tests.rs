use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink as link_to},
};

use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::{
    repository::{TreeEvent, TreePath},
    restore::{RecoverySettings, test_data::*},
};

/// A directory with a place for everything.
struct World {
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn data(&self, name: &str) -> PathBuf {
        self.path("data").join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.data(name)).unwrap()
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn placement(&self, delta: Delta) -> Placement {
        let tablespaces = tablespaces(&self.path("fast"));
        Placement {
            delta,
            ..Placement::new(self.path("data"), &backup(), &tablespaces)
        }
    }

    fn place(&self, delta: Delta, data: Vec<TreeEvent>) -> Result<Placed, PlaceError> {
        let mut placer = Placer::begin(self.placement(delta))?;
        take(&mut placer, tablespace_files())?;
        take(&mut placer, data)?;
        placer.finish(&settings())
    }

    /// Places a data directory that has `extra`, and returns why that was refused.
    fn refuse(&self, extra: Vec<TreeEvent>) -> PlaceError {
        let mut placer = Placer::begin(self.placement(Delta::Off)).unwrap();
        take(&mut placer, data_directory(extra)).unwrap_err()
    }
}

fn take(placer: &mut Placer, events: Vec<TreeEvent>) -> Result<(), PlaceError> {
    events
        .into_iter()
        .try_for_each(|event| placer.take(event))?;
    placer.end_tree()
}

fn settings() -> RecoverySettings {
    RecoverySettings::new("walcast wal-restore %f %p")
}

fn mode(path: PathBuf) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn hard_link(at: &str, existing: &str) -> TreeEvent {
    TreeEvent::HardLink(path(at), attributes(0o600), path(existing))
}

#[test]
fn a_backup_becomes_a_data_directory() {
    let world = World::new();
    let extra = [
        vec![symlink("pg_tblspc/16385", "/srv/fast")],
        vec![symlink("base/5/link", "../../PG_VERSION")],
        vec![hard_link("base/5/again", "base/5/1260")],
    ];

    let placed = world
        .place(Delta::Off, data_directory(extra.concat()))
        .unwrap();

    assert_eq!(world.read("base/5/1259"), [1; 16_384]);
    assert_eq!(world.read("base/5/again"), [2; 8192]);
    assert_eq!(world.read("base/5/link"), b"15\n");
    assert_eq!(world.read("base/5/empty"), b"");
    assert_eq!(world.read("global/pg_control"), fixture("pg_control"));
    assert_eq!(
        world.read("pg_tblspc/16385/PG_15_202209061/16386"),
        b"pages"
    );
    assert!(world.data("pg_wal").is_dir() && world.data("pg_notify").is_dir());
    assert_eq!(placed.files, 8);
    assert_eq!((placed.kept, placed.removed), (0, 0));
}

#[test]
fn recovery_is_set_up_and_what_contradicts_it_stays_behind() {
    let world = World::new();

    world.place(Delta::Off, data_directory(Vec::new())).unwrap();

    let auto_conf = String::from_utf8(world.read("postgresql.auto.conf")).unwrap();
    assert!(auto_conf.starts_with("work_mem = '64MB'\n# Written by walcast"));
    assert_eq!(world.read("recovery.signal"), b"");
    for name in [
        "standby.signal",
        "tablespace_map",
        marker::Marker::FILE_NAME,
    ] {
        assert!(!world.data(name).exists(), "{name}");
    }
}

#[test]
fn modes_owners_and_times_are_those_of_the_backup() {
    let world = World::new();
    let (uid, gid) = match rustix::process::geteuid().as_raw() {
        0 => (26, 27),
        uid => (uid, rustix::process::getegid().as_raw()),
    };
    let mut root_owned = attributes(0o4644);
    (root_owned.uid, root_owned.gid) = (0, 0);
    let mut events = data_directory(vec![
        TreeEvent::File(path("base/5/tool"), root_owned, 0),
        TreeEvent::EndOfFile,
    ]);
    let mut root = attributes(0o750);
    (root.uid, root.gid) = (uid, gid);
    events[1] = TreeEvent::Directory(TreePath::default(), root);

    world.place(Delta::Off, events).unwrap();

    assert_eq!(mode(world.path("data")), 0o750);
    assert_eq!(mode(world.path("fast")), 0o700);
    assert_eq!(mode(world.data("base/5/tool")), 0o644);
    assert_eq!(mode(world.data("recovery.signal")), 0o600);
    for name in [
        "",
        "base/5/tool",
        "recovery.signal",
        "pg_wal",
        "pg_tblspc/16385",
    ] {
        let found = fs::symlink_metadata(world.data(name)).unwrap();
        assert_eq!((found.uid(), found.gid()), (uid, gid), "{name}");
    }
    let changed = fs::metadata(world.data("base/5/1259")).unwrap().modified();
    assert_eq!(Timestamp::try_from(changed.unwrap()).unwrap(), modified());
}

#[test]
fn nothing_is_changed_where_something_is() {
    let world = World::new();
    world.write("fast/precious", b"1");

    let error = world.place(Delta::Off, Vec::new()).unwrap_err();

    assert!(matches!(error, PlaceError::NotEmpty { path } if path == world.path("fast")));
    assert!(!world.path("data").exists());

    world.write("data/precious", b"1");
    let error = world.place(Delta::Off, Vec::new()).unwrap_err();
    assert!(matches!(error, PlaceError::NotEmpty { path } if path == world.path("data")));
    assert_eq!(fs::read_dir(world.path("data")).unwrap().count(), 1);
}

#[test]
fn places_in_each_other_and_places_that_are_none_are_refused() {
    let world = World::new();
    world.write("file", b"");
    fs::create_dir(world.path("real")).unwrap();
    link_to(world.path("real"), world.path("alias")).unwrap();
    let check = |target: &str, location: PathBuf| {
        let mut placement = world.placement(Delta::Off);
        placement.target = world.path(target);
        placement.tablespaces.insert(oid(), location);
        placement.check().unwrap_err()
    };

    for (target, location) in [
        ("data", "data/fast"),
        ("fast/data", "fast"),
        ("data", "x/../data"),
        ("alias", "real/fast"),
    ] {
        let error = check(target, world.path(location));
        assert!(
            matches!(error, PlaceError::Overlap { .. }),
            "{location}: {error}"
        );
    }
    let error = check("data", "fast".into());
    assert!(matches!(error, PlaceError::Location { .. }));
    let error = check("file", world.path("fast"));
    assert!(matches!(error, PlaceError::NoDirectory { .. }));
}

#[test]
fn tablespaces_move_by_name_and_by_number() {
    let world = World::new();
    let known = tablespaces(&world.path("fast"));
    let mut placement = world.placement(Delta::Off);

    for name in ["fast", "16385"] {
        let moved = world.path(name).join("moved");
        placement.move_tablespace(&known, name, &moved).unwrap();
        assert_eq!(placement.tablespaces[&oid()], moved);
    }
    let error = placement.move_tablespace(&known, "slow", "/x").unwrap_err();
    assert!(matches!(error, PlaceError::NoTablespace(name) if name == "slow"));
}

#[test]
fn a_backup_that_cannot_fit_is_refused_before_anything_is_made() {
    let world = World::new();
    let of_size = |delta, size| Placement {
        size: Some(size),
        ..world.placement(delta)
    };

    let error = of_size(Delta::Off, u64::MAX).check().unwrap_err();

    assert!(matches!(error, PlaceError::NoSpace { .. }), "{error}");
    assert!(!world.path("data").exists());
    of_size(Delta::Off, 1).check().unwrap();
    of_size(Delta::Keep, u64::MAX).check().unwrap();
}

#[test]
fn until_the_end_no_server_can_start() {
    let world = World::new();
    let mut placer = Placer::begin(world.placement(Delta::Off)).unwrap();

    take(&mut placer, tablespace_files()).unwrap();
    take(&mut placer, data_directory(Vec::new())).unwrap();

    assert!(!world.data("global/pg_control").exists());
    let error = world.placement(Delta::Off).check().unwrap_err();
    assert!(matches!(error, PlaceError::Unfinished { .. }));
    let error = Placer::begin(world.placement(Delta::Keep)).unwrap_err();
    assert!(matches!(error, PlaceError::InUse { .. }));
}

#[test]
fn an_interrupted_restore_is_completed_by_a_delta() {
    let world = World::new();
    let mut placer = Placer::begin(world.placement(Delta::Off)).unwrap();
    take(&mut placer, tablespace_files()).unwrap();
    take(&mut placer, data_directory(Vec::new())).unwrap();
    drop(placer);

    let counted = world
        .place(Delta::Keep, data_directory(Vec::new()))
        .unwrap();

    assert_eq!(counted.written, fixture("pg_control").len() as u64);
    assert_eq!(world.read("global/pg_control"), fixture("pg_control"));
}

#[test]
fn no_link_is_followed_and_none_leads_out() {
    let outside = tempfile::tempdir().unwrap();
    let victim = outside.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    let (folder, victim_text) = (outside.path().to_str().unwrap(), victim.to_str().unwrap());

    for extra in [
        vec![symlink("out", folder)],
        vec![symlink("base/out", "../../data/../../etc")],
        vec![
            symlink("base/5/here", "../.."),
            symlink("out", "base/5/here/../.."),
        ],
        vec![symlink("pg_tblspc/16399", folder)],
        [vec![symlink("in", "base")], file("in/5/1259", b"x")].concat(),
        vec![
            symlink("base/5/up", "../../PG_VERSION"),
            hard_link("up", "base/5/up"),
        ],
        vec![hard_link("base/5/none", "base/5/nothing")],
        vec![hard_link("global/pg_control", "PG_VERSION")],
        file("base", b"x"),
        file("nowhere/file", b"x"),
    ] {
        let text = format!("{extra:?}");
        let error = World::new().refuse(extra);
        assert!(error.is_of_content(), "{text}: {error}");
    }

    let world = World::new();
    let mut placer = Placer::begin(world.placement(Delta::Off)).unwrap();
    placer.take(TreeEvent::Tree(Tree::Data)).unwrap();
    link_to(victim_text, world.data("PG_VERSION")).unwrap();
    take(&mut placer, data_directory(Vec::new())).unwrap();
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    assert_eq!(world.read("PG_VERSION"), b"15\n");
}

#[test]
fn links_that_lead_out_are_left_out_on_demand() {
    let world = World::new();
    let mut placement = world.placement(Delta::Off);
    placement.outer_links = OuterLinks::LeaveOut;
    let mut placer = Placer::begin(placement).unwrap();
    let extra = vec![symlink("server.key", "/etc/ssl/private/server.key")];

    take(&mut placer, tablespace_files()).unwrap();
    take(&mut placer, data_directory(extra)).unwrap();
    let counted = placer.finish(&settings()).unwrap();

    assert_eq!(counted.left_out, 1);
    assert!(!world.data("server.key").is_symlink());
}

#[test]
fn what_is_not_whole_is_refused() {
    let cut = |name: &'static str| {
        let is_not = move |event: &TreeEvent| match event {
            TreeEvent::File(at, ..) => *at != path(name),
            _ => true,
        };
        let mut events = data_directory(Vec::new());
        let start = events.iter().position(|event| !is_not(event)).unwrap();
        events.drain(start..start + 4);
        events
    };
    let mut unended = data_directory(Vec::new());
    unended.pop();
    let mut short = data_directory(file("base/5/short", b"abcd"));
    let end = short.len() - 6;
    short.remove(end);
    let long =
        data_directory([file("base/5/long", b""), vec![TreeEvent::Data("x".into())]].concat());

    for events in [
        cut("global/pg_control"),
        cut("backup_label"),
        unended,
        short,
        long,
        vec![TreeEvent::EndOfFile],
        Vec::new(),
    ] {
        let world = World::new();
        let mut placer = Placer::begin(world.placement(Delta::Off)).unwrap();
        let error = take(&mut placer, events).unwrap_err();
        assert!(error.is_of_content(), "{error}");
    }
}

#[test]
fn the_label_of_an_interrupted_restore_is_not_taken_for_the_backups() {
    let world = World::new();
    let mut placer = Placer::begin(world.placement(Delta::Off)).unwrap();
    take(&mut placer, data_directory(Vec::new())).unwrap();
    drop(placer);
    let mut events = data_directory(Vec::new());
    let is_label =
        |event: &TreeEvent| matches!(event, TreeEvent::File(at, ..) if *at == path("backup_label"));
    let start = events.iter().position(is_label).unwrap();
    events.drain(start..start + 4);

    let error = world.place(Delta::Keep, events).unwrap_err();

    assert!(error.to_string().starts_with("`backup_label`"), "{error}");
}

#[test]
fn control_file_and_label_must_be_those_of_the_record() {
    let world = World::new();
    let refuse = |placement: Placement| {
        let mut placer = Placer::begin(placement).unwrap();
        take(&mut placer, data_directory(Vec::new())).unwrap_err()
    };

    let mut placement = world.placement(Delta::Off);
    placement.system_id = Some(SystemId::new(1));
    assert!(matches!(refuse(placement), PlaceError::OtherCluster { .. }));

    let world = World::new();
    let mut placement = world.placement(Delta::Off);
    placement.start = Some(Lsn::new(1));
    assert!(refuse(placement).to_string().contains("`backup_label`"));
}

#[test]
fn a_tree_that_comes_again_replaces_what_came_before() {
    let world = World::new();
    let mut placer = Placer::begin(world.placement(Delta::Off)).unwrap();
    let mut cut = data_directory(file("base/5/evil", b"x"));
    cut.pop();
    take(&mut placer, cut).unwrap_err();

    take(&mut placer, tablespace_files()).unwrap();
    take(&mut placer, data_directory(Vec::new())).unwrap();
    placer.finish(&settings()).unwrap();

    assert!(!world.data("base/5/evil").exists());
    assert_eq!(world.read("base/5/1259"), [1; 16_384]);
}

#[test]
fn a_delta_keeps_what_is_equal_corrects_the_rest_and_removes_what_is_not_in_the_backup() {
    let world = World::new();
    world.place(Delta::Off, data_directory(Vec::new())).unwrap();
    let kept = fs::metadata(world.data("base/5/1259")).unwrap().ino();
    let mut changed = vec![2; 8192];
    changed[8000] = 7;
    world.write("data/base/5/1260", &changed);
    fs::remove_file(world.data("base/5/empty")).unwrap();
    world.write("data/base/5/empty/nested", b"a directory now");
    world.write("data/base/9/4000", b"a database of later");
    world.write("data/pg_wal/000000010000000000000009", b"of later");
    world.write("fast/PG_15_202209061/999", b"of later");
    link_to("/etc", world.data("base/out")).unwrap();
    fs::hard_link(world.data("PG_VERSION"), world.path("elsewhere")).unwrap();

    let placed = world
        .place(Delta::Keep, data_directory(Vec::new()))
        .unwrap();

    assert_eq!(fs::metadata(world.data("base/5/1259")).unwrap().ino(), kept);
    assert_eq!(world.read("base/5/1260"), [2; 8192]);
    assert_eq!(world.read("base/5/empty"), b"");
    assert_eq!(fs::read_dir(world.data("pg_wal")).unwrap().count(), 0);
    assert!(!world.data("base/9").exists() && !world.data("base/out").is_symlink());
    assert!(!world.path("fast/PG_15_202209061/999").exists());
    assert_eq!(fs::metadata(world.data("PG_VERSION")).unwrap().nlink(), 1);
    assert_eq!(world.read("recovery.signal"), b"");
    assert!(placed.kept > 16_384 && placed.removed >= 4, "{placed:?}");
}

#[test]
fn a_delta_goes_only_over_the_same_cluster_at_rest() {
    let refuse = |spoil: fn(&World)| {
        let world = World::new();
        world.place(Delta::Off, data_directory(Vec::new())).unwrap();
        spoil(&world);
        let error = Placer::begin(world.placement(Delta::Keep)).unwrap_err();
        assert!(!world.data(marker::Marker::FILE_NAME).exists());
        error
    };

    let error = refuse(|world| world.write("data/postmaster.pid", b"1"));
    assert!(matches!(error, PlaceError::InUse { .. }));
    for spoil in [
        |world: &World| world.write("data/global/pg_control", b"no such file"),
        |world: &World| fs::remove_file(world.data("global/pg_control")).unwrap(),
        |world: &World| {
            fs::remove_dir(world.data("pg_wal")).unwrap();
            link_to("/somewhere", world.data("pg_wal")).unwrap();
        },
        |world: &World| {
            let other =
                Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pg/16/pg_control");
            fs::copy(other, world.data("global/pg_control")).unwrap();
        },
    ] {
        assert!(matches!(refuse(spoil), PlaceError::Foreign { .. }));
    }
    let error = refuse(|world| {
        fs::remove_file(world.data("pg_tblspc/16385")).unwrap();
    });
    assert!(matches!(error, PlaceError::NotEmpty { .. }));
}
