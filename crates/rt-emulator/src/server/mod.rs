//! The server: accepts connections and gives each its task.

mod access;
mod connection;
mod request;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, broadcast, watch};
use tokio::task::JoinSet;
use tracing::{debug, warn};

pub(crate) use self::access::Access;
use self::connection::Connection;
pub(crate) use self::request::error_body;
use self::request::{NoRequest, Request, answer};
use crate::brain::Settings;
use crate::faults::{Action, Fault, Faults};
use crate::journal::{Journal, What};

/// The most connections at a time; more wait to be accepted.
const MAX_CONNECTIONS: usize = 4096;
/// The path of the Realtime API. Other forms of the URL (Azure's) and other kinds of session belong here.
const REALTIME_PATH: &str = "/v1/realtime";

/// What all connections share.
pub(crate) struct Shared {
    /// Who may connect.
    pub(crate) access: Access,
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

/// The handshake, and the session after it.
async fn open(mut stream: TcpStream, number: u64, shared: &Shared, stop: watch::Receiver<bool>) {
    // A test on the same machine must not wait for delayed acknowledgements.
    let _ = stream.set_nodelay(true);
    let faults = shared.faults.of(number);
    if faults.contains(&Fault::Refuse) {
        let _ = stream.set_zero_linger();
        return;
    }
    let request = match Request::read(&mut stream).await {
        Ok(request) => request,
        Err(NoRequest::Gone) => return,
        Err(NoRequest::Malformed) => return refuse(&mut stream, number, shared, 400, "Bad request.").await,
        Err(NoRequest::TooLong) => {
            return refuse(&mut stream, number, shared, 431, "The head is too long.").await;
        }
    };
    let (path, headers) = request.outline();
    shared.journal.note(number, What::Request { path, headers });
    let http = faults.iter().find_map(|fault| match fault {
        Fault::Http {
            status,
            headers,
            body,
        } => Some((*status, headers, body)),
        _ => None,
    });
    if let Some((status, headers, body)) = http {
        shared.journal.note(number, What::Answered { status });
        return answer(&mut stream, status, headers, body).await;
    }
    match request.path.as_str() {
        REALTIME_PATH => {}
        "/health" if request.method == "GET" => {
            shared.journal.note(number, What::Answered { status: 200 });
            return answer(&mut stream, 200, &[], r#"{"status":"ok"}"#).await;
        }
        path => {
            let path: String = path.chars().take(256).collect();
            let message = format!("Invalid URL ({} {path})", request.method);
            return refuse(&mut stream, number, shared, 404, &message).await;
        }
    }
    if request.query("call_id").is_some() {
        return refuse(&mut stream, number, shared, 404, "No such call.").await;
    }
    if request.query("intent") == Some("transcription") {
        return refuse(
            &mut stream,
            number,
            shared,
            501,
            "Transcription sessions are not emulated.",
        )
        .await;
    }
    let Some(upgrade) = request.upgrade() else {
        return refuse(
            &mut stream,
            number,
            shared,
            400,
            "This endpoint speaks WebSocket.",
        )
        .await;
    };
    if tokio::io::AsyncWriteExt::write_all(&mut stream, upgrade.as_bytes())
        .await
        .is_err()
    {
        return;
    }
    shared.journal.note(number, What::Answered { status: 101 });
    let verdict = shared.access.check(&request);
    Connection::new(stream, request.rest, number, shared, faults)
        .await
        .run(verdict, stop)
        .await;
}

/// Answers with an error body.
async fn refuse(stream: &mut TcpStream, number: u64, shared: &Shared, status: u16, message: &str) {
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
