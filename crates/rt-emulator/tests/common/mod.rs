//! A small client for the tests.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "each test uses a part of it"
)]

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use rt_emulator::{Builder, Emulator, Pacing};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error as WsError, Message as Frame};
use tokio_tungstenite::{WebSocketStream, client_async};

pub const SOON: Duration = Duration::from_secs(10);

/// A client of the emulator.
#[derive(Debug)]
pub struct Client {
    pub socket: WebSocketStream<TcpStream>,
}

pub async fn connect(
    emulator: &Emulator,
    target: &str,
    headers: &[(&'static str, &'static str)],
) -> Result<Client, WsError> {
    let stream = TcpStream::connect(emulator.address()).await.unwrap();
    let mut request = format!("ws://{}{target}", emulator.address())
        .into_client_request()
        .unwrap();
    for (name, value) in headers {
        request
            .headers_mut()
            .insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let (socket, _) = timeout(SOON, client_async(request, stream)).await.unwrap()?;
    Ok(Client { socket })
}

pub const KEY: (&str, &str) = ("authorization", "Bearer x");
pub const TARGET: &str = "/v1/realtime?model=gpt-realtime";

pub async fn session(emulator: &Emulator) -> Client {
    let mut client = connect(emulator, TARGET, &[KEY]).await.unwrap();
    assert_eq!(client.event().await["type"], "session.created");
    client
}

/// A session on a stream that is open already.
pub async fn upgrade<S: AsyncRead + AsyncWrite + Unpin>(
    emulator: &Emulator,
    stream: S,
) -> WebSocketStream<S> {
    let url = format!("{}?model=gpt-realtime", emulator.url());
    let mut request = url.into_client_request().unwrap();
    let (name, value) = KEY;
    request.headers_mut().insert(name, value.parse().unwrap());
    let (socket, _) = timeout(SOON, client_async(request, stream))
        .await
        .unwrap()
        .unwrap();
    socket
}

/// Writes an HTTP request without a body, and reads its answer.
pub async fn http(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> String {
    let request = format!("{request}\r\nHost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let reading = stream.read_to_string(&mut answer);
    timeout(SOON, reading).await.unwrap().unwrap();
    answer
}

impl Client {
    pub async fn frame(&mut self) -> Option<Result<Frame, WsError>> {
        timeout(SOON, self.socket.next()).await.unwrap()
    }

    /// The next event; a Ping is no event.
    pub async fn event(&mut self) -> Value {
        loop {
            match self.frame().await {
                Some(Ok(Frame::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Frame::Ping(_))) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub async fn send(&mut self, event: Value) {
        self.socket.send(Frame::text(event.to_string())).await.unwrap();
    }

    /// The types of the events up to one.
    pub async fn until(&mut self, last: &str) -> Vec<String> {
        let mut types = Vec::new();
        loop {
            types.push(self.event().await["type"].as_str().unwrap().to_owned());
            if types.last().unwrap() == last {
                return types;
            }
        }
    }

    /// The Close frame that comes next.
    pub async fn close(&mut self) -> (u16, String) {
        match self.frame().await {
            Some(Ok(Frame::Close(Some(frame)))) => (frame.code.into(), frame.reason.to_string()),
            other => panic!("{other:?}"),
        }
    }
}

pub fn fast() -> Builder {
    Emulator::builder().pacing(Pacing::instant())
}
