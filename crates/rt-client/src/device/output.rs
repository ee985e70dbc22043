//! What the callback of a speaker does, and how it tells what was heard. Without a device and without a clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rt_audio::Resampler;

use super::far::Far;
use super::ring::Ring;
use crate::error::{Error, ErrorKind};

/// The rate of the API.
pub(super) const RATE: u32 = 24_000;
/// How many samples are converted at once: 5 ms.
const BLOCK: usize = 120;
/// The most delay of the conversion.
const FILTER: Duration = Duration::from_millis(15);
/// The most latency that is believed: some sound systems report hours for a moment.
const LATENCY: Duration = Duration::from_secs(2);

/// Samples that were given to the device, and when the last of them is heard. Written by the callback, read by anybody.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Odd while the other two are being changed.
    version: AtomicU64,
    taken: AtomicU64,
    /// In microseconds since the speaker was opened.
    until: AtomicU64,
    /// The most that was told.
    told: AtomicU64,
}

impl Progress {
    fn advance(&self, samples: u64, until: Duration) {
        self.version.fetch_add(1, Ordering::SeqCst);
        self.taken.fetch_add(samples, Ordering::SeqCst);
        let until = u64::try_from(until.as_micros()).unwrap_or(u64::MAX);
        self.until.fetch_max(until, Ordering::SeqCst);
        self.version.fetch_add(1, Ordering::SeqCst);
    }

    fn read(&self) -> (u64, Duration) {
        loop {
            let before = self.version.load(Ordering::SeqCst);
            let taken = self.taken.load(Ordering::SeqCst);
            let until = self.until.load(Ordering::SeqCst);
            if before.is_multiple_of(2) && self.version.load(Ordering::SeqCst) == before {
                return (taken, Duration::from_micros(until));
            }
            std::hint::spin_loop();
        }
    }

    /// How many samples were heard at a time since the speaker was opened. It never goes back.
    pub(super) fn heard(&self, now: Duration) -> u64 {
        let (taken, until) = self.read();
        let ahead = until.saturating_sub(now).as_micros() * u128::from(RATE) / 1_000_000;
        let heard = taken.saturating_sub(u64::try_from(ahead).unwrap_or(u64::MAX));
        self.told.fetch_max(heard, Ordering::SeqCst).max(heard)
    }

    /// When the last sample so far is heard; zero before the first.
    pub(super) fn audible_until(&self) -> Duration {
        self.read().1
    }
}

/// What the threads of a speaker share.
#[derive(Debug)]
pub(super) struct Shared {
    /// To be played: 24 kHz mono.
    pub(super) ring: Ring,
    /// What is played, silence included, for a canceller: 24 kHz mono.
    pub(super) far: Far,
    pub(super) progress: Progress,
    pub(super) is_paused: AtomicBool,
    /// How often it was to be cleared, and how often it was. In between nothing is played.
    pub(super) clears_asked: AtomicU64,
    pub(super) clears_done: AtomicU64,
    /// Samples were asked for since this was last set.
    pub(super) has_flowed: AtomicBool,
    /// No device is left.
    pub(super) is_gone: AtomicBool,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            ring: Ring::new(RATE as usize),
            far: Far::new(RATE as usize / 2),
            progress: Progress::default(),
            is_paused: AtomicBool::new(false),
            clears_asked: AtomicU64::new(0),
            clears_done: AtomicU64::new(0),
            has_flowed: AtomicBool::new(false),
            is_gone: AtomicBool::new(false),
        }
    }

    /// Whether nothing is to be played now.
    fn is_silent(&self) -> bool {
        let done = self.clears_done.load(Ordering::Acquire);
        self.is_paused.load(Ordering::Relaxed) || self.clears_asked.load(Ordering::Acquire) > done
    }
}

/// Fills the buffers of a device of some rate.
#[derive(Debug)]
pub(super) struct Output {
    shared: Arc<Shared>,
    rate: u32,
    /// `None` if the device has the rate of the API.
    resampler: Option<Resampler>,
    /// Converted and not yet given away.
    ready: Vec<f32>,
}

impl Output {
    pub(super) fn new(shared: Arc<Shared>, rate: u32) -> Result<Self, Error> {
        let resampler = match rate {
            RATE => None,
            _ => Some(Resampler::with_latency(RATE, rate, FILTER).map_err(|error| {
                Error::new(
                    ErrorKind::Device,
                    format!("the speaker's rate cannot be used: {error}"),
                )
            })?),
        };
        // Room for what a callback may ask for, so that none allocates.
        let ready = Vec::with_capacity(rate as usize);
        Ok(Self {
            shared,
            rate,
            resampler,
            ready,
        })
    }

    /// The next frames, the same sample on every channel. `now` is since the speaker was opened, `latency` from now until the
    /// first of these frames is heard.
    pub(super) fn fill(&mut self, out: &mut [f32], channels: usize, now: Duration, latency: Duration) {
        let channels = channels.max(1);
        let latency = latency.min(LATENCY);
        self.shared.has_flowed.store(true, Ordering::Relaxed);
        let frames = out.len() / channels;
        while self.ready.len() < frames {
            self.convert(now + latency);
        }
        for (frame, sample) in out.chunks_mut(channels).zip(&self.ready) {
            frame.fill(*sample);
        }
        self.ready.drain(..frames);
    }

    /// Converts a block. `start` is when the first frame of the buffer is heard.
    fn convert(&mut self, start: Duration) {
        let mut block = [0.0; BLOCK];
        let count = if self.shared.is_silent() {
            0
        } else {
            self.shared.ring.pop(&mut block)
        };
        self.shared.far.push(&block);
        if count > 0 {
            let before = frames(self.ready.len(), self.rate);
            let filter = self.resampler.as_ref().map_or(Duration::ZERO, Resampler::latency);
            let until = start + before + filter + frames(count, RATE);
            self.shared.progress.advance(count as u64, until);
        }
        match &mut self.resampler {
            Some(resampler) => resampler.push(&block, &mut self.ready),
            None => self.ready.extend_from_slice(&block),
        }
    }
}

fn frames(count: usize, rate: u32) -> Duration {
    Duration::from_micros(count as u64 * 1_000_000 / u64::from(rate.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn output(rate: u32) -> (Arc<Shared>, Output) {
        let shared = Arc::new(Shared::new());
        let output = Output::new(Arc::clone(&shared), rate).unwrap();
        (shared, output)
    }

    #[test]
    fn every_channel_has_the_sample_and_what_is_missing_is_silence() {
        let (shared, mut output) = output(RATE);
        shared.ring.push([0.25; 130]);
        let mut buffer = vec![1.0; 2 * 240];
        output.fill(&mut buffer, 2, Duration::ZERO, Duration::ZERO);
        assert!(buffer[..260].iter().all(|sample| *sample == 0.25));
        assert!(buffer[260..].iter().all(|sample| *sample == 0.0));
        let mut far = [1.0; 300];
        assert_eq!(shared.far.pop(&mut far), 240);
        assert_eq!((far[129], far[130]), (0.25, 0.0));
    }

    #[test]
    fn heard_is_what_was_taken_less_what_is_on_its_way() {
        let (shared, mut output) = output(RATE);
        shared.ring.push([0.5; 480]);
        let mut buffer = vec![0.0; 480];
        // 20 ms, the first of which is heard 100 ms from now.
        output.fill(&mut buffer, 1, 1000 * MS, 100 * MS);
        let heard = |at| shared.progress.heard(at * MS);
        assert_eq!(heard(1000), 0);
        assert_eq!(heard(1100), 0);
        assert_eq!(heard(1110), 240);
        assert_eq!(heard(1120), 480);
        assert_eq!(heard(1050), 480, "it never goes back");
        assert_eq!(shared.progress.audible_until(), 1120 * MS);
        // Silence does not delay it.
        output.fill(&mut buffer, 1, 1020 * MS, 100 * MS);
        assert_eq!((heard(1130), shared.progress.audible_until()), (480, 1120 * MS));
    }

    #[test]
    fn a_latency_nobody_can_have_is_not_believed() {
        let (shared, mut output) = output(RATE);
        shared.ring.push([0.5; 240]);
        output.fill(&mut [0.0; 240], 1, 1000 * MS, Duration::from_secs(36_000));
        assert_eq!(shared.progress.audible_until(), 3010 * MS);
        assert_eq!(shared.progress.heard(3010 * MS), 240);
    }

    #[test]
    fn a_pause_keeps_what_there_is_and_clearing_forgets_it() {
        let (shared, mut output) = output(RATE);
        shared.ring.push([0.5; 720]);
        let mut buffer = vec![0.0; 240];
        let mut fill = |at: u32| {
            output.fill(&mut buffer, 1, at * 10 * MS, Duration::ZERO);
            buffer[0]
        };
        assert_eq!(fill(0), 0.5);
        shared.is_paused.store(true, Ordering::Relaxed);
        assert_eq!((fill(1), fill(2)), (0.0, 0.0));
        assert_eq!(shared.progress.heard(1000 * MS), 240);
        shared.is_paused.store(false, Ordering::Relaxed);
        assert_eq!(fill(3), 0.5);
        shared.ring.clear();
        assert_eq!(fill(4), 0.0);
        assert_eq!(shared.progress.heard(1000 * MS), 480);
    }

    #[test]
    fn other_rates_are_converted_and_counted_in_samples_of_the_api() {
        for rate in [8_000, 44_100, 48_000, 96_000] {
            let (shared, mut output) = output(rate);
            let mut phase = 0u16;
            let tone = || {
                phase += 1;
                (f32::from(phase) * 0.1).sin() * 0.5
            };
            assert_eq!(shared.ring.push(std::iter::repeat_with(tone).take(2400)), 2400);
            let frames = rate as usize / 100;
            let mut buffer = vec![0.0; frames];
            let mut energy = 0.0;
            for tick in 0..20 {
                output.fill(&mut buffer, 1, tick * 10 * MS, Duration::ZERO);
                energy += buffer.iter().map(|sample| sample * sample).sum::<f32>();
            }
            assert_eq!(shared.progress.heard(1000 * MS), 2400);
            let until = shared.progress.audible_until();
            assert!(until >= 100 * MS && until < 160 * MS, "{rate}: {until:?}");
            // A sine of amplitude a half has an eighth of energy per sample.
            #[expect(clippy::cast_precision_loss, reason = "small enough")]
            let expected = frames as f32 * 10.0 / 8.0;
            assert!(
                (energy / expected - 1.0).abs() < 0.1,
                "{rate}: {energy} {expected}"
            );
        }
        assert!(Output::new(Arc::new(Shared::new()), 1).is_err());
    }
}
