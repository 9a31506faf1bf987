//! Published manifests: nothing breaks, and no error is said of what works.

use std::{collections::BTreeSet, fs};

use super::*;

/// Every error in the published documents, with the reason why it is one. Those of T14 and T23 were
/// judged by what the linter says of them, the others by the documents themselves.
///
/// Clusters of rule T23 may run all the same: `bootstrap` is of no use after the first start. They
/// fail, or mix two histories in one folder, on the day when they are restored from it.
const REVIEWED: &[(&str, &str, &str)] = &[
    (
        "cluster/002.yaml",
        "T23",
        "restored from the folder it archives to, check switched off",
    ),
    (
        "cluster/011.yaml",
        "T23",
        "restored from the folder it archives to, check switched off",
    ),
    (
        "cluster/016.yaml",
        "T23",
        "restored from the folder it archives to, check switched off",
    ),
    (
        "cluster/018.yaml",
        "T23",
        "restored from the folder it archives to, check switched off",
    ),
    (
        "cluster/020.yaml",
        "T23",
        "restored from the folder it archives to, check switched off",
    ),
    (
        "cluster/023.yaml",
        "T23",
        "restored from the folder it archives to, check switched off",
    ),
    (
        "cluster/027.yaml",
        "T23",
        "restored from the folder it archives to; the first segment is refused",
    ),
    (
        "cluster/062.yaml",
        "M06",
        "tablespaces is a list, the sample has a mapping",
    ),
    (
        "cluster/094.yaml",
        "T23",
        "restored from the folder it archives to, check switched off",
    ),
    (
        "cluster/098.yaml",
        "T23",
        "restored from the folder it archives to, check switched off",
    ),
    (
        "cluster/099.yaml",
        "T23",
        "restored from the folder it archives to, check switched off",
    ),
    (
        "cluster/101.yaml",
        "T23",
        "restored from the folder it archives to, check switched off",
    ),
    (
        "cluster/104.yaml",
        "T23",
        "restored from the folder it archives to, check switched off",
    ),
    (
        "cluster/106.yaml",
        "T23",
        "restored from the folder it archives to, check switched off",
    ),
    (
        "cluster/108.yaml",
        "T23",
        "restored from the folder it archives to, check switched off",
    ),
    (
        "cluster/126.yaml",
        "T23",
        "restored from the folder it archives to, check switched off",
    ),
    (
        "cluster/134.yaml",
        "T23",
        "restored from the folder it archives to, check switched off",
    ),
    ("cluster/143.yaml", "T52", "all credentials are comments"),
    (
        "cluster/144.yaml",
        "T23",
        "restored from the folder it archives to; the first segment is refused",
    ),
    (
        "cluster/146.yaml",
        "T23",
        "restored from the folder it archives to; the first segment is refused",
    ),
    (
        "cluster/155.yaml",
        "T23",
        "restored from the folder it archives to, check switched off",
    ),
    (
        "cluster/156.yaml",
        "T14",
        "plugin archiver beside barmanObjectStore, refused by the webhook",
    ),
    (
        "cluster/156.yaml",
        "T23",
        "restored from the folder it archives to, check switched off",
    ),
    (
        "migration-pairs/001/after/cluster.yaml",
        "T23",
        "restored from the folder it archives to, check switched off",
    ),
    (
        "migration-pairs/016/after/cluster.yaml",
        "T23",
        "restored from the folder it archives to, check switched off",
    ),
    (
        "migration-pairs/018/before/cluster.yaml",
        "T52",
        "all credentials are comments",
    ),
    (
        "migration-pairs/019/before/scheduledbackup-1.yaml",
        "T19",
        "the schedule moved to the plugin before its Cluster did",
    ),
    (
        "migration-pairs/020/after/cluster.yaml",
        "T13",
        "the archiver has no barmanObjectName",
    ),
    (
        "migration-pairs/020/after/scheduledbackup-1.yaml",
        "T19",
        "the plugin entry has no barmanObjectName",
    ),
    (
        "migration-pairs/020/before/scheduledbackup-1.yaml",
        "T19",
        "the schedule moved to the plugin before its Cluster did",
    ),
    (
        "migration-pairs/022/after/objectstore-1.yaml",
        "T29",
        "retentionPolicy below configuration",
    ),
    (
        "migration-pairs/023/after/cluster.yaml",
        "T23",
        "restored from the folder it archives to, check switched off",
    ),
    (
        "migration-pairs/023/before/cluster.yaml",
        "T14",
        "plugin archiver beside barmanObjectStore, refused by the webhook",
    ),
    (
        "migration-pairs/023/before/cluster.yaml",
        "T23",
        "restored from the folder it archives to, check switched off",
    ),
];

#[test]
fn errors_in_published_documents_are_errors() {
    let corpus = root().join("../shared/corpus");
    let (corpus, reviewed) = if corpus.is_dir() {
        (corpus, REVIEWED)
    } else {
        (folder("tests/fixtures/config/corpus"), &[][..])
    };

    let mut found = BTreeSet::new();
    for unit in units(&corpus) {
        let mut inventory = Inventory::default();
        inventory.read(&unit).unwrap();
        let report = lint(&inventory, &settings());
        for finding in report
            .findings
            .iter()
            .filter(|one| one.level == Level::Error)
        {
            let file = finding.file.strip_prefix(&corpus).unwrap();
            found.insert((file.display().to_string(), finding.rule.id.to_owned()));
        }
    }

    let reviewed = reviewed.iter();
    let reviewed: BTreeSet<_> = reviewed
        .map(|(file, rule, _)| ((*file).to_owned(), (*rule).to_owned()))
        .collect();
    assert_eq!(found, reviewed);
}

#[test]
fn fixes_of_published_documents_keep_comments_and_can_be_read() {
    let corpus = root().join("../shared/corpus");
    let corpus = if corpus.is_dir() {
        corpus
    } else {
        folder("tests/fixtures/config/corpus")
    };
    for unit in units(&corpus) {
        let mut inventory = Inventory::default();
        inventory.read(&unit).unwrap();
        let report = lint(&inventory, &settings());
        for fixed in fix(&inventory, &report) {
            let mut again = Inventory::default();
            again.add(&fixed.file, fixed.text.clone());
            let after = lint(&again, &settings());
            let broken = after.findings.iter().filter(|one| one.rule.id == "M01");
            assert_eq!(broken.count(), 0, "{}", fixed.text);
        }
    }
}

/// Returns what belongs together: single files, and the folders of the pairs.
fn units(corpus: &Path) -> Vec<PathBuf> {
    let list = |path: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(path).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let mut units = Vec::new();
    for path in list(corpus) {
        if path.ends_with("migration-pairs") {
            units.extend(list(&path).iter().flat_map(|pair| list(pair)));
        } else if path.is_dir() {
            units.extend(list(&path));
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            units.push(path);
        }
    }
    units.sort_unstable();
    units
}
