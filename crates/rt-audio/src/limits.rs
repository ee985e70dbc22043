//! [`Limits`]: what an input may ask for before it is refused.

use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// Bounds on what an input may declare or turn out to hold.
///
/// They are checked on the header, before anything is allocated for it, and again while decoding, so that
/// a file that lies is stopped too.
///
/// ```
/// use rt_audio::Limits;
/// use std::time::Duration;
/// let limits = Limits::default().max_duration(Duration::from_secs(600));
/// assert_eq!(limits.max_channels, 64);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest input. Default: 24 hours, more than any recording of speech, and a bound on a few
    /// bytes that decode to silence without end.
    pub max_duration: Duration,
    /// The most channels. Default: 64.
    pub max_channels: u16,
    /// The lowest sample rate in Hz. Default: 1,000.
    pub min_sample_rate: u32,
    /// The highest sample rate in Hz. Default: 768,000.
    pub max_sample_rate: u32,
    /// The most bytes of a pipe that are kept in memory, for formats whose parts do not come in the order
    /// they are needed in (MP4, and CAF with AAC or ALAC). Default: 64 MiB.
    pub max_buffered: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_duration: Duration::from_secs(24 * 60 * 60),
            max_channels: 64,
            min_sample_rate: 1_000,
            max_sample_rate: 768_000,
            max_buffered: 64 << 20,
        }
    }
}

impl Limits {
    /// Sets the longest input.
    #[must_use]
    pub fn max_duration(mut self, duration: Duration) -> Self {
        self.max_duration = duration;
        self
    }

    /// Sets the most channels.
    #[must_use]
    pub fn max_channels(mut self, channels: u16) -> Self {
        self.max_channels = channels;
        self
    }

    /// Sets the lowest and the highest sample rate in Hz.
    #[must_use]
    pub fn sample_rates(mut self, lowest: u32, highest: u32) -> Self {
        self.min_sample_rate = lowest;
        self.max_sample_rate = highest;
        self
    }

    /// Sets the most bytes of a pipe that are kept in memory.
    #[must_use]
    pub fn max_buffered(mut self, bytes: u64) -> Self {
        self.max_buffered = bytes;
        self
    }

    /// Checks a sample rate and a number of channels.
    pub(crate) fn check_format(&self, rate: u32, channels: usize) -> Result<(), Error> {
        if channels == 0 {
            return Err(Error::new(ErrorKind::Damaged, "the header declares no channels"));
        }
        if channels > usize::from(self.max_channels) {
            let most = self.max_channels;
            return Err(limit(&format!("{channels} channels, and the limit is {most}")));
        }
        if rate == 0 {
            return Err(Error::new(
                ErrorKind::Damaged,
                "the header declares a sample rate of 0 Hz",
            ));
        }
        if rate < self.min_sample_rate || rate > self.max_sample_rate {
            let (low, high) = (self.min_sample_rate, self.max_sample_rate);
            return Err(limit(&format!(
                "a sample rate of {rate} Hz, and the limits are {low} to {high} Hz"
            )));
        }
        Ok(())
    }

    /// Checks a duration.
    pub(crate) fn check_duration(&self, duration: Duration) -> Result<(), Error> {
        if duration > self.max_duration {
            let most = self.max_duration;
            return Err(limit(&format!("longer than the limit of {most:?}")));
        }
        Ok(())
    }
}

/// An input beyond a limit.
fn limit(what: &str) -> Error {
    Error::new(
        ErrorKind::Limit,
        format!("the audio is refused: {what}; raise `Limits` if the input is trusted"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bound_is_kept() {
        let limits = Limits::default().max_channels(2).sample_rates(8_000, 48_000);
        assert!(limits.check_format(8_000, 1).is_ok());
        assert!(limits.check_format(48_000, 2).is_ok());
        assert_eq!(
            limits.check_format(48_000, 3).unwrap_err().kind(),
            ErrorKind::Limit
        );
        assert_eq!(
            limits.check_format(7_999, 1).unwrap_err().kind(),
            ErrorKind::Limit
        );
        assert_eq!(
            limits.check_format(48_001, 1).unwrap_err().kind(),
            ErrorKind::Limit
        );
        assert_eq!(limits.check_format(0, 1).unwrap_err().kind(), ErrorKind::Damaged);
        assert_eq!(
            limits.check_format(8_000, 0).unwrap_err().kind(),
            ErrorKind::Damaged
        );
        let short = limits.max_duration(Duration::from_secs(1));
        assert!(short.check_duration(Duration::from_secs(1)).is_ok());
        let error = short.check_duration(Duration::from_millis(1001)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the audio is refused: longer than the limit of 1s; raise `Limits` if the input is trusted"
        );
    }

    #[test]
    fn each_stream_of_a_chain_is_held_to_them() {
        let fixture = |name: &str| std::fs::read(format!("../../fixtures/audio/{name}")).unwrap();
        // FLAC in mono, then Vorbis in stereo, which is decoded to mono.
        let chain = [fixture("hello.oga"), fixture("question.ogg")].concat();
        let read = |channels| {
            let limits = Limits::default().max_channels(channels);
            let source = crate::Options::new()
                .limits(limits.clone())
                .from_bytes(chain.clone());
            let mut frames = crate::Frames::from_bytes(chain.clone(), limits).unwrap();
            let end = loop {
                match frames.next_block() {
                    Ok(Some(_)) => {}
                    end => break end.map(|_| ()).map_err(|error| error.kind()),
                }
            };
            let all = source.unwrap().read_to_end();
            (all.map(|_| ()).map_err(|error| error.kind()), end)
        };
        assert_eq!(read(2), (Ok(()), Ok(())));
        assert_eq!(read(1), (Err(ErrorKind::Limit), Err(ErrorKind::Limit)));
    }
}
