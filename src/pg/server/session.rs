use std::{fmt, future::poll_fn};

use tokio::sync::watch;
use tokio_postgres::{
    AsyncMessage, Client, Connection, Row, SimpleQueryMessage, Socket,
    error::{DbError, Severity},
    tls::NoTlsStream,
    types::{ToSql, Type},
};
use tokio_util::task::AbortOnDropHandle;

use super::{ConnectOptions, ServerError, error::reason};

/// A value and its type, for a statement.
pub(super) type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// A session with a server, which ends when it is dropped.
pub(super) struct Session {
    client: Client,
    ended: watch::Receiver<Option<String>>,
    driver: AbortOnDropHandle<()>,
}

impl Session {
    pub(super) async fn open(options: &ConnectOptions) -> Result<Self, ServerError> {
        let (client, connection) = options.connect().await?;
        let (end, ended) = watch::channel(None);
        let driver = tokio::spawn(drive(connection, end));
        Ok(Self {
            client,
            ended,
            driver: AbortOnDropHandle::new(driver),
        })
    }

    /// Takes leave of the server.
    pub(super) async fn close(self) {
        drop(self.client);
        // Nothing is lost with a session that could not be ended well.
        let _ = self.driver.await;
    }

    /// Asks in one round trip, without a statement that is kept on the server.
    pub(super) async fn rows(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        self.client.query_typed(sql, parameters).await
    }

    /// Runs statements one after the other, and returns everything that they answer.
    pub(super) async fn simple(
        &self,
        sql: &str,
    ) -> Result<Vec<SimpleQueryMessage>, tokio_postgres::Error> {
        self.client.simple_query(sql).await
    }

    /// Waits until the session ends, and returns why. Cancel safe.
    pub(super) async fn ended(&self) -> String {
        let mut ended = self.ended.clone();
        let reason = ended.wait_for(Option::is_some).await;
        let reason = reason.ok().and_then(|reason| reason.clone());
        reason.unwrap_or_else(|| CLOSED.to_owned())
    }

    /// Returns when the server has answered a question without content.
    pub(super) async fn ping(&self) -> Result<(), tokio_postgres::Error> {
        self.client.check_connection().await
    }
}

const CLOSED: &str = "it was closed";

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("ended", &*self.ended.borrow())
            .finish_non_exhaustive()
    }
}

/// Moves what is said between client and server until the session ends.
async fn drive(
    mut connection: Connection<Socket, NoTlsStream>,
    end: watch::Sender<Option<String>>,
) {
    let why = loop {
        match poll_fn(|context| connection.poll_message(context)).await {
            Some(Ok(AsyncMessage::Notice(notice))) => log(&notice),
            Some(Ok(_)) => {}
            Some(Err(error)) => break reason(&error),
            None => break CLOSED.to_owned(),
        }
    };
    // Whoever waits for an answer sees why before it sees that there is none.
    end.send_replace(Some(why));
}

/// Passes on what the server says unasked, such as that it still waits for the archive.
fn log(notice: &DbError) {
    if notice.parsed_severity() == Some(Severity::Warning) {
        tracing::warn!(
            hint = notice.hint(),
            "PostgreSQL says: {}",
            notice.message()
        );
    } else {
        tracing::info!(
            hint = notice.hint(),
            "PostgreSQL says: {}",
            notice.message()
        );
    }
}
