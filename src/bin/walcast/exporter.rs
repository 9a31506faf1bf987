//! `walcast serve --metrics`: the metrics of the resident, over HTTP.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{ALLOW, CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use walcast::metrics::{self, Snapshot};

use crate::output::Failure;

/// Connections that are answered at the same time; others wait.
const CONNECTIONS: usize = 8;
/// How long a client may take to say what it wants.
const ASKING: Duration = Duration::from_secs(5);
/// How long a connection lasts at most, however slowly the client reads.
const LONGEST: Duration = Duration::from_secs(30);
/// Most bytes of a request.
const REQUEST: usize = 16 << 10;
/// After a connection that could not be accepted: files may be open too many.
const PAUSE: Duration = Duration::from_millis(100);

/// Reads where to listen: `PORT` of this machine alone, or `IP:PORT`.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    let wanted = "a port of this machine alone, such as 9788, or an address with a port, such as \
                  0.0.0.0:9788";
    text.parse().map_err(|_| format!("it is not {wanted}"))
}

/// Where metrics are asked for.
pub(crate) struct Exporter {
    listener: TcpListener,
}

impl Exporter {
    /// Listens; the log says where, as port 0 is any that is free.
    pub(crate) async fn bind(address: SocketAddr) -> Result<Self, Failure> {
        let failure = |error| {
            let hint = "Another process may listen there: choose another port for --metrics.";
            let text = format!("listening for metrics at {address}: {error}");
            Failure::new(text).with_hint(Some(hint))
        };
        let listener = TcpListener::bind(address).await.map_err(failure)?;
        let bound = listener.local_addr().map_err(failure)?;
        tracing::info!("metrics at http://{bound}/metrics");
        Ok(Self { listener })
    }

    /// Answers with what `tell` returns, until the process is to stop.
    pub(crate) async fn serve<T>(self, tell: T, stopping: CancellationToken)
    where
        T: Fn() -> Snapshot + Clone + Send + Sync + 'static,
    {
        let permits = Arc::new(Semaphore::new(CONNECTIONS));
        let mut connections = JoinSet::new();
        loop {
            let accept = async {
                let permit = Arc::clone(&permits).acquire_owned().await;
                (self.listener.accept().await, permit)
            };
            tokio::select! {
                biased;
                () = stopping.cancelled() => break,
                (accepted, permit) = accept => match accepted {
                    Ok((stream, _)) => {
                        let tell = tell.clone();
                        connections.spawn(async move {
                            converse(stream, tell).await;
                            drop(permit);
                        });
                    }
                    Err(error) => {
                        tracing::warn!("a connection for metrics was not accepted: {error}");
                        sleep(PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
            }
        }
        connections.shutdown().await;
    }
}

/// Answers one request.
async fn converse<T: Fn() -> Snapshot>(stream: TcpStream, tell: T) {
    let service = service_fn(|request: Request<Incoming>| {
        let answer = answer(request.method(), request.uri().path(), &tell);
        async { Ok::<_, Infallible>(answer) }
    });
    // Each connection gives its permit back: one that is kept open would keep it for nothing.
    let connection = http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .header_read_timeout(ASKING)
        .max_buf_size(REQUEST)
        .serve_connection(TokioIo::new(stream), service);
    match timeout(LONGEST, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!("a request for metrics failed: {error}"),
        Err(_) => tracing::debug!("a client took its metrics too slowly"),
    }
}

fn answer(method: &Method, path: &str, tell: impl Fn() -> Snapshot) -> Response<Full<Bytes>> {
    if path != "/metrics" {
        return text(StatusCode::NOT_FOUND, "metrics are at /metrics\n");
    }
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, "metrics are read by GET\n");
        let methods = HeaderValue::from_static("GET, HEAD");
        refused.headers_mut().insert(ALLOW, methods);
        return refused;
    }
    let mut response = Response::new(Full::from(tell().render()));
    let kind = HeaderValue::from_static(metrics::CONTENT_TYPE);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn text(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_of_this_machine() {
        assert_eq!(address("9788").unwrap().to_string(), "127.0.0.1:9788");
        assert_eq!(address("0.0.0.0:1").unwrap().to_string(), "0.0.0.0:1");
        assert_eq!(address("[::]:1").unwrap().to_string(), "[::]:1");
        for text in ["", "localhost", ":1", "70000", "1.2.3.4"] {
            assert!(address(text).is_err(), "{text}");
        }
    }
}
