//! Sockets and the HTTP library. Every limit on a client stands here: connections, headers, time for headers and body, size.
//!
//! One thread moves bytes; requests are answered by a few others, because the database and signatures block. A client that
//! sends slowly holds a connection and nothing else: no thread answers before the whole request is there.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request as Incoming,
    body::{Body as _, Bytes, Incoming as Streaming},
    header::HeaderValue,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    runtime::{Builder, Runtime},
    sync::Semaphore,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use super::{Encryption, Refusal, Request, Response, Target, body::Receiving, dispatch, request::HEADERS};
use crate::{Hub, HubError, http, routes};

/// Connections at once. Those that come later wait in the queue of the system.
const CONNECTIONS: usize = 256;
/// Threads that answer.
const WORKERS: usize = 4;
/// Bytes of a request line with its headers.
const HEADER_BYTES: usize = 16 << 10;
/// Headers of one request.
const HEADER_COUNT: usize = 64;
/// Time until the headers are there, also between two requests of one connection.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// Time until the next part of a body is there.
const PART_TIME: Duration = Duration::from_secs(10);
/// Time until a whole body is there.
const BODY_TIME: Duration = Duration::from_secs(300);
/// Largest body that is received before it is known who sends it, in bytes: a form.
const UNASKED: u64 = 64 << 10;
/// Time for a handshake of TLS.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// Time after which an answer that nobody takes is given up.
const ANSWER_TIME: Duration = Duration::from_secs(600);

/// A socket that listens.
#[derive(Debug)]
pub struct Listener {
    runtime: Runtime,
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Listens at an address; port 0 is a free one.
    ///
    /// # Errors
    /// The address is taken, or not of this machine.
    pub fn bind(address: SocketAddr) -> Result<Self, HubError> {
        let wrong = |source| HubError::Listen { address, source };
        let runtime = Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(WORKERS)
            .thread_keep_alive(Duration::from_secs(60))
            .build()
            .map_err(wrong)?;
        let socket = runtime.block_on(TcpListener::bind(address)).map_err(wrong)?;
        let address = socket.local_addr().map_err(wrong)?;
        Ok(Self { runtime, socket, address })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests until the process ends.
    ///
    /// # Errors
    /// The socket does not listen any more.
    pub fn serve(self, hub: Arc<Hub>) -> Result<(), HubError> {
        let Self { runtime, socket, .. } = self;
        runtime.block_on(async move {
            let places = Arc::new(Semaphore::new(CONNECTIONS));
            loop {
                let place = Arc::clone(&places).acquire_owned().await;
                let (stream, peer) = match socket.accept().await {
                    Ok(accepted) => accepted,
                    Err(_) => {
                        // Out of descriptors, or the client is gone already: both pass.
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                };
                // An answer that waits for the last one to be confirmed waits for nothing.
                drop(stream.set_nodelay(true));
                let hub = Arc::clone(&hub);
                tokio::spawn(async move {
                    match hub.encryption() {
                        Encryption::Own(config) => {
                            let accepting = TlsAcceptor::from(config).accept(stream);
                            if let Ok(Ok(stream)) = timeout(HANDSHAKE_TIME, accepting).await {
                                connection(hub, stream, peer.ip()).await;
                            }
                        }
                        Encryption::None | Encryption::InFront => connection(hub, stream, peer.ip()).await,
                    }
                    drop(place);
                });
            }
        })
    }
}

async fn connection<S: AsyncRead + AsyncWrite + Unpin>(hub: Arc<Hub>, stream: S, peer: IpAddr) {
    let service = service_fn(move |incoming| {
        let hub = Arc::clone(&hub);
        async move { Ok::<_, Infallible>(sent(respond(hub, incoming, peer).await)) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(HEADER_BYTES)
        .max_headers(HEADER_COUNT)
        .half_close(false)
        .serve_connection(TokioIo::new(stream), service);
    // Whatever ends a connection early is the client's affair.
    drop(timeout(ANSWER_TIME, connection).await);
}

/// Receives the rest of a request, and has it answered.
async fn respond(hub: Arc<Hub>, incoming: Incoming<Streaming>, peer: IpAddr) -> Response {
    let (head, body) = incoming.into_parts();
    let api = head.uri.path().starts_with("/api/");
    let refuse = |refusal: &Refusal| {
        let response =
            if api { refusal.to_json() } else { crate::pages::refused(refusal, &crate::auth::Principal::Anonymous) };
        // What was not read of the body cannot be told from the next request.
        response.with_header("connection", "close".to_owned())
    };
    let absolute = head.uri.scheme().is_some() || head.uri.authority().is_some();
    let target = head.uri.path_and_query().filter(|_| !absolute).and_then(|target| Target::parse(target.as_str()));
    let Some(target) = target else { return refuse(&Refusal::malformed("the address is malformed")) };
    let mut headers = Vec::new();
    for name in HEADERS {
        for value in head.headers.get_all(*name) {
            match value.to_str() {
                Ok(text) => headers.push((*name, text.to_owned())),
                Err(_) => return refuse(&Refusal::malformed("a header is malformed")),
            }
        }
    }
    let method = head.method.as_str().to_owned();
    // Larger than the route takes is refused before it is received.
    let limit = match routes::find(&method, &target.segments) {
        Ok((route, _)) => route.takes.limit(),
        Err(refusal) => return refuse(&refusal),
    };
    let bare = Request { method, target, address: peer, headers, body: super::Body::of(Vec::new()) };
    let bare = if limit > UNASKED {
        let asked = Arc::clone(&hub);
        let admitted = tokio::task::spawn_blocking(move || dispatch::admit(&asked, &bare).map(|()| bare)).await;
        match admitted {
            Ok(Ok(bare)) => bare,
            Ok(Err(refusal)) => return refuse(&refusal),
            Err(_) => return failed(),
        }
    } else {
        bare
    };
    let body = match receive(body, limit, hub.incoming_file()).await {
        Ok(body) => body,
        Err(refusal) => return refuse(&refusal),
    };
    let request = Request { body, ..bare };
    let answered = tokio::task::spawn_blocking(move || http::answer(&hub, &request)).await;
    answered.unwrap_or_else(|_| failed())
}

/// What is answered where a handler ended in a way that nobody meant.
fn failed() -> Response {
    let response = Response::json(&serde_json::json!({ "error": "the hub could not do this", "status": 500 }));
    response.with_status(500)
}

async fn receive(mut body: Streaming, limit: u64, place: Result<PathBuf, HubError>) -> Result<super::Body, Refusal> {
    if body.size_hint().lower() > limit {
        return Err(Refusal::TooLarge(limit));
    }
    let lost = || Refusal::malformed("the body did not arrive whole in time");
    let receiving = async {
        let mut receiving = Receiving::new(place?);
        let mut size = 0_u64;
        while let Some(frame) = timeout(PART_TIME, body.frame()).await.map_err(|_| lost())? {
            let Ok(bytes) = frame.map_err(|_| lost())?.into_data() else { continue };
            size += bytes.len() as u64;
            if size > limit {
                return Err(Refusal::TooLarge(limit));
            }
            receiving.push(&bytes).map_err(HubError::Stopped)?;
        }
        Ok(receiving.end().map_err(HubError::Stopped)?)
    };
    timeout(BODY_TIME, receiving).await.map_err(|_| lost())?
}

fn sent(response: Response) -> hyper::Response<Full<Bytes>> {
    let mut out = hyper::Response::new(Full::new(Bytes::from(response.body)));
    *out.status_mut() =
        hyper::StatusCode::from_u16(response.status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in response.headers {
        // Values are the hub's own words, numbers and encoded paths; anything else is left out rather than sent.
        if let Ok(value) = HeaderValue::from_str(&value) {
            out.headers_mut().append(name, value);
        }
    }
    out
}
