//! base64 for audio: the one place that chooses who encodes and decodes.
//!
//! Nine tenths of a session's bytes pass here. `base64-turbo` has kernels for AVX-512, AVX2 and NEON and plain code for the
//! rest (`wasm32` among it). It holds the `unsafe` that this needs, and checks it with a model checker and an interpreter;
//! what it accepts and writes is held against `base64` by a test and a fuzz target here.

use base64_turbo::{STANDARD, STANDARD_NO_PAD};
use bytes::Bytes;

/// Bytes that are encoded at a time: their text is copied while it is still in the nearest cache.
const PIECE: usize = 6 << 10;

/// So many bytes are decoded on the stack: allocators are at their quickest with small pieces of memory that need not be
/// zeros, and the decoder has no other way to write into new memory.
const SMALL: usize = 1 << 10;

/// The bytes that `text` stands for, in one allocation of exactly their number; `None` if it is not base64.
///
/// Strict: the standard alphabet, padded, no stray bits. What is accepted is exactly what would be written.
pub(crate) fn decode(text: &[u8]) -> Option<Bytes> {
    if text.len() <= SMALL / 3 * 4 {
        let mut bytes = [0; SMALL];
        let written = STANDARD.decode_slice(text, &mut bytes).ok()?;
        return Some(Bytes::copy_from_slice(&bytes[..written]));
    }
    if text.last() != Some(&b'=') {
        // A whole vector becomes `Bytes` without another allocation.
        return STANDARD.decode(text).ok().map(Bytes::from);
    }
    // The decoder wants room for whole groups, and the last one is not whole: it is decoded aside.
    let (groups, last) = text.split_last_chunk::<4>()?;
    let mut tail = [0; 3];
    let tail_len = STANDARD.decode_slice(last, &mut tail).ok()?;
    let head_len = groups.len() / 4 * 3;
    let mut bytes = vec![0; head_len + tail_len];
    let written = STANDARD_NO_PAD
        .decode_slice(groups, &mut bytes[..head_len])
        .ok()?;
    bytes[head_len..].copy_from_slice(&tail[..tail_len]);
    (written == head_len && groups.len().is_multiple_of(4)).then(|| bytes.into())
}

/// Appends `bytes` as base64.
pub(crate) fn encode(bytes: &[u8], out: &mut String) {
    out.reserve(bytes.len().div_ceil(3) * 4);
    for piece in bytes.chunks(PIECE) {
        STANDARD.encode_string(piece, out);
    }
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
            encode(&bytes[..len], &mut text);
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
            encode(&bytes[..len], &mut text);
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

    #[test]
    fn damage_is_found_on_both_sides_of_what_is_small() {
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(SMALL + 3).collect();
        for len in SMALL - 4..=SMALL + 3 {
            let mut text = String::new();
            encode(&bytes[..len], &mut text);
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
            encode(&bytes[..len], &mut text);
            assert_eq!(reference(text.as_bytes()).unwrap(), bytes[..len]);
            assert_eq!(text.len(), len.div_ceil(3) * 4);
        }
    }
}
