//! What a command and the resident say to each other, on a Unix socket in the spool.
//!
//! A request is one line of JSON, `{"v":1,"archive":"/pgdata/pg_wal/0…1"}`,
//! `{"v":1,"status":{}}`, `{"v":1,"metrics":{}}` or `{"v":1,"forget":"old"}`, and so is its answer.
//! Requests of one connection are answered in their order. A connection that ends without an answer
//! means that nothing was done for sure.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use walcast::{
    fanout::{ArchiveError, Archived, DestinationId, Status},
    metrics::Snapshot,
};

use crate::output::Failure;

const VERSION: u32 = 1;
/// Longest line; a status of hundreds of destinations fits.
const LONGEST: u64 = 1 << 20;

/// Returns the resident's socket.
pub(crate) fn socket(spool: &Path) -> PathBuf {
    spool.join("walcast.sock")
}

/// What a command asks for.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Request {
    /// Archive this file; the path is absolute.
    Archive(PathBuf),
    /// Tell how things are.
    Status {},
    /// Tell how things are, and what was measured.
    Metrics {},
    /// Drop what this destination owes.
    Forget(DestinationId),
}

/// What the resident answers.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Answer {
    /// PostgreSQL may recycle the file.
    Archived(Archived),
    /// The file is not archived.
    Refused(Refusal),
    /// How things are.
    Status(Status),
    /// How things are, and what was measured.
    Metrics(Box<Snapshot>),
    /// So many files were dropped.
    Forgotten(usize),
    /// The request was not understood.
    Invalid(String),
}

/// Why a file is not archived.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Refusal {
    /// What happened, with causes.
    pub(crate) error: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

impl Refusal {
    pub(crate) fn of(failure: &Failure) -> Self {
        Self {
            error: failure.text.clone(),
            hint: failure.hint.clone(),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(Refusal { error, hint }: Refusal) -> Self {
        Self::new(error).with_hint(hint)
    }
}

impl From<&ArchiveError> for Refusal {
    fn from(error: &ArchiveError) -> Self {
        Self {
            error: walcast::error::chain(error),
            hint: error.hint(),
        }
    }
}

#[derive(Deserialize, Serialize)]
struct Message<T> {
    v: u32,
    #[serde(flatten)]
    body: T,
}

#[derive(Deserialize)]
struct AnyVersion {
    v: u32,
}

/// Writes one message.
pub(crate) async fn write(
    stream: &mut (impl AsyncWrite + Unpin),
    body: &impl Serialize,
) -> io::Result<()> {
    let mut line = serde_json::to_vec(&Message { v: VERSION, body })?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    stream.flush().await
}

/// Reads one message; `None` at the end of the stream.
///
/// An error of kind [`io::ErrorKind::InvalidData`] is a message that is not understood.
pub(crate) async fn read<T: DeserializeOwned>(
    stream: &mut (impl AsyncBufRead + Unpin),
) -> io::Result<Option<T>> {
    let mut line = Vec::new();
    stream.take(LONGEST).read_until(b'\n', &mut line).await?;
    match line.pop() {
        None => Ok(None),
        Some(b'\n') => parse(&line).map(Some),
        Some(_) if line.len() as u64 + 1 == LONGEST => Err(invalid("the line is too long")),
        Some(_) => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn parse<T: DeserializeOwned>(line: &[u8]) -> io::Result<T> {
    let AnyVersion { v } = serde_json::from_slice(line)?;
    if v != VERSION {
        return Err(invalid(format!(
            "version {v} of the protocol, not {VERSION}"
        )));
    }
    let Message { body, .. } = serde_json::from_slice(line)?;
    Ok(body)
}

fn invalid(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn written(body: &impl Serialize) -> String {
        let mut line = Vec::new();
        write(&mut line, body).await.unwrap();
        String::from_utf8(line).unwrap()
    }

    async fn read_from<T: DeserializeOwned>(mut bytes: &[u8]) -> io::Result<Option<T>> {
        read(&mut bytes).await
    }

    #[tokio::test]
    async fn requests_are_lines_of_json() {
        for (request, line) in [
            (
                Request::Archive("/a/b".into()),
                "{\"v\":1,\"archive\":\"/a/b\"}\n",
            ),
            (Request::Status {}, "{\"v\":1,\"status\":{}}\n"),
            (Request::Metrics {}, "{\"v\":1,\"metrics\":{}}\n"),
            (
                Request::Forget("old".parse().unwrap()),
                "{\"v\":1,\"forget\":\"old\"}\n",
            ),
        ] {
            assert_eq!(written(&request).await, line);
            assert_eq!(read_from(line.as_bytes()).await.unwrap(), Some(request));
        }
    }

    #[tokio::test]
    async fn answers_survive_the_way() {
        let archived = Archived {
            name: "000000010000000000000001".parse().unwrap(),
            outcomes: Vec::new(),
        };
        let refusal = Refusal {
            error: "no".into(),
            hint: None,
        };
        for answer in [
            Answer::Archived(archived),
            Answer::Refused(refusal),
            Answer::Forgotten(3),
            Answer::Invalid("what".into()),
        ] {
            let line = written(&answer).await;
            assert_eq!(read_from(line.as_bytes()).await.unwrap(), Some(answer));
        }
    }

    #[tokio::test]
    async fn what_is_not_understood_is_told_from_what_is_cut_off() {
        let end: Option<Request> = read_from(b"").await.unwrap();
        assert_eq!(end, None);
        for (line, kind) in [
            (&b"{\"v\":1,\"archi"[..], io::ErrorKind::UnexpectedEof),
            (b"{\"v\":2,\"status\":{}}\n", io::ErrorKind::InvalidData),
            (b"{\"v\":1,\"fetch\":{}}\n", io::ErrorKind::InvalidData),
            (b"hello\n", io::ErrorKind::InvalidData),
        ] {
            let error = read_from::<Request>(line).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{}", String::from_utf8_lossy(line));
        }
        let endless = vec![b' '; 2 << 20];
        let error = read_from::<Request>(&endless).await.unwrap_err();
        assert_eq!(error.to_string(), "the line is too long");
    }
}
