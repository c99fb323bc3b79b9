//! Sockets and the HTTP library. Every limit on a client stands here: connections, headers, time for headers and body, size.
//!
//! One thread moves bytes; requests are answered by a few others, because the database and signatures block. A client that
//! sends slowly holds a connection and nothing else: no thread answers before the whole request is there, and the connection is
//! given to somebody else where all are taken.

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
    http::request::Parts,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    sync::Semaphore,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use super::{
    Encryption, Refusal, Request, Response, Target,
    body::Receiving,
    dispatch,
    places::{Place, Places},
    request::HEADERS,
};
use crate::{Hub, HubError, auth::Principal, http, routes};

/// Threads that answer.
const WORKERS: usize = 8;
/// Requests that change something and have a thread at once: one of them writes, and pages always find a thread.
const WRITERS: usize = 2;
/// Requests of either kind that wait for a thread. Those that come later are told to come again.
const QUEUE: usize = 32;
/// Seconds after which to come again.
const AGAIN: i64 = 2;
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
/// The same for a small one, which anybody may send.
const FORM_TIME: Duration = Duration::from_secs(30);
/// Time for telling that there is no place.
const TELL_TIME: Duration = Duration::from_secs(1);
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
            let (places, desk) = (Places::default(), Arc::new(Desk::new(hub)));
            loop {
                let (stream, peer) = match socket.accept().await {
                    Ok(accepted) => accepted,
                    Err(_) => {
                        // Out of descriptors, or the client is gone already: both pass.
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                };
                let address = (!matches!(desk.hub.encryption(), Encryption::InFront)).then(|| peer.ip());
                let Some(place) = places.take(address) else {
                    tokio::spawn(timeout(TELL_TIME, no_place(stream, desk.hub.encryption())));
                    continue;
                };
                // An answer that waits for the last one to be confirmed waits for nothing.
                drop(stream.set_nodelay(true));
                let (desk, number) = (Arc::clone(&desk), place.number());
                let task = tokio::spawn(accepted(desk, stream, (peer.ip(), place)));
                places.belongs(number, task.abort_handle());
            }
        })
    }
}

/// Tells a client that there is no place for it. Over TLS that would be a handshake for everybody, so it is closed.
async fn no_place(stream: TcpStream, encryption: Encryption) {
    if !matches!(encryption, Encryption::Own(_)) {
        let said = format!(
            "HTTP/1.1 503 Service Unavailable\r\nretry-after: {AGAIN}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        drop(stream.writable().await.and_then(|()| stream.try_write(said.as_bytes())));
    }
}

async fn accepted(desk: Arc<Desk>, stream: TcpStream, peer: (IpAddr, Place)) {
    match desk.hub.encryption() {
        Encryption::Own(config) => {
            let accepting = TlsAcceptor::from(config).accept(stream);
            if let Ok(Ok(stream)) = timeout(HANDSHAKE_TIME, accepting).await {
                connection(desk, stream, peer).await;
            }
        }
        Encryption::None | Encryption::InFront => connection(desk, stream, peer).await,
    }
}

async fn connection<S: AsyncRead + AsyncWrite + Unpin>(desk: Arc<Desk>, stream: S, (peer, place): (IpAddr, Place)) {
    let place = Arc::new(place);
    let service = service_fn(move |incoming| {
        let (desk, place) = (Arc::clone(&desk), Arc::clone(&place));
        async move { Ok::<_, Infallible>(sent(respond(&desk, incoming, (peer, &place)).await)) }
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

/// Who answers: the hub, and the queues for its threads.
#[derive(Debug)]
struct Desk {
    hub: Arc<Hub>,
    /// Room in the queue: of requests that read, and of those that write.
    queues: [Semaphore; 2],
    writers: Semaphore,
}

impl Desk {
    fn new(hub: Arc<Hub>) -> Self {
        let queues = [Semaphore::new(QUEUE + WORKERS - WRITERS), Semaphore::new(QUEUE + WRITERS)];
        Self { hub, queues, writers: Semaphore::new(WRITERS) }
    }

    /// Has a thread answer. A request that writes waits without one until few others write.
    async fn answered(&self, request: Request) -> Response {
        let reads = request.is_safe();
        let Ok(_queued) = self.queues[usize::from(!reads)].try_acquire() else {
            return http::refused(&request, &Refusal::Busy(AGAIN), &Principal::Anonymous);
        };
        let writer = if reads { None } else { self.writers.acquire().await.ok() };
        let hub = Arc::clone(&self.hub);
        let answered = tokio::task::spawn_blocking(move || http::answer(&hub, &request)).await;
        drop(writer);
        answered.unwrap_or_else(|_| Refusal::Failed.to_json())
    }

    /// Whether the one who asks may send a large body.
    async fn admitted(&self, bare: Request) -> Result<Request, Response> {
        let Ok(_queued) = self.queues[0].try_acquire() else {
            return Err(http::refused(&bare, &Refusal::Busy(AGAIN), &Principal::Anonymous));
        };
        let hub = Arc::clone(&self.hub);
        let asked = tokio::task::spawn_blocking(move || match dispatch::admit(&hub, &bare) {
            Ok(()) => Ok(bare),
            Err(refusal) => Err(http::refused(&bare, &refusal, &Principal::Anonymous)),
        });
        asked.await.unwrap_or_else(|_| Err(Refusal::Failed.to_json()))
    }
}

/// Receives the rest of a request, and has it answered.
async fn respond(desk: &Desk, incoming: Incoming<Streaming>, (peer, place): (IpAddr, &Place)) -> Response {
    let (head, body) = incoming.into_parts();
    let (bare, read) = bare(&head, peer);
    if let Err(refusal) = read {
        return closing(http::refused(&bare, &refusal, &Principal::Anonymous));
    }
    // Larger than the route takes is refused before it is received.
    let limit = match routes::find(&bare.method, &bare.target.segments) {
        Ok((route, _)) => route.takes.limit(),
        Err(refusal) => return closing(http::refused(&bare, &refusal, &Principal::Anonymous)),
    };
    let (bare, held, time) = if limit > UNASKED {
        let held = place.hold();
        match desk.admitted(bare).await {
            Ok(bare) => (bare, Some(held), BODY_TIME),
            Err(response) => return closing(response),
        }
    } else {
        (bare, None, FORM_TIME)
    };
    let body = match receive(body, (limit, time), desk.hub.incoming_file()).await {
        Ok(body) => body,
        Err(refusal) => return closing(http::refused(&bare, &refusal, &Principal::Anonymous)),
    };
    let _held = held.unwrap_or_else(|| place.hold());
    desk.answered(Request { body, ..bare }).await
}

/// What was not read of the body cannot be told from the next request.
fn closing(response: Response) -> Response {
    response.with_header("connection", "close".to_owned())
}

/// A request without its body, and whether it could be read as a whole: the answer to one that could not needs the rest.
fn bare(head: &Parts, peer: IpAddr) -> (Request, Result<(), Refusal>) {
    let (mut headers, mut read) = (Vec::new(), Ok(()));
    for name in HEADERS {
        for value in head.headers.get_all(*name) {
            match value.to_str() {
                Ok(text) => headers.push((*name, text.to_owned())),
                Err(_) => read = Err(Refusal::malformed("a header is malformed")),
            }
        }
    }
    let absolute = head.uri.scheme().is_some() || head.uri.authority().is_some();
    let target = head.uri.path_and_query().filter(|_| !absolute).and_then(|target| Target::parse(target.as_str()));
    if target.is_none() {
        read = Err(Refusal::malformed("the address is malformed"));
    }
    let target = target.unwrap_or_default();
    let (method, body) = (head.method.as_str().to_owned(), super::Body::of(Vec::new()));
    (Request { method, target, address: peer, headers, body }, read)
}

async fn receive(
    mut body: Streaming,
    (limit, time): (u64, Duration),
    place: Result<PathBuf, HubError>,
) -> Result<super::Body, Refusal> {
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
    timeout(time, receiving).await.map_err(|_| lost())?
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
