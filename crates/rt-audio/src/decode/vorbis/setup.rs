//! The headers of a stream.

use super::bits::Bits;
use super::codebook::{Budget, Codebook};
use super::floor::Floor;
use super::residue::Residue;

/// What a stream is.
pub(super) struct Setup {
    /// Channels.
    pub(super) channels: usize,
    /// Frames per second.
    pub(super) rate: u32,
    /// Samples that a short and a long block bring.
    pub(super) sizes: [usize; 2],
    /// The codebooks.
    pub(super) books: Vec<Codebook>,
    /// The floors.
    pub(super) floors: Vec<Floor>,
    /// The residues.
    pub(super) residues: Vec<Residue>,
    /// How channels are put together.
    pub(super) mappings: Vec<Mapping>,
    /// What a packet can be.
    pub(super) modes: Vec<Mode>,
}

/// How the channels of a packet are put together.
pub(super) struct Mapping {
    /// Pairs of channels that are coded as magnitude and angle, in the order of coding.
    pub(super) couplings: Vec<(usize, usize)>,
    /// The part that each channel belongs to.
    pub(super) parts: Vec<u8>,
    /// Floor and residue of each part, and the channels that belong to it.
    pub(super) coded: Vec<(u8, u8, Vec<usize>)>,
}

/// What a packet can be.
pub(super) struct Mode {
    /// Whether its block is a long one.
    pub(super) long: bool,
    /// How its channels are put together.
    pub(super) mapping: u8,
}

/// Why there is no stream.
#[derive(Debug, PartialEq)]
pub(super) enum Refused {
    /// The headers are damaged or cut.
    Damaged,
    /// It has floors of the kind that encoders gave up before the first release.
    OldFloor,
}

impl Setup {
    /// Reads the identification and the setup header, one behind the other, or with the comments between them and their
    /// lengths in front, as Matroska has them.
    pub(super) fn read(headers: &[u8]) -> Result<Self, Refused> {
        let (first, third) = match headers.first() {
            Some(2) => laced(headers),
            _ => headers.split_at_checked(30),
        }
        .ok_or(Refused::Damaged)?;
        let (channels, rate, sizes) = identification(first).ok_or(Refused::Damaged)?;
        let body = third.strip_prefix(b"\x05vorbis").ok_or(Refused::Damaged)?;
        let mut setup = Self {
            channels,
            rate,
            sizes,
            books: Vec::new(),
            floors: Vec::new(),
            residues: Vec::new(),
            mappings: Vec::new(),
            modes: Vec::new(),
        };
        match setup.fill(&mut Bits::new(body)) {
            Some(true) => Ok(setup),
            Some(false) => Err(Refused::OldFloor),
            None => Err(Refused::Damaged),
        }
    }

    /// Reads the setup header; `false` at a floor that is not read.
    fn fill(&mut self, bits: &mut Bits<'_>) -> Option<bool> {
        let mut budget = Budget::default();
        for _ in 0..=bits.take(8)? {
            self.books.push(Codebook::read(bits, &mut budget)?);
        }
        for _ in 0..=bits.take(6)? {
            zero(bits, 16)?;
        }
        for _ in 0..=bits.take(6)? {
            match bits.take(16)? {
                0 => return Some(false),
                1 => self.floors.push(Floor::read(bits, self.books.len())?),
                _ => return None,
            }
        }
        for _ in 0..=bits.take(6)? {
            self.residues.push(Residue::read(bits, &self.books)?);
        }
        for _ in 0..=bits.take(6)? {
            zero(bits, 16)?;
            let mapping = self.mapping(bits)?;
            self.mappings.push(mapping);
        }
        for _ in 0..=bits.take(6)? {
            let long = bits.flag()?;
            zero(bits, 16)?;
            zero(bits, 16)?;
            let mapping = bits.small(8)?;
            self.mappings.get(usize::from(mapping))?;
            self.modes.push(Mode { long, mapping });
        }
        bits.flag()?.then_some(true)
    }

    /// Reads how channels are put together.
    fn mapping(&self, bits: &mut Bits<'_>) -> Option<Mapping> {
        let parts = if bits.flag()? { bits.small(4)? + 1 } else { 1 };
        let mut couplings = Vec::new();
        if bits.flag()? {
            let width = usize::BITS - (self.channels - 1).leading_zeros();
            for _ in 0..=bits.take(8)? {
                let pair = (bits.take(width)? as usize, bits.take(width)? as usize);
                if pair.0 == pair.1 || pair.0.max(pair.1) >= self.channels {
                    return None;
                }
                couplings.push(pair);
            }
        }
        zero(bits, 2)?;
        let mut of_channel = vec![0; self.channels];
        if parts > 1 {
            for part in &mut of_channel {
                *part = bits.small(4).filter(|&part| part < parts)?;
            }
        }
        let mut coded = Vec::new();
        for part in 0..parts {
            bits.take(8)?;
            let (floor, residue) = (bits.small(8)?, bits.small(8)?);
            self.floors.get(usize::from(floor))?;
            self.residues.get(usize::from(residue))?;
            let channels = of_channel.iter().enumerate().filter(|(_, of)| **of == part);
            coded.push((floor, residue, channels.map(|(channel, _)| channel).collect()));
        }
        Some(Mapping {
            couplings,
            parts: of_channel,
            coded,
        })
    }
}

/// Reads what must be 0.
fn zero(bits: &mut Bits<'_>, width: u32) -> Option<()> {
    (bits.take(width)? == 0).then_some(())
}

/// Channels, rate and sizes of blocks.
fn identification(packet: &[u8]) -> Option<(usize, u32, [usize; 2])> {
    let body: &[u8; 23] = packet.strip_prefix(b"\x01vorbis")?.first_chunk()?;
    let [a, b, c, d, channels, e, f, g, h, ..] = *body;
    let (version, rate) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
    let (short, long) = (body[21] & 15, body[21] >> 4);
    let fits = version == 0
        && channels > 0
        && rate > 0
        && 6 <= short
        && short <= long
        && long <= 13
        && body[22] & 1 == 1;
    fits.then(|| (channels.into(), rate, [short, long].map(|log| 1 << (log - 1))))
}

/// The first and the third of three packets behind their lengths.
fn laced(headers: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = &headers[1..];
    let mut lengths = [0; 2];
    for length in &mut lengths {
        loop {
            let (&more, behind) = rest.split_first()?;
            rest = behind;
            *length += usize::from(more);
            if more < 255 {
                break;
            }
        }
    }
    let (first, rest) = rest.split_at_checked(lengths[0])?;
    Some((first, rest.get(lengths[1]..)?))
}
