//! One request and its answer on an open stream. HTTP/1.1 is hyper's: framing is where clients go wrong.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::rt::ReadBufCursor;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::retry::Failed;
use crate::classify::Failure;
use crate::error::{Error, ErrorKind};
use crate::transport::{Io, refusal, request_id};

/// The largest answer.
const LIMIT: usize = 1 << 20;
/// How long the reasons of a refusal are waited for.
const REASONS: Duration = Duration::from_secs(2);

/// A good answer.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    /// An error about this answer, with the id by which the server knows it.
    pub(super) fn blame(&self, error: Error) -> Error {
        error.with_request_id(request_id(&self.headers))
    }
}

/// Sends the request and reads the answer: all of it if it `has_content`, otherwise its head, which says everything. `name` is what
/// errors call the request; whoever calls gives up at the deadline.
pub(super) async fn exchange(
    stream: Box<dyn Io>,
    request: Request<Full<Bytes>>,
    name: &str,
    has_content: bool,
    deadline: Instant,
) -> Result<Answer, Failed> {
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(64 << 10)
        .handshake(Stream(stream))
        .await
        .map_err(|error| broke_off(name, error))?;
    // The connection may end before the last of the answer is taken from it.
    let drive = async {
        let _ = connection.await;
        std::future::pending().await
    };
    let answer = async {
        let response = sender.send_request(request).await;
        let (head, body) = response.map_err(|error| broke_off(name, error))?.into_parts();
        if head.status.is_success() {
            let body = match has_content {
                true => read(body, name).await?,
                false => Bytes::new(),
            };
            return Ok(Answer {
                headers: head.headers,
                body,
            });
        }
        // A refusal is one without its reasons too, if they break off or do not end.
        let patience = REASONS.min(deadline.saturating_duration_since(Instant::now()) / 2);
        let body = match tokio::time::timeout(patience, read(body, name)).await {
            Ok(Ok(body)) => body,
            _ => Bytes::new(),
        };
        let refusal = refusal(head.status.as_u16(), head.headers, &body, SystemTime::now());
        Err(Failed {
            failure: Failure::Refused(Box::new(refusal)),
            sent: true,
        })
    };
    let (answer, drive) = (pin!(answer), pin!(drive));
    tokio::select! {
        biased;
        answer = answer => answer,
        answer = drive => answer,
    }
}

async fn read(mut body: Incoming, name: &str) -> Result<Bytes, Failed> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| broke_off(name, error))?.into_data() else {
            continue;
        };
        if whole.len() + data.len() > LIMIT {
            return Err(Failed {
                failure: Failure::BadResponse(Error::new(
                    ErrorKind::InvalidBody,
                    format!("the answer to {name} is larger than {LIMIT} bytes"),
                )),
                sent: true,
            });
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

fn broke_off(name: &str, error: hyper::Error) -> Failed {
    // hyper's own word for a request that was not written.
    let sent = !error.is_canceled();
    if error.is_parse() {
        let error = Error::new(
            ErrorKind::InvalidBody,
            format!("the answer to {name} is not HTTP"),
        )
        .with_source(error)
        .with_hint("check the URL, and whether a proxy or a login page of the network is in between");
        return Failed {
            failure: Failure::BadResponse(error),
            sent,
        };
    }
    Failed {
        failure: Failure::Handshake(lost(name).with_source(error)),
        sent,
    }
}

/// A request without an answer.
pub(super) fn lost(name: &str) -> Error {
    Error::new(
        ErrorKind::ConnectionLost,
        format!("{name} was not answered: whether it was done is not known"),
    )
    .with_hint("look before you ask again, unless twice is as good as once")
}

/// A stream as hyper takes it.
struct Stream(Box<dyn Io>);

impl hyper::rt::Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        // Copied once more, which spares an unsafe view of memory that is not initialised.
        let mut space = [0; 4096];
        let length = space.len().min(into.remaining());
        let mut buffer = ReadBuf::new(&mut space[..length]);
        ready!(AsyncRead::poll_read(Pin::new(&mut self.0), cx, &mut buffer))?;
        into.put_slice(buffer.filled());
        Poll::Ready(Ok(()))
    }
}

impl hyper::rt::Write for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        AsyncWrite::poll_write(Pin::new(&mut self.0), cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_flush(Pin::new(&mut self.0), cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_shutdown(Pin::new(&mut self.0), cx)
    }
}
