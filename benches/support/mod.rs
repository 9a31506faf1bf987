//! What the benches share.

#![allow(dead_code, reason = "no bench uses all of it")]

pub(crate) mod base;
pub(crate) mod cluster;
pub(crate) mod sink;
pub(crate) mod wal;

use std::{path::Path, sync::Arc};

use walcast::{
    codec::{Codec, Encoding},
    disk::LocalDisk,
    fanout::{Archiver, Destination, DestinationId, Settings},
    repository::barman::{ArchiveEncoding, ArchiveLimits, BarmanRepository, BarmanSettings},
    spool::{Spool, SpoolSettings},
    store::{Key, MemoryStore, Store},
    workers::Workers,
};

/// Returns the default encoding with `codec`.
pub(crate) fn encoding(codec: Option<Codec>) -> Encoding {
    codec.map_or(Encoding::PLAIN, |codec| {
        Encoding::new(codec, None).expect("the default level exists")
    })
}

/// Returns a destination in Barman Cloud's layout for each store, called `prefix` and a number.
pub(crate) fn destinations<S: Store>(
    prefix: &str,
    stores: &[Arc<S>],
    encoding: Encoding,
    workers: &Workers,
) -> Vec<Destination> {
    let destination = |(index, store): (usize, &Arc<S>)| {
        let id = format!("{prefix}{index}");
        destination(&id, store, encoding, workers)
    };
    stores.iter().enumerate().map(destination).collect()
}

/// Returns one of them, which encodes WAL and base backups alike.
pub(crate) fn destination<S: Store>(
    id: &str,
    store: &Arc<S>,
    encoding: Encoding,
    workers: &Workers,
) -> Destination {
    let archives = ArchiveEncoding::new(encoding, ArchiveLimits::default());
    let settings = BarmanSettings {
        wal_encoding: encoding,
        archives: archives.expect("base backups have this codec"),
        ..BarmanSettings::new("wal", "server")
    };
    let id = DestinationId::parse(id).expect("the text is a name");
    let store: Arc<dyn Store> = Arc::<S>::clone(store);
    let repository = BarmanRepository::new(store, settings, workers.clone());
    Destination::new(id, Arc::new(repository))
}
/// Starts an archiver as `walcast serve` does.
pub(crate) async fn start(
    destinations: Vec<Destination>,
    spool: &Path,
    spooled: SpoolSettings,
    settings: Settings,
    workers: &Workers,
) -> Archiver {
    let ids = destinations.iter().map(|one| one.id.clone()).collect();
    let spool = Spool::open(Arc::new(LocalDisk), spool, ids, spooled, workers.clone()).await;
    Archiver::builder(destinations, spool.expect("the folder is ours"))
        .settings(settings)
        .workers(workers.clone())
        .start()
        .await
}

/// Empties memory stores.
pub(crate) async fn empty(stores: &[Arc<MemoryStore>]) {
    for store in stores {
        let keys: Vec<Key> = store.contents().into_keys().collect();
        store.delete(&keys).await;
    }
}
