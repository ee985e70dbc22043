//! [`Decoder`]: messages out of bytes, as RFC 6455 has them for a client. Pure.

use std::io::Cursor;

use bytes::{Buf, BytesMut};
use tungstenite::Error as WsError;
use tungstenite::error::ProtocolError;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::Incoming;
use crate::classify::Failure;
use crate::close::{CloseCode, CloseFrame};

/// The largest payload of a control frame.
const CONTROL: usize = 125;

/// A read buffer that grew for a frame longer than this is given back after it.
const KEPT: usize = 256 << 10;

/// How much is asked for at once while a long frame comes in. What a header claims is not reserved: it may be a lie.
const STEP: usize = 64 << 10;

/// The fragments of a message so far.
#[derive(Debug)]
struct Fragments {
    kind: Data,
    bytes: BytesMut,
    /// How many bytes of a text are known to be UTF-8: all but a letter that is cut.
    checked: usize,
}

/// A message that is there as a whole.
#[derive(Debug)]
enum Whole {
    /// The frame at the front of the buffer.
    Frame(Data),
    /// All fragments together.
    Joined(Fragments),
    Control(Incoming<'static>),
}

impl Fragments {
    fn push(&mut self, payload: &[u8]) -> Result<(), Failure> {
        self.bytes.extend_from_slice(payload);
        if self.kind != Data::Text {
            return Ok(());
        }
        // A text that cannot become one any more is not waited for.
        match std::str::from_utf8(&self.bytes[self.checked..]) {
            Ok(rest) => self.checked += rest.len(),
            Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
            Err(_) => return Err(Failure::NotUtf8),
        }
        Ok(())
    }
}

/// The bytes read so far, and what of a message they are.
#[derive(Debug)]
pub(super) struct Decoder {
    buffer: BytesMut,
    /// How much of the buffer is the frame of the message that was given out last.
    spent: usize,
    /// The fragments of the message that was given out last.
    joined: BytesMut,
    /// The header of the frame whose payload is awaited, and the payload's length.
    header: Option<(FrameHeader, usize)>,
    /// The message whose fragments are coming in.
    fragments: Option<Fragments>,
    /// How much is asked for at once at rest, and now.
    rest_size: usize,
    read_size: usize,
    limit: usize,
    is_closed: bool,
}

impl Decoder {
    /// `leftover` came with the upgrade; messages may be `limit` bytes long.
    pub(super) fn new(leftover: &[u8], read_size: usize, limit: usize) -> Self {
        Self {
            buffer: BytesMut::from(leftover),
            spent: 0,
            joined: BytesMut::new(),
            header: None,
            fragments: None,
            rest_size: read_size,
            read_size,
            limit,
            is_closed: false,
        }
    }

    /// Where to read to: there is always room.
    pub(super) fn room(&mut self) -> &mut BytesMut {
        let missing = self
            .header
            .as_ref()
            .map_or(0, |(_, length)| length.saturating_sub(self.buffer.len()))
            .min(STEP);
        let least = missing.max(self.read_size / 4);
        if self.buffer.capacity() - self.buffer.len() < least {
            // What a message begins with takes up a part of the same room, or the buffer would be twice as large.
            let rest = self.read_size.saturating_sub(self.buffer.len());
            self.buffer.reserve(rest.max(least));
        }
        &mut self.buffer
    }

    /// Whether nothing was begun, and what came last was no burst.
    pub(super) fn is_at_rest(&self) -> bool {
        self.buffer.is_empty() && self.read_size <= self.rest_size
    }

    #[cfg(test)]
    pub(super) fn has_room(&self) -> bool {
        self.buffer.capacity() > 0
    }

    /// Nothing more is there for now: no room is kept for what may come, unless a part of it has come.
    pub(super) fn rest(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
    }

    /// Takes in what was read to another place while this was at rest.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// So many of the bytes that there was room for came. In a burst more is asked for at once, which is fewer calls to
    /// the kernel; a connection at rest holds no more than it needs.
    pub(super) fn filled(&mut self, bytes: usize, room: usize) {
        if bytes >= room {
            self.read_size = (self.read_size * 2).min(STEP.max(self.rest_size));
        } else if bytes < self.read_size / 4 {
            self.read_size = self.rest_size;
        }
    }

    /// The next message, if it is all there. After a close frame there is none.
    pub(super) fn decode(&mut self) -> Result<Option<Incoming<'_>>, Failure> {
        self.forget();
        let whole = loop {
            if self.is_closed {
                self.buffer.clear();
                return Ok(None);
            }
            let Some((header, length)) = self.next_header()? else {
                return Ok(None);
            };
            if self.buffer.len() < length {
                self.header = Some((header, length));
                return Ok(None);
            }
            self.spent = length;
            match self.frame(&header)? {
                Some(whole) => break whole,
                None => self.forget(),
            }
        };
        let (kind, payload) = match whole {
            Whole::Control(incoming) => return Ok(Some(incoming)),
            Whole::Frame(kind) => (kind, &self.buffer[..self.spent]),
            Whole::Joined(fragments) => {
                self.joined = fragments.bytes;
                (fragments.kind, &self.joined[..])
            }
        };
        if kind == Data::Binary {
            return Ok(Some(Incoming::Binary(payload.len())));
        }
        match simdutf8::basic::from_utf8(payload) {
            Ok(text) => Ok(Some(Incoming::Text(text))),
            Err(_) => Err(Failure::NotUtf8),
        }
    }

    /// Nobody looks any more at what was given out last.
    fn forget(&mut self) {
        let spent = std::mem::take(&mut self.spent);
        self.buffer.advance(spent);
        if spent > KEPT {
            // Else the block that the message was in would be used again, and never get smaller.
            self.buffer = BytesMut::from(&self.buffer[..]);
        }
        if self.joined.capacity() > 0 {
            self.joined = BytesMut::new();
        }
    }

    fn next_header(&mut self) -> Result<Option<(FrameHeader, usize)>, Failure> {
        if let Some(header) = self.header.take() {
            return Ok(Some(header));
        }
        let mut cursor = Cursor::new(&self.buffer[..]);
        let Some((header, length)) = FrameHeader::parse(&mut cursor).map_err(|error| match error {
            WsError::Protocol(what) => violation(&what),
            other => Failure::Violation(other.to_string()),
        })?
        else {
            return Ok(None);
        };
        let taken = usize::try_from(cursor.position()).unwrap_or(usize::MAX);
        self.buffer.advance(taken);
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(violation(&ProtocolError::NonZeroReservedBits));
        }
        if header.mask.is_some() {
            return Err(violation(&ProtocolError::MaskedFrameFromServer));
        }
        if matches!(header.opcode, OpCode::Control(_)) {
            if !header.is_final {
                return Err(violation(&ProtocolError::FragmentedControlFrame));
            }
            if length > CONTROL as u64 {
                return Err(violation(&ProtocolError::ControlFrameTooBig));
            }
        }
        // Known before the payload comes: what is too long is never held.
        let before = self
            .fragments
            .as_ref()
            .map_or(0, |fragments| fragments.bytes.len());
        match usize::try_from(length) {
            Ok(length) if length <= self.limit.saturating_sub(before) => Ok(Some((header, length))),
            Ok(length) if length <= CONTROL && matches!(header.opcode, OpCode::Control(_)) => {
                Ok(Some((header, length)))
            }
            _ => Err(Failure::TooLarge { limit: self.limit }),
        }
    }

    /// What the frame at the front of the buffer is: a message, or a part of one.
    fn frame(&mut self, header: &FrameHeader) -> Result<Option<Whole>, Failure> {
        let payload = &self.buffer[..self.spent];
        match (header.opcode, &mut self.fragments) {
            (OpCode::Data(kind @ (Data::Text | Data::Binary)), None) if header.is_final => {
                Ok(Some(Whole::Frame(kind)))
            }
            (OpCode::Control(Control::Ping), _) => Ok(Some(Whole::Control(Incoming::Ping(payload.to_vec())))),
            (OpCode::Control(Control::Pong), _) => Ok(Some(Whole::Control(Incoming::Pong(payload.to_vec())))),
            (OpCode::Control(Control::Close), _) => {
                let close = close_frame(payload)?;
                self.is_closed = true;
                Ok(Some(Whole::Control(Incoming::Close(close))))
            }
            (OpCode::Control(Control::Reserved(code)), _) => {
                Err(violation(&ProtocolError::UnknownControlFrameType(code)))
            }
            (OpCode::Data(Data::Reserved(code)), _) => {
                Err(violation(&ProtocolError::UnknownDataFrameType(code)))
            }
            (OpCode::Data(Data::Continue), None) => Err(violation(&ProtocolError::UnexpectedContinueFrame)),
            (OpCode::Data(Data::Continue), Some(fragments)) => {
                fragments.push(payload)?;
                Ok(if header.is_final {
                    self.fragments.take().map(Whole::Joined)
                } else {
                    None
                })
            }
            (OpCode::Data(kind), Some(_)) => Err(violation(&ProtocolError::ExpectedFragment(kind))),
            (OpCode::Data(kind), none) => {
                let first = Fragments {
                    kind,
                    bytes: BytesMut::with_capacity(payload.len()),
                    checked: 0,
                };
                none.insert(first).push(payload)?;
                Ok(None)
            }
        }
    }
}

fn close_frame(payload: &[u8]) -> Result<CloseFrame, Failure> {
    match payload {
        [] => Ok(CloseFrame::new(CloseCode::NO_STATUS, "")),
        [_] => Err(violation(&ProtocolError::InvalidCloseSequence)),
        [high, low, reason @ ..] => {
            let reason = std::str::from_utf8(reason).map_err(|_| Failure::NotUtf8)?;
            Ok(CloseFrame::new(
                CloseCode::new(u16::from_be_bytes([*high, *low])),
                reason,
            ))
        }
    }
}

fn violation(what: &ProtocolError) -> Failure {
    Failure::Violation(what.to_string())
}

#[cfg(any(test, fuzzing))]
mod compare;

#[cfg(fuzzing)]
pub(super) use self::compare::compare;

#[cfg(test)]
#[path = "decoder_tests.rs"]
mod tests;
