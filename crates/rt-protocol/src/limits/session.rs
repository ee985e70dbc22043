//! Sessions and what responses share with them.

use crate::Field;
use crate::item::Item;
use crate::limits::{
    Check, LimitError, MAX_OUTPUT_TOKENS, METADATA_KEY_CHARS, METADATA_PAIRS, METADATA_VALUE_CHARS,
    MODELS_WITHOUT_VAD, Path, RETENTION_RATIO, chars, name, present, within,
};
use crate::response::{Metadata, ResponseParams};
use crate::session::ReasoningEffort;
use crate::session::{
    Include, MaxOutputTokens, Modality, Prompt, RealtimeSession, Reasoning, Session, Tracing,
    TranscriptionSession, TranslationSession, Truncation, TurnDetection,
};

macro_rules! session_check {
    ($($Session:ty),*) => {$(
        impl $Session {
            /// Checks the session against the [limits](crate::limits) of the service.
            ///
            /// # Errors
            /// [`LimitError`] for the first field beyond its limit; its path starts with `session`.
            pub fn check(&self) -> Result<(), LimitError> {
                Path::Root.key("session").check(self)
            }
        }
    )*};
}
session_check!(Session, RealtimeSession, TranscriptionSession, TranslationSession);

impl ResponseParams {
    /// Checks the settings against the [limits](crate::limits) of the service.
    ///
    /// # Errors
    /// [`LimitError`] for the first field beyond its limit; its path starts with `response`.
    pub fn check(&self) -> Result<(), LimitError> {
        Path::Root.key("response").check(self)
    }
}

impl Check for Session {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        match self {
            Self::Realtime(session) => session.check_at(at),
            Self::Transcription(session) => session.check_at(at),
            Self::Translation(session) => session.check_at(at),
            Self::Unknown(_) => Ok(()),
        }
    }
}

impl Check for RealtimeSession {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        name(&at.key("model"), self.model.as_deref())?;
        modalities(&at.key("output_modalities"), &self.output_modalities)?;
        at.key("tools").check_list(&self.tools)?;
        at.key("tool_choice").check_field(&self.tool_choice)?;
        at.key("max_output_tokens").check_field(&self.max_output_tokens)?;
        at.key("reasoning").check_field(&self.reasoning)?;
        at.key("tracing").check_field(&self.tracing)?;
        at.key("truncation").check_field(&self.truncation)?;
        at.key("prompt").check_field(&self.prompt)?;
        at.key("audio").check_field(&self.audio)?;
        at.key("include").check_list(&self.include)
    }
}

impl Check for TranscriptionSession {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        at.key("audio").check_field(&self.audio)?;
        self.check_turns(at)?;
        at.key("include").check_list(&self.include)
    }
}

impl TranscriptionSession {
    /// Some models do not detect turns.
    fn check_turns(&self, at: &Path<'_>) -> Result<(), LimitError> {
        let Some(input) = self.audio.value().and_then(|audio| audio.input.value()) else {
            return Ok(());
        };
        let model = input.transcription.value().and_then(|it| it.model.as_deref());
        let kind = match input.turn_detection.value() {
            Some(TurnDetection::ServerVad(_)) => "server_vad",
            Some(TurnDetection::SemanticVad(_)) => "semantic_vad",
            Some(TurnDetection::Unknown(_)) | None => return Ok(()),
        };
        match model {
            Some(model) if MODELS_WITHOUT_VAD.contains(&model) => at
                .key("audio")
                .key("input")
                .key("turn_detection")
                .refuse(kind, format_args!("null with {model}")),
            _ => Ok(()),
        }
    }
}

impl Check for TranslationSession {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        name(&at.key("model"), self.model.as_deref())?;
        at.key("audio").check_field(&self.audio)
    }
}

impl Check for ResponseParams {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        modalities(&at.key("output_modalities"), &self.output_modalities)?;
        at.key("audio").check_field(&self.audio)?;
        at.key("tools").check_list(&self.tools)?;
        at.key("tool_choice").check_field(&self.tool_choice)?;
        at.key("reasoning").check_field(&self.reasoning)?;
        at.key("max_output_tokens").check_field(&self.max_output_tokens)?;
        name(
            &at.key("conversation"),
            self.conversation.value().map(|choice| choice.as_str()),
        )?;
        at.key("metadata").check_field(&self.metadata)?;
        at.key("prompt").check_field(&self.prompt)?;
        at.key("input").check_list::<Item>(&self.input)
    }
}

/// Exactly one of the two; a list with a value this version does not know passes.
fn modalities(at: &Path<'_>, field: &Field<Vec<Modality>>) -> Result<(), LimitError> {
    let Some(list) = field.value() else { return Ok(()) };
    for (n, modality) in list.iter().enumerate() {
        name(&at.index(n), Some(modality.as_str()))?;
    }
    if list.len() == 1 || list.iter().any(|modality| matches!(modality, Modality::Other(_))) {
        return Ok(());
    }
    let names: Vec<&str> = list.iter().take(3).map(Modality::as_str).collect();
    at.refuse(format_args!("{names:?}"), r#"["audio"] or ["text"]"#)
}

impl Check for MaxOutputTokens {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        match self {
            Self::Tokens(tokens) if !MAX_OUTPUT_TOKENS.contains(tokens) => at.refuse(
                tokens,
                format_args!(
                    "{} to {} or inf",
                    MAX_OUTPUT_TOKENS.start(),
                    MAX_OUTPUT_TOKENS.end()
                ),
            ),
            Self::Tokens(_) => Ok(()),
            Self::Named(limit) => name(at, Some(limit.as_str())),
        }
    }
}

impl Check for Reasoning {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        let effort = at.key("effort");
        match self.effort.value() {
            Some(ReasoningEffort::Other(other)) => {
                effort.refuse(format_args!("{other:?}"), "minimal, low, medium, high or xhigh")
            }
            _ => Ok(()),
        }
    }
}

impl Check for Tracing {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        match self {
            Self::Mode(mode) => name(at, Some(mode.as_str())),
            Self::Config(_) => Ok(()),
        }
    }
}

impl Check for Truncation {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        match self {
            Self::Mode(mode) => name(at, Some(mode.as_str())),
            // Another kind is one this version does not know.
            Self::RetentionRatio(it) if it.kind.as_deref().is_some_and(|kind| kind != "retention_ratio") => {
                Ok(())
            }
            Self::RetentionRatio(it) => {
                present(&at.key("type"), it.kind.as_deref(), "retention_ratio")?;
                let at = at.key("retention_ratio");
                if it.retention_ratio.value().is_none() {
                    at.refuse("missing", "0 to 1")?;
                }
                within(&at, &it.retention_ratio, &RETENTION_RATIO)
            }
        }
    }
}

impl Check for Prompt {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        present(&at.key("id"), Some(&self.id), "the id of a prompt")
    }
}

impl Check for Include {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        name(at, Some(self.as_str()))
    }
}

impl Check for Metadata {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        if self.len() > METADATA_PAIRS {
            at.refuse(
                format_args!("{} pairs", self.len()),
                format_args!("at most {METADATA_PAIRS} pairs"),
            )?;
        }
        for (key, value) in self {
            // A key that is too long is not repeated.
            let length = key.chars().count();
            if length > METADATA_KEY_CHARS {
                at.refuse(
                    format_args!("a key of {length} characters"),
                    format_args!("keys of at most {METADATA_KEY_CHARS} characters"),
                )?;
            }
            chars(&at.key(key), value, METADATA_VALUE_CHARS)?;
        }
        Ok(())
    }
}
