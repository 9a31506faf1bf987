//! `walcast serve`: the resident.

use std::{
    fs::{self, Permissions},
    io,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use tokio::{
    io::BufReader,
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    task::JoinSet,
    time::{interval, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use walcast::{
    fanout::{ArchiveError, Archiver, Destination, DestinationId, Settings},
    metrics::{Snapshot, Source},
    spool::SpoolLock,
    store::Counters,
    workers::Workers,
};

use crate::{
    configuration::ConfigOptions,
    exporter::{self, Exporter},
    forget::configured,
    output::Failure,
    policy::{PolicyOptions, look_ahead},
    protocol::{self, Answer, Refusal, Request},
    signals::Stop,
    spool::{SpoolLimits, SpoolOptions, failed, locked},
};

#[derive(Args, Debug)]
pub(crate) struct Serve {
    #[command(flatten)]
    config: ConfigOptions,
    #[command(flatten)]
    spool: SpoolOptions,
    #[command(flatten)]
    policy: PolicyOptions,
    #[command(flatten)]
    limits: SpoolLimits,
    /// Answers `GET /metrics` at this port of 127.0.0.1, or at IP:PORT, with metrics as OpenMetrics
    /// text: what each destination owes, how it is, its requests, errors and latencies.
    #[arg(long, value_name = "ADDR", env = "WALCAST_METRICS", value_parser = exporter::address,
        help_heading = "Output")]
    metrics: Option<SocketAddr>,
}

/// How long another process in the spool is waited for.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);
/// How long requests may take to end once the process is to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How often is looked whether everything is complete.
const LOOK: Duration = Duration::from_secs(1);
/// After a connection that could not be accepted: files may be open too many.
const PAUSE: Duration = Duration::from_millis(100);
/// Connections that are served at the same time; others wait.
const CONNECTIONS: usize = 32;

impl Serve {
    pub(crate) async fn run(self) -> Result<u8, Failure> {
        let mut stop = Stop::listen()?;
        let workers = Workers::new();
        let site = self.config.load(&workers).await?;
        let settings = Settings {
            look_ahead: look_ahead(&site.destinations),
            ..self.policy.settings(&site)?
        };
        let limits = self.limits.settings(&site.parameters);
        let destinations = site.destinations;
        let root = self.spool.root();
        let _lock = tokio::select! {
            biased;
            _ = stop.requested() => return Ok(0),
            lock = SpoolLock::acquire(root, LOCK_PATIENCE) => lock.map_err(|error| locked(&error))?,
        };
        let count = destinations.len();
        let spool = self.spool.open(limits, &destinations, &workers).await?;
        let socket = Socket::bind(root)?;
        let exporter = match self.metrics {
            Some(address) => Some(Exporter::bind(address).await?),
            None => None,
        };
        let requests = counted(&destinations);
        let archiver = Archiver::builder(destinations, spool)
            .settings(settings)
            .workers(workers)
            .start()
            .await;
        tracing::info!(
            "archiving to {count} destinations, socket {}",
            socket.path.display()
        );
        let engine = Engine {
            archiver: archiver.clone(),
            requests,
        };
        let exporting = CancellationToken::new();
        let tasks = TaskTracker::new();
        if let Some(exporter) = exporter {
            let engine = engine.clone();
            tasks.spawn(exporter.serve(move || engine.snapshot(), exporting.clone()));
        }
        tasks.close();
        socket.serve(&engine, &mut stop).await;
        exporting.cancel();
        tasks.wait().await;
        archiver.shutdown().await;
        tracing::info!("stopped");
        Ok(0)
    }
}

/// What the resident's connections work with; cheap to clone.
#[derive(Clone)]
struct Engine {
    archiver: Archiver,
    requests: Arc<[(DestinationId, Counters)]>,
}

impl Engine {
    fn snapshot(&self) -> Snapshot {
        let requests = self.requests.iter();
        let requests = requests.map(|(id, counters)| (id.clone(), counters.measured()));
        Snapshot {
            requests: requests.collect(),
            ..Snapshot::new(self.archiver.status(), Source::Resident)
        }
    }
}

/// Returns what counts the requests to each destination.
fn counted(destinations: &[Destination]) -> Arc<[(DestinationId, Counters)]> {
    let counted = destinations.iter().filter_map(|one| {
        let counters = one.requests.clone()?;
        Some((one.id.clone(), counters))
    });
    counted.collect()
}

/// The resident's socket, removed when dropped.
struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Takes the place of a socket that a dead process left: the caller holds the spool's lock.
    fn bind(spool: &Path) -> Result<Self, Failure> {
        let path = protocol::socket(spool);
        let bind = || -> io::Result<UnixListener> {
            let new = path.with_extension("new");
            remove(&new)?;
            let listener = UnixListener::bind(&new)?;
            fs::set_permissions(&new, Permissions::from_mode(0o600))?;
            fs::rename(&new, &path)?;
            Ok(listener)
        };
        match bind() {
            Ok(listener) => Ok(Self { listener, path }),
            Err(error) => {
                let hint = "The path of a socket has at most 107 bytes: use a shorter one for the \
                            spool, on a file system that takes sockets.";
                let text = format!("binding {}: {error}", path.display());
                Err(Failure::new(text).with_hint(Some(hint)))
            }
        }
    }

    /// Answers until the process is to stop.
    async fn serve(self, engine: &Engine, stop: &mut Stop) {
        let archiver = &engine.archiver;
        let permits = Arc::new(Semaphore::new(CONNECTIONS));
        let stopping = CancellationToken::new();
        let mut connections = JoinSet::new();
        let mut watch = Watch::new(archiver);
        let mut look = interval(LOOK);
        loop {
            let accept = async {
                let permit = Arc::clone(&permits).acquire_owned().await;
                (self.listener.accept().await, permit)
            };
            tokio::select! {
                biased;
                _ = stop.requested() => break,
                _ = look.tick() => watch.look(archiver),
                (accepted, permit) = accept => match accepted {
                    Ok((stream, _)) => {
                        let (engine, stopping) = (engine.clone(), stopping.clone());
                        connections.spawn(async move {
                            converse(&engine, stream, &stopping).await;
                            drop(permit);
                        });
                    }
                    Err(error) => {
                        tracing::warn!("a connection was not accepted: {error}");
                        sleep(PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        }
        // New commands go on without us, as soon as the lock is free.
        drop(self);
        stopping.cancel();
        tracing::info!("stopping");
        let _ = timeout(GRACE, async {
            while connections.join_next().await.is_some() {}
        })
        .await;
        connections.shutdown().await;
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.path) {
            tracing::warn!("removing {}: {error}", self.path.display());
        }
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Answers the requests of one connection until it ends, or there is none while `stopping`.
async fn converse(engine: &Engine, stream: UnixStream, stopping: &CancellationToken) {
    let mut stream = BufReader::new(stream);
    loop {
        let request = tokio::select! {
            request = protocol::read(&mut stream) => request,
            () = stopping.cancelled() => return,
        };
        let (answer, ends) = match request {
            Ok(Some(request)) => match perform(engine, request).await {
                Some(answer) => (answer, false),
                None => return,
            },
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                (Answer::Invalid(error.to_string()), true)
            }
            Ok(None) | Err(_) => return,
        };
        // A command that went away has been killed: PostgreSQL asks again.
        let written = protocol::write(&mut stream, &answer).await;
        if ends || written.is_err() {
            return;
        }
    }
}

/// Does what is asked; `None` if the command must do it itself.
async fn perform(engine: &Engine, request: Request) -> Option<Answer> {
    let archiver = &engine.archiver;
    match request {
        Request::Status {} => Some(Answer::Status(archiver.status())),
        Request::Metrics {} => Some(Answer::Metrics(Box::new(engine.snapshot()))),
        Request::Forget(destination) => Some(forget(archiver, &destination).await),
        Request::Archive(path) if !path.is_absolute() => Some(Answer::Invalid(format!(
            "{} is not an absolute path",
            path.display()
        ))),
        Request::Archive(path) => match archiver.archive(&path).await {
            Ok(done) => Some(Answer::Archived(done)),
            Err(ArchiveError::Stopping { .. }) => None,
            Err(error) => {
                tracing::warn!("{}", walcast::error::chain(&error));
                Some(Answer::Refused(Refusal::from(&error)))
            }
        },
    }
}

async fn forget(archiver: &Archiver, destination: &DestinationId) -> Answer {
    match archiver.forget(destination).await {
        Ok(Some(files)) => Answer::Forgotten(files),
        Ok(None) => Answer::Refused(Refusal::of(&configured(destination))),
        Err(error) => Answer::Refused(Refusal::of(&failed(&error))),
    }
}

/// Says when everything has become complete.
struct Watch {
    was_complete: bool,
}

impl Watch {
    fn new(archiver: &Archiver) -> Self {
        let was_complete = archiver.status().is_complete();
        Self { was_complete }
    }

    fn look(&mut self, archiver: &Archiver) {
        let is_complete = archiver.status().is_complete();
        if is_complete && !self.was_complete {
            tracing::info!("every destination holds everything");
        }
        self.was_complete = is_complete;
    }
}
