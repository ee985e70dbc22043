//! Ephemeral keys, for clients that must not see the real one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Field;
use crate::field;
use crate::http::{check_body, json_body};
use crate::limits::{CLIENT_SECRET_SECONDS, Check, LimitError, Path, present, within};
use crate::open_enum::open_enum;
use crate::session::{Session, TranslationSession};

/// An ephemeral key, `ek_...`. `Debug` shows its length; it has no `Display`.
#[derive(Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientSecret(String);

impl ClientSecret {
    /// The key itself: it goes into the `Authorization` header of the client, and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientSecret({} bytes)", self.0.len())
    }
}

impl From<String> for ClientSecret {
    fn from(secret: String) -> Self {
        Self(secret)
    }
}

impl From<&str> for ClientSecret {
    fn from(secret: &str) -> Self {
        Self(secret.to_owned())
    }
}

/// Asks for an ephemeral key: `POST realtime/client_secrets`.
///
/// See [OpenAI Realtime reference/client secrets](https://platform.openai.com/docs/api-reference/realtime-sessions/create-realtime-client-secret).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ClientSecretRequest {
    /// How long the key lives; 600 seconds unless set. The session it starts may last longer.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub expires_after: Field<ExpiresAfter>,
    /// The session a client starts with it: a conversation or a transcription. The client may still change it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub session: Field<Session>,
}

impl ClientSecretRequest {
    /// A key for such a session.
    #[must_use]
    pub fn new(session: impl Into<Session>) -> Self {
        Self {
            session: Field::Value(session.into()),
            ..Self::default()
        }
    }

    /// How long the key lives, in seconds: 10 to 7,200.
    #[must_use]
    pub fn expires_after(mut self, seconds: u64) -> Self {
        self.expires_after = ExpiresAfter::new(seconds).into();
        self
    }
}

/// Asks for an ephemeral key of a translation: `POST realtime/translations/client_secrets`.
///
/// Its session is written without a `type`, as everything a client sends about translations.
///
/// ```
/// use rt_protocol::{http::TranslationSecretRequest, session::TranslationSession};
/// let request = TranslationSecretRequest::new(TranslationSession::to("es").model("gpt-realtime-translate"));
/// assert_eq!(
///     request.to_json(),
///     r#"{"session":{"model":"gpt-realtime-translate","audio":{"output":{"language":"es"}}}}"#,
/// );
/// ```
///
/// See [OpenAI Realtime reference](https://platform.openai.com/docs/api-reference/realtime).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TranslationSecretRequest {
    /// How long the key lives; 600 seconds unless set.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub expires_after: Field<ExpiresAfter>,
    /// The session a client starts with it. It needs a model.
    #[serde(default, deserialize_with = "field::or_default")]
    pub session: TranslationSession,
}

impl TranslationSecretRequest {
    /// A key for such a session, which needs a model.
    #[must_use]
    pub fn new(session: TranslationSession) -> Self {
        Self {
            session,
            ..Self::default()
        }
    }

    /// How long the key lives, in seconds: 10 to 7,200.
    #[must_use]
    pub fn expires_after(mut self, seconds: u64) -> Self {
        self.expires_after = ExpiresAfter::new(seconds).into();
        self
    }
}

/// When a key expires.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ExpiresAfter {
    /// From when on the time counts.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub anchor: Field<Anchor>,
    /// How long, in seconds: 10 to 7,200, default 600.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub seconds: Field<u64>,
}

impl ExpiresAfter {
    /// So many seconds after it was made: 10 to 7,200.
    #[must_use]
    pub const fn new(seconds: u64) -> Self {
        Self {
            anchor: Field::Value(Anchor::CreatedAt),
            seconds: Field::Value(seconds),
        }
    }
}

open_enum! {
    /// From when on the life of a key counts.
    pub enum Anchor {
        /// From when it was made.
        CreatedAt = "created_at",
    }
}

/// An ephemeral key and the session it is for: the answer to [`ClientSecretRequest`] and
/// [`TranslationSecretRequest`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ClientSecretResponse {
    /// The key.
    #[serde(default, deserialize_with = "field::or_default")]
    pub value: ClientSecret,
    /// When the key expires, in seconds since 1970.
    #[serde(default, deserialize_with = "field::or_default")]
    pub expires_at: u64,
    /// The session, with its id and all defaults.
    #[serde(default, deserialize_with = "field::or_default")]
    pub session: Session,
}

json_body! {
    ClientSecretRequest = "client_secrets request",
    TranslationSecretRequest = "translations/client_secrets request",
    ClientSecretResponse = "client_secrets response",
}
check_body!(ClientSecretRequest, TranslationSecretRequest);

impl Check for ExpiresAfter {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        within(&at.key("seconds"), &self.seconds, &CLIENT_SECRET_SECONDS)
    }
}

impl Check for ClientSecretRequest {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        at.key("expires_after").check_field(&self.expires_after)?;
        let at = at.key("session");
        if let Some(Session::Translation(_)) = self.session.value() {
            at.key("type").refuse(
                "translation",
                "realtime or transcription; translations have a path of their own",
            )?;
        }
        at.check_field(&self.session)
    }
}

impl Check for TranslationSecretRequest {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        at.key("expires_after").check_field(&self.expires_after)?;
        let at = at.key("session");
        present(
            &at.key("model"),
            self.session.model.as_deref(),
            "the name of a model",
        )?;
        at.check(&self.session)
    }
}
