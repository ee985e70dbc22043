//! Opus packets to frames of 48 kHz, by opus-pure.

use opus_pure::{ChannelLayout, MAX_PACKET_SAMPLES, OpusDecoder, OpusMSDecoder};

use super::unsupported_codec;
use crate::error::{Error, ErrorKind};
use crate::mix::Layout;

/// What Opus is always decoded to.
pub(super) const RATE: u32 = 48_000;

/// The identification header.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Head {
    /// Frames in front of the audio.
    pub(super) pre_skip: u16,
    /// What samples are multiplied by.
    gain: f32,
    /// Channels.
    channels: usize,
    /// How channels and streams belong together: family, streams, coupled streams, table.
    mapping: (u8, u8, u8, Vec<u8>),
}

impl Head {
    /// Reads the header as Ogg and Matroska have it, or as MP4 has it, with the high byte first.
    pub(super) fn read(bytes: &[u8], big_endian: bool) -> Result<Self, Error> {
        let damaged = || Error::new(ErrorKind::Damaged, "the Opus header is damaged or cut");
        let fixed: &[u8; 19] = bytes.first_chunk().ok_or_else(damaged)?;
        let pair = |at: usize| {
            let pair = [fixed[at], fixed[at + 1]];
            if big_endian {
                u16::from_be_bytes(pair)
            } else {
                u16::from_le_bytes(pair)
            }
        };
        let channels = usize::from(fixed[9]);
        if !fixed.starts_with(b"OpusHead") || channels == 0 {
            return Err(damaged());
        }
        let mapping = match fixed[18] {
            0 => (0, 1, 0, Vec::new()),
            family => {
                let table = bytes.get(19..21 + channels).ok_or_else(damaged)?;
                (family, table[0], table[1], table[2..].to_vec())
            }
        };
        // The gain is in 256ths of a decibel.
        let gain = 10f32.powf(f32::from(pair(16).cast_signed()) / 256.0 / 20.0);
        Ok(Self {
            pre_skip: pair(10),
            gain,
            channels,
            mapping,
        })
    }

    /// Where the channels belong. Those of surround come in the order of Vorbis.
    pub(super) fn layout(&self) -> Layout {
        Layout::usual(self.channels)
    }
}

/// One stream, or several in one packet.
enum Decoders {
    One(Box<OpusDecoder>),
    Several(Box<OpusMSDecoder>),
}

/// The state of decoding.
pub(super) struct Opus {
    decoders: Decoders,
    gain: f32,
    channels: usize,
    /// Where each channel of ours is in a decoded frame.
    order: Option<&'static [usize]>,
    /// A decoded packet.
    pcm: Vec<f32>,
}

impl Opus {
    /// Makes the decoder that the header asks for.
    pub(super) fn new(head: &Head) -> Result<Self, Error> {
        let failed = |error: opus_pure::Error| {
            Error::new(ErrorKind::Damaged, "the Opus header is damaged").with_source(error.to_string())
        };
        let (family, streams, coupled, table) = &head.mapping;
        let decoders = match (family, head.channels) {
            (0, 1..=2) => OpusDecoder::new(48_000, head.channels).map(|one| Decoders::One(Box::new(one))),
            (1, 1..=8) => {
                let usual = ChannelLayout::surround(head.channels, 1).map_err(failed)?;
                let same = usual.nb_streams == usize::from(*streams)
                    && usual.nb_coupled_streams == usize::from(*coupled)
                    && usual.mapping == *table;
                if !same {
                    return Err(unsupported_codec("Opus with an unusual order of channels"));
                }
                OpusMSDecoder::new(48_000, head.channels, 1).map(|all| Decoders::Several(Box::new(all)))
            }
            _ => {
                return Err(unsupported_codec(
                    "Opus with more channels than surround sound has",
                ));
            }
        };
        Ok(Self {
            decoders: decoders.map_err(failed)?,
            gain: head.gain,
            channels: head.channels,
            order: from_vorbis_order(head.channels),
            pcm: vec![0.0; MAX_PACKET_SAMPLES * head.channels],
        })
    }

    /// Where the channels belong.
    pub(super) fn layout(&self) -> Layout {
        Layout::usual(self.channels)
    }

    /// Decodes a packet into interleaved frames; an error says what is wrong with it.
    pub(super) fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<(), String> {
        // An empty packet would ask for concealment of any length.
        if packet.is_empty() {
            return Err("an empty Opus packet".to_owned());
        }
        let decoded = match &mut self.decoders {
            Decoders::One(one) => one.decode(packet, MAX_PACKET_SAMPLES, &mut self.pcm),
            Decoders::Several(all) => all.decode(packet, MAX_PACKET_SAMPLES, &mut self.pcm),
        };
        let frames = decoded.map_err(|error| error.to_string())?;
        let samples = &self.pcm[..(frames * self.channels).min(self.pcm.len())];
        out.clear();
        match self.order {
            None => out.extend(samples.iter().map(|sample| sample * self.gain)),
            Some(order) => out.extend(
                samples
                    .chunks_exact(self.channels)
                    .flat_map(|frame| order.iter().map(|&at| frame[at] * self.gain)),
            ),
        }
        Ok(())
    }
}

/// Vorbis has the centre second and low frequencies last; we have the order of WAVE.
fn from_vorbis_order(channels: usize) -> Option<&'static [usize]> {
    match channels {
        3 => Some(&[0, 2, 1]),
        5 => Some(&[0, 2, 1, 3, 4]),
        6 => Some(&[0, 2, 1, 5, 3, 4]),
        7 => Some(&[0, 2, 1, 6, 5, 3, 4]),
        8 => Some(&[0, 2, 1, 7, 5, 6, 3, 4]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(channels: u8, gain: i16, rest: &[u8]) -> Vec<u8> {
        let [low, high] = gain.to_le_bytes();
        let mut bytes = b"OpusHead\x01".to_vec();
        bytes.extend([channels, 0x38, 0x01, 0x80, 0xbb, 0, 0, low, high]);
        bytes.extend(rest);
        bytes
    }

    #[test]
    fn headers_of_both_byte_orders() {
        let stereo = Head::read(&head(2, 0, &[0]), false).unwrap();
        assert_eq!((stereo.pre_skip, stereo.layout()), (312, Layout::usual(2)));
        assert_eq!(Head::read(&head(2, 0, &[0]), true).unwrap().pre_skip, 0x3801);
        let quiet = Head::read(&head(1, -256 * 20, &[0]), false).unwrap();
        assert!((quiet.gain - 0.1).abs() < 1e-6);
        let surround = Head::read(&head(6, 0, &[1, 4, 2, 0, 4, 1, 2, 3, 5]), false).unwrap();
        assert!(Opus::new(&surround).is_ok());
    }

    #[test]
    fn impossible_headers_are_errors() {
        let read = |bytes: &[u8]| Head::read(bytes, false).unwrap_err().kind();
        assert_eq!(read(&head(2, 0, &[])), ErrorKind::Damaged);
        assert_eq!(read(&head(0, 0, &[0])), ErrorKind::Damaged);
        assert_eq!(read(&head(6, 0, &[1, 4, 2, 0])), ErrorKind::Damaged);
        for rest in [&[1, 6, 0, 0, 1, 2, 3, 4, 5][..], &[255, 6, 0, 0, 1, 2, 3, 4, 5]] {
            let head = Head::read(&head(6, 0, rest), false).unwrap();
            assert_eq!(
                Opus::new(&head).err().unwrap().kind(),
                ErrorKind::UnsupportedCodec
            );
        }
    }

    #[test]
    fn a_packet_that_is_none_is_an_error() {
        let head = Head::read(&head(1, 0, &[0]), false).unwrap();
        let mut opus = Opus::new(&head).unwrap();
        let mut out = Vec::new();
        assert!(opus.decode(&[], &mut out).is_err());
        assert!(opus.decode(&[0x03], &mut out).is_err());
        assert!(out.is_empty());
    }
}
