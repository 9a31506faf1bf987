//! Clusters and their plugins.

use crate::{
    crd::cnpg::{BARMAN_CLOUD, PGBACKREST},
    inventory::{Field, Resource, Seen},
    manifest::Node,
};

/// A `Cluster`.
#[derive(Debug)]
pub(crate) struct Cluster<'a> {
    pub(crate) resource: Resource<'a>,
    pub(crate) plugins: Vec<Plugin<'a>>,
    pub(crate) external: Vec<External<'a>>,
}

/// An entry of `spec.plugins`, or the plugin of an external cluster.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plugin<'a> {
    pub(crate) field: Field<'a>,
}

/// An entry of `spec.externalClusters`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct External<'a> {
    pub(crate) field: Field<'a>,
}

/// The plugins whose parameters are known, with the parameters that name where backups go.
const KNOWN_PLUGINS: [(&str, &[&str]); 2] = [
    (BARMAN_CLOUD, &["barmanObjectName"]),
    (PGBACKREST, &["stanzaRef", "repositoryRef"]),
];

impl<'a> Cluster<'a> {
    pub(super) fn new(resource: Resource<'a>) -> Self {
        let fields = |key| {
            let items = resource.spec().get(key).items().iter();
            items.map(|item| Field::of(Some(item)))
        };
        Self {
            resource,
            plugins: fields("plugins").map(|field| Plugin { field }).collect(),
            external: fields("externalClusters")
                .map(|field| External { field })
                .collect(),
        }
    }

    pub(crate) fn name(&self) -> Seen<&'a str> {
        self.resource.name()
    }

    /// Returns whether it cannot be told which plugins it has.
    pub(crate) fn has_hidden_plugins(&self) -> bool {
        let plugins = self.resource.spec().get("plugins");
        let mut names = self.plugins.iter().map(Plugin::name);
        plugins.is_unknown() || names.any(|name| name.is_unknown())
    }

    /// Returns the entries of a plugin that are not certain to be off.
    pub(crate) fn entries(&self, name: &'static str) -> impl Iterator<Item = &Plugin<'a>> {
        let named = self.plugins.iter();
        named.filter(move |plugin| plugin.name().is(name) && !plugin.enabled().is(false))
    }

    /// Returns the entry of a plugin that counts, which is the last one.
    pub(crate) fn plugin(&self, name: &'static str) -> Option<&Plugin<'a>> {
        self.entries(name).last()
    }

    /// Returns the entries of known plugins that name a store and are not off.
    pub(crate) fn storing(&self) -> impl Iterator<Item = &Plugin<'a>> + Clone {
        let entries = self.plugins.iter();
        entries.filter(|plugin| plugin.reference().is_present() && !plugin.enabled().is(false))
    }

    /// Returns the configuration of backups without a plugin.
    pub(crate) fn in_tree(&self) -> Field<'a> {
        let keys = ["backup", "barmanObjectStore"];
        self.resource.spec().at(&keys)
    }

    /// Returns the external cluster of this name.
    pub(crate) fn external(&self, name: Seen<&str>) -> Option<&External<'a>> {
        let name = name.known()?;
        self.external.iter().find(|one| one.name().is(name))
    }

    /// Returns the external clusters that it is restored from or follows, with the keys of the
    /// field that says so.
    pub(crate) fn sources(&self) -> Vec<(&'static [&'static str], &External<'a>)> {
        let keys: [&[&str]; 2] = [
            &["spec", "bootstrap", "recovery", "source"],
            &["spec", "replica", "source"],
        ];
        let sources = keys.into_iter().filter_map(|keys| {
            let name = self.resource.at(keys).name();
            Some((keys, self.external(name)?))
        });
        sources.collect()
    }

    /// Returns the folder in its `ObjectStore`.
    pub(crate) fn folder(&self, plugin: &Plugin<'a>) -> Seen<&'a str> {
        let named = plugin.parameter("serverName").name();
        named.or_else(|| self.name())
    }

    /// Returns whether it is a replica of another cluster.
    pub(crate) fn is_replica(&self) -> bool {
        let replica = self.resource.spec().get("replica");
        if replica.is_absent() {
            return false;
        }
        match replica.get("enabled").flag() {
            Seen::Is(is_enabled) => is_enabled,
            Seen::Unknown => false,
            Seen::Absent => {
                let own = replica.get("self").name().or_else(|| self.name());
                match (replica.get("primary").name(), own) {
                    (Seen::Is(primary), Seen::Is(own)) => primary != own,
                    _ => false,
                }
            }
        }
    }

    pub(crate) fn instances(&self) -> Seen<i128> {
        self.resource.spec().get("instances").number().or(1)
    }
}

impl<'a> Plugin<'a> {
    pub(crate) fn name(&self) -> Seen<&'a str> {
        self.field.get("name").name()
    }

    pub(crate) fn enabled(&self) -> Seen<bool> {
        self.field.get("enabled").flag().or(true)
    }

    pub(crate) fn is_archiver(&self) -> Seen<bool> {
        self.field.get("isWALArchiver").flag().or(false)
    }

    pub(crate) fn parameters(&self) -> Field<'a> {
        self.field.get("parameters")
    }

    pub(crate) fn parameter(&self, key: &str) -> Field<'a> {
        self.parameters().get(key)
    }

    /// Returns the parameter of a known plugin that names where backups go.
    pub(crate) fn reference(&self) -> Field<'a> {
        let mut known = KNOWN_PLUGINS
            .iter()
            .filter(|(name, _)| self.name().is(*name));
        let Some((_, keys)) = known.next() else {
            return Field::Absent;
        };
        let mut fields = keys.iter().map(|key| self.parameter(key));
        let present = fields.find(|field| !field.is_absent() && !field.text().is(""));
        present.unwrap_or(Field::Absent)
    }

    pub(crate) fn is_known(&self) -> bool {
        KNOWN_PLUGINS.iter().any(|(name, _)| self.name().is(*name))
    }

    /// Returns the entry, to point at.
    pub(crate) fn node(&self) -> Option<&'a Node> {
        self.field.get("name").node().or_else(|| self.field.node())
    }
}

impl<'a> External<'a> {
    pub(crate) fn name(&self) -> Seen<&'a str> {
        self.field.get("name").name()
    }

    pub(crate) fn in_tree(&self) -> Field<'a> {
        self.field.get("barmanObjectStore")
    }

    pub(crate) fn plugin(&self) -> Option<Plugin<'a>> {
        let field = self.field.get("plugin");
        (!field.is_absent()).then_some(Plugin { field })
    }
}
