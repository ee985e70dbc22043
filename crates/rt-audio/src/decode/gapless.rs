//! Removing what an encoder put in front of and behind the audio.

/// What becomes of frames behind the body.
#[derive(Debug, Clone, Copy)]
enum Behind {
    /// Up to so many are padding, if the stream ends with them. Two files joined into one carry the header
    /// of the first, and the audio behind its end is kept.
    Padding(u64),
    /// They are not played.
    #[cfg(feature = "m4a")]
    Dropped,
    /// The last frames are not played, wherever the end is.
    #[cfg(feature = "opus")]
    Tail(u64),
}

/// Cuts the encoder's delay and padding from a stream of blocks.
#[derive(Debug)]
pub(super) struct Gapless {
    /// Frames still to be dropped at the start.
    delay: u64,
    /// Frames of audio still to come before the padding, if the header tells.
    body: Option<u64>,
    /// What follows the body.
    behind: Behind,
    /// Samples that are padding, if nothing follows.
    held: Vec<f32>,
    /// The channels of what is held.
    channels: usize,
}

impl Gapless {
    /// Drops nothing.
    pub(super) fn none() -> Self {
        Self::delay(0)
    }

    /// Drops so many frames at the start.
    pub(super) fn delay(delay: u64) -> Self {
        Self::padded(delay, None, 0)
    }

    /// Drops so many frames in front of the body, and up to so many behind it.
    pub(super) fn padded(delay: u64, body: Option<u64>, padding: u64) -> Self {
        Self {
            delay,
            body,
            behind: Behind::Padding(padding),
            held: Vec::new(),
            channels: 0,
        }
    }

    /// Drops so many frames in front of the body, and everything behind it.
    #[cfg(feature = "m4a")]
    pub(super) fn cut_to(delay: u64, body: Option<u64>) -> Self {
        Self {
            behind: Behind::Dropped,
            ..Self::padded(delay, body, 0)
        }
    }

    /// Drops so many frames at the start, and so many at the end.
    #[cfg(feature = "opus")]
    pub(super) fn without_tail(delay: u64, tail: u64) -> Self {
        Self {
            behind: Behind::Tail(tail),
            ..Self::padded(delay, Some(0), 0)
        }
    }

    /// Cuts a block of interleaved samples.
    pub(super) fn cut(&mut self, samples: &mut Vec<f32>, channels: usize) {
        if std::mem::replace(&mut self.channels, channels) != channels {
            // A damaged file goes on with other channels: what the header calls padding does not fit in front of them.
            self.held.clear();
        }
        let frames = |samples: &[f32]| (samples.len() / channels.max(1)) as u64;
        let in_samples = |frames: u64| {
            usize::try_from(frames)
                .unwrap_or(usize::MAX)
                .saturating_mul(channels)
        };

        let dropped = self.delay.min(frames(samples));
        self.delay -= dropped;
        samples.drain(..in_samples(dropped));

        let Some(body) = self.body else { return };
        let kept = body.min(frames(samples));
        self.body = Some(body - kept);
        let behind = samples.drain(in_samples(kept)..);
        match self.behind {
            Behind::Padding(padding) => {
                self.held.extend(behind);
                if frames(&self.held) > padding {
                    samples.append(&mut self.held);
                    self.body = None;
                }
            }
            #[cfg(feature = "m4a")]
            Behind::Dropped => drop(behind),
            #[cfg(feature = "opus")]
            Behind::Tail(tail) => {
                self.held.extend(behind);
                let ready = frames(&self.held).saturating_sub(tail);
                samples.extend(self.held.drain(..in_samples(ready)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(mut gapless: Gapless, total: usize, block: usize, channels: usize) -> Vec<f32> {
        let samples: Vec<f32> = (0..total * channels).map(|n| n as f32).collect();
        let mut out = Vec::new();
        for piece in samples.chunks(block * channels) {
            let mut piece = piece.to_vec();
            gapless.cut(&mut piece, channels);
            out.extend(piece);
        }
        out
    }

    fn numbers(range: std::ops::Range<u16>) -> Vec<f32> {
        range.map(f32::from).collect()
    }

    #[test]
    fn delay_and_padding_go() {
        for block in [1, 3, 7, 100] {
            let out = run(Gapless::padded(5, Some(80), 15), 100, block, 1);
            assert_eq!(out, numbers(5..85), "blocks of {block}");
        }
        assert_eq!(run(Gapless::padded(1, Some(2), 1), 4, 1, 2), numbers(2..6));
    }

    #[test]
    fn audio_behind_the_padding_is_kept_whole() {
        for block in [1, 7, 200] {
            let out = run(Gapless::padded(5, Some(80), 15), 200, block, 1);
            assert_eq!(out, numbers(5..200), "blocks of {block}");
        }
    }

    #[test]
    fn what_is_held_does_not_get_between_other_channels() {
        let mut gapless = Gapless::padded(0, Some(4), 100);
        let mut mono: Vec<f32> = numbers(0..7);
        gapless.cut(&mut mono, 1);
        assert_eq!(mono, numbers(0..4));
        let mut stereo = numbers(0..300);
        gapless.cut(&mut stereo, 2);
        assert_eq!(stereo, numbers(0..300), "whole frames, each in its place");
    }

    #[cfg(feature = "m4a")]
    #[test]
    fn or_dropped() {
        for block in [1, 7, 200] {
            let out = run(Gapless::cut_to(5, Some(80)), 200, block, 1);
            assert_eq!(out, numbers(5..85), "blocks of {block}");
        }
    }

    #[cfg(feature = "opus")]
    #[test]
    fn a_tail_goes_wherever_the_end_is() {
        for block in [1, 7, 200] {
            let out = run(Gapless::without_tail(5, 30), 200, block, 1);
            assert_eq!(out, numbers(5..170), "blocks of {block}");
        }
    }

    #[test]
    fn without_a_header_everything_stays() {
        assert_eq!(run(Gapless::none(), 10, 4, 1).len(), 10);
    }
}
