//! What happens before the upgrade.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rt_lowlevel::{Connection, Credentials, Endpoint, Error, ErrorKind, Token, TokenProvider};
use tokio::io::AsyncWriteExt;

use crate::support::*;

/// Connects to a server that always answers so; returns the error and the number of connects.
async fn refused(segments: &[&str]) -> (Error, usize) {
    let segments: Vec<String> = segments.iter().map(|&segment| segment.to_owned()).collect();
    let server = Server::start(move |_, stream| answer(stream, segments.clone())).await;
    let error = within(server.builder().connect()).await.unwrap_err();
    (error, server.connects())
}

const QUOTA: &str = r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}"#;

#[tokio::test]
async fn f03_a_refused_port_is_tried_eight_times() {
    // Bound, so that nobody else gets the port, but not listening.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let endpoint = Endpoint::from_url(&format!("ws://{address}/")).unwrap();
    let error = within(builder(endpoint).connect()).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Tcp, Some(8)));
    assert!(error.is_retryable());
    assert!(error.to_string().contains("gave up after 8 attempts"), "{error}");
    // The cause is told once, as the source.
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("refused"), "{source}");
    assert!(!error.to_string().contains(&source), "{error}");
}

#[tokio::test]
async fn f13_refusals_that_are_final_cost_one_connect() {
    let json = |status: &str, code: &str| {
        response(
            status,
            "x-request-id: req_1\r\n",
            &format!(r#"{{"error":{{"code":"{code}","message":"said"}}}}"#),
        )
    };
    for (response, status, kind, text) in [
        (
            json("400 Bad Request", "OperationNotSupported"),
            400,
            ErrorKind::Rejected,
            "said",
        ),
        (
            json("401 Unauthorized", "invalid_api_key"),
            401,
            ErrorKind::Unauthorized,
            "check the key",
        ),
        (
            json("403 Forbidden", "forbidden"),
            403,
            ErrorKind::Forbidden,
            "said",
        ),
        (
            json("404 Not Found", "DeploymentNotFound"),
            404,
            ErrorKind::NotFound,
            "5 minutes",
        ),
    ] {
        // The body comes in segments of its own.
        let end = response.find("\r\n\r\n").unwrap() + 4;
        let (head, body) = response.split_at(end);
        let (error, connects) = refused(&[head, &body[..body.len() / 2], &body[body.len() / 2..]]).await;
        assert_eq!((error.kind(), connects), (kind, 1), "{status}");
        assert_eq!(error.http_status(), Some(status));
        assert!(!error.is_retryable());
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(error.request_id(), Some("req_1"));
    }
}

#[tokio::test]
async fn f19_a_redirect_is_not_followed() {
    let target = Server::sessions(|_, mut ws| async move { ws.drain().await }).await;
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let location = format!("Location: http://{}/v1/realtime\r\n", target.address);
        let (error, connects) = refused(&[&response(status, &location, "")]).await;
        assert_eq!((error.kind(), connects), (ErrorKind::RedirectRefused, 1));
        assert!(error.to_string().contains("keys"), "{error}");
    }
    assert_eq!(target.connects(), 0);
}

#[tokio::test]
async fn f15_an_empty_account_is_told_from_a_busy_one_even_if_the_body_comes_late() {
    let whole = response(
        "429 Too Many Requests",
        "Content-Type: application/json\r\n",
        QUOTA,
    );
    let (head, body) = whole.split_at(whole.len() - QUOTA.len());
    let (error, connects) = refused(&[head, &body[..20], &body[20..]]).await;
    assert_eq!(
        (error.kind(), error.code(), connects),
        (ErrorKind::Quota, Some("insufficient_quota"), 1)
    );

    let busy = response(
        "429 Too Many Requests",
        "retry-after-ms: 1\r\n",
        r#"{"error":{"code":"429"}}"#,
    );
    let (error, connects) = refused(&[&busy]).await;
    assert_eq!((error.kind(), connects), (ErrorKind::RateLimited, 8));
    assert_eq!(error.retry_after(), Some(Duration::from_millis(1)));
}

#[tokio::test]
async fn a_refusal_whose_body_does_not_come_is_told_within_the_attempt() {
    let server = Server::start(|_, mut stream| async move {
        request(&mut stream).await;
        let head = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\n{";
        stream.write_all(head.as_bytes()).await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let mut config = quick();
    config.timeouts.attempt = Duration::from_millis(500);
    let error = within(server.builder().config(config).connect())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), server.connects()),
        (ErrorKind::Unauthorized, 1),
        "{error}"
    );
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let server = Server::start(|number, stream| async move {
        if number == 1 {
            let busy = response("429 Too Many Requests", "retry-after-ms: 300\r\n", "{}");
            return answer(stream, vec![busy]).await;
        }
        let mut ws = Ws::accept(stream).await;
        ws.created(number).await;
        ws.drain().await;
    })
    .await;
    let begin = Instant::now();
    let mut connection = within(server.builder().connect()).await.unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(300));
    assert_eq!(server.connects(), 2);
    assert_eq!(name(&next(&mut connection).await), "retrying 2");
    assert_eq!(name(&next(&mut connection).await), "opened 1");
}

#[tokio::test]
async fn f18_a_server_in_trouble_is_asked_again() {
    for status in ["500 x", "502 x", "503 x", "504 x", "529 x"] {
        let server = Server::start(move |number, stream| async move {
            if number == 1 {
                return answer(stream, vec![response(status, "", "oops")]).await;
            }
            let mut ws = Ws::accept(stream).await;
            ws.created(number).await;
            ws.drain().await;
        })
        .await;
        let connection = within(server.builder().connect()).await.unwrap();
        assert_eq!(server.connects(), 2, "{status}");
        drop(connection);
    }
}

/// Counts how often it is asked, and for what.
struct Tokens {
    asked: Arc<Mutex<Vec<bool>>>,
}

#[async_trait::async_trait]
impl TokenProvider for Tokens {
    async fn token(&self, refresh: bool) -> Result<Token, Box<dyn std::error::Error + Send + Sync>> {
        let mut asked = self.asked.lock().unwrap();
        asked.push(refresh);
        Ok(Token::new(format!("token-{}", asked.len())))
    }
}

#[tokio::test]
async fn f14_a_token_provider_gets_a_second_chance_and_no_third() {
    for (accepts_second, expected) in [(true, 2), (false, 2)] {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let server = Server::start(move |number, mut stream| {
            let log = Arc::clone(&log);
            async move {
                if number == 2 && accepts_second {
                    let mut ws = Ws::accept(stream).await;
                    ws.created(number).await;
                    return ws.drain().await;
                }
                let request = request(&mut stream).await;
                log.lock().unwrap().push(request);
                let no = response("401 Unauthorized", "", r#"{"error":{"code":"401"}}"#);
                stream.write_all(no.as_bytes()).await.unwrap();
            }
        })
        .await;
        let asked = Arc::new(Mutex::new(Vec::new()));
        let credentials = Credentials::provider(Tokens {
            asked: Arc::clone(&asked),
        });
        let builder = Connection::builder(server.endpoint(), credentials).config(quick());
        let result = within(builder.connect()).await;
        assert_eq!(result.is_ok(), accepts_second);
        assert_eq!(server.connects(), expected);
        assert_eq!(*asked.lock().unwrap(), [false, true]);
        assert!(seen.lock().unwrap()[0].contains("authorization: Bearer token-1\r\n"));
        if let Err(error) = result {
            assert_eq!(error.kind(), ErrorKind::Unauthorized);
            assert!(seen.lock().unwrap()[1].contains("authorization: Bearer token-2\r\n"));
        }
    }
}

#[tokio::test]
async fn a_provider_that_fails_is_asked_again() {
    struct Flaky(AtomicUsize);
    #[async_trait::async_trait]
    impl TokenProvider for Flaky {
        async fn token(&self, _: bool) -> Result<Token, Box<dyn std::error::Error + Send + Sync>> {
            if self.0.fetch_add(1, Ordering::SeqCst) < 2 {
                return Err("the token service is down".into());
            }
            Ok(Token::new("t"))
        }
    }
    let server = Server::sessions(|_, mut ws| async move { ws.drain().await }).await;
    let credentials = Credentials::provider(Flaky(AtomicUsize::new(0)));
    let builder = Connection::builder(server.endpoint(), credentials).config(quick());
    let mut connection = within(builder.connect()).await.unwrap();
    assert_eq!(server.connects(), 1);
    assert_eq!(name(&next(&mut connection).await), "retrying 2");
    assert_eq!(name(&next(&mut connection).await), "retrying 3");
}

#[tokio::test]
async fn f20_what_is_no_websocket_server_is_asked_twice() {
    for answer in [
        response(
            "200 OK",
            "Content-Type: text/html\r\n",
            "<html>please log in</html>",
        ),
        "SSH-2.0-OpenSSH_9.6\r\n".to_owned(),
        response(
            "101 Switching",
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n",
            "",
        ),
    ] {
        let (error, connects) = refused(&[&answer]).await;
        assert_eq!((error.kind(), connects), (ErrorKind::NotWebSocket, 2), "{answer}");
    }
}

#[tokio::test]
async fn an_end_without_an_answer_is_tried_again() {
    let (error, connects) = refused(&[]).await;
    assert_eq!((error.kind(), connects), (ErrorKind::Handshake, 8));
    let (error, connects) = refused(&["HTTP/1.1 10"]).await;
    assert_eq!((error.kind(), connects), (ErrorKind::Handshake, 8));
}

#[tokio::test]
async fn f12_headers_without_end_are_final() {
    let (error, connects) = refused(&["HTTP/1.1 101 x\r\na: ", &"x".repeat(100_000)]).await;
    assert_eq!((error.kind(), connects), (ErrorKind::Rejected, 1));
}

#[tokio::test]
async fn f11_an_upgrade_byte_by_byte_is_an_upgrade() {
    use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
    let server = Server::start(|number, mut stream| async move {
        let request = request(&mut stream).await;
        let key = request
            .lines()
            .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
            .unwrap();
        let accept = derive_accept_key(key.as_bytes());
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             X-Request-Id: req_7\r\nX-Filler: {}\r\nSec-WebSocket-Accept: {accept}\r\n\r\n",
            "x".repeat(600)
        );
        for byte in head.as_bytes() {
            stream.write_all(&[*byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        let mut ws = Ws(tokio_tungstenite::WebSocketStream::from_raw_socket(
            stream,
            tungstenite::protocol::Role::Server,
            None,
        )
        .await);
        ws.created(number).await;
        ws.drain().await;
    })
    .await;
    let mut connection = within(server.builder().connect()).await.unwrap();
    let rt_lowlevel::ConnectionEvent::Opened(opened) = next(&mut connection).await else {
        panic!()
    };
    assert_eq!(opened.handshake.request_id.as_deref(), Some("req_7"));
    assert_eq!(server.connects(), 1);
}
