//! [`SessionKind`]: which of the three protocols a connection speaks.

use serde::{Deserialize, Deserializer};

use crate::session::{Session, TranslationSession};
use crate::tagged::{self, Fields, Tagged};

/// The kind of a session, which follows from the address of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionKind {
    /// `realtime?model=...`: a conversation with a model.
    Realtime,
    /// `realtime?intent=transcription`: speech to text.
    Transcription,
    /// `realtime/translations?model=...`: speech to speech in another language.
    Translation,
}

impl Session {
    /// The kind, by the session's `type`; `None` for a type this version does not know, or none at all.
    #[must_use]
    pub const fn kind(&self) -> Option<SessionKind> {
        match self {
            Self::Realtime(_) => Some(SessionKind::Realtime),
            Self::Transcription(_) => Some(SessionKind::Transcription),
            Self::Translation(_) => Some(SessionKind::Translation),
            Self::Unknown(_) => None,
        }
    }
}

/// A session as a client of a translation endpoint sends it: without `type`.
pub(crate) struct Untyped(pub(crate) Session);

impl Default for Untyped {
    fn default() -> Self {
        Self(TranslationSession::default().into())
    }
}

impl<'de> Tagged<'de> for Untyped {
    const EXPECTED: &'static str = "a session object";

    fn variant<A: serde::de::MapAccess<'de>>(
        tag: Option<&str>,
        fields: Fields<'de, A>,
    ) -> Result<Self, A::Error> {
        match tag {
            None => fields.read().map(Session::Translation),
            tag => Session::variant(tag, fields),
        }
        .map(Self)
    }
}

impl<'de> Deserialize<'de> for Untyped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        tagged::deserialize(deserializer)
    }
}
