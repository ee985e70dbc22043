//! The WebSocket on an open stream: frames in, frames out, answers to pings and closes.
//!
//! Headers, opcodes and errors are tungstenite's. Its sockets are not used: they write whole messages to `log` at level
//! `trace`, and no setting of ours could keep what people say out of a program's logs.

mod decoder;
mod encoder;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tungstenite::Utf8Bytes;

use self::decoder::Decoder;
use super::Io;
use super::meter::{Meter, Metered};
use super::upgrade::Upgraded;
use crate::classify::Failure;
use crate::close::{CloseCode, CloseFrame};
use crate::config::Limits;
use crate::error::{Error, ErrorKind};
use crate::frame::Frame;
use crate::observe::Wire;

type Stream = Metered<Box<dyn Io>>;

/// Written to the stream once so much is waiting.
const WRITE_BUFFER: usize = 16 << 10;

/// What the write buffer keeps of its room after a message that took more: enough for 20 ms of audio.
const KEPT: usize = 4 << 10;

/// The reading side.
pub(crate) struct Reader {
    stream: ReadHalf<Stream>,
    decoder: Decoder,
    replies: Arc<Mutex<Replies>>,
    wire: Wire,
}

/// The writing side.
pub(crate) struct Writer {
    stream: WriteHalf<Stream>,
    buffer: Vec<u8>,
    replies: Arc<Mutex<Replies>>,
    wire: Wire,
}

/// What the reader leaves for the writer to answer.
#[derive(Default)]
struct Replies {
    /// The payload of the last unanswered ping: only the last needs an answer.
    pong: Option<Vec<u8>>,
    close: Option<CloseFrame>,
    /// A close frame of ours was written, or is the next to be.
    is_closing: bool,
}

/// What comes in.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// Text, as a slice of the read buffer: to be used and dropped, not kept.
    Text(Utf8Bytes),
    Binary(usize),
    /// A ping, which is answered with the next flush.
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(CloseFrame),
}

/// Speaks WebSocket on an upgraded stream.
pub(crate) fn open(upgraded: Upgraded, meter: &Meter, limits: &Limits) -> (Reader, Writer) {
    let (reader, writer) = tokio::io::split(meter.wrap(upgraded.stream));
    let (replies, wire) = (Arc::default(), Wire::new());
    let reader = Reader {
        stream: reader,
        decoder: Decoder::new(&upgraded.leftover, limits.read_buffer.max(1024), limits.message),
        replies: Arc::clone(&replies),
        wire: wire.clone(),
    };
    let writer = Writer {
        stream: writer,
        buffer: Vec::new(),
        replies,
        wire,
    };
    (reader, writer)
}

/// See [`decoder::compare`].
#[cfg(fuzzing)]
pub(crate) fn compare_readers(bytes: &[u8], step: usize) {
    decoder::compare(bytes, step);
}

/// The next message. Cancel safe.
pub(crate) async fn read_incoming(reader: &mut Reader) -> Result<Incoming, Failure> {
    loop {
        if let Some(incoming) = reader.decoder.decode()? {
            if let Incoming::Pong(payload) = &incoming {
                reader.wire.pong(payload);
            }
            reader.note(&incoming);
            return Ok(incoming);
        }
        let buffer = reader.decoder.room();
        let room = buffer.capacity() - buffer.len();
        match reader.stream.read_buf(buffer).await {
            Ok(0) => return Err(ended(None)),
            Ok(bytes) => reader.decoder.filled(bytes, room),
            Err(cause) => return Err(ended(Some(cause))),
        }
    }
}

/// Hands a frame to the socket. It is on its way when the socket has been flushed.
pub(crate) async fn write_frame(writer: &mut Writer, frame: Frame) -> Result<(), Failure> {
    match frame {
        Frame::Close(close) => {
            let mut replies = writer.replies.lock().unwrap_or_else(PoisonError::into_inner);
            // One close frame each way: the answer to the peer's is ours. Nothing may follow it.
            if !std::mem::replace(&mut replies.is_closing, true) {
                if let Some(payload) = replies.pong.take() {
                    encoder::pong(&mut writer.buffer, &payload);
                }
                encoder::close(&mut writer.buffer, &close);
            }
        }
        Frame::Text(_) | Frame::Ping(_) if writer.is_closing() => return Err(ended(None)),
        Frame::Text(text) => {
            writer.wire.sent(&text);
            encoder::text(&mut writer.buffer, &text);
        }
        Frame::Ping(payload) => {
            writer.wire.ping(&payload);
            encoder::ping(&mut writer.buffer, &payload);
        }
    }
    if writer.buffer.len() >= WRITE_BUFFER {
        writer.drain().await?;
    }
    Ok(())
}

/// Flushes what was written, and the answers that wait.
pub(crate) async fn flush(writer: &mut Writer) -> Result<(), Failure> {
    {
        let mut replies = writer.replies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(payload) = replies.pong.take() {
            encoder::pong(&mut writer.buffer, &payload);
        }
        if let Some(close) = replies.close.take() {
            encoder::close(&mut writer.buffer, &close);
        }
    }
    writer.drain().await?;
    writer.stream.flush().await.map_err(|cause| ended(Some(cause)))
}

impl Reader {
    /// What counts what passes over this connection.
    pub(crate) fn wire(&self) -> Wire {
        self.wire.clone()
    }

    /// Leaves the answer to the writer.
    fn note(&self, incoming: &Incoming) {
        let (Incoming::Ping(_) | Incoming::Close(_)) = incoming else {
            return;
        };
        let mut replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        match incoming {
            _ if replies.is_closing => {}
            Incoming::Ping(payload) => replies.pong = Some(payload.clone()),
            Incoming::Close(close) => {
                replies.is_closing = true;
                replies.close = Some(answer(close));
            }
            Incoming::Text(_) | Incoming::Binary(_) | Incoming::Pong(_) => {}
        }
    }
}

impl Writer {
    fn is_closing(&self) -> bool {
        let replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        replies.is_closing
    }

    /// Writes the buffer to the stream.
    async fn drain(&mut self) -> Result<(), Failure> {
        let written = self.stream.write_all(&self.buffer).await;
        self.buffer.clear();
        // One large message is no reason to keep its room for ever.
        if self.buffer.capacity() > WRITE_BUFFER {
            self.buffer.shrink_to(KEPT);
        }
        written.map_err(|cause| ended(Some(cause)))
    }
}

/// The answer to a close: the same code, if it is one that may be sent.
fn answer(close: &CloseFrame) -> CloseFrame {
    if close.code == CloseCode::NO_STATUS || close.code.is_for_the_wire() {
        CloseFrame::new(close.code, "")
    } else {
        CloseFrame::new(CloseCode::PROTOCOL, "")
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

#[cfg(test)]
mod tests;
