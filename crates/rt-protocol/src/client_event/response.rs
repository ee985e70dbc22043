//! Events of a response as a whole.

use serde::{Deserialize, Serialize};

use crate::Field;
use crate::response::ResponseParams;

/// `response.create`: ask for a response. Refused while another one of the conversation is active.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseCreate {
    /// An id of the client's choice, at most 512 characters; an `error` refers to it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub event_id: Field<String>,
    /// Settings of this response only.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub response: Field<Box<ResponseParams>>,
}

impl ResponseCreate {
    /// Asks for a response with settings of its own. Without any: `ResponseCreate::default()`.
    #[must_use]
    pub fn new(params: ResponseParams) -> Self {
        Self {
            response: Field::Value(Box::new(params)),
            ..Self::default()
        }
    }
}

/// `response.cancel`: stop a response. Answered by `response.done` with status `cancelled`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseCancel {
    /// An id of the client's choice, at most 512 characters; an `error` refers to it.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub event_id: Field<String>,
    /// Which one; the conversation's active one unless set.
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    pub response_id: Field<String>,
}

impl ResponseCancel {
    /// Stops this response. The active one of the conversation: `ResponseCancel::default()`.
    #[must_use]
    pub fn new(response_id: impl Into<String>) -> Self {
        Self {
            response_id: Field::Value(response_id.into()),
            ..Self::default()
        }
    }
}
