//! Where secrets must not go.

use rt_lowlevel::{Connection, Credentials, Endpoint, ErrorKind};

use crate::support::*;

#[tokio::test]
async fn f69_a_key_does_not_go_to_another_machine_in_the_clear() {
    // Would be reached by the spellings of "any address" and of addresses that are not this machine's loopback.
    let server = Server::sessions(|_, mut ws| async move { ws.drain().await }).await;
    let port = server.address.port();
    for host in [
        "192.0.2.1",
        "192.0.2.1.",
        "0xc0000201",
        "3221225985",
        "0300.0.2.1",
        "192.513",
        "[2001:db8::1]",
        "[::ffff:192.0.2.1]",
        "[::127.0.0.1]",
        "0.0.0.0",
        "0",
        "[::]",
    ] {
        let endpoint = Endpoint::from_url(&format!("ws://{host}:{port}/")).unwrap();
        let error = within(builder(endpoint).connect()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Insecure, "{host}");
        assert_eq!(error.attempts(), Some(1));
        assert!(error.to_string().contains("wss://"), "{error}");
    }
    // What is before an @ is no host.
    let error = Endpoint::from_url(&format!("ws://127.0.0.1@192.0.2.1:{port}/")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert_eq!(server.connects(), 0);
    // And this machine is, however it is written.
    for host in ["127.1", "0x7f.1", "2130706433", "127.0.0.1."] {
        let endpoint = Endpoint::from_url(&format!("ws://{host}:{port}/")).unwrap();
        within(builder(endpoint).connect()).await.unwrap();
    }
    assert_eq!(server.connects(), 4);
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
async fn f68_headers_that_would_break_the_request_are_refused() {
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
