//! [`Facts`]: what the server does by itself, as its settings say.

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
    /// It transcribes the user.
    pub(super) transcribes: bool,
    /// Audio does not come as PCM16.
    pub(super) other_format: bool,
}

impl Engine {
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
