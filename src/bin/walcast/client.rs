//! A command's side of the resident's socket.

use std::{io, path::Path, time::Duration};

use tokio::{io::BufReader, net::UnixStream, time::timeout};

use crate::{
    duration,
    output::Failure,
    protocol::{self, Answer, Request},
};

/// A resident that is there and says nothing.
#[derive(Debug)]
pub(crate) struct NoAnswer {
    socket: String,
    waited: Duration,
}

/// Asks the resident of `spool`; `None` if there is none, or if it went away before it answered.
///
/// One that has not answered after `limit` hangs. It still holds the spool, so nobody can do its
/// work.
pub(crate) async fn ask(
    spool: &Path,
    request: &Request,
    limit: Duration,
) -> Result<Option<Answer>, NoAnswer> {
    let socket = protocol::socket(spool);
    let mut stream = match UnixStream::connect(&socket).await {
        Ok(stream) => BufReader::new(stream),
        Err(error) => {
            tracing::debug!(socket = %socket.display(), %error, "no resident");
            return Ok(None);
        }
    };
    match timeout(limit, exchange(&mut stream, request)).await {
        Err(_) => Err(NoAnswer {
            socket: socket.display().to_string(),
            waited: limit,
        }),
        Ok(Ok(Some(Answer::Invalid(reason)))) => {
            tracing::warn!("the resident does not understand this walcast: {reason}");
            Ok(None)
        }
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => {
            tracing::warn!("the resident broke off: {error}");
            Ok(None)
        }
    }
}

async fn exchange(
    stream: &mut BufReader<UnixStream>,
    request: &Request,
) -> io::Result<Option<Answer>> {
    protocol::write(stream, request).await?;
    protocol::read(stream).await
}

impl From<NoAnswer> for Failure {
    fn from(NoAnswer { socket, waited }: NoAnswer) -> Self {
        let waited = duration::rough(waited);
        let hint = "Stop the process `walcast serve` that hangs; commands then go on without it.";
        Self::new(format!(
            "no answer from the resident at {socket} in {waited}"
        ))
        .with_hint(Some(hint))
    }
}
