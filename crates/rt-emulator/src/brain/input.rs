//! [`Input`]: the input audio buffer and its clock.

use bytes::Bytes;
use rt_protocol::limits::APPEND_BYTES;

use super::failure::Failure;
use super::format::Format;
use super::session::Turns;
use super::vad::{Detector, Heard, PER_MS};

/// The most audio in the buffer: more than 45 minutes of PCM.
const MAX_BUFFER: usize = 128 << 20;
/// The least audio a commit takes.
const MIN_COMMIT_MS: u64 = 100;
/// Quiet audio kept in the buffer while turns are detected, besides what a turn's prefix needs.
const QUIET_KEPT: u64 = 30_000 * PER_MS;

/// The input audio buffer.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    /// The format of the bytes.
    format: Format,
    /// What is not committed yet.
    bytes: Vec<u8>,
    /// Where the first byte stands on the clock of samples at 24 kHz.
    start: u64,
    /// Finds speech, if the session wants that.
    detector: Option<Detector>,
}

impl Input {
    /// An empty buffer at the start of the clock.
    pub(crate) fn new(format: Format, turns: Option<Turns>) -> Self {
        let detector = turns.map(|turns| Detector::new(turns.tuning, 0));
        Self {
            format,
            bytes: Vec::new(),
            start: 0,
            detector,
        }
    }

    /// Follows a change of the session. A new format empties the buffer.
    pub(crate) fn configure(&mut self, format: Format, turns: Option<Turns>) {
        if format != self.format {
            self.start = self.end();
            self.bytes.clear();
            self.format = format;
            self.detector = None;
        }
        let end = self.end();
        self.detector = match (self.detector.take(), turns) {
            (Some(mut detector), Some(turns)) => {
                detector.retune(turns.tuning);
                Some(detector)
            }
            (None, Some(turns)) => Some(Detector::new(turns.tuning, end)),
            (_, None) => None,
        };
    }

    /// The end of the clock, in samples at 24 kHz.
    pub(crate) fn end(&self) -> u64 {
        self.start + self.format.clock(self.bytes.len())
    }

    /// The start of what is not committed, in samples at 24 kHz.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// The start of what is not committed, in milliseconds.
    pub(crate) fn start_ms(&self) -> u64 {
        self.start / PER_MS
    }

    /// The end of the clock, in milliseconds.
    pub(crate) fn end_ms(&self) -> u64 {
        self.end() / PER_MS
    }

    /// Whether speech is going on.
    pub(crate) fn is_speaking(&self) -> bool {
        self.detector.as_ref().is_some_and(Detector::is_speaking)
    }

    /// The format of the bytes.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Appends audio and says what was heard in it.
    pub(crate) fn append(&mut self, audio: &[u8]) -> Result<Vec<Heard>, Failure> {
        let full = "The input audio buffer is full: commit or clear it.";
        check_append(audio, self.format, self.bytes.len(), full)?;
        self.bytes.extend_from_slice(audio);
        match &mut self.detector {
            Some(detector) => Ok(detector.feed(&self.format.decode(audio))),
            None => Ok(Vec::new()),
        }
    }

    /// Lets go of quiet audio that no turn will ask for.
    pub(crate) fn forget_quiet(&mut self) {
        let Some(detector) = self.detector.as_ref().filter(|detector| !detector.is_speaking()) else {
            return;
        };
        let keep = QUIET_KEPT + detector.lookback();
        // In steps, so that it costs little.
        if self.end() - self.start > keep + QUIET_KEPT {
            let from = (self.end() - keep).next_multiple_of(PER_MS);
            self.take(from, from);
        }
    }

    /// Removes everything before `to` and returns what lies between `from` and `to`.
    pub(crate) fn take(&mut self, from: u64, to: u64) -> Bytes {
        let offset = |at: u64| {
            self.format
                .bytes(at.saturating_sub(self.start))
                .min(self.bytes.len())
        };
        let (first, last) = (offset(from), offset(to));
        let taken = Bytes::copy_from_slice(&self.bytes[first.min(last)..last]);
        self.start += self.format.clock(last);
        self.bytes.drain(..last);
        taken
    }

    /// Commits by hand: everything from `from` (or the start of the buffer) on.
    pub(crate) fn commit(&mut self, from: Option<u64>) -> Result<Bytes, Failure> {
        let from = from.unwrap_or(self.start);
        let ms = (self.end().saturating_sub(from)) as f64 / PER_MS as f64;
        if ms < MIN_COMMIT_MS as f64 {
            let message = format!(
                "Error committing input audio buffer: buffer too small. Expected at least {MIN_COMMIT_MS}ms of \
                 audio, but buffer only has {ms:.2}ms of audio."
            );
            return Err(Failure::new("input_audio_buffer_commit_empty", message));
        }
        let end = self.end();
        let taken = self.take(from, end);
        self.reset();
        Ok(taken)
    }

    /// Empties the buffer.
    pub(crate) fn clear(&mut self) {
        self.start = self.end();
        self.bytes.clear();
        self.reset();
    }

    /// Starts listening afresh at the end of the clock.
    fn reset(&mut self) {
        let end = self.end();
        if let Some(detector) = &mut self.detector {
            detector.reset(end);
        }
    }
}

/// Refuses audio that is too much, alone or with what is there already, and audio that is cut within a sample.
pub(super) fn check_append(audio: &[u8], format: Format, already: usize, full: &str) -> Result<(), Failure> {
    let (code, message) = if audio.len() > APPEND_BYTES {
        let mebibytes = APPEND_BYTES >> 20;
        let message = format!("Invalid 'audio': an append can have at most {mebibytes} MiB of audio.");
        ("invalid_value", message)
    } else if !audio.len().is_multiple_of(format.sample_bytes()) {
        let message = "Invalid 'audio': the number of bytes is not a whole number of samples.";
        ("invalid_value", message.to_owned())
    } else if already + audio.len() > MAX_BUFFER {
        ("input_audio_buffer_full", full.to_owned())
    } else {
        return Ok(());
    };
    Err(Failure::new(code, message).param("audio"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_exact_samples_in_every_format() {
        for format in [Format::Pcm, Format::Ulaw, Format::Alaw] {
            let mut input = Input::new(format, None);
            let bytes: Vec<u8> = (0..format.bytes_per_ms() * 500)
                .map(|n| n.to_le_bytes()[0] ^ 0x5a)
                .collect();
            input.append(&bytes).unwrap();
            assert_eq!(input.end_ms(), 500);
            let per_ms = format.bytes_per_ms();
            assert_eq!(
                input.take(100 * PER_MS, 300 * PER_MS),
                bytes[100 * per_ms..300 * per_ms]
            );
            assert_eq!((input.start_ms(), input.end_ms()), (300, 500));
            assert_eq!(input.commit(None).unwrap(), bytes[300 * per_ms..]);
            assert_eq!(input.start_ms(), 500);
        }
    }

    #[test]
    fn refuses_too_little_too_much_and_half_samples() {
        let mut input = Input::new(Format::Pcm, None);
        let code = |failure: Failure| failure.code.unwrap();
        assert_eq!(
            code(input.commit(None).unwrap_err()),
            "input_audio_buffer_commit_empty"
        );
        assert_eq!(code(input.append(&[1]).unwrap_err()), "invalid_value");
        input.append(&[0; 48 * 99]).unwrap();
        let failure = input.commit(None).unwrap_err();
        assert!(
            failure.message.ends_with("buffer only has 99.00ms of audio."),
            "{}",
            failure.message
        );
        input.append(&[0; 48]).unwrap();
        assert_eq!(input.commit(None).unwrap().len(), 4800);
        assert_eq!(
            code(input.append(&vec![0; (15 << 20) + 2]).unwrap_err()),
            "invalid_value"
        );
        for _ in 0..8 {
            input.append(&vec![0; 15 << 20]).unwrap();
        }
        assert_eq!(
            code(input.append(&vec![0; 15 << 20]).unwrap_err()),
            "input_audio_buffer_full"
        );
    }
}
