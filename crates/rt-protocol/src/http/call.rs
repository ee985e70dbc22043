//! Calls over WebRTC and SIP.

use serde::{Deserialize, Serialize};

use crate::field;
use crate::http::{check_body, json_body};
use crate::limits::{Check, LimitError, Path, has_scheme, present};
use crate::session::{RealtimeSession, Session};
use crate::{Field, Text};

/// Starts a WebRTC call: `POST realtime/calls`, as multipart form data of [`parts`](Self::parts).
///
/// With an ephemeral key the body is the bare SDP offer instead, as `application/sdp`: the session is part of the key.
///
/// ```
/// use rt_protocol::{RealtimeSession, http::CallCreate};
/// let call = CallCreate::new("v=0\r\n...", RealtimeSession::new().model("gpt-realtime-2.1"));
/// let [sdp, session] = &call.parts()[..] else { unreachable!() };
/// assert_eq!((sdp.name, sdp.content_type), ("sdp", "application/sdp"));
/// assert_eq!((session.name, session.content_type), ("session", "application/json"));
/// assert_eq!(session.body, r#"{"type":"realtime","model":"gpt-realtime-2.1"}"#);
/// ```
///
/// See [OpenAI Realtime reference/calls](https://platform.openai.com/docs/api-reference/realtime/create-call).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CallCreate {
    /// The SDP offer of the client.
    #[serde(default, deserialize_with = "field::or_default")]
    pub sdp: Text,
    /// The session.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub session: Field<Session>,
}

/// One part of a multipart form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The name of the form's field.
    pub name: &'static str,
    /// Its content type.
    pub content_type: &'static str,
    /// Its content.
    pub body: Text,
}

impl CallCreate {
    /// A call with the given SDP offer and session.
    #[must_use]
    pub fn new(sdp: impl Into<Text>, session: RealtimeSession) -> Self {
        Self {
            sdp: sdp.into(),
            session: Field::Value(session.into()),
        }
    }

    /// The parts of the form: `sdp`, and `session` if there is one.
    #[must_use]
    pub fn parts(&self) -> Vec<Part> {
        let mut parts = vec![Part {
            name: "sdp",
            content_type: "application/sdp",
            body: self.sdp.clone(),
        }];
        if let Some(session) = self.session.value() {
            parts.push(Part {
                name: "session",
                content_type: "application/json",
                body: crate::events::to_json(session).into(),
            });
        }
        parts
    }
}

/// The id of a new call, from the `Location` header of the answer to [`CallCreate`].
///
/// ```
/// assert_eq!(rt_protocol::http::call_id("/v1/realtime/calls/rtc_123"), Some("rtc_123"));
/// ```
#[must_use]
pub fn call_id(location: &str) -> Option<&str> {
    let path = location.split(['?', '#']).next().unwrap_or_default();
    let (_, id) = path.trim().trim_end_matches('/').rsplit_once("/calls/")?;
    (!id.is_empty() && !id.contains('/')).then_some(id)
}

/// Takes an incoming SIP call: `POST realtime/calls/{call_id}/accept`.
///
/// See [OpenAI Realtime reference/accept call](https://platform.openai.com/docs/api-reference/realtime-calls/accept-call).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallAccept(
    /// The session of the call, a conversation.
    pub Session,
);

impl From<RealtimeSession> for CallAccept {
    fn from(session: RealtimeSession) -> Self {
        Self(session.into())
    }
}

/// Turns an incoming SIP call down: `POST realtime/calls/{call_id}/reject`.
///
/// See [OpenAI Realtime reference/reject call](https://platform.openai.com/docs/api-reference/realtime-calls/reject-call).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CallReject {
    /// The SIP status the caller gets: 603 (decline) unless set.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub status_code: Field<u16>,
}

impl CallReject {
    /// The caller gets 486: busy here.
    pub const BUSY: Self = Self::new(486);

    /// The caller gets this SIP status.
    #[must_use]
    pub const fn new(status_code: u16) -> Self {
        Self {
            status_code: Field::Value(status_code),
        }
    }
}

/// Passes a SIP call on: `POST realtime/calls/{call_id}/refer`.
///
/// See [OpenAI Realtime reference/refer call](https://platform.openai.com/docs/api-reference/realtime-calls/refer-call).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CallRefer {
    /// To whom, as `tel:+14155550123` or `sip:agent@example.com`.
    #[serde(default, deserialize_with = "field::or_default")]
    pub target_uri: Text,
}

impl CallRefer {
    /// Passes the call on to this `tel:` or `sip:` address.
    #[must_use]
    pub fn new(target_uri: impl Into<Text>) -> Self {
        Self {
            target_uri: target_uri.into(),
        }
    }
}

json_body! {
    CallAccept = "calls/accept request",
    CallReject = "calls/reject request",
    CallRefer = "calls/refer request",
}
check_body!(CallCreate, CallAccept, CallRefer);

impl Check for CallCreate {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        present(&at.key("sdp"), Some(&self.sdp), "an SDP offer")?;
        self.session
            .value()
            .map_or(Ok(()), |session| conversation(&at.key("session"), session))
    }
}

impl Check for CallAccept {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        conversation(&at.key("session"), &self.0)
    }
}

/// Calls are conversations.
fn conversation(at: &Path<'_>, session: &Session) -> Result<(), LimitError> {
    match session {
        Session::Transcription(_) => at.key("type").refuse("transcription", "realtime"),
        Session::Translation(_) => at.key("type").refuse("translation", "realtime"),
        Session::Realtime(_) | Session::Unknown(_) => at.check(session),
    }
}

impl Check for CallRefer {
    fn check_at(&self, at: &Path<'_>) -> Result<(), LimitError> {
        let at = at.key("target_uri");
        let known = ["tel:", "sip:", "sips:"]
            .iter()
            .any(|scheme| has_scheme(&self.target_uri, scheme));
        if known {
            return Ok(());
        }
        at.refuse(
            format_args!("another address ({} bytes)", self.target_uri.len()),
            "tel: and a number, or sip: and an address",
        )
    }
}
