//! ADPCM, 4 bits a sample: Microsoft's and IMA's, the latter in blocks as in WAV and as in QuickTime.

use super::samples::i16_to_f32;

/// The variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Microsoft's.
    Microsoft,
    /// IMA's, in the blocks of WAV.
    ImaWav,
    /// IMA's, in packets of 34 bytes per channel, as AIFF-C and CAF have it.
    ImaQuickTime,
}

/// Bytes and frames of a QuickTime packet.
pub(super) const QUICKTIME_PACKET: (usize, usize) = (34, 64);

impl Kind {
    /// Bytes in front of the 4-bit samples, per channel, and the frames they stand for.
    fn head(self) -> (usize, usize) {
        match self {
            Self::Microsoft => (7, 2),
            Self::ImaWav => (4, 1),
            Self::ImaQuickTime => (2, 0),
        }
    }

    /// Frames in a block of which so many bytes are there.
    pub(super) fn frames(self, bytes: usize, channels: usize) -> usize {
        let channels = channels.max(1);
        let (head, given) = self.head();
        let Some(body) = bytes.checked_sub(head * channels) else {
            return 0;
        };
        match self {
            Self::Microsoft => given + body * 2 / channels,
            // The channels take turns of four bytes, eight samples.
            Self::ImaWav => given + body / (4 * channels) * 8,
            // One channel after the other.
            Self::ImaQuickTime if bytes >= QUICKTIME_PACKET.0 * channels => QUICKTIME_PACKET.1,
            Self::ImaQuickTime => 0,
        }
    }
}

/// What is remembered of one channel.
#[derive(Debug, Clone, Copy, Default)]
struct Channel {
    /// The last sample, and the one before.
    last: (i32, i32),
    /// The step, or its number in the table.
    step: i32,
    /// Which weights of the table predict.
    weights: (i32, i32),
}

/// A decoder.
#[derive(Debug)]
pub(super) struct Adpcm {
    kind: Kind,
    channels: Vec<Channel>,
    /// A block, channel after channel.
    frames: Vec<i16>,
}

impl Adpcm {
    pub(super) fn new(kind: Kind, channels: usize) -> Self {
        Self {
            kind,
            channels: vec![Channel::default(); channels],
            frames: Vec::new(),
        }
    }

    /// Appends the frames of a block, interleaved. Of one that is cut, what is there.
    pub(super) fn decode(&mut self, block: &[u8], out: &mut Vec<f32>) {
        let count = self.channels.len();
        let frames = self.kind.frames(block.len(), count);
        if frames == 0 {
            return;
        }
        self.frames.clear();
        self.frames.resize(frames * count, 0);
        match self.kind {
            Kind::Microsoft => self.microsoft(block),
            Kind::ImaWav => self.ima_wav(block),
            Kind::ImaQuickTime => self.ima_quicktime(block),
        }
        out.extend(self.frames.iter().map(|&sample| i16_to_f32(sample)));
    }

    fn microsoft(&mut self, block: &[u8]) {
        let count = self.channels.len();
        let word = |at: usize| i32::from(i16::from_le_bytes([block[at], block[at + 1]]));
        for (n, channel) in self.channels.iter_mut().enumerate() {
            let weights = MICROSOFT_WEIGHTS.get(usize::from(block[n]));
            channel.weights = weights.copied().unwrap_or_default();
            channel.step = word(count + 2 * n);
            channel.last = (word(3 * count + 2 * n), word(5 * count + 2 * n));
            self.frames[n] = saturate(channel.last.1);
            self.frames[count + n] = saturate(channel.last.0);
        }
        let codes = block[7 * count..].iter().flat_map(|&byte| [byte >> 4, byte & 15]);
        for ((n, code), sample) in (0..count).cycle().zip(codes).zip(&mut self.frames[2 * count..]) {
            *sample = self.channels[n].microsoft(code);
        }
    }

    fn ima_wav(&mut self, block: &[u8]) {
        let count = self.channels.len();
        for (n, channel) in self.channels.iter_mut().enumerate() {
            let head = &block[4 * n..4 * n + 4];
            channel.last.0 = i32::from(i16::from_le_bytes([head[0], head[1]]));
            channel.step = i32::from(head[2]).min(88);
            self.frames[n] = saturate(channel.last.0);
        }
        let groups = block[4 * count..].chunks_exact(4 * count);
        for (group, frames) in groups.zip(self.frames[count..].chunks_exact_mut(8 * count)) {
            for (n, bytes) in group.chunks_exact(4).enumerate() {
                for (at, &byte) in bytes.iter().enumerate() {
                    let channel = &mut self.channels[n];
                    frames[2 * at * count + n] = channel.ima(byte & 15, scaled);
                    frames[(2 * at + 1) * count + n] = channel.ima(byte >> 4, scaled);
                }
            }
        }
    }

    fn ima_quicktime(&mut self, block: &[u8]) {
        let count = self.channels.len();
        for (n, packet) in block.chunks_exact(QUICKTIME_PACKET.0).take(count).enumerate() {
            let head = i16::from_be_bytes([packet[0], packet[1]]);
            let (step, sample) = (i32::from(head & 0x7f), i32::from(head & !0x7f));
            let channel = &mut self.channels[n];
            // The header has the sample without its low bits: better to go on with all of them.
            if channel.step != step || (channel.last.0 - sample).abs() > 0x7f {
                channel.last.0 = sample;
                channel.step = step.min(88);
            }
            for (at, &byte) in packet[2..].iter().enumerate() {
                self.frames[2 * at * count + n] = channel.ima(byte & 15, summed);
                self.frames[(2 * at + 1) * count + n] = channel.ima(byte >> 4, summed);
            }
        }
    }
}

impl Channel {
    /// The next sample of Microsoft's.
    fn microsoft(&mut self, code: u8) -> i16 {
        let (last, before) = self.last;
        let guess = (last * self.weights.0 + before * self.weights.1) / 256;
        let error = i32::from(code) - if code & 8 == 0 { 0 } else { 16 };
        let sample = saturate(guess.saturating_add(error.saturating_mul(self.step)));
        self.last = (i32::from(sample), last);
        let factor = MICROSOFT_STEPS[usize::from(code & 15)];
        self.step = (self.step.saturating_mul(factor) >> 8).clamp(16, i32::MAX / 768);
        sample
    }

    /// The next sample of IMA's; `difference` is its formula.
    fn ima(&mut self, code: u8, difference: fn(i32, i32) -> i32) -> i16 {
        let magnitude = code & 7;
        let step = usize::try_from(self.step).ok().and_then(|at| IMA_STEPS.get(at));
        let difference = difference(i32::from(magnitude), step.copied().unwrap_or_default().into());
        let signed = if code & 8 == 0 { difference } else { -difference };
        self.step = (self.step + IMA_ADJUST[usize::from(magnitude)]).clamp(0, 88);
        let sample = saturate(self.last.0 + signed);
        self.last.0 = sample.into();
        sample
    }
}

/// (magnitude + 1/2) * step / 4, rounded once.
fn scaled(magnitude: i32, step: i32) -> i32 {
    ((2 * magnitude + 1) * step) >> 3
}

/// The same, as the sum of its rounded parts.
fn summed(magnitude: i32, step: i32) -> i32 {
    let part = |bit: i32, shift: u32| if magnitude & bit == 0 { 0 } else { step >> shift };
    (step >> 3) + part(4, 0) + part(2, 1) + part(1, 2)
}

/// The nearest 16-bit number.
fn saturate(sample: i32) -> i16 {
    i16::try_from(sample).unwrap_or(if sample < 0 { i16::MIN } else { i16::MAX })
}

/// Weights of the last two samples, in 256ths.
const MICROSOFT_WEIGHTS: [(i32, i32); 7] = [
    (256, 0),
    (512, -256),
    (0, 0),
    (192, 64),
    (240, 0),
    (460, -208),
    (392, -232),
];

/// How the step changes with a code, in 256ths.
const MICROSOFT_STEPS: [i32; 16] = [
    230, 230, 230, 230, 307, 409, 512, 614, 768, 614, 512, 409, 307, 230, 230, 230,
];

/// How the number of the step changes with a magnitude.
const IMA_ADJUST: [i32; 8] = [-1, -1, -1, -1, 2, 4, 6, 8];

/// The steps.
const IMA_STEPS: [i16; 89] = [
    7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88,
    97, 107, 118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658,
    724, 796, 876, 963, 1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660,
    4026, 4428, 4871, 5358, 5894, 6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818,
    18500, 20350, 22385, 24623, 27086, 29794, 32767,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_have_the_frames_their_headers_usually_tell() {
        for (kind, bytes, channels, frames) in [
            (Kind::Microsoft, 256, 1, 500),
            (Kind::Microsoft, 1024, 2, 1012),
            (Kind::ImaWav, 256, 1, 505),
            (Kind::ImaWav, 2048, 2, 2041),
            (Kind::ImaQuickTime, 34, 1, 64),
            (Kind::ImaQuickTime, 68, 2, 64),
            (Kind::Microsoft, 6, 1, 0),
            (Kind::ImaWav, 7, 2, 0),
            (Kind::ImaWav, 4, 1, 1),
            (Kind::ImaQuickTime, 33, 1, 0),
        ] {
            assert_eq!(kind.frames(bytes, channels), frames, "{kind:?}, {bytes} bytes");
        }
    }

    #[test]
    fn any_bytes_of_any_length_are_decoded() {
        let mut seed = 9u32;
        let noise: Vec<u8> = (0..300)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                seed.to_be_bytes()[0]
            })
            .collect();
        for kind in [Kind::Microsoft, Kind::ImaWav, Kind::ImaQuickTime] {
            for channels in 1..=3 {
                let mut decoder = Adpcm::new(kind, channels);
                for len in 0..noise.len() {
                    let mut out = Vec::new();
                    decoder.decode(&noise[..len], &mut out);
                    assert_eq!(out.len(), kind.frames(len, channels) * channels);
                    assert!(out.iter().all(|x| (-1.0..1.0).contains(x)));
                }
            }
        }
    }

    #[test]
    fn a_known_block() {
        // First sample 100, step number 0 (7): codes 7 and 15 move by 15/8 of the step.
        let mut out = Vec::new();
        Adpcm::new(Kind::ImaWav, 1).decode(&[100, 0, 0, 0, 0xf7, 0, 0, 0], &mut out);
        let samples: Vec<f32> = out.iter().map(|x| x * 32_768.0).collect();
        // Then the step is 16, then 34.
        assert_eq!(samples[..3], [100.0, 113.0, 83.0]);
    }
}
