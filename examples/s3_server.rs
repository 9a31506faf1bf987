//! An S3 service on a folder, for demos and tests from a shell, that can be made to fail.
//!
//! ```text
//! s3_server --root DIR --bucket NAME --access-key K --secret-key S [--port N] [--control PATH]
//! ```
//!
//! Prints one line of JSON, `{"endpoint":"http://127.0.0.1:PORT"}`, and serves until SIGTERM or
//! SIGINT. A line to the Unix socket `PATH` changes how it behaves, and is answered by `done`:
//! `fail 503` (any status from 400), `hang`, `refuse` (connections), `lose` (the answers of
//! requests that are done), `slow 500` (milliseconds before each answer), and `ok`.

#[path = "../tests/it/support/s3/mod.rs"]
#[allow(dead_code, reason = "tests use more of it")]
mod s3;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, bail};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    signal::unix::{SignalKind, signal},
};

use self::s3::{Action, Faults, Options, Rule, S3Server};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    // Before the line that tells a script to go on.
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let control = arguments.control.map(UnixListener::bind).transpose();
    let control = control.context("the control socket cannot be made")?;
    let server = S3Server::start_in(&arguments.root, arguments.options);
    announce(&server.endpoint())?;
    tokio::select! {
        _ = terminated.recv() => Ok(()),
        _ = interrupted.recv() => Ok(()),
        failed = obey(control, server.faults()) => failed,
    }
}

struct Arguments {
    root: PathBuf,
    control: Option<PathBuf>,
    options: Options,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut root = None;
        let mut control = None;
        let mut options = Options::default();
        while let Some(name) = words.next() {
            let value = words.next();
            let value = value.with_context(|| format!("`{name}` needs a value"))?;
            match name.as_str() {
                "--root" => root = Some(value.into()),
                "--control" => control = Some(value.into()),
                "--bucket" => options.bucket = value,
                "--access-key" => options.access_key = value,
                "--secret-key" => options.secret_key = value,
                "--port" => options.port = value.parse().context("`--port` is a number")?,
                _ => bail!("there is no option `{name}`"),
            }
        }
        Ok(Self {
            root: root.context("`--root` is missing")?,
            control,
            options,
        })
    }
}

#[expect(clippy::print_stdout, reason = "scripts read it")]
fn announce(endpoint: &str) -> Result<()> {
    use std::io::Write as _;
    println!("{}", serde_json::json!({ "endpoint": endpoint }));
    Ok(std::io::stdout().flush()?)
}

/// Reads commands, one connection after the other.
async fn obey(control: Option<UnixListener>, faults: &Faults) -> Result<()> {
    let Some(control) = control else {
        return std::future::pending().await;
    };
    loop {
        let (socket, _) = control.accept().await?;
        // A script that goes away in the middle is no reason to stop.
        let _ = converse(socket, faults).await;
    }
}

async fn converse(socket: UnixStream, faults: &Faults) -> Result<()> {
    let (reader, mut writer) = socket.into_split();
    let mut lines = BufReader::new(reader).lines();
    while let Some(line) = lines.next_line().await? {
        let answer = match apply(&line, faults).await {
            Ok(()) => "done\n".to_owned(),
            Err(error) => format!("error: {error:#}\n"),
        };
        writer.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

/// Replaces the behaviour by the one that `line` asks for.
async fn apply(line: &str, faults: &Faults) -> Result<()> {
    let mut words = line.split_whitespace();
    let action = match (words.next(), words.next(), words.next()) {
        (Some("ok" | "refuse"), None, None) => None,
        (Some("hang"), None, None) => Some(Action::Hang),
        (Some("lose"), None, None) => Some(Action::LoseAnswer),
        (Some("slow"), Some(millis), None) => {
            Some(Action::Delay(Duration::from_millis(millis.parse()?)))
        }
        (Some("fail"), Some(status), None) => Some(failure(status.parse()?)?),
        _ => bail!("`{line}` is not ok, refuse, hang, lose, slow MILLIS or fail STATUS"),
    };
    faults.clear();
    if let Some(action) = action {
        faults.add(Rule::new(action));
    }
    faults.refuse(line.trim() == "refuse").await;
    Ok(())
}

fn failure(status: u16) -> Result<Action> {
    let code = match status {
        403 => "AccessDenied",
        404 => "NoSuchBucket",
        429 | 503 => "SlowDown",
        500 => "InternalError",
        507 => "InsufficientStorage",
        400..=599 => "UnknownError",
        _ => bail!("`{status}` is no status of an error"),
    };
    Ok(Action::Answer(s3::Answer::error(status, code)))
}
