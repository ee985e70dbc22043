//! Events of the session.

use serde::{Deserialize, Serialize};

use crate::field;
use crate::session::Session;

/// `session.created`: the session is there: always the first event of a connection.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SessionCreated {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// Its settings.
    #[serde(default, deserialize_with = "field::or_default")]
    pub session: Session,
}

/// `session.updated`: a `session.update` took effect.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SessionUpdated {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// All settings, as they are now.
    #[serde(default, deserialize_with = "field::or_default")]
    pub session: Session,
}

/// `session.closed`: a translation session ended; the socket closes next.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SessionClosed {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
}
