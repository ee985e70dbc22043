//! How a server applies a `session.update`: what it names is set, `null` included, and the rest stays.

use crate::Field;
use crate::session::{
    AudioInput, AudioOutput, RealtimeSession, Session, SessionAudio, TranscriptionSession,
    TranslationSession, TurnDetection,
};

/// Sets the fields that an update names, and merges those that are objects themselves. All fields of the type have to be
/// listed, so that a new one cannot be forgotten.
macro_rules! merge_fields {
    ($self:ident, $update:ident: $($field:ident),* $(; $($nested:ident: $Nested:ident),*)?) => {
        let Self { $($field,)* $($($nested,)*)? } = $update;
        $(set(&mut $self.$field, $field);)*
        $($(within(&mut $self.$nested, $nested, $Nested::merge);)*)?
    };
}

impl RealtimeSession {
    /// Applies an update as the server does.
    ///
    /// Absent fields stay, `null` becomes `null`, values replace values. `audio`, `audio.input` and `audio.output`
    /// are merged field by field; everything below (turn detection, transcription, a format, a voice) and the lists
    /// of tools and modalities are replaced whole.
    ///
    /// The server then fills in what a new object leaves out (the other settings of a turn detection) and its own
    /// instructions for empty ones. With its `session.updated` as the update, the result is what the server says.
    ///
    /// ```
    /// use rt_protocol::RealtimeSession;
    /// let mut effective = RealtimeSession::new().instructions("Be brief.").voice("marin");
    /// effective.merge(&RealtimeSession::new().speed(1.2).manual_turns());
    /// assert_eq!(
    ///     effective,
    ///     RealtimeSession::new().instructions("Be brief.").voice("marin").speed(1.2).manual_turns(),
    /// );
    /// ```
    pub fn merge(&mut self, update: &Self) {
        merge_fields!(self, update:
            id, object, model, output_modalities, instructions, tools, tool_choice, parallel_tool_calls,
            max_output_tokens, reasoning, tracing, truncation, prompt, expires_at, include;
            audio: SessionAudio
        );
    }

    /// The session without the fields that only the server writes (`id`, `object`, `expires_at`, `model_version` of a turn detection): what a
    /// `session.update` may hold.
    #[must_use]
    pub fn into_request(self) -> Self {
        Self {
            id: Field::Absent,
            object: Field::Absent,
            expires_at: Field::Absent,
            audio: self.audio.map(SessionAudio::into_request),
            ..self
        }
    }
}

impl TranscriptionSession {
    /// Applies an update as the server does; see [`RealtimeSession::merge`].
    pub fn merge(&mut self, update: &Self) {
        merge_fields!(self, update: id, object, expires_at, include; audio: SessionAudio);
    }

    /// The session without the fields that only the server writes: what a `session.update` may hold.
    #[must_use]
    pub fn into_request(self) -> Self {
        Self {
            id: Field::Absent,
            object: Field::Absent,
            expires_at: Field::Absent,
            audio: self.audio.map(SessionAudio::into_request),
            ..self
        }
    }
}

impl TranslationSession {
    /// Applies an update as the server does; see [`RealtimeSession::merge`].
    pub fn merge(&mut self, update: &Self) {
        merge_fields!(self, update: id, object, model, expires_at; audio: SessionAudio);
    }

    /// The session without the fields that only the server writes, and without the model, which is part of the
    /// address: what a `session.update` may hold.
    #[must_use]
    pub fn into_request(self) -> Self {
        Self {
            audio: self.audio,
            ..Self::default()
        }
    }
}

impl Session {
    /// Applies an update of the same kind as the server does; see [`RealtimeSession::merge`].
    ///
    /// Returns whether it did. An update of another kind changes nothing, and neither does one of a kind this
    /// version does not know.
    #[must_use = "an update of another kind is not applied"]
    pub fn merge(&mut self, update: &Self) -> bool {
        match (self, update) {
            (Self::Realtime(session), Self::Realtime(update)) => session.merge(update),
            (Self::Transcription(session), Self::Transcription(update)) => session.merge(update),
            (Self::Translation(session), Self::Translation(update)) => session.merge(update),
            _ => return false,
        }
        true
    }

    /// The session without the fields that only the server writes: what a `session.update` may hold. Unknown kinds
    /// stay as they are.
    #[must_use]
    pub fn into_request(self) -> Self {
        match self {
            Self::Realtime(session) => session.into_request().into(),
            Self::Transcription(session) => session.into_request().into(),
            Self::Translation(session) => session.into_request().into(),
            Self::Unknown(raw) => Self::Unknown(raw),
        }
    }
}

impl SessionAudio {
    fn merge(&mut self, update: &Self) {
        merge_fields!(self, update: ; input: AudioInput, output: AudioOutput);
    }

    /// Without what only the server writes.
    fn into_request(mut self) -> Self {
        let detection = self
            .input
            .value_mut()
            .and_then(|input| input.turn_detection.value_mut());
        match detection {
            Some(TurnDetection::ServerVad(vad)) => vad.model_version = Field::Absent,
            Some(TurnDetection::SemanticVad(vad)) => vad.model_version = Field::Absent,
            _ => {}
        }
        self
    }
}

impl AudioInput {
    fn merge(&mut self, update: &Self) {
        merge_fields!(self, update: format, transcription, noise_reduction, turn_detection);
    }
}

impl AudioOutput {
    fn merge(&mut self, update: &Self) {
        merge_fields!(self, update: format, voice, speed, language);
    }
}

/// A field the update names replaces the old one.
fn set<T: Clone>(field: &mut Field<T>, update: &Field<T>) {
    if !update.is_absent() {
        field.clone_from(update);
    }
}

/// A nested object is merged where both sides have one, and replaced otherwise.
fn within<T: Clone>(field: &mut Field<T>, update: &Field<T>, merge: impl FnOnce(&mut T, &T)) {
    match (field, update) {
        (Field::Value(old), Field::Value(new)) => merge(old, new),
        (field, update) => set(field, update),
    }
}

#[cfg(test)]
mod tests;
