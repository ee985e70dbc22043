//! Events of the session.

use serde::{Deserialize, Serialize, Serializer};

use crate::DecodeError;
use crate::Field;
use crate::field;
use crate::session::{Session, Untyped};

/// `session.update`: change the session. Absent fields stay as they are. Answered by `session.updated`, or `error` and nothing is changed.
///
/// The session is written with its `type`, but that of a translation without: its endpoint knows no other kind, and its
/// `session.update` has no such field, so one that was read is not written again. To read a session without, say so:
/// [`ClientEvent::from_json_for`](crate::ClientEvent::from_json_for).
///
/// ```
/// use rt_protocol::ClientEvent;
/// use rt_protocol::client_event::SessionUpdate;
/// use rt_protocol::{RealtimeSession, session::TranslationSession};
///
/// let update = SessionUpdate::new(RealtimeSession::new().instructions("Be brief."));
/// assert_eq!(
///     ClientEvent::from(update).to_json(),
///     r#"{"type":"session.update","session":{"type":"realtime","instructions":"Be brief."}}"#,
/// );
/// let update = SessionUpdate::new(TranslationSession::to("es"));
/// assert_eq!(
///     ClientEvent::from(update).to_json(),
///     r#"{"type":"session.update","session":{"audio":{"output":{"language":"es"}}}}"#,
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SessionUpdate {
    /// An id of the client's choice, at most 512 characters; an `error` refers to it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub event_id: Field<String>,
    /// The fields to change.
    #[serde(default, deserialize_with = "field::or_default", serialize_with = "as_client")]
    pub session: Session,
}

impl SessionUpdate {
    /// Sets the fields that `session` has.
    #[must_use]
    pub fn new(session: impl Into<Session>) -> Self {
        Self {
            session: session.into(),
            ..Self::default()
        }
    }

    /// Reads the event as a client of a translation endpoint sends it.
    pub(crate) fn from_translation(name: &str, json: &str) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Wire {
            #[serde(default)]
            event_id: Field<String>,
            #[serde(default, deserialize_with = "field::or_default")]
            session: Untyped,
        }
        crate::read::body(name, json).map(|Wire { event_id, session }| Self {
            event_id,
            session: session.0,
        })
    }
}

/// A session as a client sends it: a translation has no `type`.
fn as_client<S: Serializer>(session: &Session, serializer: S) -> Result<S::Ok, S::Error> {
    match session {
        Session::Translation(session) => session.serialize(serializer),
        session => session.serialize(serializer),
    }
}

/// `session.close`: end a translation session after what is under way.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SessionClose {
    /// An id of the client's choice, at most 512 characters; an `error` refers to it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub event_id: Field<String>,
}
