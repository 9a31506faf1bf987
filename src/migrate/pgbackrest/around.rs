//! What stands in the plugin's way: the lease of another release, and names of Services.

use serde_json::{Value as Json, json};

use super::{
    super::{Step, commands::name, desk::Desk, json::set},
    Move,
};
use crate::{
    crd::{cnpg::PGBACKREST, pgbackrest::PluginVersion},
    inventory::Kind,
    lint::system::Product,
};

/// The release to have: the first one with a lease of its own is 0.0.1; the last one that deletes no
/// `Backup` objects of other methods is this (T12, T36).
const RELEASE: &str = "v0.0.2";
/// The first release with a lease of its own.
const OWN_LEASE: &str = "v0.0.1";

/// Writes the step that makes room for the plugin.
pub(super) fn write(desk: &mut Desk<'_>, moves: &[Move<'_>], arrives: bool) {
    upgrade(desk);
    rename_services(desk, moves);
    let step = Step::new(
        "Make room for the pgBackRest plugin",
        format!(
            "Releases before {OWN_LEASE} take the lease of the Barman Cloud plugin, and one of the \
             two never starts. A Service whose name begins with `pgbackrest` gives every pod of \
             its namespace variables that the tool takes for options: its output cannot be parsed \
             any more."
        ),
    );
    let step = step
        .check(
            format!("kubectl get service -A -l cnpg.io/pluginName={PGBACKREST}"),
            "one Service, in the namespace of the operator",
        )
        .check(
            "kubectl get crd stanzas.pgbackrest.dalibo.com",
            "it is there: releases before 0.0.1a have `repositories` instead",
        );
    if arrives {
        desk.step(step);
    } else {
        desk.step_if_changed(step);
    }
}

fn upgrade(desk: &mut Desk<'_>) {
    let own_lease: Option<PluginVersion> = OWN_LEASE.parse().ok();
    let old: Vec<_> = desk
        .system
        .images_of(Product::PgBackRest)
        .filter(|image| {
            image
                .release()
                .is_some_and(|release| Some(release) < own_lease)
        })
        .map(|image| (image.deployment, image.tag))
        .collect();
    for (deployment, tag) in old {
        desk.change(&deployment, |json| {
            let containers = json.pointer_mut("/spec/template/spec/containers");
            for container in containers
                .and_then(Json::as_array_mut)
                .into_iter()
                .flatten()
            {
                let image = container["image"].as_str().unwrap_or_default();
                let old = image.strip_suffix(&format!(":{tag}"));
                let old = old.filter(|image| image.contains("pgbackrest"));
                if let Some(image) = old.map(|image| format!("{image}:{RELEASE}")) {
                    container["image"] = json!(image);
                }
            }
        });
    }
}

/// Services in the namespaces of clusters that use the plugin, by a name that begins otherwise.
fn rename_services(desk: &mut Desk<'_>, moves: &[Move<'_>]) {
    for service in desk.of_kind(Kind::Service) {
        let own = name(&service);
        let collides = own == "pgbackrest" || own.starts_with("pgbackrest-");
        let is_near = |one: &Move<'_>| one.cluster.resource.may_share_namespace(&service);
        if !collides || !moves.iter().any(is_near) {
            continue;
        }
        let new = format!("cnpg-{own}");
        let text = format!(
            "it is called `{new}` now: whoever asks for it by its name, and the names in its \
             certificate, have to follow; pods lose the variables when they start anew"
        );
        desk.lose(&service.title(), text);
        desk.change(&service, |json| set(json, &["metadata", "name"], new));
    }
}
