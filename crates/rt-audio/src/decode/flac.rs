//! FLAC frames (RFC 9639) to interleaved floats, or of stereo to mono.
//!
//! A frame is a header and one part for each channel, and stands for itself: nothing is kept between frames. The
//! container's reader has found where it begins and ends.

mod bits;
mod subframe;
#[cfg(test)]
mod tests;

use bits::{Bits, SHORT};

use crate::error::{Error, ErrorKind};
use crate::mix::Layout;

/// Rates are below this.
const RATES: u32 = 655_351;

/// The state of decoding: what the stream's header says, and room for a block.
pub(super) struct Flac {
    /// Frames per second.
    rate: u32,
    /// Channels, 1 to 8.
    channels: usize,
    /// Bits of a sample.
    width: u32,
    /// The most frames of a block.
    longest: usize,
    /// Whether mono is wanted of stereo.
    mono: bool,
    /// A block, channel after channel.
    block: Vec<i32>,
}

/// The header of a frame.
struct Head {
    /// Frames in the block.
    frames: usize,
    /// How the channels are coded.
    coding: Coding,
    /// Bits of a sample, if it says so.
    width: Option<u32>,
}

/// How the channels are coded.
#[derive(Clone, Copy, PartialEq)]
enum Coding {
    /// Each for itself.
    Apart(usize),
    /// Left, and left less right.
    LeftSide,
    /// Left less right, and right.
    SideRight,
    /// The mean, and left less right.
    MidSide,
}

impl Flac {
    /// Makes the decoder that the stream's header asks for. Two channels may be wanted as mono.
    pub(super) fn new(info: &[u8], mono: bool) -> Result<Self, Error> {
        let damaged = || Error::new(ErrorKind::Damaged, "the FLAC header is damaged or cut");
        let info: &[u8; 34] = info.first_chunk().ok_or_else(damaged)?;
        let [short, long] = [0, 2].map(|at| u16::from_be_bytes([info[at], info[at + 1]]));
        let packed = u32::from_be_bytes([info[10], info[11], info[12], info[13]]);
        let (rate, channels, width) = (packed >> 12, packed >> 9 & 7, (packed >> 4 & 31) + 1);
        if short < 16 || long < short || !(1..RATES).contains(&rate) || width < 4 {
            return Err(damaged());
        }
        Ok(Self {
            rate,
            channels: channels as usize + 1,
            width,
            longest: usize::from(long),
            mono: mono && channels == 1,
            block: Vec::new(),
        })
    }

    /// Frames per second.
    pub(super) fn rate(&self) -> u32 {
        self.rate
    }

    /// Where the channels belong.
    pub(super) fn layout(&self) -> Layout {
        Layout::usual(self.channels)
    }

    /// What is decoded to.
    pub(super) fn output(&self) -> Layout {
        Layout::usual(if self.mono { 1 } else { self.channels })
    }

    /// Decodes a packet: its interleaved frames take the place of what was there. An error says what is wrong.
    pub(super) fn decode(&mut self, packet: &[u8], samples: &mut Vec<f32>) -> Result<(), &'static str> {
        let (head, body) = Head::find(packet)?;
        let width = head.width.unwrap_or(self.width);
        if head.frames > self.longest {
            return Err("a block is longer than the header allows");
        }
        let channels = match head.coding {
            Coding::Apart(channels) => channels,
            _ => 2,
        };
        if channels != self.channels {
            return Err("a frame has another number of channels than the header");
        }
        // What was in the block is overwritten.
        self.block.resize(head.frames * channels, 0);
        let mut bits = Bits::new(body);
        let side = match head.coding {
            Coding::Apart(_) => None,
            Coding::SideRight => Some(0),
            Coding::LeftSide | Coding::MidSide => Some(1),
        };
        if side.is_some() && width == 32 {
            return Err("a difference of channels has 33 bits, which are not decoded");
        }
        for (n, plane) in self.block.chunks_exact_mut(head.frames).enumerate() {
            subframe::read(&mut bits, width + u32::from(side == Some(n)), plane)?;
        }
        self.write(head.coding, head.frames, width, samples);
        Ok(())
    }

    /// Puts the channels together, as floats.
    fn write(&self, coding: Coding, frames: usize, width: u32, samples: &mut Vec<f32>) {
        // Bits beyond the width, which only damage brings, are cut off.
        let float = |sample: i32| (sample << (32 - width)) as f32 * (1.0 / 2_147_483_648.0);
        let (first, second) = self.block.split_at(frames);
        match coding {
            Coding::Apart(1) => {
                samples.clear();
                samples.extend(first.iter().map(|&sample| float(sample)));
            }
            Coding::Apart(2) => {
                self.write_pairs((first, second), float, |left, right| (left, right), samples)
            }
            Coding::Apart(channels) => {
                samples.resize(self.block.len(), 0.0);
                for (n, plane) in self.block.chunks_exact(frames).enumerate() {
                    for (out, &sample) in samples[n..].iter_mut().step_by(channels).zip(plane) {
                        *out = float(sample);
                    }
                }
            }
            Coding::LeftSide => {
                let both = |left: i32, side| (left, left.wrapping_sub(side));
                self.write_pairs((first, second), float, both, samples);
            }
            Coding::SideRight => {
                let both = |side, right: i32| (right.wrapping_add(side), right);
                self.write_pairs((first, second), float, both, samples);
            }
            Coding::MidSide => {
                let both = |mid: i32, side: i32| {
                    // The mean was rounded down; the lowest bit of the difference tells whether.
                    let sum = mid << 1 | side & 1;
                    (sum.wrapping_add(side) >> 1, sum.wrapping_sub(side) >> 1)
                };
                self.write_pairs((first, second), float, both, samples);
            }
        }
    }

    /// Writes two channels, of which `both` makes left and right.
    #[inline(always)]
    fn write_pairs(
        &self,
        (first, second): (&[i32], &[i32]),
        float: impl Fn(i32) -> f32,
        both: impl Fn(i32, i32) -> (i32, i32),
        samples: &mut Vec<f32>,
    ) {
        let pairs = first.iter().zip(second).map(|(&first, &second)| {
            let (left, right) = both(first, second);
            (float(left), float(right))
        });
        if self.mono {
            samples.clear();
            // As the mixer does.
            samples.extend(pairs.map(|(left, right)| left * 0.5 + right * 0.5));
        } else {
            samples.resize(2 * first.len(), 0.0);
            let frames = samples.as_chunks_mut::<2>().0;
            frames
                .iter_mut()
                .zip(pairs)
                .for_each(|(frame, (left, right))| *frame = [left, right]);
        }
    }
}

impl Head {
    /// Finds the first header in a packet; returns what follows it too.
    fn find(packet: &[u8]) -> Result<(Self, &[u8]), &'static str> {
        let is_sync = |pair: &[u8]| pair[0] == 0xff && pair[1] & 0xfc == 0xf8;
        let at = packet.windows(2).position(is_sync).ok_or("there is no frame")?;
        let frame = &packet[at..];
        let mut bytes = frame.iter().copied();
        let mut byte = || bytes.next().map(u32::from).ok_or(SHORT);
        let (_, strategy, sizes, format) = (byte()?, byte()? & 1, byte()?, byte()?);
        if format & 1 == 1 {
            return Err("the header of a frame has a bit set that must be 0");
        }
        // The number of the frame, coded as UTF-8 codes a character: in up to seven bytes.
        let first = byte()?;
        let more = match (first << 24).leading_ones() {
            0 => 0,
            n @ 2..=7 => n - 1,
            _ => return Err("the number of a frame is damaged"),
        };
        if strategy == 0 && more == 6 {
            return Err("the number of a frame is damaged");
        }
        for _ in 0..more {
            byte()?;
        }
        let frames = match sizes >> 4 {
            0 => return Err("the length of a block is not defined"),
            1 => 192,
            n @ 2..=5 => 144 << n,
            6 => byte()? + 1,
            7 => (byte()? << 8 | byte()?) + 1,
            n => 1 << n,
        };
        match sizes & 15 {
            12 => _ = byte()?,
            13 | 14 => _ = (byte()?, byte()?),
            15 => return Err("the rate of a frame is not defined"),
            _ => {}
        }
        let width = match format >> 1 & 7 {
            0 => None,
            1 => Some(8),
            2 => Some(12),
            4 => Some(16),
            5 => Some(20),
            6 => Some(24),
            7 => Some(32),
            _ => return Err("the width of samples is not defined"),
        };
        let coding = match format >> 4 {
            n @ 0..=7 => Coding::Apart(n as usize + 1),
            8 => Coding::LeftSide,
            9 => Coding::SideRight,
            10 => Coding::MidSide,
            _ => return Err("the coding of channels is not defined"),
        };
        let sum = byte()?;
        let len = frame.len() - bytes.len();
        if u32::from(crc8(&frame[..len - 1])) != sum && !cfg!(fuzzing) {
            return Err("the checksum of a frame's header is wrong");
        }
        let head = Self {
            frames: frames as usize,
            coding,
            width,
        };
        Ok((head, &frame[len..]))
    }
}

/// The checksum of a header: the polynomial is 7, and it begins with 0.
fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| {
        (0..8).fold(sum ^ byte, |sum, _| {
            sum << 1 ^ if sum & 0x80 == 0 { 0 } else { 7 }
        })
    })
}
