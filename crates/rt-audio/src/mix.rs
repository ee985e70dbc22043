//! From any channels to mono.

/// Speaker bits of a WAVE channel mask; the decoders use the same numbers.
mod speaker {
    pub(super) const FRONT: u64 = 1 << 0 | 1 << 1 | 1 << 6 | 1 << 7;
    pub(super) const CENTER: u64 = 1 << 2;
    pub(super) const LOW_FREQUENCY: u64 = 1 << 3 | 1 << 18;
    pub(super) const REAR_CENTER: u64 = 1 << 8;
}

/// Where the channels of a frame belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One channel per set bit of a WAVE channel mask, lowest bit first.
    Speakers(u64),
    /// Channels without a place.
    Discrete(usize),
}

impl Layout {
    /// The usual layout of so many channels, for files that do not say.
    pub(crate) fn usual(channels: usize) -> Self {
        match channels {
            1 => Self::Speakers(0b100),
            2 => Self::Speakers(0b11),
            3 => Self::Speakers(0b111),
            4 => Self::Speakers(0x33),
            5 => Self::Speakers(0x37),
            6 => Self::Speakers(0x3f),
            7 => Self::Speakers(0x70f),
            8 => Self::Speakers(0x63f),
            many => Self::Discrete(many),
        }
    }

    /// The number of channels.
    pub(crate) fn channels(self) -> usize {
        match self {
            Self::Speakers(mask) => mask.count_ones() as usize,
            Self::Discrete(channels) => channels,
        }
    }

    /// What each channel contributes to mono. The sum is 1, so the mix cannot clip.
    ///
    /// In the proportions of the usual stereo down-mix: front 1, centre 2 * 0.707 (it goes to both sides),
    /// surround 0.707, low frequencies nothing.
    pub(crate) fn weights(self) -> Vec<f32> {
        let channels = self.channels();
        let equal = || vec![1.0; channels];
        let mut weights = match self {
            Self::Discrete(_) => equal(),
            Self::Speakers(mask) => (0..u64::BITS)
                .map(|bit| 1u64 << bit)
                .filter(|bit| mask & bit != 0)
                .map(|bit| match bit {
                    bit if bit & speaker::FRONT != 0 => 1.0,
                    bit if bit & speaker::CENTER != 0 => std::f32::consts::SQRT_2,
                    bit if bit & speaker::LOW_FREQUENCY != 0 => 0.0,
                    bit if bit & speaker::REAR_CENTER != 0 => 1.0,
                    _ => std::f32::consts::FRAC_1_SQRT_2,
                })
                .collect(),
        };
        if weights.iter().all(|weight| *weight == 0.0) {
            weights = equal();
        }
        let sum: f32 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
        weights
    }
}

/// Mixes interleaved frames of one layout to mono.
#[derive(Debug)]
pub(crate) struct Mixer {
    /// The layout that the weights are for.
    layout: Layout,
    /// What each channel contributes.
    weights: Vec<f32>,
}

impl Mixer {
    /// A mixer for frames of this layout.
    pub(crate) fn new(layout: Layout) -> Self {
        Self {
            layout,
            weights: layout.weights(),
        }
    }

    /// The layout it was made for.
    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    /// Whether frames are nothing but copied.
    pub(crate) fn is_copy(&self) -> bool {
        self.weights.len() == 1
    }

    /// Appends the mono mix of whole interleaved frames. What is not a number becomes 0: one such sample
    /// would spoil a whole block of the resampler.
    pub(crate) fn mix_into(&self, frames: &[f32], out: &mut Vec<f32>) {
        match *self.weights.as_slice() {
            [_] => out.extend(frames.iter().map(|&sample| finite(sample))),
            [left, right] => {
                out.extend(
                    frames
                        .chunks_exact(2)
                        .map(|frame| finite(frame[0] * left + frame[1] * right)),
                );
            }
            ref weights => out.extend(frames.chunks_exact(weights.len()).map(|frame| {
                finite(
                    frame
                        .iter()
                        .zip(weights)
                        .map(|(sample, weight)| sample * weight)
                        .sum(),
                )
            })),
        }
    }
}

/// The sample, or 0 if it is none, kept within a range that cannot overflow later on. One comparison and no
/// branch, so that many are done at once.
fn finite(sample: f32) -> f32 {
    if sample.abs() < f32::INFINITY {
        sample.clamp(-1024.0, 1024.0)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mix(layout: Layout, frames: &[f32]) -> Vec<f32> {
        let mut out = Vec::new();
        Mixer::new(layout).mix_into(frames, &mut out);
        out
    }

    #[test]
    fn mono_is_untouched_and_stereo_is_the_average() {
        assert_eq!(mix(Layout::usual(1), &[0.25, -1.0]), [0.25, -1.0]);
        assert_eq!(
            mix(Layout::usual(2), &[0.5, 0.25, 1.0, 1.0, -1.0, 1.0]),
            [0.375, 1.0, 0.0]
        );
    }

    #[test]
    fn five_one_follows_the_usual_proportions_and_cannot_clip() {
        let weights = Layout::usual(6).weights();
        assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!((weights[2] / weights[0] - 1.414).abs() < 1e-3);
        assert!((weights[4] / weights[0] - 0.707).abs() < 1e-3);
        assert_eq!(weights[3], 0.0);
        let full = mix(Layout::usual(6), &[1.0; 6]);
        assert!(full[0] <= 1.0 + 1e-6 && full[0] > 0.999);
    }

    #[test]
    fn channels_without_a_place_count_the_same() {
        assert_eq!(mix(Layout::Discrete(4), &[1.0, 0.0, 0.0, 1.0]), [0.5]);
        assert_eq!(mix(Layout::Speakers(1 << 3), &[0.5]), [0.5]);
    }

    #[test]
    fn every_usual_layout_has_its_number_of_channels() {
        for channels in 1..=64 {
            assert_eq!(Layout::usual(channels).channels(), channels);
            assert_eq!(Layout::usual(channels).weights().len(), channels);
        }
    }

    #[test]
    fn what_is_not_a_number_is_silence() {
        assert_eq!(
            mix(Layout::usual(1), &[f32::NAN, f32::INFINITY, 0.5, 1e30]),
            [0.0, 0.0, 0.5, 1024.0]
        );
    }
}
