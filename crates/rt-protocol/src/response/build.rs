//! Setters of [`ResponseParams`]. They take and return the params, so they chain.

use crate::item::Item;
use crate::response::{ConversationChoice, ResponseParams};
use crate::session::{
    AudioFormat, AudioOutput, MaxOutputTokens, Modality, Prompt, Reasoning, ReasoningEffort, SessionAudio,
    Tool, ToolChoice, Voice,
};
use crate::{Field, Text};

impl ResponseParams {
    /// A response with the session's settings.
    ///
    /// ```
    /// use rt_protocol::{ClientEvent, Item, ResponseParams};
    /// use rt_protocol::client_event::ResponseCreate;
    ///
    /// let params = ResponseParams::new()
    ///     .out_of_band()
    ///     .text_only()
    ///     .metadata([("purpose", "summary")])
    ///     .input([Item::user_text("Roses or tulips?")]);
    /// assert_eq!(
    ///     serde_json::to_value(ClientEvent::from(ResponseCreate::new(params)))?,
    ///     serde_json::json!({
    ///         "type": "response.create",
    ///         "response": {
    ///             "conversation": "none",
    ///             "output_modalities": ["text"],
    ///             "metadata": {"purpose": "summary"},
    ///             "input": [{
    ///                 "type": "message",
    ///                 "role": "user",
    ///                 "content": [{"type": "input_text", "text": "Roses or tulips?"}],
    ///             }],
    ///         },
    ///     }),
    /// );
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What the response is made of: exactly one of the two.
    #[must_use]
    pub fn output_modalities(mut self, modalities: impl IntoIterator<Item = Modality>) -> Self {
        self.output_modalities = Field::Value(modalities.into_iter().collect());
        self
    }

    /// Text and no audio.
    #[must_use]
    pub fn text_only(self) -> Self {
        self.output_modalities([Modality::Text])
    }

    /// Audio, and its transcript.
    #[must_use]
    pub fn spoken(self) -> Self {
        self.output_modalities([Modality::Audio])
    }

    /// Instructions in place of the session's.
    #[must_use]
    pub fn instructions(mut self, instructions: impl Into<Text>) -> Self {
        self.instructions = Field::Value(instructions.into());
        self
    }

    /// All settings of audio at once, in place of those there are.
    #[must_use]
    pub fn audio(mut self, audio: SessionAudio) -> Self {
        self.audio = audio.into();
        self
    }

    /// The voice, by name or as an object. It cannot change once the session has produced audio.
    #[must_use]
    pub fn voice(mut self, voice: impl Into<Voice>) -> Self {
        self.audio_output().voice = Field::Value(voice.into());
        self
    }

    /// The format of the audio.
    #[must_use]
    pub fn output_format(mut self, format: AudioFormat) -> Self {
        self.audio_output().format = format.into();
        self
    }

    /// Adds a tool to those in place of the session's.
    #[must_use]
    pub fn tool(mut self, tool: impl Into<Tool>) -> Self {
        self.tools.or_default().push(tool.into());
        self
    }

    /// Tools in place of the session's.
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

    /// How much a reasoning model thinks before it answers.
    #[must_use]
    pub fn reasoning_effort(mut self, effort: ReasoningEffort) -> Self {
        self.reasoning = Field::Value(Reasoning::new(effort));
        self
    }

    /// The most tokens: 1 to 4,096, or [`MaxOutputTokens::INF`].
    #[must_use]
    pub fn max_output_tokens(mut self, tokens: impl Into<MaxOutputTokens>) -> Self {
        self.max_output_tokens = Field::Value(tokens.into());
        self
    }

    /// Which conversation the response is added to.
    #[must_use]
    pub fn conversation(mut self, conversation: ConversationChoice) -> Self {
        self.conversation = conversation.into();
        self
    }

    /// The response is not part of the conversation. Several such responses may run at once: give each a metadata
    /// entry to tell them apart.
    #[must_use]
    pub fn out_of_band(self) -> Self {
        self.conversation(ConversationChoice::None)
    }

    /// Adds pairs that the response's events echo: up to 16, keys of at most 64 characters, values of at most 512.
    #[must_use]
    pub fn metadata<K: Into<String>, V: Into<Text>>(
        mut self,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let metadata = self.metadata.or_default();
        metadata.extend(pairs.into_iter().map(|(key, value)| (key.into(), value.into())));
        self
    }

    /// A prompt stored with the service.
    #[must_use]
    pub fn prompt(mut self, prompt: impl Into<Prompt>) -> Self {
        self.prompt = Field::Value(prompt.into());
        self
    }

    /// What the model sees in place of the conversation; nothing at all if there are no items.
    #[must_use]
    pub fn input(mut self, items: impl IntoIterator<Item = Item>) -> Self {
        self.input = Field::Value(items.into_iter().collect());
        self
    }

    fn audio_output(&mut self) -> &mut AudioOutput {
        self.audio.or_default().output.or_default()
    }
}
