//! base64 for audio: the one place that chooses who encodes and decodes.
//!
//! Nine tenths of a session's bytes pass here. `base64-turbo` has kernels for AVX-512, AVX2 and NEON and plain code for the
//! rest (`wasm32` among it). It holds the `unsafe` that this needs, and checks it with a model checker and an interpreter;
//! what it accepts and writes is held against `base64` by a test and a fuzz target here.

use base64_turbo::{STANDARD, STANDARD_NO_PAD};
use bytes::Bytes;

/// Bytes that are encoded at a time: their text is copied, or the room for it filled, while it is in the nearest cache.
/// Whole groups, so that only the last piece has padding.
const PIECE: usize = 6 << 10;

/// The bytes that `text` stands for, in one allocation of exactly their number; `None` if it is not base64.
///
/// Strict: the standard alphabet, padded, no stray bits. What is accepted is exactly what would be written.
pub(crate) fn decode(text: &[u8]) -> Option<Bytes> {
    if text.last() != Some(&b'=') {
        // A whole vector becomes `Bytes` without another allocation.
        let mut bytes = zeros(text.len() / 4 * 3);
        let written = STANDARD.decode_slice(text, &mut bytes).ok()?;
        return (written == bytes.len()).then(|| bytes.into());
    }
    // The decoder wants room for whole groups, and the last one is not whole: it is decoded aside.
    let (groups, last) = text.split_last_chunk::<4>()?;
    let mut tail = [0; 3];
    let tail_len = STANDARD.decode_slice(last, &mut tail).ok()?;
    let head_len = groups.len() / 4 * 3;
    let mut bytes = zeros(head_len + tail_len);
    let written = STANDARD_NO_PAD
        .decode_slice(groups, &mut bytes[..head_len])
        .ok()?;
    bytes[head_len..].copy_from_slice(&tail[..tail_len]);
    (written == head_len && groups.len().is_multiple_of(4)).then(|| bytes.into())
}

/// A vector without room to spare.
#[expect(
    clippy::slow_vector_initialization,
    reason = "it is the quicker one for short vectors: allocators take longer to find memory that has to be zeros"
)]
fn zeros(len: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(len);
    bytes.resize(len, 0);
    bytes
}

/// Where JSON with audio in it is written to: text, or the bytes of one.
pub(crate) trait Out {
    /// Appends text.
    fn text(&mut self, text: &str);
    /// Appends `bytes` as base64.
    fn base64(&mut self, bytes: &[u8]);
}

impl Out for String {
    fn text(&mut self, text: &str) {
        self.push_str(text);
    }

    /// By way of other memory: there is no safe way to write into a string what nobody has checked to be text.
    fn base64(&mut self, bytes: &[u8]) {
        self.reserve(text_len(bytes));
        for piece in bytes.chunks(PIECE) {
            STANDARD.encode_string(piece, self);
        }
    }
}

impl Out for Vec<u8> {
    fn text(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }

    fn base64(&mut self, bytes: &[u8]) {
        self.reserve(text_len(bytes));
        for piece in bytes.chunks(PIECE) {
            let start = self.len();
            self.resize(start + text_len(piece), 0);
            // There is room for all of it.
            let _ = STANDARD.encode_slice(piece, &mut self[start..]);
        }
    }
}

/// The length of `bytes` as base64.
pub(crate) fn text_len(bytes: &[u8]) -> usize {
    bytes.len().div_ceil(3) * 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_round_trips() {
        let bytes: Vec<u8> = (0..=u8::MAX)
            .cycle()
            .take(SMALL + 50)
            .map(|n| n.wrapping_mul(77))
            .collect();
        for len in 0..bytes.len() {
            let mut text = String::from("x");
            text.base64(&bytes[..len]);
            let mut written = b"x".to_vec();
            written.base64(&bytes[..len]);
            assert_eq!(written, text.as_bytes());
            assert_eq!(decode(&text.as_bytes()[1..]).unwrap(), bytes[..len]);
        }
    }

    #[test]
    fn only_canonical_base64_is_accepted() {
        for bad in [
            "A",
            "AA",
            "AAA",
            "AA=",
            "AB==",
            "AAB=",
            "A===",
            "====",
            "AA==AAAA",
            "AA\nA",
            "AAA-",
            "AAA\u{e9}",
        ] {
            assert!(decode(bad.as_bytes()).is_none(), "{bad}");
        }
        assert_eq!(decode(b"").unwrap(), "");
    }

    /// What another implementation makes of it, set to the same strictness.
    fn reference(text: &[u8]) -> Option<Vec<u8>> {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.decode(text).ok()
    }

    #[test]
    fn every_byte_at_every_place_is_read_as_another_implementation_reads_it() {
        let bytes: Vec<u8> = (0..150_u8).map(|n| n.wrapping_mul(77)).collect();
        // Lengths around those at which vector code begins, with every padding.
        for len in [1, 2, 3, 11, 12, 13, 35, 36, 37, 98, 99, 100, 150] {
            let mut text = String::new();
            text.base64(&bytes[..len]);
            for at in 0..text.len() {
                for byte in 0..=u8::MAX {
                    let mut damaged = text.clone().into_bytes();
                    damaged[at] = byte;
                    let expected = reference(&damaged);
                    assert_eq!(
                        decode(&damaged).map(|bytes| bytes.to_vec()),
                        expected,
                        "{damaged:?}"
                    );
                }
            }
            for cut in 0..text.len() {
                let expected = reference(&text.as_bytes()[..cut]);
                assert_eq!(
                    decode(&text.as_bytes()[..cut]).map(|bytes| bytes.to_vec()),
                    expected
                );
            }
        }
    }

    /// A length with which nothing is special.
    const SMALL: usize = 1 << 10;

    #[test]
    fn damage_is_found_with_every_padding() {
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(SMALL + 3).collect();
        for len in SMALL - 4..=SMALL + 3 {
            let mut text = String::new();
            text.base64(&bytes[..len]);
            for at in [
                0,
                700,
                text.len() - 4,
                text.len() - 3,
                text.len() - 2,
                text.len() - 1,
            ] {
                for byte in 0..=u8::MAX {
                    let mut damaged = text.clone().into_bytes();
                    damaged[at] = byte;
                    let expected = reference(&damaged);
                    assert_eq!(
                        decode(&damaged).map(|bytes| bytes.to_vec()),
                        expected,
                        "{len} {at}"
                    );
                }
            }
        }
    }

    #[test]
    fn pieces_join_without_a_seam() {
        let bytes: Vec<u8> = (0..u8::MAX).cycle().take(2 * PIECE + 4).collect();
        for len in [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 4] {
            let mut text = String::new();
            text.base64(&bytes[..len]);
            assert_eq!(reference(text.as_bytes()).unwrap(), bytes[..len]);
            assert_eq!(text.len(), text_len(&bytes[..len]));
            let mut written = Vec::new();
            written.base64(&bytes[..len]);
            assert_eq!(written, text.as_bytes());
        }
    }
}
