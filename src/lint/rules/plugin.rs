//! How the plugins run: services, leases, images, spools.

use crate::{
    crd::{
        cnpg::{BARMAN_CLOUD, PGBACKREST},
        pgbackrest::PluginVersion,
    },
    inventory::{Kind, Resource, Seen},
    lint::{
        Level, Rule,
        sink::{Draft, Sink, text},
        system::{Cluster, Image, Plugin, Product, Stanza, System},
    },
    manifest::Edit,
};

pub(super) static SERVICE_NAMED_PGBACKREST: Rule = Rule {
    id: "T11",
    name: "service-named-pgbackrest",
    level: Level::Error,
    summary: "A Service named pgbackrest breaks pgBackRest in the pods beside it.",
    reason: "Kubernetes gives each pod variables for the Services of its namespace: one named \
             `pgbackrest` makes `PGBACKREST_SERVICE_HOST`, which pgBackRest takes for an option and \
             warns about. Dalibo's plugin reads that line as JSON: `can't parse pgbackrest JSON: \
             invalid character 'P'`, and no stanza is created. Upstream names the plugin's own \
             Service so, in the operator's namespace.",
    remedy: "Rename the Service (`cnpg-pgbackrest` is fine) and the names in its certificate, or keep \
             Clusters out of its namespace.",
    source: "§7; P:src/config/parse.c",
    check: service,
};

pub(super) static SHARED_LEASE: Rule = Rule {
    id: "T12",
    name: "shared-lease",
    level: Level::Error,
    summary: "The two plugins fight for one lease, and one of them never serves.",
    reason: "Releases of Dalibo's plugin before 0.0.1 elect their leader by the lease \
             `822e3f5c.cnpg.io`, which is the Barman Cloud plugin's as well. Both run in the \
             operator's namespace, so the second one waits at `attempting to acquire leader lease`.",
    remedy: "Upgrade Dalibo's plugin to 0.0.1 or later.",
    source: "§8; D#97, D#98",
    check: lease,
};

pub(super) static ASYNC_WITHOUT_SPOOL: Rule = Rule {
    id: "T33",
    name: "async-without-spool",
    level: Level::Error,
    summary: "WAL is to be archived asynchronously, and there is no volume to do it from.",
    reason: "`archive.async` needs a spool that can be written. Dalibo's plugin (from 0.0.1b on) adds \
             the volume only if the Cluster names a PluginConfig, and the root file system is \
             read-only.",
    remedy: "Add a PluginConfig with `storageConfig` and name it in `pluginConfigRef`.",
    source: "§6.6; D:internal/operator/lifecycle.go",
    check: spool,
};

pub(super) static PLUGIN_CONFIG_TRAPS: Rule = Rule {
    id: "T34",
    name: "plugin-config-traps",
    level: Level::Error,
    summary: "A PluginConfig makes hooks of pods panic, or asks for an image that is not there.",
    reason: "With `archive.async` the plugin reads `storageConfig` without looking whether there is \
             one: each hook of a pod fails. Its default storage class is literally called `default`. \
             `exporterConfig` adds the exporter's container even with `enabled: false`, and the \
             image must be configured in the controller.",
    remedy: "Set `storageConfig.storageClass` to a class that exists; remove `exporterConfig` unless \
             it is wanted.",
    source: "§6.6; gavinmcfall/home-ops 012b4773c, 85e55f2e3",
    check: plugin_config,
};

pub(super) static BACKUP_OBJECTS_DELETED: Rule = Rule {
    id: "T36",
    name: "backup-objects-deleted",
    level: Level::Error,
    summary: "The pgBackRest plugin deletes the Backup objects of other methods.",
    reason: "From 0.0.3 on Dalibo's plugin deletes, every five minutes, each Backup object of the \
             Cluster whose name is no label of pgBackRest, without looking who made it. Snapshots \
             that are owned by their Backup are deleted with it.",
    remedy: "Do not mix methods on a Cluster with this plugin, and leave `snapshotOwnerReference` \
             at `none` or `cluster`.",
    source: "§6.7; D:internal/instance/maintenance.go",
    check: objects,
};

pub(super) static REPOSITORY_KIND: Rule = Rule {
    id: "T40",
    name: "repository-kind",
    level: Level::Error,
    summary: "`Repository` is a kind that no release of the pgBackRest plugin knows.",
    reason: "It existed on the development branch for five weeks at the end of 2025 and became \
             `Stanza` before the first release, with `stanzaRef` for `repositoryRef`. Whoever runs \
             the image `latest` got the change unasked: `requested plugin is not available`.",
    remedy: "Pin a release, write the Repository as a Stanza with the same stanza name, and use \
             `stanzaRef`.",
    source: "§0.1, §10.4; D commit 16b3c64",
    check: repository_kind,
};

fn with_pgbackrest<'s, 'a>(
    system: &'s System<'a>,
) -> impl Iterator<Item = (&'s Cluster<'a>, &'s Plugin<'a>)> {
    let clusters = system.clusters.iter();
    clusters.filter_map(|cluster| Some((cluster, cluster.plugin(PGBACKREST)?)))
}

fn service(system: &System<'_>, sink: &mut Sink<'_>) {
    for service in system.index.of_kind(Kind::Service) {
        let Seen::Is(name) = service.name() else {
            continue;
        };
        let has_variables = !service.spec().get("clusterIP").text().is("None")
            && !service.spec().get("type").text().is("ExternalName");
        if !has_variables || (name != "pgbackrest" && !name.starts_with("pgbackrest-")) {
            continue;
        }
        let mut clusters = with_pgbackrest(system).map(|(cluster, _)| cluster.resource);
        let Some(cluster) = clusters.find(|cluster| cluster.may_share_namespace(service)) else {
            continue;
        };
        let is_certain =
            service.namespace().known().is_some() && service.namespace() == cluster.namespace();
        let variable = name.to_ascii_uppercase().replace('-', "_");
        let (condition, level) = if is_certain {
            ("", Level::Error)
        } else {
            ("if they share a namespace, ", Level::Warning)
        };
        let message = format!(
            "{condition}it gives the pods of {} the variable `{variable}_SERVICE_HOST`, on which \
             the plugin fails: `invalid character 'P'`",
            cluster.title()
        );
        let draft = Draft::at(service, &["metadata", "name"], message);
        sink.add(draft.level(level));
    }
}

fn lease(system: &System<'_>, sink: &mut Sink<'_>) {
    let first: PluginVersion = "v0.0.1".parse().expect("it is a release");
    let barman: Vec<&Image<'_>> = system.images_of(Product::BarmanCloud).collect();
    let mut is_known = false;
    for image in system.images_of(Product::PgBackRest) {
        let Some(release) = image.release() else {
            continue;
        };
        is_known = true;
        let mut beside = barman.iter().map(|other| other.deployment);
        let other = beside.find(|other| other.may_share_namespace(&image.deployment));
        if let (true, Some(other)) = (release < first, other) {
            let message = format!(
                "{release} shares the lease `822e3f5c.cnpg.io` with {}: one of them never serves",
                other.title()
            );
            sink.add(Draft::on(&image.deployment, image.node, message));
        }
    }
    if is_known {
        return;
    }
    for cluster in &system.clusters {
        let stores = |name| {
            cluster
                .plugin(name)
                .filter(|one| one.reference().is_present())
        };
        let (Some(_), Some(plugin)) = (stores(BARMAN_CLOUD), stores(PGBACKREST)) else {
            continue;
        };
        if let Some(node) = plugin.node() {
            let message = "both plugins are used: releases of this one before 0.0.1 take the other's \
                           lease, and one of them never serves";
            sink.add(Draft::on(&cluster.resource, node, message).level(Level::Note));
        }
    }
}

/// Returns the stanza of an entry if it archives asynchronously with more than one process.
fn spooling<'s, 'a>(
    system: &'s System<'a>,
    cluster: &Cluster<'a>,
    plugin: &Plugin<'a>,
) -> Option<&'s Stanza<'a>> {
    let stanza = system.stanza(plugin, &cluster.resource)?;
    let processes = stanza.configuration().get("processMax").number();
    let is_legacy = stanza.resource.kind == Kind::Repository;
    (stanza.is_async() && !processes.may_be(1) && !is_legacy).then_some(stanza)
}

fn spool(system: &System<'_>, sink: &mut Sink<'_>) {
    for (cluster, plugin) in with_pgbackrest(system) {
        let has_config = !plugin.parameter("pluginConfigRef").is_absent();
        let stanza = spooling(system, cluster, plugin);
        if let (false, Some(stanza), Some(node)) = (has_config, stanza, plugin.reference().node()) {
            let message = format!(
                "{} has `archive.async: true`, and without `pluginConfigRef` there is no volume for \
                 its spool",
                stanza.resource.title()
            );
            sink.add(Draft::on(&cluster.resource, node, message));
        }
    }
}

fn plugin_config(system: &System<'_>, sink: &mut Sink<'_>) {
    for config in system.index.of_kind(Kind::PluginConfig) {
        let storage = config.spec().get("storageConfig");
        let mut users = with_pgbackrest(system).filter(|(cluster, plugin)| {
            let name = plugin.parameter("pluginConfigRef").name();
            let found = system
                .index
                .find(Kind::PluginConfig, name, &cluster.resource);
            found.here().is_some_and(|found| found.is(config))
        });
        let user = users.find_map(|(cluster, plugin)| {
            spooling(system, cluster, plugin).map(|stanza| (cluster, stanza))
        });
        if let (true, Some((cluster, stanza))) = (storage.is_absent(), user) {
            let message = format!(
                "{} archives {} asynchronously, and without `storageConfig` each hook of its pods \
                 fails",
                stanza.resource.title(),
                cluster.resource.title()
            );
            sink.add(Draft::at(config, &["spec", "storageConfig"], message));
        }
        let class = storage.get("storageClass").name();
        if storage.is_present() && !storage.is_unknown() && class.or("default").is("default") {
            let message = "the storage class is literally `default`, which few clusters have";
            let keys = ["spec", "storageConfig", "storageClass"];
            sink.add(Draft::at(config, &keys, message).level(Level::Warning));
        }
        unwanted_exporter(config, sink);
    }
}

fn unwanted_exporter(config: &Resource<'_>, sink: &mut Sink<'_>) {
    let keys = ["spec", "exporterConfig", "enabled"];
    if config.at(&keys).flag().is(false) {
        let message = "the exporter's container is added all the same, and its image must be \
                       configured in the controller";
        let edit = |spec| Edit::remove(text(config), spec, "exporterConfig");
        let draft = Draft::at(config, &keys, message).level(Level::Warning).fix(
            "remove `exporterConfig`",
            [config.spec().node().and_then(edit)],
        );
        sink.add(draft);
    }
}

fn objects(system: &System<'_>, sink: &mut Sink<'_>) {
    let mut images = system.images_of(Product::PgBackRest);
    let is_known = images.clone().any(|image| image.release().is_some());
    let deletes = |release: PluginVersion| release >= PluginVersion::V0_0_3;
    if is_known && !images.any(|image| image.release().is_some_and(deletes)) {
        return;
    }
    let level = if is_known {
        Level::Error
    } else {
        Level::Warning
    };
    for (cluster, plugin) in with_pgbackrest(system) {
        if plugin.reference().is_absent() {
            continue;
        }
        for job in system.jobs_of(cluster) {
            let by = match (job.method(), job.plugin()) {
                (Seen::Is("plugin"), Seen::Is(PGBACKREST)) => continue,
                (Seen::Is("plugin"), Seen::Is(other)) => other,
                (Seen::Is("volumeSnapshot"), _) => "volumeSnapshot",
                _ => continue,
            };
            let keys = ["spec", "backup", "volumeSnapshot", "snapshotOwnerReference"];
            let owner = cluster.resource.at(&keys).name();
            let snapshots = if by == "volumeSnapshot" && owner.is("backup") {
                ", and the snapshots with them"
            } else {
                ""
            };
            let release = if is_known { "" } else { "from 0.0.3 on " };
            let message = format!(
                "{release}the pgBackRest plugin of {} deletes the Backup objects that `{by}` makes, \
                 within five minutes{snapshots}",
                cluster.resource.title()
            );
            let draft = Draft::at(&job.resource, &["spec", "method"], message);
            sink.add(draft.level(level));
        }
    }
}

fn repository_kind(system: &System<'_>, sink: &mut Sink<'_>) {
    let images: Vec<&Image<'_>> = system.images_of(Product::PgBackRest).collect();
    let is_released = |image: &&Image<'_>| image.release().is_some();
    let level = if images.iter().any(is_released) {
        Level::Error
    } else {
        Level::Warning
    };
    for repository in system.index.of_kind(Kind::Repository) {
        let message = match images.iter().find_map(|image| image.release()) {
            Some(release) => format!("plugin {release} knows no Repository: nothing is archived"),
            None => "no release of the plugin knows a Repository; it is called Stanza".to_owned(),
        };
        sink.add(Draft::at(repository, &["kind"], message).level(level));
    }
    for (cluster, plugin) in with_pgbackrest(system) {
        let reference = plugin.parameter("repositoryRef");
        if let (Some(node), true) = (reference.node(), plugin.parameter("stanzaRef").is_absent()) {
            let message = "releases of the plugin read `stanzaRef` and pass by `repositoryRef`: \
                           there is no sidecar, and nothing is archived";
            sink.add(Draft::on(&cluster.resource, node, message).level(level));
        }
    }
    for image in images
        .iter()
        .filter(|image| matches!(image.tag, "latest" | ""))
    {
        let message = "the image is not pinned: `latest` once changed `Repository` to `Stanza`";
        let draft = Draft::on(&image.deployment, image.node, message);
        sink.add(
            draft
                .level(Level::Warning)
                .help("Pin a release, such as `v0.0.3`."),
        );
    }
}
