//! Against the model hearing itself: a gate, and a place for a canceller.

use std::fmt;
use std::time::{Duration, Instant};

use rt_protocol::Pcm16;

use super::speaker::PlaybackMonitor;

/// Takes the sound of the speaker out of that of the microphone. Put a library of your choice behind it, such as the audio
/// processing of WebRTC.
pub trait EchoCanceller: Send + 'static {
    /// What goes to the speaker: 24 kHz mono from -1 to 1, silence included, from the first call of [`EchoGuard::process`] on. It is
    /// heard some time later: latency of device and room, which a canceller has to find. Half a second is kept for the next call;
    /// what comes beyond that is silence of the same length, up to 2 s. While there is no device, nothing comes.
    fn far(&mut self, samples: &[f32]);

    /// What the microphone picked up, 24 kHz mono; what is returned is sent in its place.
    fn near(&mut self, audio: Pcm16) -> Pcm16;
}

/// Mutes the microphone while the speaker is heard, and for a while after, unless somebody speaks louder than the echo. Pure: time and
/// what is heard are arguments.
///
/// ```
/// use std::time::{Duration, Instant};
/// use rt_client::Pcm16;
/// use rt_client::device::EchoGate;
///
/// let mut gate = EchoGate::default();
/// let (now, echo) = (Instant::now(), Pcm16::from_samples(&[300; 480]));
/// // The speaker is heard for another second.
/// let audible = Some(now + Duration::from_secs(1));
/// assert_eq!(gate.process(echo.clone(), audible, now), Pcm16::silence(Duration::from_millis(20)));
/// assert_eq!(gate.process(echo.clone(), None, now), echo);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EchoGate {
    /// How long after the last sound it stays closed: the echo of the room. 200 ms.
    pub tail: Duration,
    /// What is let through while it is closed, as a factor: 0 is silence, 0.1 is 20 dB less. 0.
    pub attenuation: f32,
    /// The level that opens it, in dB below full scale, as the mean of a chunk. -30: speech close to a microphone.
    /// `f32::INFINITY` never opens it: half duplex.
    pub barge_in_dbfs: f32,
    /// For how long it must be that loud. 60 ms.
    pub barge_in_after: Duration,
    /// How long it stays open after the last loud chunk. 500 ms.
    pub hold: Duration,
    /// Since when it has been loud without a break.
    loud: Duration,
    open_until: Option<Instant>,
}

impl Default for EchoGate {
    fn default() -> Self {
        Self {
            tail: Duration::from_millis(200),
            attenuation: 0.0,
            barge_in_dbfs: -30.0,
            barge_in_after: Duration::from_millis(60),
            hold: Duration::from_millis(500),
            loud: Duration::ZERO,
            open_until: None,
        }
    }
}

impl EchoGate {
    /// What is to be sent of a chunk that was picked up until `now`. `audible_until` is when the speaker falls, or fell, silent;
    /// `None` if it has not played anything.
    #[must_use]
    pub fn process(&mut self, audio: Pcm16, audible_until: Option<Instant>, now: Instant) -> Pcm16 {
        let samples = audio.to_samples();
        if level(&samples) >= self.barge_in_dbfs {
            self.loud = self.loud.saturating_add(audio.duration());
            if self.loud >= self.barge_in_after {
                self.open_until = now.checked_add(self.hold);
            }
        } else {
            self.loud = Duration::ZERO;
        }
        let is_audible = audible_until
            .and_then(|until| until.checked_add(self.tail))
            .is_some_and(|until| now < until);
        if !is_audible || self.open_until.is_some_and(|until| now < until) {
            return audio;
        }
        let factor = self.attenuation.clamp(0.0, 1.0);
        let quieter = |sample: &i16| {
            let sample = f32::from(*sample) * factor;
            #[expect(clippy::cast_possible_truncation, reason = "no more than it was")]
            let sample = sample.round() as i16;
            sample
        };
        Pcm16::from_samples(&samples.iter().map(quieter).collect::<Vec<_>>())
    }
}

/// The root of the mean square in dB below full scale.
fn level(samples: &[i16]) -> f32 {
    let energy: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    #[expect(clippy::cast_precision_loss, reason = "a level")]
    let mean = energy / (samples.len().max(1) as f64) / f64::from(i16::MIN).powi(2);
    #[expect(clippy::cast_possible_truncation, reason = "a level")]
    let decibels = (10.0 * mean.log10()) as f32;
    decibels
}

/// What is between microphone and session: the canceller, if there is one, then the gate.
pub struct EchoGuard {
    monitor: PlaybackMonitor,
    gate: Option<EchoGate>,
    canceller: Option<Box<dyn EchoCanceller>>,
    /// Whether the canceller has been called.
    has_begun: bool,
}

impl EchoGuard {
    /// A gate with its defaults, for the speaker of this monitor.
    #[must_use]
    pub fn new(monitor: PlaybackMonitor) -> Self {
        Self {
            monitor,
            gate: Some(EchoGate::default()),
            canceller: None,
            has_begun: false,
        }
    }

    /// Another gate, or none: with headphones or a canceller that does it all.
    #[must_use]
    pub fn gate(self, gate: Option<EchoGate>) -> Self {
        Self { gate, ..self }
    }

    /// A canceller before the gate.
    #[must_use]
    pub fn canceller(self, canceller: impl EchoCanceller) -> Self {
        Self {
            canceller: Some(Box::new(canceller)),
            ..self
        }
    }

    /// What is to be sent of a chunk that was picked up until `now`.
    #[must_use]
    pub fn process(&mut self, audio: Pcm16, now: Instant) -> Pcm16 {
        let mut audio = audio;
        if let Some(canceller) = &mut self.canceller {
            // What was played before anybody listened is no echo of this.
            if !std::mem::replace(&mut self.has_begun, true) {
                self.monitor.discard_far();
            }
            let mut far = [0.0; 960];
            loop {
                let count = self.monitor.far(&mut far);
                if count == 0 {
                    break;
                }
                canceller.far(far.get(..count).unwrap_or_default());
            }
            audio = canceller.near(audio);
        }
        match &mut self.gate {
            Some(gate) => gate.process(audio, self.monitor.audible_until(), now),
            None => audio,
        }
    }
}

impl fmt::Debug for EchoGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EchoGuard")
            .field("gate", &self.gate)
            .field("canceller", &self.canceller.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(amplitude: i16) -> Pcm16 {
        Pcm16::from_samples(&[amplitude; 480])
    }

    #[test]
    fn it_is_closed_while_the_speaker_is_heard_and_a_tail_longer() {
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let mut gate = EchoGate::default();
        for (ms, is_open) in [
            (0, false),
            (999, false),
            (1199, false),
            (1200, true),
            (5000, true),
        ] {
            let sent = gate.process(chunk(300), Some(at(1000)), at(ms));
            assert_eq!(sent == chunk(300), is_open, "{ms}");
            assert_eq!(sent.len(), 480, "the clock of the service goes on");
        }
        assert_eq!(gate.process(chunk(300), None, at(0)), chunk(300));
    }

    #[test]
    fn speech_that_is_louder_than_echo_opens_it_after_a_moment() {
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let audible = Some(at(60_000));
        let mut gate = EchoGate::default();
        let mut open = |ms, amplitude| gate.process(chunk(amplitude), audible, at(ms)) == chunk(amplitude);
        // A click of 40 ms does not; speech does in its third chunk, and then a pause between words is kept.
        assert!(!open(20, 8000) && !open(40, 8000) && !open(60, 300));
        assert!(!open(80, 8000) && !open(100, 8000) && open(120, 8000));
        assert!(open(140, 300) && open(619, 300) && !open(620, 300));
    }

    #[test]
    fn it_can_be_half_duplex_or_attenuate() {
        let now = Instant::now();
        let audible = Some(now + Duration::from_secs(1));
        let mut gate = EchoGate {
            barge_in_dbfs: f32::INFINITY,
            ..EchoGate::default()
        };
        for _ in 0..10 {
            assert_eq!(gate.process(chunk(i16::MIN), audible, now), chunk(0));
        }
        gate.attenuation = 0.1;
        assert_eq!(gate.process(chunk(300), audible, now), chunk(30));
        assert_eq!(gate.process(Pcm16::new(), audible, now), Pcm16::new());
    }

    #[test]
    fn a_canceller_hears_what_is_played_from_its_first_call_on() {
        /// Answers with how much it was told of, and the first of that.
        struct Told(Vec<f32>);
        impl EchoCanceller for Told {
            fn far(&mut self, samples: &[f32]) {
                self.0.extend_from_slice(samples);
            }

            fn near(&mut self, _: Pcm16) -> Pcm16 {
                let told = std::mem::take(&mut self.0);
                let first = if told.first() == Some(&0.5) { 1 } else { 0 };
                Pcm16::from_samples(&[i16::try_from(told.len()).unwrap(), first])
            }
        }
        let (monitor, shared) = PlaybackMonitor::detached();
        let mut guard = EchoGuard::new(monitor).gate(None).canceller(Told(Vec::new()));
        let mut told = |played: &[f32]| {
            shared.far.push(played);
            guard.process(chunk(1), Instant::now()).to_samples()
        };
        assert_eq!(told(&[0.25; 480]), [0, 0], "older than anything recorded");
        assert_eq!(told(&[0.5; 480]), [480, 1]);
        // More than is kept comes as silence, so that the canceller's clock goes on.
        assert_eq!(told(&[0.5; 20_000]), [20_000, 0]);
        assert_eq!(told(&[0.5; 480]), [480, 1]);
    }

    #[test]
    fn a_level_is_below_full_scale() {
        assert!(level(&[i16::MIN; 9]).abs() < 1e-3);
        assert!((level(&[3277; 9]) + 20.0).abs() < 0.01);
        assert_eq!(level(&[0; 9]), f32::NEG_INFINITY);
        assert_eq!(level(&[]), f32::NEG_INFINITY);
    }
}
