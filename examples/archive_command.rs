//! An `archive_command` of one's own: each WAL file goes to several folders, in Barman Cloud's
//! layout, and a folder that is away gets it later.
//!
//! ```text
//! archive_command = 'archive_command %p /var/spool/walcast /mnt/a /mnt/b'
//! ```
//!
//! Without arguments it shows itself what it does, with a segment in a temporary folder:
//!
//! ```sh
//! cargo run --example archive_command
//! ```
#![expect(clippy::print_stdout, reason = "an example talks")]

use std::{
    env, fs,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use walcast::{
    codec::{Codec, Decoder, Encoding},
    disk::LocalDisk,
    fanout::{Archiver, Destination, DestinationId},
    repository::barman::{BarmanRepository, BarmanSettings},
    spool::{Spool, SpoolLock, SpoolSettings},
    store::FsStore,
    workers::Workers,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    match arguments.as_slice() {
        [] => demonstrate().await,
        [file, spool, folders @ ..] if !folders.is_empty() => archive(file, spool, folders).await,
        _ => bail!("usage: archive_command FILE SPOOL FOLDER..."),
    }
}

/// Archives `file`. When this returns `Ok`, PostgreSQL may recycle it.
async fn archive(file: &Path, spool: &Path, folders: &[PathBuf]) -> Result<()> {
    let workers = Workers::new();
    let mut destinations = Vec::new();
    for folder in folders {
        destinations.push(destination(folder, &workers)?);
    }

    // What a destination misses is remembered here, so one process at a time.
    let _lock = SpoolLock::acquire(spool, Duration::from_secs(30)).await?;
    let ids = destinations.iter().map(|one| one.id.clone()).collect();
    let settings = SpoolSettings::default();
    let spool = Spool::open(Arc::new(LocalDisk), spool, ids, settings, workers).await?;

    let archiver = Archiver::builder(destinations, spool).start().await;
    let answer = archiver.archive(file).await;
    // Time for what was owed before, then the end.
    archiver.drain(Duration::from_secs(1)).await;
    archiver.shutdown().await;

    let answer = answer?;
    for (destination, outcome) in answer.outcomes {
        println!("{}: {destination}: {outcome}", answer.name);
    }
    Ok(())
}

/// A folder with the WAL of the server `main`, compressed with LZ4.
fn destination(folder: &Path, workers: &Workers) -> Result<Destination> {
    let name = folder.file_name().and_then(|name| name.to_str());
    let id = DestinationId::parse(name.context("a folder has a name")?)?;
    let store = FsStore::new(folder, workers.clone());
    let settings = BarmanSettings {
        wal_encoding: Encoding::new(Codec::Lz4, None)?,
        ..BarmanSettings::new("", "main")
    };
    let repository = BarmanRepository::new(Arc::new(store), settings, workers.clone());
    Ok(Destination::new(id, Arc::new(repository)))
}

/// Archives a made-up segment to two folders and reads it back.
async fn demonstrate() -> Result<()> {
    const NAME: &str = "000000010000000000000001";
    let world = tempfile::tempdir()?;
    let folders = ["a", "b"].map(|name| world.path().join(name));
    for folder in &folders {
        fs::create_dir(folder)?;
    }
    let file = world.path().join(NAME);
    fs::write(&file, segment())?;

    archive(&file, &world.path().join("spool"), &folders).await?;

    for folder in &folders {
        let stored = folder
            .join("main/wals/0000000100000000")
            .join(format!("{NAME}.lz4"));
        let compressed = fs::read(&stored)?;
        let mut content = Vec::new();
        Decoder::new(Some(Codec::Lz4), &*compressed, 1 << 20)?.read_to_end(&mut content)?;
        ensure!(
            content == segment(),
            "{} is not what was archived",
            stored.display()
        );
        println!("{}: {} bytes, verified", stored.display(), compressed.len());
    }
    Ok(())
}

/// The first segment of a cluster with the smallest segments, 1 MiB: a page header of PostgreSQL 16
/// (magic, flags, timeline, position, cluster, sizes), and nothing.
fn segment() -> Vec<u8> {
    let mut content = vec![0; 1 << 20];
    content[0..4].copy_from_slice(&[0x13, 0xD1, 2, 0]);
    content[4..8].copy_from_slice(&1_u32.to_le_bytes());
    content[8..16].copy_from_slice(&(1_u64 << 20).to_le_bytes());
    content[24..32].copy_from_slice(&7_300_000_000_000_000_001_u64.to_le_bytes());
    content[32..36].copy_from_slice(&(1_u32 << 20).to_le_bytes());
    content[36..40].copy_from_slice(&8192_u32.to_le_bytes());
    content
}
