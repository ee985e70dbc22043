//! How loud audio is ([`Levels`]), where it is not quiet ([`loud_range`]), and audio without the quiet at its ends
//! ([`trim_silence`]).

use std::ops::Range;
use std::time::Duration;

use rt_protocol::Pcm16;

/// Samples in one step of the search for silence: 10 ms.
const STEP: usize = 240;

/// Peak, RMS and clipped samples of audio, for meters and checks.
///
/// 0 dBFS is full scale: a sine that reaches it has an RMS of -3.01 dBFS.
///
/// ```
/// use rt_audio::{Pcm16, levels::Levels};
/// let mut levels = Levels::default();
/// levels.add(&Pcm16::from_samples(&[16_384, -16_384]));
/// assert!((levels.rms_dbfs() + 6.02).abs() < 0.01);
/// assert_eq!(levels.clipped(), 0);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Levels {
    /// The greatest magnitude.
    peak: u16,
    /// The sum of all squares.
    squares: u128,
    /// How many samples there were.
    samples: u64,
    /// How many of them were at full scale.
    clipped: u64,
}

impl Levels {
    /// The levels of some audio.
    #[must_use]
    pub fn of(audio: &Pcm16) -> Self {
        let mut levels = Self::default();
        levels.add(audio);
        levels
    }

    /// Counts more audio in.
    pub fn add(&mut self, audio: &Pcm16) {
        let (mut peak, mut squares, mut clipped) = (0, 0, 0);
        for sample in audio.samples() {
            let magnitude = sample.unsigned_abs();
            peak = peak.max(magnitude);
            squares += u64::from(magnitude).pow(2);
            clipped += u64::from(magnitude >= i16::MAX.unsigned_abs());
        }
        self.peak = self.peak.max(peak);
        self.squares += u128::from(squares);
        self.clipped += clipped;
        self.samples += audio.len() as u64;
    }

    /// The greatest magnitude, from 0 to 1.
    #[must_use]
    pub fn peak(&self) -> f64 {
        f64::from(self.peak) / 32_768.0
    }

    /// The root of the mean square, from 0 to 1; 0 without samples.
    #[must_use]
    pub fn rms(&self) -> f64 {
        (self.squares as f64 / self.samples.max(1) as f64).sqrt() / 32_768.0
    }

    /// The peak in dBFS; minus infinity for digital silence.
    #[must_use]
    pub fn peak_dbfs(&self) -> f64 {
        20.0 * self.peak().log10()
    }

    /// The RMS in dBFS; minus infinity for digital silence.
    #[must_use]
    pub fn rms_dbfs(&self) -> f64 {
        20.0 * self.rms().log10()
    }

    /// How many samples are at full scale, where audio that was too loud is cut off.
    #[must_use]
    pub fn clipped(&self) -> u64 {
        self.clipped
    }

    /// How many samples were counted.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.samples
    }
}

/// Where audio is louder than a threshold in dBFS: from the first step of 10 ms whose RMS reaches it to the
/// end of the last one, in samples. `None` if all is quieter.
///
/// Speech is at -30 to -15 dBFS, the noise of a room at -70 to -50.
#[must_use]
pub fn loud_range(audio: &Pcm16, threshold_dbfs: f64) -> Option<Range<usize>> {
    let steps = audio.len().div_ceil(STEP);
    let range = |step: usize| step * STEP..((step + 1) * STEP).min(audio.len());
    let loud = |&step: &usize| Levels::of(&audio.slice(range(step))).rms_dbfs() >= threshold_dbfs;
    let first = (0..steps).find(loud)?;
    let last = (first..steps).rev().find(loud)?;
    Some(range(first).start..range(last).end)
}

/// The audio without the quiet at its start and end, but for a margin. Shares the memory; empty if all of it
/// is below the threshold in dBFS.
///
/// ```
/// use rt_audio::{Pcm16, levels::trim_silence};
/// use std::time::Duration;
/// let speech = rt_audio::read("../../fixtures/audio/question.wav")?;
/// let pause = Pcm16::silence(Duration::from_secs(2));
/// let audio = Pcm16::concat([&pause, &speech, &pause]);
/// let trimmed = trim_silence(&audio, -50.0, Duration::from_millis(100));
/// assert!(trimmed.duration() < Duration::from_secs(4));
/// # Ok::<(), rt_audio::Error>(())
/// ```
#[must_use]
pub fn trim_silence(audio: &Pcm16, threshold_dbfs: f64, margin: Duration) -> Pcm16 {
    let margin = margin.as_nanos() * u128::from(Pcm16::SAMPLE_RATE) / 1_000_000_000;
    let margin = usize::try_from(margin).unwrap_or(usize::MAX);
    loud_range(audio, threshold_dbfs).map_or_else(Pcm16::new, |loud| {
        audio.slice(loud.start.saturating_sub(margin)..loud.end.saturating_add(margin).min(audio.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_of_known_signals() {
        let silence = Levels::of(&Pcm16::silence(Duration::from_secs(1)));
        assert_eq!((silence.peak(), silence.rms(), silence.clipped()), (0.0, 0.0, 0));
        assert_eq!(silence.peak_dbfs(), f64::NEG_INFINITY);
        assert_eq!(Levels::default().rms_dbfs(), f64::NEG_INFINITY);
        let square = Levels::of(&Pcm16::from_samples(&[i16::MIN, i16::MAX, i16::MIN, 5]));
        assert_eq!((square.peak(), square.clipped(), square.samples()), (1.0, 3, 4));
        assert!((square.rms_dbfs() + 1.249).abs() < 0.001, "{}", square.rms_dbfs());
    }

    #[test]
    fn pieces_add_up() {
        let samples: Vec<i16> = (0..1_000).map(|n| n * 31 % 2_000).collect();
        let audio = Pcm16::from_samples(&samples);
        let mut levels = Levels::default();
        audio
            .chunks(Duration::from_millis(3))
            .for_each(|chunk| levels.add(&chunk));
        assert_eq!(levels, Levels::of(&audio));
    }

    #[test]
    fn trimming_keeps_what_is_loud_and_its_margin() {
        let (quiet, loud) = (vec![10i16; 4_800], vec![3_000i16; 1_000]);
        let audio = Pcm16::from_samples(&[quiet.clone(), loud, quiet].concat());
        assert_eq!(loud_range(&audio, -40.0), Some(4_800..6_000));
        let trimmed = trim_silence(&audio, -40.0, Duration::from_millis(10));
        assert_eq!(trimmed, audio.slice(4_560..6_240));
        assert_eq!(trim_silence(&audio, -90.0, Duration::ZERO), audio);
        assert_eq!(trim_silence(&audio, -40.0, Duration::MAX), audio);
        assert_eq!(loud_range(&audio, -3.0), None);
        assert!(trim_silence(&audio, -3.0, Duration::MAX).is_empty());
        assert!(trim_silence(&Pcm16::new(), -40.0, Duration::ZERO).is_empty());
    }
}
