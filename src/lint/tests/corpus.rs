//! Published manifests: nothing breaks, and no error is said of what works.

use std::{collections::BTreeSet, fs};

use super::*;

/// Every error in the published documents, each read by a person and found to be one. Those of
/// rule T23 are Clusters that archive into the folder that they are restored from; most have the
/// check switched off, so that they run, with two histories in one folder.
const REVIEWED: &[(&str, &str, &str)] = &[(
    "cluster/002.yaml",
    "T23",
    "source and archive are minio/postgres18-0",
)];

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
    let corpus = match corpus.is_dir() {
        true => corpus,
        false => folder("tests/fixtures/config/corpus"),
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
