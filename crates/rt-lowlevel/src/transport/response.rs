//! The head and body of the server's answer to the upgrade, as bytes. Pure.

use std::time::SystemTime;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::classify::{ApiError, Refusal};
use crate::event::Handshake;
use crate::retry_after;

/// The largest head, and the largest body of a refusal that is kept.
pub(super) const LIMIT: usize = 64 << 10;

/// How many headers a head may have.
const HEADERS: usize = 124;

/// What the bytes read so far are.
#[derive(Debug)]
pub(super) enum Parsed {
    /// Not a whole head yet.
    Partial,
    /// A head, and how many bytes it takes.
    Head(Head, usize),
    /// Not HTTP.
    NotHttp,
    /// HTTP, but beyond the limits.
    TooLarge,
}

#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
}

/// The server's id of the request that it answers with these headers.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    const NAMES: [&str; 3] = ["x-request-id", "apim-request-id", "x-ms-request-id"];
    NAMES.iter().find_map(|name| short(headers, name))
}

fn short(headers: &HeaderMap, name: &str) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?;
    Some(text.chars().take(128).collect())
}

/// Reads a head. `seen` is how many bytes were already known not to hold the end of it.
pub(super) fn parse(bytes: &[u8], seen: usize) -> Parsed {
    const START: &[u8] = b"HTTP/1.";
    if bytes.iter().zip(START).any(|(byte, expected)| byte != expected) {
        return Parsed::NotHttp;
    }
    // Parsed only when it is whole, so that a head that comes byte by byte costs no more than any other.
    let from = seen.saturating_sub(3);
    let ends = |at: usize| bytes[at..].starts_with(b"\n\r\n") || bytes[at..].starts_with(b"\n\n");
    if !(from..bytes.len()).any(ends) {
        return if bytes.len() > LIMIT {
            Parsed::TooLarge
        } else {
            Parsed::Partial
        };
    }
    let mut slots = [httparse::EMPTY_HEADER; HEADERS];
    let mut response = httparse::Response::new(&mut slots);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) if length <= LIMIT => length,
        Ok(httparse::Status::Complete(_)) | Err(httparse::Error::TooManyHeaders) => return Parsed::TooLarge,
        Ok(httparse::Status::Partial) => return Parsed::Partial,
        Err(_) => return Parsed::NotHttp,
    };
    let mut headers = HeaderMap::with_capacity(response.headers.len());
    for field in response.headers.iter() {
        if let (Ok(name), Ok(value)) = (
            HeaderName::try_from(field.name),
            HeaderValue::from_bytes(field.value),
        ) {
            headers.append(name, value);
        }
    }
    Parsed::Head(
        Head {
            status: response.code.unwrap_or_default(),
            headers,
        },
        length,
    )
}

impl Head {
    fn text(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether a comma-separated header holds `token`, in any case.
    fn lists(&self, name: &HeaderName, token: &str) -> bool {
        self.headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|item| item.trim().eq_ignore_ascii_case(token))
    }

    /// What is wrong with a 101, if anything.
    pub(super) fn upgrade_fault(&self, expected_accept: &str) -> Option<&'static str> {
        if !self.lists(&header::UPGRADE, "websocket") {
            return Some("its answer does not name the websocket protocol");
        }
        if !self.lists(&header::CONNECTION, "upgrade") {
            return Some("its answer does not upgrade the connection");
        }
        if self.text(header::SEC_WEBSOCKET_ACCEPT).map(str::trim) != Some(expected_accept) {
            return Some("its answer is to another request (Sec-WebSocket-Accept)");
        }
        if self.headers.contains_key(header::SEC_WEBSOCKET_EXTENSIONS)
            || self.headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL)
        {
            return Some("it chose an extension or protocol that was not offered");
        }
        None
    }

    /// How the body ends.
    pub(super) fn body(&self) -> Body {
        if matches!(self.status, 100..=199 | 204 | 304) {
            return Body::Length(0);
        }
        if self.lists(&header::TRANSFER_ENCODING, "chunked") {
            return Body::Chunked;
        }
        let length = self
            .text(header::CONTENT_LENGTH)
            .and_then(|text| text.trim().parse().ok());
        length.map_or(Body::ToEnd, |length: usize| Body::Length(length.min(LIMIT)))
    }

    pub(super) fn handshake(&self) -> Handshake {
        Handshake {
            request_id: request_id(&self.headers),
            region: short(&self.headers, "x-ms-region"),
            processing: self
                .text("openai-processing-ms")
                .and_then(|text| text.trim().parse().ok())
                .map(std::time::Duration::from_millis),
        }
    }

    pub(super) fn into_refusal(self, body: &[u8], wall: SystemTime) -> Refusal {
        let body = if self.body() == Body::Chunked {
            dechunked(body)
        } else {
            body.to_vec()
        };
        let json = serde_json::from_slice::<serde_json::Value>(&body).ok();
        Refusal {
            status: self.status,
            is_json: json.is_some(),
            api: json.map(|json| api_error(&json)).unwrap_or_default(),
            retry_after: retry_after::from_headers(&self.headers, wall),
            request_id: self.handshake().request_id,
        }
    }
}

/// A refusal whose body has been read.
#[cfg(feature = "http")]
pub(crate) fn refusal(status: u16, mut headers: HeaderMap, body: &[u8], wall: SystemTime) -> Refusal {
    headers.remove(header::TRANSFER_ENCODING);
    Head { status, headers }.into_refusal(body, wall)
}

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// After so many bytes.
    Length(usize),
    /// With an empty chunk.
    Chunked,
    /// With the connection.
    ToEnd,
}

impl Body {
    /// Whether these bytes are all of it, or as much as is kept.
    pub(super) fn is_complete(self, bytes: &[u8]) -> bool {
        bytes.len() >= LIMIT
            || match self {
                Self::Length(length) => bytes.len() >= length,
                Self::Chunked => bytes.ends_with(b"0\r\n\r\n"),
                Self::ToEnd => false,
            }
    }
}

/// The content of a chunked body, as far as it goes.
fn dechunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    while let Some(line) = bytes.windows(2).position(|pair| pair == b"\r\n") {
        let digits = bytes[..line]
            .split(|byte| *byte == b';')
            .next()
            .unwrap_or_default();
        let size = std::str::from_utf8(digits)
            .ok()
            .and_then(|text| usize::from_str_radix(text.trim(), 16).ok());
        let Some(size) = size.filter(|size| *size > 0) else {
            break;
        };
        let start = line + 2;
        let end = start.saturating_add(size).min(bytes.len());
        content.extend_from_slice(&bytes[start..end]);
        bytes = bytes.get(end.saturating_add(2)..).unwrap_or_default();
    }
    content
}

/// The error in a body: OpenAI's `{"error": {..}}`, or the flat form of Azure's gateway.
fn api_error(json: &serde_json::Value) -> ApiError {
    let error = json.get("error").unwrap_or(json);
    if let Some(message) = error.as_str() {
        return ApiError {
            message: Some(message.to_owned()),
            ..ApiError::default()
        };
    }
    let text = |name: &str| match error.get(name)? {
        serde_json::Value::String(text) if !text.is_empty() => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    ApiError {
        code: text("code"),
        kind: text("type"),
        message: text("message"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> (Head, usize) {
        match parse(text.as_bytes(), 0) {
            Parsed::Head(head, length) => (head, length),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_head_is_found_wherever_it_is_cut() {
        let text = b"HTTP/1.1 101 Switching\r\nA: b\r\n\r\nrest";
        for cut in 0..text.len() - 4 {
            assert!(
                matches!(parse(&text[..cut], cut.saturating_sub(1)), Parsed::Partial),
                "{cut}"
            );
        }
        for cut in text.len() - 4..=text.len() {
            let seen = text.len() - 5;
            assert!(matches!(parse(&text[..cut], seen), Parsed::Head(_, 32)), "{cut}");
        }
    }

    #[test]
    fn what_is_not_http_or_too_large_is_told_early() {
        assert!(matches!(parse(b"SSH-2.0-x", 0), Parsed::NotHttp));
        assert!(matches!(parse(b"H", 0), Parsed::Partial));
        assert!(matches!(parse(b"HX", 0), Parsed::NotHttp));
        assert!(matches!(parse(b"HTTP/1.1 abc\r\n\r\n", 0), Parsed::NotHttp));
        let long = format!("HTTP/1.1 200 OK\r\na: {}", "x".repeat(LIMIT));
        assert!(matches!(parse(long.as_bytes(), 0), Parsed::TooLarge));
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(HEADERS + 1));
        assert!(matches!(parse(many.as_bytes(), 0), Parsed::TooLarge));
    }

    #[test]
    fn a_101_must_be_the_answer_to_this_request() {
        let fault = |headers: &str| {
            head(&format!("HTTP/1.1 101 x\r\n{headers}\r\n\r\n"))
                .0
                .upgrade_fault("key")
                .is_some()
        };
        let good = "upgrade: WebSocket\r\nconnection: keep-alive, Upgrade\r\nsec-websocket-accept: key";
        assert!(!fault(good));
        assert!(fault(&good.replace("WebSocket", "h2c")));
        assert!(fault(&good.replace("Upgrade", "close")));
        assert!(fault(&good.replace(": key", ": other")));
        assert!(fault(&format!(
            "{good}\r\nsec-websocket-extensions: permessage-deflate"
        )));
    }

    #[test]
    fn bodies_end_as_their_head_says() {
        let body = |headers: &str| head(&format!("HTTP/1.1 429 x\r\n{headers}\r\n\r\n")).0.body();
        assert_eq!(body("content-length: 5"), Body::Length(5));
        assert_eq!(body("content-length: 99999999"), Body::Length(LIMIT));
        assert_eq!(body("transfer-encoding: gzip, chunked"), Body::Chunked);
        assert_eq!(body("x: y"), Body::ToEnd);
        assert!(Body::Length(2).is_complete(b"ab") && !Body::Length(3).is_complete(b"ab"));
        assert_eq!(dechunked(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"), b"abcde");
        assert_eq!(dechunked(b"ffff\r\nabc"), b"abc");
        assert_eq!(dechunked(b"zz\r\nabc"), b"");
    }

    #[test]
    fn errors_are_read_in_every_form() {
        let read = |body: &str| {
            let (head, _) = head("HTTP/1.1 429 x\r\napim-request-id: r1\r\nretry-after: 3\r\n\r\n");
            head.into_refusal(body.as_bytes(), SystemTime::UNIX_EPOCH)
        };
        let openai = read(r#"{"error":{"message":"m","type":"t","param":null,"code":"c"}}"#);
        assert_eq!(openai.api.code.as_deref(), Some("c"));
        assert_eq!(openai.api.kind.as_deref(), Some("t"));
        assert_eq!(openai.request_id.as_deref(), Some("r1"));
        assert_eq!(openai.retry_after, Some(std::time::Duration::from_secs(3)));
        assert_eq!(
            read(r#"{"error":{"code":429,"type":null}}"#).api.code.as_deref(),
            Some("429")
        );
        assert_eq!(
            read(r#"{"statusCode":401,"message":"m"}"#).api.message.as_deref(),
            Some("m")
        );
        assert_eq!(read(r#"{"error":"text"}"#).api.message.as_deref(), Some("text"));
        let page = read("<html>");
        assert!(!page.is_json && page.api == ApiError::default());
    }
}
