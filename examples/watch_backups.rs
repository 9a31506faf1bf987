//! What a Kubernetes cluster keeps backups in, told whenever it changes.
//!
//! Uses the `kube` client with the resources of walcast and the current context of kubectl.
//!
//! ```sh
//! cargo run --example watch_backups
//! ```
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::fmt::Debug;

use futures_util::TryStreamExt;
use kube::{
    Api, Client, Resource, ResourceExt,
    runtime::{WatchStreamExt, watcher},
};
use serde::de::DeserializeOwned;
use tokio::try_join;
use walcast::crd::{
    barman_cloud::ObjectStore,
    cnpg::Backup,
    pgbackrest::{PluginVersion, Stanza},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let client = Client::try_default().await?;
    try_join!(
        watch(client.clone(), object_store),
        watch(client.clone(), stanza),
        watch(client, backup),
    )?;
    Ok(())
}

/// Prints what `tell` says of each resource `R` that is there, and again when it changes.
async fn watch<R>(client: Client, tell: fn(&R) -> Vec<String>) -> anyhow::Result<()>
where
    R: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let stream = watcher(Api::<R>::all(client), watcher::Config::default())
        .default_backoff()
        .applied_objects();
    stream
        .try_for_each(async |resource| {
            let namespace = resource.namespace().unwrap_or_default();
            println!("{} {namespace}/{}", R::kind(&()), resource.name_any());
            for line in tell(&resource) {
                println!("  {line}");
            }
            Ok(())
        })
        .await?;
    Ok(())
}

/// Tells from when on each cluster can be restored.
fn object_store(store: &ObjectStore) -> Vec<String> {
    let status = store.status.as_ref();
    let windows = status.and_then(|status| status.server_recovery_window.as_ref());
    let windows = windows.into_iter().flatten();
    windows
        .map(
            |(server, window)| match &window.first_recoverability_point {
                Some(first) => format!("{server}: can be restored since {}", first.0),
                None => format!("{server}: no backup yet"),
            },
        )
        .collect()
}

/// Tells where each repository is and how safely it is talked to.
fn stanza(stanza: &Stanza) -> Vec<String> {
    let repositories = stanza.spec.stanza_configuration.repositories();
    repositories
        .iter()
        .map(|one| {
            let verified = one.repository.verifies_tls(PluginVersion::V0_0_3);
            let certificate = if verified { "checked" } else { "not checked" };
            let path = one.repository.repo_path();
            format!(
                "repository {} at {path}: certificate {certificate}",
                one.number
            )
        })
        .collect()
}

/// Tells how a base backup came out.
fn backup(backup: &Backup) -> Vec<String> {
    let Some(status) = &backup.status else {
        return vec!["not begun".to_owned()];
    };
    let phase = status.phase.as_ref().map(ToString::to_string);
    let mut lines = vec![phase.unwrap_or_else(|| "not begun".to_owned())];
    lines.extend(status.error.clone());
    lines
}
