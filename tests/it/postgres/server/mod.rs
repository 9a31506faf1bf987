//! A real server is asked what it is, and begins and ends base backups.
//!
//! Of the version that `POSTGRES_BIN` names, else of the newest that is installed.

mod backup;
mod connecting;
mod facts;
mod loss;
mod rights;

use std::{fs, process::Command};

use tempfile::TempDir;
use walcast::pg::{
    MajorVersion,
    server::{Checkpoint, ConnectOptions, Server, Started},
};

use crate::support::postgres::{self, Cluster, PATIENCE};

/// A server of its own, and a session with it.
struct Site {
    server: postgres::Server,
    session: Server,
    _folder: TempDir,
}

impl Site {
    /// With a primary that has these settings.
    async fn primary(settings: &str) -> Self {
        let (folder, cluster) = cluster(settings);
        Self::of(folder, start(&cluster).until_open()).await
    }

    /// With a standby that has these settings, and no primary.
    async fn standby(settings: &str) -> Self {
        let (folder, cluster) = cluster(settings);
        // Not fewer than the primary had: `initdb` noted its own default.
        cluster.configure("max_connections = 100\n");
        cluster.stand_by();
        Self::of(folder, start(&cluster).until_standby()).await
    }

    async fn of(folder: TempDir, server: postgres::Server) -> Self {
        let session = Server::connect(&options(&server, "postgres")).await;
        Self {
            session: session.unwrap(),
            server,
            _folder: folder,
        }
    }

    /// Begins a session as `role`.
    async fn connect(&self, role: &str) -> Server {
        Server::connect(&options(&self.server, role)).await.unwrap()
    }

    /// Begins a backup.
    async fn start(&mut self) -> Started {
        let started = self.session.start_backup(LABEL, Checkpoint::Fast).await;
        started.unwrap()
    }

    fn is_before(&self, version: MajorVersion) -> bool {
        self.session.version() < version
    }
}

const LABEL: &str = "a label, 'quoted'";

/// Waits until the server answers `query` with `answer`, while sessions go on.
async fn until(server: &postgres::Server, query: &str, answer: &str) {
    let asking = async {
        while server.sql(query) != answer {
            tokio::task::yield_now().await;
        }
    };
    let answered = tokio::time::timeout(PATIENCE, asking).await;
    assert!(answered.is_ok(), "{query} is not {answer}");
}

fn start(cluster: &Cluster) -> postgres::Server {
    cluster.start(&Command::new(""))
}

fn cluster(settings: &str) -> (TempDir, Cluster) {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::init(&folder.path().join("cluster"));
    cluster.configure("include 'more.conf'\n");
    fs::write(cluster.data().join("more.conf"), settings).unwrap();
    (folder, cluster)
}

fn options(server: &postgres::Server, role: &str) -> ConnectOptions {
    let sockets = server.cluster.sockets().display();
    ConnectOptions::parse(&format!("host='{sockets}' user={role}")).unwrap()
}
