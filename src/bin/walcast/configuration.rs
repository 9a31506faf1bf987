//! Where the destinations are described.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use walcast::{
    config::{self, DirectorySecrets, Options, SourceFile},
    fanout::Destination,
    workers::Workers,
};

use crate::output::Failure;

/// Which configuration is used.
#[derive(Args, Clone, Debug)]
pub(crate) struct ConfigOptions {
    /// A YAML file with resources: `ObjectStore`, `Secret`, `Cluster`. May be given several times;
    /// `-` is standard input.
    #[arg(
        short,
        long = "file",
        value_name = "FILE",
        env = "WALCAST_FILE",
        required = true
    )]
    files: Vec<PathBuf>,
    /// The folder of the cluster in each destination. Default: what the Cluster in the files says.
    #[arg(long, value_name = "NAME", env = "WALCAST_SERVER_NAME")]
    server_name: Option<String>,
    /// A folder with the Secrets that are not in the files: the value of key KEY of Secret NAME is
    /// the file NAME/KEY.
    #[arg(long, value_name = "DIR", env = "WALCAST_SECRETS")]
    secrets: Option<PathBuf>,
}

impl ConfigOptions {
    /// Reads the files and makes the destinations.
    pub(crate) async fn load(&self, workers: &Workers) -> Result<Vec<Destination>, Failure> {
        let (options, handle) = (self.clone(), workers.clone());
        workers.disk(move || options.load_blocking(&handle)).await
    }

    fn load_blocking(&self, workers: &Workers) -> Result<Vec<Destination>, Failure> {
        let files: Result<Vec<SourceFile>, Failure> =
            self.files.iter().map(|file| read(file)).collect();
        let secrets = self.secrets.as_ref().map(DirectorySecrets::new);
        let mut options = Options::default();
        if let Some(secrets) = &secrets {
            options = options.secrets(secrets);
        }
        if let Some(name) = &self.server_name {
            options = options.server_name(name);
        }
        let loaded =
            config::load(&files?, options).map_err(|problems| Failure::report(&problems))?;
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        for ignored in &loaded.ignored {
            let file = ignored.file.display();
            tracing::debug!(%file, document = ignored.document + 1, "{} is not used", ignored.resource);
        }
        loaded
            .config
            .build(workers)
            .map_err(|errors| Failure::report(&errors))
    }
}

fn read(path: &Path) -> Result<SourceFile, Failure> {
    let mut text = String::new();
    let (name, result) = if path == Path::new("-") {
        (
            Path::new("<stdin>"),
            io::stdin().read_to_string(&mut text).map(drop),
        )
    } else {
        (
            path,
            std::fs::read_to_string(path).map(|content| text = content),
        )
    };
    result.map_err(|error| Failure::new(format!("reading {}: {error}", name.display())))?;
    Ok((name.to_owned(), text))
}
