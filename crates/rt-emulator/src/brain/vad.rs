//! [`Detector`]: hears speech in samples, by their energy.
//!
//! The level of each 20 ms frame is measured in dBFS against a noise floor that follows the quiet parts. What
//! stays at one level for long is no speech but noise, however loud, and becomes the floor. The distance becomes a likelihood between 0 and 1 that is compared with the session's `threshold`, as the real
//! server compares the output of its model.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

/// Samples per second the detector expects.
pub(crate) const RATE: u64 = 24_000;
/// Samples per millisecond.
pub(crate) const PER_MS: u64 = RATE / 1000;
/// Samples per frame: 20 ms.
const FRAME: usize = 480;
/// Frames of speech in a row that make a start: 60 ms. A click is shorter.
const ONSET_FRAMES: u64 = 3;
/// How far the likelihood may fall below the threshold while speech goes on.
const HYSTERESIS: f64 = 0.15;
/// The noise floor starts here and never falls below it (dBFS).
const FLOOR_MIN: f64 = -60.0;
/// The noise floor does not rise above this by itself, so that loud speech is heard over noise (dBFS).
const FLOOR_MAX: f64 = -48.0;
/// Frames within [`STEADY_SPAN`] that show that it is noise: 5 s. No speech is so even for so long.
const STEADY_FRAMES: u64 = 250;
/// How much the level of noise changes at most (dB).
const STEADY_SPAN: f64 = 6.0;
/// How fast the floor's limit comes down again once the noise has stopped (dB per frame).
const CEILING_FALL: f64 = 0.1;
/// The level that counts as likelihood 0, above the floor (dB).
const LIKELY_FROM: f64 = 5.0;
/// The width of the scale from likelihood 0 to 1 (dB).
const LIKELY_SPAN: f64 = 30.0;

/// No level yet.
const NOT_STEADY: (f64, f64, u64) = (f64::INFINITY, f64::NEG_INFINITY, 0);

/// What the session asks of the detector.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tuning {
    /// 0 to 1: how sure one has to be that it is speech.
    pub(crate) threshold: f64,
    /// Audio kept from before the start of speech.
    pub(crate) prefix_ms: u64,
    /// Quiet that ends the speech.
    pub(crate) silence_ms: u64,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            threshold: 0.5,
            prefix_ms: 300,
            silence_ms: 200,
        }
    }
}

/// A boundary that was heard, in samples since the start of the input clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Speech began: the turn's audio starts here, the prefix included.
    Started {
        /// First sample of the turn.
        at: u64,
    },
    /// Speech ended: the turn's audio ends here, the closing silence included.
    Stopped {
        /// The sample after the last of the turn.
        at: u64,
    },
}

/// Feeds on samples and says where speech starts and stops.
#[derive(Debug, Clone)]
pub(crate) struct Detector {
    /// The session's wishes.
    tuning: Tuning,
    /// Samples that do not fill a frame yet.
    pending: VecDeque<i16>,
    /// Position of the first pending sample on the input clock.
    position: u64,
    /// The quiet level (dBFS).
    floor: f64,
    /// What the floor does not rise above: [`FLOOR_MAX`], or the level of louder noise that was found (dBFS).
    ceiling: f64,
    /// The lowest and the highest level since the level last jumped, and for how many frames, while speaking.
    steady: (f64, f64, u64),
    /// Frames of speech in a row, while not speaking.
    onset: u64,
    /// Samples of quiet in a row, while speaking.
    quiet: u64,
    /// Whether speech is going on.
    speaking: bool,
    /// No turn starts before this sample: it was used up by the turn before.
    not_before: u64,
}

impl Detector {
    /// A detector whose clock stands at `position` samples.
    pub(crate) fn new(tuning: Tuning, position: u64) -> Self {
        Self {
            tuning,
            pending: VecDeque::new(),
            position,
            floor: FLOOR_MIN,
            ceiling: FLOOR_MAX,
            steady: NOT_STEADY,
            onset: 0,
            quiet: 0,
            speaking: false,
            not_before: position,
        }
    }

    /// Changes the tuning; speech that is going on goes on.
    pub(crate) fn retune(&mut self, tuning: Tuning) {
        self.tuning = tuning;
    }

    /// Whether speech is going on.
    pub(crate) fn is_speaking(&self) -> bool {
        self.speaking
    }

    /// How much audio before the start of a turn may still be asked for, in samples.
    pub(crate) fn lookback(&self) -> u64 {
        self.tuning.prefix_ms * PER_MS + (ONSET_FRAMES + 1) * FRAME as u64
    }

    /// Forgets what is going on: the audio was committed or cleared by hand up to `position`.
    pub(crate) fn reset(&mut self, position: u64) {
        self.pending.clear();
        self.position = position;
        self.onset = 0;
        self.quiet = 0;
        self.speaking = false;
        self.not_before = position;
    }

    /// Takes samples and returns the boundaries found in them, in order.
    pub(crate) fn feed(&mut self, samples: &[i16]) -> Vec<Heard> {
        let mut heard = Vec::new();
        self.pending.extend(samples);
        while self.pending.len() >= FRAME {
            let level = level_dbfs(self.pending.drain(..FRAME));
            self.position += FRAME as u64;
            heard.extend(self.frame(level));
        }
        heard
    }

    /// One frame that ends at `self.position`.
    fn frame(&mut self, level: f64) -> Option<Heard> {
        if self.speaking {
            self.watch_steady(level);
        }
        let likelihood = ((level - self.floor - LIKELY_FROM) / LIKELY_SPAN).clamp(0.0, 1.0);
        if self.speaking {
            if likelihood > (self.tuning.threshold - HYSTERESIS).max(0.01) {
                self.quiet = 0;
                return None;
            }
            self.quiet += FRAME as u64;
            if self.quiet < (self.tuning.silence_ms * PER_MS).max(FRAME as u64) {
                return None;
            }
            self.speaking = false;
            self.onset = 0;
            self.quiet = 0;
            // The wire speaks in whole milliseconds, so a turn ends on one.
            self.not_before = self.position - self.position % PER_MS;
            return Some(Heard::Stopped { at: self.not_before });
        }
        if likelihood < self.tuning.threshold.max(0.01) {
            self.onset = 0;
            self.follow_noise(level);
            return None;
        }
        self.onset += 1;
        if self.onset < ONSET_FRAMES {
            return None;
        }
        self.speaking = true;
        self.steady = NOT_STEADY;
        self.quiet = 0;
        let first = self.position - self.onset * FRAME as u64;
        let at = first
            .saturating_sub(self.tuning.prefix_ms * PER_MS)
            .max(self.not_before);
        // And starts on one.
        Some(Heard::Started {
            at: at.next_multiple_of(PER_MS),
        })
    }

    /// Notices noise that was taken for speech: the floor rises to it.
    fn watch_steady(&mut self, level: f64) {
        let (low, high, frames) = self.steady;
        let (low, high) = (low.min(level), high.max(level));
        self.steady = if high - low > STEADY_SPAN {
            (level, level, 1)
        } else {
            (low, high, frames + 1)
        };
        if self.steady.2 >= STEADY_FRAMES {
            self.floor = high.max(FLOOR_MIN);
            self.ceiling = self.floor.max(FLOOR_MAX);
            self.steady = NOT_STEADY;
        }
    }

    /// Moves the noise floor: down at once, up slowly.
    fn follow_noise(&mut self, level: f64) {
        if level < self.ceiling - STEADY_SPAN {
            self.ceiling = (self.ceiling - CEILING_FALL).max(FLOOR_MAX);
        }
        let level = level.clamp(FLOOR_MIN, self.ceiling);
        let weight = if level < self.floor { 0.5 } else { 0.05 };
        self.floor += (level - self.floor) * weight;
    }
}

/// The level of samples against full scale, without their mean: a constant is silent. Silence is -96 dB.
fn level_dbfs(samples: impl ExactSizeIterator<Item = i16>) -> f64 {
    let count = samples.len().max(1) as f64;
    let (sum, energy) = samples.map(f64::from).fold((0.0, 0.0), |(sum, energy), sample| {
        (sum + sample, energy + sample * sample)
    });
    let mean = sum / count;
    let rms = (energy / count - mean * mean).max(0.0).sqrt() / 32_768.0;
    20.0 * rms.max(1.6e-5).log10()
}
