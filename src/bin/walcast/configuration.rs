//! Where the destinations are described.

use std::{
    env,
    ffi::OsString,
    fmt::Display,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use walcast::{
    config::{
        self, ArchiveCodec, Config, DirectorySecrets, Options, Parameters, SecretSource,
        SecretSources, SourceFile, VariableSecrets,
    },
    fanout::{Destination, DestinationId},
    manifest::{Variables, text_of},
    repository::pgbackrest::PgBackRestRepository,
    retention::Policy,
    secret::Secret,
    workers::Workers,
};

use crate::{output::Failure, restore::quoted};

/// Which configuration is used.
#[derive(Args, Clone, Debug)]
pub(crate) struct ConfigOptions {
    /// A YAML file with resources: `ObjectStore`, `Stanza`, `Secret`, `Cluster`. May be given several times;
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
    /// the file NAME/KEY. What is not there either is looked for in the environment, in the
    /// variable `WALCAST_SECRET_NAME_KEY`: capital letters, and `_` for all but letters and digits.
    #[arg(long, value_name = "DIR", env = "WALCAST_SECRETS")]
    secrets: Option<PathBuf>,
    #[command(flatten)]
    variables: VariableOptions,
}

/// What replaces placeholders.
#[derive(Args, Clone, Debug)]
pub(crate) struct VariableOptions {
    /// Replaces the placeholders `${NAME}` in the files, by the rules of Flux; defaults as in
    /// `${NAME:=x}` are used too. May be given several times. Everybody on this machine can read
    /// it: leave secret values to --env-subst.
    #[arg(long, value_name = "NAME=VALUE", value_parser = Assignment::parse)]
    set: Vec<Assignment>,
    /// Replaces placeholders by the environment variables of their names, as --set does, which
    /// wins. Only variables that are there count: a placeholder without one and without a
    /// default is an error where walcast needs the value, not empty.
    #[arg(long, env = "WALCAST_ENV_SUBST")]
    env_subst: bool,
}

/// What the files describe.
#[derive(Debug)]
pub(crate) struct Site {
    /// The folder of the cluster in each destination that has no other.
    pub(crate) server_name: Option<String>,
    /// The destinations.
    pub(crate) destinations: Vec<Destination>,
    /// Whether a destination wants the first checkpoint of a base backup at once.
    pub(crate) immediate_checkpoint: bool,
    /// What is to stay in each of them, in the same order.
    pub(crate) retention: Vec<Vec<Policy>>,
    /// What the Cluster says besides.
    pub(crate) parameters: Parameters,
}

/// A variable and its value.
#[derive(Clone, Debug)]
struct Assignment {
    name: String,
    value: Secret,
}

impl Assignment {
    fn parse(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("it has no `=`")?;
        Variables::new()
            .set(name, "")
            .map_err(|error| error.to_string())?;
        Ok(Self {
            name: name.to_owned(),
            value: Secret::new(value),
        })
    }
}

impl ConfigOptions {
    /// Reads the files and makes the destinations.
    pub(crate) async fn load(&self, workers: &Workers) -> Result<Site, Failure> {
        self.load_with(None, workers).await
    }

    /// Reads the files and makes the destinations, which write base backups with this codec if
    /// there is one.
    pub(crate) async fn load_with(
        &self,
        codec: Option<ArchiveCodec>,
        workers: &Workers,
    ) -> Result<Site, Failure> {
        let (options, handle) = (self.clone(), workers.clone());
        workers
            .disk(move || options.load_blocking(codec, &handle))
            .await
    }

    /// Returns the options that have the same effect in any folder, as words for a shell; values
    /// of placeholders are not among them, as everybody could read them.
    pub(crate) fn arguments(&self) -> Result<Vec<String>, String> {
        let mut words = Vec::new();
        let mut add = |option: &str, path: &Path| {
            let path = std::path::absolute(path).map_err(|error| error.to_string())?;
            words.push(format!("{option} {}", quoted(&path)?));
            Ok::<_, String>(())
        };
        for file in &self.files {
            if file == Path::new("-") {
                return Err("the files come from standard input, which is gone later".to_owned());
            }
            add("--file", file)?;
        }
        if let Some(secrets) = &self.secrets {
            add("--secrets", secrets)?;
        }
        if !self.variables.set.is_empty() {
            return Err("--set cannot be handed on".to_owned());
        }
        if let Some(name) = &self.server_name {
            words.push(format!("--server-name {}", quoted(Path::new(name))?));
        }
        words.extend(self.variables.env_subst.then(|| "--env-subst".to_owned()));
        Ok(words)
    }

    /// As [`load`](Self::load), but makes only the repositories in pgBackRest's layout.
    pub(crate) async fn load_stanzas(
        &self,
        workers: &Workers,
    ) -> Result<Vec<(DestinationId, PgBackRestRepository)>, Failure> {
        let (options, handle) = (self.clone(), workers.clone());
        let load = move || {
            let stanzas = options.resolve()?.stanzas(&handle);
            stanzas.map_err(|errors| Failure::report(&errors))
        };
        workers.disk(load).await
    }

    fn load_blocking(
        &self,
        codec: Option<ArchiveCodec>,
        workers: &Workers,
    ) -> Result<Site, Failure> {
        let mut config = self.resolve()?;
        config.parameters.data_compression = codec.or(config.parameters.data_compression);
        let destinations = config.build(workers);
        Ok(Site {
            server_name: config.server_name.clone(),
            destinations: destinations.map_err(|errors| Failure::report(&errors))?,
            immediate_checkpoint: config
                .destinations
                .iter()
                .any(|one| one.immediate_checkpoint),
            retention: config
                .destinations
                .iter()
                .map(|one| config.retention_policies(one))
                .collect(),
            parameters: config.parameters,
        })
    }

    fn resolve(&self) -> Result<Config, Failure> {
        let files: Result<Vec<SourceFile>, Failure> =
            self.files.iter().map(|file| read(file)).collect();
        let folder = self.secrets.as_ref().map(DirectorySecrets::new);
        let variables_with_secrets = VariableSecrets::new(SECRET_VARIABLE, environment());
        let mut secrets = SecretSources::default();
        secrets
            .0
            .extend(folder.iter().map(|one| one as &dyn SecretSource));
        secrets.0.push(&variables_with_secrets);
        let mut options = Options::default().secrets(&secrets);
        if let Some(name) = &self.server_name {
            options = options.server_name(name);
        }
        let variables = self.variables.variables();
        if let Some(variables) = &variables {
            options = options.variables(variables);
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
        Ok(loaded.config)
    }
}

impl VariableOptions {
    /// Returns what replaces placeholders; `None` leaves them.
    pub(crate) fn variables(&self) -> Option<Variables> {
        if self.set.is_empty() && !self.env_subst {
            return None;
        }
        let mut variables = Variables::new();
        if self.env_subst {
            for (name, value) in environment() {
                // No placeholder can name what cannot be set.
                let _ = variables.set(name, &value);
            }
        }
        for Assignment { name, value } in &self.set {
            let result = variables.set(name, value.reveal());
            result.expect("the name was checked when it was read");
        }
        Some(variables)
    }
}

/// What the names of variables with values of Secrets begin with.
const SECRET_VARIABLE: &str = "WALCAST_SECRET_";

/// Returns the environment, without what is not text.
fn environment() -> impl Iterator<Item = (String, String)> {
    let text = |(name, value): (OsString, OsString)| {
        let name = name.into_string().ok()?;
        Some((name, value.into_string().ok()?))
    };
    env::vars_os().filter_map(text)
}

/// Far more than any configuration has.
const MAX_FILE: u64 = 16 << 20;

fn read(path: &Path) -> Result<SourceFile, Failure> {
    let mut bytes = Vec::new();
    let (name, result) = if path == Path::new("-") {
        let mut stdin = io::stdin().take(MAX_FILE + 1);
        (Path::new("<stdin>"), stdin.read_to_end(&mut bytes))
    } else {
        let file = File::open(path);
        let read = |file: File| file.take(MAX_FILE + 1).read_to_end(&mut bytes);
        (path, file.and_then(read))
    };
    let failure =
        |cause: &dyn Display| Failure::new(format!("reading {}: {cause}", name.display()));
    let length = result.map_err(|error| failure(&error))?;
    if length as u64 > MAX_FILE {
        return Err(failure(&"it is larger than 16 MiB"));
    }
    let text = text_of(bytes).map_err(|error| failure(&error).with_hint(Some(error.hint())))?;
    Ok((name.to_owned(), text))
}
