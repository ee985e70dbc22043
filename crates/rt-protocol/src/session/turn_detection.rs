//! How the service finds the end of a turn.

use serde::{Deserialize, Deserializer, Serialize};

use crate::open_enum::open_enum;
use crate::tagged::{self, Fields, Tagged};
use crate::{Field, RawObject};

/// Voice activity detection by the service. `null` in its place means that the client commits turns itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type")]
#[non_exhaustive]
pub enum TurnDetection {
    /// By loudness and silence.
    #[serde(rename = "server_vad")]
    ServerVad(ServerVad),
    /// By whether the sentence sounds finished.
    #[serde(rename = "semantic_vad")]
    SemanticVad(SemanticVad),
    /// A kind this version does not know.
    #[serde(untagged)]
    Unknown(RawObject),
}

/// Settings of `server_vad`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ServerVad {
    /// Activation threshold, 0 to 1, default 0.5. Higher wants louder speech.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub threshold: Field<f64>,
    /// Audio kept from before the detected start, in milliseconds, default 300.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub prefix_padding_ms: Field<u32>,
    /// Silence that ends a turn, in milliseconds. The service reports 200 unless set.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub silence_duration_ms: Field<u32>,
    /// Answer by itself after this silence, 5,000 to 30,000 milliseconds; `null` never.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub idle_timeout_ms: Field<u32>,
    /// Whether the end of a turn starts a response, default true.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub create_response: Field<bool>,
    /// Whether speech interrupts a response, default true.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub interrupt_response: Field<bool>,
    /// The version of the detector's model, as the service reports it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub model_version: Field<String>,
}

impl ServerVad {
    /// Voice activity detection with every setting at its default.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Activation threshold, 0 to 1, default 0.5. Higher wants louder speech.
    #[must_use]
    pub fn threshold(mut self, threshold: f64) -> Self {
        self.threshold = threshold.into();
        self
    }

    /// Audio kept from before the detected start, in milliseconds, default 300.
    #[must_use]
    pub fn prefix_padding_ms(mut self, prefix_padding_ms: u32) -> Self {
        self.prefix_padding_ms = prefix_padding_ms.into();
        self
    }

    /// Silence that ends a turn, in milliseconds. The service reports 200 unless set.
    #[must_use]
    pub fn silence_duration_ms(mut self, silence_duration_ms: u32) -> Self {
        self.silence_duration_ms = silence_duration_ms.into();
        self
    }

    /// Answers by itself after this silence, 5,000 to 30,000 milliseconds.
    #[must_use]
    pub fn idle_timeout_ms(mut self, idle_timeout_ms: u32) -> Self {
        self.idle_timeout_ms = idle_timeout_ms.into();
        self
    }

    /// Never answers by itself: the default.
    #[must_use]
    pub fn no_idle_timeout(mut self) -> Self {
        self.idle_timeout_ms = Field::Null;
        self
    }

    /// Whether the end of a turn starts a response, default true.
    #[must_use]
    pub fn create_response(mut self, create_response: bool) -> Self {
        self.create_response = create_response.into();
        self
    }

    /// Whether speech interrupts a response, default true.
    #[must_use]
    pub fn interrupt_response(mut self, interrupt_response: bool) -> Self {
        self.interrupt_response = interrupt_response.into();
        self
    }
}

/// Settings of `semantic_vad`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SemanticVad {
    /// How soon a turn is taken as finished.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub eagerness: Field<Eagerness>,
    /// Whether the end of a turn starts a response, default true.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub create_response: Field<bool>,
    /// Whether speech interrupts a response, default true.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub interrupt_response: Field<bool>,
    /// The version of the detector's model, as the service reports it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub model_version: Field<String>,
}

impl SemanticVad {
    /// Semantic detection with every setting at its default.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How soon a turn is taken as finished.
    #[must_use]
    pub fn eagerness(mut self, eagerness: Eagerness) -> Self {
        self.eagerness = eagerness.into();
        self
    }

    /// Whether the end of a turn starts a response, default true.
    #[must_use]
    pub fn create_response(mut self, create_response: bool) -> Self {
        self.create_response = create_response.into();
        self
    }

    /// Whether speech interrupts a response, default true.
    #[must_use]
    pub fn interrupt_response(mut self, interrupt_response: bool) -> Self {
        self.interrupt_response = interrupt_response.into();
        self
    }
}

open_enum! {
    /// How eager semantic detection is to answer.
    pub enum Eagerness {
        /// The same as medium.
        Auto = "auto",
        /// Waits up to 8 s.
        Low = "low",
        /// Waits up to 4 s.
        Medium = "medium",
        /// Waits up to 2 s.
        High = "high",
    }
}

impl From<ServerVad> for TurnDetection {
    fn from(vad: ServerVad) -> Self {
        Self::ServerVad(vad)
    }
}

impl From<SemanticVad> for TurnDetection {
    fn from(vad: SemanticVad) -> Self {
        Self::SemanticVad(vad)
    }
}

impl<'de> Tagged<'de> for TurnDetection {
    const EXPECTED: &'static str = "a turn_detection object";

    fn variant<A: serde::de::MapAccess<'de>>(
        tag: Option<&str>,
        fields: Fields<'de, A>,
    ) -> Result<Self, A::Error> {
        match tag {
            Some("server_vad") => fields.read().map(Self::ServerVad),
            Some("semantic_vad") => fields.read().map(Self::SemanticVad),
            _ => fields.raw().map(Self::Unknown),
        }
    }
}

impl<'de> Deserialize<'de> for TurnDetection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        tagged::deserialize(deserializer)
    }
}
