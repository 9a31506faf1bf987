//! Which resources of the files the cluster's destinations are made of.

use std::num::NonZeroU32;

use super::{
    DestinationConfig, Problem,
    parameters::{self, PLUGIN, Parameters},
    reference::{Reference, ReferenceKind},
    resource::{Resource, Resources},
};
use crate::{crd::barman_cloud::RetentionPolicy, manifest::Path};

/// A resource that one or several destinations are made of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Candidate<'a> {
    /// An `ObjectStore`.
    Store(&'a Resource<'a>),
    /// A `Stanza` or its predecessor: one repository, or all.
    Stanza(&'a Resource<'a>, Option<NonZeroU32>),
}

impl<'a> Candidate<'a> {
    /// Returns the resource.
    pub(super) fn resource(self) -> &'a Resource<'a> {
        match self {
            Self::Store(resource) | Self::Stanza(resource, _) => resource,
        }
    }
}

/// The plugin entry that counts, with its cluster.
pub(super) struct Chosen<'a> {
    cluster: &'a Resource<'a>,
    pub(super) parameters: Parameters,
}

impl Chosen<'_> {
    /// Returns a problem for each destination that is required and is none.
    pub(super) fn unknown_required(&self, destinations: &[DestinationConfig]) -> Vec<Problem> {
        let required = self.parameters.required.iter().flatten();
        let is_known = |id: &str| destinations.iter().any(|one| one.id == id);
        let unknown = required.filter(|id| !is_known(id.as_str()));
        unknown
            .map(|id| {
                let names: Vec<&str> = destinations.iter().map(|one| one.id.as_str()).collect();
                let message = format!("`{id}` is required and not among the destinations");
                let problem = problem(self.cluster, "required", message);
                problem.hint(format!("The destinations are {}.", names.join(", ")))
            })
            .collect()
    }
}

/// Returns the parameters of walcast's entry; two clusters that have one are two clusters.
pub(super) fn parameters<'a>(
    resources: &'a Resources<'a>,
    problems: &mut Vec<Problem>,
) -> Option<Chosen<'a>> {
    let mut chosen: Option<Chosen<'a>> = None;
    for cluster in &resources.clusters {
        let Some(parameters) = parameters::of_cluster(cluster, problems) else {
            continue;
        };
        if let Some(first) = &chosen {
            let name = first.cluster.name;
            let message = format!("Cluster `{name}` has a plugin entry `{PLUGIN}` too");
            let problem = cluster.error(["spec", "plugins"].as_slice(), message);
            problems.push(problem.hint("Leave one Cluster in the files."));
            continue;
        }
        chosen = Some(Chosen {
            cluster,
            parameters,
        });
    }
    chosen
}

/// Returns for how long the cluster itself wants backups kept: that with walcast's entry, else the
/// only one.
pub(super) fn retention(
    resources: &Resources<'_>,
    chosen: Option<&Chosen<'_>>,
) -> Option<RetentionPolicy> {
    let cluster = match (chosen, &resources.clusters[..]) {
        (Some(chosen), _) => chosen.cluster,
        (None, [only]) => only,
        (None, _) => return None,
    };
    let text = cluster.text(&["spec", "backup", "retentionPolicy"])?;
    text.parse().ok()
}

/// Returns what the cluster lists, in its order; without a list everything that the files have.
pub(super) fn candidates<'a>(
    resources: &'a Resources<'a>,
    chosen: Option<&Chosen<'a>>,
    problems: &mut Vec<Problem>,
) -> Vec<Candidate<'a>> {
    let listed = chosen.and_then(|chosen| {
        let destinations = chosen.parameters.destinations.as_ref()?;
        Some((chosen.cluster, destinations))
    });
    let Some((cluster, references)) = listed else {
        let stores = resources.stores.iter().map(Candidate::Store);
        let stanzas = resources.stanzas.iter();
        let stanzas = stanzas.map(|stanza| Candidate::Stanza(stanza, None));
        return stores.chain(stanzas).collect();
    };
    let mut candidates = Vec::new();
    for reference in references {
        match find(resources, cluster, reference) {
            Some(candidate) => candidates.push(candidate),
            None => problems.push(missing(cluster, reference)),
        }
    }
    candidates
}

/// Both plugins look for their resources in the cluster's namespace; so does this.
fn find<'a>(
    resources: &'a Resources<'a>,
    cluster: &Resource<'_>,
    reference: &Reference,
) -> Option<Candidate<'a>> {
    let namespace = |resource: &Resource<'a>| resource.text(&["metadata", "namespace"]);
    let ours = cluster.text(&["metadata", "namespace"]);
    let is_meant = |resource: &&Resource<'a>| {
        let theirs = namespace(resource);
        let near = theirs.is_none() || ours.is_none() || theirs == ours;
        resource.name == reference.name && near
    };
    let stanza = |kind: &str, number| {
        let mut stanzas = resources.stanzas.iter().filter(|one| one.kind == kind);
        let stanza = stanzas.find(is_meant)?;
        Some(Candidate::Stanza(stanza, number))
    };
    match reference.kind {
        ReferenceKind::ObjectStore => {
            let store = resources.stores.iter().find(is_meant)?;
            Some(Candidate::Store(store))
        }
        ReferenceKind::Stanza(number) => stanza("Stanza", number),
        ReferenceKind::Repository(number) => stanza("Repository", number),
    }
}

fn missing(cluster: &Resource<'_>, reference: &Reference) -> Problem {
    let message = format!("`{reference}` is not in the files");
    let problem = problem(cluster, "destinations", message);
    problem.hint("Add its file, with the namespace of the Cluster.")
}

fn problem(cluster: &Resource<'_>, parameter: &str, message: String) -> Problem {
    let entry = parameters::entry(cluster, PLUGIN);
    let path = entry.map_or_else(Path::root, |(path, _)| path);
    cluster.error(path.key("parameters").key(parameter), message)
}
