//! [`Session`]: a session of any kind.

use serde::{Deserialize, Deserializer, Serialize};

use super::{RealtimeSession, TranscriptionSession, TranslationSession};
use crate::RawObject;
use crate::tagged::{self, Fields, Tagged};

/// A session of any kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type")]
#[non_exhaustive]
pub enum Session {
    /// A conversation with a model.
    #[serde(rename = "realtime")]
    Realtime(Box<RealtimeSession>),
    /// Speech to text only.
    #[serde(rename = "transcription")]
    Transcription(Box<TranscriptionSession>),
    /// Speech in one language to speech in another.
    #[serde(rename = "translation")]
    Translation(Box<TranslationSession>),
    /// A kind this version does not know, or a beta session, which has no `type`.
    #[serde(untagged)]
    Unknown(RawObject),
}

impl Session {
    /// The session's id, which only the server gives.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Realtime(session) => session.id.as_deref(),
            Self::Transcription(session) => session.id.as_deref(),
            Self::Translation(session) => session.id.as_deref(),
            Self::Unknown(raw) => raw.0.get("id")?.as_str(),
        }
    }

    /// When the server will end the session, in seconds since 1970.
    #[must_use]
    pub fn expires_at(&self) -> Option<u64> {
        match self {
            Self::Realtime(session) => session.expires_at.value().copied(),
            Self::Transcription(session) => session.expires_at.value().copied(),
            Self::Translation(session) => session.expires_at.value().copied(),
            Self::Unknown(raw) => raw.0.get("expires_at")?.as_u64(),
        }
    }
}

impl From<RealtimeSession> for Session {
    fn from(session: RealtimeSession) -> Self {
        Self::Realtime(Box::new(session))
    }
}

impl From<TranscriptionSession> for Session {
    fn from(session: TranscriptionSession) -> Self {
        Self::Transcription(Box::new(session))
    }
}

impl From<TranslationSession> for Session {
    fn from(session: TranslationSession) -> Self {
        Self::Translation(Box::new(session))
    }
}

impl Default for Session {
    fn default() -> Self {
        RealtimeSession::default().into()
    }
}

impl<'de> Tagged<'de> for Session {
    const EXPECTED: &'static str = "a session object";

    fn variant<A: serde::de::MapAccess<'de>>(
        tag: Option<&str>,
        fields: Fields<'de, A>,
    ) -> Result<Self, A::Error> {
        match tag {
            Some("realtime") => fields.read().map(Self::Realtime),
            Some("transcription") => fields.read().map(Self::Transcription),
            Some("translation") => fields.read().map(Self::Translation),
            _ => fields.raw().map(Self::Unknown),
        }
    }
}

impl<'de> Deserialize<'de> for Session {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        tagged::deserialize(deserializer)
    }
}
