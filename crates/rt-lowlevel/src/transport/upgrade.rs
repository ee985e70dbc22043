//! The HTTP/1.1 upgrade: request out, answer in, with the whole body of a refusal.

use std::io;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use ring::digest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::Io;
use super::response::{Head, LIMIT, Parsed, parse};
use crate::classify::Failure;
use crate::config::Timeouts;
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind};
use crate::event::Handshake;

/// How long before the end of its attempt a refusal is told.
const MARGIN: Duration = Duration::from_millis(100);

/// An upgrade request.
pub(crate) struct Request {
    /// The bytes, wiped when dropped: there is a key in them.
    bytes: Zeroizing<Vec<u8>>,
    accept: String,
    server: String,
}

impl Request {
    pub(crate) fn new(endpoint: &Endpoint, headers: &HeaderMap) -> Self {
        let key = STANDARD.encode(rand::random::<[u8; 16]>());
        let address = endpoint.address();
        let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
        let mut put = |part: &str| bytes.extend_from_slice(part.as_bytes());
        put("GET ");
        put(&address.path_and_query());
        put(" HTTP/1.1\r\nHost: ");
        put(&address.authority());
        put(
            "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ",
        );
        put(&key);
        put("\r\n");
        for (name, value) in headers {
            bytes.extend_from_slice(name.as_str().as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        Self {
            bytes,
            accept: accept_of(&key),
            server: endpoint.to_string(),
        }
    }
}

/// What a WebSocket server answers to a key (RFC 6455, 4.2.2): proof that it read the request, no secret.
fn accept_of(key: &str) -> String {
    const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    let hash = digest::digest(
        &digest::SHA1_FOR_LEGACY_USE_ONLY,
        format!("{key}{GUID}").as_bytes(),
    );
    STANDARD.encode(hash.as_ref())
}

/// An upgraded stream.
pub(crate) struct Upgraded {
    pub(crate) stream: Box<dyn Io>,
    /// What came after the head, in the same packets: the first frames.
    pub(crate) leftover: Vec<u8>,
    pub(crate) handshake: Handshake,
}

/// Sends the request and reads the answer. `remaining` is what is left of the attempt: a refusal whose body is longer in
/// coming is told without it, rather than not at all.
pub(crate) async fn upgrade(
    mut stream: Box<dyn Io>,
    request: &Request,
    timeouts: &Timeouts,
    remaining: Duration,
) -> Result<Upgraded, Failure> {
    let begun = Instant::now();
    let limit = timeouts.upgrade;
    let head = tokio::time::timeout(limit, exchange(&mut stream, request));
    let Ok(head) = head.await else {
        return Err(Failure::Handshake(Error::new(
            ErrorKind::Handshake,
            format!("{} did not answer the upgrade within {limit:?}", request.server),
        )));
    };
    let (head, mut rest) = head?;
    if head.status == 101 {
        if let Some(fault) = head.upgrade_fault(&request.accept) {
            return Err(Failure::NotWebSocket(not_websocket(request, fault)));
        }
        return Ok(Upgraded {
            stream,
            leftover: rest,
            handshake: head.handshake(),
        });
    }
    // What a redirect says is in its head, which is not followed anyway.
    if !(300..400).contains(&head.status) {
        let body = read_body(&mut stream, &head, &mut rest);
        let margin = (timeouts.attempt / 10).min(MARGIN);
        let remaining = remaining.saturating_sub(begun.elapsed()).saturating_sub(margin);
        // What has come by then is what there is.
        let _ = tokio::time::timeout(timeouts.refusal_body.min(remaining), body).await;
    }
    Err(Failure::Refused(Box::new(
        head.into_refusal(&rest, SystemTime::now()),
    )))
}

/// Sends the request, and reads up to the end of the final head.
async fn exchange(stream: &mut Box<dyn Io>, request: &Request) -> Result<(Head, Vec<u8>), Failure> {
    let sent = match stream.write_all(&request.bytes).await {
        Ok(()) => stream.flush().await,
        Err(error) => Err(error),
    };
    // A server that refuses without reading may have answered all the same.
    let mut buffer = Vec::with_capacity(2048);
    let mut seen = 0;
    loop {
        match parse(&buffer, seen) {
            Parsed::Head(head, length) => {
                buffer.drain(..length);
                if matches!(head.status, 100 | 102 | 103) {
                    seen = 0;
                    continue;
                }
                return Ok((head, buffer));
            }
            Parsed::NotHttp => {
                return Err(Failure::NotWebSocket(not_websocket(
                    request,
                    "its answer is not HTTP",
                )));
            }
            Parsed::TooLarge => {
                return Err(Failure::BadResponse(Error::new(
                    ErrorKind::Rejected,
                    format!("{} answered with headers beyond {LIMIT} bytes", request.server),
                )));
            }
            Parsed::Partial => {}
        }
        seen = buffer.len();
        match stream.read_buf(&mut buffer).await {
            Ok(0) => {
                return Err(broke_off(request, sent.err()));
            }
            Ok(_) => {}
            Err(error) => return Err(broke_off(request, Some(error))),
        }
    }
}

async fn read_body(stream: &mut Box<dyn Io>, head: &Head, body: &mut Vec<u8>) {
    let shape = head.body();
    while !shape.is_complete(body) {
        // The end and an error are alike here: there is no more.
        if !matches!(stream.read_buf(body).await, Ok(1..)) {
            return;
        }
    }
}

fn not_websocket(request: &Request, fault: &str) -> Error {
    Error::new(
        ErrorKind::NotWebSocket,
        format!("{} is not a WebSocket server: {fault}", request.server),
    )
    .with_hint("check the URL, and whether a proxy or a login page of the network is in between")
}

fn broke_off(request: &Request, cause: Option<io::Error>) -> Failure {
    let error = Error::new(
        ErrorKind::Handshake,
        format!(
            "{} closed the connection before it answered the upgrade",
            request.server
        ),
    );
    Failure::Handshake(match cause {
        Some(cause) => error.with_source(cause),
        None => error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::{Facts, verdict};
    use crate::config::RetryPolicy;

    #[test]
    fn the_answer_to_a_key_is_that_of_the_standard() {
        assert_eq!(
            accept_of("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }

    fn request() -> Request {
        let endpoint = Endpoint::from_url("ws://h:81/v1/realtime?model=a%20b").unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("api-key", "canary".parse().unwrap());
        Request::new(&endpoint, &headers)
    }

    /// Plays `parts`, one write each, and then ends the stream or leaves it open.
    async fn answered(parts: &[&[u8]], ends: bool) -> Result<Upgraded, Failure> {
        let (ours, mut theirs) = tokio::io::duplex(1 << 20);
        let request = request();
        let server = async {
            let mut seen = vec![0; 4096];
            let _ = theirs.read(&mut seen).await;
            for part in parts {
                let _ = theirs.write_all(part).await;
                tokio::task::yield_now().await;
            }
            if ends {
                drop(theirs);
            } else {
                std::future::pending::<()>().await;
            }
        };
        let stream: Box<dyn Io> = Box::new(ours);
        let timeouts = Timeouts::default();
        let client = upgrade(stream, &request, &timeouts, timeouts.attempt);
        tokio::pin!(client, server);
        tokio::select! {
            result = &mut client => result,
            () = &mut server => client.await,
        }
    }

    fn class(failure: &Failure) -> crate::classify::Class {
        let policy = RetryPolicy::default();
        verdict(
            failure,
            Facts {
                policy: &policy,
                can_refresh: false,
                is_first: true,
            },
        )
        .class
    }

    #[test]
    fn the_request_is_whole() {
        let request = request();
        let text = std::str::from_utf8(&request.bytes).unwrap();
        assert!(
            text.starts_with("GET /v1/realtime?model=a%20b HTTP/1.1\r\nHost: h:81\r\n"),
            "{text}"
        );
        assert!(text.ends_with("api-key: canary\r\n\r\n"), "{text}");
        assert!(!request.server.contains("a%20b"));
    }

    #[tokio::test(start_paused = true)]
    async fn f13_a_body_in_later_segments_is_read_whole() {
        let body = br#"{"error":{"code":"insufficient_quota","type":"insufficient_quota","message":"m"}}"#;
        let head = format!("HTTP/1.1 429 Too Many\r\nContent-Length: {}\r\n\r\n", body.len());
        let parts = [head.as_bytes(), &body[..10], &body[10..]];
        let Err(Failure::Refused(refusal)) = answered(&parts, false).await else {
            panic!()
        };
        assert_eq!(refusal.api.code.as_deref(), Some("insufficient_quota"));
        // The same without a length, ended by the connection; and cut by the deadline.
        for ends in [true, false] {
            let Err(Failure::Refused(refusal)) =
                answered(&[b"HTTP/1.1 429 x\r\n\r\n", &body[..]], ends).await
            else {
                panic!()
            };
            assert_eq!(
                refusal.api.code.as_deref(),
                Some("insufficient_quota"),
                "ends: {ends}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn f10_nothing_waits_longer_than_its_deadline() {
        let begin = Instant::now();
        let Err(failure @ Failure::Handshake(_)) = answered(&[b"HTTP/1.1 1"], false).await else {
            panic!()
        };
        assert_eq!(class(&failure), crate::classify::Class::Retry);
        assert_eq!(begin.elapsed(), Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_known_before_the_attempt_is_over() {
        let (ours, mut theirs) = tokio::io::duplex(1 << 10);
        let head = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 100\r\n\r\n{";
        theirs.write_all(head).await.unwrap();
        let remaining = Duration::from_millis(700);
        let begin = Instant::now();
        let result = upgrade(Box::new(ours), &request(), &Timeouts::default(), remaining).await;
        let Err(Failure::Refused(refusal)) = result else {
            panic!()
        };
        assert_eq!(refusal.status, 401);
        assert_eq!(begin.elapsed(), remaining - MARGIN);
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_without_answer_and_nonsense_are_told_apart() {
        assert!(matches!(answered(&[], true).await, Err(Failure::Handshake(_))));
        assert!(matches!(
            answered(&[b"SSH-2.0-OpenSSH\r\n"], false).await,
            Err(Failure::NotWebSocket(_))
        ));
        let wrong = b"HTTP/1.1 101 x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n";
        assert!(matches!(
            answered(&[wrong], false).await,
            Err(Failure::NotWebSocket(_))
        ));
        let endless = format!("HTTP/1.1 200 OK\r\na: {}", "x".repeat(70_000));
        assert!(matches!(
            answered(&[endless.as_bytes()], false).await,
            Err(Failure::BadResponse(_))
        ));
        let early = b"HTTP/1.1 103 Early\r\nx: y\r\n\r\nHTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
        let Err(Failure::Refused(refusal)) = answered(&[early], false).await else {
            panic!()
        };
        assert_eq!(refusal.status, 404);
    }
}
