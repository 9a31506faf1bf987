//! A system as rules see it: clusters, their backups, and where these go.

mod archive;
mod cluster;
mod definition;
mod image;
mod job;
mod stanza;

use jiff::Timestamp;

pub(super) use self::{
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
pub(super) struct System<'a> {
    pub(super) inventory: &'a Inventory,
    pub(super) index: Index<'a>,
    pub(super) now: Timestamp,
    pub(super) clusters: Vec<Cluster<'a>>,
    /// Schedules first, then single backups.
    pub(super) jobs: Vec<Job<'a>>,
    /// Stanzas, and Repositories from before the plugin's first release.
    pub(super) stanzas: Vec<Stanza<'a>>,
    /// The images of Deployments that are known.
    pub(super) images: Vec<Image<'a>>,
    /// What the definitions say of the resources whose kinds have types.
    pub(super) decoded: Vec<(Resource<'a>, Decoded<()>)>,
}

impl<'a> System<'a> {
    pub(super) fn new(inventory: &'a Inventory, now: Timestamp) -> Self {
        let index = inventory.index();
        let of_kinds = |kinds: &[Kind]| -> Vec<Resource<'a>> {
            let kinds = kinds.iter().flat_map(|kind| index.of_kind(*kind));
            kinds.copied().collect()
        };
        let clusters = of_kinds(&[Kind::Cluster]).into_iter().map(Cluster::new);
        let clusters: Vec<Cluster<'a>> = clusters.collect();
        let jobs = of_kinds(&[Kind::ScheduledBackup, Kind::Backup]);
        let jobs = jobs.into_iter().map(|resource| Job::new(resource, &index));
        let stanzas = of_kinds(&[Kind::Stanza, Kind::Repository]);
        let decoded = index.all();
        let decoded = decoded.filter_map(|one| Some((*one, definition::decoded(one)?)));
        let decoded: Vec<_> = decoded.collect();
        Self {
            inventory,
            now,
            clusters,
            jobs: jobs.collect(),
            stanzas: stanzas.into_iter().map(Stanza::new).collect(),
            images: image::find(&index),
            decoded,
            index,
        }
    }

    /// Returns the cluster that a backup is of.
    pub(super) fn cluster_of(&self, job: &Job<'a>) -> Option<&Cluster<'a>> {
        self.cluster(&job.cluster.here()?)
    }

    /// Returns a cluster by its resource.
    pub(super) fn cluster(&self, resource: &Resource<'a>) -> Option<&Cluster<'a>> {
        let mut clusters = self.clusters.iter();
        clusters.find(|cluster| cluster.resource.is(resource))
    }

    /// Returns the backups of a cluster.
    pub(super) fn jobs_of(&self, cluster: &Cluster<'a>) -> impl Iterator<Item = &Job<'a>> {
        let of = cluster.resource;
        self.jobs.iter().filter(move |job| {
            let found = job.cluster.here();
            found.is_some_and(|found| found.is(&of))
        })
    }

    /// Returns the stanza that a plugin entry names, if the files have it.
    pub(super) fn stanza(&self, plugin: &Plugin<'a>, of: &Resource<'a>) -> Option<&Stanza<'a>> {
        let (kind, name) = match plugin.parameter("stanzaRef").name() {
            Seen::Absent => (Kind::Repository, plugin.parameter("repositoryRef").name()),
            name => (Kind::Stanza, name),
        };
        let found = self.index.find(kind, name, of).here()?;
        let mut stanzas = self.stanzas.iter();
        stanzas.find(|stanza| stanza.resource.is(&found))
    }

    /// Returns the `ObjectStore` that a plugin entry names.
    pub(super) fn store(&self, plugin: &Plugin<'a>, of: &Resource<'a>) -> Found<'a> {
        let name = plugin.parameter("barmanObjectName").name();
        self.index.find(Kind::ObjectStore, name, of)
    }

    /// Returns the images of a product.
    pub(super) fn images_of(&self, product: Product) -> impl Iterator<Item = &Image<'a>> + Clone {
        let images = self.images.iter();
        images.filter(move |image| image.product == product)
    }
}
