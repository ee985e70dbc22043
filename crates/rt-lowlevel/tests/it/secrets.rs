//! Where secrets must not go.

use std::io::Write;
use std::sync::{Arc, Mutex};

use rt_lowlevel::{Connection, Credentials, Endpoint, ErrorKind};
use tracing_subscriber::layer::SubscriberExt;

use crate::support::*;

const CANARY: &str = "canary-5f2c";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_key_is_in_no_log_line_error_or_debug_text() {
    let log = Log::default();
    let writer = log.clone();
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_writer(move || writer.clone());
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));

    let said = format!(r#"{{"error":{{"code":"invalid_api_key","message":"Incorrect key: {CANARY}"}}}}"#);
    let server = Server::start(move |number, stream| {
        let said = said.clone();
        async move {
            if number > 1 {
                return answer(stream, vec![response("401 Unauthorized", "", &said)]).await;
            }
            let mut ws = Ws::accept(stream).await;
            ws.created(number).await;
            ws.send(&format!(r#"{{"type":"x","text":"{CANARY}"}}"#)).await;
            ws.send(&format!(r#"{{"type":"session.updated","session":"{CANARY}"}}"#))
                .await;
            ws.text().await;
        }
    })
    .await;
    let url = format!("ws://{}/v1/realtime?model={CANARY}", server.address);
    let endpoint = Endpoint::from_url(&url).unwrap();
    let credentials = Credentials::api_key(CANARY).unwrap();
    let builder = Connection::builder(endpoint, credentials)
        .config(quick())
        .header("cookie", CANARY)
        .unwrap()
        .header("x-team", CANARY)
        .unwrap();
    let shown = format!("{builder:?}");
    assert!(!shown.contains(CANARY), "{shown}");
    let mut connection = within(builder.connect()).await.unwrap();
    let shown = format!("{connection:?} {:?}", connection.handle());
    assert!(!shown.contains(CANARY), "{shown}");
    connection.send(message(CANARY)).await.unwrap();
    let events = all(&mut connection).await;
    let error = cause(&events);
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(CANARY), "{shown}");

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("session opened") && log.contains("rt.connection"),
        "{log}"
    );
    // The WebSocket library logs what it reads and writes at `trace`, and that is not ours to change.
    let ours: Vec<&str> = log.lines().filter(|line| line.contains(CANARY)).collect();
    assert!(ours.is_empty(), "{ours:#?}");
}

#[tokio::test]
async fn a_key_does_not_go_to_another_machine_in_the_clear() {
    // Addresses for documentation, and one that must not pass as loopback by its looks.
    for host in [
        "192.0.2.1",
        "[2001:db8::1]",
        "[::ffff:192.0.2.1]",
        "0.0.0.0",
        "192.0.2.1.:80",
    ] {
        let endpoint = Endpoint::from_url(&format!("ws://{host}/")).unwrap();
        let error = within(builder(endpoint).connect()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Insecure, "{host}");
        assert_eq!(error.attempts(), Some(1));
        assert!(error.to_string().contains("wss://"), "{error}");
    }
}

#[tokio::test]
async fn a_header_with_a_secret_counts_as_credentials() {
    for header in [
        "Authorization",
        "Proxy-Authorization",
        "api-key",
        "x-api-key",
        "Ocp-Apim-Subscription-Key",
        "Cookie",
        "X-Session-Token",
    ] {
        let endpoint = Endpoint::from_url("ws://192.0.2.1/").unwrap();
        let builder = Connection::builder(endpoint, Credentials::none()).config(quick());
        let error = within(builder.header(header, "x").unwrap().connect())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Insecure, "{header}");
    }
}

#[tokio::test]
async fn headers_that_would_break_the_request_are_refused() {
    let endpoint = Endpoint::from_url("ws://127.0.0.1:1/").unwrap();
    for (header, value) in [
        ("x", "a\r\nb: c"),
        ("x y", "a"),
        ("Host", "a"),
        ("Sec-WebSocket-Key", "a"),
        ("connection", "close"),
        ("", "a"),
    ] {
        let builder = Connection::builder(endpoint.clone(), Credentials::none());
        let error = builder.header(header, value).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{header}");
    }
}

#[tokio::test]
async fn each_credential_arrives_in_its_header() {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::start(move |_, mut stream| {
        let sender = sender.clone();
        async move {
            sender.send(request(&mut stream).await).unwrap();
            answer(stream, vec![]).await;
        }
    })
    .await;
    let azure = server.endpoint().with_provider(rt_lowlevel::Provider::Azure);
    for (endpoint, expected) in [
        (server.endpoint(), "\r\nauthorization: Bearer sk-test\r\n"),
        (azure, "\r\napi-key: sk-test\r\n"),
    ] {
        let mut config = quick();
        config.retry.max_attempts = 1;
        config.timeouts.upgrade = std::time::Duration::from_millis(100);
        let builder = builder(endpoint)
            .config(config)
            .header("OpenAI-Project", "p")
            .unwrap();
        let _ = within(builder.connect()).await;
        let request = within(receiver.recv()).await.unwrap();
        assert!(
            request.starts_with("GET /v1/realtime?model=m HTTP/1.1\r\nHost: 127.0.0.1:"),
            "{request}"
        );
        assert!(request.contains(expected), "{request}");
        assert!(request.contains("\r\nopenai-project: p\r\n"), "{request}");
    }
}
