//! [`LiveResampler`]: between two clocks, such as a microphone's and a network's.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::resample::{AnyRatio, check, span};

/// The most latency of the filter.
const FILTER: Duration = Duration::from_millis(15);

/// Over how long the level is averaged, in seconds: long against the pieces that come and go.
const AVERAGE: f64 = 2.0;

/// The controller's poles lie here, in radians per second: slow enough that its corrections are not heard,
/// fast enough to follow a clock that warms up.
const POLES: f64 = 0.06;

/// The greatest correction: 0.1 %, a 60th of a semitone. Sound cards are within 0.02 %.
const MOST: f64 = 1e-3;

/// Converts mono audio in real time from one clock to another.
///
/// Two devices never agree on how long a second is. A microphone that runs 0.01 % fast fills any buffer
/// before a fixed ratio's output with 6 ms a minute, until it overflows. Here the ratio follows: a controller
/// watches how much audio is buffered and bends the ratio by some millionths, so that it stays at the target.
///
/// What comes from one side is [pushed](Self::push), what the other side needs is [taken](Self::take), each
/// when it happens. The delay from push to take is on average the target, or up to a piece more. It must be
/// longer than
/// [`conversion_latency`](Self::conversion_latency) and the largest piece on either side together, plus what
/// the pieces may be late. The correction is at most 0.1 %, and settles within two minutes.
///
/// ```
/// use rt_audio::live::LiveResampler;
/// use std::time::{Duration, Instant};
///
/// let mut live = LiveResampler::new(48_000, 24_000, Duration::from_millis(60))?;
/// // In the callback of the microphone:
/// live.push(&[0.0; 480], Instant::now());
/// // In the sender, every 20 ms:
/// let mut packet = [0.0; 480];
/// live.take(&mut packet, Instant::now());
/// # Ok::<(), rt_audio::Error>(())
/// ```
pub struct LiveResampler {
    /// The conversion.
    any: AnyRatio,
    /// The nominal rates in Hz.
    rates: (u32, u32),
    /// What is ready to be taken.
    queue: VecDeque<f32>,
    /// What the conversion gave last.
    fresh: Vec<f32>,
    /// How much should be buffered, in output samples.
    target: f64,
    /// How much is kept: the target and what was more when the first piece was given.
    goal: f64,
    /// Whether audio is given; otherwise silence, until the target is reached.
    flowing: bool,
    /// The time of the last call, and how much was buffered after it.
    last: Option<(Instant, f64)>,
    /// How much is buffered on average.
    average: f64,
    /// The part of the correction that remembers.
    integral: f64,
    /// The correction in force.
    correction: f64,
    /// Samples of silence that were given because there was nothing else.
    missing: u64,
    /// Samples that were thrown away because there were too many.
    dropped: u64,
}

impl LiveResampler {
    /// A converter from one nominal rate in Hz to another that keeps so much audio buffered.
    ///
    /// # Errors
    /// [`ErrorKind::Resample`](crate::ErrorKind::Resample) if a rate is outside 1,000 to 768,000 Hz.
    pub fn new(from: u32, to: u32, target: Duration) -> Result<Self, Error> {
        check(from)?;
        check(to)?;
        let mut any = AnyRatio::new(from, to, span(from, FILTER))?;
        any.bend(1.0);
        Ok(Self {
            any,
            rates: (from, to),
            queue: VecDeque::new(),
            fresh: Vec::new(),
            target: target.as_secs_f64() * f64::from(to),
            goal: 0.0,
            flowing: false,
            last: None,
            average: 0.0,
            integral: 0.0,
            correction: 0.0,
            missing: 0,
            dropped: 0,
        })
    }

    /// Takes samples that arrived at a time. What goes beyond twice the target and half a second, because
    /// nobody takes it, is dropped, the oldest first.
    pub fn push(&mut self, samples: &[f32], now: Instant) {
        self.control(now);
        self.any.push(samples, &mut self.fresh);
        self.queue.extend(self.fresh.drain(..));
        let most = 2.0 * self.target + f64::from(self.rates.1) / 2.0;
        let level = self.level();
        if level > most {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the level is above the target"
            )]
            let excess = ((level - self.goal.max(self.target)) as usize).min(self.queue.len());
            self.queue.drain(..excess);
            self.dropped += excess as u64;
            self.average = self.goal;
        }
        self.last = Some((now, self.level()));
    }

    /// Fills a piece that is needed at a time. Where there is not enough, it ends in silence, and so do all
    /// others until the target is reached again.
    pub fn take(&mut self, out: &mut [f32], now: Instant) {
        self.control(now);
        // The mean lies half a piece below what there is before the piece is taken.
        let mean = self.level() - out.len() as f64 / 2.0;
        if !self.flowing && mean >= self.target && self.queue.len() >= out.len() {
            self.flowing = true;
            (self.average, self.goal) = (mean, mean);
        }
        let ready = if self.flowing {
            self.queue.len().min(out.len())
        } else {
            0
        };
        let (audio, silence) = out.split_at_mut(ready);
        audio
            .iter_mut()
            .zip(self.queue.drain(..ready))
            .for_each(|(to, from)| *to = from);
        silence.fill(0.0);
        if self.flowing {
            self.missing += silence.len() as u64;
            self.flowing = silence.is_empty();
        }
        self.last = Some((now, self.level()));
    }

    /// How much faster the input's clock runs than the output's, in millionths, as far as it is known.
    #[must_use]
    pub fn drift_ppm(&self) -> f64 {
        self.correction * 1e6
    }

    /// How much audio is buffered: the delay of what is pushed now.
    #[must_use]
    pub fn buffered(&self) -> Duration {
        Duration::from_secs_f64(self.level().max(0.0) / f64::from(self.rates.1))
    }

    /// The part of the delay that the filter needs, at most.
    #[must_use]
    pub fn conversion_latency(&self) -> Duration {
        crate::info::duration_of(self.any.latency() as u64, self.rates.0)
    }

    /// Samples of silence that were given because too little had come.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// Samples that were dropped because too little was taken.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// What is buffered, in output samples.
    fn level(&self) -> f64 {
        let (from, to) = (f64::from(self.rates.0), f64::from(self.rates.1));
        self.queue.len() as f64 + self.any.pending() * to / from
    }

    /// Bends the ratio. The level jumps with every piece; only its mean over time tells how the clocks run.
    fn control(&mut self, now: Instant) {
        let Some((then, level)) = self.last else { return };
        let seconds = now.saturating_duration_since(then).as_secs_f64().min(1.0);
        if !self.flowing {
            return;
        }
        self.average += (level - self.average) * (1.0 - (-seconds / AVERAGE).exp());
        let error = (self.average - self.goal) / f64::from(self.rates.1);
        self.integral = (self.integral + POLES * POLES * error * seconds).clamp(-MOST, MOST);
        self.correction = (2.0 * POLES * error + self.integral).clamp(-MOST, MOST);
        self.any.bend(1.0 + self.correction);
    }
}

impl fmt::Debug for LiveResampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveResampler")
            .field("rates", &self.rates)
            .field("buffered", &self.buffered())
            .field("drift_ppm", &self.drift_ppm())
            .field("missing", &self.missing)
            .field("dropped", &self.dropped)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
