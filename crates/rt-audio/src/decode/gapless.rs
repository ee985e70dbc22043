//! Removing what an MP3 encoder put in front of and behind the audio.

/// Cuts the encoder's delay and padding from a stream of blocks.
///
/// The padding is dropped only if the stream ends with it: two files joined into one carry the header of
/// the first, and the audio behind its end is kept.
#[derive(Debug)]
pub(super) struct Gapless {
    /// Frames still to be dropped at the start.
    delay: u64,
    /// Frames of audio still to come before the padding, if the header tells.
    body: Option<u64>,
    /// Frames of padding.
    padding: u64,
    /// Samples that are padding, if nothing follows.
    held: Vec<f32>,
}

impl Gapless {
    /// Drops nothing.
    pub(super) fn none() -> Self {
        Self::new(0, None, 0)
    }

    /// Drops so many frames in front of the body and behind it.
    pub(super) fn new(delay: u64, body: Option<u64>, padding: u64) -> Self {
        Self {
            delay,
            body,
            padding,
            held: Vec::new(),
        }
    }

    /// Cuts a block of interleaved samples.
    pub(super) fn cut(&mut self, samples: &mut Vec<f32>, channels: usize) {
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
        self.held.extend(samples.drain(in_samples(kept)..));
        if frames(&self.held) > self.padding {
            samples.append(&mut self.held);
            self.body = None;
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

    #[test]
    fn delay_and_padding_go() {
        for block in [1, 3, 7, 100] {
            let out = run(Gapless::new(5, Some(80), 15), 100, block, 1);
            assert_eq!(
                out,
                (5..85).map(|n| n as f32).collect::<Vec<_>>(),
                "blocks of {block}"
            );
        }
        assert_eq!(run(Gapless::new(1, Some(2), 1), 4, 1, 2), [2.0, 3.0, 4.0, 5.0]);
    }

    #[test]
    fn audio_behind_the_padding_is_kept_whole() {
        for block in [1, 7, 200] {
            let out = run(Gapless::new(5, Some(80), 15), 200, block, 1);
            assert_eq!(
                out,
                (5..200).map(|n| n as f32).collect::<Vec<_>>(),
                "blocks of {block}"
            );
        }
    }

    #[test]
    fn without_a_header_everything_stays() {
        assert_eq!(run(Gapless::none(), 10, 4, 1).len(), 10);
    }
}
