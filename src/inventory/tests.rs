use std::fs;

use super::*;

const CLUSTER: &str = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: main}\n";

fn names(inventory: &Inventory, root: &Path) -> Vec<String> {
    let files = inventory.files().iter();
    let name = |file: &File| {
        let name = file.name.strip_prefix(root).unwrap();
        name.display().to_string()
    };
    files.map(name).collect()
}

#[test]
fn folders_are_read_with_all_below_them_but_what_is_hidden() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for path in ["b.yaml", "a/c.yml", ".git/d.yaml", "a/.e.yaml", "f.json"] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, CLUSTER).unwrap();
    }
    let mut inventory = Inventory::default();

    inventory.read(root).unwrap();

    assert_eq!(names(&inventory, root), ["a/c.yml", "b.yaml"]);
}

#[test]
fn links_are_followed_and_loops_end() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("a")).unwrap();
    fs::write(root.join("a/b.yaml"), CLUSTER).unwrap();
    std::os::unix::fs::symlink(root, root.join("a/loop")).unwrap();
    std::os::unix::fs::symlink(root.join("a/b.yaml"), root.join("again.yaml")).unwrap();
    let mut inventory = Inventory::default();

    inventory.read(root).unwrap();
    inventory.read(&root.join("a/b.yaml")).unwrap();

    assert_eq!(names(&inventory, root), ["a/b.yaml"]);
}

#[test]
fn a_path_with_nothing_is_an_error_and_an_unreadable_file_is_none() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("dead.yaml")).unwrap();
    let mut inventory = Inventory::default();

    let error = inventory.read(&folder.path().join("none")).unwrap_err();
    inventory.read(folder.path()).unwrap();

    assert!(error.to_string().ends_with("/none"));
    assert_eq!(inventory.troubles().len(), 1);
    assert!(matches!(
        inventory.troubles()[0].reason,
        TroubleReason::Unreadable(_)
    ));
}

#[test]
fn a_file_above_the_limit_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.yaml");
    fs::File::create(&path)
        .unwrap()
        .set_len(MAX_FILE + 1)
        .unwrap();
    let mut inventory = Inventory::default();

    inventory.read(&path).unwrap();

    assert_eq!(inventory.troubles()[0].reason, TroubleReason::TooLarge);
}

#[test]
fn values_are_seen_as_something_nothing_or_not_at_all() {
    let mut inventory = Inventory::new(Variables::new());
    let spec =
        "spec: {a: x, b: null, c: \"${C}\", d: \"${D:=y}\", e: \"{{ .e }}\", f: 1, g: <path:x>}\n";
    inventory.add("a.yaml", format!("{CLUSTER}{spec}"));
    let index = inventory.index();

    let spec = index.of_kind(Kind::Cluster)[0].spec();

    let seen = ["a", "b", "c", "d", "e", "f", "g", "h"].map(|key| spec.get(key).text());
    assert_eq!(
        seen,
        [
            Seen::Is("x"),
            Seen::Absent,
            Seen::Unknown,
            Seen::Is("y"),
            Seen::Unknown,
            Seen::Unknown,
            Seen::Unknown,
            Seen::Absent,
        ]
    );
    assert_eq!(spec.get("f").number(), Seen::Is(1));
}

#[test]
fn references_lead_to_the_nearest_of_a_name_in_the_namespace() {
    let mut inventory = Inventory::default();
    let backup =
        "apiVersion: postgresql.cnpg.io/v1\nkind: Backup\nmetadata: {name: b, namespace: one}\n";
    let other = CLUSTER.replace("{name: main}", "{name: main, namespace: other}");
    inventory.add("other/cluster.yaml", other);
    inventory.add("far/cluster.yaml", CLUSTER.to_owned());
    inventory.add("near/cluster.yaml", CLUSTER.to_owned());
    inventory.add("near/backup.yaml", backup.to_owned());
    let index = inventory.index();
    let backup = index.of_kind(Kind::Backup)[0];

    let found = index.find(Kind::Cluster, Seen::Is("main"), &backup).here();
    let elsewhere =
        Index::new(&inventory.files()[..1]).find(Kind::Cluster, Seen::Is("main"), &backup);

    assert_eq!(found.unwrap().file.name, Path::new("near/cluster.yaml"));
    assert!(matches!(elsewhere, Found::Elsewhere(_)));
    let find = |name| index.find(Kind::Cluster, name, &backup);
    assert!(matches!(find(Seen::Is("none")), Found::Nowhere));
    assert!(matches!(find(Seen::Unknown), Found::Unknown));
}

#[test]
fn items_of_a_list_are_resources() {
    let mut inventory = Inventory::default();
    let text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: a}}\n";
    inventory.add("a.yaml", text.to_owned());

    assert_eq!(
        inventory.index().of_kind(Kind::Secret)[0].name(),
        Seen::Is("a")
    );
}
