//! Through a proxy.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rt_lowlevel::{Builder, ErrorKind};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::tls::tls_server;
use crate::support::*;

/// A proxy that opens tunnels to whoever is asked for, and notes what it was asked.
async fn proxy() -> (Server, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let server = Server::start(move |_, mut stream| {
        let log = Arc::clone(&log);
        async move {
            let request = request(&mut stream).await;
            let authority = request.split(' ').nth(1).unwrap().to_owned();
            log.lock().unwrap().push(request);
            let mut target = TcpStream::connect(authority).await.unwrap();
            stream
                .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                .await
                .unwrap();
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut target).await;
        }
    })
    .await;
    (server, asked)
}

/// To a server that is never reached, through a proxy that answers so.
async fn refusing(answer_of_proxy: &'static str) -> (rt_lowlevel::Error, usize) {
    let proxy = Server::start(move |_, stream| answer(stream, vec![answer_of_proxy.to_owned()])).await;
    let error = within(through(&proxy).connect()).await.unwrap_err();
    (error, proxy.connects())
}

fn through(proxy: &Server) -> Builder {
    let endpoint = rt_lowlevel::Endpoint::from_url("wss://api.test/v1/realtime?model=m").unwrap();
    builder(endpoint)
        .proxy(&format!("http://user:canary@{}", proxy.address))
        .unwrap()
}

#[tokio::test]
async fn f21_a_tunnel_carries_tls_and_the_proxy_sees_a_name() {
    let tls = tls_server().await;
    let (proxy, asked) = proxy().await;
    let builder = tls
        .builder("localhost")
        .root_certificates(tls.certificate.as_bytes())
        .unwrap()
        .proxy(&format!("http://me:pass%20word@{}", proxy.address))
        .unwrap();
    let shown = format!("{builder:?}");
    assert!(shown.contains("redacted") && !shown.contains("pass"), "{shown}");
    let mut connection = within(builder.connect()).await.unwrap();
    assert_eq!(name(&next(&mut connection).await), "opened 1");
    let seen = asked.lock().unwrap().clone();
    let authority = format!("localhost:{}", tls.server.address.port());
    assert_eq!(
        seen,
        [format!(
            "CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\
             proxy-authorization: Basic bWU6cGFzcyB3b3Jk\r\n\r\n"
        )]
    );
    assert_eq!((proxy.connects(), tls.server.connects()), (1, 1));
    within(connection.close()).await;
}

#[tokio::test]
async fn f21_a_certificate_is_checked_behind_a_proxy_too() {
    let tls = tls_server().await;
    let (proxy, _) = proxy().await;
    let builder = tls
        .builder("localhost")
        .proxy(&proxy.address.to_string())
        .unwrap();
    let error = within(builder.connect()).await.unwrap_err();
    assert_eq!((error.kind(), proxy.connects()), (ErrorKind::Tls, 1));
}

#[tokio::test]
async fn f21_a_proxy_that_says_no_is_final() {
    for (answer, status) in [
        ("HTTP/1.1 407 Authenticate\r\nContent-Length: 0\r\n\r\n", 407),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 403),
        ("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", 400),
        ("HTTP/1.1 302 Found\r\nLocation: http://login.test/\r\n\r\n", 302),
    ] {
        let (error, connects) = refusing(answer).await;
        assert_eq!(
            (error.kind(), error.http_status(), connects),
            (ErrorKind::Proxy, Some(status), 1)
        );
        assert!(!error.is_retryable());
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }
}

#[tokio::test]
async fn f21_a_proxy_in_trouble_is_asked_again() {
    for (answer, status) in [
        ("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", Some(502)),
        ("HTTP/1.1 2", None),
        ("", None),
    ] {
        let (error, connects) = refusing(answer).await;
        assert_eq!(
            (error.kind(), error.http_status(), connects),
            (ErrorKind::Handshake, status, 8)
        );
    }
}

#[tokio::test]
async fn f21_a_proxy_that_hangs_is_asked_again() {
    let proxy = Server::start(|_, mut stream| async move {
        request(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let mut config = quick();
    config.timeouts.proxy = Duration::from_millis(50);
    config.retry.max_attempts = 2;
    let error = within(through(&proxy).config(config).connect())
        .await
        .unwrap_err();
    assert_eq!((error.kind(), proxy.connects()), (ErrorKind::Handshake, 2));
    assert!(error.to_string().contains("50ms"), "{error}");
}

#[tokio::test]
async fn plain_text_goes_through_a_proxy_on_this_machine_to_this_machine_only() {
    let server = Server::sessions(|_, mut ws| async move { ws.drain().await }).await;
    let (proxy, asked) = proxy().await;
    let url = proxy.address.to_string();
    within(server.builder().proxy(&url).unwrap().connect())
        .await
        .unwrap();
    let authority = format!("CONNECT {} ", server.address);
    assert!(asked.lock().unwrap()[0].starts_with(&authority));
    let far = rt_lowlevel::Endpoint::from_url("ws://192.0.2.1/").unwrap();
    let error = within(builder(far).proxy(&url).unwrap().connect())
        .await
        .unwrap_err();
    assert_eq!((error.kind(), proxy.connects()), (ErrorKind::Insecure, 1));
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_a_connection_refused() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let proxy = socket.local_addr().unwrap();
    let endpoint = rt_lowlevel::Endpoint::from_url("wss://api.test/").unwrap();
    let error = within(builder(endpoint).proxy(&proxy.to_string()).unwrap().connect())
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Tcp, Some(8)));
    assert!(error.to_string().contains(&proxy.to_string()), "{error}");
}
