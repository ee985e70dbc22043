//! [`BadFrame`]: frames that break the rules of the protocol, as bytes.

use serde::Deserialize;

/// A frame that breaks the rules of RFC 6455, written on the wire as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BadFrame {
    /// Bytes that are no frame at all: a reserved opcode with reserved bits.
    Garbage,
    /// A text message that is masked, as only clients may do.
    Masked,
    /// A text message with a reserved bit set, as if it were compressed.
    Rsv,
    /// A frame with a reserved opcode.
    ReservedOpcode,
    /// A text message that is not UTF-8.
    #[serde(rename = "bad_utf8")]
    BadUtf8,
    /// A continuation of no message.
    Continuation,
    /// A text message that begins before the one under way has ended.
    Interleaved,
    /// A Ping in two fragments.
    FragmentedPing,
    /// A Ping with 126 bytes, one more than may be.
    LongPing,
    /// A Close frame with half a code.
    OneByteClose,
    /// A Close frame whose reason is not UTF-8.
    #[serde(rename = "bad_utf8_close")]
    BadUtf8Close,
    /// A Close frame with a reason of 200 bytes, where 123 are allowed.
    LongClose,
}

impl BadFrame {
    /// The bytes.
    pub(crate) fn bytes(self) -> Vec<u8> {
        match self {
            Self::Garbage => vec![0xff; 32],
            Self::Masked => {
                let mask = [1, 2, 3, 4];
                let payload = b"{}".iter().zip(mask).map(|(byte, mask)| byte ^ mask);
                [0x81, 0x82].into_iter().chain(mask).chain(payload).collect()
            }
            Self::Rsv => vec![0xc1, 2, b'{', b'}'],
            Self::ReservedOpcode => vec![0x83, 2, b'{', b'}'],
            Self::BadUtf8 => vec![0x81, 4, b'"', 0xc3, 0x28, b'"'],
            Self::Continuation => vec![0x80, 2, b'{', b'}'],
            Self::Interleaved => vec![0x01, 1, b'{', 0x81, 2, b'{', b'}'],
            Self::FragmentedPing => vec![0x09, 1, b'a', 0x80, 1, b'b'],
            Self::LongPing => [0x89, 126, 0, 126].into_iter().chain([b'p'; 126]).collect(),
            Self::OneByteClose => vec![0x88, 1, 0x03],
            Self::BadUtf8Close => [0x88, 4]
                .into_iter()
                .chain(1000u16.to_be_bytes())
                .chain([0xff, 0xfe])
                .collect(),
            Self::LongClose => [0x88, 126]
                .into_iter()
                .chain(202u16.to_be_bytes())
                .chain(1011u16.to_be_bytes())
                .chain([b'r'; 200])
                .collect(),
        }
    }
}

/// The header of a text message that claims to have `length` bytes.
pub(crate) fn claim(length: u64) -> Vec<u8> {
    [0x81, 127].into_iter().chain(length.to_be_bytes()).collect()
}

/// The fragment `index` of `count` of a text message, with `size` bytes.
pub(crate) fn fragment(index: u64, count: u64, size: usize) -> Vec<u8> {
    let opcode = u8::from(index == 0);
    let fin = if index + 1 == count { 0x80 } else { 0 };
    let mut frame = vec![fin | opcode];
    match (u8::try_from(size), u16::try_from(size)) {
        (Ok(short @ ..126), _) => frame.push(short),
        (_, Ok(long)) => {
            frame.push(126);
            frame.extend(long.to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend((size as u64).to_be_bytes());
        }
    }
    frame.resize(frame.len() + size, b' ');
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_have_their_headers() {
        assert_eq!(fragment(0, 2, 1), [0x01, 1, b' ']);
        assert_eq!(fragment(1, 2, 1), [0x80, 1, b' ']);
        assert_eq!(fragment(0, 1, 300)[..4], [0x81, 126, 1, 44]);
        assert_eq!(
            fragment(1, 3, 70_000)[..10],
            [0x00, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]
        );
        assert_eq!(fragment(1, 3, 70_000).len(), 70_010);
        assert_eq!(claim(1 << 62), [0x81, 127, 0x40, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_close_that_is_too_long_has_a_reason_of_200_bytes() {
        assert_eq!(BadFrame::LongClose.bytes().len(), 4 + 2 + 200);
        assert_eq!(BadFrame::OneByteClose.bytes(), [0x88, 1, 3]);
    }
}
