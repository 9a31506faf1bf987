//! A command's side of the resident's socket.

use std::{io, path::Path};

use tokio::{io::BufReader, net::UnixStream};

use crate::protocol::{self, Answer, Request};

/// Asks the resident of `spool`; `None` if there is none, or if it went away before it answered.
pub(crate) async fn ask(spool: &Path, request: &Request) -> Option<Answer> {
    let socket = protocol::socket(spool);
    let mut stream = match UnixStream::connect(&socket).await {
        Ok(stream) => BufReader::new(stream),
        Err(error) => {
            tracing::debug!(socket = %socket.display(), %error, "no resident");
            return None;
        }
    };
    match exchange(&mut stream, request).await {
        Ok(Some(Answer::Invalid(reason))) => {
            tracing::warn!("the resident does not understand this walcast: {reason}");
            None
        }
        Ok(answer) => answer,
        Err(error) => {
            tracing::warn!("the resident broke off: {error}");
            None
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
