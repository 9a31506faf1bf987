//! To walcast, and back.
//!
//! A cluster on walcast has the entry [`PLUGIN`], whose parameters list its destinations: the
//! `ObjectStore`s and Stanzas that it has already, in their own layouts. So nothing is copied and
//! nothing starts anew, and the way back is the same change the other way round. An external
//! cluster has the same parameters. `backupType` of a schedule means what it means to pgBackRest's
//! plugin; there is no `selectedRepository`, as one backup goes to all destinations.

mod back;
mod steps;

pub(super) use self::back::way_back;
use super::{
    Asked, Choices,
    barman::{
        folder,
        sources::{self, Source},
        stores::{Stores, Use, converted},
    },
    commands::name,
    desk::Desk,
    entry::entry,
    jobs,
    json::{get, text},
};
use crate::{
    config::PLUGIN,
    crd::cnpg::{BARMAN_CLOUD, PGBACKREST},
    inventory::Kind,
    lint::system::{Cluster, Job},
};

/// What becomes of one `Cluster`.
#[derive(Debug)]
struct Move<'a> {
    cluster: &'a Cluster<'a>,
    /// As the parameter `destinations` lists them.
    destinations: Vec<String>,
    /// The folder in `ObjectStore`s.
    folder: String,
    sources: Vec<Source>,
    schedules: Vec<&'a Job<'a>>,
}

/// Plans the move of these clusters.
pub(super) fn plan<'a>(desk: &mut Desk<'a>, clusters: &[&'a Cluster<'a>], choices: &Choices) {
    let mut stores = Stores::of(desk);
    let mut moves = Vec::new();
    for cluster in clusters {
        // What is asked for is on the desk.
        if let Ok(Some(decided)) = decide(desk, &mut stores, cluster, choices) {
            desk.plan.moved.push(cluster.resource.title());
            moves.push(decided);
        }
    }
    if moves.is_empty() {
        return;
    }
    steps::write(desk, &stores, &moves);
}

fn decide<'a>(
    desk: &mut Desk<'a>,
    stores: &mut Stores<'a>,
    cluster: &'a Cluster<'a>,
    choices: &Choices,
) -> Result<Option<Move<'a>>, Asked> {
    let resource = &cluster.resource;
    let title = resource.title();
    if cluster.has_hidden_plugins() || cluster.in_tree().is_unknown() {
        let text = "what backs it up cannot be told: give its placeholders a value";
        return Err(desk.ask(&title, text, "--set NAME=VALUE"));
    }
    let json = desk.json(resource).clone();
    if entry(&json, PLUGIN).is_some() {
        desk.leave(&title, "it is on walcast already");
        return Ok(None);
    }
    let own = name(resource);
    let mut destinations = Vec::new();
    if let Some(in_tree) = get(&json, &["spec", "backup", "barmanObjectStore"]) {
        let wanted = converted(desk, resource, cluster.in_tree(), in_tree);
        let retention = get(&json, &["spec", "backup", "retentionPolicy"]);
        let store = stores.place(desk, resource, &wanted, retention, Use::Archive, &own);
        destinations.push(format!("ObjectStore/{store}"));
    }
    let parameter = |plugin, key| text(entry(&json, plugin)?, &["parameters", key]);
    let known = [
        (BARMAN_CLOUD, "barmanObjectName", Kind::ObjectStore),
        (PGBACKREST, "stanzaRef", Kind::Stanza),
        (PGBACKREST, "repositoryRef", Kind::Repository),
    ];
    for (plugin, key, kind) in known {
        if let Some(name) = parameter(plugin, key) {
            destinations.push(format!("{}/{name}", kind.name()));
        }
    }
    if destinations.is_empty() {
        desk.leave(&title, "it has no backups that could move");
        return Ok(None);
    }
    for also in choices.also.get(&own).into_iter().flatten() {
        if !destinations.contains(also) {
            destinations.push(also.clone());
        }
    }
    let sources = sources::all(desk, stores, cluster, choices)?;
    let schedules = jobs::schedules(desk, cluster, &[BARMAN_CLOUD, PGBACKREST]);
    Ok(Some(Move {
        cluster,
        destinations,
        folder: folder(desk, resource).unwrap_or(own),
        sources,
        schedules,
    }))
}
