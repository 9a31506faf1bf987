//! Stanzas and their repositories.

use crate::{
    inventory::{Field, Kind, Resource, Seen},
    manifest::Node,
};

/// A `Stanza`, or a `Repository` from before the plugin's first release.
#[derive(Debug)]
pub(crate) struct Stanza<'a> {
    pub(crate) resource: Resource<'a>,
}

/// A repository of a stanza.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Repository<'a> {
    /// Its number, from 1.
    pub(crate) number: usize,
    pub(crate) field: Field<'a>,
    pub(crate) is_azure: bool,
}

impl<'a> Stanza<'a> {
    pub(super) fn new(resource: Resource<'a>) -> Self {
        Self { resource }
    }

    pub(crate) fn configuration(&self) -> Field<'a> {
        self.resource.spec().get(self.key())
    }

    /// Returns the key of its configuration.
    pub(crate) fn key(&self) -> &'static str {
        match self.resource.kind {
            Kind::Repository => "repoConfiguration",
            _ => "stanzaConfiguration",
        }
    }

    /// Returns pgBackRest's name of the stanza.
    pub(crate) fn name(&self) -> Seen<&'a str> {
        let key = match self.resource.kind {
            Kind::Repository => "stanza",
            _ => "name",
        };
        self.configuration().get(key).name()
    }

    /// Returns the repositories by number: those in S3 first, then those in Azure.
    pub(crate) fn repositories(&self) -> Vec<Repository<'a>> {
        let of = |key, is_azure| {
            let items: &'a [Node] = self.configuration().get(key).items();
            items.iter().map(move |item| (item, is_azure))
        };
        let all = of("s3Repositories", false).chain(of("azureRepositories", true));
        let all = all.enumerate().map(|(index, (item, is_azure))| Repository {
            number: index + 1,
            field: Field::of(Some(item)),
            is_azure,
        });
        all.collect()
    }

    /// Returns whether it cannot be told how many repositories there are.
    pub(crate) fn has_hidden_repositories(&self) -> bool {
        let lists = ["s3Repositories", "azureRepositories"];
        let mut lists = lists.iter().map(|key| self.configuration().get(key));
        self.configuration().is_unknown() || lists.any(Field::is_unknown)
    }

    pub(crate) fn is_async(&self) -> bool {
        let is_async = self.configuration().at(&["archive", "async"]).flag();
        is_async.is(true)
    }
}

impl<'a> Repository<'a> {
    /// Returns what it is called for people: its number and bucket.
    pub(crate) fn title(&self) -> String {
        let key = if self.is_azure { "container" } else { "bucket" };
        match self.field.get(key).name() {
            Seen::Is(bucket) => format!("repository {} ({key} `{bucket}`)", self.number),
            Seen::Absent | Seen::Unknown => format!("repository {}", self.number),
        }
    }

    /// Returns the first line of it, to point at.
    pub(crate) fn node(&self) -> Option<&'a Node> {
        let key = if self.is_azure { "container" } else { "bucket" };
        self.field.get(key).node().or_else(|| self.field.node())
    }

    pub(crate) fn retained_fulls(&self) -> Seen<i128> {
        self.field.at(&["retentionPolicy", "full"]).number()
    }

    /// Returns whether fulls are kept by their number, not by their age.
    pub(crate) fn counts_fulls(&self) -> bool {
        let full_type = self.field.at(&["retentionPolicy", "fullType"]).name();
        full_type.or("count").is("count")
    }
}
