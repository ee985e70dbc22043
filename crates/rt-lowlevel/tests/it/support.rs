//! A server that does as it is told, and short ways to ask for a connection to it.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use rt_lowlevel::{Builder, Config, Connection, ConnectionEvent, Credentials, Endpoint};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

pub(crate) type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A listener on a free port of loopback that runs a script for each connection.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) connects: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Server {
    /// `script` gets the number of the connection, from 1, and its stream.
    pub(crate) async fn start<F>(script: impl Fn(usize, TcpStream) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connects = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connects);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
                tokio::spawn(script(number, stream));
            }
        });
        Self {
            address,
            connects,
            task,
        }
    }

    /// One that speaks WebSocket at once, and says `session.created`.
    pub(crate) async fn sessions<F>(
        script: impl Fn(usize, Ws<TcpStream>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let script = Arc::new(script);
        Self::start(move |number, stream| {
            let script = Arc::clone(&script);
            async move {
                let mut ws = Ws::accept(stream).await;
                ws.created(number).await;
                script(number, ws).await;
            }
        })
        .await
    }

    /// How many connections there were.
    pub(crate) fn connects(&self) -> usize {
        self.connects.load(Ordering::SeqCst)
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint::from_url(&format!("ws://{}/v1/realtime?model=m", self.address)).unwrap()
    }

    pub(crate) fn builder(&self) -> Builder {
        builder(self.endpoint())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn key() -> Credentials {
    Credentials::api_key("sk-test").unwrap()
}

pub(crate) fn builder(endpoint: Endpoint) -> Builder {
    Connection::builder(endpoint, key()).config(quick())
}

/// Waits of milliseconds, so that tests take no longer than they must.
pub(crate) fn quick() -> Config {
    let mut config = Config::default();
    config.retry.base = Duration::from_millis(2);
    config.retry.cap = Duration::from_millis(10);
    config.retry.throttle_floor = Duration::from_millis(5);
    config.retry.max_connects = 1000;
    config.retry.healthy_after = Duration::from_millis(50);
    config
}

/// The server's side of a WebSocket.
pub(crate) struct Ws<S>(pub(crate) WebSocketStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Ws<S> {
    pub(crate) async fn accept(stream: S) -> Self {
        Self(tokio_tungstenite::accept_async(stream).await.unwrap())
    }

    pub(crate) async fn created(&mut self, number: usize) {
        self.send(&created(number)).await;
    }

    pub(crate) async fn send(&mut self, text: &str) {
        let _ = self.0.send(Message::text(text)).await;
    }

    pub(crate) async fn close(&mut self, code: u16, reason: &str) {
        let frame = CloseFrame {
            code: code.into(),
            reason: reason.to_owned().into(),
        };
        let _ = self.0.send(Message::Close(Some(frame))).await;
    }

    /// The next text message; `None` when there is no more.
    pub(crate) async fn text(&mut self) -> Option<String> {
        loop {
            match self.0.next().await? {
                Ok(Message::Text(text)) => return Some(text.as_str().to_owned()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Reads and answers until the peer is done.
    pub(crate) async fn drain(&mut self) {
        while let Some(Ok(_)) = self.0.next().await {}
    }
}

pub(crate) fn created(number: usize) -> String {
    format!(
        r#"{{"type":"session.created","event_id":"e","session":{{"type":"realtime","id":"sess_{number}","expires_at":7}}}}"#
    )
}

pub(crate) fn error(code: &str) -> String {
    format!(
        r#"{{"type":"error","event_id":"e","error":{{"type":"invalid_request_error","code":"{code}","message":"m","param":null,"event_id":null}}}}"#
    )
}

/// An event that is more than a greeting.
pub(crate) const NEWS: &str = r#"{"type":"input_audio_buffer.cleared","event_id":"e"}"#;

/// Reads a request to its end.
pub(crate) async fn request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        match stream.read_buf(&mut bytes).await {
            Ok(1..) => {}
            _ => break,
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Reads the request, answers in so many segments, and reads to the end.
pub(crate) async fn answer(mut stream: TcpStream, segments: Vec<String>) {
    request(&mut stream).await;
    for segment in segments {
        stream.write_all(segment.as_bytes()).await.unwrap();
        // Lets the segment leave on its own. The outcome must not depend on whether it does.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let _ = stream.shutdown().await;
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

/// A whole response.
pub(crate) fn response(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The next event, in reasonable time.
pub(crate) async fn next(connection: &mut Connection) -> ConnectionEvent {
    within(connection.recv()).await.expect("another event")
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future)
        .await
        .expect("in time")
}

/// What events are, in short.
pub(crate) fn name(event: &ConnectionEvent) -> String {
    match event {
        ConnectionEvent::Opened(opened) => format!("opened {}", opened.epoch),
        ConnectionEvent::Server(event) => event.event_type().to_owned(),
        ConnectionEvent::Malformed(_) => "malformed".to_owned(),
        ConnectionEvent::Retrying(retrying) => format!("retrying {}", retrying.attempt),
        ConnectionEvent::Closed(_) => "closed".to_owned(),
        other => format!("{other:?}"),
    }
}

/// All events to the end.
pub(crate) async fn all(connection: &mut Connection) -> Vec<ConnectionEvent> {
    let mut events = Vec::new();
    while let Some(event) = within(connection.recv()).await {
        events.push(event);
    }
    events
}

pub(crate) fn names(events: &[ConnectionEvent]) -> Vec<String> {
    events.iter().map(name).collect()
}

/// The cause in the last event.
pub(crate) fn cause(events: &[ConnectionEvent]) -> rt_lowlevel::Error {
    match events.last() {
        Some(ConnectionEvent::Closed(closed)) => closed.error.clone().expect("a cause"),
        other => panic!("not Closed: {other:?}"),
    }
}

/// A control message that can be told from others, of a type that nothing is known of: it is written as it is, once.
pub(crate) fn message(tag: &str) -> rt_lowlevel::protocol::ClientEvent {
    let json = format!(r#"{{"type":"test.note","event_id":"{tag}"}}"#);
    rt_lowlevel::protocol::ClientEvent::from_json(&json).unwrap()
}

/// The tag of such a message.
pub(crate) fn tag(text: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    value["event_id"].as_str().unwrap().to_owned()
}

/// Runs a test of this program in a process of its own, and returns what it wrote. In that process it returns `None`: there
/// the test goes on. `wrap` is a shell command that starts the program, `exec "$0" "$@"` at its simplest.
pub(crate) fn alone(test: &str, wrap: &str) -> Option<String> {
    const CHILD: &str = "RT_TEST_ALONE";
    if std::env::var(CHILD).is_ok_and(|name| name == test) {
        return None;
    }
    let output = std::process::Command::new("sh")
        .args(["-c", wrap])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, test)
        .output()
        .unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    Some(text)
}

/// Runs this on a runtime with one thread.
pub(crate) fn block_on(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(future);
}
