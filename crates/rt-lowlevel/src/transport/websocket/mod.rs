//! The WebSocket on an open stream: frames in, frames out, answers to pings and closes.
//!
//! Headers, opcodes and errors are tungstenite's. Its sockets are not used: they write whole messages to `log` at level
//! `trace`, and no setting of ours could keep what people say out of a program's logs.

mod decoder;
mod encoder;

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf, ReadHalf, WriteHalf};

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

/// No more than this waits to be written to the stream, if no message alone is longer.
const WRITE_BUFFER: usize = 64 << 10;

/// A write buffer with more room than this gives it back when the burst is over: after so many small writes.
const LARGE: usize = 16 << 10;
const SMALL_WRITES: u8 = 4;

/// What the write buffer keeps of its room then: enough for 20 ms of audio.
const KEPT: usize = 4 << 10;

/// How much is read at once when a reader wakes: on the stack, so that one at rest needs no buffer.
const WAKE: usize = 8 << 10;

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
    /// How many small writes there were in a row.
    small_writes: u8,
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
pub(crate) enum Incoming<'a> {
    /// Text, in the read buffer.
    Text(&'a str),
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
        small_writes: 0,
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

/// Hands a frame to the socket. It is on its way when the socket has been flushed. Gives back the memory that a message was in,
/// to be used again.
pub(crate) async fn write_frame(writer: &mut Writer, frame: Frame) -> Result<Vec<u8>, Failure> {
    match frame {
        Frame::Close(close) => {
            let mut replies = locked(&writer.replies);
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
            writer.wire.sent(text.as_bytes());
            writer.make_room(text.len() + encoder::HEADER).await?;
            encoder::text(&mut writer.buffer, text.as_bytes());
            return Ok(text.into_bytes());
        }
        Frame::Ping(payload) => {
            writer.wire.ping(&payload);
            encoder::ping(&mut writer.buffer, &payload);
        }
    }
    Ok(Vec::new())
}

/// Flushes what was written, and the answers that wait.
pub(crate) async fn flush(writer: &mut Writer) -> Result<(), Failure> {
    {
        let mut replies = locked(&writer.replies);
        if let Some(payload) = replies.pong.take() {
            encoder::pong(&mut writer.buffer, &payload);
        }
        if let Some(close) = replies.close.take() {
            encoder::close(&mut writer.buffer, &close);
        }
    }
    writer.small_writes = if writer.buffer.len() > LARGE {
        0
    } else {
        writer.small_writes.saturating_add(1)
    };
    writer.drain().await?;
    let capacity = writer.buffer.capacity();
    if capacity <= KEPT {
        // Most have nothing to write most of the time, and to make so little anew costs next to nothing.
        writer.buffer = Vec::new();
    }
    // One large message or burst is no reason to keep its room for ever.
    if capacity > WRITE_BUFFER || (capacity > LARGE && writer.small_writes >= SMALL_WRITES) {
        writer.buffer.shrink_to(KEPT);
    }
    writer.stream.flush().await.map_err(|cause| ended(Some(cause)))
}

impl Reader {
    /// What counts what passes over this connection.
    pub(crate) fn wire(&self) -> Wire {
        self.wire.clone()
    }

    /// The next message of what was read, if it is there as a whole. Answers are left to the writer.
    pub(crate) fn next(&mut self) -> Result<Option<Incoming<'_>>, Failure> {
        let incoming = self.decoder.decode()?;
        match &incoming {
            Some(Incoming::Pong(payload)) => self.wire.pong(payload),
            Some(Incoming::Ping(payload)) => {
                let mut replies = locked(&self.replies);
                if !replies.is_closing {
                    replies.pong = Some(payload.clone());
                }
            }
            Some(Incoming::Close(close)) => {
                let mut replies = locked(&self.replies);
                if !replies.is_closing {
                    replies.is_closing = true;
                    replies.close = Some(answer(close));
                }
            }
            Some(Incoming::Text(_) | Incoming::Binary(_)) | None => {}
        }
        Ok(incoming)
    }

    /// Reads more, once [`next`](Self::next) has nothing. Says whether more still may be waiting, as in a burst. Cancel
    /// safe.
    pub(crate) async fn fill(&mut self) -> Result<bool, Failure> {
        let mut is_at_rest = self.decoder.is_at_rest();
        if is_at_rest {
            self.decoder.rest();
        }
        let read = poll_fn(|cx| {
            if is_at_rest {
                return self.poll_wake(cx);
            }
            let polled = self.poll_fill(cx);
            if polled.is_pending() {
                self.decoder.rest();
                // Not in a burst: what comes next is read into the buffer again, as much as fits.
                is_at_rest = self.decoder.is_at_rest();
            }
            polled
        });
        match read.await {
            Ok((0, _)) => Err(ended(None)),
            Ok((bytes, room)) => {
                self.decoder.filled(bytes, room);
                Ok(bytes >= room)
            }
            Err(cause) => Err(ended(Some(cause))),
        }
    }

    /// Reads into the buffer. How much, and for how much there was room.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(usize, usize)>> {
        let buffer = self.decoder.room();
        let room = buffer.capacity() - buffer.len();
        let reading = std::pin::pin!(self.stream.read_buf(buffer));
        reading.poll(cx).map_ok(|bytes| (bytes, room))
    }

    /// The same after a rest: what wakes the reader goes through the stack, and there is a buffer only while there is
    /// something in it.
    fn poll_wake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(usize, usize)>> {
        let mut place = [const { MaybeUninit::uninit() }; WAKE];
        let mut buffer = ReadBuf::uninit(&mut place);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
        self.decoder.push(buffer.filled());
        Poll::Ready(Ok((buffer.filled().len(), WAKE)))
    }
}

fn locked(replies: &Mutex<Replies>) -> MutexGuard<'_, Replies> {
    replies.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Writer {
    fn is_closing(&self) -> bool {
        locked(&self.replies).is_closing
    }

    /// Whether the reader left something to answer.
    pub(crate) fn owes(&self) -> bool {
        let replies = locked(&self.replies);
        replies.pong.is_some() || replies.close.is_some()
    }

    /// Makes room for so many bytes. As much as fits is put together, which is fewer calls to the kernel, and no copy of
    /// what is there already.
    async fn make_room(&mut self, bytes: usize) -> Result<(), Failure> {
        let needed = self.buffer.len() + bytes;
        if needed > WRITE_BUFFER && !self.buffer.is_empty() {
            self.drain().await?;
        } else if needed > self.buffer.capacity() {
            let wanted = (2 * self.buffer.capacity()).min(WRITE_BUFFER).max(needed);
            self.buffer.reserve_exact(wanted - self.buffer.len());
        }
        Ok(())
    }

    /// Writes the buffer to the stream.
    async fn drain(&mut self) -> Result<(), Failure> {
        let written = self.stream.write_all(&self.buffer).await;
        self.buffer.clear();
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

fn ended(cause: Option<io::Error>) -> Failure {
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
