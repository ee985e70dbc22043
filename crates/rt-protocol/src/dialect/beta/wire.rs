//! Reading and writing one message.

use serde::{Deserialize, Serialize};

use crate::error::{DecodeError, DecodeErrorKind};

/// Reads a struct from a message whose type is known.
pub(super) fn read<'a, T: Deserialize<'a>>(event_type: &str, json: &'a str) -> Result<T, DecodeError> {
    crate::plain::from_str_or_error(json).map_err(|error| {
        let kind = if error.is_data() {
            DecodeErrorKind::Body
        } else {
            DecodeErrorKind::NotJson
        };
        DecodeError::new(kind, Some(event_type), Some(&error), json)
    })
}

/// Writes a payload under the given type.
pub(super) fn write(event_type: &str, payload: &impl Serialize) -> String {
    #[derive(Serialize)]
    struct Event<'a, T> {
        #[serde(rename = "type")]
        event_type: &'a str,
        #[serde(flatten)]
        payload: &'a T,
    }
    crate::events::to_json(&Event { event_type, payload })
}
