//! The WebSocket on an open stream: the only file that knows tungstenite's messages.

use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::{self, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as WsError, Message, Utf8Bytes};

use super::Io;
use super::meter::{Meter, Metered};
use super::upgrade::Upgraded;
use crate::classify::Failure;
use crate::close::{CloseCode, CloseFrame};
use crate::config::Limits;
use crate::error::{Error, ErrorKind};
use crate::frame::Frame;

type Stream = WebSocketStream<Metered<Box<dyn Io>>>;

pub(crate) type Reader = SplitStream<Stream>;
pub(crate) type Writer = SplitSink<Stream, Message>;

/// What comes in.
pub(crate) enum Incoming {
    /// Text, as a slice of the read buffer: to be used and dropped, not kept.
    Text(Utf8Bytes),
    Binary(usize),
    Ping,
    Pong(Vec<u8>),
    Close(CloseFrame),
}

/// The settings of a socket.
fn config(limits: &Limits) -> WebSocketConfig {
    const WRITE_BUFFER: usize = 16 << 10;
    WebSocketConfig::default()
        .read_buffer_size(limits.read_buffer.max(1024))
        .write_buffer_size(WRITE_BUFFER)
        // Finite, and with room for the largest message on top of a full buffer: one that does not fit could never
        // be sent.
        .max_write_buffer_size(
            limits
                .message
                .saturating_add(WRITE_BUFFER)
                .saturating_add(64 << 10),
        )
        .max_message_size(Some(limits.message))
        .max_frame_size(Some(limits.message))
}

/// Speaks WebSocket on an upgraded stream.
pub(crate) async fn open(upgraded: Upgraded, meter: &Meter, limits: &Limits) -> (Reader, Writer) {
    let stream = meter.wrap(upgraded.stream);
    let socket =
        Stream::from_partially_read(stream, upgraded.leftover, Role::Client, Some(config(limits))).await;
    let (writer, reader) = socket.split();
    (reader, writer)
}

/// The next message. Cancel safe.
pub(crate) async fn read_incoming(reader: &mut Reader) -> Result<Incoming, Failure> {
    loop {
        return Ok(match reader.next().await {
            Some(Ok(Message::Text(text))) => Incoming::Text(text),
            Some(Ok(Message::Binary(bytes))) => Incoming::Binary(bytes.len()),
            Some(Ok(Message::Ping(_))) => Incoming::Ping,
            Some(Ok(Message::Pong(payload))) => Incoming::Pong(payload.to_vec()),
            Some(Ok(Message::Close(frame))) => Incoming::Close(close_frame(frame)),
            Some(Ok(Message::Frame(_))) => continue,
            Some(Err(error)) => return Err(failure(error)),
            None => return Err(ended(None)),
        });
    }
}

/// Hands a frame to the socket. It is on its way when the socket has been flushed.
pub(crate) async fn write_frame(writer: &mut Writer, frame: Frame) -> Result<(), Failure> {
    let message = match frame {
        Frame::Text(text) => Message::Text(text.into()),
        Frame::Ping(payload) => Message::Ping(payload.to_vec().into()),
        Frame::Close(close) => Message::Close(Some(protocol::CloseFrame {
            code: close.code.as_u16().into(),
            reason: close.reason.into(),
        })),
    };
    writer.feed(message).await.map_err(failure)
}

/// Flushes what was written, and any pong that waits.
pub(crate) async fn flush(writer: &mut Writer) -> Result<(), Failure> {
    writer.flush().await.map_err(failure)
}

fn close_frame(frame: Option<protocol::CloseFrame>) -> CloseFrame {
    match frame {
        Some(frame) => CloseFrame::new(CloseCode::new(frame.code.into()), frame.reason.as_str()),
        None => CloseFrame::new(CloseCode::NO_STATUS, ""),
    }
}

fn ended(cause: Option<std::io::Error>) -> Failure {
    let error = Error::new(
        ErrorKind::ConnectionLost,
        "the connection ended without a close frame",
    );
    Failure::Ended(match cause {
        Some(cause) => error.with_source(cause),
        None => error,
    })
}

/// One meaning for the many ways a socket can fail.
fn failure(error: WsError) -> Failure {
    match error {
        WsError::ConnectionClosed
        | WsError::AlreadyClosed
        | WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake | ProtocolError::SendAfterClosing) => {
            ended(None)
        }
        WsError::Io(cause) => ended(Some(cause)),
        WsError::Capacity(CapacityError::MessageTooLong { max_size, .. }) => {
            Failure::TooLarge { limit: max_size }
        }
        WsError::Utf8(_) => Failure::Violation("text that is not UTF-8".to_owned()),
        WsError::Protocol(what) => Failure::Violation(what.to_string()),
        // None of these can happen to an open socket whose buffer holds the largest message; their text has no
        // payload in it.
        WsError::Capacity(CapacityError::TooManyHeaders)
        | WsError::WriteBufferFull(_)
        | WsError::Tls(_)
        | WsError::AttackAttempt
        | WsError::Url(_)
        | WsError::Http(_)
        | WsError::HttpFormat(_) => {
            Failure::Violation("an error that an open socket does not have".to_owned())
        }
    }
}
