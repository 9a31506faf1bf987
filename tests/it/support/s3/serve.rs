//! Connections, and the service behind its faults.

use std::{
    convert::Infallible, fmt, net::TcpListener as StdListener, path::Path, sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::{
    Request, Response,
    body::{Frame, Incoming},
    header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderValue},
    http::{request::Parts, response},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use s3s::{
    Body,
    auth::SimpleAuth,
    service::{S3Service, S3ServiceBuilder},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::{Action, Answer, Faults, Options};

/// The service behind its faults.
pub(super) struct Service {
    inner: S3Service,
    faults: Faults,
}

impl Service {
    pub(super) fn new(root: &Path, options: &Options, faults: Faults) -> Self {
        let disk = super::disk(root, Arc::clone(faults.manners()));
        let mut builder = S3ServiceBuilder::new(disk);
        builder.set_auth(SimpleAuth::from_single(
            options.access_key.clone(),
            options.secret_key.clone(),
        ));
        Self {
            inner: builder.build(),
            faults,
        }
    }

    async fn call(&self, request: Request<Incoming>) -> Result<Response<Body>, Closed> {
        let (head, body) = request.into_parts();
        let action = self.faults.decide(&head);
        // Taken whole first, so that the client is never interrupted while it sends.
        let body = body.collect().await.map_err(|_| Closed)?.to_bytes();
        match action {
            None => self.perform(head, body).await,
            Some(Action::Answer(answer)) => Ok(answered(&answer)),
            Some(Action::Close) => Err(Closed),
            Some(Action::LoseAnswer) => {
                let answer = self.perform(head, body).await?;
                answer.into_body().collect().await.map_err(|_| Closed)?;
                Err(Closed)
            }
            Some(Action::Hang) => {
                self.faults.hang().await;
                Err(Closed)
            }
            Some(Action::Truncate) => truncated(self.perform(head, body).await?).await,
            Some(Action::Date(date)) => {
                let mut answer = self.perform(head, body).await?;
                answer
                    .headers_mut()
                    .insert(DATE, HeaderValue::from_static(date));
                Ok(answer)
            }
            Some(Action::Delay(pause)) => {
                tokio::time::sleep(pause).await;
                self.perform(head, body).await
            }
        }
    }

    async fn perform(&self, head: Parts, body: Bytes) -> Result<Response<Body>, Closed> {
        let request = Request::from_parts(head, Body::from(body));
        self.inner.call(request).await.map_err(|_| Closed)
    }
}

/// The connection ends here.
#[derive(Debug)]
struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("closed by decree")
    }
}

impl std::error::Error for Closed {}

fn answered(answer: &Answer) -> Response<Body> {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    response
        .header(CONTENT_TYPE, "application/xml")
        .body(Body::from(answer.body()))
        .expect("status and headers are valid")
}

/// Promises the whole body and sends half of it.
async fn truncated(answer: Response<Body>) -> Result<Response<Body>, Closed> {
    let (mut head, body) = answer.into_parts();
    let whole = body.collect().await.map_err(|_| Closed)?.to_bytes();
    if head.status.is_success() {
        head.headers.insert(CONTENT_LENGTH, whole.len().into());
        return Ok(half(head, &whole));
    }
    Ok(Response::from_parts(head, Body::from(whole)))
}

fn half(head: response::Parts, whole: &Bytes) -> Response<Body> {
    use futures_util::StreamExt as _;
    let half = Ok(Frame::data(whole.slice(..whole.len() / 2)));
    let end = async {
        // A body that waits is flushed, so that the half arrives before the end does.
        tokio::task::yield_now().await;
        Err(Closed)
    };
    let stream = stream::iter([half]).chain(stream::once(end));
    Response::from_parts(head, Body::http_body(StreamBody::new(Box::pin(stream))))
}

/// Serves until `stop`.
pub(super) fn run(
    listener: StdListener,
    acceptor: Option<TlsAcceptor>,
    service: Arc<Service>,
    stop: &CancellationToken,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    runtime.block_on(stop.run_until_cancelled(listen(listener, acceptor, service)));
    // Files are read on blocking threads, which may outlive the last connection.
    runtime.shutdown_timeout(Duration::from_secs(5));
}

/// Listens whenever connections are not to be refused.
async fn listen(
    listener: StdListener,
    acceptor: Option<TlsAcceptor>,
    service: Arc<Service>,
) -> Infallible {
    let address = listener.local_addr().expect("the socket is bound");
    listener
        .set_nonblocking(true)
        .expect("the socket can be made non-blocking");
    let mut listener = TcpListener::from_std(listener).expect("the socket is a listener");
    loop {
        tokio::select! {
            never = accept(&listener, acceptor.clone(), &service) => match never {},
            () = service.faults.wished_to_refuse(true) => {}
        }
        drop(listener);
        service.faults.is_refusing(true);
        service.faults.wished_to_refuse(false).await;
        listener = TcpListener::bind(address).await.expect("the port was ours");
        service.faults.is_refusing(false);
    }
}

async fn accept(
    listener: &TcpListener,
    acceptor: Option<TlsAcceptor>,
    service: &Arc<Service>,
) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((socket, _)) = listener.accept() => {
                let (service, acceptor) = (Arc::clone(service), acceptor.clone());
                connections.spawn(connection(socket, acceptor, service));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(socket: TcpStream, acceptor: Option<TlsAcceptor>, service: Arc<Service>) {
    match acceptor {
        None => serve(socket, service).await,
        Some(acceptor) => {
            // A client that does not trust us goes away in the middle.
            if let Ok(socket) = acceptor.accept(socket).await {
                serve(socket, service).await;
            }
        }
    }
}

async fn serve<S>(socket: S, service: Arc<Service>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = service_fn(move |request| {
        let service = Arc::clone(&service);
        async move { service.call(request).await }
    });
    // An error here is a connection that was closed, by decree or by the client.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(socket), service)
        .await;
}
