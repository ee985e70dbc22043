//! Audio settings of a session: formats, transcription, noise reduction, voice.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::RawObject;
use crate::either;
use crate::field;
use crate::open_enum::open_enum;
use crate::session::turn_detection::TurnDetection;
use crate::{Field, Text};

/// `session.audio`: what comes in and what goes out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SessionAudio {
    /// Audio from the user to the model.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub input: Field<AudioInput>,
    /// Audio from the model to the user.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub output: Field<AudioOutput>,
}

/// `session.audio.input`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AudioInput {
    /// The format of the appended audio; PCM16 at 24 kHz unless set.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub format: Field<AudioFormat>,
    /// Transcription of what the user says; `null` switches it off.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub transcription: Field<Transcription>,
    /// Noise reduction before voice activity detection and the model; `null` switches it off.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub noise_reduction: Field<NoiseReduction>,
    /// How the end of a turn is found; `null` leaves it to the client (push to talk).
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub turn_detection: Field<TurnDetection>,
}

/// `session.audio.output`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AudioOutput {
    /// The format of the model's audio; PCM16 at 24 kHz unless set.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub format: Field<AudioFormat>,
    /// The voice. It cannot change once the session has produced audio.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub voice: Field<Voice>,
    /// Speed of speech, 0.25 to 1.5, default 1. It changes only between turns.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub speed: Field<f64>,
    /// The language to translate into (translation sessions only), as a code such as `es`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub language: Field<String>,
}

open_enum! {
    /// The name of an audio format.
    pub enum AudioFormatKind {
        /// 16-bit signed little-endian mono samples at 24 kHz.
        Pcm = "audio/pcm",
        /// G.711 mu-law at 8 kHz.
        Pcmu = "audio/pcmu",
        /// G.711 A-law at 8 kHz.
        Pcma = "audio/pcma",
    }
}

/// An audio format: `{"type": "audio/pcm", "rate": 24000}`.
///
/// Older messages have a bare string (`"pcm16"`); it is read as a kind without a rate and written back bare.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AudioFormat {
    /// Which format.
    pub kind: Field<AudioFormatKind>,
    /// Samples per second. Only `audio/pcm` has it, and only 24,000 is valid.
    pub rate: Field<u32>,
    bare: bool,
}

impl AudioFormat {
    /// PCM16 at 24 kHz.
    #[must_use]
    pub const fn pcm() -> Self {
        Self {
            kind: Field::Value(AudioFormatKind::Pcm),
            rate: Field::Value(24_000),
            bare: false,
        }
    }

    /// G.711 mu-law at 8 kHz.
    #[must_use]
    pub const fn pcmu() -> Self {
        Self {
            kind: Field::Value(AudioFormatKind::Pcmu),
            rate: Field::Absent,
            bare: false,
        }
    }

    /// G.711 A-law at 8 kHz.
    #[must_use]
    pub const fn pcma() -> Self {
        Self {
            kind: Field::Value(AudioFormatKind::Pcma),
            rate: Field::Absent,
            bare: false,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct AudioFormatObject {
    #[serde(rename = "type", default, skip_serializing_if = "Field::is_absent")]
    kind: Field<AudioFormatKind>,
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    rate: Field<u32>,
}

impl Serialize for AudioFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.kind {
            Field::Value(kind) if self.bare => kind.serialize(serializer),
            kind => AudioFormatObject {
                kind: kind.clone(),
                rate: self.rate,
            }
            .serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for AudioFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bare = |text: &str| Self {
            kind: AudioFormatKind::from(text).into(),
            rate: Field::Absent,
            bare: true,
        };
        let full = |object: AudioFormatObject| Self {
            kind: object.kind,
            rate: object.rate,
            bare: false,
        };
        either::deserialize(deserializer, "an audio format", bare, full)
    }
}

/// Settings of input transcription.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Transcription {
    /// The transcription model, such as `gpt-realtime-whisper` or `gpt-transcribe`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub model: Field<String>,
    /// The language spoken, as an ISO-639-1 code such as `en`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub language: Field<String>,
    /// Several languages that may be spoken.
    #[serde(
        default,
        deserialize_with = "field::list",
        skip_serializing_if = "Field::is_absent"
    )]
    pub languages: Field<Vec<String>>,
    /// Words to listen for.
    #[serde(
        default,
        deserialize_with = "field::list",
        skip_serializing_if = "Field::is_absent"
    )]
    pub keywords: Field<Vec<String>>,
    /// A hint for the transcription model.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub prompt: Field<Text>,
    /// How long the model may wait for context before it writes.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub delay: Field<TranscriptionDelay>,
}

impl Transcription {
    /// Transcription by the given model, everything else at its default.
    #[must_use]
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            model: Field::Value(model.into()),
            ..Self::default()
        }
    }

    /// The language spoken, as an ISO-639-1 code such as `en`.
    #[must_use]
    pub fn language(mut self, language: impl Into<String>) -> Self {
        self.language = Field::Value(language.into());
        self
    }

    /// Several languages that may be spoken; at least one.
    #[must_use]
    pub fn languages(mut self, languages: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.languages = Field::Value(languages.into_iter().map(Into::into).collect());
        self
    }

    /// Words to listen for.
    #[must_use]
    pub fn keywords(mut self, keywords: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.keywords = Field::Value(keywords.into_iter().map(Into::into).collect());
        self
    }

    /// A hint for the transcription model.
    #[must_use]
    pub fn prompt(mut self, prompt: impl Into<Text>) -> Self {
        self.prompt = Field::Value(prompt.into());
        self
    }

    /// How long the model may wait for context before it writes.
    #[must_use]
    pub fn delay(mut self, delay: TranscriptionDelay) -> Self {
        self.delay = delay.into();
        self
    }
}

impl From<&str> for Transcription {
    fn from(model: &str) -> Self {
        Self::new(model)
    }
}

open_enum! {
    /// How long a transcription may lag for better text.
    pub enum TranscriptionDelay {
        /// The least.
        Minimal = "minimal",
        /// Little.
        Low = "low",
        /// Some.
        Medium = "medium",
        /// Much.
        High = "high",
        /// The most.
        XHigh = "xhigh",
    }
}

/// Noise reduction of the input.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct NoiseReduction {
    /// Which kind of microphone.
    #[serde(rename = "type", default, skip_serializing_if = "Field::is_absent")]
    pub kind: Field<NoiseReductionKind>,
    /// How strong, 0 to 1.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub strength: Field<f64>,
}

impl NoiseReduction {
    /// Noise reduction for the given kind of microphone.
    #[must_use]
    pub const fn new(kind: NoiseReductionKind) -> Self {
        Self {
            kind: Field::Value(kind),
            strength: Field::Absent,
        }
    }

    /// How strong, 0 to 1.
    #[must_use]
    pub fn strength(mut self, strength: f64) -> Self {
        self.strength = strength.into();
        self
    }
}

impl From<NoiseReductionKind> for NoiseReduction {
    fn from(kind: NoiseReductionKind) -> Self {
        Self::new(kind)
    }
}

open_enum! {
    /// Where the microphone is.
    pub enum NoiseReductionKind {
        /// Close to the mouth: headsets, handsets.
        NearField = "near_field",
        /// In the room: laptops, conference phones.
        FarField = "far_field",
    }
}

/// The voice of the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Voice {
    /// One of the service's voices, by name.
    Named(VoiceName),
    /// A voice of your own, or one with settings.
    Custom(CustomVoice),
}

impl<'de> Deserialize<'de> for Voice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        either::deserialize(
            deserializer,
            "a voice, by name or as an object",
            |text| Self::Named(text.into()),
            Self::Custom,
        )
    }
}

impl From<VoiceName> for Voice {
    fn from(name: VoiceName) -> Self {
        Self::Named(name)
    }
}

impl From<&str> for Voice {
    fn from(name: &str) -> Self {
        Self::Named(name.into())
    }
}

impl From<CustomVoice> for Voice {
    fn from(voice: CustomVoice) -> Self {
        Self::Custom(voice)
    }
}

/// A voice given as an object.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CustomVoice {
    /// The voice's id, `voice_...`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub id: Field<String>,
    /// The voice's name (Azure).
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub name: Field<String>,
    /// The voice's kind (Azure), such as `azure-standard`.
    #[serde(rename = "type", default, skip_serializing_if = "Field::is_absent")]
    pub kind: Field<String>,
    /// What a kind of voice has beside (Azure), such as `endpoint_id` and `temperature`.
    #[serde(flatten)]
    pub other: RawObject,
}

impl CustomVoice {
    /// A voice of your own by its id, `voice_...`.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: Field::Value(id.into()),
            ..Self::default()
        }
    }
}

open_enum! {
    /// The service's voices.
    pub enum VoiceName {
        /// Alloy.
        Alloy = "alloy",
        /// Ash.
        Ash = "ash",
        /// Ballad.
        Ballad = "ballad",
        /// Cedar, recommended for quality.
        Cedar = "cedar",
        /// Coral.
        Coral = "coral",
        /// Echo.
        Echo = "echo",
        /// Marin, recommended for quality.
        Marin = "marin",
        /// Sage.
        Sage = "sage",
        /// Shimmer.
        Shimmer = "shimmer",
        /// Verse.
        Verse = "verse",
    }
}
