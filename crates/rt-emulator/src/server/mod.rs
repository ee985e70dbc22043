//! The server: accepts connections and gives each its task.

mod access;
mod act;
mod azure;
mod body;
mod calls;
mod connection;
mod endpoints;
mod request;
mod route;
mod secrets;
mod stream;
#[cfg(feature = "tls")]
mod tls;
mod wired;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, broadcast, watch};
use tokio::task::JoinSet;
use tracing::{debug, warn};

pub(crate) use self::access::Access;
use self::access::{Books, Verdict};
pub(crate) use self::azure::body_of as azure_body;
pub(crate) use self::calls::Calls;
use self::connection::Connection;
pub(crate) use self::request::error_body;
use self::request::{NoRequest, Request, answer, answer_in_parts, say_last};
use self::route::{Route, Target};
pub(crate) use self::secrets::Secrets;
use self::stream::Stream;
#[cfg(feature = "tls")]
pub(crate) use self::tls::Tls;
use crate::brain::Settings;
use crate::faults::{Action, Fault, Faults};
use crate::journal::{Journal, What};

/// The most connections at a time; more wait to be accepted.
const MAX_CONNECTIONS: usize = 4096;

/// What all connections share.
pub(crate) struct Shared {
    /// Who may connect.
    pub(crate) access: Access,
    /// The ephemeral keys that were given out.
    pub(crate) secrets: Secrets,
    /// The calls that go on.
    pub(crate) calls: Calls,
    /// How connections are encrypted, if they are.
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Tls>,
    /// What sessions are like.
    pub(crate) settings: Settings,
    /// What goes wrong.
    pub(crate) faults: Faults,
    /// What happened.
    pub(crate) journal: Journal,
    /// From one Ping to the next.
    pub(crate) ping_every: Duration,
    /// What is to go wrong now, and on which connection.
    pub(crate) commands: broadcast::Sender<(u64, Action)>,
}

impl Shared {
    /// The stream, encrypted if that is wanted; `None` if the client can't.
    #[cfg(feature = "tls")]
    async fn encrypted(&self, stream: TcpStream) -> Option<Stream> {
        match &self.tls {
            Some(tls) => tls.accept(stream).await,
            None => Some(Stream::Plain(stream)),
        }
    }

    /// The stream as it is.
    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unused_async, reason = "with encryption it waits")]
    async fn encrypted(&self, stream: TcpStream) -> Option<Stream> {
        Some(Stream::Plain(stream))
    }
}

/// Accepts connections until told to stop, then lets them end.
pub(crate) async fn run(listener: TcpListener, shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut tasks = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stopped(&mut stop) => break,
            accepted = async {
                let place = Arc::clone(&room).acquire_owned().await;
                (listener.accept().await, place)
            } => accepted,
            // Collects the tasks that are done.
            Some(_) = tasks.join_next() => continue,
        };
        match accepted {
            (Ok((stream, peer)), place) => {
                let (shared, stop) = (Arc::clone(&shared), stop.clone());
                tasks.spawn(async move {
                    let _place = place;
                    serve(stream, peer, &shared, stop).await;
                });
            }
            (Err(error), _) => {
                warn!(%error, "a connection could not be accepted");
                // Out of file handles, mostly: some will come back.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    while tasks.join_next().await.is_some() {}
}

/// One connection, from its first byte to its last.
async fn serve(stream: TcpStream, peer: SocketAddr, shared: &Shared, mut stop: watch::Receiver<bool>) {
    let number = shared.journal.connect();
    debug!(connection = number, %peer, "connection accepted");
    let told = stop.clone();
    tokio::select! {
        () = open(stream, number, shared, told) => {}
        // A connection that does not end when told to is dropped.
        () = async {
            stopped(&mut stop).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        } => {}
    }
    shared.journal.note(number, What::Ended);
    debug!(connection = number, "connection ended");
}

/// The first request, and what follows from it.
async fn open(stream: TcpStream, number: u64, shared: &Shared, stop: watch::Receiver<bool>) {
    // A test on the same machine must not wait for delayed acknowledgements.
    let _ = stream.set_nodelay(true);
    let faults = shared.faults.of(number);
    if faults.contains(&Fault::Refuse) {
        let _ = stream.set_zero_linger();
        return;
    }
    if faults.contains(&Fault::NoAnswer) {
        // Until the emulator ends, or the client goes.
        return wait_for_end(&stream).await;
    }
    let Some(mut stream) = shared.encrypted(stream).await else {
        debug!(connection = number, "no key was agreed on");
        return;
    };
    let mut request = match Request::read(&mut stream).await {
        Ok(request) => request,
        Err(problem) => return misread(&mut stream, number, shared, problem).await,
    };
    let (path, headers) = request.outline();
    shared.journal.note(number, What::Request { path, headers });
    for fault in &faults {
        match fault {
            Fault::Http {
                status,
                headers,
                body,
                body_after,
            } => {
                let status = *status;
                shared.journal.note(number, What::Answered { status });
                return answer_in_parts(&mut stream, status, headers, body, *body_after).await;
            }
            Fault::Answer(bytes) => return say_last(&mut stream, bytes).await,
            Fault::BadAccept => {
                let answer = request.upgrade_for("bm90IHRoaXMga2V5IQ==").unwrap_or_default();
                return say_last(&mut stream, answer.as_bytes()).await;
            }
            _ => {}
        }
    }
    let path = request.path.clone();
    match Route::of(&path) {
        Some(Route {
            target: Target::Health,
            ..
        }) if request.method == "GET" => {
            shared.journal.note(number, What::Answered { status: 200 });
            answer(&mut stream, 200, &[], r#"{"status":"ok"}"#).await;
        }
        Some(
            route @ Route {
                target: Target::Realtime | Target::Translations,
                ..
            },
        ) => converse(stream, request, &route, number, shared, faults, stop).await,
        Some(route) if route.target != Target::Health => {
            let answered = match body::read(&mut request, &mut stream).await {
                Ok(body) => endpoints::answer_to(shared, &request, &route, &body, unix_time()),
                Err(problem) => return misread(&mut stream, number, shared, problem).await,
            };
            let status = answered.status;
            shared.journal.note(number, What::Answered { status });
            answer(&mut stream, status, &answered.headers, &answered.body).await;
        }
        _ => {
            let path: String = path.chars().take(256).collect();
            let message = format!("Invalid URL ({} {path})", request.method);
            refuse(&mut stream, number, shared, 404, &message).await;
        }
    }
}

/// The handshake, and the session after it.
async fn converse(
    mut stream: Stream,
    mut request: Request,
    route: &Route<'_>,
    number: u64,
    shared: &Shared,
    faults: Vec<Fault>,
    stop: watch::Receiver<bool>,
) {
    let Some(upgrade) = request.upgrade() else {
        let message = "This endpoint speaks WebSocket.";
        return refuse(&mut stream, number, shared, 400, message).await;
    };
    let books = Books {
        secrets: &shared.secrets,
        calls: &shared.calls,
        now: unix_time(),
    };
    let verdict = match shared.access.check(&request, route, books) {
        Verdict::Open(opening) => Ok(opening),
        Verdict::Refuse(refusal) => Err(refusal),
        Verdict::Deny(denial) => {
            let status = denial.status;
            shared.journal.note(number, What::Answered { status });
            return answer(&mut stream, status, &[], &denial.body).await;
        }
    };
    if tokio::io::AsyncWriteExt::write_all(&mut stream, upgrade.as_bytes())
        .await
        .is_err()
    {
        return;
    }
    shared.journal.note(number, What::Answered { status: 101 });
    let rest = std::mem::take(&mut request.rest);
    let call_id = request.query("call_id").map(str::to_owned);
    Connection::new(stream, rest, number, shared, faults, call_id)
        .await
        .run(verdict, stop)
        .await;
}

/// Returns when the client ends the stream. What it sends stays where it is, and fills the buffers.
async fn wait_for_end(stream: &TcpStream) {
    use tokio::io::Interest;
    let closed = |ready: tokio::io::Ready| ready.is_read_closed() || ready.is_error();
    while let Ok(ready) = stream.ready(Interest::READABLE | Interest::ERROR).await {
        if closed(ready) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Answers a request that could not be read.
async fn misread(stream: &mut Stream, number: u64, shared: &Shared, problem: NoRequest) {
    match problem {
        NoRequest::Gone => {}
        NoRequest::Malformed => refuse(stream, number, shared, 400, "Bad request.").await,
        NoRequest::TooLong => refuse(stream, number, shared, 431, "The head is too long.").await,
        NoRequest::TooLarge => refuse(stream, number, shared, 413, "The body is too large.").await,
    }
}

/// Answers with an error body.
async fn refuse(stream: &mut Stream, number: u64, shared: &Shared, status: u16, message: &str) {
    shared.journal.note(number, What::Answered { status });
    answer(stream, status, &[], &error_body(None, message)).await;
}

/// Returns when the emulator is told to stop, or is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Seconds since 1970.
fn unix_time() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
