//! How a response ended.

use serde::{Deserialize, Deserializer, Serialize};

use crate::either;
use crate::field;
use crate::open_enum::open_enum;
use crate::{Field, Text};

open_enum! {
    /// How far a response is, or how it ended.
    pub enum ResponseStatus {
        /// It is being made.
        InProgress = "in_progress",
        /// It is whole.
        Completed = "completed",
        /// It was stopped by the client or by speech.
        Cancelled = "cancelled",
        /// It failed.
        Failed = "failed",
        /// It hit a limit.
        Incomplete = "incomplete",
    }
}

/// Why a response ended as it did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(into = "Wire")]
pub struct StatusDetails {
    /// The status again.
    pub kind: Field<ResponseStatus>,
    /// Why it was cancelled or is incomplete.
    pub reason: Field<StatusReason>,
    /// Why it failed.
    pub error: Field<StatusError>,
    /// The details as text, which some servers send in place of the object.
    pub text: Option<Text>,
}

/// The error of a failed response.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StatusError {
    /// The kind of error.
    #[serde(rename = "type", default, skip_serializing_if = "Field::is_absent")]
    pub kind: Field<String>,
    /// Its code.
    #[serde(
        default,
        deserialize_with = "field::code",
        skip_serializing_if = "Field::is_absent"
    )]
    pub code: Field<String>,
    /// What happened.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub message: Field<String>,
}

open_enum! {
    /// Why a response was cancelled or is incomplete.
    pub enum StatusReason {
        /// The user spoke.
        TurnDetected = "turn_detected",
        /// The client cancelled it.
        ClientCancelled = "client_cancelled",
        /// It reached its limit of tokens.
        MaxOutputTokens = "max_output_tokens",
        /// The content filter stopped it.
        ContentFilter = "content_filter",
    }
}

/// The object, or a bare text.
#[derive(Serialize)]
#[serde(untagged)]
enum Wire {
    Text(Text),
    Object(WireObject),
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct WireObject {
    #[serde(rename = "type", default, skip_serializing_if = "Field::is_absent")]
    kind: Field<ResponseStatus>,
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    reason: Field<StatusReason>,
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    error: Field<StatusError>,
}

impl<'de> Deserialize<'de> for StatusDetails {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bare = |text: &str| Self {
            text: Some(text.into()),
            ..Self::default()
        };
        let full = |object: WireObject| Self {
            kind: object.kind,
            reason: object.reason,
            error: object.error,
            text: None,
        };
        either::deserialize(deserializer, "status details", bare, full)
    }
}

impl From<StatusDetails> for Wire {
    fn from(details: StatusDetails) -> Self {
        match details.text {
            Some(text) => Self::Text(text),
            None => Self::Object(WireObject {
                kind: details.kind,
                reason: details.reason,
                error: details.error,
            }),
        }
    }
}
