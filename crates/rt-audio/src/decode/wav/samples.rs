//! The sample encodings of WAV.

use crate::g711;
use crate::info::Codec;

/// How one sample is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// 8 bits, unsigned.
    U8,
    /// 16 bits.
    I16,
    /// 24 bits in 3 bytes.
    I24,
    /// 32 bits.
    I32,
    /// 32 bits floating point.
    F32,
    /// 64 bits floating point.
    F64,
    /// G.711 A-law.
    ALaw,
    /// G.711 mu-law.
    MuLaw,
}

impl Encoding {
    /// Bytes per sample.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::ALaw | Self::MuLaw => 1,
            Self::I16 => 2,
            Self::I24 => 3,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// The name for users.
    pub(super) fn codec(self) -> Codec {
        match self {
            Self::U8 | Self::I16 | Self::I24 | Self::I32 => Codec::Pcm,
            Self::F32 | Self::F64 => Codec::Float,
            Self::ALaw => Codec::ALaw,
            Self::MuLaw => Codec::MuLaw,
        }
    }
}

/// Appends the samples of some bytes, full scale at 1. Big-endian bytes are turned round in place.
pub(super) fn decode(encoding: Encoding, big_endian: bool, bytes: &mut [u8], out: &mut Vec<f32>) {
    let size = encoding.bytes();
    if big_endian && size > 1 {
        bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    }
    let samples = bytes.chunks_exact(size);
    out.reserve(samples.len());
    match encoding {
        Encoding::U8 => out.extend(bytes.iter().map(|&byte| (f32::from(byte) - 128.0) / 128.0)),
        Encoding::ALaw => out.extend(
            bytes
                .iter()
                .map(|&byte| f32::from(g711::decode_a_law(byte)) / 32_768.0),
        ),
        Encoding::MuLaw => out.extend(
            bytes
                .iter()
                .map(|&byte| f32::from(g711::decode_mu_law(byte)) / 32_768.0),
        ),
        Encoding::I16 => out.extend(samples.map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0)),
        Encoding::I24 => out.extend(samples.map(|b| i32_to_f32(i32::from_le_bytes([0, b[0], b[1], b[2]])))),
        Encoding::I32 => {
            out.extend(samples.map(|b| i32_to_f32(i32::from_le_bytes([b[0], b[1], b[2], b[3]]))))
        }
        Encoding::F32 => out.extend(samples.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))),
        Encoding::F64 => out.extend(samples.map(|b| {
            f64_to_f32(f64::from_le_bytes([
                b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7],
            ]))
        })),
    }
}

/// Full scale to 1.
fn i32_to_f32(sample: i32) -> f32 {
    sample as f32 / 2_147_483_648.0
}

/// The nearest float.
#[expect(
    clippy::cast_possible_truncation,
    reason = "rounding to the nearest float is wanted"
)]
fn f64_to_f32(sample: f64) -> f32 {
    sample as f32
}
