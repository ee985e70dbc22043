//! [`Pcm16`]: the audio of the API, as one cheap value.

use std::fmt;
use std::ops::{Bound, RangeBounds};
use std::time::Duration;

use bytes::{Bytes, BytesMut};

/// Mono 16-bit signed little-endian samples at 24 kHz: the `audio/pcm` format of the Realtime API.
///
/// A clone or a [`slice`](Self::slice) shares the bytes. `Debug` prints the length, never the audio.
///
/// ```
/// use rt_protocol::Pcm16;
/// let tone: Vec<i16> = (0..2400).map(|n| (n % 100) * 200).collect();
/// let audio = Pcm16::from_samples(&tone);
/// assert_eq!(audio.duration().as_millis(), 100);
/// assert_eq!(audio.slice(..480).len(), 480);
/// ```
#[derive(Clone, PartialEq, Eq, Default, Hash)]
pub struct Pcm16 {
    /// Always an even number of bytes.
    bytes: Bytes,
}

/// Bytes that cannot be 16-bit samples, because their number is odd.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{len} bytes are not whole 16-bit samples: pass an even number of bytes")]
pub struct OddLength {
    /// How many bytes there were.
    pub len: usize,
}

impl Pcm16 {
    /// Samples per second: 24,000, the only rate `audio/pcm` has.
    pub const SAMPLE_RATE: u32 = 24_000;
    /// Bytes per sample.
    pub const BYTES_PER_SAMPLE: usize = 2;

    /// No samples.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Bytes::new() }
    }

    /// Copies samples.
    #[must_use]
    pub fn from_samples(samples: &[i16]) -> Self {
        samples.iter().copied().collect()
    }

    /// Takes bytes that already are little-endian samples, without a copy.
    ///
    /// # Errors
    /// [`OddLength`] if the number of bytes is odd.
    pub fn from_le_bytes(bytes: impl Into<Bytes>) -> Result<Self, OddLength> {
        let bytes = bytes.into();
        if bytes.len().is_multiple_of(2) {
            Ok(Self { bytes })
        } else {
            Err(OddLength { len: bytes.len() })
        }
    }

    /// Zeros of the given duration, rounded down to whole samples.
    #[must_use]
    pub fn silence(duration: Duration) -> Self {
        Self {
            bytes: Bytes::from(vec![0; samples_in(duration) * Self::BYTES_PER_SAMPLE]),
        }
    }

    /// Joins pieces into one, with one copy.
    #[must_use]
    pub fn concat<'a>(pieces: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut bytes = BytesMut::new();
        for piece in pieces {
            bytes.extend_from_slice(&piece.bytes);
        }
        Self {
            bytes: bytes.freeze(),
        }
    }

    /// The number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len() / Self::BYTES_PER_SAMPLE
    }

    /// Whether there are no samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How long the samples last at 24 kHz.
    #[must_use]
    pub fn duration(&self) -> Duration {
        duration_of(self.len() as u64)
    }

    /// The samples, one by one.
    pub fn samples(&self) -> impl ExactSizeIterator<Item = i16> + DoubleEndedIterator + '_ {
        self.bytes
            .chunks_exact(2)
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
    }

    /// A copy of the samples.
    #[must_use]
    pub fn to_samples(&self) -> Vec<i16> {
        self.samples().collect()
    }

    /// The little-endian bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The little-endian bytes, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// A part, counted in samples; it shares the memory.
    ///
    /// # Panics
    /// If the range does not lie within the samples, like slicing a slice.
    #[must_use]
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Self {
        let start = match range.start_bound() {
            Bound::Included(&n) => n,
            Bound::Excluded(&n) => n + 1,
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&n) => n + 1,
            Bound::Excluded(&n) => n,
            Bound::Unbounded => self.len(),
        };
        Self {
            bytes: self.bytes.slice(start * 2..end * 2),
        }
    }

    /// Pieces of the given duration, the last one as short as it must be; they share the memory.
    ///
    /// A duration below one sample counts as one sample.
    pub fn chunks(&self, duration: Duration) -> impl Iterator<Item = Self> + '_ {
        let step = samples_in(duration).max(1);
        (0..self.len())
            .step_by(step)
            .map(move |at| self.slice(at..(at + step).min(self.len())))
    }
}

/// Whole samples in a duration at 24 kHz, rounded down.
pub(crate) fn samples_in(duration: Duration) -> usize {
    let samples = duration.as_nanos() * u128::from(Pcm16::SAMPLE_RATE) / 1_000_000_000;
    usize::try_from(samples).unwrap_or(usize::MAX)
}

/// The duration of a number of samples at 24 kHz.
fn duration_of(samples: u64) -> Duration {
    let rate = u64::from(Pcm16::SAMPLE_RATE);
    Duration::from_secs(samples / rate) + Duration::from_nanos(samples % rate * 1_000_000_000 / rate)
}

impl FromIterator<i16> for Pcm16 {
    fn from_iter<I: IntoIterator<Item = i16>>(samples: I) -> Self {
        let samples = samples.into_iter();
        let mut bytes = BytesMut::with_capacity(samples.size_hint().0 * Self::BYTES_PER_SAMPLE);
        for sample in samples {
            bytes.extend_from_slice(&sample.to_le_bytes());
        }
        Self {
            bytes: bytes.freeze(),
        }
    }
}

impl From<Vec<i16>> for Pcm16 {
    fn from(samples: Vec<i16>) -> Self {
        Self::from_samples(&samples)
    }
}

impl fmt::Debug for Pcm16 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pcm16({} samples, {:?})", self.len(), self.duration())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_samples_agree() {
        let audio = Pcm16::from_samples(&[1, -2, i16::MIN, i16::MAX]);
        assert_eq!(audio.as_bytes(), [1, 0, 0xfe, 0xff, 0, 0x80, 0xff, 0x7f]);
        assert_eq!(audio.to_samples(), [1, -2, i16::MIN, i16::MAX]);
        assert_eq!(Pcm16::from_le_bytes(audio.as_bytes().to_vec()).unwrap(), audio);
        assert_eq!(
            Pcm16::from_le_bytes(vec![0; 3]).unwrap_err(),
            OddLength { len: 3 }
        );
    }

    #[test]
    fn durations_are_exact() {
        assert_eq!(
            Pcm16::from_samples(&vec![0; 480]).duration(),
            Duration::from_millis(20)
        );
        assert_eq!(Pcm16::silence(Duration::from_millis(100)).len(), 2400);
        assert_eq!(Pcm16::silence(Duration::from_nanos(41_666)).len(), 0);
        assert_eq!(Pcm16::from_samples(&[0]).duration(), Duration::from_nanos(41_666));
    }

    #[test]
    fn chunks_cover_everything_once() {
        let samples: Vec<i16> = (0..1000).collect();
        let audio = Pcm16::from_samples(&samples);
        let chunks: Vec<Pcm16> = audio.chunks(Duration::from_millis(20)).collect();
        assert_eq!(chunks.iter().map(Pcm16::len).collect::<Vec<_>>(), [480, 480, 40]);
        assert_eq!(Pcm16::concat(&chunks), audio);
        assert_eq!(audio.chunks(Duration::ZERO).count(), 1000);
    }

    #[test]
    fn debug_has_no_audio() {
        assert_eq!(
            format!("{:?}", Pcm16::from_samples(&[7; 480])),
            "Pcm16(480 samples, 20ms)"
        );
    }
}
