//! The `error` event.

use serde::{Deserialize, Serialize};

use crate::Field;
use crate::field;

/// `error`: a request was wrong or something failed. The session goes on unless a close follows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ErrorEvent {
    /// The event's id.
    #[serde(default, deserialize_with = "field::or_default")]
    pub event_id: String,
    /// What went wrong.
    #[serde(default, deserialize_with = "field::or_default")]
    pub error: ErrorDetails,
}

/// The error of an [`ErrorEvent`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ErrorDetails {
    /// The kind of error, such as `invalid_request_error` or `server_error`.
    #[serde(rename = "type", default, deserialize_with = "field::or_default")]
    pub kind: String,
    /// The code, such as `invalid_api_key`.
    #[serde(
        default,
        deserialize_with = "field::code",
        skip_serializing_if = "Field::is_absent"
    )]
    pub code: Field<String>,
    /// What happened.
    #[serde(default, deserialize_with = "field::or_default")]
    pub message: String,
    /// The parameter that was wrong, such as `session.audio.input.format.rate`.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub param: Field<String>,
    /// The `event_id` of the client event that caused it; `null` if that had none.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub event_id: Field<String>,
}

impl ErrorDetails {
    /// Whether the code or the kind is `name`: servers have moved names from one to the other.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.kind == name || self.code.as_deref() == Some(name)
    }
}
