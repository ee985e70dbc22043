//! [`Access`]: who may connect, and to what. OpenAI refuses after the 101, Azure with the status of the handshake.

use rt_protocol::dialect::Dialect;
use rt_protocol::session::SessionKind;
use rt_protocol::{Field, Session};

use super::azure;
use super::calls::Calls;
use super::request::{Request, error_body};
use super::route::{Door, Route, Target};
use super::secrets::{Known, Secrets};

/// Models a realtime session can have.
const MODELS: &[&str] = &[
    "gpt-4o-realtime-preview",
    "gpt-4o-realtime-preview-2024-10-01",
    "gpt-4o-realtime-preview-2024-12-17",
    "gpt-4o-realtime-preview-2025-06-03",
    "gpt-4o-mini-realtime-preview",
    "gpt-4o-mini-realtime-preview-2024-12-17",
    "gpt-audio-1.5",
    "gpt-audio-mini",
    "gpt-audio-mini-2025-10-06",
    "gpt-audio-mini-2025-12-15",
];

/// The model of a session that names none.
pub(crate) const DEFAULT_MODEL: &str = "gpt-realtime";
/// The model of translations, and the family it is of.
const TRANSLATION_MODEL: &str = "gpt-realtime-translate";

/// Who may connect, and to which model. It holds keys, so it has no `Debug`.
#[derive(Clone, Default)]
pub(crate) struct Access {
    /// The good keys; if there are none, all are but the obviously bad ones.
    pub(crate) keys: Vec<String>,
    /// Models besides the known ones.
    pub(crate) models: Vec<String>,
}

/// An `error` event and the close that follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// `error.type`.
    pub(crate) error_type: String,
    /// `error.code`.
    pub(crate) code: Option<String>,
    /// `error.message`.
    pub(crate) message: String,
    /// The close code.
    pub(crate) close: u16,
    /// The close reason.
    pub(crate) reason: String,
}

impl Refusal {
    /// An `invalid_request_error`, whose close reason says so.
    fn new(close: u16, code: Option<&str>, message: impl Into<String>) -> Self {
        let error_type = "invalid_request_error";
        let reason = code.map_or_else(|| error_type.to_owned(), |code| format!("{error_type}.{code}"));
        Self {
            error_type: error_type.to_owned(),
            code: code.map(str::to_owned),
            message: message.into(),
            close,
            reason,
        }
    }
}

/// An HTTP status in place of the 101.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Denial {
    /// The status.
    pub(crate) status: u16,
    /// The body, JSON.
    pub(crate) body: String,
}

/// What a good request gets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Opening {
    /// The kind of session.
    pub(crate) kind: SessionKind,
    /// Its model; empty for a transcription, which says it in the session.
    pub(crate) model: String,
    /// The dialect it is held in.
    pub(crate) dialect: Dialect,
    /// The session that came with the ephemeral key, or with the call.
    pub(crate) session: Option<Session>,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    /// A session.
    Open(Box<Opening>),
    /// An `error` event and a close after the 101.
    Refuse(Refusal),
    /// No 101.
    Deny(Denial),
}

impl Opening {
    /// A session whose model is decided.
    fn new(door: Door, kind: SessionKind, model: String, mut session: Option<Session>) -> Self {
        match &mut session {
            Some(Session::Realtime(session)) => session.model = Field::Absent,
            Some(Session::Translation(session)) => session.model = Field::Absent,
            _ => {}
        }
        let dialect = if door == Door::AzurePreview {
            Dialect::Beta
        } else {
            Dialect::Ga
        };
        Self {
            kind,
            model,
            dialect,
            session,
        }
    }
}

/// What else decides about a request: keys and calls of this server, and the time.
#[derive(Clone, Copy)]
pub(crate) struct Books<'a> {
    /// The ephemeral keys.
    pub(crate) secrets: &'a Secrets,
    /// The calls.
    pub(crate) calls: &'a Calls,
    /// Seconds since 1970.
    pub(crate) now: u64,
}

/// What is wrong with where a request wants to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Astray {
    /// An `intent` that does not exist.
    Intent(String),
    /// No model.
    NoModel,
    /// A model that does not exist, or not for this kind of session.
    Model(String),
    /// A model in the address of a transcription.
    ModelOfTranscription,
    /// A call that does not exist, or that rings.
    Call,
    /// An ephemeral key, which opens a session of its own and no call.
    KeyOfCall,
}

/// A key that is none, or not for this.
fn bad_key() -> Refusal {
    Refusal::new(3000, Some("invalid_api_key"), "Incorrect API key provided.")
}

impl Access {
    /// What becomes of a request for a WebSocket.
    pub(crate) fn check(&self, request: &Request, route: &Route<'_>, books: Books<'_>) -> Verdict {
        match route.door {
            Door::OpenAi => self.check_openai(request, route, books),
            Door::Azure | Door::AzurePreview => match self.check_azure(request, route, books) {
                Ok(opening) => Verdict::Open(opening.into()),
                Err(denial) => Verdict::Deny(denial),
            },
        }
    }

    /// As OpenAI does it.
    fn check_openai(&self, request: &Request, route: &Route<'_>, books: Books<'_>) -> Verdict {
        let there = |session| self.destination(request, route, session, books.calls);
        if there(None) == Err(Astray::Call) {
            return Verdict::Deny(Denial {
                status: 404,
                body: error_body(None, "No such call."),
            });
        }
        let Some(key) = key_of(request) else {
            let message = "Missing bearer or basic authentication in header.";
            return Verdict::Refuse(Refusal::new(3000, None, message));
        };
        let Some(session) = self.admit(key, books) else {
            return Verdict::Refuse(bad_key());
        };
        let beta = request
            .header("openai-beta")
            .is_some_and(|value| value.contains("realtime"))
            || request
                .protocols()
                .any(|protocol| protocol == "openai-beta.realtime-v1");
        if beta {
            let message =
                "The beta form of the Realtime API is switched off. Leave out the OpenAI-Beta header.";
            return Verdict::Refuse(Refusal::new(4000, Some("beta_api_shape_disabled"), message));
        }
        let (code, message) = match there(session) {
            Ok(opening) => return Verdict::Open(opening.into()),
            Err(Astray::KeyOfCall) => return Verdict::Refuse(bad_key()),
            Err(Astray::Intent(intent)) => ("invalid_intent", format!("Invalid intent: '{intent}'.")),
            Err(Astray::NoModel | Astray::Call) => {
                ("missing_model", "You must provide a model parameter.".to_owned())
            }
            Err(Astray::Model(model)) => (
                "invalid_model",
                format!("Model '{model}' does not exist or cannot be used in this kind of session."),
            ),
            Err(Astray::ModelOfTranscription) => (
                "invalid_model",
                "A transcription session takes its model from the session, not from the address.".to_owned(),
            ),
        };
        Verdict::Refuse(Refusal::new(4000, Some(code), message))
    }

    /// As Azure does it.
    fn check_azure(&self, request: &Request, route: &Route<'_>, books: Books<'_>) -> Result<Opening, Denial> {
        let session = self.admit_azure(request, route.door, books)?;
        self.destination(request, route, session, books.calls)
            .map_err(|astray| azure::lost(&astray))
    }

    /// Azure's keys, and its `api-version`: the preview needs one, and at `/openai/v1` it is as bad as a bad key.
    pub(crate) fn admit_azure(
        &self,
        request: &Request,
        door: Door,
        books: Books<'_>,
    ) -> Result<Option<Session>, Denial> {
        let session = azure::key_of(request)
            .and_then(|key| self.admit(key, books))
            .ok_or_else(azure::bad_key)?;
        let version = request
            .query("api-version")
            .is_some_and(|version| !version.is_empty());
        match door {
            Door::AzurePreview if !version => Err(azure::no_version()),
            Door::Azure if version => Err(azure::bad_key()),
            _ => Ok(session),
        }
    }

    /// The session that comes with a good key, if one does; `None` for a bad key.
    #[expect(clippy::option_option, reason = "the outer one is the verdict")]
    pub(crate) fn admit(&self, key: &str, books: Books<'_>) -> Option<Option<Session>> {
        match books.secrets.look_up(key, books.now) {
            Known::Good(session) => Some(Some(session)),
            Known::Expired => None,
            Known::Never => self.is_good(key).then_some(None),
        }
    }

    /// The session a request asks for. What comes with the key decides where the address does not.
    fn destination(
        &self,
        request: &Request,
        route: &Route<'_>,
        session: Option<Session>,
        calls: &Calls,
    ) -> Result<Opening, Astray> {
        if let Some(id) = request
            .query("call_id")
            .filter(|_| route.target == Target::Realtime)
        {
            let call = calls.session(id).ok_or(Astray::Call)?;
            if session.is_some() {
                return Err(Astray::KeyOfCall);
            }
            let session = call;
            let model = session
                .model
                .value()
                .map_or(DEFAULT_MODEL, String::as_str)
                .to_owned();
            return Ok(Opening::new(
                route.door,
                SessionKind::Realtime,
                model,
                Some(session.into()),
            ));
        }
        let parameter = if route.door == Door::AzurePreview {
            "deployment"
        } else {
            "model"
        };
        let model = request.query(parameter).filter(|model| !model.is_empty());
        let kind = match (route.target, request.query("intent")) {
            (Target::Translations, _) => SessionKind::Translation,
            (_, Some("transcription")) => SessionKind::Transcription,
            (_, None) if model.is_none() && matches!(session, Some(Session::Transcription(_))) => {
                SessionKind::Transcription
            }
            (_, None | Some("realtime")) => SessionKind::Realtime,
            (_, Some(other)) => return Err(Astray::Intent(other.chars().take(64).collect())),
        };
        let session = session.filter(|session| session.kind() == Some(kind));
        if kind == SessionKind::Transcription {
            if model.is_some() && route.door == Door::OpenAi {
                return Err(Astray::ModelOfTranscription);
            }
            return Ok(Opening::new(route.door, kind, String::new(), session));
        }
        let of_session = match &session {
            Some(Session::Realtime(session)) => session.model.value(),
            Some(Session::Translation(session)) => session.model.value(),
            _ => None,
        };
        let Some(model) = model
            .or_else(|| of_session.map(String::as_str))
            .map(str::to_owned)
        else {
            return Err(Astray::NoModel);
        };
        if !self.knows(kind, &model) {
            return Err(Astray::Model(model.chars().take(64).collect()));
        }
        Ok(Opening::new(route.door, kind, model, session))
    }

    /// Without a list, every key is good that does not say of itself that it is bad.
    fn is_good(&self, key: &str) -> bool {
        if self.keys.is_empty() {
            let name = key.strip_prefix("sk-").unwrap_or(key);
            !name.is_empty() && !name.starts_with("bad") && !name.starts_with("invalid")
        } else {
            self.keys.iter().any(|good| good == key)
        }
    }

    /// The `gpt-realtime` family, the older ones by name, and what was added. Models for transcription are for no
    /// address, those for translation for theirs.
    pub(crate) fn knows(&self, kind: SessionKind, model: &str) -> bool {
        if self.models.iter().any(|known| known == model) {
            return true;
        }
        if kind == SessionKind::Translation {
            return model == TRANSLATION_MODEL || model.starts_with(&format!("{TRANSLATION_MODEL}-"));
        }
        let other_kind =
            model.contains("whisper") || model.contains("translate") || model.contains("transcribe");
        let family = model == DEFAULT_MODEL || model.starts_with("gpt-realtime-");
        (family && !other_kind) || MODELS.contains(&model)
    }
}

/// The key of a request: a bearer token, or the browsers' WebSocket protocol.
pub(crate) fn key_of(request: &Request) -> Option<&str> {
    if request.header("authorization").is_some() {
        return bearer(request);
    }
    request
        .protocols()
        .find_map(|protocol| protocol.strip_prefix("openai-insecure-api-key."))
}

/// A bearer token.
pub(crate) fn bearer(request: &Request) -> Option<&str> {
    let value = request.header("authorization")?;
    let (scheme, key) = value.split_once(' ').unwrap_or((value, ""));
    Some(key.trim()).filter(|key| scheme.eq_ignore_ascii_case("bearer") && !key.is_empty())
}

#[cfg(test)]
mod tests;
