//! base64 for audio: the one place that chooses who encodes and decodes.
//!
//! Nine tenths of a session's bytes pass here. `base64` decodes with AVX2 or NEON and checks every character;
//! `base64-simd` encodes into a `String`'s spare room without clearing it first. Both hold the `unsafe` that
//! this needs, are widely used, and fall back to plain code on other processors (`wasm32` among them).

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::GeneralPurposeConfig;
use bytes::Bytes;

/// Strict: the standard alphabet, padded, no stray bits. What is accepted is exactly what would be written.
const STRICT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(false)
    .with_decode_padding_mode(DecodePaddingMode::RequireCanonical);

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn engine() -> &'static impl base64::Engine {
    static ENGINE: std::sync::LazyLock<base64::engine::Simd> =
        std::sync::LazyLock::new(|| base64::engine::Simd::standard(STRICT));
    &*ENGINE
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn engine() -> &'static impl base64::Engine {
    static ENGINE: base64::engine::GeneralPurpose =
        base64::engine::GeneralPurpose::new(&base64::alphabet::STANDARD, STRICT);
    &ENGINE
}

/// The bytes that `text` stands for, in one allocation of exactly their number; `None` if it is not base64.
pub(crate) fn decode(text: &[u8]) -> Option<Bytes> {
    let padding = text
        .iter()
        .rev()
        .take(2)
        .take_while(|&&byte| byte == b'=')
        .count();
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let mut bytes = vec![0; text.len() / 4 * 3 - padding];
    let written = engine().decode_slice(text, &mut bytes).ok()?;
    // A whole vector becomes `Bytes` without another allocation.
    (written == bytes.len()).then(|| bytes.into())
}

/// Appends `bytes` as base64.
pub(crate) fn encode(bytes: &[u8], out: &mut String) {
    base64_simd::STANDARD.encode_append(bytes, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_round_trips() {
        let bytes: Vec<u8> = (0..200_u8).map(|n| n.wrapping_mul(77)).collect();
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
}
