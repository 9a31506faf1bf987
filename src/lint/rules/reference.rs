//! References that lead nowhere.

use crate::{
    inventory::{Field, Found, Kind, Resource, Seen},
    lint::{
        Level, Rule,
        sink::{Draft, Sink},
        system::{External, System},
    },
    manifest::closest,
};

pub(super) static DANGLING_REFERENCE: Rule = Rule {
    id: "T20",
    name: "dangling-reference",
    level: Level::Error,
    summary: "A reference leads to nothing, or into another namespace.",
    reason: "Clusters, backups, poolers, stores, stanzas and Secrets are looked up by name in the \
             namespace of whoever refers to them, never elsewhere. A Cluster whose ObjectStore or \
             Stanza is not there is not reconciled any further; a backup waits for its Cluster. \
             What the files do not have may be in the cluster already: then nothing is said, \
             unless a name is very near.",
    remedy: "Create it in the same namespace before what refers to it.",
    source: "§1, §5.3; B:internal/cnpgi/operator/config/config.go, D:internal/config/config.go",
    check: dangling,
};

fn dangling(system: &System<'_>, sink: &mut Sink<'_>) {
    for cluster in &system.clusters {
        let external = cluster.external.iter().filter_map(External::plugin);
        for plugin in cluster.plugins.iter().copied().chain(external) {
            let kinds = [
                ("barmanObjectName", Kind::ObjectStore),
                ("stanzaRef", Kind::Stanza),
                ("repositoryRef", Kind::Repository),
                ("pluginConfigRef", Kind::PluginConfig),
            ];
            for (key, kind) in kinds.into_iter().filter(|_| plugin.is_known()) {
                check(system, &cluster.resource, kind, plugin.parameter(key), sink);
            }
        }
    }
    for kind in [
        Kind::Backup,
        Kind::ScheduledBackup,
        Kind::Pooler,
        Kind::Database,
    ] {
        for resource in system.index.of_kind(kind) {
            let name = resource.spec().at(&["cluster", "name"]);
            check(system, resource, Kind::Cluster, name, sink);
        }
    }
    for store in system.index.of_kind(Kind::ObjectStore) {
        secrets(system, store, store.spec().get("configuration"), sink);
    }
    for stanza in &system.stanzas {
        for repository in stanza.repositories() {
            for part in ["secretRef", "cipherConfig"] {
                secrets(system, &stanza.resource, repository.field.get(part), sink);
            }
        }
    }
}

fn check(
    system: &System<'_>,
    from: &Resource<'_>,
    kind: Kind,
    field: Field<'_>,
    sink: &mut Sink<'_>,
) {
    let (Seen::Is(name), Some(node)) = (field.name(), field.node()) else {
        return;
    };
    let kind_name = kind.name();
    match system.index.find(kind, Seen::Is(name), from) {
        Found::Here(_) | Found::Unknown => {}
        Found::Elsewhere(other) => {
            let message = format!(
                "{kind_name}/{name} is in namespace {}, and is looked for in {}",
                other.namespace().known().unwrap_or_default(),
                from.namespace().known().unwrap_or_default()
            );
            sink.add(Draft::on(from, node, message));
        }
        Found::Nowhere => {
            let near = system.index.of_kind(kind).iter();
            let near = near.filter(|one| one.may_share_namespace(from));
            let near = near.filter(|one| one.folder() == from.folder());
            let Some(near) = closest(name, near.filter_map(|one| one.name().known())) else {
                return;
            };
            let message = format!("there is no {kind_name}/{name}; {kind_name}/{near} is there");
            let draft = Draft::on(from, node, message).level(Level::Warning);
            // It may be in the cluster already, so nothing is changed unasked.
            sink.add(draft.help(format!("Write `{near}` if that is meant.")));
        }
    }
}

/// Checks all references to Secrets in a part of a resource.
fn secrets(system: &System<'_>, from: &Resource<'_>, part: Field<'_>, sink: &mut Sink<'_>) {
    for entry in part.entries() {
        let field = Field::of(Some(&entry.value));
        let (name, key) = (field.get("name"), field.get("key"));
        let (Seen::Is(secret_name), Seen::Is(key_name)) = (name.name(), key.name()) else {
            if !field.entries().is_empty() {
                secrets(system, from, field, sink);
            }
            continue;
        };
        match system.index.find(Kind::Secret, Seen::Is(secret_name), from) {
            Found::Here(secret) => {
                if let (Some(node), Some(keys)) = (key.node(), keys(&secret))
                    && !keys.contains(&key_name)
                {
                    let message = format!(
                        "Secret/{secret_name} has no key `{key_name}`, only {}",
                        keys.join(", ")
                    );
                    let draft = Draft::on(from, node, message);
                    sink.add(draft.help("Write a key that the Secret has."));
                }
            }
            Found::Elsewhere(_) => check(system, from, Kind::Secret, name, sink),
            Found::Nowhere | Found::Unknown => {}
        }
    }
}

/// Returns the keys of a Secret; `None` if they cannot be told.
fn keys<'a>(secret: &Resource<'a>) -> Option<Vec<&'a str>> {
    if secret.at(&["sops"]).is_present() {
        return None;
    }
    let parts = ["data", "stringData"].map(|part| secret.at(&[part]));
    if parts.iter().any(|part| part.is_unknown()) {
        return None;
    }
    let entries = parts.iter().flat_map(|part| part.entries());
    let keys: Vec<&str> = entries.map(|entry| entry.key.name.as_str()).collect();
    let is_known = !keys.is_empty() && keys.iter().all(|key| !key.contains("${"));
    is_known.then_some(keys)
}
