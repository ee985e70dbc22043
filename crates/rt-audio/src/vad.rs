//! [`Vad`]: where somebody speaks.

use std::fmt;
use std::time::Duration;

use earshot::Detector;
use rt_protocol::Pcm16;

use crate::info::duration_of;
use crate::resample::Resampler;

/// The rate of the detector in Hz.
const RATE: u32 = 16_000;

/// Samples the detector looks at: 16 ms.
const FRAME: usize = 256;

/// The most latency of the conversion to the detector's rate.
const LATENCY: Duration = Duration::from_millis(12);

/// What part of the threshold is enough while somebody speaks.
const HYSTERESIS: f32 = 0.7;

/// When speech counts as such.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct VadOptions {
    /// The probability from which a frame of 16 ms is speech, from 0 to 1. Default: 0.5. While somebody speaks,
    /// 0.7 of it is enough. Even digital silence has a probability of 0.15 to 0.2, so below 0.3 speech may
    /// never stop; with 0, where everything is speech, it never does.
    pub threshold: f32,
    /// How long there must be speech before it has started. Default: 64 ms, which a click does not reach.
    pub min_speech: Duration,
    /// How long there must be none before it has stopped. Default: 500 ms, a pause within a sentence.
    pub min_silence: Duration,
}

impl Default for VadOptions {
    fn default() -> Self {
        Self {
            threshold: 0.5,
            min_speech: Duration::from_millis(64),
            min_silence: Duration::from_millis(500),
        }
    }
}

impl VadOptions {
    /// Sets the probability from which a frame is speech.
    #[must_use]
    pub fn threshold(mut self, threshold: f32) -> Self {
        self.threshold = threshold;
        self
    }

    /// Sets how long there must be speech before it has started.
    #[must_use]
    pub fn min_speech(mut self, duration: Duration) -> Self {
        self.min_speech = duration;
        self
    }

    /// Sets how long there must be none before it has stopped.
    #[must_use]
    pub fn min_silence(mut self, duration: Duration) -> Self {
        self.min_silence = duration;
        self
    }
}

/// What changed. Times count from the first sample pushed, to a frame of 16 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum VadEvent {
    /// Somebody has been speaking since.
    Started {
        /// The beginning of the speech.
        at: Duration,
    },
    /// Nobody has been speaking since.
    Stopped {
        /// The end of the speech.
        at: Duration,
    },
}

/// A small detector of speech for clients: to send only what is said, to stop playing when the user speaks.
/// The service has its own, which knows more; this one needs 0.1 % of a core and no model file.
///
/// ```
/// use rt_audio::Pcm16;
/// use rt_audio::vad::{Vad, VadEvent};
/// use std::time::Duration;
///
/// let speech = rt_audio::read("../../fixtures/audio/question.wav")?;
/// let pause = Pcm16::silence(Duration::from_secs(1));
/// let mut vad = Vad::default();
/// let mut events = Vec::new();
/// for chunk in Pcm16::concat([&pause, &speech, &pause]).chunks(Duration::from_millis(20)) {
///     events.extend(vad.push(&chunk));
/// }
/// assert!(matches!(events[0], VadEvent::Started { at } if at >= Duration::from_millis(900)));
/// assert!(matches!(events[1], VadEvent::Stopped { at } if at <= Duration::from_millis(4_400)));
/// # Ok::<(), rt_audio::Error>(())
/// ```
pub struct Vad {
    /// The network.
    detector: Box<Detector>,
    /// To its rate.
    resampler: Resampler,
    /// What is converted and not looked at yet.
    pending: Vec<f32>,
    /// When speech counts.
    options: VadOptions,
    /// Frames looked at.
    frames: u64,
    /// Whether somebody speaks.
    speaking: bool,
    /// How many frames in a row said the opposite.
    opposed: u64,
    /// What the last frame gave.
    probability: f32,
}

impl Default for Vad {
    fn default() -> Self {
        Self::new(VadOptions::default())
    }
}

impl Vad {
    /// A detector for one stream of audio.
    #[must_use]
    #[expect(clippy::expect_used, reason = "24 and 16 kHz are within the range")]
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn new(options: VadOptions) -> Self {
        let resampler = Resampler::with_latency(Pcm16::SAMPLE_RATE, RATE, LATENCY);
        Self {
            detector: Detector::default_boxed(),
            resampler: resampler.expect("both rates can be converted"),
            pending: Vec::new(),
            options,
            frames: 0,
            speaking: false,
            opposed: 0,
            probability: 0.0,
        }
    }

    /// Takes audio and tells what changed in it. It lags behind by up to 28 ms, and by the durations of the
    /// [`VadOptions`].
    pub fn push(&mut self, audio: &Pcm16) -> Vec<VadEvent> {
        let floats: Vec<f32> = audio
            .samples()
            .map(|sample| f32::from(sample) / 32_768.0)
            .collect();
        let mut pending = std::mem::take(&mut self.pending);
        self.resampler.push(&floats, &mut pending);
        let frames = pending.chunks_exact(FRAME);
        let rest = frames.remainder().to_vec();
        let events = frames.filter_map(|frame| self.frame(frame)).collect();
        self.pending = rest;
        events
    }

    /// Ends the stream of audio: if somebody was speaking, tells that it stopped, and when. Afterwards it is as
    /// new, for another stream. What [`push`](Self::push) has not looked at yet, up to 28 ms, is left out.
    pub fn finish(&mut self) -> Option<VadEvent> {
        let stopped = self.speaking.then(|| VadEvent::Stopped {
            at: self.opposed_since(),
        });
        self.reset();
        stopped
    }

    /// Whether somebody speaks.
    #[must_use]
    pub fn is_speech(&self) -> bool {
        self.speaking
    }

    /// How probable speech was in the last 16 ms, from 0 to 1.
    #[must_use]
    pub fn probability(&self) -> f32 {
        self.probability
    }

    /// Forgets everything, for another stream of audio.
    pub fn reset(&mut self) {
        let options = self.options.clone();
        *self = Self::new(options);
    }

    /// Looks at a frame.
    fn frame(&mut self, frame: &[f32]) -> Option<VadEvent> {
        // What is too loud would be out of the detector's range.
        let frame: Vec<f32> = frame.iter().map(|sample| sample.clamp(-1.0, 1.0)).collect();
        self.probability = self.detector.predict_f32(&frame);
        self.frames += 1;
        // While somebody speaks, a little less is enough: the threshold would be crossed all the time.
        let threshold = self.options.threshold * if self.speaking { HYSTERESIS } else { 1.0 };
        if (self.probability >= threshold) == self.speaking {
            self.opposed = 0;
            return None;
        }
        self.opposed += 1;
        let needed = if self.speaking {
            self.options.min_silence
        } else {
            self.options.min_speech
        };
        if duration_of(self.opposed * FRAME as u64, RATE) < needed {
            return None;
        }
        let at = self.opposed_since();
        self.speaking = !self.speaking;
        self.opposed = 0;
        Some(if self.speaking {
            VadEvent::Started { at }
        } else {
            VadEvent::Stopped { at }
        })
    }

    /// Since when every frame has said the opposite; the end of the last frame, if it did not.
    fn opposed_since(&self) -> Duration {
        duration_of((self.frames - self.opposed) * FRAME as u64, RATE)
    }
}

impl fmt::Debug for Vad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vad")
            .field("options", &self.options)
            .field("speaking", &self.speaking)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The events of audio pushed in chunks.
    fn events(vad: &mut Vad, audio: &Pcm16, chunk: Duration) -> Vec<VadEvent> {
        audio.chunks(chunk).flat_map(|chunk| vad.push(&chunk)).collect()
    }

    /// Two sentences with pauses around them.
    fn sentences() -> Pcm16 {
        let pause = Pcm16::silence(Duration::from_millis(1_200));
        let one = crate::read("../../fixtures/audio/hello.wav").unwrap();
        let other = crate::read("../../fixtures/audio/question.wav").unwrap();
        Pcm16::concat([&pause, &one, &pause, &other, &pause])
    }

    #[test]
    fn sentences_are_found_whatever_the_chunks() {
        let audio = sentences();
        let expected = events(&mut Vad::default(), &audio, Duration::from_secs(60));
        let kinds: Vec<bool> = expected
            .iter()
            .map(|event| matches!(event, VadEvent::Started { .. }))
            .collect();
        assert_eq!(kinds, [true, false, true, false]);
        let VadEvent::Started { at } = expected[0] else {
            unreachable!()
        };
        assert!(
            at >= Duration::from_millis(1_100) && at < Duration::from_millis(1_700),
            "{at:?}"
        );
        for millis in [7, 20, 100] {
            let mut vad = Vad::default();
            assert_eq!(events(&mut vad, &audio, Duration::from_millis(millis)), expected);
            vad.reset();
            assert_eq!(events(&mut vad, &audio, Duration::from_millis(millis)), expected);
        }
    }

    #[test]
    fn neither_silence_nor_noise_nor_a_tone_is_speech() {
        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            i16::try_from(state >> 22).unwrap() - 512
        };
        let noise: Vec<i16> = (0..72_000).map(|_| noise()).collect();
        for audio in [
            Pcm16::silence(Duration::from_secs(3)),
            Pcm16::from_samples(&noise),
        ] {
            let mut vad = Vad::default();
            assert_eq!(events(&mut vad, &audio, Duration::from_millis(20)), []);
            assert!(!vad.is_speech() && vad.probability() < 0.5);
        }
    }

    #[test]
    fn a_low_threshold_stops_as_well() {
        // 0.15 less would be below what silence has after the first sentence.
        let low = VadOptions::default().threshold(0.32);
        let found = events(&mut Vad::new(low), &sentences(), Duration::from_millis(20));
        assert_eq!(found.len(), 4, "{found:?}");
        let mut all = Vad::new(VadOptions::default().threshold(0.0));
        let found = events(&mut all, &sentences(), Duration::from_millis(20));
        assert_eq!(found, [VadEvent::Started { at: Duration::ZERO }]);
    }

    #[test]
    fn the_end_of_the_audio_ends_speech() {
        let audio = sentences();
        let stops = events(&mut Vad::default(), &audio, Duration::from_secs(60));
        let Some(&VadEvent::Stopped { at }) = stops.last() else {
            unreachable!()
        };
        // The pause at the end is too short for it.
        let mut patient = Vad::new(VadOptions::default().min_silence(Duration::from_secs(3)));
        assert_eq!(events(&mut patient, &audio, Duration::from_secs(60)).len(), 1);
        assert_eq!(patient.finish(), Some(VadEvent::Stopped { at }));
        assert!(!patient.is_speech());
        assert_eq!(patient.finish(), None);
    }

    #[test]
    fn a_silence_shorter_than_asked_for_does_not_stop_speech() {
        let patient = VadOptions::default().min_silence(Duration::from_secs(3));
        let found = events(&mut Vad::new(patient), &sentences(), Duration::from_millis(20));
        assert_eq!(found.len(), 1, "{found:?}");
    }
}
