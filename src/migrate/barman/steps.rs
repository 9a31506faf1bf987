//! The order of a move to the Barman Cloud plugin.

use serde_json::json;

use super::{
    super::{
        Step,
        commands::{kubectl, name, of_cluster},
        desk::Desk,
        entry, jobs,
        json::{list, remove, set},
    },
    Move, decide,
    sources::parameters,
    stores::{Stores, mend_credentials},
};
use crate::{
    config::PLUGIN as WALCAST,
    crd::cnpg::BARMAN_CLOUD,
    inventory::{Kind, Resource},
};

pub(super) fn write<'a>(desk: &mut Desk<'a>, stores: &Stores<'a>, moves: &[Move<'a>]) {
    let arrives = |one: &&Move<'_>| one.own.as_ref().is_some_and(|own| !own.is_there);
    if moves.iter().any(|one| arrives(&one)) {
        desk.step(install());
    }
    write_stores(desk, stores, moves);
    for one in moves {
        write_cluster(desk, one);
    }
    write_schedules(desk, moves);
    if moves.iter().any(|one| one.own.is_some()) && !desk.plan.steps.is_empty() {
        desk.step(prove(moves));
    }
}

fn install() -> Step {
    Step::new(
        "Install the Barman Cloud plugin beside the operator",
        "A Cluster that names a plugin which does not run makes no progress. The plugin needs \
         CloudNativePG 1.26 or later, cert-manager, and the operator's namespace.",
    )
    .check(
        format!("kubectl get service -A -l cnpg.io/pluginName={BARMAN_CLOUD}"),
        "one Service, in the namespace of the operator",
    )
    .check(
        "kubectl get crd objectstores.barmancloud.cnpg.io",
        "it is there",
    )
}

fn write_stores<'a>(desk: &mut Desk<'a>, stores: &Stores<'a>, moves: &[Move<'a>]) {
    for (store, policy) in moves.iter().filter_map(|one| one.keeps.as_ref()) {
        desk.change(store, |json| {
            set(json, &["spec", "retentionPolicy"], policy.clone());
        });
    }
    for store in desk.of_kind(Kind::ObjectStore) {
        mend_store(desk, &store);
    }
    let new = stores.new_ones();
    let mut step = if new.is_empty() {
        Step::new(
            "Mend the ObjectStores",
            "They come before the Clusters, which would archive with what is wrong in them.",
        )
    } else {
        Step::new(
            "Make the ObjectStores",
            "They have the configuration that the Clusters have now: same path, same folder, same \
             Secrets. A Cluster that names a store which is not there yet waits for it.",
        )
    };
    for (beside, resource) in new {
        desk.create(&beside, &resource);
        let name = resource["metadata"]["name"].as_str().unwrap_or_default();
        step = step.check(
            kubectl(&beside, &format!("get objectstore {name}")),
            "it is there",
        );
    }
    desk.step_if_changed(step);
}

/// Puts what stands in a wrong place of an `ObjectStore` where it belongs.
fn mend_store(desk: &mut Desk<'_>, store: &Resource<'_>) {
    let mut is_mended = false;
    desk.change(store, |json| {
        if let Some(configuration) = json.pointer_mut("/spec/configuration") {
            is_mended = mend_credentials(configuration);
        }
    });
    if is_mended {
        let text = "its keys stood beside `s3Credentials`, where they are ignored (T28): they are \
                    in it now, and the plugin can write for the first time";
        desk.lose(&store.title(), text);
    }
}

fn write_cluster(desk: &mut Desk<'_>, one: &Move<'_>) {
    let cluster = &one.cluster;
    desk.change(cluster, |json| {
        if let Some(own) = &one.own {
            entry::remove_in_tree(json);
            if own.is_there {
                entry::make_archiver(json, BARMAN_CLOUD, &[]);
            } else {
                entry::remove_entries(json, WALCAST);
                let parameters = [
                    ("barmanObjectName", own.store.clone()),
                    ("serverName", own.folder.clone()),
                ];
                entry::make_archiver(json, BARMAN_CLOUD, &parameters);
            }
        }
        for source in &one.sources {
            entry::make_source(json, source.index, BARMAN_CLOUD, &parameters(source));
        }
        if let (Some((server, id)), Some(own)) = (&one.restored, &one.own) {
            remove(json, &["spec", "bootstrap", "recovery", "backup"]);
            set(
                json,
                &["spec", "bootstrap", "recovery", "source"],
                server.as_str(),
            );
            let target = [
                "spec",
                "bootstrap",
                "recovery",
                "recoveryTarget",
                "backupID",
            ];
            set(json, &target, id.as_str());
            list(json, &["spec", "externalClusters"]).push(json!({
                "name": server,
                "plugin": {
                    "name": BARMAN_CLOUD,
                    "parameters": {"barmanObjectName": own.store, "serverName": server},
                },
            }));
        }
    });
    let title = cluster.title();
    let step = match &one.own {
        Some(own) if !own.is_there => Step::new(
            format!("Move {title} in one change"),
            "Its own configuration goes and the plugin comes at once. The plugin added first is \
             refused as a second archiver; the configuration removed first leaves a gap that no \
             point-in-time recovery crosses. The change rolls all pods: the sidecar is new.",
        )
        .check(
            of_cluster(
                cluster,
                "get pods",
                "-o jsonpath='{.items[*].spec.initContainers[*].name}'",
            ),
            "`plugin-barman-cloud` once for each pod",
        )
        .check(
            archiving(cluster),
            "True, also after `pg_switch_wal()` on the primary",
        ),
        Some(_) => Step::new(
            format!("Finish {title}"),
            "It is on the plugin already; what is left of the time before has no effect.",
        ),
        None => Step::new(
            format!("Have {title} be restored by the plugin"),
            "The folder is always written: without it the plugin takes the name of the new \
             Cluster, where CloudNativePG took that of the external one.",
        ),
    };
    desk.step_if_changed(step);
    if cluster.is_patched {
        let text = "a patch of the kustomization beside it changes Clusters: look whether it \
                    brings back what this removes";
        desk.lose(&title, text);
    }
}

pub(super) fn archiving(cluster: &Resource<'_>) -> String {
    let cluster_name = name(cluster);
    let path = "{.status.conditions[?(@.type==\"ContinuousArchiving\")].status}";
    kubectl(
        cluster,
        &format!("get cluster {cluster_name} -o jsonpath='{path}'"),
    )
}

fn write_schedules(desk: &mut Desk<'_>, moves: &[Move<'_>]) {
    for one in moves {
        let Some(own) = &one.own else {
            continue;
        };
        for schedule in &one.schedules {
            let resource = &schedule.resource;
            let before = desk.json(resource).clone();
            if let Some(other) = decide::named_elsewhere(&before, &own.store) {
                let text = format!(
                    "it names ObjectStore/{other}, which the plugin never looks at (T01): its \
                     backups went to ObjectStore/{} all the time. A Cluster has one store with \
                     this plugin; with `--to walcast` it can have both",
                    own.store
                );
                desk.lose(&resource.title(), text);
            }
            desk.change(resource, |json| jobs::use_plugin(json, BARMAN_CLOUD, &[]));
        }
    }
    let step = Step::new(
        "Have the schedules use the plugin",
        "A schedule without a method asks CloudNativePG itself, which has no store any more: \
         every Backup fails. This comes after the Clusters, as the plugin backs up only a Cluster \
         that lists it.",
    );
    desk.step_if_changed(step);
}

/// The last step: a backup by the plugin, before anybody relies on it.
fn prove(moves: &[Move<'_>]) -> Step {
    let mut step = Step::new(
        "Take a backup with the plugin",
        "The first one shows that keys, path and folder are right. Backups of the time before \
         stay in the same folder and are pruned by the store's policy from now on; their Backup \
         objects stay until somebody deletes them.",
    );
    for one in moves {
        let Some(own) = &one.own else {
            continue;
        };
        let cluster = name(&one.cluster);
        let backup = format!("cnpg backup {cluster} --method=plugin --plugin-name={BARMAN_CLOUD}");
        let window = format!(
            "get objectstore {} -o jsonpath='{{.status.serverRecoveryWindow}}'",
            own.store
        );
        step = step
            .run(kubectl(&one.cluster, &backup))
            .check(
                of_cluster(&one.cluster, "get backups", ""),
                "the newest one is `completed`",
            )
            .check(
                kubectl(&one.cluster, &window),
                format!(
                    "`{}` has a first point that is no later than before",
                    own.folder
                ),
            );
    }
    step
}
