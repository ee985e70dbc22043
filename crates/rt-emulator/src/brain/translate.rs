//! Translations: the audio comes back as it came, in steps of 200 ms, and what was said in it as text.

use std::collections::VecDeque;
use std::time::Duration;

use rt_protocol::server_event::{
    SessionClosed, SessionInputTranscriptDelta, SessionOutputAudioDelta, SessionOutputTranscriptDelta,
};
use rt_protocol::{Field, ServerEvent, Text};

use super::failure::Failure;
use super::format::Format;
use super::input::check_append;
use super::vad::{Detector, Heard, PER_MS, Tuning};
use super::voice::split;
use super::{Brain, Output};
use crate::script::{Reply, Step};

/// From one delta of audio to the next.
const STEP_MS: u64 = 200;
/// The bytes of it.
const STEP_BYTES: usize = 200 * 48;

/// What a translation has yet to say.
#[derive(Debug, Clone)]
pub(crate) struct Translation {
    /// Finds speech.
    detector: Detector,
    /// Bytes that were received.
    received: u64,
    /// Where the speech that goes on began, in samples.
    speech_from: Option<u64>,
    /// Whether there was any speech.
    heard: bool,
    /// Audio that goes back.
    audio: VecDeque<u8>,
    /// Text that goes with it.
    pieces: VecDeque<Piece>,
    /// Bytes that went back.
    sent: u64,
    /// When the next step may come.
    next_at: Duration,
    /// Whether the client wants the end.
    closing: bool,
}

/// A piece of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// Of what was said.
    Input(String),
    /// Of the translation.
    Output(String),
}

impl Default for Translation {
    fn default() -> Self {
        Self {
            detector: Detector::new(Tuning::default(), 0),
            received: 0,
            speech_from: None,
            heard: false,
            audio: VecDeque::new(),
            pieces: VecDeque::new(),
            sent: 0,
            next_at: Duration::ZERO,
            closing: false,
        }
    }
}

impl Translation {
    /// When the next step is due.
    pub(crate) fn due(&self) -> Option<Duration> {
        let work = self.closing || !self.pieces.is_empty() || self.audio.len() >= STEP_BYTES;
        work.then_some(self.next_at)
    }
}

impl Brain {
    /// `session.input_audio_buffer.append`.
    pub(super) fn translate(&mut self, audio: &[u8]) -> Result<(), Failure> {
        let state = &mut self.translation;
        if state.closing {
            return Err(Failure::new("invalid_event", "The session is closing."));
        }
        let full = "There is more audio than can be translated: send it more slowly.";
        check_append(audio, Format::Pcm, state.audio.len(), full)?;
        if state.due().is_none() {
            state.next_at = state.next_at.max(self.now + self.settings.pacing.first_output);
        }
        self.record.appended_more(audio.len());
        state.received += audio.len() as u64;
        state.audio.extend(audio);
        for heard in state.detector.feed(&Format::Pcm.decode(audio)) {
            match heard {
                Heard::Started { at } => self.translation.speech_from = Some(at),
                Heard::Stopped { at } => self.end_speech(at),
            }
        }
        Ok(())
    }

    /// Speech ended: what was said in it, and what that means.
    fn end_speech(&mut self, at: u64) {
        let Some(from) = self.translation.speech_from.take() else {
            return;
        };
        let again = std::mem::replace(&mut self.translation.heard, true);
        let said = self.hear(at.saturating_sub(from) / PER_MS);
        let meant = match self.player.reply() {
            Reply::Parrot => said.clone(),
            Reply::Quiet => String::new(),
            Reply::Steps(steps) => steps
                .iter()
                .filter_map(|step| match step {
                    Step::Say { text, .. } => Some(text.as_str()),
                    Step::Parrot => Some(said.as_str()),
                    _ => None,
                })
                .collect::<Vec<_>>()
                .join(" "),
        };
        // Between two sentences there is a space.
        let spaced = |text: &str, again: bool| {
            let mut pieces = split(text);
            if let Some(first) = pieces.first_mut().filter(|_| again) {
                first.insert(0, ' ');
            }
            pieces
        };
        let pieces = &mut self.translation.pieces;
        pieces.extend(spaced(&said, again).into_iter().map(Piece::Input));
        pieces.extend(spaced(&meant, again).into_iter().map(Piece::Output));
    }

    /// `session.close`: what is under way comes first.
    pub(super) fn close_translation(&mut self) {
        let state = &mut self.translation;
        if std::mem::replace(&mut state.closing, true) {
            return;
        }
        state.next_at = state.next_at.max(self.now);
        if state.speech_from.is_none() && !state.heard && state.received > 0 {
            // Nobody else will say what it was.
            state.speech_from = Some(0);
        }
        let end = state.received / Format::Pcm.sample_bytes() as u64;
        self.end_speech(end);
    }

    /// The next step: text that is due, then audio; at last the end.
    pub(super) fn advance_translation(&mut self) {
        let state = &mut self.translation;
        let whole = state.audio.len().min(STEP_BYTES);
        let size = if whole == STEP_BYTES || state.closing {
            whole
        } else {
            0
        };
        let audio: Vec<u8> = state.audio.drain(..size).collect();
        state.sent += audio.len() as u64;
        let elapsed_ms: Field<u64> = (state.sent.div_ceil(STEP_BYTES as u64).max(1) * STEP_MS).into();
        let length = Duration::from_millis(Format::Pcm.ms(audio.len()));
        state.next_at = state.next_at.max(self.now) + self.settings.pacing.sending(length);
        for piece in std::mem::take(&mut state.pieces) {
            self.emit(match piece {
                Piece::Input(text) => ServerEvent::SessionInputTranscriptDelta(SessionInputTranscriptDelta {
                    delta: Text::from(text),
                    elapsed_ms,
                    ..Default::default()
                }),
                Piece::Output(text) => {
                    ServerEvent::SessionOutputTranscriptDelta(SessionOutputTranscriptDelta {
                        delta: Text::from(text),
                        elapsed_ms,
                        ..Default::default()
                    })
                }
            });
        }
        if !audio.is_empty() {
            self.emit(ServerEvent::SessionOutputAudioDelta(SessionOutputAudioDelta {
                delta: audio.into(),
                format: Field::Value("pcm16".to_owned()),
                sample_rate: 24_000.into(),
                channels: 1.into(),
                elapsed_ms,
                ..Default::default()
            }));
        }
        if self.translation.closing && self.translation.audio.is_empty() {
            self.emit(ServerEvent::SessionClosed(SessionClosed::default()));
            self.ended = true;
            self.out.push(Output::Close {
                code: 1000,
                reason: String::new(),
            });
        }
    }
}
