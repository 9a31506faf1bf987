use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::*;
use crate::{
    crd::barman_cloud::ObjectStore,
    manifest::{
        documents,
        round_trip::{assert_lossless, assert_round_trip},
    },
};

/// Has one of each: what is always written, what is left out when empty, lists with names and
/// without, enumerations, free form.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Cluster {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instances: Option<u32>,
    #[serde(default, skip_serializing_if = "is_default")]
    storage: Storage,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backup: Option<Storage>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    plugins: Vec<Plugin>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ports: Vec<u16>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    free: Option<Json>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
struct Storage {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Plugin {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn typed(text: &str) -> Typed<Cluster> {
    let root = documents(text).remove(0).root.unwrap();
    Typed::decode(&root).value.unwrap()
}

fn json(typed: &Typed<Cluster>) -> Json {
    typed.to_json().unwrap()
}

const NEWER: &str = "kind: Cluster
instances: ${INSTANCES}
storage: {resize: true}
backup: {size: 1, tier: [a, {b: 1}]}
plugins:
- {name: a, enabled: ${A}, mode: x}
- {name: b, weight: 2}
- {name: c}
ports: [1, ${PORT}, 2, 70000, 3]
novel: {a: 1}
labels: {app: ${APP}, tier: '${TIER}'}
";

#[test]
fn a_resource_is_written_as_it_was_read() {
    let root = documents(NEWER).remove(0).root.unwrap();
    let typed = typed(NEWER);

    assert_eq!(json(&typed), root.to_json());
    assert_eq!(typed.value.instances, None);
    assert_eq!(typed.value.ports, [1, 2, 3]);
    let paths = |aside: &[&Aside]| -> Vec<String> {
        aside.iter().map(|aside| aside.path.to_string()).collect()
    };
    assert_eq!(
        paths(&typed.unknown().collect::<Vec<_>>()),
        [
            "storage.resize",
            "backup.tier",
            "plugins[0].mode",
            "plugins[1].weight",
            "novel"
        ]
    );
    assert_eq!(
        paths(&typed.held().collect::<Vec<_>>()),
        ["instances", "plugins[0].enabled", "ports[1]"]
    );
    let novel = typed.unknown().last().unwrap();
    assert_eq!(novel.json, json!({"a": 1}));
    assert_eq!(novel.span.slice(NEWER), Some("novel"));
    assert!(
        !format!("{typed:?}").contains("Number(1)"),
        "values are not printed"
    );
}

#[test]
fn yaml_keeps_placeholders_as_they_were_quoted() {
    let expected = "kind: Cluster
backup:
  size: 1
  tier:
  - a
  - b: 1
instances: ${INSTANCES}
labels:
  app: ${APP}
  tier: \"${TIER}\"
novel:
  a: 1
plugins:
- enabled: ${A}
  mode: x
  name: a
- name: b
  weight: 2
- name: c
ports:
- 1
- ${PORT}
- 2
- 70000
- 3
storage:
  resize: true
";
    assert_eq!(typed(NEWER).to_yaml().unwrap(), expected);
}

#[test]
fn what_is_aside_follows_the_item_of_its_name() {
    let mut cluster = typed(NEWER);
    cluster.value.plugins.reverse();
    cluster.value.plugins.push(Plugin::default());

    let expected = json!([
        {"name": "c"},
        {"name": "b", "weight": 2},
        {"name": "a", "enabled": "${A}", "mode": "x"},
        {},
    ]);
    assert_eq!(json(&cluster)["plugins"], expected);

    cluster.value.plugins.retain(|plugin| plugin.name != "b");
    assert_eq!(
        json(&cluster)["plugins"],
        json!([expected[0], expected[2], {}])
    );
    cluster.value.plugins[1].name = "b".to_owned();
    let renamed = json!([{"name": "c"}, {"name": "b", "weight": 2}, {}]);
    assert_eq!(json(&cluster)["plugins"], renamed);
}

#[test]
fn items_without_names_of_their_own_keep_their_index() {
    let mut cluster = typed("plugins: [{a: 0}, {name: x, a: 1}, {name: x, a: 2}]\n");
    cluster.value.plugins[1].name = "y".to_owned();
    cluster.value.plugins.push(Plugin::default());

    let expected = json!([{"a": 0}, {"name": "y", "a": 1}, {"name": "x", "a": 2}, {}]);
    assert_eq!(json(&cluster)["plugins"], expected);

    cluster.value.plugins.truncate(1);
    assert_eq!(json(&cluster)["plugins"], json!([{"a": 0}]));
}

#[test]
fn items_that_are_aside_go_back_to_their_index() {
    let mut cluster = typed(NEWER);

    cluster.value.ports = vec![8];
    assert_eq!(json(&cluster)["ports"], json!([8, "${PORT}", 70000]));
    cluster.value.ports.clear();
    assert_eq!(
        json(&cluster).get("ports"),
        None,
        "a list that was removed stays removed"
    );
}

#[test]
fn what_was_set_since_stays() {
    let mut cluster = typed(NEWER);
    cluster.value.instances = Some(3);
    cluster.value.plugins[0].enabled = Some(false);

    let json = json(&cluster);

    assert_eq!(json["instances"], 3);
    assert_eq!(
        json["plugins"][0],
        json!({"name": "a", "enabled": false, "mode": "x"})
    );
}

#[test]
fn what_was_removed_takes_with_it_what_was_aside() {
    let mut cluster = typed(NEWER);
    cluster.value.backup = None;
    cluster.value.plugins.clear();

    let json = json(&cluster);

    assert_eq!((json.get("backup"), json.get("plugins")), (None, None));
    assert_eq!(
        json["storage"],
        json!({"resize": true}),
        "it is not written when it is empty"
    );
}

#[test]
fn a_value_that_something_stood_in_for_is_written_unless_it_was_changed() {
    #[derive(Debug, Deserialize, Serialize)]
    struct Strict {
        count: u32,
        name: String,
    }

    let root = documents("count: ${N}\nname: x\n").remove(0).root.unwrap();
    let mut strict = Typed::<Strict>::decode(&root).value.unwrap();

    strict.value.name = "z".to_owned();
    assert_eq!(strict.to_yaml().unwrap(), "count: ${N}\nname: z\n");
    strict.value.count = 2;
    assert_eq!(strict.to_yaml().unwrap(), "count: 2\nname: z\n");
}

#[test]
fn faults_are_kept_aside_too() {
    let text = "instances: many\nplugins: [{name: a, enabled: 1}, 5]\nstorage: [1]\n";
    let root = documents(text).remove(0).root.unwrap();

    let decoded = Typed::<Cluster>::decode(&root);

    assert_eq!(decoded.errors.len(), 4);
    assert_eq!(json(&decoded.value.unwrap()), root.to_json());
}

#[test]
fn a_new_resource_has_nothing_aside() {
    let cluster = Typed::new(Cluster::default());

    assert_eq!(cluster.to_yaml().unwrap(), "{}\n");
    assert_eq!(cluster.unknown().count(), 0);
}

#[test]
fn object_stores_lose_nothing() {
    let text = "
apiVersion: barmancloud.cnpg.io/v1
kind: ObjectStore
metadata: {name: a, finalizers: [x], labels: {on: 'yes'}}
spec:
  novel: {a: [1.5, ~]}
  retentionPolicy: ${DAYS}d
  configuration:
    destinationPath: ${BUCKET:=s3://backups}/pg
    wal: {compression: zstd, maxParallel: ${N}, pace: 3}
    tags: {year: '2026'}
  instanceSidecarConfiguration: {env: [{name: A, value: '1'}], logLevel: ${LEVEL}}
status: {seen: 2026-11-23}
";
    let root = documents(text).remove(0).root.unwrap();

    let reports = assert_lossless::<ObjectStore>(&root, "an ObjectStore");

    let expected = [
        "6:3: spec.novel: unknown field `novel`",
        "10:49: spec.configuration.wal.pace: unknown field `pace`",
        "13:10: status.seen: unknown field `seen`",
    ];
    assert_eq!(reports, expected);
}

#[test]
fn the_law_is_asserted_for_folders() {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/config/corpus");

    let reports = assert_round_trip::<Untyped>(fixtures);

    assert!(
        reports[0].starts_with("002.yaml:4:1: apiVersion: unknown field"),
        "{reports:?}"
    );
    assert!(reports.len() >= 4 * 9);
}

/// Knows nothing, and so has everything aside.
#[derive(Debug, Deserialize, Serialize)]
struct Untyped {}

/// Documents around the fields of [`Cluster`], right and wrong.
fn document() -> impl Strategy<Value = Json> {
    let scalar = prop_oneof![
        any::<bool>().prop_map(Json::from),
        (0_i64..70000).prop_map(Json::from),
        "[a-z]{0,3}|\\$\\{[A-Z]\\}|[ab]-\\$\\{A:=b\\}".prop_map(Json::from),
        Just(Json::Null),
    ];
    let keys = [
        "kind",
        "instances",
        "storage",
        "backup",
        "plugins",
        "ports",
        "labels",
        "free",
        "size",
        "name",
        "enabled",
        "novel",
    ];
    scalar.prop_recursive(4, 40, 6, move |inner| {
        let entry = (proptest::sample::select(keys.to_vec()), inner.clone());
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(Json::from),
            proptest::collection::vec(entry, 0..6).prop_map(|entries| {
                let entries = entries
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value));
                Json::Object(entries.collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_is_lost_whatever_is_in_the_document(json in document()) {
        let json = if json.is_object() { json } else { json!({"free": json}) };
        let text = emit(&json);
        let root = documents(&text).remove(0).root.unwrap();

        let decoded = Typed::<Cluster>::decode(&root);
        prop_assert!(decoded.value.is_some() || !decoded.errors.is_empty());
        if decoded.value.is_some() {
            assert_lossless::<Cluster>(&root, &text);
        }
    }
}
