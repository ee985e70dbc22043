//! How samples without packets are written.

use super::adpcm::{self, Adpcm};
use crate::g711;
use crate::info::Codec;

/// How one sample is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// 8 bits, unsigned.
    U8,
    /// 8 bits.
    I8,
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
    /// 4 bits in blocks of so many bytes.
    Adpcm(adpcm::Kind, u16),
}

impl Encoding {
    /// The integers of so many bits: full bytes, of which the high bits are used.
    pub(super) fn integer(bits: u16) -> Option<Self> {
        match bits.div_ceil(8) {
            1 => Some(Self::I8),
            2 => Some(Self::I16),
            3 => Some(Self::I24),
            4 => Some(Self::I32),
            _ => None,
        }
    }

    /// The bytes that belong together, and how many frames they are.
    pub(super) fn unit(self, channels: usize) -> (usize, usize) {
        match self {
            Self::Adpcm(kind, block) => {
                let block = usize::from(block);
                (block, kind.frames(block, channels))
            }
            plain => (plain.bytes() * channels, 1),
        }
    }

    /// Frames in a unit of which only so many bytes are there.
    pub(super) fn frames_in_part(self, bytes: usize, channels: usize) -> usize {
        match self {
            Self::Adpcm(kind, _) => kind.frames(bytes, channels),
            _ => 0,
        }
    }

    /// Bytes per sample of those that are not coded in blocks.
    fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 | Self::ALaw | Self::MuLaw => 1,
            Self::I16 => 2,
            Self::I24 => 3,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
            Self::Adpcm(..) => 0,
        }
    }

    /// The name for users.
    pub(super) fn codec(self) -> Codec {
        match self {
            Self::U8 | Self::I8 | Self::I16 | Self::I24 | Self::I32 => Codec::Pcm,
            Self::F32 | Self::F64 => Codec::Float,
            Self::ALaw => Codec::ALaw,
            Self::MuLaw => Codec::MuLaw,
            Self::Adpcm(..) => Codec::Adpcm,
        }
    }
}

/// Turns bytes into samples.
pub(super) struct Unpacker {
    /// How they are written.
    encoding: Encoding,
    /// High byte first.
    big_endian: bool,
    /// Bytes per frame or block.
    unit: usize,
    /// What ADPCM remembers.
    adpcm: Option<Adpcm>,
}

impl Unpacker {
    pub(super) fn new(encoding: Encoding, big_endian: bool, channels: usize) -> Self {
        let adpcm = match encoding {
            Encoding::Adpcm(kind, _) => Some(Adpcm::new(kind, channels)),
            _ => None,
        };
        Self {
            encoding,
            big_endian,
            unit: encoding.unit(channels).0,
            adpcm,
        }
    }

    /// Appends the samples of some bytes, full scale at 1; what is no whole frame at the end is dropped.
    /// Big-endian bytes are turned round in place.
    pub(super) fn unpack(&mut self, bytes: &mut Vec<u8>, out: &mut Vec<f32>) {
        if let Some(adpcm) = &mut self.adpcm {
            for block in bytes.chunks(self.unit.max(1)) {
                adpcm.decode(block, out);
            }
            return;
        }
        bytes.truncate(bytes.len() - bytes.len() % self.unit.max(1));
        decode(self.encoding, self.big_endian, bytes, out);
    }
}

/// Appends the samples of some bytes.
fn decode(encoding: Encoding, big_endian: bool, bytes: &mut [u8], out: &mut Vec<f32>) {
    let size = encoding.bytes().max(1);
    if big_endian && size > 1 {
        bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
    }
    let singles = bytes.iter();
    let samples = bytes.chunks_exact(size);
    out.reserve(samples.len());
    match encoding {
        Encoding::U8 => out.extend(singles.map(|&byte| (f32::from(byte) - 128.0) / 128.0)),
        Encoding::I8 => out.extend(singles.map(|&byte| f32::from(byte.cast_signed()) / 128.0)),
        Encoding::ALaw => out.extend(singles.map(|&byte| i16_to_f32(g711::a_law_to_linear(byte)))),
        Encoding::MuLaw => out.extend(singles.map(|&byte| i16_to_f32(g711::mu_law_to_linear(byte)))),
        Encoding::I16 => out.extend(samples.map(|b| i16_to_f32(i16::from_le_bytes([b[0], b[1]])))),
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
        Encoding::Adpcm(..) => {}
    }
}

/// Full scale to 1.
pub(super) fn i16_to_f32(sample: i16) -> f32 {
    f32::from(sample) / 32_768.0
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
