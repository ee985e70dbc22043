//! The way through an HTTP proxy: `CONNECT`, and what the proxy says to it.

use std::io;
use std::time::SystemTime;

use http::header;
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use zeroize::Zeroizing;

use super::response::{Head, Parsed, parse};
use super::{DialError, DialStage, Io};
use crate::proxy::Proxy;
use crate::retry_after;

/// The largest head a proxy may answer with.
const LIMIT: usize = 16 << 10;

/// Asks the proxy at the other end of `stream` for a tunnel to `host`, which is a name or an address without brackets.
pub(super) async fn connect(
    mut stream: Box<dyn Io>,
    proxy: &Proxy,
    host: &str,
    port: u16,
    limit: std::time::Duration,
) -> Result<Box<dyn Io>, DialError> {
    let authority = if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    };
    let request = request(proxy, &authority);
    let exchange = async {
        stream.write_all(&request).await?;
        stream.flush().await?;
        read_head(&mut stream).await
    };
    let failed = |what: &str| {
        DialError::new(DialStage::Proxy, format!("the proxy {proxy} {what}"))
            .with_hint("check the address of the proxy, and that it serves `CONNECT`")
    };
    match tokio::time::timeout(limit, exchange).await {
        Err(_) => Err(failed(&format!("did not open a tunnel within {limit:?}"))),
        Ok(Err(cause)) => Err(failed("closed the connection before it opened a tunnel").with_source(cause)),
        Ok(Ok(Answer::Nonsense)) => Err(failed("did not answer in HTTP").into_final()),
        Ok(Ok(Answer::Head(head, true))) if (200..300).contains(&head.status) => {
            Err(failed("sent data into a tunnel that nobody had spoken through"))
        }
        Ok(Ok(Answer::Head(head, _))) => {
            if (200..300).contains(&head.status) {
                return Ok(stream);
            }
            Err(refused(proxy, &head))
        }
    }
}

/// The request's bytes, wiped when dropped: there may be a password in them.
fn request(proxy: &Proxy, authority: &str) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(1024));
    let mut put = |part: &str| bytes.extend_from_slice(part.as_bytes());
    put("CONNECT ");
    put(authority);
    put(" HTTP/1.1\r\nHost: ");
    put(authority);
    if let Some(authorization) = &proxy.authorization {
        put("\r\n");
        put(header::PROXY_AUTHORIZATION.as_str());
        put(": ");
        put(authorization.expose_secret());
    }
    put("\r\n\r\n");
    bytes
}

enum Answer {
    /// A head, and whether anything came behind it.
    Head(Head, bool),
    Nonsense,
}

async fn read_head(stream: &mut Box<dyn Io>) -> io::Result<Answer> {
    let mut buffer = Vec::with_capacity(1024);
    let mut seen = 0;
    loop {
        match parse(&buffer, seen) {
            Parsed::Head(head, length) if head.status < 200 => {
                buffer.drain(..length);
                seen = 0;
                continue;
            }
            Parsed::Head(head, length) => return Ok(Answer::Head(head, buffer.len() > length)),
            Parsed::NotHttp | Parsed::TooLarge => return Ok(Answer::Nonsense),
            Parsed::Partial if buffer.len() > LIMIT => return Ok(Answer::Nonsense),
            Parsed::Partial => {}
        }
        seen = buffer.len();
        if stream.read_buf(&mut buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// A proxy that is in trouble, or knows the server to be, is asked again; one that says no is not.
fn refused(proxy: &Proxy, head: &Head) -> DialError {
    let status = head.status;
    let error = DialError::new(
        DialStage::Proxy,
        format!("the proxy {proxy} refused the tunnel with HTTP {status}"),
    )
    .with_answer(
        status,
        retry_after::from_headers(&head.headers, SystemTime::now()),
    );
    match status {
        407 => error
            .with_hint("put user name and password into the URL of the proxy")
            .into_final(),
        500..=599 => error.with_hint("the proxy, or the way from it to the server, is down"),
        _ => error
            .with_hint("check that the proxy lets you reach this host and port")
            .into_final(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    /// What comes of a proxy that answers so; with what it was asked.
    async fn asked(
        proxy: &str,
        host: &str,
        answer: &[u8],
        ends: bool,
    ) -> (Result<Box<dyn Io>, DialError>, String) {
        let (ours, mut theirs) = tokio::io::duplex(64 << 10);
        let proxy = Proxy::parse(proxy).unwrap();
        let client = connect(Box::new(ours), &proxy, host, 443, LIMIT);
        let server = async {
            let mut seen = vec![0; 4096];
            let length = theirs.read(&mut seen).await.unwrap();
            for piece in answer.chunks(7) {
                let _ = theirs.write_all(piece).await;
            }
            seen.truncate(length);
            (String::from_utf8(seen).unwrap(), (!ends).then_some(theirs))
        };
        let (result, (seen, _keep)) = tokio::join!(client, server);
        (result, seen)
    }

    #[tokio::test]
    async fn a_tunnel_is_asked_for_by_name() {
        let answer = b"HTTP/1.1 200 Connection established\r\nContent-Length: 5\r\n\r\n";
        let (tunnel, seen) = asked("http://p.test", "api.test", answer, false).await;
        assert!(tunnel.is_ok(), "a length has no meaning here");
        assert_eq!(
            seen,
            "CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n\r\n"
        );
        let (tunnel, seen) = asked("http://u:p@p.test", "::1", answer, false).await;
        assert!(tunnel.is_ok());
        assert!(seen.starts_with("CONNECT [::1]:443 "), "{seen}");
        assert!(
            seen.ends_with("\r\nproxy-authorization: Basic dTpw\r\n\r\n"),
            "{seen}"
        );
    }

    #[tokio::test]
    async fn what_a_proxy_says_decides() {
        let early = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\n";
        assert!(asked("p.test", "h", early.as_bytes(), false).await.0.is_ok());
        for (answer, is_final, status) in [
            ("HTTP/1.1 407 Auth\r\nContent-Length: 0\r\n\r\n", true, Some(407)),
            ("HTTP/1.1 403 No\r\n\r\n", true, Some(403)),
            ("HTTP/1.1 404 No\r\n\r\n", true, Some(404)),
            ("HTTP/1.1 429 No\r\n\r\n", true, Some(429)),
            ("HTTP/1.1 302 No\r\nLocation: http://x/\r\n\r\n", true, Some(302)),
            ("HTTP/1.1 500 x\r\n\r\n", false, Some(500)),
            ("HTTP/1.1 502 x\r\n\r\n", false, Some(502)),
            ("HTTP/1.1 503 x\r\nRetry-After: 2\r\n\r\n", false, Some(503)),
            ("SSH-2.0-x\r\n", true, None),
            ("HTTP/1.1 200 OK\r\n\r\nhello", false, None),
            ("HTTP/1.1 20", false, None),
            ("", false, None),
        ] {
            let (result, _) = asked("http://u:canary@p.test", "h", answer.as_bytes(), true).await;
            let Err(error) = result else { panic!("{answer}") };
            assert_eq!(error.stage(), DialStage::Proxy);
            assert_eq!(
                (error.is_final, error.http_status),
                (is_final, status),
                "{answer}"
            );
            assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn f21_a_proxy_that_hangs_costs_five_seconds() {
        for answer in ["", "HTTP/1.1 200 OK\r\nx: "] {
            let begin = tokio::time::Instant::now();
            let (result, _) = asked("p.test", "h", answer.as_bytes(), false).await;
            let Err(error) = result else { panic!() };
            assert!(!error.is_final);
            assert_eq!(begin.elapsed(), LIMIT);
        }
    }

    #[tokio::test]
    async fn a_head_without_end_is_refused() {
        let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "x".repeat(20_000));
        let (result, _) = asked("p.test", "h", endless.as_bytes(), false).await;
        assert!(result.is_err_and(|error| error.is_final));
    }
}
