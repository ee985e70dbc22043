//! Transcription and translation sessions: what is reported of them, and what updates do to them.

use rt_protocol::session::{
    AudioInput, AudioOutput, SessionAudio, SessionKind, TranscriptionSession, TranslationSession,
};
use rt_protocol::{Field, Session, TurnDetection, limits};

use super::failure::Failure;
use super::session::{SessionState, check_model, update_input};

/// The language a translation goes to until the client says another.
const LANGUAGE: &str = "en";

impl SessionState {
    /// What the audio of a new session is like.
    pub(super) fn audio_of(kind: SessionKind, conversation: SessionAudio) -> SessionAudio {
        match kind {
            SessionKind::Transcription => SessionAudio {
                output: Field::Absent,
                ..conversation
            },
            SessionKind::Translation => SessionAudio {
                input: AudioInput {
                    transcription: Field::Null,
                    noise_reduction: Field::Null,
                    ..AudioInput::default()
                }
                .into(),
                output: AudioOutput {
                    language: Field::Value(LANGUAGE.into()),
                    ..AudioOutput::default()
                }
                .into(),
            },
            _ => conversation,
        }
    }

    /// A transcription session as it is reported: without what is about answers.
    pub(super) fn transcription_to_wire(&self) -> Session {
        let wire = self.fields();
        let mut audio = wire.audio.clone();
        let input = audio.or_default().input.or_default();
        match &mut input.turn_detection {
            Field::Value(TurnDetection::ServerVad(vad)) => {
                vad.create_response = Field::Absent;
                vad.interrupt_response = Field::Absent;
                vad.idle_timeout_ms = Field::Absent;
            }
            Field::Value(TurnDetection::SemanticVad(vad)) => {
                vad.create_response = Field::Absent;
                vad.interrupt_response = Field::Absent;
            }
            _ => {}
        }
        TranscriptionSession {
            id: wire.id.clone(),
            object: "realtime.transcription_session".into(),
            expires_at: wire.expires_at,
            audio,
            include: wire.include.clone(),
        }
        .into()
    }

    /// A translation session as it is reported.
    pub(super) fn translation_to_wire(&self) -> Session {
        let wire = self.fields();
        TranslationSession {
            id: wire.id.clone(),
            object: Field::Absent,
            model: wire.model.clone(),
            expires_at: wire.expires_at,
            audio: wire.audio.clone(),
        }
        .into()
    }

    /// Applies an update to a transcription session, whole or not at all.
    pub(super) fn update_transcription(&mut self, update: TranscriptionSession) -> Result<(), Failure> {
        let mut next = self.fields().clone();
        next.include = update.include.or(next.include);
        let effective = next.audio.or_default().input.or_default();
        if let Field::Value(SessionAudio {
            input: Field::Value(input),
            ..
        }) = update.audio
        {
            update_input(effective, input);
        }
        let model = effective
            .transcription
            .value()
            .and_then(|wish| wish.model.as_deref());
        if let Some(model) = model.filter(|model| limits::MODELS_WITHOUT_VAD.contains(model))
            && effective.turn_detection.value().is_some()
        {
            let message = format!("Turn detection is not supported with '{model}': it has to be null.");
            let param = "session.audio.input.turn_detection";
            return Err(Failure::new("invalid_value", message).param(param));
        }
        self.replace(next);
        Ok(())
    }

    /// Applies an update to a translation session, whole or not at all.
    pub(super) fn update_translation(&mut self, update: TranslationSession) -> Result<(), Failure> {
        let mut next = self.fields().clone();
        check_model(&next.model, &update.model)?;
        if let Field::Value(audio) = update.audio {
            let effective = next.audio.or_default();
            if let Field::Value(input) = audio.input {
                let known = effective.input.or_default();
                known.transcription = input.transcription.or(std::mem::take(&mut known.transcription));
                known.noise_reduction = input
                    .noise_reduction
                    .or(std::mem::take(&mut known.noise_reduction));
            }
            if let Field::Value(output) = audio.output {
                let known = effective.output.or_default();
                known.language = output.language.or(std::mem::take(&mut known.language));
            }
        }
        self.replace(next);
        Ok(())
    }
}

/// The kind in a word, as it stands in `session.type`.
pub(super) fn name_of(kind: SessionKind) -> &'static str {
    match kind {
        SessionKind::Transcription => "transcription",
        SessionKind::Translation => "translation",
        _ => "realtime",
    }
}

/// Whether an event is for sessions of a kind.
pub(super) fn takes(kind: SessionKind, event_type: &str) -> bool {
    match kind {
        SessionKind::Transcription => {
            event_type == "session.update" || event_type.starts_with("input_audio_buffer.")
        }
        SessionKind::Translation => event_type.starts_with("session."),
        _ => event_type == "session.update" || !event_type.starts_with("session."),
    }
}
