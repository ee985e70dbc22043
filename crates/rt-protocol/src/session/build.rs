//! Setters of the three kinds of session. They take and return the session, so they chain.

use crate::session::{
    AudioFormat, AudioInput, AudioOutput, Include, MaxOutputTokens, Modality, NoiseReduction, Prompt,
    RealtimeSession, Reasoning, ReasoningEffort, SemanticVad, ServerVad, SessionAudio, Tool, ToolChoice,
    Tracing, Transcription, TranscriptionSession, TranslationSession, Truncation, TurnDetection, Voice,
};
use crate::{Field, Text};

impl SessionAudio {
    fn input_mut(&mut self) -> &mut AudioInput {
        self.input.or_default()
    }

    fn output_mut(&mut self) -> &mut AudioOutput {
        self.output.or_default()
    }
}

/// What the user says: the setters that conversations and transcriptions share.
macro_rules! input_setters {
    () => {
        /// The format of the appended audio; PCM16 at 24 kHz unless set.
        #[must_use]
        pub fn input_format(mut self, format: AudioFormat) -> Self {
            self.audio.or_default().input_mut().format = format.into();
            self
        }

        /// Transcribes what the user says.
        #[must_use]
        pub fn transcription(mut self, transcription: impl Into<Transcription>) -> Self {
            self.audio.or_default().input_mut().transcription = Field::Value(transcription.into());
            self
        }

        /// Reduces noise before voice activity detection and the model.
        #[must_use]
        pub fn noise_reduction(mut self, noise_reduction: impl Into<NoiseReduction>) -> Self {
            self.audio.or_default().input_mut().noise_reduction = Field::Value(noise_reduction.into());
            self
        }

        /// Switches noise reduction off.
        #[must_use]
        pub fn no_noise_reduction(mut self) -> Self {
            self.audio.or_default().input_mut().noise_reduction = Field::Null;
            self
        }

        /// How the service finds the end of a turn.
        #[must_use]
        pub fn turn_detection(mut self, turn_detection: impl Into<TurnDetection>) -> Self {
            self.audio.or_default().input_mut().turn_detection = Field::Value(turn_detection.into());
            self
        }

        /// The service finds the end of a turn by loudness and silence.
        #[must_use]
        pub fn server_vad(self, vad: ServerVad) -> Self {
            self.turn_detection(vad)
        }

        /// The service finds the end of a turn by whether the sentence sounds finished.
        #[must_use]
        pub fn semantic_vad(self, vad: SemanticVad) -> Self {
            self.turn_detection(vad)
        }

        /// The client ends turns itself, with `input_audio_buffer.commit`: push to talk.
        #[must_use]
        pub fn manual_turns(mut self) -> Self {
            self.audio.or_default().input_mut().turn_detection = Field::Null;
            self
        }

        /// Additional fields to send.
        #[must_use]
        pub fn include(mut self, include: impl IntoIterator<Item = Include>) -> Self {
            self.include = Field::Value(include.into_iter().collect());
            self
        }
    };
}

impl RealtimeSession {
    /// A session that sets nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The model, such as `gpt-realtime-2.1`. It cannot change within a session.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Field::Value(model.into());
        self
    }

    /// What a response is made of: exactly one of the two.
    #[must_use]
    pub fn output_modalities(mut self, modalities: impl IntoIterator<Item = Modality>) -> Self {
        self.output_modalities = Field::Value(modalities.into_iter().collect());
        self
    }

    /// The model answers with text and without audio.
    #[must_use]
    pub fn text_only(self) -> Self {
        self.output_modalities([Modality::Text])
    }

    /// The model speaks, and sends the transcript too: the default.
    #[must_use]
    pub fn spoken(self) -> Self {
        self.output_modalities([Modality::Audio])
    }

    /// What the model should do and be. With an empty text the service goes back to instructions of its own.
    #[must_use]
    pub fn instructions(mut self, instructions: impl Into<Text>) -> Self {
        self.instructions = Field::Value(instructions.into());
        self
    }

    /// Adds a tool.
    #[must_use]
    pub fn tool(mut self, tool: impl Into<Tool>) -> Self {
        self.tools.or_default().push(tool.into());
        self
    }

    /// The tools, in place of those there are; none clears them.
    #[must_use]
    pub fn tools(mut self, tools: impl IntoIterator<Item = Tool>) -> Self {
        self.tools = Field::Value(tools.into_iter().collect());
        self
    }

    /// Whether and which tool the model uses.
    #[must_use]
    pub fn tool_choice(mut self, choice: impl Into<ToolChoice>) -> Self {
        self.tool_choice = Field::Value(choice.into());
        self
    }

    /// Whether the model may call several tools at once.
    #[must_use]
    pub fn parallel_tool_calls(mut self, parallel: bool) -> Self {
        self.parallel_tool_calls = parallel.into();
        self
    }

    /// The most tokens per response: 1 to 4,096, or [`MaxOutputTokens::INF`] (default).
    #[must_use]
    pub fn max_output_tokens(mut self, tokens: impl Into<MaxOutputTokens>) -> Self {
        self.max_output_tokens = Field::Value(tokens.into());
        self
    }

    /// How much a reasoning model thinks before it answers.
    #[must_use]
    pub fn reasoning_effort(mut self, effort: ReasoningEffort) -> Self {
        self.reasoning = Field::Value(Reasoning::new(effort));
        self
    }

    /// Traces the session. It cannot change once on.
    #[must_use]
    pub fn tracing(mut self, tracing: impl Into<Tracing>) -> Self {
        self.tracing = Field::Value(tracing.into());
        self
    }

    /// Switches tracing off.
    #[must_use]
    pub fn no_tracing(mut self) -> Self {
        self.tracing = Field::Null;
        self
    }

    /// What happens when the conversation grows too long.
    #[must_use]
    pub fn truncation(mut self, truncation: impl Into<Truncation>) -> Self {
        self.truncation = Field::Value(truncation.into());
        self
    }

    /// A prompt stored with the service.
    #[must_use]
    pub fn prompt(mut self, prompt: impl Into<Prompt>) -> Self {
        self.prompt = Field::Value(prompt.into());
        self
    }

    /// All settings of audio at once, in place of those there are.
    #[must_use]
    pub fn audio(mut self, audio: SessionAudio) -> Self {
        self.audio = audio.into();
        self
    }

    input_setters!();

    /// Switches the transcription of what the user says off.
    #[must_use]
    pub fn no_transcription(mut self) -> Self {
        self.audio.or_default().input_mut().transcription = Field::Null;
        self
    }

    /// The format of the model's audio; PCM16 at 24 kHz unless set.
    #[must_use]
    pub fn output_format(mut self, format: AudioFormat) -> Self {
        self.audio.or_default().output_mut().format = format.into();
        self
    }

    /// The voice, by name or as an object. It cannot change once the session has produced audio.
    #[must_use]
    pub fn voice(mut self, voice: impl Into<Voice>) -> Self {
        self.audio.or_default().output_mut().voice = Field::Value(voice.into());
        self
    }

    /// Speed of speech, 0.25 to 1.5, default 1. It changes only between turns.
    #[must_use]
    pub fn speed(mut self, speed: f64) -> Self {
        self.audio.or_default().output_mut().speed = speed.into();
        self
    }
}

impl TranscriptionSession {
    /// Transcription by the given model, such as `gpt-transcribe`, or with settings of it.
    ///
    /// ```
    /// use rt_protocol::{Session, session::TranscriptionSession};
    /// let session = TranscriptionSession::new("gpt-realtime-whisper").manual_turns();
    /// assert_eq!(
    ///     serde_json::to_string(&Session::from(session))?,
    ///     r#"{"type":"transcription","audio":{"input":{"transcription":{"model":"gpt-realtime-whisper"},"turn_detection":null}}}"#,
    /// );
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn new(transcription: impl Into<Transcription>) -> Self {
        Self::default().transcription(transcription)
    }

    input_setters!();
}

impl TranslationSession {
    /// Translation into the given language, as a code such as `es`.
    ///
    /// ```
    /// use rt_protocol::session::TranslationSession;
    /// let session = TranslationSession::to("es").transcription("gpt-realtime-whisper");
    /// assert_eq!(
    ///     serde_json::to_string(&session)?,
    ///     r#"{"audio":{"input":{"transcription":{"model":"gpt-realtime-whisper"}},"output":{"language":"es"}}}"#,
    /// );
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn to(language: impl Into<String>) -> Self {
        let mut session = Self::default();
        session.audio.or_default().output_mut().language = Field::Value(language.into());
        session
    }

    /// The model, such as `gpt-realtime-translate`: for a client secret only. A `session.update` has none.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Field::Value(model.into());
        self
    }

    /// Transcribes what is said, in its own language.
    #[must_use]
    pub fn transcription(mut self, transcription: impl Into<Transcription>) -> Self {
        self.audio.or_default().input_mut().transcription = Field::Value(transcription.into());
        self
    }

    /// Switches that transcription off.
    #[must_use]
    pub fn no_transcription(mut self) -> Self {
        self.audio.or_default().input_mut().transcription = Field::Null;
        self
    }

    /// Reduces noise before the model.
    #[must_use]
    pub fn noise_reduction(mut self, noise_reduction: impl Into<NoiseReduction>) -> Self {
        self.audio.or_default().input_mut().noise_reduction = Field::Value(noise_reduction.into());
        self
    }

    /// Switches noise reduction off.
    #[must_use]
    pub fn no_noise_reduction(mut self) -> Self {
        self.audio.or_default().input_mut().noise_reduction = Field::Null;
        self
    }
}
