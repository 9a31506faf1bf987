//! Which PostgreSQL server is backed up.

use std::env;

use clap::Args;
use walcast::pg::server::ConnectOptions;

use crate::output::Failure;

/// How the server is reached.
#[derive(Args, Debug)]
pub(crate) struct ServerOptions {
    /// How the server is reached, as psql takes it: `host=/run/postgresql user=backup`, or a URI.
    /// What it does not say is taken from PGHOST, PGPORT, PGUSER, PGDATABASE and PGPASSWORD.
    #[arg(
        short,
        long,
        value_name = "CONNINFO",
        env = "WALCAST_DSN",
        default_value = "",
        hide_env_values = true
    )]
    dsn: String,
}

impl ServerOptions {
    pub(crate) fn connect_options(&self) -> Result<ConnectOptions, Failure> {
        let failure = |text: String| Failure::new(text);
        let options = ConnectOptions::parse(&self.dsn);
        let mut options = options.map_err(|error| Failure::of(&error).with_hint(error.hint()))?;
        if let Some(port) = variable("PGPORT") {
            let port = port.parse();
            options = options.or_port(port.map_err(|_| failure("PGPORT is no port".to_owned()))?);
        }
        options = options.or_host(&variable("PGHOST").unwrap_or_else(|| SOCKETS.to_owned()));
        options = options.or_user(
            &variable("PGUSER")
                .or_else(|| variable("USER"))
                .unwrap_or_else(|| "postgres".to_owned()),
        );
        options =
            options.or_database(&variable("PGDATABASE").unwrap_or_else(|| "postgres".to_owned()));
        if let Some(password) = variable("PGPASSWORD") {
            options = options.or_password(&password);
        }
        Ok(options)
    }
}

/// Where packages of PostgreSQL put the server's socket.
const SOCKETS: &str = "/var/run/postgresql";

#[expect(clippy::disallowed_methods, reason = "this is the command line")]
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
