//! An S3 service on a loopback socket, with faults and personas that can be switched while it
//! runs: on disk through s3s-fs, in a thread of its own, stopped when dropped.

mod disk;
mod persona;
mod rule;
mod serve;
mod tls;

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
    thread,
};

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use self::{disk::Disk, serve::Service, tls::Identity};
pub(crate) use self::{
    disk::Manners,
    rule::{Action, Answer, Faults, Op, Rule},
};

/// What to serve.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The one bucket, created if absent.
    pub(crate) bucket: String,
    /// Public half of the only key.
    pub(crate) access_key: String,
    /// Secret half of it.
    pub(crate) secret_key: String,
    /// Port; 0 for any that is free.
    pub(crate) port: u16,
    /// Speak TLS, with a certificate of an authority made up for this server.
    pub(crate) tls: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bucket: "backups".to_owned(),
            access_key: "walcast-key".to_owned(),
            secret_key: "walcast-very-secret".to_owned(),
            port: 0,
            tls: false,
        }
    }
}

/// A running service.
#[derive(Debug)]
pub(crate) struct S3Server {
    options: Options,
    address: SocketAddr,
    faults: Faults,
    identity: Option<Identity>,
    stop: CancellationToken,
    thread: Option<thread::JoinHandle<()>>,
    /// Held for its destructor.
    _folder: Option<TempDir>,
}

impl S3Server {
    /// Serves an empty bucket from a temporary folder.
    pub(crate) fn start() -> Self {
        Self::start_with(Options::default())
    }

    /// As [`start`](Self::start), with options.
    pub(crate) fn start_with(options: Options) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let root = folder.path().to_owned();
        Self::serve(&root, options, Some(folder))
    }

    /// Serves what is in `root`.
    pub(crate) fn start_in(root: &Path, options: Options) -> Self {
        Self::serve(root, options, None)
    }

    fn serve(root: &Path, options: Options, folder: Option<TempDir>) -> Self {
        std::fs::create_dir_all(root.join(&options.bucket)).expect("the bucket can be made");
        let listener = TcpListener::bind(("127.0.0.1", options.port)).expect("the port is free");
        let address = listener.local_addr().expect("the socket is bound");
        let identity = options.tls.then(Identity::new);
        let faults = Faults::default();
        let service = Service::new(root, &options, faults.clone());
        let stop = CancellationToken::new();
        let acceptor = identity.as_ref().map(Identity::acceptor);
        let stopped = stop.clone();
        let thread =
            thread::spawn(move || serve::run(listener, acceptor, Arc::new(service), &stopped));
        Self {
            options,
            address,
            faults,
            identity,
            stop,
            thread: Some(thread),
            _folder: folder,
        }
    }

    /// Returns the address that clients are given.
    pub(crate) fn endpoint(&self) -> String {
        let scheme = if self.options.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Returns what was asked for.
    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// Returns the handle on what goes wrong.
    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Returns the certificate of the made-up authority, as PEM.
    pub(crate) fn ca(&self) -> Option<&str> {
        self.identity.as_ref().map(Identity::ca)
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic of the server has been printed; it must not hide the test's.
            let _ = thread.join();
        }
    }
}

fn disk(root: &Path, manners: Arc<Manners>) -> Disk {
    Disk::new(root, manners)
}
