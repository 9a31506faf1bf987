//! A system as rules see it: clusters, their backups, and where these go.

mod archive;
mod cluster;
mod definition;
mod image;
mod job;
mod stanza;

use std::collections::HashMap;

use jiff::Timestamp;

pub(crate) use self::{
    archive::{Archive, Place, bucket_and_path, host, in_object_store},
    cluster::{Cluster, External, Plugin},
    image::{Image, Product},
    job::Job,
    stanza::{Repository, Stanza},
};
use crate::{
    inventory::{Found, Index, Inventory, Kind, Resource, Seen},
    manifest::Decoded,
};

/// All that rules look at.
#[derive(Debug)]
pub(crate) struct System<'a> {
    pub(crate) inventory: &'a Inventory,
    pub(crate) index: Index<'a>,
    pub(crate) now: Timestamp,
    pub(crate) clusters: Vec<Cluster<'a>>,
    /// Schedules first, then single backups.
    pub(crate) jobs: Vec<Job<'a>>,
    /// Where each cluster is in `clusters`, and its backups in `jobs`, by where its node is.
    places: HashMap<usize, (usize, Vec<usize>)>,
    /// Stanzas, and Repositories from before the plugin's first release.
    pub(crate) stanzas: Vec<Stanza<'a>>,
    /// The images of Deployments that are known.
    pub(crate) images: Vec<Image<'a>>,
    /// What the definitions say of the resources whose kinds have types.
    pub(crate) decoded: Vec<(Resource<'a>, Decoded<()>)>,
}

impl<'a> System<'a> {
    pub(crate) fn new(inventory: &'a Inventory, now: Timestamp) -> Self {
        let index = inventory.index();
        let of_kinds = |kinds: &[Kind]| -> Vec<Resource<'a>> {
            let kinds = kinds.iter().flat_map(|kind| index.of_kind(*kind));
            kinds.copied().collect()
        };
        let clusters = of_kinds(&[Kind::Cluster]).into_iter().map(Cluster::new);
        let clusters: Vec<Cluster<'a>> = clusters.collect();
        let jobs = of_kinds(&[Kind::ScheduledBackup, Kind::Backup]);
        let jobs = jobs.into_iter().map(|resource| Job::new(resource, &index));
        let jobs: Vec<Job<'a>> = jobs.collect();
        let stanzas = of_kinds(&[Kind::Stanza, Kind::Repository]);
        let decoded = index.all();
        let decoded = decoded.filter_map(|one| Some((*one, definition::decoded(one)?)));
        let decoded: Vec<_> = decoded.collect();
        Self {
            inventory,
            now,
            places: places(&clusters, &jobs),
            clusters,
            jobs,
            stanzas: stanzas.into_iter().map(Stanza::new).collect(),
            images: image::find(&index),
            decoded,
            index,
        }
    }

    /// Returns the cluster that a backup is of.
    pub(crate) fn cluster_of(&self, job: &Job<'a>) -> Option<&Cluster<'a>> {
        self.cluster(&job.cluster.here()?)
    }

    /// Returns a cluster by its resource.
    pub(crate) fn cluster(&self, resource: &Resource<'a>) -> Option<&Cluster<'a>> {
        let (cluster, _) = self.places.get(&address(resource))?;
        self.clusters.get(*cluster)
    }

    /// Returns the backups of a cluster.
    pub(crate) fn jobs_of(&self, cluster: &Cluster<'a>) -> impl Iterator<Item = &Job<'a>> {
        let place = self.places.get(&address(&cluster.resource));
        let jobs = place.map_or(&[][..], |(_, jobs)| jobs);
        jobs.iter().map(|job| &self.jobs[*job])
    }

    /// Returns the stanza that a plugin entry names, if the files have it.
    pub(crate) fn stanza(&self, plugin: &Plugin<'a>, of: &Resource<'a>) -> Option<&Stanza<'a>> {
        let (kind, name) = match plugin.parameter("stanzaRef").name() {
            Seen::Absent => (Kind::Repository, plugin.parameter("repositoryRef").name()),
            name => (Kind::Stanza, name),
        };
        let found = self.index.find(kind, name, of).here()?;
        let mut stanzas = self.stanzas.iter();
        stanzas.find(|stanza| stanza.resource.is(&found))
    }

    /// Returns the `ObjectStore` that a plugin entry names.
    pub(crate) fn store(&self, plugin: &Plugin<'a>, of: &Resource<'a>) -> Found<'a> {
        let name = plugin.parameter("barmanObjectName").name();
        self.index.find(Kind::ObjectStore, name, of)
    }

    /// Returns the images of a product.
    pub(crate) fn images_of(&self, product: Product) -> impl Iterator<Item = &Image<'a>> + Clone {
        let images = self.images.iter();
        images.filter(move |image| image.product == product)
    }
}

fn places(clusters: &[Cluster<'_>], jobs: &[Job<'_>]) -> HashMap<usize, (usize, Vec<usize>)> {
    let mut places = HashMap::with_capacity(clusters.len());
    for (index, cluster) in clusters.iter().enumerate() {
        places.insert(address(&cluster.resource), (index, Vec::new()));
    }
    for (index, job) in jobs.iter().enumerate() {
        let cluster = job.cluster.here();
        if let Some((_, jobs)) = cluster.and_then(|one| places.get_mut(&address(&one))) {
            jobs.push(index);
        }
    }
    places
}

/// Returns where a resource's node is in memory, which tells it from all others.
fn address(resource: &Resource<'_>) -> usize {
    std::ptr::from_ref(resource.node).addr()
}
