//! The four bytes that each frame begins with.

/// Kilobits per second of MPEG-1, by the number in the header; 0 is a rate that is not named ("free format").
const BIT_RATES: [u32; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];

/// The same of MPEG-2 and 2.5.
const LOW_BIT_RATES: [u32; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];

/// Sample rates: three each of MPEG-1, 2 and 2.5.
pub(super) const RATES: [u32; 9] = [
    44_100, 48_000, 32_000, 22_050, 24_000, 16_000, 11_025, 12_000, 8_000,
];

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Whether it is MPEG-1: two granules in a frame, and more of everything.
    pub(super) mpeg1: bool,
    /// The place of the sample rate in [`RATES`].
    pub(super) rate_index: usize,
    /// Whether a checksum of two bytes follows.
    pub(super) checksum: bool,
    /// The bytes of the frame, the header included; `None` if it does not say.
    pub(super) length: Option<usize>,
    /// 1 or 2.
    pub(super) channels: usize,
    /// Whether two channels are sum and difference.
    pub(super) mid_side: bool,
    /// Whether the second channel is the first one from somewhere else, where it is not coded.
    pub(super) intensity: bool,
}

impl Header {
    /// Reads the header of a frame of layer III; `None` if it is none.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let word = u32::from_be_bytes(*bytes.first_chunk()?);
        let field = |from: u32, width: u32| (word >> from & ((1 << width) - 1)) as usize;
        let version = match field(19, 2) {
            3 => 0,
            2 => 1,
            0 => 2,
            _ => return None,
        };
        let mpeg1 = version == 0;
        let rate_index = Some(field(10, 2)).filter(|index| *index < 3)?;
        let rate_index = version * 3 + rate_index;
        let bit_rates = if mpeg1 { &BIT_RATES } else { &LOW_BIT_RATES };
        let bit_rate = *bit_rates.get(field(12, 4))?;
        if field(21, 11) != 0x7ff || field(17, 2) != 1 {
            return None;
        }
        let slots = if mpeg1 { 144_000 } else { 72_000 };
        let length = (slots * bit_rate / RATES[rate_index]) as usize + field(9, 1);
        let (mode, extension) = (field(6, 2), field(4, 2));
        Some(Self {
            mpeg1,
            rate_index,
            checksum: field(16, 1) == 0,
            length: (bit_rate > 0).then_some(length),
            channels: if mode == 3 { 1 } else { 2 },
            mid_side: mode == 1 && extension & 2 != 0,
            intensity: mode == 1 && extension & 1 != 0,
        })
    }

    /// Samples per second.
    pub(super) fn rate(&self) -> u32 {
        RATES[self.rate_index]
    }

    /// Granules of 576 frames.
    pub(super) fn granules(&self) -> usize {
        if self.mpeg1 { 2 } else { 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_version() {
        for (bytes, rate, length, channels) in [
            ([0xff, 0xfb, 0x90, 0xc4], 44_100, Some(417), 1),
            ([0xff, 0xfb, 0x92, 0x64], 44_100, Some(418), 2),
            ([0xff, 0xfa, 0xe4, 0x00], 48_000, Some(960), 2),
            ([0xff, 0xf3, 0x88, 0xc4], 16_000, Some(288), 1),
            ([0xff, 0xe3, 0x18, 0xc4], 8_000, Some(72), 1),
            ([0xff, 0xfb, 0x00, 0xc4], 44_100, None, 1),
        ] {
            let header = Header::read(&bytes).unwrap();
            assert_eq!(
                (header.rate(), header.length, header.channels),
                (rate, length, channels)
            );
        }
        let joint = Header::read(&[0xff, 0xfa, 0x90, 0x60]).unwrap();
        assert!(joint.mid_side && !joint.intensity && joint.checksum && joint.granules() == 2);
        let joint = Header::read(&[0xff, 0xf3, 0x90, 0x50]).unwrap();
        assert!(!joint.mid_side && joint.intensity && !joint.checksum && joint.granules() == 1);
        // Without joint stereo these bits mean nothing.
        let apart = Header::read(&[0xff, 0xfb, 0x90, 0x30]).unwrap();
        assert!(!apart.mid_side && !apart.intensity);
    }

    #[test]
    fn what_is_no_header() {
        for bytes in [
            &[0xff, 0xfb, 0x90][..],
            &[0xfe, 0xfb, 0x90, 0],
            &[0xff, 0xeb, 0x90, 0],
            &[0xff, 0xfd, 0x90, 0],
            &[0xff, 0xfb, 0xf0, 0],
            &[0xff, 0xfb, 0x9c, 0],
        ] {
            assert_eq!(Header::read(bytes), None, "{bytes:x?}");
        }
    }
}
