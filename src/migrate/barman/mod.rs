//! To the Barman Cloud plugin.

pub(super) mod decide;
pub(super) mod sources;
mod steps;
pub(super) mod stores;

use self::{sources::Source, stores::Stores};
use super::{Choices, desk::Desk, entry::entry, json::text};
use crate::{
    crd::cnpg::BARMAN_CLOUD,
    inventory::Resource,
    lint::system::{Cluster, Job},
};

/// What becomes of one `Cluster`.
#[derive(Debug)]
pub(super) struct Move<'a> {
    pub(super) cluster: Resource<'a>,
    /// Where it archives to; `None` if only its sources move.
    pub(super) own: Option<Own>,
    pub(super) sources: Vec<Source>,
    pub(super) schedules: Vec<&'a Job<'a>>,
    /// The store that is to have the retention policy that the `Cluster` has without effect.
    pub(super) keeps: Option<(Resource<'a>, serde_json::Value)>,
    /// The server name and the id of the backup that the cluster is restored from.
    pub(super) restored: Option<(String, String)>,
}

/// Where a cluster archives to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Own {
    pub(super) store: String,
    pub(super) folder: String,
    /// Whether it is on the plugin already.
    pub(super) is_there: bool,
}

/// Plans the move of these clusters.
pub(super) fn plan<'a>(desk: &mut Desk<'a>, clusters: &[&'a Cluster<'a>], choices: &Choices) {
    let mut stores = Stores::of(desk);
    let mut moves = Vec::new();
    for cluster in clusters {
        // What is asked for is on the desk.
        if let Ok(Some(decided)) = decide::cluster(desk, &mut stores, cluster, choices) {
            desk.plan.moved.push(cluster.resource.title());
            moves.push(decided);
        }
    }
    steps::write(desk, &stores, &moves);
}

/// Returns the folder of a cluster in its store, as it is written.
pub(super) fn folder(desk: &Desk<'_>, cluster: &Resource<'_>) -> Option<String> {
    let json = desk.json(cluster);
    let named = text(json, &["spec", "backup", "barmanObjectStore", "serverName"]);
    let plugin = entry(json, BARMAN_CLOUD);
    let named = named.or_else(|| text(plugin?, &["parameters", "serverName"]));
    let name = named.or_else(|| text(json, &["metadata", "name"]));
    name.map(ToOwned::to_owned)
}
