//! Events of the session.

use serde::{Deserialize, Serialize};

use crate::Field;
use crate::field;
use crate::session::Session;

/// `session.update`: change the session. Absent fields stay as they are. Answered by `session.updated`, or `error` and nothing is changed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SessionUpdate {
    /// An id of the client's choice, at most 512 characters; an `error` refers to it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub event_id: Field<String>,
    /// The fields to change.
    #[serde(default, deserialize_with = "field::or_default")]
    pub session: Session,
}

/// `session.close`: end a translation session after what is under way.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SessionClose {
    /// An id of the client's choice, at most 512 characters; an `error` refers to it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub event_id: Field<String>,
}
