//! What the definitions of kinds say of resources.

use serde::de::DeserializeOwned;

use crate::{
    crd::{barman_cloud, cnpg, pgbackrest},
    inventory::{Kind, Resource},
    manifest::{Decoded, decode},
};

/// Reads a resource as its type; `None` for kinds that have none.
pub(super) fn decoded(resource: &Resource<'_>) -> Option<Decoded<()>> {
    Some(match resource.kind {
        Kind::Cluster => read::<cnpg::Cluster>(resource),
        Kind::Backup => read::<cnpg::Backup>(resource),
        Kind::ScheduledBackup => read::<cnpg::ScheduledBackup>(resource),
        Kind::Pooler => read::<cnpg::Pooler>(resource),
        Kind::Database => read::<cnpg::Database>(resource),
        Kind::ObjectStore => read::<barman_cloud::ObjectStore>(resource),
        Kind::Stanza => read::<pgbackrest::Stanza>(resource),
        Kind::Repository => read::<pgbackrest::Repository>(resource),
        Kind::PluginConfig => read::<pgbackrest::PluginConfig>(resource),
        Kind::Secret | Kind::Service | Kind::Deployment | Kind::PrometheusRule => return None,
    })
}

/// Keeps only what does not fit.
fn read<T: DeserializeOwned>(resource: &Resource<'_>) -> Decoded<()> {
    let decoded = decode::<T>(resource.node);
    Decoded {
        value: decoded.value.map(|_| ()),
        errors: decoded.errors,
        unknown: decoded.unknown,
        held: decoded.held,
    }
}
