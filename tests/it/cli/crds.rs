//! `crds`: definitions that `kubectl apply` takes.

use serde_json::Value;
use walcast::{crd::definitions, manifest::documents};

use super::World;

#[test]
fn every_definition_is_a_document() {
    let ran = World::new().run(&["crds"]);

    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let names: Vec<String> = documents(&ran.stdout)
        .into_iter()
        .map(|document| document.root.unwrap().to_json())
        .map(|json| format!("{} {}", json["kind"], json["metadata"]["name"]))
        .collect();
    let expected: Vec<String> = definitions()
        .iter()
        .map(|one| {
            format!(
                "\"CustomResourceDefinition\" {:?}",
                one.metadata.name.as_ref().unwrap()
            )
        })
        .collect();
    assert_eq!(names, expected);
}

#[test]
fn yaml_and_json_say_the_same() {
    let world = World::new();
    let yaml = world.run(&["crds"]).stdout;

    let json = world.run(&["crds", "--output", "json"]).stdout;

    let list: Value = serde_json::from_str(&json).unwrap();
    let read: Vec<Value> = documents(&yaml)
        .into_iter()
        .map(|document| document.root.unwrap().to_json())
        .collect();
    assert_eq!(
        (&list["apiVersion"], &list["kind"]),
        (&"v1".into(), &"List".into())
    );
    assert_eq!(list["items"], Value::from(read));
}

#[test]
fn kinds_are_chosen_by_name() {
    let world = World::new();

    let two = world.run(&["crds", "--kind", "stanza", "--kind", "ObjectStore"]);
    let none = world.run(&["crds", "--kind", "Stanzas"]);

    assert_eq!(documents(&two.stdout).len(), 2);
    assert_eq!((none.code, none.stdout.as_str()), (Some(1), ""));
    insta::assert_snapshot!(none.stderr, @r"
    error: there is no kind `Stanzas`
    hint: There are Cluster, Backup, ScheduledBackup, Pooler, Database, ObjectStore, Stanza, PluginConfig, Repository.
    ");
}

#[test]
fn a_definition_reads_well() {
    let ran = World::new().run(&["crds", "--kind", "PluginConfig"]);

    let (_, end) = ran
        .stdout
        .split_once("              storageConfig:")
        .unwrap();
    insta::assert_snapshot!(end, @r#"
                    description: |-
                      The volume for WAL that waits to be sent. With `archive.async` and more than one process the
                      plugin fails without it.
                    properties:
                      size:
                        description: "Its size in `Mi` or `Gi`. Default: that of the cluster's WAL volume, else `1Gi`."
                        pattern: "^[0-9]+?[M|G]i$"
                        type: string
                      storageClass:
                        default: default
                        description: "The class of the volume. Default: the class that is called `default`."
                        minLength: 1
                        type: string
                    required:
                    - storageClass
                    type: object
                type: object
            required:
            - spec
            type: object
        served: true
        storage: true
    "#);
}
