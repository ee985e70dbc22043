//! Frames of a client, masked, at the end of a buffer.

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use crate::close::CloseFrame;

/// The longest reason that fits behind a close code.
const REASON: usize = 123;

/// The longest header of a frame.
pub(super) const HEADER: usize = 14;

pub(super) fn text(buffer: &mut Vec<u8>, payload: &[u8]) {
    frame(buffer, OpCode::Data(Data::Text), payload);
}

pub(super) fn ping(buffer: &mut Vec<u8>, payload: &[u8]) {
    frame(buffer, OpCode::Control(Control::Ping), payload);
}

pub(super) fn pong(buffer: &mut Vec<u8>, payload: &[u8]) {
    frame(buffer, OpCode::Control(Control::Pong), payload);
}

pub(super) fn close(buffer: &mut Vec<u8>, close: &CloseFrame) {
    let code = close.code.as_u16().to_be_bytes();
    let mut end = close.reason.len().min(REASON);
    while !close.reason.is_char_boundary(end) {
        end -= 1;
    }
    let reason = &close.reason.as_bytes()[..end];
    if close.code == crate::close::CloseCode::NO_STATUS {
        frame(buffer, OpCode::Control(Control::Close), &[]);
    } else {
        frame(buffer, OpCode::Control(Control::Close), &[&code, reason].concat());
    }
}

fn frame(buffer: &mut Vec<u8>, opcode: OpCode, payload: &[u8]) {
    // Not to be guessed by whoever chose the payload (RFC 6455, 5.3).
    let mask: [u8; 4] = rand::random();
    let header = FrameHeader {
        opcode,
        mask: Some(mask),
        ..FrameHeader::default()
    };
    let length = payload.len() as u64;
    buffer.reserve(header.len(length) + payload.len());
    // Writing into a vector does not fail.
    let _ = header.format(length, buffer);
    copy_masked(payload, mask, buffer);
}

/// Appends the payload, masked, in one go: by blocks that stay in registers on the way.
fn copy_masked(payload: &[u8], mask: [u8; 4], buffer: &mut Vec<u8>) {
    const BLOCK: usize = 64;
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (blocks, rest) = payload.as_chunks::<BLOCK>();
    for block in blocks {
        let mut masked = *block;
        for word in masked.as_chunks_mut::<8>().0 {
            *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
        }
        buffer.extend_from_slice(&masked);
    }
    buffer.extend(
        rest.iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::close::CloseCode;

    /// The opcode and the unmasked payload of the only frame in `bytes`.
    fn read(bytes: &[u8]) -> (u8, Vec<u8>) {
        assert_eq!(bytes[0] & 0xf0, 0x80, "one final frame");
        assert_eq!(bytes[1] & 0x80, 0x80, "masked");
        let (length, rest) = match bytes[1] & 0x7f {
            126 => (usize::from(u16::from_be_bytes([bytes[2], bytes[3]])), &bytes[4..]),
            127 => (
                usize::try_from(u64::from_be_bytes(bytes[2..10].try_into().unwrap())).unwrap(),
                &bytes[10..],
            ),
            short => (usize::from(short), &bytes[2..]),
        };
        let (mask, payload) = rest.split_at(4);
        assert_eq!(payload.len(), length);
        let plain = payload.iter().zip(mask.iter().cycle()).map(|(a, b)| a ^ b);
        (bytes[0] & 0x0f, plain.collect())
    }

    #[test]
    fn every_length_is_masked_and_readable() {
        for length in [
            0, 1, 2, 7, 8, 9, 63, 64, 65, 125, 126, 127, 128, 200, 65_535, 65_536, 70_001,
        ] {
            let payload = "é".repeat(length / 2) + &"x".repeat(length % 2);
            let mut buffer = Vec::new();
            text(&mut buffer, payload.as_bytes());
            assert_eq!(read(&buffer), (1, payload.into_bytes()), "{length}");
        }
    }

    #[test]
    fn masks_differ() {
        let mut frames: Vec<Vec<u8>> = Vec::new();
        for _ in 0..8 {
            let mut buffer = Vec::new();
            ping(&mut buffer, b"12345678");
            assert_eq!(read(&buffer), (9, b"12345678".to_vec()));
            frames.push(buffer);
        }
        frames.dedup();
        assert_eq!(frames.len(), 8);
    }

    #[test]
    fn a_close_has_code_and_as_much_reason_as_fits() {
        let closed = |code, reason: &str| {
            let mut buffer = Vec::new();
            close(&mut buffer, &CloseFrame::new(CloseCode::new(code), reason));
            read(&buffer)
        };
        assert_eq!(closed(1000, ""), (8, vec![3, 232]));
        assert_eq!(closed(1005, ""), (8, vec![]));
        let (_, long) = closed(1001, &"é".repeat(100));
        assert_eq!(long.len(), 124, "no half letters");
        std::str::from_utf8(&long[2..]).unwrap();
    }
}
