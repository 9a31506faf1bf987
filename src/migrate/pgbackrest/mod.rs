//! To Dalibo's pgBackRest plugin.

mod around;
mod convert;
mod coverage;
mod decide;
mod place;
mod steps;

use serde_json::Value as Json;

use super::{
    Choices,
    barman::{sources::Source, stores::Stores},
    desk::Desk,
};
use crate::{
    inventory::Resource,
    lint::system::{Cluster, Job},
};

/// What becomes of one `Cluster`.
#[derive(Debug)]
struct Move<'a> {
    cluster: &'a Cluster<'a>,
    way: Way<'a>,
    /// External clusters whose own configuration becomes that of the Barman Cloud plugin.
    sources: Vec<Source>,
    schedules: Vec<&'a Job<'a>>,
    /// The `PluginConfig` that is to be made, and its name.
    plugin: Option<(String, Json)>,
}

/// How a cluster comes to its stanza.
#[derive(Debug)]
enum Way<'a> {
    /// From Barman's layout, to a new one.
    Arrives {
        /// The name of the resource.
        name: String,
        /// `stanzaConfiguration`.
        configuration: Json,
        /// What holds the backups of the time before: `ObjectStore/NAME`.
        before: String,
    },
    /// From a `Repository`, which becomes one.
    Renamed(Resource<'a>),
    /// Back from walcast.
    Returns(String),
    /// It has one.
    There(Option<Resource<'a>>),
}

/// Plans the move of these clusters.
pub(super) fn plan<'a>(desk: &mut Desk<'a>, clusters: &[&'a Cluster<'a>], choices: &Choices) {
    let mut stores = Stores::of(desk);
    let mut moves = Vec::new();
    for cluster in clusters {
        // What is asked for is on the desk.
        if let Ok(Some(decided)) = decide::cluster(desk, &mut stores, cluster, choices) {
            moves.push(decided);
        }
    }
    steps::write(desk, &stores, &moves, choices);
}
