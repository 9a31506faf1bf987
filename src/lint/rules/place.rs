//! Places that several archives share.

use crate::{
    inventory::{Field, Kind, Seen},
    lint::{
        Level, Rule,
        sink::{Draft, Sink},
        system::{Archive, Cluster, Place, Repository, System, bucket_and_path, host},
    },
};

pub(super) static SHARED_ARCHIVE: Rule = Rule {
    id: "T25",
    name: "shared-archive",
    level: Level::Error,
    summary: "Two Clusters archive into one folder.",
    reason: "Segments of both have the same names. The first one that is archived stays; the other \
             Cluster's is refused or, worse, overwrites it, and neither can be restored. Names of \
             namespaces are no part of the path.",
    remedy: "Give each Cluster its own `serverName`, `destinationPath` or stanza.",
    source: "§2.1; B:web/docs/concepts.md",
    check: shared,
};

pub(super) static ONE_FAILURE_DOMAIN: Rule = Rule {
    id: "T60",
    name: "one-failure-domain",
    level: Level::Warning,
    summary: "Two copies of a Cluster's backups are in one place under two names.",
    reason: "Copies are there for the day when a store, an account or a bucket is lost. Two \
             repositories with one endpoint and one bucket, or one endpoint and one key, are lost \
             together.",
    remedy: "Put one of them with another provider, or at least into another account and region.",
    source: "the upgrade plan and the field report of this project",
    check: one_domain,
};

fn shared(system: &System<'_>, sink: &mut Sink<'_>) {
    let mut seen: Vec<(&Cluster<'_>, Place)> = Vec::new();
    for cluster in &system.clusters {
        // A replica reads the archive of its source and writes none before it is promoted.
        for Archive { place, node } in system.archives(cluster) {
            let mut alike = seen.iter().filter(|(_, other)| *other == place);
            if let Some((other, _)) = alike.find(|(other, _)| !are_one(cluster, other)) {
                let message = format!(
                    "{} and {} both archive to {place}",
                    title(cluster),
                    title(other)
                );
                sink.add(Draft::on(&cluster.resource, node, message));
            }
            seen.push((cluster, place));
        }
    }
}

/// Returns whether two documents may describe one Cluster: an overlay, or a copy for another place.
fn are_one(one: &Cluster<'_>, other: &Cluster<'_>) -> bool {
    if one.resource.is(&other.resource) {
        return true;
    }
    let of_one_name = one.name() == other.name();
    of_one_name && one.resource.may_share_namespace(&other.resource)
}

fn title(cluster: &Cluster<'_>) -> String {
    let title = cluster.resource.title();
    match cluster.resource.namespace() {
        Seen::Is(namespace) => format!("{title} in {namespace}"),
        Seen::Absent | Seen::Unknown => title,
    }
}

/// What is lost together.
#[derive(Eq, PartialEq)]
struct Domain {
    host: String,
    bucket: String,
}

fn one_domain(system: &System<'_>, sink: &mut Sink<'_>) {
    for stanza in &system.stanzas {
        let repositories = stanza.repositories();
        for (index, repository) in repositories.iter().enumerate() {
            let before = repositories[..index].iter();
            let mut met = before.filter_map(|other| Some((other, in_common(other, repository)?)));
            if let (Some((other, common)), Some(node)) = (met.next(), repository.node()) {
                let message = format!(
                    "{} is in the {common} of repository {}: both are lost together",
                    repository.title(),
                    other.number
                );
                sink.add(Draft::on(&stanza.resource, node, message));
            }
        }
    }
    for cluster in &system.clusters {
        stores_of(system, cluster, sink);
    }
}

/// Says what two repositories of a stanza have in common that they should not have.
fn in_common(one: &Repository<'_>, other: &Repository<'_>) -> Option<String> {
    let same = |key| {
        let values = [one, other].map(|repository| repository.field.get(key).name());
        match values {
            [Seen::Is(one), Seen::Is(other)] => one == other,
            _ => false,
        }
    };
    if one.is_azure != other.is_azure {
        return None;
    }
    if one.is_azure {
        return same("account").then(|| "account".to_owned());
    }
    let hosts = [one, other].map(|repository| repository.field.get("endpoint").name().known());
    let [Some(one_host), Some(other_host)] = hosts.map(|url| url.map(host)) else {
        return None;
    };
    if one_host != other_host {
        return None;
    }
    if same("bucket") {
        return Some(format!("bucket at {one_host}"));
    }
    let key = |repository: &Repository<'_>| {
        let keys = ["secretRef", "accessKeyId"];
        let reference = repository.field.at(&keys);
        Some((
            reference.get("name").name().known()?.to_owned(),
            reference.get("key").name().known()?.to_owned(),
        ))
    };
    let is_same_key = key(one).is_some() && key(one) == key(other);
    is_same_key.then(|| format!("account at {one_host}"))
}

/// Compares the `ObjectStore`s that a Cluster lists as walcast's destinations, and those of its
/// plugins.
fn stores_of(system: &System<'_>, cluster: &Cluster<'_>, sink: &mut Sink<'_>) {
    let mut seen: Vec<(String, Domain)> = Vec::new();
    for plugin in cluster.storing().chain(walcast(cluster)) {
        let list = plugin
            .parameter("destinations")
            .text()
            .known()
            .unwrap_or_default();
        let listed = list
            .split(',')
            .filter_map(|one| one.trim().strip_prefix("ObjectStore/"));
        let own = plugin.parameter("barmanObjectName").name().known();
        for name in listed.chain(own) {
            let found = system
                .index
                .find(Kind::ObjectStore, Seen::Is(name), &cluster.resource);
            let configuration = found.here().map(|store| store.spec().get("configuration"));
            let (Some(domain), Some(node)) = (configuration.and_then(domain), plugin.node()) else {
                continue;
            };
            let twin = seen
                .iter()
                .find(|(other, seen)| other != name && *seen == domain);
            if let Some((other, _)) = twin {
                let message = format!(
                    "`{name}` and `{other}` are one bucket ({}): both are lost together",
                    domain.bucket
                );
                sink.add(Draft::on(&cluster.resource, node, message));
            }
            seen.push((name.to_owned(), domain));
        }
    }
}

fn walcast<'c, 'a>(
    cluster: &'c Cluster<'a>,
) -> impl Iterator<Item = &'c crate::lint::system::Plugin<'a>> {
    cluster.entries("walcast.dev")
}

fn domain(configuration: Field<'_>) -> Option<Domain> {
    let path = configuration.get("destinationPath").name().known()?;
    let url = configuration.get("endpointURL").name();
    Some(Domain {
        host: match url {
            Seen::Is(url) => host(url),
            Seen::Absent => String::new(),
            Seen::Unknown => return None,
        },
        bucket: bucket_and_path(path).0.to_owned(),
    })
}
