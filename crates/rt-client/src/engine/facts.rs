//! [`Facts`]: what the server does by itself, as its settings say.

use std::time::Duration;

use rt_protocol::session::{AudioFormatKind, Modality};
use rt_protocol::{Field, Session, TurnDetection};

use super::Engine;

/// What the server does by itself.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Facts {
    /// It answers turns it heard.
    pub(super) answers: bool,
    /// It cancels a response when it hears the user.
    pub(super) interrupts: bool,
    /// The silence after which it takes a turn to be over, if it goes by silence.
    pub(super) silence: Duration,
    /// It transcribes the user.
    pub(super) transcribes: bool,
    /// Audio does not come as PCM16.
    pub(super) other_format: bool,
}

impl Engine {
    /// Where the user fell silent, in the audio that was sent, when the server says that a turn ends at `position`: it counts
    /// the silence by which it notices.
    pub(crate) fn end_of_speech(&self, position: Duration) -> Duration {
        position.saturating_sub(self.facts.silence)
    }

    /// When the end of the speech was sent of which the next event tells, if that is known.
    pub(crate) fn speech_was_sent(&mut self, when: Option<Duration>) {
        self.speech_sent = when;
    }

    /// What the server says of the session.
    pub(super) fn note_session(&mut self, session: &Session) {
        if let Session::Realtime(session) = session
            && let Some(modalities) = session.output_modalities.value()
        {
            self.written.speaks = modalities.contains(&Modality::Audio);
        }
        let audio = match session {
            Session::Realtime(session) => session.audio.value(),
            Session::Transcription(session) => session.audio.value(),
            _ => None,
        };
        let Some(audio) = audio else { return };
        if let Some(input) = audio.input.value() {
            let (creates, interrupts) = match input.turn_detection.value() {
                Some(TurnDetection::ServerVad(vad)) => (&vad.create_response, &vad.interrupt_response),
                Some(TurnDetection::SemanticVad(vad)) => (&vad.create_response, &vad.interrupt_response),
                _ => (&Field::Value(false), &Field::Value(false)),
            };
            self.facts.silence = match input.turn_detection.value() {
                Some(TurnDetection::ServerVad(vad)) => vad
                    .silence_duration_ms
                    .value()
                    .map_or(Duration::ZERO, |ms| Duration::from_millis((*ms).into())),
                _ => Duration::ZERO,
            };
            let is_on = |field: &Field<bool>| field.value().copied().unwrap_or(true);
            let conversation = matches!(session, Session::Realtime(_));
            self.facts.answers = is_on(creates) && conversation;
            self.facts.interrupts = is_on(interrupts) && conversation;
            self.facts.transcribes = input.transcription.value().is_some();
            if input.turn_detection.is_null() {
                self.forget_turn();
            }
        }
        let kind = audio
            .output
            .value()
            .and_then(|output| output.format.value())
            .and_then(|format| format.kind.value());
        if let Some(kind) = kind {
            self.facts.other_format = *kind != AudioFormatKind::Pcm;
            if self.facts.other_format {
                self.playback.set_format(8_000, 1);
            } else {
                self.playback.set_format(24_000, 2);
            }
        }
    }
}
