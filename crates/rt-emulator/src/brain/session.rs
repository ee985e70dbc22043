//! [`SessionState`]: the effective session, and what updates do to it.

use rt_protocol::session::{
    AudioInput, AudioOutput, Eagerness, MaxOutputTokens, Modality, SemanticVad, ServerVad, SessionAudio,
    SessionKind, ToolChoice, ToolChoiceMode, Transcription, Truncation, TruncationMode, Voice,
};
use rt_protocol::{Field, RealtimeSession, Session, TurnDetection};

use super::failure::Failure;
use super::format::Format;
use super::kinds::name_of;
use super::vad::Tuning;

/// What a session is told when its client says nothing.
const INSTRUCTIONS: &str =
    "You are the voice of a test. Be friendly, brief and clear. Answer in the language of the user.";

/// The effective session.
#[derive(Debug, Clone)]
pub(crate) struct SessionState {
    /// Its kind.
    kind: SessionKind,
    /// As it is reported; of transcriptions and translations only a part is.
    wire: RealtimeSession,
}

/// How turns of the user end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Turns {
    /// How speech is found.
    pub(crate) tuning: Tuning,
    /// Whether the end of speech starts a response.
    pub(crate) create_response: bool,
    /// Whether speech cancels the response under way.
    pub(crate) interrupt_response: bool,
    /// Quiet after which the server takes the turn.
    pub(crate) idle_timeout_ms: Option<u64>,
}

impl SessionState {
    /// A session with the server's defaults.
    pub(crate) fn new(kind: SessionKind, id: String, model: String, expires_at: u64) -> Self {
        let audio = SessionAudio {
            input: AudioInput {
                format: Format::Pcm.to_wire().into(),
                transcription: Field::Null,
                noise_reduction: Field::Null,
                turn_detection: TurnDetection::from(server_vad(&ServerVad::default())).into(),
            }
            .into(),
            output: AudioOutput {
                format: Format::Pcm.to_wire().into(),
                voice: Voice::from("alloy").into(),
                speed: 1.0.into(),
                ..AudioOutput::default()
            }
            .into(),
        };
        let wire = RealtimeSession {
            id: id.into(),
            object: "realtime.session".into(),
            model: model.into(),
            output_modalities: vec![Modality::Audio].into(),
            instructions: INSTRUCTIONS.into(),
            tools: Vec::new().into(),
            tool_choice: ToolChoice::Mode(ToolChoiceMode::Auto).into(),
            max_output_tokens: MaxOutputTokens::INF.into(),
            tracing: Field::Null,
            truncation: Truncation::Mode(TruncationMode::Auto).into(),
            prompt: Field::Null,
            expires_at: expires_at.into(),
            audio: Self::audio_of(kind, audio).into(),
            include: Field::Null,
            ..RealtimeSession::default()
        };
        Self { kind, wire }
    }

    /// As it is reported.
    pub(crate) fn to_wire(&self) -> Session {
        match self.kind {
            SessionKind::Transcription => self.transcription_to_wire(),
            SessionKind::Translation => self.translation_to_wire(),
            _ => Session::Realtime(Box::new(self.wire.clone())),
        }
    }

    /// The kind of the session.
    pub(crate) fn kind(&self) -> SessionKind {
        self.kind
    }

    /// Puts the session in place of what it was.
    pub(super) fn replace(&mut self, wire: RealtimeSession) {
        self.wire = wire;
    }

    /// The session's own fields.
    pub(crate) fn fields(&self) -> &RealtimeSession {
        &self.wire
    }

    /// `audio.input`.
    fn input(&self) -> Option<&AudioInput> {
        self.wire.audio.value()?.input.value()
    }

    /// `audio.output`.
    fn output(&self) -> Option<&AudioOutput> {
        self.wire.audio.value()?.output.value()
    }

    /// The format of the user's audio.
    pub(crate) fn input_format(&self) -> Format {
        self.input()
            .map_or(Format::Pcm, |input| Format::of(&input.format))
    }

    /// The format of the answers.
    pub(crate) fn output_format(&self) -> Format {
        self.output()
            .map_or(Format::Pcm, |output| Format::of(&output.format))
    }

    /// The voice of the answers.
    pub(crate) fn voice(&self) -> Field<Voice> {
        self.output().map_or(Field::Null, |output| output.voice.clone())
    }

    /// The transcription asked for, if any.
    pub(crate) fn transcription(&self) -> Option<&Transcription> {
        self.input()?.transcription.value()
    }

    /// How turns end; `None` if the client commits by hand.
    pub(crate) fn turns(&self) -> Option<Turns> {
        match self.input()?.turn_detection.value()? {
            TurnDetection::ServerVad(vad) => Some(Turns {
                tuning: Tuning {
                    threshold: vad.threshold.value().copied().unwrap_or(0.5),
                    prefix_ms: vad.prefix_padding_ms.value().copied().unwrap_or(300).into(),
                    silence_ms: vad.silence_duration_ms.value().copied().unwrap_or(200).into(),
                },
                create_response: vad.create_response.value().copied().unwrap_or(true),
                interrupt_response: vad.interrupt_response.value().copied().unwrap_or(true),
                idle_timeout_ms: vad.idle_timeout_ms.value().copied().map(u64::from),
            }),
            TurnDetection::SemanticVad(vad) => Some(Turns {
                tuning: Tuning {
                    // The model's sense of an unfinished sentence is played by a longer silence.
                    silence_ms: match vad.eagerness.value() {
                        Some(Eagerness::Low) => 1200,
                        Some(Eagerness::High) => 300,
                        _ => 600,
                    },
                    ..Tuning::default()
                },
                create_response: vad.create_response.value().copied().unwrap_or(true),
                interrupt_response: vad.interrupt_response.value().copied().unwrap_or(true),
                idle_timeout_ms: None,
            }),
            _ => None,
        }
    }

    /// Applies an update, whole or not at all. `spoke` says whether there has been audio output.
    pub(crate) fn update(&mut self, update: Session, spoke: bool) -> Result<(), Failure> {
        match (self.kind, update) {
            (SessionKind::Realtime, Session::Realtime(update)) => self.update_conversation(*update, spoke),
            (SessionKind::Transcription, Session::Transcription(update)) => {
                self.update_transcription(*update)
            }
            (SessionKind::Translation, Session::Translation(update)) => self.update_translation(*update),
            (own, update) => {
                let given = update.kind().map_or("unknown", name_of);
                let message = format!(
                    "Passing a {given} session update event to a {} session is not allowed.",
                    name_of(own)
                );
                Err(Failure::new("invalid_value", message).param("session.type"))
            }
        }
    }

    /// Applies an update to a conversation.
    fn update_conversation(&mut self, update: RealtimeSession, spoke: bool) -> Result<(), Failure> {
        let mut next = self.wire.clone();
        check_model(&next.model, &update.model)?;
        check_modalities("session.output_modalities", &update.output_modalities)?;
        let tracing_changes = update.tracing.value().is_some() && update.tracing != next.tracing;
        if next.tracing.value().is_some() && tracing_changes {
            let message = "Tracing cannot be modified once it is enabled.";
            return Err(Failure::new("invalid_value", message).param("session.tracing"));
        }
        next.output_modalities = update.output_modalities.or(next.output_modalities);
        next.instructions = match update.instructions.as_deref() {
            // Empty instructions bring back the server's own.
            Some("") => INSTRUCTIONS.into(),
            _ => update.instructions.or(next.instructions),
        };
        next.tools = update.tools.or(next.tools);
        next.tool_choice = update.tool_choice.or(next.tool_choice);
        next.parallel_tool_calls = update.parallel_tool_calls.or(next.parallel_tool_calls);
        next.max_output_tokens = update.max_output_tokens.or(next.max_output_tokens);
        next.reasoning = update.reasoning.or(next.reasoning);
        next.tracing = update.tracing.or(next.tracing);
        next.truncation = update.truncation.or(next.truncation);
        next.prompt = update.prompt.or(next.prompt);
        next.include = update.include.or(next.include);
        if let Field::Value(audio) = update.audio {
            let effective = next.audio.or_default();
            if let Field::Value(input) = audio.input {
                update_input(effective.input.or_default(), input);
            }
            if let Field::Value(output) = audio.output {
                update_output(effective.output.or_default(), output, spoke)?;
            }
        }
        self.wire = next;
        Ok(())
    }
}

/// `audio.input`.
pub(super) fn update_input(effective: &mut AudioInput, update: AudioInput) {
    if update.format.value().is_some() {
        effective.format = Format::of(&update.format).to_wire().into();
    }
    match update.transcription {
        Field::Absent => {}
        Field::Null => effective.transcription = Field::Null,
        Field::Value(mut wish) => {
            let model = effective
                .transcription
                .value()
                .map(|now| now.model.clone())
                .unwrap_or_default();
            wish.model = wish.model.or(model).or("whisper-1".into());
            wish.language = wish.language.or(Field::Null);
            wish.prompt = wish.prompt.or(Field::Null);
            effective.transcription = wish.into();
        }
    }
    effective.noise_reduction = update
        .noise_reduction
        .or(std::mem::take(&mut effective.noise_reduction));
    match update.turn_detection {
        Field::Absent => {}
        Field::Value(TurnDetection::ServerVad(vad)) => {
            effective.turn_detection = TurnDetection::from(server_vad(&vad)).into();
        }
        Field::Value(TurnDetection::SemanticVad(vad)) => {
            let vad = SemanticVad {
                eagerness: vad.eagerness.or(Eagerness::Auto.into()),
                create_response: vad.create_response.or(true.into()),
                interrupt_response: vad.interrupt_response.or(true.into()),
                model_version: Field::Absent,
            };
            effective.turn_detection = TurnDetection::from(vad).into();
        }
        Field::Null | Field::Value(_) => effective.turn_detection = Field::Null,
    }
}

/// `audio.output`.
fn update_output(effective: &mut AudioOutput, update: AudioOutput, spoke: bool) -> Result<(), Failure> {
    if spoke && update.voice.value().is_some() && update.voice != effective.voice {
        let message = "Cannot update a conversation's voice if assistant audio is present.";
        return Err(Failure::new("cannot_update_voice", message).param("session.audio.output.voice"));
    }
    if update.format.value().is_some() {
        effective.format = Format::of(&update.format).to_wire().into();
    }
    effective.voice = update.voice.or(std::mem::take(&mut effective.voice));
    effective.speed = update.speed.or(effective.speed);
    Ok(())
}

/// Fills in the server's defaults.
fn server_vad(vad: &ServerVad) -> ServerVad {
    ServerVad {
        threshold: vad.threshold.or(0.5.into()),
        prefix_padding_ms: vad.prefix_padding_ms.or(300.into()),
        silence_duration_ms: vad.silence_duration_ms.or(200.into()),
        idle_timeout_ms: vad.idle_timeout_ms.or(Field::Null),
        create_response: vad.create_response.or(true.into()),
        interrupt_response: vad.interrupt_response.or(true.into()),
        model_version: Field::Absent,
    }
}

/// The model that there is, or none.
pub(super) fn check_model(model: &Field<String>, wish: &Field<String>) -> Result<(), Failure> {
    if wish.value().is_none() || wish.value() == model.value() {
        return Ok(());
    }
    let message = "The model of a session cannot be changed.";
    Err(Failure::new("invalid_value", message).param("session.model"))
}

/// Either text or audio, not both and not none.
pub(crate) fn check_modalities(param: &str, wish: &Field<Vec<Modality>>) -> Result<(), Failure> {
    match wish.value() {
        Some(modalities) if modalities.len() != 1 => {
            let names: Vec<String> = modalities.iter().map(|name| format!("'{name}'")).collect();
            let message = format!(
                "Invalid modalities: [{}]. Supported combinations are: ['text'] and ['audio'].",
                names.iter().take(8).cloned().collect::<Vec<_>>().join(", ")
            );
            Err(Failure::new("invalid_value", message).param(param))
        }
        _ => Ok(()),
    }
}
