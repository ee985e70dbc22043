//! Bodies of HTTP requests: read to a limit, and taken apart.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::request::{NoRequest, Request};

/// The longest body.
pub(super) const MAX_BODY: usize = 1 << 20;
/// The most parts of a form.
const MAX_PARTS: usize = 16;
/// How long a client may take to send it.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the body of a request.
pub(super) async fn read(
    request: &mut Request,
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
) -> Result<Vec<u8>, NoRequest> {
    let mut bytes = std::mem::take(&mut request.rest);
    let waits = request
        .header("expect")
        .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"));
    let chunked = request
        .header("transfer-encoding")
        .is_some_and(|value| value.to_ascii_lowercase().contains("chunked"));
    let length = match request.header("content-length") {
        _ if chunked => None,
        Some(length) => Some(length.parse::<usize>().map_err(|_| NoRequest::Malformed)?),
        None => Some(0),
    };
    if length.is_some_and(|length| length > MAX_BODY) {
        return Err(NoRequest::TooLarge);
    }
    let reading = async {
        if waits {
            let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
            stream.write_all(go_on).await.map_err(|_| NoRequest::Gone)?;
        }
        loop {
            if let Some(length) = length {
                if bytes.len() >= length {
                    bytes.truncate(length);
                    return Ok(bytes);
                }
            } else if let Some(body) = joined(&bytes)? {
                return Ok(body);
            }
            // Twice as much, because chunks may be small.
            if bytes.len() > 2 * MAX_BODY {
                return Err(NoRequest::TooLarge);
            }
            if stream.read_buf(&mut bytes).await.map_err(|_| NoRequest::Gone)? == 0 {
                return Err(NoRequest::Gone);
            }
        }
    };
    tokio::time::timeout(BODY_TIMEOUT, reading)
        .await
        .unwrap_or(Err(NoRequest::Gone))
}

/// The body in chunks, if its last one is there.
fn joined(mut bytes: &[u8]) -> Result<Option<Vec<u8>>, NoRequest> {
    let mut body = Vec::new();
    loop {
        let (start, size) = match httparse::parse_chunk_size(bytes) {
            Ok(httparse::Status::Complete(found)) => found,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(NoRequest::Malformed),
        };
        if size == 0 {
            return Ok(Some(body));
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size > MAX_BODY || body.len() + size > MAX_BODY {
            return Err(NoRequest::TooLarge);
        }
        // The chunk, and the line break after it.
        let Some(chunk) = bytes.get(start..start + size + 2) else {
            return Ok(None);
        };
        body.extend_from_slice(&chunk[..size]);
        bytes = &bytes[start + size + 2..];
    }
}

/// A parameter of a header such as `multipart/form-data; boundary=x`.
fn parameter<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    header.split(';').skip(1).find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        let value = value.trim();
        let value = value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'))
            .unwrap_or(value);
        (key.trim().eq_ignore_ascii_case(name) && !value.is_empty()).then_some(value)
    })
}

/// The fields of a form, by name; `None` if it is not one.
pub(super) fn form<'a>(content_type: &str, body: &'a [u8]) -> Option<Vec<(String, &'a [u8])>> {
    let boundary = format!("\r\n--{}", parameter(content_type, "boundary")?);
    // The first boundary has no line break before it.
    let mut rest = body.strip_prefix(&boundary.as_bytes()[2..])?;
    let mut fields = Vec::new();
    while !rest.starts_with(b"--") {
        let part = rest.strip_prefix(b"\r\n")?;
        let end = find(part, boundary.as_bytes())?;
        rest = &part[end + boundary.len()..];
        let part = &part[..end];
        let head = find(part, b"\r\n\r\n")?;
        let name = String::from_utf8_lossy(&part[..head])
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| key.eq_ignore_ascii_case("content-disposition"))
            .and_then(|(_, value)| parameter(value, "name").map(str::to_owned))?;
        if fields.len() == MAX_PARTS {
            return None;
        }
        fields.push((name, &part[head + 4..]));
    }
    Some(fields)
}

/// Where some bytes stand in others.
fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::super::request::tests::request;
    use super::*;

    async fn body(head: &str, rest: &[u8]) -> Result<Vec<u8>, NoRequest> {
        let mut request = request(&format!("POST /x HTTP/1.1\nHost: h\n{head}"));
        let (mut ours, mut theirs) = tokio::io::duplex(64);
        // The first bytes came with the head.
        let (early, late) = rest.split_at(rest.len().min(3));
        request.rest = early.to_vec();
        let late = late.to_vec();
        let sending = tokio::spawn(async move {
            let _ = theirs.write_all(&late).await;
            theirs
        });
        let read = read(&mut request, &mut ours).await;
        drop(ours);
        drop(sending.await.unwrap());
        read
    }

    #[tokio::test]
    async fn bodies_are_read_to_a_limit() {
        assert_eq!(
            body("Content-Length: 5", b"hello and more").await.unwrap(),
            b"hello"
        );
        assert_eq!(body("X: y", b"hello").await.unwrap(), b"");
        let chunks = b"3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n";
        assert_eq!(
            body("Transfer-Encoding: chunked", chunks).await.unwrap(),
            b"hello"
        );
        for (head, rest, error) in [
            ("Content-Length: 1048577", &b""[..], NoRequest::TooLarge),
            ("Content-Length: -1", b"", NoRequest::Malformed),
            ("Content-Length: many", b"", NoRequest::Malformed),
            ("Transfer-Encoding: chunked", b"xyz\r\n", NoRequest::Malformed),
            (
                "Transfer-Encoding: chunked",
                b"ffffffff\r\nx",
                NoRequest::TooLarge,
            ),
            (
                "Transfer-Encoding: chunked",
                b"fffffffffffffff\r\nx",
                NoRequest::TooLarge,
            ),
        ] {
            assert_eq!(body(head, rest).await.unwrap_err(), error, "{head}");
        }
    }

    #[test]
    fn forms_are_taken_apart() {
        let text = "--b\r\nContent-Disposition: form-data; name=\"sdp\"\r\nContent-Type: application/sdp\r\n\r\n\
                    v=0\r\ns=-\r\n\r\n--b\r\ncontent-disposition: form-data; name=session\r\n\r\n{}\r\n--b--\r\n";
        let fields = form("multipart/form-data; boundary=\"b\"", text.as_bytes()).unwrap();
        assert_eq!(
            fields,
            [
                ("sdp".to_owned(), &b"v=0\r\ns=-\r\n"[..]),
                ("session".to_owned(), b"{}")
            ]
        );
        assert!(form("multipart/form-data", text.as_bytes()).is_none());
        assert!(form("multipart/form-data; boundary=c", text.as_bytes()).is_none());
        // Cut or changed anywhere: no form, or another one, but no panic.
        let mut rng = fastrand::Rng::with_seed(3);
        for cut in 0..text.len() {
            let mut bytes = text.as_bytes()[..cut].to_vec();
            assert!(form("multipart/form-data; boundary=b", &bytes).is_none() || cut >= text.len() - 4);
            if let Some(at) = cut.checked_sub(1) {
                bytes[rng.usize(..=at)] = rng.u8(..);
                let _ = form("multipart/form-data; boundary=b", &bytes);
                let _ = joined(&bytes);
            }
        }
    }
}
