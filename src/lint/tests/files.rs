//! Files that are broken, too large, patched, or described twice.

use super::*;
use crate::inventory::MAX_FILE;

const CLUSTER: &str = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: main}\n\
                       spec: {instances: three, storage: {size: 1Gi}}\n";

#[test]
fn a_broken_file_does_not_stop_the_others() {
    let mut inventory = Inventory::default();
    inventory.add("a.yaml", "a: [\n".to_owned());
    inventory.add("b.yaml", CLUSTER.to_owned());

    let report = lint(&inventory, &settings());

    let found: Vec<_> = report
        .findings
        .iter()
        .map(|one| (one.file.to_str().unwrap(), one.rule.id, one.span.start.line))
        .collect();
    assert_eq!(found, [("a.yaml", "M01", 1), ("b.yaml", "M06", 4)]);
}

#[test]
fn a_file_that_is_too_large_or_no_text_is_a_finding() {
    let mut inventory = Inventory::default();
    let large = usize::try_from(MAX_FILE).unwrap() + 1;
    inventory.add_bytes("large.yaml", vec![b'#'; large]);
    inventory.add_bytes("latin.yaml", b"a: \xe4\n".to_vec());

    let report = lint(&inventory, &settings());

    let messages: Vec<&str> = report
        .findings
        .iter()
        .map(|one| one.message.as_str())
        .collect();
    assert_eq!(rules_of(&report), ["M03"]);
    assert_eq!(
        messages,
        [
            "it is larger than 16 MiB",
            "line 1 is not UTF-8, at byte 3 of the file"
        ]
    );
}

#[test]
fn what_a_kustomization_patches_is_no_error() {
    let mut inventory = Inventory::default();
    let kustomization = "resources: [cluster.yaml]\npatches:\n- target: {kind: Cluster}\n  \
                         patch: |\n    - {op: replace, path: /spec/instances, value: 3}\n";
    inventory.add("db/kustomization.yaml", kustomization.to_owned());
    inventory.add("db/cluster.yaml", CLUSTER.to_owned());

    let report = lint(&inventory, &settings());

    assert_eq!(rules_of(&report), ["M06"]);
    assert_eq!(report.worst(), Some(Level::Warning));
}

#[test]
fn a_patch_is_no_second_resource() {
    let mut inventory = Inventory::default();
    let kustomization = "resources: [cluster.yaml]\npatches:\n- path: ./patch.yaml\n";
    let patch = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: main}\n\
                 spec: {instances: 3}\n";
    inventory.add("db/kustomization.yaml", kustomization.to_owned());
    inventory.add("db/cluster.yaml", CLUSTER.replace("three", "1"));
    inventory.add("db/patch.yaml", patch.to_owned());

    assert_eq!(rules_of(&lint(&inventory, &settings())), Vec::<&str>::new());
}

#[test]
fn overlays_in_other_folders_are_no_second_resource() {
    let mut inventory = Inventory::default();
    inventory.add("staging/cluster.yaml", CLUSTER.replace("three", "1"));
    inventory.add("production/cluster.yaml", CLUSTER.replace("three", "3"));

    assert_eq!(rules_of(&lint(&inventory, &settings())), Vec::<&str>::new());
}

#[test]
fn references_are_followed_within_the_namespace_of_a_kustomization() {
    let mut inventory = Inventory::default();
    let plugins = "plugins: [{name: barman-cloud.cloudnative-pg.io, isWALArchiver: true, \
                   parameters: {barmanObjectName: far}}]";
    let cluster = CLUSTER.replace("instances: three", plugins);
    let store = "apiVersion: barmancloud.cnpg.io/v1\nkind: ObjectStore\nmetadata: {name: far, \
                 namespace: other}\nspec: {retentionPolicy: 7d, configuration: {destinationPath: \
                 s3://a, s3Credentials: {inheritFromIAMRole: true}}}\n";
    inventory.add("db/kustomization.yaml", "namespace: db\n".to_owned());
    inventory.add("db/cluster.yaml", cluster);
    inventory.add("stores/far.yaml", store.to_owned());

    let report = lint(&inventory, &settings());

    let finding = report
        .findings
        .iter()
        .find(|one| one.rule.id == "T20")
        .unwrap();
    assert_eq!(
        finding.message,
        "ObjectStore/far is in namespace other, and is looked for in db"
    );
}

#[test]
fn foreign_kinds_and_no_resources_are_passed_by() {
    let text = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\n\
                ---\n- a list\n---\njust text\n---\napiVersion: kafka.example.org/v1\nkind: Cluster\n";

    assert_eq!(
        report(text),
        Report {
            files: 1,
            ..Report::default()
        }
    );
}
