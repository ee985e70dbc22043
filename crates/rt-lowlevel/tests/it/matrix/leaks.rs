//! Everything is logged, and a key and what people say are looked for in it.
//!
//! The server here is not tungstenite's: that one logs what it sends itself.

use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rt_lowlevel::protocol::ClientEvent;
use rt_lowlevel::{Connection, ConnectionEvent, Credentials, Endpoint, ErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tracing_subscriber::layer::SubscriberExt;

use crate::support::*;

/// Stands for a key, for a password, and for what is said; nowhere else in the tests.
const CANARY: &str = "canary-5f2c-\u{e9}";
const KEY: &str = "sk-canary-5f2c";
const TRACE: &str = "canary-5f2c";

/// Where `log`, `tracing` and panics write.
static SEEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Seen;

impl Write for Seen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        note(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl log::Log for Seen {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        note(format!("{} {} {}\n", record.level(), record.target(), record.args()).as_bytes());
    }

    fn flush(&self) {}
}

fn note(bytes: &[u8]) {
    SEEN.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .extend_from_slice(bytes);
}

/// Lines with a trace of the canary, as it is or as the hexadecimal or decimal bytes of a dump.
fn hits(text: &str) -> Vec<String> {
    let bytes = TRACE.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let decimal = format!("{bytes:?}");
    let decimal = decimal.trim_matches(['[', ']']);
    text.lines()
        .filter(|line| line.contains(TRACE) || line.contains(&hex) || line.contains(decimal))
        .map(|line| line.chars().take(300).collect())
        .collect()
}

/// Keeps all that this process logs from here on, by us and by the libraries, and all panics.
fn listen() {
    log::set_logger(&Seen).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        note(format!("{info}\n").as_bytes());
        before(info);
    }));
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_writer(|| Seen);
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
}

/// Accepts the upgrade by hand.
async fn accept(stream: &mut TcpStream) {
    let request = request(stream).await;
    let key = request
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
        .unwrap();
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         X-Request-Id: req_1\r\nX-Canary: {TRACE}\r\nSec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    );
    stream.write_all(head.as_bytes()).await.unwrap();
}

async fn say(stream: &mut TcpStream, first: u8, payload: &[u8]) {
    let mut bytes = vec![first, 126];
    bytes.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
    if payload.len() < 126 {
        bytes.truncate(1);
        bytes.push(u8::try_from(payload.len()).unwrap());
    }
    bytes.extend(payload);
    let _ = stream.write_all(&bytes).await;
}

async fn say_text(stream: &mut TcpStream, text: &str) {
    say(stream, 0x81, text.as_bytes()).await;
}

/// A builder with the canary wherever a secret can be.
fn secretive(address: std::net::SocketAddr) -> rt_lowlevel::Builder {
    let url = format!("ws://{address}/v1/realtime?model={TRACE}");
    Connection::builder(
        Endpoint::from_url(&url).unwrap(),
        Credentials::api_key(KEY).unwrap(),
    )
    .config(quick())
    .header("cookie", TRACE)
    .unwrap()
    .header("x-team", TRACE)
    .unwrap()
}

/// In a process of its own, since loggers are the process's.
#[test]
fn f70_keys_and_speech_are_in_no_log_line_error_or_debug_text() {
    const TEST: &str = "matrix::leaks::f70_keys_and_speech_are_in_no_log_line_error_or_debug_text";
    if alone(TEST, "exec \"$0\" \"$@\"").is_none() {
        listen();
        block_on(sessions());
    }
}

async fn sessions() {
    // Where the canary is said, and by whom.
    let spoken = [
        format!(
            r#"{{"type":"response.output_text.delta","response_id":"r","item_id":"i","output_index":0,"content_index":0,"delta":"{CANARY}"}}"#
        ),
        format!(
            r#"{{"type":"response.output_audio_transcript.done","response_id":"r","item_id":"i","output_index":0,"content_index":0,"transcript":"{CANARY}"}}"#
        ),
        format!(
            r#"{{"type":"conversation.item.input_audio_transcription.completed","item_id":"i","content_index":0,"transcript":"{CANARY}"}}"#
        ),
        format!(r#"{{"type":"never.seen","text":"{CANARY}"}}"#),
        format!(r#"{{"type":"session.updated","session":"{CANARY}"}}"#),
        format!(
            r#"{{"type":"response.function_call_arguments.done","call_id":"c","name":"f","response_id":"r","item_id":"i","output_index":0,"arguments":"{{\"x\":\"{CANARY}\"}}"}}"#
        ),
        format!("{{{CANARY}"),
    ];
    let texts = spoken.clone();
    let server = Server::start(move |number, mut stream| {
        let texts = texts.clone();
        async move {
            if number == 3 {
                let said =
                    format!(r#"{{"error":{{"code":"invalid_api_key","message":"Incorrect key: {KEY}"}}}}"#);
                return answer(stream, vec![response("401 Unauthorized", "", &said)]).await;
            }
            accept(&mut stream).await;
            say_text(&mut stream, &created(number)).await;
            for text in &texts {
                say_text(&mut stream, text).await;
            }
            // In two fragments; as binary; in a ping.
            say(&mut stream, 0x01, br#"{"type":"never.seen","text":""#).await;
            say(&mut stream, 0x80, format!("{CANARY}\"}}").as_bytes()).await;
            say(&mut stream, 0x82, CANARY.as_bytes()).await;
            say(&mut stream, 0x89, CANARY.as_bytes()).await;
            say_text(&mut stream, NEWS).await;
            // What the client says comes; then the end, once in the middle of a sentence, once against the protocol.
            let _ = stream.read(&mut [0; 4096]).await;
            match number {
                1 => stream.write_all(&[0x81, 20, b'c', b'a']).await.unwrap(),
                _ => say(&mut stream, 0xc1, CANARY.as_bytes()).await,
            }
        }
    })
    .await;
    let builder = secretive(server.address);
    let mut shown = format!("{builder:?}\n");
    let mut connection = within(builder.connect()).await.unwrap();
    let mut heard = 0;
    while let Some(event) = within(connection.recv()).await {
        shown += &format!("{event:?}\n");
        match &event {
            ConnectionEvent::Server(event) => {
                heard += 1;
                if event.event_type() == "input_audio_buffer.cleared" {
                    let create = format!(
                        r#"{{"type":"conversation.item.create","item":{{"type":"message","role":"user","content":[{{"type":"input_text","text":"{CANARY}"}}]}}}}"#
                    );
                    let create = ClientEvent::from_json(&create).unwrap();
                    shown += &format!("{create:?}\n");
                    connection.send(create).await.unwrap();
                }
            }
            ConnectionEvent::Malformed(error) => shown += &format!("{error}\n"),
            ConnectionEvent::Retrying(retrying) => shown += &format!("{}\n", retrying.cause),
            ConnectionEvent::Closed(closed) => {
                let error = closed.error.as_ref().unwrap();
                assert_eq!(error.kind(), ErrorKind::Unauthorized);
                assert_eq!(error.session_id(), Some("sess_2"), "the last there was");
                assert_eq!(error.request_id(), Some("req_1"));
                shown += &format!("{error}\n{error:?}\n");
            }
            _ => {}
        }
        shown += &format!("{connection:?} {:?}\n", connection.handle());
    }
    assert!(heard >= 12, "{heard}");
    assert_eq!(hits(&shown), Vec::<String>::new());
    let log = String::from_utf8_lossy(&SEEN.lock().unwrap()).into_owned();
    assert!(
        log.contains("session opened") && log.contains("rt.connection"),
        "{log}"
    );
    // The library below is heard too, and what it would show is known for what it is.
    assert!(log.contains("tungstenite"));
    let dump: String = TRACE.bytes().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hits(&format!("a\npayload: 0x00{dump}ff\nb{TRACE}c")).len(), 2);
    assert_eq!(hits(&log), Vec::<String>::new());
}

#[test]
fn f70_what_fails_before_the_session_shows_nothing_either() {
    const TEST: &str = "matrix::leaks::f70_what_fails_before_the_session_shows_nothing_either";
    if alone(TEST, "exec \"$0\" \"$@\"").is_none() {
        listen();
        block_on(failures());
    }
}

async fn failures() {
    let mut shown = String::new();
    for answer_of_server in [
        response("429 Too Many", "retry-after-ms: 1\r\n", TRACE),
        response("500 Oops", &format!("x-y: {TRACE}\r\n"), TRACE),
        response("301 Moved", &format!("location: http://x/{TRACE}\r\n"), TRACE),
        response("200 OK", "", TRACE),
        format!("SSH-2.0-{TRACE}\r\n"),
        format!("HTTP/1.1 101 {TRACE}\r\n\r\n"),
    ] {
        let server = Server::start(move |_, stream| answer(stream, vec![answer_of_server.clone()])).await;
        let error = within(secretive(server.address).connect()).await.unwrap_err();
        shown += &format!("{error} {error:?}\n");
        let source = std::error::Error::source(&error).map(ToString::to_string);
        shown += &format!("{source:?}\n");
    }
    // A proxy with a password, a server that does not speak TLS, a name that is none, and a panic of the user's code.
    let proxy = Server::start(|_, stream| {
        answer(
            stream,
            vec![response("407 Authenticate", &format!("x: {TRACE}\r\n"), TRACE)],
        )
    })
    .await;
    let tls = Endpoint::from_url(&format!(
        "wss://localhost:{}/?model={TRACE}",
        proxy.address.port()
    ))
    .unwrap();
    let proxied = builder(tls.clone())
        .proxy(&format!("http://{TRACE}:{TRACE}@{}", proxy.address))
        .unwrap();
    let mut config = quick();
    config.retry.max_attempts = 1;
    config.timeouts.dns = Duration::from_millis(500);
    for builder in [proxied, builder(tls), secretive(proxy.address)] {
        shown += &format!("{builder:?}\n");
        let error = within(builder.config(config.clone()).connect())
            .await
            .unwrap_err();
        shown += &format!("{error} {error:?}\n");
    }
    for bad in [format!("{KEY}\n{KEY}"), format!("{KEY}\0"), CANARY.to_owned()] {
        let error = Credentials::api_key(bad.clone()).unwrap_err();
        shown += &format!("{error} {error:?}\n");
        let endpoint = Endpoint::from_url("ws://127.0.0.1:1/").unwrap();
        let error = Connection::builder(endpoint, Credentials::none())
            .header("x-key", &format!("{bad}\r\n"))
            .unwrap_err();
        shown += &format!("{error} {error:?}\n");
    }
    for bad in [
        format!("ws://{TRACE}:x@127.0.0.1/"),
        format!("wss://h/?api-key={TRACE}"),
    ] {
        let error = Endpoint::from_url(&bad).unwrap_err();
        shown += &format!("{error} {error:?}\n");
    }
    struct Panics;
    #[async_trait::async_trait]
    impl rt_lowlevel::TokenProvider for Panics {
        async fn token(
            &self,
            _: bool,
        ) -> Result<rt_lowlevel::Token, Box<dyn std::error::Error + Send + Sync>> {
            let token = rt_lowlevel::Token::new(KEY);
            panic!("a provider that panics with {token:?}, as the test wants it to")
        }
    }
    let endpoint = Endpoint::from_url("ws://127.0.0.1:1/").unwrap();
    let error = within(Connection::builder(endpoint, Credentials::provider(Panics)).connect())
        .await
        .unwrap_err();
    shown += &format!("{error} {error:?}\n");
    assert_eq!(hits(&shown), Vec::<String>::new());
    let log = String::from_utf8_lossy(&SEEN.lock().unwrap()).into_owned();
    assert!(log.contains("a provider that panics"), "panics are heard");
    assert_eq!(hits(&log), Vec::<String>::new());
}
