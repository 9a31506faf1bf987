use std::{fmt, str::FromStr, time::Duration};

use tokio_postgres::{
    Client, Config, Connection, NoTls, Socket,
    config::{Host, SslMode},
    tls::NoTlsStream,
};

use super::{
    ServerError,
    error::{is_refusal, reason},
};

/// Where a server is, and who asks it.
///
/// `Debug` redacts the password, and no error shows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConnectOptions(Config);

impl ConnectOptions {
    /// Reads a connection string as libpq has it: `host=/run/postgresql user=backup`, or
    /// `postgresql://backup@db1:5432,db2/postgres`.
    ///
    /// A host that begins with `/` is the folder of the server's socket; several hosts are tried
    /// one after the other. Neither the environment nor a password file is read.
    ///
    /// # Errors
    ///
    /// [`ServerError::Options`], also for `sslmode=require`: there is no TLS.
    pub fn parse(conninfo: &str) -> Result<Self, ServerError> {
        let config = conninfo.parse::<Config>().map_err(|error| {
            // An unquoted password with a space in it is shown as an unknown option.
            let reason = if may_hold_password(conninfo) {
                "its syntax is wrong; it may hold a password, so it is not shown".to_owned()
            } else {
                reason(&error)
            };
            ServerError::Options { reason }
        })?;
        if config.get_ssl_mode() == SslMode::Require {
            let reason = "it requires TLS, which is not supported".to_owned();
            return Err(ServerError::Options { reason });
        }
        Ok(Self(config))
    }

    /// Uses `host` where the string names none; with a `/` at its beginning, a socket's folder.
    #[must_use]
    pub fn or_host(mut self, host: &str) -> Self {
        if self.0.get_hosts().is_empty() && self.0.get_hostaddrs().is_empty() {
            self.0.host(host);
        }
        self
    }

    /// Uses `port` where the string names none; otherwise it is 5432.
    #[must_use]
    pub fn or_port(mut self, port: u16) -> Self {
        if self.0.get_ports().is_empty() {
            self.0.port(port);
        }
        self
    }

    /// Uses `user` where the string names none; otherwise it is who runs this process.
    #[must_use]
    pub fn or_user(mut self, user: &str) -> Self {
        if self.0.get_user().is_none() {
            self.0.user(user);
        }
        self
    }

    /// Uses `database` where the string names none; otherwise it is `postgres`.
    #[must_use]
    pub fn or_database(mut self, database: &str) -> Self {
        if self.0.get_dbname().is_none() {
            self.0.dbname(database);
        }
        self
    }

    /// Uses `password` where the string has none.
    #[must_use]
    pub fn or_password(mut self, password: &str) -> Self {
        if self.0.get_password().is_none() {
            self.0.password(password);
        }
        self
    }

    /// Connects to the first host that answers.
    pub(super) async fn connect(
        &self,
    ) -> Result<(Client, Connection<Socket, NoTlsStream>), ServerError> {
        let config = self.complete();
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            let reason = "it names no host".to_owned();
            return Err(ServerError::Options { reason });
        }
        // The setting does not cover a server that takes the connection and then says nothing.
        let hosts = config.get_hosts().len().max(config.get_hostaddrs().len());
        let attempts = u32::try_from(hosts + 1).unwrap_or(u32::MAX);
        let each = config.get_connect_timeout().copied();
        let limit = each.unwrap_or(CONNECT_TIMEOUT).saturating_mul(attempts);
        let server = self.to_string();
        match tokio::time::timeout(limit, config.connect(NoTls)).await {
            Ok(Ok(connected)) => Ok(connected),
            Ok(Err(error)) if is_refusal(&error) => Err(ServerError::Refused {
                server,
                reason: reason(&error),
            }),
            Ok(Err(error)) => Err(ServerError::Unreachable {
                server,
                reason: reason(&error),
            }),
            Err(_) => Err(ServerError::Unreachable {
                server,
                reason: "no answer in time".to_owned(),
            }),
        }
    }

    /// Returns the configuration with what neither the string nor the caller says.
    fn complete(&self) -> Config {
        let mut config = self.clone().or_database("postgres").0;
        if config.get_application_name().is_none() {
            config.application_name("walcast");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        // While PostgreSQL waits for its archive nothing is said for long; firewalls forget.
        if config.get_keepalives_idle() == Config::new().get_keepalives_idle() {
            config.keepalives_idle(KEEPALIVES_IDLE);
        }
        config
    }
}

/// How long a host may take to answer where the string does not say it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// After which silence the kernel asks whether the other side is still there.
const KEEPALIVES_IDLE: Duration = Duration::from_mins(1);

impl FromStr for ConnectOptions {
    type Err = ServerError;

    fn from_str(conninfo: &str) -> Result<Self, ServerError> {
        Self::parse(conninfo)
    }
}

/// Where the server is: `/run/postgresql:5432`, or several with commas.
impl fmt::Display for ConnectOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = self.0.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(folder) => folder.display().to_string(),
        });
        let mut hosts: Vec<String> = hosts.collect();
        if hosts.is_empty() {
            let addresses = self.0.get_hostaddrs().iter();
            hosts = addresses.map(ToString::to_string).collect();
        }
        let ports = self.0.get_ports();
        for (index, host) in hosts.iter().enumerate() {
            let separator = if index > 0 { ", " } else { "" };
            let port = ports.get(index).or_else(|| ports.first()).unwrap_or(&5432);
            write!(f, "{separator}{host}:{port}")?;
        }
        Ok(())
    }
}

fn may_hold_password(conninfo: &str) -> bool {
    let is_uri = conninfo.contains("://");
    conninfo.contains("password") || is_uri && conninfo.contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_name_the_same_server() {
        let words = ConnectOptions::parse("host=db1,/run/pg port=5433 user=backup dbname=a");
        let uri = ConnectOptions::parse("postgresql://backup@db1:5433,%2Frun%2Fpg:5433/a");

        assert_eq!(words.unwrap().to_string(), "db1:5433, /run/pg:5433");
        assert_eq!(uri.unwrap().to_string(), "db1:5433, /run/pg:5433");
    }

    #[test]
    fn what_the_string_names_is_kept() {
        let given = "host=here port=1 user=a dbname=b password=c";
        let options = ConnectOptions::parse(given).unwrap();

        let kept = options
            .clone()
            .or_host("there")
            .or_port(2)
            .or_user("x")
            .or_database("y")
            .or_password("z");

        assert_eq!(kept, options);
    }

    #[test]
    fn what_the_string_leaves_open_is_filled() {
        let filled = ConnectOptions::parse("")
            .unwrap()
            .or_host("here")
            .or_port(1)
            .or_user("a")
            .or_database("b")
            .or_password("c");

        let given = "host=here port=1 user=a dbname=b password=c";
        assert_eq!(filled, ConnectOptions::parse(given).unwrap());
    }

    #[test]
    fn no_password_is_shown() {
        let options = ConnectOptions::parse("host=a password=hunter2").unwrap();
        assert!(!format!("{options:?} {options}").contains("hunter2"));

        for wrong in [
            "host=a password=two hunter2",
            "host=a password=two hunter2=1",
            "postgres://user:hunter2@db:port/",
        ] {
            let error = ConnectOptions::parse(wrong).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter"), "{error}");
        }
    }

    #[test]
    fn a_string_that_cannot_be_used_says_why() {
        let problem = |conninfo| match ConnectOptions::parse(conninfo) {
            Err(ServerError::Options { reason }) => reason,
            other => panic!("{other:?}"),
        };

        assert_eq!(problem("hots=db"), "unknown option `hots`");
        assert_eq!(problem("port=x"), "invalid value for option `port`");
        assert!(problem("host=db sslmode=require").contains("TLS"));
    }

    #[tokio::test]
    async fn a_server_without_a_name_is_not_looked_for() {
        let options = ConnectOptions::parse("user=a").unwrap();

        let error = options.connect().await.err();

        let reason = "it names no host".to_owned();
        assert_eq!(error, Some(ServerError::Options { reason }));
    }
}
