//! [`Request`]: the HTTP request that opens a connection, and answers to it.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use url::form_urlencoded;

use crate::brain::Failure;

/// The longest request head.
const MAX_HEAD: usize = 16 << 10;
/// The most headers in it.
const MAX_HEADERS: usize = 64;
/// How long a client may take to send it.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The head of an HTTP request. It holds a key, so it has no `Debug`.
pub(crate) struct Request {
    /// `GET`.
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    /// The query, decoded.
    query: Vec<(String, String)>,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    /// What came after the head.
    pub(crate) rest: Vec<u8>,
}

/// Why there is no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoRequest {
    /// The client went away, or was too slow.
    Gone,
    /// It sent something else.
    Malformed,
    /// Its head is too long.
    TooLong,
    /// Its body is too large.
    TooLarge,
}

impl Request {
    /// Reads the head.
    pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Self, NoRequest> {
        let mut bytes = Vec::new();
        let reading = async {
            loop {
                if stream.read_buf(&mut bytes).await.map_err(|_| NoRequest::Gone)? == 0 {
                    return Err(NoRequest::Gone);
                }
                if let Some(request) = Self::parse(&bytes)? {
                    return Ok(request);
                }
                if bytes.len() > MAX_HEAD {
                    return Err(NoRequest::TooLong);
                }
            }
        };
        tokio::time::timeout(HEAD_TIMEOUT, reading)
            .await
            .unwrap_or(Err(NoRequest::Gone))
    }

    /// The request, if its head is whole.
    fn parse(bytes: &[u8]) -> Result<Option<Self>, NoRequest> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut head = httparse::Request::new(&mut headers);
        let length = match head.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => return Err(NoRequest::TooLong),
            Err(_) => return Err(NoRequest::Malformed),
        };
        let target = head.path.unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = head.headers.iter().map(|header| {
            let value = String::from_utf8_lossy(header.value).trim().to_owned();
            (header.name.to_ascii_lowercase(), value)
        });
        Ok(Some(Self {
            method: head.method.unwrap_or_default().to_owned(),
            path: path.to_owned(),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: headers.collect(),
            rest: bytes[length..].to_vec(),
        }))
    }

    /// The first query parameter of that name.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The first header of that name, in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The elements of a header that is a list.
    fn list<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let values = self.headers.iter().filter(move |(key, _)| key == name);
        values
            .flat_map(|(_, value)| value.split(','))
            .map(str::trim)
            .filter(|element| !element.is_empty())
    }

    /// The offered WebSocket protocols.
    pub(crate) fn protocols(&self) -> impl Iterator<Item = &str> {
        self.list("sec-websocket-protocol")
    }

    /// The names of the headers, and the path with the query's names: what may be written down. Of the model and the
    /// intent the values may be, too.
    pub(crate) fn outline(&self) -> (String, Vec<String>) {
        let query: Vec<String> = self
            .query
            .iter()
            .map(|(key, value)| {
                if matches!(key.as_str(), "model" | "deployment" | "intent") {
                    format!("{key}={value}")
                } else {
                    format!("{key}=…")
                }
            })
            .collect();
        let path = if query.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, query.join("&"))
        };
        (path, self.headers.iter().map(|(name, _)| name.clone()).collect())
    }

    /// The answer that makes this connection a WebSocket; `None` if it does not ask for one.
    pub(crate) fn upgrade(&self) -> Option<String> {
        self.upgrade_for(self.header("sec-websocket-key")?)
    }

    /// As [`upgrade`](Self::upgrade), but for a client with this key.
    pub(crate) fn upgrade_for(&self, key: &str) -> Option<String> {
        let has =
            |name: &str, value: &str| self.list(name).any(|element| element.eq_ignore_ascii_case(value));
        self.header("sec-websocket-key")?;
        if self.method != "GET"
            || !has("upgrade", "websocket")
            || !has("connection", "upgrade")
            || self.header("sec-websocket-version") != Some("13")
        {
            return None;
        }
        let accept = derive_accept_key(key.as_bytes());
        let mut answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n"
        );
        if self.protocols().any(|protocol| protocol == "realtime") {
            answer.push_str("Sec-WebSocket-Protocol: realtime\r\n");
        }
        answer.push_str("\r\n");
        Some(answer)
    }
}

/// The body that tells of a failure.
pub(crate) fn failure_body(failure: &Failure) -> String {
    json!({"error": {"message": failure.message, "type": "invalid_request_error", "param": failure.param,
        "code": failure.code}})
    .to_string()
}

/// An error body as the HTTP endpoints write it.
pub(crate) fn error_body(code: Option<&str>, message: &str) -> String {
    json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": code}})
        .to_string()
}

/// Writes an HTTP answer and ends the stream; what the client still sends is read, so that it gets the answer.
pub(crate) async fn answer(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    status: u16,
    headers: &[(String, String)],
    body: &str,
) {
    answer_in_parts(stream, status, headers, body, None).await;
}

/// As [`answer`]; the body comes after a pause, if that is given.
pub(crate) async fn answer_in_parts(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    status: u16,
    headers: &[(String, String)],
    body: &str,
    pause: Option<Duration>,
) {
    let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(status));
    let given = |name: &str| headers.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
    if !given("content-type") {
        head.push_str("Content-Type: application/json\r\n");
    }
    if !given("content-length") {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    for (name, value) in headers {
        // A line break would start another header.
        let clean = |text: &str| text.replace(['\r', '\n'], " ");
        head.push_str(&format!("{}: {}\r\n", clean(name), clean(value)));
    }
    head.push_str("Connection: close\r\n\r\n");
    if let Some(pause) = pause {
        let written = async {
            stream.write_all(head.as_bytes()).await?;
            stream.flush().await
        };
        if written.await.is_err() {
            return;
        }
        tokio::time::sleep(pause).await;
        head.clear();
    }
    head.push_str(body);
    say_last(stream, head.as_bytes()).await;
}

/// Writes bytes and ends the stream; what the client still sends is read, so that it gets them.
pub(crate) async fn say_last(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), bytes: &[u8]) {
    let writing = async {
        stream.write_all(bytes).await?;
        stream.shutdown().await?;
        let mut rest = [0; 1024];
        while stream.read(&mut rest).await? > 0 {}
        Ok::<(), std::io::Error>(())
    };
    // Whether the client reads it is its own affair.
    let _ = tokio::time::timeout(Duration::from_secs(2), writing).await;
}

/// The words of a status.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn request(head: &str) -> Request {
        let bytes = format!("{}\r\n\r\n", head.replace('\n', "\r\n"));
        Request::parse(bytes.as_bytes()).ok().flatten().unwrap()
    }

    #[test]
    fn reads_query_headers_and_lists() {
        let request = request(
            "GET /v1/realtime?model=gpt%2Drealtime&x=a+b HTTP/1.1\nHost: h\nConnection: keep-alive, Upgrade\n\
             Upgrade: websocket\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n\
             Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.ek_1",
        );
        assert_eq!(
            (request.query("model"), request.query("x")),
            (Some("gpt-realtime"), Some("a b"))
        );
        let answer = request.upgrade().unwrap();
        assert!(answer.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
        assert!(answer.contains("Sec-WebSocket-Protocol: realtime\r\n"));
        let (path, headers) = request.outline();
        assert_eq!(path, "/v1/realtime?model=gpt-realtime&x=…");
        assert!(headers.contains(&"sec-websocket-protocol".to_owned()));
    }

    #[test]
    fn no_bytes_panic() {
        let good = b"GET /v1/realtime?model=gpt-realtime HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n";
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..5000 {
            let mut bytes = good.to_vec();
            for _ in 0..rng.usize(1..6) {
                let at = rng.usize(..bytes.len());
                bytes[at] = rng.u8(..);
            }
            if let Ok(Some(request)) = Request::parse(&bytes) {
                let _ = (request.upgrade(), request.outline());
            }
        }
    }
}
